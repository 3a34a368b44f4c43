"""Request bodies of receivers: what the templates make of events, whatever stands in those."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import catalogue, config, names, receivers
from generator.model import SEVERITIES, Detection, Json
from generator.options import KINDS
from generator.simulation import bodies
from tests.shapes import invented

RULE = "arn:aws:events:us-east-1:222222222222:rule/trailbus/trailbus-x"
FORMATS = ("generic", "jira", "pagerduty", "servicenow", "slack")
OPTIONS: Mapping[str, Json] = {
    **KINDS["api_destination"].defaults,
    "api_version": "3",
}
HOSTILE = 'a "quote\\", {"x": <who>} <!channel> \n\r\t\x00\x1f </b> ü😀\u2028 \ud800 $.detail ${A}'
"""What somebody might put wherever a caller's own words go."""

RECORD: Mapping[str, Json] = {
    "eventID": "3b644f44-653d-5387-90db-a4d40cec4a8e",
    "eventTime": "2026-11-03T03:40:00Z",
    "eventName": "StopLogging",
    "eventSource": "cloudtrail.amazonaws.com",
    "sourceIPAddress": "203.0.113.180",
    "userIdentity": {
        "type": "AssumedRole",
        "arn": "arn:aws:sts::111122223333:assumed-role/platform-admin/mara.lindqvist",
        "sessionContext": {"sessionIssuer": {"userName": "platform-admin"}},
    },
    "requestParameters": {"secret": "kept to itself"},
}
EVENT: Mapping[str, Json] = {
    "id": "c0677634-4728-5831-9086-f7fb2b3f411a",
    "detail-type": "AWS API Call via CloudTrail",
    "source": "aws.cloudtrail",
    "account": "111122223333",
    "region": "eu-west-1",
    "time": "2026-11-03T03:40:05Z",
    "detail": RECORD,
}
STOPPED = catalogue.read().detections["cloudtrail_logging_stopped"]
FINDING = invented()["odd_finding"]


def sent(form: str, detection: Detection, event: Mapping[str, Json], **more: Json) -> Any:
    """The body that the receiver gets, read as JSON."""
    made = receivers.transformer(form, detection, {**OPTIONS, **more})
    return json.loads(bodies.body({"InputTransformer": made}, "trailbus-x", RULE, event))


def every_detection() -> Iterator[Detection]:
    yield from config.load(whole=True).catalogue.detections.values()
    yield from invented().values()


KEYS = {
    "generic": lambda body: body["id"],
    "jira": lambda body: body["fields"]["labels"][-1],
    "pagerduty": lambda body: body["dedup_key"],
    "servicenow": lambda body: body["correlation_id"],
    "slack": lambda body: body["attachments"][0]["fields"][-1]["value"],
}
"""Where each receiver, or who looks after it, finds that an event came twice."""

every_format = pytest.mark.parametrize("form", FORMATS)


def test_the_formats_are_those_of_the_options() -> None:
    form: Any = KINDS["api_destination"].options["format"]
    assert set(form.choices) == set(FORMATS) == set(KEYS)


@every_format
def test_every_detection_has_a_body_within_the_limits(form: str) -> None:
    for detection in every_detection():
        made = receivers.transformer(form, detection, OPTIONS)
        assert len(str(made["InputTemplate"])) <= 8192
        assert len(made.get("InputPathsMap", {})) <= 100
        event = {**EVENT, "detail-type": "GuardDuty Finding", "detail": {}}
        assert isinstance(sent(form, detection, EVENT), dict), detection.id
        assert isinstance(sent(form, detection, event), dict), detection.id


@every_format
def test_the_id_of_the_event_is_the_key_by_which_duplicates_are_known(form: str) -> None:
    assert KEYS[form](sent(form, STOPPED, EVENT)) == RECORD["eventID"]
    # An event without a record has its envelope's.
    assert KEYS[form](sent(form, FINDING, {**EVENT, "detail": {}})) == EVENT["id"]


def test_an_insight_is_told_by_the_call_that_it_is_about() -> None:
    kind = "AWS Insight via CloudTrail"
    one = STOPPED._replace(pattern={"source": ["aws.cloudtrail"], "detail-type": [kind]})
    told = {
        "state": "Start",
        "eventSource": "iam.amazonaws.com",
        "eventName": "DeleteRolePolicy",
        "errorCode": "AccessDenied",
        "insightContext": {"attributions": [{"insight": [{"value": "arn:aws:iam::1:user/x"}]}]},
    }
    record = {"eventID": "e-1", "eventTime": RECORD["eventTime"], "insightDetails": told}
    body = sent("servicenow", one, {**EVENT, "detail-type": kind, "detail": record})
    facts = {key: body[f"u_{key}"] for key in ("call", "service", "who", "error", "state")}
    assert facts == {
        "call": "DeleteRolePolicy",
        "service": "iam.amazonaws.com",
        "who": "arn:aws:iam::1:user/x",
        "error": "AccessDenied",
        "state": "Start",
    }


def replaced(value: Json, by: Json) -> Json:
    """The value with every text in it replaced."""
    if isinstance(value, dict):
        return {key: replaced(item, by) for key, item in value.items()}
    return by


@every_format
def test_hostile_values_change_nothing_but_themselves(form: str) -> None:
    usual = sent(form, STOPPED, EVENT)
    odd = sent(form, STOPPED, {**EVENT, "detail": replaced(RECORD, HOSTILE)})
    assert shape_of(odd) == shape_of(usual)
    for before, after in zip(leaves(usual), leaves(odd), strict=True):
        assert after in (before, HOSTILE)


def shape_of(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: None if key == "event" else shape_of(item) for key, item in value.items()}
    return [shape_of(item) for item in value] if isinstance(value, list) else type(value)


