"""What outlives the stacks: looked into, and removed where it is empty or told to go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from generator import names
from generator.deploy.aws import Call, Door, Refused, Side
from generator.deploy.plan import Step
from generator.deploy.teardown import BUS, Content, Kept, bucket, removal
from generator.deploy.wanted import INSTALLATION, Wanted, ours

ABSENT = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchBucket",
        "NotFound",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    }
)
"""How services say that there is no such thing."""

COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


STACK_ID = "aws:cloudformation:stack-id"
"""The tag by which CloudFormation tells which stack made something, also when that is gone."""


def contents(
    door: Door, wanted: Wanted, kept: Iterable[Kept], proven: Collection[Kept] = ()
) -> tuple[Content, ...]:
    """What is there of what is kept, and how much lies in it. Only reads.

    `proven` were ours while the central stack still held them.
    """
    look = {
        "AWS::SQS::Queue": _queue,
        "AWS::Events::Archive": _archive,
        "AWS::Logs::LogGroup": _log_group,
        "AWS::Kinesis::Stream": _stream,
        BUS: _bus,
    }
    found = []
    for one in kept:
        if one.type not in look:
            why = "its content is not looked into"
            found.append(Content(one, -1, why, why))
            continue
        try:
            content, identity = look[one.type](door, wanted, one)
        except Refused as refusal:
            if refusal.code not in ABSENT:
                raise
            continue
        owner = _owner(door, wanted, identity)
        if owner == wanted.central.name:
            if one.type != BUS:  # it goes with its stack, as a rule
                found.append(content._replace(why=""))
        elif owner:
            found.append(content._replace(why=f"it belongs to the stack {owner}"))
        else:
            found.append(content._replace(why="") if one in proven else content)
    return tuple(found)


def _owner(door: Door, wanted: Wanted, identity: str) -> str:
    """The stack that something belongs to now; empty when there is none."""
    ask = _call(wanted, "cloudformation", "DescribeStackResources", PhysicalResourceId=identity)
    try:
        resources = door.call(ask).get("StackResources", [])
    except Refused as refusal:
        if refusal.code == "ValidationError" and "does not exist" in refusal.message:
            return ""
        raise
    return str(resources[0]["StackName"]) if resources else ""


def _stranger(wanted: Wanted, tags: Mapping[str, str]) -> str:
    """Why something with these tags is not provably ours; empty when it is.

    Releases before the tag of the installation left none: there only the stack's own tells.
    """
    if not ours(tags) or INSTALLATION in tags:
        return wanted.stranger(tags, {})
    place = wanted.place
    mine = (
        f"arn:{wanted.partition}:cloudformation:{wanted.home}:{place.central_account}:stack/"
        f"{wanted.central.name}/"
    )
    if tags.get(STACK_ID, "").startswith(mine):
        return ""
    return "an earlier release made it, and nothing tells for which installation"


def removals(door: Door, wanted: Wanted, found: Iterable[Content], data: bool) -> Iterator[Step]:
    """The steps that remove what is empty; with `data`, all of it. Never what is not ours.

    A bus goes after the archive that held it.
    """
    found = tuple(found)
    archives = [one for one in found if one.kept.type == "AWS::Events::Archive"]
    free = all(one.ours and one.amount == 0 for one in archives)
    for content in found:
        if content.ours and (data or content.amount == 0 or (content.kept.type == BUS and free)):
            url = _url(door, wanted, content.kept) if content.kept.type == "AWS::SQS::Queue" else ""
            yield removal(wanted, content.kept, url)


def _call(wanted: Wanted, service: str, operation: str, **request: Any) -> Call:
    return Call("central", wanted.home, service, operation, request)


def _url(door: Door, wanted: Wanted, kept: Kept) -> str:
    answer = door.call(_call(wanted, "sqs", "GetQueueUrl", QueueName=kept.name))
    return str(answer["QueueUrl"])


Look = tuple[Content, str]
"""What lies in something, and how CloudFormation knows it."""


def _queue(door: Door, wanted: Wanted, kept: Kept) -> Look:
    url = _url(door, wanted, kept)
    ask = _call(wanted, "sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=[*COUNTS])
    counts = door.call(ask).get("Attributes", {})
    tags = door.call(_call(wanted, "sqs", "ListQueueTags", QueueUrl=url)).get("Tags", {})
    amount = sum(int(counts.get(name, 0)) for name in COUNTS)
    return Content(kept, amount, "messages", _stranger(wanted, tags)), url


def _archive(door: Door, wanted: Wanted, kept: Kept) -> Look:
    found = door.call(_call(wanted, "events", "DescribeArchive", ArchiveName=kept.name))
    # An archive has no tags: it is ours when it belongs to our bus.
    source = str(found.get("EventSourceArn", ""))
    why = "" if source == _bus_arn(wanted) else f"it is of {source}"
    return Content(kept, int(found.get("EventCount", 0)), "events", why), kept.name


def _bus_arn(wanted: Wanted) -> str:
    account, bus = wanted.place.central_account, names.bus(wanted.bundle.prefix)
    return f"arn:{wanted.partition}:events:{wanted.home}:{account}:event-bus/{bus}"


def _bus(door: Door, wanted: Wanted, kept: Kept) -> Look:
    arn = door.call(_call(wanted, "events", "DescribeEventBus", Name=kept.name))["Arn"]
    listed = door.call(_call(wanted, "events", "ListTagsForResource", ResourceARN=arn))
    tags = {tag["Key"]: tag["Value"] for tag in listed.get("Tags", [])}
    archives = door.call(_call(wanted, "events", "ListArchives", EventSourceArn=arn))
    amount = len(archives.get("Archives", []))
    return Content(kept, amount, "archives", _stranger(wanted, tags)), kept.name


def _stream(door: Door, wanted: Wanted, kept: Kept) -> Look:
    door.call(_call(wanted, "kinesis", "DescribeStreamSummary", StreamName=kept.name))
    listed = door.call(_call(wanted, "kinesis", "ListTagsForStream", StreamName=kept.name))
    tags = {tag["Key"]: tag["Value"] for tag in listed.get("Tags", [])}
    return Content(kept, -1, "records that nobody counts", _stranger(wanted, tags)), kept.name


def _log_group(door: Door, wanted: Wanted, kept: Kept) -> Look:
    ask = _call(wanted, "logs", "DescribeLogGroups", logGroupNamePrefix=kept.name)
    groups = door.call(ask).get("logGroups", [])
    group = next((one for one in groups if one["logGroupName"] == kept.name), None)
    if group is None:
        raise Refused("central", wanted.home, ask.operation, "ResourceNotFoundException", kept.name)
    arn = group["arn"].removesuffix(":*")
    tags = door.call(_call(wanted, "logs", "ListTagsForResource", resourceArn=arn)).get("tags", {})
    amount = int(group.get("storedBytes", 0))
    return Content(kept, amount, "bytes", _stranger(wanted, tags)), kept.name


def artifact_steps(door: Door, wanted: Wanted) -> Iterator[Step]:
    """The steps that empty and remove the buckets for templates, where there are any of ours."""
    sides: tuple[Side, ...] = ("central", "management")
    for side in sides:
        name = bucket(wanted, side)
        account = wanted.place.central_account if side == "central" else wanted.place.administrator
        owned = {"Bucket": name, "ExpectedBucketOwner": account}

        def call(
            operation: str,
            side: Side = side,
            owned: dict[str, str] = owned,
            **request: Any,
        ) -> Call:
            return Call(side, wanted.home, "s3", operation, {**owned, **request})

        try:
            tags = door.call(call("GetBucketTagging")).get("TagSet", [])
        except Refused as refusal:
            if refusal.code in ABSENT | {"NoSuchTagSet"}:
                continue
            raise
        # Its name tells prefix, account and Region: no other installation has one of that name.
        if not ours({tag["Key"]: tag["Value"] for tag in tags}):
            continue
        for found in door.items(call("ListObjectsV2"), "Contents"):
            yield Step(f"Removing {found['Key']}", call("DeleteObject", Key=found["Key"]))
        yield Step(f"Removing the bucket {name}", call("DeleteBucket"), done=("NoSuchBucket",))
