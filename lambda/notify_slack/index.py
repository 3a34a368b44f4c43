"""Tells a chat channel what was detected, in one readable message."""

import json
import os
from datetime import timedelta
from typing import Any

from shared.batches import GivenBack, handle_batch
from shared.budgets import Summary, hold, one_told, refund, summary_of, take
from shared.chats import Unposted
from shared.clock import now
from shared.ignoring import ignored
from shared.kinds import Alarm, Report, notice_or_report
from shared.notices import Notice, text
from shared.posting import send
from shared.repeats import (
    Series,
    abandon,
    claim,
    join,
    leave_untold,
    part,
    release,
    settle,
    stand_for,
    told,
)
from shared.reports import Verdict, report
from shared.returns import hide, in_words, later, note_down, paused, set_aside
from shared.stories import Story, key, story_of
from shared.summaries import summary_messages

MILESTONES = (10, 100, 1_000, 10_000, 100_000)
"""How many of a kind are told of though they are only counted."""
QUIET_FOR = timedelta(minutes=15)
"""How long one published failure stands for those after it."""
STRAGGLERS = timedelta(seconds=30)
"""How long a summary waits for lines that were counted and are not written yet."""


class HeldBack(Exception):
    """An event waits to tell the summary of its minute."""

    def __init__(self, seconds: int) -> None:
        self.seconds = max(seconds, 1)
        super().__init__("tells the summary when its minute is over")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of Lambda: a batch of notices from a queue."""
    settings = json.loads(os.environ["TRAILBUS_SETTINGS"])
    records = {record["messageId"]: record for record in event["Records"]}
    return handle_batch(
        event,
        context,
        lambda notice: respond(notice, settings, records[notice.message_id]),
        notice_or_report,
    )


def respond(notice: Notice, settings: dict[str, Any], record: dict[str, Any]) -> None:
    """Tells of one notice. What the chat does not take comes back when it may."""
    try:
        if "until" in paused and now() < paused["until"]:
            left = paused["until"] - now()
            raise Unposted("the chat wants to be left alone", int(left.total_seconds()) + 1)
        note_down(notice, *tell(notice, settings))
    except HeldBack as held:
        note_down(notice, "held back", str(held))
        hide(notice, record, held.seconds)
        raise GivenBack from None
    except Exception as error:  # noqa: BLE001 - told, and given back
        problem = error if isinstance(error, Unposted) else Unposted(in_words(error))
        # Reports of reports would run in a circle, and one of many failures says enough.
        told_lately = "failure" in paused and now() - paused["failure"] < QUIET_FOR
        quiet = told_lately or isinstance(notice, (Report, Alarm))
        if problem.final and set_aside(notice, record, problem):
            why = f"{problem}: it will not take this message in any form, which lies in the "
            verdict = Verdict("refused", f"{why}dead-letter queue")
            if quiet:
                note_down(notice, *verdict)
            else:
                paused["failure"] = now()
                report(notice, verdict)
            return
        wait = later(notice, problem)
        note_down(notice, "given back", f"{problem}; again in {wait} seconds")
        hide(notice, record, wait)
        if problem.seconds is not None or quiet:
            raise GivenBack from None
        paused["failure"] = now()
        raise problem from None


def tell(notice: Notice, settings: dict[str, Any]) -> tuple[str, str]:
    """Reads, decides, posts: an outcome, in a word, and why. An event is told of once."""
    unwanted = ignored(notice, settings)
    if unwanted:
        return "ignored", unwanted
    said = notice.said if isinstance(notice, (Report, Alarm)) else {}
    whole = json.dumps(said or notice.event, sort_keys=True)
    about = text(notice.detection.get("id"))
    event = key("event", about, whole if said else notice.event_id or whole)
    taken = claim(event, now())
    if taken.word == "done":
        return "ignored", "this event was told of already"
    if taken.word == "taken":
        raise Unposted("another delivery of this event is being posted", 15)
    try:
        summary = summary_of(taken.summary) if taken.summary else None
        if summary and summary.first == event:
            outcome = tell_summary(taken.summary, summary, notice, settings)
        else:
            outcome = post_or_count(story_of(notice), event, settings)
    except Exception:
        release(event)
        raise
    settle(event, now())
    return outcome


def post_or_count(story: Story, event: str, settings: dict[str, Any]) -> tuple[str, str]:
    """Posts what stands alone and the first of its kind, within what its account may post.

    What is like the first, on the same resource within the window, answers it or is counted.
    """
    if not story.alike:
        paid = pay(story, settings)
        if paid != "taken":
            return hold_back(story, event, paid)
        send_paid(story, "", settings)
        return "posted", story.message.title
    series = join(story.alike, event, now(), timedelta(minutes=settings["window_minutes"]))
    if series.mine:
        try:
            paid = pay(story, settings)
            if paid != "taken":
                outcome = hold_back(story, event, paid)
                abandon(story.alike)
                return outcome
            thread = send_paid(story, untold_note(series), settings)
        except Exception:
            abandon(story.alike)
            raise
        told(story.alike, thread or "-", series.untold)
        return "posted", story.message.title
    if not series.thread:
        raise Unposted("the first of its kind is being posted", 5)
    milestone = series.times in MILESTONES
    threaded = series.thread != "-"
    note = f"{ordinal(series.times)} time within {settings['window_minutes']} minutes"
    try:
        wanted = milestone or (threaded and series.times <= settings["replies"])
        if wanted and pay(story, settings) == "taken":
            whole = f"{note}{untold_more(series)}"
            thread = series.thread if threaded else ""
            send_paid(story, whole, settings, thread, milestone)
            told(story.alike, series.thread, series.untold)
            return ("answered" if threaded else "posted"), note
        leave_untold(story.alike)
    except Exception:
        part(story.alike)
        raise
    return "counted", note


def pay(story: Story, settings: dict[str, Any]) -> str:
    """Takes a post from the account's minute; alarms cost nothing."""
    return take(story.budget, settings["posts_per_minute"], now()) if story.budget else "taken"


