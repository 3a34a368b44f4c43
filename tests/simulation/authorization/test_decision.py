"""All policies together decide as AWS documents, and the sentence says which one did."""

from __future__ import annotations

from typing import Any

import pytest

from generator.simulation.authorization import (
    Caller,
    Decision,
    Policies,
    Policy,
    Request,
    UnreadablePolicy,
    decide,
)
from generator.simulation.authorization.context import Given

from .ask import (
    BUS,
    CENTRAL,
    EVENTS,
    FORWARDER,
    FORWARDER_SESSION,
    KEY,
    MEMBER,
    MEMBER_ROLE,
    ORGANIZATION,
    QUEUE,
    RESPONDER,
    RESPONDER_SESSION,
    RULE,
    TRAIL,
    allow,
    deny,
    identity,
    on,
    trust,
)

SEND = "sqs:SendMessage"
OWN_ROLE = f"arn:aws:iam::{CENTRAL}:role/own"
OWN_SESSION = Caller.role_session(OWN_ROLE, "x")
OWN_USER = Caller.user(f"arn:aws:iam::{CENTRAL}:user/alice")
OWN_ROOT = Caller.root(CENTRAL)
OTHER_SESSION = Caller.role_session(f"arn:aws:iam::{MEMBER}:role/other", "x")
OTHER_USER = Caller.user(f"arn:aws:iam::{MEMBER}:user/bob")
OTHER_ROOT = Caller.root(MEMBER)

ALLOWS = identity(allow(SEND, QUEUE))
NOTHING = identity(allow("sqs:GetQueueUrl", QUEUE))


def queue_policy(principal: Any, **more: Any) -> Policy:
    return on({"Effect": "Allow", "Principal": principal, "Action": SEND, **more})


def own_arn(caller: Caller) -> dict[str, Any]:
    return {"AWS": caller.arn}


def role_arn(caller: Caller) -> dict[str, Any]:
    return {"AWS": caller.role}


def account(caller: Caller) -> dict[str, Any]:
    return {"AWS": caller.account}


def everybody(_: Caller) -> str:
    return "*"


def somebody_else(_: Caller) -> dict[str, Any]:
    return {"AWS": "999999999999"}


# Within the account of the queue: who asks, whom the queue policy names, whether the identity
# policy and the boundary (None: there is none) allow, and what comes of it.
@pytest.mark.parametrize(
    ("caller", "named", "by_identity", "by_boundary", "expected"),
    [
        (OWN_SESSION, None, True, None, True),
        (OWN_SESSION, None, False, None, False),
        (OWN_SESSION, None, True, True, True),
        (OWN_SESSION, None, True, False, False),
        (OWN_SESSION, somebody_else, True, None, True),
        (OWN_SESSION, somebody_else, False, None, False),
        # The session itself, or everybody: nothing else is asked.
        (OWN_SESSION, own_arn, False, None, True),
        (OWN_SESSION, own_arn, False, False, True),
        (OWN_SESSION, everybody, False, None, True),
        (OWN_SESSION, everybody, False, False, True),
        # Its role: within the boundary of the role.
        (OWN_SESSION, role_arn, False, None, True),
        (OWN_SESSION, role_arn, False, True, True),
        (OWN_SESSION, role_arn, False, False, False),
        # Its account: only passed on to the identity policies.
        (OWN_SESSION, account, False, None, False),
        (OWN_SESSION, account, True, None, True),
        (OWN_SESSION, account, True, False, False),
        (OWN_USER, None, True, None, True),
        (OWN_USER, None, True, False, False),
        (OWN_USER, own_arn, False, None, True),
        (OWN_USER, own_arn, False, False, True),
        (OWN_USER, everybody, False, False, True),
        (OWN_USER, account, False, None, False),
        (OWN_USER, somebody_else, False, None, False),
        # The root user may do everything in its account.
        (OWN_ROOT, None, None, None, True),
        (OWN_ROOT, somebody_else, None, None, True),
    ],
)
def test_within_an_account_identity_or_resource_policy_is_enough(
    caller: Caller, named: Any, by_identity: bool | None, by_boundary: bool | None, expected: bool
) -> None:
    policies = Policies(
        identity=() if by_identity is None else (ALLOWS if by_identity else NOTHING,),
        boundary=None if by_boundary is None else (ALLOWS if by_boundary else NOTHING),
        resource=queue_policy(named(caller)) if named else None,
    )
    assert decide(Request(caller, SEND, QUEUE), policies).allowed is expected


