"""What holds a remediation back: its mode, the switch for all of them, and exceptions.

Whatever of these cannot be read raises: nothing is done, and the message comes back.
"""

import json
import os
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

from shared.clients import central_client
from shared.notices import Notice
from shared.reports import Verdict


def held_back(would: str, read_tags: Callable[[], Mapping[str, str]]) -> Verdict | None:
    """Why something may not be changed after all; None when it may.

    Ask right before acting: the switch is read anew each time, so that turning it takes effect at
    once, and so are the resource's tags, where a tag can except anything. `would` says what would
    be done.
    """
    entry = excepted_tag(read_tags() if _exceptions()["tags"] else {})
    if entry:
        return Verdict("ignored", f"tag {entry} is excepted")
    if os.environ["TRAILBUS_MODE"] != "enforce":
        return Verdict("observed", f"{would}, but only observes")
    answer = central_client("ssm").get_parameter(Name=os.environ["TRAILBUS_SWITCH"])
    if answer["Parameter"]["Value"] != "on":
        return Verdict("observed", f"{would}, but all remediation is switched off")
    return None


def excepted_tag(tags: Mapping[str, str]) -> str:
    """The exception that one of a resource's tags meets; empty when none does."""
    for entry in _exceptions()["tags"]:
        key, equals, value = entry.partition("=")
        if key in tags and (not equals or tags[key] == value):
            return entry
    return ""


def excepted(notice: Notice) -> str:
    """Why this account or caller is left alone; empty when it is not."""
    exceptions = _exceptions()
    if notice.account in exceptions["accounts"]:
        return f"account {notice.account} is excepted"
    for pattern in exceptions["principals"]:
        # As in a policy, * and ? stand for anything and nothing else does; case counts.
        glob = pattern.replace("[", "[[]")
        if any(arn and fnmatchcase(arn, glob) for arn in (notice.caller, notice.role_arn)):
            return f"principal {pattern} is excepted"
    return ""


def _exceptions() -> dict[str, list[str]]:
    """The parameter that people type. A misspelt exception must not become none."""
    name = "TRAILBUS_EXCEPTIONS"
    given = json.loads(os.environ[name].strip() or "{}")
    known: dict[str, list[str]] = {"accounts": [], "principals": [], "tags": []}
    if not isinstance(given, dict) or not given.keys() <= known.keys():
        raise ValueError(f"{name} must be a JSON object of accounts, principals and tags")
    for key, entries in given.items():
        if not isinstance(entries, list) or not all(isinstance(each, str) for each in entries):
            raise ValueError(f"{name}: {key} must be a list of texts in quotes")
    return {**known, **given}
