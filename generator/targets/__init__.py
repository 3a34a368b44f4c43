"""One module per kind of target: what it adds to the central stack and what a rule says of it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast

from troposphere import If, NoValue, events

from generator import bodies
from generator.model import Detection, Shape, Target
from generator.parts import Part


class TargetModule(Protocol):
    """What each module in this folder offers. Its file has the name of its kind.

    A module may also have `message(target, detection, shape)`, where what the rule sends is more
    than one of the bodies, `entry_for(target, detection, shape)`, where not all detections go the
    same way, and `CONDITION`, the name of the template condition without which
    there is no such target.
    """

    def part(self, target: Target, shape: Shape) -> Part:
        """The resources, parameters and outputs of one target in the central stack."""
        ...

    def entry(self, target: Target) -> dict[str, Any]:
        """What a rule's entry for this target says beside its body and its dead letters."""
        ...


def module(kind: str) -> TargetModule:
    """The module of that kind, imported when a configuration has such a target."""
    return cast(TargetModule, import_module(f"generator.targets.{kind}"))


def entry(target: Target, detection: Detection, shape: Shape) -> dict[str, Any]:
    """What a rule's entry for this target says beside its body and its dead letters."""
    own = getattr(module(target.kind), "entry_for", None)
    said: dict[str, Any]
    said = own(target, detection, shape) if own else module(target.kind).entry(target)
    return said


def message(target: Target, detection: Detection, shape: Shape) -> dict[str, Any]:
    """What a rule's entry for this target says of the body that it sends."""
    own = getattr(module(target.kind), "message", None)
    sent: dict[str, Any]
    sent = own(target, detection, shape) if own else bodies.transformed(target, detection)
    return sent


def only_where_it_can_be(target: Target, entry: events.Target) -> Any:
    """The entry of a rule, left out where the condition of its kind does not hold."""
    condition = getattr(module(target.kind), "CONDITION", "")
    return If(condition, entry, NoValue) if condition else entry
