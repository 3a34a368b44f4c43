"""What was done lately, kept in a table whose items vanish by themselves."""

import os
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import boto3


@lru_cache(maxsize=1)
def _dynamodb() -> Any:
    return boto3.client("dynamodb")


def recall(key: str, since: datetime) -> set[str]:
    """The ids of events remembered under a key since then."""
    answer = _dynamodb().get_item(
        TableName=os.environ["TRAILBUS_MEMORY"],
        Key={"key": {"S": key}},
        ConsistentRead=True,
    )
    entries = answer.get("Item", {}).get("events", {}).get("SS", [])
    split = (entry.partition(" ") for entry in entries)
    return {event_id for when, _, event_id in split if float(when) >= since.timestamp()}


def remember(key: str, event_id: str, when: datetime, keep: timedelta) -> None:
    """Remembers an event under a key. Doing it twice changes nothing."""
    _dynamodb().update_item(
        TableName=os.environ["TRAILBUS_MEMORY"],
        Key={"key": {"S": key}},
        UpdateExpression="ADD #events :entry SET #expires = :expires",
        ExpressionAttributeNames={"#events": "events", "#expires": "expires"},
        ExpressionAttributeValues={
            ":entry": {"SS": [f"{when.timestamp():.0f} {event_id}"]},
            ":expires": {"N": str(int((when + keep).timestamp()))},
        },
    )
