"""Says what a responder did, in one structured log line and on the report topic."""

import json
import os
from dataclasses import asdict, dataclass
from typing import NamedTuple

from shared.clients import central_client
from shared.notices import Notice, text

QUIET = ("ignored",)
"""Outcomes that only the log tells: there was nothing to do."""

LOUD = ("failed", "gave up", "not there", "not ours", "refused", "too late")
"""Outcomes that a person should look at. All others tell what was done, or would be."""

_LONGEST = 1000


class Verdict(NamedTuple):
    """What comes of an event: an outcome, in a word or two, and a sentence that says why."""

    outcome: str
    why: str


@dataclass(frozen=True)
class Evidence:
    """What the responder looked at or changed, how it was before and after, how to undo it."""

    resource: str = ""
    before: str = ""
    after: str = ""
    undo: str = ""


NOTHING = Evidence()

VERDICTS: list[Verdict] = []
"""What was reported lately, the latest last, for a caller that waits for the outcome."""


def report(notice: Notice, verdict: Verdict, evidence: Evidence = NOTHING) -> None:
    """Logs what came of an event, and publishes it unless there was nothing to do.

    The log line comes first, so that what was done is on record whatever becomes of the topic.
    A topic that does not take the report raises: the message comes back, and the responder then
    reports what it finds done already.
    """
    VERDICTS.append(verdict)
    outcome, why = verdict
    line = {
        "level": "ERROR" if outcome in LOUD else "INFO",
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
        **asdict(evidence),
    }
    written = _log(line)
    if outcome not in QUIET:
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


def _log(line: dict[str, str]) -> str:
    """One JSON object on one line: what Lambda's log is searched by."""
    written = json.dumps({key: value[:_LONGEST] for key, value in line.items()})
    print(written)  # noqa: T201 - what a function prints is its log
    return written
