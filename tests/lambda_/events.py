"""Notices of a stopped trail, made from the detection's own example."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from generator import bodies, catalogue
from generator.model import Detection

MEMBER = "111122223333"
OTHER = "444455556666"
MANAGEMENT = "999988887777"
HOME = "eu-west-1"
NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
TRAIL = f"arn:aws:cloudtrail:{HOME}:{MEMBER}:trail/account-trail"
DETECTION = "cloudtrail_logging_stopped"

MISSING: Any = object()
"""As a value: the field is not there."""

_numbers = itertools.count(1)


@lru_cache
def detection() -> Detection:
    """The detection whose notices start trails again."""
    found = catalogue.read(wanted=lambda name, _: name == DETECTION).detections[DETECTION]
    return found._replace(file=str(next(catalogue.BUILT_IN.rglob(f"{DETECTION}.yaml"))))


@lru_cache
def _example() -> str:
    return json.dumps(dict(catalogue.examples(detection())[0].event))


def stop(
    name: Any = "account-trail",
    *,
    account: str = MEMBER,
    region: str = HOME,
    at: datetime = NOW - timedelta(minutes=1),
    event_id: str = "",
    envelope: Mapping[str, Any] | None = None,
    **detail: Any,
) -> dict[str, Any]:
    """A StopLogging that succeeded. Further keywords are fields of its record."""
    event: dict[str, Any] = copy.deepcopy(json.loads(_example()))
    time = at.isoformat().replace("+00:00", "Z")
    record = {
        **event["detail"],
        "eventTime": time,
        "awsRegion": region,
        "recipientAccountId": account,
        "eventID": event_id or f"00000000-0000-0000-0000-{next(_numbers):012d}",
        "requestParameters": {"name": name},
        **detail,
    }
    whole = {
        **event,
        "account": account,
        "region": region,
        "time": time,
        "detail": _present(record),
        **(envelope or {}),
    }
    return _present(whole)


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not MISSING}


def body(event: Mapping[str, Any]) -> str:
    """What the rule of the detection sends to the queue."""
    template = bodies.notice_template(detection())
    return template.replace("<aws.events.event.json>", json.dumps(event))


def message(
    event: Mapping[str, Any] | str,
    *,
    tries: int = 1,
    id_: str = "",
    queue: str = "trailbus-trail-guard",
) -> dict[str, Any]:
    """An SQS message as Lambda hands it over. `event` is an event, or a whole body."""
    return {
        "messageId": id_ or f"message-{next(_numbers)}",
        "receiptHandle": "handle",
        "body": event if isinstance(event, str) else body(event),
        "attributes": {"ApproximateReceiveCount": str(tries), "SentTimestamp": "0"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:222222222222:{queue}",
        "awsRegion": "us-east-1",
    }


def session_of(role: str, session: str, account: str = MEMBER) -> dict[str, Any]:
    """The userIdentity of a role's session. `role` is the path and name in the role's ARN."""
    name = role.rpartition("/")[2]
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        "accountId": account,
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLE",
                "arn": f"arn:aws:iam::{account}:role{role}",
                "accountId": account,
                "userName": name,
            },
            "attributes": {"mfaAuthenticated": "false"},
        },
    }
