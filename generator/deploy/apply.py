"""Walks the steps of a plan, waits for what takes time, and says how each went."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from generator.deploy import by_hand
from generator.deploy.aws import Call, Door, Refused
from generator.deploy.cells import Place
from generator.deploy.existing import (
    Cell,
    Existing,
    Member,
    StackSetState,
    call_as,
    members,
    stack_set_call,
    stack_set_state,
)
from generator.deploy.plan import STACKSET_ARN, Step, retries, taking_away
from generator.deploy.wanted import Stack, StackSet, Wanted

Pause = Callable[[float], None]
"""Waits that many seconds; the simulation lets its own clock run instead."""

POLL_SECONDS = 5.0
LONGEST_PAUSE = 60.0
TRIES = 60
"""How often a call that is told "not yet" is made again before it counts as refused."""

NOT_YET = frozenset(
    {
        # StackSets: another operation runs, or was begun after this one was asked for.
        "OperationInProgressException",
        "StaleRequestException",
        # Throttled, by any service's name for it, beyond what botocore itself tried again.
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        # S3: a bucket of that name was deleted a moment ago.
        "OperationAborted",
        # The network, by botocore's names for it.
        "ConnectionClosedError",
        "ConnectTimeoutError",
        "EndpointConnectionError",
        "ReadTimeoutError",
    }
)
"""Refusals that pass by themselves."""

NO_ROLE_YET = "cannot be assumed by principal"
PASSING = re.compile(
    "|".join(
        (
            # A role that is not seen everywhere yet: ours, and that of StackSets in a new account.
            NO_ROLE_YET,
            r"should have 'stacksets-exec-",
            r"assumed-role/stacksets-exec-\S+ is not authorized to perform: .*"
            r"because no identity-based policy allows",
            # A new account, or a Region that was switched on a moment ago.
            r"needs a subscription|OptInRequired|not subscribed to this service",
            r"PendingVerification|pending verification|being initialized",
            # Throttled, or two at once.
            r"Rate exceeded|Throttl|TooManyRequests|RequestLimitExceeded|SlowDown",
            r"currently being modified|ConcurrentModification|OperationAborted|ResourceInUse",
            r"conflicting (?:conditional )?operation",
            # No answer, or AWS's own fault.
            r"timed? ?out|RequestTimeout|NotStabilized|Connection (?:reset|refused)",
            r"[Ii]nternal ?(?:[Ff]ailure|[Ee]rror|[Ss]ervice ?[Ee]rror|[Ss]erver ?[Ee]rror)",
            r"ServiceInternalError|Service ?Unavailable|[Pp]lease try again|[Tt]ry again later",
        )
    )
)
"""How cells fail for a reason that passes within minutes. What somebody forbids does not."""
LASTING = re.compile(r"explicit deny|service control policy|resource control policy")
PASSING_TRIES = 3


def passes(reason: str) -> bool:
    """Whether a cell failed for a reason that passes by itself."""
    return bool(PASSING.search(reason)) and not LASTING.search(reason)


NOTHING_TO_DO = "No updates are to be performed"
"""How CloudFormation refuses an update that would change nothing, such as one of a comment."""

ASKED_ALONE = 10
"""So many accounts are asked about one by one; for more, everything is listed."""

PAGES_A_LOOK = 10
"""How many pages of results a look at the progress may cost; what is larger is looked at less
often."""


@dataclass(frozen=True)
class Failure:
    """One account and Region that an operation did not reach, and why."""

    account: str
    region: str
    status: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """How one step went. `failures` are the cells of a StackSet operation that failed."""

    step: Step
    ok: bool
    failures: tuple[Failure, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Progress:
    """How far an operation is: by Region how many of its instances are in which status."""

    step: Step
    regions: Mapping[str, Mapping[str, int]]
    failed: int
    over: bool = False


@dataclass
class Walk:
    """What a walker needs beside its steps: the way in, time, and whom to tell."""

    door: Door
    wanted: Wanted
    pause: Pause
    say: Callable[[str], None] = lambda _: None
    watch: Callable[[Progress], None] | None = None
    tell: Callable[[Failure], None] = lambda _: None
    members: Mapping[str, Member] | None = None
    """Who is covered, where that was read already."""
    told: set[tuple[str, str, str]] = field(default_factory=set)
    without_roles: set[str] = field(default_factory=set)
    """Accounts in which the roles failed: their rules cannot come to be before these."""


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
    return walk(Walk(door, wanted, pause, say), steps)


def walk(way: Walk, steps: Iterable[Step]) -> list[Outcome]:
    """The same, with progress. The rest is not begun when too much of the pilot failed.

    How far it came is told whatever AWS refuses: what is begun goes on without us.
    """
    outcomes: list[Outcome] = []
    for step in steps:
        if not step.pilot and (verdict := _pilot_failed(way.wanted, outcomes)):
            outcomes.append(Outcome(step, False, reason=verdict))
            break
        way.say(step.sentence)
        try:
            outcome = _do(way, step)
        except Refused as refusal:
            outcome = Outcome(step, False, reason=str(refusal))
        outcomes.append(outcome)
        if not outcome.ok and not outcome.failures:
            break
    return outcomes


def _pilot_failed(wanted: Wanted, outcomes: Iterable[Outcome]) -> str:
    piloted = [outcome for outcome in outcomes if outcome.step.pilot]
    cells = sum(outcome.step.cells for outcome in piloted)
    failed = sum(len(outcome.failures) for outcome in piloted)
    most = wanted.place.rollout.pilot.failure_tolerance_percentage
    if not failed or failed * 100 <= most * cells:
        return ""
    return (
        f"not begun: {failed} of the pilot's {cells} cells failed and {most} % may; mend them and "
        "deploy again, or let more of them fail (place.rollout.pilot)"
    )


def settle(way: Walk) -> None:
    """Waits for what an earlier run, or somebody else, has begun on our stacks and StackSets."""
    for stack in (way.wanted.central, *way.wanted.management):
        _await_present(way, stack)
    for stack_set in (way.wanted.roles, way.wanted.rules):
        for operation in running(way.door, way.wanted, stack_set):
            way.say(f"Waiting for {operation['Action']} on {stack_set.name}, begun earlier")
            step = Step("", stack_set_call(way.wanted, stack_set.name, ""), part=stack_set.name)
            _until_over(way, step, operation["OperationId"])


def running(door: Door, wanted: Wanted, stack_set: StackSet) -> list[dict[str, Any]]:
    """The operations of a StackSet that have not ended, the oldest first."""
    call = stack_set_call(wanted, stack_set.name, "ListStackSetOperations")
    try:
        # The newest come first, so those that run are all on the first page.
        found = door.call(call).get("Summaries", [])
    except Refused as refusal:
        if refusal.code == "StackSetNotFoundException":
            return []
        raise
    return [one for one in found[::-1] if one["Status"] in ("RUNNING", "QUEUED", "STOPPING")]


def _await_present(way: Walk, stack: Stack) -> None:
    request = {"StackName": stack.name}
    ask = Call(stack.side, stack.region, "cloudformation", "DescribeStacks", request)
    said = False
    while True:
        try:
            status = _patiently(way, ask)["Stacks"][0]["StackStatus"]
        except Refused as refusal:
            if refusal.code == "ValidationError" and "does not exist" in refusal.message:
                return
            raise
        if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
            return
        if not said:
            way.say(f"Waiting for the stack {stack.name} ({stack.region}), which is {status}")
            said = True
        way.pause(POLL_SECONDS)


# --- One step


def _do(way: Walk, step: Step) -> Outcome:
    if not step.gone:
        return _called(way, step)
    left: Collection[Place] = step.gone
    outcome = Outcome(step, True)
    for call in (step.call, *step.otherwise):
        outcome = _called(way, replace(step, call=call))
        if outcome.failures or _beyond(outcome):
            return replace(outcome, step=step)
        left = _still_there(way, step)
        if not left:
            return Outcome(step, True)
    failures = tuple(
        Failure(
            account,
            region,
            "LEFT",
            f"{outcome.reason or 'StackSets passed it by'}; let it go by hand: "
            + by_hand.let_go(way.wanted, step.part, account, [region]),
        )
        for account, region in sorted(left)
    )
    for failure in failures:
        _tell(way, step, failure)
    return Outcome(step, False, failures, f"{len(left)} instances are still there")


def _beyond(outcome: Outcome) -> bool:
    """Whether a refusal has nothing to do with how the request named its accounts."""
    return not outcome.ok and not any(
        code in outcome.reason for code in ("ValidationError", "StackInstanceNotFoundException")
    )


def _still_there(way: Walk, step: Step) -> list[Place]:
    """Those of a step's instances that are there, although they should be gone."""
    accounts = {account for account, _ in step.gone}
    asked: list[dict[str, str]] = [{}]
    if len(accounts) <= ASKED_ALONE:
        asked = [{"StackInstanceAccount": account} for account in sorted(accounts)]
    found = {
        (one["Account"], one["Region"])
        for given in asked
        for one in way.door.items(
            stack_set_call(way.wanted, step.part, "ListStackInstances", **given), "Summaries"
        )
    }
    return sorted(found & step.gone)


