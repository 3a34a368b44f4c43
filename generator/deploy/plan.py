"""What exists + what is wanted -> steps. Pure: it calls nothing and knows no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from generator import names
from generator.deploy import by_hand
from generator.deploy.aws import Call
from generator.deploy.bundle import INLINE_LIMIT
from generator.deploy.cells import (
    UNITS_A_CALL,
    Batch,
    Cells,
    Place,
    batches_to_add,
    by_accounts,
    cells,
    eligible,
    grouped,
    left_to_remove,
    pilot,
    units_to_leave,
)
from generator.deploy.difference import Difference, differences, renamed, values
from generator.deploy.existing import (
    Existing,
    StackSetState,
    StackState,
    call_as,
    departed,
    stack_set_call,
)
from generator.deploy.wanted import Stack, StackSet, Wanted, ours
from generator.model import Problem

Waits = Literal["", "stack", "operation"]
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]

STACKSET_ARN = "{{StackSetARN of "
"""How a request names the ARN of a StackSet that an earlier step makes: whoever walks the steps
puts the ARN in its place."""

ACTING = ("Mappings", "Conditions", "Resources", "Outputs")
"""The sections of a template from which something follows."""

UNBORN = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")
"""Stacks that never came to be: they cannot be updated, only removed and made again.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"""


@dataclass(frozen=True)
class Step:
    """One thing to do, with the sentence for people. Doing it again does no harm.

    `waits` says what ends later than its call: a stack, or a StackSet operation. `done` are the
    error codes that mean it was done before. `cells` is how many instances it is about, `part`
    the StackSet whose they are; `pilot` steps must go well before any later one is taken.
    `gone` are the instances that must not be there any more afterwards, and `otherwise` other
    words for the same call, for when they are.
    """

    sentence: str
    call: Call
    waits: Waits = ""
    done: tuple[str, ...] = ()
    part: str = ""
    cells: int = 0
    pilot: bool = False
    gone: frozenset[Place] = frozenset()
    otherwise: tuple[Call, ...] = ()


@dataclass(frozen=True)
class StackChange:
    """What is to become of one stack."""

    stack: Stack
    action: Literal["create", "recreate", "update", "remove", "keep"]
    differences: tuple[Difference, ...] = ()
    parameters: Mapping[str, tuple[str | None, str | None]] | None = None
    status: str = ""


@dataclass(frozen=True)
class StackSetChange:
    """What is to become of one StackSet and of every account and Region of it."""

    stack_set: StackSet
    action: Literal["create", "update", "keep"]
    cells: Cells
    updates: int = 0
    """Instances that get the new definition."""
    differences: tuple[Difference, ...] = ()
    parameters: Mapping[str, tuple[str | None, str | None]] | None = None
    settings: tuple[str, ...] = ()
    redefined: bool = False
    """Whether template, parameters or tags change for the instances that are there."""


@dataclass(frozen=True)
class Plan:
    """Every change with its reason, and the steps that make them, in order."""

    central: StackChange
    stack_sets: tuple[StackSetChange, ...]
    management: tuple[StackChange, ...]
    steps: tuple[Step, ...]

    @property
    def stuck(self) -> dict[tuple[str, str, str], str]:
        """Instances that only a person can mend, by StackSet, account and Region, and why."""
        return {
            (change.stack_set.name, *place): why
            for change in self.stack_sets
            for place, why in change.cells.stuck.items()
        }

    @property
    def stacks(self) -> tuple[StackChange, ...]:
        return (self.central, *self.management)


def plan(wanted: Wanted, existing: Existing, replacing: bool = False) -> tuple[Step, ...]:
    """The steps from what exists to what is wanted, each only after what it needs.

    Central first: a member rule is refused while the bus policy does not let its account in.
    Roles before rules: a rule is refused while it cannot assume its role. The pilot before the
    rest. What goes away goes last, rules before roles, unless it is to be made anew; what is let
    go of comes before everything else in its StackSet, where it would fail every operation.
    """
    return proposal(wanted, existing, replacing).steps


def proposal(wanted: Wanted, existing: Existing, replacing: bool = False) -> Plan:
    """What would be done, and why. `replacing`: what stays may be made anew, with a gap."""
    central = _stack_change(wanted, wanted.central, existing)
    sets = tuple(
        _stack_set_change(wanted, one, existing, replacing) for one in (wanted.roles, wanted.rules)
    )
    management = tuple(_stack_change(wanted, stack, existing) for stack in wanted.management)
    going = tuple(StackChange(stack, "remove") for stack in departed(wanted, existing))
    steps = [*_stack_steps(wanted, central)]
    # The management account's first: where it has stacks is told by the StackSet's Regions.
    removal = [step for change in going for step in _stack_steps(wanted, change)]
    removal += [step for change in reversed(sets) for step in _removal(wanted, change, existing)]
    for change in reversed(sets):
        steps += _release(wanted, change, existing)
    moving = any(change.cells.moved for change in sets)
    if moving:
        steps += removal
    if pilot(wanted, existing):
        for change in sets:
            some = [replace(step, pilot=True) for step in _pilot(wanted, change, existing)]
            steps += some
    for change in sets:
        steps += _rest(wanted, change, existing)
    for stack in management:
        steps += _stack_steps(wanted, stack)
    if not moving:
        steps += removal
    return Plan(central, sets, (*management, *going), tuple(steps))


def obstacles(wanted: Wanted, existing: Existing, replacing: bool = False) -> list[Problem]:
    """What a person has to decide or mend before anything is changed."""
    problems = []
    for stack in (wanted.central, *wanted.management):
        state = existing.stack(stack)
        if state is None:
            continue
        where = f"the stack {stack.name} ({stack.side} account, {stack.region})"
        if not ours(state.tags):
            cure = "choose another name_prefix, or remove that stack"
            problems.append(Problem(where, "was not made by trailbus deploy", cure))
        elif state.status in ("UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", "IMPORT_ROLLBACK_FAILED"):
            cures = {
                "UPDATE_ROLLBACK_FAILED": "continue its rollback: "
                + by_hand.continue_rollback(stack),
            }
            cure = cures.get(state.status, "see its events, mend that, and delete it")
            problems.append(Problem(where, f"is {state.status}: {state.reason}", cure))
    for stack_set in (wanted.roles, wanted.rules):
        known = existing.stack_sets.get(stack_set.name)
        if known and not ours(known.tags):
            cure = "choose another name_prefix, or remove that StackSet"
            problems.append(
                Problem(f"the StackSet {stack_set.name}", "was not made by trailbus deploy", cure)
            )
        elif known and known.service_managed != wanted.service_managed:
            fault = "has the other kind of permissions, and that cannot be changed"
            cure = "destroy it with the old configuration first"
            problems.append(Problem(f"the StackSet {stack_set.name}", fault, cure))
    problems += _pilot_problems(wanted, existing)
    if not replacing:
        problems += _replacements(wanted, existing)
    return problems


def _pilot_problems(wanted: Wanted, existing: Existing) -> Iterator[Problem]:
    """A pilot that reaches nobody would be no brake: everybody would be in the first wave."""
    chosen = wanted.place.rollout.pilot
    where = "place.rollout.pilot"
    accounts = eligible(wanted, existing)
    for account in chosen.accounts:
        suspended = account in existing.members and existing.members[account].suspended
        if account not in accounts and not suspended:
            cure = "name accounts below place.organizational_units that are not left out"
            yield Problem(f"{where}.accounts", f"{account} is none of those to cover", cure)
    if (chosen.accounts or chosen.organizational_units) and not pilot(wanted, existing):
        cure = "name others, or none: then everybody is in the first wave"
        yield Problem(where, "there is no account in it to begin with", cure)


def _replacements(wanted: Wanted, existing: Existing) -> Iterator[Problem]:
    cure = "nothing that lies in the old one moves over; --replace says that this is meant"
    state = existing.stack(wanted.central)
    if state and state.template:
        body = wanted.bundle.files[wanted.central.template]
        for logical_id, kind, before, after in renamed(state.template, body):
            fault = f"{kind} would be replaced: its name changes from {before} to {after}"
            yield Problem(f"{wanted.central.name}: {logical_id}", fault, cure)
    now = wanted.rules.parameters.get(names.CENTRAL_BUS_ARN, "")
    known: list[StackState | StackSetState | None] = [
        existing.stack_sets.get(wanted.roles.name),
        existing.stack_sets.get(wanted.rules.name),
        *(existing.stack(stack) for stack in wanted.management),
    ]
    for one in known:
        before = one.parameters.get(names.CENTRAL_BUS_ARN, now) if one else now
        if before != now:
            fault = f"the central bus would be {now} instead of {before}"
            yield Problem("place.central", fault, cure)
            return


# --- Stacks


def _stack_change(wanted: Wanted, stack: Stack, existing: Existing) -> StackChange:
    body = wanted.bundle.files[stack.template]
    state = existing.stack(stack)
    if state is None or state.status in UNBORN:
        status = state.status if state else ""
        parameters: dict[str, tuple[str | None, str | None]] = {
            name: (None, value) for name, value in stack.parameters.items()
        }
        made = differences("", body)
        return StackChange(stack, "recreate" if state else "create", made, parameters, status)
    changed = _changed_values(state, body, stack.parameters)
    found = differences(state.template, body)
    # Of the other sections alone CloudFormation says that there is nothing to update.
    same = not changed and _tagged(wanted, state)
    same = same and not any(one.section in ACTING for one in found)
    return StackChange(stack, "keep" if same else "update", found, changed, state.status)


def _tagged(wanted: Wanted, state: StackState | StackSetState) -> bool:
    return dict(state.tags) == {tag["Key"]: tag["Value"] for tag in wanted.tags}


def _changed_values(
    state: StackState | StackSetState, body: str, given: Mapping[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    """Parameters whose values differ. A value that is never shown again counts as the same."""
    want = values(body, given)
    return {
        name: (state.parameters.get(name), want.get(name))
        for name in sorted({*state.parameters, *want})
        if state.parameters.get(name) != want.get(name)
        and set(state.parameters.get(name) or " ") != {"*"}
    }


def _stack_steps(wanted: Wanted, change: StackChange) -> Iterator[Step]:
    stack = change.stack
    if change.action == "keep":
        return
    where = f"the stack {stack.name} in the {stack.side} account, {stack.region}"
    if change.action in ("recreate", "remove"):
        why = f"which is {change.status}" if change.action == "recreate" else "not covered any more"
        yield Step(
            f"Removing {where}, {why}",
            _stack_call(stack, "DeleteStack", StackName=stack.name),
            waits="stack",
        )
    if change.action == "remove":
        return
    source = yield from template_source(wanted, stack.template, stack.side, stack.region)
    creating = change.action != "update"
    yield Step(
        f"{'Creating' if creating else 'Updating'} {where}",
        _stack_call(
            stack,
            "CreateStack" if creating else "UpdateStack",
            **stack_request(wanted, stack, source),
        ),
        waits="stack",
        done=("AlreadyExistsException",) if creating else (),
    )


def stack_request(wanted: Wanted, stack: Stack, source: Mapping[str, str]) -> dict[str, Any]:
    """What a request to create, update or compare a stack says."""
    return {
        "StackName": stack.name,
        **source,
        "Parameters": _parameters(stack.parameters),
        "Capabilities": CAPABILITIES,
        "Tags": wanted.tags,
    }


def _stack_call(stack: Stack, operation: str, **request: Any) -> Call:
    return Call(stack.side, stack.region, "cloudformation", operation, request)


def _parameters(given: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]


# --- Templates too long for a request


def template_source(
    wanted: Wanted, template: str, side: Literal["central", "management"], region: str
) -> Generator[Step, None, dict[str, str]]:
    """The steps that bring a template within reach; returns how a request names it."""
    body = wanted.bundle.files[template]
    if len(body.encode()) <= INLINE_LIMIT:
        return {"TemplateBody": body}
    account = wanted.place.central_account if side == "central" else wanted.place.administrator
    bucket = names.artifact_bucket(wanted.bundle.prefix, account, region)
    key = f"{hashlib.sha256(body.encode()).hexdigest()}/{template}"

    def step(sentence: str, operation: str, done: tuple[str, ...] = (), **request: Any) -> Step:
        whole = {"Bucket": bucket, **request}
        # Whoever guesses the name and makes such a bucket elsewhere shall not get our templates,
        # nor give us theirs. CreateBucket itself refuses a bucket that somebody else owns.
        if operation != "CreateBucket":
            whole["ExpectedBucketOwner"] = account
        return Step(sentence, Call(side, region, "s3", operation, whole), done=done)

    # us-east-1 is the one Region that may not be named here.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    home: dict[str, Any] = (
        {}
        if region == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    yield step(
        f"Creating the bucket {bucket} for templates",
        "CreateBucket",
        ("BucketAlreadyOwnedByYou",),
        **home,
    )
    yield step(
        f"Closing {bucket} to the public",
        "PutPublicAccessBlock",
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    yield step(
        f"Naming the owner of {bucket}",
        "PutBucketTagging",
        Tagging={"TagSet": wanted.tags},
    )
    yield step(
        f"Uploading {template} ({len(body.encode()):,} bytes)",
        "PutObject",
        Key=key,
        Body=body.encode(),
        ServerSideEncryption="AES256",
    )
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return {"TemplateURL": f"https://{bucket}.s3.{region}.{suffix}/{key}"}


# --- StackSets


def _stack_set_change(
    wanted: Wanted, stack_set: StackSet, existing: Existing, replacing: bool
) -> StackSetChange:
    state = existing.stack_sets.get(stack_set.name)
    todo = cells(wanted, stack_set, existing, replacing)
    body = wanted.bundle.files[stack_set.template]
    if state is None:
        parameters: dict[str, tuple[str | None, str | None]] = {
            name: (None, value) for name, value in stack_set.parameters.items()
        }
        return StackSetChange(stack_set, "create", todo, 0, differences("", body), parameters)
    changed = _changed_values(state, body, stack_set.parameters)
    settings = tuple(_settings(wanted, stack_set, state, existing))
    found = differences(state.template, body)
    if not found and not changed and _tagged(wanted, state):
        action: Literal["update", "keep"] = "update" if settings else "keep"
        return StackSetChange(stack_set, action, todo, 0, (), changed, settings)
    updates = todo.keep + len(todo.refresh)
    return StackSetChange(stack_set, "update", todo, updates, found, changed, settings, True)


def _settings(
    wanted: Wanted, stack_set: StackSet, state: StackSetState, existing: Existing
) -> Iterator[str]:
    """What differs of a StackSet beside template, parameters and tags."""
    if wanted.service_managed:
        before = existing.stack_sets.get(stack_set.after)
        depends = (before.arn if before else _later(stack_set.after),) if stack_set.after else ()
        if state.auto_deployment != (True, False, depends):
            yield "AutoDeployment"
    elif state.roles != _roles(wanted):
        yield "Roles"
    if not state.managed_execution:
        yield "ManagedExecution"


def _later(stack_set: str) -> str:
    return f"{STACKSET_ARN}{stack_set}}}}}"


def _definition(wanted: Wanted, stack_set: StackSet) -> Generator[Step, None, dict[str, Any]]:
    source = yield from template_source(wanted, stack_set.template, "management", wanted.home)
    return {
        "StackSetName": stack_set.name,
        **source,
        "Parameters": _parameters(stack_set.parameters),
        "Capabilities": CAPABILITIES,
        "Tags": wanted.tags,
        **_permissions(wanted),
        **call_as(wanted),
    }


def _permissions(wanted: Wanted) -> dict[str, str]:
    if wanted.service_managed:
        return {"PermissionModel": "SERVICE_MANAGED"}
    administration, execution = _roles(wanted)
    return {
        "PermissionModel": "SELF_MANAGED",
        "AdministrationRoleARN": administration,
        "ExecutionRoleName": execution,
    }


def _roles(wanted: Wanted) -> tuple[str, str]:
    """The roles of self-managed StackSets; without a word about them, those that AWS names.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html
    """
    access = wanted.place.access
    name = access.administration_role or "AWSCloudFormationStackSetAdministrationRole"
    arn = f"arn:{wanted.partition}:iam::{wanted.place.administrator}:role/{name.lstrip('/')}"
    return arn, access.execution_role or "AWSCloudFormationStackSetExecutionRole"


def _auto_deployment(stack_set: StackSet) -> dict[str, Any]:
    """Accounts that join are covered by themselves, the rules after the roles."""
    after = {"DependsOn": [_later(stack_set.after)]} if stack_set.after else {}
    return {"Enabled": True, "RetainStacksOnAccountRemoval": False, **after}


def _begin(wanted: Wanted, change: StackSetChange) -> Iterator[Step]:
    """Makes a StackSet, or changes its settings: each of these in a call of its own.

    AutoDeployment goes with no targets, ManagedExecution with no template and no parameters.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStackSet.html
    """
    stack_set = change.stack_set
    if change.action == "create":
        definition = yield from _definition(wanted, stack_set)
        if wanted.service_managed:
            definition["AutoDeployment"] = _auto_deployment(stack_set)
        yield _operation(
            wanted,
            stack_set,
            f"Creating the StackSet {stack_set.name}",
            "CreateStackSet",
            {**definition, "ManagedExecution": {"Active": True}},
            waits="",
            done=("NameAlreadyExistsException",),
        )
        return
    # Customized roles are repeated each time, or are forgotten.
    same = {
        "StackSetName": stack_set.name,
        "UsePreviousTemplate": True,
        "Capabilities": CAPABILITIES,
        **call_as(wanted),
        **({} if wanted.service_managed else _permissions(wanted)),
    }
    if "ManagedExecution" in change.settings:
        yield _operation(
            wanted,
            stack_set,
            f"Letting operations on {stack_set.name} queue",
            "UpdateStackSet",
            {**same, "ManagedExecution": {"Active": True}},
        )
    previous = {
        "Parameters": [
            {"ParameterKey": name, "UsePreviousValue": True} for name in stack_set.parameters
        ],
        "OperationPreferences": preferences(wanted),
    }
    if "AutoDeployment" in change.settings:
        yield _operation(
            wanted,
            stack_set,
            f"Letting {stack_set.name} cover accounts that join",
            "UpdateStackSet",
            {**same, **previous, "AutoDeployment": _auto_deployment(stack_set)},
        )
    if "Roles" in change.settings and not change.redefined:
        yield _operation(
            wanted,
            stack_set,
            f"Letting {stack_set.name} use other roles",
            "UpdateStackSet",
            {**same, **previous},
        )


def _pilot(wanted: Wanted, change: StackSetChange, existing: Existing) -> Iterator[Step]:
    """What the pilot's accounts get."""
    stack_set = change.stack_set
    chosen = pilot(wanted, existing)
    yield from _begin(wanted, change)
    state = existing.stack_sets.get(stack_set.name)
    known = {place for place in (state.cells if state else ()) if place[0] in chosen}
    known -= change.cells.remove | {*change.cells.release}
    if change.redefined and known:
        definition = yield from _definition(wanted, stack_set)
        for batch in by_accounts(wanted, known, existing):
            yield _operation(
                wanted,
                stack_set,
                f"Updating {stack_set.name} in the pilot: {_said(batch)}",
                "UpdateStackSet",
                {**definition, **_aimed(wanted, batch)},
                cells=len(batch.accounts) * len(batch.regions),
            )
    elif not change.redefined:
        yield from _refreshing(wanted, change, existing, known & change.cells.refresh)
    some = {place for place in change.cells.add if place[0] in chosen}
    for batch in by_accounts(wanted, some, existing):
        yield _adding(wanted, stack_set, batch, len(batch.accounts) * len(batch.regions))


