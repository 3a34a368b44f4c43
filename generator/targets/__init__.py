"""One module per kind of target: what it adds to the central stack and what a rule says of it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast

from generator.model import Shape, Target
from generator.parts import Part


class TargetModule(Protocol):
    """What each module in this folder offers. Its file has the name of its kind."""

    def part(self, target: Target, shape: Shape) -> Part:
        """The resources, parameters and outputs of one target in the central stack."""
        ...

    def entry(self, target: Target) -> dict[str, Any]:
        """What a rule's entry for this target says beside its body and its dead letters."""
        ...


def module(kind: str) -> TargetModule:
    """The module of that kind, imported when a configuration has such a target."""
    return cast(TargetModule, import_module(f"generator.targets.{kind}"))
