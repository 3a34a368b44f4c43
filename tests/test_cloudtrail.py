"""Patterns and events that CloudTrail could never meet or write are told, and no others."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import catalogue, cloudtrail
from generator.cloudtrail import DETAIL_TYPES, FIELDS, LOGGED_AS, event_faults, pattern_faults
from generator.model import Detection, Json
from tests.recorded import recorded_events, requires_data

API = DETAIL_TYPES["AwsApiCall"]
CALL: dict[str, Json] = {
    "source": ["aws.kms"],
    "detail-type": [API],
    "detail": {"eventSource": ["kms.amazonaws.com"], "eventName": ["DisableKey"]},
}
RECORD: dict[str, Json] = {
    "source": "aws.kms",
    "detail-type": API,
    "account": "111122223333",
    "region": "eu-west-1",
    "time": "2026-11-05T10:00:00Z",
    "detail": {
        "eventSource": "kms.amazonaws.com",
        "eventName": "DisableKey",
        "eventType": "AwsApiCall",
        "eventTime": "2026-11-05T10:00:00Z",
        "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333",
        "readOnly": False,
    },
}


def changed(whole: dict[str, Json], path: str, value: Json) -> dict[str, Json]:
    """The pattern or event with another value at a path."""
    copy = deepcopy(whole)
    *way, last = path.split(".")
    inner = copy
    for name in way:
        inner = inner.setdefault(name, {})
    inner[last] = value
    return copy


def said(faults: list[cloudtrail.Fault]) -> list[str]:
    return [f"{one.path}: {one.fault}; {one.cure}" for one in faults]


MFA = "detail.userIdentity.sessionContext.attributes.mfaAuthenticated"
A_SOURCE = "source: no record of CloudTrail has the source aws."
IMPOSSIBLE: list[tuple[str, Json, str]] = [
    ("source", ["aws.cloudwatch"], "events of kms.amazonaws.com have the source aws.kms, not aws."),
    ("source", ["aws.kms", "aws.iam"], "no event of kms.amazonaws.com has the source aws.iam"),
    ("source", [{"prefix": "aws.s"}], 'have the source aws.kms, not {"prefix": "aws.s"}'),
    ("detail.eventSource", ["monitoring.amazonaws.com"], "have the source aws.monitoring, "),
    ("detail.eventSource", ["kms"], "write a service such as s3.amazonaws.com: kms"),
    ("detail-type", ["AWS API call via CloudTrail"], f"did you mean '{API}'?"),
    ("detail-type", ["AWS API Call via Cloudtrail "], f"did you mean '{API}'?"),
    ("detail-type", ["AWS Console SignIn via CloudTrail"], "'AWS Console Sign In via CloudTrail'"),
    ("detail-type", ["CloudTrail Call"], "no event has the detail-type 'CloudTrail Call'; known: "),
    ("detail-type", [{"suffix": " via cloudtrail"}], "no event of CloudTrail has a detail-type wi"),
    ("detail-type", [{"prefix": "AWS api"}], "no event of CloudTrail has a detail-type with"),
    ("detail.readOnly", ["false"], "detail.readOnly is a boolean, true or false, not text; leave"),
    ("detail.readOnly", ["no"], 'detail.readOnly is a boolean, true or false, never "no"'),
    ("detail.readOnly", [0], "detail.readOnly is a boolean, true or false, never 0"),
    ("detail.managementEvent", ["True"], 'is a boolean, true or false, never "True"'),
    (MFA, [False], f'{MFA} is the text "true" or "false", never false'),
    (MFA, ["False"], 'is the text "true" or "false", never "False"'),
    (MFA, [{"prefix": "F"}], 'is the text "true" or "false", never {"prefix": "F"}'),
    ("detail.sessionCredentialFromConsole", [True], 'is the text "true", never true'),
    ("detail.additionalEventData.MFAUsed", ["no"], 'is the text "Yes" or "No", never "no"'),
    ("detail.additionalEventData.MFAUsed", [False], 'is the text "Yes" or "No", never false'),
    ("detail.responseElements.ConsoleLogin", ["Failed"], 'is the text "Success" or "Failure"'),
    ("detail.eventCategory", ["management"], "did you mean 'Management'?"),
    ("detail.eventType", ["AWSApiCall"], "did you mean 'AwsApiCall'?"),
    ("detail.userIdentity.type", ["root"], "did you mean 'Root'?"),
    ("detail.userIdentity.type", ["IamUser"], "did you mean 'IAMUser'?"),
    ("detail.eventVersion", [1.08], 'detail.eventVersion is text, never 1.08; quote it: "1.08"'),
    ("detail.userIdentity.accountId", [1111], "is text, never 1111"),
    ("detail.recipientAccountId", ["1111"], "is never '1111'; write an account's 12 digits"),
    ("detail.awsRegion", ["us-east-1a"], "is never 'us-east-1a'; write a Region such as"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "wanted", "why"), IMPOSSIBLE)
def test_a_condition_that_no_event_meets_is_told(path: str, wanted: Json, why: str) -> None:
    [line] = said(pattern_faults(changed(CALL, path, wanted)))
    assert why in line


POSSIBLE: list[tuple[str, Json]] = [
    ("source", [{"prefix": "aws."}]),
    ("source", [{"wildcard": "aws.k*"}, "aws.kms"]),
    ("detail-type", [API, "AWS Service Event via CloudTrail"]),
    ("detail-type", [{"suffix": " via CloudTrail"}]),
    ("detail-type", ["KMS CMK Deletion"]),
    ("detail.readOnly", [False, "false", {"exists": False}]),
    ("detail.readOnly", [{"exists": False}]),
    ("detail.readOnly", [{"anything-but": ["true"]}]),
    (MFA, ["false"]),
    (MFA, [{"anything-but": "true"}]),
    (MFA, [{"exists": False}]),
    ("detail.userIdentity.type", ["Root", "SomethingNew"]),
    ("detail.errorCode", [{"exists": False}]),
    ("detail.eventType", [{"prefix": "Aws"}]),
    ("region", ["eu-west-1"]),
]


@pytest.mark.parametrize(("path", "wanted"), POSSIBLE)
def test_a_condition_that_some_event_meets_is_left_alone(path: str, wanted: Json) -> None:
    assert pattern_faults(changed(CALL, path, wanted)) == []


@pytest.mark.parametrize("word", cloudtrail._OTHER_WORDS)
def test_a_service_by_another_word_is_set_right(word: str) -> None:
    pattern = {"source": [f"aws.{word}"], "detail-type": [API]}
    right = f"aws.{cloudtrail._OTHER_WORDS[word]}"
    [line] = said(pattern_faults(pattern))
    assert line == f"{A_SOURCE}{word}; did you mean '{right}'?"
    assert pattern_faults({**pattern, "source": [f"aws.{word}", right]}) == []
    # Their own events, which are not CloudTrail's, do have that source.
    assert pattern_faults({**pattern, "detail-type": ["EMR Cluster State Change"]}) == []


@pytest.mark.parametrize(("host", "name"), LOGGED_AS)
def test_a_name_of_the_api_that_records_spell_otherwise_is_told(host: str, name: str) -> None:
    logged = LOGGED_AS[host, name]
    pattern = {"source": [cloudtrail.source_of(host)], "detail-type": [API]}
    [line] = said(pattern_faults({**pattern, "detail": {"eventName": [name]}}))
    assert f"{host} writes {logged} where the API says {name}; name {logged}" in line
    for names in ([name, logged], [{"prefix": logged[:12]}], [logged]):
        assert pattern_faults({**pattern, "detail": {"eventName": names}}) == []


def test_another_service_may_have_the_call_of_that_name() -> None:
    pattern = {"source": ["aws.sqs", "aws.lambda"], "detail-type": [API]}
    assert pattern_faults({**pattern, "detail": {"eventName": ["AddPermission"]}}) == []


@pytest.mark.parametrize("host", sorted(cloudtrail.GLOBAL_SERVICES))
def test_calls_that_one_region_records_are_not_wanted_from_another(host: str) -> None:
    pattern = {"source": [cloudtrail.source_of(host)], "detail-type": [API]}
    [line] = said(pattern_faults({**pattern, "region": ["eu-west-1"]}))
    assert f"{host} records its calls in us-east-1, not in eu-west-1" in line
    for leader in cloudtrail.LEADERS.values():
        assert pattern_faults({**pattern, "region": ["eu-west-1", leader]}) == []


def test_each_branch_of_an_or_is_judged_and_each_fault_said_once() -> None:
    branches = [{"readOnly": ["True"], "eventName": [name]} for name in ("A", "B", "C")]
    pattern = {"source": ["aws.kms"], "detail-type": [API], "detail": {"$or": branches}}
    assert len(pattern_faults(pattern)) == 1


CANNOT_HAPPEN: list[tuple[str, Json, str]] = [
    ("source", "aws.cloudwatch", "events of kms.amazonaws.com have the source aws.kms"),
    ("detail-type", "AWS API call via CloudTrail", f"did you mean '{API}'?"),
    ("detail-type", "AWS Service Event via CloudTrail", f"the eventType AwsApiCall become '{API}'"),
    ("account", "444455556666", 'account is "444455556666", detail.recipientAccountId is "1111222'),
    ("region", "us-east-1", 'region is "us-east-1", detail.awsRegion is "eu-west-1"'),
    ("time", "2026-11-05T11:00:00Z", 'time is "2026-11-05T11:00:00Z", detail.eventTime is "2026'),
    ("detail.readOnly", "False", "detail.readOnly is a boolean"),
    (MFA, False, 'is the text "true" or "false", never false'),
    ("detail.userIdentity.accountId", 111122223333, "is text, never 111122223333"),
    ("detail.eventSource", "KMS", "is never 'KMS'"),
]


@pytest.mark.parametrize(("path", "value", "why"), CANNOT_HAPPEN)
def test_an_event_that_cannot_happen_is_told(path: str, value: Json, why: str) -> None:
    assert event_faults(RECORD) == []
    assert any(why in line for line in said(event_faults(changed(RECORD, path, value))))


def test_events_that_are_not_from_cloudtrail_are_not_judged() -> None:
    for path, value in (("source", "custom.app"), ("detail-type", "GuardDuty Finding")):
        assert event_faults(changed(changed(RECORD, "account", "1"), path, value)) == []


def test_what_an_event_does_not_say_is_no_fault() -> None:
    assert (
        event_faults({"detail-type": API, "source": "aws.s3", "detail": {"readOnly": None}}) == []
    )
    assert event_faults({"detail-type": API, "detail": "text"}) == []


@pytest.mark.parametrize("one", catalogue.read().detections.values(), ids=lambda one: one.id)
def test_our_own_detections_and_their_examples_can_happen(one: Detection) -> None:
    assert pattern_faults(one.pattern) == []
    for example in catalogue.examples(one):
        assert event_faults(example.event) == [], example.place
        if example.matches and not one.read_only:
            assert not cloudtrail.is_read(example.event.get("detail", {})), example.place


@requires_data
def test_what_cloudtrail_wrote_can_happen() -> None:
    """But for records that were made anonymous, and one of a user guide."""
    found = [
        (event["region"], fault)
        for event in recorded_events()
        for fault in event_faults(event)
        if "-1r" not in event["region"] and "-2r" not in event["region"]
    ]
    assert [fault.path for region, fault in found if not region.endswith("r")] == [MFA]


_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=9),
    st.sampled_from(["True", "true", "yes", "AWS api call via cloudtrail", "aws.emr", "KMS"]),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    st.lists(st.text(max_size=3), max_size=2),
)  # fmt: skip


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(sorted({*FIELDS, *cloudtrail._TEXTS})), _VALUES))
def test_any_event_is_judged_without_a_stumble(values: dict[str, Json]) -> None:
    event = deepcopy(RECORD)
    for path, value in values.items():
        if isinstance(event.get("detail"), dict):
            *way, last = path.split(".")
            inner: Json = event
            for name in way:
                inner = inner.setdefault(name, {}) if isinstance(inner, dict) else None
            if isinstance(inner, dict):
                inner[last] = value
    for fault in event_faults(event):
        assert fault.fault
        assert "\n" not in fault.fault
