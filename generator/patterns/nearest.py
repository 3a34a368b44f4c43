"""Why an event does not match: what is unmet in the combination that comes nearest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from generator.model import Json, Pattern
from generator.patterns.leaves import arrivals, leaves
from generator.patterns.matching import NO, PERHAPS, Condition, meet, remembered
from generator.patterns.wording import escaped, listed, value, wanted


@dataclass(frozen=True)
class Miss:
    """One unmet condition; `str()` says it as a person would.

    `found` holds the values at the path; without values, the object or list that stands there.
    `apart` names conditions that hold, each for itself, but not in one and the same element of
    the list at `path`; `wanted` and `found` are empty then.
    """

    path: str
    wanted: tuple[Json, ...] = ()
    found: tuple[Json, ...] = ()
    apart: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = escaped(self.path)
        if self.apart:
            paths = listed([escaped(path) for path in self.apart], "and")
            return f"{paths} each hold, but not in one and the same element of {where}"
        there = f"is {listed([value(one) for one in self.found], 'and')}"
        return f"{where} {there if self.found else 'is missing'}, the pattern wants " + wanted(
            self.wanted
        )


def misses(pattern: Pattern, event: Mapping[str, Json]) -> tuple[Miss, ...]:
    """The unmet conditions of the conjunction with the fewest; empty when the event matches.

    Of several equally near the first in the pattern is told.
    ValueError when the pattern has problems.
    """
    asked = remembered(pattern)
    nearest: tuple[Miss, ...] | None = None
    for numbers in asked.conjunctions:
        unmet = _unmet([asked.conditions[number] for number in numbers], event)
        if nearest is None or len(unmet) < len(nearest):
            nearest = unmet
        if not nearest:
            break
    return nearest or ()


def _unmet(conditions: Sequence[Condition], event: Mapping[str, Json]) -> tuple[Miss, ...]:
    verdicts = [(condition, condition.verdict(event)) for condition in conditions]
    possible = [condition for condition, verdict in verdicts if verdict != NO]
    unmet = {condition for condition, verdict in verdicts if verdict == NO}
    apart: tuple[Miss, ...] = ()
    if not meet(possible, event):
        # Some need a list element that others do not leave them, or that none is.
        unmet |= {
            condition
            for condition, verdict in verdicts
            if verdict == PERHAPS and not meet([condition], event)
        }
        possible = [condition for condition in possible if condition not in unmet]
        if not meet(possible, event):
            apart = (_apart(possible, event),)
    return (*(_miss(one, event) for one in conditions if one in unmet), *apart)


def _miss(condition: Condition, event: Mapping[str, Json]) -> Miss:
    found = [one for one, _ in leaves(event, condition.way)]
    if not found:
        found = [one for one, _ in arrivals(event, condition.way)]
    return Miss(condition.path, condition.wanted, tuple(_distinct(found)))


def _distinct(values: Sequence[Json]) -> list[Json]:
    """Each value once. By how it is written, which tells 1 from True and needs no hash."""
    return list({repr(one): one for one in values}.values())


def _apart(conditions: Sequence[Condition], event: Mapping[str, Json]) -> Miss:
    """The few among the conditions that already exclude each other."""
    core = list(conditions)
    for condition in conditions:
        fewer = [one for one in core if one is not condition]
        if not meet(fewer, event):
            core = fewer
    return Miss(_list_of(core, event), apart=tuple(sorted(one.path for one in core)))


def _list_of(conditions: Sequence[Condition], event: Mapping[str, Json]) -> str:
    """The path of the innermost list that the values of all these conditions stand in."""
    around: list[set[str]] = []
    for condition in conditions:
        around.append(set())
        for _, route in leaves(event, condition.way):
            names: list[str] = []
            for step in route:
                if isinstance(step, str):
                    names.append(step)
                else:
                    around[-1].add(".".join(names))
    return max(set.intersection(*around), key=len, default="")