def leaves(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        for key in value:
            if key != "event":
                yield from leaves(value[key])
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


@every_format
@settings(deadline=None, max_examples=40)
@given(
    detail=st.dictionaries(
        st.sampled_from([*RECORD, "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2)
            ),
            max_leaves=5,
        ),
    )
)
def test_whatever_a_record_holds_or_lacks_the_body_is_json(form: str, detail: Json) -> None:
    body = sent(form, STOPPED, {**EVENT, "detail": detail})
    assert isinstance(body, dict)
    if isinstance(detail.get("eventID"), str):
        assert KEYS[form](body) == detail["eventID"]


@every_format
def test_a_detections_own_words_are_never_placeholders(form: str) -> None:
    words = 'Say "hi" to <who>, <account> and <aws.events.event.json> \ue000who\ue001 \\ & more'
    odd = STOPPED._replace(title=words, why=words, harmless_when=words)
    body = sent(form, odd, EVENT)
    text = json.dumps(body, ensure_ascii=False)
    said = "&lt;who&gt;" if form == "slack" else "<who>"
    assert said in text
    assert shape_of(body) == shape_of(sent(form, STOPPED._replace(harmless_when="x"), EVENT))


def test_slack_gets_nothing_that_a_caller_could_have_written() -> None:
    marked = {**RECORD, "userIdentity": {"arn": "arn:aws:iam::1:user/<!channel>/x"}}
    body = json.dumps(sent("slack", STOPPED, {**EVENT, "detail": marked}))
    assert "<!channel>" not in body
    # Others get it as a value that is text to them.
    assert "<!channel>" in json.dumps(sent("pagerduty", STOPPED, {**EVENT, "detail": marked}))


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "generic"])
def test_what_may_hold_secrets_stays_at_home(form: str) -> None:
    assert "kept to itself" not in json.dumps(sent(form, STOPPED, EVENT))


def test_a_pagerduty_alert() -> None:
    assert sent("pagerduty", STOPPED._replace(why="Because.", harmless_when=""), EVENT) == {
        "event_action": "trigger",
        "dedup_key": "3b644f44-653d-5387-90db-a4d40cec4a8e",
        "client": "Trailbus",
        "payload": {
            "summary": "[critical] CloudTrail logging was stopped: 111122223333, eu-west-1",
            "source": "111122223333/eu-west-1",
            "severity": "critical",
            "timestamp": "2026-11-03T03:40:00Z",
            "component": "cloudtrail.amazonaws.com",
            "group": "111122223333",
            "class": "cloudtrail_logging_stopped",
            "custom_details": {
                "why": "Because.",
                "account": "111122223333",
                "address": "203.0.113.180",
                "call": "StopLogging",
                "error": "",
                "region": "eu-west-1",
                "service": "cloudtrail.amazonaws.com",
                "time": "2026-11-03T03:40:00Z",
                "who": "arn:aws:sts::111122223333:assumed-role/platform-admin/mara.lindqvist",
            },
        },
    }


def test_a_servicenow_incident() -> None:
    body = sent("servicenow", STOPPED._replace(why="Because.", harmless_when="Never."), EVENT)
    assert body["short_description"] == (
        "[critical] CloudTrail logging was stopped: 111122223333, eu-west-1"
    )
    assert body["description"] == (
        "Because.\nHarmless when: Never.\n"
        "Account 111122223333, Region eu-west-1. Detection cloudtrail_logging_stopped."
    )
    assert (body["urgency"], body["impact"]) == ("1", "1")
    assert body["u_who"].endswith("mara.lindqvist")


def test_a_jira_issue_has_a_document_or_text_by_the_version_of_the_api() -> None:
    plain = STOPPED._replace(why="Because.", harmless_when="")
    document = sent("jira", plain, EVENT, project="OPS", issue_type="Bug")
    fields = document["fields"]
    assert fields["project"] == {"key": "OPS"}
    assert fields["issuetype"] == {"name": "Bug"}
    assert fields["labels"][:3] == ["trailbus", plain.id, "severity-critical"]
    assert not any(" " in label for label in fields["labels"])
    paragraphs = fields["description"]["content"]
    assert fields["description"]["type"] == "doc"
    assert [one["content"][0]["text"] for one in paragraphs] == [
        "Because.",
        "Account 111122223333, Region eu-west-1. Detection cloudtrail_logging_stopped.",
    ]
    text = sent("jira", plain, EVENT, api_version="2")["fields"]["description"]
    assert text.splitlines() == [one["content"][0]["text"] for one in paragraphs]
    assert document["properties"][0]["value"]["event_id"] == RECORD["eventID"]


def test_severities_are_told_in_each_receivers_own_words() -> None:
    for severity in SEVERITIES:
        detection = STOPPED._replace(severity=severity)
        alert = sent("pagerduty", detection, EVENT)["payload"]["severity"]
        assert alert in ("critical", "error", "warning", "info")
        incident = sent("servicenow", detection, EVENT)
        assert {incident["urgency"], incident["impact"]} <= {"1", "2", "3"}
    loudness = [receivers.SERVICENOW[severity] for severity in SEVERITIES]
    assert loudness == sorted(loudness, key=lambda pair: sum(map(int, pair)), reverse=True)


def test_an_execution_begins_with_the_notice_and_whom_to_ask() -> None:
    made = receivers.execution_input(STOPPED, names.function("trailbus", "guard"), 60)
    text = bodies.body({"InputTransformer": made}, "trailbus-x", RULE, EVENT)
    given = json.loads(text)
    assert given["notice"]["event"] == EVENT
    assert given["notice"]["detection"]["id"] == STOPPED.id
    assert (given["ask"], given["wait"], given["try"]) == ("trailbus-guard", 60, {"number": 0})
    assert given["event_id"] == RECORD["eventID"]
