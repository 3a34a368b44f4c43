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

EVENTBRIDGE = "events.amazonaws.com"
NO_LETTERS = "lost: it has no dead-letter queue"
REFUSED_TOO = "lost: the dead-letter queue does not take it either"


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
        name, target_id = str(rule.properties["Name"]), str(target["Id"])
        arn = str(target["Arn"])
        if ":event-bus/" in arn:
            # What came from one bus to another goes no further.
            # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
            hop = "ACCOUNT" if arn.split(":")[3] == rule.region else "REGION"
            raise Undeliverable(f"THIRD_{hop}_HOP_DETECTED", f"{arn} would be a third bus")
        try:
            message = bodies.body(target, name, rule.arn, event)
        except bodies.InvalidJson as problem:
            raise Undeliverable("INVALID_JSON", str(problem)) from None
        resource = self.world.inventory.by_arn(arn)
        if resource is None:
            raise Undeliverable("NO_RESOURCE", f"there is no {arn}")
        if resource.type == "AWS::SQS::Queue":
            self.send(resource, message, EVENTBRIDGE, rule.arn)
            received: str | None = message
        elif resource.type == "AWS::SNS::Topic":
            received = self._publish(journey, rule, target_id, resource, message)
        else:
            raise AssertionError(f"the simulation delivers to no {resource.type}")
        if received is not None:
            kind, detection = self.kinds.get(target_id, ""), self._detection(name)
            journey.deliveries.append(Delivery(name, detection, target_id, kind, received))

    def _detection(self, rule_name: str) -> str:
        """The detection of a rule; a second rule of the same one has a number behind it."""
        return rule_name.removeprefix(f"{self.prefix}-").partition("-")[0]

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
            decision = access.allows(self.world, caller, action, resource.arn, context)
            if not decision.allowed:
                raise Undeliverable("NO_PERMISSIONS", f"{what}: its key: {decision.because}")

    # --- Topics

    def _publish(
        self, journey: Journey, rule: Resource, target_id: str, topic: Resource, message: str
    ) -> str | None:
        """A rule's message on a topic; gives what the first queue behind it receives.

        None when no queue took it: the topic did, so that the rule's part is done.
        """
        context = {"aws:SourceArn": rule.arn, "aws:SourceAccount": rule.account}
        caller = Caller.aws_service(EVENTBRIDGE)
        decision = access.allows(self.world, caller, "sns:Publish", topic.arn, context)
        if not decision.allowed:
            raise Undeliverable("NO_PERMISSIONS", f"{topic.arn}: {decision.because}")
        # EventBridge names no source when it publishes under a key.
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        self._unlock(topic.properties.get("KmsMasterKeyId"), caller, {}, topic.arn)
        limit = int(topic.properties.get("MaximumMessageSize") or TOPIC_LIMIT)
        size = len(message.encode())
        if size > limit:
            raise Undeliverable("INVALID_PARAMETER", f"{size} bytes are too long for {topic.arn}")
        queues = [each for each in self._subscriptions(topic) if _is_queue(each)]
        taken = []
        for subscription in queues:
            raw = subscription.properties.get("RawMessageDelivery") in (True, "true")
            copy = message if raw else envelope(topic.arn, message)
            try:
                self._send_from_topic(topic, str(subscription.properties["Endpoint"]), copy)
                taken.append(copy)
            except Undeliverable as problem:
                kept, why = self._redriven(topic, subscription, copy, str(problem))
                journey.dead_letters.append(
                    DeadLetter(str(rule.properties["Name"]), target_id, kept, problem.code, why)
                )
        if not queues:
            return message
        return taken[0] if taken else None

    def _subscriptions(self, topic: Resource) -> list[Resource]:
        found = self.world.inventory.of_type(topic.account, topic.region, "AWS::SNS::Subscription")
        return [each for each in found if each.properties.get("TopicArn") == topic.arn]

    def _send_from_topic(self, topic: Resource, queue_arn: str, message: str) -> Resource:
        queue = self.world.inventory.by_arn(queue_arn)
        if queue is None:
            raise Undeliverable("NO_RESOURCE", f"{topic.arn}: there is no queue {queue_arn}")
        self.send(queue, message, "sns.amazonaws.com", topic.arn)
        return queue

    def _redriven(
        self, topic: Resource, subscription: Resource, message: str, why: str
    ) -> tuple[str, str]:
        """A subscription's dead-letter queue takes what its endpoint did not: its name, and why.

        https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
        """
        policy = subscription.properties.get("RedrivePolicy") or {}
        letters = str(policy.get("deadLetterTargetArn", ""))
        if not letters:
            return "", f"{why}; {NO_LETTERS}"
        try:
            queue = self._send_from_topic(topic, letters, message)
        except Undeliverable as problem:
            return "", f"{why}; {REFUSED_TOO}: {problem}"
        return str(queue.properties["QueueName"]), why

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
        name, target_id = str(rule.properties["Name"]), str(target["Id"])
        arn = str((target.get("DeadLetterConfig") or {}).get("Arn", ""))
        queue = self.world.inventory.by_arn(arn)
        kept = ""
        attributes = {
            "RULE_ARN": rule.arn,
            "TARGET_ARN": str(target["Arn"]),
            "ERROR_CODE": code,
            "ERROR_MESSAGE": why,
        }
        if not arn:
            why = f"{why}; {NO_LETTERS}"
        elif queue is None:
            why = f"{why}; {REFUSED_TOO}: there is no {arn}"
        else:
            try:
                self.send(queue, _json(event), EVENTBRIDGE, rule.arn, attributes)
                kept = str(queue.properties["QueueName"])
            except Undeliverable as problem:
                why = f"{why}; {REFUSED_TOO}: {problem}"
        journey.dead_letters.append(DeadLetter(name, target_id, kept, code, why))


def _is_queue(subscription: Resource) -> bool:
    return bool(subscription.properties.get("Protocol") == "sqs")


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
