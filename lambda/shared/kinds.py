"""What a chat is told of beside detections: reports of responders, and the product's own alarms."""

import json
from dataclasses import dataclass, field
from typing import Any

from shared.alarm_messages import is_alarm
from shared.notices import Notice, nested, notice_of, text


@dataclass(frozen=True)
class Report(Notice):
    """A report of a responder, read as the notice that it is about."""

    said: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Alarm(Notice):
    """An alarm of the product itself."""

    said: dict[str, Any] = field(default_factory=dict)


def notice_or_report(record: dict[str, Any]) -> Notice:
    """The notice in a message, the report or the alarm; ValueError when it is none of them."""
    tries = int(nested(record, "attributes", "ApproximateReceiveCount") or 1)
    try:
        return notice_of(record)
    except ValueError:
        said = json.loads(record["body"])
        if is_alarm(said):
            event = {"account": said.get("AWSAccountId")}
            return Alarm(record["messageId"], tries, {"id": "alarm"}, event, said)
        if not text(nested(said, "outcome")) or not text(nested(said, "responder")):
            raise
    names = {"eventID": "event_id", "eventName": "event_name", "eventTime": "event_time"}
    detail = {key: said.get(name) for key, name in names.items()}
    event = {"account": said.get("account"), "region": said.get("region"), "detail": detail}
    detection = {"id": said.get("detection")}
    return Report(record["messageId"], tries, detection, event, said)
