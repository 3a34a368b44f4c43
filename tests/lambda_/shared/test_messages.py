"""What a message tells of an event: the resource, not the request; an insight's own facts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.recorded import recorded_events, requires_data

from .. import loading
from ..events import HOME, MEMBER

notices = loading.shared("notices")
messages = loading.shared("messages")
findings = loading.shared("findings")

BLAMED = f"arn:aws:sts::{MEMBER}:assumed-role/batch-cleaner/nightly"
REQUEST = "59dbff89-35bd-4eac-99ed-be587ed81825"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAILBUS_SETTINGS", "{}")


def notice(detail: dict[str, Any]) -> Any:
    event = {"account": MEMBER, "region": HOME, "detail": detail}
    return notices.Notice("m", 1, {"id": "x", "title": "Something happened"}, event)


def facts(detail: dict[str, Any]) -> dict[str, str]:
    """The lines of a message: label -> what it is, and the words about it."""
    return {
        label: f"{what} {words}".strip()
        for label, what, words in messages.message_of(notice(detail)).facts
    }


TOUCHED: list[tuple[str, Any, Any, str]] = [
    ("an id in a list as newer records write it",
     {"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": "fl-1"}}},
     {"DeleteFlowLogsResponse": {"requestId": REQUEST, "unsuccessful": ""}}, "fl-1"),
    ("several of them",
     {"TerminateRequest": {"InstanceIds": [{"tag": 1, "content": "i-1"},
                                           {"tag": 2, "content": "i-2"}]}}, None, "i-1; i-2"),
    ("what was made, beside the request's id", {"cidrBlock": "10.20.0.0/16"},
     {"requestId": REQUEST, "vpc": {"vpcId": "vpc-1", "state": "pending"}}, "vpc-1"),
    ("an id of a service that nobody listed", {"domain": "vpc"},
     {"requestId": REQUEST, "publicIp": "198.51.100.20", "allocationId": "eipalloc-1"},
     "eipalloc-1"),
    ("the answer's id under Amazon's own names", {},
     {"x-amz-request-id": REQUEST, "xAmzRequestId": REQUEST, "amzRequestId": REQUEST,
      "id2": "b", "planId": "plan-1"}, "plan-1"),
    ("an id of the caller's making", {"clientRequestId": "made-up", "planId": "plan-1"}, None,
     "plan-1"),
    ("an owner is no resource", {"ownerId": MEMBER, "carrierGatewayId": "cagw-1"}, None, "cagw-1"),
    ("nothing but the request's id", {}, {"requestId": REQUEST}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "asked", "answered", "on"), TOUCHED, ids=[t[0] for t in TOUCHED])
def test_what_was_touched(name: str, asked: Any, answered: Any, on: str) -> None:
    told = facts({"eventName": "X", "requestParameters": asked, "responseElements": answered})
    assert told.get("On", "") == on, name


@requires_data
def test_no_recorded_request_is_taken_for_a_resource() -> None:
    wrong = [
        event["detail"]["eventName"]
        for event in recorded_events()
        # Redacted records have the same characters everywhere.
        if "-" in (event["detail"].get("requestID") or "")
        and event["detail"]["requestID"] in facts(event["detail"]).get("On", "")
    ]
    assert wrong == []


def insight(**more: Any) -> dict[str, Any]:
    who = BLAMED
    attributions = [
        {"attribute": "userIdentityArn", "insight": [{"value": who, "average": 41.5}]},
        {"attribute": "userAgent", "insight": [{"value": "aws-cli/2.31.0", "average": 41.5}]},
    ]
    statistics = {"baseline": {"average": 0.002}, "insight": {"average": 41.5}}
    told = {
        "state": "Start",
        "eventSource": "iam.amazonaws.com",
        "eventName": "DeleteRolePolicy",
        "insightType": "ApiErrorRateInsight",
        "errorCode": "AccessDenied",
        "insightContext": {"statistics": statistics, "attributions": attributions},
    }
    return {"eventType": "AwsCloudTrailInsight", "insightDetails": {**told, **more}}


def test_an_insight_tells_its_call_its_error_its_state_and_whom_it_blames() -> None:
    assert facts(insight()) == {
        "Who": f"{BLAMED} as CloudTrail attributes it",
        "Did": "DeleteRolePolicy iam, failing: AccessDenied, ApiErrorRateInsight",
        "State": "Start of unusual activity",
        "Rate": "41.5 a minute usually 0.002",
        "With": "aws-cli/2.31.0",
    }


@pytest.mark.parametrize("context", [None, {}, {"attributions": []}, {"attributions": [None, 7]}])
def test_an_insight_that_blames_nobody_still_tells_its_call(context: Any) -> None:
    told = facts(insight(insightContext=context, errorCode=None, state="End"))
    assert told["Who"].startswith("nobody in particular")
    assert told["Did"] == "DeleteRolePolicy iam, ApiErrorRateInsight"
    assert told["State"] == "End of unusual activity"


def test_a_report_lists_an_insight_by_its_own_facts() -> None:
    found = findings.finding_of(notice(insight()))
    assert (found.service, found.event) == ("iam", "DeleteRolePolicy")
    assert found.result == "ApiErrorRateInsight Start AccessDenied"
    assert found.principal.endswith("assumed-role/batch-cleaner/nightly")
