"""Reads what a rollout would find: its own stacks and StackSets, as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.deploy.aws import Call, Door, Refused
from generator.deploy.wanted import Stack, StackSet, Wanted


@dataclass(frozen=True)
class StackState:
    """A stack as it is now."""

    status: str
    template: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class StackSetState:
    """A StackSet as it is now, with the Regions in which it has instances."""

    template: str
    parameters: Mapping[str, str]
    regions: tuple[str, ...]
    units: tuple[str, ...] = ()


@dataclass(frozen=True)
class Existing:
    """What is there, by side, Region and name; what is not there is missing."""

    stacks: Mapping[tuple[str, str, str], StackState] = field(default_factory=dict)
    stack_sets: Mapping[str, StackSetState] = field(default_factory=dict)
    artifacts: bool = False

    def stack(self, stack: Stack) -> StackState | None:
        return self.stacks.get((stack.side, stack.region, stack.name))


def look(door: Door, wanted: Wanted) -> Existing:
    """What exists of what is wanted. Only reads."""
    stacks: dict[tuple[str, str, str], StackState] = {}
    for stack in (wanted.central, *wanted.management):
        state = _stack(door, stack)
        if state is not None:
            stacks[(stack.side, stack.region, stack.name)] = state
    sets = {}
    for stack_set in (wanted.roles, wanted.rules):
        found = _stack_set(door, wanted, stack_set)
        if found is not None:
            sets[stack_set.name] = found
    return Existing(stacks, sets)


def _stack(door: Door, stack: Stack) -> StackState | None:
    def call(operation: str, **more: str) -> Call:
        request = {"StackName": stack.name, **more}
        return Call(stack.side, stack.region, "cloudformation", operation, request)

    try:
        found = door.call(call("DescribeStacks"))["Stacks"][0]
        template = door.call(call("GetTemplate", TemplateStage="Original"))["TemplateBody"]
    except Refused as refusal:
        if refusal.code == "ValidationError" and "does not exist" in refusal.message:
            return None
        raise
    given = {p["ParameterKey"]: p["ParameterValue"] for p in found.get("Parameters", [])}
    return StackState(found["StackStatus"], str(template), given)


def _stack_set(door: Door, wanted: Wanted, stack_set: StackSet) -> StackSetState | None:
    def call(operation: str) -> Call:
        request = {"StackSetName": stack_set.name, **call_as(wanted)}
        return Call("management", wanted.home, "cloudformation", operation, request)

    try:
        found = door.call(call("DescribeStackSet"))["StackSet"]
    except Refused as refusal:
        if refusal.code == "StackSetNotFoundException":
            return None
        raise
    given = {p["ParameterKey"]: p["ParameterValue"] for p in found.get("Parameters", [])}
    instances = door.items(call("ListStackInstances"), "Summaries")
    regions = sorted({instance["Region"] for instance in instances})
    return StackSetState(
        found["TemplateBody"],
        given,
        tuple(regions),
        tuple(sorted(found.get("OrganizationalUnitIds", []))),
    )


def call_as(wanted: Wanted) -> dict[str, str]:
    """What every StackSets call of a delegated administrator must say."""
    return {"CallAs": "DELEGATED_ADMIN"} if wanted.place.access.delegated_admin else {}
