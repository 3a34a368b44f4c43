"""Joins patterns into the fewest that match exactly their union, each within the limit of a rule.

A pattern is a disjunction of conjunctions {path: alternatives} (`conjunctions`). Joining works on
those and never on the nested form:

1. Two conjunctions that differ in one path become one with the alternatives of both.
2. What several conjunctions share is said once, and the rest in an `$or`.
3. Conjunctions of one source stay together; sources are packed into as few rules as will hold
   them, the largest first.

None of these steps changes which events match: `conjunctions` of the result are those that went
in. A leaf named both outside and inside an `$or` would lose the outer condition, so a path is
never left in two places.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from generator.model import NOTHING, Json, Pattern

Plain = Mapping[str, tuple[Json, ...]]
"""A conjunction as `conjunctions` gives it: alternatives by dotted path."""

Item = tuple[str, frozenset[str]]
"""A path and its alternatives, each alternative as compact JSON."""

Conjunction = frozenset[Item]


class Joined(NamedTuple):
    """A pattern that matches exactly what its members match together."""

    pattern: dict[str, Json]
    members: tuple[str, ...]


class TooLong(ValueError):
    """A pattern that fits no rule, however it is split."""

    def __init__(self, members: Iterable[str], length: int, limit: int) -> None:
        self.members = tuple(sorted(members))
        self.length = length
        self.limit = limit
        super().__init__(f"{length} characters, at most {limit} fit")


class _Node(NamedTuple):
    """Conditions that hold together with one branch of each `$or`."""

    items: Mapping[str, frozenset[str]]
    ors: tuple[tuple["_Node", ...], ...] = ()


def length(pattern: Pattern) -> int:
    """Characters of a pattern as CloudFormation hands it over: compact, non-ASCII escaped."""
    return len(json.dumps(pattern, separators=(",", ":")))


def join(
    wanted: Mapping[str, Iterable[Plain]],
    limit: int,
    envelope: Pattern = NOTHING,
    guard: Iterable[Plain] = (),
) -> list[Joined]:
    """The fewest patterns that match what any of the conjunctions matches, and nothing else.

    `wanted` gives each member's conjunctions. `envelope` is a condition that every pattern starts
    with. `guard` lists alternatives of which one must hold as well, except for conjunctions that
    name one of the guard's paths themselves: the caller has seen to those.
    Raises TooLong for a conjunction that cannot be made to fit `limit` characters.
    """
    fixed = _Fixed(dict(envelope), [_canonical(alternative) for alternative in guard])
    owners: dict[Conjunction, set[str]] = {}
    for member, conjunctions in wanted.items():
        for conjunction in conjunctions:
            owners.setdefault(_canonical(conjunction), set()).add(member)
    merged = _merged(owners)
    return _packed(_units(merged, fixed, limit), fixed, limit)


# --- Conjunctions


def _canonical(conjunction: Plain) -> Conjunction:
    return frozenset(
        (path, frozenset(_text(value) for value in values)) for path, values in conjunction.items()
    )


def _text(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _merged(owners: Mapping[Conjunction, set[str]]) -> dict[Conjunction, set[str]]:
    """Unites conjunctions that differ in a single path, event names first.

    Only those that name the same paths can.
    """
    alike: dict[frozenset[str], dict[Conjunction, set[str]]] = {}
    for conjunction, members in owners.items():
        paths = frozenset(path for path, _ in conjunction)
        alike.setdefault(paths, {})[conjunction] = members
    result: dict[Conjunction, set[str]] = {}
    for paths, found in alike.items():
        current = found
        order = sorted(paths, key=lambda path: (path != "detail.eventName", path))
        before = 0
        while len(current) > 1 and before != len(current):
            before = len(current)
            for path in order:
                current = _united(current, path)
        result.update(current)
    return result


def _united(current: Mapping[Conjunction, set[str]], path: str) -> dict[Conjunction, set[str]]:
    groups: dict[Conjunction, list[tuple[frozenset[str], set[str]]]] = {}
    for conjunction, members in current.items():
        here = next(item for item in conjunction if item[0] == path)
        groups.setdefault(conjunction - {here}, []).append((here[1], members))
    result: dict[Conjunction, set[str]] = {}
    for rest, entries in groups.items():
        values = _absorbed(frozenset().union(*(entry[0] for entry in entries)))
        whole = rest | {(path, values)}
        result.setdefault(whole, set()).update(*(entry[1] for entry in entries))
    return result


def _absorbed(values: frozenset[str]) -> frozenset[str]:
    """Without the alternatives that "present" covers: every other but "absent"."""
    present, absent = '{"exists":true}', '{"exists":false}'
    return values & {present, absent} if present in values else values


# --- Packing


class _Fixed(NamedTuple):
    """What every rule says beside its branches."""

    envelope: dict[str, Json]
    guard: list[Conjunction]

    @property
    def weight(self) -> int:
        """About how long it is, with what branches usually agree on (`_SHARED_PATHS`)."""
        return length(self.pattern([_USUAL])) + len('"$or":[],')

    def pattern(self, found: Iterable[Conjunction]) -> dict[str, Json]:
        """The rule's pattern that matches what any of the conjunctions does."""
        guarding = {path for alternative in self.guard for path, _ in alternative}
        guarded: list[Conjunction] = []
        free: list[Conjunction] = []
        for conjunction in sorted(found, key=_order):
            names_guard = any(path in guarding for path, _ in conjunction)
            (free if names_guard else guarded).append(conjunction)
        node = _tree(guarded)
        if self.guard and guarded:
            alternatives = tuple(_Node(dict(alternative)) for alternative in self.guard)
            node = _Node(node.items, (*node.ors, alternatives))
        if free:
            branches = (*((node,) if guarded else ()), *_branches(free))
            node = _Node({}, (branches,)) if len(branches) > 1 else branches[0]
        return {**self.envelope, **_emitted(node)}


