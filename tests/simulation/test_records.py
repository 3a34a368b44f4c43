"""Reading files of records: every usual form, and one line for whatever is something else."""

from __future__ import annotations

import base64
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.model import Json, Mistake
from generator.simulation.records import Found, Reading, account_of, completed, read, wrapped
from tests.recorded import DATA, recorded_events, requires_data
from tests.recorded import wrapped as wrapped_elsewhere


def record(name: str = "CreateUser", **more: Json) -> dict[str, Json]:
    return {
        "eventVersion": "1.11",
        "eventID": f"id-{name}",
        "eventName": name,
        "eventSource": "iam.amazonaws.com",
        "eventTime": "2026-11-03T11:59:00Z",
        "eventType": "AwsApiCall",
        "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333",
        **more,
    }


EVENT: dict[str, Json] = {
    "version": "0",
    "id": "of-its-own",
    "detail-type": "AWS API Call via CloudTrail",
    "source": "custom.app",
    "account": "999988887777",
    "region": "eu-west-1",
    "detail": record("PutRule", recipientAccountId="111122223333"),
}
A, B, C = record("A"), record("B", note="one\u2028two\u0085three"), record("C")


def lines(*values: Json, end: str = "\n") -> str:
    return "".join(json.dumps(value, ensure_ascii=False) + end for value in values)


def written(folder: Path, content: str | bytes, name: str = "events.json") -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def names(reading: Reading) -> list[Json]:
    return [found.event["detail"]["eventName"] for found in reading.found]


# --- The forms

FORMS: list[tuple[str, str, list[str]]] = [
    ("one record", json.dumps(A), ["A"]),
    ("one record over many lines", json.dumps(A, indent=2), ["A"]),
    ("Records", json.dumps({"Records": [A, B]}), ["A", "B"]),
    ("Records over many lines", json.dumps({"Records": [A, B]}, indent=1), ["A", "B"]),
    ("no Records at all", json.dumps({"Records": []}), []),
    ("a list", json.dumps([A, B, C]), ["A", "B", "C"]),
    ("an empty list", "[]", []),
    ("JSON Lines", lines(A, B, C), ["A", "B", "C"]),
    ("JSON Lines without a last line end", lines(A, B).rstrip("\n"), ["A", "B"]),
    ("JSON Lines with carriage returns", lines(A, B, end="\r\n"), ["A", "B"]),
    ("JSON Lines with blank lines", "\n" + lines(A, B, end="\n\n \n"), ["A", "B"]),
    ("a file a line", lines({"Records": [A, B]}, {"Records": [C]}), ["A", "B", "C"]),
    ("with a byte order mark", "\ufeff" + json.dumps(A), ["A"]),
    ("a whole event", json.dumps(EVENT), ["PutRule"]),
    ("whole events and records a line", lines(EVENT, A), ["PutRule", "A"]),
]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("text", "expected"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS]
)
def test_every_form_is_read(tmp_path: Path, text: str, expected: list[str], packed: bool) -> None:
    content = gzip.compress(text.encode(), mtime=0) if packed else text.encode()
    reading = read([written(tmp_path, content)])
    assert names(reading) == expected
    assert reading.unusable == ()


def test_name_of_a_file_says_nothing_about_its_form(tmp_path: Path) -> None:
    plain = written(tmp_path, json.dumps(A), "plain.json.gz")
    packed = written(tmp_path, gzip.compress(json.dumps(B).encode()), "packed.json")
    assert names(read([plain, packed])) == ["A", "B"]


def test_gzip_of_several_parts_is_read_whole(tmp_path: Path) -> None:
    parts = [gzip.compress(lines(value).encode()) for value in (A, B, C)]
    assert names(read([written(tmp_path, b"".join(parts))])) == ["A", "B", "C"]