@pytest.mark.parametrize("caller", [OTHER_SESSION, OTHER_USER])
@pytest.mark.parametrize("named", [own_arn, account, everybody])
@pytest.mark.parametrize("by_identity", [True, False])
@pytest.mark.parametrize("by_boundary", [True, False, None])
def test_across_accounts_both_sides_must_agree(
    caller: Caller, named: Any, by_identity: bool, by_boundary: bool | None
) -> None:
    policies = Policies(
        identity=(ALLOWS if by_identity else NOTHING,),
        boundary=None if by_boundary is None else (ALLOWS if by_boundary else NOTHING),
        resource=queue_policy(named(caller)),
    )
    expected = by_identity and by_boundary is not False
    assert decide(Request(caller, SEND, QUEUE), policies).allowed is expected


@pytest.mark.parametrize("resource", [None, queue_policy({"AWS": "999999999999"})])
@pytest.mark.parametrize("caller", [OTHER_SESSION, OTHER_USER, OTHER_ROOT])
def test_across_accounts_an_identity_policy_alone_is_not_enough(
    caller: Caller, resource: Policy | None
) -> None:
    mine = () if caller is OTHER_ROOT else (ALLOWS,)
    policies = Policies(identity=mine, resource=resource)
    assert not decide(Request(caller, SEND, QUEUE), policies).allowed


def test_across_accounts_a_role_or_root_user_may_be_let_in() -> None:
    by_role = Policies(identity=(ALLOWS,), resource=queue_policy(role_arn(OTHER_SESSION)))
    assert decide(Request(OTHER_SESSION, SEND, QUEUE), by_role).allowed
    by_account = Policies(resource=queue_policy({"AWS": MEMBER}))
    assert decide(Request(OTHER_ROOT, SEND, QUEUE), by_account).allowed


DENY_SEND = deny(SEND, QUEUE, Sid="DenySend")
DENY_OTHER = deny("sqs:PurgeQueue", QUEUE, Sid="DenyPurge")
ON_DENY_SEND = {"Sid": "DenySend", "Effect": "Deny", "Principal": "*", "Action": SEND}


@pytest.mark.parametrize(
    ("where", "denying"),
    [
        ("role policy", True),
        ("boundary", True),
        ("scp", True),
        ("upper scp", True),
        ("resource policy", True),
        ("role policy", False),
        ("boundary", False),
        ("scp", False),
        ("upper scp", False),
        ("resource policy", False),
    ],
)
@pytest.mark.parametrize("caller", [OWN_SESSION, OTHER_SESSION])
def test_an_explicit_deny_wins_wherever_it_stands(
    where: str, denying: bool, caller: Caller
) -> None:
    statement = DENY_SEND if denying else DENY_OTHER

    def at(place: str) -> Policy:
        return identity(allow("*"), *([statement] if place == where else []), place=place)

    resource_deny = {**ON_DENY_SEND, "Action": statement["Action"]}
    policies = Policies(
        identity=(at("role policy"),),
        boundary=at("boundary"),
        scps=((at("upper scp"),), (at("scp"),)),
        resource=on(
            {"Effect": "Allow", "Principal": {"AWS": caller.arn}, "Action": "*"},
            *([resource_deny] if where == "resource policy" else []),
        ),
    )
    decision = decide(Request(caller, SEND, QUEUE), policies)
    assert decision.allowed is not denying
    if denying:
        assert decision.because == f"DenySend of {where} denies sqs:SendMessage"


