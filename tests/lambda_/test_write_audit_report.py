"""write_audit_report reads a period's archive and writes a page and a spreadsheet of it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import tracemalloc
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.s3.models import s3_backends

from . import loading
from .generated_archive import GeneratedArchive
from .reporting import BUCKET, HOME, VARIABLES, Context, Reporter, notice, packed, schedule

HTML = "reports/2026-11-02.html"
CSV = "reports/2026-11-02.csv"


@pytest.fixture
def reporter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Reporter]:
    """The function, with an empty archive and a topic that takes everything."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws():
        made = Reporter(loading.responder("write_audit_report"), lambda: capsys.readouterr().out)
        where: Any = {"LocationConstraint": HOME}
        made.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        account = "123456789012"  # moto's own
        monkeypatch.setenv("TRAILBUS_REPORTS", f"arn:aws:sns:{HOME}:{account}:trailbus-reports")
        boto3.client("sns", region_name=HOME).create_topic(Name="trailbus-reports")
        yield made


def rows(reporter: Reporter, key: str = CSV) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(reporter.text(key), newline="")))


class _Seen(HTMLParser):
    """What a browser makes of a page: elements with their attributes, and the text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def seen(page: str) -> _Seen:
    found = _Seen()
    found.feed(page)
    return found


# --- What a report says


def test_every_finding_is_a_row_and_is_counted(reporter: Reporter) -> None:
    reporter.put(
        [
            notice(1, "cloudtrail_logging_stopped", account="444455556666"),
            notice(2),
            notice(3, errorCode="AccessDenied"),
        ]
    )
    [line] = reporter()

    assert (line["outcome"], line["level"]) == ("reported", "INFO")
    assert line["message"] == "2026-11-02: 3 findings (1 critical, 2 medium) in 2 accounts"
    found = rows(reporter)
    assert [row["severity"] for row in found] == ["critical", "medium", "medium"]
    assert [row["result"] for row in found] == ["done", "done", "AccessDenied"]
    assert found[0]["title"] == "CloudTrail logging was stopped"
    assert found[0]["account"] == "444455556666"
    page = reporter.text(HTML)
    for word in ("alice@example.com as AdminSSO", "444455556666", "CloudTrail logging was stopped"):
        assert word in page
    assert "incomplete" not in page


def test_the_announcement_links_to_the_console_and_holds_no_secret(reporter: Reporter) -> None:
    reporter.put([notice(1)])
    [line] = reporter()
    assert line["resource"] == (
        f"https://console.aws.amazon.com/s3/object/{BUCKET}?region={HOME}"
        "&prefix=reports%2F2026-11-02.html"
    )
    assert not re.search(r"X-Amz|Signature|Expires", json.dumps(line))


@pytest.mark.parametrize(
    ("partition", "host"),
    [("aws-cn", "console.amazonaws.cn"), ("aws-us-gov", "console.amazonaws-us-gov.com")],
)
def test_other_partitions_have_consoles_of_their_own(
    reporter: Reporter, monkeypatch: pytest.MonkeyPatch, partition: str, host: str
) -> None:
    monkeypatch.setenv("TRAILBUS_PARTITION", partition)
    [line] = reporter()
    assert line["resource"].startswith(f"https://{host}/s3/object/")


def test_an_empty_period_has_a_report_that_says_so(reporter: Reporter) -> None:
    reporter.put([notice(1)], day="2026-11-01")
    reporter.put([notice(2)], day="2026-11-03")
    [line] = reporter()

    assert line["message"] == "2026-11-02: 0 findings"
    assert rows(reporter) == []
    assert "Nothing was found" in reporter.text(HTML)


def test_the_same_archive_gives_the_same_bytes(reporter: Reporter) -> None:
    for number in range(40):
        reporter.put([notice(number), notice(number + 1000)], name=f"{number:03d}.gz")
    reporter()
    first = [reporter.read(key) for key in (CSV, HTML)]
    reporter()
    reporter(schedule("2026-11-03T23:59:59Z"))

    assert [reporter.read(key) for key in (CSV, HTML)] == first
    assert reporter.reports() == [CSV, HTML]


@pytest.mark.parametrize(
    ("kind", "struck", "name", "days"),
    [
        ("day", "2026-11-03T00:00:00Z", "2026-11-02", ["2026-11-02"]),
        ("day", "2026-03-01T06:15:00Z", "2026-02-28", ["2026-02-28"]),
        ("week", "2026-11-02T06:15:00Z", "2026-W44", ["2026-10-26", "2026-11-01"]),
        ("week", "2026-11-08T23:00:00Z", "2026-W44", ["2026-10-26", "2026-11-01"]),
        ("week", "2027-01-04T06:15:00Z", "2026-W53", ["2026-12-28", "2027-01-03"]),
        ("month", "2026-11-03T06:15:00Z", "2026-10", ["2026-10-01", "2026-10-31"]),
        ("month", "2026-01-31T06:15:00Z", "2025-12", ["2025-12-01", "2025-12-31"]),
    ],
)
def test_a_report_is_of_the_last_whole_period(
    reporter: Reporter,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    struck: str,
    name: str,
    days: list[str],
) -> None:
    monkeypatch.setenv("TRAILBUS_SETTINGS", json.dumps({"period": kind}))
    first, last = days[0], days[-1]
    for number, day in enumerate(sorted({first, last})):
        reporter.put([notice(number, at=f"{day}T12:00:00Z")], day=day)
    outside = [date.fromisoformat(first) - timedelta(1), date.fromisoformat(last) + timedelta(1)]
    for number, other in enumerate(outside):
        reporter.put([notice(100 + number)], day=other.isoformat())
    [line] = reporter(schedule(struck))

    assert line["message"].startswith(f"{name}: {len(set(days))} findings")
    assert reporter.reports() == [f"reports/{name}.csv", f"reports/{name}.html"]
    times = {row["time"][:10] for row in rows(reporter, f"reports/{name}.csv")}
    assert times == set(days)
    assert f"{first} to {last}" in reporter.text(f"reports/{name}.html")


def test_the_timeline_has_a_bar_for_each_hour_that_had_findings(reporter: Reporter) -> None:
    hours = [0, 3, 3, 23]
    reporter.put([notice(n, at=f"2026-11-02T{hour:02d}:30:00Z") for n, hour in enumerate(hours)])
    reporter()
    drawn = re.findall(r"<title>(2026-11-02T\d\d): (\d+) (\w+)</title>", reporter.text(HTML))
    assert drawn == [
        ("2026-11-02T00", "1", "medium"),
        ("2026-11-02T03", "2", "medium"),
        ("2026-11-02T23", "1", "medium"),
    ]


# --- Twice, late, elsewhen


def test_what_was_delivered_twice_counts_once(reporter: Reporter) -> None:
    reporter.put([notice(1), notice(1)], name="a.gz")
    reporter.put([notice(1), notice(2)], name="b.gz")
    [line] = reporter()
    assert line["message"].startswith("2026-11-02: 2 findings")
    assert [row["event_id"][-1] for row in rows(reporter)] == ["1", "2"]
    assert "<td>Delivered twice, counted once</td><td>2</td>" in reporter.text(HTML)


def test_one_call_can_be_a_finding_of_two_detections(reporter: Reporter) -> None:
    reporter.put([notice(1), notice(1, "cloudtrail_logging_stopped")])
    reporter()
    assert len(rows(reporter)) == 2


def test_findings_without_an_id_are_all_counted_and_told(reporter: Reporter) -> None:
    reporter.put([notice(1, eventID=None), notice(1, eventID=None)])
    reporter()
    assert len(rows(reporter)) == 2
    assert "<td>Without an id, so perhaps twice</td><td>2</td>" in reporter.text(HTML)


def test_late_events_are_in_the_report_of_the_day_on_which_they_came(reporter: Reporter) -> None:
    reporter.put([notice(1, at="2026-10-30T10:00:00Z"), notice(2), notice(3, at="soon")])
    reporter()
    assert len(rows(reporter)) == 3
    told = "<td>Happened before the period or at an unknown time</td><td>2</td>"
    assert told in reporter.text(HTML)


def _written(key: str, when: datetime) -> None:
    """Says when an object was written: moto takes its clock's time."""
    s3_backends["123456789012"]["aws"].buckets[BUCKET].keys[key].last_modified = when


