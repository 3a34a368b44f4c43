"""Parameters: which values a template takes, and how it refuses the others."""

from __future__ import annotations

import pytest

from generator.model import Json
from generator.simulation.cloudformation.parameters import (
    check_declarations,
    resolved,
    shown,
    value_of,
)
from generator.simulation.world import ServiceError

from .ask import parameters

TEXT = {"Type": "String"}
LIST = {"Type": "CommaDelimitedList"}
NUMBER = {"Type": "Number"}

TAKEN: list[tuple[str, dict[str, Json], str]] = [
    ("any text", TEXT, "x y"),
    ("the empty text", TEXT, ""),
    ("a whole match of the pattern", {**TEXT, "AllowedPattern": "[a-z]+"}, "abc"),
    ("one of the values", {**TEXT, "AllowedValues": ["on", "off"]}, "on"),
    ("one of the numbers", {**NUMBER, "AllowedValues": [30, 60]}, "60"),
    ("a number in its range", {**NUMBER, "MinValue": -1, "MaxValue": 9}, "-1"),
    ("text of the right length", {**TEXT, "MinLength": 2, "MaxLength": 3}, "abc"),
    ("a list whose items match", {**LIST, "AllowedPattern": "[a-z]"}, "a,b"),
]
REFUSED: list[tuple[str, dict[str, Json], str, str]] = [
    ("half a match", {**TEXT, "AllowedPattern": "[a-z]+"}, "abc1", "must match pattern"),
    ("another value", {**TEXT, "AllowedValues": ["on"]}, "off", "must be one of AllowedValues"),
    ("no number", NUMBER, "many", "must be a number"),
    ("too small", {**NUMBER, "MinValue": 0}, "-1", "must be a number not less than 0"),
    ("too large", {**NUMBER, "MaxValue": 9}, "10", "must be a number not greater than 9"),
    ("too short", {**TEXT, "MinLength": 2}, "a", "must contain at least 2 characters"),
    ("too long", {**TEXT, "MaxLength": 2}, "abc", "must contain at most 2 characters"),
    ("a bad item", {**LIST, "AllowedPattern": "[a-z]"}, "a,1", "must match pattern"),
    ("too many bytes", TEXT, "x" * 4097, "at most 4096 bytes"),
    (
        "a constraint that is described",
        {**TEXT, "AllowedPattern": "o-.+", "ConstraintDescription": "must be an organization"},
        "x",
        "failed to satisfy constraint: must be an organization",
    ),
]


@pytest.mark.parametrize(("declared", "value"), [t[1:] for t in TAKEN], ids=[t[0] for t in TAKEN])
def test_taken(declared: dict[str, Json], value: str) -> None:
    assert resolved({"P": declared}, parameters(P=value)) == {"P": value}


@pytest.mark.parametrize(
    ("declared", "value", "said"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refused(declared: dict[str, Json], value: str, said: str) -> None:
    with pytest.raises(ServiceError) as caught:
        resolved({"P": declared}, parameters(P=value))
    assert caught.value.code == "ValidationError"
    assert said in caught.value.message
    assert caught.value.message.startswith("Parameter 'P'")


def test_missing_ones_are_named_together() -> None:
    with pytest.raises(ServiceError, match=r"Parameters: \[A, B\] must have values"):
        resolved({"A": TEXT, "B": TEXT, "C": {**TEXT, "Default": "x"}}, [])


def test_unknown_ones_are_named() -> None:
    with pytest.raises(ServiceError, match=r"Parameters: \[B\] do not exist in the template"):
        resolved({"A": {**TEXT, "Default": "x"}}, parameters(B="1"))


def test_defaults_stand_in_and_are_text() -> None:
    assert resolved({"N": {**NUMBER, "Default": 30}}, []) == {"N": "30"}


def test_a_default_has_to_meet_the_constraints_too() -> None:
    with pytest.raises(ServiceError, match="must match pattern"):
        resolved({"A": {**TEXT, "Default": "x", "AllowedPattern": "y"}}, [])


def test_previous_values_are_used_when_asked_for() -> None:
    given = [{"ParameterKey": "A", "UsePreviousValue": True}]
    assert resolved({"A": TEXT}, given, {"A": "old"}) == {"A": "old"}
    assert resolved({"A": {**TEXT, "Default": "new"}}, [], {"A": "old"}) == {"A": "new"}


def test_lists_are_split() -> None:
    assert value_of(LIST, "a, b") == ["a", "b"]
    assert value_of(LIST, "") == []
    assert value_of(NUMBER, "7") == "7"


def test_secrets_are_masked() -> None:
    declared = {"A": {**TEXT, "NoEcho": True}, "B": TEXT}
    masked = shown(declared, {"A": "secret", "B": "open"})
    assert [entry["ParameterValue"] for entry in masked] == ["****", "open"]


@pytest.mark.parametrize(
    "declared",
    [
        {"A": {"Type": "AWS::EC2::VPC::Id"}},
        {"A": {}},
        {"A-B": TEXT},
        {"A": {**TEXT, "Colour": "blue"}},
        {f"P{n}": TEXT for n in range(201)},
    ],
    ids=["a type not simulated", "no type", "a strange name", "a strange property", "too many"],
)
def test_declarations_that_are_refused(declared: dict[str, Json]) -> None:
    with pytest.raises(ServiceError, match="Template format error"):
        check_declarations(declared)
