"""Input transformation: what each form of target makes of an event, however hostile it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import bodies as rendered
from generator.model import Json
from generator.simulation.bodies import InvalidJson, body

from .conftest import built_in, detection

RULE_ARN = "arn:aws:events:us-east-1:222222222222:rule/trailbus/trailbus-x"
EVENT: dict[str, Json] = {
    "version": "0",
    "id": "1-2",
    "detail-type": "AWS API Call via CloudTrail",
    "source": "aws.kms",
    "account": "111122223333",
    "time": "2026-11-03T11:59:00Z",
    "region": "eu-west-1",
    "resources": [],
    "detail": {
        "eventName": "DisableKey",
        "readOnly": False,
        "nothing": None,
        "count": 7,
        "quoted": 'say "é"',
        "who": {"arn": "arn:x", "accountId": "1"},
        "items": [{"id": "a"}, {"id": "b"}, {"name": "c"}],
    },
}


def made(target: dict[str, Json], event: Json = EVENT) -> str:
    return body(target, "trailbus-x", RULE_ARN, event)


def filled(template: str, paths: dict[str, str] | None = None, event: Json = EVENT) -> str:
    transformer = {"InputTemplate": template, "InputPathsMap": paths or {}}
    return made({"InputTransformer": transformer}, event)


def test_without_input_the_whole_event_is_sent() -> None:
    assert json.loads(made({"Id": "x", "Arn": "y"})) == EVENT
    assert made({}).startswith('{"version":"0","id":"1-2",')


def test_constant_input_is_sent_as_it_is() -> None:
    assert made({"Input": '{"a": 1}'}) == '{"a": 1}'


PATHS: list[tuple[str, Json]] = [
    ("$.detail", EVENT["detail"]),
    ("$", EVENT),
    ("$.detail.eventName", "DisableKey"),
    ("$.detail.nothing", None),
    ("$.detail.items[1].id", "b"),
    ("$.detail.items[1]", {"id": "b"}),
    ("$.detail.items[*].id", ["a", "b"]),
    ("$.detail.who.*", ["arn:x", "1"]),
    ("$.detail-type", "AWS API Call via CloudTrail"),
    ("$.detail.missing", {}),
    ("$.detail.items[9]", {}),
    ("$.detail.eventName.more", {}),
    ("detail", {}),
    ("$..eventName", {}),
]


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_path_sends_what_stands_there(path: str, expected: Json) -> None:
    assert json.loads(made({"InputPath": path})) == expected


NAMES = {
    "name": "$.detail.eventName",
    "who": "$.detail.who",
    "missing": "$.detail.missing",
    "flag": "$.detail.readOnly",
    "null": "$.detail.nothing",
    "count": "$.detail.count",
}
TEMPLATES: list[tuple[str, str, str]] = [
    ("text", '"<name> was called"', '"DisableKey was called"'),
    ("text of lines", '"<name>"\n"twice"', '"DisableKey"\n"twice"'),
    ("a value outside quotes is JSON", '{"a": <name>}', '{"a":"DisableKey"}'),
    ("an object outside quotes", '{"a": <who>}', '{"a":{"arn":"arn:x","accountId":"1"}}'),
    ("a number", '{"a": <count>, "b": "<count>"}', '{"a":7,"b":"7"}'),
    ("a flag and null", '{"a": <flag>, "b": <null>}', '{"a":false,"b":null}'),
    ("inside a longer text", '{"a": "by <name>!"}', '{"a":"by DisableKey!"}'),
    ("missing outside quotes", '{"a": <missing>}', '{"a":""}'),
    ("missing inside quotes", '{"a": "[<missing>]"}', '{"a":"[]"}'),
    ("not a placeholder", '{"a": "<nobody> 1 < 2 > 0"}', '{"a":"<nobody> 1 < 2 > 0"}'),
    ("an escaped quote before", '{"a": "\\"<name>"}', '{"a":"\\"DisableKey"}'),
    ("the rule", '"<aws.events.rule-name> <aws.events.rule-arn>"', f'"trailbus-x {RULE_ARN}"'),
    ("when", '"<aws.events.event.ingestion-time>"', '"2026-11-03T11:59:00Z"'),
]


@pytest.mark.parametrize(
    ("template", "expected"), [row[1:] for row in TEMPLATES], ids=[row[0] for row in TEMPLATES]
)
def test_placeholders_are_filled(template: str, expected: str) -> None:
    assert filled(template, NAMES) == expected


def test_reserved_words_hold_the_event() -> None:
    whole = json.loads(filled('{"e": <aws.events.event.json>, "short": <aws.events.event>}'))
    assert whole["e"] == EVENT
    short = {key: value for key, value in EVENT.items() if key not in ("detail", "detail-type")}
    assert whole["short"] == {**short, "detailType": EVENT["detail-type"]}
    reserved = {"aws.events.rule-name": "$.detail.eventName"}
    assert filled('"<aws.events.rule-name>"', reserved) == '"trailbus-x"'


BROKEN = [
    ('{"a": "<quoted>"}', {"quoted": "$.detail.quoted"}),
    ('{"a": "<who>"}', {"who": "$.detail.who"}),
    ('{"a": <name>', {"name": "$.detail.eventName"}),
]


@pytest.mark.parametrize(("template", "paths"), BROKEN)
def test_values_that_break_the_json_of_a_template_are_a_fault(
    template: str, paths: dict[str, str]
) -> None:
    with pytest.raises(InvalidJson, match="makes no JSON of this event"):
        filled(template, paths)


def test_values_with_quotes_are_safe_outside_quotes() -> None:
    assert json.loads(filled('{"a": <q>}', {"q": "$.detail.quoted"})) == {"a": 'say "é"'}


def test_value_that_looks_like_a_placeholder_is_no_placeholder() -> None:
    event = {**EVENT, "detail": {"a": "<b>", "b": "secret"}}
    assert filled('"<a>"', {"a": "$.detail.a", "b": "$.detail.b"}, event) == '"<b>"'


# --- The notices that we render

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_notice_carries_any_event_whole(value: Any) -> None:
    event = {**EVENT, "detail": {"eventName": value, "<aws.events.event.json>": value}}
    known = detection("kms_key_disabled")
    notice = json.loads(filled(rendered.notice_template(known), event=event))
    assert notice == {"detection": rendered.card(known), "event": event}


def test_notice_of_every_detection_is_json_whatever_its_words() -> None:
    for known in built_in().detections:
        notice = json.loads(filled(rendered.notice_template(known)))
        assert notice == {"detection": rendered.card(known), "event": EVENT}
    odd = detection("kms_key_disabled")._replace(title='<aws.events.rule-name> "quoted" \\ <x>')
    notice = json.loads(filled(rendered.notice_template(odd)))
    assert notice["detection"]["title"] == odd.title
