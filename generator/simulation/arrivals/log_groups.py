"""Events of rules in log groups, by the Region's resource policies and the group's key."""

from __future__ import annotations

import json
from collections.abc import Iterator

from generator.simulation.arrivals.parcel import EVENTBRIDGE, Parcel, Undeliverable
from generator.simulation.authorization import (
    Caller,
    Policies,
    Policy,
    Request,
    decide,
    resource_policy,
)
from generator.simulation.world import Resource, World

EVENT_LIMIT = 1_048_576
"""Bytes of a log event.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""


def deliver(parcel: Parcel) -> str:
    """A rule's event into a log group, whose ARN as a target ends without a star.

    A role on the target has no say; a message that is not the event as it was has to be an
    object of a form of its own, which is not simulated.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    world, group = parcel.world, parcel.world.inventory.by_arn(f"{parcel.arn}:*")
    if group is None:
        raise Undeliverable("NO_RESOURCE", f"there is no log group {parcel.arn}")
    if parcel.target.get("InputTransformer") or parcel.target.get("InputPath"):
        raise Undeliverable("INVALID_PARAMETER", f"{parcel.arn} takes events as they are")
    stream = f"{parcel.arn}:log-stream:{parcel.rule_name}"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        _must_let_in(parcel, group, action, stream)
    size = len(parcel.message.encode())
    if size > EVENT_LIMIT:
        raise Undeliverable("INVALID_PARAMETER", f"{size} bytes are too long for {parcel.arn}")
    _unlock(world, group, parcel.arn)
    world.arrived.logs.setdefault(group.physical_id, []).append(parcel.message)
    return parcel.message


def _must_let_in(parcel: Parcel, group: Resource, action: str, stream: str) -> None:
    request = Request(Caller.aws_service(EVENTBRIDGE), action, stream, parcel.source)
    because = "no resource policy of the Region"
    for policy in _policies(parcel.world, group):
        decision = decide(request, Policies(resource=policy))
        if decision.allowed:
            return
        because = str(decision.because)
    raise Undeliverable("NO_PERMISSIONS", f"{parcel.arn}: {action}: {because}")


def _policies(world: World, group: Resource) -> Iterator[Policy]:
    of = world.inventory.of_type(group.account, group.region, "AWS::Logs::ResourcePolicy")
    for resource in of:
        document = resource.properties["PolicyDocument"]
        whole = json.loads(document) if isinstance(document, str) else document
        yield resource_policy(whole, resource.physical_id)


def _unlock(world: World, group: Resource, arn: str) -> None:
    """CloudWatch Logs encrypts with the group's key, if it has one.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    named = group.properties.get("KmsKeyId")
    if not named:
        return
    key = world.inventory.by_arn(str(named))
    if key is None:
        raise Undeliverable("NO_PERMISSIONS", f"{arn}: there is no key {named}")
    domain = "amazonaws.com.cn" if key.region.startswith("cn-") else "amazonaws.com"
    caller = Caller.aws_service(f"logs.{key.region}.{domain}")
    context = {"kms:EncryptionContext:aws:logs:arn": arn}
    policy = resource_policy(key.properties["KeyPolicy"], key.arn)
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        decision = decide(Request(caller, action, key.arn, context), Policies(resource=policy))
        if not decision.allowed:
            raise Undeliverable("NO_PERMISSIONS", f"{arn}: its key: {decision.because}")
