"""The posts that name all that was held back of an account in a minute."""

from datetime import timedelta
from typing import Any

from shared.budgets import Summary
from shared.messages import Message, account_named
from shared.notices import Notice
from shared.stories import rank

IN_A_FACT, IN_A_POST = 1_200, 7_000
"""Characters of a summary in one of its lines, and in one of its posts: every chat takes them."""


def summary_messages(summary: Summary, notice: Notice, settings: dict[str, Any]) -> list[Message]:
    """The posts of a summary: a fact for what was done by one, on as many things as it holds."""
    by_act: dict[tuple[str, str, str], list[str]] = {}
    for line in sorted(summary.lines, key=lambda each: -rank(each.severity)):
        by = f"{line.title}{f', by {line.who}' if line.who else ''}, in {line.region}"
        by_act.setdefault((line.severity, by, line.title), []).append(line.what)
    facts = [("On", what, by) for (_, by, _), each in by_act.items() for what in _filled(each)]
    pages: list[list[tuple[str, str, str]]] = [[]]
    for fact in facts:
        if sum(len(what) + len(by) for _, what, by in (*pages[-1], fact)) > IN_A_POST:
            pages.append([])
        pages[-1].append(fact)
    worst = max((line.severity for line in summary.lines), key=rank, default="info")
    allowed = settings["posts_per_minute"]
    regions = sorted({line.region for line in summary.lines})
    return [
        Message(
            title=f"{summary.held} more in one minute"
            + (f", part {number} of {len(pages)}" if len(pages) > 1 else ""),
            severity=worst,
            account=account_named(notice.account),
            region=regions[0] if len(regions) == 1 else f"{len(regions)} Regions",
            facts=tuple(page),
            why=f"More than {allowed} messages came of this account within a minute, so these "
            "are told together. Each thing that was touched is named once.",
            when=summary.due - timedelta(minutes=1),
            source="summary",
        )
        for number, page in enumerate(pages, start=1)
    ]


def _filled(names: list[str]) -> list[str]:
    """The names in as few texts as hold them."""
    texts = [""]
    for name in names:
        longer = f"{texts[-1]}, {name}" if texts[-1] else name
        if texts[-1] and len(longer) > IN_A_FACT:
            texts.append(name)
        else:
            texts[-1] = longer
    return texts