def _rest(wanted: Wanted, change: StackSetChange, existing: Existing) -> Iterator[Step]:
    """What all others get; the pilot has had its share."""
    stack_set = change.stack_set
    chosen = pilot(wanted, existing)
    if not chosen:
        yield from _begin(wanted, change)
    state = existing.stack_sets.get(stack_set.name)
    known = set(state.cells if state else ()) - change.cells.remove - {*change.cells.release}
    piloted = {place for place in known if place[0] in chosen}
    if change.redefined and not piloted:
        definition = yield from _definition(wanted, stack_set)
        yield _operation(
            wanted,
            stack_set,
            f"Updating the StackSet {stack_set.name} in every account and Region",
            "UpdateStackSet",
            {**definition, "OperationPreferences": preferences(wanted)},
            cells=change.updates,
        )
    else:
        todo = known - {*change.cells.stuck} if change.redefined else change.cells.refresh
        yield from _refreshing(wanted, change, existing, todo - piloted)
    accounts = eligible(wanted, existing)
    left = frozenset(place for place in change.cells.add if place[0] not in chosen)
    todo_cells = replace(change.cells, add=left)
    for batch in batches_to_add(wanted, todo_cells, existing):
        some = batch.accounts or [a for a, units in accounts.items() if {*units} & {*batch.units}]
        yield _adding(wanted, stack_set, batch, len(some) * len(batch.regions))


