"""Shows what is covered: accounts x Regions with one sign each, and why a cell is not green.

Exit code 1 when something is not green. Nothing is changed; --drift lets CloudFormation compare
what stands there with what the stacks made, which takes a while.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from generator import config
from generator.model import Mistake
from generator.screen import Screen


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", default="out", help="the rendered templates (out)")
    parser.add_argument("--all", action="store_true", help="every account, the green ones too")


def run(given: argparse.Namespace, screen: Screen) -> int:
    from generator.deploy import aws, identity
    from generator.deploy.bundle import read_bundle
    from generator.deploy.status.document import document
    from generator.deploy.status.lines import lines
    from generator.deploy.status.matrix import coverage
    from generator.deploy.status.survey import survey
    from generator.deploy.wanted import wanted

    configuration = config.load(given.config)
    place = configuration.place
    if place is None:
        cure = "say where: see the end of generator/default.yaml"
        raise Mistake.one(str(given.config or "the built-in configuration"), "has no place", cure)
    bundle = read_bundle(Path(given.out), configuration.shape.digest)
    door = aws.Door(aws.sessions(place))
    want = wanted(bundle, place, tuple(place.regions or ()))
    wrong = identity.problems(door, want)
    if wrong:
        raise Mistake(wrong)
    found = coverage(want, survey(door, want))
    for line in lines(found, screen.paint, everything=given.all):
        screen.line(line)
    screen.document(document(found))
    return 0 if found.good else 1
