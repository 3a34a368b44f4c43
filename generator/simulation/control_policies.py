"""What service control policies forbid roles in members: those of StackSets, and our own.

They bind all of them alike; the management account they do not bind.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from generator.simulation.authorization import (
    Caller,
    Policies,
    Policy,
    Request,
    decide,
    identity_policy,
)
from generator.simulation.world import World, partition_of

EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
"""The content of FullAWSAccess, which AWS attaches to whatever has no policy of its own."""

_STACK = "cloudformation:CreateStack"
_ACTIONS = {
    "AWS::Events::Rule": ("events:PutRule", "events:PutTargets"),
    "AWS::IAM::Role": ("iam:CreateRole",),
    "AWS::SQS::Queue": ("sqs:CreateQueue",),
    "AWS::SQS::QueuePolicy": ("sqs:SetQueueAttributes",),
}
"""What making a resource of a type takes, of the types that member templates hold."""

_LEADERS = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
"""Where calls of IAM count as made: it has no Regions."""


def denied(world: World, account: str, region: str, types: Iterable[str]) -> str | None:
    """Why the work in an account and Region is forbidden, in AWS's words; None when it is not."""
    scps = levels(world, account)
    if not scps:
        return None
    organization = world.organization
    partition = partition_of(region)
    caller = Caller.role_session(
        f"arn:{partition}:iam::{account}:role/stacksets-exec-{'0' * 32}",
        "AWSCloudFormation",
        organization=organization.id,
        org_path=organization.path(account),
    )
    policies = Policies(identity=(_policy(EVERYTHING),), scps=scps)
    actions = [_STACK, *(action for type_ in types for action in _ACTIONS.get(type_, ()))]
    for action in dict.fromkeys(actions):
        where = _LEADERS[partition] if action.startswith("iam:") else region
        asked = Request(caller, action, "*", {"aws:RequestedRegion": where})
        if not decide(asked, policies).allowed:
            return (
                f"User: {caller.arn} is not authorized to perform: {action} with an explicit deny "
                "in a service control policy"
            )
    return None


def levels(world: World, account: str) -> tuple[tuple[Policy, ...], ...]:
    """The policies that bind an account, from the root down to it; none where all is allowed."""
    organization = world.organization
    if account == organization.management or account not in organization.accounts:
        return ()
    if not organization.policies:
        return ()
    nodes = [*reversed(organization.lineage(organization.accounts[account].parent)), account]
    contents = [
        tuple(p.content for p in organization.policies.values() if node in p.targets)
        or (EVERYTHING,)
        for node in nodes
    ]
    if all(content == EVERYTHING for level in contents for content in level):
        return ()
    return tuple(tuple(_policy(content) for content in level) for level in contents)


@lru_cache(maxsize=256)
def _policy(content: str) -> Policy:
    return identity_policy(content, "a service control policy")
