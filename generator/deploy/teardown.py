"""What exists -> the steps that take it away again, and what is kept. Pure, like the plan.

What was made is told by its tag: nothing without it is touched. Members first, rules before the
roles that they use; then the management account; the central stack last, so that what is still
forwarded meanwhile has somewhere to go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from generator import names
from generator.deploy import by_hand
from generator.deploy.aws import Call
from generator.deploy.cells import UNITS_A_CALL, Batch, Place, grouped, lost
from generator.deploy.difference import NAMES, parsed
from generator.deploy.existing import Existing, StackSetState, call_as, departed
from generator.deploy.plan import Step, preferences, taking_away
from generator.deploy.wanted import Stack, StackSet, Wanted
from generator.model import Problem

BUS = "AWS::Events::EventBus"
"""It stays where an archive that is kept holds it, and goes after that."""


class Kept(NamedTuple):
    """Something that holds data and outlives its stack."""

    logical_id: str
    type: str
    name: str


@dataclass(frozen=True)
class Teardown:
    """The steps, and what the central stack leaves behind."""

    steps: tuple[Step, ...]
    kept: tuple[Kept, ...]


def teardown(wanted: Wanted, existing: Existing) -> Teardown:
    """What takes away what exists."""
    steps: list[Step] = []
    for stack_set in (wanted.rules, wanted.roles):
        state = existing.stack_sets.get(stack_set.name)
        if state is not None:
            steps += _stack_set(wanted, stack_set, state, existing)
    # The roles' stack is the first of the management account's: it goes last.
    management = (*wanted.management, *departed(wanted, existing))
    for stack in (*reversed(management), wanted.central):
        if existing.stack(stack) is not None:
            steps.append(_stack(stack))
    return Teardown(tuple(steps), retained(wanted, existing))


def obstacles(wanted: Wanted, existing: Existing) -> list[Problem]:
    """What is not ours to take away, or protected against it."""
    problems = []
    for stack in (wanted.central, *wanted.management, *departed(wanted, existing)):
        state = existing.stack(stack)
        if state is None:
            continue
        where = f"the stack {stack.name} ({stack.side} account, {stack.region})"
        if why := wanted.stranger(state.tags, state.parameters):
            problems.append(Problem(where, why, "it is left alone"))
        elif state.protected:
            cure = "switch its termination protection off if it is to go"
            problems.append(Problem(where, "is protected", cure))
    for stack_set in (wanted.roles, wanted.rules):
        known = existing.stack_sets.get(stack_set.name)
        if known is None:
            continue
        where = f"the StackSet {stack_set.name}"
        if why := wanted.stranger(known.tags, known.parameters):
            problems.append(Problem(where, why, "it is left alone"))
        for (account, region), cell in sorted(known.cells.items()):
            if cell.status == "INOPERABLE" and not lost(existing, account):
                command = by_hand.let_go(wanted, stack_set.name, account, [region])
                fault = f"{account} {region} is INOPERABLE: {cell.reason}"
                problems.append(Problem(where, fault, f"delete its stack there, then: {command}"))
    return problems


def _stack_set(
    wanted: Wanted, stack_set: StackSet, state: StackSetState, existing: Existing
) -> Iterator[Step]:
    """Its instances, by whole units: so they are no targets any more; then itself.

    In a suspended account nothing can be deleted, and nothing there runs: its stacks are let go,
    as are those of accounts that left the organization. Accounts in other units go by themselves.
    """

    def step(sentence: str, operation: str, request: Mapping[str, Any], **more: Any) -> Step:
        whole = {"StackSetName": stack_set.name, **request, **call_as(wanted)}
        call = Call("management", wanted.home, "cloudformation", operation, whole)
        return Step(sentence, call, part=stack_set.name, **more)

    for batch in _batches(state, existing):
        whole: dict[str, Any] = {"Accounts": list(batch.accounts)}
        if batch.units:
            whole = {"DeploymentTargets": {"OrganizationalUnitIds": list(batch.units)}}
        where = (
            f"{len(batch.regions)} Regions" if len(batch.regions) > 3 else ", ".join(batch.regions)
        )
        whom = ", ".join(batch.units) if batch.units else f"{len(batch.accounts)} accounts"
        yield step(
            f"Removing {stack_set.name} from {whom} in {where}",
            "DeleteStackInstances",
            {
                **whole,
                "Regions": list(batch.regions),
                "RetainStacks": False,
                "OperationPreferences": preferences(wanted),
            },
            waits="operation",
            cells=sum(region in batch.regions for _, region in state.cells),
        )
    whys: dict[str, set[Place]] = {}
    for place in state.cells:
        whys.setdefault(lost(existing, place[0]), set()).add(place)
    outside = {place for place in whys.pop("", set()) if place[0] in existing.outsiders}
    if state.service_managed:
        yield from taking_away(wanted, stack_set.name, existing, outside, retain=False)
    for why, places in sorted(whys.items()):
        yield from taking_away(wanted, stack_set.name, existing, places, retain=True, because=why)
    yield step(
        f"Deleting the StackSet {stack_set.name}",
        "DeleteStackSet",
        {},
        done=("StackSetNotFoundException",),
    )


def _batches(state: StackSetState, existing: Existing) -> list[Batch]:
    if not state.service_managed:
        return [
            Batch((), accounts, regions)
            for accounts, regions in grouped(
                place for place in state.cells if not lost(existing, place[0])
            )
        ]
    where: dict[str, set[str]] = {unit: set(known) for unit, known in state.targets.items()}
    for (_, region), cell in state.cells.items():
        if cell.unit:
            where.setdefault(cell.unit, set()).add(region)
    together: dict[tuple[str, ...], list[str]] = {}
    for unit in sorted(where):
        together.setdefault(tuple(sorted(where[unit])), []).append(unit)
    return [
        Batch(tuple(units[first : first + UNITS_A_CALL]), (), regions)
        for regions, units in together.items()
        if regions
        for first in range(0, len(units), UNITS_A_CALL)
    ]


def _stack(stack: Stack) -> Step:
    call = Call(
        stack.side, stack.region, "cloudformation", "DeleteStack", {"StackName": stack.name}
    )
    sentence = f"Deleting the stack {stack.name} in the {stack.side} account, {stack.region}"
    return Step(sentence, call, waits="stack")


# --- Data


def retained(wanted: Wanted, existing: Existing) -> tuple[Kept, ...]:
    """What the central stack leaves behind: resources with names of their own that are retained.

    By the deployed template, and by the rendered one for what an earlier destroy has left.
    """
    state = existing.stack(wanted.central)
    found: dict[tuple[str, str], Kept] = {}
    for text in (wanted.bundle.files[wanted.central.template], state.template if state else ""):
        for logical_id, entry in sorted(
            (parsed(text).get("Resources") or {}).items() if text else ()
        ):
            kind = entry.get("Type", "")
            name = (entry.get("Properties") or {}).get(NAMES.get(kind, ""))
            stays = str(entry.get("DeletionPolicy", "")).startswith("Retain")
            if stays and isinstance(name, str):
                found[kind, name] = Kept(logical_id, kind, name)
    bus = Kept(names.BUS, BUS, names.bus(wanted.bundle.prefix))
    return (*(found[key] for key in sorted(found)), bus)


class Content(NamedTuple):
    """What lies in something that is kept. `amount` 0: nothing, so nobody will miss it."""

    kept: Kept
    amount: int
    unit: str
    why: str = ""
    """Why it is not ours to take away."""

    @property
    def ours(self) -> bool:
        return not self.why


class Keeper(NamedTuple):
    """How a kind of thing that holds data is looked into and removed."""

    service: str
    look: str
    remove: str


KEEPERS: Mapping[str, Keeper] = {
    "AWS::SQS::Queue": Keeper("sqs", "GetQueueAttributes", "DeleteQueue"),
    "AWS::Events::Archive": Keeper("events", "DescribeArchive", "DeleteArchive"),
    "AWS::Logs::LogGroup": Keeper("logs", "DescribeLogGroups", "DeleteLogGroup"),
    "AWS::Kinesis::Stream": Keeper("kinesis", "DescribeStreamSummary", "DeleteStream"),
    BUS: Keeper("events", "DescribeEventBus", "DeleteEventBus"),
}


def removal(wanted: Wanted, kept: Kept, url: str = "") -> Step:
    """The step that removes something kept, with what lies in it."""
    keeper = KEEPERS[kept.type]
    named: dict[str, dict[str, str]] = {
        "AWS::SQS::Queue": {"QueueUrl": url},
        "AWS::Events::Archive": {"ArchiveName": kept.name},
        "AWS::Logs::LogGroup": {"logGroupName": kept.name},
        "AWS::Kinesis::Stream": {"StreamName": kept.name},
        BUS: {"Name": kept.name},
    }
    call = Call("central", wanted.home, keeper.service, keeper.remove, named[kept.type])
    gone = (
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    )
    return Step(f"Removing {kept.name} ({kept.type})", call, done=gone)


def bucket(wanted: Wanted, side: str) -> str:
    """The bucket that deploy made for templates too long for a request."""
    account = wanted.place.central_account if side == "central" else wanted.place.administrator
    return names.artifact_bucket(wanted.bundle.prefix, account, wanted.home)
