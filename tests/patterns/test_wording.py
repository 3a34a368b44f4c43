"""Conditions and values in plain English."""

from __future__ import annotations

import pytest

from generator.model import Json
from generator.patterns.wording import escaped, listed, value, wanted

VALUES: list[tuple[str, Json, str]] = [
    ("a name", "ec2.amazonaws.com", "ec2.amazonaws.com"),
    ("an ARN", "arn:aws:iam::111122223333:role/Ops", "arn:aws:iam::111122223333:role/Ops"),
    ("a sentence", "AWS API Call via CloudTrail", "AWS API Call via CloudTrail"),
    ("letters of any language", "Grüße 東京", "Grüße 東京"),
    ("an address", "10.0.0.1", "10.0.0.1"),
    ("no text", "", '""'),
    ("text like a number", "22", '"22"'),
    ("text like a fraction", "-1.5e3", '"-1.5e3"'),
    ("text like a constant", "true", '"true"'),
    ("text with quotes", 'a "b"', '"a \\"b\\""'),
    ("text with commas", "a, b", '"a, b"'),
    ("text that ends with a blank", "a ", '"a "'),
    ("an account", 111122223333, "111122223333"),
    ("a fraction", 0.5, "0.5"),
    ("true", True, "true"),
    ("null", None, "null"),
    ("an object", {"a": 1}, "an object"),
    ("an empty object", {}, "an empty object"),
    ("a list", [1], "a list"),
    ("an empty list", [], "an empty list"),
    ("a number too long to write", 10**5000, "an immense number"),
]


@pytest.mark.parametrize(("name", "given", "said"), VALUES, ids=[row[0] for row in VALUES])
def test_values_are_told(name: str, given: Json, said: str) -> None:
    assert value(given) == said, name


CONDITIONS: list[tuple[str, Json, str]] = [
    ("a plain value", "x", "x"),
    ("exactly", {"exactly": "10.0.0.1"}, "10.0.0.1"),
    ("prefix", {"prefix": "arn:"}, "text that starts with arn:"),
    ("suffix", {"suffix": ""}, 'text that ends with ""'),
    (
        "prefix in any case",
        {"prefix": {"equals-ignore-case": "x"}},
        "text that starts with x in any case",
    ),
    ("any case", {"equals-ignore-case": "root"}, "root in any case"),
    ("wildcard", {"wildcard": "*:role/*"}, "text like *:role/*"),
    ("one comparison", {"numeric": [">", 5]}, "a number > 5"),
    ("a range", {"numeric": [">=", 1, "<", 2.5]}, "a number >= 1 and < 2.5"),
    ("block", {"cidr": "10.0.0.0/8"}, "an address in 10.0.0.0/8"),
    ("anything but", {"anything-but": "x"}, "anything but x"),
    ("anything but several", {"anything-but": ["x", "y", "z"]}, "anything but x, y or z"),
    ("anything but a number", {"anything-but": 5}, "anything but 5"),
    (
        "anything but prefixes",
        {"anything-but": {"prefix": ["x", "y"]}},
        "anything but text that starts with x or text that starts with y",
    ),
    ("present", {"exists": True}, "any value"),
    ("absent", {"exists": False}, "it absent"),
]


@pytest.mark.parametrize(("name", "given", "said"), CONDITIONS, ids=[row[0] for row in CONDITIONS])
def test_conditions_are_told(name: str, given: Json, said: str) -> None:
    assert wanted([given]) == said, name


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, ""), (1, "0"), (2, "0 or 1"), (4, "0, 1, 2 or 3"), (5, "0, 1 or 3 more")],
)
def test_long_lists_are_cut(count: int, said: str) -> None:
    assert listed([str(number) for number in range(count)], "or") == said


def test_what_does_not_print_is_escaped() -> None:
    assert escaped("a\tb\x7f\x9b\u200f\ud800\U000e0001") == (
        "a\\u0009b\\u007f\\u009b\\u200f\\ud800\\U000e0001"
    )
