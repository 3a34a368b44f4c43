"""The picture of the flow draws the ways that exist."""

from __future__ import annotations

from pathlib import Path

from generator import config, pages
from generator.forwarding import forwards

EVERYTHING = Path(__file__).parents[1] / "examples" / "everything.yaml"


def flow(file: Path | None) -> list[str]:
    shape = config.load(file).shape
    text = pages.files(shape, forwards(shape))[pages.FLOW]
    return [line.strip() for line in text.splitlines()]


def test_a_report_reads_the_archive_and_a_workflow_asks_its_responder() -> None:
    lines = flow(EVERYTHING)
    assert 'Archive -- its archive --> AuditReport["audit-report<br/>responder"]' in lines
    assert "Playbook -- asks --> BucketGuard" in lines
    assert not [line for line in lines if line.startswith("bus") and "AuditReport" in line]


def test_what_takes_events_is_drawn_behind_the_bus() -> None:
    shape = config.load().shape
    lines = flow(None)
    for target in shape.targets:
        count = sum(target.name in names for names in shape.wiring.values())
        assert [line for line in lines if line.startswith(f"bus -- {count} detection") and
                f'["{target.name}<br/>' in line]  # fmt: skip
