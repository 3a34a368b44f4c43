"""Says of what a chat is not told: as its settings say, and what people were told before."""

import json
import os
import re
from fnmatch import fnmatchcase
from typing import Any

from shared.kinds import Alarm, Report
from shared.notices import Notice, text
from shared.stories import report_stands_alone

_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+")


def ignored(notice: Notice, settings: dict[str, Any]) -> str:
    """Why an event is not told of; empty when it is."""
    if isinstance(notice, Alarm):
        return ""
    if isinstance(notice, Report):
        if text(notice.said.get("responder")) == os.environ["TRAILBUS_TARGET"]:
            return "its own report"
        wanted = settings["reports"] or report_stands_alone(notice.said)
        return "" if wanted else "reports of what went well are switched off"
    if "replay-name" in notice.event:
        return "replayed: a replay is for consumers, people were told before"
    own = notice.role_arn != "" and notice.role_arn == os.environ["TRAILBUS_OWN_ROLE"]
    if own and (
        notice.detail.get("readOnly") is True or notice.detail.get("eventCategory") == "Data"
    ):
        # All that the function does itself. Whatever else its role did, somebody has borrowed it.
        return "the call was made with this responder's own role"
    if notice.account in listed("TRAILBUS_IGNORE_ACCOUNTS"):
        return f"account {notice.account} is ignored"
    service = text(notice.detail.get("eventSource")).removesuffix(".amazonaws.com")
    calls = (notice.event_name, f"{service}:{notice.event_name}")
    for pattern in settings["ignore_events"]:
        if any_like(pattern, *calls):
            return f"event {pattern} is ignored"
    for pattern in listed("TRAILBUS_IGNORE_PRINCIPALS"):
        if not _PRINCIPAL.fullmatch(pattern):
            # A session's name is its caller's choice, and so is the account of a role.
            say_wrong("TRAILBUS_IGNORE_PRINCIPALS", f"{pattern[:200]} is no role or user")
        elif any_like(pattern, notice.principal):
            return f"principal {pattern} is ignored"
    return ""


def any_like(pattern: str, *texts: str) -> bool:
    """As in a policy, * and ? stand for anything and nothing else does; case counts."""
    glob = pattern.replace("[", "[[]")
    return any(each and fnmatchcase(each, glob) for each in texts)


def listed(variable: str) -> list[str]:
    """A parameter that people type. One that cannot be understood silences nothing."""
    try:
        given = json.loads(os.environ[variable].strip() or "[]")
    except (ValueError, RecursionError) as error:
        say_wrong(variable, f"it is no JSON: {error}")
        return []
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        say_wrong(variable, "it must be a JSON list of texts in quotes")
        return []
    return given


def say_wrong(variable: str, why: str) -> None:
    """What people typed and nobody heeds stands in the log as an error, which an alarm counts."""
    line = {
        "level": "ERROR",
        "responder": os.environ["TRAILBUS_TARGET"],
        "outcome": "misread",
        "message": f"{variable} is not heeded until it is mended: {why}",
    }
    print(json.dumps(line))  # noqa: T201 - what a function prints is its log
