"""Deliveries: each body, what lets a service in, and where a message lies that was not taken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from generator.model import Json
from generator.simulation.deliveries import received
from generator.simulation.world import Resource

from .conftest import (
    CENTRAL,
    HOME,
    MEMBER,
    QUEUE,
    RULE,
    Laboratory,
    altered,
    bodies_in,
    detection,
    event_of,
    lying_in,
    without,
)
from .consoleme import ROLES

KEY = "kms_key_disabled"
ROLE = "consoleme_role_changed"
FINDINGS = "trailbus-findings"
UNDELIVERED = "trailbus-undelivered"
TOPIC = "AWS::SNS::Topic"
PEOPLE = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{CENTRAL}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
"""What a key says that lets the account's own people in, and no service."""


def rule(lab: Laboratory, name: str = KEY) -> Resource:
    found: Resource = lab.resource(RULE, f"trailbus-{name}")
    return found


@contextmanager
def aimed(lab: Laboratory, **target: Json) -> Iterator[None]:
    """The rule with another body for its one target."""
    [findings] = rule(lab).properties["Targets"]
    bare = {key: value for key, value in findings.items() if not key.startswith("Input")}
    with altered(rule(lab), Targets=[{**bare, **target}]):
        yield


@contextmanager
def closed(lab: Laboratory, queue: str) -> Iterator[None]:
    """A queue that has no policy."""
    resource = lab.resource(QUEUE, queue)
    with ExitStack() as stack:
        for policy in lab.world.inventory.of_type(CENTRAL, HOME, "AWS::SQS::QueuePolicy"):
            named = policy.properties["Queues"]
            if resource.physical_id in named:
                others = [each for each in named if each != resource.physical_id]
                stack.enter_context(altered(policy, Queues=others))
        yield


# --- Bodies

BODIES: list[tuple[str, dict[str, Json], Callable[[Json], Json]]] = [
    ("event", {}, lambda event: event),
    ("detail", {"InputPath": "$.detail"}, lambda event: event["detail"]),
    ("constant", {"Input": '{"a":1}'}, lambda event: {"a": 1}),
    (
        "notice",
        {"InputTransformer": {"InputTemplate": '{"event":<aws.events.event.json>}'}},
        lambda event: {"event": event},
    ),
]


@pytest.mark.parametrize(
    ("target", "wanted"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES]
)
def test_target_receives_the_body_that_it_asks_for(
    lab: Laboratory, target: dict[str, Json], wanted: Callable[[Json], Json]
) -> None:
    event = event_of(KEY, region=HOME)
    with aimed(lab, **target):
        [delivery] = lab.send(event).deliveries
    assert json.loads(delivery.message) == wanted(event)
    assert received(lab.world) == {FINDINGS: [delivery.message]}


def test_body_that_is_no_json_lies_as_the_event_in_the_dead_letters(lab: Laboratory) -> None:
    event = event_of(KEY, region=HOME, errorMessage='he said "no"')
    template = {
        "InputPathsMap": {"said": "$.detail.errorMessage"},
        "InputTemplate": '{"said": "<said>"}',
    }
    with aimed(lab, InputTransformer=template):
        journey = lab.send(event)
    [letter] = journey.dead_letters
    assert (letter.code, letter.queue) == ("INVALID_JSON", UNDELIVERED)
    assert [json.loads(text) for text in bodies_in(lab.resource(QUEUE, UNDELIVERED))] == [event]


def test_topic_wraps_a_message_unless_delivery_is_raw(lab: Laboratory) -> None:
    event = event_of(ROLE, region=HOME)
    [subscription] = [
        one
        for one in lab.world.inventory.of_type(CENTRAL, HOME, "AWS::SNS::Subscription")
        if one.properties["Endpoint"].endswith(f":{ROLES}")
    ]
    with altered(subscription, RawMessageDelivery=True):
        raw = next(d.message for d in lab.send(event).deliveries if d.target == "consoleme-roles")
    with altered(subscription, RawMessageDelivery=None):
        full = next(d.message for d in lab.send(event).deliveries if d.target == "consoleme-roles")
    assert json.loads(raw) == event
    envelope = json.loads(full)
    assert envelope["Type"] == "Notification"
    assert envelope["TopicArn"] == subscription.properties["TopicArn"]
    assert json.loads(envelope["Message"]) == event
    assert bodies_in(lab.resource(QUEUE, ROLES)) == [raw, full]


# --- What lets a service in, and what does not

LETTERS_OF_ROLES = f"{ROLES}-dead-letters"


def key_of(lab: Laboratory, resource: Resource) -> Resource:
    found = lab.world.inventory.by_arn(str(resource.properties["KmsMasterKeyId"]))
    assert found is not None
    return found


def topic(lab: Laboratory) -> Resource:
    found: Resource = lab.resource(TOPIC, ROLES)
    return found


def topic_policy(lab: Laboratory) -> Resource:
    return next(
        one
        for one in lab.world.inventory.of_type(CENTRAL, HOME, "AWS::SNS::TopicPolicy")
        if topic(lab).physical_id in one.properties["Topics"]
    )


