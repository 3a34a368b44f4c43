"""Messages into SQS queues, if the queue's policy and key let the service in."""

from __future__ import annotations

from collections.abc import Mapping

from moto.moto_api._internal import mock_random
from moto.sqs.models import Message, sqs_backends

from generator.model import Json
from generator.simulation import access
from generator.simulation.arrivals.parcel import EVENTBRIDGE, Parcel, Undeliverable
from generator.simulation.authorization import Caller
from generator.simulation.world import Resource, World

MESSAGE_LIMIT = 1_048_576
"""Bytes of an SQS message.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""


def deliver(parcel: Parcel) -> str:
    """A rule's message into a queue."""
    send(parcel.world, parcel.addressee(), parcel.message, EVENTBRIDGE, parcel.rule.arn)
    return parcel.message


def send(
    world: World,
    queue: Resource,
    message: str,
    service: str,
    source_arn: str,
    attributes: Mapping[str, str] | None = None,
) -> None:
    """A service's message into a queue."""
    context = {"aws:SourceArn": source_arn, "aws:SourceAccount": source_arn.split(":")[4]}
    caller = Caller.aws_service(service)
    decision = access.allows(world, caller, "sqs:SendMessage", queue.arn, context)
    if not decision.allowed:
        raise Undeliverable("NO_PERMISSIONS", f"{queue.arn}: {decision.because}")
    unlock(world, queue.properties.get("KmsMasterKeyId"), caller, context, queue.arn)
    limit = int(queue.properties.get("MaximumMessageSize") or MESSAGE_LIMIT)
    size = len(message.encode()) + sum(
        len(f"{key}String{value}".encode()) for key, value in (attributes or {}).items()
    )
    if size > limit:
        raise Undeliverable("INVALID_PARAMETER", f"{size} bytes are too long for {queue.arn}")
    given = {
        key: {"DataType": "String", "StringValue": value}
        for key, value in (attributes or {}).items()
    }
    kept = sqs_backends[queue.account][queue.region].get_queue(str(queue.properties["QueueName"]))
    # moto's own send_message looks at every message that lies there already, for each new one.
    letter = Message(str(mock_random.uuid4()), message)
    letter.message_attributes = given
    letter.mark_sent(delay_seconds=kept.delay_seconds)
    kept.add_message(letter)


def unlock(world: World, key: Json, caller: Caller, context: Mapping[str, Json], what: str) -> None:
    """A service that writes to something under a customer's key must be let in by the key."""
    if not key:
        return
    resource = world.inventory.by_arn(str(key))
    if resource is None:
        raise Undeliverable("NO_PERMISSIONS", f"{what}: the key {key} lets no service in")
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        decision = access.allows(world, caller, action, resource.arn, context)
        if not decision.allowed:
            raise Undeliverable("NO_PERMISSIONS", f"{what}: its key: {decision.because}")
