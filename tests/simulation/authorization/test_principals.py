"""Every form of principal means whom AWS says it means."""

from __future__ import annotations

from typing import Any

import pytest

from generator.simulation.authorization import (
    Caller,
    Policies,
    Request,
    UnreadablePolicy,
    decide,
    resource_policy,
)
from generator.simulation.authorization.principals import Strength

from .ask import (
    BUS,
    CENTRAL,
    EVENTS,
    FORWARDER,
    FORWARDER_SESSION,
    MEMBER,
    MEMBER_ROLE,
    ORGANIZATION,
    OU,
    document,
)

CANONICAL = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
ALICE = Caller.user(f"arn:aws:iam::{MEMBER}:user/team/alice", canonical_user=CANONICAL)
ROOT = Caller.root(MEMBER)
OTHER_SESSION = Caller.role_session(FORWARDER, "another")
GITHUB = f"arn:aws:iam::{MEMBER}:oidc-provider/token.actions.githubusercontent.com"
RUNNER = Caller.federated(GITHUB)
ANYBODY = Caller.anonymous()

CALLERS = {
    "session": FORWARDER_SESSION,
    "other session": OTHER_SESSION,
    "user": ALICE,
    "root": ROOT,
    "stranger": Caller.root(CENTRAL),
    "service": EVENTS,
    "federated": RUNNER,
    "anonymous": ANYBODY,
}
MEMBERS = {"session", "other session", "user", "root"}
EVERYBODY = set(CALLERS)


def means(element: str, principal: Any, caller: Caller, effect: str = "Allow") -> Strength | None:
    statement = {"Effect": effect, element: principal, "Action": "events:PutEvents"}
    policy = resource_policy(document(statement), "bus policy")
    principals = policy.statements[0].principals
    assert principals is not None
    return principals.strength(caller, policy.statements[0].effect)


