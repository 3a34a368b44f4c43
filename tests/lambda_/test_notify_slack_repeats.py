"""notify_slack: more of the same becomes a thread or a count, and no event is told of twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from generator.simulation.web import Response

from .chat import CHANNEL, TOKEN, Chat, seen
from .conftest import Deploy
from .events import MEMBER, NOW, OTHER, session_of, stop
from .telling import Teller, notice, teller


@pytest.fixture
def hook(deploy: Deploy) -> Iterator[Teller]:
    """With a webhook, which knows no threads."""
    with teller(deploy, posts_per_minute=100) as made:
        yield made


@pytest.fixture
def bot(deploy: Deploy) -> Iterator[Teller]:
    """With a bot's token."""
    with teller(deploy, json.dumps({"token": TOKEN, "channel": CHANNEL}), replies=4) as made:
        yield made


def by(person: str, trail: str = "account-trail", **more: Any) -> str:
    """Something that is not critical, done in a role of that person's."""
    return notice(stop(trail, userIdentity=session_of(f"/{person}", "session"), **more))


# --- Once


def test_an_event_that_is_delivered_twice_is_told_once(hook: Teller) -> None:
    event = stop()
    assert hook(event, event).outcomes == ["posted", "ignored"]
    hook.later(hours=30)
    assert hook(event).outcomes == ["ignored"]
    assert len(hook.chat.posts) == 1


def test_the_same_event_of_another_detection_is_told_too(hook: Teller) -> None:
    event = stop()
    answer = hook(notice(event, id="one"), notice(event, id="two"))

    assert answer.outcomes == ["posted", "posted"]


def test_an_event_without_an_id_is_known_by_all_that_it_says(hook: Teller) -> None:
    event = by("mara", eventID=None)
    other = by("mara", eventID=None, sourceIPAddress="192.0.2.1")

    assert hook(event, event, other).outcomes == ["posted", "ignored", "counted"]


def test_an_event_that_somebody_else_is_telling_waits_its_turn(hook: Teller) -> None:
    event = stop()

    def meanwhile(request: Any) -> Response:
        """While the chat thinks, another delivery of the event comes to another function."""
        hook.chat.says = None
        second = hook(event)
        assert len(second.failed) == 1
        assert "another delivery of this event is being posted" in second.only["message"]
        return Response()

    hook.chat.says = meanwhile
    assert hook(event).failed == []
    assert len(hook.chat.posts) == 1


def test_who_dies_while_telling_is_replaced_after_a_while(hook: Teller) -> None:
    def dies(request: Any) -> Response:
        raise KeyboardInterrupt

    event = stop()
    hook.chat.says = dies
    with pytest.raises(KeyboardInterrupt):
        hook(event)
    hook.chat.says = None
    assert len(hook(event).failed) == 1, "the lease holds"
    hook.later(minutes=3)

    assert hook(event).outcomes == ["posted"]


# --- Counted, with a webhook


def test_more_of_the_same_is_counted_and_the_next_message_says_how_many(hook: Teller) -> None:
    answer = hook(*[by("mara") for _ in range(4)])
    assert answer.outcomes == ["posted", "counted", "counted", "counted"]
    assert len(hook.chat.posts) == 1
    hook.later(minutes=61)
    hook(by("mara"))
    assert "3 more like this came since the last message" in seen(hook.chat.posts[1])
    hook.later(minutes=61)
    hook(by("mara"))
    assert "more like this" not in seen(hook.chat.posts[2])


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("another role", by("nils")),
        ("another account", by("mara", account=OTHER)),
        ("another Region", by("mara", region="eu-west-3")),
        ("another resource", by("mara", "other-trail")),
        ("another result", by("mara", errorCode="AccessDenied")),
        ("another detection", notice(json.loads(by("mara"))["event"], id="other")),
    ],
)
def test_what_is_not_the_same_is_a_message_of_its_own(hook: Teller, name: str, other: Any) -> None:
    assert hook(by("mara"), other).outcomes == ["posted", "posted"], name


def test_a_flood_is_told_at_its_tenth_and_hundredth(hook: Teller) -> None:
    for _ in range(12):
        hook(*[by("mara") for _ in range(10)])

    assert len(hook.chat.posts) == 3
    assert "10th time within 60 minutes; 8 since the last message were only counted" in seen(
        hook.chat.posts[1]
    )
    assert "100th time within 60 minutes; 89 since" in seen(hook.chat.posts[2])


def test_a_burst_loses_no_event(hook: Teller) -> None:
    """Each of many events is posted, or counted in what is posted later."""
    outcomes = [
        outcome
        for batch in range(50)
        for outcome in hook(*[by(f"person-{n}") for n in range(10)]).outcomes
    ]
    assert len(outcomes) == 500
    assert outcomes.count("posted") == len(hook.chat.posts) == 20
    hook.later(hours=2)
    hook(*[by(f"person-{n}") for n in range(10)])
    for post in hook.chat.posts[-10:]:
        assert "40 more like this came since the last message" in seen(post)


