"""Documents are read completely or refused with place and fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.simulation.authorization import (
    Policies,
    Policy,
    Request,
    UnreadablePolicy,
    decide,
    identity_policy,
    resource_policy,
    trust_policy,
)
from generator.simulation.authorization.conditions import OPERATORS

from .ask import BUS, CENTRAL, FORWARDER_SESSION, QUEUE, allow, document

Reader = Callable[[Any, str], Policy]

PUT = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": BUS}
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}
ASSUME = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    ("read", "content"),
    [
        (identity_policy, {"Statement": PUT}),
        (identity_policy, {"Statement": [PUT]}),
        (identity_policy, {"Version": "2008-10-17", "Id": "any text", "Statement": [PUT, PUT]}),
        (identity_policy, json.dumps({"Version": "2012-10-17", "Statement": PUT})),
        (identity_policy, {"Statement": {**PUT, "Action": ["events:Put*", "*"]}}),
        (identity_policy, {"Statement": {**PUT, "Condition": {}}}),
        (identity_policy, {"Statement": {**PUT, "Sid": ""}}),
        (identity_policy, {"Statement": {**PUT, "Resource": [BUS, "*", "arn:aws:sqs:*"]}}),
        (identity_policy, {"Statement": {**PUT, "Resource": "arn:*:s3:::b/*"}}),
        (resource_policy, {"Statement": OPEN}),
        (resource_policy, {"Statement": {**OPEN, "Resource": QUEUE}}),
        (resource_policy, {"Statement": {**OPEN, "Sid": "with spaces"}}),
        (trust_policy, {"Statement": {**ASSUME, "Condition": {}}}),
    ],
)
def test_the_grammars_variants_are_read(read: Reader, content: Any) -> None:
    policy = read(content, "policy")
    assert policy.place == "policy"
    assert policy.statements


def test_a_policy_is_a_value() -> None:
    condition = {"StringLike": {"aws:SourceArn": ["a${aws:SourceAccount}*"], "a:b": True}}
    content = document({**PUT, "Condition": condition})
    one, other = (identity_policy(content, "policy") for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert identity_policy(json.dumps(content), "policy") == one


@pytest.mark.parametrize(
    ("read", "content", "place", "fault"),
    [
        (identity_policy, "", "p", "is not JSON"),
        (identity_policy, "{", "p", "is not JSON"),
        (identity_policy, '{"Statement": NaN}', "p", "is not JSON"),
        (identity_policy, '{"Id": "a", "Id": "b"}', "p", "an element is there twice"),
        (identity_policy, "[" * 100_000, "p", "nested too deeply"),
        (identity_policy, f'{{"Id": {"9" * 5000}}}', "p", "is not JSON"),
        (identity_policy, [], "p", "is not a JSON object"),
        (identity_policy, None, "p", "is not a JSON object"),
        (identity_policy, "7", "p", "is not a JSON object"),
        (identity_policy, {}, "p", "Statement is neither"),
        (identity_policy, {"Statement": []}, "p", "Statement is neither"),
        (identity_policy, {"Statement": "x"}, "p", "Statement is neither"),
        (identity_policy, {"Statement": [7]}, "p, statement 1", "is not a JSON object"),
        (identity_policy, {"Statement": PUT, "Statements": []}, "p", "'Statements' does not"),
        (identity_policy, {"Statement": PUT, "Version": "2012-10-18"}, "p", "Version is neither"),
        (identity_policy, {"Statement": PUT, "Version": None}, "p", "Version is neither"),
        (identity_policy, {"Statement": PUT, "Id": 7}, "p", "Id is not text"),
        (identity_policy, {"Statement": {**PUT, "Sid": None}}, "p, statement 1", "Sid is not"),
        (
            identity_policy,
            {"Statement": [{**PUT, "Sid": "A"}, {**PUT, "Sid": "A"}]},
            "p",
            "two statements have the Sid 'A'",
        ),
        (identity_policy, {"Statement": {**PUT, "Effect": "allow"}}, "p, statement 1", "Effect"),
        (identity_policy, {"Statement": {**PUT, "Effect": ["Allow"]}}, "p, statement 1", "Effect"),
        (
            identity_policy,
            {"Statement": {**PUT, "Sid": "Put", "Conditions": {}}},
            "p, statement 1 (Put)",
            "'Conditions' does not belong here",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Principal": "*"}},
            "p, statement 1",
            "'Principal' does not belong here",
        ),
        (
            trust_policy,
            {"Statement": {**ASSUME, "Resource": "*"}},
            "p, statement 1",
            "'Resource' does not belong here",
        ),
        (
            resource_policy,
            {"Statement": PUT},
            "p, statement 1",
            "needs either Principal or NotPrincipal",
        ),
        (
            identity_policy,
            {"Statement": {"Effect": "Allow", "Action": "*"}},
            "p, statement 1",
            "needs either Resource or NotResource",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "NotResource": "*"}},
            "p, statement 1",
            "needs either Resource or NotResource",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "NotAction": "*"}},
            "p, statement 1",
            "needs either Action or NotAction",
        ),
        (
            resource_policy,
            {"Statement": {**OPEN, "NotPrincipal": "*"}},
            "p, statement 1",
            "needs either Principal or NotPrincipal",
        ),
        (identity_policy, {"Statement": {**PUT, "Action": []}}, "p, statement 1, Action", "list"),
        (
            identity_policy,
            {"Statement": {**PUT, "Action": "PutEvents"}},
            "p, statement 1, Action",
            "is no action",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Action": "events:${aws:username}"}},
            "p, statement 1, Action",
            "is no action",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Resource": {"Fn::GetAtt": ["Bus", "Arn"]}}},
            "p, statement 1, Resource",
            "neither text nor a list",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Resource": "trailbus"}},
            "p, statement 1, Resource",
            "neither an ARN nor",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Resource": "arn:aws:sqs:us-east-1"}},
            "p, statement 1, Resource",
            "neither an ARN nor",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Resource": "arn:aws:*:::x"}},
            "p, statement 1, Resource",
            "wildcard in place of its service",
        ),
        (
            identity_policy,
            {
                "Version": "2012-10-17",
                "Statement": {**PUT, "Resource": "arn:aws:s3::${aws:PrincipalAccount}:x"},
            },
            "p, statement 1, Resource",
            "variable before its fifth colon",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Condition": []}},
            "p, statement 1, Condition",
            "is not a JSON object",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Condition": {"Bool": "true"}}},
            "p, statement 1, Condition, Bool",
            "not an object of keys and values",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Condition": {"Bool": {}}}},
            "p, statement 1, Condition, Bool",
            "not an object of keys and values",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Condition": {"Bool": {"a:b": []}}}},
            "p, statement 1, Condition, Bool, a:b",
            "has no value",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Condition": {"Bool": {"a:b": None}}}},
            "p, statement 1, Condition, Bool, a:b",
            "neither text, a number nor a Boolean",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Condition": {"StringEquals": {"a:b": float("nan")}}}},
            "p, statement 1, Condition, StringEquals, a:b",
            "neither text, a number nor a Boolean",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Condition": {"NumericEquals": {"a:b": 10**5000}}}},
            "p, statement 1, Condition, NumericEquals, a:b",
            "too long",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Condition": {"Bool": {"SecureTransport": True}}}},
            "p, statement 1, Condition, Bool",
            "is no condition key",
        ),
        (
            identity_policy,
            {"Statement": {**PUT, "Condition": {"Bool": {"aws:SecureTransprt": True}}}},
            "p, statement 1, Condition, Bool",
            "did you mean aws:SecureTransport",
        ),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(
    read: Reader, content: Any, place: str, fault: str
) -> None:
    with pytest.raises(UnreadablePolicy) as caught:
        read(content, "p")
    assert caught.value.place == place
    assert fault in caught.value.fault
    assert str(caught.value) == f"{place}: {caught.value.fault}"


@pytest.mark.parametrize(
    ("statement", "action", "resource", "expected"),
    [
        (allow("events:PutEvents", BUS), "events:PutEvents", BUS, True),
        (allow("EVENTS:putevents", BUS), "events:PutEvents", BUS, True),
        (allow("events:Put*", BUS), "events:PutRule", BUS, True),
        (allow("events:Put?vents", BUS), "events:PutEvents", BUS, True),
        (allow("events:Put", BUS), "events:PutEvents", BUS, False),
        (allow("event:*", BUS), "events:PutEvents", BUS, False),
        (allow("*", BUS), "events:PutEvents", BUS, True),
        (allow(["sqs:*", "events:*"], BUS), "events:PutEvents", BUS, True),
        (allow("events:*", BUS.replace("trailbus", "Trailbus")), "events:PutEvents", BUS, False),
        (allow("events:*", [QUEUE, BUS]), "events:PutEvents", BUS, True),
        (allow("events:*", QUEUE), "events:PutEvents", BUS, False),
        (allow("events:*", "arn:aws:events:*:*:event-bus/*"), "events:PutEvents", BUS, True),
        (allow("events:*", "arn:aws:events:*"), "events:PutEvents", BUS, True),
        (allow("events:*", "arn:aws:events:us-*-1:*"), "events:PutEvents", BUS, True),
        (allow("events:*", "arn:aws:events:*:1*:event-bus/*"), "events:PutEvents", BUS, False),
        (
            # A star in the middle of a part stays in it: this Region is not u...1:2...2.
            allow("lambda:*", "arn:aws:lambda:u*2:function:f:1"),
            "lambda:InvokeFunction",
            f"arn:aws:lambda:us-east-1:{CENTRAL}:function:f:1",
            False,
        ),
        (allow("sqs:ListQueues", "*"), "sqs:ListQueues", "*", True),
        (allow("sqs:ListQueues", "arn:aws:sqs:*"), "sqs:ListQueues", "*", False),
        (
            allow("events:*", "arn:aws:events:us-east-1:222222222222:event-bus/${aws:SourceArn}"),
            "events:PutEvents",
            BUS,
            False,
        ),
        (
            allow("events:*", "arn:aws:events:*:*:event-bus/${aws:SourceIdentity}"),
            "events:PutEvents",
            BUS,
            True,
        ),
        (
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
            "events:PutEvents",
            BUS,
            True,
        ),
        (
            {"Effect": "Allow", "NotAction": ["iam:*", "events:P*"], "Resource": "*"},
            "events:PutEvents",
            BUS,
            False,
        ),
        (
            {"Effect": "Allow", "Action": "*", "NotResource": QUEUE},
            "events:PutEvents",
            BUS,
            True,
        ),
        (
            {"Effect": "Allow", "Action": "*", "NotResource": [QUEUE, BUS]},
            "events:PutEvents",
            BUS,
            False,
        ),
        (
            # The variable has no value, so nothing is excepted.
            {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:events:*:*:${aws:userid}*"},
            "events:PutEvents",
            BUS,
            True,
        ),
    ],
)
def test_actions_and_resources_match(
    statement: dict[str, Any], action: str, resource: str, expected: bool
) -> None:
    caller = FORWARDER_SESSION.role_session(f"arn:aws:iam::{CENTRAL}:role/r", "x")
    policies = Policies((identity_policy(document(statement), "p"),))
    context = {"aws:SourceIdentity": "trailbus"}
    assert decide(Request(caller, action, resource, context), policies).allowed is expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
TEXT = st.text(max_size=10) | st.sampled_from(
    ["*", BUS, "events:PutEvents", "${aws:username}", "${", "arn:aws:s3:::${aws:userid, 'x'}", "7"]
)
KEYS = st.sampled_from(["aws:SourceArn", "AWS:SourceAccount", "a:b", "aws:nonsense"]) | TEXT
# Documents that are nearly right reach further into the reader than arbitrary JSON does.
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "Sid": TEXT | JSON,
        "Effect": st.sampled_from(["Allow", "Deny", "deny"]) | JSON,
        "Principal": TEXT | st.dictionaries(st.sampled_from(["AWS", "Service", "x"]), TEXT | JSON),
        "NotPrincipal": TEXT | JSON,
        "Action": TEXT | st.lists(TEXT) | JSON,
        "NotAction": TEXT,
        "Resource": TEXT | st.lists(TEXT) | JSON,
        "NotResource": TEXT,
        "Condition": JSON
        | st.dictionaries(
            st.sampled_from(sorted(OPERATORS)) | TEXT,
            JSON | st.dictionaries(KEYS, TEXT | st.lists(TEXT | JSON, max_size=2), max_size=2),
            max_size=2,
        ),
    },
)
DOCUMENTS = (
    JSON
    | JSON.map(json.dumps)
    | st.text()
    | st.fixed_dictionaries(
        {"Statement": NEARLY | st.lists(NEARLY | JSON, max_size=3)},
        optional={"Version": st.sampled_from(["2008-10-17", "2012-10-17"]) | JSON, "Id": JSON},
    )
)


@settings(deadline=None, max_examples=200)
@given(DOCUMENTS, st.sampled_from([identity_policy, resource_policy, trust_policy]))
def test_reading_raises_nothing_but_unreadable_policy(content: Any, read: Reader) -> None:
    place, statements = _place_or_statements(content, read)
    assert place.startswith("policy") or statements


def _place_or_statements(content: Any, read: Reader) -> tuple[str, int]:
    try:
        return "", len(read(content, "policy").statements)
    except UnreadablePolicy as refusal:
        return refusal.place, 0