def send_paid(
    story: Story, note: str, settings: dict[str, Any], thread: str = "", loud: bool = False
) -> str:
    """Sends, and gives the post back to the account's budget when it does not come out."""
    try:
        return send(story.message, note, settings, thread, loud)
    except Exception:
        if story.budget:
            refund(story.budget)
        raise


def hold_back(story: Story, event: str, paid: str) -> tuple[str, str]:
    """Leaves an event to the summary of its minute, or makes it the one that tells it."""
    if paid == "first":
        # Before it is counted, that no summary is ever without somebody to tell it.
        stand_for(event, story.budget)
    if hold(story.budget, event, story.line, now()):
        raise HeldBack(60 - int(now().timestamp()) % 60)
    return "held back", "its account has no posts left in this minute: a summary tells it"


def tell_summary(
    budget: str, summary: Summary, notice: Notice, settings: dict[str, Any]
) -> tuple[str, str]:
    """Names all that was held back of an account in a minute, in as few posts as hold it."""
    late = summary.due + STRAGGLERS
    if now() < summary.due:
        raise HeldBack(int((summary.due - now()).total_seconds()) + 1)
    if summary.written < summary.held and now() < late:
        raise HeldBack(5)
    messages = summary_messages(summary, notice, settings)
    for message in messages[summary.told :]:
        send(message, "", settings)
        one_told(budget)
    return "posted", f"the summary of {summary.held} in {len(messages)} posts"


def untold_note(series: Series) -> str:
    """What a new message says about those of its kind that only were counted."""
    if not series.untold:
        return ""
    return f"{series.untold} more like this came since the last message and were only counted"


def untold_more(series: Series) -> str:
    return f"; {series.untold} since the last message were only counted" if series.untold else ""


def ordinal(number: int) -> str:
    """2nd, 3rd, 11th."""
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
