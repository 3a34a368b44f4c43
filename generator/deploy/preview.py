"""What CloudFormation itself says a change would do: a change set, made, read and taken away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generator.deploy.apply import NOT_YET, POLL_SECONDS, Pause
from generator.deploy.aws import Call, Door, Refused
from generator.deploy.existing import NOT_OFFERED
from generator.deploy.plan import StackChange, stack_request, template_source
from generator.deploy.wanted import CHANGE_SET, Wanted

NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
PATIENCE = 60


@dataclass(frozen=True)
class Foreseen:
    """One resource of a change set."""

    action: str
    logical_id: str
    type: str
    replacement: str = ""
    properties: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What the validation of a change set found: the change would fail."""

    logical_id: str
    type: str
    path: str
    reason: str


@dataclass(frozen=True)
class Preview:
    """A change set, read. Without `made`, `note` says why there is none, and `refused` whether
    AWS would not make it."""

    made: bool
    changes: tuple[Foreseen, ...] = ()
    findings: tuple[Finding, ...] = ()
    note: str = ""
    refused: bool = False


def preview(
    door: Door, wanted: Wanted, change: StackChange, pause: Pause, keep_bucket: bool = False
) -> Preview:
    """Makes a change set of a stack, reads it, and removes it with all that it needed.

    A change set of a stack that does not exist leaves an empty stack in REVIEW_IN_PROGRESS, and a
    template too long for a request needs a bucket with an object: all go again, but for what was
    there before and, with `keep_bucket`, the bucket and its object.
    """
    if change.action == "keep":
        return Preview(False, note="nothing changes")
    if change.action == "recreate" and change.status != "REVIEW_IN_PROGRESS":
        return Preview(False, note=f"the stack is {change.status}: it is removed and made anew")
    with contextlib.ExitStack() as after:
        try:
            source = _within_reach(door, wanted, change, after, keep_bucket)
            return _made(door, wanted, change, source, pause, after)
        except Refused as refusal:
            return Preview(False, note=f"no change set: {refusal}", refused=True)


def _within_reach(
    door: Door,
    wanted: Wanted,
    change: StackChange,
    after: contextlib.ExitStack,
    keep_bucket: bool,
) -> Mapping[str, str]:
    stack = change.stack
    steps = template_source(wanted, stack.template, stack.side, stack.region)
    found = False
    try:
        while True:
            step = next(steps)
            request = step.call.request
            if step.call.operation == "CreateBucket":
                found = _exists(door, step.call)
                if not found and not keep_bucket:
                    bucket = {"Bucket": request["Bucket"]}
                    after.callback(door.call, _beside(step.call, "DeleteBucket", bucket))
            elif step.call.operation == "PutObject":
                _upload(door, step.call, after, keep_bucket)
            if not found and step.call.operation != "PutObject":
                door.call(step.call)
    except StopIteration as end:
        source: Mapping[str, str] = end.value
        return source


def _upload(door: Door, call: Call, after: contextlib.ExitStack, keep: bool) -> None:
    """Uploads the template; unless it is kept, exactly what this upload added goes again."""
    if keep:
        door.call(call)
        return
    where = {key: call.request[key] for key in ("Bucket", "Key", "ExpectedBucketOwner")}
    version: dict[str, str] = {}
    there = _exists(door, call, "HeadObject", where)

    def remove() -> None:
        # In a bucket without versions, an object that a deploy has left there is not ours to take.
        if version or not there:
            door.call(_beside(call, "DeleteObject", {**where, **version}))

    # Before the upload: an interruption may come while it is under way.
    after.callback(remove)
    identity = door.call(call).get("VersionId")
    # "null" is the one version where versioning is suspended: it took the place of the older one.
    if identity and identity != "null":
        version["VersionId"] = identity


def _exists(
    door: Door, call: Call, operation: str = "HeadBucket", where: Mapping[str, Any] | None = None
) -> bool:
    try:
        door.call(_beside(call, operation, where or {"Bucket": call.request["Bucket"]}))
    except Refused as refusal:
        if refusal.code in ("404", "NoSuchBucket", "NoSuchKey", "NotFound"):
            return False
        raise
    return True


def _made(
    door: Door,
    wanted: Wanted,
    change: StackChange,
    source: Mapping[str, str],
    pause: Pause,
    after: contextlib.ExitStack,
) -> Preview:
    stack = change.stack

    def call(operation: str, **request: Any) -> Call:
        whole = {"StackName": stack.name, **request}
        return Call(stack.side, stack.region, "cloudformation", operation, whole)

    named = {"ChangeSetName": CHANGE_SET}
    creating = change.action != "update"
    request = {**stack_request(wanted, stack, source), **named}
    request["ChangeSetType"] = "CREATE" if creating else "UPDATE"
    if creating:
        after.callback(_await_gone, door, call, pause)
    try:
        door.call(call("CreateChangeSet", **request))
    except Refused as refusal:
        if refusal.code != "AlreadyExistsException":
            raise
        # One that an interrupted plan has left.
        door.call(call("DeleteChangeSet", **named))
        door.call(call("CreateChangeSet", **request))
    after.callback(door.call, call("DeleteChangeSet", **named))
    for _ in range(PATIENCE):
        found = door.call(call("DescribeChangeSet", **named))
        if found["Status"] in ("CREATE_COMPLETE", "FAILED"):
            break
        pause(POLL_SECONDS)
    changes = tuple(_changes(door, call("DescribeChangeSet", **named)))
    findings = _findings(door, call("DescribeEvents", **named))
    reason = found.get("StatusReason", "")
    if found["Status"] != "CREATE_COMPLETE" and not findings:
        if any(words in reason for words in NO_CHANGES):
            return Preview(True, note="CloudFormation sees nothing to change")
        findings = (Finding("", "", "", reason or found["Status"]),)
    return Preview(True, changes, findings)


def _await_gone(door: Door, call: Any, pause: Pause) -> None:
    """Removes the empty stack that the change set was made for; one that has come to be stays."""
    for _ in range(PATIENCE):
        try:
            status = door.call(call("DescribeStacks"))["Stacks"][0]["StackStatus"]
        except Refused as refusal:
            if "does not exist" in refusal.message:
                return
            raise
        if status == "REVIEW_IN_PROGRESS":
            door.call(call("DeleteStack"))
        elif status != "DELETE_IN_PROGRESS":
            return
        pause(POLL_SECONDS)


def _changes(door: Door, call: Call) -> Iterator[Foreseen]:
    for one in door.items(call, "Changes"):
        found = one["ResourceChange"]
        targets = [detail.get("Target", {}) for detail in found.get("Details", [])]
        names = {target.get("Name") or target.get("Attribute", "") for target in targets}
        yield Foreseen(
            found["Action"],
            found["LogicalResourceId"],
            found["ResourceType"],
            found.get("Replacement", ""),
            tuple(sorted(names)),
        )


def _findings(door: Door, call: Call) -> tuple[Finding, ...]:
    """What the pre-deployment validation found.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
    """
    try:
        return tuple(
            Finding(
                event.get("LogicalResourceId", ""),
                event.get("ResourceType", ""),
                event.get("ValidationPath", ""),
                event.get("ValidationStatusReason", ""),
            )
            for event in door.items(call, "OperationEvents")
            if event.get("EventType") == "VALIDATION_ERROR"
        )
    except Refused as refusal:
        if refusal.code not in NOT_OFFERED | NOT_YET:
            raise
        return ()


def _beside(call: Call, operation: str, request: Mapping[str, Any]) -> Call:
    return Call(call.side, call.region, call.service, operation, request)
