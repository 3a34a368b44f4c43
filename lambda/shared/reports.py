"""Says what a responder did, in one structured log line and on the report topic."""

import json
import os
from functools import lru_cache
from typing import Any

import boto3

from shared.notices import Notice, nested, text


@lru_cache(maxsize=1)
def _sns() -> Any:
    return boto3.client("sns")


LOUD = ("failed", "gave up", "not there")
"""Outcomes that a person should look at."""


def report(notice: Notice, outcome: str, message: str, **evidence: Any) -> None:
    """Logs what came of an event, and publishes it unless nothing was to be done.

    `evidence` says what was there before, what is there after, and how to undo it.
    """
    line = {
        "level": "ERROR" if outcome in LOUD else "INFO",
        "responder": os.environ["TRAILBUS_TARGET"],
        "outcome": outcome,
        "message": message,
        "detection": text(notice.detection.get("id")),
        "account": notice.account,
        "region": notice.region,
        "event_id": notice.event_id,
        "event_name": text(notice.detail.get("eventName")),
        "by": text(nested(notice.detail, "userIdentity", "arn")),
        **evidence,
    }
    print(json.dumps(line))
    if outcome != "ignored":
        _sns().publish(
            TopicArn=os.environ["TRAILBUS_REPORTS"],
            Subject=f"{os.environ['TRAILBUS_TARGET']}: {outcome} in {notice.account}"[:100],
            Message=json.dumps(line),
        )