@pytest.mark.parametrize(
    ("principal", "condition", "caller", "denied"),
    [
        ("*", {}, EVENTS, True),
        ({"AWS": CENTRAL}, {}, OWN_SESSION, True),
        ({"AWS": CENTRAL}, {}, EVENTS, False),
        ({"AWS": OWN_ROLE}, {}, OWN_SESSION, True),
        ({"AWS": OWN_ROLE}, {}, OWN_USER, False),
        ("*", {"Bool": {"aws:SecureTransport": "false"}}, EVENTS, False),
        ("*", {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}, EVENTS, False),
        ("*", {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}, OWN_SESSION, True),
        (
            "*",
            {"StringNotEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
            RESPONDER_SESSION,
            False,
        ),
        ("*", {"StringNotEquals": {"aws:PrincipalOrgID": ORGANIZATION}}, OWN_SESSION, True),
        # A service is in no organization, so this well-meant Deny locks services out.
        ("*", {"StringNotEquals": {"aws:PrincipalOrgID": ORGANIZATION}}, EVENTS, True),
    ],
)
def test_a_deny_in_a_resource_policy_reaches_whom_it_means(
    principal: Any, condition: Any, caller: Caller, denied: bool
) -> None:
    statement = {**ON_DENY_SEND, "Principal": principal, "Condition": condition}
    everybody_may = {"Effect": "Allow", "Principal": "*", "Action": SEND}
    policies = Policies(resource=on(everybody_may, statement))
    assert decide(Request(caller, SEND, QUEUE), policies).allowed is not denied


FULL = identity(allow("*"), place="FullAWSAccess")
READS = identity(allow("sqs:Get*"), place="only reads")


@pytest.mark.parametrize(
    ("scps", "because"),
    [
        ((), None),
        (((FULL,),), None),
        (((FULL,), (FULL,), (FULL,)), None),
        (((FULL,), (READS, FULL)), None),
        (
            ((FULL,), (READS,), (FULL,)),
            "service control policies: only reads: no statement allows sqs:SendMessage",
        ),
        (((FULL,), ()), "service control policies: a level has no service control policy"),
    ],
)
@pytest.mark.parametrize("caller", [OWN_SESSION, OWN_USER, OWN_ROOT])
def test_every_level_of_service_control_policies_must_allow(
    scps: tuple[tuple[Policy, ...], ...], because: str | None, caller: Caller
) -> None:
    mine = () if caller is OWN_ROOT else (ALLOWS,)
    decision = decide(Request(caller, SEND, QUEUE), Policies(identity=mine, scps=scps))
    assert decision.allowed is (because is None)
    if because:
        assert decision.because == because


def test_service_control_policies_also_limit_what_a_resource_policy_grants() -> None:
    policies = Policies(scps=((READS,),), resource=queue_policy("*"))
    assert not decide(Request(OWN_SESSION, SEND, QUEUE), policies).allowed


# Who may use a key: the key policy must say so itself, or at least name the account.
@pytest.mark.parametrize(
    ("caller", "principal", "by_identity", "expected"),
    [
        (OWN_SESSION, None, True, False),
        (OWN_SESSION, {"AWS": "999999999999"}, True, False),
        (OWN_SESSION, {"AWS": CENTRAL}, True, True),
        (OWN_SESSION, {"AWS": CENTRAL}, False, False),
        (OWN_SESSION, {"AWS": OWN_ROLE}, False, True),
        (OWN_ROOT, {"AWS": CENTRAL}, None, True),
        (OWN_ROOT, {"AWS": OWN_ROLE}, None, False),
        (OWN_ROOT, None, None, False),
        (OTHER_SESSION, {"AWS": MEMBER}, True, True),
        (OTHER_SESSION, {"AWS": MEMBER}, False, False),
        (EVENTS, {"Service": "events.amazonaws.com"}, None, True),
        (EVENTS, {"Service": "sns.amazonaws.com"}, None, False),
        (EVENTS, {"AWS": CENTRAL}, None, False),
    ],
)
@pytest.mark.parametrize("action", ["kms:GenerateDataKey", "kms:Decrypt"])
def test_a_key_insists_on_its_own_policy(
    caller: Caller, principal: Any, by_identity: bool | None, expected: bool, action: str
) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}
    mine = identity(allow("kms:*" if by_identity else "s3:*"))
    policies = Policies(
        identity=() if by_identity is None else (mine,),
        resource=on(statement) if principal else None,
    )
    assert decide(Request(caller, action, KEY), policies).allowed is expected


def test_what_is_not_done_to_a_key_needs_no_key_policy() -> None:
    policies = Policies(identity=(identity(allow("kms:CreateKey")),))
    assert decide(Request(OWN_SESSION, "kms:CreateKey", "*"), policies).allowed


