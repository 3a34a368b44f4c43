"""Which patterns are valid, what is said of the others, and what `$or` multiplies out to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from generator.model import Json
from generator.patterns import compiled, conjunctions, matches, problems
from tests.patterns.reference import expanded
from tests.patterns.strategies import any_json, patterns

VALID_LEAVES: list[tuple[str, list[Json]]] = [
    ("exact values of every type", ["Delete", "", 7, -0.5, 1e300, True, False, None]),
    ("a number with more digits than compare", [9007199254740993]),
    ("prefix", [{"prefix": "arn:"}, {"prefix": ""}]),
    ("prefix in any case", [{"prefix": {"equals-ignore-case": "ARN:"}}]),
    ("suffix", [{"suffix": ".internal"}, {"suffix": {"equals-ignore-case": ""}}]),
    ("equals-ignore-case", [{"equals-ignore-case": "Root"}]),
    ("exactly", [{"exactly": "10.1.1.1"}]),
    ("wildcard", [{"wildcard": "a*b*"}, {"wildcard": "*"}, {"wildcard": ""}]),
    ("wildcard with escapes", [{"wildcard": "a\\**\\\\"}]),
    ("exists", [{"exists": True}, {"exists": False}]),
    ("one comparison", [{"numeric": ["=", 0]}, {"numeric": ["<=", -1e9]}]),
    ("a range", [{"numeric": [">", 0, "<=", 5.5]}, {"numeric": [">=", -2, "<", -1]}]),
    ("blocks", [{"cidr": "10.0.0.0/8"}, {"cidr": "0.0.0.0/0"}, {"cidr": "10.1.2.3/31"}]),
    ("blocks of IPv6", [{"cidr": "2001:db8::/32"}, {"cidr": "::/0"}, {"cidr": "fe80::1/127"}]),
    ("a block with an odd mask", [{"cidr": "10.0.0.0/+08"}, {"cidr": "10.0.0.0/8/"}]),
    ("anything but text", [{"anything-but": "x"}, {"anything-but": ["x", ""]}]),
    ("anything but numbers", [{"anything-but": 0}, {"anything-but": [1, 2.5]}]),
    ("anything but a prefix", [{"anything-but": {"prefix": "x"}}]),
    ("anything but suffixes", [{"anything-but": {"suffix": ["x", "y"]}}]),
    ("anything but in any case", [{"anything-but": {"equals-ignore-case": ["x", ""]}}]),
    ("anything but wildcards", [{"anything-but": {"wildcard": ["x*", "*"]}}]),
]


@pytest.mark.parametrize(("name", "leaf"), VALID_LEAVES, ids=[row[0] for row in VALID_LEAVES])
def test_a_valid_leaf_has_no_problems(name: str, leaf: list[Json]) -> None:
    assert problems({"detail": {"field": leaf}}) == [], name


FAULTY_LEAVES: list[tuple[str, Json, str]] = [
    ("bare text", "x", '"x" does not stand in a list; write ["x"]'),
    ("a bare number", 5, "5 does not stand in a list; write [5]"),
    ("bare null", None, "null does not stand in a list; write [null]"),
    ("nothing", [], "an empty list matches nothing; name what the field may be"),
    ("no fields", {}, "an empty object matches nothing; name a field, or leave it out"),
    (
        "a list in the list",
        [["x"]],
        "a list stands inside the list; alternatives stand side by side in one list",
    ),
    ("infinity", [float("inf")], "inf is no JSON number"),
    ("what is not JSON", [b"x"], "a bytes is no JSON value; write it as text in quotes"),
    ("wrong case", [{"Prefix": "x"}], "'Prefix' is no operator; did you mean 'prefix'?"),
    (
        "camel case",
        [{"anythingBut": 1}],
        "'anythingBut' is no operator; did you mean 'anything-but'?",
    ),
    ("a typing error", [{"wildcrad": 1}], "'wildcrad' is no operator; did you mean 'wildcard'?"),
    (
        "another language",
        [{"startsWith": 1}],
        "'startsWith' is no operator; did you mean 'prefix'?",
    ),
    ("far from any operator", [{"zzz": 1}], "'zzz' is no operator"),
    (
        "two operators in one",
        [{"prefix": "a", "suffix": "b"}],
        "'prefix' and 'suffix' stand in one object; "
        "give each operator an object of its own; one of them then has to hold",
    ),
    (
        "no operator",
        [{}],
        "an empty object stands for an alternative; name an operator: anything-but, cidr, "
        "equals-ignore-case, exactly, exists, numeric, prefix, suffix, wildcard",
    ),
    (
        "prefix of a number",
        [{"prefix": 5}],
        '5 stands where one text is needed; write "5" if it is meant as text',
    ),
    (
        "several prefixes",
        [{"prefix": ["a", "b"]}],
        "'prefix' takes one text, not a list; "
        'write several alternatives: [{"prefix": ...}, {"prefix": ...}]',
    ),
    (
        "suffix of a wildcard",
        [{"suffix": {"wildcard": "a*"}}],
        "'suffix' takes no 'wildcard'; it takes equals-ignore-case",
    ),
    (
        "prefix in any case of null",
        [{"prefix": {"equals-ignore-case": None}}],
        'null stands where one text is needed; write "null" if it is meant as text',
    ),
    ("exactly an object", [{"exactly": {}}], "an empty object stands where one text is needed"),
    (
        "exists in quotes",
        [{"exists": "false"}],
        "'exists' is \"false\"; it must be true or false, without quotes",
    ),
    (
        "two stars",
        [{"wildcard": "a**"}],
        "in wildcard \"a**\" two '*' stand side by side; one '*' is enough",
    ),
    (
        "an escape of nothing special",
        [{"wildcard": "a\\d"}],
        "in wildcard \"a\\\\d\" a backslash stands before neither '*' nor '\\'; "
        "write '\\\\' for itself",
    ),
    (
        "an escape at the end",
        [{"wildcard": "a\\"}],
        "in wildcard \"a\\\\\" a backslash stands before neither '*' nor '\\'; "
        "write '\\\\' for itself",
    ),
    (
        "numeric without a list",
        [{"numeric": 5}],
        '\'numeric\' is 5; it must be a list such as [">", 0, "<=", 5]',
    ),
    (
        "numeric of nothing",
        [{"numeric": []}],
        '\'numeric\' is an empty list; it must be a list such as [">", 0, "<=", 5]',
    ),
    ("not equal", [{"numeric": ["!=", 5]}], '"!=" is no comparison; use anything-but'),
    ("an unknown comparison", [{"numeric": ["==", 5]}], '"==" is no comparison; use = < <= > >='),
    ("no bound", [{"numeric": [">"]}], "'numeric' ends with a comparison that has no number"),
    ("a bound in quotes", [{"numeric": [">", "5"]}], '"5" stands where a number is needed'),
    ("a bound that is true", [{"numeric": [">", True]}], "true stands where a number is needed"),
    (
        "a bound with too many digits",
        [{"numeric": [">", 9007199254740993]}],
        "9007199254740993 has more digits, or more size, than can be compared",
    ),
    (
        "an upper bound first",
        [{"numeric": ["<", 5, ">", 0]}],
        "this combination of comparisons is not possible; "
        'a range is a lower bound, then an upper one: [">", 0, "<=", 5]',
    ),
    (
        "three bounds",
        [{"numeric": [">", 0, "<", 5, "<", 4]}],
        "this combination of comparisons is not possible; "
        'a range is a lower bound, then an upper one: [">", 0, "<=", 5]',
    ),
    ("an empty range", [{"numeric": [">", 5, "<", 5]}], "no range from 5 to 5 is possible"),
    (
        "a range of one number",
        [{"numeric": [">=", 5, "<=", 5.0]}],
        'no range from 5 to 5.0 is possible; write ["=", 5]',
    ),
    (
        "a block without mask",
        [{"cidr": "10.0.0.0"}],
        "cidr \"10.0.0.0\": needs one '/' between an address and its mask bits",
    ),
    (
        "a block of one address",
        [{"cidr": "10.0.0.1/32"}],
        'cidr "10.0.0.1/32": mask bits must be from 0 to 31; '
        "write a single address alone, as an exact value",
    ),
    (
        "a mask below zero",
        [{"cidr": "::/-1"}],
        'cidr "::/-1": mask bits must be from 0 to 127',
    ),
    (
        "a dotted mask",
        [{"cidr": "10.0.0.0/255.0.0.0"}],
        "cidr \"10.0.0.0/255.0.0.0\": mask bits '255.0.0.0' are no whole number",
    ),
    (
        "a block of a name",
        [{"cidr": "localhost/8"}],
        "cidr \"localhost/8\": 'localhost' is no IP address",
    ),
    (
        "anything but nothing",
        [{"anything-but": []}],
        "'anything-but' excludes nothing; write {\"exists\": true} for any value",
    ),
    (
        "anything but no prefix",
        [{"anything-but": {"prefix": []}}],
        "'anything-but' excludes nothing; write {\"exists\": true} for any value",
    ),
    (
        "anything but every text",
        [{"anything-but": {"suffix": ["x", ""]}}],
        "'anything-but' excludes every text; an empty prefix or suffix fits all",
    ),
    (
        "anything but null",
        [{"anything-but": None}],
        "'anything-but' cannot exclude null; it takes text or numbers",
    ),
    (
        "anything but a mixture",
        [{"anything-but": ["x", 5]}],
        "'anything-but' mixes text and numbers; all its values must be of one kind",
    ),
    (
        "anything but numeric",
        [{"anything-but": {"numeric": ["=", 1]}}],
        "'anything-but' takes no 'numeric'; it takes equals-ignore-case, prefix, suffix, wildcard",
    ),
    (
        "anything but a list of operators",
        [{"anything-but": [{"prefix": "x"}]}],
        "'anything-but' cannot exclude an object; an operator stands in it directly, "
        'its values in a list: {"anything-but": {"prefix": ["a", "b"]}}',
    ),
    (
        "anything but a prefix in any case",
        [{"anything-but": {"prefix": {"equals-ignore-case": "x"}}}],
        "an object stands where one text is needed",
    ),
    (
        "anything but a bad wildcard",
        [{"anything-but": {"wildcard": ["a*", "b**"]}}],
        "in wildcard \"b**\" two '*' stand side by side; one '*' is enough",
    ),
]


@pytest.mark.parametrize(
    ("name", "leaf", "said"), FAULTY_LEAVES, ids=[row[0] for row in FAULTY_LEAVES]
)
def test_a_faulty_leaf_is_named_with_its_cure(name: str, leaf: Json, said: str) -> None:
    assert problems({"detail": {"field": leaf}}) == [f"detail.field: {said}"], name


FAULTY_PATTERNS: list[tuple[str, Any, list[str]]] = [
    ("a list", ["x"], ["the pattern is a list; it must be an object"]),
    ("text", "source", ['the pattern is "source"; it must be an object']),
    (
        "an empty object",
        {},
        ["the pattern: an empty object matches nothing; name a field, or leave it out"],
    ),
    (
        "an operator without its list",
        {"source": {"prefix": "aws."}},
        [
            'source.prefix: "aws." does not stand in a list; '
            'an operator stands in a list: [{"prefix": "aws."}]'
        ],
    ),
    (
        "a name that is a number",
        {"detail": {404: ["x"]}},
        ["detail: the name 404 is no text; put it in quotes"],
    ),
    (
        "one branch",
        {"$or": [{"a": ["x"]}]},
        ["$or: '$or' needs two branches or more, it has 1; write the fields without '$or'"],
    ),
    (
        "branches in an object",
        {"detail": {"$or": "x"}},
        ["detail.$or: '$or' is \"x\"; it must be a list of objects"],
    ),
    (
        "a branch that is a list",
        {"$or": [{"a": ["x"]}, [{"b": ["x"]}]]},
        ["$or[1]: a branch of '$or' is a list; it must be an object"],
    ),
    (
        "an empty branch",
        {"$or": [{"a": ["x"]}, {}]},
        ["$or[1]: an empty object matches nothing; name a field, or leave it out"],
    ),
    (
        "an operator for a field inside a branch",
        {"$or": [{"a": {"prefix": ["x"]}}, {"b": [1]}]},
        [
            "$or[0].a.prefix: 'prefix' cannot be the name of a field inside '$or'; "
            "'$or' is a list of objects with fields: [{\"state\": [...]}, ...]"
        ],
    ),
    (
        "everything at once, in the order of the document",
        {
            "source": "aws.s3",
            "detail": {
                "$or": [{"a": [{"prefx": "x"}]}, {"b": []}],
                "c": [{"exists": 1}, {"numeric": ["~", "x"]}],
            },
        },
        [
            'source: "aws.s3" does not stand in a list; write ["aws.s3"]',
            "detail.$or[0].a: 'prefx' is no operator; did you mean 'prefix'?",
            "detail.$or[1].b: an empty list matches nothing; name what the field may be",
            "detail.c: 'exists' is 1; it must be true or false, without quotes",
            'detail.c: "~" is no comparison; use = < <= > >=',
            'detail.c: "x" stands where a number is needed',
        ],
    ),
    (
        "names that would upset a terminal",
        {"a\x1b[2J\n": 1},
        ["a\\u001b[2J\\u000a: 1 does not stand in a list; write [1]"],
    ),
]


@pytest.mark.parametrize(
    ("name", "pattern", "said"), FAULTY_PATTERNS, ids=[row[0] for row in FAULTY_PATTERNS]
)
def test_a_faulty_pattern_is_told_where_and_why(name: str, pattern: Any, said: list[str]) -> None:
    assert problems(pattern) == said, name


def test_operators_are_ordinary_names_outside_of_or() -> None:
    assert problems({"detail": {"prefix": ["x"], "numeric": {"exists": [1]}}}) == []


def test_an_or_that_can_only_be_a_field_is_a_field() -> None:
    pattern = {"detail": {"$or": [{"prefix": "x"}, {"suffix": "y"}]}}
    assert problems(pattern) == []
    assert conjunctions(pattern) == ({"detail.$or": ({"prefix": "x"}, {"suffix": "y"})},)
    assert matches(pattern, {"detail": {"$or": "xz"}})


def test_a_thousand_combinations_are_the_most() -> None:
    ten = {"$or": [{"a": [number]} for number in range(10)]}
    thousand: dict[str, Json] = {"x": ten, "y": ten, "z": ten}
    assert problems(thousand) == []
    assert len(conjunctions(thousand)) == 1000
    assert problems({**thousand, "$or": [{"a": [1]}, {"a": [2]}]}) == [
        "the pattern: its '$or' make 2000 combinations, more than 1000; split the pattern"
    ]


def test_combinations_are_counted_without_being_made() -> None:
    twenty = {f"f{number}": {"$or": [{"a": [1]}, {"b": [1]}]} for number in range(60)}
    assert problems(twenty) == [
        f"the pattern: its '$or' make {2**60} combinations, more than 1000; split the pattern"
    ]


def test_256_fields_at_once_are_the_most() -> None:
    many: dict[str, Json] = {f"f{number}": ["x"] for number in range(255)}
    assert problems({**many, "$or": [{"x": [1]}, {"y": [1]}]}) == []
    assert problems({**many, "$or": [{"x": [1], "y": [1]}, {"y": [1]}]}) == [
        "the pattern: it names 257 fields at once, more than 256; split the pattern"
    ]


CONJUNCTIONS: list[tuple[str, dict[str, Json], list[dict[str, tuple[Json, ...]]]]] = [
    (
        "nested names are joined by dots",
        {"source": ["a", "b"], "detail": {"x": {"y": [1]}}},
        [{"source": ("a", "b"), "detail.x.y": (1,)}],
    ),
    (
        "branches stand on the level of their or",
        {"detail": {"$or": [{"x": ["1"]}, {"y": {"z": ["2"]}}], "w": ["3"]}},
        [
            {"detail.x": ("1",), "detail.w": ("3",)},
            {"detail.y.z": ("2",), "detail.w": ("3",)},
        ],
    ),
    (
        "two ors multiply",
        {"$or": [{"a": [1]}, {"b": [1]}], "d": {"$or": [{"a": [1]}, {"b": [1]}]}},
        [
            {"a": (1,), "d.a": (1,)},
            {"b": (1,), "d.a": (1,)},
            {"a": (1,), "d.b": (1,)},
            {"b": (1,), "d.b": (1,)},
        ],
    ),
    (
        "an or in a branch adds",
        {"$or": [{"a": [1]}, {"$or": [{"b": [1]}, {"c": [1]}], "d": [1]}]},
        [{"a": (1,)}, {"b": (1,), "d": (1,)}, {"c": (1,), "d": (1,)}],
    ),
    (
        "a branch replaces what stands before it",
        {"a": ["out"], "$or": [{"a": ["in"]}, {"b": [1]}]},
        [{"a": ("in",)}, {"a": ("out",), "b": (1,)}],
    ),
    (
        "what stands after the or replaces its branches",
        {"$or": [{"a": ["in"]}, {"b": [1]}], "a": ["out"]},
        [{"a": ("out",)}, {"b": (1,), "a": ("out",)}],
    ),
    (
        "another spelling is the same leaf",
        {"a": {"b": ["first"]}, "a.b": ["last"]},
        [{"a.b": ("last",)}],
    ),
]


@pytest.mark.parametrize(
    ("name", "pattern", "expected"), CONJUNCTIONS, ids=[row[0] for row in CONJUNCTIONS]
)
def test_or_is_multiplied_out(
    name: str, pattern: dict[str, Json], expected: list[dict[str, tuple[Json, ...]]]
) -> None:
    assert list(conjunctions(pattern)) == expected, name


def test_a_pattern_with_problems_has_no_meaning() -> None:
    for meaning in (conjunctions, compiled):
        with pytest.raises(ValueError, match=r"source: .* does not stand in a list"):
            meaning({"source": "aws.s3"})
    with pytest.raises(ValueError, match="source: "):
        matches({"source": "aws.s3"}, {"source": "aws.s3"})


def test_the_callers_pattern_is_left_alone() -> None:
    pattern = {"a": [1], "$or": [{"b": [{"anything-but": ["x"]}]}, {"a": [2]}]}
    before = json.dumps(pattern)
    conjunctions(pattern)
    assert json.dumps(pattern) == before


@given(any_json)
@settings(max_examples=160, deadline=None)
def test_no_json_value_upsets_the_check(value: Json) -> None:
    for pattern in (value, {"a": value}, {"a": [value]}, {"$or": [{"a": [value]}, {"b": value}]}):
        for line in problems(pattern):
            assert line.isprintable()


@given(patterns)
@settings(max_examples=40, deadline=None)
def test_drawn_patterns_are_valid_and_multiply_out_as_by_recursion(
    pattern: dict[str, Json],
) -> None:
    assert problems(pattern) == []
    assert [dict(one) for one in conjunctions(pattern)] == [
        {path: tuple(leaf) for path, leaf in one.items()} for one in expanded(pattern, "", [{}])
    ]