def _refreshing(
    wanted: Wanted, change: StackSetChange, existing: Existing, places: Iterable[Place]
) -> Iterator[Step]:
    state = existing.stack_sets.get(change.stack_set.name)
    if state is not None:
        yield from retries(wanted, change.stack_set, existing, places)


def retries(
    wanted: Wanted, stack_set: StackSet, existing: Existing, places: Iterable[Place]
) -> Iterator[Step]:
    """Brings just these instances to what their StackSet says.

    One without a stack was never made: it is created again. The others are updated.
    """
    state = existing.stack_sets.get(stack_set.name)
    has_stack = {
        place for place in places if state and place in state.cells and state.cells[place].has_stack
    }
    for operation, some in (
        ("UpdateStackInstances", has_stack),
        ("CreateStackInstances", {*places} - has_stack),
    ):
        for batch in by_accounts(wanted, some, existing):
            yield _operation(
                wanted,
                stack_set,
                f"Trying {stack_set.name} again in {_said(batch)}",
                operation,
                {"StackSetName": stack_set.name, **call_as(wanted), **_aimed(wanted, batch)},
                cells=len(batch.accounts) * len(batch.regions),
            )


def _adding(wanted: Wanted, stack_set: StackSet, batch: Batch, count: int) -> Step:
    return _operation(
        wanted,
        stack_set,
        f"Deploying {stack_set.name} to {_said(batch)}",
        "CreateStackInstances",
        {
            "StackSetName": stack_set.name,
            **call_as(wanted),
            **_aimed(wanted, batch, wanted.place.exclude_accounts),
        },
        cells=count,
    )


