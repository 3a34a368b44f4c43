"""Writes a report of the sensitive events that were archived in a period."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from shared.archive import Archived, Unreadable, archived, notices_in
from shared.batches import handle_batch
from shared.clients import central_client
from shared.findings import SEVERITIES, Finding, finding_of
from shared.ledger import Ledger
from shared.notices import Notice, text
from shared.page import page
from shared.reports import Evidence, Verdict, report
from shared.sheet import Sheet

REPORT_OBJECTS = "reports/"

SPARE = 90_000
"""Milliseconds that are kept for writing down what was read."""

NAMED = 20
"""What cannot be read is named, up to so many; the rest is counted."""

CONSOLES = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


class OutOfTime(Exception):
    """Nothing more can be read before the function is stopped."""


@dataclass(frozen=True)
class Period:
    """Whole days, in UTC, by the day on which events came into the archive.

    Not by the time of the events: each is in the archive once, so it is in one report and no other,
    however late it came.
    """

    name: str
    first: date
    after: date

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.after - self.first).days)]

    @property
    def steps(self) -> list[str]:
        """The steps of its timeline: hours of one day, else days."""
        if len(self.days) == 1:
            return [f"{self.first.isoformat()}T{hour:02d}" for hour in range(24)]
        return [day.isoformat() for day in self.days]

    def key(self, kind: str) -> str:
        return f"{REPORT_OBJECTS}{self.name}.{kind}"


@dataclass
class Reading:
    """What was read for a report, and what was not."""

    objects: int = 0
    elsewhen: int = 0
    """Findings whose own time is not in the period, or cannot be told."""
    latest: str = ""
    lost: list[str] = field(default_factory=list)
    lost_more: int = 0
    unread_after: str = ""

    def miss(self, what: str) -> None:
        if len(self.lost) < NAMED:
            self.lost.append(what)
        else:
            self.lost_more += 1

    @property
    def faults(self) -> list[str]:
        """What a reader of the report must know about what it lacks."""
        said = [f"Cannot be read: {what}" for what in self.lost]
        if self.lost_more:
            said.append(f"Cannot be read: {self.lost_more:,} more objects and lines")
        if self.unread_after:
            said.append(f"Time ran out: nothing was read after {self.unread_after}")
        return said


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of Lambda: messages of the schedule, one a period."""
    settings = json.loads(os.environ["TRAILBUS_SETTINGS"])
    left = getattr(context, "get_remaining_time_in_millis", lambda: 900_000)
    return handle_batch(event, context, lambda notice: respond(notice, settings["period"], left))


def respond(notice: Notice, kind: str, left: Callable[[], int]) -> None:
    """Writes the report of the last whole period, and that of the one before it again if events
    came into the archive after it was written."""
    moment = scheduled(notice)
    if moment is None:
        report(notice, Verdict("refused", "it is no message of this function's schedule"))
        return
    bucket = os.environ["TRAILBUS_ARCHIVE"]
    period = last_before(moment.date(), kind)
    with_rest = True
    verdict = write(bucket, period, left, with_rest)
    report(notice, verdict, Evidence(link(bucket, period)))
    earlier = last_before(period.first, kind)
    if came_later(bucket, earlier):
        try:
            outcome, why = write(bucket, earlier, left, False)
            verdict = Verdict(outcome, f"again, because more came into the archive: {why}")
        except OutOfTime:
            why = f"{earlier.name}: more came into the archive, but there was no time to add it"
            verdict = Verdict("gave up", why)
        report(notice, verdict, Evidence(link(bucket, earlier)))


def scheduled(notice: Notice) -> datetime | None:
    """When the schedule struck; None when the message is not one of a schedule's.

    That moment and not the clock says which period it is, so that another try writes the same.
    """
    event = notice.event
    if (event.get("source"), event.get("detail-type")) != ("aws.events", "Scheduled Event"):
        return None
    try:
        return datetime.fromisoformat(text(event.get("time"))).astimezone(UTC)
    except ValueError:
        return None


def last_before(day: date, kind: str) -> Period:
    """The last day, week (from Monday on) or month that was over when this day began."""
    if kind == "month":
        after = day.replace(day=1)
        first = (after - timedelta(days=1)).replace(day=1)
        return Period(first.strftime("%Y-%m"), first, after)
    if kind == "week":
        after = day - timedelta(days=day.weekday())
        first = after - timedelta(days=7)
        return Period(first.strftime("%G-W%V"), first, after)
    first = day - timedelta(days=1)
    return Period(first.isoformat(), first, day)


