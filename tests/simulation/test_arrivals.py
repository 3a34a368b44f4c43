"""Events of members that end as a mail, a line in a bucket, a record or a log event, or nowhere."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from generator import config
from generator.model import Json, Place, Shape
from generator.screen import Screen
from generator.simulation import report
from generator.simulation.run import Simulation
from generator.simulation.world import Resource
from tests.simulation.conftest import (
    AWAY,
    CENTRAL,
    HOME,
    MEMBER,
    OTHER,
    QUEUE,
    Laboratory,
    altered,
    bodies_in,
    event_of,
    laboratory,
    moto_queue,
    without,
)

READER, SECOND = "security@example.com", "on-call@example.org"
BUCKET, POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"
ROLE = "AWS::IAM::Role"
UNDELIVERED = "trailbus-undelivered"

CONFIGURATION = f"""
targets:
  mail: {{kind: topic, emails: [{READER}, {SECOND}]}}
  raw: {{kind: topic, body: event}}
  chat: {{kind: topic, format: chat}}
  archive: {{kind: stream, body: notice}}
  live: {{kind: stream, to: kinesis}}
  journal: {{kind: log}}
routes:
  - {{detections: [database_deleted, iam_user_created], to: [mail, archive]}}
  - {{detections: [database_deleted], to: [raw, chat, live, journal]}}
place:
  organization_id: o-a1b2c3d4e5
  management_account: "111111111111"
  central: {{account: "{CENTRAL}", region: {HOME}}}
  organizational_units: [r-ab12]
  regions: [us-east-1, eu-west-1, ap-southeast-2]
