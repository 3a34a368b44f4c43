"""What ConsoleMe's jobs do with a message, and what they need of it."""

from __future__ import annotations

import json
import re

from generator.model import Json

DENIES = "consoleme-cloudtrail-access-deny-events"
ROLES = "consoleme-cloudtrail-role-events"


def decoded(body: str) -> Json:
    """What ConsoleMe's jobs make of a message: the envelope of a topic is known by one key."""
    message = json.loads(body)
    return json.loads(message["Message"]) if "Message" in message else message


def assert_denial(body: str) -> None:
    """What its denies job needs: without it a message is never deleted, or the job dies."""
    event = decoded(body)
    detail = event["detail"]
    assert detail["errorCode"] in ("UnauthorizedOperation", "AccessDenied")
    assert detail["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"].startswith("arn:")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", detail["eventTime"])
    assert isinstance(detail["eventSource"], str)
    assert isinstance(detail["eventName"], str)
    assert "sourceIPAddress" in detail
    assert "Message" not in event


def assert_role_change(body: str) -> None:
    """What its roles job needs."""
    event = decoded(body)
    assert isinstance(event["detail"]["requestParameters"]["roleName"], str)
    assert re.fullmatch(r"\d{12}", event["detail"]["recipientAccountId"])
    assert event["region"] == "us-east-1"
    assert "Message" not in event
