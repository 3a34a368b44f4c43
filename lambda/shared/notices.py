"""A notice: the event that a rule sent, and what is known about the detection that matched."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Notice:
    """One event with its detection. The account that counts is the envelope's."""

    message_id: str
    tries: int
    detection: dict[str, Any]
    event: dict[str, Any]

    @property
    def detail(self) -> dict[str, Any]:
        detail = self.event.get("detail")
        return detail if isinstance(detail, dict) else {}

    @property
    def account(self) -> str:
        return text(self.event.get("account"))

    @property
    def region(self) -> str:
        return text(self.event.get("region"))

    @property
    def event_id(self) -> str:
        return text(self.detail.get("eventID"))

    @property
    def event_time(self) -> datetime | None:
        try:
            return datetime.fromisoformat(text(self.detail.get("eventTime")))
        except ValueError:
            return None

    def parameter(self, name: str) -> Any:
        """A field of requestParameters; None when it, or all of them, are missing."""
        parameters = self.detail.get("requestParameters")
        return parameters.get(name) if isinstance(parameters, dict) else None

    @property
    def role_arn(self) -> str:
        """The role behind the call's session, if it was made by one."""
        return text(nested(self.detail, "userIdentity", "sessionContext", "sessionIssuer", "arn"))


def text(value: Any) -> str:
    """The value if it is text, else nothing: fields of an event may hold anything."""
    return value if isinstance(value, str) else ""


def nested(value: Any, *keys: str) -> Any:
    """What stands under the keys, or None where the way ends early."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def notice_of(record: dict[str, Any]) -> Notice:
    """The notice in an SQS record; ValueError when it holds none."""
    body = json.loads(record["body"])
    detection = body.get("detection") if isinstance(body, dict) else None
    event = body.get("event") if isinstance(body, dict) else None
    if not isinstance(detection, dict) or not isinstance(event, dict):
        raise ValueError("the message is no notice: it wants `detection` and `event`")
    tries = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    return Notice(record["messageId"], tries, detection, event)


def reason_to_ignore(
    notice: Notice, now: datetime, own_roles: tuple[str, ...], oldest: timedelta
) -> str:
    """Why nothing may be done about this event; empty when it may.

    CloudTrail's records are written by whoever made the call, so nothing in them may send the
    responder to another account than the one whose bus the event came from.
    """
    if notice.event.get("replay-name"):
        return "replayed: a replay is for consumers, not for acting again"
    if notice.detail.get("errorCode"):
        return f"the call failed: {text(notice.detail.get('errorCode'))}"
    recipient = text(notice.detail.get("recipientAccountId")) or notice.account
    if recipient != notice.account:
        return f"refused: the event came from {notice.account}, its record says {recipient}"
    if notice.role_arn and notice.role_arn in own_roles:
        return "made by this responder itself"
    if notice.event_time is None:
        return "refused: the record has no readable eventTime"
    if now - notice.event_time > oldest:
        return f"stale: older than {int(oldest.total_seconds() // 3600)} hours"
    return ""