def test_files_are_read_in_the_order_given(tmp_path: Path) -> None:
    first, second = written(tmp_path, lines(C), "z"), written(tmp_path, lines(A, B), "a")
    assert names(read([first, second])) == ["C", "A", "B"]
    assert names(read([second, first, second])) == ["A", "B", "C", "A", "B"]


def test_every_record_knows_its_place(tmp_path: Path) -> None:
    given = {
        "whole": (json.dumps({"Records": [A, B]}), ["{}: record 1", "{}: record 2"]),
        "lines": (lines(A, B), ["{}:1", "{}:2"]),
        "gaps": ("\n\n" + lines(A) + "\n" + lines(B), ["{}:3", "{}:5"]),
        "both": (lines(A, {"Records": [B, C]}), ["{}:1", "{}:2: record 1", "{}:2: record 2"]),
        "one": (json.dumps(A), ["{}"]),
    }
    for name, (text, places) in given.items():
        file = written(tmp_path, text, name)
        found = [each.place for each in read([file]).found]
        assert found == [place.format(file) for place in places]


# --- What becomes of them


def test_whole_event_is_taken_as_it_is(tmp_path: Path) -> None:
    file = written(tmp_path, json.dumps(EVENT))
    assert read([file]) == Reading((Found(EVENT, True, str(file)),))


def test_bare_record_becomes_the_event_that_carries_it() -> None:
    event = wrapped(A)
    assert event == {
        "version": "0",
        "id": event["id"],
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.iam",
        "account": "111122223333",
        "time": "2026-11-03T11:59:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": A,
    }
    assert wrapped(A) == event
    assert wrapped(B)["id"] != event["id"]


DETAIL_TYPES = [
    ("AwsApiCall", "AWS API Call via CloudTrail"),
    ("AwsServiceEvent", "AWS Service Event via CloudTrail"),
    ("AwsConsoleSignIn", "AWS Console Sign In via CloudTrail"),
    ("AwsConsoleSignin", "AWS Console Sign In via CloudTrail"),
    ("AwsConsoleAction", "AWS Console Action via CloudTrail"),
    ("AwsCloudTrailInsight", "AWS Insight via CloudTrail"),
    ("AwsVpceEvent", "AWS Network Activity Event via CloudTrail"),
    ("SomethingNew", "AWS API Call via CloudTrail"),
]


@pytest.mark.parametrize(("kind", "detail_type"), DETAIL_TYPES)
def test_type_of_a_record_decides_how_its_event_is_called(kind: str, detail_type: str) -> None:
    assert wrapped(record(eventType=kind))["detail-type"] == detail_type


SOURCES = [
    ("iam.amazonaws.com", "aws.iam"),
    ("kms.amazonaws.com.cn", "aws.kms"),
    ("resource-explorer-2.amazonaws.com", "aws.resource-explorer-2"),
    (None, "aws.cloudtrail"),
    (7, "aws.cloudtrail"),
]


@pytest.mark.parametrize(("host", "source"), SOURCES)
def test_service_of_a_record_is_the_source_of_its_event(host: Json, source: str) -> None:
    assert wrapped(record(eventSource=host))["source"] == source


ACCOUNTS: list[tuple[dict[str, Json], str]] = [
    ({}, "111122223333"),
    ({"recipientAccountId": None}, "0" * 12),
    ({"recipientAccountId": None, "userIdentity": {"accountId": "444455556666"}}, "444455556666"),
    ({"recipientAccountId": "1", "userIdentity": {"accountId": "444455556666"}}, "1"),
    ({"recipientAccountId": 111122223333}, "111122223333"),
    ({"recipientAccountId": "", "userIdentity": "text"}, "0" * 12),
]


@pytest.mark.parametrize(("change", "account"), ACCOUNTS)
def test_account_of_a_record_is_the_one_that_received_it(
    change: dict[str, Json], account: str
) -> None:
    assert account_of(record(**change)) == account


