"""Functions of templates: what they give, when they wait, what they refuse."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from generator.model import Json
from generator.simulation.cloudformation.intrinsics import (
    NO_VALUE,
    Cell,
    Later,
    Scope,
    computed,
    condition,
    reduced,
)
from generator.simulation.cloudformation.stack import pseudo
from generator.simulation.world import ServiceError

SCOPE = Scope(
    parameters={"Name": "blue", "Empty": "", "Names": ["a", "b"], "Number": "7"},
    mappings={"Sizes": {"eu-west-1": {"big": "12", "zones": ["x", "y"]}}},
    conditions={
        "IsBlue": {"Fn::Equals": [{"Ref": "Name"}, "blue"]},
        "IsEmpty": {"Fn::Equals": [{"Ref": "Empty"}, ""]},
        "IsEurope": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]},
        "Neither": {"Fn::Not": [{"Fn::Or": [{"Condition": "IsBlue"}, {"Condition": "IsEmpty"}]}]},
        "Both": {"Fn::And": [{"Condition": "IsBlue"}, {"Condition": "IsEmpty"}]},
        "Loop": {"Condition": "Loop"},
    },
    resources=frozenset({"Queue"}),
)
CELL = Cell(
    pseudo("111122223333", "eu-west-1", "it", "arn:it", []),
    {"Queue": SimpleNamespace(physical_id="https://queue", attributes={"Arn": "arn:queue"})},
)
REGION = {"Ref": "AWS::Region"}

VALUES: list[tuple[str, Json, Json]] = [
    ("plain values stay", {"a": [1, True, "x"]}, {"a": [1, True, "x"]}),
    ("Ref of a parameter", {"Ref": "Name"}, "blue"),
    ("Ref of a list parameter", {"Ref": "Names"}, ["a", "b"]),
    ("Ref of the account", {"Ref": "AWS::AccountId"}, "111122223333"),
    ("Ref of the partition", {"Ref": "AWS::Partition"}, "aws"),
    ("Ref of the URL suffix", {"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
    ("Ref of a resource", {"Ref": "Queue"}, "https://queue"),
    ("GetAtt as a list", {"Fn::GetAtt": ["Queue", "Arn"]}, "arn:queue"),
    ("GetAtt as text", {"Fn::GetAtt": "Queue.Arn"}, "arn:queue"),
    ("Sub", {"Fn::Sub": "${Name}-${AWS::Region}-${Queue.Arn}"}, "blue-eu-west-1-arn:queue"),
    ("Sub with an own variable", {"Fn::Sub": ["${X}:${Name}", {"X": REGION}]}, "eu-west-1:blue"),
    ("Sub leaves what is escaped", {"Fn::Sub": "${!Name}"}, "${Name}"),
    ("an own variable hides a parameter", {"Fn::Sub": ["${Name}", {"Name": "red"}]}, "red"),
    ("Join", {"Fn::Join": ["-", ["a", {"Ref": "Name"}, REGION]]}, "a-blue-eu-west-1"),
    ("Join of a list parameter", {"Fn::Join": [",", {"Ref": "Names"}]}, "a,b"),
    ("Split", {"Fn::Split": ["-", REGION]}, ["eu", "west", "1"]),
    ("Select", {"Fn::Select": [1, {"Fn::Split": ["-", REGION]}]}, "west"),
    ("Select by text", {"Fn::Select": ["0", ["a", "b"]]}, "a"),
    ("FindInMap", {"Fn::FindInMap": ["Sizes", REGION, "big"]}, "12"),
    ("FindInMap of a list", {"Fn::FindInMap": ["Sizes", REGION, "zones"]}, ["x", "y"]),
    ("Base64", {"Fn::Base64": "blue"}, "Ymx1ZQ=="),
    ("If known at once", {"Fn::If": ["IsBlue", "yes", "no"]}, "yes"),
    ("If that waits for the Region", {"Fn::If": ["IsEurope", "yes", "no"]}, "yes"),
    (
        "If without a value in an object",
        {"a": {"Fn::If": ["Neither", 1, {"Ref": "AWS::NoValue"}]}},
        {},
    ),
    (
        "If without a value in a list",
        [1, {"Fn::If": ["IsEurope", {"Ref": "AWS::NoValue"}, 2]}],
        [1],
    ),
    (
        "the branch not taken is not evaluated",
        {"Fn::If": ["IsBlue", "yes", {"Fn::FindInMap": ["No", "such", "map"]}]},
        "yes",
    ),
    ("And, Or, Not", [{"Fn::If": [c, 1, 0]} for c in ("Both", "Neither", "IsEmpty")], [1, 0, 1]),
    ("the order of keys stays", {"b": REGION, "a": 1}, {"b": "eu-west-1", "a": 1}),
    ("keys that YAML read as numbers are text", {12: "x"}, {"12": "x"}),
]

REFUSED: list[tuple[str, Json, str]] = [
    ("unknown names", {"Ref": "Nobody"}, "Unresolved resource dependencies [Nobody]"),
    ("unknown attributes", {"Fn::GetAtt": ["Queue", "Colour"]}, "attribute type Colour"),
    ("unknown resources", {"Fn::GetAtt": ["Nobody", "Arn"]}, "names no resource"),
    ("functions not simulated", {"Fn::ImportValue": "x"}, "Fn::ImportValue"),
    ("macros", {"Fn::Transform": {"Name": "x"}}, "Fn::Transform"),
    ("zones of a Region", {"Fn::GetAZs": ""}, "Fn::GetAZs"),
    ("conditions in properties", {"Fn::Equals": ["a", "a"]}, "Fn::Equals"),
    ("a function beside other keys", {"Fn::Sub": "x", "a": 1}, "must stand alone"),
    ("lists inside of texts", {"Fn::Sub": "${Names}"}, "is no string"),
    ("Select beyond the end", {"Fn::Select": [9, ["a"]]}, "nonexistent value at index 9"),
    ("maps without such a key", {"Fn::FindInMap": ["Sizes", "eu-west-1", "no"]}, "Unable to get"),
    ("Join without a list", {"Fn::Join": ["-", "text"]}, "Fn::Join"),
    ("conditions that do not exist", {"Fn::If": ["Nope", 1, 2]}, "condition dependency Nope"),
    ("conditions that go round", {"Fn::If": ["Loop", 1, 2]}, "Circular dependency"),
]


@pytest.mark.parametrize(("value", "expected"), [v[1:] for v in VALUES], ids=[v[0] for v in VALUES])
def test_functions_give(value: Json, expected: Json) -> None:
    assert computed(reduced(value, SCOPE), CELL) == expected


@pytest.mark.parametrize(("value", "said"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_functions_refuse(value: Json, said: str) -> None:
    with pytest.raises(ServiceError, match=said.replace("[", r"\[")) as caught:
        computed(reduced(value, SCOPE), CELL)
    assert caught.value.code == "ValidationError"


def test_what_depends_on_no_place_is_evaluated_once() -> None:
    value = {"fixed": {"deep": [{"Ref": "Name"}]}, "waits": REGION}
    found = reduced(value, SCOPE)
    assert type(found) is Later
    first, second = computed(found, CELL), computed(found, CELL)
    assert first == second
    assert first is not second
    assert first["fixed"] is second["fixed"]


def test_conditions_know_no_resources() -> None:
    with pytest.raises(ServiceError, match="Unresolved"):
        condition({"Fn::Equals": [{"Ref": "Queue"}, "x"]}, Scope({}))


def test_no_value_alone_is_no_value() -> None:
    assert reduced({"Ref": "AWS::NoValue"}, SCOPE) is NO_VALUE


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("eu-west-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
    ],
)
def test_each_partition_has_its_name_and_suffix(region: str, partition: str, suffix: str) -> None:
    known = pseudo("1", region, "it", "arn", [])
    assert (known["AWS::Partition"], known["AWS::URLSuffix"]) == (partition, suffix)
