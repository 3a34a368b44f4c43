"""Every condition operator, and every condition key that Trailbus writes, allowed and denied."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.simulation.authorization import Caller, UnreadablePolicy
from generator.simulation.authorization.conditions import OPERATORS, condition, holds
from generator.simulation.authorization.context import Context, Given

from .ask import (
    FORWARDER,
    FORWARDER_SESSION,
    KEY,
    MEMBER,
    ORGANIZATION,
    OU,
    RESPONDER_SESSION,
    RULE,
    ask_condition,
    condition_holds,
)

RULES = "arn:aws:events:us-east-1:222222222222:rule/trailbus/*"
TOPIC = "arn:aws:sns:us-east-1:222222222222:denies"


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", ["a", "b"], "c", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "a*", "a*", True),
        ("StringEquals", 7, "7", True),
        ("StringEquals", True, "true", True),
        ("StringNotEquals", "a", "a", False),
        ("StringNotEquals", "a", "A", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringEqualsIgnoreCase", "Owner", "oWNER", True),
        ("StringEqualsIgnoreCase", "Owner", "owners", False),
        ("StringEqualsIgnoreCase", "own*", "owner", False),
        ("StringNotEqualsIgnoreCase", "Owner", "oWNER", False),
        ("StringNotEqualsIgnoreCase", "Owner", "owners", True),
        ("StringLike", "a*", "abc", True),
        ("StringLike", "a?", "ab", True),
        ("StringLike", "a?", "abc", False),
        ("StringLike", "A*", "abc", False),
        ("StringLike", ["x", "a*"], "abc", True),
        ("StringLike", "arn:aws:s3:*:1:f/*", "arn:aws:s3:r:2:s/a:1:f/d", True),
        ("StringNotLike", "a*", "abc", False),
        ("StringNotLike", "a*", "bc", True),
        ("StringNotLike", ["a*", "b*"], "bc", False),
        ("NumericEquals", "10", "10.0", True),
        ("NumericEquals", 10, "11", False),
        ("NumericEquals", ["1", "2"], "2", True),
        ("NumericEquals", "10", "ten", False),
        ("NumericNotEquals", "10", "11", True),
        ("NumericNotEquals", "10", "10", False),
        ("NumericNotEquals", "10", "ten", True),
        ("NumericLessThan", "10", "9.9", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericLessThanEquals", "10", "10.1", False),
        ("NumericGreaterThan", "-1", "0", True),
        ("NumericGreaterThan", "1e2", "100", False),
        ("NumericGreaterThanEquals", "1e2", "100", True),
        ("NumericGreaterThanEquals", "1e2", "99", False),
        ("DateEquals", "2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", True),
        ("DateEquals", "2026-01-31T12:00:00Z", "2026-01-31T06:30:00-05:30", True),
        ("DateEquals", "2026-01-31", "2026-01-31T00:00:00Z", True),
        ("DateEquals", "2026-01", "2026-01-01", True),
        ("DateEquals", "2026", "1767225600", True),
        ("DateEquals", "1767225600", "2026-01-01T00:00:00Z", True),
        ("DateEquals", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5Z", False),
        ("DateEquals", "2026-01-31T12:00:00Z", "noon", False),
        ("DateNotEquals", "2026-01-31", "2026-02-01", True),
        ("DateNotEquals", "2026-01-31", "2026-01-31", False),
        ("DateLessThan", "2026-01-31T12:00:00Z", "2026-01-31T11:59:59Z", True),
        ("DateLessThan", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z", False),
        ("DateLessThanEquals", "2026-01-31T12:00:00Z", "2026-01-31T12:00Z", True),
        ("DateLessThanEquals", "2026-01-31", "2026-02-01", False),
        ("DateGreaterThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:02Z", True),
        ("DateGreaterThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:01Z", False),
        ("DateGreaterThanEquals", "2020-01-01T00:00:01-01:00", "2020-01-01T01:00:01Z", True),
        ("DateGreaterThanEquals", "2020-01-01", "2019-12-31", False),
        ("Bool", "true", "true", True),
        ("Bool", True, "True", True),
        ("Bool", "false", "true", False),
        ("Bool", "false", "no", False),
        ("BinaryEquals", "QmluYXJ5", b"Binary", True),
        ("BinaryEquals", "QmluYXJ5", "Binary", True),
        ("BinaryEquals", "QmluYXJ5", b"binary", False),
        ("IpAddress", "203.0.113.0/24", "203.0.113.9", True),
        ("IpAddress", "203.0.113.0/24", "203.0.114.9", False),
        ("IpAddress", "203.0.113.9", "203.0.113.9", True),
        ("IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5678::1", True),
        ("IpAddress", "2001:DB8:1234:5678::/64", "203.0.113.9", False),
        ("IpAddress", "0.0.0.0/0", "cloudtrail.amazonaws.com", False),
        ("NotIpAddress", "203.0.113.0/24", "203.0.113.9", False),
        ("NotIpAddress", ["203.0.113.0/24", "::/0"], "203.0.114.9", True),
        ("ArnEquals", RULE, RULE, True),
        ("ArnEquals", RULES, RULE, True),
        ("ArnEquals", RULE, RULE.replace("rule", "Rule"), False),
        ("ArnEquals", "arn:*:events:*:222222222222:rule/*", RULE, True),
        ("ArnEquals", "arn:aws:s3:*:1:f/*", "arn:aws:s3:r:2:s/a:1:f/d", False),
        ("ArnEquals", RULES, "not an ARN", False),
        ("ArnLike", RULES, RULE, True),
        ("ArnLike", [TOPIC, RULES], RULE, True),
        ("ArnLike", TOPIC, RULE, False),
        ("ArnNotEquals", RULES, RULE, False),
        ("ArnNotEquals", TOPIC, RULE, True),
        ("ArnNotLike", [TOPIC, RULES], RULE, False),
        ("ArnNotLike", RULES, TOPIC, True),
        ("Null", "true", "x", False),
        ("Null", False, "x", True),
        ("Null", ["true", "false"], "x", True),
    ],
)
def test_an_operator_compares_as_documented(
    operator: str, wanted: Any, value: Given, expected: bool
) -> None:
    assert condition_holds({operator: {"test:Key": wanted}}, {"TEST:key": value}) is expected


NEGATED = {
    "StringNotEquals",
    "StringNotEqualsIgnoreCase",
    "StringNotLike",
    "NumericNotEquals",
    "DateNotEquals",
    "NotIpAddress",
    "ArnNotEquals",
    "ArnNotLike",
}
SAMPLES = {
    "String": "a",
    "Numeric": "7",
    "Date": "2026-01-31",
    "Bool": "true",
    "Binary": "QQ==",
    "IpAddress": "203.0.113.0/24",
    "NotIpAddress": "203.0.113.0/24",
    "Arn": RULE,
}


def sample(operator: str) -> str:
    return next(value for prefix, value in SAMPLES.items() if operator.startswith(prefix))


@pytest.mark.parametrize("operator", sorted(set(OPERATORS) - {"Null"}))
def test_without_the_key_only_negated_operators_hold(operator: str) -> None:
    def missing(name: str) -> bool:
        return condition_holds({name: {"test:Key": sample(operator)}}, {})

    assert OPERATORS[operator].negated is (operator in NEGATED)
    assert missing(operator) is (operator in NEGATED)
    assert missing(f"{operator}IfExists")
    assert missing(f"ForAllValues:{operator}")
    assert missing(f"ForAllValues:{operator}IfExists")
    assert not missing(f"ForAnyValue:{operator}")
    # For this one AWS documents true (IfExists) and false (ForAnyValue).
    with pytest.raises(UnreadablePolicy, match="documents both answers"):
        missing(f"ForAnyValue:{operator}IfExists")


@pytest.mark.parametrize(("wanted", "expected"), [("true", True), ("false", False), (True, True)])
@pytest.mark.parametrize("context", [{}, {"test:Key": []}])
def test_null_asks_whether_the_key_is_missing(
    wanted: Any, expected: bool, context: dict[str, Given]
) -> None:
    assert condition_holds({"Null": {"test:Key": wanted}}, context) is expected


@pytest.mark.parametrize(
    ("operator", "wanted", "values", "expected"),
    [
        ("ForAllValues:StringEquals", ["owner", "cost"], ["owner"], True),
        ("ForAllValues:StringEquals", ["owner", "cost"], ["owner", "cost"], True),
        ("ForAllValues:StringEquals", ["owner", "cost"], ["owner", "dept"], False),
        ("ForAllValues:StringEquals", ["owner", "cost"], [], True),
        ("ForAllValues:StringNotLike", ["key1*"], ["key1:hr", "key1:legal"], False),
        ("ForAllValues:StringNotLike", ["key1*"], ["key1:hr", "key2:audit"], False),
        ("ForAllValues:StringNotLike", ["key1*", "key2*"], ["key3:audit"], True),
        ("ForAnyValue:StringEquals", ["owner", "cost"], ["owner", "dept"], True),
        ("ForAnyValue:StringEquals", ["owner", "cost"], ["dept"], False),
        ("ForAnyValue:StringEquals", ["owner", "cost"], [], False),
        ("ForAnyValue:StringNotEquals", ["owner", "cost"], ["owner", "cost"], False),
        ("ForAnyValue:StringNotEquals", ["owner", "cost"], ["owner", "dept"], True),
        ("ForAnyValue:StringLikeIfExists", ["own*"], ["owner", "dept"], True),
        ("ForAllValues:StringLikeIfExists", ["own*"], ["owner", "dept"], False),
        ("ForAnyValue:ArnLike", [RULES], [TOPIC, RULE], True),
        ("ForAllValues:NumericLessThan", ["10"], ["1", "11"], False),
    ],
)
def test_a_set_qualifier_asks_every_or_some_value(
    operator: str, wanted: list[str], values: list[str], expected: bool
) -> None:
    assert condition_holds({operator: {"aws:TagKeys": wanted}}, {"aws:TagKeys": values}) is expected


def test_several_values_need_a_set_qualifier() -> None:
    with pytest.raises(UnreadablePolicy, match="needs ForAllValues: or ForAnyValue:") as caught:
        condition_holds({"StringEquals": {"aws:TagKeys": "a"}}, {"aws:TagKeys": ["a", "b"]})
    assert caught.value.place == "queue policy, OnlyThen"
    # Another condition that fails makes the answer plain, whatever this one would say.
    both = {"StringEquals": {"aws:TagKeys": "a"}, "Bool": {"aws:SecureTransport": "true"}}
    assert not condition_holds(both, {"aws:TagKeys": ["a", "b"]})


def test_operators_and_keys_must_all_hold() -> None:
    wanted = {
        "StringEquals": {"aws:SourceAccount": MEMBER, "aws:SourceOrgID": ORGANIZATION},
        "ArnLike": {"aws:SourceArn": RULES},
    }
    context: dict[str, Given] = {
        "aws:SourceAccount": MEMBER,
        "aws:SourceOrgID": ORGANIZATION,
        "aws:SourceArn": RULE,
    }
    assert condition_holds(wanted, context)
    for key in context:
        assert not condition_holds(wanted, {**context, key: "another"})
        assert not condition_holds(wanted, {k: v for k, v in context.items() if k != key})


# One row per key that our policies use: the condition as written, what the request brings, who
# asks. Denied rows say what a person is told.
ALLOWED: list[tuple[dict[str, Any], dict[str, Given], Caller]] = [
    ({"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}, {}, FORWARDER_SESSION),
    ({"ArnEquals": {"aws:PrincipalArn": FORWARDER}}, {}, FORWARDER_SESSION),
    (
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/trailbus/forwarder"}},
        {},
        FORWARDER_SESSION,
    ),
    ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{OU}*"}}, {}, FORWARDER_SESSION),
    ({"StringEquals": {"aws:PrincipalAccount": MEMBER}}, {}, FORWARDER_SESSION),
    ({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}, {}, FORWARDER_SESSION),
    ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, {}, FORWARDER_SESSION),
    (
        {"Bool": {"events:eventBusInvocation": "true"}},
        {"events:eventBusInvocation": True},
        FORWARDER_SESSION,
    ),
    (
        {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}},
        {"aws:ResourceOrgID": ORGANIZATION},
        FORWARDER_SESSION,
    ),
    (
        {"ArnEquals": {"iam:PolicyARN": f"arn:aws:iam::{MEMBER}:policy/trailbus-require-mfa"}},
        {"iam:PolicyARN": f"arn:aws:iam::{MEMBER}:policy/trailbus-require-mfa"},
        RESPONDER_SESSION,
    ),
    (
        {"ForAllValues:StringEquals": {"aws:TagKeys": "owner"}, "Null": {"aws:TagKeys": "false"}},
        {"aws:TagKeys": ["owner"]},
        RESPONDER_SESSION,
    ),
    (
        {"StringEquals": {"ec2:CreateAction": "RunInstances"}},
        {"ec2:CreateAction": "RunInstances"},
        RESPONDER_SESSION,
    ),
    (
        {"StringEquals": {"sts:ExternalId": "trailbus"}},
        {"sts:ExternalId": "trailbus"},
        RESPONDER_SESSION,
    ),
    ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, {}, Caller.aws_service("sns.amazonaws.com")),
    (
        {"StringEquals": {"aws:PrincipalServiceName": "sns.amazonaws.com"}},
        {},
        Caller.aws_service("sns.amazonaws.com"),
    ),
    ({"ArnEquals": {"aws:SourceArn": RULE}}, {"aws:SourceArn": RULE}, Caller.aws_service("a.b")),
    ({"ArnLike": {"AWS:SourceArn": RULES}}, {"aws:SourceArn": RULE}, Caller.aws_service("a.b")),
    (
        {"StringEquals": {"aws:SourceAccount": MEMBER}},
        {"aws:SourceAccount": MEMBER},
        Caller.aws_service("s3.amazonaws.com"),
    ),
    (
        {"StringEquals": {"aws:SourceOrgID": ORGANIZATION}},
        {"aws:SourceOrgID": ORGANIZATION},
        Caller.aws_service("cloudtrail.amazonaws.com"),
    ),
    (
        {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
        {"s3:x-amz-acl": "bucket-owner-full-control"},
        Caller.aws_service("cloudtrail.amazonaws.com"),
    ),
    (
        {"StringEquals": {"kms:EncryptionContext:aws:cloudtrail:arn": TOPIC}},
        {"kms:EncryptionContext:aws:cloudtrail:arn": TOPIC},
        Caller.aws_service("cloudtrail.amazonaws.com"),
    ),
    (
        {"StringLike": {"kms:EncryptionContext:aws:sns:topicArn": "arn:aws:sns:*:*:denies"}},
        {"kms:EncryptionContext:aws:sns:topicArn": TOPIC},
        Caller.aws_service("sns.amazonaws.com"),
    ),
]


@pytest.mark.parametrize(("wanted", "context", "caller"), ALLOWED)
def test_the_keys_we_use_let_the_right_one_in(
    wanted: dict[str, Any], context: dict[str, Given], caller: Caller
) -> None:
    assert condition_holds(wanted, context, caller)


STRANGER = Caller.role_session(
    "arn:aws:iam::999999999999:role/forwarder", "x", organization="o-other1234"
)
LONER = Caller.role_session("arn:aws:iam::999999999999:role/forwarder", "x")
CLOUDTRAIL = Caller.aws_service("cloudtrail.amazonaws.com")


@pytest.mark.parametrize(
    ("wanted", "context", "caller", "because"),
    [
        (
            {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
            {},
            STRANGER,
            "aws:PrincipalOrgID is o-other1234, the policy wants o-a1b2c3d4e5",
        ),
        (
            {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
            {},
            LONER,
            "aws:PrincipalOrgID is missing, the policy wants o-a1b2c3d4e5",
        ),
        (
            {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
            {"aws:SourceOrgID": ORGANIZATION},
            CLOUDTRAIL,
            "aws:PrincipalOrgID is missing, the policy wants o-a1b2c3d4e5",
        ),
        (
            {"ArnEquals": {"aws:PrincipalArn": FORWARDER}},
            {},
            STRANGER,
            "aws:PrincipalArn is arn:aws:iam::999999999999:role/forwarder, the policy wants "
            + FORWARDER,
        ),
        (
            # A session's own ARN is never what aws:PrincipalArn says.
            {"ArnEquals": {"aws:PrincipalArn": str(FORWARDER_SESSION.arn)}},
            {},
            FORWARDER_SESSION,
            f"aws:PrincipalArn is {FORWARDER}, the policy wants {FORWARDER_SESSION.arn}",
        ),
        (
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/r-zz99/*"}},
            {},
            FORWARDER_SESSION,
            f"aws:PrincipalOrgPaths is {OU}, the policy wants some value to be "
            "o-a1b2c3d4e5/r-zz99/*",
        ),
        (
            {"Bool": {"events:eventBusInvocation": "true"}},
            {"events:eventBusInvocation": False},
            FORWARDER_SESSION,
            "events:eventBusInvocation is false, the policy wants true",
        ),
        (
            {"Bool": {"events:eventBusInvocation": "true"}},
            {},
            FORWARDER_SESSION,
            "events:eventBusInvocation is missing, the policy wants true",
        ),
        (
            {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}},
            {"aws:ResourceOrgID": ORGANIZATION},
            LONER,
            "aws:ResourceOrgID is o-a1b2c3d4e5, the policy wants ${aws:PrincipalOrgID} "
            "(where aws:PrincipalOrgID is missing)",
        ),
        (
            {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}},
            {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"},
            RESPONDER_SESSION,
            "iam:PolicyARN is arn:aws:iam::aws:policy/AdministratorAccess, the policy wants "
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
        ),
        (
            {"ForAllValues:StringEquals": {"aws:TagKeys": "owner"}},
            {"aws:TagKeys": ["owner", "dept"]},
            RESPONDER_SESSION,
            "aws:TagKeys is owner, dept, the policy wants every value to be owner",
        ),
        (
            {"Null": {"aws:TagKeys": "false"}},
            {},
            RESPONDER_SESSION,
            "aws:TagKeys is missing, the policy wants it there",
        ),
        (
            {"Null": {"aws:TagKeys": "true"}},
            {"aws:TagKeys": ["dept"]},
            RESPONDER_SESSION,
            "aws:TagKeys is dept, the policy wants it missing",
        ),
        (
            {"StringEquals": {"ec2:CreateAction": ["RunInstances", "CreateVolume"]}},
            {"ec2:CreateAction": "CreateSnapshot"},
            RESPONDER_SESSION,
            "ec2:CreateAction is CreateSnapshot, the policy wants RunInstances or CreateVolume",
        ),
        (
            {"StringEquals": {"sts:ExternalId": "trailbus"}},
            {},
            RESPONDER_SESSION,
            "sts:ExternalId is missing, the policy wants trailbus",
        ),
        (
            {"ArnEquals": {"aws:SourceArn": RULE}},
            {"aws:SourceArn": TOPIC},
            CLOUDTRAIL,
            f"aws:SourceArn is {TOPIC}, the policy wants {RULE}",
        ),
        (
            {"ArnEquals": {"aws:SourceArn": RULE}, "StringEquals": {"aws:SourceAccount": MEMBER}},
            {},
            CLOUDTRAIL,
            f"aws:SourceArn is missing, the policy wants {RULE}; "
            f"aws:SourceAccount is missing, the policy wants {MEMBER}",
        ),
        (
            {"StringNotEquals": {"aws:SourceAccount": MEMBER}},
            {"aws:SourceAccount": MEMBER},
            CLOUDTRAIL,
            f"aws:SourceAccount is {MEMBER}, the policy wants anything but {MEMBER}",
        ),
        (
            {"StringEquals": {"aws:SourceOrgID": ORGANIZATION}},
            {"aws:SourceOrgID": "o-other1234"},
            CLOUDTRAIL,
            "aws:SourceOrgID is o-other1234, the policy wants o-a1b2c3d4e5",
        ),
        (
            {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
            {"s3:x-amz-acl": "private"},
            CLOUDTRAIL,
            "s3:x-amz-acl is private, the policy wants bucket-owner-full-control",
        ),
        (
            {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": "arn:aws:cloudtrail:*"}},
            {"kms:EncryptionContext:aws:cloudtrail:arn": KEY},
            CLOUDTRAIL,
            f"kms:EncryptionContext:aws:cloudtrail:arn is {KEY}, the policy wants "
            "arn:aws:cloudtrail:*",
        ),
        (
            {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
            {"aws:SourceIp": "198.51.100.7"},
            LONER,
            "aws:SourceIp is 198.51.100.7, the policy wants an address within 203.0.113.0/24",
        ),
        (
            {"DateLessThan": {"aws:CurrentTime": "2026-01-31T00:00:00Z"}},
            {"aws:CurrentTime": "2026-02-01T00:00:00Z"},
            LONER,
            "aws:CurrentTime is 2026-02-01T00:00:00Z, the policy wants before 2026-01-31T00:00:00Z",
        ),
        (
            {"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}},
            {"aws:MultiFactorAuthAge": 7200},
            LONER,
            "aws:MultiFactorAuthAge is 7200, the policy wants less than 3600",
        ),
    ],
)
def test_the_keys_we_use_keep_the_wrong_one_out_and_say_why(
    wanted: dict[str, Any], context: dict[str, Given], caller: Caller, because: str
) -> None:
    decision = ask_condition(wanted, context, caller)
    assert not decision.allowed
    assert decision.because == f"queue policy, OnlyThen: {because}"


@pytest.mark.parametrize(
    ("wanted", "context", "expected"),
    [
        ({"StringLike": {"s3:prefix": "${aws:username}/*"}}, {"s3:prefix": "alice/x"}, True),
        ({"StringLike": {"s3:prefix": "${aws:username}/*"}}, {"s3:prefix": "bob/x"}, False),
        ({"StringEquals": {"s3:prefix": "${*}"}}, {"s3:prefix": "*"}, True),
        ({"StringLike": {"s3:prefix": "${*}"}}, {"s3:prefix": "x"}, False),
        ({"ArnEquals": {"a:Arn": "${aws:PrincipalArn}"}}, {"a:Arn": "ALICE"}, True),
        (
            {"ArnLike": {"a:Arn": "arn:aws:s3:::${aws:username}-*"}},
            {"a:Arn": "arn:aws:s3:::alice-1"},
            True,
        ),
        ({"ArnLike": {"a:Arn": "${aws:username}"}}, {"a:Arn": "alice"}, False),
        # A variable without a value equals nothing, so it is also unequal to everything.
        ({"StringEquals": {"s3:prefix": "${aws:userid}"}}, {"s3:prefix": ""}, False),
        ({"StringNotEquals": {"s3:prefix": "${aws:userid}"}}, {"s3:prefix": "x"}, True),
        ({"StringEquals": {"s3:prefix": ["${aws:userid}", "x"]}}, {"s3:prefix": "x"}, True),
        ({"StringEquals": {"s3:prefix": "${aws:userid, 'x'}"}}, {"s3:prefix": "x"}, True),
    ],
)
def test_variables_stand_in_text_and_arns(
    wanted: dict[str, Any], context: dict[str, Given], expected: bool
) -> None:
    alice = Caller.user(f"arn:aws:iam::{MEMBER}:user/team/alice")
    if context.get("a:Arn") == "ALICE":
        context = {"a:Arn": str(alice.arn)}
    assert condition_holds(wanted, context, alice) is expected


def test_variables_exist_since_2012() -> None:
    wanted = {"StringEquals": {"s3:prefix": "${aws:SourceAccount}"}}
    context: dict[str, Given] = {"s3:prefix": "${aws:SourceAccount}", "aws:SourceAccount": "1"}
    assert condition_holds(wanted, context, version="2008-10-17")
    assert not condition_holds(wanted, context, version="2012-10-17")


@pytest.mark.parametrize(
    ("operator", "value", "fault"),
    [
        ("StringEqualz", "a", "did you mean StringEquals"),
        ("stringequals", "a", "there is no condition operator"),
        ("ForEveryValue:StringEquals", "a", "there is no condition operator"),
        ("NullIfExists", "true", "there is no condition operator"),
        ("ForAnyValue:Null", "true", "there is no condition operator"),
        ("NumericEquals", "ten", "is no number"),
        ("NumericEquals", "", "is no number"),
        ("NumericEquals", "1e999999", "is no number"),
        ("NumericEquals", "${aws:EpochTime}", "is no number"),
        ("NumericEquals", True, "is no number"),
        ("DateEquals", "yesterday", "is no date"),
        ("DateEquals", "2026-13-01", "is no date"),
        ("DateEquals", "2026-01-31T12:00:00", "is no date"),
        ("Bool", "yes", "neither true nor false"),
        ("Bool", "${aws:SecureTransport}", "neither true nor false"),
        ("Null", "maybe", "neither true nor false"),
        ("BinaryEquals", "§", "not in base64"),
        ("BinaryEquals", "QQ", "not in base64"),
        ("IpAddress", "10.0.*", "no IP address"),
        ("IpAddress", "10.0.0.0/33", "no IP address"),
        ("IpAddress", "10.0.0.0/255.0.0.0", "no IP address"),
        ("NotIpAddress", "fe80::1%eth0", "no IP address"),
        ("ArnEquals", "*", "is no ARN"),
        ("ArnLike", "o-a1b2c3d4e5", "is no ARN"),
    ],
)
def test_what_an_operator_cannot_read_is_refused(operator: str, value: Any, fault: str) -> None:
    with pytest.raises(UnreadablePolicy, match=fault) as caught:
        condition_holds({operator: {"test:Key": value}}, {})
    assert caught.value.place == f"queue policy, statement 1 (OnlyThen), Condition, {operator}"


@settings(deadline=None)
@given(
    st.sampled_from(sorted(set(OPERATORS) - {"Null"})),
    st.sampled_from(["", "ForAllValues:"]),
    st.dictionaries(st.sampled_from(["aws:SourceIp", "a:b", "a:c"]), st.text(max_size=5)),
)
def test_if_exists_holds_whenever_the_key_is_missing(
    operator: str, qualifier: str, context: dict[str, Given]
) -> None:
    wanted = condition(
        f"{qualifier}{operator}IfExists", "test:Key", (sample(operator),), has_variables=True
    )
    assert holds(wanted, Context.of(context))


@settings(deadline=None)
@given(
    st.sampled_from(
        [
            ("StringEquals", "StringNotEquals"),
            ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
            ("StringLike", "StringNotLike"),
            ("ArnLike", "ArnNotLike"),
            ("ArnEquals", "ArnNotEquals"),
        ]
    ),
    st.lists(st.text(alphabet="ab*?:", max_size=6), min_size=1, max_size=3),
    st.text(alphabet="ab:", max_size=6),
    st.booleans(),
)
def test_a_negated_operator_is_the_opposite_of_the_other(
    pair: tuple[str, str], texts: list[str], value: str, present: bool
) -> None:
    values = tuple(f"a:b:c:d:e:{text}" for text in texts)
    context = Context.of({"test:Key": f"a:b:c:d:e:{value}"} if present else {})
    positive, negative = (
        holds(condition(name, "test:Key", values, has_variables=True), context) for name in pair
    )
    assert positive is not negative


@settings(deadline=None)
@given(st.text(max_size=12), st.sampled_from(sorted(OPERATORS)), st.text(max_size=12))
def test_no_text_is_too_strange_to_be_compared_or_refused(
    wanted: str, operator: str, value: str
) -> None:
    try:
        read = condition(operator, "test:Key", (wanted,), has_variables=True)
    except ValueError:
        return
    assert holds(read, Context.of({"test:Key": value})) in (True, False)
