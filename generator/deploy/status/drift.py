"""Lets CloudFormation compare what stands there with what the stacks made, and waits for it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-drift.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from generator.deploy.aws import Call, Door, Refused
from generator.deploy.existing import call_as
from generator.deploy.status.matrix import Survey, label
from generator.deploy.wanted import Stack, StackSet, Wanted

Pause = Callable[[float], None]
Say = Callable[[str], None]

POLL_SECONDS = 10.0
TOLD = 50
"""Of how many drifted cells the resources are asked for; each takes a call."""

_AT_ONCE = {
    "RegionConcurrencyType": "PARALLEL",
    "FailureTolerancePercentage": 100,
    "MaxConcurrentPercentage": 100,
    "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
}


def detect(
    door: Door, wanted: Wanted, pause: Pause, say: Say = lambda _: None
) -> tuple[dict[str, str], dict[str, str]]:
    """Runs the comparison everywhere; the operations by StackSet, and what could not be compared.

    Nothing is changed by it.
    """
    begun: dict[str, str] = {}
    refused: dict[str, str] = {}
    for stack_set in (wanted.roles, wanted.rules):
        say(f"Comparing the instances of {stack_set.name} with their template")
        try:
            begun[stack_set.name] = _set(door, wanted, stack_set, pause)
        except Refused as refusal:
            refused[f"drift of {stack_set.name}"] = str(refusal)
    for stack in (wanted.central, *wanted.management):
        say(f"Comparing {label(stack)} with its template")
        try:
            reason = _stack(door, stack, pause)
        except Refused as refusal:
            reason = str(refusal)
        if reason:
            refused[f"drift of {label(stack)}"] = reason
    return begun, refused


def details(
    door: Door, wanted: Wanted, survey: Survey, operations: Mapping[str, str]
) -> dict[tuple[str, str, str], str]:
    """Which resources drifted, of the first drifted cells."""
    found: dict[tuple[str, str, str], str] = {}
    for name, operation in operations.items():
        instances = survey.sets.get(name)
        drifted = [
            cell
            for cell, instance in (instances.instances if instances else {}).items()
            if instance.drift == "DRIFTED"
        ]
        for account, region in sorted(drifted)[: max(0, TOLD - len(found))]:
            request = {
                "StackSetName": name,
                "OperationId": operation,
                "StackInstanceAccount": account,
                "StackInstanceRegion": region,
                "StackInstanceResourceDriftStatuses": ["MODIFIED", "DELETED"],
                **call_as(wanted),
            }
            call = Call(
                "management",
                wanted.home,
                "cloudformation",
                "ListStackInstanceResourceDrifts",
                request,
            )
            found[name, account, region] = "; ".join(
                _resource(one) for one in door.items(call, "Summaries")
            )
    return found


def _resource(drift: Mapping[str, Any]) -> str:
    paths = [one["PropertyPath"] for one in drift.get("PropertyDifferences", [])]
    what = str(drift["StackResourceDriftStatus"]).lower()
    return f"{drift['LogicalResourceId']} {what}" + (f" ({', '.join(paths)})" if paths else "")


def _set(door: Door, wanted: Wanted, stack_set: StackSet, pause: Pause) -> str:
    def call(operation: str, **more: Any) -> Call:
        request = {"StackSetName": stack_set.name, **more, **call_as(wanted)}
        return Call("management", wanted.home, "cloudformation", operation, request)

    begun = door.call(call("DetectStackSetDrift", OperationPreferences=_AT_ONCE))["OperationId"]
    while True:
        ask = call("DescribeStackSetOperation", OperationId=begun)
        status = door.call(ask)["StackSetOperation"]["Status"]
        if status in ("SUCCEEDED", "FAILED", "STOPPED"):
            return str(begun)
        pause(POLL_SECONDS)


def _stack(door: Door, stack: Stack, pause: Pause) -> str:
    """Why a stack could not be compared; empty when it was, or is not there."""

    def call(operation: str, **request: str) -> Call:
        return Call(stack.side, stack.region, "cloudformation", operation, request)

    try:
        begun = door.call(call("DetectStackDrift", StackName=stack.name))
    except Refused as refusal:
        if refusal.code == "ValidationError" and "does not exist" in refusal.message:
            return ""
        raise
    identity = begun["StackDriftDetectionId"]
    while True:
        ask = call("DescribeStackDriftDetectionStatus", StackDriftDetectionId=identity)
        answer = door.call(ask)
        if answer["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            break
        pause(POLL_SECONDS)
    failed = answer["DetectionStatus"] == "DETECTION_FAILED"
    return str(answer.get("DetectionStatusReason", "it failed")) if failed else ""
