"""Each form takes what it says and refuses the rest, and its JSON Schema agrees with it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from generator.documents import Document
from generator.model import Json
from generator.schema import (
    Anything,
    Boolean,
    Duration,
    Either,
    Form,
    Integer,
    ListOf,
    MapOf,
    Record,
    Report,
    Text,
    said_as_duration,
)
from tests.test_documents import typed

CHOICE = Text(choices=("info", "low", "high"))
WORD = Text(pattern=r"[a-z]{2,4}|ALL", form="a word of 2 to 4 letters")
POINT = Record({"x": Integer(), "y": Integer()}, {"y": 7})
REGIONS = Either(Text(choices=("all",)), ListOf(WORD, least=1))


def read(form: Form, value: Json) -> tuple[Json, list[str]]:
    report = Report(Document("file.yaml", value))
    result = form.read(value, (), report)
    return result, [str(problem).removeprefix("file.yaml:1: ") for problem in report.problems]


RIGHT: list[tuple[str, Form, Json, Json]] = [
    ("text", Text(), "x", "x"),
    ("empty text", Text(), "", ""),
    ("a choice", CHOICE, "low", "low"),
    ("text of a form", WORD, "abc", "abc"),
    ("text of the form's second half", WORD, "ALL", "ALL"),
    ("text of the longest length", Text(longest=3), "abc", "abc"),
    ("a whole number", Integer(), 5, 5),
    ("the least number", Integer("", 3, 9), 3, 3),
    ("the greatest number", Integer("", 3, 9), 9, 9),
    ("true", Boolean(), True, True),
    ("false", Boolean(), False, False),
    ("seconds", Duration(), "45s", 45),
    ("minutes", Duration(), "5m", 300),
    ("hours", Duration(), "12h", 43_200),
    ("days", Duration(), "14d", 1_209_600),
    ("no time", Duration(), "0s", 0),
    ("the shortest time", Duration("", 60, 120), "1m", 60),
    ("the longest time", Duration("", 60, 120), "120s", 120),
    ("a whole number of days", Duration(units="d"), "2d", 172_800),
    ("a time of a few", Duration(choices=("1m", "1h")), "1h", 3_600),
    ("a list", ListOf(Text()), ["b", "a"], ["b", "a"]),
    ("an empty list", ListOf(Text()), [], []),
    ("a list of the least length", ListOf(Text(), least=1), ["a"], ["a"]),
    ("a mapping", MapOf(Integer()), {"b": 1, "a": 2}, {"b": 1, "a": 2}),
    ("a mapping with names of a form", MapOf(Integer(), key=WORD), {"ab": 1}, {"ab": 1}),
    ("the first kind", REGIONS, "all", "all"),
    ("the second kind", REGIONS, ["ab"], ["ab"]),
    ("anything", Anything(), [None, {"a": 1.5}], [None, {"a": 1.5}]),
    ("any mapping", Anything(type="object"), {"a": None}, {"a": None}),
    ("a record", POINT, {"x": 1, "y": 2}, {"x": 1, "y": 2}),
    ("a record with a default", POINT, {"x": 1}, {"x": 1, "y": 7}),
]


@pytest.mark.parametrize(("name", "form", "value", "expected"), RIGHT, ids=[r[0] for r in RIGHT])
def test_the_right_value_is_taken(name: str, form: Form, value: Json, expected: Json) -> None:
    result, faults = read(form, value)
    assert faults == []
    assert typed(result) == typed(expected), name


WRONG: list[tuple[str, Form, Json, list[str]]] = [
    ("a number for text", Text(), 5, ["wants text, not 5; quote it"]),
    ("a fraction for text", Text(), 1.5, ["wants text, not 1.5; quote it"]),
    ("true for text", Text(), True, ["wants text, not true; quote it"]),
    ("nothing for text", Text(), None, ["wants text, not nothing"]),
    ("a list for text", Text(), ["a"], ["wants text, not a list"]),
    ("a mapping for text", Text(), {}, ["wants text, not a mapping"]),
    (
        "no choice, but near to one",
        CHOICE,
        "lwo",
        ["'lwo' is not one of the choices; did you mean 'low'?"],
    ),
    (
        "no choice at all",
        CHOICE,
        "zzzz",
        ["'zzzz' is not one of the choices; known: high, info, low"],
    ),
    ("a choice in another case", CHOICE, "Low", ["'Low' is not one of the choices; "
                                                 "did you mean 'low'?"]),
    ("text of another form", WORD, "a", ["'a' is not a word of 2 to 4 letters"]),
    ("text that begins in the form", WORD, "abcde", ["'abcde' is not a word of 2 to 4 letters"]),
    ("the form and a line break", WORD, "abc\n", ["'abc\n' is not a word of 2 to 4 letters"]),
    ("a form without words", Text(pattern="x+"), "y", ["'y' is not x+"]),
    ("text too long", Text(longest=3), "abcd", ["has 4 characters, at most 3 fit"]),
    ("text for a number", Integer(), "5", ["wants a whole number, not '5'"]),
    ("true for a number", Integer(), True, ["wants a whole number, not true"]),
    ("a fraction for a whole number", Integer(), 1.5, ["wants a whole number, not 1.5"]),
    ("too small a number", Integer("", 3, 9), 2, ["2 is out of range; from 3 to 9"]),
    ("too great a number", Integer("", 3, 9), 10, ["10 is out of range; from 3 to 9"]),
    ("text for true", Boolean(), "yes", ["wants true or false, not 'yes'"]),
    ("a number for true", Boolean(), 1, ["wants true or false, not 1"]),
    ("nothing for true", Boolean(), None, ["wants true or false, not nothing"]),
    (
        "half a day too much",
        Duration(units="d"),
        "36h",
        ["'36h' is not a duration; write 14d"],
    ),
    (
        "a time between two of a few",
        Duration(choices=("1m", "1h")),
        "2m",
        ["2m is not one of the choices; known: 1m, 1h"],
    ),
    (
        "a time without unit",
        Duration(),
        "5",
        ["'5' is not a duration; write 30s, 5m, 12h or 14d"],
    ),
    ("a number for a time", Duration(), 300, ["300 is not a duration; write 30s, 5m, 12h or 14d"]),
    (
        "an unknown unit",
        Duration(),
        "2w",
        ["'2w' is not a duration; write 30s, 5m, 12h or 14d"],
    ),
    ("a time in parts", Duration(), "1h30m", ["'1h30m' is not a duration; write 30s, 5m, "
                                             "12h or 14d"]),
    ("digits of another script", Duration(), "٣d", ["'٣d' is not a duration; write 30s, "
                                                   "5m, 12h or 14d"]),
    ("too short a time", Duration("", 60, 86_400), "59s", ["59s is out of range; from 1m to 1d"]),
    ("too long a time", Duration("", 60, 86_400), "25h", ["25h is out of range; from 1m to 1d"]),
    ("text for a list", ListOf(Text()), "a", ["wants a list, not 'a'; write [a, b]"]),
    ("a mapping for a list", ListOf(Text()), {}, ["wants a list, not a mapping; write [a, b]"]),
    ("an empty list that must not be", ListOf(Text(), least=1), [], ["is empty"]),
    (
        "a value twice",
        ListOf(Text()),
        ["a", "b", "a"],
        ["2: 'a' is given twice; keep one"],
    ),
    (
        "wrong values in a list, each told once",
        ListOf(Text()),
        [5, ["a"], 6],
        ["0: wants text, not 5; quote it", "1: wants text, not a list",
         "2: wants text, not 6; quote it"],
    ),
    ("a list for a mapping", MapOf(Text()), [], ["wants a mapping, not a list"]),
    (
        "a wrong name and a wrong value",
        MapOf(Text(), key=WORD),
        {"Ab": 1},
        ["Ab: 'Ab' is not a word of 2 to 4 letters", "Ab: wants text, not 1; quote it"],
    ),
    (
        "neither kind",
        REGIONS,
        "some",
        ["'some' is not one of the choices; known: all"],
    ),
    ("the second kind, but wrong", REGIONS, ["a"], ["0: 'a' is not a word of 2 to 4 letters"]),
    ("the second kind, but empty", REGIONS, [], ["is empty"]),
    ("a list where any mapping fits", Anything(type="object"), [], ["wants a mapping, not a list"]),
    ("text for a record", POINT, "x", ["wants a mapping, not 'x'"]),
    ("a key missing", POINT, {}, ["the key 'x' is missing"]),
    (
        "a key missing that has a help",
        Record({"title": Text("what happened")}),
        {},
        ["the key 'title' is missing; what happened"],
    ),
    (
        "an unknown key near to a known one",
        Record({"severity": Text()}, {"severity": "low"}),
        {"sevrity": "high"},
        ["sevrity: unknown key 'sevrity'; did you mean 'severity'?"],
    ),
    (
        "an unknown key far from any",
        POINT,
        {"x": 1, "zzz": 1},
        ["zzz: unknown key 'zzz'; known: x, y"],
    ),
    (
        "everything at once",
        Record({"a": POINT, "b": ListOf(Integer())}, {"b": []}),
        {"a": {"y": "no", "z": 1}, "b": [1, 1], "c": None},
        [
            "c: unknown key 'c'; known: a, b",
            "a.z: unknown key 'z'; known: x, y",
            "a: the key 'x' is missing",
            "a.y: wants a whole number, not 'no'",
            "b.1: 1 is given twice; keep one",
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "form", "value", "expected"), WRONG, ids=[r[0] for r in WRONG])
def test_a_wrong_value_is_told_with_its_cure(
    name: str, form: Form, value: Json, expected: list[str]
) -> None:
    assert read(form, value)[1] == expected, name


@pytest.mark.parametrize(("name", "form", "value", "expected"), RIGHT, ids=[r[0] for r in RIGHT])
def test_the_schema_takes_the_right_value(
    name: str, form: Form, value: Json, expected: Json
) -> None:
    assert Draft202012Validator(form.json_schema()).is_valid(value), name


# JSON Schema cannot say that "59s" is less than a minute. And where Python's `$` also matches
# before a last line break, that of an editor (ECMA 262) does not.
_NOT_SAID = ("too short a time", "too long a time", "the form and a line break")
TOLD = [row for row in WRONG if row[0] not in _NOT_SAID]


@pytest.mark.parametrize(("name", "form", "value", "expected"), TOLD, ids=[r[0] for r in TOLD])
def test_the_schema_refuses_the_wrong_value(
    name: str, form: Form, value: Json, expected: list[str]
) -> None:
    assert not Draft202012Validator(form.json_schema()).is_valid(value), name


def test_what_comes_of_a_wrong_value_can_be_read_on() -> None:
    # Each with a value of no use to it: what it gives is None or a value of its own type.
    nested = Record({"p": POINT, "l": ListOf(POINT), "t": Text(), "m": MapOf(Text())})
    assert read(nested, None)[0] == {"p": None, "l": None, "t": None, "m": None}
    assert read(nested, {"p": 1, "l": [1], "t": [1], "m": 1})[0] == {
        "p": {"x": None, "y": 7},
        "l": [{"x": None, "y": 7}],
        "t": None,
        "m": {},
    }


def test_a_problem_stands_on_the_line_of_its_value() -> None:
    document = Document("f.yaml", {"a": {"y": "no"}}, {(): 1, ("a",): 3, ("a", "y"): 4})
    report = Report(document)
    Record({"a": POINT}).read(document.value, (), report)
    assert [str(problem) for problem in report.problems] == [
        "f.yaml:3: a: the key 'x' is missing",
        "f.yaml:4: a.y: wants a whole number, not 'no'",
    ]


def _nested_forms() -> st.SearchStrategy[Form]:
    plain: list[Form] = [
        Text(),
        CHOICE,
        WORD,
        Text(longest=2),
        Integer("", 0, 3),
        Boolean(),
        Duration(),
        Anything(),
        Anything(type="object"),
        REGIONS,
    ]
    return st.recursive(
        st.sampled_from(plain),
        lambda inner: st.one_of(
            st.builds(lambda item, least: ListOf(item, least=least), inner, st.integers(0, 1)),
            st.builds(lambda item: MapOf(item, key=WORD), inner),
            st.builds(lambda item: MapOf(item, key=Text(longest=2)), inner),
            st.builds(lambda a, b: Record({"ab": a, "x": b}, {"x": None}), inner, inner),
        ),
        max_leaves=4,
    )


_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(
        [None, True, False, 0, 1, 3, 4, -1, 1.5, "", "a", "ab", "abc", "low", "all", "ALL", "5m"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["ab", "x", "abc", "Y"]), inner, max_size=3),
    ),
    max_leaves=5,
)


def _fitting(form: Form) -> st.SearchStrategy[Any]:
    """Values that this form often takes: else nothing but refusals would be compared."""
    if isinstance(form, ListOf):
        return st.lists(_fitting(form.item), max_size=3)
    if isinstance(form, MapOf):
        return st.dictionaries(st.sampled_from(["ab", "x"]), _fitting(form.value), max_size=2)
    if isinstance(form, Record):
        fields = {name: _fitting(inner) for name, inner in form.fields.items()}
        required = {name: fields.pop(name) for name in list(fields) if name not in form.defaults}
        return st.fixed_dictionaries(required, optional=fields)
    return st.one_of(_VALUES, st.sampled_from(["ab", "low", 1, True, "5m"]))


@given(st.data())
@settings(max_examples=80)
def test_reader_and_schema_agree_on_any_value_of_any_form(data: st.DataObject) -> None:
    form = data.draw(_nested_forms())
    value = data.draw(st.one_of(_VALUES, _fitting(form)))
    schema = form.json_schema()
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid(value) is (read(form, value)[1] == [])


def test_a_whole_fraction_is_a_number_to_the_schema_only() -> None:
    # JSON has one kind of number, so a schema cannot refuse 5.0 where a whole number is wanted.
    assert Draft202012Validator(Integer().json_schema()).is_valid(5.0)
    assert read(Integer(), 5.0)[1] == ["wants a whole number, not 5.0"]


@given(st.integers(0, 10**9))
@settings(max_examples=40)
def test_a_time_is_said_so_that_it_reads_the_same(seconds: int) -> None:
    said = said_as_duration(seconds)
    if re.fullmatch(r"[0-9]{1,6}[smhd]", said):
        assert read(Duration(), said) == (seconds, [])


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0s"), (59, "59s"), (60, "1m"), (5400, "90m"), (86_400, "1d")]
)
def test_a_time_is_said_in_its_greatest_unit(seconds: int, said: str) -> None:
    assert said_as_duration(seconds) == said


def test_the_help_of_a_form_stands_in_its_schema() -> None:
    for form in (Text("h"), Integer("h"), Boolean("h"), Duration("h"), ListOf(Text(), "h"),
                 MapOf(Text(), "h"), Either(Text(), ListOf(Text()), "h"), Anything("h"),
                 Record({}, help="h")):  # fmt: skip
        assert form.json_schema()["description"] == "h"
        assert form.help == "h"
