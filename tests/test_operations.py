"""Names that a service never writes are told apart from those that are only unknown."""

from __future__ import annotations

import builtins
import csv
from typing import Any

import pytest

from generator import catalogue, cloudtrail, operations
from tests.recorded import DATA, recorded_events, requires_data

SLIPS = [
    ("cloudtrail", "StopLoging", "StopLogging"),
    ("cloudtrail", "stopLogging", "StopLogging"),
    ("ec2", "DescribeInstance", "DescribeInstances"),
    ("kms", "ScheduleKeyDeletoin", "ScheduleKeyDeletion"),
    ("lambda", "updatefunctioncode", "UpdateFunctionCode"),
    ("monitoring", "DeleteAlarm", "DeleteAlarms"),
    ("states", "StartExecutions", "StartExecution"),
]


@pytest.mark.parametrize(("word", "name", "meant"), SLIPS)
def test_a_slip_of_the_pen_is_told(word: str, name: str, meant: str) -> None:
    assert operations.meant((f"{word}.amazonaws.com",), name) == meant


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("kms", "RotateKey"),  # an event of the service, and no call
        ("lambda", "UpdateFunctionCode20150331v2"),
        ("cloudfront", "CreateFunction2020_05_31"),
        ("s3", "DeleteBucketPublicAccessBlock"),
        ("rds", "DescribeRecommendations"),
        ("nobody-knows-this", "StopLoging"),
    ],
)
def test_a_name_that_may_be_right_is_left_alone(word: str, name: str) -> None:
    assert operations.meant((f"{word}.amazonaws.com",), name) == ""


def test_of_several_services_one_that_has_the_call_is_enough() -> None:
    hosts = ("rds.amazonaws.com", "redshift.amazonaws.com")
    assert operations.meant(hosts, "DeleteDBCluster") == ""
    assert operations.meant(hosts, "DeleteClusterr") == ""


def test_without_botocore_nobody_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def importing(name: str, *arguments: Any, **more: Any) -> Any:
        if name.startswith("botocore"):
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **more)

    operations._calls.cache_clear()
    monkeypatch.setattr(builtins, "__import__", importing)
    assert operations.meant(("kms.amazonaws.com",), "DisableKeys") == ""
    operations._calls.cache_clear()


def test_our_own_detections_name_what_their_services_write() -> None:
    found = [
        (one.id, name)
        for one in catalogue.read().detections.values()
        for hosts, name in cloudtrail.names_of(one.pattern)
        if operations.meant(hosts, name)
    ]
    assert found == []


@requires_data
def test_what_services_wrote_is_never_called_a_slip() -> None:
    pairs = {
        (e["detail"].get("eventSource"), e["detail"].get("eventName")) for e in recorded_events()
    }
    with (DATA / "cloudtrail" / "events.csv").open(encoding="utf-8") as lines:
        pairs |= {(row["eventSource"], row["eventName"]) for row in csv.DictReader(lines)}
    wrong = [
        (host, name) for host, name in pairs if host and name and operations.meant((host,), name)
    ]
    assert wrong == []
