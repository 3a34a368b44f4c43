"""Drawn patterns and events, over so few names and values that they often meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from generator.model import Json
from generator.patterns.operators import OPERATORS

TEXTS = ("", "x", "X", "xy", "yx", "x*", "ß", "SS", "1", "true", "null", "10.0.0.1", "10.0.1.1")
NUMBERS = (0, 1, 1.0, -1, 2.5, 10, 1e3, 9007199254740993, 9007199254740992.0)
NAMES = ("a", "b", "c", "a.b", "b.c", "a.b.c", "a-b")
_WORDS = ("$or", "a", *sorted(OPERATORS))

texts = st.sampled_from(TEXTS)
numbers = st.sampled_from(NUMBERS)
scalars: st.SearchStrategy[Json] = st.one_of(
    texts, numbers, st.none(), st.booleans(), st.just("::1")
)
names = st.sampled_from(NAMES)


def _values(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.one_of(
        st.dictionaries(names, inner, max_size=3),
        st.lists(inner, max_size=4),
    )


events: st.SearchStrategy[dict[str, Json]] = st.dictionaries(
    names, st.recursive(scalars, _values, max_leaves=14), max_size=3
)

any_json: st.SearchStrategy[Json] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(("$or", "=", ">", "10.0.0.0/8", "a*")),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.text(max_size=4),
                st.sampled_from(_WORDS),
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=12,
)


def _operator(name: str, operand: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.builds(lambda value: {name: value}, operand)


def _one_or_more(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.one_of(one, st.lists(one, min_size=1, max_size=3))


wildcards = st.sampled_from(("*", "x*", "*x", "x*y", "*x*", "x\\*", "", "xy"))
filled = st.sampled_from([text for text in TEXTS if text])
comparable_numbers = st.sampled_from([one for one in NUMBERS if one != 9007199254740993])
_ranges = st.sampled_from(
    ([">", 0, "<", 2], [">=", 1, "<=", 2.5], [">", -1, "<=", 10], [">=", -1, "<", 1])
)
_bounds = st.builds(
    lambda comparison, bound: [comparison, bound],
    st.sampled_from(("=", "<", "<=", ">", ">=")),
    comparable_numbers,
)

alternatives: st.SearchStrategy[Json] = st.one_of(
    scalars,
    scalars,
    st.just({"exists": True}),
    st.just({"exists": False}),
    st.just({"exists": False}),
    _operator("prefix", texts),
    _operator("suffix", texts),
    _operator("prefix", _operator("equals-ignore-case", texts)),
    _operator("suffix", _operator("equals-ignore-case", texts)),
    _operator("equals-ignore-case", texts),
    _operator("exactly", texts),
    _operator("wildcard", wildcards),
    _operator("cidr", st.sampled_from(("10.0.0.0/8", "10.0.0.9/24", "::/64"))),
    _operator("numeric", st.one_of(_ranges, _bounds)),
    _operator("anything-but", _one_or_more(texts)),
    _operator("anything-but", _one_or_more(comparable_numbers)),
    _operator("anything-but", _operator("prefix", _one_or_more(filled))),
    _operator("anything-but", _operator("suffix", _one_or_more(filled))),
    _operator("anything-but", _operator("wildcard", _one_or_more(wildcards))),
    _operator("anything-but", _operator("equals-ignore-case", _one_or_more(texts))),
)
leaves = st.lists(alternatives, min_size=1, max_size=3)


def _patterns(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    objects = st.dictionaries(names, inner, min_size=1, max_size=3)
    branches = st.lists(objects, min_size=2, max_size=3)
    return st.one_of(
        objects,
        st.builds(lambda fields, several: {**fields, "$or": several}, objects, branches),
        st.builds(lambda fields, several: {"$or": several, **fields}, objects, branches),
    )


patterns: st.SearchStrategy[dict[str, Json]] = _patterns(
    st.recursive(leaves, _patterns, max_leaves=5)
).filter(lambda pattern: isinstance(pattern, dict))


def reordered(value: Json, shuffle: Callable[[list[str]], list[str]]) -> Json:
    """The same value with the names of every object in another order."""
    if isinstance(value, dict):
        return {name: reordered(value[name], shuffle) for name in shuffle(list(value))}
    if isinstance(value, list):
        return [reordered(inner, shuffle) for inner in value]
    return value
