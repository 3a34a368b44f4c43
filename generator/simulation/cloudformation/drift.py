"""How a stack's resources differ from what its template says, in the properties that it sets.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from generator.model import Json

from .making import Maker
from .parameters import text
from .providers import kind
from .stack import Stack

_KEYS = ("Key", "PolicyName", "Id")
"""What tells the elements of a list apart when their order says nothing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that is not as the template says."""

    path: str
    expected: str
    actual: str
    type: str


@dataclass(frozen=True, slots=True)
class ResourceDrift:
    """What drift detection found out about one resource."""

    logical_id: str
    physical_id: str
    type: str
    status: str
    differences: tuple[Difference, ...] = ()


def drifts(maker: Maker, stack: Stack) -> list[ResourceDrift]:
    """The drift of every resource whose type supports it."""
    found = []
    for name, entry in stack.entries.items():
        resource = entry.resource
        if kind(resource.type).live is None:
            continue
        live = maker.live(stack, entry)
        if live is None:
            drift = ResourceDrift(name, resource.physical_id, resource.type, "DELETED")
        else:
            differences = tuple(_declared_differences(entry.expected, live))
            status = "MODIFIED" if differences else "IN_SYNC"
            drift = ResourceDrift(name, resource.physical_id, resource.type, status, differences)
        found.append(drift)
    return found


def _declared_differences(expected: dict[str, Json], live: dict[str, Json]) -> Iterator[Difference]:
    for name, value in expected.items():
        if value is not None and value != []:
            yield from _differences(f"/{name}", value, live.get(name))


def _differences(path: str, expected: Json, actual: Json) -> Iterator[Difference]:
    if isinstance(expected, dict) and isinstance(actual, str) and actual.startswith("{"):
        actual = json.loads(actual)
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted({*expected, *actual}):
            yield from _differences(f"{path}/{key}", expected.get(key), actual.get(key))
    elif isinstance(expected, list) and isinstance(actual, list):
        left, right = _ordered(expected), _ordered(actual)
        for number in range(max(len(left), len(right))):
            yield from _differences(
                f"{path}/{number}",
                left[number] if number < len(left) else None,
                right[number] if number < len(right) else None,
            )
    elif expected is None and actual is not None:
        yield Difference(path, "null", _shown(actual), "ADD")
    elif actual is None and expected is not None:
        yield Difference(path, _shown(expected), "null", "REMOVE")
    elif _shown(expected) != _shown(actual):
        yield Difference(path, _shown(expected), _shown(actual), "NOT_EQUAL")


def _ordered(values: list[Json]) -> list[Json]:
    for key in _KEYS:
        if values and all(isinstance(value, dict) and key in value for value in values):
            return sorted(values, key=lambda value: str(value[key]))
    return values


def _shown(value: Json) -> str:
    return json.dumps(value, sort_keys=True) if isinstance(value, (dict, list)) else text(value)
