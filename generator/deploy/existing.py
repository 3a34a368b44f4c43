"""Reads what a rollout would find: its own stacks and StackSets, and who is in the organization."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from generator.deploy.aws import EXPIRED, Call, Door, Refused
from generator.deploy.wanted import CHANGE_SET, Stack, StackSet, Wanted, ours

NOT_OFFERED = frozenset(
    {"404", "501", "InvalidAction", "NotImplemented", "ResponseParserError", "UnknownOperation"}
)
"""How a service, or what stands in for it, says that it does not know an operation at all."""


class Cell(NamedTuple):
    """One instance of a StackSet: an account and Region with its stack."""

    status: str
    detailed: str = ""
    reason: str = ""
    unit: str = ""
    has_stack: bool = True
    drift: str = ""


class Member(NamedTuple):
    """An account below the units that are covered, with those of them that it stands below."""

    name: str
    suspended: bool
    units: tuple[str, ...]


Fate = Literal["gone", "suspended", "active"]
"""What became of an account: out of the organization, closed, or in another unit of it."""


@dataclass(frozen=True)
class StackState:
    """A stack as it is now."""

    status: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    protected: bool = False
    drift: str = ""


@dataclass(frozen=True)
class StackSetState:
    """A StackSet as it is now: its definition, whom it targets, and its instances."""

    template: str
    parameters: Mapping[str, str]
    cells: Mapping[tuple[str, str], Cell] = field(default_factory=dict)
    targets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of each targeted unit the Regions, which accounts that join get too."""
    arn: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    service_managed: bool = True
    auto_deployment: tuple[bool, bool, tuple[str, ...]] = (False, False, ())
    """Enabled, retains stacks of accounts that leave, depends on."""
    managed_execution: bool = False
    roles: tuple[str, str] = ("", "")
    """Of self-managed ones: the ARN of the administration role, the name of the execution role."""