"""
TARGETS = {"mail", "raw", "chat", "archive", "live", "journal"}


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shape, Place]:
    file = tmp_path_factory.mktemp("configuration") / "trailbus.yaml"
    file.write_text(CONFIGURATION, encoding="utf-8")
    loaded = config.load(file)
    assert loaded.place is not None
    return loaded.shape, loaded.place


@pytest.fixture(scope="module")
def opened(configured: tuple[Shape, Place]) -> Iterator[Laboratory]:
    shape, place = configured
    with laboratory(place, shape=shape) as lab:
        yield lab


@pytest.fixture
def lab(opened: Laboratory) -> Laboratory:
    """The organization as it was deployed, with nothing in it."""
    arrived = opened.world.arrived
    for kept in (arrived.mails, arrived.logs, arrived.streams, arrived.objects, arrived.filling):
        kept.clear()
    moto_queue(opened.resource(QUEUE, UNDELIVERED))._messages.clear()
    return opened


def deleted(**more: Any) -> dict[str, Json]:
    event: dict[str, Json] = event_of("database_deleted", **more)
    return event


def only(lab: Laboratory, type_: str) -> Resource:
    (found,) = lab.world.inventory.of_type(CENTRAL, HOME, type_)
    return found


# What arrives.


def test_a_deleted_database_of_a_member_becomes_a_mail_to_each_reader(lab: Laboratory) -> None:
    event = deleted()
    lab.send(event)
    (mail,) = lab.world.arrived.mails[READER]
    assert lab.world.arrived.mails[SECOND] == [mail]
    identity = event["detail"]["eventID"]
    lines = mail.split("\n")
    assert lines[0] == f'"A database was deleted: account {MEMBER}, {AWAY}, {event["time"]}."'
    assert '"What: DeleteDBInstance (aws.rds)"' in lines
    assert lines[-1] == '"On what: orders-main"'
    link = f"https://{AWAY}.console.aws.amazon.com/cloudtrailv2/home?region={AWAY}#/events/"
    assert f'"The event: {link}{identity}"' in lines


def test_it_becomes_a_line_of_an_object_of_its_day(lab: Laboratory) -> None:
    event, later = deleted(), deleted(account=OTHER)
    later["time"] = "2026-11-12T00:00:00+01:00"  # which is still the day before in UTC
    for each in (event, later, deleted(eventTime="x") | {"time": "2026-11-12T00:00:00Z"}):
        lab.send(each)
    bucket = only(lab, BUCKET)
    central = lab.cloud.administrator(CENTRAL, HOME)
    s3 = central.client("s3")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket.physical_id)["Contents"]]
    assert sorted(key.rpartition("/")[0] for key in set(keys)) == [
        "events/day=2026-11-11",
        "events/day=2026-11-12",
    ]
    key = next(key for key in keys if "11-11" in key)
    assert key.startswith("events/day=2026-11-11/trailbus-archive-1-2026-11-11-")
    assert key.endswith(".gz")
    body = gzip.decompress(s3.get_object(Bucket=bucket.physical_id, Key=key)["Body"].read())
    assert body.endswith(b"}\n")
    notices = [json.loads(line) for line in body.splitlines()]
    assert [notice["event"]["account"] for notice in notices] == [MEMBER, OTHER]
    assert {notice["detection"]["id"] for notice in notices} == {"database_deleted"}
    for made in keys:
        s3.delete_object(Bucket=bucket.physical_id, Key=made)


def test_it_becomes_a_record_by_its_account_and_a_log_event_as_it_is(lab: Laboratory) -> None:
    event = deleted(account=OTHER)
    lab.send(event)
    ((arn, (record,)),) = lab.world.arrived.streams.items()
    assert arn.endswith(":stream/trailbus-live")
    assert (record.partition_key, json.loads(record.data)["account"]) == (OTHER, OTHER)
    (logged,) = lab.world.arrived.logs["/aws/events/trailbus-journal"]
    assert json.loads(logged)["detail"] == event["detail"]


def test_it_becomes_a_notification_of_a_chat(lab: Laboratory) -> None:
    journey = lab.send(deleted())
    (chat,) = [one for one in journey.deliveries if one.target == "chat"]
    assert "orders-main" in json.loads(chat.message)["content"]["description"]
    assert {one.target for one in journey.deliveries} == TARGETS
    assert len(journey.central_rules) == 2  # six targets are one too many for a rule


def test_a_deletion_that_failed_arrives_nowhere(lab: Laboratory) -> None:
    journey = lab.send(deleted(errorCode="DBInstanceNotFound"))
    assert not journey.forwarded
    arrived = lab.world.arrived
    assert (arrived.mails, arrived.objects, arrived.logs, arrived.streams) == ({}, {}, {}, {})


def test_a_burst_loses_nothing_and_fills_several_objects(lab: Laboratory) -> None:
    for number in range(120):
        lab.send(deleted(eventID=f"event-{number}"))
    arrived = lab.world.arrived
    (objects,) = arrived.objects.values()
    told = [json.loads(line) for lines in objects.values() for line in lines]
    assert {one["event"]["detail"]["eventID"] for one in told} == {
        f"event-{number}" for number in range(120)
    }
    assert sorted(map(len, objects.values())) == [20, 50, 50]
    assert len(arrived.mails[READER]) == len(arrived.logs["/aws/events/trailbus-journal"]) == 120


# What does not.


def dead(lab: Laboratory, event: dict[str, Json]) -> dict[str, tuple[str, str]]:
    """By target: the code with which an event was not taken, and the queue that keeps it."""
    return {one.target: (one.code, one.queue) for one in lab.send(event).dead_letters}


def test_what_is_too_long_for_a_topic_is_kept_and_people_are_told_all_the_same(
    lab: Laboratory,
) -> None:
    event = deleted(additionalEventData={"x": "y" * 262_144})
    assert dead(lab, event) == {"raw": ("INVALID_PARAMETER", UNDELIVERED)}
    assert len(bodies_in(lab.resource(QUEUE, UNDELIVERED))) == 1
    assert len(lab.world.arrived.mails[READER]) == 1
    assert len(lab.world.arrived.logs["/aws/events/trailbus-journal"][0]) > 262_144


def test_a_hostile_name_breaks_no_mail_and_what_it_breaks_is_kept(lab: Laboratory) -> None:
    name = 'a"\n"Severity: info."'
    event = deleted(requestParameters={"dBInstanceIdentifier": name})
    assert dead(lab, event) == {"chat": ("INVALID_JSON", UNDELIVERED)}
    (mail,) = lab.world.arrived.mails[READER]
    assert mail.split("\n")[1] == '"Severity: medium."'
    assert mail.endswith(f'"On what: {name}"')


@pytest.mark.parametrize(
    ("target", "type_", "code", "kept"),
    [
        ("journal", "AWS::Logs::ResourcePolicy", "NO_PERMISSIONS", UNDELIVERED),
        ("journal", "AWS::Logs::LogGroup", "NO_RESOURCE", UNDELIVERED),
        ("live", "AWS::Kinesis::Stream", "NO_RESOURCE", UNDELIVERED),
        ("archive", "AWS::KinesisFirehose::DeliveryStream", "NO_RESOURCE", UNDELIVERED),
        ("archive", BUCKET, "S3.NoSuchBucket", ""),
    ],
)
def test_what_is_gone_takes_nothing_and_the_others_do(
    lab: Laboratory, target: str, type_: str, code: str, kept: str
) -> None:
    (gone, *_) = [
        one
        for one in lab.world.inventory.of_type(CENTRAL, HOME, type_)
        if one.logical_id.lower().startswith((target, "event"))
    ]
    with without(lab.world, gone):
        journey = lab.send(deleted())
    assert [(one.target, one.code, one.queue) for one in journey.dead_letters] == [
        (target, code, kept)
    ]
    assert {one.target for one in journey.deliveries} == TARGETS - {target}


@pytest.mark.parametrize(
    ("role", "change", "target", "code"),
    [
        ("trailbus-archive-delivery", "Policies", "archive", "NO_PERMISSIONS"),
        ("trailbus-archive-delivery", "trust", "archive", "FAILED_TO_ASSUME_ROLE"),
        ("trailbus-live-delivery", "Policies", "live", "NO_PERMISSIONS"),
        ("trailbus-archive-writer", "Policies", "archive", "S3.AccessDenied"),
        ("trailbus-archive-writer", "trust", "archive", "S3.AccessDenied"),
    ],
)
def test_a_role_without_its_right_or_trust_delivers_nothing(
    lab: Laboratory, role: str, change: str, target: str, code: str
) -> None:
    other = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "x.y.com"}}
    trust = {"Version": "2012-10-17", "Statement": [other]}
    changed: dict[str, Json]
    changed = {"Policies": []} if change == "Policies" else {"AssumeRolePolicyDocument": trust}
    with altered(lab.resource(ROLE, role), **changed):
        assert {name: code for name, (code, _) in dead(lab, deleted()).items()} == {target: code}


def test_a_bucket_policy_that_denies_keeps_objects_out(lab: Laboratory) -> None:
    policy = only(lab, POLICY)
    denial = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [denial]}
    with altered(policy, PolicyDocument=document):
        assert dead(lab, deleted()) == {"archive": ("S3.AccessDenied", "")}


def test_a_key_that_lets_no_logs_in_keeps_them_out(lab: Laboratory) -> None:
    (key,) = [
        one
        for one in lab.world.inventory.of_type(CENTRAL, HOME, "AWS::KMS::Key")
        if one.logical_id == "EventLogKey"
    ]
    owner = [s for s in key.properties["KeyPolicy"]["Statement"] if s["Sid"] == "Administration"]
    with altered(key, KeyPolicy={"Version": "2012-10-17", "Statement": owner}):
        assert dead(lab, deleted()) == {"journal": ("NO_PERMISSIONS", UNDELIVERED)}


# What is told of it.


def test_the_document_for_scripts_tells_what_arrived(lab: Laboratory) -> None:
    journey = lab.send(deleted())
    told = report.document(Simulation(lab.world, [], [journey]))
    assert set(told["mails"]) == {READER, SECOND}
    assert set(told["logs"]) == {"/aws/events/trailbus-journal"}
    ((record,),) = told["streams"].values()
    assert record["partition_key"] == MEMBER
    ((key, lines),) = [one for objects in told["objects"].values() for one in objects.items()]
    assert key.startswith("events/day=2026-11-11/")
    assert len(lines) == 1
    assert json.loads(json.dumps(told)) == told  # all of it values of JSON


def test_the_terminal_counts_what_arrived(lab: Laboratory) -> None:
    journey = lab.send(deleted())
    said = list(report.lines(Simulation(lab.world, [], [journey]), lab.shape, Screen(False)))
    for title, name in (
        ("Mails, by reader", READER),
        ("Log events, by group", "/aws/events/trailbus-journal"),
        ("Records, by stream", "stream/trailbus-live"),
        ("Objects, by bucket", "trailbus-central-archivebucket"),
    ):
        (counted,) = [line for line in said[said.index(title) :] if name in line]
        assert counted.split()[0] == "1"