def came_later(bucket: str, period: Period) -> bool:
    """Whether the archive got objects of a period after its report was written."""
    listed = central_client("s3").list_objects_v2(Bucket=bucket, Prefix=period.key("html"))
    written = [each["LastModified"].isoformat() for each in listed.get("Contents", [])]
    return bool(written) and any(
        each.written > max(written) for day in period.days for each in archived(bucket, day)
    )


def write(bucket: str, period: Period, left: Callable[[], int], in_part: bool) -> Verdict:
    """Reads the archive and writes the spreadsheet, then the page. Safe to repeat.

    The same archive gives the same bytes under the same names. Where time runs out, what was read
    is written down and says so; or, unless a report `in_part` is wanted, OutOfTime is raised and
    the report that stands there stays.
    """
    reading = Reading()
    with TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder))
        with Sheet(bucket, period.key("csv"), Finding._fields) as sheet:
            try:
                for day in period.days:
                    for each in archived(bucket, day):
                        read(bucket, each, period, ledger, sheet, reading, left)
            except OutOfTime:
                if not in_part:
                    raise
            for fault in reading.faults:
                sheet.row([f"INCOMPLETE. {fault}"])
        making = facts(bucket, period, reading, ledger)
        whole = page(period.name, period.steps, ledger, reading.faults, making)
        central_client("s3").put_object(
            Bucket=bucket,
            Key=period.key("html"),
            Body=whole.encode(errors="replace"),
            ContentType="text/html; charset=utf-8",
        )
        return verdict_on(period, reading, ledger)


def read(
    bucket: str,
    source: Archived,
    period: Period,
    ledger: Ledger,
    sheet: Sheet,
    reading: Reading,
    left: Callable[[], int],
) -> None:
    """Takes one object of the archive into the report."""
    try:
        for number, notice in enumerate(notices_in(bucket, source.key)):
            if number % 200 == 0 and left() < SPARE:
                reading.unread_after = f"line {number} of {source.key}"
                raise OutOfTime
            if isinstance(notice, Unreadable):
                reading.miss(str(notice))
                continue
            finding = finding_of(notice)
            step = finding.time[: len(period.steps[0])]
            if ledger.add(finding, step):
                reading.elsewhen += step not in period.steps
                sheet.row(finding)
    except Unreadable as problem:
        reading.miss(f"{source.key}: {problem}")
    reading.objects += 1
    reading.latest = max(reading.latest, source.written)


def facts(bucket: str, period: Period, reading: Reading, ledger: Ledger) -> list[tuple[str, str]]:
    """How the report came about, for who wants to check it."""
    last = period.after - timedelta(days=1)
    return [
        ("Archived", f"{period.first.isoformat()} to {last.isoformat()}, both included, UTC"),
        ("Every finding", f"s3://{bucket}/{period.key('csv')}"),
        ("Read", f"{reading.objects:,} objects below s3://{bucket}/events/"),
        ("Latest object", reading.latest or "none"),
        ("Delivered twice, counted once", f"{ledger.duplicates:,}"),
        ("Without an id, so perhaps twice", f"{ledger.nameless:,}"),
        ("Happened before the period or at an unknown time", f"{reading.elsewhen:,}"),
        ("Objects and lines that cannot be read", f"{len(reading.lost) + reading.lost_more:,}"),
    ]


def verdict_on(period: Period, reading: Reading, ledger: Ledger) -> Verdict:
    """What to announce: loudly, if the report lacks anything."""
    numbers = ledger.severities()
    loud = ", ".join(
        f"{number:,} {severity}"
        for severity, number in zip(SEVERITIES[:3], numbers, strict=False)
        if number
    )
    found = f"{sum(numbers):,} findings" + (f" ({loud})" if loud else "")
    where = f" in {ledger.different('account'):,} accounts" if sum(numbers) else ""
    if reading.faults:
        why = f"{period.name}: incomplete. {reading.faults[-1]}. {found}{where}"
        return Verdict("gave up", why)
    return Verdict("reported", f"{period.name}: {found}{where}")


def link(bucket: str, period: Period) -> str:
    """The report in the console: who may read it must sign in there; the link holds no secret."""
    host = CONSOLES.get(os.environ["TRAILBUS_PARTITION"], "console.aws.amazon.com")
    region, key = os.environ["AWS_REGION"], quote(period.key("html"), safe="")
    return f"https://{host}/s3/object/{bucket}?region={region}&prefix={key}"