def _removal(wanted: Wanted, change: StackSetChange, existing: Existing) -> Iterator[Step]:
    stack_set = change.stack_set
    state = existing.stack_sets.get(stack_set.name)
    if state is None:
        return
    for batch in units_to_leave(change.cells):
        where = {*batch.regions}
        count = sum(region in where for _, region in change.cells.remove)
        yield _operation(
            wanted,
            stack_set,
            f"Removing {stack_set.name} from {_said(batch)}",
            "DeleteStackInstances",
            {
                "StackSetName": stack_set.name,
                "RetainStacks": False,
                **call_as(wanted),
                **_aimed(wanted, batch),
            },
            cells=count,
        )

    rest = left_to_remove(change.cells, existing)
    yield from taking_away(wanted, stack_set.name, existing, rest, retain=False)


def _release(wanted: Wanted, change: StackSetChange, existing: Existing) -> Iterator[Step]:
    """Lets go of what nothing can be done about any more.

    https://repost.aws/knowledge-center/cloudformation-removal-stacksets
    """
    whys: dict[str, set[Place]] = {}
    for place, why in change.cells.release.items():
        whys.setdefault(why, set()).add(place)
    for why, places in sorted(whys.items()):
        yield from taking_away(
            wanted, change.stack_set.name, existing, places, retain=True, because=why
        )


