"""Remediations end to end, from an event in a member to the mended resource, and near misses."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from generator.commands import undo
from generator.deploy import aws as door_to_aws
from generator.deploy.aws import Door
from generator.model import Json
from generator.screen import Screen
from generator.simulation.organization import DEFAULT_PLACE
from generator.simulation.staging import stage
from tests.lambda_.remedies import PERSON, PUBLIC
from tests.lambda_.rendered import every_remedy

from .conftest import AWAY, CENTRAL, HOME, MEMBER, OTHER, Laboratory, laboratory

SWITCH = "/trailbus/remediation"
INSTANCE = "i-0c1d2e3f4a5b60718"
POLICY = f"arn:aws:iam::{MEMBER}:policy/trailbus-console-with-mfa-only"


@pytest.fixture(scope="module")
def organization() -> Iterator[Laboratory]:
    """An organization with every remedy in mode enforce."""
    with laboratory(DEFAULT_PLACE, shape=every_remedy()) as opened:
        yield opened


@pytest.fixture
def lab(organization: Laboratory) -> Iterator[Laboratory]:
    """The organization with nothing in it but itself, and responders that remember nothing."""
    yield organization
    for account in organization.world.organization.accounts:
        s3_backends[account]["aws"].buckets.clear()
        iam_backends[account]["aws"].users.clear()
        ec2_backends[account][AWAY].reservations.clear()
        ec2_backends[account][AWAY].tags.clear()
        ec2_backends[account][AWAY].volumes.clear()
    s3_backends.bucket_accounts.clear()
    dynamodb_backends[CENTRAL][HOME].tables["trailbus-memory"].items.clear()
    organization.functions.log.clear()


def envelope(source: str, name: str, region: str, **detail: Json) -> dict[str, Json]:
    """A CloudTrail event as documented."""
    return {
        "version": "0",
        "id": "19bd9d3a-f7af-58cd-9f75-de49b5376801",
        "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{source}",
        "account": MEMBER,
        "time": "2026-11-03T12:00:00Z",
        "region": region,
        "resources": [],
        "detail": {
            "eventVersion": "1.11",
            "eventTime": "2026-11-03T12:00:00Z",
            "eventSource": f"{source}.amazonaws.com",
            "eventName": name,
            "awsRegion": region,
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": f"AROAEXAMPLE:{PERSON}",
                "arn": f"arn:aws:sts::{MEMBER}:assumed-role/admin/{PERSON}",
                "accountId": MEMBER,
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "arn": f"arn:aws:iam::{MEMBER}:role/admin",
                        "userName": "admin",
                    },
                    "sourceIdentity": PERSON,
                },
            },
            "sourceIPAddress": "203.0.113.24",
            "eventID": f"e0000000-0000-0000-0000-{name.lower():0>12.12}",
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": MEMBER,
            "eventCategory": "Management",
            **detail,
        },
    }


def bucket_opened(**detail: Json) -> dict[str, Json]:
    parameters = {"bucketName": "press-images", "bucketPolicy": PUBLIC}
    return envelope("s3", "PutBucketPolicy", AWAY, **{"requestParameters": parameters, **detail})


def user_made(**detail: Json) -> dict[str, Json]:
    parameters = {"userName": "print-service"}
    return envelope("iam", "CreateUser", HOME, **{"requestParameters": parameters, **detail})


def launched(**detail: Json) -> dict[str, Json]:
    items = [{"instanceId": INSTANCE, "imageId": "ami-12345678"}]
    given = {"responseElements": {"instancesSet": {"items": items}}, **detail}
    return envelope("ec2", "RunInstances", AWAY, **given)


@dataclass(frozen=True)
class Case:
    """What happens to which resource, and how one sees that it was mended."""

    event: Any
    call: str
    mended: Any
    responder: str


def bucket_closed() -> bool:
    made = s3_backends[MEMBER]["aws"].buckets.get("press-images")
    block = made.public_access_block if made else None
    return bool(block and block.restrict_public_buckets and block.ignore_public_acls)


def policy_attached() -> bool:
    made = iam_backends[MEMBER]["aws"].users.get("print-service")
    return bool(made and POLICY in made.managed_policies)


def owner_set() -> bool:
    backend = ec2_backends[MEMBER][AWAY]
    resources = [INSTANCE, *backend.volumes]
    return len(resources) == 2 and all(
        backend.tags.get(each, {}).get("Owner") == PERSON for each in resources
    )


CASES = {
    case.responder: case
    for case in (
        Case(bucket_opened, "s3:PutPublicAccessBlock", bucket_closed, "block_public_bucket"),
        Case(user_made, "iam:AttachUserPolicy", policy_attached, "require_mfa"),
        Case(launched, "ec2:CreateTags", owner_set, "tag_owner"),
    )
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def sent(lab: Laboratory, event: Any) -> list[tuple[str, str, str, str]]:
    """Sends an event about a world in which it happened: account, Region, call, outcome."""
    stage(lab.cloud, event)
    actions = lab.send(event).actions
    return [(each.account, each.region, each.call, each.outcome) for each in actions]


def reports(lab: Laboratory) -> list[dict[str, Any]]:
    """What the responders logged."""
    return [json.loads(line) for line in lab.functions.log]


@every_case
def test_an_event_in_a_member_mends_the_resource_there(lab: Laboratory, case: Case) -> None:
    event = case.event()
    stage(lab.cloud, event)
    assert not case.mended()

    assert sent(lab, event) == [(MEMBER, event["region"], case.call, "ok")]
    assert case.mended()
    [line] = reports(lab)
    assert line["evidence"]["responder"] == case.responder


NEAR_MISSES: dict[str, dict[str, Json]] = {
    "the call failed": {"errorCode": "AccessDenied"},
    "the record names another account": {"recipientAccountId": OTHER},
    "it is old": {"eventTime": "2020-01-01T00:00:00Z"},
}


@every_case
@pytest.mark.parametrize("detail", NEAR_MISSES.values(), ids=NEAR_MISSES.keys())
def test_after_a_near_miss_everything_is_as_it_was(
    lab: Laboratory, case: Case, detail: dict[str, Json]
) -> None:
    stage(lab.cloud, case.event())
    event = case.event(**detail)
    if "eventTime" in detail:
        lab.router.send(event)
        from datetime import UTC, datetime

        actions = lab.functions.pump(datetime(2026, 11, 3, tzinfo=UTC))
    else:
        actions = lab.send(event).actions

    assert actions == []
    assert not case.mended()


@every_case
def test_copies_and_late_arrivals_make_it_act_once(lab: Laboratory, case: Case) -> None:
    later = case.event(eventID="later-1", eventTime="2026-11-03T12:05:00Z")
    earlier = case.event(eventID="earlier-1", eventTime="2026-11-03T12:04:00Z")
    made = [call for event in (later, later, earlier, later) for call in sent(lab, event)]

    assert len(made) == 1
    assert case.mended()
    assert [line["outcome"] for line in reports(lab)][1:] == ["ignored"] * 3


@every_case
def test_the_switch_in_the_central_account_stops_it(lab: Laboratory, case: Case) -> None:
    central = lab.cloud.administrator(CENTRAL, HOME).client("ssm")
    central.put_parameter(Name=SWITCH, Value="off", Type="String", Overwrite=True)
    try:
        assert sent(lab, case.event(eventID="switched-1")) == []
    finally:
        central.put_parameter(Name=SWITCH, Value="on", Type="String", Overwrite=True)
    assert not case.mended()
    assert reports(lab)[-1]["message"].endswith("all remediation is switched off")


def function_of(lab: Laboratory, case: Case) -> Any:
    for function in lab.world.inventory.of_type(CENTRAL, HOME, "AWS::Lambda::Function"):
        if function.properties["Environment"]["Variables"]["TRAILBUS_RESPONDER"] == case.responder:
            return function
    raise AssertionError(case.responder)


@every_case
@pytest.mark.parametrize(
    ("variable", "value", "outcome"),
    [
        ("TRAILBUS_MODE", "observe", "observed"),
        ("TRAILBUS_EXCEPTIONS", json.dumps({"accounts": [MEMBER]}), "excepted"),
        (
            "TRAILBUS_EXCEPTIONS",
            json.dumps({"principals": [f"arn:aws:iam::{MEMBER}:role/admin"]}),
            "excepted",
        ),
    ],
)
def test_who_only_observes_or_excepts_changes_nothing(
    lab: Laboratory, case: Case, variable: str, value: str, outcome: str
) -> None:
    function = function_of(lab, case)
    environment = function.properties["Environment"]
    changed = {"Variables": {**environment["Variables"], variable: value}}
    function.properties["Environment"] = changed
    try:
        assert sent(lab, case.event(eventID=f"held-{outcome}")) == []
    finally:
        function.properties["Environment"] = environment
    assert not case.mended()
    assert reports(lab)[-1]["outcome"] == outcome


def test_an_owner_that_the_launch_brought_is_kept(lab: Laboratory) -> None:
    tags = {"items": [{"key": "Owner", "value": "team-blue"}]}
    items = [{"instanceId": INSTANCE, "tagSet": tags}]
    sent(lab, launched(eventID="owned-1", responseElements={"instancesSet": {"items": items}}))

    backend = ec2_backends[MEMBER][AWAY]
    assert backend.tags[INSTANCE] == {"Owner": "team-blue"}
    [volume] = backend.volumes
    assert backend.tags[volume] == {"Owner": PERSON}


def test_a_bucket_opened_by_its_acl_and_one_whose_block_was_removed(lab: Laboratory) -> None:
    acl = {"bucketName": "press-images", "x-amz-acl": ["public-read"]}
    event = envelope("s3", "PutBucketAcl", AWAY, requestParameters=acl)
    assert sent(lab, event) == [(MEMBER, AWAY, "s3:PutPublicAccessBlock", "ok")]

    removed = envelope(
        "s3",
        "DeleteBucketPublicAccessBlock",
        AWAY,
        requestParameters={"bucketName": "press-images"},
        eventTime="2026-11-03T12:10:00Z",
    )
    assert sent(lab, removed) == [(MEMBER, AWAY, "s3:PutPublicAccessBlock", "ok")]
    assert bucket_closed()


def test_every_account_has_the_managed_policy_that_is_attached(lab: Laboratory) -> None:
    for account in DEFAULT_PLACE.central_account, MEMBER, OTHER:
        known = iam_backends[account]["aws"].managed_policies
        assert f"arn:aws:iam::{account}:policy/trailbus-console-with-mfa-only" in known


# --- And back again


def undone(
    lab: Laboratory, line: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> int:
    """What `trailbus undo` says to a log line, with an administrator's credentials there."""

    def entered(account: str, region: str, *_: str) -> Door:
        return Door(lambda _: lab.cloud.administrator(account, region))

    monkeypatch.setattr(door_to_aws, "entered", entered)
    file = folder / "evidence.json"
    file.write_text(json.dumps(line))
    given = argparse.Namespace(
        evidence=str(file), config=None, role="", profile="", yes=True, force=False
    )
    return undo.run(given, Screen(out=StringIO(), err=StringIO()))


@every_case
def test_what_was_done_can_be_undone_by_its_log_line_once(
    lab: Laboratory, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(lab, case.event(eventID="undo-1"))
    [line] = reports(lab)
    assert case.mended()

    assert undone(lab, line, tmp_path, monkeypatch) == 0
    assert not case.mended()
    assert undone(lab, line, tmp_path, monkeypatch) == 1  # it is not as it was left any more


def test_a_restarted_trail_can_be_stopped_again(
    lab: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = {"name": "account-trail"}
    sent(lab, envelope("cloudtrail", "StopLogging", AWAY, requestParameters=name))
    [line] = reports(lab)
    client = lab.cloud.administrator(MEMBER, AWAY).client("cloudtrail")
    assert client.get_trail_status(Name="account-trail")["IsLogging"]

    assert undone(lab, line, tmp_path, monkeypatch) == 0
    assert not client.get_trail_status(Name="account-trail")["IsLogging"]
