"""A notice gives a value of the right type for every field, whatever the event holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.lambda_ import loading
from tests.lambda_.events import HOME, MEMBER, MISSING, body, message, session_of, stop

notices = loading.shared("notices")

TEXTS = ("account", "region", "event_id", "event_name", "caller", "role_arn")
ODD: list[Any] = [None, True, 7, 1e400, [], ["a"], {}, {"a": {}}, "", "x" * 10_000, "\ud800"]


def notice(event: Any, **record: Any) -> Any:
    return notices.notice_of({**message(body(event)), **record})


def test_an_ordinary_notice() -> None:
    found = notice(
        stop(event_id="e-1", userIdentity=session_of("/team/admin", "mara")), messageId="m"
    )

    assert (found.message_id, found.tries) == ("m", 1)
    assert found.detection["id"] == "cloudtrail_logging_stopped"
    assert (found.account, found.region, found.event_id) == (MEMBER, HOME, "e-1")
    assert found.event_name == "StopLogging"
    assert found.caller == f"arn:aws:sts::{MEMBER}:assumed-role/admin/mara"
    assert found.role_arn == f"arn:aws:iam::{MEMBER}:role/team/admin"
    assert found.parameter("name") == "account-trail"
    assert found.parameter("other") is None


@pytest.mark.parametrize("odd", ODD, ids=lambda value: repr(value)[:20])
def test_odd_fields_give_empty_values(odd: Any) -> None:
    fields = ("eventID", "eventName", "eventTime", "userIdentity", "requestParameters")
    for event in (
        {"account": odd, "region": odd, "detail": odd},
        {"detail": dict.fromkeys(fields, odd)},
        {"detail": {"userIdentity": {"arn": odd, "sessionContext": odd}}},
        {"detail": {"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": odd}}}}},
    ):
        found = notice(event)
        assert all(isinstance(getattr(found, name), str) for name in TEXTS)
        assert isinstance(found.detail, dict)
        assert found.event_time is None or isinstance(found.event_time, datetime)
        assert found.parameter("name") is None
        assert found.is_call("cloudtrail.amazonaws.com", "StopLogging") is False


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-03T03:40:00Z", datetime(2026, 11, 3, 3, 40, tzinfo=UTC)),
        ("2026-11-03T12:40:00+09:00", datetime(2026, 11, 3, 3, 40, tzinfo=UTC)),
        ("2026-11-03T03:40:00", datetime(2026, 11, 3, 3, 40, tzinfo=UTC)),
        ("2026-11-03", datetime(2026, 11, 3, tzinfo=UTC)),
        ("2026-11-03T25:00:00Z", None),
        ("now", None),
        ("", None),
        (MISSING, None),
    ],
)
def test_event_times_can_be_compared(written: Any, moment: datetime | None) -> None:
    assert notice(stop(eventTime=written)).event_time == moment


@pytest.mark.parametrize(
    ("source", "names", "expected"),
    [
        ("cloudtrail.amazonaws.com", ("StopLogging",), True),
        ("cloudtrail.amazonaws.com", ("DeleteTrail", "StopLogging"), True),
        ("cloudtrail.amazonaws.com", ("DeleteTrail",), False),
        ("cloudtrail.amazonaws.com", ("StopLoggin",), False),
        ("s3.amazonaws.com", ("StopLogging",), False),
        ("cloudtrail.amazonaws.com", (), False),
    ],
)
def test_a_call_is_known_by_service_and_name(
    source: str, names: tuple[str, ...], expected: bool
) -> None:
    assert notice(stop()).is_call(source, *names) is expected


@pytest.mark.parametrize(
    ("attributes", "tries"),
    [({"ApproximateReceiveCount": "3"}, 3), ({}, 1), (None, 1), (MISSING, 1)],
)
def test_tries_are_those_of_the_queue(attributes: Any, tries: int) -> None:
    record = {**message(stop()), "attributes": attributes}
    if attributes is MISSING:
        del record["attributes"]

    assert notices.notice_of(record).tries == tries


@pytest.mark.parametrize(
    "unreadable",
    [
        "[]",
        "7",
        "null",
        "{}",
        "{",
        json.dumps({"detection": {}, "event": []}),
        json.dumps({"detection": "x", "event": {}}),
    ],
)
def test_what_is_no_notice_is_an_error(unreadable: str) -> None:
    with pytest.raises(ValueError, match=r"no notice|Expecting"):
        notices.notice_of(message(unreadable))
