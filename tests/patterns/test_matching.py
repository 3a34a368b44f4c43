"""Which events a pattern matches."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.model import Json
from generator.patterns import compiled, conjunctions, matches, problems
from tests.patterns.reference import reference_matches, spellings
from tests.patterns.strategies import (
    alternatives,
    comparable_numbers,
    events,
    filled,
    leaves,
    patterns,
    reordered,
    scalars,
    texts,
    wildcards,
)

LEAVES: list[tuple[str, list[Json], list[Json], list[Json]]] = [
    # name, alternatives, values that meet them, values that do not
    ("text", ["Get"], ["Get", ["Put", "Get"], [[["Get"]]]], ["get", "Get ", "", None, True, 1]),
    ("empty text", [""], ["", [""]], [None, [], {}, " ", False, 0]),
    ("null", [None], [None, [1, None]], ["null", "", [], {}, False, 0]),
    ("true", [True], [True, [True]], ["true", 1, False, None, {"true": True}]),
    ("false", [False], [False], ["false", 0, True, None, []]),
    ("one of several", ["a", 1, None], ["a", 1, 1.0, None], ["1", True, "None"]),
    ("a number, however written", [250], [250, 250.0, 2.5e2, [0, 250]], ["250", 251, True, None]),
    ("zero", [0], [0, 0.0, -0.0], [False, "", None, 1e-300]),
    ("a number of its own digits", [9007199254740993], [9007199254740993], [9007199254740992]),
    ("a double next to it", [9007199254740992], [9007199254740992, 2.0**53], [9007199254740993]),
    ("a whole number that a double writes shorter", [2**60], [2**60], [2.0**60]),
    ("the shorter one", [1152921504606847000], [1152921504606847000, 2.0**60], [2**60]),
    ("an address", ["10.0.0.1"], ["10.0.0.1", "010.0.0.1"], ["10.0.0.10", "10.0.0.1/32", ""]),
    ("an IPv6 address", ["::1"], ["::1", "0:0:0:0:0:0:0:1", "0::01"], ["::2", "::1%eth0", "1"]),
    ("exactly an address", [{"exactly": "::1"}], ["::1"], ["0:0:0:0:0:0:0:1"]),
    ("exactly text", [{"exactly": "a*"}], ["a*"], ["ab", "A*", None]),
    (
        "prefix",
        [{"prefix": "Del"}],
        ["Del", "Delete", ["x", "Del"]],
        ["del", "xDel", "De", 5, None],
    ),
    ("no prefix", [{"prefix": ""}], ["", "x"], [None, 5, True, [], {}]),
    ("prefix in any case", [{"prefix": {"equals-ignore-case": "dEl"}}], ["DELete"], ["De", "xdel"]),
    ("suffix", [{"suffix": ".com"}], [".com", "x.com"], [".COM", ".com.", None, 5]),
    ("no suffix", [{"suffix": ""}], ["", "x"], [None, 5, [], {}]),
    (
        "suffix in any case",
        [{"suffix": {"equals-ignore-case": ".Com"}}],
        ["x.COM", ".com"],
        ["com"],
    ),
    ("any case", [{"equals-ignore-case": "rOOt"}], ["root", "ROOT"], ["roo", "roots", "", 5, None]),
    (
        "any case of letters that grow",
        [{"equals-ignore-case": "ß"}],
        ["ß", "SS"],
        ["ss", "Ss", "s"],
    ),
    ("any case of two lower forms", [{"equals-ignore-case": "ς"}], ["ς", "Σ"], ["σ"]),
    ("any case is not any letter", [{"equals-ignore-case": "k"}], ["K"], ["\u212a", "ⓚ"]),
    ("any case beyond the plane", [{"equals-ignore-case": "𝒳"}], [], ["𝒳", "x"]),
    ("wildcard", [{"wildcard": "a*b*c"}], ["abc", "a-b-b-c", "abcbc"], ["ac", "abcd", "acb", "bc"]),
    ("wildcard at both ends", [{"wildcard": "*b*"}], ["b", "abc"], ["", "B", None, 5]),
    ("wildcard alone", [{"wildcard": "*"}], ["", "x", "\n"], [None, 5, [], {}]),
    ("wildcard that must not overlap", [{"wildcard": "aba*aba"}], ["abaaba"], ["aba", "ababa"]),
    ("wildcard without star", [{"wildcard": "ab"}], ["ab"], ["abc", "a"]),
    ("escaped star", [{"wildcard": "a\\*"}], ["a*"], ["ab", "a", "a\\*"]),
    ("escaped backslash", [{"wildcard": "a\\\\*"}], ["a\\", "a\\b"], ["a", "ab", "a*"]),
    ("numeric =", [{"numeric": ["=", 3]}], [3, 3.0, [1, 3]], ["3", 3.1, True, None, []]),
    ("numeric <", [{"numeric": ["<", 3]}], [2.999, -1e9], [3, "2", None, False]),
    ("numeric <=", [{"numeric": ["<=", 3]}], [3, 0], [3.001, "3"]),
    ("numeric >", [{"numeric": [">", 0]}], [1, 0.1, 1e300], [0, -1, "1", 9007199254740993, True]),
    ("numeric >=", [{"numeric": [">=", 0]}], [0, -0.0, 1], [-1e-9, None]),
    ("numeric range", [{"numeric": [">", 0, "<=", 5]}], [5, 0.5, [9, 1]], [0, 5.1, [0, 9]]),
    (
        "block",
        [{"cidr": "10.1.2.3/16"}],
        ["10.1.0.0", "10.1.255.255"],
        ["10.2.0.0", "10.0.255.255"],
    ),
    ("block of two", [{"cidr": "10.0.0.6/31"}], ["10.0.0.6", "10.0.0.7"], ["10.0.0.5", "10.0.0.8"]),
    (
        "any address",
        [{"cidr": "0.0.0.0/0"}],
        ["0.0.0.0", "255.255.255.255"],  # noqa: S104
        ["1.2.3", "", "a.com"],
    ),
    (
        "block of IPv6",
        [{"cidr": "2001:db8::/32"}],
        ["2001:DB8::9"],
        ["2001:db9::", "[2001:db8::1]"],
    ),
    (
        "no address",
        [{"cidr": "10.0.0.0/8"}],
        [],
        ["10.0.0.256", " 10.0.0.1", "10.0.0.1/8", 10, None],
    ),
    (
        "more in a block",
        [{"cidr": "10.0.0.0/8"}],
        ["10.0.0.001"],
        ["10.0.0.0000000001", "１0.0.0.1"],
    ),
    ("anything but", [{"anything-but": "x"}], ["y", "", 5, None, True, ["x", "y"]], ["x", ["x"]]),
    ("anything but nothing there", [{"anything-but": "x"}], [], [[], {}, {"x": "y"}, [[]]]),
    ("anything but several", [{"anything-but": ["x", "y"]}], ["z", ["x", "z"]], ["x", ["x", "y"]]),
    ("anything but a number", [{"anything-but": 5}], ["5", 6, None, True], [5, 5.0, [5]]),
    ("anything but a prefix", [{"anything-but": {"prefix": "x"}}], ["y", "", 5], ["x", "xy"]),
    ("anything but prefixes", [{"anything-but": {"prefix": ["x", "y"]}}], ["z"], ["xa", "ya"]),
    ("anything but suffixes", [{"anything-but": {"suffix": ["x"]}}], ["xy", None], ["x", "yx"]),
    ("anything but any case", [{"anything-but": {"equals-ignore-case": "X"}}], ["y"], ["x", "X"]),
    ("anything but wildcards", [{"anything-but": {"wildcard": ["a*", "*z"]}}], ["b"], ["a", "bz"]),
    ("anything but an address", [{"anything-but": ["10.0.0.1"]}], ["010.0.0.1"], ["10.0.0.1"]),
    ("present", [{"exists": True}], ["", None, False, 0, [None]], [[], {}, [[]], {"a": 1}, [{}]]),
    ("absent", [{"exists": False}], [[], {}, [[]], {"a": 1}, [{}]], ["", None, False, [None]]),
    ("absent or text", ["x", {"exists": False}], ["x", [], {}], ["y", None]),
    ("present or absent", [{"exists": True}, {"exists": False}], ["x", None, [], {}], []),
]


@pytest.mark.parametrize(
    ("name", "leaf", "meeting", "failing"), LEAVES, ids=[row[0] for row in LEAVES]
)
def test_values_that_a_leaf_takes(
    name: str, leaf: list[Json], meeting: list[Json], failing: list[Json]
) -> None:
    pattern = {"detail": {"field": leaf}}
    taken = [value for value in meeting + failing if matches(pattern, {"detail": {"field": value}})]
    assert list(map(repr, taken)) == list(map(repr, meeting)), name


def test_a_missing_field_meets_nothing_but_absence() -> None:
    events: list[dict[str, Json]] = [
        {},
        {"detail": None},
        {"detail": "x"},
        {"detail": {"other": 1}},
        {"detail": []},
    ]
    for event in events:
        assert matches({"detail": {"field": [{"exists": False}]}}, event)
        assert not matches({"detail": {"field": [{"exists": True}, {"anything-but": "x"}]}}, event)


def test_an_address_of_the_other_family_is_compared_by_its_first_bytes() -> None:
    assert matches({"ip": [{"cidr": "32.1.13.184/31"}]}, {"ip": "2001:db8::1"})
    assert not matches({"ip": [{"cidr": "32.1.13.186/31"}]}, {"ip": "2001:db8::1"})
    assert matches({"ip": [{"cidr": "::/0"}]}, {"ip": "10.0.0.1"})
    assert not matches({"ip": [{"cidr": "::/0"}]}, {"ip": "0.0.0.0"})  # noqa: S104
    assert matches({"ip": [{"cidr": "10.0.0.0/8"}]}, {"ip": "::ffff:a00:1"})


LISTS: list[tuple[str, dict[str, Json], Json, bool]] = [
    ("one element meets both", {"n": ["x"], "v": [1]}, [{"n": "y"}, {"n": "x", "v": 1}], True),
    ("two elements do not", {"n": ["x"], "v": [1]}, [{"n": "x"}, {"v": 1}], False),
    ("lists inside one object do", {"n": ["x"], "v": [1]}, {"n": ["y", "x"], "v": [2, 1]}, True),
    ("an object in a list in a list", {"n": ["x"], "v": [1]}, [[{"n": "x", "v": 1}]], True),
    ("two objects in a list in a list", {"n": ["x"], "v": [1]}, [[{"n": "x"}, {"v": 1}]], False),
    ("objects in two lists in a list", {"n": ["x"], "v": [1]}, [[{"n": "x"}], [{"v": 1}]], False),
    ("something else in the list", {"n": ["x"]}, ["x", None, {"n": "x"}], True),
    (
        "the outer element decides for the inner list",
        {"n": ["x"], "v": {"w": [1]}},
        [{"n": "x", "v": [{"w": 2}]}, {"n": "y", "v": [{"w": 1}]}],
        False,
    ),
    (
        "each outer element has its own inner list",
        {"n": ["x"], "v": {"w": [1]}},
        [{"n": "y", "v": [{"w": 1}]}, {"n": "x", "v": [{"w": 2}, {"w": 1}]}],
        True,
    ),
    (
        "an or inside is met in the same element",
        {"n": ["x"], "$or": [{"v": [1]}, {"w": [1]}]},
        [{"n": "x", "v": 2}, {"n": "y", "w": 1}],
        False,
    ),
    (
        "absence in a list is absence in every element",
        {"n": [{"exists": False}]},
        [{"n": 1}, {}],
        False,
    ),
    ("an empty list is absence", {"n": [{"exists": False}]}, [], True),
    (
        "absence beside an earlier condition is absence in its element",
        {"n": ["x"], "v": [{"exists": False}]},
        [{"n": "x"}, {"v": 1}],
        True,
    ),
    (
        "absence before any other condition is absence in every element",
        {"n": ["x"], "a": [{"exists": False}]},
        [{"n": "x"}, {"a": 1}],
        False,
    ),
    (
        "of two elements the one without is taken",
        {"n": ["x"], "v": [{"exists": False}]},
        [{"n": "x", "v": 1}, {"n": "x"}],
        True,
    ),
    (
        "absence or a value",
        {"n": ["x"], "v": [{"exists": False}, 1]},
        [{"n": "x", "v": 2}, {"n": "x", "v": 1}],
        True,
    ),
    (
        "a scalar beside an object commits to nothing",
        {"n": ["x"], "n.v": [1]},
        {"n": ["x", {"v": 1}]},
        True,
    ),
    ("a list beside an object does", {"n": ["x"], "n.v": [1]}, {"n": [["x"], {"v": 1}]}, False),
]


@pytest.mark.parametrize(
    ("name", "conditions", "value", "expected"), LISTS, ids=[row[0] for row in LISTS]
)
def test_conditions_stay_within_one_element(
    name: str, conditions: dict[str, Json], value: Json, expected: bool
) -> None:
    pattern, event = {"detail": {"items": conditions}}, {"detail": {"items": value}}
    assert matches(pattern, event) is expected, name
    assert reference_matches(pattern, event) is expected, name


DOTS: list[tuple[str, dict[str, Json], dict[str, Json], bool]] = [
    ("nested in both", {"a": {"b": [1]}}, {"a": {"b": 1}}, True),
    ("dotted in the pattern", {"a.b": [1]}, {"a": {"b": 1}}, True),
    ("dotted in the event", {"a": {"b": [1]}}, {"a.b": 1}, True),
    ("dotted in part", {"a": {"b": {"c": [1]}}}, {"a": {"b.c": 1}}, True),
    ("both spellings are two values", {"a.b": [1]}, {"a": {"b": 2}, "a.b": 1}, True),
    ("both count against absence", {"a.b": [{"exists": False}]}, {"a": {"c": 2}, "a.b": 1}, False),
    ("anything but takes either", {"a.b": [{"anything-but": 1}]}, {"a": {"b": 2}, "a.b": 1}, True),
    ("an empty name is overlooked", {"a": [1]}, {"": {"a": 1}, "a.": 1, ".a": 1}, False),
    ("an empty name below", {"a": {"": [1]}}, {"a": {"": 1}, "a.": 1}, False),
    ("an empty name at the top", {"": [1]}, {"": 1}, True),
    ("a name with a dot at its end", {"a.": [{"exists": False}]}, {"a.": 1}, True),
]


@pytest.mark.parametrize(
    ("name", "pattern", "event", "expected"), DOTS, ids=[row[0] for row in DOTS]
)
def test_dots_are_nesting(
    name: str, pattern: dict[str, Json], event: dict[str, Json], expected: bool
) -> None:
    assert matches(pattern, event) is expected, name


def test_a_branch_replaces_what_is_said_outside() -> None:
    pattern = {"n": ["x"], "$or": [{"n": ["y"]}, {"v": [1]}]}
    assert matches(pattern, {"n": "y"})
    assert matches(pattern, {"n": "x", "v": 1})
    assert not matches(pattern, {"n": "x"})


def test_events_may_be_nested_deeper_than_python_calls() -> None:
    lists: Json = "x"
    objects: Json = {"a": "x"}
    for _ in range(3000):
        lists, objects = [lists], [objects]
    event = {"detail": {"a": lists, "b": objects}}
    assert matches({"detail": {"a": ["x"], "b": {"a": ["x"]}}}, event)
    assert not matches({"detail": {"a": ["x"], "b": {"a": ["y"]}}}, event)


def test_patterns_may_be_nested_deeply() -> None:
    pattern: Json = ["x"]
    event: Json = "x"
    for _ in range(300):
        pattern, event = {"a": pattern}, {"a": event}
    assert matches(pattern, event)
    branch: Json = {"a": ["x"]}
    for _ in range(900):
        branch = {"$or": [branch, {"b": ["x"]}]}
    assert len(conjunctions(branch)) == 901


def test_a_remembered_pattern_is_not_stale_when_the_caller_changes_it() -> None:
    leaf: list[Json] = [{"anything-but": ["x"]}]
    pattern = {"a": leaf}
    assert matches(pattern, {"a": "y"})
    leaf[0]["anything-but"].append("y")
    assert not matches(pattern, {"a": "y"})
    leaf.append("y")
    assert matches(pattern, {"a": "y"})


def test_a_compiled_pattern_keeps_its_meaning_when_the_caller_changes_it() -> None:
    pattern: dict[str, Json] = {"a": [{"anything-but": ["x"]}], "b": [{"numeric": [">", 0]}]}
    ready = compiled(pattern)
    pattern["a"][0]["anything-but"].append("y")
    pattern["b"][0]["numeric"][1] = 5
    assert ready.matches({"a": "y", "b": 1})


def test_one_is_not_true_among_remembered_patterns() -> None:
    assert matches({"a": [1]}, {"a": 1})
    assert not matches({"a": [True]}, {"a": 1})
    assert not matches({"a": ["1"]}, {"a": 1})


def test_values_that_are_no_json_meet_presence_only() -> None:
    event: dict[str, Any] = {"a": b"x"}
    assert matches({"a": [{"exists": True}]}, event)
    assert not matches({"a": ["x", 1, None, {"prefix": ""}]}, event)


def test_starting_loads_nothing_that_only_rare_patterns_need() -> None:
    told = (
        "import sys; before = set(sys.modules); import generator.patterns;"
        "print(*(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert {"ipaddress", "difflib", "socket"}.isdisjoint(run.stdout.split())


@given(patterns, events, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_names_does_not_matter(
    pattern: dict[str, Json], event: dict[str, Json], chance: random.Random
) -> None:
    def shuffle(names: list[str]) -> list[str]:
        return chance.sample(names, len(names))

    plain = [dict(one) for one in conjunctions(pattern)]
    # A leaf named twice is the one thing where order counts; without `$or` and other spellings
    # there is none.
    for conjunction in plain:
        leaf_pattern = {path: list(leaf) for path, leaf in conjunction.items()}
        assert matches(leaf_pattern, event) is matches(
            reordered(leaf_pattern, shuffle), reordered(event, shuffle)
        )
    assert matches(pattern, event) is matches(pattern, reordered(event, shuffle))


@given(patterns, events)
@settings(max_examples=50, deadline=None)
def test_a_pattern_is_the_union_of_its_conjunctions(
    pattern: dict[str, Json], event: dict[str, Json]
) -> None:
    parts = [{path: list(leaf) for path, leaf in one.items()} for one in conjunctions(pattern)]
    assert all(problems(part) == [] for part in parts)
    assert matches(pattern, event) is any(matches(part, event) for part in parts)


@given(patterns, st.lists(events, min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_matching_agrees_with_trying_everything(
    pattern: dict[str, Json], several: list[dict[str, Json]]
) -> None:
    ready = compiled(pattern)
    for event in several:
        assert ready.matches(event) is reference_matches(pattern, event)


@given(leaves, st.one_of(scalars, st.lists(scalars, max_size=3)))
@settings(max_examples=160, deadline=None)
def test_a_single_leaf_agrees_with_trying_everything(leaf: list[Json], value: Json) -> None:
    assert matches({"a": leaf}, {"a": value}) is reference_matches({"a": leaf}, {"a": value})


@given(
    st.one_of(
        texts.map(lambda text: (text, {"exactly": text})),
        comparable_numbers.map(lambda number: (number, number)),
        filled.map(lambda text: ({"prefix": text}, {"prefix": text})),
        filled.map(lambda text: ({"suffix": text}, {"suffix": text})),
        wildcards.map(lambda text: ({"wildcard": text}, {"wildcard": text})),
        texts.map(lambda text: ({"equals-ignore-case": text}, {"equals-ignore-case": text})),
    ),
    scalars,
)
@settings(max_examples=120, deadline=None)
def test_anything_but_is_the_opposite_on_a_single_value(
    excluded_and_plain: tuple[Json, Json], value: Json
) -> None:
    excluded, plain = excluded_and_plain
    without = matches({"a": [{"anything-but": excluded}]}, {"a": value})
    assert without is not matches({"a": [plain]}, {"a": value})


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), leaves, scalars)
@settings(max_examples=80, deadline=None)
def test_every_spelling_of_a_path_is_the_same(
    names: list[str], leaf: list[Json], value: Json
) -> None:
    def nested(steps: list[str], inner: Json) -> dict[str, Json]:
        for step in reversed(steps):
            inner = {step: inner}
        assert isinstance(inner, dict)
        return inner

    expected = matches({"a": leaf}, {"a": value})
    for in_pattern in spellings(names):
        for in_event in spellings(names):
            assert matches(nested(in_pattern, leaf), nested(in_event, value)) is expected


@given(st.lists(alternatives, min_size=1, max_size=3), scalars)
@settings(max_examples=80, deadline=None)
def test_a_leaf_is_the_union_of_its_alternatives(leaf: list[Json], value: Json) -> None:
    single = [matches({"a": [one]}, {"a": value}) for one in leaf]
    assert matches({"a": leaf}, {"a": value}) is any(single)
