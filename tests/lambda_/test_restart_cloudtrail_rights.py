"""restart_cloudtrail may do what it does, and nothing else, in its member role and its own.

Every other test of it fails on a call that the rendered policies deny. Here the other direction:
what is not used is not allowed.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import yaml

from generator import handlers

from . import rendered
from .aws import Trail
from .conftest import Deploy, Function
from .events import HOME, MANAGEMENT, MEMBER, OTHER, TRAIL, stop
from .rendered import CENTRAL, Site

NO_CALLS_OF_OURS = {
    # Lambda itself makes these with the function's role.
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
}
FOR_OTHER_RESPONDERS = {
    "dynamodb:PutItem",
    "dynamodb:DeleteItem",
    "sqs:ChangeMessageVisibility",
    "sqs:SendMessage",
}
"""The statement about the memory table is the same for all that remember; of their own queues all
make use that have a message come back."""


def actions(template: str, role: str) -> set[str]:
    """What a rendered role allows."""
    properties = rendered.resource(template, role, Site(CENTRAL))
    return {
        action
        for policy in properties["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }


def declared() -> list[str]:
    """The actions in members that responder.yaml asks for."""
    file = handlers.root() / "restart_cloudtrail" / "responder.yaml"
    statements = yaml.safe_load(file.read_text(encoding="utf-8"))["member_permissions"]
    return [action for statement in statements for action in statement["actions"]]


def everything_it_does(deploy: Deploy, without: Iterable[str] = ()) -> Function:
    """A trail that is started, with an excepted tag to look for: each kind of call is made."""
    guard = deploy(
        "restart_cloudtrail",
        "TrailGuard",
        "RestartCloudtrailRole",
        TRAILBUS_EXCEPTIONS='{"tags": ["audit"]}',
    )
    guard.aws.without = set(without)
    guard.aws.add(Trail("account-trail", HOME, MEMBER))
    guard(stop())
    return guard


def test_its_member_role_allows_what_is_declared() -> None:
    assert actions("member-roles.yaml", "RestartCloudtrailRole") == set(declared())


def test_it_uses_each_action_of_its_member_role(deploy: Deploy) -> None:
    guard = everything_it_does(deploy)

    assert guard.aws.starts == [(HOME, TRAIL)]
    assert {action for side, action in guard.aws.used if side == "member"} == set(declared())


def test_it_uses_each_action_of_its_own_role(deploy: Deploy) -> None:
    guard = everything_it_does(deploy)
    used = {action for side, action in guard.aws.used if side == "central"}
    unused = actions("central.yaml", "TrailGuardRole") - used

    assert unused - FOR_OTHER_RESPONDERS == NO_CALLS_OF_OURS


CENTRAL_ACTIONS = actions("central.yaml", "TrailGuardRole") - NO_CALLS_OF_OURS


@pytest.mark.parametrize("action", [*declared(), *sorted(CENTRAL_ACTIONS - FOR_OTHER_RESPONDERS)])
def test_it_cannot_do_without(deploy: Deploy, action: str) -> None:
    guard = everything_it_does(deploy, without=[action])

    assert [denied.partition(" ")[2] for denied in guard.aws.denied][:1] == [action]


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cloudtrail:StartLogging", TRAIL.replace(MEMBER, OTHER)),
        ("cloudtrail:GetTrailStatus", TRAIL.replace(MEMBER, MANAGEMENT)),
        ("cloudtrail:StopLogging", TRAIL),
        ("cloudtrail:UpdateTrail", TRAIL),
        ("cloudtrail:DeleteTrail", TRAIL),
        ("cloudtrail:AddTags", TRAIL),
        ("cloudtrail:StartLogging", TRAIL.replace(":trail/", ":eventdatastore/")),
        ("sts:AssumeRole", f"arn:aws:iam::{MEMBER}:role/trailbus-restart-cloudtrail-member"),
    ],
)
def test_its_member_role_allows_nothing_else(deploy: Deploy, action: str, resource: str) -> None:
    aws = everything_it_does(deploy).aws

    assert not aws.may("member", MEMBER, action, resource).allowed


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cloudtrail:StartLogging", TRAIL.replace(MEMBER, CENTRAL)),
        ("ssm:PutParameter", f"arn:aws:ssm:us-east-1:{CENTRAL}:parameter/trailbus/remediation"),
        ("ssm:GetParameter", f"arn:aws:ssm:us-east-1:{CENTRAL}:parameter/other"),
        ("sns:Publish", f"arn:aws:sns:us-east-1:{CENTRAL}:trailbus-alarms"),
        ("dynamodb:UpdateItem", f"arn:aws:dynamodb:us-east-1:{CENTRAL}:table/other"),
        ("dynamodb:DeleteTable", f"arn:aws:dynamodb:us-east-1:{CENTRAL}:table/trailbus-memory"),
        ("sts:AssumeRole", f"arn:aws:iam::{MEMBER}:role/trailbus-forwarder"),
    ],
)
def test_its_own_role_allows_nothing_else(deploy: Deploy, action: str, resource: str) -> None:
    aws = everything_it_does(deploy).aws

    assert not aws.may(
        "central", CENTRAL, action, resource, **{"aws:ResourceOrgID": rendered.ORGANIZATION}
    ).allowed


def test_a_role_outside_the_organization_is_not_assumed(deploy: Deploy) -> None:
    aws = everything_it_does(deploy).aws
    role = f"arn:aws:iam::{MEMBER}:role/trailbus-restart-cloudtrail-member"
    inside = {"aws:ResourceOrgID": rendered.ORGANIZATION}
    outside = {"aws:ResourceOrgID": "o-somebodyelse"}

    assert aws.may("central", CENTRAL, "sts:AssumeRole", role, **inside).allowed
    assert not aws.may("central", CENTRAL, "sts:AssumeRole", role, **outside).allowed
