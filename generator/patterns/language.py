"""Whether a pattern is valid, and what it means once `$or` is multiplied out.

Both read the pattern as the same flat sequence of steps, in document order and without
recursion, because the engine gives later leaves the last word.
"""

from __future__ import annotations

from collections.abc import Mapping

from generator.patterns.operators import OPERATORS, faults
from generator.patterns.wording import escaped, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.model import Json, Pattern

MOST_COMBINATIONS = 1000
"""How many conjunctions `$or` may multiply out to."""

MOST_FIELDS = 256
"""How many different fields one conjunction may name; the engine loads no more."""

OR = "$or"

# Inside `$or` these are no names of fields: operators, and words kept for operators to come.
RESERVED_IN_OR = OPERATORS | {
    *("=", "<", "<=", ">", ">="),
    *("regex", "not-wildcard", "not-equals-ignore-case"),
    *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
    *("ip-address-in-range", "ip-address-not-in-range"),
}


class _Step:
    """One step of reading a pattern.

    `object` is opened into further steps; `leaf`, `or`, `branch`, `end of branch`, `end of or`
    and `fault` are what remains. `place` says where we are to people, `path` to the engine.
    """

    __slots__ = ("branching", "kind", "path", "place", "value")

    def __init__(
        self, kind: str, place: str, path: str, value: Json = None, *, branching: bool = False
    ) -> None:
        self.kind, self.place, self.path, self.value = kind, place, path, value
        self.branching = branching


def problems(pattern: Pattern) -> list[str]:
    """Everything wrong with a pattern, one line each: where, what, and what would cure it.

    Empty exactly when AWS would accept the pattern, leaving its length aside.
    """
    return _read(pattern)[1]


def conjunctions(pattern: Pattern) -> tuple[Mapping[str, tuple[Json, ...]], ...]:
    """The pattern without `$or`: for each combination of branches, alternatives by dotted path.

    An event matches the pattern exactly when it matches one of these. A path named again later
    in the document, also from inside a branch, replaces what was said of it before.
    ValueError for a pattern with problems.
    """
    steps, wrong = _read(pattern)
    if wrong:
        raise ValueError("\n".join(wrong))
    return tuple(_multiplied(steps))


def _read(pattern: Json) -> tuple[list[_Step], list[str]]:
    """The steps of the pattern, and its problems."""
    if not isinstance(pattern, Mapping):
        return [], [f"the pattern is {written(pattern)}; it must be an object"]
    steps = list(_steps(pattern, or_is_a_name=False))
    wrong = _problems(steps)
    if wrong and any(step.place.endswith(OR) for step in steps):
        # Where `$or` cannot be an "or", the engine tries once more and takes it for a field.
        named = list(_steps(pattern, or_is_a_name=True))
        if not _problems(named):
            return named, []
    return steps, wrong


def _steps(pattern: Mapping[str, Json], *, or_is_a_name: bool) -> Iterator[_Step]:
    waiting = [_Step("object", "", "", pattern)]
    while waiting:
        step = waiting.pop()
        if step.kind == "object":
            waiting.extend(reversed(list(_opened(step, or_is_a_name=or_is_a_name))))
        else:
            yield step


def _opened(step: _Step, *, or_is_a_name: bool) -> Iterator[_Step]:
    """The steps directly inside an object."""
    if not step.value:
        yield _fault(step.place, "an empty object matches nothing", "name a field, or leave it out")
    for name, inner in step.value.items():
        if not isinstance(name, str):
            yield _fault(step.place, f"the name {written(name)} is no text", "put it in quotes")
            continue
        place = _inside(step.place, name)
        path = f"{step.path}.{name}" if step.path else name
        if name == OR and not or_is_a_name:
            yield from _branches(place, step.path, inner)
        elif step.branching and name in RESERVED_IN_OR:
            yield _fault(
                place,
                f"{name!r} cannot be the name of a field inside '$or'",
                "'$or' is a list of objects with fields: [{\"state\": [...]}, ...]",
            )
        elif isinstance(inner, Mapping):
            yield _Step("object", place, path, inner, branching=step.branching)
        elif isinstance(inner, (list, tuple)):
            yield _Step("leaf", place, path, inner)
        else:
            yield _fault(place, f"{written(inner)} does not stand in a list", _as_list(name, inner))


