"""Says what deploy would do: stacks, StackSets, every account and Region, and what it costs.

It only reads, with one exception: for a central stack that would change, CloudFormation itself is
asked by a change set, which is taken away again with all that it needed (--no-change-set).
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from generator.model import Mistake
from generator.rollout import opening
from generator.screen import Screen, printable


def arguments(parser: argparse.ArgumentParser) -> None:
    opening.arguments(parser)
    parser.add_argument("--out", metavar="FILE", help="write the plan there, for deploy FILE")
    parser.add_argument(
        "--no-change-set", action="store_true", help="make no change set: nothing but reads"
    )
    parser.add_argument(
        "--replace", action="store_true", help="let things be replaced whose names change"
    )


def run(given: argparse.Namespace, screen: Screen) -> int:
    from generator.deploy import listeners, planfile
    from generator.deploy.existing import look
    from generator.deploy.plan import obstacles, proposal
    from generator.deploy.preview import preview
    from generator.deploy.prices import cost
    from generator.rollout import telling

    with opening.entered(given) as entry:
        want = entry.checked()
        existing = look(entry.door, want)
        problems = obstacles(want, existing, given.replace)
        if problems:
            raise Mistake(problems)
        plan = proposal(want, existing, given.replace)
        seen = None
        if plan.central.action != "keep" and not given.no_change_set:
            seen = preview(entry.door, want, plan.central, entry.pause)
        unheard, warnings = listeners.unheard(entry.door, want)
    price = cost(want, plan)
    said = {
        **telling.document(want, existing, plan, seen, price),
        "unheard": [topic._asdict() for topic in unheard],
    }
    if given.out:
        whole = {**planfile.document(want, existing, plan), "changes": said}
        planfile.write(Path(given.out), whole)
    for warning in warnings:
        screen.line(screen.paint(printable(warning), "yellow"))
    for line in telling.lines(want, existing, plan, seen, price, screen):
        screen.line(line)
    screen.document(said)
    if given.out:
        config = ["--config", str(given.config)] if given.config else []
        command = shlex.join(["trailbus", "deploy", *config, given.out])
        screen.note(f"the plan is in {given.out}: {command}")
    return 1 if seen and (seen.findings or seen.refused) else 0
