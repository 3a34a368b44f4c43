"""Reports: always a log line, published unless there was nothing to do, never in the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lambda_ import loading
from tests.lambda_.events import MEMBER, NOW, message, stop

notices = loading.shared("notices")
reports = loading.shared("reports")


class Topic:
    """What stands in for SNS; `before` is called when something is published."""

    def __init__(self) -> None:
        self.published: list[dict[str, str]] = []
        self.before: Any = lambda: None

    def publish(self, **parameters: str) -> None:
        self.before()
        self.published.append(parameters)


@pytest.fixture(autouse=True)
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    made = Topic()
    monkeypatch.setattr(reports, "central_client", lambda service: {"sns": made}[service])
    monkeypatch.setenv("TRAILBUS_TARGET", "trail-guard")
    monkeypatch.setenv("TRAILBUS_RESPONDER", "block_public_bucket")
    monkeypatch.setattr(reports, "now", lambda: NOW)
    monkeypatch.setenv("TRAILBUS_REPORTS", "arn:aws:sns:us-east-1:222222222222:reports")
    return made


def notice(tries: int = 1, **changes: Any) -> Any:
    return notices.notice_of(message(stop(**changes), tries=tries, id_="m"))


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


LEVELS = [
    ("ignored", "INFO", False),
    ("restarted", "INFO", True),
    ("observed", "INFO", True),
    ("failed", "ERROR", True),
    ("gave up", "ERROR", True),
    ("not there", "ERROR", True),
    ("not ours", "ERROR", True),
    ("refused", "ERROR", True),
    ("too late", "ERROR", True),
    ("something new", "INFO", True),
]


@pytest.mark.parametrize(("outcome", "level", "published"), LEVELS)
def test_how_loud_each_outcome_is(
    outcome: str,
    level: str,
    published: bool,
    topic: Topic,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reports.report(notice(), reports.Verdict(outcome, "because"))

    [line] = lines(capsys)
    assert (line["outcome"], line["level"], line["message"]) == (outcome, level, "because")
    assert [json.loads(each["Message"]) for each in topic.published] == [line] * published


def test_the_log_line_comes_before_the_topic(
    topic: Topic, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []
    topic.before = lambda: seen.append(capsys.readouterr().out)
    reports.report(notice(), reports.Verdict("restarted", "because"))

    assert json.loads(seen[0])["outcome"] == "restarted"


def test_a_topic_that_fails_raises(topic: Topic) -> None:
    def fail() -> None:
        raise RuntimeError("no topic")

    topic.before = fail
    with pytest.raises(RuntimeError, match="no topic"):
        reports.report(notice(), reports.Verdict("restarted", "because"))


@pytest.mark.parametrize(
    ("account", "subject"),
    [
        (MEMBER, f"trail-guard: refused in {MEMBER}"),
        ("a" * 200, ("trail-guard: refused in " + "a" * 200)[:100]),
        ("١١", "refused"),
        ("a\nb", "refused"),
        (7, "trail-guard: refused in "),
    ],
)
def test_the_subject_is_one_that_sns_takes(account: Any, subject: str, topic: Topic) -> None:
    reports.report(notice(envelope={"account": account}), reports.Verdict("refused", "why"))

    assert topic.published[0]["Subject"] == subject


def test_a_failure_is_published_on_the_first_try_only(
    topic: Topic, capsys: pytest.CaptureFixture[str]
) -> None:
    for tries in (1, 2, 3):
        reports.report_failure(notice(tries), ValueError("broken"))

    assert len(topic.published) == 1
    first, *others = lines(capsys)
    assert first["message"] == "ValueError: broken; it will be tried again"
    assert [line["message"] for line in others] == [
        "ValueError: broken (try 2)",
        "ValueError: broken (try 3)",
    ]
    assert {line["level"] for line in others} == {"ERROR"}


def test_a_failure_that_cannot_be_published_raises_nothing_and_is_logged(
    topic: Topic, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError("no topic")

    topic.before = fail
    reports.report_failure(notice(), ValueError("broken"))

    first, second = lines(capsys)
    assert first["message"].startswith("ValueError: broken")
    assert second["message"] == "the failure was not published: no topic"
    assert second["message_id"] == "m"


def test_evidence_stands_beside_what_is_known_of_the_event(
    topic: Topic, capsys: pytest.CaptureFixture[str]
) -> None:
    undo = reports.Undo("s3", "DeletePublicAccessBlock", {"Bucket": "b"})
    evidence = reports.Evidence("arn:bucket", {"open": True}, {"open": False}, (undo,))
    event = notice(event_id="e-1", region="eu-west-1")
    reports.report(event, reports.Verdict("blocked", "why"), evidence)

    [line] = lines(capsys)
    assert line["resource"] == "arn:bucket"
    assert line["evidence"] == {
        "id": f"block_public_bucket/{MEMBER}/e-1",
        "responder": "block_public_bucket",
        "account": MEMBER,
        "region": "eu-west-1",
        "resource": "arn:bucket",
        "before": {"open": True},
        "after": {"open": False},
        "undo": [
            {
                "service": "s3",
                "operation": "DeletePublicAccessBlock",
                "parameters": {"Bucket": "b"},
            }
        ],
        "time": "2026-11-03T12:00:00Z",
        "event_id": "e-1",
    }
    assert json.loads(topic.published[0]["Message"]) == line


def test_evidence_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    policy = json.dumps({"Statement": "é" * 20_000})
    evidence = reports.Evidence("arn:bucket", {"policy": policy}, {})
    reports.report(notice(), reports.Verdict("blocked", "why"), evidence)

    assert lines(capsys)[0]["evidence"]["before"] == {"policy": policy}


def test_what_was_not_looked_at_leaves_no_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    reports.report(notice(), reports.Verdict("refused", "why"), reports.Evidence("arn:bucket"))

    [line] = lines(capsys)
    assert line["resource"] == "arn:bucket"
    assert "evidence" not in line


def test_evidence_that_no_topic_takes_is_told_by_its_id_and_stands_in_the_log(
    topic: Topic, capsys: pytest.CaptureFixture[str]
) -> None:
    many = {"Owner": {f"i-{number:017x}": "mara@example.com" for number in range(6_000)}}
    reports.report(
        notice(), reports.Verdict("tagged", "because"), reports.Evidence("i-1", many, many)
    )

    [line] = lines(capsys)
    assert line["evidence"]["after"] == many
    [published] = topic.published
    assert len(published["Message"].encode()) < 262_144
    said = json.loads(published["Message"])
    assert said["evidence"] == {"id": line["evidence"]["id"]}
    assert said["outcome"] == "tagged"