# --- Threads, with a bot


def test_more_of_the_same_is_answered_in_a_thread(bot: Teller) -> None:
    answer = bot(by("mara"), by("mara", sourceIPAddress="192.0.2.7"))
    assert answer.outcomes == ["posted", "answered"]

    first, second = bot.chat.posts
    assert "thread_ts" not in first
    assert second["thread_ts"] == "1700000000.000001"
    assert "reply_broadcast" not in second
    assert "2nd time within 60 minutes" in seen(second)
    assert "*From*  `192.0.2.7`" in seen(second)


def test_after_some_answers_the_rest_is_counted_but_for_the_tenth(bot: Teller) -> None:
    outcomes = [bot(by("mara")).only["outcome"] for _ in range(11)]

    assert outcomes == ["posted"] + 3 * ["answered"] + 5 * ["counted"] + ["answered", "counted"]
    assert bot.chat.posts[-1]["reply_broadcast"] is True
    assert "10th time within 60 minutes; 5 since the last" in seen(bot.chat.posts[-1])


def test_a_new_window_opens_a_new_thread(bot: Teller) -> None:
    bot(by("mara"))
    bot.later(minutes=60)
    bot(by("mara"), by("mara"))

    assert [post.get("thread_ts") for post in bot.chat.posts] == [None, None, "1700000000.000002"]


def test_a_thread_that_is_gone_loses_no_message(bot: Teller) -> None:
    bot(by("mara"))
    bot.chat.answers = [Response(body='{"ok": false, "error": "thread_not_found"}')]
    answer = bot(by("mara"))

    assert answer.outcomes == ["answered"]
    assert "thread_ts" not in bot.chat.posts[-1]


def test_a_webhook_in_place_of_a_bot_goes_on_without_threads(bot: Teller) -> None:
    bot(by("mara"))
    bot.aws.secrets["trailbus/slack"] = "https://hooks.slack.com/services/T/B/x"
    bot.later(minutes=10)
    bot(by("mara"))

    assert "thread_ts" not in bot.chat.posts[-1]
    assert "2nd time" in seen(bot.chat.posts[-1])


# --- In any order, and after failures


def test_events_out_of_order_are_told_with_their_own_times(bot: Teller) -> None:
    from datetime import timedelta

    late = by("mara", at=NOW - timedelta(hours=3))
    bot(by("mara"), tries=1)
    bot(late)

    assert "09:00 UTC" in seen(bot.chat.posts[1])
    assert bot.chat.posts[1]["thread_ts"]


def test_the_second_waits_until_the_first_is_out(hook: Teller) -> None:
    """What would be counted behind a message that never came out would be lost."""
    first, second = by("mara"), by("mara")

    def meanwhile(request: Any) -> Response:
        hook.chat.says = None
        waiting = hook(second)
        assert len(waiting.failed) == 1
        assert "the first of its kind is being posted" in waiting.only["message"]
        return Response(404, "no_service")

    hook.chat.says = meanwhile
    assert len(hook(first).failed) == 1
    assert hook(second).outcomes == ["posted"], "it takes the place of the first"
    assert hook(first).outcomes == ["counted"]


def test_who_never_came_back_from_telling_the_first_is_replaced(hook: Teller) -> None:
    def dies(request: Any) -> Response:
        raise KeyboardInterrupt

    hook.chat.says = dies
    with pytest.raises(KeyboardInterrupt):
        hook(by("mara"))
    hook.chat.says = None
    second = by("mara")
    assert len(hook(second).failed) == 1
    hook.later(minutes=3)
    assert hook(second).outcomes == ["posted"]


def test_what_fails_and_comes_back_counts_once(bot: Teller) -> None:
    bot(by("mara"))
    event = by("mara")
    for number in range(1, 4):
        bot.chat.answers = [Response(503)]
        assert len(bot(event, tries=number).failed) == 1
        bot.later(minutes=1)
    assert bot(event, tries=4).outcomes == ["answered"]
    assert "2nd time" in seen(bot.chat.posts[-1])


def test_the_memory_forgets_by_itself(hook: Teller) -> None:
    hook(by("mara"))
    items = hook.aws.memory()

    assert len(items) == 3
    days = [(float(item["expires"]) - NOW.timestamp()) / 86_400 for item in items.values()]
    assert all(14 < day < 16 for day in days)
    assert MEMBER not in json.dumps(items), "keys are digests"


def test_without_memory_nothing_is_posted_and_nothing_lost(hook: Teller) -> None:
    hook.aws.drop_table()
    answer = hook(stop())

    assert len(answer.failed) == 1
    assert Chat().posts == hook.chat.posts
