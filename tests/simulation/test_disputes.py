"""Stories of an attacker who undoes what a responder does: what people hear, what state remains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends

from generator.simulation.organization import DEFAULT_PLACE
from generator.simulation.run import ORGANIZATION_TRAIL
from generator.simulation.staging import stage
from tests.lambda_.rendered import every_remedy

from .conftest import AWAY, CENTRAL, HOME, MEMBER, Laboratory, laboratory
from .test_remedies import bucket_closed, bucket_opened, envelope

BEGIN = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def organization() -> Iterator[Laboratory]:
    with laboratory(DEFAULT_PLACE, shape=every_remedy()) as opened:
        yield opened


@pytest.fixture
def lab(organization: Laboratory) -> Iterator[Laboratory]:
    yield organization
    organization.functions.delays.forget()
    organization.functions.log.clear()
    s3_backends[MEMBER]["aws"].buckets.clear()
    s3_backends.bucket_accounts.clear()
    dynamodb_backends[CENTRAL][HOME].tables["trailbus-memory"].items.clear()


def happened(lab: Laboratory, event: dict[str, Any], moment: datetime, number: int) -> None:
    """Somebody did it at that moment; functions handle it ten seconds later."""
    lab.functions.wait(moment)
    said = moment.isoformat().replace("+00:00", "Z")
    event["detail"] |= {"eventTime": said, "eventID": f"e0000000-{number:012d}"}
    stage(lab.cloud, event)
    lab.router.send(event)
    lab.functions.pump(moment + timedelta(seconds=10))


def heard(lab: Laboratory, outcome: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in lab.functions.log]
    return [line for line in lines if line["outcome"] == outcome]


def stopped(**detail: Any) -> dict[str, Any]:
    name = {"name": "account-trail"}
    return envelope("cloudtrail", "StopLogging", AWAY, requestParameters=name, **detail)


def logs(lab: Laboratory) -> bool:
    client = lab.cloud.administrator(MEMBER, AWAY).client("cloudtrail")
    return bool(client.get_trail_status(Name="account-trail")["IsLogging"])


@pytest.mark.parametrize("pause", [0.2, 3, 10], ids=str)
def test_a_trail_that_is_stopped_again_and_again_logs_an_hour_later(
    lab: Laboratory, pause: float
) -> None:
    for number in range(6):
        happened(lab, stopped(), BEGIN + number * pause * MINUTE, number)
    last = BEGIN + 5 * pause * MINUTE
    lab.functions.wait(last + 15 * MINUTE)

    assert logs(lab), "within the longest pause"
    lab.functions.wait(last + 60 * MINUTE)
    assert logs(lab)
    assert len(heard(lab, "escalated")) <= 1
    if pause > 1:
        [told] = heard(lab, "escalated")
        assert told["severity"] == "critical"
        assert f"arn:aws:iam::{MEMBER}:role/admin" in told["message"]
    assert lab.functions.delays.next is None, "it is over"


def test_a_bucket_that_is_opened_five_times_is_not_public(lab: Laboratory) -> None:
    for number in range(5):
        event = bucket_opened()
        happened(lab, event, BEGIN + 5 * number * MINUTE, number)
        removed = envelope(
            "s3",
            "DeleteBucketPublicAccessBlock",
            AWAY,
            requestParameters={"bucketName": "press-images"},
        )
        happened(lab, removed, BEGIN + (5 * number + 1) * MINUTE, 100 + number)
    lab.functions.wait(BEGIN + 40 * MINUTE)

    assert bucket_closed()
    assert len(heard(lab, "escalated")) == 1
    lab.functions.wait(BEGIN + 90 * MINUTE)
    assert bucket_closed()


def test_two_systems_that_fight_are_told_and_cost_one_repair_a_minute_at_most(
    lab: Laboratory,
) -> None:
    """Another system stops the trail every ten seconds, for half an hour."""
    for number in range(180):
        happened(lab, stopped(), BEGIN + number * timedelta(seconds=10), number)
    calls = [made for made in lab.cloud.edge.calls if made.operation == "StartLogging"]

    assert len(heard(lab, "escalated")) == 1
    assert len(heard(lab, "restarted")) <= 9
    assert len(calls) <= 30
    lab.functions.wait(BEGIN + 50 * MINUTE)
    assert logs(lab)


def test_a_trail_stopped_with_the_responders_own_role_is_started_and_told(lab: Laboratory) -> None:
    own = f"arn:aws:iam::{MEMBER}:role/trailbus-restart-cloudtrail-member"
    issuer = {"type": "Role", "arn": own, "userName": "trailbus-restart-cloudtrail-member"}
    identity = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": issuer}}
    happened(lab, stopped(userIdentity=identity), BEGIN, 1)

    assert logs(lab)
    [told] = heard(lab, "restarted")
    assert (told["severity"], told["level"]) == ("critical", "ERROR")


def test_the_organizations_trail_stopped_by_its_delegated_administrator_logs_again(
    lab: Laboratory,
) -> None:
    management = lab.place.management_account
    arn = f"arn:aws:cloudtrail:{HOME}:{management}:trail/{ORGANIZATION_TRAIL}"
    lab.cloud.trails.add(MEMBER, AWAY, "own")  # else nobody would hear of it
    lab.world.organization.delegates["cloudtrail.amazonaws.com"] = {MEMBER}
    event = envelope("cloudtrail", "StopLogging", HOME, requestParameters={"name": arn})
    try:
        happened(lab, event, BEGIN, 1)
    finally:
        del lab.world.organization.delegates["cloudtrail.amazonaws.com"]
    client = lab.cloud.administrator(management, HOME).client("cloudtrail")

    assert client.get_trail_status(Name=arn)["IsLogging"]
    [told] = heard(lab, "restarted")
    assert told["resource"] == arn
    assert told["account"] == MEMBER


def test_one_responder_cannot_write_anothers_notes(lab: Laboratory) -> None:
    """Whoever has taken over a function cannot make another forget, or believe it is done."""
    from generator.simulation import access

    table = f"arn:aws:dynamodb:{HOME}:{CENTRAL}:table/trailbus-memory"
    targets = ("bucket-guard", "mfa-guard", "owner-tags", "trail-guard")
    for name in targets:
        role = lab.resource("AWS::IAM::Role", f"trailbus-{name}-function")
        caller, own = lab.acting(role)
        for other in targets:
            for action in ("GetItem", "PutItem", "UpdateItem", "DeleteItem"):
                context = {"dynamodb:LeadingKeys": [f"{other} restarts a trail"]}
                asked = f"dynamodb:{action}"
                may = access.allows(lab.world, caller, asked, table, context, own).allowed
                assert may == (name == other), (name, other, action)
        both = {"dynamodb:LeadingKeys": [f"{name} a", "another b"]}
        for context in ({}, both):
            asked = "dynamodb:UpdateItem"
            assert not access.allows(lab.world, caller, asked, table, context, own).allowed


def test_a_young_event_is_read_again_when_its_service_shows_what_it_tells(lab: Laboratory) -> None:
    event = bucket_opened(eventID="e0000000-young", eventTime="2026-11-03T12:00:00Z")
    lab.router.send(event)
    lab.functions.pump(BEGIN + timedelta(seconds=3))
    assert [line["outcome"] for line in map(json.loads, lab.functions.log)] == ["too early"]
    stage(lab.cloud, event)
    lab.functions.wait(BEGIN + MINUTE)

    assert bucket_closed()
    assert len(heard(lab, "blocked")) == 1
