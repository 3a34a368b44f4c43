"""Looks for what in the organization would stop a rollout, and says how to cure it.

Only reads. Exit code 1 when something would stop a rollout; `deploy` looks at the same first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from generator import config
from generator.model import Mistake
from generator.screen import Screen, printable

_COLOURS = {"blocking": "red", "warning": "yellow", "unchecked": "blue", "ok": "green"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", default="out", help="the rendered templates (out)")


def run(given: argparse.Namespace, screen: Screen) -> int:
    from generator.deploy import aws
    from generator.deploy.bundle import read_bundle
    from generator.deploy.doctor import examine
    from generator.deploy.doctor.findings import LEVELS
    from generator.deploy.wanted import wanted

    configuration = config.load(given.config)
    place = configuration.place
    if place is None:
        cure = "say where: see the end of generator/default.yaml"
        raise Mistake.one(str(given.config or "the built-in configuration"), "has no place", cure)
    bundle = read_bundle(Path(given.out), configuration.shape.digest)
    door = aws.Door(aws.sessions(place))
    findings = examine(door, wanted(bundle, place, tuple(place.regions or ())))
    for finding in sorted(findings, key=lambda one: LEVELS.index(one.level)):
        level = screen.paint(f"{finding.level:<10}", _COLOURS[finding.level])
        screen.line(f"{level}{printable(str(finding.problem))}")
    counts = {level: sum(one.level == level for one in findings) for level in LEVELS}
    screen.line()
    screen.line(", ".join(f"{count} {level}" for level, count in counts.items() if count))
    screen.document({**counts, "findings": [finding._asdict() for finding in findings]})
    return 1 if counts["blocking"] else 0
