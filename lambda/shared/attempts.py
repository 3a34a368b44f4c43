"""Attempts at a remedy: no event is acted upon twice, no resource too often, and none is left."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from shared.clock import now
from shared.looks import send_again
from shared.memory import Memory
from shared.notices import Notice
from shared.reports import Evidence, Verdict, report

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(minutes=15)
"""Between two repairs of one resource lies at least a minute, and so much at most."""

_HOUR = timedelta(hours=1)
_DAY = timedelta(hours=24)
_NEXT = "next look"
_TOLD = "told "
"""Notes that belong to no event: no eventID has a space in it."""


class Past(NamedTuple):
    """What was done already. `before` is what was kept when this very event was begun with."""

    done: bool
    before: Any
    others: int
    """How many other looks led to an attempt on this resource within the last hour."""
    wait: timedelta = timedelta(0)
    """How long nothing may be changed yet, because something was changed just now."""


class Attempts:
    """What was tried on one resource.

    An event is noted before anything is changed, with what the resource was like, and as done
    when its report is out: a try whose report did not get through is followed by one that
    changes nothing and still knows what to tell. Notes are kept for as long as an event may be
    acted upon, so that a late copy of it is known; `oldest` says how long that is.

    `most` is how often within an hour a resource is repaired as soon as it is seen to be wrong.
    What somebody undoes more often than that is repaired with growing pauses, a person is told
    once, and it is looked at again and again until it is found right.

    Two copies that are handled at the very same moment do not see each other: what is done must
    be safe to do twice.
    """

    def __init__(self, key: str, oldest: timedelta, most: int) -> None:
        self.most = most
        self._keep = max(oldest, _DAY) + _HOUR
        self._memory = Memory(key, now() - self._keep)

    def past(self, notice: Notice) -> Past:
        """What the notes say to somebody who handles this notice."""
        own = _case(notice)
        word = self._memory.words.get(own, "")
        begun = word.startswith("begun ")
        lately = now() - _HOUR
        others = [
            when
            for each, when in self._memory.times.items()
            if each not in (own, _NEXT) and not each.startswith(_TOLD) and when >= lately
        ]
        before = json.loads(word.removeprefix("begun ")) if begun else None
        free = max(others) + pause(len(others), self.most) if others else now()
        return Past(word == "done", before, len(others), max(free - now(), timedelta(0)))

    def begin(self, notice: Notice, before: Any) -> None:
        """Notes that something will be changed, and what it is like now."""
        self._memory.note(_case(notice), f"begun {json.dumps(before)}", now(), self._keep)

    def end(self, notice: Notice) -> None:
        """Notes that it was changed and told. What is in dispute is looked at again."""
        self._memory.note(_case(notice), "done", now(), self._keep)
        others = self.past(notice).others
        if others >= self.most:
            self.look_again(notice, pause(others + 1, self.most))

    def wait(self, notice: Notice, past: Past, evidence: Evidence) -> None:
        """What is wrong and may not be changed yet is looked at when it may."""
        self.escalate(notice, past, evidence)
        self.look_again(notice, past.wait)
        why = f"it was repaired a short while ago, {past.others} times within an hour"
        report(notice, Verdict("waiting", f"{why}: it is looked at again"), evidence)

    def escalate(self, notice: Notice, past: Past, evidence: Evidence) -> None:
        """Tells people, once a day, who undoes again and again what is done here."""
        if past.others < max(self.most, 1):
            return
        who = notice.principal or notice.caller or "somebody"
        why = f"{who} undoes it again and again: repaired {past.others} times within an hour"
        goes_on = f"it is repaired whenever that is seen, every {_minutes(LONGEST)} minutes at most"
        self._tell_once(notice, Verdict("escalated", f"{why}; {goes_on}"), evidence)

    def give_up(self, notice: Notice, verdict: Verdict, evidence: Evidence) -> None:
        """What cannot be changed is told, and looked at again until it can, or need not be."""
        if not self._tell_once(notice, verdict, evidence):
            report(notice, Verdict("waiting", verdict.why), evidence)
        self.look_again(notice, pause(notice.look, 0))

    def look_again(self, notice: Notice, after: timedelta) -> None:
        """Has the resource looked at later, by one message for all that happens to it meanwhile."""
        due = self._memory.words.get(_NEXT, "")
        if due and datetime.fromtimestamp(float(due), UTC) > now():
            return
        # Sent before it is noted: one message too many does no harm, one too few would. Noted as a
        # little earlier than it comes: it must not take itself for another one.
        later = now() + send_again(notice, after) - timedelta(seconds=1)
        self._memory.note(_NEXT, str(int(later.timestamp())), now(), self._keep)

    def _tell_once(self, notice: Notice, verdict: Verdict, evidence: Evidence) -> bool:
        """Whether it told: of each doer once a day, as what must not wait."""
        doer = json.dumps([verdict.outcome, notice.principal or notice.caller])
        name = _TOLD + sha256(doer.encode()).hexdigest()[:16]
        if self._memory.times.get(name, now() - 2 * _DAY) > now() - _DAY:
            return False
        report(notice, verdict, evidence, "critical")
        self._memory.note(name, verdict.outcome, now(), self._keep)
        return True


def pause(repairs: int, most: int) -> timedelta:
    """How long after the last of so many repairs within an hour the next one may follow."""
    doubled = min(max(repairs - most + 1, 0), 9)
    return min(SHORTEST * (1 << doubled), LONGEST)


def _case(notice: Notice) -> str:
    """What the notes call this look."""
    return f"{notice.event_id} {notice.look}" if notice.look else notice.event_id


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:g}"
