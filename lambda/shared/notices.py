"""A notice: the event that a rule sent, and what is known about the detection that matched.

The envelope is EventBridge's and the record in it is CloudTrail's, but the values in a record are
whatever its caller sent: a field may be missing, of another type, or thousands of characters long.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Notice:
    """One event with its detection. The account that counts is the envelope's.

    Every property has a value of its type, an empty one where the event says nothing usable.
    """

    message_id: str
    tries: int
    detection: dict[str, Any]
    event: dict[str, Any]
    receipt: str = field(default="", kw_only=True)
    """By what the queue knows the message; empty where none handed it over."""
    look: int = field(default=0, kw_only=True)
    """How often the responder had itself look again, because of this event."""

    @property
    def detail(self) -> dict[str, Any]:
        """CloudTrail's record."""
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
        """CloudTrail's id; the envelope's own changes on the way from Region to Region."""
        return text(self.detail.get("eventID"))

    @property
    def event_name(self) -> str:
        return text(self.detail.get("eventName"))

    @property
    def event_time(self) -> datetime | None:
        try:
            moment = datetime.fromisoformat(text(self.detail.get("eventTime")))
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    @property
    def caller(self) -> str:
        """The ARN of who made the call; a role's session has one of its own."""
        return text(nested(self.detail, "userIdentity", "arn"))

    @property
    def role_arn(self) -> str:
        """The role behind the call's session, if it was made by one."""
        return text(nested(self.detail, "userIdentity", "sessionContext", "sessionIssuer", "arn"))

    @property
    def principal(self) -> str:
        """The role or the IAM user behind the call, by what its caller cannot choose.

        The ARN of a session ends in a name that whoever assumes the role gives it.
        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
        """
        kind = text(nested(self.detail, "userIdentity", "type"))
        return self.role_arn or (self.caller if kind in ("IAMUser", "Root") else "")

    def is_call(self, event_source: str, *event_names: str) -> bool:
        """Whether it is one of these calls, of this service: names alone are not unique."""
        return self.detail.get("eventSource") == event_source and self.event_name in event_names

    def parameter(self, name: str) -> Any:
        """A field of requestParameters; None when it, or all of them, are missing."""
        return nested(self.detail, "requestParameters", name)


def text(value: Any) -> str:
    """The value if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def nested(value: Any, *keys: str) -> Any:
    """What stands under the keys, or None where the way ends early."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def insight_of(detail: dict[str, Any]) -> dict[str, Any]:
    """What an event of CloudTrail Insights tells, where others have their own fields; else {}.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-trails.html
    """
    told = detail.get("insightDetails")
    return told if isinstance(told, dict) else {}


def attributed_to(insight: dict[str, Any], *attributes: str) -> str:
    """Whom an insight names most for one of these attributes; empty when it names nobody."""
    context = insight.get("insightContext")
    listed = nested(context, "attributions") or insight.get("attributions")
    for each in listed if isinstance(listed, list) else []:
        shares = nested(each, "insight")
        if nested(each, "attribute") in attributes and isinstance(shares, list) and shares:
            return text(nested(shares[0], "value"))
    return ""


def notice_of(record: dict[str, Any]) -> Notice:
    """The notice in an SQS record; ValueError when it holds none."""
    body = json.loads(record["body"])
    detection, event = nested(body, "detection"), nested(body, "event")
    if not isinstance(detection, dict) or not isinstance(event, dict):
        raise ValueError("the message is no notice: it wants `detection` and `event`")
    tries = int(nested(record, "attributes", "ApproximateReceiveCount") or 1)
    return Notice(
        record["messageId"],
        tries,
        detection,
        event,
        receipt=text(record.get("receiptHandle")),
        look=int(body.get("look") or 0),
    )
