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
from typing import NamedTuple, TypeVar

from generator.model import NOTHING, Json, Pattern
from generator.patterns.language import MOST_COMBINATIONS, OR, RESERVED_IN_OR

Plain = Mapping[str, tuple[Json, ...]]
"""A conjunction as `conjunctions` gives it: alternatives by dotted path."""

Item = tuple[str, frozenset[str]]
"""A path and its alternatives, each alternative as compact JSON."""

Conjunction = frozenset[Item]

Keys = tuple[str, ...]
"""The names on the way to a place in a pattern, one inside the other."""

_T = TypeVar("_T")

_PRESENT = '{"exists":true}'
_ABSENT = '{"exists":false}'


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
    with, on paths that no conjunction names. `guard` lists alternatives of which one must hold as
    well, except for conjunctions that name one of the guard's paths themselves: the caller has
    seen to those.
    Raises TooLong for a conjunction that cannot be made to fit `limit` characters.
    """
    owners: dict[Conjunction, set[str]] = {}
    for member, conjunctions in wanted.items():
        for conjunction in conjunctions:
            owners.setdefault(_canonical(conjunction), set()).add(member)
    guarding = [_canonical(alternative) for alternative in guard]
    fixed = _Fixed(dict(envelope), guarding, _crossed([*owners, *guarding]), owners, {})
    return _packed(_units(_merged(owners), fixed, limit), fixed, limit)


# --- Conjunctions


def _canonical(conjunction: Plain) -> Conjunction:
    return frozenset(
        (path, _absorbed(frozenset(_text(value) for value in values)))
        for path, values in conjunction.items()
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


_ANYTHING_BUT = '{"anything-but":["'


def _absorbed(values: frozenset[str]) -> frozenset[str]:
    """Without the alternatives that others cover.

    "Present" covers every other but "absent". "Anything but these texts", together with some of
    them, is anything but the rest, and covers all other texts.
    """
    wide = [value for value in values if value.startswith(_ANYTHING_BUT)]
    if len(wide) == 1:
        but = set(json.loads(wide[0])["anything-but"])
        texts = {value: json.loads(value) for value in values if value.startswith('"')}
        left = sorted(but - set(texts.values()))
        rest = values - {*texts, *wide}
        values = rest | {_text({"anything-but": left}) if left else _PRESENT}
    return values & {_PRESENT, _ABSENT} if _PRESENT in values else values


# --- Packing


class _Fixed(NamedTuple):
    """What every rule says beside its branches."""

    envelope: dict[str, Json]
    guard: list[Conjunction]
    crossed: frozenset[str]
    owners: Mapping[Conjunction, set[str]]
    written: dict[frozenset[Conjunction], dict[str, Json]]
    """Patterns by their conjunctions: packing asks for many of them more than once."""

    @property
    def weight(self) -> int:
        """About how long it is, with what branches usually agree on (`_SHARED_PATHS`)."""
        return length(self.pattern([_USUAL])) + len('"$or":[],')

    def pattern(self, found: Iterable[Conjunction]) -> dict[str, Json]:
        """The rule's pattern that matches what any of the conjunctions does."""
        members = frozenset(found)
        if members not in self.written:
            self.written[members] = self._written(members)
        return self.written[members]

    def _written(self, found: Iterable[Conjunction]) -> dict[str, Json]:
        guarding = {path for alternative in self.guard for path, _ in alternative}
        every = sorted(found, key=_order)
        free = [each for each in every if any(path in guarding for path, _ in each)]
        guarded = [each for each in every if each not in free]
        if not (free and guarded and self.guard):
            node = self.shorter(_tree(every), _sourced(every))
            if guarded and self.guard:
                node = _Node(node.items, (*node.ors, self.alternatives))
            return {**self.envelope, **_emitted(node, self.crossed)}
        # What all share is said once, unless that is all that one of them says.
        shared = frozenset.intersection(*every)
        shared = frozenset() if shared in every else shared
        behind, beside = (
            self.shorter(_tree(rests), _sourced(rests))
            for rests in ([each - shared for each in some] for some in (guarded, free))
        )
        behind = _Node(behind.items, (*behind.ors, self.alternatives))
        node = _Node(dict(shared), ((behind, beside),))
        return {**self.envelope, **_emitted(node, self.crossed)}

    @property
    def alternatives(self) -> tuple[_Node, ...]:
        """The guard as the branches of an `$or`."""
        return tuple(_Node(dict(alternative)) for alternative in self.guard)

    def shorter(self, one: _Node, other: _Node) -> _Node:
        """The one that is written in fewer characters."""
        return min(one, other, key=lambda node: length(_emitted(node, self.crossed)))

    def fits(self, group: Mapping[Conjunction, set[str]], limit: int) -> bool:
        """Whether a rule of its own could hold the group."""
        return self.branches(group) <= MOST_COMBINATIONS and length(self.pattern(group)) <= limit

    def branches(self, group: Mapping[Conjunction, set[str]]) -> int:
        """How many combinations a rule would multiply out to, at most."""
        return len(group) * max(1, len(self.guard))

    def weigh(self, found: Iterable[Conjunction]) -> int:
        """About how much longer a rule becomes by these conjunctions."""
        light = {frozenset(i for i in c if i[0] not in _SHARED_PATHS) or c for c in found}
        return length(_emitted(_tree(sorted(light, key=_order)), self.crossed)) + 1

    def members(self, piece: Conjunction) -> set[str]:
        """Whose conjunctions are in this piece of several that were united."""
        return {
            member
            for conjunction, members in self.owners.items()
            if _overlap(piece, conjunction)
            for member in members
        }


