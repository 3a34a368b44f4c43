"""The audit report end to end: a member's event, its archive, the schedule, and what it writes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from moto.s3.models import s3_backends

from generator.simulation.organization import DEFAULT_PLACE
from generator.simulation.schedules import strike
from generator.simulation.world import Resource
from tests import shapes

from .conftest import (
    AWAY,
    CENTRAL,
    HOME,
    MEMBER,
    QUEUE,
    RULE,
    Laboratory,
    altered,
    laboratory,
    lying_in,
    stop_of,
)

MOMENT = datetime(2026, 11, 3, 6, 15, tzinfo=UTC)
NOTICE = {
    "detection": {"id": "cloudtrail_logging_stopped", "title": "Stopped", "severity": "critical"},
    "event": {
        "account": "111122223333",
        "region": "eu-west-1",
        "detail": {"eventTime": "2026-11-02T10:00:00Z", "eventID": "1", "eventName": "StopLogging"},
    },
}


@pytest.fixture(scope="module")
def lab() -> Iterator[Laboratory]:
    """An organization with a stream that archives notices, and the report of it."""
    targets = {
        "archive": {"kind": "stream", "body": "notice"},
        "audit-report": {
            "kind": "responder",
            "responder": "write_audit_report",
            "settings": {"stream": "archive"},
        },
    }
    configuration = {
        "detections": {"packs": ["tamper"]},
        "targets": targets,
        "routes": [{"packs": ["tamper"], "to": ["archive"]}],
    }
    shape = shapes.shape_of(configuration)
    with laboratory(DEFAULT_PLACE, shape=shape) as made:
        yield made


def rule(lab: Laboratory) -> Resource:
    found: Resource = lab.resource(RULE, "trailbus-audit-report-schedule")
    return found


def bucket(lab: Laboratory) -> str:
    [found] = lab.world.inventory.of_type(CENTRAL, HOME, "AWS::S3::Bucket")
    return found.physical_id


def archive(lab: Laboratory, *lines: object, name: str = "a.gz") -> None:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    key = f"events/day=2026-11-02/{name}"
    content = gzip.compress(text.encode(), mtime=0)
    s3_backends[CENTRAL]["aws"].put_object(bucket(lab), key, content)


def stored(lab: Laboratory, key: str) -> str:
    found = s3_backends[CENTRAL]["aws"].get_object(bucket(lab), key)
    assert found is not None
    content: bytes = found.value
    return content.decode("utf-8-sig")


def test_the_schedule_wakes_it_and_it_reports_with_the_rights_of_its_role(lab: Laboratory) -> None:
    archive(lab, NOTICE, NOTICE)
    journey = strike(lab.courier, rule(lab), MOMENT)
    assert [one.target for one in journey.deliveries] == ["audit-report"]

    lab.functions.pump(MOMENT)

    assert not [call for call in lab.functions.edge.calls if "Denied" in call.outcome]
    said = json.loads(lab.functions.log[-1])
    assert said["message"] == "2026-11-02: 1 findings (1 critical) in 1 accounts"
    [row] = csv.DictReader(io.StringIO(stored(lab, "reports/2026-11-02.csv"), newline=""))
    assert (row["account"], row["event"]) == ("111122223333", "StopLogging")
    assert "111122223333" in stored(lab, "reports/2026-11-02.html")
    assert lying_in(lab.resource(QUEUE, "trailbus-audit-report")) == []


def test_from_a_member_to_a_row_of_the_report(lab: Laboratory) -> None:
    """What Firehose wrote is put where it would be, and the next day's schedule strikes."""
    event = stop_of("account-trail", MEMBER, AWAY)
    lab.send(event)
    [(name, objects)] = lab.world.arrived.objects.items()
    [(key, lines)] = objects.items()
    content = gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
    s3_backends[CENTRAL]["aws"].put_object(name, key, content)
    [day] = re.findall(r"day=(\d{4}-\d\d-\d\d)/", key)

    moment = datetime.fromisoformat(f"{day}T06:15:00+00:00") + timedelta(days=1)
    strike(lab.courier, rule(lab), moment)
    lab.functions.pump(moment)

    found = csv.DictReader(io.StringIO(stored(lab, f"reports/{day}.csv"), newline=""))
    [row] = [each for each in found if each["event_id"] == event["detail"]["eventID"]]
    assert (row["account"], row["region"], row["event"]) == (MEMBER, AWAY, "StopLogging")
    assert row["detection"] == "cloudtrail_logging_stopped"


def test_a_failed_call_is_no_row(lab: Laboratory) -> None:
    lab.world.arrived.objects.clear()
    lab.send(stop_of("account-trail", MEMBER, AWAY, errorCode="AccessDenied"))
    assert not lab.world.arrived.objects


def test_a_schedule_that_nobody_lets_in_is_kept_as_a_dead_letter(lab: Laboratory) -> None:
    policies = lab.world.inventory.of_type(CENTRAL, HOME, "AWS::SQS::QueuePolicy")
    [policy] = [one for one in policies if one.logical_id == "AuditReportQueuePolicy"]
    nobody = {"Version": "2012-10-17", "Statement": []}
    with altered(policy, PolicyDocument=nobody):
        journey = strike(lab.courier, rule(lab), MOMENT)
    assert journey.deliveries == []
    [letter] = journey.dead_letters
    assert letter.queue == "trailbus-audit-report-dead-letters"


def test_a_disabled_schedule_wakes_nobody(lab: Laboratory) -> None:
    with altered(rule(lab), State="DISABLED"):
        journey = strike(lab.courier, rule(lab), MOMENT)
    assert (journey.deliveries, journey.dead_letters) == ([], [])