ASSUMES = identity(allow("sts:AssumeRole", MEMBER_ROLE), place="responder policy")
ASSUMES_NOT = identity(allow("sqs:*"), place="responder policy")
OWN_TARGET = f"arn:aws:iam::{CENTRAL}:role/target"


def trusting(principal: Any, **condition: Any) -> Policy:
    return trust(
        {
            "Sid": "Trust",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "sts:AssumeRole",
            "Condition": condition,
        }
    )


@pytest.mark.parametrize(
    ("caller", "trust_policy", "mine", "target", "expected"),
    [
        # Our own shape: the account, narrowed to the role.
        (
            RESPONDER_SESSION,
            trusting({"AWS": CENTRAL}, ArnEquals={"aws:PrincipalArn": RESPONDER}),
            ASSUMES,
            MEMBER_ROLE,
            True,
        ),
        (
            RESPONDER_SESSION,
            trusting({"AWS": CENTRAL}, ArnEquals={"aws:PrincipalArn": RESPONDER}),
            ASSUMES_NOT,
            MEMBER_ROLE,
            False,
        ),
        (
            OWN_SESSION,
            trusting({"AWS": CENTRAL}, ArnEquals={"aws:PrincipalArn": RESPONDER}),
            ASSUMES,
            MEMBER_ROLE,
            False,
        ),
        (RESPONDER_SESSION, trusting({"AWS": RESPONDER}), ASSUMES, MEMBER_ROLE, True),
        (RESPONDER_SESSION, trusting({"AWS": RESPONDER}), ASSUMES_NOT, MEMBER_ROLE, False),
        (RESPONDER_SESSION, trusting({"AWS": MEMBER}), ASSUMES, MEMBER_ROLE, False),
        (RESPONDER_SESSION, None, ASSUMES, MEMBER_ROLE, False),
        # Within an account the trust policy may name the caller, or pass it on.
        (RESPONDER_SESSION, trusting({"AWS": RESPONDER}), ASSUMES_NOT, OWN_TARGET, True),
        (RESPONDER_SESSION, trusting({"AWS": CENTRAL}), ASSUMES_NOT, OWN_TARGET, False),
        (
            RESPONDER_SESSION,
            trusting({"AWS": CENTRAL}),
            identity(allow("sts:*")),
            OWN_TARGET,
            True,
        ),
        (RESPONDER_SESSION, None, identity(allow("sts:*")), OWN_TARGET, False),
        # A role that trusts nobody does not even trust itself.
        (
            RESPONDER_SESSION,
            trusting({"Service": "lambda.amazonaws.com"}),
            identity(allow("sts:*")),
            RESPONDER,
            False,
        ),
    ],
)
def test_a_role_is_assumed_by_whom_it_trusts(
    caller: Caller, trust_policy: Policy | None, mine: Policy, target: str, expected: bool
) -> None:
    policies = Policies(identity=(mine,), resource=trust_policy)
    assert decide(Request(caller, "sts:AssumeRole", target), policies).allowed is expected


def test_a_boundary_limits_assuming_even_for_whom_the_trust_policy_names() -> None:
    for principal in ({"AWS": OWN_USER.arn}, "*"):
        policies = Policies(boundary=NOTHING, resource=trusting(principal))
        decision = decide(Request(OWN_USER, "sts:AssumeRole", OWN_TARGET), policies)
        assert not decision.allowed
        assert decision.because == (
            "permissions boundary: role policy: no statement allows sts:AssumeRole"
        )


def test_a_root_user_cannot_assume_a_role() -> None:
    decision = decide(
        Request(OWN_ROOT, "sts:AssumeRole", OWN_TARGET), Policies(resource=trusting("*"))
    )
    assert decision == Decision(False, "a root user cannot assume a role")


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"aws:SourceArn": RULE, "aws:SourceAccount": MEMBER}, True),
        ({"aws:SourceArn": RULE, "aws:SourceAccount": CENTRAL}, False),
        ({}, False),
    ],
)
def test_a_service_assumes_a_role_by_its_trust_policy_alone(
    context: dict[str, Given], expected: bool
) -> None:
    trusts = trusting(
        {"Service": "events.amazonaws.com"}, StringEquals={"aws:SourceAccount": MEMBER}
    )
    request = Request(EVENTS, "sts:AssumeRole", FORWARDER, context)
    assert decide(request, Policies(resource=trusts)).allowed is expected


