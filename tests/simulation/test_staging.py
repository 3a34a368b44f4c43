"""Staged calls: a trail is stopped as the event says, and really runs again afterwards."""

from __future__ import annotations

import pytest

from generator.simulation.cloud import Cloud
from generator.simulation.run import ORGANIZATION_TRAIL
from generator.simulation.staging import stage

from .conftest import (
    AWAY,
    CENTRAL,
    HOME,
    MANAGEMENT,
    MEMBER,
    OTHER,
    QUEUE,
    Laboratory,
    bodies_in,
    stop_of,
)


def logging(cloud: Cloud, account: str, region: str, name: str) -> bool:
    """What CloudTrail itself answers."""
    client = cloud.administrator(account, region).client("cloudtrail")
    answer: bool = client.get_trail_status(Name=name)["IsLogging"]
    return answer


STOPS = [(MEMBER, AWAY), (OTHER, HOME), (CENTRAL, HOME), (MANAGEMENT, AWAY)]


@pytest.mark.parametrize("by_arn", [False, True], ids=["by name", "by ARN"])
@pytest.mark.parametrize(("account", "region"), STOPS)
def test_stopped_trail_is_really_running_again(
    lab: Laboratory, account: str, region: str, by_arn: bool
) -> None:
    name = f"trail-{account}-{by_arn}"
    arn = f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"
    event = stop_of(arn if by_arn else name, account, region)
    event["detail"]["eventID"] += name
    stage(lab.cloud, event)
    assert not logging(lab.cloud, account, region, name)
    journey = lab.send(event)
    assert logging(lab.cloud, account, region, name)
    assert [(a.account, a.region, a.call, a.outcome) for a in journey.actions] == [
        (account, region, "cloudtrail:StartLogging", "ok")
    ]
    assert bodies_in(lab.resource(QUEUE, "trailbus-trail-guard")) == []


def test_trail_is_started_only_in_the_account_of_the_event(lab: Laboratory) -> None:
    for account in (MEMBER, OTHER):
        lab.cloud.trails.add(account, AWAY, "same-name", logging=False)
    lab.send(stop_of("same-name", MEMBER, AWAY))
    assert logging(lab.cloud, MEMBER, AWAY, "same-name")
    assert not logging(lab.cloud, OTHER, AWAY, "same-name")


def test_failed_attempt_to_stop_a_trail_is_left_alone(lab: Laboratory) -> None:
    lab.cloud.trails.add(MEMBER, AWAY, "guarded", logging=False)
    journey = lab.send(stop_of("guarded", MEMBER, AWAY, errorCode="AccessDenied"))
    assert journey.actions == []
    assert not logging(lab.cloud, MEMBER, AWAY, "guarded")


def test_member_cannot_start_the_trail_of_the_organization(lab: Laboratory) -> None:
    arn = f"arn:aws:cloudtrail:{HOME}:{MANAGEMENT}:trail/{ORGANIZATION_TRAIL}"
    journey = lab.send(stop_of(arn, MEMBER, HOME))
    assert [delivery.target for delivery in journey.deliveries] == ["findings", "trail-guard"]
    assert journey.actions == []


def test_stopped_organization_trail_is_started_where_it_belongs(lab: Laboratory) -> None:
    event = stop_of(ORGANIZATION_TRAIL, MANAGEMENT, HOME)
    lab.cloud.trails.add(MANAGEMENT, HOME, ORGANIZATION_TRAIL, organization=True, logging=False)
    journey = lab.send(event)
    assert [action.outcome for action in journey.actions] == ["ok"]
    assert logging(lab.cloud, MANAGEMENT, HOME, ORGANIZATION_TRAIL)


def test_second_copy_of_a_stop_starts_nothing(lab: Laboratory) -> None:
    event = stop_of("twice-told", MEMBER, AWAY)
    stage(lab.cloud, event)
    assert len(lab.send(event).actions) == 1
    assert lab.send(event).actions == []