@pytest.mark.parametrize(
    ("principal", "meant"),
    [
        ("*", EVERYBODY),
        ({"AWS": "*"}, EVERYBODY),
        ({"AWS": ["*"]}, EVERYBODY),
        ({"AWS": MEMBER}, MEMBERS),
        ({"AWS": f"arn:aws:iam::{MEMBER}:root"}, MEMBERS),
        ({"AWS": f"arn:aws-cn:iam::{MEMBER}:root"}, MEMBERS),
        ({"AWS": ["999999999999", MEMBER]}, MEMBERS),
        ({"AWS": "999999999999"}, set()),
        ({"AWS": FORWARDER}, {"session", "other session"}),
        ({"AWS": FORWARDER.replace("trailbus/", "")}, set()),
        ({"AWS": FORWARDER.lower().replace("forwarder", "Forwarder")}, set()),
        ({"AWS": FORWARDER_SESSION.arn}, {"session"}),
        ({"AWS": f"arn:aws:iam::{MEMBER}:user/team/alice"}, {"user"}),
        ({"AWS": f"arn:aws:iam::{MEMBER}:user/alice"}, set()),
        ({"AWS": f"arn:aws:sts::{MEMBER}:federated-user/alice"}, set()),
        ({"AWS": "AROAEXAMPLEID123"}, set()),
        ({"Service": "events.amazonaws.com"}, {"service"}),
        ({"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}, {"service"}),
        ({"Service": "sns.amazonaws.com"}, set()),
        ({"Federated": GITHUB}, {"federated"}),
        ({"Federated": "cognito-identity.amazonaws.com"}, set()),
        ({"CanonicalUser": CANONICAL}, {"user"}),
        ({"AWS": MEMBER, "Service": "events.amazonaws.com"}, MEMBERS | {"service"}),
    ],
)
def test_a_principal_means(principal: Any, meant: set[str]) -> None:
    found = {name for name, caller in CALLERS.items() if means("Principal", principal, caller)}
    assert found == meant


@pytest.mark.parametrize(
    ("principal", "caller", "strength"),
    [
        ("*", FORWARDER_SESSION, Strength.DIRECT),
        ({"AWS": MEMBER}, FORWARDER_SESSION, Strength.ACCOUNT),
        ({"AWS": FORWARDER}, FORWARDER_SESSION, Strength.ROLE),
        ({"AWS": FORWARDER_SESSION.arn}, FORWARDER_SESSION, Strength.DIRECT),
        ({"AWS": [MEMBER, FORWARDER]}, FORWARDER_SESSION, Strength.ROLE),
        ({"AWS": [MEMBER, "*"]}, FORWARDER_SESSION, Strength.DIRECT),
        ({"AWS": ALICE.arn}, ALICE, Strength.DIRECT),
        ({"CanonicalUser": CANONICAL}, ALICE, Strength.ACCOUNT),
        ({"AWS": MEMBER}, ROOT, Strength.ACCOUNT),
        ({"Service": "events.amazonaws.com"}, EVENTS, Strength.DIRECT),
    ],
)
def test_the_most_direct_name_counts(principal: Any, caller: Caller, strength: Strength) -> None:
    assert means("Principal", principal, caller) is strength


ACCOUNT = f"arn:aws:iam::{MEMBER}:root"


@pytest.mark.parametrize(
    ("principal", "spared_by_deny", "left_out_by_allow"),
    [
        ("*", EVERYBODY, EVERYBODY),
        # Sessions are checked as account, role and session, so a Deny needs all three names.
        ({"AWS": [ACCOUNT]}, {"root"}, MEMBERS),
        ({"AWS": [FORWARDER]}, set(), {"session", "other session"}),
        ({"AWS": [FORWARDER, ACCOUNT]}, {"root"}, MEMBERS),
        ({"AWS": [FORWARDER_SESSION.arn, FORWARDER, ACCOUNT]}, {"session", "root"}, MEMBERS),
        ({"AWS": [ALICE.arn, ACCOUNT]}, {"user", "root"}, MEMBERS),
        ({"AWS": ALICE.arn}, set(), {"user"}),
        ({"Service": "events.amazonaws.com"}, {"service"}, {"service"}),
        ({"Federated": GITHUB}, {"federated"}, {"federated"}),
    ],
)
def test_not_principal_errs_on_the_denying_side(
    principal: Any, spared_by_deny: set[str], left_out_by_allow: set[str]
) -> None:
    def not_meant(effect: str) -> set[str]:
        return {
            name
            for name, caller in CALLERS.items()
            if means("NotPrincipal", principal, caller, effect) is None
        }

    assert not_meant("Deny") == spared_by_deny
    assert not_meant("Allow") == left_out_by_allow


@pytest.mark.parametrize(
    ("principal", "fault"),
    [
        ("", "neither '\\*' nor an object"),
        (MEMBER, "neither '\\*' nor an object"),
        ([MEMBER], "neither '\\*' nor an object"),
        (None, "neither '\\*' nor an object"),
        ({}, "neither '\\*' nor an object"),
        ({"aws": MEMBER}, "no type of principal 'aws'"),
        ({"AWS": []}, "neither text nor a list"),
        ({"AWS": [None]}, "neither text nor a list"),
        ({"AWS": {"Ref": "Account"}}, "neither text nor a list"),
        ({"AWS": 111122223333}, "neither text nor a list"),
        ({"AWS": "11112222333"}, "no form that AWS documents"),
        ({"AWS": "arn:aws:iam::111122223333:role/*"}, "has a wildcard"),
        ({"AWS": "arn:aws:iam::*:root"}, "has a wildcard"),
        ({"AWS": "arn:aws:iam::111122223333:group/admins"}, "no form that AWS documents"),
        ({"AWS": "arn:aws:iam::111122223333:role/"}, "no form that AWS documents"),
        ({"AWS": "arn:aws:sts::111122223333:assumed-role/r"}, "no form that AWS documents"),
        ({"AWS": "events.amazonaws.com"}, "no form that AWS documents"),
        ({"Service": "*"}, "no form that AWS documents"),
        ({"Service": "events"}, "no form that AWS documents"),
        ({"Service": MEMBER}, "no form that AWS documents"),
        ({"Federated": "*"}, "no form that AWS documents"),
        ({"CanonicalUser": "alice"}, "no form that AWS documents"),
    ],
)
def test_a_malformed_principal_is_refused(principal: Any, fault: str) -> None:
    with pytest.raises(UnreadablePolicy, match=fault):
        means("Principal", principal, ANYBODY)


@pytest.mark.parametrize(
    ("caller", "carried"),
    [
        (
            Caller.role_session(FORWARDER, "x", organization=ORGANIZATION, org_path=OU),
            {
                "aws:principalarn": (FORWARDER,),
                "aws:principalaccount": (MEMBER,),
                "aws:principalisawsservice": ("false",),
                "aws:principaltype": ("AssumedRole",),
                "aws:principalorgid": (ORGANIZATION,),
                "aws:principalorgpaths": (OU,),
            },
        ),
        (
            ALICE,
            {
                "aws:principalarn": (ALICE.arn,),
                "aws:principalaccount": (MEMBER,),
                "aws:principalisawsservice": ("false",),
                "aws:principaltype": ("User",),
                "aws:username": ("alice",),
            },
        ),
        (
            ROOT,
            {
                "aws:principalarn": (ACCOUNT,),
                "aws:principalaccount": (MEMBER,),
                "aws:principalisawsservice": ("false",),
                "aws:principaltype": ("Account",),
                "aws:userid": (MEMBER,),
            },
        ),
        (
            EVENTS,
            {
                "aws:principalisawsservice": ("true",),
                "aws:principalservicename": ("events.amazonaws.com",),
            },
        ),
        (RUNNER, {"aws:federatedprovider": (GITHUB,)}),
        (
            ANYBODY,
            {
                "aws:principalaccount": ("anonymous",),
                "aws:principaltype": ("Anonymous",),
                "aws:userid": ("anonymous",),
            },
        ),
    ],
)
def test_a_caller_carries_what_aws_documents_and_no_more(
    caller: Caller, carried: dict[str, tuple[str, ...]]
) -> None:
    assert caller.context().entries == carried


def test_a_session_has_its_roles_arn_without_the_path() -> None:
    assert FORWARDER_SESSION.arn == f"arn:aws:sts::{MEMBER}:assumed-role/forwarder/EventBridge"
    assert FORWARDER_SESSION.role == FORWARDER


def test_other_partitions_are_known() -> None:
    session = Caller.role_session(f"arn:aws-us-gov:iam::{MEMBER}:role/r", "x")
    assert session.arn == f"arn:aws-us-gov:sts::{MEMBER}:assumed-role/r/x"
    assert Caller.root(MEMBER, partition="aws-cn").arn == f"arn:aws-cn:iam::{MEMBER}:root"


@pytest.mark.parametrize(
    ("build", "argument"),
    [
        (lambda arn: Caller.role_session(arn, "x"), f"arn:aws:iam::{MEMBER}:user/r"),
        (lambda arn: Caller.role_session(arn, "x y"), MEMBER_ROLE),
        (Caller.user, MEMBER_ROLE),
        (Caller.root, "1234"),
        (Caller.aws_service, "events"),
        (Caller.federated, "github"),
    ],
)
def test_a_caller_that_cannot_be_is_refused(build: Any, argument: str) -> None:
    with pytest.raises(ValueError, match="is n"):
        build(argument)


@pytest.mark.parametrize(
    ("caller", "context"),
    [
        (EVENTS, {"aws:PrincipalOrgID": ORGANIZATION}),
        (EVENTS, {"aws:PrincipalArn": FORWARDER}),
        (ANYBODY, {"aws:PrincipalOrgID": ORGANIZATION}),
        (OTHER_SESSION, {"AWS:PrincipalOrgId": ORGANIZATION}),
        (FORWARDER_SESSION, {"aws:PrincipalOrgID": "o-other1234"}),
        (FORWARDER_SESSION, {"aws:PrincipalServiceName": "events.amazonaws.com"}),
        (FORWARDER_SESSION, {"aws:username": "alice"}),
    ],
)
def test_a_request_cannot_claim_what_its_caller_is_not(
    caller: Caller, context: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"carries no|cannot be given"):
        decide(Request(caller, "events:PutEvents", BUS, context), Policies())
    agreeing: dict[str, Any] = {"aws:PrincipalOrgID": ORGANIZATION}
    decide(Request(FORWARDER_SESSION, "events:PutEvents", BUS, agreeing), Policies())
