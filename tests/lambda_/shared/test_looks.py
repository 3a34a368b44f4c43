"""Which messages come back, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.lambda_ import loading
from tests.lambda_.conftest import Function
from tests.lambda_.events import NOW, message, stop

looks = loading.shared("looks")
notices = loading.shared("notices")
NOTHING = loading.shared("reports").Verdict("ignored", "it is gone")


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "now", lambda: NOW)


@pytest.mark.parametrize(("seconds", "hidden"), [(0, 30), (3, 30), (45, 16), (59, 2), (-10, 30)])
def test_a_young_event_comes_back_when_it_is_older(
    house: Function, seconds: int, hidden: int
) -> None:
    young: Any = notices.notice_of(message(stop(at=NOW - timedelta(seconds=seconds))))

    with pytest.raises(looks.GivenBack):
        looks.believe(young, NOTHING)
    assert house.aws.hidden == {"handle": hidden}


@pytest.mark.parametrize("seconds", [60, 3600, -60, -86_400])
def test_another_is_believed(house: Function, seconds: int) -> None:
    looks.believe(notices.notice_of(message(stop(at=NOW - timedelta(seconds=seconds)))), NOTHING)

    assert house.aws.hidden == {}


@pytest.mark.parametrize(("minutes", "delay"), [(0, 1), (2, 120), (60, 900)])
def test_what_is_sent_again_knows_which_look_it_is(
    house: Function, minutes: int, delay: int
) -> None:
    notice = notices.notice_of(message(stop()))
    looks.send_again(notice, timedelta(minutes=minutes))

    [sent] = house.aws.sent
    assert sent["DelaySeconds"] == delay
    assert notices.notice_of(message(sent["MessageBody"])).look == 1