def taking_away(
    wanted: Wanted,
    name: str,
    existing: Existing,
    places: Iterable[Place],
    retain: bool,
    because: str = "",
) -> Iterator[Step]:
    """Takes just these instances out of a StackSet, and of their accounts unless told to retain.

    AWS's documents do not say how a service-managed StackSet finds an account that is no longer
    where it was: by the unit that it came by, by where it stands now, or by its number. Each is
    tried until the instances are gone.
    """
    state = existing.stack_sets[name]
    sides: tuple[set[Place], set[Place]] = (set(), set())
    for place in places:
        member = existing.members.get(place[0])
        sides[member is None or state.cells[place].unit not in member.units].add(place)
    for outside, side in enumerate(sides):
        for accounts, regions in grouped(side):
            those = frozenset((account, region) for account in accounts for region in regions)
            came_by = sorted({state.cells[place].unit for place in those} - {""})[:UNITS_A_CALL]
            ways = _ways(wanted, accounts, came_by, bool(outside))
            calls = [
                stack_set_call(
                    wanted,
                    name,
                    "DeleteStackInstances",
                    **way,
                    Regions=list(regions),
                    RetainStacks=retain,
                    OperationPreferences=preferences(wanted),
                )
                for way in ways
            ]
            verb = "Letting go of" if retain else "Removing"
            why = f": {because}" if because else ""
            yield Step(
                f"{verb} {name} {'in' if retain else 'from'} "
                f"{_said(Batch((), accounts, regions))}{why}",
                calls[0],
                "operation",
                part=name,
                cells=len(those),
                gone=those,
                otherwise=tuple(calls[1:]),
            )


