"""Walks the steps of a plan, waits for what takes time, and says how each went."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from generator.deploy.aws import Call, Door, Refused
from generator.deploy.existing import call_as
from generator.deploy.plan import Step
from generator.deploy.wanted import Wanted

Pause = Callable[[float], None]
"""Waits that many seconds; the simulation lets its own clock run instead."""

POLL_SECONDS = 5.0
TRIES = 60
"""How often a call that is told "not yet" is made again before it counts as refused."""

NOTHING_TO_DO = "No updates are to be performed"
"""How CloudFormation refuses an update that would change nothing, such as one of a comment."""


@dataclass(frozen=True)
class Outcome:
    """How one step went. `failures` are the cells of a StackSet operation that failed."""

    step: Step
    ok: bool
    failures: tuple[Failure, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Failure:
    """One account and Region that an operation did not reach, and why."""

    account: str
    region: str
    status: str
    reason: str


def apply(
    door: Door,
    wanted: Wanted,
    steps: Iterable[Step],
    pause: Pause,
    say: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Does the steps in order and stops at the first that was refused altogether.

    Cells of a StackSet that failed are told and do not stop the rest.
    """
    outcomes = []
    for step in steps:
        say(step.sentence)
        outcome = _do(door, wanted, step, pause)
        outcomes.append(outcome)
        if not outcome.ok and not outcome.failures:
            break
    return outcomes


def _do(door: Door, wanted: Wanted, step: Step, pause: Pause) -> Outcome:
    try:
        answer = _call(door, step, pause)
    except Refused as refusal:
        if refusal.code in step.done or NOTHING_TO_DO in refusal.message:
            return Outcome(step, True)
        return Outcome(step, False, reason=str(refusal))
    try:
        if step.waits == "stack":
            return _await_stack(door, step, pause)
        if step.waits == "operation":
            return _await_operation(door, wanted, step, answer, pause)
    except Refused as refusal:
        return Outcome(step, False, reason=f"its end was not seen: {refusal}")
    return Outcome(step, True)


def _call(door: Door, step: Step, pause: Pause) -> dict[str, Any]:
    for attempt in range(TRIES):
        try:
            return door.call(step.call)
        except Refused as refusal:
            if refusal.code not in step.again or attempt == TRIES - 1:
                raise
            pause(POLL_SECONDS)
    raise AssertionError("unreachable")


def _await_stack(door: Door, step: Step, pause: Pause) -> Outcome:
    name = step.call.request["StackName"]
    ask = _beside(step.call, "DescribeStacks", {"StackName": name})
    while True:
        status = door.call(ask)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            break
        pause(POLL_SECONDS)
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return Outcome(step, True)
    return Outcome(step, False, reason=_first_failure(door, step, name, status))


def _first_failure(door: Door, step: Step, name: str, status: str) -> str:
    """The reason of the resource that failed first; the others failed because of it.

    Events come the newest first, those of earlier operations too: this one's begin with the stack
    itself, in progress.
    """
    ask = _beside(step.call, "DescribeStackEvents", {"StackName": name})
    reason = ""
    for event in door.items(ask, "StackEvents"):
        # What failed before it was made has no physical id.
        its_own = event.get("PhysicalResourceId") == event["StackId"]
        if its_own and event["ResourceStatus"] in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
            break
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
            reason = f": {event['LogicalResourceId']}: {event['ResourceStatusReason']}"
    return f"{name} is {status}{reason}"


def _await_operation(
    door: Door, wanted: Wanted, step: Step, answer: Mapping[str, Any], pause: Pause
) -> Outcome:
    request = {
        "StackSetName": step.call.request["StackSetName"],
        "OperationId": answer["OperationId"],
        **call_as(wanted),
    }
    ask = _beside(step.call, "DescribeStackSetOperation", request)
    while True:
        operation = door.call(ask)["StackSetOperation"]
        if operation["Status"] in ("SUCCEEDED", "FAILED", "STOPPED"):
            break
        pause(POLL_SECONDS)
    # An operation can succeed with instances that failed: the results say which.
    results = door.items(_beside(step.call, "ListStackSetOperationResults", request), "Summaries")
    failures = tuple(
        Failure(r["Account"], r["Region"], r["Status"], r.get("StatusReason", ""))
        for r in results
        if r["Status"] in ("FAILED", "CANCELLED")
    )
    ok = operation["Status"] == "SUCCEEDED" and not failures
    reason = "" if ok else operation.get("StatusReason", operation["Status"])
    return Outcome(step, ok, failures, reason)


def _beside(call: Call, operation: str, request: Mapping[str, Any]) -> Call:
    return Call(call.side, call.region, call.service, operation, request)
