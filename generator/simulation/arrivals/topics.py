"""Messages on SNS topics, and from there into queues and to people that are subscribed."""

from __future__ import annotations

import json
import uuid

from generator.simulation import access
from generator.simulation.arrivals.parcel import EVENTBRIDGE, Parcel, Undeliverable
from generator.simulation.arrivals.queues import send, unlock
from generator.simulation.authorization import Caller
from generator.simulation.journeys import NO_LETTERS, REFUSED_TOO, DeadLetter
from generator.simulation.world import Resource, World

TOPIC_LIMIT = 262_144
"""Bytes of an SNS message unless the topic says otherwise.
https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html"""


def deliver(parcel: Parcel) -> str | None:
    """A rule's message on a topic; gives what the first queue behind it receives.

    None when no queue took it: the topic did, so that the rule's part is done. Whoever is
    subscribed by e-mail is taken to have confirmed it.
    """
    world, message, topic = parcel.world, parcel.message, parcel.addressee()
    caller = Caller.aws_service(EVENTBRIDGE)
    decision = access.allows(world, caller, "sns:Publish", topic.arn, parcel.source)
    if not decision.allowed:
        raise Undeliverable("NO_PERMISSIONS", f"{topic.arn}: {decision.because}")
    # EventBridge names no source when it publishes under a key.
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    unlock(world, topic.properties.get("KmsMasterKeyId"), caller, {}, topic.arn)
    limit = int(topic.properties.get("MaximumMessageSize") or TOPIC_LIMIT)
    size = len(message.encode())
    if size > limit:
        raise Undeliverable("INVALID_PARAMETER", f"{size} bytes are too long for {topic.arn}")
    for reader in _subscriptions(world, topic, "email"):
        address = str(reader.properties["Endpoint"])
        world.arrived.mails.setdefault(address, []).append(message)
    queues = _subscriptions(world, topic, "sqs")
    taken = []
    for subscription in queues:
        raw = subscription.properties.get("RawMessageDelivery") in (True, "true")
        copy = message if raw else envelope(topic.arn, message)
        try:
            _send(world, topic, str(subscription.properties["Endpoint"]), copy)
            taken.append(copy)
        except Undeliverable as problem:
            kept, why = _redriven(world, topic, subscription, copy, str(problem))
            parcel.journey.dead_letters.append(
                DeadLetter(parcel.rule_name, parcel.target_id, kept, problem.code, why)
            )
    if not queues:
        return message
    return taken[0] if taken else None


def _subscriptions(world: World, topic: Resource, protocol: str) -> list[Resource]:
    found = world.inventory.of_type(topic.account, topic.region, "AWS::SNS::Subscription")
    return [
        each
        for each in found
        if each.properties.get("TopicArn") == topic.arn
        and each.properties.get("Protocol") == protocol
    ]


def _send(world: World, topic: Resource, queue_arn: str, message: str) -> Resource:
    queue = world.inventory.by_arn(queue_arn)
    if queue is None:
        raise Undeliverable("NO_RESOURCE", f"{topic.arn}: there is no queue {queue_arn}")
    send(world, queue, message, "sns.amazonaws.com", topic.arn)
    return queue


def _redriven(
    world: World, topic: Resource, subscription: Resource, message: str, why: str
) -> tuple[str, str]:
    """A subscription's dead-letter queue takes what its endpoint did not: its name, and why.

    https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
    """
    policy = subscription.properties.get("RedrivePolicy") or {}
    letters = str(policy.get("deadLetterTargetArn", ""))
    if not letters:
        return "", f"{why}; {NO_LETTERS}"
    try:
        queue = _send(world, topic, letters, message)
    except Undeliverable as problem:
        return "", f"{why}; {REFUSED_TOO}: {problem}"
    return str(queue.properties["QueueName"]), why


def envelope(topic_arn: str, message: str) -> str:
    """What a queue receives from a topic without raw delivery.

    https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
    """
    identity = uuid.uuid5(uuid.NAMESPACE_URL, topic_arn + message)
    region = topic_arn.split(":")[3]
    whole = {
        "Type": "Notification",
        "MessageId": str(identity),
        "TopicArn": topic_arn,
        "Message": message,
        "Timestamp": "1970-01-01T00:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": "simulated",
        "SigningCertURL": f"https://sns.{region}.amazonaws.com/simulated.pem",
        "UnsubscribeURL": f"https://sns.{region}.amazonaws.com/?Action=Unsubscribe",
    }
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
