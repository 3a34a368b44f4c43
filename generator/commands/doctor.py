"""Looks for what in the organization would stop a rollout, and says how to cure it.

Only reads. Exit code 1 when something would stop a rollout; warnings and what could not be looked
at do not count.
"""

from __future__ import annotations

import argparse

from generator.rollout import opening
from generator.screen import Screen, printable

_COLOURS = {"blocking": "red", "warning": "yellow", "unchecked": "blue", "ok": "green"}


def arguments(parser: argparse.ArgumentParser) -> None:
    opening.arguments(parser)


def run(given: argparse.Namespace, screen: Screen) -> int:
    from generator.deploy.doctor import examine
    from generator.deploy.doctor.findings import LEVELS

    with opening.entered(given) as entry:
        findings = examine(entry.door, entry.unchecked())
    for finding in sorted(findings, key=lambda one: LEVELS.index(one.level)):
        level = screen.paint(f"{finding.level:<10}", _COLOURS[finding.level])
        screen.line(f"{level}{printable(str(finding.problem))}")
    counts = {level: sum(one.level == level for one in findings) for level in LEVELS}
    screen.line()
    screen.line(", ".join(f"{count} {level}" for level, count in counts.items() if count))
    screen.document({**counts, "findings": [finding._asdict() for finding in findings]})
    return 1 if counts["blocking"] else 0
