"""Tells a chat channel what was detected, in one readable message."""

import json
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any

from shared.batches import GivenBack, handle_batch
from shared.callers import who_called
from shared.chats import Chat, Unposted, chat_of, post
from shared.clients import central_client
from shared.clock import now
from shared.layouts import generic, slack, slack_plain, slack_reply, teams
from shared.messages import Message, message_of, message_of_report
from shared.notices import Notice, nested, notice_of, text
from shared.repeats import Series, abandon, claim, join, leave_untold, part, release, settle, told
from shared.secret import secret

LAYOUTS: dict[str, Callable[[Message, str], dict[str, Any]]] = {
    "slack": slack,
    "teams": teams,
    "generic": generic,
}
MILESTONES = (10, 100, 1_000, 10_000, 100_000)
"""How many of a kind are told of though they are only counted."""
QUIET_FOR = timedelta(minutes=15)
"""How long one published failure stands for those after it."""

paused: dict[str, datetime] = {}
"""Until when the chat wants to be left alone, and when a failure was last published."""


@dataclass(frozen=True)
class Report(Notice):
    """A report of a responder, read as the notice that it is about."""

    said: dict[str, Any] = field(default_factory=dict)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of Lambda: a batch of notices from the queue."""
    settings = json.loads(os.environ["TRAILBUS_SETTINGS"])
    receipts = {record["messageId"]: record["receiptHandle"] for record in event["Records"]}
    return handle_batch(
        event,
        context,
        lambda notice: respond(notice, settings, receipts[notice.message_id]),
        notice_or_report,
    )


def notice_or_report(record: dict[str, Any]) -> Notice:
    """The notice in a message, or the report; ValueError when it is neither."""
    try:
        return notice_of(record)
    except ValueError:
        said = json.loads(record["body"])
        if not text(nested(said, "outcome")) or not text(nested(said, "responder")):
            raise
    tries = int(nested(record, "attributes", "ApproximateReceiveCount") or 1)
    names = {"eventID": "event_id", "eventName": "event_name", "eventTime": "event_time"}
    detail = {key: said.get(name) for key, name in names.items()}
    event = {"account": said.get("account"), "region": said.get("region"), "detail": detail}
    detection = {"id": said.get("detection")}
    return Report(record["messageId"], tries, detection, event, said)


def respond(notice: Notice, settings: dict[str, Any], receipt: str) -> None:
    """Tells of one notice. What the chat does not take comes back when it may."""
    try:
        if "until" in paused and now() < paused["until"]:
            left = paused["until"] - now()
            raise Unposted("the chat wants to be left alone", int(left.total_seconds()) + 1)
        note_down(notice, *tell(notice, settings))
    except Exception as error:
        problem = error if isinstance(error, Unposted) else Unposted(_what(error))
        wait = later(notice, problem)
        note_down(notice, "given back", f"{problem}; again in {wait} seconds")
        hide(notice, receipt, wait)
        # Reports of reports would run in a circle, and one of many failures says enough.
        told_lately = "failure" in paused and now() - paused["failure"] < QUIET_FOR
        if problem.seconds is not None or told_lately or isinstance(notice, Report):
            raise GivenBack from None
        paused["failure"] = now()
        raise


def tell(notice: Notice, settings: dict[str, Any]) -> tuple[str, str]:
    """Reads, decides, posts: an outcome, in a word, and why. An event is told of once."""
    unwanted = ignored(notice, settings)
    if unwanted:
        return "ignored", unwanted
    said = notice.said if isinstance(notice, Report) else {}
    whole = json.dumps(said or notice.event, sort_keys=True)
    about = text(notice.detection.get("id"))
    event = key("event", about, whole if said else notice.event_id or whole)
    taken = claim(event, now())
    if taken == "done":
        return "ignored", "this event was told of already"
    if taken == "taken":
        raise Unposted("another delivery of this event is being posted", 15)
    try:
        message = message_of_report(said) if said else message_of(notice)
        who = text(said.get("responder")) or who_called(notice).name
        alike = key("alike", about, notice.account, who, text(said.get("outcome")))
        outcome = post_or_count(message, event, alike, settings)
    except Exception:
        release(event)
        raise
    settle(event, now())
    return outcome


def ignored(notice: Notice, settings: dict[str, Any]) -> str:
    """Why an event is not told of; empty when it is."""
    if isinstance(notice, Report):
        own = text(notice.said.get("responder")) == os.environ["TRAILBUS_TARGET"]
        return "its own report" if own else ""
    if "replay-name" in notice.event:
        return "replayed: a replay is for consumers, people were told before"
    if notice.role_arn and notice.role_arn == os.environ["TRAILBUS_OWN_ROLE"]:
        return "the call was made with this responder's own role"
    if notice.account in listed("TRAILBUS_IGNORE_ACCOUNTS"):
        return f"account {notice.account} is ignored"
    service = text(notice.detail.get("eventSource")).removesuffix(".amazonaws.com")
    calls = (notice.event_name, f"{service}:{notice.event_name}")
    for pattern in settings["ignore_events"]:
        if _any_like(pattern, *calls):
            return f"event {pattern} is ignored"
    for pattern in listed("TRAILBUS_IGNORE_PRINCIPALS"):
        if _any_like(pattern, notice.caller, notice.role_arn):
            return f"principal {pattern} is ignored"
    return ""


def _any_like(pattern: str, *texts: str) -> bool:
    """As in a policy, * and ? stand for anything and nothing else does; case counts."""
    glob = pattern.replace("[", "[[]")
    return any(each and fnmatchcase(each, glob) for each in texts)


def listed(variable: str) -> list[str]:
    """A parameter that people type. A misspelt one must not silence anything, nor nothing."""
    given = json.loads(os.environ[variable].strip() or "[]")
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ValueError(f"{variable} must be a JSON list of texts in quotes")
    return given


def post_or_count(
    message: Message, event: str, alike: str, settings: dict[str, Any]
) -> tuple[str, str]:
    """Posts the first of its kind; what follows within the window answers it, or is counted."""
    series = join(alike, event, now(), timedelta(minutes=settings["window_minutes"]))
    if series.mine:
        try:
            thread = send(message, untold_note(series), settings)
        except Exception:
            abandon(alike)
            raise
        told(alike, thread or "-", series.untold)
        return "posted", message.title
    if not series.thread:
        raise Unposted("the first of its kind is being posted", 5)
    milestone = series.times in MILESTONES
    note = f"{ordinal(series.times)} time within {settings['window_minutes']} minutes"
    try:
        if series.thread != "-" and (series.times <= settings["replies"] or milestone):
            send(message, f"{note}{untold_more(series)}", settings, series.thread, milestone)
            told(alike, series.thread, series.untold)
            return "answered", note
        if series.thread == "-" and milestone:
            send(message, f"{note}{untold_more(series)}", settings)
            told(alike, series.thread, series.untold)
            return "posted", note
        leave_untold(alike)
    except Exception:
        part(alike)
        raise
    return "counted", note


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


def send(
    message: Message, note: str, settings: dict[str, Any], thread: str = "", loud: bool = False
) -> str:
    """Posts with the secret as it is known, and once more with the one that it is now."""
    chat = the_chat(settings)
    try:
        return laid_out(chat, message, note, thread, loud)
    except Unposted as problem:
        if not problem.stale or the_chat(settings, anew=True) == chat:
            raise
    return laid_out(the_chat(settings), message, note, thread, loud)


def the_chat(settings: dict[str, Any], anew: bool = False) -> Chat:
    return chat_of(secret(anew), os.environ["TRAILBUS_CHANNEL"], settings["format"])


def laid_out(chat: Chat, message: Message, note: str, thread: str, loud: bool) -> str:
    """Posts in the chat's layout; a message that it does not take so goes out in plain words."""
    answer = thread if chat.threads else ""
    document = slack_reply(message, note) if answer else LAYOUTS[chat.layout](message, note)
    try:
        return post(chat, document, answer, loud)
    except Unposted as problem:
        if problem.no_thread:
            return post(chat, LAYOUTS[chat.layout](message, note))
        if not problem.unfit or chat.layout != "slack":
            raise
    return post(chat, slack_plain(message), answer, loud)


