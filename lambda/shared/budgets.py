"""Gives each account so many posts a minute, and keeps what goes beyond for one summary."""

import json
import os
from datetime import UTC, datetime
from typing import NamedTuple

from shared.clients import central_client
from shared.repeats import KEEP, change, refusal, seconds_of

_MINUTE = 60
_LINES = 100
"""Lines in one item, so that no item grows too large to be written often."""


class Line(NamedTuple):
    """One line of a summary: what happened, by whom, on what, where. Fit to be read."""

    severity: str
    title: str
    who: str
    what: str
    region: str


class Summary(NamedTuple):
    """What was held back in a minute. `told` counts the posts of it that are out."""

    first: str
    held: int
    told: int
    due: datetime
    written: int
    lines: tuple[Line, ...]


def minute_of(moment: datetime) -> int:
    return int(moment.timestamp()) // _MINUTE


def take(key: str, most: int, moment: datetime) -> str:
    """Takes one post from a minute's budget: "taken".

    Else "used up"; "first" for who finds it so before anybody is to tell the summary.
    """
    values = {
        ":one": {"N": "1"},
        ":most": {"N": str(most)},
        ":expires": seconds_of(moment + KEEP),
    }
    try:
        change(
            key,
            "SET #expires = :expires ADD #posts :one",
            "attribute_not_exists(#posts) OR #posts < :most",
            ("posts", "expires"),
            values,
        )
    except refusal() as refused:
        return "used up" if "first" in refused.response.get("Item", {}) else "first"
    return "taken"


def refund(key: str) -> None:
    """Gives one post back: it did not come out."""
    change(key, "ADD #posts :less", "", ("posts",), {":less": {"N": "-1"}})


def hold(key: str, event: str, line: Line, moment: datetime) -> bool:
    """Keeps an event for the summary of its minute; whether this event is to tell it."""
    due = (minute_of(moment) + 1) * _MINUTE
    values = {
        ":event": {"S": event},
        ":due": {"N": str(due)},
        ":expires": seconds_of(moment + KEEP),
        ":one": {"N": "1"},
        ":lines": {"SS": [json.dumps(line)]},
    }
    whole = change(
        key,
        "SET #first = if_not_exists(#first, :event), #due = :due, #expires = :expires"
        " ADD #held :one",
        "",
        ("first", "due", "expires", "held"),
        {name: values[name] for name in (":event", ":due", ":expires", ":one")},
    )["Attributes"]
    change(
        f"{key} {(int(whole['held']['N']) - 1) // _LINES}",
        "SET #expires = :expires ADD #written :one, #lines :lines",
        "",
        ("expires", "written", "lines"),
        {name: values[name] for name in (":expires", ":one", ":lines")},
    )
    return bool(whole["first"]["S"] == event)


def summary_of(key: str) -> Summary:
    """All that was held back in a minute, each distinct line once; nothing where nothing was."""
    whole = _item(key)
    held = int(whole.get("held", {}).get("N", "0"))
    written, lines = 0, set()
    for part in range(-(-held // _LINES)):
        item = _item(f"{key} {part}")
        written += int(item.get("written", {}).get("N", "0"))
        lines |= set(item.get("lines", {}).get("SS", []))
    return Summary(
        whole.get("first", {}).get("S", ""),
        held,
        int(whole.get("told", {}).get("N", "0")),
        datetime.fromtimestamp(int(whole.get("due", {}).get("N", "0")), UTC),
        written,
        tuple(Line(*json.loads(line)) for line in sorted(lines)),
    )


def one_told(key: str) -> None:
    """One more post of the summary is out."""
    change(key, "ADD #told :one", "", ("told",), {":one": {"N": "1"}})


def _item(key: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = (
        central_client("dynamodb")
        .get_item(
            TableName=os.environ["TRAILBUS_MEMORY"], Key={"key": {"S": key}}, ConsistentRead=True
        )
        .get("Item", {})
    )
    return found
