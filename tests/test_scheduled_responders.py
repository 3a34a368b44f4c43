"""What a configuration may say of a responder that a schedule wakes, and of the stream it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.model import Mistake

from .conftest import configured

STREAM = "  archive: {kind: stream, body: notice}\n"
READ = "{kind: responder, responder: write_audit_report, settings: {stream: archive%s}}"


def said(folder: Path, targets: str, report: str, route: str = "archive") -> str:
    """What is wrong with a configuration; empty when nothing is."""
    text = (
        f"detections: {{packs: [tamper]}}\ntargets:\n{targets}  report: {report}\n"
        f"routes: [{{packs: [tamper], to: [{route}]}}]\n"
    )
    try:
        configured(folder, text)
    except Mistake as mistake:
        return str(mistake)
    return ""


def test_it_reads_a_stream_and_needs_no_route(tmp_path: Path) -> None:
    assert said(tmp_path, STREAM, READ % "") == ""


@pytest.mark.parametrize(
    ("targets", "report", "fault"),
    [
        (
            STREAM,
            "{kind: responder, responder: write_audit_report}",
            "name a target of kind stream",
        ),
        (STREAM, READ.replace("archive%s", "archvie"), "did you mean 'archive'?"),
        ("  archive: {kind: queue}\n", READ % "", "the target 'archive' is no stream"),
        ("  archive: {kind: stream, body: event}\n", READ % "", "the body notice"),
        ("  archive: {kind: stream, body: notice, to: kinesis}\n", READ % "", "has no archive"),
        (STREAM, READ % ", schedule: daily", "is not a schedule such as rate(1 day)"),
        (STREAM, READ % ", schedule: rate(2 day)", "is not a schedule such as rate(1 day)"),
        (STREAM, READ % ", period: fortnight", "'fortnight' is not one of the choices"),
    ],
)
def test_every_mistake_is_told(tmp_path: Path, targets: str, report: str, fault: str) -> None:
    assert fault in said(tmp_path, targets, report)


def test_no_route_leads_to_it(tmp_path: Path) -> None:
    fault = said(tmp_path, STREAM, READ % "", route="archive, report")
    assert "'report' is woken by its schedule and takes no events" in fault


@pytest.mark.parametrize("schedule", ["rate(1 day)", "rate(7 days)", "'cron(0 7 ? * MON *)'"])
def test_it_can_be_woken_at_other_times(tmp_path: Path, schedule: str) -> None:
    assert said(tmp_path, STREAM, READ % f", schedule: {schedule}") == ""
