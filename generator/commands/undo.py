"""Takes back what a responder did, by the evidence in its log line or report.

It shows the calls, looks whether the resource still is as the responder left it, and asks before
it makes them. The calls are made in the account of the evidence, by your own credentials: those
that boto3 finds, or a profile's, or a role of that account that they may assume. For the central
and the management account the configuration's place.access is used when you name neither.

Only what a responder of Trailbus does can be undone; other calls in a record are refused.
A responder that enforces acts again when what it undid happens again: except the resource first.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.model import Access, Json, Mistake, Problem
from generator.screen import Screen, printable
from generator.undoing import evidence as records
from generator.undoing.evidence import Call, Evidence

if TYPE_CHECKING:
    from generator.deploy.aws import Door

_AGAIN = {
    "block_public_bucket": "the bucket will be public again, and in mode enforce the responder "
    "will block it again: except it by a tag first",
    "restart_cloudtrail": "the trail will stop logging, and in mode enforce the responder will "
    "start it again: except it by a tag first",
    "require_mfa": "the user will be able to use the console without a second factor",
    "tag_owner": "instances that are started again will be tagged again",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("evidence", metavar="EVIDENCE", help="a file, or - for what is piped in")
    parser.add_argument("--role", default="", metavar="NAME", help="a role of the account")
    parser.add_argument("--profile", default="", metavar="NAME", help="credentials to begin with")
    parser.add_argument("--yes", action="store_true", help="make the calls without asking")
    parser.add_argument("--force", action="store_true", help="also if it has changed since")


def run(given: argparse.Namespace, screen: Screen) -> int:
    found = records.read(_text(given.evidence), given.evidence)
    _show(found, screen)
    # boto3 takes half a second to load: a record that is none is refused without it.
    from generator.deploy.aws import Refused
    from generator.undoing.present import differences

    document = _document(found)
    door = _door(found, given)
    try:
        changed = differences(found, lambda call: _made(door, found, call))
    except Refused as refusal:
        raise Mistake.one(f"account {found.account}", _said(refusal)) from None
    document["changed_since"] = changed
    for difference in changed:
        screen.problem(Problem(found.resource[:200], f"{difference}, unlike after the responder"))
    if changed and not given.force:
        screen.note("nothing was called; --force makes the calls all the same")
        screen.document(document)
        return 1
    if not given.yes and (screen.as_json or not _agreed(given.evidence, found, screen)):
        screen.note("nothing was called" + "; --yes makes the calls" * screen.as_json)
        screen.document(document)
        return 0
    refused = 0
    for call, shown in zip(found.calls, document["calls"], strict=True):
        try:
            _made(door, found, call)
            shown["outcome"] = "ok"
            screen.line(f"{screen.paint('done', 'green')}  {call.service} {call.operation}")
        except Refused as refusal:
            refused += 1
            shown["outcome"] = refusal.code
            screen.problem(Problem(f"account {found.account}", _said(refusal)))
    document["done"] = not refused
    screen.document(document)
    return 1 if refused else 0


def _text(file: str) -> str:
    """What the file holds, or what is piped in; no more of it than evidence can be."""
    try:
        if file == "-":
            return sys.stdin.read(records.LONGEST + 1)
        with Path(file).open(encoding="utf-8") as opened:
            return opened.read(records.LONGEST + 1)
    except OSError as error:
        raise Mistake.one(file, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Mistake.one(file, "is no text in UTF-8") from None


def _show(found: Evidence, screen: Screen) -> None:
    screen.line(printable(f"{found.responder} at {found.time}, {found.account} {found.region}:"))
    screen.line(printable(f"  {_shortened(found.resource)}"))
    screen.line("To undo it:")
    for call in found.calls:
        parameters = json.dumps(call.parameters, ensure_ascii=True)
        screen.line(printable(f"  {call.service} {call.operation} {_shortened(parameters)}"))
    screen.line(screen.paint(f"Then {_AGAIN[found.responder]}.", "yellow"))


def _shortened(text: str) -> str:
    return text if len(text) <= 400 else f"{text[:400]}... ({len(text):,} characters)"


def _document(found: Evidence) -> dict[str, Any]:
    calls: list[dict[str, Json]] = [
        {**call._asdict(), "parameters": dict(call.parameters), "outcome": None}
        for call in found.calls
    ]
    return {
        "evidence": found.id,
        "responder": found.responder,
        "account": found.account,
        "region": found.region,
        "resource": found.resource,
        "calls": calls,
        "changed_since": [],
        "done": False,
    }


def _agreed(file: str, found: Evidence, screen: Screen) -> bool:
    if file == "-" or not sys.stdin.isatty():
        raise Mistake.one("undo", "cannot ask without a terminal", "--yes makes the calls")
    sys.stderr.write(f"Make {'this call' if len(found.calls) == 1 else 'these calls'} in account ")
    sys.stderr.write(f"{found.account}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _door(found: Evidence, given: argparse.Namespace) -> Door:
    from generator import config
    from generator.deploy.aws import entered

    role, profile = given.role, given.profile
    place = config.load(given.config).place if given.config else None
    if place is not None and not role and not profile:
        access: Access = place.access
        if found.account == place.central_account:
            role, profile = access.central_role, access.central_profile
        elif found.account == place.management_account:
            role, profile = access.management_role, access.management_profile
    return entered(found.account, found.region, profile, role)


def _made(door: Door, found: Evidence, call: Call) -> Mapping[str, Any]:
    from generator.deploy import aws

    # Both sides of this door are the one account.
    whole = aws.Call("central", found.region, call.service, call.operation, call.parameters)
    return door.call(whole)


def _said(refusal: Any) -> str:
    return f"{refusal.operation}: {refusal.code}: {refusal.message}"
