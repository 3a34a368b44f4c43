"""The report: what each way looks like to a person, and to a script."""

from __future__ import annotations

import io
from typing import Any

import pytest

from generator.model import Json
from generator.screen import Screen
from generator.simulation.journeys import Action, DeadLetter, Decision, Delivery, Journey
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.report import document, lines
from generator.simulation.run import Simulation

from .conftest import built_in

EVENT: dict[str, Json] = {
    "account": "111122223333",
    "region": "eu-west-1",
    "detail-type": "AWS Insight via CloudTrail",
    "detail": {"eventID": "one", "eventName": "StopLogging"},
}
DELIVERY = Delivery("trailbus-x", "x", "findings", "queue", '{"é":1}')
STARTED = Action("restart_cloudtrail", "111122223333", "eu-west-1", "cloudtrail:StartLogging", "ok")
OBSERVED = Decision("trail-guard", "observed", "it would start", "one")
FAILED = Decision("trail-guard", "failed", "no \x1b[2J")
KEPT = DeadLetter("trailbus-x", "findings", "trailbus-undelivered", "NO_RESOURCE", "it is gone")
LOST = DeadLetter("trailbus-x", "findings", "", "NO_RESOURCE", "it is gone; lost: no queue")


def simulation(*journeys: Journey, **more: Any) -> Simulation:
    return Simulation(world_of(DEFAULT_PLACE, 5), [], list(journeys), **more)


def said(*journeys: Journey, **more: Any) -> list[str]:
    shown = lines(simulation(*journeys, **more), built_in(), Screen(out=io.StringIO()))
    return list(shown)


def way(journey: Journey) -> list[str]:
    """The lines between the heading of the events and the sums."""
    shown = said(journey)
    start = shown.index("Events") + 1
    return shown[start : shown.index("", start)]


ARRIVED = Journey(
    EVENT, True, None, ["trailbus-forward-writes"], ["trailbus-x"], [DELIVERY], [STARTED]
)
WAYS: list[tuple[str, Journey, list[str]]] = [
    (
        "delivered and acted upon",
        ARRIVED,
        [
            "  > 111122223333 eu-west-1  StopLogging",
            "      trailbus-forward-writes -> central bus",
            "      trailbus-x -> findings (queue, 8 bytes)",
            "      restart_cloudtrail: cloudtrail:StartLogging in 111122223333 eu-west-1: ok",
        ],
    ),
    (
        "two copies",
        Journey(EVENT, True, None, ["a", "b"], ["trailbus-x"], [DELIVERY]),
        [
            "  > 111122223333 eu-west-1  StopLogging",
            "      a, b (2 copies) -> central bus",
            "      trailbus-x -> findings (queue, 8 bytes)",
        ],
    ),
    (
        "nowhere",
        Journey(EVENT, reason="no detection matches"),
        ["  - 111122223333 eu-west-1  StopLogging", "      no detection matches"],
    ),
    (
        "kept",
        Journey(EVENT, True, "it is gone", ["a"], [], [], [], [KEPT]),
        [
            "  - 111122223333 eu-west-1  StopLogging",
            "      it is gone",
            "      trailbus-x: kept in trailbus-undelivered: it is gone",
        ],
    ),
    (
        "lost in part",
        Journey(EVENT, True, None, ["a"], ["trailbus-x"], [DELIVERY], [], [LOST]),
        [
            "  > 111122223333 eu-west-1  StopLogging",
            "      a -> central bus",
            "      trailbus-x -> findings (queue, 8 bytes)",
            "      trailbus-x: lost: it is gone; lost: no queue",
        ],
    ),
    (
        "decided",
        Journey(EVENT, True, None, ["a"], [], [DELIVERY], decisions=[OBSERVED, FAILED]),
        [
            "  > 111122223333 eu-west-1  StopLogging",
            "      a -> central bus",
            "      trailbus-x -> findings (queue, 8 bytes)",
            "      trail-guard: observed: it would start",
            "      trail-guard: failed: no \\x1b[2J",
        ],
    ),
    (
        "an event without a name",
        Journey({**EVENT, "detail": {}}, reason="x"),
        ["  - 111122223333 eu-west-1  AWS Insight via CloudTrail", "      x"],
    ),
]


@pytest.mark.parametrize(
    ("journey", "expected"), [row[1:] for row in WAYS], ids=[row[0] for row in WAYS]
)
def test_way_is_told_step_by_step(journey: Journey, expected: list[str]) -> None:
    assert way(journey) == expected


def test_actions_are_summed_up_for_who_reads_only_the_end() -> None:
    denied = Action("restart_cloudtrail", "1", "r", "cloudtrail:StartLogging", "AccessDenied")
    shown = said(ARRIVED, Journey(EVENT, True, None, [], [], [], [denied]))
    assert shown[shown.index("What responders did") + 1 :] == [
        "  restart_cloudtrail: cloudtrail:StartLogging in 111122223333 eu-west-1: ok",
        "  restart_cloudtrail: cloudtrail:StartLogging in 1 r: AccessDenied",
        "",
        "2 events: 2 forwarded, 1 delivery, 2 actions, 0 dead letters",
    ]


def test_failures_are_summed_up_where_there_are_any() -> None:
    decided = Journey(EVENT, True, None, decisions=[OBSERVED, FAILED])
    ended = Action("playbook", "1", "r", "states:StartExecution", "failed at 'Act': x")
    assert said(decided, Journey(EVENT, True, None, actions=[ended]))[-1] == (
        "failed, as told above: 2"
    )
    assert not any("failed" in line for line in said(ARRIVED))


def test_document_tells_decisions() -> None:
    [entry] = document(simulation(Journey(EVENT, True, decisions=[OBSERVED])))["events"]
    assert entry["decisions"] == [
        {"responder": "trail-guard", "outcome": "observed", "message": "it would start"}
    ]


def test_without_actions_nothing_is_said_of_responders() -> None:
    assert "What responders did" not in said(Journey(EVENT, reason="x"))


def test_queues_are_counted_by_name() -> None:
    shown = said(queues={"b": ["x"], "a": ["x", "y"]})
    assert shown[-4:] == [
        "       2  a",
        "       1  b",
        "",
        "0 events: 0 forwarded, 0 deliveries, 0 actions, 0 dead letters",
    ]


VALUES: list[tuple[Json, str | None]] = [
    ("x", "x"),
    ("", ""),
    (None, None),
    (7, "7"),
    (["é"], '["é"]'),
    ({"a": None}, '{"a": null}'),
]


@pytest.mark.parametrize(("value", "shown"), VALUES)
def test_fields_of_a_record_are_texts_in_the_document(value: Json, shown: str | None) -> None:
    event = {**EVENT, "detail": {"eventID": value, "eventName": value}}
    [entry] = document(simulation(Journey(event)))["events"]
    assert (entry["event_id"], entry["event_name"]) == (shown, shown)


def test_document_tells_dead_letters_as_they_are() -> None:
    journey = Journey(EVENT, True, None, ["a"], ["trailbus-x"], [DELIVERY], [STARTED], [KEPT])
    told = document(simulation(journey, moved=3))
    assert told["events"][0]["dead_letters"] == [vars(KEPT)]
    assert told["events"][0]["deliveries"] == [vars(DELIVERY)]
    assert told["events"][0]["actions"] == [vars(STARTED)]
    assert told["totals"] == {
        "events": 1, "forwarded": 1, "delivered": 1, "actions": 1, "dead_lettered": 1, "moved": 3,
        "posts": 0,
        "unusable": 0,
    }  # fmt: skip
