"""Reads what the matrix is made of: the organization's accounts, instances and own stacks."""

from __future__ import annotations

from collections.abc import Mapping

from generator.deploy.aws import Door, Refused
from generator.deploy.existing import (
    members,
    organizations_call,
    stack_set_state,
    stack_state,
)
from generator.deploy.status.matrix import Member, Own, SetFound, Survey, label
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
        everybody = _members(door, wanted)
        known = {member.id for member in everybody}
        everybody += tuple(
            Member(account, gone=True) for account in sorted(_with_instances(sets) - known)
        )
    except Refused as refusal:
        unread[ORGANIZATION] = str(refusal)
        everybody = _from_instances(wanted, sets)
    return Survey(everybody, sets, stacks, unread)


# --- Accounts


def _members(door: Door, wanted: Wanted) -> tuple[Member, ...]:
    everybody = list(door.items(organizations_call(wanted, "ListAccounts"), "Accounts"))
    units = wanted.place.organizational_units
    # Below the root is everybody; no need to ask for the tree.
    below = None
    if not any(unit.startswith("r-") for unit in units):
        known = members(door, wanted)
        below = {account for account, one in known.items() if {*one.units} & {*units}}
    return tuple(
        Member(
            account["Id"],
            account.get("Name", ""),
            (account.get("State") or account.get("Status")) not in ("ACTIVE", None),
            below is None or account["Id"] in below,
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
    known = {place.management_account, place.central_account} | _with_instances(sets)
    return tuple(Member(a) for a in sorted(known, key=lambda account: _rank(wanted, account)))


def _with_instances(sets: Mapping[str, SetFound | None]) -> set[str]:
    return {account for found in sets.values() if found for account, _ in found.instances}


# --- StackSets and stacks


def _set(door: Door, wanted: Wanted, stack_set: StackSet) -> SetFound | None:
    found = stack_set_state(door, wanted, stack_set)
    if found is None:
        return None
    body = wanted.bundle.files[stack_set.template]
    current = found.template == body and _covers(found.parameters, stack_set.parameters)
    return SetFound(current, found.cells)


def _stack(door: Door, wanted: Wanted, stack: Stack) -> Own | None:
    found = stack_state(door, stack)
    if found is None:
        return None
    body = wanted.bundle.files[stack.template]
    current = found.template == body and _covers(found.parameters, stack.parameters)
    return Own(found.status, current, found.reason, found.drift)


def _covers(found: Mapping[str, str], given: Mapping[str, str]) -> bool:
    return all(found.get(name) == value for name, value in given.items())
