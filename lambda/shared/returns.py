"""Gives a message back to its queue for as long as the chat asks, or puts it aside for good."""

import json
import os
import re
import zlib
from datetime import datetime, timedelta
from typing import Any

from shared.chats import Unposted
from shared.clients import central_client
from shared.clock import now
from shared.kinds import Alarm, Report
from shared.notices import Notice, text

paused: dict[str, datetime] = {}
"""Until when the chat wants to be left alone, and when a failure was last published."""


def later(notice: Notice, problem: Unposted) -> int:
    """After how many seconds a message comes back: as the chat says, longer from try to try.

    Spread a little, by their ids, so that what waits does not come back all at once. Those of
    the queue of critical ones come back soonest.
    """
    seconds = problem.seconds or 0
    if problem.busy:
        paused["until"] = now() + timedelta(seconds=seconds or 10)
    if seconds:
        slowly = 4 if urgent(notice) else 2
        longer = max(seconds, min(seconds << min(notice.tries // slowly, 10), 900))
    else:
        longer = min(15 << min(notice.tries - 1, 6), 900)
    return longer + zlib.crc32(notice.message_id.encode()) % (max(longer // 2, 2) + 1)


def urgent(notice: Notice) -> bool:
    """Whether it came by the queue of critical ones."""
    severity = text(notice.detection.get("severity"))
    return isinstance(notice, (Report, Alarm)) or severity == "critical"


def own_queue(record: dict[str, Any], what: str = "QUEUE") -> str:
    """The address of the queue that a message came from, or of its dead letters."""
    name = text(record.get("eventSourceARN")).rpartition(":")[2]
    critical = os.environ["TRAILBUS_CRITICAL_QUEUE"].rpartition("/")[2]
    return os.environ[f"TRAILBUS_{'CRITICAL_' if name == critical else ''}{what}"]


def hide(notice: Notice, record: dict[str, Any], seconds: int) -> None:
    """Lets a message show up again after so long, and not when the queue's own time is over."""
    try:
        central_client("sqs").change_message_visibility(
            QueueUrl=own_queue(record),
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=seconds,
        )
    except Exception as error:  # noqa: BLE001 - it comes back all the same, at another time
        note_down(notice, "given back", f"not hidden: {in_words(error)}")


def set_aside(notice: Notice, record: dict[str, Any], problem: Unposted) -> bool:
    """Puts a message with the dead letters at once, with the reason; whether that worked."""
    reason = {"DataType": "String", "StringValue": str(problem)[:1_000]}
    try:
        central_client("sqs").send_message(
            QueueUrl=own_queue(record, "LETTERS"),
            MessageBody=record["body"],
            MessageAttributes={"ERROR_MESSAGE": reason},
        )
    except Exception as error:  # noqa: BLE001 - it is tried again, and gets there in the end
        note_down(notice, "given back", f"not put aside: {in_words(error)}")
        return False
    return True


def note_down(notice: Notice, outcome: str, why: str) -> None:
    """One log line about a notice."""
    line = {
        "level": "ERROR" if outcome in ("given back", "refused") else "INFO",
        "responder": os.environ["TRAILBUS_TARGET"],
        "outcome": outcome,
        "message": why[:500],
        "detection": text(notice.detection.get("id")),
        "account": notice.account,
        "region": notice.region,
        "event_id": notice.event_id,
    }
    print(json.dumps({name: value[:500] for name, value in line.items()}))  # noqa: T201


_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S+|xox[a-z]\S+")


def in_words(error: Exception) -> str:
    """An error in words. Where somebody typed an address for a name, AWS's errors repeat it."""
    if isinstance(error, Unposted):
        return str(error)
    return f"{type(error).__name__}: {_ADDRESS.sub('(hidden)', str(error))}"