def _called(way: Walk, step: Step) -> Outcome:
    try:
        answer = _patiently(way, _resolved(way, step.call))
    except Refused as refusal:
        if refusal.code in step.done:
            answer = {}
        elif NOTHING_TO_DO in refusal.message:
            return Outcome(step, True)
        else:
            return Outcome(step, False, reason=str(refusal))
    try:
        if step.waits == "stack":
            return _await_stack(way, step)
        if step.waits == "operation":
            return _await_operation(way, step, answer["OperationId"])
    except Refused as refusal:
        return Outcome(step, False, reason=f"its end was not seen: {refusal}")
    return Outcome(step, True)


def _patiently(way: Walk, call: Call) -> dict[str, Any]:
    """Makes a call until it is answered with more than "not yet"."""
    pause = POLL_SECONDS
    for attempt in range(TRIES):
        try:
            return way.door.call(call)
        except Refused as refusal:
            if refusal.code not in NOT_YET or attempt == TRIES - 1:
                raise
            way.pause(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
    raise AssertionError("unreachable")


def _resolved(way: Walk, call: Call) -> Call:
    """The call with the ARNs that were not known when it was planned."""
    depends = call.request.get("AutoDeployment", {}).get("DependsOn", [])
    if not any(one.startswith(STACKSET_ARN) for one in depends):
        return call
    arns = [_arn(way, one) for one in depends]
    automatic = {**call.request["AutoDeployment"], "DependsOn": arns}
    request = {**call.request, "AutoDeployment": automatic}
    return Call(call.side, call.region, call.service, call.operation, request)


def _arn(way: Walk, text: str) -> str:
    if not text.startswith(STACKSET_ARN):
        return text
    name = text.removeprefix(STACKSET_ARN).removesuffix("}}")
    found = _patiently(way, stack_set_call(way.wanted, name, "DescribeStackSet"))
    return str(found["StackSet"]["StackSetARN"])


def _await_stack(way: Walk, step: Step) -> Outcome:
    name = step.call.request["StackName"]
    deleting = step.call.operation == "DeleteStack"
    ask = _beside(step.call, "DescribeStacks", {"StackName": name})
    while True:
        try:
            status = _patiently(way, ask)["Stacks"][0]["StackStatus"]
        except Refused as refusal:
            if deleting and "does not exist" in refusal.message:
                return Outcome(step, True)
            raise
        if not status.endswith("_IN_PROGRESS"):
            break
        way.pause(POLL_SECONDS)
    if deleting and status == "DELETE_FAILED" and not step.call.request.get("RetainResources"):
        held = _held_buses(way, step, name)
        if held:
            way.say(f"Leaving {', '.join(held)} of {name}: an archive with events holds its bus")
            request = {**step.call.request, "RetainResources": held}
            return _called(way, replace(step, call=_beside(step.call, "DeleteStack", request)))
    good = ("DELETE_COMPLETE",) if deleting else ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    if status in good:
        return Outcome(step, True)
    return Outcome(step, False, reason=_first_failure(way, step, name, status))


def _held_buses(way: Walk, step: Step, name: str) -> list[str]:
    """The buses because of which alone a stack could not be deleted; none when more failed.

    An archive that is kept may hold its bus: AWS's documents say both.
    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteEventBus.html
    """
    ask = _beside(step.call, "ListStackResources", {"StackName": name})
    failed = [
        one
        for one in way.door.items(ask, "StackResourceSummaries")
        if one["ResourceStatus"] == "DELETE_FAILED"
    ]
    if any(one["ResourceType"] != "AWS::Events::EventBus" for one in failed):
        return []
    return [one["LogicalResourceId"] for one in failed]


def _first_failure(way: Walk, step: Step, name: str, status: str) -> str:
    """The reason of the resource that failed first; the others failed because of it.

    Events come the newest first, those of earlier operations too: this one's begin with the stack
    itself, in progress.
    """
    ask = _beside(step.call, "DescribeStackEvents", {"StackName": name})
    reason = ""
    beginnings = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
    for event in way.door.items(ask, "StackEvents"):
        its_own = event.get("PhysicalResourceId") == event["StackId"]
        if its_own and event["ResourceStatus"] in beginnings:
            break
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
            reason = f": {event['LogicalResourceId']}: {event['ResourceStatusReason']}"
    return f"{name} is {status}{reason}"


# --- Operations on StackSets


def _await_operation(way: Walk, step: Step, identity: str) -> Outcome:
    """Waits for the end. Cells that failed for a reason that passes are tried again, alone."""
    outcome = _until_over(way, step, identity)
    pause = LONGEST_PAUSE
    for _ in range(PASSING_TRIES):
        passing = [one for one in outcome.failures if _may_pass(way, one)]
        if not passing:
            break
        lasting = [one for one in outcome.failures if one not in passing]
        way.say(f"Trying {len(passing)} of {step.part} again that failed for a passing reason")
        way.pause(pause)
        pause *= 2
        again = [_until_over(way, step, each) for each in _again(way, step, passing)]
        failures = (*lasting, *(failure for one in again for failure in one.failures))
        refused = "; ".join(one.reason for one in again if not one.ok and not one.failures)
        ok = not failures and not refused
        outcome = Outcome(step, ok, failures, "" if ok else refused or outcome.reason)
    for failure in outcome.failures:
        _tell(way, step, failure)
    if step.part == way.wanted.roles.name and step.call.operation != "DeleteStackInstances":
        way.without_roles |= {failure.account for failure in outcome.failures}
    return outcome


def _may_pass(way: Walk, failure: Failure) -> bool:
    """Whether to try a cell again: not where its role will not be there either."""
    waits_in_vain = failure.account in way.without_roles and NO_ROLE_YET in failure.reason
    return passes(failure.reason) and not waits_in_vain


def _again(way: Walk, step: Step, failures: list[Failure]) -> Iterator[str]:
    """Begins operations on just these cells; their ids."""
    places = {(failure.account, failure.region) for failure in failures}
    if step.call.operation == "DeleteStackInstances":
        found = stack_set_state(way.door, way.wanted, _set_of(way, step))
        there = places & {*found.cells} if found else set()
        state = Existing({}, {step.part: found} if found else {}, way.members or {})
        retain = bool(step.call.request["RetainStacks"])
        for retry in taking_away(way.wanted, step.part, state, there, retain):
            yield _patiently(way, retry.call)["OperationId"]
        return
    stack_set = _set_of(way, step)
    # Whether an instance has a stack decides which operation serves it.
    has_stack = step.call.operation.startswith("Update")
    cells = dict.fromkeys(places, Cell("OUTDATED", has_stack=has_stack))
    if way.members is None:
        way.members = members(way.door, way.wanted)
    present = Existing({}, {stack_set.name: StackSetState("", {}, cells)}, way.members)
    for retry in retries(way.wanted, stack_set, present, places):
        yield _patiently(way, retry.call)["OperationId"]


def _set_of(way: Walk, step: Step) -> StackSet:
    return next(one for one in (way.wanted.roles, way.wanted.rules) if one.name == step.part)


def _until_over(way: Walk, step: Step, identity: str) -> Outcome:
    request = {"StackSetName": step.part, "OperationId": identity, **call_as(way.wanted)}
    ask = _beside(step.call, "DescribeStackSetOperation", request)
    results = _beside(step.call, "ListStackSetOperationResults", request)
    # Each hundred results are a page: many cells are looked at less often.
    every = 1 + step.cells // (100 * PAGES_A_LOOK)
    looks = 0
    while True:
        operation = _patiently(way, ask)["StackSetOperation"]
        over = operation["Status"] in ("SUCCEEDED", "FAILED", "STOPPED")
        failed = (operation.get("StatusDetails") or {}).get("FailedStackInstancesCount", 0)
        if way.watch is not None and (over or looks % every == 0):
            way.watch(Progress(step, _counts(way, step, results), failed, over))
        if over:
            break
        looks += 1
        way.pause(POLL_SECONDS)
    # An operation can succeed with instances that failed: the results say which.
    failures = tuple(
        Failure(one["Account"], one["Region"], one["Status"], one.get("StatusReason", ""))
        for status in ("FAILED", "CANCELLED")
        for one in way.door.items(_with_status(results, status), "Summaries")
        if one["Status"] == status
    )
    ok = operation["Status"] == "SUCCEEDED" and not failures
    reason = "" if ok else operation.get("StatusReason") or operation["Status"]
    return Outcome(step, ok, failures, reason)


def _with_status(results: Call, status: str) -> Call:
    filters = [{"Name": "OPERATION_RESULT_STATUS", "Values": status}]
    return _beside(results, results.operation, {**results.request, "Filters": filters})


def _counts(way: Walk, step: Step, results: Call) -> dict[str, dict[str, int]]:
    """The cells by Region and status. Those that failed for good are told as they are seen."""
    counts: dict[str, dict[str, int]] = {}
    for one in way.door.items(results, "Summaries"):
        reason = one.get("StatusReason", "")
        if one["Status"] == "FAILED" and not passes(reason):
            _tell(way, step, Failure(one["Account"], one["Region"], one["Status"], reason))
        region = counts.setdefault(one["Region"], {})
        region[one["Status"]] = region.get(one["Status"], 0) + 1
    return counts


def _tell(way: Walk, step: Step, failure: Failure) -> None:
    key = (step.part, failure.account, failure.region)
    if key not in way.told:
        way.told.add(key)
        way.tell(failure)


def _beside(call: Call, operation: str, request: Mapping[str, Any]) -> Call:
    return Call(call.side, call.region, call.service, operation, request)