class _Unit(NamedTuple):
    """Conjunctions that stay in one rule, as those of one source do."""

    members: Mapping[Conjunction, set[str]]
    weight: int


_SHARED_PATHS = ("detail-type", "detail.errorCode")
"""Said once a rule when its branches agree, which nearly all do: they do not weigh."""


_USUAL: Conjunction = frozenset(
    {
        ("detail-type", frozenset({'"AWS API Call via CloudTrail"'})),
        ("detail.errorCode", frozenset({'{"exists":false}'})),
    }
)


def _overlap(one: Conjunction, other: Conjunction) -> bool:
    """Whether two conjunctions name the same paths and share alternatives of each."""
    mine, theirs = dict(one), dict(other)
    return mine.keys() == theirs.keys() and all(
        values & theirs[path] or (_PRESENT in values and theirs[path] != {_ABSENT})
        for path, values in mine.items()
    )


def _units(merged: Mapping[Conjunction, set[str]], fixed: _Fixed, limit: int) -> list[_Unit]:
    by_source: dict[str, dict[Conjunction, set[str]]] = {}
    for conjunction in sorted(merged, key=_order):
        source = "".join(sorted(_values(conjunction, "source")))
        by_source.setdefault(source, {})[conjunction] = merged[conjunction]
    units = []
    for group in by_source.values():
        weight = fixed.weigh(group)
        if weight + fixed.weight <= limit and fixed.branches(group) <= MOST_COMBINATIONS:
            units.append(_Unit(group, weight))
        else:
            units += _pieces(group, fixed, limit)
    return _largest_first(units)


def _pieces(group: Mapping[Conjunction, set[str]], fixed: _Fixed, limit: int) -> list[_Unit]:
    return [_Unit(piece, fixed.weigh(piece)) for piece in _fitting(group, fixed, limit)]


def _largest_first(units: Iterable[_Unit]) -> list[_Unit]:
    return sorted(units, key=lambda unit: (-unit.weight, _order(min(unit.members, key=_order))))


def _values(conjunction: Conjunction, path: str) -> frozenset[str]:
    return next((values for name, values in conjunction if name == path), frozenset())


def _fitting(
    group: Mapping[Conjunction, set[str]], fixed: _Fixed, limit: int
) -> list[Mapping[Conjunction, set[str]]]:
    """The group in pieces that each fit a rule of their own."""
    if fixed.fits(group, limit):
        return [group]
    if len(group) == 1:
        (conjunction,) = group
        path, values = max(conjunction, key=lambda item: (len(item[1]), item[0]))
        if len(values) < 2:
            raise TooLong(fixed.members(conjunction), length(fixed.pattern(group)), limit)
        rest = conjunction - {(path, values)}
        parts = [rest | {(path, frozenset(half))} for half in _halves(sorted(values))]
        return [
            piece for part in parts for piece in _fitting({part: fixed.members(part)}, fixed, limit)
        ]
    return [
        piece
        for half in _halves(sorted(group, key=_order))
        for piece in _fitting({each: group[each] for each in half}, fixed, limit)
    ]


def _halves(ordered: list[_T]) -> tuple[list[_T], list[_T]]:
    middle = len(ordered) // 2
    return ordered[:middle], ordered[middle:]


def _packed(units: Sequence[_Unit], fixed: _Fixed, limit: int) -> list[Joined]:
    """First fit, largest first, by weight; packed again, less tightly, if a rule came out long."""
    room = limit - fixed.weight
    while True:
        bins: list[_Bin] = []
        for unit in units:
            for each in bins:
                if each.takes(unit, room, fixed):
                    each.add(unit)
                    break
            else:
                bins.append(_Bin(unit))
        patterns = [fixed.pattern(each.members) for each in bins]
        long = [at for at, pattern in enumerate(patterns) if length(pattern) > limit]
        if not long:
            break
        alone = [bins[at].units[0] for at in long if len(bins[at].units) == 1]
        if alone:
            # Weights are estimates: what is too long for a rule of its own goes in pieces.
            rest = [unit for unit in units if unit not in alone]
            pieces = [piece for unit in alone for piece in _pieces(unit.members, fixed, limit)]
            units = _largest_first([*rest, *pieces])
        else:
            room -= max(length(patterns[at]) for at in long) - limit
    bins = _fewer(bins, fixed, limit)
    patterns = [fixed.pattern(each.members) for each in bins]
    return [
        Joined(pattern, tuple(sorted({m for members in each.members.values() for m in members})))
        for pattern, each in zip(patterns, bins, strict=True)
    ]