@requires_data
def test_recorded_files_are_read_whole() -> None:
    reading = read([DATA / "cloudtrail" / "records.jsonl.gz"])
    assert reading.unusable == ()
    assert len(reading.found) == 2_484
    for found, event in zip(reading.found, recorded_events(), strict=True):
        assert not found.whole
        made = {**found.event, "id": ""}
        assert made == {**wrapped_elsewhere(event["detail"]), "id": ""}
    whole = read([DATA / "cloudtrail" / "envelopes.jsonl.gz"])
    assert [found.whole for found in whole.found] == [True] * 10


# --- Files that cannot be read: one line each, and nothing is sent

PACKED = gzip.compress(lines(A, B, C).encode() * 50, mtime=0)
FILES: list[tuple[str, bytes, str]] = [
    ("empty", b"", "is empty"),
    ("blank", b" \n\t\n", "is empty"),
    ("empty gzip", gzip.compress(b""), "is empty"),
    ("text", b"see attachment", "is not JSON: Expecting value"),
    ("text of lines", b"time,name\n1,2\n", "is not JSON: Expecting value"),
    ("cut JSON", json.dumps(A).encode()[:-5], "is not JSON: "),
    ("cut JSON of many lines", json.dumps({"Records": [A]}, indent=1).encode()[:-9], "is not JSON"),
    ("cut gzip", PACKED[:-20], "is truncated or damaged gzip"),
    ("gzip's head alone", PACKED[:5], "is truncated or damaged gzip"),
    ("gzip's magic alone", PACKED[:2], "gzip"),
    ("gzip with a wrong sum", PACKED[:-8] + b"12345678", "is damaged gzip: CRC check failed"),
    ("gzip with other bytes", PACKED[:20] + b"\xff" * 20 + PACKED[40:], "damaged gzip"),
    ("gzip with a tail", PACKED + b"tail", "is damaged gzip"),
    ("another encoding", json.dumps(A).encode("utf-16"), "is not UTF-8 text (byte 0)"),
    ("an image", b"\x89PNG\r\n\x1a\n", "is not UTF-8 text (byte 0)"),
    ("NaN", b'{"eventName": NaN}', "is not JSON: NaN is no JSON number"),
    ("too large a number", b'{"eventName": "A", "n": 1e999}', "1e999 is no JSON number"),
    ("too long a number", b'{"eventName": "A", "n": ' + b"9" * 5000 + b"}", "is not JSON"),
    ("too deep", b"[" * 100_000 + b"]" * 100_000, "stand inside each other too deep"),
]


@pytest.mark.parametrize(
    ("content", "why"), [row[1:] for row in FILES], ids=[row[0] for row in FILES]
)
def test_file_that_cannot_be_read_is_a_mistake_of_one_line(
    tmp_path: Path, content: bytes, why: str
) -> None:
    file = written(tmp_path, content)
    with pytest.raises(Mistake) as caught:
        read([file])
    [problem] = caught.value.problems
    assert problem.place.startswith(str(file))
    assert why in problem.fault
    assert "\n" not in str(problem)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    with pytest.raises(Mistake) as caught:
        read([missing, tmp_path, written(tmp_path, lines(A))])
    assert [str(problem) for problem in caught.value.problems] == [
        f"{missing}: cannot be read: No such file or directory",
        f"{tmp_path}: cannot be read: Is a directory",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_file_that_one_may_not_read_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, lines(A))
    file.chmod(0)
    with pytest.raises(Mistake, match="cannot be read: Permission denied"):
        read([file])


def test_every_file_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    files = [written(tmp_path, content, name) for name, content, _ in FILES]
    with pytest.raises(Mistake) as caught:
        read([written(tmp_path, lines(A), "good"), *files])
    assert len(caught.value.problems) == len(FILES)


@settings(max_examples=40)
@given(st.integers(1, len(PACKED) - 1))
def test_gzip_cut_anywhere_is_a_mistake(tmp_path_factory: Any, length: int) -> None:
    file = tmp_path_factory.getbasetemp() / "cut.json.gz"
    file.write_bytes(PACKED[:length])
    with pytest.raises(Mistake):
        read([file])


