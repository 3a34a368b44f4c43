"""What outlives the stacks: looked into, and removed where it is empty or told to go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from generator.deploy.aws import Call, Door, Refused, Side
from generator.deploy.plan import Step
from generator.deploy.teardown import Content, Kept, bucket, removal
from generator.deploy.wanted import OURS, Wanted

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


def contents(door: Door, wanted: Wanted, kept: Iterable[Kept]) -> tuple[Content, ...]:
    """What is there of what is kept, and how much lies in it. Only reads."""
    look = {
        "AWS::SQS::Queue": _queue,
        "AWS::Events::Archive": _archive,
        "AWS::Logs::LogGroup": _log_group,
    }
    found = []
    for one in kept:
        if one.type not in look:
            found.append(Content(one, -1, "its content is not looked into", False))
            continue
        try:
            content = look[one.type](door, wanted, one)
        except Refused as refusal:
            if refusal.code not in ABSENT:
                raise
            continue
        if content is not None:
            found.append(content)
    return tuple(found)


def removals(door: Door, wanted: Wanted, found: Iterable[Content], data: bool) -> Iterator[Step]:
    """The steps that remove what is empty; with `data`, all of it. Never what is not ours."""
    for content in found:
        if content.ours and (data or content.amount == 0):
            url = _url(door, wanted, content.kept) if content.kept.type == "AWS::SQS::Queue" else ""
            yield removal(wanted, content.kept, url)


def _call(wanted: Wanted, service: str, operation: str, **request: Any) -> Call:
    return Call("central", wanted.home, service, operation, request)


def _url(door: Door, wanted: Wanted, kept: Kept) -> str:
    answer = door.call(_call(wanted, "sqs", "GetQueueUrl", QueueName=kept.name))
    return str(answer["QueueUrl"])


def _queue(door: Door, wanted: Wanted, kept: Kept) -> Content:
    url = _url(door, wanted, kept)
    ask = _call(wanted, "sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=[*COUNTS])
    counts = door.call(ask).get("Attributes", {})
    tags = door.call(_call(wanted, "sqs", "ListQueueTags", QueueUrl=url)).get("Tags", {})
    amount = sum(int(counts.get(name, 0)) for name in COUNTS)
    return Content(kept, amount, "messages", OURS.items() <= tags.items())


def _archive(door: Door, wanted: Wanted, kept: Kept) -> Content:
    found = door.call(_call(wanted, "events", "DescribeArchive", ArchiveName=kept.name))
    # An archive has no tags: it is ours when it belongs to our bus.
    ours = str(found.get("EventSourceArn", "")).endswith(f":event-bus/{wanted.bundle.prefix}")
    return Content(kept, int(found.get("EventCount", 0)), "events", ours)


def _log_group(door: Door, wanted: Wanted, kept: Kept) -> Content | None:
    ask = _call(wanted, "logs", "DescribeLogGroups", logGroupNamePrefix=kept.name)
    groups = door.call(ask).get("logGroups", [])
    group = next((one for one in groups if one["logGroupName"] == kept.name), None)
    if group is None:
        return None
    arn = group["arn"].removesuffix(":*")
    tags = door.call(_call(wanted, "logs", "ListTagsForResource", resourceArn=arn)).get("tags", {})
    return Content(kept, int(group.get("storedBytes", 0)), "bytes", OURS.items() <= tags.items())


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
        if not OURS.items() <= {tag["Key"]: tag["Value"] for tag in tags}.items():
            continue
        for found in door.items(call("ListObjectsV2"), "Contents"):
            yield Step(f"Removing {found['Key']}", call("DeleteObject", Key=found["Key"]))
        yield Step(f"Removing the bucket {name}", call("DeleteBucket"), done=("NoSuchBucket",))
