"""Reads what the matrix is made of: the organization's accounts, instances and own stacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.deploy.aws import Call, Door, Refused
from generator.deploy.existing import call_as
from generator.deploy.status.matrix import Instance, Member, Own, SetFound, Survey, label
from generator.deploy.wanted import Stack, StackSet, Wanted

ORGANIZATION = "the organization's accounts"


def survey(door: Door, wanted: Wanted) -> Survey:
    """What is there. Only reads; what AWS refuses to tell is noted, not raised."""
    unread: dict[str, str] = {}
    sets: dict[str, SetFound | None] = {}
    for stack_set in (wanted.roles, wanted.rules):
        try:
            sets[stack_set.name] = _set(door, wanted, stack_set)
        except Refused as refusal:
            unread[stack_set.name] = str(refusal)
    stacks: dict[tuple[str, str, str], Own | None] = {}
    for stack in (wanted.central, *wanted.management):
        try:
            stacks[stack.side, stack.region, stack.name] = _stack(door, wanted, stack)
        except Refused as refusal:
            unread[label(stack)] = str(refusal)
    try:
        members = _members(door, wanted)
    except Refused as refusal:
        unread[ORGANIZATION] = str(refusal)
        members = _from_instances(wanted, sets)
    return Survey(members, sets, stacks, unread)


# --- Accounts


def _members(door: Door, wanted: Wanted) -> tuple[Member, ...]:
    place = wanted.place

    def listed(operation: str, key: str, **request: str) -> Iterator[Any]:
        call = Call("management", wanted.home, "organizations", operation, request)
        return door.items(call, key)

    everybody = list(listed("ListAccounts", "Accounts"))
    units = set(place.organizational_units)
    meant: set[str] | None = None
    if not any(unit.startswith("r-") for unit in units):
        meant = set()
        waiting = list(place.organizational_units)
        seen: set[str] = set()
        while waiting:
            unit = waiting.pop()
            if unit in seen:
                continue
            seen.add(unit)
            found = listed("ListAccountsForParent", "Accounts", ParentId=unit)
            meant |= {account["Id"] for account in found}
            below = listed("ListOrganizationalUnitsForParent", "OrganizationalUnits", ParentId=unit)
            waiting += [each["Id"] for each in below]
    return tuple(
        Member(
            account["Id"],
            account.get("Name", ""),
            account.get("Status", "ACTIVE") != "ACTIVE",
            meant is None or account["Id"] in meant,
        )
        for account in sorted(everybody, key=lambda account: _rank(wanted, account["Id"]))
    )


def _rank(wanted: Wanted, account: str) -> tuple[int, str]:
    """The management account first, then the central one, then the members by number."""
    place = wanted.place
    firsts = (place.management_account, place.central_account)
    return (firsts.index(account) if account in firsts else len(firsts), account)


def _from_instances(wanted: Wanted, sets: Mapping[str, SetFound | None]) -> tuple[Member, ...]:
    """Who has instances: all that is known where the organization cannot be asked."""
    place = wanted.place
    known = {place.management_account, place.central_account}
    for found in sets.values():
        if found is not None:
            known |= {account for account, _ in found.instances}
    return tuple(Member(a) for a in sorted(known, key=lambda account: _rank(wanted, account)))


# --- StackSets and stacks


def _set(door: Door, wanted: Wanted, stack_set: StackSet) -> SetFound | None:
    def call(operation: str) -> Call:
        request = {"StackSetName": stack_set.name, **call_as(wanted)}
        return Call("management", wanted.home, "cloudformation", operation, request)

    try:
        shown = door.call(call("DescribeStackSet"))["StackSet"]
    except Refused as refusal:
        if refusal.code == "StackSetNotFoundException":
            return None
        raise
    words: dict[Instance, Instance] = {}
    instances = {}
    for each in door.items(call("ListStackInstances"), "Summaries"):
        found = Instance(
            each["Status"],
            each.get("StackInstanceStatus", {}).get("DetailedStatus", ""),
            each.get("StatusReason", ""),
            each.get("DriftStatus", ""),
        )
        # Thousands of instances say the same few things.
        instances[each["Account"], each["Region"]] = words.setdefault(found, found)
    body = wanted.bundle.files[stack_set.template]
    current = shown["TemplateBody"] == body and _covers(shown, stack_set.parameters)
    return SetFound(current, instances)


def _stack(door: Door, wanted: Wanted, stack: Stack) -> Own | None:
    def call(operation: str, **more: str) -> Call:
        request = {"StackName": stack.name, **more}
        return Call(stack.side, stack.region, "cloudformation", operation, request)

    try:
        shown = door.call(call("DescribeStacks"))["Stacks"][0]
        template = door.call(call("GetTemplate", TemplateStage="Original"))["TemplateBody"]
    except Refused as refusal:
        if refusal.code == "ValidationError" and "does not exist" in refusal.message:
            return None
        raise
    body = wanted.bundle.files[stack.template]
    drift = shown.get("DriftInformation", {}).get("StackDriftStatus", "")
    return Own(
        shown["StackStatus"],
        str(template) == body and _covers(shown, stack.parameters),
        shown.get("StackStatusReason", ""),
        drift,
    )


def _covers(shown: Mapping[str, Any], given: Mapping[str, str]) -> bool:
    found = {p["ParameterKey"]: p.get("ParameterValue") for p in shown.get("Parameters", [])}
    return all(found.get(name) == value for name, value in given.items())
