"""Records of rules on Firehose streams, and from there as lines of objects into a bucket."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime

from moto.s3.models import s3_backends

from generator.simulation import access
from generator.simulation.arrivals.parcel import Parcel, Undeliverable
from generator.simulation.authorization import Caller, Policies, Request, decide
from generator.simulation.cloudformation.providers.kind import identifier
from generator.simulation.journeys import DeadLetter
from generator.simulation.world import Resource, World, partition_of

RECORD_LIMIT = 1_024_000
"""Bytes of a record: https://docs.aws.amazon.com/firehose/latest/dev/limits.html"""
COLLECTED = 50
"""Records in an object. The real Firehose counts megabytes and minutes."""

_DELIMITER = "AppendDelimiterToRecord"
_TIMESTAMP = re.compile(r"!\{timestamp:([^}]*)\}")
_FORMATS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H"}


def deliver(parcel: Parcel) -> str | None:
    """A rule's record on a stream; None when the stream took it and the bucket did not."""
    stream = parcel.addressee()
    parcel.role_must_allow("firehose:PutRecord", stream.arn)
    size = len(parcel.message.encode())
    if size > RECORD_LIMIT:
        raise Undeliverable("INVALID_PARAMETER", f"{size} bytes are too long for {stream.arn}")
    try:
        _write(parcel, stream)
    except Undeliverable as problem:
        # Firehose tries for a day, and then gives up what it could write nowhere.
        # https://docs.aws.amazon.com/firehose/latest/dev/retry.html
        why = f"{problem}; lost after a day"
        parcel.journey.dead_letters.append(
            DeadLetter(parcel.rule_name, parcel.target_id, "", problem.code, why)
        )
        return None
    return parcel.message


def _write(parcel: Parcel, stream: Resource) -> None:
    """The record into the object of its stream and day, rewritten with one line more."""
    world = parcel.world
    to = stream.properties["ExtendedS3DestinationConfiguration"]
    bucket = world.inventory.by_arn(str(to["BucketARN"]))
    if bucket is None:
        raise Undeliverable("S3.NoSuchBucket", f"there is no {to['BucketARN']}")
    processing = to.get("ProcessingConfiguration") or {}
    types = [str(each["Type"]) for each in processing.get("Processors", [])]
    if types != [_DELIMITER] or to.get("CompressionFormat") != "GZIP":
        raise AssertionError(f"{stream.arn}: only lines in GZIP are simulated, not {types}")
    moment = _arrival(parcel)
    prefix = _filled(str(to.get("Prefix", "")), moment)
    arrived, place = world.arrived, (stream.arn, prefix)
    objects = arrived.objects.setdefault(bucket.physical_id, {})
    key = arrived.filling.get(place, "")
    if not key or len(objects[key]) >= COLLECTED:
        number = str(len(objects))
        name = str(stream.properties["DeliveryStreamName"])
        stamp = moment.strftime("%Y-%m-%d-%H-%M-%S")
        key = f"{prefix}{name}-1-{stamp}-{identifier(stream.arn, prefix, number)}.gz"
    _must_let_write(world, str(to["RoleARN"]), stream, bucket, key)
    arrived.filling[place] = key
    lines = objects.setdefault(key, [])
    lines.append(parcel.message)
    whole = gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
    s3_backends[bucket.account][partition_of(bucket.region)].put_object(
        bucket.physical_id, key, whole
    )


def _must_let_write(
    world: World, role_arn: str, stream: Resource, bucket: Resource, key: str
) -> None:
    """Firehose's role, by its trust and rights and by the bucket's policy.

    https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
    """
    role = world.inventory.by_arn(role_arn)
    if role is None:
        raise Undeliverable("S3.AccessDenied", f"there is no role {role_arn}")
    firehose = Caller.aws_service("firehose.amazonaws.com")
    context = {"sts:ExternalId": stream.account}
    assumed = access.may_assume(world, firehose, role, context, ())
    if not assumed.allowed:
        raise Undeliverable("S3.AccessDenied", f"the trust of {role_arn}: {assumed.because}")
    request = Request(
        access.caller_of_role(world, role, "AWSFirehoseToS3"),
        "s3:PutObject",
        f"{bucket.arn}/{key}",
        {"aws:SecureTransport": "true"},
        bucket.account,
    )
    policies = Policies(identity=access.of_role(role), resource=access.policy_on(world, bucket.arn))
    decision = decide(request, policies)
    if not decision.allowed:
        raise Undeliverable("S3.AccessDenied", f"{bucket.arn}/{key}: {decision.because}")


def _arrival(parcel: Parcel) -> datetime:
    """When the record arrives: nothing waits in a simulation, so at the time of its event."""
    try:
        moment = datetime.fromisoformat(str(parcel.event.get("time")))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime(1970, 1, 1, tzinfo=UTC)


def _filled(prefix: str, moment: datetime) -> str:
    """A prefix with its times, which are UTC.

    https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
    """

    def written(found: re.Match[str]) -> str:
        return re.sub("|".join(_FORMATS), lambda part: moment.strftime(_FORMATS[part[0]]), found[1])

    return _TIMESTAMP.sub(written, prefix)