def _fewer(bins: list["_Bin"], fixed: _Fixed, limit: int) -> list["_Bin"]:
    """The bins, without those whose units find room in the others: weights only estimate it."""
    for each in sorted(bins, key=lambda one: one.weight):
        for units in (each.units, each.units[::-1]):
            others = [_Bin(*other.units) for other in bins if other is not each]
            if others and all(_placed(unit, others, fixed, limit) for unit in units):
                return _fewer(others, fixed, limit)
    return bins


def _placed(unit: _Unit, bins: Iterable["_Bin"], fixed: _Fixed, limit: int) -> bool:
    """Puts the unit into the first of the bins whose rule stays within the limit."""
    for each in bins:
        if fixed.fits({**each.members, **unit.members}, limit):
            each.add(unit)
            return True
    return False


class _Bin:
    """What goes into one rule."""

    def __init__(self, *units: _Unit) -> None:
        self.units: list[_Unit] = []
        self.members: dict[Conjunction, set[str]] = {}
        self.weight = 0
        for unit in units:
            self.add(unit)

    def takes(self, unit: _Unit, room: int, fixed: _Fixed) -> bool:
        """Whether there is room for one more unit."""
        branches = fixed.branches(self.members) + fixed.branches(unit.members)
        return self.weight + unit.weight <= room and branches <= MOST_COMBINATIONS

    def add(self, unit: _Unit) -> None:
        """Puts the unit in."""
        self.units.append(unit)
        self.members.update(unit.members)
        self.weight += unit.weight


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


def _sourced(found: Sequence[Conjunction]) -> _Node:
    """As `_tree`, with all of a source in one branch, where more than one source is named."""
    groups: dict[frozenset[str], list[Conjunction]] = {}
    for conjunction in found:
        groups.setdefault(_values(conjunction, "source"), []).append(conjunction)
    if len(groups) < 2:
        return _tree(found)
    common = frozenset.intersection(*found)
    if common in found:
        return _tree(found)
    branches = [_tree([each - common for each in group]) for group in groups.values()]
    return _Node(dict(common), (tuple(branches),))


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


def _crossed(found: Iterable[Conjunction]) -> frozenset[str]:
    """Paths with a condition of their own that others lead through: "a" beside "a.b"."""
    paths = {path for conjunction in found for path, _ in conjunction}
    through = {path[:at] for path in paths for at, sign in enumerate(path) if sign == "."}
    return frozenset(paths & through)


_DEEPEST = 64
"""Objects in objects; whoever names a deeper path has it written with its dots."""


@lru_cache(maxsize=4096)
def _keys(path: str, crossed: frozenset[str]) -> tuple[str, ...]:
    """The names under which a path is written, one inside the other.

    A dot in a name means the same as nesting. It stands where nesting cannot: below a path with
    a condition of its own, before a word that is no name of a field inside `$or`.
    """
    parts = path.split(".")
    if OR in parts or "" in parts or len(parts) > _DEEPEST:
        return (path,)
    keys: list[str] = []
    above = ""
    for part in parts:
        if keys and (part in RESERVED_IN_OR or above in crossed):
            keys[-1] += f".{part}"
        else:
            keys.append(part)
        above = f"{above}.{part}" if above else part
    return tuple(keys)


def _emitted(node: _Node, crossed: frozenset[str], base: Keys = ()) -> dict[str, Json]:
    """The node as a nested pattern, its paths relative to the object at `base`."""
    result: dict[str, Json] = {}
    for path in sorted(node.items, key=_rank):
        *above, last = _keys(path, crossed)[len(base) :]
        _descended(result, above)[last] = [_value(value) for value in sorted(node.items[path])]
    placed: dict[Keys, tuple[_Node, ...]] = {}
    for branches in node.ors:
        place = _common_base([_keys(path, crossed) for each in branches for path in _paths(each)])
        while place in placed and place != base:
            place = place[:-1]
        # An object has one `$or` at most: a second one goes into every branch of the first.
        first = placed.get(place)
        placed[place] = (
            tuple(_Node(each.items, (*each.ors, branches)) for each in first) if first else branches
        )
    for place, branches in placed.items():
        inner = _descended(result, place[len(base) :])
        inner[OR] = [
            _emitted(branch, crossed, place) for branch in _nested(branches, crossed, len(place))
        ]
    return result


def _nested(branches: Sequence[_Node], crossed: frozenset[str], depth: int) -> list[_Node]:
    """The branches, those that lead into one and the same object as one: its name is said once."""
    groups: dict[str, list[_Node]] = {}
    for number, branch in enumerate(branches):
        first = {_keys(path, crossed)[depth : depth + 2] for path in _paths(branch)}
        names = {keys[0] for keys in first}
        inner = len(names) == 1 and all(len(keys) > 1 for keys in first)
        groups.setdefault(names.pop() if inner else f"${number}", []).append(branch)
    if len(groups) == 1:
        return list(branches)
    return [
        group[0] if len(group) == 1 else _Node({}, (tuple(group),)) for group in groups.values()
    ]


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


def _common_base(found: Sequence[Keys]) -> Keys:
    """The deepest object that holds all paths."""
    shared: list[str] = []
    for level in zip(*(keys[:-1] for keys in found), strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return tuple(shared)