def test_objects_that_came_late_are_added_to_the_report_before(reporter: Reporter) -> None:
    reporter.put([notice(1)], name="a.gz")
    reporter()
    for key in (HTML, CSV):
        _written(key, datetime(2026, 11, 3, 6, 16, tzinfo=UTC))
    _written("events/day=2026-11-02/a.gz", datetime(2026, 11, 2, 10, tzinfo=UTC))
    assert [line["message"][:10] for line in reporter(schedule("2026-11-04T06:15:00Z"))] == [
        "2026-11-03"
    ]
    late = reporter.put([notice(2)], name="z.gz")
    _written(late, datetime(2026, 11, 3, 9, tzinfo=UTC))

    lines = reporter(schedule("2026-11-04T06:15:00Z"))

    assert [line["outcome"] for line in lines] == ["reported", "reported"]
    assert lines[1]["message"].startswith("again, because more came into the archive: 2026-11-02")
    assert len(rows(reporter)) == 2


def test_a_period_without_a_report_is_not_reported_later(reporter: Reporter) -> None:
    reporter.put([notice(1)], day="2026-11-01")
    assert len(reporter()) == 1
    assert reporter.reports() == [CSV, HTML]


# --- What cannot be read


def test_what_cannot_be_read_is_named_and_the_rest_is_there(reporter: Reporter) -> None:
    damaged = packed([notice(n) for n in range(2000)])
    broken = reporter.put_bytes(damaged[: len(damaged) // 2], name="a.gz")
    plain = reporter.put_bytes(b'{"detection": {}, "event": {}}\n', name="b.gz")
    odd = reporter.put([b"{", notice(1), b"[]", b'{"detection": 1}', b"\xff\xfe"], name="c.gz")
    reporter.put([notice(9999)], name="d.gz")

    [line] = reporter()

    assert (line["outcome"], line["level"]) == ("gave up", "ERROR")
    page, found = reporter.text(HTML), rows(reporter)
    assert "This report is incomplete." in page
    for name in (f"{broken}: damaged after line", f"{plain}: damaged", f"{odd}:1", f"{odd}:3"):
        assert name in page
    assert found[-7]["event_id"].endswith("9999")
    assert [row["time"][:10] for row in found[-6:]] == ["INCOMPLETE"] * 6
    assert {row["event_id"] for row in found} >= {notice(1)["event"]["detail"]["eventID"]}


def test_many_unreadable_lines_are_counted_not_listed(reporter: Reporter) -> None:
    reporter.put([b"{"] * 500)
    reporter()
    assert "480 more objects and lines" in reporter.text(HTML)
    assert len(rows(reporter)) == 21


def test_an_object_that_is_gone_or_locked_is_named(reporter: Reporter) -> None:
    key = reporter.put([notice(1)])
    _failing(reporter, "GetObject", ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject"))
    [line] = reporter()
    assert line["outcome"] == "gave up"
    assert f"{key}: NoSuchKey" in reporter.text(HTML)


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "SlowDown"}}, "GetObject"),
        ClientError({"Error": {"Code": "InternalError"}}, "GetObject"),
        ReadTimeoutError(endpoint_url="https://s3"),
    ],
)
def test_what_another_try_may_get_goes_back_to_the_queue(
    reporter: Reporter, error: Exception
) -> None:
    reporter.put([notice(1)])
    mended = _failing(reporter, "GetObject", error)
    lines = reporter()

    assert reporter.failed == ["m1"]
    assert lines[-1]["outcome"] == "failed"
    assert reporter.reports() == []
    mended()
    reporter()
    assert len(rows(reporter)) == 1


