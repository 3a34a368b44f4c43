"""notify_slack and an attacker who makes noise: decoys hide nothing, floods delay nobody else."""

from __future__ import annotations

import heapq
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from generator.simulation.web import Request, Response

from .chat import CHANNEL, HOOK, TOKEN, seen
from .conftest import Deploy
from .events import MEMBER, NOW, OTHER, session_of, stop
from .remembering import Table
from .telling import CRITICAL, QUEUE, Teller, notice, teller


@pytest.fixture
def tell(deploy: Deploy) -> Iterator[Teller]:
    with teller(deploy) as made:
        yield made


def opened(bucket: str, **more: Any) -> str:
    """A bucket was opened by a session that calls itself terraform."""
    return notice(
        stop(
            eventSource="s3.amazonaws.com",
            eventName="PutBucketPolicy",
            requestParameters={"bucketName": bucket, "policy": ""},
            userIdentity=session_of("/deployer", "terraform"),
            **more,
        )
    )


def channel(tell: Teller) -> str:
    """All that stands in the channel itself, not in a thread."""
    posts = (p for p in tell.chat.posts if "thread_ts" not in p or p.get("reply_broadcast"))
    return "\n".join(seen(post) for post in posts)


# --- Decoys


def test_three_decoy_trails_do_not_hide_the_real_one(tell: Teller) -> None:
    """An attacker stops worthless trails first, from a session named like the real pipeline's."""
    names = ("decoy-1", "decoy-2", "decoy-3", "account-trail")
    answer = tell(*[stop(name) for name in names], queue=CRITICAL)

    assert answer.outcomes == ["posted"] * 4
    assert all(f"`{name}`" in channel(tell) for name in names)


def test_a_trail_that_is_stopped_again_is_told_again(tell: Teller) -> None:
    assert tell(stop(), stop(), stop()).outcomes == ["posted"] * 3


@pytest.mark.parametrize(
    "secret", [HOOK, json.dumps({"token": TOKEN, "channel": CHANNEL})], ids=["a webhook", "a bot"]
)
def test_each_of_25_buckets_that_a_session_named_terraform_opens_is_named(
    deploy: Deploy, secret: str
) -> None:
    with teller(deploy, secret) as tell:
        buckets = [f"bucket-{number:02}" for number in range(25)]
        events = [opened(bucket) for bucket in buckets]
        outcomes = tell(*events).outcomes
        assert outcomes == ["posted"] * 10 + ["held back"] * 15
        tell.later(seconds=60)
        assert tell(events[10]).outcomes == ["posted"]

    assert all(bucket in channel(tell) for bucket in buckets)
    summary = seen(tell.chat.posts[-1])
    assert "15 more in one minute" in summary
    assert "Something happened, by " in summary


def test_the_same_name_in_another_region_is_another_trail(tell: Teller) -> None:
    quiet = [notice(stop(region=region)) for region in ("eu-west-1", "us-east-1")]

    assert tell(*quiet).outcomes == ["posted", "posted"]


@pytest.mark.parametrize("again", ["arn:aws:iam::aws:policy/AdministratorAccess"])
def test_a_second_policy_of_the_same_user_is_another_thing(tell: Teller, again: str) -> None:
    """A harmless policy is attached first."""
    events = [
        notice(stop(requestParameters={"userName": "mara", "policyArn": arn}))
        for arn in ("arn:aws:iam::aws:policy/ReadOnlyAccess", again)
    ]

    assert tell(*events).outcomes == ["posted", "posted"]


def test_session_names_neither_join_nor_part_events(tell: Teller) -> None:
    events = [
        notice(stop(userIdentity=session_of("/admin", f"session-{number}"))) for number in range(5)
    ]

    assert tell(*events).outcomes == ["posted", *4 * ["counted"]]


def test_people_of_one_permission_set_are_told_apart(tell: Teller) -> None:
    role = "/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef"
    events = [notice(stop(userIdentity=session_of(role, name))) for name in ("mara", "nils")]

    assert tell(*events).outcomes == ["posted", "posted"]


def test_what_root_does_is_never_joined(tell: Teller) -> None:
    root = {"type": "Root", "arn": f"arn:aws:iam::{MEMBER}:root", "accountId": MEMBER}

    assert tell(*[notice(stop(userIdentity=root)) for _ in range(3)]).outcomes == ["posted"] * 3


@pytest.mark.parametrize(
    "outcome",
    ["gave up", "refused", "too late", "failed", "given back", "not there", "not ours",
     "escalated", "something new"],
)  # fmt: skip
def test_what_a_responder_could_not_do_is_never_joined(tell: Teller, outcome: str) -> None:
    reports = [_report(outcome, event_id=f"e{number}") for number in range(3)]

    assert tell(*reports, queue=CRITICAL).outcomes == ["posted"] * 3


def test_what_went_well_again_is_joined(tell: Teller) -> None:
    reports = [_report("restarted", event_id=f"e{number}") for number in range(3)]

    assert tell(*reports, queue=CRITICAL).outcomes == ["posted", "counted", "counted"]


def test_an_escalation_looks_as_critical_as_it_says(tell: Teller) -> None:
    tell(_report("gave up", severity="critical"), queue=CRITICAL)

    assert tell.chat.only["text"].startswith("CRITICAL: trail-guard: gave up")