# --- Records that cannot be used: named and counted, the others kept

UNUSABLE: list[tuple[str, Json, str]] = [
    ("no eventName", {"eventID": "x"}, "has no eventName; it is no CloudTrail record"),
    ("eventName null", record() | {"eventName": None}, "has no eventName"),
    ("eventName a number", record() | {"eventName": 7}, "has no eventName"),
    ("eventName a list", record() | {"eventName": ["A"]}, "has no eventName"),
    ("a text", "CreateUser", "is no record: it wants a JSON object"),
    ("a number", 7, "is no record"),
    ("null", None, "is no record"),
    ("a list", [A], "is no record"),
    ("nothing in it", {}, "has no eventName"),
    ("an event without detail", EVENT | {"detail": None}, "a detail that is no JSON object"),
    ("an event whose detail is a list", EVENT | {"detail": [A]}, "a detail that is no JSON"),
    ("an event of a record without a name", EVENT | {"detail": {}}, "has no eventName"),
    ("half a character", record(note="\ud800"), "half a character"),
    ("half a character in a key", record() | {"\udfff": 1}, "half a character"),
]
DEEP = json.dumps(record(deep=0)).replace('"deep": 0', '"deep": ' + "[" * 120 + "]" * 120)


@pytest.mark.parametrize(
    ("value", "why"), [row[1:] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE]
)
def test_record_that_cannot_be_used_is_named_and_the_rest_kept(
    tmp_path: Path, value: Json, why: str
) -> None:
    file = written(tmp_path, json.dumps({"Records": [A, value, C]}))
    reading = read([file])
    assert names(reading) == ["A", "C"]
    [problem] = reading.unusable
    assert problem.place == f"{file}: record 2"
    assert why in str(problem)
    file = written(tmp_path, "".join(json.dumps(each) + "\n" for each in (A, value, C)))
    reading = read([file])
    assert names(reading) == ["A", "C"]
    assert [problem.place for problem in reading.unusable][:1] == [f"{file}:2"]


def test_values_too_deep_inside_each_other_are_named(tmp_path: Path) -> None:
    reading = read([written(tmp_path, f"{json.dumps(A)}\n{DEEP}\n")])
    assert names(reading) == ["A"]
    assert "more than 100 deep" in reading.unusable[0].fault


def test_broken_line_among_good_ones_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, lines(A) + "{cut\n" + lines(B) + '{"eventName": NaN}\n')
    reading = read([file])
    assert names(reading) == ["A", "B"]
    assert [str(problem) for problem in reading.unusable] == [
        f"{file}:2: is not JSON",
        f"{file}:4: is not JSON",
    ]


def test_insight_needs_no_name(tmp_path: Path) -> None:
    insight = {"eventType": "AwsCloudTrailInsight", "eventID": "x", "insightDetails": {}}
    reading = read([written(tmp_path, lines(insight))])
    assert [found.event["detail-type"] for found in reading.found] == ["AWS Insight via CloudTrail"]


def test_whole_event_of_another_service_needs_no_name(tmp_path: Path) -> None:
    event = EVENT | {"detail-type": "EC2 Instance State-change Notification", "detail": {}}
    assert len(read([written(tmp_path, lines(event))]).found) == 1


# --- Whatever somebody makes of a file

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted({*A, *EVENT, "userIdentity", "Records", "readOnly"})
RECORDS = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=9).map(lambda some: {**A, **some})


