"""What holds a remediation back: its mode, the switch for all of them, and exceptions.

A switch or tags that cannot be read raise: nothing is done, and the message comes back. Exceptions
that cannot be understood hold back everything: somebody meant to except something.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

from shared.clients import central_client
from shared.notices import Notice
from shared.reports import Verdict

_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+")


def held_back(would: str, read_tags: Callable[[], Mapping[str, str]]) -> Verdict | None:
    """Why something may not be changed after all; None when it may.

    Ask right before acting: the switch is read anew each time, so that turning it takes effect at
    once, and so are the resource's tags, where a tag can except anything. `would` says what would
    be done.
    """
    entry = excepted_tag(read_tags() if _exceptions()["tags"] else {})
    if entry:
        return Verdict("excepted", f"tag {entry} is excepted")
    if os.environ["TRAILBUS_MODE"] != "enforce":
        return Verdict("observed", f"{would}, but only observes")
    answer = central_client("ssm").get_parameter(Name=os.environ["TRAILBUS_SWITCH"])
    if answer["Parameter"]["Value"] != "on":
        return Verdict("switched off", f"{would}, but all remediation is switched off")
    return None


def excepted_tag(tags: Mapping[str, str]) -> str:
    """The exception that one of a resource's tags meets; empty when none does."""
    for entry in _exceptions()["tags"]:
        key, equals, value = entry.partition("=")
        if key in tags and (not equals or tags[key] == value):
            return entry
    return ""


def excepted(notice: Notice) -> Verdict | None:
    """Why this account or caller is left alone; None when it is not.

    A caller is excepted by the role or the IAM user that it is, of one account: what a session is
    called is its caller's choice, and anybody can have a role of any name in an account of theirs.
    """
    try:
        exceptions = _exceptions()
    except ValueError as error:
        return Verdict("refused", f"nothing is done until this is mended: {error}")
    if notice.account in exceptions["accounts"]:
        return Verdict("excepted", f"account {notice.account} is excepted")
    for pattern in exceptions["principals"]:
        # As in a policy, * and ? stand for anything and nothing else does; case counts.
        if notice.principal and fnmatchcase(notice.principal, pattern.replace("[", "[[]")):
            return Verdict("excepted", f"principal {pattern} is excepted")
    return None


def _exceptions() -> dict[str, list[str]]:
    """The parameter that people type. A misspelt exception must not become none."""
    name = "TRAILBUS_EXCEPTIONS"
    try:
        given = json.loads(os.environ[name].strip() or "{}")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is no JSON: {error}") from None
    known: dict[str, list[str]] = {"accounts": [], "principals": [], "tags": []}
    if not isinstance(given, dict) or not given.keys() <= known.keys():
        raise ValueError(f"{name} must be a JSON object of accounts, principals and tags")
    for key, entries in given.items():
        if not isinstance(entries, list) or not all(isinstance(each, str) for each in entries):
            raise ValueError(f"{name}: {key} must be a list of texts in quotes")
    for entry in given.get("principals", []):
        if not _PRINCIPAL.fullmatch(entry):
            form = "the ARN of a role or an IAM user of one account, and of no session"
            raise ValueError(f"{name}: {entry[:200]} must be {form}")
    return {**known, **given}
