"""Templates compared: every change is told once, with its path, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from hypothesis import given
from hypothesis import strategies as st

from generator import names
from generator.deploy.difference import NAMES, Change, Difference, differences, renamed, values
from generator.deploy.teardown import KEEPERS
from generator.limits import NAME as LONGEST
from generator.model import Json
from tests.shapes import CONFIGURATIONS, MEMBERS, rendered

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from("abc"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    ),
    max_leaves=6,
)
ENTRY = st.fixed_dictionaries(
    {"Type": st.sampled_from(["AWS::SQS::Queue", "AWS::SNS::Topic"])},
    optional={"Properties": st.dictionaries(st.sampled_from(["QueueName", "P"]), JSON)},
)
TEMPLATE = st.fixed_dictionaries(
    {"Resources": st.dictionaries(st.sampled_from("ABCD"), ENTRY, max_size=4)},
    optional={"Description": st.text("ab", max_size=2)},
)


def text(template: Json) -> str:
    return json.dumps(template)


@given(TEMPLATE)
def test_a_template_does_not_differ_from_itself(template: Json) -> None:
    assert differences(text(template), text(template)) == ()
    assert differences(text(template), text(template) + "\n") == ()


@given(TEMPLATE, TEMPLATE)
def test_every_resource_that_differs_is_told_once(old: Json, new: Json) -> None:
    found = differences(text(old), text(new))
    told = [one.name for one in found if one.section == "Resources"]
    before, after = old["Resources"], new["Resources"]
    differing = {n for n in {*before, *after} if before.get(n) != after.get(n)}
    assert sorted(told) == sorted(differing)
    for one in found:
        assert one.action != "change" or one.changes
        back = {"add": "remove", "remove": "add", "change": "change"}[one.action]
        mirrored = {(each.action, each.name) for each in differences(text(new), text(old))}
        assert (back, one.name) in mirrored


QUEUE: Json = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "a", "Delay": 1}}


@pytest.mark.parametrize(
    ("name", "properties", "expected"),
    [
        ("a value", {"QueueName": "a", "Delay": 2}, Change("Properties.Delay", 1, 2)),
        ("a value gone", {"QueueName": "a"}, Change("Properties.Delay", 1, None)),
        ("a value more", {**QUEUE["Properties"], "X": 3}, Change("Properties.X", None, 3)),
    ],
)
def test_a_change_has_its_path(name: str, properties: Json, expected: Change) -> None:
    new = {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": properties}}}
    [found] = differences(text({"Resources": {"Q": QUEUE}}), text(new))
    assert found == Difference("change", "Resources", "Q", "AWS::SQS::Queue", (expected,))


def test_of_a_list_only_what_came_and_went_is_told() -> None:
    def rule(*names: str) -> str:
        pattern = {"detail": {"eventName": [*names]}}
        entry = {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": pattern}}
        return text({"Resources": {"R": entry}})

    [found] = differences(rule("a", "b", "c"), rule("x", "c", "b"))
    path = "Properties.EventPattern.detail.eventName[]"
    assert found.changes == (Change(path, "a", None), Change(path, None, "x"))
    [found] = differences(rule("a", "b"), rule("b", "a"))
    assert found.changes == (Change(path.removesuffix("[]"), ["a", "b"], ["b", "a"]),)


def test_a_new_physical_name_is_a_replacement() -> None:
    new = {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "b"}}}}
    old = {"Resources": {"Q": QUEUE}}
    assert renamed(text(old), text(new)) == (("Q", "AWS::SQS::Queue", "a", "b"),)
    assert renamed(text(old), text(old)) == ()
    assert renamed(text(old), text({"Resources": {"Other": QUEUE}})) == ()


def test_parameters_without_a_value_have_their_default() -> None:
    declared = {
        "Given": {"Type": "String", "Default": "x"},
        "Number": {"Type": "Number", "Default": 0},
        "Silent": {"Type": "String"},
    }
    template = text({"Parameters": declared, "Resources": {}})
    assert values(template, {"Given": "y", "Strange": "z"}) == {"Given": "y", "Number": "0"}


# --- Hand-kept tables, against CloudFormation's own schemas


def schema(kind: str) -> dict[str, Any]:
    """What CloudFormation says of a resource type, as cfn-lint carries it."""
    found: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(
        region="us-east-1", resource_type=kind
    ).schema
    return found


def test_what_names_a_type_is_a_property_that_only_a_replacement_changes() -> None:
    wrong = {
        kind: name
        for kind, name in NAMES.items()
        if f"/properties/{name}" not in schema(kind).get("createOnlyProperties", [])
    }
    assert wrong == {}
    assert {k: n for k, (n, _) in LONGEST.items() if n not in schema(k)["properties"]} == {}


@pytest.mark.parametrize("configuration", sorted(CONFIGURATIONS))
def test_whatever_is_kept_by_a_name_is_known_by_that_name(configuration: str) -> None:
    """Else a destroy would not name what it leaves, nor a plan what a change would replace."""
    for file in (names.CENTRAL, *MEMBERS):
        for logical_id, entry in rendered(configuration).templates[file]["Resources"].items():
            kind = entry["Type"]
            if not str(entry.get("DeletionPolicy", "")).startswith("Retain"):
                continue
            fixed = {one.rpartition("/")[2] for one in schema(kind).get("createOnlyProperties", [])}
            given = {key for key in entry.get("Properties", {}) if key in fixed}
            called = {key for key in given if key.endswith("Name")}
            assert not called or called == {NAMES.get(kind)}, f"{logical_id}: {called}"
            assert kind in KEEPERS or not called, f"{kind} is kept, and nobody looks into it"
