"""The recorded answers of the engine that EventBridge itself runs; skipped without them."""

from __future__ import annotations

from collections import defaultdict

from generator.model import Json
from generator.patterns import compiled, matches, misses, problems
from tests.recorded import lines_of, recorded_events, requires_data

pytestmark = requires_data


def _events_by_id() -> dict[str, list[dict[str, Json]]]:
    by_id = defaultdict(list)
    for event in recorded_events():
        by_id[event["detail"].get("eventID")].append(event)
    return by_id


def test_every_case_is_decided_as_recorded() -> None:
    by_id = _events_by_id()
    different = []
    for case in lines_of("cases.jsonl"):
        # An event that is nothing but its id stands for the recorded one.
        alone = set(case["event"]) == {"eventID"}
        events = by_id[case["event"]["eventID"]] if alone else [case["event"]]
        for event in events:
            found = matches(case["pattern"], event)
            if found is not case["matches"] or bool(misses(case["pattern"], event)) is found:
                different.append(case["name"])
    assert different == []


def test_every_refused_pattern_has_problems() -> None:
    accepted = [case["name"] for case in lines_of("invalid.jsonl") if not problems(case["pattern"])]
    assert accepted == []


def test_every_recorded_pattern_is_valid() -> None:
    refused = {
        case["name"]: problems(case["pattern"])
        for file in ("cases.jsonl", "corpus-verdicts.jsonl")
        for case in lines_of(file)
    }
    assert {name: said for name, said in refused.items() if said} == {}


def test_every_recorded_event_is_matched_as_recorded() -> None:
    different = []
    for case in lines_of("corpus-verdicts.jsonl"):
        pattern = compiled(case["pattern"])
        found = [
            event["detail"].get("eventID") for event in recorded_events() if pattern.matches(event)
        ]
        if found != case["matches"]:
            different.append(case["name"])
    assert different == []


def test_the_recorded_events_are_all_there() -> None:
    events = recorded_events()
    assert len(events) == 2484
    assert all(event["source"].startswith("aws.") for event in events)
