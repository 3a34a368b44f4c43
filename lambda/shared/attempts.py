"""Attempts at a remedy: no event is acted upon twice, and no resource too often."""

import json
from datetime import timedelta
from typing import Any, NamedTuple

from shared.clock import now
from shared.memory import Memory

_HOUR = timedelta(hours=1)


class Past(NamedTuple):
    """What was done already. `before` is what was kept when this very event was begun with."""

    done: bool
    before: Any
    others: int
    """How many other events led to an attempt on this resource within the last hour."""


class Attempts:
    """What was tried on one resource.

    An event is noted before anything is changed, with what the resource was like, and as done
    when its report is out: a try whose report did not get through is followed by one that
    changes nothing and still knows what to tell. Notes are kept for as long as an event may be
    acted upon, so that a late copy of it is known; `oldest` says how long that is.

    Two copies that are handled at the very same moment do not see each other: what is done must
    be safe to do twice.
    """

    def __init__(self, key: str, oldest: timedelta) -> None:
        self._keep = oldest + _HOUR
        self._memory = Memory(key, now() - self._keep)

    def past(self, event_id: str) -> Past:
        """What the notes say to somebody who handles this event."""
        word = self._memory.words.get(event_id, "")
        begun = word.startswith("begun ")
        lately = now() - _HOUR
        others = [
            each for each, when in self._memory.times.items() if each != event_id and when >= lately
        ]
        before = json.loads(word.removeprefix("begun ")) if begun else None
        return Past(word == "done", before, len(others))

    def begin(self, event_id: str, before: Any) -> None:
        """Notes that something will be changed, and what it is like now."""
        self._memory.note(event_id, f"begun {json.dumps(before)}", now(), self._keep)

    def end(self, event_id: str) -> None:
        """Notes that it was changed and told."""
        self._memory.note(event_id, "done", now(), self._keep)
