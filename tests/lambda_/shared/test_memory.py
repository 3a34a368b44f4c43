"""The memory: words for events under a key, lost by nobody, forgotten in time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.lambda_ import loading
from tests.lambda_.conftest import Function
from tests.lambda_.events import NOW

memory = loading.shared("memory")

HOUR = timedelta(hours=1)


def test_a_key_that_was_never_used_holds_nothing(house: Function) -> None:
    assert memory.Memory("a key", NOW - HOUR).words == {}


def test_a_word_is_found_again_under_its_key_only(house: Function) -> None:
    memory.Memory("a key", NOW - HOUR).note("e-1", "a word of several", NOW, HOUR)

    assert memory.Memory("a key", NOW - HOUR).words == {"e-1": "a word of several"}
    assert memory.Memory("another key", NOW - HOUR).words == {}


def test_a_note_is_known_to_who_made_it(house: Function) -> None:
    notes = memory.Memory("a key", NOW - HOUR)
    notes.note("e-1", "begun", NOW, HOUR)

    assert notes.words == {"e-1": "begun"}


def test_a_second_note_replaces_the_first(house: Function) -> None:
    notes = memory.Memory("a key", NOW - HOUR)
    notes.note("e-1", "begun", NOW, HOUR)
    notes.note("e-1", "done", NOW, HOUR)

    assert memory.Memory("a key", NOW - HOUR).words == {"e-1": "done"}


@pytest.mark.parametrize(("seconds", "found"), [(3599, True), (3600, True), (3601, False)])
def test_only_what_is_not_too_old_is_found(house: Function, seconds: int, found: bool) -> None:
    memory.Memory("a key", NOW - HOUR).note("e-1", "done", NOW - timedelta(seconds=seconds), HOUR)

    assert bool(memory.Memory("a key", NOW - HOUR).words) is found


def test_functions_that_run_at_once_do_not_overwrite_each_others_notes(house: Function) -> None:
    """Both have read before either writes."""
    one, other = (memory.Memory("a key", NOW - HOUR) for _ in range(2))
    one.note("e-1", "begun", NOW, HOUR)
    other.note("e-2", "begun", NOW, HOUR)
    one.note("e-1", "done", NOW, HOUR)

    assert memory.Memory("a key", NOW - HOUR).words == {"e-1": "done", "e-2": "begun"}


def test_what_is_too_old_is_forgotten_with_the_next_note(house: Function) -> None:
    for number in range(30):
        memory.Memory("a key", NOW).note(f"e-{number}", "done", NOW, HOUR)
    later = NOW + 2 * HOUR
    memory.Memory("a key", later - HOUR).note("new", "done", later, HOUR)

    kept = set(house.aws.memory()["trail-guard a key"]) - {"expires"}
    assert "event new" in kept
    assert len(kept) == 11, "twenty at a time: an expression may be 4 KB long"


def test_the_table_forgets_the_item_some_time_after_the_last_note(house: Function) -> None:
    notes = memory.Memory("a key", NOW - HOUR)
    notes.note("e-1", "begun", NOW, HOUR)
    notes.note("e-1", "done", NOW + HOUR, 2 * HOUR)

    assert (
        house.aws.memory()["trail-guard a key"]["expires"] == f"{(NOW + 3 * HOUR).timestamp():.0f}"
    )


def test_an_event_may_be_called_like_an_attribute(house: Function) -> None:
    notes = memory.Memory("a key", NOW - HOUR)
    for name in ("key", "expires", "event", "event key"):
        notes.note(name, "done", NOW, HOUR)

    assert set(memory.Memory("a key", NOW - HOUR).words) == {"key", "expires", "event", "event key"}


def test_it_is_read_consistently(house: Function) -> None:
    """A read that lags behind could miss a start of a second ago."""
    memory.Memory("a key", NOW - HOUR)

    [read] = house.aws.made("dynamodb:GetItem")
    assert read.parameters["ConsistentRead"] is True


def test_a_table_that_is_not_there_raises(house: Function) -> None:
    notes = memory.Memory("a key", NOW - HOUR)
    house.aws.drop_table()

    with pytest.raises(Exception, match="ResourceNotFound"):
        memory.Memory("a key", NOW - HOUR)
    with pytest.raises(Exception, match="ResourceNotFound"):
        notes.note("e-1", "begun", NOW, HOUR)
    assert notes.words == {}, "what was not written is not known"
