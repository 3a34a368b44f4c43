"""What the remediations may do in members and centrally: what they need, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
import yaml

from generator import handlers
from generator.simulation.authorization import (
    Caller,
    Policies,
    Request,
    decide,
    identity_policy,
)

from . import rendered
from .conftest import Deploy, Function
from .events import HOME, MEMBER, OTHER
from .remedies import (
    BUCKET,
    INSTANCE,
    POLICY,
    REMEDIES,
    USER,
    Remedy,
    instance,
    launched,
    tags_of,
    volume_of,
)
from .rendered import CENTRAL, Site
from .test_restart_cloudtrail_rights import FOR_OTHER_RESPONDERS, NO_CALLS_OF_OURS, actions

every_remedy = pytest.mark.parametrize("remedy", REMEDIES.values(), ids=REMEDIES.keys())


def declared(responder: str) -> set[str]:
    """The actions in members that a responder.yaml asks for."""
    file = handlers.root() / responder / "responder.yaml"
    statements = yaml.safe_load(file.read_text(encoding="utf-8"))["member_permissions"]
    return {action for statement in statements for action in statement["actions"]}


def everything_it_does(remedy: Remedy, deploy: Deploy, without: Iterable[str] = ()) -> Function:
    """Something to do, with an excepted tag to look for: each kind of call is made."""
    function = remedy.deployed(deploy, TRAILBUS_EXCEPTIONS='{"tags": ["audit"]}')
    function.aws.without = set(without)
    function(remedy.event())
    return function


@every_remedy
def test_its_member_role_allows_what_is_declared(remedy: Remedy) -> None:
    assert actions("member-roles.yaml", remedy.member_role) == declared(remedy.responder)


@every_remedy
def test_it_uses_each_action_of_both_roles(remedy: Remedy, deploy: Deploy) -> None:
    function = everything_it_does(remedy, deploy)
    used = {side: {a for s, a in function.aws.used if s == side} for side in ("central", "member")}

    assert remedy.changed()
    assert used["member"] == declared(remedy.responder)
    unused = actions("central.yaml", f"{remedy.function}Role") - used["central"]
    assert unused - FOR_OTHER_RESPONDERS == NO_CALLS_OF_OURS


ACTIONS = [
    (remedy, action)
    for remedy in REMEDIES.values()
    for action in sorted(declared(remedy.responder))
]


@pytest.mark.parametrize(("remedy", "action"), ACTIONS, ids=[f"{a}" for _, a in ACTIONS])
def test_it_cannot_do_without(remedy: Remedy, action: str, deploy: Deploy) -> None:
    function = everything_it_does(remedy, deploy, without=[action])

    assert function.aws.denied[:1] == [f"member {action}"]
    assert not remedy.changed()


OF_BUCKET = {"aws:ResourceAccount": MEMBER}
OWNER = {"aws:TagKeys": ["Owner"]}
EC2 = f"arn:aws:ec2:{HOME}:{MEMBER}:instance/{INSTANCE}"
FORBIDDEN: list[tuple[str, str, str, dict[str, Any]]] = [
    ("block_public_bucket", "s3:PutBucketPolicy", f"arn:aws:s3:::{BUCKET}", OF_BUCKET),
    ("block_public_bucket", "s3:DeleteBucketPolicy", f"arn:aws:s3:::{BUCKET}", OF_BUCKET),
    ("block_public_bucket", "s3:PutBucketAcl", f"arn:aws:s3:::{BUCKET}", OF_BUCKET),
    ("block_public_bucket", "s3:GetObject", f"arn:aws:s3:::{BUCKET}/key", OF_BUCKET),
    ("block_public_bucket", "s3:ListBucket", f"arn:aws:s3:::{BUCKET}", OF_BUCKET),
    ("block_public_bucket", "s3:PutAccountPublicAccessBlock", "*", {}),
    (
        "block_public_bucket",
        "s3:PutBucketPublicAccessBlock",
        f"arn:aws:s3:::{BUCKET}",
        {"aws:ResourceAccount": OTHER},
    ),
    (
        "require_mfa",
        "iam:AttachUserPolicy",
        f"arn:aws:iam::{MEMBER}:user/{USER}",
        {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ),
    (
        "require_mfa",
        "iam:AttachUserPolicy",
        f"arn:aws:iam::{MEMBER}:user/{USER}",
        {"iam:PolicyARN": f"{POLICY}-2"},
    ),
    (
        "require_mfa",
        "iam:AttachRolePolicy",
        f"arn:aws:iam::{MEMBER}:role/admin",
        {"iam:PolicyARN": POLICY},
    ),
    (
        "require_mfa",
        "iam:DetachUserPolicy",
        f"arn:aws:iam::{MEMBER}:user/{USER}",
        {"iam:PolicyARN": POLICY},
    ),
    ("require_mfa", "iam:CreatePolicyVersion", POLICY, {}),
    ("require_mfa", "iam:CreateAccessKey", f"arn:aws:iam::{MEMBER}:user/{USER}", {}),
    ("tag_owner", "ec2:CreateTags", EC2, {"aws:TagKeys": ["Owner", "team"]}),
    ("tag_owner", "ec2:CreateTags", EC2, {"aws:TagKeys": ["owner"]}),
    ("tag_owner", "ec2:CreateTags", EC2, {}),
    ("tag_owner", "ec2:CreateTags", EC2, {**OWNER, "aws:ResourceTag/Owner": "somebody"}),
    ("tag_owner", "ec2:CreateTags", EC2.replace("instance/i-", "vpc/vpc-"), OWNER),
    ("tag_owner", "ec2:CreateTags", EC2.replace(MEMBER, OTHER), OWNER),
    ("tag_owner", "ec2:DeleteTags", EC2, OWNER),
    ("tag_owner", "ec2:StopInstances", EC2, {}),
    ("tag_owner", "ec2:RunInstances", EC2, {}),
]


@pytest.mark.parametrize(("responder", "action", "resource", "context"), FORBIDDEN)
def test_its_member_role_allows_nothing_else(
    responder: str, action: str, resource: str, context: dict[str, Any], deploy: Deploy
) -> None:
    aws = REMEDIES[responder].deployed(deploy).aws

    assert not aws.may("member", MEMBER, action, resource, **context).allowed


@every_remedy
@pytest.mark.parametrize("other", REMEDIES)
def test_it_assumes_its_own_role_in_members_and_no_other(
    remedy: Remedy, other: str, deploy: Deploy
) -> None:
    aws = remedy.deployed(deploy).aws
    role = f"arn:aws:iam::{MEMBER}:role/trailbus-{other.replace('_', '-')}-member"
    inside = {"aws:ResourceOrgID": rendered.ORGANIZATION}
    allowed = aws.may("central", CENTRAL, "sts:AssumeRole", role, **inside).allowed

    assert allowed == (other == remedy.responder)


def test_between_look_and_tag_an_owner_that_somebody_set_is_kept(deploy: Deploy) -> None:
    """The role itself cannot overwrite an Owner, and the next try tags the rest."""
    remedy = REMEDIES["tag_owner"]
    function = deploy(
        remedy.responder, remedy.function, remedy.member_role, TRAILBUS_MODE="enforce"
    )
    made = instance()
    asked = function.aws._check

    def meanwhile(side: str, call: Any) -> None:
        if call.name == "ec2:CreateTags" and "Owner" not in tags_of(INSTANCE):
            remedy.tag("Owner", "somebody")
            from moto.ec2.models import ec2_backends

            ec2_backends[MEMBER][HOME].delete_tags([volume_of(made)], {"Owner": None})
        asked(side, call)

    function.aws._check = meanwhile  # type: ignore[method-assign]
    event = launched()
    assert function(event).outcomes == ["failed"]
    assert function(event).outcomes == ["tagged"]
    assert tags_of(INSTANCE)["Owner"] == "somebody"
    assert tags_of(volume_of(made))["Owner"] == "mara.lindqvist@example.com"


# --- What the managed policy of require_mfa does to the user who has it

SOMETHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
CONSOLE = {"aws:MultiFactorAuthPresent": False}
SELF = f"arn:aws:iam::{MEMBER}:user/{USER}"
SAID: list[tuple[str, dict[str, Any], str, bool]] = [
    ("s3:ListAllMyBuckets", CONSOLE, "*", False),
    ("s3:ListAllMyBuckets", {"aws:MultiFactorAuthPresent": True}, "*", True),
    ("s3:ListAllMyBuckets", {}, "*", True),  # signed with an access key
    ("iam:DeactivateMFADevice", CONSOLE, SELF, False),
    ("iam:CreateAccessKey", CONSOLE, SELF, False),
    ("iam:EnableMFADevice", CONSOLE, SELF, True),
    ("iam:ChangePassword", CONSOLE, SELF, True),
    ("iam:CreateVirtualMFADevice", CONSOLE, f"arn:aws:iam::{MEMBER}:mfa/phone", True),
    ("sts:GetSessionToken", CONSOLE, "*", True),
]


def user_may(action: str, context: dict[str, Any], resource: str, *others: Any) -> bool:
    properties = rendered.resource(
        "member-roles.yaml", "RequireMfaConsoleWithMfaOnlyPolicy", Site(MEMBER)
    )
    documents = [properties["PolicyDocument"], *others]
    policies = tuple(identity_policy(json.loads(json.dumps(each)), "user") for each in documents)
    caller = Caller.user(SELF)
    return decide(Request(caller, action, resource, context), Policies(identity=policies)).allowed


@pytest.mark.parametrize(("action", "context", "resource", "allowed"), SAID)
def test_a_user_with_the_policy_can_only_enrol_without_a_second_factor(
    action: str, context: dict[str, Any], resource: str, allowed: bool
) -> None:
    administrator = {"Version": "2012-10-17", "Statement": [SOMETHING]}

    assert user_may(action, context, resource, administrator) == allowed


@pytest.mark.parametrize("path", ["", "division/team/"])
def test_a_user_without_any_rights_can_enrol_itself_and_nobody_else(path: str) -> None:
    own, another = (f"arn:aws:iam::{MEMBER}:user/{path}{name}" for name in (USER, "other"))

    assert user_may("iam:EnableMFADevice", CONSOLE, own)
    assert user_may("iam:ChangePassword", CONSOLE, own)
    assert not user_may("iam:EnableMFADevice", CONSOLE, another)
    assert not user_may("iam:ChangePassword", CONSOLE, another)