class _Unit(NamedTuple):
    """Conjunctions that stay in one rule, as those of one source do."""

    members: dict[Conjunction, set[str]]
    weight: int


_SHARED_PATHS = ("detail-type", "detail.errorCode")
"""Said once a rule when its branches agree, which nearly all do: they do not weigh."""


_USUAL: Conjunction = frozenset(
    {
        ("detail-type", frozenset({'"AWS API Call via CloudTrail"'})),
        ("detail.errorCode", frozenset({'{"exists":false}'})),
    }
)


def _weight(found: Iterable[Conjunction]) -> int:
    """About how much longer a rule becomes by these conjunctions."""
    light = {frozenset(i for i in c if i[0] not in _SHARED_PATHS) or c for c in found}
    return length(_emitted(_tree(sorted(light, key=_order)))) + 1


def _units(merged: Mapping[Conjunction, set[str]], fixed: _Fixed, limit: int) -> list[_Unit]:
    by_source: dict[str, dict[Conjunction, set[str]]] = {}
    for conjunction in sorted(merged, key=_order):
        source = "".join(sorted(_values(conjunction, "source")))
        by_source.setdefault(source, {})[conjunction] = merged[conjunction]
    units = []
    for group in by_source.values():
        weight = _weight(group)
        if weight + fixed.weight <= limit:
            units.append(_Unit(group, weight))
        else:
            units += [_Unit(piece, _weight(piece)) for piece in _fitting(group, fixed, limit)]
    return sorted(units, key=lambda unit: (-unit.weight, _order(min(unit.members, key=_order))))


def _values(conjunction: Conjunction, path: str) -> frozenset[str]:
    return next((values for name, values in conjunction if name == path), frozenset())


def _fitting(
    group: dict[Conjunction, set[str]], fixed: _Fixed, limit: int
) -> list[dict[Conjunction, set[str]]]:
    """The group in pieces that each fit a rule of their own."""
    found = length(fixed.pattern(group))
    if found <= limit:
        return [group]
    if len(group) > 1:
        ordered = sorted(group, key=_order)
        middle = len(ordered) // 2
        halves = ordered[:middle], ordered[middle:]
    else:
        ((conjunction, members),) = group.items()
        path, values = max(conjunction, key=lambda item: (len(item[1]), item[0]))
        if len(values) < 2:
            raise TooLong(members, found, limit)
        rest = conjunction - {(path, values)}
        ordered_values = sorted(values)
        middle = len(ordered_values) // 2
        parts = ordered_values[:middle], ordered_values[middle:]
        group = {rest | {(path, frozenset(part))}: members for part in parts}
        halves = tuple([conjunction] for conjunction in group)  # type: ignore[assignment]
    return [
        piece for half in halves for piece in _fitting({c: group[c] for c in half}, fixed, limit)
    ]


