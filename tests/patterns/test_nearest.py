"""What is said about an event that does not match."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from generator.model import Json
from generator.patterns import Miss, matches, misses
from tests.patterns.strategies import events, patterns

SAID: list[tuple[str, dict[str, Json], dict[str, Json], list[str]]] = [
    (
        "another value",
        {"detail": {"errorCode": ["AccessDenied"]}},
        {"detail": {"errorCode": "Client.UnauthorizedOperation"}},
        ["detail.errorCode is Client.UnauthorizedOperation, the pattern wants AccessDenied"],
    ),
    (
        "no value",
        {"detail": {"errorCode": ["AccessDenied", "Denied"]}},
        {"detail": {}},
        ["detail.errorCode is missing, the pattern wants AccessDenied or Denied"],
    ),
    (
        "a value where none is wanted",
        {"detail": {"errorCode": [{"exists": False}]}},
        {"detail": {"errorCode": "AccessDenied"}},
        ["detail.errorCode is AccessDenied, the pattern wants it absent"],
    ),
    (
        "several misses, those of the envelope first",
        {"detail": {"a": ["x"]}, "source": ["aws.iam"]},
        {"source": "aws.s3", "detail": {"a": "y"}},
        [
            "source is aws.s3, the pattern wants aws.iam",
            "detail.a is y, the pattern wants x",
        ],
    ),
    (
        "an object instead of a value",
        {"requestParameters": [{"exists": True}]},
        {"requestParameters": {"name": "x"}},
        ["requestParameters is an object, the pattern wants any value"],
    ),
    (
        "an empty list",
        {"resources": ["x"]},
        {"resources": []},
        ["resources is an empty list, the pattern wants x"],
    ),
    (
        "several values, each told once",
        {"tags": ["x"]},
        {"tags": ["a", "b", "a", 1, True]},
        ["tags is a, b, 1 and true, the pattern wants x"],
    ),
    (
        "long lists",
        {"tags": [f"wanted-{number}" for number in range(11)]},
        {"tags": [f"found-{number}" for number in range(100)]},
        ["tags is found-0, found-1 and 98 more, the pattern wants wanted-0, wanted-1 or 9 more"],
    ),
    (
        "a value of another type",
        {"readOnly": [True], "port": [22]},
        {"readOnly": "true", "port": "22"},
        [
            'readOnly is "true", the pattern wants true',
            'port is "22", the pattern wants 22',
        ],
    ),
    (
        "the branch with the fewest misses",
        {"$or": [{"a": ["x"], "b": ["x"]}, {"a": ["y"]}, {"b": ["z"]}]},
        {"a": "q", "b": "q"},
        ["a is q, the pattern wants y"],
    ),
    (
        "not in one element",
        {"detail": {"rules": {"port": [22], "range": {"cidr": ["0.0.0.0/0"]}}, "x": ["y"]}},
        {
            "detail": {
                "x": "y",
                "rules": [
                    {"port": 22, "range": [{"cidr": "::/0"}]},
                    {"port": 443, "range": [{"cidr": "0.0.0.0/0"}]},
                ],
            }
        },
        [
            "detail.rules.port and detail.rules.range.cidr each hold, "
            "but not in one and the same element of detail.rules"
        ],
    ),
    (
        "absent in some elements only",
        {"u": {"n": [{"exists": False}]}},
        {"u": [{"n": 1}, {"v": 1}]},
        ["u.n is 1, the pattern wants it absent"],
    ),
    (
        "absent, but not where the other condition holds",
        {"u": {"n": ["x"], "v": [{"exists": False}, "y"]}},
        {"u": [{"n": "x", "v": "z"}, {"n": "w", "v": "y"}]},
        [
            "u.n and u.v each hold, but not in one and the same element of u",
        ],
    ),
]


@pytest.mark.parametrize(("name", "pattern", "event", "said"), SAID, ids=[row[0] for row in SAID])
def test_misses_are_told(
    name: str, pattern: dict[str, Json], event: dict[str, Json], said: list[str]
) -> None:
    assert [str(miss) for miss in misses(pattern, event)] == said, name


def test_a_miss_is_a_value() -> None:
    pattern: dict[str, Json] = {"a": ["x", {"prefix": "y"}]}
    assert misses(pattern, {"a": [1, {}]}) == (
        Miss("a", wanted=("x", {"prefix": "y"}), found=(1,)),
    )
    assert misses(pattern, {}) == (Miss("a", wanted=("x", {"prefix": "y"})),)
    assert misses(pattern, {"a": "x"}) == ()


def test_only_conditions_that_exclude_each_other_are_told_apart() -> None:
    pattern = {"l": {"a": ["x"], "b": ["x"], "c": ["x"]}}
    event = {"l": [{"a": "x", "b": "x"}, {"b": "x", "c": "x"}]}
    assert misses(pattern, event) == (Miss("l", apart=("l.a", "l.c")),)


def test_what_strangers_wrote_cannot_upset_a_terminal() -> None:
    event = {"agent": 'x\x1b[2J\r\n\u202egnp.exe\u2028"', "\u200b": 1}
    (miss,) = misses({"agent": ["y"]}, event)
    assert str(miss) == (
        'agent is "x\\u001b[2J\\u000d\\u000a\\u202egnp.exe\\u2028\\"", the pattern wants y'
    )
    (miss,) = misses({"agent": ["y"]}, {"agent": "a" * 100_000})
    assert len(str(miss)) < 200


def test_a_faulty_pattern_has_no_misses() -> None:
    with pytest.raises(ValueError, match="source"):
        misses({"source": "aws.s3"}, {})


@given(patterns, events)
@settings(max_examples=40, deadline=None)
def test_there_are_misses_exactly_where_there_is_no_match(
    pattern: dict[str, Json], event: dict[str, Json]
) -> None:
    found = misses(pattern, event)
    assert (not found) is matches(pattern, event)
    for miss in found:
        assert str(miss).isprintable()
        assert miss.apart or miss.wanted
