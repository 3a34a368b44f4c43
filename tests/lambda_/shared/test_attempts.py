"""Attempts: each event once, counts by the hour, notes that outlive late copies."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.lambda_ import loading
from tests.lambda_.conftest import Function
from tests.lambda_.events import NOW, message, stop

attempts = loading.shared("attempts")
notices = loading.shared("notices")
DAY = timedelta(hours=24)


def named(event_id: str) -> Any:
    return notices.notice_of(message(stop(event_id=event_id)))


@pytest.fixture
def at(house: Function, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Attempts on a resource, as somebody sees them so many minutes later."""

    def made(minutes: float = 0, key: str = "bucket") -> Any:
        moment: datetime = NOW + timedelta(minutes=minutes)
        monkeypatch.setattr(attempts, "now", lambda: moment)
        return attempts.Attempts(key, DAY, 3)

    return made


def test_nobody_has_tried_anything(at: Any) -> None:
    assert at().past(named("e-1"))[:3] == (False, None, 0)


def test_what_was_begun_is_known_with_what_was_before(at: Any) -> None:
    at().begin(named("e-1"), {"block": None, "é": ["x y"]})

    assert at(1).past(named("e-1")) == (False, {"block": None, "é": ["x y"]}, 0, timedelta(0))
    assert at(1).past(named("e-2")) == (False, None, 1, timedelta(0))


def test_what_is_done_is_done_for_as_long_as_a_copy_may_come(at: Any) -> None:
    at().begin(named("e-1"), {})
    at().end(named("e-1"))

    assert at(24 * 60).past(named("e-1")).done
    assert not at(25 * 60 + 1).past(named("e-1")).done


def test_others_count_for_an_hour(at: Any) -> None:
    at(0).begin(named("e-1"), {})
    at(30).begin(named("e-2"), {})

    assert at(59).past(named("e-3")).others == 2
    assert at(61).past(named("e-3")).others == 1
    assert at(61).past(named("e-2")).others == 0
    assert at(91).past(named("e-3")).others == 0


def test_two_resources_know_nothing_of_each_other(at: Any) -> None:
    at(key="one").begin(named("e-1"), {})

    assert at(key="two").past(named("e-1"))[:3] == (False, None, 0)