@dataclass(frozen=True)
class Existing:
    """What is there, by side, Region and name; what is not there is missing."""

    stacks: Mapping[tuple[str, str, str], StackState] = field(default_factory=dict)
    stack_sets: Mapping[str, StackSetState] = field(default_factory=dict)
    members: Mapping[str, Member] = field(default_factory=dict)
    outsiders: Mapping[str, Fate] = field(default_factory=dict)
    """Of accounts that have instances and are no members: what became of them."""
    nested: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of each unit that is covered or was: those others of them that it stands below."""

    def stack(self, stack: Stack) -> StackState | None:
        return self.stacks.get((stack.side, stack.region, stack.name))


def look(door: Door, wanted: Wanted) -> Existing:
    """What exists of what is wanted, and whom it is for. Only reads."""
    stacks: dict[tuple[str, str, str], StackState] = {}
    for stack in (wanted.central, *wanted.management):
        state = stack_state(door, stack)
        if state is not None:
            stacks[(stack.side, stack.region, stack.name)] = state
    sets = {}
    for stack_set in (wanted.roles, wanted.rules):
        found = stack_set_state(door, wanted, stack_set)
        if found is not None:
            sets[stack_set.name] = found
    for stack in _elsewhere(wanted, sets.get(wanted.rules.name)):
        try:
            state = stack_state(door, stack)
        except Refused as refusal:
            # A Region that was switched off lets nobody in; what was there works no more.
            if refusal.code not in EXPIRED:
                raise
            continue
        if state is not None:
            stacks[(stack.side, stack.region, stack.name)] = state
    targeted = {unit for state in sets.values() for unit in state.targets}
    known, nested = organization(door, wanted, sorted(targeted))
    strays = {account for state in sets.values() for account, _ in state.cells} - {*known}
    return Existing(stacks, sets, known, _fates(door, wanted, strays), nested)


def _fates(door: Door, wanted: Wanted, strays: set[str]) -> dict[str, Fate]:
    """What became of accounts below none of the units. Asks only where there are any."""
    if not strays:
        return {}
    found: dict[str, Fate] = dict.fromkeys(strays, "gone")
    for account in door.items(organizations_call(wanted, "ListAccounts"), "Accounts"):
        if account["Id"] in strays:
            found[account["Id"]] = "suspended" if _suspended(account) else "active"
    return found


def _suspended(account: Mapping[str, str]) -> bool:
    return (account.get("State") or account.get("Status")) not in ("ACTIVE", None)


def _elsewhere(wanted: Wanted, rules: StackSetState | None) -> Iterator[Stack]:
    """Where the management account may have rules in Regions that are not to be covered any more:
    the StackSet was there, too."""
    if rules is None or not wanted.management:
        return
    once = {region for _, region in rules.cells}.union(*rules.targets.values())
    for region in sorted(once - {*wanted.rules.regions}):
        yield Stack("management", region, wanted.rules.name, wanted.rules.template, {})


def departed(wanted: Wanted, existing: Existing) -> tuple[Stack, ...]:
    """Our stacks of the management account in Regions that are not to be covered any more."""
    covered = {(one.side, one.region, one.name) for one in (wanted.central, *wanted.management)}
    return tuple(
        Stack("management", region, name, wanted.rules.template, {})
        for side, region, name in sorted({*existing.stacks} - covered)
        if ours(existing.stacks[side, region, name].tags)
    )


def stack_state(door: Door, stack: Stack) -> StackState | None:
    """A stack as it is now; None when there is none."""

    def call(operation: str, **more: str) -> Call:
        request = {"StackName": stack.name, **more}
        return Call(stack.side, stack.region, "cloudformation", operation, request)

    try:
        found = door.call(call("DescribeStacks"))["Stacks"][0]
        if found["StackStatus"] == "REVIEW_IN_PROGRESS":  # it has no template yet
            tags = _tags(found) or _tags_in_review(door, call)
            return StackState(found["StackStatus"], "", {}, tags)
        template = door.call(call("GetTemplate", TemplateStage="Original"))["TemplateBody"]
    except Refused as refusal:
        if refusal.code == "ValidationError" and "does not exist" in refusal.message:
            return None
        raise
    return StackState(
        found["StackStatus"],
        str(template),
        _parameters(found),
        _tags(found),
        found.get("StackStatusReason", ""),
        bool(found.get("EnableTerminationProtection")),
        (found.get("DriftInformation") or {}).get("StackDriftStatus", ""),
    )


def _tags_in_review(door: Door, call: Callable[..., Call]) -> dict[str, str]:
    """The tags of a stack that only change sets know yet; none when any of them is not ours."""
    known = list(door.items(call("ListChangeSets"), "Summaries"))
    if [one["ChangeSetName"] for one in known] != [CHANGE_SET]:
        return {}
    return _tags(door.call(call("DescribeChangeSet", ChangeSetName=CHANGE_SET)))


def stack_set_state(door: Door, wanted: Wanted, stack_set: StackSet) -> StackSetState | None:
    """A StackSet as it is now, with every instance; None when there is none."""
    try:
        found = door.call(stack_set_call(wanted, stack_set.name, "DescribeStackSet"))["StackSet"]
    except Refused as refusal:
        if refusal.code == "StackSetNotFoundException":
            return None
        raise
    cells = dict(_cells(door, wanted, stack_set.name))
    service_managed = found.get("PermissionModel") == "SERVICE_MANAGED"
    automatic = found.get("AutoDeployment") or {}
    units = tuple(sorted(found.get("OrganizationalUnitIds", [])))
    return StackSetState(
        found["TemplateBody"],
        _parameters(found),
        cells,
        _targets(door, wanted, stack_set.name, units, cells) if service_managed else {},
        found.get("StackSetARN", ""),
        _tags(found),
        service_managed,
        (
            bool(automatic.get("Enabled")),
            bool(automatic.get("RetainStacksOnAccountRemoval")),
            tuple(automatic.get("DependsOn", ())),
        ),
        bool((found.get("ManagedExecution") or {}).get("Active")),
        (found.get("AdministrationRoleARN", ""), found.get("ExecutionRoleName", "")),
    )


def _cells(door: Door, wanted: Wanted, name: str) -> Iterator[tuple[tuple[str, str], Cell]]:
    known: dict[str, str] = {}  # the same few words stand in tens of thousands of instances
    for found in door.items(stack_set_call(wanted, name, "ListStackInstances"), "Summaries"):
        words = (
            found["Status"],
            (found.get("StackInstanceStatus") or {}).get("DetailedStatus", ""),
            found.get("StatusReason", ""),
            found.get("OrganizationalUnitId", ""),
            found.get("DriftStatus", ""),
        )
        status, detailed, reason, unit, drift = (known.setdefault(word, word) for word in words)
        where = tuple(known.setdefault(word, word) for word in (found["Account"], found["Region"]))
        cell = Cell(status, detailed, reason, unit, bool(found.get("StackId")), drift)
        yield (where[0], where[1]), cell


def _targets(
    door: Door,
    wanted: Wanted,
    name: str,
    units: tuple[str, ...],
    cells: Mapping[tuple[str, str], Cell],
) -> dict[str, frozenset[str]]:
    """The units that a StackSet targets, and where."""
    try:
        call = stack_set_call(wanted, name, "ListStackSetAutoDeploymentTargets")
        return {
            found["OrganizationalUnitId"]: frozenset(found["Regions"])
            for found in door.items(call, "Summaries")
        }
    except Refused as refusal:
        if refusal.code not in NOT_OFFERED:
            raise
    # Where nobody tells, the Regions are those in which somebody has an instance.
    regions = frozenset(region for _, region in cells)
    return dict.fromkeys(units, regions) if regions else {}


def members(door: Door, wanted: Wanted) -> dict[str, Member]:
    """The accounts below the units of the place and of its pilot."""
    return organization(door, wanted)[0]


def organization(
    door: Door, wanted: Wanted, targeted: Iterable[str] = ()
) -> tuple[dict[str, Member], dict[str, frozenset[str]]]:
    """The accounts below the units of the place, of its pilot, and those `targeted` until now;
    and of each of these units, below which others it stands.

    Without the management account: no service-managed StackSet ever reaches that.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-associate-stackset-with-org.html
    """
    place = wanted.place
    found: dict[str, tuple[str, bool]] = {}
    below: dict[str, set[str]] = {}
    known: dict[str, list[str]] = {}
    wanted_units = (*place.organizational_units, *place.rollout.pilot.organizational_units)
    units = dict.fromkeys((*wanted_units, *targeted))
    above: dict[str, set[str]] = {}
    for unit in units:
        try:
            for parent in _tree(door, wanted, unit, known):
                if parent in units and parent != unit:
                    above.setdefault(parent, set()).add(unit)
                for account in _accounts(door, wanted, parent, found, known):
                    below.setdefault(account, set()).add(unit)
        except Refused as refusal:
            # A unit that was targeted once may have been deleted since.
            if refusal.code != "ParentNotFoundException" or unit in wanted_units:
                raise
    everybody = {
        account: Member(*found[account], tuple(sorted(below[account])))
        for account in sorted(below)
        if account != place.management_account
    }
    return everybody, {unit: frozenset(others) for unit, others in above.items()}


def _tree(door: Door, wanted: Wanted, unit: str, known: dict[str, list[str]]) -> Iterator[str]:
    yield unit
    if f"units of {unit}" not in known:
        call = organizations_call(wanted, "ListOrganizationalUnitsForParent", ParentId=unit)
        found = [child["Id"] for child in door.items(call, "OrganizationalUnits")]
        known[f"units of {unit}"] = found
    for child in known[f"units of {unit}"]:
        yield from _tree(door, wanted, child, known)


def _accounts(
    door: Door,
    wanted: Wanted,
    parent: str,
    found: dict[str, tuple[str, bool]],
    known: dict[str, list[str]],
) -> list[str]:
    if parent not in known:
        call = organizations_call(wanted, "ListAccountsForParent", ParentId=parent)
        known[parent] = []
        for account in door.items(call, "Accounts"):
            found[account["Id"]] = (account.get("Name", ""), _suspended(account))
            known[parent].append(account["Id"])
    return known[parent]


def organizations_call(wanted: Wanted, operation: str, **request: str) -> Call:
    """A call to Organizations, as whoever runs the StackSets."""
    return Call("management", wanted.home, "organizations", operation, request)


def stack_set_call(wanted: Wanted, name: str, operation: str, **request: object) -> Call:
    """A call about one of our StackSets."""
    whole = {"StackSetName": name, **request, **call_as(wanted)}
    return Call("management", wanted.home, "cloudformation", operation, whole)


def call_as(wanted: Wanted) -> dict[str, str]:
    """What every StackSets call of a delegated administrator must say."""
    place = wanted.place
    delegated = place.access.delegated_admin and not place.rollout.self_managed
    return {"CallAs": "DELEGATED_ADMIN"} if delegated else {}


def _parameters(found: Mapping[str, list[dict[str, str]]]) -> dict[str, str]:
    return {p["ParameterKey"]: p.get("ParameterValue", "") for p in found.get("Parameters", [])}


def _tags(found: Mapping[str, list[dict[str, str]]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
