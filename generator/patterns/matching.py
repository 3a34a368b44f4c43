"""Whether an event matches a pattern, fast enough for many patterns and many events."""

from __future__ import annotations

from collections.abc import Mapping

from generator.patterns.alternatives import value_test, wants_absence
from generator.patterns.consistency import Claim, together
from generator.patterns.language import conjunctions
from generator.patterns.leaves import hops, leaves

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from generator.model import Json, Pattern

_MISSING = object()
_SCALARS = frozenset((str, int, float, bool, type(None)))
_MOST_REMEMBERED = 1024

NO, YES, PERHAPS = 1, 2, 3
"""What one condition can say of an event: it cannot be met, it is met whatever the other
conditions need, or that depends on the list elements they commit the match to."""


class Condition:
    """One leaf of a conjunction, ready to be asked of events."""

    __slots__ = ("absence", "path", "test", "turn", "unmet", "wanted", "way")

    def __init__(self, path: str, alternatives: Sequence[Json]) -> None:
        self.path = path
        self.wanted = tuple(map(_copied, alternatives))
        self.test = value_test(alternatives)
        self.absence = wants_absence(alternatives)
        self.unmet = YES if self.absence else NO
        self.way = hops(path)
        # Java sorts text by UTF-16 units.
        self.turn = path.encode("utf-16-be", "surrogatepass")

    def verdict(self, event: Json) -> int:
        """NO, YES or PERHAPS for this event."""
        # The common case, no list and no dotted name on the way, costs one look per step.
        value = event
        for step, dotted in self.way or ():
            if type(value) is not dict:
                return self.unmet if value is None else self._looked(event)
            for name in dotted:
                if name in value:
                    return self._looked(event)
            value = value.get(step, _MISSING)
            if value is _MISSING:
                return self.unmet
        kind = type(value)
        if kind in _SCALARS:
            return YES if self.test(value) else NO
        return self.unmet if kind is dict else self._looked(event)

    def _looked(self, event: Json) -> int:
        somewhere = fixed = passing = False
        for value, route in leaves(event, self.way):
            commits = any(type(step) is int for step in route)
            passes = self.test(value)
            if passes and not commits:
                return YES
            somewhere = True
            passing = passing or passes
            fixed = fixed or not commits
        if not somewhere:
            return self.unmet
        # A value that no list element can rule out is there for good, so absence is not.
        return PERHAPS if passing or (self.absence and not fixed) else NO

    def claim(self, event: Json) -> Claim:
        """All that this condition finds in the event."""
        found = ((route, self.test(value)) for value, route in leaves(event, self.way))
        return Claim(found, absence=self.absence)


def _copied(value: Json) -> Json:
    """A copy that stays as it is whatever the caller does to the pattern."""
    if isinstance(value, Mapping):
        return {name: _copied(inner) for name, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, (list, tuple)) else value


class CompiledPattern:
    """A valid pattern, ready to be asked of any number of events."""

    __slots__ = ("conditions", "conjunctions")

    def __init__(self, alternatives: Iterable[Mapping[str, tuple[Json, ...]]]) -> None:
        known: dict[tuple[str, str], int] = {}
        conditions: list[Condition] = []
        combinations = []
        for conjunction in alternatives:
            numbers = []
            # Envelope fields first: they are the quickest to look at and rule out the most.
            for path, wanted in sorted(conjunction.items(), key=_depth):
                # Branches share most of their conditions; each is asked once per event.
                key = path, repr(wanted)
                if key not in known:
                    known[key] = len(conditions)
                    conditions.append(Condition(path, wanted))
                numbers.append(known[key])
            combinations.append(tuple(numbers))
        self.conditions = tuple(conditions)
        self.conjunctions = tuple(combinations)

    def matches(self, event: Mapping[str, Json]) -> bool:
        """Whether the event matches."""
        conditions = self.conditions
        if len(self.conjunctions) == 1:
            return meet(conditions, event)
        verdicts = [0] * len(conditions)
        for conjunction in self.conjunctions:
            sure = True
            for number in conjunction:
                verdict = verdicts[number]
                if not verdict:
                    verdict = verdicts[number] = conditions[number].verdict(event)
                if verdict == NO:
                    break
                sure = sure and verdict == YES
            else:
                if sure or _meet_together([conditions[number] for number in conjunction], event):
                    return True
        return False


def _depth(leaf: tuple[str, object]) -> int:
    return leaf[0].count(".")


def meet(conditions: Sequence[Condition], event: Mapping[str, Json]) -> bool:
    """Whether conditions of one conjunction can all be met in this event."""
    sure = True
    for condition in conditions:
        verdict = condition.verdict(event)
        if verdict == NO:
            return False
        sure = sure and verdict == YES
    return sure or _meet_together(conditions, event)


def _meet_together(conditions: Sequence[Condition], event: Mapping[str, Json]) -> bool:
    """The same for conditions that each can be met: without leaving a list element."""
    depending = [one for one in conditions if one.verdict(event) == PERHAPS]
    if any(one.absence for one in depending):
        # What any other condition commits to may rule out the values that stand in the way.
        depending = list(conditions)
    elif len(depending) == 1:
        return True
    depending.sort(key=lambda one: one.turn)
    return together([one.claim(event) for one in depending])


def compiled(pattern: Pattern) -> CompiledPattern:
    """The pattern, ready to be asked of events; ValueError when it has problems."""
    return CompiledPattern(conjunctions(pattern))


def matches(pattern: Pattern, event: Mapping[str, Json]) -> bool:
    """Whether the event matches the pattern; ValueError when the pattern has problems."""
    return remembered(pattern).matches(event)


_remembered: dict[str, CompiledPattern] = {}


def remembered(pattern: Pattern) -> CompiledPattern:
    """The same as `compiled`, but the same pattern is compiled only once.

    The content is what is remembered, not the object: callers may go on changing theirs.
    """
    try:
        content = repr(pattern)
    except (RecursionError, ValueError):  # nested too deep, or a number too long, to write out
        return compiled(pattern)
    found = _remembered.get(content)
    if found is None:
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        found = _remembered[content] = compiled(pattern)
    return found
