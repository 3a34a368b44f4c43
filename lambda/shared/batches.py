"""Handles a batch from the queue one notice at a time, and gives back only those that failed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.notices import Notice, notice_of
from shared.reports import VERDICTS, log_failure, report_failure

_SPARE = 20_000
"""Milliseconds that a notice is given at least: longer than one call that nobody answers."""


class GivenBack(Exception):
    """A notice goes back to the queue, and whoever says so has told why already."""


def handle_batch(
    event: dict[str, Any],
    context: Any,
    handle: Callable[[Notice], None],
    read: Callable[[dict[str, Any]], Notice] = notice_of,
) -> dict[str, Any]:
    """Calls `handle` for each notice, the earliest event first.

    What raises goes back to the queue, is tried again, and in the end lies in the dead-letter
    queue; the others of its batch are done. So does what holds no notice at all, where a person
    can read it, and what no time is left for: a function that is stopped in the middle gets all
    of its batch again.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html

    Who invokes the function and waits, as a workflow does, may ask for the outcomes.
    """
    VERDICTS.clear()
    failed: list[str] = []
    notices: list[Notice] = []
    for record in event["Records"]:
        try:
            notices.append(read(record))
        except Exception as error:  # noqa: BLE001 - hostile text fails in more ways than one
            failed.append(record["messageId"])
            log_failure(record["messageId"], f"unreadable: {type(error).__name__}: {error}")
    for notice in sorted(notices, key=_moment):
        if _milliseconds_left(context) < _SPARE:
            failed.append(notice.message_id)
            log_failure(notice.message_id, "no time was left for it in this batch")
            continue
        try:
            handle(notice)
        except GivenBack:
            failed.append(notice.message_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the message must not be lost
            failed.append(notice.message_id)
            report_failure(notice, error)
    answer: dict[str, Any] = {
        "batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]
    }
    if event.get("want_outcomes"):
        # The latest first: a failure is reported after what failed.
        answer["outcomes"] = [verdict._asdict() for verdict in reversed(VERDICTS)]
    return answer


def _moment(notice: Notice) -> datetime:
    return notice.event_time or datetime.max.replace(tzinfo=UTC)


def _milliseconds_left(context: Any) -> int:
    """Lambda's context knows; who calls the handler otherwise has all the time there is."""
    left = getattr(context, "get_remaining_time_in_millis", None)
    return int(left()) if left else 900_000
