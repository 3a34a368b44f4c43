"""Shows what is covered: accounts x Regions with one sign each, and why a cell is not green."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from generator.deploy import listeners
from generator.deploy.aws import Door, Refused
from generator.deploy.status import drift as drifts
from generator.deploy.status.letters import Enter, Post, read
from generator.deploy.status.matrix import Coverage, Part, coverage
from generator.deploy.status.survey import survey
from generator.deploy.wanted import Wanted


def look(
    door: Door,
    wanted: Wanted,
    *,
    drift: bool = False,
    letters: bool = False,
    enter: Enter | None = None,
    pause: Callable[[float], None],
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Coverage, Post | None]:
    """The matrix, and what lies in the dead-letter queues when that is asked for.

    `drift` compares first; without it the last comparison counts. `enter` opens the members.
    """
    operations: dict[str, str] = {}
    refused: dict[str, str] = {}
    if drift:
        operations, refused = drifts.detect(door, wanted, pause, say)
    found = survey(door, wanted)
    try:
        drifted = drifts.details(door, wanted, found, operations)
    except Refused as refusal:
        drifted, refused = {}, {**refused, "what drifted": str(refusal)}
    heard, unasked = _heard(door, wanted)
    refused = {**refused, **unasked}
    matrix = coverage(wanted, replace(found, unread={**found.unread, **refused}, drifted=drifted))
    matrix = replace(matrix, parts=(*matrix.parts, *heard))
    if not letters:
        return matrix, None
    say("Reading the dead-letter queues")
    return matrix, read(door, wanted, matrix.standing(), enter)


def _heard(door: Door, wanted: Wanted) -> tuple[list[Part], dict[str, str]]:
    """The topics by which the central stack speaks to people, and why one could not be read.

    Reports may stay unread: a responder's failure stands in its log, which raises an alarm. That
    nobody hears the alarms is never right. What is not there yet is told by its stack.
    """
    parts = []
    try:
        for topic in listeners.topics(door, wanted):
            name = f"topic {topic.name}"
            if topic.heard:
                parts.append(Part(name, "heard"))
            elif topic.there:
                sign = "unheard" if topic.carries == "alarms" else "quiet"
                parts.append(Part(name, sign, topic.fault, topic.cure))
    except Refused as refusal:
        return parts, {"who hears the alarms": str(refusal)}
    return parts, {}


__all__ = ["look"]
