"""Shows what is covered: accounts x Regions with one sign each, and why a cell is not green.

Exit code 1 when something is not green. Nothing is changed; --drift lets CloudFormation compare
what stands there with what the stacks made, which takes a while. A rehearsal rolls out first.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from generator.model import Mistake
from generator.rollout import opening
from generator.screen import Screen


def arguments(parser: argparse.ArgumentParser) -> None:
    opening.arguments(parser)
    parser.add_argument("--all", action="store_true", help="every account, the green ones too")
    parser.add_argument("--drift", action="store_true", help="look for changes made by hand")
    parser.add_argument(
        "--dead-letters",
        metavar="ROLE",
        nargs="?",
        const="",
        help="read the dead-letter queues: those of the two own accounts, and with the name of a "
        "role that the management account may assume in members, theirs too",
    )
    parser.add_argument("--html", metavar="FILE", type=Path, help="write it as a page, too")


def run(given: argparse.Namespace, screen: Screen) -> int:
    from generator.deploy import aws, identity
    from generator.deploy.apply import apply
    from generator.deploy.existing import look as look_at
    from generator.deploy.plan import plan
    from generator.deploy.status import look
    from generator.deploy.status.document import document
    from generator.deploy.status.lines import lines
    from generator.deploy.status.page import page

    role = given.dead_letters
    with opening.entered(given) as entry:
        door, want = entry.door, entry.unchecked()
        wrong = identity.problems(door, want)
        if wrong:
            raise Mistake(wrong)
        if entry.rehearsal:
            apply(door, want, plan(want, look_at(door, want)), entry.pause)
        found, post = look(
            door,
            want,
            drift=given.drift,
            letters=role is not None,
            enter=(lambda account: aws.inside(door, want.home, role, account)) if role else None,
            pause=entry.pause,
            say=screen.note,
        )
    if given.html is not None:
        title = f"Trailbus in {want.place.organization_id}"
        when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, from {want.home}"
        text = page(found, title, when, everything=given.all, post=post)
        try:
            given.html.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Mistake.one(str(given.html), f"cannot be written: {error.strerror}") from None
        screen.note(f"wrote {given.html}")
    for line in lines(found, screen.paint, everything=given.all, post=post):
        screen.line(line)
    screen.document(document(found, post))
    return 0 if found.good and (post is None or post.good) else 1
