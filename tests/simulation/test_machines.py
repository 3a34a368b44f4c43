"""The interpreter of state machines: each state does what the language says, or is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from generator.model import Json
from generator.simulation.machines import LONGEST_DATA, Failure, NotSimulated, Run, run


def nobody(resource: str, parameters: Json) -> Json:
    raise AssertionError(f"nothing should call {resource}")


def ran(
    given: Json, call: Callable[[str, Json], Json] = nobody, /, **states: Json
) -> tuple[Run, list[float]]:
    """The run of a machine that begins with its first state, and how long it waited."""
    waits: list[float] = []
    machine = {"StartAt": next(iter(states)), "States": states}
    return run(machine, given, call, waits.append), waits


END: dict[str, Json] = {"Type": "Succeed"}


def passed(given: Json, **state: Json) -> Json:
    """What one Pass state makes of its input."""
    record, _ = ran(given, A={"Type": "Pass", "End": True, **state})
    assert record.status == "succeeded", record.failure
    return record.output


GIVEN = {"a": {"b": [1, 2]}, "c": "text", "n": 5}
PASSED: list[tuple[str, dict[str, Json], Json]] = [
    ("as it is", {}, GIVEN),
    ("a result", {"Result": {"x": 1}}, {"x": 1}),
    ("a result put in", {"Result": 1, "ResultPath": "$.x.y"}, {**GIVEN, "x": {"y": 1}}),
    ("a result left out", {"Result": 1, "ResultPath": None}, GIVEN),
    ("part of the input", {"InputPath": "$.a.b[1]"}, 2),
    ("no input", {"InputPath": None}, {}),
    ("part of the output", {"OutputPath": "$.c"}, "text"),
    ("a moved part", {"InputPath": "$.c", "ResultPath": "$.a.b"}, {**GIVEN, "a": {"b": "text"}}),
    ("parameters", {"Parameters": {"x.$": "$.n", "y": "$.n", "z": [{"w.$": "$['c']"}]}},
     {"x": 5, "y": "$.n", "z": [{"w": "text"}]}),
    ("a sum", {"Parameters": {"x.$": "States.MathAdd($.n, -2)"}}, {"x": 3}),
    ("a text", {"Parameters": {"x.$": r"States.Format('it\'s {} of {}', $.n, $.a)"}},
     {"x": 'it\'s 5 of {"b": [1, 2]}'}),
    ("functions inside",
     {"Parameters": {"x.$": "States.Format('{}{}', States.MathAdd(1, 1), 'x')"}},
     {"x": "2x"}),
    ("json as text", {"Parameters": {"x.$": "States.JsonToString($.a)"}}, {"x": '{"b":[1,2]}'}),
    ("text as json", {"Parameters": {"x.$": "States.StringToJson('[1]')"}}, {"x": [1]}),
    ("an array",
     {"Parameters": {"x.$": "States.Array(true, null, 1.5)"}},
     {"x": [True, None, 1.5]}),
]  # fmt: skip


@pytest.mark.parametrize(("state", "made"), [p[1:] for p in PASSED], ids=[p[0] for p in PASSED])
def test_a_pass_state_makes(state: dict[str, Json], made: Json) -> None:
    assert passed(GIVEN, **state) == made


CHOICES: list[tuple[Json, bool]] = [
    ({"Variable": "$.c", "StringEquals": "text"}, True),
    ({"Variable": "$.c", "StringEquals": "other"}, False),
    ({"Variable": "$.n", "StringEquals": "5"}, False),
    ({"Variable": "$.n", "NumericEquals": 5}, True),
    ({"Variable": "$.n", "NumericGreaterThan": 5}, False),
    ({"Variable": "$.n", "NumericGreaterThanEquals": 5}, True),
    ({"Variable": "$.n", "NumericLessThan": 6}, True),
    ({"Variable": "$.n", "NumericLessThanEquals": 4}, False),
    ({"Variable": "$.c", "IsString": True}, True),
    ({"Variable": "$.c", "IsNull": True}, False),
    ({"Variable": "$.x", "IsPresent": True}, False),
    ({"Variable": "$.x", "IsPresent": False}, True),
    ({"Variable": "$.c", "IsPresent": True}, True),
    ({"Not": {"Variable": "$.n", "IsNumeric": True}}, False),
    ({"And": [{"Variable": "$.n", "IsNumeric": True}, {"Variable": "$.c", "IsNull": False}]}, True),
    ({"Or": [{"Variable": "$.n", "IsString": True}, {"Variable": "$.c", "IsString": True}]}, True),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "holds"), CHOICES)
def test_a_choice_goes_where_its_rule_holds(rule: dict[str, Json], holds: bool) -> None:
    choice = {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"}
    record, _ = ran(GIVEN, A=choice, Yes=END, No=END)
    assert record.path == ["A", "Yes" if holds else "No"]


def test_a_choice_without_a_way_fails() -> None:
    rule = {"Variable": "$.n", "NumericEquals": 0, "Next": "A"}
    record, _ = ran(GIVEN, A={"Type": "Choice", "Choices": [rule]})
    assert record.failure is not None
    assert record.failure.error == "States.NoChoiceMatched"


def test_waiting_takes_simulated_time_only() -> None:
    record, waits = ran(
        {"s": 9},
        A={"Type": "Wait", "Seconds": 300, "Next": "B"},
        B={"Type": "Wait", "SecondsPath": "$.s", "End": True},
    )
    assert (waits, record.seconds, record.output) == ([300.0, 9.0], 309.0, {"s": 9})


def test_a_machine_runs_out_of_time() -> None:
    machine = {
        "StartAt": "A",
        "TimeoutSeconds": 10,
        "States": {"A": {"Type": "Wait", "Seconds": 11, "End": True}},
    }
    record = run(machine, {}, nobody, lambda _: None)
    assert (record.status, str(record.failure)) == (
        "failed",
        "States.Timeout: it took more than 10 seconds",
    )


def test_a_loop_ends_with_its_history() -> None:
    record, _ = ran({}, A={"Type": "Pass", "Next": "A"})
    assert record.status == "failed"
    assert "history" in str(record.failure)


def test_a_fail_state_fails() -> None:
    record, _ = ran({}, A={"Type": "Fail", "Error": "Mine", "Cause": "because"})
    assert (record.status, str(record.failure)) == ("failed", "Mine: because")


class Service:
    """Fails with these errors, one a call, and then answers."""

    def __init__(self, *errors: str) -> None:
        self.errors = list(errors)
        self.asked: list[Any] = []

    def __call__(self, resource: str, parameters: Json) -> Json:
        self.asked.append((resource, parameters))
        if self.errors:
            raise Failure(self.errors.pop(0), "why")
        return {"ok": {"x": 1}}


TASK: dict[str, Json] = {
    "Type": "Task",
    "Resource": "r",
    "Parameters": {"n.$": "$.n"},
    "ResultSelector": {"got.$": "$.ok.x"},
    "ResultPath": "$.answer",
    "End": True,
}
RETRY = {"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "MaxAttempts": 2, "BackoffRate": 3}


def test_a_task_asks_and_keeps_what_it_selects() -> None:
    service = Service()
    record, _ = ran({"n": 7}, service, A=TASK)
    assert service.asked == [("r", {"n": 7})]
    assert record.output == {"n": 7, "answer": {"got": 1}}


def test_a_task_is_tried_again_with_growing_pauses() -> None:
    record, waits = ran({"n": 7}, Service("Busy", "Busy"), A={**TASK, "Retry": [RETRY]})
    assert (record.status, waits) == ("succeeded", [2.0, 6.0])


def test_tries_end_and_other_errors_have_none() -> None:
    for errors, tries in ((["Busy"] * 3, 3), (["Other"], 1)):
        service = Service(*errors)
        record, _ = ran({"n": 7}, service, A={**TASK, "Retry": [RETRY]})
        assert (record.status, len(service.asked)) == ("failed", tries)


@pytest.mark.parametrize("named", ["Other", "States.ALL", "States.TaskFailed"])
def test_what_fails_is_caught(named: str) -> None:
    catch = {"ErrorEquals": [named], "ResultPath": "$.failure", "Next": "B"}
    record, _ = ran({"n": 7}, Service("Other"), A={**TASK, "Catch": [catch]}, B=END)
    assert record.path == ["A", "B"]
    assert record.output == {"n": 7, "failure": {"Error": "Other", "Cause": "why"}}


def test_a_path_that_leads_nowhere_is_a_failure_that_can_be_caught() -> None:
    catch = {"ErrorEquals": ["States.ALL"], "Next": "B"}
    record, _ = ran({}, Service(), A={**TASK, "Catch": [catch]}, B=END)
    assert record.output["Error"] == "States.ParameterPathFailure"


def test_too_much_data_fails_and_nothing_catches_it() -> None:
    catch = {"ErrorEquals": ["States.ALL"], "Next": "B"}
    record, _ = ran({"n": "x" * LONGEST_DATA}, Service(), A={**TASK, "Catch": [catch]}, B=END)
    assert record.failure is not None
    assert record.failure.error == "States.DataLimitExceeded"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"Type": "Map", "End": True}, "'A' is of the type Map"),
        ({"Type": "Parallel", "End": True}, "'A' is of the type Parallel"),
        ({"Type": "Wait", "TimestampPath": "$.t", "End": True}, "'A' says TimestampPath"),
        ({"Type": "Task", "Resource": "r", "TimeoutSecondsPath": "$", "End": True}, "says Timeout"),
        ({"Type": "Pass", "InputPath": "$..a", "End": True}, "the path $..a"),
        ({"Type": "Pass", "Parameters": {"x.$": "$$.Execution.Id"}, "End": True}, "context object"),
        ({"Type": "Pass", "Parameters": {"x.$": "States.Hash('')"}, "End": True}, "States.Hash"),
        ({"Type": "Pass", "Parameters": {"x.$": "what is this"}, "End": True}, "what is this"),
        ({"Type": "Choice", "Choices": [{"Variable": "$", "StringMatches": "*", "Next": "A"}]},
         "compares by StringMatches"),
    ],
)  # fmt: skip
def test_what_is_not_simulated_is_named(state: dict[str, Json], said: str) -> None:
    with pytest.raises(NotSimulated) as gap:
        ran({"t": "x"}, A=state)
    assert said in str(gap.value)