def _ways(
    wanted: Wanted, accounts: tuple[str, ...], came_by: list[str], outside: bool
) -> list[dict[str, Any]]:
    """How a request may name some accounts."""
    if not wanted.service_managed:
        return [{"Accounts": list(accounts)}]
    units = [came_by] if came_by else []
    if [by_hand.root(wanted)] not in units:
        units.insert(0 if outside else len(units), [by_hand.root(wanted)])
    some = {"Accounts": list(accounts), "AccountFilterType": "INTERSECTION"}
    inside = [{"DeploymentTargets": {"OrganizationalUnitIds": each, **some}} for each in units]
    return [*inside, {"DeploymentTargets": {"Accounts": list(accounts)}}]


def _aimed(wanted: Wanted, batch: Batch, excluded: Iterable[str] = ()) -> dict[str, Any]:
    """Whom a request is for, and how it goes about it."""
    rest = {"Regions": list(batch.regions), "OperationPreferences": preferences(wanted)}
    if not batch.units:
        return {"Accounts": list(batch.accounts), **rest}
    targets: dict[str, Any] = {"OrganizationalUnitIds": list(batch.units)}
    # UNION is refused by CreateStackInstances.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeploymentTargets.html
    if batch.accounts:
        targets.update(AccountFilterType="INTERSECTION", Accounts=list(batch.accounts))
    elif excluded:
        targets.update(AccountFilterType="DIFFERENCE", Accounts=sorted(excluded))
    return {"DeploymentTargets": targets, **rest}


def _said(batch: Batch) -> str:
    some = batch.accounts or batch.units
    kind = "accounts" if batch.accounts else "units"
    who = ", ".join(some) if len(some) <= 3 else f"{len(some)} {kind}"
    where = ", ".join(batch.regions) if len(batch.regions) <= 3 else f"{len(batch.regions)} Regions"
    return f"{who} in {where}"


def _operation(
    wanted: Wanted,
    stack_set: StackSet,
    sentence: str,
    operation: str,
    request: Mapping[str, Any],
    waits: Waits = "operation",
    done: tuple[str, ...] = (),
    cells: int = 0,
) -> Step:
    call = Call("management", wanted.home, "cloudformation", operation, request)
    return Step(sentence, call, waits, done, stack_set.name, cells)


def preferences(wanted: Wanted) -> dict[str, Any]:
    """How many at once, and how many may fail; one broken cell takes no other with it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stackset-ops-options.html
    """
    rollout = wanted.place.rollout
    return {
        "RegionConcurrencyType": "SEQUENTIAL" if rollout.sequential else "PARALLEL",
        "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
        "FailureTolerancePercentage": rollout.failure_tolerance_percentage,
        "MaxConcurrentPercentage": rollout.max_concurrent_percentage,
    }
