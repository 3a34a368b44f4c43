"""What is written reads well, and every reader of YAML takes it for what it was."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings

from generator.model import Json
from generator.yaml_text import yaml_text
from tests.test_documents import JSON_VALUES, typed

OUT = Path(__file__).parent.parent / "out"

WRITTEN: list[tuple[str, Json, str]] = [
    ("keys in their own order", {"b": 1, "a": 2}, "b: 1\na: 2\n"),
    ("a list", {"a": ["x", "y"]}, "a:\n- x\n- y\n"),
    ("a tuple as a list", {"a": ("x",)}, "a:\n- x\n"),
    ("nothing in it", {"a": {}, "b": []}, "a: {}\nb: []\n"),
    ("constants", [None, True, False], "- null\n- true\n- false\n"),
    ("numbers", [1, -2, 0.5, 1e16], "- 1\n- -2\n- 0.5\n- 1.0e+16\n"),
    ("text that needs no quotes", ["text", "arn:aws:sns", "a*"], "- text\n- arn:aws:sns\n- a*\n"),
    ("text that begins a reference", ["*", "&x", "!Sub"], "- '*'\n- '&x'\n- '!Sub'\n"),
    ("text like a constant", ["true", "null", "~", ""], "- 'true'\n- 'null'\n- '~'\n- ''\n"),
    ("text like a constant of YAML 1.1", ["No", "on", "y"], "- 'No'\n- 'on'\n- y\n"),
    ("text like a number", ["5", "1.5", "0x1F", "1_0"], "- '5'\n- '1.5'\n- '0x1F'\n- '1_0'\n"),
    ("text like a power of ten", ["1e5", "-2E+3"], "- '1e5'\n- '-2E+3'\n"),
    ("account ids", ["111122223333", "089012345678"], "- '111122223333'\n- '089012345678'\n"),
    ("text like a date", ["2012-10-17"], "- '2012-10-17'\n"),
    ("text like a time", ["12:30"], "- '12:30'\n"),
    ("lines as a block", {"a": "one\n  two\n"}, "a: |\n  one\n    two\n"),
    ("lines without an end", {"a": "one\ntwo"}, "a: |-\n  one\n  two\n"),
    ("one text alone", "text", "text\n"),
]


@pytest.mark.parametrize(("name", "value", "expected"), WRITTEN, ids=[row[0] for row in WRITTEN])
def test_a_value_is_written_as_a_person_would(name: str, value: Json, expected: str) -> None:
    assert yaml_text(value).replace("\n...\n", "\n") == expected, name


def test_code_stands_in_a_block_as_it_was_written() -> None:
    code = 'def handler(event, context):\n    """Does it: \'so\'."""\n\n    return {"a": 1}\n'
    assert yaml_text({"ZipFile": code}) == f"ZipFile: |\n{textwrap.indent(code, '  ')}"


@given(JSON_VALUES)
@settings(max_examples=120)
def test_a_reader_of_yaml_1_1_takes_it_for_what_it_was(value: Json) -> None:
    assert typed(yaml.safe_load(yaml_text(value))) == typed(value)


@given(JSON_VALUES)
@settings(max_examples=50)
def test_writing_twice_gives_the_same_text_and_changes_nothing(value: Json) -> None:
    before = repr(value)
    assert yaml_text(value) == yaml_text(value)
    assert repr(value) == before


@pytest.mark.parametrize("file", sorted(OUT.glob("*.yaml")), ids=lambda file: file.name)
def test_a_committed_template_is_written_in_this_form(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert yaml_text(yaml.safe_load(text)) == text