def test_an_external_id_is_asked_for() -> None:
    trusts = trusting({"AWS": CENTRAL}, StringEquals={"sts:ExternalId": "trailbus"})
    policies = Policies(identity=(ASSUMES,), resource=trusts)
    given: dict[str, Given] = {"sts:ExternalId": "trailbus"}
    assert decide(
        Request(RESPONDER_SESSION, "sts:AssumeRole", MEMBER_ROLE, given), policies
    ).allowed
    decision = decide(Request(RESPONDER_SESSION, "sts:AssumeRole", MEMBER_ROLE), policies)
    assert decision == Decision(
        False, "trust policy, Trust: sts:ExternalId is missing, the policy wants trailbus"
    )


def test_an_identity_provider_is_trusted_by_name() -> None:
    github = f"arn:aws:iam::{CENTRAL}:oidc-provider/token.actions.githubusercontent.com"
    key = "token.actions.githubusercontent.com:sub"
    trusts = trust(
        {
            "Effect": "Allow",
            "Principal": {"Federated": github},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringLike": {key: "repo:trailbus/*"}},
        }
    )

    def decided(repository: str) -> bool:
        context: dict[str, Given] = {key: f"repo:{repository}:ref:refs/heads/main"}
        caller = Caller.federated(github)
        request = Request(caller, "sts:AssumeRoleWithWebIdentity", OWN_TARGET, context)
        return decide(request, Policies(resource=trusts)).allowed

    assert decided("trailbus/trailbus")
    assert not decided("somebody/else")


# The ways of an event through our own policies.
BUS_POLICY = on(
    {
        "Sid": "AllowOrganization",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "events:PutEvents",
        "Resource": BUS,
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
    },
    place="bus policy",
)
FORWARDER_POLICY = identity(
    allow("events:PutEvents", BUS, Sid="PutOnBus"), place="forwarder policy"
)


def test_the_forwarder_may_put_events_on_the_bus() -> None:
    policies = Policies(identity=(FORWARDER_POLICY,), resource=BUS_POLICY)
    assert decide(Request(FORWARDER_SESSION, "events:PutEvents", BUS), policies) == Decision(
        True,
        "PutOnBus of forwarder policy and AllowOrganization of bus policy allow events:PutEvents",
    )


def test_a_forwarder_of_another_organization_may_not() -> None:
    stranger = Caller.role_session(FORWARDER, "EventBridge", organization="o-other1234")
    policies = Policies(identity=(FORWARDER_POLICY,), resource=BUS_POLICY)
    assert decide(Request(stranger, "events:PutEvents", BUS), policies) == Decision(
        False,
        "bus policy, AllowOrganization: aws:PrincipalOrgID is o-other1234, "
        "the policy wants o-a1b2c3d4e5",
    )


def test_a_rule_may_send_to_its_queue_and_another_may_not() -> None:
    policy = on(
        {
            "Sid": "AllowRules",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": SEND,
            "Resource": QUEUE,
            "Condition": {"ArnEquals": {"aws:SourceArn": RULE}},
        },
        place="queue policy",
    )

    def decided(caller: Caller, action: str = SEND, resource: str = QUEUE, **more: str) -> Decision:
        context: dict[str, Given] = {"aws:SourceArn": RULE, **more}
        return decide(Request(caller, action, resource, context), Policies(resource=policy))

    assert decided(EVENTS) == Decision(True, "AllowRules of queue policy allows sqs:SendMessage")
    other = RULE.replace("denies", "x")
    assert decided(EVENTS, **{"aws:SourceArn": other}) == Decision(
        False, f"queue policy, AllowRules: aws:SourceArn is {other}, the policy wants {RULE}"
    )
    assert decided(Caller.aws_service("sns.amazonaws.com")) == Decision(
        False,
        "queue policy, AllowRules: the caller is sns.amazonaws.com, the policy wants "
        "Service events.amazonaws.com",
    )
    assert decided(EVENTS, resource=f"{QUEUE}-2") == Decision(
        False,
        f"queue policy, AllowRules: the resource is {QUEUE}-2, the policy wants {QUEUE}",
    )
    assert decided(EVENTS, action="sqs:PurgeQueue") == Decision(
        False, "queue policy: no statement allows sqs:PurgeQueue"
    )


def test_without_a_policy_a_resource_is_closed_to_services() -> None:
    assert decide(Request(EVENTS, SEND, QUEUE), Policies()) == Decision(
        False, f"{QUEUE} has no policy that allows sqs:SendMessage to others"
    )


def test_a_trail_is_started_by_the_members_role_alone() -> None:
    policy = identity(
        allow("cloudtrail:StartLogging", f"arn:aws:cloudtrail:*:{MEMBER}:trail/*", Sid="Restart"),
        place="member role policy",
    )
    session = Caller.role_session(MEMBER_ROLE, "restart", organization=ORGANIZATION)
    policies = Policies(identity=(policy,))
    assert decide(Request(session, "cloudtrail:StartLogging", TRAIL), policies) == Decision(
        True, "Restart of member role policy allows cloudtrail:StartLogging"
    )
    assert decide(Request(session, "cloudtrail:StopLogging", TRAIL), policies) == Decision(
        False, "member role policy: no statement allows cloudtrail:StopLogging"
    )
    foreign = TRAIL.replace(MEMBER, CENTRAL)
    assert not decide(Request(session, "cloudtrail:StartLogging", foreign), policies).allowed


def test_cloudtrail_writes_to_its_bucket() -> None:
    prefix = f"arn:aws:s3:::trailbus-logs/AWSLogs/{ORGANIZATION}"
    bucket_policy = on(
        {
            "Sid": "Write",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"{prefix}/*",
            "Condition": {
                "StringEquals": {
                    "s3:x-amz-acl": "bucket-owner-full-control",
                    "aws:SourceArn": TRAIL,
                }
            },
        }
    )
    cloudtrail = Caller.aws_service("cloudtrail.amazonaws.com")

    def decided(key: str, **context: Given) -> bool:
        request = Request(cloudtrail, "s3:PutObject", f"{prefix}/{key}", context)
        return decide(request, Policies(resource=bucket_policy)).allowed

    both: dict[str, Given] = {
        "s3:x-amz-acl": "bucket-owner-full-control",
        "aws:SourceArn": TRAIL,
    }
    assert decided("111122223333/CloudTrail/us-east-1/x.json.gz", **both)
    assert not decided("x", **{**both, "s3:x-amz-acl": "private"})
    assert not decided("x", **{"s3:x-amz-acl": "bucket-owner-full-control"})


@pytest.mark.parametrize(
    ("policies", "caller", "because"),
    [
        (
            Policies(),
            OWN_SESSION,
            f"{OWN_SESSION.arn} has no identity policy that allows sqs:SendMessage",
        ),
        (
            Policies(identity=(NOTHING, identity(allow("s3:*"), place="other policy"))),
            OWN_SESSION,
            "role policy and other policy: no statement allows sqs:SendMessage",
        ),
        (
            Policies(identity=(NOTHING,), resource=queue_policy({"AWS": CENTRAL})),
            OWN_SESSION,
            "role policy: no statement allows sqs:SendMessage; "
            "statement 1 of resource policy only names the account",
        ),
        (
            Policies(identity=(NOTHING,), resource=queue_policy({"AWS": MEMBER})),
            OWN_SESSION,
            "role policy: no statement allows sqs:SendMessage; "
            f"resource policy, statement 1: the caller is {OWN_SESSION.arn}, "
            f"the policy wants {MEMBER}",
        ),
        (
            Policies(identity=(ALLOWS,), boundary=NOTHING),
            OWN_SESSION,
            "permissions boundary: role policy: no statement allows sqs:SendMessage",
        ),
        (
            Policies(identity=(ALLOWS,)),
            OTHER_SESSION,
            f"{QUEUE} has no policy that allows sqs:SendMessage to others",
        ),
        (
            # The nearest statement is the one that passed most checks, with the fewest conditions
            # left open.
            Policies(
                resource=on(
                    {**ON_DENY_SEND, "Effect": "Allow", "Sid": "Far", "Resource": BUS},
                    {
                        **ON_DENY_SEND,
                        "Effect": "Allow",
                        "Sid": "Near",
                        "Condition": {"Bool": {"a:b": True, "a:c": True}},
                    },
                    {
                        **ON_DENY_SEND,
                        "Effect": "Allow",
                        "Sid": "Nearest",
                        "Condition": {"Bool": {"a:b": True}},
                    },
                    {
                        **ON_DENY_SEND,
                        "Effect": "Allow",
                        "Sid": "Strangers",
                        "Principal": {"AWS": "999999999999"},
                    },
                )
            ),
            EVENTS,
            "resource policy, Nearest: a:b is missing, the policy wants true",
        ),
    ],
)
def test_a_denial_says_what_a_person_can_act_on(
    policies: Policies, caller: Caller, because: str
) -> None:
    assert decide(Request(caller, SEND, QUEUE), policies) == Decision(False, because)


def test_a_root_users_right_is_told() -> None:
    assert decide(Request(OWN_ROOT, SEND, QUEUE), Policies()) == Decision(
        True, "the root user's right to do everything in its account allows sqs:SendMessage"
    )


@pytest.mark.parametrize(
    ("request_", "policies", "fault"),
    [
        (Request(OWN_USER, "sqs:*", QUEUE), Policies(), "is no action"),
        (Request(OWN_USER, "SendMessage", QUEUE), Policies(), "is no action"),
        (Request(OWN_USER, SEND, "denies"), Policies(), "neither an ARN"),
        (Request(OWN_USER, SEND, "arn:aws:sqs"), Policies(), "neither an ARN"),
        (Request(OWN_USER, SEND, QUEUE, {"SourceArn": RULE}), Policies(), "no condition key"),
        (Request(OWN_USER, SEND, QUEUE, owner=MEMBER), Policies(), "does not belong"),
        (Request(OWN_USER, "s3:GetObject", "arn:aws:s3:::b/k"), Policies(), "give the owner"),
        (Request(EVENTS, SEND, QUEUE), Policies(identity=(ALLOWS,)), "neither identity policies"),
        (Request(EVENTS, SEND, QUEUE), Policies(boundary=ALLOWS), "neither identity policies"),
        (Request(EVENTS, SEND, QUEUE), Policies(scps=((FULL,),)), "neither identity policies"),
        (Request(OWN_ROOT, SEND, QUEUE), Policies(identity=(ALLOWS,)), "a root user has neither"),
        (Request(OWN_USER, SEND, QUEUE), Policies(resource=ALLOWS), "was read as identity policy"),
        (
            Request(OWN_USER, SEND, QUEUE),
            Policies(resource=trusting("*")),
            "was read as trust policy",
        ),
        (
            Request(OWN_USER, SEND, QUEUE),
            Policies(boundary=BUS_POLICY),
            "was read as resource policy",
        ),
        (
            Request(OWN_USER, "sts:AssumeRole", OWN_TARGET),
            Policies(resource=queue_policy("*")),
            "cannot be a trust policy",
        ),
    ],
)
def test_a_question_without_sense_is_refused(
    request_: Request, policies: Policies, fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        decide(request_, policies)


def test_the_owner_of_a_bucket_is_given() -> None:
    policies = Policies(identity=(identity(allow("s3:GetObject", "arn:aws:s3:::b/*")),))

    def decided(owner: str) -> bool:
        request = Request(OWN_USER, "s3:GetObject", "arn:aws:s3:::b/k", owner=owner)
        return decide(request, policies).allowed

    assert decided(CENTRAL)
    assert not decided(MEMBER)


def test_an_undocumented_case_is_raised_whatever_the_order_of_statements() -> None:
    odd = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": SEND,
        "Condition": {"StringEquals": {"aws:TagKeys": "a"}},
    }
    plain = {"Effect": "Allow", "Principal": "*", "Action": SEND}
    context: dict[str, Given] = {"aws:TagKeys": ["a", "b"]}
    for statements in ((odd, plain), (plain, odd)):
        with pytest.raises(UnreadablePolicy, match="several values"):
            decide(Request(EVENTS, SEND, QUEUE, context), Policies(resource=on(*statements)))
