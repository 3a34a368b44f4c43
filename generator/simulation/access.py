"""Asks the authorization engine with the policies that stacks really made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from generator.model import Json
from generator.simulation import control_policies
from generator.simulation.authorization import (
    Caller,
    Decision,
    Policies,
    Policy,
    Request,
    decide,
    identity_policy,
    resource_policy,
    trust_policy,
)
from generator.simulation.world import Resource, World


@dataclass(frozen=True)
class Refusal:
    """Why EventBridge does not deliver; `code` is the one it writes on a dead letter.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """

    code: str
    why: str


def caller_of_role(world: World, role: Resource, session: str) -> Caller:
    """Somebody who assumed a role; its organization is that of the role's account."""
    organization = world.organization
    inside = role.account in organization.accounts
    return Caller.role_session(
        role.arn,
        session,
        organization=organization.id if inside else None,
        org_path=organization.path(role.account) if inside else None,
    )


def may_assume(
    world: World,
    caller: Caller,
    role: Resource,
    context: Mapping[str, Json],
    own: tuple[Policy, ...],
) -> Decision:
    """Whether a caller, whose identity policies are `own`, may assume a role."""
    trust = _trust(_document(role.properties["AssumeRolePolicyDocument"]), role.arn)
    request = Request(caller, "sts:AssumeRole", role.arn, context)
    return decide(request, Policies(identity=own, resource=trust))


def of_role(role: Resource) -> tuple[Policy, ...]:
    """The identity policies of a role: its inline ones."""
    return tuple(
        _identity(_document(policy["PolicyDocument"]), f"{role.arn} {policy['PolicyName']}")
        for policy in role.properties.get("Policies", [])
    )


def allows(
    world: World,
    caller: Caller,
    action: str,
    arn: str,
    context: Mapping[str, Json],
    own: tuple[Policy, ...] = (),
    owner: str | None = None,
) -> Decision:
    """Whether a caller may do something to a resource, by its own and the resource's policies, and
    by the service control policies that bind its account.

    `owner` is the resource's account where the ARN does not say it.
    """
    scps = control_policies.levels(world, caller.account) if caller.account and own else ()
    if scps and ":" in arn and "aws:RequestedRegion" not in context and arn.split(":")[3]:
        # The Region of the endpoint that is called, not that of the caller.
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        context = {**context, "aws:RequestedRegion": arn.split(":")[3]}
    policies = Policies(identity=own, scps=scps, resource=policy_on(world, arn))
    return decide(Request(caller, action, arn, context, owner or _owner(world, arn)), policies)


def forwarding_refused(world: World, rule_arn: str, role_arn: str, bus_arn: str) -> Refusal | None:
    """Why a rule may not put events on a bus of another account or Region; None when it may.

    EventBridge must be able to assume the role for this rule, the role must be allowed to put
    events on the bus, and the bus's policy must let it in.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
    """
    if not role_arn:
        return Refusal("NO_PERMISSIONS", "the target has no role")
    role = world.inventory.by_arn(role_arn)
    if role is None:
        return Refusal("FAILED_TO_ASSUME_ROLE", f"there is no role {role_arn}")
    account = rule_arn.split(":")[4]
    source = {"aws:SourceArn": rule_arn, "aws:SourceAccount": account}
    service = Caller.aws_service("events.amazonaws.com")
    assumed = may_assume(world, service, role, source, ())
    if not assumed.allowed:
        return Refusal("FAILED_TO_ASSUME_ROLE", f"the role's trust: {assumed.because}")
    bus = world.inventory.by_arn(bus_arn)
    if bus is None:
        return Refusal("NO_RESOURCE", f"there is no bus {bus_arn}")
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
    context = {**source, "events:eventBusInvocation": bus.account != account}
    caller = caller_of_role(world, role, "events")
    put = allows(world, caller, "events:PutEvents", bus_arn, context, of_role(role))
    return None if put.allowed else Refusal("NO_PERMISSIONS", f"no PutEvents: {put.because}")


def policy_on(world: World, arn: str) -> Policy | None:
    """The resource policy of a bus, queue, topic, key or bucket; None when it has none.

    An object's is its bucket's.
    """
    resource = _bucket(world, arn) or world.inventory.by_arn(arn)
    if resource is None:
        return None
    if resource.type == "AWS::KMS::Key":
        return _resource(_document(resource.properties["KeyPolicy"]), arn)
    statements = [statement for held in _holders(world, resource) for statement in held]
    if not statements:
        return None
    return _resource(_document({"Version": "2012-10-17", "Statement": statements}), arn)


def _bucket(world: World, arn: str) -> Resource | None:
    """The bucket of that ARN, or of the object of that ARN."""
    found = world.inventory.by_arn(arn.partition("/")[0])
    return found if found is not None and found.type == "AWS::S3::Bucket" else None


def _owner(world: World, arn: str) -> str | None:
    """The account of a bucket, which is not in its ARN; None for what has it there."""
    bucket = _bucket(world, arn)
    return bucket.account if bucket else None


# Of each type with a policy of its own: the type that carries it, and how that names it.
_POLICIES = {
    "AWS::Events::EventBus": ("AWS::Events::EventBusPolicy", "EventBusName"),
    "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "Queues"),
    "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "Topics"),
    "AWS::S3::Bucket": ("AWS::S3::BucketPolicy", "Bucket"),
}


def _holders(world: World, resource: Resource) -> list[list[Json]]:
    """The statements of every policy resource that names this one."""
    if resource.type not in _POLICIES:
        return []
    type_, key = _POLICIES[resource.type]
    found = []
    for policy in world.inventory.of_type(resource.account, resource.region, type_):
        named = policy.properties.get(key)
        if resource.physical_id in (named if isinstance(named, list) else [named]):
            document = policy.properties.get("PolicyDocument", {})
            own = policy.properties.get("Statement", document.get("Statement", []))
            found.append(own if isinstance(own, list) else [own])
    return found


def _document(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


# Reading a document is not free, and the same one is asked about for every event.


@lru_cache(maxsize=4096)
def _identity(text: str, place: str) -> Policy:
    return identity_policy(text, place)


@lru_cache(maxsize=4096)
def _resource(text: str, place: str) -> Policy:
    return resource_policy(text, place)


@lru_cache(maxsize=4096)
def _trust(text: str, place: str) -> Policy:
    return trust_policy(text, place)
