"""Whatever an event holds, it has a way that can be shown; nothing in it steers a terminal."""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.model import Json
from generator.screen import Screen
from generator.simulation.deliveries import received
from generator.simulation.organization import DEFAULT_PLACE
from generator.simulation.records import read
from generator.simulation.report import document, lines
from generator.simulation.run import Simulation, send

from .conftest import AWAY, MEMBER, Laboratories, Laboratory, event_of, examples, stop_of

ESCAPES = ("\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\r", "\n", "\x00", "\x7f", "\u202e", "\u2028")
HARMLESS = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*")
"""What a terminal shows as it is."""


@pytest.fixture(scope="module")
def open_lab(laboratories: Laboratories) -> Laboratory:
    return laboratories.at(DEFAULT_PLACE)


def shown(lab: Laboratory, files: list[Path]) -> tuple[Simulation, list[str], str]:
    """What comes of files of events: the values, the lines for people, the document."""
    reading = read(files)
    simulation = Simulation(lab.world, [], unusable=reading.unusable)
    send(lab.cloud, lab.shape, lab.place, reading.found, simulation)
    simulation.queues = received(lab.world)
    out, errors = io.StringIO(), io.StringIO()
    screen = Screen(out=out, err=errors)
    for problem in reading.unusable:
        screen.problem(problem)
    for line in lines(simulation, lab.shape, screen):
        screen.line(line)
    said = out.getvalue().splitlines() + errors.getvalue().splitlines()
    text = io.StringIO()
    Screen(as_json=True, out=text).document(document(simulation))
    return simulation, said, text.getvalue()


# --- Records that somebody changed

TEXTS = st.sampled_from([*ESCAPES, "", "<b>", "arn:aws:iam::1", "ab", "trailbus-x", "é" * 300])
JSON = st.recursive(
    st.none() | st.booleans() | st.sampled_from([0, -1, 10**400, 1.5, "true"]) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=3,
)
KNOWN = [event for _, event in (*examples(True), *examples(False))]


def paths(value: Json, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every place in an event that holds something."""
    if at:
        yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*at, key))


@st.composite
def mutated(draw: st.DrawFn) -> Json:
    """An example with something else in a few of its places, or nothing; whole, or its record."""
    event = copy.deepcopy(draw(st.sampled_from(KNOWN)))
    for path in draw(st.lists(st.sampled_from(sorted(paths(event))), min_size=1, max_size=3)):
        holder = event
        for key in path[:-1]:
            holder = holder.get(key) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            if draw(st.integers(0, 4)):
                holder[path[-1]] = draw(JSON)
            else:
                holder.pop(path[-1], None)
    return event if draw(st.booleans()) else event.get("detail")


@settings(max_examples=12)
@given(st.lists(mutated(), min_size=25, max_size=25))
def test_changed_records_are_named_or_have_a_way(
    open_lab: Laboratory, tmp_path_factory: Any, events: list[Json]
) -> None:
    file = tmp_path_factory.getbasetemp() / "mutated.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
    simulation, said, text = shown(open_lab, [file])
    assert len(simulation.journeys) + len(simulation.unusable) == len(events)
    for journey in simulation.journeys:
        assert journey.deliveries or journey.reason
    assert all(HARMLESS.fullmatch(line) for line in said)
    assert json.loads(text)["totals"]["events"] == len(simulation.journeys)


def saved(folder: Path, *events: Json) -> list[Path]:
    file = folder / "events.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
    return [file]


ODD_NAMES: list[Json] = [
    "", "x", "ab", "-ab-", "a b c", "x" * 200, "../../x", "192.0.2.1", "<script>", "\x1b[2Jabc",
    "arn:", "arn:aws:cloudtrail", f"arn:aws:cloudtrail:{AWAY}:{MEMBER}:trail/",
    f"arn:aws:cloudtrail:{AWAY}:{MEMBER}:trail/x", f"arn:aws:cloudtrail:mars:{MEMBER}:trail/abcd",
    f"arn:aws:s3:{AWAY}:{MEMBER}:bucket/abcd", 7, None, ["abcd"], {"name": "abcd"}, True,
]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES, ids=repr)
def test_name_that_no_trail_can_have_starts_no_trail(
    open_lab: Laboratory, tmp_path: Path, name: Json
) -> None:
    event = stop_of("some-trail", MEMBER, AWAY, requestParameters={"name": name})
    simulation, _, _ = shown(open_lab, saved(tmp_path, event))
    [journey] = simulation.journeys
    assert [delivery.target for delivery in journey.deliveries] == ["findings", "trail-guard"]
    assert [action for action in journey.actions if action.outcome == "ok"] == []


# --- Texts that would steer a terminal, or a page

MARKUP = "<img src=x onerror=alert(1)>"


def places() -> Iterator[tuple[str, Json]]:
    """An event for each place of its that is shown, with every escape there."""
    for number, escape in enumerate(ESCAPES):
        hostile = f"a{escape}{MARKUP}b"
        yield f"name {number}", event_of("kms_key_disabled", eventName=hostile)
        yield f"service {number}", event_of("kms_key_disabled", eventSource=hostile)
        yield f"code {number}", event_of("kms_key_disabled", errorCode=hostile)
        for key in ("account", "region", "source", "detail-type"):
            yield f"{key} {number}", event_of("kms_key_disabled") | {key: hostile}
        stranger = {"account": hostile, "source": "custom.app", "region": hostile}
        yield f"stranger {number}", event_of("kms_key_disabled") | stranger
        yield f"key {number}", event_of("kms_key_disabled", requestParameters={"keyId": hostile})


def test_nothing_in_an_event_steers_the_terminal(lab: Laboratory, tmp_path: Path) -> None:
    events = [event for _, event in places()]
    simulation, said, text = shown(lab, saved(tmp_path, *events, *(e["detail"] for e in events)))
    assert len(simulation.journeys) == 2 * len(events)
    for line in said:
        assert HARMLESS.fullmatch(line), line
    assert any("\\x1b[2J" in line for line in said)
    for line in text.split("\n"):
        assert HARMLESS.fullmatch(line), line


def test_document_holds_texts_as_they_were(lab: Laboratory, tmp_path: Path) -> None:
    hostile = f"{''.join(ESCAPES)}{MARKUP}é漢"
    event = event_of("kms_key_disabled", requestParameters={"keyId": hostile})
    _, _, text = shown(lab, saved(tmp_path, event))
    [message] = json.loads(text)["queues"]["trailbus-findings"]
    arrived = json.loads(message)["event"]
    assert arrived["detail"]["requestParameters"]["keyId"] == hostile


def test_place_of_a_record_that_cannot_be_used_is_harmless(lab: Laboratory, tmp_path: Path) -> None:
    file = tmp_path / "x\x1b[2Jy.json"
    file.write_text("[7]", "utf-8")
    _, said, _ = shown(lab, [file])
    assert all(HARMLESS.fullmatch(line) for line in said)
    assert any("x\\x1b[2Jy.json: record 1: is no record" in line for line in said)
