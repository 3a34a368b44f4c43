"""Handles a batch from the queue one notice at a time, and gives back only those that failed."""

import json
from collections.abc import Callable
from typing import Any

from shared.notices import Notice, notice_of, text


def handle_batch(event: dict[str, Any], handle: Callable[[Notice], None]) -> dict[str, Any]:
    """Calls `handle` for each notice, the earliest event first.

    What raises goes back to the queue, is tried again, and in the end lies in the dead-letter
    queue; the others of its batch are done.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    failed: list[str] = []
    notices: list[Notice] = []
    for record in event.get("Records", []):
        try:
            notices.append(notice_of(record))
        except (ValueError, KeyError, TypeError) as error:
            failed.append(record["messageId"])
            _log_failure(record["messageId"], error)
    for notice in sorted(notices, key=lambda each: text(each.detail.get("eventTime"))):
        try:
            handle(notice)
        except Exception as error:  # noqa: BLE001 - whatever it is, the message must not be lost
            failed.append(notice.message_id)
            _log_failure(notice.message_id, error)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _log_failure(message_id: str, error: Exception) -> None:
    line = {"level": "ERROR", "outcome": "failed", "message_id": message_id, "error": str(error)}
    print(json.dumps({**line, "kind": type(error).__name__}))