def _failing(reporter: Reporter, operation: str, error: Exception) -> Any:
    """Makes an operation of the function's S3 client fail; gives what mends it."""
    client = reporter.module.central_client("s3")

    def fail(**_: Any) -> None:
        raise error

    client.meta.events.register_first(f"before-call.s3.{operation}", fail)
    return lambda: client.meta.events.unregister(f"before-call.s3.{operation}", fail)


def test_a_line_of_gigabytes_is_skipped_without_being_held(reporter: Reporter) -> None:
    endless = gzip.compress(b'{"' + b"a" * 30_000_000 + b'"}\n' + packed_line(1), mtime=0)
    reporter.put_bytes(endless)
    [line] = reporter()
    assert line["outcome"] == "gave up"
    assert "the line is too long" in reporter.text(HTML)
    assert rows(reporter)[0]["event_id"] == notice(1)["event"]["detail"]["eventID"]


def packed_line(number: int) -> bytes:
    return json.dumps(notice(number)).encode() + b"\n"


# --- Time


def test_when_time_runs_out_the_report_says_loudly_what_is_missing(reporter: Reporter) -> None:
    for name in ("a.gz", "b.gz", "c.gz"):
        reporter.put([notice(ord(name[0]))], name=name)
    # Asked by the batch, then before each object.
    [line] = reporter(context=Context([900_000, 900_000, 900_000, 80_000]))

    assert (line["outcome"], line["level"]) == ("gave up", "ERROR")
    missing = "nothing was read after line 0 of events/day=2026-11-02/c.gz"
    assert missing in line["message"]
    assert missing in reporter.text(HTML)
    assert rows(reporter)[-1]["time"].startswith("INCOMPLETE")
    assert len(rows(reporter)) == 3
    assert reporter.failed == []