def later(notice: Notice, problem: Unposted) -> int:
    """After how many seconds a message comes back: as the chat says, longer from try to try.

    Spread a little, by their ids, so that what waits does not come back all at once.
    """
    seconds = problem.seconds or 0
    if problem.busy:
        paused["until"] = now() + timedelta(seconds=max(seconds, 10))
    wait = max(seconds, min(15 << min(notice.tries - 1, 6), 900))
    return wait + zlib.crc32(notice.message_id.encode()) % (wait // 2 + 1)


def hide(notice: Notice, receipt: str, seconds: int) -> None:
    """Lets a message show up again after so long, and not when the queue's own time is over."""
    try:
        central_client("sqs").change_message_visibility(
            QueueUrl=os.environ["TRAILBUS_QUEUE"], ReceiptHandle=receipt, VisibilityTimeout=seconds
        )
    except Exception as error:  # noqa: BLE001 - it comes back all the same, at another time
        note_down(notice, "given back", f"not hidden: {_what(error)}")


def key(*words: str) -> str:
    """A key in the memory table."""
    digest = sha256(json.dumps(words).encode()).hexdigest()
    return f"{os.environ['TRAILBUS_TARGET']} {words[0]} {digest}"


def note_down(notice: Notice, outcome: str, why: str) -> None:
    """One log line about a notice."""
    line = {
        "level": "ERROR" if outcome == "given back" else "INFO",
        "responder": os.environ["TRAILBUS_TARGET"],
        "outcome": outcome,
        "message": why[:500],
        "detection": text(notice.detection.get("id")),
        "account": notice.account,
        "region": notice.region,
        "event_id": notice.event_id,
    }
    print(json.dumps({name: value[:500] for name, value in line.items()}))  # noqa: T201


def _what(error: Exception) -> str:
    return str(error) if isinstance(error, Unposted) else f"{type(error).__name__}: {error}"
