"""What functions could not handle: the messages that came to rest with their dead letters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from moto.sqs.models import sqs_backends

from generator.simulation.journeys import DeadLetter, Decision
from generator.simulation.world import Resource, World


class LeftOver:
    """Looks into the dead-letter queues behind the functions of one account and Region."""

    def __init__(self, world: World, account: str, region: str) -> None:
        self._behind: list[tuple[str, Resource]] = []
        targets = {
            str(one.properties["FunctionName"]): target_of(one)
            for one in world.inventory.of_type(account, region, "AWS::Lambda::Function")
        }
        seen = set()
        for mapping in world.inventory.of_type(account, region, "AWS::Lambda::EventSourceMapping"):
            queue = world.inventory.by_arn(str(mapping.properties["EventSourceArn"]))
            redrive = queue.properties.get("RedrivePolicy") if queue is not None else None
            letters = world.inventory.by_arn(str((redrive or {}).get("deadLetterTargetArn")))
            if letters is not None and letters.arn not in seen:
                seen.add(letters.arn)
                function = str(mapping.properties["FunctionName"]).rpartition(":")[2]
                self._behind.append((targets.get(function, function), letters))
        self._known = [len(_lying(letters)) for _, letters in self._behind]

    def skip(self) -> None:
        """Leaves out what lies there by now: what rules could not deliver is told as theirs."""
        self._known = [len(_lying(letters)) for _, letters in self._behind]

    def new(self, decisions: Sequence[Decision]) -> list[tuple[str, DeadLetter]]:
        """What came since, each with the id of its event; `decisions` of the same time
        say why, where the message does not."""
        found = []
        for known, (target, letters) in zip(self._known, self._behind, strict=True):
            name = str(letters.properties["QueueName"])
            why = "its function did not handle it"
            for decision in decisions:
                if decision.responder == target and decision.failed:
                    why = decision.message
            for message in _lying(letters)[known:]:
                told = message.message_attributes.get("ERROR_MESSAGE") or {}
                reason = str(_text(told) or why)
                letter = DeadLetter("", target, name, "FUNCTION_FAILED", reason)
                found.append((_event_id(str(message.body)), letter))
        self.skip()
        return found


def target_of(function: Resource) -> str:
    """The target that a function of ours is; its name when it is somebody else's."""
    variables = (function.properties.get("Environment") or {}).get("Variables") or {}
    return str(variables.get("TRAILBUS_TARGET") or function.properties["FunctionName"])


def _event_id(body: str) -> str:
    """The id of the event that a message to a function of ours is about; empty without one."""
    try:
        return str(json.loads(body)["event"]["detail"]["eventID"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def _text(attribute: Mapping[str, Any]) -> str:
    return str(attribute.get("string_value") or attribute.get("StringValue") or "")


def _lying(queue: Resource) -> list[Any]:
    """All messages of a queue in the order in which they came, hidden ones too."""
    name = str(queue.properties["QueueName"])
    kept: list[Any] = sqs_backends[queue.account][queue.region].get_queue(name)._messages
    return kept
