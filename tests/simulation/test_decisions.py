"""What the functions' logs say that responders decided."""

from __future__ import annotations

import json

import pytest

from generator.simulation.decisions import crashed, decided
from generator.simulation.journeys import Decision


def line(outcome: str, message: str, **more: str) -> str:
    return json.dumps({"responder": "guard", "outcome": outcome, "message": message, **more})


def test_decisions_are_told_in_their_order_with_the_event_that_they_are_about() -> None:
    lines = [line("observed", "it would start", event_id="one"), line("ignored", "it runs")]
    assert decided(lines) == [
        Decision("guard", "observed", "it would start", "one"),
        Decision("guard", "ignored", "it runs"),
    ]


def test_what_fails_again_and_again_is_told_once() -> None:
    tries = [line("failed", "E: no; it will be tried again"), line("failed", "E: no (try 2)")]
    assert decided([*tries, line("failed", "E: no (try 3)"), line("failed", "E: other")]) == [
        Decision("guard", "failed", "E: no; it will be tried again"),
        Decision("guard", "failed", "E: other"),
    ]


def test_events_that_are_decided_alike_are_told_each() -> None:
    lines = [line("ignored", "it runs", event_id=event) for event in ("one", "two")]
    assert [decision.event_id for decision in decided(lines)] == ["one", "two"]


@pytest.mark.parametrize(
    "other",
    ["", "START", "[" * 9_999, "7", "{}", '{"responder": "a", "outcome": 1, "message": ""}'],
)
def test_other_lines_say_nothing(other: str) -> None:
    assert decided([other]) == []


def test_function_that_raised_has_failed() -> None:
    [decision] = decided([crashed("guard", ValueError("x"))])
    assert decision == Decision("guard", "failed", "it raised ValueError: x")
    assert decision.failed
