"""What the functions' logs say that responders decided."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from generator.simulation.journeys import Decision

_TRIED_AGAIN = re.compile(r" \(try \d+\)$|; it will be tried again$|; again in \d+ seconds$")


def decided(lines: Iterable[str]) -> list[Decision]:
    """The decisions in these lines, in their order; other lines say nothing of one.

    A message that fails is handed over many times: what comes of it is told once.
    """
    found: dict[tuple[str, ...], Decision] = {}
    for line in lines:
        decision = _decision(line)
        if decision is not None:
            about = _TRIED_AGAIN.sub("", decision.message)
            # A later try of what failed is logged without the event.
            event = "" if decision.failed else decision.event_id
            found.setdefault((decision.responder, decision.outcome, about, event), decision)
    return list(found.values())


def crashed(target: str, error: Exception) -> str:
    """The line of a function that raised, which writes none itself, in the form of the others."""
    told = f"it raised {type(error).__name__}: {error}"
    return json.dumps({"responder": target, "outcome": "failed", "message": told})


def _decision(line: str) -> Decision | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    words = said.get("responder"), said.get("outcome"), said.get("message")
    if not all(isinstance(word, str) for word in words):
        return None
    responder, outcome, message = map(str, words)
    return Decision(responder, outcome, message, str(said.get("event_id") or ""))