def test_a_large_object_is_left_in_the_middle(reporter: Reporter) -> None:
    reporter.put([notice(n) for n in range(1000)])
    [line] = reporter(context=Context([900_000, 900_000, 900_000, 80_000]))
    assert "nothing was read after line 400 of" in line["message"]
    assert len(rows(reporter)) == 401


def test_a_report_that_stands_is_not_replaced_by_half_of_one(reporter: Reporter) -> None:
    reporter.put([notice(1)], name="a.gz")
    reporter()
    before = reporter.read(HTML), reporter.read(CSV)
    for key in (HTML, CSV):
        _written(key, datetime(2026, 11, 3, 6, 16, tzinfo=UTC))
    _written(reporter.put([notice(2)], name="z.gz"), datetime(2026, 11, 3, 9, tzinfo=UTC))

    lines = reporter(schedule("2026-11-04T06:15:00Z"), Context([900_000, 80_000]))

    assert [line["outcome"] for line in lines] == ["reported", "gave up"]
    assert "there was no time to add it" in lines[1]["message"]
    assert (reporter.read(HTML), reporter.read(CSV)) == before


# --- Who wakes it


@pytest.mark.parametrize(
    "event",
    [{"source": "aws.s3"}, {"detail-type": "AWS API Call via CloudTrail"}, {"time": "yesterday"}],
)
def test_only_its_schedule_wakes_it(reporter: Reporter, event: dict[str, str]) -> None:
    [line] = reporter(schedule(**event))
    assert line["outcome"] == "refused"
    assert reporter.reports() == []


# --- Hostile content

HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            '=HYPERLINK("http://evil","x")',
            "@SUM(1)",
            "+1|cmd",
            "-2",
            "\t=1",
            " =1",
            "\r\n=1",
            "＝1",
            '"=1',
            "</style><script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "<!--",
            "&lt;b&gt;",
            "\u202egpj.exe",
            "\ud800",
            "\x00\x1b[2J",
            "x" * 5000,
        ]
    ),
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), HOSTILE),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = ("eventTime", "eventName", "eventSource", "errorCode", "sourceIPAddress", "userIdentity")