def _branches(place: str, path: str, branches: Json) -> Iterator[_Step]:
    """The steps of one `$or`. Its branches stand on the level of the `$or` itself."""
    if not isinstance(branches, (list, tuple)):
        yield _fault(place, f"'$or' is {written(branches)}", "it must be a list of objects")
        return
    if len(branches) < 2:
        yield _fault(
            place,
            f"'$or' needs two branches or more, it has {len(branches)}",
            "write the fields without '$or'",
        )
    yield _Step("or", place, path)
    for number, branch in enumerate(branches):
        here = f"{place}[{number}]"
        yield _Step("branch", here, path)
        if isinstance(branch, Mapping):
            yield _Step("object", here, path, branch, branching=True)
        else:
            yield _fault(here, f"a branch of '$or' is {written(branch)}", "it must be an object")
        yield _Step("end of branch", here, path)
    yield _Step("end of or", place, path)


def _fault(place: str, fault: str, cure: str) -> _Step:
    return _Step("fault", place, "", _line(place, fault, cure))


def _line(place: str, fault: str, cure: str) -> str:
    return f"{place or 'the pattern'}: {fault}" + (f"; {cure}" if cure else "")


def _inside(place: str, name: str) -> str:
    shown = escaped(name) or '""'
    return f"{place}.{shown}" if place else shown


def _as_list(name: str, inner: Json) -> str:
    if name in OPERATORS:
        return f'an operator stands in a list: [{{"{name}": {written(inner)}}}]'
    return f"write [{written(inner)}]"


def _problems(steps: list[_Step]) -> list[str]:
    lines: list[str] = []
    for step in steps:
        if step.kind == "fault":
            lines.append(step.value)
        elif step.kind == "leaf":
            if not step.value:
                lines.append(
                    _line(step.place, "an empty list matches nothing", "name what the field may be")
                )
            for alternative in step.value:
                lines += [_line(step.place, *fault) for fault in faults(alternative)]
    combinations = _combinations(steps)
    if combinations > MOST_COMBINATIONS:
        fault = f"its '$or' make {combinations} combinations, more than {MOST_COMBINATIONS}"
        lines.append(_line("", fault, "split the pattern"))
    elif sum(step.kind == "leaf" for step in steps) > MOST_FIELDS:
        most = max(map(len, _multiplied(steps)))
        if most > MOST_FIELDS:
            fault = f"it names {most} fields at once, more than {MOST_FIELDS}"
            lines.append(_line("", fault, "split the pattern"))
    return list(dict.fromkeys(lines))


def _combinations(steps: list[_Step]) -> int:
    count = 1
    outer: list[tuple[int, int]] = []
    for step in steps:
        match step.kind:
            case "or":
                outer.append((count, 0))
            case "branch":
                count = outer[-1][0]
            case "end of branch":
                outer[-1] = (outer[-1][0], outer[-1][1] + count)
            case "end of or":
                count = outer.pop()[1]
    return count


def _multiplied(steps: list[_Step]) -> list[dict[str, tuple[Json, ...]]]:
    """All combinations, each holding the last leaf of each path on its way through the document."""
    open_now: list[dict[str, tuple[Json, ...]]] = [{}]
    outer: list[tuple[list[dict[str, tuple[Json, ...]]], list[dict[str, tuple[Json, ...]]]]] = []
    for step in steps:
        match step.kind:
            case "leaf":
                alternatives = tuple(step.value)
                for combination in open_now:
                    combination[step.path] = alternatives
            case "or":
                outer.append((open_now, []))
            case "branch":
                open_now = [dict(combination) for combination in outer[-1][0]]
            case "end of branch":
                outer[-1][1].extend(open_now)
            case "end of or":
                open_now = outer.pop()[1]
    return open_now
