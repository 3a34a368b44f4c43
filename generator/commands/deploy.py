"""Rolls out: central stack, member roles, member rules, management account; repeats safely.

What an earlier run left unfinished is waited for and gone on with; what failed is tried again
alone; what is as configured is not touched. Exit 1 when any account and Region could not be
covered, each with its reason.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from generator.model import Mistake, Problem
from generator.rollout import opening
from generator.screen import Screen, printable

if TYPE_CHECKING:
    from generator.deploy.aws import Door
    from generator.deploy.existing import Existing
    from generator.deploy.wanted import Wanted


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "plan", nargs="?", type=Path, metavar="PLAN", help="do exactly this plan, or refuse"
    )
    opening.arguments(parser)
    parser.add_argument(
        "--no-change-set", action="store_true", help="let nobody validate the central stack first"
    )
    parser.add_argument(
        "--replace", action="store_true", help="let things be replaced whose names change"
    )


def run(given: argparse.Namespace, screen: Screen) -> int:
    from generator.deploy import by_hand, doctor, planfile
    from generator.deploy.apply import settle, walk
    from generator.deploy.existing import look
    from generator.deploy.plan import obstacles, proposal
    from generator.deploy.preview import preview
    from generator.rollout import telling
    from generator.rollout.progress import outcomes_document, walk_of

    agreed = planfile.read(given.plan) if given.plan else None
    screen.persistent = True
    with opening.entered(given) as entry:
        want = entry.checked()
        problems = doctor.blocking(entry.door, want)
        if problems:
            raise Mistake(problems)
        if agreed is not None:
            planfile.check_place(given.plan, agreed, want)
        way = walk_of(entry, want, screen)
        settle(way)
        existing = look(entry.door, want)
        way.members = existing.members
        problems = obstacles(want, existing, given.replace)
        if problems:
            raise Mistake(problems)
        plan = proposal(want, existing, given.replace)
        if agreed is not None:
            planfile.check_world(given.plan, agreed, want, existing, plan)
        if plan.central.action != "keep" and not given.no_change_set:
            seen = preview(entry.door, want, plan.central, entry.pause, keep_bucket=True)
            if seen.findings:
                raise Mistake(
                    Problem(
                        f"the stack {want.central.name}: {one.logical_id or 'its change set'}",
                        one.reason,
                        _whose(entry.door, want, existing, one.logical_id)
                        if "already exists" in one.reason
                        else "",
                    )
                    for one in seen.findings
                )
        try:
            outcomes = walk(way, plan.steps)
        except KeyboardInterrupt as interrupt:
            how = str(interrupt) or "interrupted"
            said = f"{how}: what AWS has begun goes on; deploy again continues there"
            raise type(interrupt)(said) from None
    for outcome in outcomes:
        if not outcome.ok and not outcome.failures:
            screen.problem(Problem(outcome.step.sentence, outcome.reason))
    for (name, account, region), why in sorted(plan.stuck.items()):
        command = by_hand.let_go(want, name, account, [region])
        cure = f"delete its stack there, then run: {command}"
        screen.problem(Problem(f"{account} {region}", f"{name} is INOPERABLE: {why}", cure))
    for line in telling.lingering(plan):
        screen.note(line)
    failed = sum(len(outcome.failures) for outcome in outcomes)
    good = all(outcome.ok for outcome in outcomes) and not plan.stuck
    screen.line(_verdict(len(plan.steps), failed, good))
    screen.document(
        {
            "ok": good,
            "unchanged": not plan.steps,
            "steps": outcomes_document(outcomes),
            "stuck": {f"{a} {r}": printable(why) for (_, a, r), why in plan.stuck.items()},
        }
    )
    return 0 if good else 1


def _whose(door: Door, want: Wanted, existing: Existing, logical_id: str) -> str:
    """What to do about something whose name a new stack wants: that depends on whose it is."""
    from generator.deploy.remains import contents
    from generator.deploy.teardown import retained

    kept = [one for one in retained(want, existing) if one.logical_id == logical_id]
    for found in contents(door, want, kept):
        if found.ours:
            return "an earlier destroy kept it: read it, then trailbus destroy --data removes it"
        return f"{found.why}: choose another name for yours, or ask whose it is"
    return "choose another name for yours (name_prefix, queue_name, topic_name)"


def _verdict(steps: int, failed: int, good: bool) -> str:
    if good:
        return "Done." if steps else "Nothing to do: everything is as configured."
    if failed:
        return f"{failed} cells failed. Mend what the reasons say: deploy again touches only those."
    return "Not finished. Mend what stands above: deploy again continues from here."