def _packed(units: Sequence[_Unit], fixed: _Fixed, limit: int) -> list[Joined]:
    """First fit, largest first, by weight; packed again, less tightly, if a rule came out long."""
    room = limit - fixed.weight
    while True:
        bins: list[list[_Unit]] = []
        weights: list[int] = []
        for unit in units:
            for index, weight in enumerate(weights):
                if weight + unit.weight <= room:
                    bins[index].append(unit)
                    weights[index] += unit.weight
                    break
            else:
                bins.append([unit])
                weights.append(unit.weight)
        patterns = [_bin(chosen, fixed) for chosen in bins]
        excess = max((length(pattern) for pattern in patterns), default=0) - limit
        if excess <= 0:
            break
        room -= excess
    return [
        Joined(pattern, tuple(sorted({m for u in chosen for ms in u.members.values() for m in ms})))
        for pattern, chosen in zip(patterns, bins, strict=True)
    ]


def _bin(chosen: Sequence[_Unit], fixed: _Fixed) -> dict[str, Json]:
    return fixed.pattern(conjunction for unit in chosen for conjunction in unit.members)


# --- Factoring


def _tree(found: Sequence[Conjunction]) -> _Node:
    """One node for all: what they share outside, the rest as an `$or`."""
    if not found:
        return _Node({})
    common = frozenset.intersection(*found)
    if len(found) > 1 and common in found:
        # One of them is wholly in what all share. A branch may not be empty, so it keeps one
        # condition, and with it all the others do.
        kept = max(common, key=_item_order)
        rests = [(conjunction - common) | {kept} for conjunction in found]
        return _Node(dict(common - {kept}), (tuple(_Node(dict(rest)) for rest in rests),))
    rests = [conjunction - common for conjunction in found]
    return _Node(dict(common), (_branches(rests),) if len(rests) > 1 else ())


def _branches(rests: Sequence[Conjunction]) -> tuple[_Node, ...]:
    """Groups of what shares most, each a node; the others alone."""
    branches: list[_Node] = []
    remaining = list(rests)
    while remaining:
        counts = Counter(item for conjunction in remaining for item in conjunction)
        item, count = max(
            counts.items(), key=lambda entry: (_saving(*entry), _item_order(entry[0]))
        )
        if count < 2:
            branches += [_Node(dict(conjunction)) for conjunction in remaining]
            break
        group = [conjunction for conjunction in remaining if item in conjunction]
        remaining = [conjunction for conjunction in remaining if item not in conjunction]
        branches.append(_tree(group))
    return tuple(branches)


def _saving(item: Item, count: int) -> int:
    path, values = item
    return (count - 1) * (len(path) + sum(len(value) + 1 for value in values) + 5)


# --- Writing


_FIRST = ("account", "region", "source", "detail-type", "eventSource", "eventName", "errorCode")


def _rank(path: str) -> tuple[int, str]:
    last = path.rsplit(".", 1)[-1]
    return (_FIRST.index(last) if last in _FIRST else len(_FIRST), path)


@lru_cache(maxsize=4096)
def _item_order(item: Item) -> tuple[tuple[int, str], list[str]]:
    return (_rank(item[0]), sorted(item[1]))


def _order(conjunction: Conjunction) -> list[tuple[tuple[int, str], list[str]]]:
    return sorted(_item_order(item) for item in conjunction)


def _emitted(node: _Node, base: str = "") -> dict[str, Json]:
    """The node as a nested pattern, its paths relative to `base` ("" or what ends in a dot)."""
    result: dict[str, Json] = {}
    for path in sorted(node.items, key=_rank):
        inner = _descended(result, path[len(base) :].split(".")[:-1])
        inner[path.rsplit(".", 1)[-1]] = [_value(v) for v in sorted(node.items[path])]
    taken: set[str] = set()
    for branches in node.ors:
        place = _common_base([path for branch in branches for path in _paths(branch)])
        while place in taken:
            if place == base:
                raise AssertionError("two alternatives have no place of their own")
            place = place[:-1].rpartition(".")[0] + "." if "." in place[:-1] else ""
        taken.add(place)
        inner = _descended(result, place[len(base) :].split(".")[:-1])
        inner["$or"] = [_emitted(branch, place) for branch in branches]
    return result


@lru_cache(maxsize=4096)
def _value(text: str) -> Json:
    return json.loads(text)


def _descended(pattern: dict[str, Json], keys: Iterable[str]) -> dict[str, Json]:
    for key in keys:
        pattern = pattern.setdefault(key, {})
    return pattern


def _paths(node: _Node) -> list[str]:
    inner = [path for branches in node.ors for branch in branches for path in _paths(branch)]
    return [*node.items, *inner]


def _common_base(paths: Sequence[str]) -> str:
    """The deepest object that holds all paths, with its dot: "detail." or ""."""
    parents = [path.split(".")[:-1] for path in paths]
    shared: list[str] = []
    for level in zip(*parents, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return "".join(f"{key}." for key in shared)
