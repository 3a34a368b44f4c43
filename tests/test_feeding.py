"""A stream that is fed with everything is never fed with its own writes."""

from __future__ import annotations

from typing import Any

import pytest

from generator import feeding, names
from generator.model import Json
from generator.patterns import matches
from tests import shapes
from tests.shapes import API_CALL, detection

EVERYTHING = {"source": [{"prefix": "aws."}], "detail-type": [API_CALL]}
SHAPE = shapes.shape_of(
    {
        "targets": {
            "archive": {"kind": "stream", "to": "firehose", "body": "notice"},
            "audit": {
                "kind": "responder",
                "responder": "write_audit_report",
                "settings": {"stream": "archive"},
            },
            "mails": {"kind": "topic"},
        },
        "routes": [{"severity": ["critical"], "to": ["archive", "mails"]}],
    }
)
OWN = [
    ("s3", "PutObject", names.writer_role("trailbus", "archive")),
    ("firehose", "PutRecord", names.delivery_role("trailbus", "archive")),
    ("s3", "GetObject", names.function_role("trailbus", "audit")),
    ("s3", "PutObject", names.function_role("trailbus", "audit")),
]


def written(service: str, call: str, role: str | None) -> dict[str, Any]:
    """The data event of a session of that role; of a user when there is none."""
    identity: dict[str, Json] = {"type": "IAMUser"}
    if role:
        identity = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"userName": role}}}
    detail = {"eventName": call, "userIdentity": identity, "managementEvent": False}
    return {"source": f"aws.{service}", "detail-type": API_CALL, "detail": detail}


def fed(given: dict[str, Json], *targets: str) -> dict[str, Any]:
    one = detection("all_of_it", {}, pattern=given)
    return dict(feeding.pattern(one, [SHAPE.target(name) for name in targets], SHAPE))


@pytest.mark.parametrize(("service", "call", "role"), OWN)
def test_a_stream_is_not_fed_with_its_own_writes_nor_with_its_reports(
    service: str, call: str, role: str
) -> None:
    event = written(service, call, role)
    assert not matches(fed(EVERYTHING, "archive"), event)
    assert matches(fed(EVERYTHING, "mails"), event)


@pytest.mark.parametrize("role", [None, "platform-admin", "trailbus-archive-writer-too"])
def test_what_others_write_it_gets(role: str | None) -> None:
    assert matches(fed(EVERYTHING, "archive"), written("s3", "PutObject", role))


def test_a_pattern_that_cannot_take_such_a_write_stays_as_it_is() -> None:
    for one in SHAPE.detections:
        assert feeding.pattern(one, [SHAPE.target("archive")], SHAPE) == one.pattern
    pinned = {**EVERYTHING, "detail": {"eventName": ["StopLogging"]}}
    assert fed(pinned, "archive") == pinned
