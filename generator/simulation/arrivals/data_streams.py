"""Records of rules on Kinesis streams, put there with the role that the target names."""

from __future__ import annotations

from generator.simulation.arrivals.parcel import Parcel, Undeliverable
from generator.simulation.arrived import Record
from generator.simulation.bodies import at

RECORD_LIMIT = 1_048_576
"""Bytes of a record, its key included.
https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html"""
KEY_LIMIT = 256
"""Characters of a partition key."""


def deliver(parcel: Parcel) -> str:
    """A rule's record on a stream.

    The partition key is read from the event itself, whatever the message is; without a path for
    it, it is the event's id.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
    """
    stream = parcel.addressee()
    parcel.role_must_allow("kinesis:PutRecord", stream.arn)
    path = (parcel.target.get("KinesisParameters") or {}).get("PartitionKeyPath", "$.id")
    key = at(parcel.event, str(path))
    if not isinstance(key, str) or not 0 < len(key) <= KEY_LIMIT:
        raise Undeliverable("INVALID_PARAMETER", f"no partition key of {stream.arn} at {path}")
    size = len(parcel.message.encode()) + len(key.encode())
    if size > RECORD_LIMIT:
        raise Undeliverable("INVALID_PARAMETER", f"{size} bytes are too long for {stream.arn}")
    record = Record(key, parcel.message)
    parcel.world.arrived.streams.setdefault(stream.arn, []).append(record)
    return parcel.message
