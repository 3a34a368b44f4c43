"""Takes everything away again: StackSets, management account, central stack; keeps the data.

Queues with messages, archives and logs with something in them stay unless --data is given; what is
empty goes. Nothing is touched that deploy did not make. It asks for the name first (--yes answers).
"""

from __future__ import annotations

import argparse
import sys

from generator.model import Mistake, Problem
from generator.rollout import opening
from generator.screen import Screen


def arguments(parser: argparse.ArgumentParser) -> None:
    opening.arguments(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--data", action="store_true", help="remove the data, too")


def run(given: argparse.Namespace, screen: Screen) -> int:
    from generator.deploy import preconditions
    from generator.deploy.apply import apply, settle, walk
    from generator.deploy.aws import Refused
    from generator.deploy.existing import look
    from generator.deploy.plan import plan
    from generator.deploy.remains import artifact_steps, contents, removals
    from generator.deploy.teardown import obstacles, teardown
    from generator.rollout.progress import outcomes_document, walk_of

    screen.persistent = True
    with opening.entered(given) as entry:
        want = entry.checked()
        if entry.rehearsal:
            apply(entry.door, want, plan(want, look(entry.door, want)), entry.pause)
        way = walk_of(entry, want, screen)
        settle(way)
        existing = look(entry.door, want)
        problems = obstacles(want, existing)
        if problems:
            raise Mistake(problems)
        undoing = teardown(want, existing)
        before = contents(entry.door, want, undoing.kept)
        proven = {content.kept for content in before if content.ours}
        for step in undoing.steps:
            screen.line(f"  - {step.sentence}")
        for content in before:
            goes = content.ours and (given.data or content.amount == 0)
            what = f"{content.kept.name} ({content.kept.type}, {content.amount} {content.unit})"
            why = f": {content.why}" if content.why else ""
            screen.line(f"  {'-' if goes else '='} {'Removing' if goes else 'Keeping'} {what}{why}")
        if not undoing.steps and not before:
            screen.line("Nothing to do: there is nothing of it.")
        elif not given.yes and not given.rehearse:
            _ask(want.bundle.prefix, screen)
        left, unseen = before, tuple[Problem, ...]()
        try:
            outcomes = walk(way, undoing.steps)
            try:
                if all(outcome.ok for outcome in outcomes):
                    # What is empty is looked at again: the last event may have come meanwhile.
                    left = contents(entry.door, want, undoing.kept, proven)
                    outcomes += walk(way, [*removals(entry.door, want, left, given.data)])
                    outcomes += walk(way, [*artifact_steps(entry.door, want)])
                left = contents(entry.door, want, undoing.kept, proven)
            except Refused as refusal:
                # What was done is told all the same; of the rest, what was seen last.
                unseen = preconditions.denied(refusal).problems
        except KeyboardInterrupt as interrupt:
            how = str(interrupt) or "interrupted"
            said = f"{how}: what AWS has begun goes on; destroy again continues there"
            raise type(interrupt)(said) from None
    for outcome in outcomes:
        if not outcome.ok and not outcome.failures:
            screen.problem(Problem(outcome.step.sentence, outcome.reason))
    for problem in unseen:
        screen.problem(problem)
    good = all(outcome.ok for outcome in outcomes) and not unseen
    for content in left:
        why = f": not ours to take away, {content.why}" if content.why else ""
        screen.line(f"kept: {content.kept.name} ({content.amount} {content.unit}){why}")
    screen.line("Done." if good else "Not finished: destroy again continues from here.")
    screen.document(
        {
            "ok": good,
            "steps": outcomes_document(outcomes),
            "kept": [
                {"name": one.kept.name, "type": one.kept.type, one.unit: one.amount} for one in left
            ],
        }
    )
    return 0 if good else 1


def _ask(name: str, screen: Screen) -> None:
    """Raises Mistake unless the name is typed."""
    if not sys.stdin.isatty():
        raise Mistake.one("destroy", "asks for a name and nobody is there", "give --yes")
    screen.note(f"This takes '{name}' away as listed. Type its name to go on:")
    if sys.stdin.readline().strip() != name:
        raise Mistake.one("destroy", "the name was not typed", "nothing was changed")