STOPS: list[tuple[str, str, Any, str, str, str]] = [
    (
        "the queue is gone",
        KEY,
        lambda lab: without(lab.world, lab.resource(QUEUE, FINDINGS)),
        "NO_RESOURCE",
        UNDELIVERED,
        f"there is no arn:aws:sqs:{HOME}:{CENTRAL}:{FINDINGS}",
    ),
    (
        "the queue has no policy",
        KEY,
        lambda lab: closed(lab, FINDINGS),
        "NO_PERMISSIONS",
        UNDELIVERED,
        "no policy",
    ),
    (
        "the message is too long for the queue",
        KEY,
        lambda lab: altered(lab.resource(QUEUE, FINDINGS), MaximumMessageSize=1024),
        "INVALID_PARAMETER",
        "",
        "bytes are too long for",
    ),
    (
        "the key lets nobody in",
        ROLE,
        lambda lab: altered(
            key_of(lab, topic(lab)), KeyPolicy={"Version": "2012-10-17", "Statement": [PEOPLE]}
        ),
        "NO_PERMISSIONS",
        UNDELIVERED,
        "its key",
    ),
    (
        "the key is gone",
        ROLE,
        lambda lab: without(lab.world, key_of(lab, topic(lab))),
        "NO_PERMISSIONS",
        UNDELIVERED,
        "lets no service in",
    ),
    (
        "the topic is gone",
        ROLE,
        lambda lab: without(lab.world, topic(lab)),
        "NO_RESOURCE",
        UNDELIVERED,
        "there is no arn:aws:sns:",
    ),
    (
        "the topic has no policy",
        ROLE,
        lambda lab: without(lab.world, topic_policy(lab)),
        "NO_PERMISSIONS",
        UNDELIVERED,
        "no policy",
    ),
    (
        "the queue behind the topic is gone",
        ROLE,
        lambda lab: without(lab.world, lab.resource(QUEUE, ROLES)),
        "NO_RESOURCE",
        LETTERS_OF_ROLES,
        "there is no queue",
    ),
    (
        "the queue behind the topic has no policy",
        ROLE,
        lambda lab: closed(lab, ROLES),
        "NO_PERMISSIONS",
        LETTERS_OF_ROLES,
        "no policy",
    ),
]


@pytest.mark.parametrize(
    ("name", "stop", "code", "queue", "why"),
    [row[1:] for row in STOPS],
    ids=[row[0] for row in STOPS],
)
def test_what_is_not_taken_lies_in_dead_letters(
    lab: Laboratory, name: str, stop: Any, code: str, queue: str, why: str
) -> None:
    event = event_of(name, region=HOME, requestParameters={"keyId": "1", "roleName": "r"})
    before = lab.send(event).deliveries
    target = "findings" if name == KEY else "consoleme-roles"
    assert target in [delivery.target for delivery in before]
    with stop(lab):
        journey = lab.send(event)
    assert target not in [delivery.target for delivery in journey.deliveries]
    [letter] = journey.dead_letters
    assert (letter.rule, letter.target) == (f"trailbus-{name}", target)
    assert letter.code == code
    assert why in letter.why
    if queue:
        assert letter.queue == queue
        [message] = lying_in(lab.resource(QUEUE, queue))
        assert json.loads(message.body) == event
        if queue == UNDELIVERED:
            said = {key: value["StringValue"] for key, value in message.message_attributes.items()}
            assert said["ERROR_CODE"] == code
            assert said["ERROR_MESSAGE"] == letter.why
            assert said["RULE_ARN"] == rule(lab, name).arn
    if not journey.deliveries:
        reason = lab.reasons.after(journey, [detection(name)])
        assert str(reason).startswith(f"trailbus-{name}: {code}: ")


def test_one_target_that_fails_leaves_the_others_alone(lab: Laboratory) -> None:
    event = event_of("cloudtrail_logging_stopped", account=MEMBER)
    with without(lab.world, lab.resource(QUEUE, FINDINGS)):
        journey = lab.send(event)
    assert [delivery.target for delivery in journey.deliveries] == ["trail-guard"]
    assert [letter.target for letter in journey.dead_letters] == ["findings"]
    assert lab.reasons.after(journey, []) is None


def test_message_longer_than_a_topic_takes_is_kept(lab: Laboratory) -> None:
    long = event_of(ROLE, region=HOME, requestParameters={"roleName": "r", "x": "é" * 140_000})
    journey = lab.send(long)
    [letter] = [one for one in journey.dead_letters if one.target == "consoleme-roles"]
    assert letter.code == "INVALID_PARAMETER"
    assert "bytes are too long for arn:aws:sns:" in letter.why
    assert letter.queue == UNDELIVERED


def test_no_other_rule_sends_to_a_queue_of_ours(lab: Laboratory) -> None:
    """The queue's policy names our rules: a rule of somebody else in the account is refused."""
    properties = {**rule(lab).properties, "Name": "mine"}
    arn = rule(lab).arn.rpartition("/")[0] + "/mine"
    mine = Resource(RULE, "Mine", "mine", CENTRAL, HOME, properties, {"Arn": arn})
    lab.world.inventory.add(mine)
    try:
        journey = lab.send(event_of(KEY, region=HOME))
    finally:
        lab.world.inventory.remove(mine)
    assert [delivery.rule for delivery in journey.deliveries] == [f"trailbus-{KEY}"]
    [letter] = journey.dead_letters
    assert (letter.rule, letter.code) == ("mine", "NO_PERMISSIONS")
