"""Service control policies in a simulated rollout: they bind members, at every level above them."""

from __future__ import annotations

import json

import pytest

from generator.simulation.control_policies import EVERYTHING, denied
from generator.simulation.world import ControlPolicy, World
from tests.simulation.cloudformation.ask import (
    CENTRAL,
    MANAGEMENT,
    ROOT,
    SANDBOXES,
    WORKLOADS,
    member,
    organization_of,
)

TYPES = ("AWS::SQS::Queue", "AWS::Events::Rule", "AWS::IAM::Role")
SANDBOXED = member(1)


@pytest.fixture
def world() -> World:
    return organization_of(5)


def attach(world: World, statement: dict[str, object], *targets: str) -> None:
    content = json.dumps({"Version": "2012-10-17", "Statement": [{"Resource": "*", **statement}]})
    policies = world.organization.policies
    policies["p-all"] = ControlPolicy("p-all", "FullAWSAccess", EVERYTHING, set(targets))
    policies["p-1"] = ControlPolicy("p-1", "one", content, set(targets))


@pytest.mark.parametrize(
    ("target", "bound"),
    [
        (ROOT, {CENTRAL, member(0), SANDBOXED}),
        (WORKLOADS, {CENTRAL, member(0), SANDBOXED}),
        (SANDBOXES, {SANDBOXED}),
        (SANDBOXED, {SANDBOXED}),
        (MANAGEMENT, set()),
    ],
)
def test_a_policy_binds_what_is_below_it_but_never_the_management_account(
    target: str, bound: set[str], world: World
) -> None:
    attach(world, {"Effect": "Deny", "Action": "sqs:*"}, target)
    accounts = (MANAGEMENT, CENTRAL, member(0), SANDBOXED)
    assert {a for a in accounts if denied(world, a, "eu-west-1", TYPES)} == bound


def test_without_policies_everything_is_allowed(world: World) -> None:
    assert denied(world, SANDBOXED, "eu-west-1", TYPES) is None


def test_the_reason_names_the_call(world: World) -> None:
    attach(world, {"Effect": "Deny", "Action": "iam:CreateRole"}, ROOT)
    reason = denied(world, SANDBOXED, "eu-west-1", TYPES)
    assert reason is not None
    assert "stacksets-exec-" in reason
    assert "iam:CreateRole with an explicit deny in a service control policy" in reason
    assert denied(world, SANDBOXED, "eu-west-1", ("AWS::SQS::Queue",)) is None


def test_where_full_access_was_taken_away_a_list_counts(world: World) -> None:
    attach(world, {"Effect": "Allow", "Action": "cloudformation:*"}, ROOT)
    assert denied(world, SANDBOXED, "eu-west-1", TYPES) is None
    del world.organization.policies["p-all"]
    assert "events:PutRule" in str(denied(world, SANDBOXED, "eu-west-1", TYPES[1:]))


def test_calls_of_iam_count_as_made_in_the_leader_region(world: World) -> None:
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}
    attach(world, {"Effect": "Deny", "Action": "iam:*", "Condition": elsewhere}, ROOT)
    assert denied(world, SANDBOXED, "eu-west-1", TYPES) is None