@given(st.lists(RECORDS | JSON, max_size=4), st.booleans())
def test_any_values_are_read_or_named(
    tmp_path_factory: Any, values: list[Json], packed: bool
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    text = json.dumps({"Records": values}).encode()
    file.write_bytes(gzip.compress(text, mtime=0) if packed else text)
    reading = read([file])
    assert len(reading.found) + len(reading.unusable) == len(values)
    for found in reading.found:
        assert isinstance(found.event["detail"], dict)
        json.dumps(dict(found.event)).encode()


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_read_or_a_mistake(tmp_path_factory: Any, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.bin"
    file.write_bytes(content)
    try:
        problems = read([file]).unusable
    except Mistake as mistake:
        problems = mistake.problems
    assert all(problem.place.startswith(str(file)) for problem in problems)


PLAIN = {"eventName": "StopLogging", "eventSource": "cloudtrail.amazonaws.com"}
AS_TEXT = json.dumps(PLAIN)
LOGS = {"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": AS_TEXT}]}
SUBSCRIBED = base64.b64encode(gzip.compress(json.dumps(LOGS).encode())).decode()
WRAPPERS: list[tuple[str, Json]] = [
    ("lookup-events", {"Events": [{"EventId": "x", "CloudTrailEvent": AS_TEXT}]}),
    ("one of lookup-events", {"EventId": "x", "CloudTrailEvent": AS_TEXT}),
    ("a subscription", LOGS),
    ("a subscription as Lambda gets it", {"awslogs": {"data": SUBSCRIBED}}),
    ("filter-log-events", {"events": [{"timestamp": 1, "message": AS_TEXT}]}),
    ("one log event", {"timestamp": 1, "message": AS_TEXT}),
    ("a row of Logs Insights", {"@message": AS_TEXT}),
    ("records in a message", {"message": json.dumps({"Records": [PLAIN]})}),
]


@pytest.mark.parametrize(("name", "given"), WRAPPERS, ids=[row[0] for row in WRAPPERS])
def test_what_others_wrap_around_records_is_taken_off(
    name: str, given: Json, tmp_path: Path
) -> None:
    file = tmp_path / "wrapped.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    reading = read([file])
    assert [dict(one.event)["detail"] for one in reading.found] == [PLAIN], name
    assert reading.unusable == ()


@pytest.mark.parametrize("given", [{"awslogs": {"data": "%"}}, {"message": "not JSON"}])
def test_a_wrapper_around_nothing_that_can_be_read_is_named(given: Json, tmp_path: Path) -> None:
    file = tmp_path / "wrapped.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    [problem] = read([file]).unusable
    assert str(problem).endswith("is not JSON")


def test_a_partial_event_is_filled_in_and_what_it_says_stays() -> None:
    partial = {"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": {}}
    whole = completed(partial, "eu-west-1")
    assert whole == completed(partial, "eu-west-1")
    assert {"version", "id", "account", "time", "region", "resources"} <= whole.keys()
    assert whole["detail"]["eventSource"] == "s3.amazonaws.com"
    assert whole["detail"]["awsRegion"] == whole["region"] == "eu-west-1"
    assert whole["detail"]["eventTime"] == whole["time"]
    assert completed(whole, "us-east-1") == whole
    assert completed({"detail": "text"}, "us-east-1")["detail"] == "text"
    said = {**partial, "account": "111122223333", "detail": {"awsRegion": "us-west-2"}}
    assert completed(said, "eu-west-1")["region"] == "us-west-2"
    assert completed(said, "eu-west-1")["account"] == "111122223333"


def test_a_whole_event_that_cannot_happen_is_doubted_and_sent_all_the_same(tmp_path: Path) -> None:
    event = {
        "source": "aws.cloudwatch",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventName": "DeleteAlarms", "eventSource": "monitoring.amazonaws.com"},
    }
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event), encoding="utf-8")
    reading = read([file])
    assert len(reading.found) == 1
    assert [str(one) for one in reading.doubts] == [
        f"{file}: this cannot happen: events of monitoring.amazonaws.com have the source "
        "aws.monitoring, not aws.cloudwatch; change one of them"
    ]
    file.write_text(json.dumps({**event, "source": "aws.monitoring"}), encoding="utf-8")
    assert read([file]).doubts == ()
