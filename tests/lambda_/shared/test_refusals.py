"""Which events are turned away, asked without any service."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.lambda_ import loading
from tests.lambda_.events import HOME, MEMBER, NOW, OTHER, message, session_of, stop

notices = loading.shared("notices")
refusals = loading.shared("refusals")

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAILBUS_PARTITION", "aws")
    monkeypatch.setenv("TRAILBUS_MEMBER_ROLE", "/own")
    monkeypatch.setenv("TRAILBUS_EXCEPTIONS", "{}")


def turned_away(event: dict[str, Any], **more: Any) -> Any:
    return refusals.turned_away(notices.notice_of(message(event)), NOW, HOUR, **more)


def test_an_ordinary_event_is_let_in() -> None:
    assert turned_away(stop()) is None


def test_own_calls_are_looked_at() -> None:
    assert turned_away(stop(userIdentity=session_of("/own", "session"))) is None


REGIONS = [
    "us-east-1",
    "eu-central-2",
    "ap-southeast-7",
    "us-gov-west-1",
    "cn-northwest-1",
    "us-isob-east-1",
    "eusc-de-east-1",
]


@pytest.mark.parametrize("region", REGIONS)
def test_regions_of_every_partition_are_let_in(region: str) -> None:
    assert turned_away(stop(region=region)) is None


@pytest.mark.parametrize(
    "region",
    ["", "us-east", "us-east-1.evil.example", "US-EAST-1", "us-east-1\n", "-1", "a" * 9999],
)
def test_what_is_no_region_is_refused(region: str) -> None:
    assert turned_away(stop(region=region)).outcome == "refused"


@pytest.mark.parametrize("account", ["", "1", MEMBER + "1", MEMBER + "\n", "a" * 12, "*"])
def test_what_is_no_account_is_refused(account: str) -> None:
    assert turned_away(stop(account=account)).outcome == "refused"


# Each event has two faults. What is known to need nothing done comes before what is refused: it
# wakes nobody. What cannot be trusted comes before what is read from it.
ORDER = [
    ("replayed and stale", stop(envelope={"replay-name": "r"}, at=NOW - 2 * HOUR), "ignored"),
    ("failed and of another account", stop(errorCode="X", recipientAccountId=OTHER), "ignored"),
    ("failed and stale", stop(errorCode="X", at=NOW - 2 * HOUR), "ignored"),
    ("of another account and stale", stop(recipientAccountId=OTHER, at=NOW - 2 * HOUR), "refused"),
    (
        "its own and stale",
        stop(userIdentity=session_of("/own", "s"), at=NOW - 2 * HOUR),
        "too late",
    ),
]


@pytest.mark.parametrize(
    ("event", "outcome"), [row[1:] for row in ORDER], ids=[r[0] for r in ORDER]
)
def test_the_first_fault_counts(event: dict[str, Any], outcome: str) -> None:
    assert turned_away(event).outcome == outcome


def test_an_exception_wakes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAILBUS_EXCEPTIONS", f'{{"accounts": ["{MEMBER}"]}}')

    assert turned_away(stop(region=HOME)) == ("excepted", f"account {MEMBER} is excepted")


@pytest.mark.parametrize(("minutes", "outcome"), [(60, None), (60.1, "too late"), (-9999, None)])
def test_age_counts_from_the_time_of_the_event(minutes: float, outcome: str | None) -> None:
    verdict = turned_away(stop(at=NOW - timedelta(minutes=minutes)))

    assert (verdict and verdict.outcome) == outcome


def test_parts_of_an_hour_are_told_as_such() -> None:
    old = notices.notice_of(message(stop(at=NOW - HOUR)))

    verdict = refusals.turned_away(old, NOW, timedelta(minutes=30))
    assert verdict.why == "nothing was done: the event is older than 0.5 hours"
