"""Genuine events and the engine's own verdicts on them, kept outside the repository.

TRAILBUS_DATA names the folder; without it the tests that need it are skipped.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from generator.model import Json

DATA = Path(os.environ.get("TRAILBUS_DATA", "")).expanduser()
"""The folder of recorded data; meaningless where `requires_data` skips."""

requires_data = pytest.mark.skipif(
    not os.environ.get("TRAILBUS_DATA"), reason="TRAILBUS_DATA names no folder of recorded data"
)

_DETAIL_TYPES = {
    "AwsApiCall": "AWS API Call via CloudTrail",
    "AwsServiceEvent": "AWS Service Event via CloudTrail",
    "AwsConsoleSignIn": "AWS Console Sign In via CloudTrail",
    "AwsConsoleSignin": "AWS Console Sign In via CloudTrail",
    "AwsConsoleAction": "AWS Console Action via CloudTrail",
    "AwsCloudTrailInsight": "AWS Insight via CloudTrail",
}


@lru_cache(maxsize=1)
def recorded_events() -> tuple[dict[str, Json], ...]:
    """Every recorded CloudTrail record as the EventBridge event it makes, in file order.

    The same objects each time: a test that changes one must copy it first.
    """
    with gzip.open(DATA / "cloudtrail" / "records.jsonl.gz", "rt", encoding="utf-8") as lines:
        return tuple(wrapped(json.loads(line)) for line in lines)


def wrapped(record: dict[str, Json]) -> dict[str, Json]:
    """The EventBridge event that a CloudTrail record makes."""
    service = record.get("eventSource", "cloudtrail.amazonaws.com")
    identity = record.get("userIdentity") or {}
    return {
        "version": "0",
        "id": record.get("eventID"),
        "detail-type": _DETAIL_TYPES[record["eventType"]],
        "source": "aws." + service.removesuffix(".amazonaws.com"),
        "account": record.get("recipientAccountId") or identity.get("accountId") or "000000000000",
        "time": record["eventTime"],
        "region": record["awsRegion"],
        "resources": [],
        "detail": record,
    }


def lines_of(name: str) -> Iterator[dict[str, Json]]:
    """The lines of one file of patterns and verdicts."""
    with (DATA / "patterns" / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
