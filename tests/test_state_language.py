"""A user's state machine: what is wrong with it is said before anything is rendered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generator import remedy, state_language
from generator.model import Json, Mistake
from tests.shapes import A_MACHINE

END: dict[str, Json] = {"Type": "Succeed"}


def machine(**states: Json) -> dict[str, Json]:
    return {"StartAt": next(iter(states), "A"), "States": states}


def test_good_machines_have_no_fault() -> None:
    inner = machine(B={"Type": "Pass", "End": True})
    task = {"Type": "Task", "Resource": "arn:${Partition}:states:::sqs:sendMessage"}
    for good in (
        A_MACHINE,
        machine(A=END),
        machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Fail"}),
        machine(A={"Type": "Parallel", "Branches": [inner, inner], "End": True}),
        machine(A={"Type": "Map", "ItemProcessor": inner, "End": True}),
        machine(A={**task, "End": True, "Catch": [{"ErrorEquals": ["x"], "Next": "B"}]}, B=END),
        machine(A={"Type": "Choice", "Choices": [{"Next": "B"}], "Default": "B"}, B=END),
    ):
        assert list(state_language.faults(good)) == []


FAULTS: list[tuple[str, Json, str]] = [
    ("no object", [], "is no state machine"),
    ("no states", {"StartAt": "A"}, "has no States"),
    ("empty states", {"StartAt": "A", "States": {}}, "has no States"),
    ("no start", {"States": {"A": END}}, "StartAt names no state"),
    ("a start that is no state", {**machine(A=END), "StartAt": "B"}, "StartAt names no state"),
    ("a state that is none", machine(A=7), "has no Type"),
    ("no type", machine(A={"End": True}), "has no Type"),
    ("another type", machine(A={"Type": "Loop", "End": True}), "has no Type"),
    ("nowhere to go", machine(A={"Type": "Pass"}), "wants either Next or End"),
    ("two ways", machine(A={"Type": "Pass", "Next": "A", "End": True}), "wants either Next or End"),
    ("a dangling way", machine(A={"Type": "Pass", "Next": "B"}), "leads to 'B'"),
    ("a dangling default",
     machine(A={"Type": "Choice", "Choices": [{"Next": "A"}], "Default": "B"}),
     "leads to 'B'"),
    ("a dangling choice",
     machine(A={"Type": "Choice", "Choices": [{"Next": "B"}]}),
     "leads to 'B'"),
    ("a dangling catch",
     machine(A={"Type": "Task", "Resource": "x", "End": True, "Catch": [{"Next": "B"}]}),
     "leads to 'B'"),
    ("no choices", machine(A={"Type": "Choice", "Choices": []}), "has no Choices"),
    ("no resource", machine(A={"Type": "Task", "End": True}), "has no Resource"),
    ("a long name", machine(**{"A" * 81: END}), "longer than 80"),
    ("a hole",
     machine(A={"Type": "Pass", "Result": "${Regon}", "End": True}),
     "fills in '${Regon}'"),
    ("a fault inside",
     machine(A={"Type": "Map", "End": True, "ItemProcessor": machine(B={"Type": "Pass"})}),
     "'B' wants either Next or End"),
    ("a fault in a branch",
     machine(A={"Type": "Parallel", "End": True, "Branches": [{"StartAt": "C", "States": {}}]}),
     "'A' has no States"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "said"), [row[1:] for row in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_is_told(given: Json, said: str) -> None:
    [(fault, _)] = state_language.faults(given)
    assert said in fault


def test_a_machine_that_is_too_long_is_told_so() -> None:
    long = machine(A={"Type": "Pass", "Result": "x" * state_language.LONGEST, "End": True})
    [(fault, _)] = state_language.faults(long)
    assert "at most 1,048,576" in fault


def test_a_misspelt_name_is_set_right() -> None:
    [(_, cure)] = state_language.faults(
        machine(Begin={"Type": "Pass", "Next": "Fnish"}, Finish=END)
    )
    assert "Finish" in cure


def test_a_file_is_read_in_one_form(tmp_path: Path) -> None:
    file = tmp_path / "m.asl.json"
    file.write_text(json.dumps(A_MACHINE, indent=7))
    assert json.loads(state_language.read(file)) == A_MACHINE
    other = tmp_path / "n.asl.json"
    other.write_text(json.dumps(A_MACHINE))
    assert state_language.read(other) == state_language.read(file)


def test_what_is_no_json_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "m.asl.json"
    file.write_text('{"StartAt": "A",\n}')
    with pytest.raises(Mistake, match="line 2"):
        state_language.read(file)
    with pytest.raises(Mistake):
        state_language.read(tmp_path / "nowhere.json")
    file.write_text("[" * 100_000)
    with pytest.raises(Mistake, match="nested too deeply"):
        state_language.read(file)


def test_the_built_in_machine_is_one() -> None:
    whole = json.loads(remedy.definition())
    text = json.dumps(whole)
    for name in state_language.mentioned(text):
        text = text.replace(f"${{{name}}}", "x")
    assert list(state_language.faults(json.loads(text))) == []
    assert whole["TimeoutSeconds"] > remedy.TRIES * (960 + remedy.VERIFY_AFTER)
    for state in whole["States"].values():
        if state["Type"] == "Task":
            assert state["TimeoutSeconds"] <= 960
            assert all(one["MaxAttempts"] <= 5 for one in state["Retry"])
