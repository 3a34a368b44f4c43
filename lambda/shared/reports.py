"""Says what a responder did, in one structured log line and on the report topic."""

import json
import os
from dataclasses import dataclass
from typing import Any, NamedTuple

from shared.clients import central_client
from shared.clock import now
from shared.notices import Notice, text

QUIET = ("ignored", "too early", "waiting")
"""Outcomes that only the log tells: there was nothing to do, or it will be looked at again."""

LOUD = (
    "escalated",
    "failed",
    "gave up",
    "not ours",
    "not there",
    "refused",
    "switched off",
    "too late",
)
"""Outcomes that a person should look at. All others tell what was done, or would be, or what
somebody who is excepted did."""

_LONGEST = 1000

_PUBLISHED = 250_000
"""Characters of a report that a topic takes for certain: it takes 256 KB.
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""


class Undo(NamedTuple):
    """One API call that takes back what was done, as data: `trailbus undo` makes it."""

    service: str
    operation: str
    parameters: dict[str, Any]


class Verdict(NamedTuple):
    """What comes of an event: an outcome, in a word or two, and a sentence that says why."""

    outcome: str
    why: str


@dataclass(frozen=True)
class Evidence:
    """What the responder looked at or changed, how it was before and after, how to undo it.

    Without a `before` it was not looked at. `region` is where the calls that undo it are made;
    without one, where the event came from.
    """

    resource: str = ""
    before: Any = None
    after: Any = None
    undo: tuple[Undo, ...] = ()
    region: str = ""


NOTHING = Evidence()

VERDICTS: list[Verdict] = []
"""What was reported lately, the latest last, for a caller that waits for the outcome."""


def report(
    notice: Notice, verdict: Verdict, evidence: Evidence = NOTHING, severity: str = ""
) -> None:
    """Logs what came of an event, and publishes it unless there was nothing to do.

    `severity` is how grave it is where the outcome alone does not say it. What is loud about a
    critical detection is critical.

    The log line comes first, so that what was done is on record whatever becomes of the topic.
    A topic that does not take the report raises: the message comes back, and the responder then
    reports what it finds done already.
    """
    VERDICTS.append(verdict)
    outcome, why = verdict
    if outcome in LOUD and notice.detection.get("severity") == "critical":
        severity = "critical"
    elif outcome == "excepted":
        severity = severity or "info"
    line = {
        "level": "ERROR" if outcome in LOUD or severity == "critical" else "INFO",
        "responder": os.environ["TRAILBUS_TARGET"],
        "outcome": outcome,
        "message": why,
        "detection": text(notice.detection.get("id")),
        "account": notice.account,
        "region": notice.region,
        "event_id": notice.event_id,
        "event_name": notice.event_name,
        "event_time": text(notice.detail.get("eventTime")),
        "by": notice.caller,
        "resource": evidence.resource,
        **({"severity": severity} if severity else {}),
    }
    seen = evidence.before is not None
    written = _log(line, {"evidence": _record(notice, evidence)} if seen else {})
    if outcome not in QUIET:
        if len(written) > _PUBLISHED:
            # Who wants to undo it takes the line of the log.
            said = json.loads(written)
            written = json.dumps({**said, "evidence": {"id": said["evidence"]["id"]}})
        # A subject takes printable ASCII only, and the account may be anything when refused.
        subject = f"{line['responder']}: {outcome} in {notice.account}"[:100]
        central_client("sns").publish(
            TopicArn=os.environ["TRAILBUS_REPORTS"],
            Subject=subject if subject.isascii() and subject.isprintable() else outcome,
            Message=written,
        )


def report_failure(notice: Notice, error: Exception) -> None:
    """Tells that handling a notice failed: loudly the first time, then in the log alone.

    The queue tries it again, and its dead letters have an alarm. Never raises.
    """
    what = f"{type(error).__name__}: {error}"
    if notice.tries > 1:
        log_failure(notice.message_id, f"{what} (try {notice.tries})")
        return
    try:
        report(notice, Verdict("failed", f"{what}; it will be tried again"))
    except Exception as another:  # noqa: BLE001 - the first error must not be lost over it
        log_failure(notice.message_id, f"the failure was not published: {another}")


def log_failure(message_id: str, what: str) -> None:
    """One log line about a message that goes back to the queue."""
    line = {
        "level": "ERROR",
        "responder": os.environ["TRAILBUS_TARGET"],
        "outcome": "failed",
        "message": what,
        "message_id": message_id,
    }
    _log(line)


def _record(notice: Notice, evidence: Evidence) -> dict[str, Any]:
    """What `trailbus undo` reads. The same event and responder give the same id again."""
    responder = os.environ["TRAILBUS_RESPONDER"]
    return {
        "id": f"{responder}/{notice.account}/{notice.event_id}",
        "responder": responder,
        "account": notice.account,
        "region": evidence.region or notice.region,
        "resource": evidence.resource,
        "before": evidence.before,
        "after": evidence.after,
        "undo": [call._asdict() for call in evidence.undo],
        "time": now().isoformat().replace("+00:00", "Z"),
        "event_id": notice.event_id,
    }


def _log(line: dict[str, str], more: dict[str, Any] | None = None) -> str:
    """One JSON object on one line: what Lambda's log is searched by.

    Words of an event may be of any length and are cut. Evidence is what AWS answered, and it
    must be whole to be of use: a bucket's policy is the longest, 20 KB.
    """
    written = json.dumps({**{key: value[:_LONGEST] for key, value in line.items()}, **(more or {})})
    print(written)  # noqa: T201 - what a function prints is its log
    return written
