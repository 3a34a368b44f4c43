"""A recorded event of a member becomes a message in a chat; near misses and faults do not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from moto.sns.models import sns_backends

from generator import config
from generator.model import Shape
from generator.simulation import report
from generator.simulation.organization import DEFAULT_PLACE
from generator.simulation.run import example_events, simulate
from generator.simulation.web import WEBHOOK, Request, Response

from .conftest import (
    AWAY,
    CENTRAL,
    HOME,
    MEMBER,
    Laboratory,
    bundle_of,
    event_of,
    laboratory,
    moto_queue,
    stop_of,
)

CONFIGURATION = """\
name_prefix: trailbus
targets:
  slack: {kind: responder, responder: notify_slack}
  trail-guard: {kind: responder, responder: restart_cloudtrail, mode: enforce}
routes:
  - {severity: [high, critical], to: [slack]}
  - {detections: [cloudtrail_logging_stopped], to: [trail-guard]}
"""


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory) -> Shape:
    """High and critical detections to Slack, stopped trails to the guard as well."""
    file: Path = tmp_path_factory.mktemp("telling") / "trailbus.yaml"
    file.write_text(CONFIGURATION, encoding="utf-8")
    return config.load(file).shape


@pytest.fixture
def lab(shape: Shape) -> Iterator[Laboratory]:
    with laboratory(shape=shape) as made:
        yield made


def test_a_stopped_trail_is_told_and_so_is_what_was_done_about_it(lab: Laboratory) -> None:
    lab.cloud.trails.add(MEMBER, AWAY, "account-trail", logging=False)
    journey = lab.send(stop_of("account-trail", MEMBER, AWAY))

    assert [post.host for post in journey.posts] == ["hooks.slack.com"] * 2
    first, second = (json.loads(post.body) for post in journey.posts)
    assert first["text"].startswith("CRITICAL: CloudTrail logging was stopped in 111122223333")
    assert second["text"].startswith("trail-guard: restarted in 111122223333")
    assert [action.call for action in journey.actions] == ["cloudtrail:StartLogging"]


def test_a_call_that_failed_is_not_told(lab: Laboratory) -> None:
    journey = lab.send(stop_of("account-trail", MEMBER, AWAY, errorCode="AccessDenied"))

    assert journey.posts == []


def test_a_detection_that_is_not_loud_enough_is_not_told(lab: Laboratory) -> None:
    quiet = next(d for d in lab.shape.detections if d.severity == "medium")
    journey = lab.send(event_of(quiet.id))

    assert not journey.forwarded  # no route takes it anywhere
    assert journey.posts == []


def test_the_same_event_twice_is_told_once(lab: Laboratory) -> None:
    event = event_of("cloudtrail_trail_deleted")
    posts = [len(lab.send(event).posts) for _ in range(3)]

    assert posts == [1, 0, 0]


def test_what_a_chat_that_is_down_did_not_take_comes_when_it_is_up_again(lab: Laboratory) -> None:
    lab.functions.web.answer = lambda request: Response(503, "", {"Retry-After": "60"})
    for number in range(3):
        lab.send(event_of("cloudtrail_trail_deleted", eventID=f"00000000-000{number}"))
    assert {post.status for post in lab.functions.posts} == {503}
    lab.functions.web.answer = lambda request: Response()
    due = lab.functions.delays.next
    assert due is not None
    lab.functions.wait(due + timedelta(minutes=30))

    assert [post.status for post in lab.functions.posts].count(200) == 3
    for queue in ("trailbus-slack-critical", "trailbus-slack-critical-dead-letters"):
        assert moto_queue(lab.resource("AWS::SQS::Queue", queue))._messages == []


def test_the_address_stands_nowhere_but_in_the_request(lab: Laboratory) -> None:
    asked: list[Request] = []

    def says(request: Request) -> Response:
        asked.append(request)
        return Response(404, "no_service")

    lab.functions.web.answer = says
    journey = lab.send(event_of("cloudtrail_trail_deleted"))
    secret = WEBHOOK.rpartition("/")[2]

    assert asked[0].url == WEBHOOK
    assert secret not in json.dumps([post.body for post in journey.posts])
    assert secret not in "\n".join(lab.functions.log)


def test_an_alarm_of_our_own_and_a_report_of_trouble_are_told_without_wiring(
    lab: Laboratory,
) -> None:
    topics = {
        str(topic.properties["TopicName"]): topic.arn
        for topic in lab.world.inventory.of_type(CENTRAL, HOME, "AWS::SNS::Topic")
    }
    backend = sns_backends[CENTRAL][HOME]
    name = "trailbus-trail-guard-errors"
    alarm = {
        "AlarmName": name,
        "AlarmDescription": "The function trailbus-trail-guard failed. Read its log.",
        "AWSAccountId": CENTRAL,
        "NewStateValue": "ALARM",
        "OldStateValue": "OK",
        "NewStateReason": "Threshold Crossed: 1 datapoint [3.0] was greater than 0.0",
        "StateChangeTime": "2026-11-03T12:00:00.000+0000",
        "Region": "US East (N. Virginia)",
        "AlarmArn": f"arn:aws:cloudwatch:{HOME}:{CENTRAL}:alarm:{name}",
    }
    said = {"responder": "trail-guard", "outcome": "gave up", "account": MEMBER, "message": "why"}
    for times in range(2):
        backend.publish(json.dumps({**alarm, "Trigger": times}), topics["trailbus-alarms"])
    backend.publish(json.dumps(said), topics["trailbus-reports"])
    lab.functions.pump(datetime(2026, 11, 3, 12, 1, tzinfo=UTC))

    first, second, report = (json.loads(post.body) for post in lab.functions.posts)
    assert first["text"] == f"HIGH: Alarm: {name} in {CENTRAL}, {HOME}"
    assert "Read its log." in json.dumps(first)
    assert "OK \\u2192 ALARM" in json.dumps(first)
    assert "Open in CloudWatch" in json.dumps(first)
    assert second["text"] == first["text"], "no alarm is joined away"
    assert report["text"].startswith("HIGH: trail-guard: gave up")


def test_an_alarm_that_is_over_is_told_quietly(lab: Laboratory) -> None:
    topic = f"arn:aws:sns:{HOME}:{CENTRAL}:trailbus-alarms"
    alarm = {"AlarmName": "trailbus-x", "AlarmDescription": "Mend it.", "NewStateValue": "OK"}
    sns_backends[CENTRAL][HOME].publish(json.dumps(alarm), topic)
    lab.functions.pump(datetime(2026, 11, 3, 12, 1, tzinfo=UTC))

    [post] = (json.loads(post.body) for post in lab.functions.posts)
    assert post["text"].startswith("Over: trailbus-x in ")
    assert "Mend it." not in json.dumps(post)


@pytest.mark.slow
def test_simulate_shows_what_is_told(shape: Shape) -> None:
    detections = [d for d in shape.detections if d.id == "cloudtrail_trail_deleted"]
    reading = example_events(detections, shape.name_prefix)
    simulation = simulate(shape, bundle_of(shape), DEFAULT_PLACE, reading, 5)
    document = report.document(simulation)
    posts = [post for event in document["events"] for post in event["posts"]]

    assert document["totals"]["posts"] == len(posts) > 0
    assert {post["host"] for post in posts} == {"hooks.slack.com"}
    assert {post["responder"] for post in posts} == {"trailbus-slack"}