@pytest.mark.parametrize(("outcome", "told"), [("restarted", "ignored"), ("gave up", "posted")])
def test_without_reports_only_those_of_trouble_are_told(
    deploy: Deploy, outcome: str, told: str
) -> None:
    with teller(deploy, reports=False) as tell:
        assert tell(_report(outcome), queue=CRITICAL).outcomes == [told]


def _report(outcome: str, **more: Any) -> str:
    said = {
        "responder": "trail-guard",
        "outcome": outcome,
        "message": "why",
        "account": MEMBER,
        "region": "eu-west-1",
        "resource": "account-trail",
        "detection": "cloudtrail_logging_stopped",
        "event_id": "e",
        **more,
    }
    return json.dumps(said)


# --- Summaries


def test_whoever_tells_the_summary_tries_until_it_is_out(tell: Teller) -> None:
    events = [opened(f"bucket-{number:02}") for number in range(12)]
    assert tell(*events).outcomes == ["posted"] * 10 + ["held back"] * 2
    assert tell.waits == [60]
    assert tell(events[10]).outcomes == ["held back"], "its minute is not over"
    tell.later(seconds=60)
    tell.chat.answers = [Response(503)]
    assert len(tell(events[10]).failed) == 1
    tell.later(seconds=60)

    assert tell(events[10]).outcomes == ["posted"]
    assert "2 more in one minute" in seen(tell.chat.posts[-1])
    assert tell(*events).outcomes == ["ignored"] * 12


def test_a_summary_of_many_names_names_each_in_as_many_posts_as_it_takes(tell: Teller) -> None:
    tell.function.module.IN_A_POST = 500
    names = [f"bucket-{number:02}-with-a-long-name-in-front-of-its-end" for number in range(30)]
    events = [opened(name) for name in names]
    tell(*events)
    tell.later(seconds=60)
    tell(events[10])

    assert all(name in channel(tell) for name in names)
    assert "part 2 of " in channel(tell)


def test_a_post_that_did_not_come_out_costs_nothing(tell: Teller) -> None:
    events = [opened(f"bucket-{number}") for number in range(13)]
    tell.chat.answers = [Response(404)] * 3
    assert len(tell(*events[:3]).failed) == 3

    assert tell(*events[3:]).outcomes == ["posted"] * 10


# --- The flood


class Queues:
    """Two queues, their function, a chat that takes one post a second, and a clock."""

    def __init__(self, tell: Teller) -> None:
        self.tell = tell
        self.due: dict[str, list[Any]] = {CRITICAL: [], QUEUE: []}
        self.told: list[tuple[float, str]] = []
        self.outcomes: Counter[str] = Counter()
        self.last_post = -1.0
        self.second = 0.0
        self.count = itertools.count()
        tell.chat.says = self.answer

    def put(self, second: float, queue: str, event: Any, tries: int = 1) -> None:
        heapq.heappush(self.due[queue], (second, next(self.count), event, tries))

    def answer(self, request: Request) -> Response:
        if self.second < self.last_post + 1:
            return Response(429, "", {"Retry-After": "1"})
        self.last_post = self.second
        self.told.append((self.second, request.body))
        return Response()

    def run(self) -> None:
        """Hands ten of each queue over five times a second, and what comes back when it may."""
        while any(self.due.values()):
            self.tell.function.moment = NOW + timedelta(seconds=self.second)
            for queue, due in self.due.items():
                batch = 0
                while due and due[0][0] <= self.second and batch < 10:
                    _, _, event, tries = heapq.heappop(due)
                    batch += 1
                    self._hand_over(queue, event, tries)
            self.second += 0.2

    def _hand_over(self, queue: str, event: Any, tries: int) -> None:
        self.tell.aws.hidden.clear()
        answer = self.tell(event, tries=tries, queue=queue)
        if answer.failed:
            assert tries < 60, "a dead letter"
            [wait] = self.tell.waits
            self.put(self.second + wait, queue, event, tries + 1)
        else:
            self.outcomes[answer.lines[-1]["outcome"]] += 1


EVENTS = int(os.environ.get("TRAILBUS_FLOOD", "120"))
"""Of 10,000 events in ten minutes as many as a quick test can send. TRAILBUS_FLOOD=10000 sends all:
that takes minutes."""
A_SECOND = 10_000 / 600
A_FEW = 200
"""Events for which moto's memory table is quick enough."""


@pytest.mark.parametrize("critical", [False, True], ids=["high ones", "critical ones"])
def test_a_flood_of_one_account_delays_no_other(deploy: Deploy, critical: bool) -> None:
    others = range(3, int(EVENTS / A_SECOND), 13)
    with teller(deploy) as tell:
        if EVENTS > A_FEW:
            Table(tell.function.module)
        world = Queues(tell)
        for number in range(EVENTS):
            event = stop(f"trail-{number:05}") if critical else opened(f"bucket-{number:05}")
            world.put(number / A_SECOND, CRITICAL if critical else QUEUE, event)
        for second in others:
            world.put(second, CRITICAL, stop(f"other-{second:05}", account=OTHER))
        world.run()

    bodies = "\n".join(body for _, body in world.told)
    kind = "trail" if critical else "bucket"
    missing = [number for number in range(EVENTS) if f"{kind}-{number:05}" not in bodies]
    assert missing == [], "each is posted, or named in a summary"
    assert sum(world.outcomes.values()) == EVENTS + len(others)
    delays = []
    for second in others:
        [told] = [at for at, body in world.told if f"other-{second:05}" in body]
        delays.append(told - second)
    assert max(delays) <= 60
    assert len(world.told) < 30 + EVENTS / 10
