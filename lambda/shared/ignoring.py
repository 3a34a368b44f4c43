"""Says of what a chat is not told: as its settings say, and what people were told before."""

import json
import os
from fnmatch import fnmatchcase
from typing import Any

from shared.kinds import Alarm, Report
from shared.notices import Notice, text
from shared.stories import report_stands_alone


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
    if notice.role_arn and notice.role_arn == os.environ["TRAILBUS_OWN_ROLE"]:
        return "the call was made with this responder's own role"
    if notice.account in listed("TRAILBUS_IGNORE_ACCOUNTS"):
        return f"account {notice.account} is ignored"
    service = text(notice.detail.get("eventSource")).removesuffix(".amazonaws.com")
    calls = (notice.event_name, f"{service}:{notice.event_name}")
    for pattern in settings["ignore_events"]:
        if any_like(pattern, *calls):
            return f"event {pattern} is ignored"
    for pattern in listed("TRAILBUS_IGNORE_PRINCIPALS"):
        if any_like(pattern, notice.caller, notice.role_arn):
            return f"principal {pattern} is ignored"
    return ""


def any_like(pattern: str, *texts: str) -> bool:
    """As in a policy, * and ? stand for anything and nothing else does; case counts."""
    glob = pattern.replace("[", "[[]")
    return any(each and fnmatchcase(each, glob) for each in texts)


def listed(variable: str) -> list[str]:
    """A parameter that people type. A misspelt one must not silence anything, nor nothing."""
    given = json.loads(os.environ[variable].strip() or "[]")
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ValueError(f"{variable} must be a JSON list of texts in quotes")
    return given
