"""Conditions that have to be met without leaving an element of any list."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from generator.model import Json
from generator.patterns import compiled
from generator.patterns.consistency import Claim, together
from generator.patterns.leaves import Route
from tests.patterns.reference import reference_matches

# Few names, few values, many lists: here half of what is drawn is decided by its elements.
_names = st.sampled_from(("a", "b", "c", "a.b", "b-c"))
_wanted = st.sampled_from(
    (
        ["x"],
        ["y"],
        [{"exists": False}],
        [{"exists": False}],
        [{"exists": False}, "x"],
        [{"anything-but": "x"}, {"exists": False}],
        [{"exists": True}],
    )
)
_conditions: st.SearchStrategy[Json] = st.recursive(
    _wanted, lambda inner: st.dictionaries(_names, inner, min_size=1, max_size=3), max_leaves=5
)
_values: st.SearchStrategy[Json] = st.recursive(
    st.sampled_from(("x", "y")),
    lambda inner: st.one_of(
        st.lists(st.dictionaries(_names, inner, max_size=3), max_size=3),
        st.lists(inner, max_size=3),
        st.dictionaries(_names, inner, max_size=3),
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(_names, _conditions, min_size=1, max_size=3),
    st.dictionaries(_names, _values, min_size=1, max_size=3),
)
@settings(max_examples=120, deadline=None)
def test_lists_agree_with_trying_everything(
    pattern: dict[str, Json], event: dict[str, Json]
) -> None:
    assert compiled(pattern).matches(event) is reference_matches(pattern, event)


def _route(parts: list[tuple[str, int, str | None]]) -> Route:
    steps: list[str | int] = []
    for name, index, inner in parts:
        steps += [name, index, *([inner] if inner else [])]
    return tuple(steps)


_parts = st.tuples(st.sampled_from("lm"), st.integers(0, 1), st.sampled_from((None, "n")))
_routes: st.SearchStrategy[Route] = st.lists(_parts, max_size=2).map(_route)
_claims = st.lists(
    st.tuples(st.lists(st.tuples(_routes, st.booleans()), max_size=4), st.booleans()),
    min_size=1,
    max_size=4,
)


def _apart(one: Route, other: Route) -> bool:
    """Whether two values stand in different elements of one list."""
    for step, other_step in zip(one, other, strict=False):
        if step != other_step:
            return isinstance(step, int) and isinstance(other_step, int)
    return False


def _by_trying(claims: list[tuple[list[tuple[Route, bool]], bool]]) -> bool:
    choices: list[list[Route | None]] = [
        [route for route, meets in found if meets] + ([None] if absence else [])
        for found, absence in claims
    ]
    for chosen in product(*choices):
        taken: list[Route] = []
        for (found, _), route in zip(claims, chosen, strict=True):
            ruled_out = [any(_apart(one, before) for before in taken) for one, _ in found]
            if route is None:
                if not all(ruled_out):
                    break
            elif any(_apart(route, before) for before in taken):
                break
            else:
                taken.append(route)
        else:
            return True
    return False


def _well_formed(claims: list[tuple[list[tuple[Route, bool]], bool]]) -> bool:
    """Whether the routes can be of one event and its paths.

    Below a place are names or indices, not both, and what stands at a place has one path.
    """
    kinds: dict[Route, set[type]] = {}
    claimed: dict[Route, int] = {}
    for turn, (found, _) in enumerate(claims):
        for route, _ in found:
            if claimed.setdefault(route, turn) != turn:
                return False
            for at, step in enumerate(route):
                kinds.setdefault(route[:at], set()).add(type(step))
    return all(len(kind) == 1 for kind in kinds.values())


@given(_claims.filter(_well_formed))
@settings(max_examples=120, deadline=None)
def test_claims_agree_with_trying_every_choice(
    claims: list[tuple[list[tuple[Route, bool]], bool]],
) -> None:
    found = together([Claim(found, absence=absence) for found, absence in claims])
    assert found is _by_trying(claims)


def test_long_lists_cost_their_length_only() -> None:
    # Four conditions on each of two lists of 1,000 elements: a search over pairs of values would
    # look at 10**24 of them. Every element misses exactly one condition, but for the last.
    names = "abcd"
    pattern = {"one": {name: ["x"] for name in names}, "two": {name: ["x"] for name in names}}
    nearly = [{name: "x" for name in names if name != names[i % 4]} for i in range(1000)]
    fitting = [*nearly, dict.fromkeys(names, "x")]
    assert compiled(pattern).matches({"one": fitting, "two": fitting})
    assert not compiled(pattern).matches({"one": nearly, "two": fitting})


def test_long_lists_with_absences_cost_their_length_only() -> None:
    names = "abcdefghij"
    pattern = {"one": {name: ["x", {"exists": False}] for name in names}}
    spoiled = [{name: "y" if name == names[i % 10] else "x" for name in names} for i in range(1000)]
    assert not compiled(pattern).matches({"one": spoiled})
    assert compiled(pattern).matches({"one": [*spoiled, {"a": "x", "c": "x"}]})


def test_lists_under_many_spellings_cost_no_more() -> None:
    names = "wxyz"
    elements = [{name: "x" for name in names if name != names[i % 4]} for i in range(200)]
    event = {
        "a": {"b": {"c": elements}, "b.c": elements},
        "a.b": {"c": elements},
        "a.b.c": elements,
    }
    assert compiled({"a": {"b": {"c": {name: ["x"] for name in names}}}}).matches(event)
    none = {name: ["q", {"exists": False}] for name in names}
    assert not compiled({"a": {"b": {"c": none}}}).matches(event)
