"""Hands what rules send to their targets, and keeps account of what was taken and what was not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.sqs.models import sqs_backends

from generator.model import Json
from generator.simulation import bodies
from generator.simulation.arrivals import arrival
from generator.simulation.arrivals.parcel import EVENTBRIDGE, Parcel, Undeliverable
from generator.simulation.arrivals.queues import send
from generator.simulation.journeys import NO_LETTERS, REFUSED_TOO, DeadLetter, Delivery, Journey
from generator.simulation.world import Resource, World


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
        received = arrival(arn).deliver(Parcel(self.world, journey, rule, target, event, message))
        if received is not None:
            kind, detection = self.kinds.get(target_id, ""), self._detection(name)
            journey.deliveries.append(Delivery(name, detection, target_id, kind, received))

    def _detection(self, rule_name: str) -> str:
        """The detection of a rule; a second rule of the same one has a number behind it."""
        return rule_name.removeprefix(f"{self.prefix}-").partition("-")[0]

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
                send(self.world, queue, _json(event), EVENTBRIDGE, rule.arn, attributes)
                kept = str(queue.properties["QueueName"])
            except Undeliverable as problem:
                why = f"{why}; {REFUSED_TOO}: {problem}"
        journey.dead_letters.append(DeadLetter(name, target_id, kept, code, why))


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
