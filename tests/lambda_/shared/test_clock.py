"""The clock gives a moment that events can be compared with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.lambda_ import loading

clock = loading.shared("clock")


def test_it_is_now_in_utc() -> None:
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
