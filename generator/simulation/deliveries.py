"""Hands what rules send to queues and topics, by the policies that let services in or not."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from moto.sqs.models import sqs_backends

from generator.model import Json
from generator.simulation import access, bodies
from generator.simulation.authorization import Caller
from generator.simulation.journeys import DeadLetter, Delivery, Journey
from generator.simulation.world import Resource, World

MESSAGE_LIMIT = 1_048_576
"""Bytes of an SQS message.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""
TOPIC_LIMIT = 262_144
"""Bytes of an SNS message unless the topic says otherwise.
https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html"""


class Undeliverable(Exception):
    """A target did not take a message; `code` is the one EventBridge writes on a dead letter.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """

    def __init__(self, code: str, why: str) -> None:
        self.code = code
        super().__init__(why)


class Courier:
    """Delivers messages and keeps account of them."""

    def __init__(self, world: World, kinds: Mapping[str, str], prefix: str) -> None:
        self.world = world
        self.kinds = kinds
        self.prefix = prefix

    def deliver(
        self,
        journey: Journey,
        rule: Resource,
        target: Mapping[str, Json],
        event: Mapping[str, Json],
    ) -> None:
        """One target of one rule; Undeliverable when it does not take the message."""
        name = str(rule.properties["Name"])
        message = bodies.body(target, name, rule.arn, event)
        arn = str(target["Arn"])
        resource = self.world.inventory.by_arn(arn)
        if resource is None:
            raise Undeliverable("RESOURCE_NOT_FOUND", f"there is no {arn}")
        if resource.type == "AWS::SQS::Queue":
            self.send(resource, message, "events.amazonaws.com", rule.arn)
        elif resource.type == "AWS::SNS::Topic":
            message = self.publish(resource, message, "events.amazonaws.com", rule.arn)
        else:
            raise AssertionError(f"the simulation delivers to no {resource.type}")
        target_id = str(target["Id"])
        detection = name.removeprefix(f"{self.prefix}-")
        journey.deliveries.append(
            Delivery(name, detection, target_id, self.kinds.get(target_id, ""), message)
        )

    # --- Queues

    def send(
        self,
        queue: Resource,
        message: str,
        service: str,
        source_arn: str,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """A service's message into a queue, if the queue's policy and key let it."""
        context = {"aws:SourceArn": source_arn, "aws:SourceAccount": source_arn.split(":")[4]}
        caller = Caller.aws_service(service)
        decision = access.allows(self.world, caller, "sqs:SendMessage", queue.arn, context)
        if not decision.allowed:
            raise Undeliverable("NO_PERMISSIONS", f"{queue.arn}: {decision.because}")
        self._unlock(queue.properties.get("KmsMasterKeyId"), caller, context, queue.arn)
        if len(message.encode()) > MESSAGE_LIMIT:
            raise Undeliverable("INVALID_PARAMETER", f"{len(message)} bytes are too long for SQS")
        given = {
            key: {"DataType": "String", "StringValue": value}
            for key, value in (attributes or {}).items()
        }
        backend = sqs_backends[queue.account][queue.region]
        backend.send_message(str(queue.properties["QueueName"]), message, given)

    def _unlock(self, key: Json, caller: Caller, context: Mapping[str, Json], what: str) -> None:
        """A service that writes to something under a customer's key must be let in by the key."""
        if not key:
            return
        resource = self.world.inventory.by_arn(str(key))
        if resource is None:
            raise Undeliverable("NO_PERMISSIONS", f"{what}: the key {key} lets no service in")
        for action in ("kms:GenerateDataKey", "kms:Decrypt"):
            # EventBridge names no source when it publishes under a key.
            # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
            decision = access.allows(self.world, caller, action, resource.arn, {})
            if not decision.allowed:
                raise Undeliverable("NO_PERMISSIONS", f"{what}: its key: {decision.because}")

    # --- Topics

    def publish(self, topic: Resource, message: str, service: str, source_arn: str) -> str:
        """A service's message on a topic; gives what the first queue behind it receives."""
        context = {"aws:SourceArn": source_arn, "aws:SourceAccount": source_arn.split(":")[4]}
        caller = Caller.aws_service(service)
        decision = access.allows(self.world, caller, "sns:Publish", topic.arn, context)
        if not decision.allowed:
            raise Undeliverable("NO_PERMISSIONS", f"{topic.arn}: {decision.because}")
        self._unlock(topic.properties.get("KmsMasterKeyId"), caller, context, topic.arn)
        limit = int(topic.properties.get("MaximumMessageSize") or TOPIC_LIMIT)
        if len(message.encode()) > limit:
            raise Undeliverable("INVALID_PARAMETER", f"{len(message)} bytes are too long for SNS")
        return self.fan_out(topic, message)

    def fan_out(self, topic: Resource, message: str) -> str:
        """A topic's message to its subscriptions."""
        seen = message
        for subscription in self._subscriptions(topic):
            if subscription.properties.get("Protocol") != "sqs":
                continue
            queue = self.world.inventory.by_arn(str(subscription.properties["Endpoint"]))
            raw = subscription.properties.get("RawMessageDelivery") in (True, "true")
            seen = message if raw else envelope(topic.arn, message)
            try:
                if queue is None:
                    raise Undeliverable("RESOURCE_NOT_FOUND", "the subscribed queue is gone")
                self.send(queue, seen, "sns.amazonaws.com", topic.arn)
            except Undeliverable:
                self._redrive(subscription, topic, seen)
        return seen

    def _subscriptions(self, topic: Resource) -> list[Resource]:
        found = self.world.inventory.of_type(topic.account, topic.region, "AWS::SNS::Subscription")
        return [each for each in found if each.properties.get("TopicArn") == topic.arn]

    def _redrive(self, subscription: Resource, topic: Resource, message: str) -> None:
        """A subscription's dead-letter queue takes what its endpoint did not."""
        policy = subscription.properties.get("RedrivePolicy") or {}
        letters = self.world.inventory.by_arn(str(policy.get("deadLetterTargetArn", "")))
        if letters is None:
            raise Undeliverable("SDK_CLIENT_ERROR", f"{topic.arn} lost a message: no dead letters")
        self.send(letters, message, "sns.amazonaws.com", topic.arn)

    # --- Dead letters

    def dead_letter(
        self,
        journey: Journey,
        rule: Resource,
        target: Mapping[str, Json],
        event: Mapping[str, Json],
        code: str,
        why: str,
    ) -> None:
        """Leaves an event in the dead-letter queue of the target, or loses it."""
        name = str(rule.properties["Name"])
        arn = str((target.get("DeadLetterConfig") or {}).get("Arn", ""))
        queue = self.world.inventory.by_arn(arn)
        kept = ""
        if queue is not None:
            attributes = {
                "RULE_ARN": rule.arn,
                "TARGET_ARN": str(target["Arn"]),
                "ERROR_CODE": code,
                "ERROR_MESSAGE": why,
            }
            try:
                self.send(queue, _json(event), "events.amazonaws.com", rule.arn, attributes)
                kept = str(queue.properties["QueueName"])
            except Undeliverable as problem:
                why = f"{why}; the dead-letter queue does not take it either: {problem}"
        journey.dead_letters.append(DeadLetter(name, str(target["Id"]), kept, code, why))


def envelope(topic_arn: str, message: str) -> str:
    """What a queue receives from a topic without raw delivery.

    https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
    """
    identity = uuid.uuid5(uuid.NAMESPACE_URL, topic_arn + message)
    region = topic_arn.split(":")[3]
    return _json(
        {
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
    )


def received(world: World) -> dict[str, list[str]]:
    """Every queue's messages as a consumer would receive them, by the queue's name."""
    found: dict[str, list[str]] = {}
    for resource in world.inventory.everywhere():
        if resource.type != "AWS::SQS::Queue":
            continue
        name = str(resource.properties["QueueName"])
        queue: Any = sqs_backends[resource.account][resource.region].get_queue(name)
        messages = [str(message.body) for message in queue.messages]
        if messages:
            found.setdefault(name, []).extend(messages)
    return found


def _json(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
