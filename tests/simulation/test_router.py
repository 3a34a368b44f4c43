"""The router: which rules see an event, how it gets to the central bus, and what stops it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import pytest

from generator.model import Json
from generator.simulation.organization import DEFAULT_PLACE, REGIONS
from generator.simulation.router import READS_TOO, Reading, Router
from generator.simulation.world import Resource

from .conftest import (
    AWAY,
    BUS,
    CENTRAL,
    HOME,
    MANAGEMENT,
    MEMBER,
    OTHER,
    QUEUE,
    ROLE,
    RULE,
    STRANGER,
    UNFORWARDED,
    Laboratories,
    Laboratory,
    also,
    altered,
    bodies_in,
    detection,
    event_of,
    examples,
    lying_in,
    without,
)

DENIED = "consoleme_access_denied"
WRITTEN = "kms_key_disabled"


# --- What a rule's state lets it see


def rule_in(state: str) -> Resource:
    pattern = {"source": ["aws.ec2"]}
    return Resource(RULE, "R", "r", MEMBER, AWAY, {"State": state, "EventPattern": pattern})


READ = {"eventName": "ListKeys", "readOnly": True}
SEEN: list[tuple[str, str, Reading, dict[str, Json], bool]] = [
    ("a write", "ENABLED", "strict", {"eventName": "StopLogging", "readOnly": False}, True),
    ("a write, disabled", "DISABLED", "lenient", {"eventName": "X", "readOnly": False}, False),
    ("a write, all", READS_TOO, "strict", {"eventName": "X", "readOnly": False}, True),
    ("a read, strict", "ENABLED", "strict", READ, False),
    ("a read, lenient", "ENABLED", "lenient", READ, False),
    ("a read, all", READS_TOO, "strict", READ, True),
    ("a read, disabled", "DISABLED", "strict", READ, False),
    ("other read, strict", "ENABLED", "strict", {**READ, "eventName": "AssumeRole"}, False),
    ("other read, lenient", "ENABLED", "lenient", {**READ, "eventName": "AssumeRole"}, True),
    ("Get, lenient", "ENABLED", "lenient", {**READ, "eventName": "GetCallerIdentity"}, False),
    ("Describe, lenient", "ENABLED", "lenient", {**READ, "eventName": "DescribeKey"}, False),
    ("readOnly as text", "ENABLED", "strict", {**READ, "readOnly": "true"}, False),
    ("readOnly as other text", "ENABLED", "strict", {**READ, "readOnly": "false"}, True),
    ("without readOnly", "ENABLED", "strict", {"eventName": "ListKeys"}, True),
    ("a data event", "ENABLED", "strict", {**READ, "managementEvent": False}, True),
    ("a data event by category", "ENABLED", "strict", {**READ, "eventCategory": "Data"}, True),
    ("management by category", "ENABLED", "strict", {**READ, "eventCategory": "Management"}, False),
    ("a name that is no text", "ENABLED", "lenient", {"eventName": 7, "readOnly": True}, True),
]


@pytest.mark.parametrize(
    ("state", "reading", "detail", "seen"), [row[1:] for row in SEEN], ids=[row[0] for row in SEEN]
)
def test_state_decides_what_a_rule_sees(
    lab: Laboratory, state: str, reading: Reading, detail: dict[str, Json], seen: bool
) -> None:
    router = Router(lab.world, lab.courier, lab.cloud.trails, reading)
    assert router.receives(rule_in(state), {"detail": detail}) is seen


def test_without_a_state_a_rule_is_enabled(lab: Laboratory) -> None:
    rule = rule_in("ENABLED")
    del rule.properties["State"]
    assert lab.router.receives(rule, {"detail": {}})
    assert not lab.router.receives(rule, {"detail": READ})
    assert lab.router.receives(rule, {"detail": "text"})


def test_read_only_event_needs_the_state_on_both_sides(lab: Laboratory) -> None:
    event = event_of(DENIED)
    assert event["detail"]["readOnly"] is True
    assert [d.target for d in lab.send(event).deliveries] == ["consoleme-denies"]
    with altered(lab.resource(RULE, "trailbus-forward-reads", MEMBER, AWAY), State="ENABLED"):
        journey = lab.send(event)
        assert not journey.forwarded
        assert journey.member_rules == []
    with altered(lab.resource(RULE, f"trailbus-{DENIED}"), State="ENABLED"):
        journey = lab.send(event)
        assert journey.forwarded
        assert journey.central_rules == []


def test_disabled_rules_stop_an_event_on_either_side(lab: Laboratory) -> None:
    event = event_of(WRITTEN)
    [name] = lab.send(event).member_rules
    with altered(lab.resource(RULE, name, MEMBER, AWAY), State="DISABLED"):
        assert not lab.send(event).forwarded
        assert lab.send(event_of(WRITTEN, account=OTHER)).deliveries
    with altered(lab.resource(RULE, f"trailbus-{WRITTEN}"), State="DISABLED"):
        journey = lab.send(event)
        assert journey.forwarded
        assert journey.deliveries == []


# --- The way


@pytest.mark.parametrize("account", [MEMBER, CENTRAL, MANAGEMENT])
@pytest.mark.parametrize("region", REGIONS)
def test_event_arrives_as_it_was_from_everywhere(
    lab: Laboratory, account: str, region: str
) -> None:
    event = event_of(WRITTEN, account=account, region=region) | {"resources": ["arn:x", "arn:y"]}
    journey = lab.send(event)
    [delivery] = journey.deliveries
    arrived = json.loads(delivery.message)["event"]
    assert {**arrived, "id": event["id"]} == event
    assert (arrived["id"] == event["id"]) is (region == HOME)
    assert lab.send(event).deliveries == [delivery]


def test_two_rules_make_two_copies_with_ids_of_their_own(lab: Laboratory) -> None:
    event = event_of(WRITTEN)
    [name] = lab.send(event).member_rules
    first = lab.resource(RULE, name, MEMBER, AWAY)
    properties = {**first.properties, "Name": f"{name}-again"}
    arn = f"{first.arn}-again"
    again = Resource(RULE, "Again", f"{name}-again", MEMBER, AWAY, properties, {"Arn": arn})
    with also(lab.world, again):
        journey = lab.send(event)
    assert journey.member_rules == [name, f"{name}-again"]
    copies = [json.loads(delivery.message)["event"]["id"] for delivery in journey.deliveries]
    assert len(set(copies)) == 2


def test_forwarding_rules_relay_no_event_of_another_account(lab: Laboratory) -> None:
    for name, event in examples(True):
        if name not in lab.shape.wiring:
            continue  # no route takes it anywhere, so nothing is forwarded for it
        account, region = event["account"], event["region"]
        own = [
            r for r in lab.router.rules(account, region, "default") if lab.router.matches(r, event)
        ]
        assert own
        for other in {*lab.world.organization.accounts} - {account}:
            for rule in lab.router.rules(other, region, "default"):
                assert not lab.router.matches(rule, event)


def test_changed_pattern_counts_at_once(lab: Laboratory) -> None:
    rule = lab.resource(RULE, f"trailbus-{WRITTEN}")
    event = event_of(WRITTEN)
    assert lab.send(event).deliveries
    with altered(rule, EventPattern={"source": ["aws.nothing"]}):
        assert not lab.send(event).deliveries
    assert lab.send(event).deliveries


def test_rules_without_a_pattern_and_of_other_buses_see_nothing(lab: Laboratory) -> None:
    schedule = {"Name": "trailbus-nightly", "ScheduleExpression": "rate(1 day)"}
    pattern = {"source": [{"prefix": ""}]}
    rules = [
        Resource(RULE, "A", "a", MEMBER, AWAY, schedule, {"Arn": "arn:a"}),
        Resource(
            RULE,
            "B",
            "b",
            MEMBER,
            AWAY,
            {"Name": "trailbus-b", "EventBusName": "another", "EventPattern": pattern},
            {"Arn": "arn:b"},
        ),
    ]
    with also(lab.world, *rules):
        names = {rule.physical_id for rule in lab.router.rules(MEMBER, AWAY, "default")}
        assert not names & {"a", "b"}
        [found] = lab.router.rules(MEMBER, AWAY, "another")
        assert found.physical_id == "b"


def test_rule_on_a_default_bus_delivers_to_a_queue_of_its_own(lab: Laboratory) -> None:
    queue = lab.resource(QUEUE, UNFORWARDED, MEMBER, AWAY)
    arn = f"arn:aws:events:{AWAY}:{MEMBER}:rule/trailbus-local"
    properties = {
        "Name": "trailbus-local",
        "EventPattern": {"source": ["aws.kms"]},
        "Targets": [{"Id": "local", "Arn": queue.arn}],
    }
    rule = Resource(RULE, "Local", "local", MEMBER, AWAY, properties, {"Arn": arn})
    event = event_of(WRITTEN)
    with also(lab.world, rule):
        lab.send(event)
    assert [json.loads(body) for body in bodies_in(queue)] == [event]


# --- What stops an event between the buses

STRANGE_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
FOREIGN_ACCOUNT_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": OTHER}},
        }
    ],
}
OTHER_BUS = [
    {
        "PolicyName": "may",
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "events:PutEvents", "Resource": f"{BUS}-other"}
            ],
        },
    }
]


def other_organization(lab: Laboratory) -> Any:
    policy = lab.resource("AWS::Events::EventBusPolicy", "trailbus|ThisOrganization")
    statement = json.loads(json.dumps(policy.properties["Statement"]))
    statement["Condition"]["StringEquals"]["aws:PrincipalOrgID"] = "o-zzzzzzzzzz"
    return altered(policy, Statement=statement)


def forwarder(lab: Laboratory) -> Resource:
    found: Resource = lab.resource(ROLE, "trailbus-forwarder", MEMBER)
    return found


STOPS: list[tuple[str, Any, str, str]] = [
    (
        "there is no role",
        lambda lab: without(lab.world, forwarder(lab)),
        "FAILED_TO_ASSUME_ROLE",
        "there is no role",
    ),
    (
        "the role trusts another service",
        lambda lab: altered(forwarder(lab), AssumeRolePolicyDocument=STRANGE_TRUST),
        "FAILED_TO_ASSUME_ROLE",
        "the role's trust",
    ),
    (
        "the role trusts rules of another account",
        lambda lab: altered(forwarder(lab), AssumeRolePolicyDocument=FOREIGN_ACCOUNT_TRUST),
        "FAILED_TO_ASSUME_ROLE",
        "aws:SourceAccount",
    ),
    (
        "the role may put events on another bus alone",
        lambda lab: altered(forwarder(lab), Policies=OTHER_BUS),
        "NO_PERMISSIONS",
        f"{BUS}, the policy wants {BUS}-other",
    ),
    ("the bus policy is another organization's", other_organization, "NO_PERMISSIONS", "OrgID"),
    (
        "the bus has no policy",
        lambda lab: without(
            lab.world, lab.resource("AWS::Events::EventBusPolicy", "trailbus|ThisOrganization")
        ),
        "NO_PERMISSIONS",
        "has no policy",
    ),
    (
        "the bus is gone",
        lambda lab: without(lab.world, lab.resource("AWS::Events::EventBus", "trailbus")),
        "NO_RESOURCE",
        f"there is no bus {BUS}",
    ),
]


@pytest.mark.parametrize(
    ("stop", "code", "why"), [row[1:] for row in STOPS], ids=[row[0] for row in STOPS]
)
def test_what_cannot_be_forwarded_lies_in_the_members_dead_letters(
    lab: Laboratory, stop: Any, code: str, why: str
) -> None:
    event = event_of(WRITTEN)
    [name] = lab.send(event).member_rules
    with stop(lab):
        journey = lab.send(event)
    assert not journey.forwarded
    assert journey.deliveries == []
    [letter] = journey.dead_letters
    assert (letter.rule, letter.queue, letter.code) == (name, UNFORWARDED, code)
    assert why in letter.why
    queue = lab.resource(QUEUE, UNFORWARDED, MEMBER, AWAY)
    [message] = lying_in(queue)
    assert json.loads(message.body) == event
    said = {key: value["StringValue"] for key, value in message.message_attributes.items()}
    assert said == {
        "RULE_ARN": f"arn:aws:events:{AWAY}:{MEMBER}:rule/{name}",
        "TARGET_ARN": BUS,
        "ERROR_CODE": code,
        "ERROR_MESSAGE": letter.why,
    }
    assert lab.reasons.after(journey, [detection(WRITTEN)]) == (
        f"{name}: {code}: {letter.why}; kept in {UNFORWARDED}"
    )


def test_target_without_a_role_forwards_nothing(lab: Laboratory) -> None:
    event = event_of(WRITTEN)
    [name] = lab.send(event).member_rules
    rule = lab.resource(RULE, name, MEMBER, AWAY)
    [target] = rule.properties["Targets"]
    bare = {key: value for key, value in target.items() if key != "RoleArn"}
    with altered(rule, Targets=[bare]):
        [letter] = lab.send(event).dead_letters
    assert (letter.code, letter.why) == ("NO_PERMISSIONS", "the target has no role")


def test_event_is_lost_when_the_dead_letter_queue_refuses_it_too(lab: Laboratory) -> None:
    event = event_of(WRITTEN)
    queue = lab.resource(QUEUE, UNFORWARDED, MEMBER, AWAY)
    [policy] = [
        one
        for one in lab.world.inventory.of_type(MEMBER, AWAY, "AWS::SQS::QueuePolicy")
        if queue.physical_id in one.properties["Queues"]
    ]
    with ExitStack() as stack:
        stack.enter_context(without(lab.world, forwarder(lab)))
        stack.enter_context(without(lab.world, policy))
        journey = lab.send(event)
    [letter] = journey.dead_letters
    assert letter.queue == ""
    assert "there is no role" in letter.why
    assert "lost: the dead-letter queue does not take it either" in letter.why
    assert bodies_in(queue) == []
    assert "lost" in str(lab.reasons.after(journey, [detection(WRITTEN)]))


def test_event_is_lost_when_the_dead_letter_queue_is_gone(lab: Laboratory) -> None:
    queue = lab.resource(QUEUE, UNFORWARDED, MEMBER, AWAY)
    with without(lab.world, forwarder(lab)), without(lab.world, queue):
        [letter] = lab.send(event_of(WRITTEN)).dead_letters
    assert letter.queue == ""
    assert (
        f"lost: the dead-letter queue does not take it either: there is no {queue.arn}"
        in letter.why
    )


def test_event_is_lost_without_a_dead_letter_queue(lab: Laboratory) -> None:
    event = event_of(WRITTEN)
    [name] = lab.send(event).member_rules
    rule = lab.resource(RULE, name, MEMBER, AWAY)
    [target] = rule.properties["Targets"]
    bare = {key: value for key, value in target.items() if key != "DeadLetterConfig"}
    with altered(rule, Targets=[bare]), without(lab.world, forwarder(lab)):
        [letter] = lab.send(event).dead_letters
    assert letter.queue == ""
    assert letter.why.endswith("lost: it has no dead-letter queue")


@pytest.mark.parametrize(
    ("region", "code"),
    [(HOME, "THIRD_ACCOUNT_HOP_DETECTED"), (AWAY, "THIRD_REGION_HOP_DETECTED")],
)
def test_no_event_goes_on_to_a_third_bus(lab: Laboratory, region: str, code: str) -> None:
    arn = f"arn:aws:events:{region}:{OTHER}:event-bus/third"
    bus = Resource(
        "AWS::Events::EventBus", "Third", "third", OTHER, region, {"Name": "third"}, {"Arn": arn}
    )
    central = lab.resource(RULE, f"trailbus-{WRITTEN}")
    [findings] = central.properties["Targets"]
    onward = {
        "Id": "onward",
        "Arn": arn,
        "RoleArn": f"arn:aws:iam::{CENTRAL}:role/trailbus-forwarder",
        "DeadLetterConfig": findings["DeadLetterConfig"],
    }
    with also(lab.world, bus), altered(central, Targets=[findings, onward]):
        journey = lab.send(event_of(WRITTEN))
    assert [delivery.target for delivery in journey.deliveries] == ["findings"]
    [letter] = journey.dead_letters
    assert (letter.target, letter.code, letter.queue) == ("onward", code, "trailbus-undelivered")


# --- PutEvents, and forging

ACCESS = ("organization", "forwarder-role", "forwarder-role-via-rules")
FORGED_SOURCES = ("custom.app", "AWS.cloudtrail", "aws", "my.aws.cloudtrail")


@pytest.fixture(scope="module", params=ACCESS)
def bus_access(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fortress(laboratories: Laboratories, bus_access: str) -> Laboratory:
    """The default organization with each way of letting events in."""
    return laboratories.at(DEFAULT_PLACE._replace(parameters={"BusAccess": bus_access}))


def everything_in_queues(lab: Laboratory) -> int:
    queues = [one for one in lab.world.inventory.everywhere() if one.type == QUEUE]
    return sum(len(lying_in(queue)) for queue in queues)


def forged() -> list[dict[str, Json]]:
    """Every event that some detection matches, claimed to come from somewhere else."""
    return [{**event, "source": source} for _, event in examples(True) for source in FORGED_SOURCES]


def test_genuine_events_arrive_with_every_bus_access(fortress: Laboratory) -> None:
    for account in (MEMBER, CENTRAL, MANAGEMENT):
        for region in REGIONS:
            journey = fortress.send(event_of(WRITTEN, account=account, region=region))
            assert [delivery.target for delivery in journey.deliveries] == ["findings"]


@pytest.mark.parametrize("account", [MEMBER, CENTRAL, MANAGEMENT])
def test_forged_event_of_a_member_reaches_no_target(
    fortress: Laboratory, account: str, bus_access: str
) -> None:
    caller, own = fortress.member_role(account)
    before = everything_in_queues(fortress)
    # Within the central account the identity policy alone decides: its own administrators put.
    lets_in = bus_access == "organization" or account == CENTRAL
    for event in forged():
        journey = fortress.router.put(caller, BUS, event, own)
        assert journey.forwarded is lets_in, journey.reason
        assert (journey.reason is None) is lets_in
        assert journey.central_rules == []
        assert journey.deliveries == []
    assert everything_in_queues(fortress) == before


def test_forwarder_role_puts_no_forged_event_on_a_target(
    fortress: Laboratory, bus_access: str
) -> None:
    caller, own = fortress.acting(fortress.resource(ROLE, "trailbus-forwarder", MEMBER))
    before = everything_in_queues(fortress)
    lets_in = bus_access != "forwarder-role-via-rules"
    for event in forged():
        journey = fortress.router.put(caller, BUS, event, own)
        assert journey.forwarded is lets_in, journey.reason
        assert journey.central_rules == []
        assert journey.deliveries == []
    assert everything_in_queues(fortress) == before


def test_role_with_the_forwarders_name_elsewhere_is_another_role(
    fortress: Laboratory, bus_access: str
) -> None:
    caller, own = fortress.member_role(MEMBER, "trailbus-forwarder-too")
    journey = fortress.router.put(caller, BUS, event_of(WRITTEN) | {"source": "custom.app"}, own)
    assert journey.forwarded is (bus_access == "organization")


def test_nobody_outside_the_organization_puts_events(fortress: Laboratory) -> None:
    caller, own = fortress.member_role(STRANGER)
    assert caller.organization is None
    for event in forged():
        journey = fortress.router.put(caller, BUS, event, own)
        assert not journey.forwarded
        assert "no PutEvents" in str(journey.reason)


def test_nobody_puts_events_of_aws(fortress: Laboratory) -> None:
    forwarder_role = fortress.resource(ROLE, "trailbus-forwarder", MEMBER)
    for caller, own in (
        fortress.member_role(MEMBER),
        fortress.member_role(CENTRAL),
        fortress.acting(forwarder_role),
    ):
        for _, event in examples(True):
            journey = fortress.router.put(caller, BUS, event, own)
            assert not journey.forwarded
            assert journey.reason == "PutEvents takes no source that begins with aws."


def test_custom_event_on_a_members_default_bus_goes_nowhere(fortress: Laboratory) -> None:
    caller, own = fortress.member_role(MEMBER)
    before = everything_in_queues(fortress)
    for event in forged():
        for region in REGIONS:
            default = f"arn:aws:events:{region}:{MEMBER}:event-bus/default"
            journey = fortress.router.put(caller, default, event, own)
            assert journey.reason is None
            assert (journey.account, journey.region) == (MEMBER, region)
            assert journey.member_rules == []
    assert everything_in_queues(fortress) == before


def test_put_event_says_whose_it_is_by_itself(lab: Laboratory) -> None:
    caller, own = lab.member_role(MEMBER)
    event = event_of(WRITTEN, account=OTHER) | {"source": "custom.app"}
    journey = lab.router.put(caller, BUS, event, own)
    assert (journey.account, journey.region) == (MEMBER, HOME)
    with altered(lab.resource(RULE, f"trailbus-{WRITTEN}"), EventPattern={"account": [MEMBER]}):
        assert lab.router.put(caller, BUS, event, own).deliveries
    with altered(lab.resource(RULE, f"trailbus-{WRITTEN}"), EventPattern={"account": [OTHER]}):
        assert not lab.router.put(caller, BUS, event, own).deliveries


REFUSED_BUSES = [
    (
        "another account's default bus",
        f"arn:aws:events:{AWAY}:{OTHER}:event-bus/default",
        "no PutEvents",
    ),
    ("no such bus", f"{BUS}-2", "there is no bus"),
    ("no such Region", f"arn:aws:events:eu-west-9:{MEMBER}:event-bus/default", "there is no bus"),
    ("no such account", f"arn:aws:events:{AWAY}:{STRANGER}:event-bus/default", "there is no bus"),
]


@pytest.mark.parametrize(
    ("bus", "why"), [row[1:] for row in REFUSED_BUSES], ids=[row[0] for row in REFUSED_BUSES]
)
def test_events_are_put_only_where_one_may(lab: Laboratory, bus: str, why: str) -> None:
    caller, own = lab.member_role(MEMBER)
    journey = lab.router.put(caller, bus, {"source": "custom.app", "detail": {}}, own)
    assert why in str(journey.reason)


def test_role_without_the_permission_puts_nothing(lab: Laboratory) -> None:
    caller, _ = lab.member_role(MEMBER)
    journey = lab.router.put(caller, BUS, {"source": "custom.app", "detail": {}}, ())
    assert "no PutEvents" in str(journey.reason)
    assert not journey.forwarded