@given(
    texts=st.lists(HOSTILE, min_size=8, max_size=8),
    odd=st.dictionaries(st.sampled_from([*FIELDS, "resources", "eventID"]), ANYTHING, max_size=4),
    envelope=st.dictionaries(st.sampled_from(["account", "region", "time"]), ANYTHING, max_size=2),
    card=st.dictionaries(st.sampled_from(["id", "title", "severity"]), ANYTHING, max_size=3),
)
@settings(max_examples=40)
def test_whatever_an_event_holds_stays_text(
    texts: list[str], odd: dict[str, Any], envelope: dict[str, Any], card: dict[str, Any]
) -> None:
    module = loading.responder("write_audit_report")
    record = {**dict(zip(FIELDS, texts, strict=False)), "resources": [{"ARN": texts[6]}], **odd}
    read = module.Notice(
        "place",
        1,
        {"id": texts[0], "title": texts[1], "severity": "high", **card},
        {"account": texts[2], "region": texts[3], **envelope, "detail": record},
    )
    finding = module.finding_of(read)
    assert all(isinstance(cell, str) and len(cell) <= 300 for cell in finding)
    assert all(not re.search(r"[\x00-\x1f\x7f-\x9f\u202e\ud800-\udfff]", cell) for cell in finding)
    for cell in finding:
        safe = module.harmless(cell)
        assert safe.endswith(cell)
        assert not safe.lstrip(' \u00a0"').startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    page = _page_of(module, [finding])
    # As many elements as the page of a harmless finding has: nothing in it became one.
    known = _page_of(module, [module.Finding(*(["word"] * len(finding)))._replace(severity="high")])
    usual = Counter(tag for tag, _ in seen(known).elements) - Counter({"span": 99})
    assert Counter(tag for tag, _ in seen(page).elements) - Counter({"span": 99}) == usual
    allowed = {"class", "content", "http-equiv", "charset", "name", "lang", *DRAWING}
    assert {name for _, given in seen(page).elements for name in given} <= allowed


DRAWING = {"viewbox", "role", "aria-label", "x1", "x2", "y1", "y2", "x", "y", "width", "height"}
DRAWING |= {"stroke", "fill", "font-size", "text-anchor"}


def _page_of(module: Any, findings: list[Any]) -> str:
    with TemporaryDirectory() as folder:
        ledger = module.Ledger(Path(folder))
        for finding in findings:
            ledger.add(finding, "2026-11-02T10")
        steps = [f"2026-11-02T{hour:02d}" for hour in range(24)]
        page: str = module.page("2026-11-02", steps, ledger, [], [])
    return page


def test_the_page_loads_nothing_and_runs_nothing(reporter: Reporter) -> None:
    reporter.put([notice(n) for n in range(3)])
    reporter()
    page = reporter.text(HTML)
    found = seen(page)
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "a"}
    names = {name for _, given in found.elements for name in given}
    assert not {name for name in names if name.startswith("on")} | names & {"src", "href", "style"}
    assert "@import" not in page
    assert "url(" not in page
    [policy] = [
        given["content"]
        for _, given in found.elements
        if given.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_policy_of_the_page_lets_its_own_style_in(reporter: Reporter) -> None:
    reporter()
    page = reporter.text(HTML)
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert b64encode(sha256(style.encode()).digest()).decode() in page


def test_table_heads_repeat_on_every_printed_page(reporter: Reporter) -> None:
    reporter.put([notice(1)])
    reporter()
    page = reporter.text(HTML)
    assert "thead { display: table-header-group; }" in page
    assert page.count("<thead>") == 4


def test_the_spreadsheet_says_its_encoding_and_ends_lines_as_programs_expect(
    reporter: Reporter,
) -> None:
    reporter.put([notice(1, title="Größe überschritten")])
    reporter()
    whole = reporter.read(CSV)
    assert whole.startswith(b"\xef\xbb\xbf")
    assert whole.count(b"\r\n") == 2
    assert rows(reporter)[0]["title"] == "Größe überschritten"


# --- Size


def _peak(events: int) -> tuple[int, Any]:
    """The most bytes that Python held while it wrote a report of so many events."""
    module = loading.responder("write_audit_report")
    archive = GeneratedArchive(events)
    module.central_client = lambda service: archive
    # Both are reached at either size; else the small one would only not have come to them.
    module.PART, module._HELD = 300_000, 500
    period = module.last_before(date(2026, 11, 3), "day")
    tracemalloc.start()
    verdict = module.write(BUCKET, period, lambda: 900_000, True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, verdict


def test_four_times_the_events_need_no_more_memory() -> None:
    small, _ = _peak(3_000)
    large, verdict = _peak(12_000)
    assert verdict.why.startswith("2026-11-02: 12,000 findings")
    assert large < small * 1.15
