"""A batch: one notice at a time, in order, and only what failed comes back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.lambda_ import loading
from tests.lambda_.events import MISSING, NOW, message, stop

batches = loading.shared("batches")


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The failures that were reported, instead of publishing them."""
    found: list[tuple[str, str]] = []
    monkeypatch.setenv("TRAILBUS_TARGET", "trail-guard")
    monkeypatch.setattr(
        batches,
        "report_failure",
        lambda notice, error: found.append((notice.message_id, str(error))),
    )
    return found


def failures(answer: dict[str, Any]) -> list[str]:
    return [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]


def test_an_empty_batch_is_done() -> None:
    assert batches.handle_batch({"Records": []}, None, lambda _: None) == {"batchItemFailures": []}


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("no"), RecursionError("no")])
def test_whatever_a_handler_raises_fails_its_own_message_only(
    error: Exception, told: list[tuple[str, str]]
) -> None:
    def handle(notice: Any) -> None:
        if notice.message_id == "b":
            raise error

    records = [message(stop(), id_=name) for name in "abc"]

    assert failures(batches.handle_batch({"Records": records}, None, handle)) == ["b"]
    assert told == [("b", str(error))]


def test_notices_come_in_order_of_event_time_and_those_without_last() -> None:
    seen: list[str] = []
    records = [
        message(stop(eventTime=MISSING), id_="none"),
        message(stop(at=NOW), id_="late"),
        message(stop(at=NOW - timedelta(hours=1)), id_="early"),
        message(stop(eventTime="9999-12-31T23:59:59-23:59"), id_="end"),
        message(stop(eventTime="0001-01-01T00:00:00+23:59"), id_="beginning"),
    ]
    batches.handle_batch({"Records": records}, None, lambda notice: seen.append(notice.message_id))

    assert seen == ["beginning", "early", "late", "none", "end"]


def test_copies_of_one_message_are_all_handled() -> None:
    """Whether a copy has anything left to do is for the responder to know."""
    seen: list[str] = []
    event = stop()
    records = [message(event, id_=name) for name in "ab"]
    batches.handle_batch({"Records": records}, None, lambda notice: seen.append(notice.message_id))

    assert seen == ["a", "b"]


def test_an_unreadable_message_is_logged_with_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    answer = batches.handle_batch({"Records": [message("{", id_="m")]}, None, lambda _: None)

    assert failures(answer) == ["m"]
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["message_id"], line["outcome"]) == ("ERROR", "m", "failed")
    assert line["message"].startswith("unreadable: JSONDecodeError")


def test_who_waits_for_the_outcomes_is_told_them() -> None:
    verdict = loading.shared("reports").Verdict
    batches.VERDICTS.append(verdict("old", "what an earlier batch left"))

    def handle(notice: Any) -> None:
        batches.VERDICTS.append(verdict("restarted", notice.event_id))

    asked = {"Records": [message(stop(), id_="a")], "want_outcomes": True}
    answer = batches.handle_batch(asked, None, handle)
    assert [outcome["outcome"] for outcome in answer["outcomes"]] == ["restarted"]
    assert answer["batchItemFailures"] == []
    usual = batches.handle_batch({"Records": asked["Records"]}, None, handle)
    assert usual == {"batchItemFailures": []}
