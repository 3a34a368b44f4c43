"""What is alike among notices, and what must be told by itself whatever else was told.

Nothing that a caller may choose freely hides anything: events are alike when detection, account,
Region, call, result, resources and the caller's role are the same.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from shared.alarm_messages import message_of_alarm
from shared.budgets import Line, minute_of
from shared.callers import who_called
from shared.clock import now
from shared.kinds import Alarm, Report
from shared.messages import Message, message_of, message_of_report
from shared.notices import Notice, nested, text
from shared.secrecy import is_sensitive, readable

RANKS = ("done", "info", "low", "medium", "high", "critical")
"""Severities as messages have them, the mildest first."""
_GOOD = ("blocked", "excepted", "observed", "reported", "required", "restarted", "tagged")
"""Outcomes that may be joined: whatever else a responder says is told by itself."""
_NAMING_ENDS = ("name", "names", "arn", "arns", "id", "ids", "identifier", "identifiers", "bucket")
_NAMES_NOTHING = (
    "requestid", "clientrequestid", "eventid", "reservationid", "requesterid", "ownerid",
)  # fmt: skip
_DEEP = 5
_MANY = 50


@dataclass(frozen=True)
class Story:
    """What is to be told. `alike` is its series, if it may join one; `budget` the account's."""

    message: Message
    line: Line
    alike: str
    budget: str


def rank(severity: str) -> int:
    return RANKS.index(severity) if severity in RANKS else 0


def stands_alone(notice: Notice) -> bool:
    """Whether an event is never joined with others: a critical one, or one of the root user."""
    identity = notice.detail.get("userIdentity")
    root = text(nested(identity, "type")) == "Root" or notice.caller.endswith(":root")
    return root or text(notice.detection.get("severity")) == "critical"


def report_stands_alone(said: dict[str, Any]) -> bool:
    """Whether a report is never joined with others: all that does not tell of a success."""
    return text(said.get("outcome")) not in _GOOD or rank(text(said.get("severity"))) >= 4


def what_is_alike(notice: Notice) -> list[str]:
    """The words that are the same in events that are alike."""
    detail = notice.detail
    return [
        notice.account,
        notice.region,
        text(detail.get("eventSource")),
        notice.event_name,
        text(detail.get("errorCode")),
        text(nested(detail, "responseElements", "ConsoleLogin")),
        caller_of(notice),
        *(subjects(notice) or ["from", text(detail.get("sourceIPAddress"))]),
    ]


def caller_of(notice: Notice) -> str:
    """Who called, without what they may choose: a session's name is not part of it.

    IAM Identity Center sets the names of its sessions, and nobody changes a source identity.
    """
    identity = notice.detail.get("userIdentity")
    arn, role = notice.caller, notice.role_arn
    session = nested(identity, "sessionContext")
    person = text(nested(session, "sourceIdentity"))
    person = person or text(nested(session, "attributes", "sourceIdentity"))
    if "/aws-reserved/sso.amazonaws.com/" in role:
        person = person or arn.rpartition("/")[2]
    if not role and ":assumed-role/" in arn:
        role = arn.rpartition("/")[0]
    principal = text(nested(identity, "principalId")).partition(":")[0]
    invoked_by = text(nested(identity, "invokedBy"))
    return " ".join((role or arn or principal or invoked_by, person)).strip()


def subjects(notice: Notice) -> list[str]:
    """Every resource that the record names: what CloudTrail lists, and what the call named."""
    listed_ = notice.detail.get("resources")
    found = [
        text(entry.get("ARN") or entry.get("arn"))
        for entry in (listed_ if isinstance(listed_, list) else [])
        if isinstance(entry, dict)
    ]
    for held in (notice.detail.get("requestParameters"), notice.detail.get("responseElements")):
        found += _names_in(held, _DEEP)
    return sorted({each for each in found if each})[:_MANY]


def _names_in(held: Any, depth: int, key: str = "") -> Iterator[str]:
    if isinstance(held, dict) and depth:
        for name, value in held.items():
            yield from _names_in(value, depth - 1, str(name))
    elif isinstance(held, list) and depth:
        for value in held:
            yield from _names_in(value, depth - 1, key)
    elif isinstance(held, str) and _names_something(key):
        yield held


def _names_something(key: str) -> bool:
    small = key.lower()
    if small in _NAMES_NOTHING or is_sensitive(key):
        return False
    return small.endswith(_NAMING_ENDS) or small in ("resource", "rule", "trail")


def line_of(notice: Notice, message: Message, resources: list[str]) -> Line:
    """An event as a line in a summary."""
    call = next((what for label, what, _ in message.facts if label in ("Did", "After")), "")
    shown = [_shortened(each) for each in resources]
    what = readable(", ".join(shown) or f"{call} without a resource", 1_000)
    who = readable(who_called(notice).name, 100) if notice.detail.get("userIdentity") else ""
    return Line(message.severity, message.title, who, what, message.region)


def _shortened(resource: str) -> str:
    """A resource's name; of a long one both ends, that no two look the same."""
    shown = readable(resource, 2_000)
    return shown if len(shown) <= 90 else f"{shown[:44]}\u2026{shown[-45:]}"


def story_of(notice: Notice) -> Story:
    """What to tell, what it may be joined with, and whose budget it is."""
    about = text(notice.detection.get("id"))
    if isinstance(notice, Alarm):
        message = message_of_alarm(notice.said)
        return Story(message, line_of(notice, message, []), "", "")
    if isinstance(notice, Report):
        message = message_of_report(notice.said)
        given = text(notice.said.get("severity"))
        if rank(given) > rank(message.severity):
            message = message._replace(severity=given)
        alone = report_stands_alone(notice.said)
        resources = [one for one in (text(notice.said.get("resource")),) if one]
        same = [text(notice.said.get(word)) for word in ("responder", "outcome", "resource")]
        same += [notice.account, notice.region]
    else:
        message = message_of(notice)
        alone, resources, same = stands_alone(notice), subjects(notice), what_is_alike(notice)
    minute = str(minute_of(now()))
    budget = key("budget", notice.account, "alone" if alone else "joined", minute)
    alike = "" if alone else key("alike", about, *same)
    return Story(message, line_of(notice, message, resources), alike, budget)


def key(*words: str) -> str:
    """A key in the memory table."""
    digest = sha256(json.dumps(words).encode()).hexdigest()
    return f"{os.environ['TRAILBUS_TARGET']} {words[0]} {digest}"
