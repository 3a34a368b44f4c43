"""What people are told: by mail and in a chat, of every detection, whatever an event holds."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import bodies, catalogue, messages, names
from generator.messages import CONSOLE, Message
from generator.model import Detection, Json, Target
from generator.simulation.bodies import InvalidJson, body
from tests import shapes
from tests.recorded import recorded_events, requires_data
from tests.shapes import Place, detection, invented

KNOWN = {**catalogue.read().detections, **invented()}
HOST = "console.aws.amazon.com"

every_detection = pytest.mark.parametrize("one", KNOWN.values(), ids=list(KNOWN))


def filled(message: Message, event: dict[str, Json]) -> str:
    """The message as EventBridge would send it of this event."""
    transformer = {
        "InputPathsMap": dict(message.paths),
        "InputTemplate": message.template.replace(CONSOLE, HOST),
    }
    return body({"InputTransformer": transformer}, "rule", "arn:aws:events:::rule/rule", event)


def event(detail: Json, **envelope: Json) -> dict[str, Json]:
    """An event with this record, or with whatever else stands there."""
    whole = {"account": "111122223333", "region": "eu-west-1", "time": "2026-11-11T23:03:48Z"}
    return {
        **whole,
        "source": "aws.rds",
        "detail-type": shapes.API_CALL,
        "detail": detail,
    } | envelope


RECORD: dict[str, Json] = {
    "eventName": "DeleteDBInstance",
    "eventID": "55ce8026-fa8e-5f0a-8570-92820c110075",
    "sourceIPAddress": "192.0.2.61",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/legacy-backup"},
    "requestParameters": {"dBInstanceIdentifier": "orders-main", "skipFinalSnapshot": True},
}
LINK = f"https://eu-west-1.{HOST}/cloudtrailv2/home?region=eu-west-1#/events/{RECORD['eventID']}"


# Laws over every detection.


@every_detection
def test_a_text_is_lines_in_quotes_that_nothing_of_ours_can_break(one: Detection) -> None:
    for line in messages.text(one).template.split("\n"):
        assert line[0] == line[-1] == '"'
        assert not re.search(r'["\\]', line[1:-1])
        assert line.replace(CONSOLE, "").isprintable()


@every_detection
def test_the_transformers_are_ones_that_eventbridge_takes(one: Detection) -> None:
    for message in (messages.text(one), messages.chat(one)):
        assert len(message.template) + 2 * len("console.amazonaws-us-gov.com") <= 8192
        assert set(re.findall("<([^>]*)>", message.template)) == set(message.paths)
        assert not re.search("<[^A-Za-z]|[^A-Za-z]>", message.template)
        assert len(message.paths) <= 100
        for name, path in message.paths.items():
            assert re.fullmatch("[A-Za-z0-9_-]{1,256}", name)
            assert not name.lower().startswith("aws")
            assert re.fullmatch(r"\$(\.[A-Za-z0-9_-]+(\[0\])?)+", path)
            assert len(path) <= 256


@every_detection
def test_what_aws_or_we_say_stands_before_what_the_caller_wrote(one: Detection) -> None:
    message = messages.text(one)
    theirs = {n for n, path in message.paths.items() if ".requestParameters." in path}
    theirs |= {"errorMessage"} & set(message.paths)
    lines = message.template.split("\n")
    first = next((n for n, line in enumerate(lines) if any(f"<{t}>" in line for t in theirs)), 99)
    for line in lines[first:]:
        assert line.startswith(('"On what: ', '"Error, if it failed: '))
    assert any(f"{CONSOLE}/cloudtrailv2" in line for line in lines[:first])
    assert f'"The detection: {one.id}"' in lines[:first]


@every_detection
def test_a_chat_is_a_custom_notification(one: Detection) -> None:
    said = json.loads(filled(messages.chat(one), event(RECORD)))
    assert (said["version"], said["source"]) == ("1.0", "custom")
    assert said["content"]["textType"] == "client-markdown"
    assert said["content"]["title"]
    assert said["content"]["description"]
    assert LINK in said["content"]["nextSteps"][0]
    assert said["metadata"]["threadId"] == f"{one.id} 111122223333"
    # Nothing of our own words starts a link, a mention or an entity of its own.
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", json.dumps(said, ensure_ascii=False))


@pytest.mark.parametrize("name", catalogue.read().detections)
def test_every_example_is_told_readably(name: str) -> None:
    one = KNOWN[name]
    for example in catalogue.examples(one):
        whole = names.with_prefix(dict(example.event), "trailbus")
        lines = filled(messages.text(one), whole).split("\n")
        first = f'"{one.title}: account {whole["account"]}, {whole["region"]}, {whole["time"]}."'
        assert lines[0] == first
        assert all(re.fullmatch('"[^"<>]*"', line) for line in lines if "Error" not in line)
        assert json.loads(filled(messages.chat(one), whole))["metadata"]["eventType"] == name


@requires_data
def test_recorded_events_are_told_whole() -> None:
    several = [KNOWN["database_deleted"], KNOWN["cis_unauthorized_api_call"]]
    for whole in recorded_events():
        for one in several:
            lines = filled(messages.text(one), whole).split("\n")
            assert len(lines) >= len(messages.text(one).template.split("\n"))
            json.loads(filled(messages.chat(one), whole))


def test_an_insight_tells_its_own_facts_in_text_and_chat() -> None:
    one = KNOWN["cloudtrail_logging_stopped"]._replace(
        pattern={"source": ["aws.cloudtrail"], "detail-type": ["AWS Insight via CloudTrail"]}
    )
    told = {
        "state": "Start",
        "eventSource": "iam.amazonaws.com",
        "eventName": "DeleteRolePolicy",
        "insightType": "ApiErrorRateInsight",
        "errorCode": "AccessDenied",
        "insightContext": {
            "attributions": [
                {"attribute": "userIdentityArn", "insight": [{"value": "arn:aws:iam::1:user/x"}]}
            ]
        },
    }
    whole = event({"eventID": "e-1", "insightDetails": told})
    text = filled(messages.text(one), whole)
    assert "Start of unusual activity, DeleteRolePolicy (iam.amazonaws.com)" in text
    assert "ApiErrorRateInsight AccessDenied" in text
    assert "Who, as CloudTrail attributes it: arn:aws:iam::1:user/x" in text
    chat = json.loads(filled(messages.chat(one), whole))["content"]["description"]
    assert "`DeleteRolePolicy` (iam.amazonaws.com)" in chat
    assert "user/x" not in chat  # a path may hold a quotation mark


# Particular cases.


def test_a_deleted_database_reads_like_this() -> None:
    assert filled(messages.text(KNOWN["database_deleted"]), event(RECORD)).split("\n") == [
        '"A database was deleted: account 111122223333, eu-west-1, 2026-11-11T23:03:48Z."',
        '"Severity: medium."',
        '"What: DeleteDBInstance (aws.rds)"',
        '"Who: IAMUser arn:aws:iam::111122223333:user/legacy-backup "',
        '"From: 192.0.2.61"',
        '"Why it matters: What has no final snapshot is gone, and whoever holds data to ransom '
        'deletes it first."',
        '"Harmless when: Tests and previews make and delete databases. Check skipFinalSnapshot '
        'and the stage of the account."',
        f'"The event: {LINK}"',
        '"The detection: database_deleted"',
        '"On what: orders-main"',
    ]


@pytest.mark.parametrize("detail", [{}, None, "text", [], {"userIdentity": None}], ids=str)
def test_what_is_missing_leaves_lines_that_still_read(detail: Json) -> None:
    lines = filled(messages.text(KNOWN["database_deleted"]), event(detail)).split("\n")
    assert [lines[2], lines[3], lines[4], lines[-1]] == [
        '"What:  (aws.rds)"',
        '"Who:   "',
        '"From: "',
        '"On what: "',
    ]
    json.loads(filled(messages.chat(KNOWN["database_deleted"]), event(detail)))


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"tableName": "orders"}, "On what: orders"),
        ({"dBClusterIdentifier": "c1"}, "On what: c1"),
        ({"masterUserPassword": "secret", "dBInstanceIdentifier": "x"}, "On what: x"),
        ({"snapshotId": "s"}, "On what: "),
    ],
)
def test_a_call_is_about_what_its_request_names(parameters: Json, expected: str) -> None:
    record = {**RECORD, "requestParameters": parameters}
    text = filled(messages.text(KNOWN["database_deleted"]), event(record))
    assert text.endswith(f'"{expected}"')


def test_calls_that_share_a_field_are_told_apart_from_their_others() -> None:
    written = messages.text(KNOWN["cis_iam_policy_changed"]).template.rpartition("On what: ")[2]
    assert "><" not in written
    assert len(re.findall("<", written)) == len(set(re.findall("<[^>]*>", written)))


def test_a_sign_in_is_about_nothing() -> None:
    assert "On what" not in messages.text(KNOWN["root_console_signed_in"]).template
    assert "On what" not in messages.chat(KNOWN["root_console_signed_in"]).template


def test_only_what_a_service_took_stands_in_the_json_of_a_chat() -> None:
    """Inside a string EventBridge escapes nothing: a quotation mark would end it."""
    denied = messages.chat(KNOWN["cis_unauthorized_api_call"])
    assert not [path for path in denied.paths.values() if "requestParameters" in path]
    assert not [path for path in denied.paths.values() if path.endswith("errorMessage")]
    taken = messages.chat(KNOWN["database_deleted"])
    assert [path for path in taken.paths.values() if "requestParameters" in path]


def test_a_quotation_mark_in_a_name_would_break_a_chat_and_is_not_hidden() -> None:
    record = {**RECORD, "requestParameters": {"dBInstanceIdentifier": 'a"b'}}
    with pytest.raises(InvalidJson):
        filled(messages.chat(KNOWN["database_deleted"]), event(record))


PATHED = 'arn:aws:iam::111122223333:user/","textType":"x/mallory'


@every_detection
def test_the_path_of_a_user_role_or_policy_does_not_break_a_chat(one: Detection) -> None:
    """IAM takes any printable character in a path, quotation marks too; names have none."""
    identity = {"type": "IAMUser", "arn": PATHED, "userName": "mallory", "principalId": "AIDAX"}
    asked = dict.fromkeys(("policyArn", "resourceArn", "roleArn"), PATHED)
    whole = event({**RECORD, "userIdentity": identity, "requestParameters": asked})
    said = json.loads(filled(messages.chat(one), whole))
    assert "Who: IAMUser `mallory` AIDAX" in said["content"]["description"]
    assert said["content"]["textType"] == "client-markdown"


HOSTILE = 'x"\n"Severity: info."\n"The event: https://evil.example\\\u2028 <account> {{}}'


def test_a_caller_can_add_to_the_end_of_a_text_and_to_nothing_else() -> None:
    one = KNOWN["cis_unauthorized_api_call"]
    hostile = {
        "errorCode": "AccessDenied",
        "errorMessage": HOSTILE,
        "requestParameters": {"name": HOSTILE, "bucketName": ["a", {"b": HOSTILE}]},
    }
    honest = filled(messages.text(one), event(RECORD)).split("\n")
    text = filled(messages.text(one), event({**RECORD, **hostile})).split("\n")
    trusted = [line for line in honest if not line.startswith(('"Error', '"On what'))]
    assert text[: len(trusted)] == trusted
    json.loads(filled(messages.chat(one), event({**RECORD, **hostile})))


def test_an_event_of_256_kb_is_told_in_few_words() -> None:
    record = {**RECORD, "additionalEventData": {"x": "y" * 256_000}}
    for message in (
        messages.text(KNOWN["database_deleted"]),
        messages.chat(KNOWN["database_deleted"]),
    ):
        assert len(filled(message, event(record))) < 2_000


@settings(max_examples=40, deadline=None)
@given(words=st.text(max_size=60))
def test_any_words_of_a_user_can_be_said(words: str) -> None:
    own = detection(
        "own", {"eventName": ["PutObject"]}, title=words, why=words, harmless_when=words
    )
    text, chat = messages.text(own), messages.chat(own)
    lines = filled(text, event(RECORD)).split("\n")
    assert len(lines) == len(text.template.split("\n"))
    assert all(re.fullmatch('"[^"\\\\<>]*"', line) for line in lines)
    said = json.loads(filled(chat, event(RECORD)))
    assert "Where: account `111122223333`, eu-west-1" in said["content"]["description"]


@pytest.mark.parametrize(
    ("place", "host"),
    [
        (Place(), "console.aws.amazon.com"),
        (Place(region="cn-north-1", partition="aws-cn"), "console.amazonaws.cn"),
        (Place(region="us-gov-west-1", partition="aws-us-gov"), "console.amazonaws-us-gov.com"),
    ],
    ids=str,
)
def test_the_link_leads_to_the_console_of_the_partition(place: Place, host: str) -> None:
    stack = shapes.central(shapes.rendered("everything that a topic can be"), at=place)
    templates = [
        target["InputTransformer"]["InputTemplate"]
        for rule in stack.of("AWS::Events::Rule")
        for target in rule["Targets"]
        if "InputPathsMap" in target.get("InputTransformer", {})
    ]
    assert templates
    for template in templates:
        assert f"https://<region>.{host}/cloudtrailv2/home?region=<region>#/events/<id>" in template


def test_a_body_of_words_is_rendered_as_a_transformer() -> None:
    database_deleted = KNOWN["database_deleted"]
    readable = Target("words", "topic", "text")
    given: Any = bodies.transformed(readable, database_deleted)["InputTransformer"]
    assert set(given.to_dict()) == {"InputPathsMap", "InputTemplate"}
    assert bodies.transformed(readable._replace(body="event"), database_deleted) == {}
