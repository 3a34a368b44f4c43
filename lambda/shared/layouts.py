"""A message as Slack, Microsoft Teams and anybody else want to have it."""

import re
from typing import Any

from shared.messages import Message, as_written

_LOOKS = {
    # severity: Slack's colour, a sign that is seen without colours, Teams' style
    "critical": ("#8b0000", "\U0001f534", "attention"),
    "high": ("#d9480f", "\U0001f7e0", "attention"),
    "medium": ("#e0a800", "\U0001f7e1", "warning"),
    "low": ("#1971c2", "\U0001f535", "accent"),
    "info": ("#868e96", "\u26aa", "default"),
    "done": ("#2b8a3e", "\U0001f7e2", "good"),
}
_PLAIN = _LOOKS["info"]

_TEXT = 10_000
"""Google Chat takes 32,000 bytes; a character has three at most here, but for a sign or two.
https://developers.google.com/workspace/chat/create-messages"""

# Slack's limits: https://docs.slack.dev/reference/block-kit/blocks/
_SECTION = 3_000
_HEADER = 150
_ROOM = 2_400
"""Characters of one escaped text, so that its line with label and marks fits a section."""


def headline(message: Message) -> str:
    """The message in one line, for a notification: plain text, not escaped."""
    who = next((what for label, what, _ in message.facts if label == "Who"), "")
    by = f" by {who}" if who else ""
    severity = "" if message.severity in ("done", "") else f"{message.severity.upper()}: "
    return f"{severity}{message.title} in {message.account}, {message.region}{by}"


def slack(message: Message, note: str = "") -> dict[str, Any]:
    """The message in Block Kit: the title, and a coloured bar beside all else.

    No button: one that only opens a link still wants an app that answers clicks.
    """
    colour, sign, _ = _LOOKS.get(message.severity, _PLAIN)
    title = f"{sign} {message.title}"[:_HEADER]
    severity = "" if message.severity == "done" else f"*{_slack(message.severity.upper(), 40)}*  "
    blocks = [_section(f"{severity}{_slack(message.account)}, {_slack(message.region)}")]
    if note:
        blocks.append(_section(f"\u21bb {_slack(note)}"))
    blocks += _sections([_fact(*fact) for fact in message.facts])
    if message.details:
        lines = [f"{_slack(key)}: {_code(value)}" for key, value in message.details]
        blocks += [_context(lines)]
    if message.why:
        blocks.append(_section(_slack(message.why)))
    if message.harmless_when:
        blocks.append(_context([f"Harmless when: {_slack(message.harmless_when)}"]))
    if message.undo:
        blocks += _sections(["*Undo*", f"```{_slack(message.undo.replace('`', _TICK))}```"])
    blocks.append(_context([_foot(message)]))
    return {
        "text": _slack(headline(message)),
        "blocks": [{"type": "header", "text": _plain_text(title)}],
        "attachments": [{"color": colour, "blocks": blocks}],
        **_NO_PREVIEWS,
    }


def slack_reply(message: Message, note: str) -> dict[str, Any]:
    """One more of its kind, for a thread: what may differ, in few lines."""
    facts = [_fact(*fact) for fact in message.facts if fact[0] in ("Did", "On", "From", "State")]
    lines = [f"\u21bb {_slack(note)}", *facts]
    blocks = [*_sections(lines), _context([_foot(message)])]
    return {"text": _slack(f"{note}: {headline(message)}"), "blocks": blocks, **_NO_PREVIEWS}


def slack_plain(message: Message) -> dict[str, Any]:
    """The message without any layout, for when Slack does not take the other."""
    link = f" {message.link}" if message.link else ""
    return {"text": _slack(headline(message)) + link, **_NO_PREVIEWS}


_NO_PREVIEWS = {"unfurl_links": False, "unfurl_media": False}


def teams(message: Message, note: str = "") -> dict[str, Any]:
    """The message as an Adaptive Card, the form that Workflows in Teams take.

    Text runs are shown as they are; text blocks would read Markdown in them.
    https://adaptivecards.io/explorer/TextRun.html
    https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
    """
    _, sign, style = _LOOKS.get(message.severity, _PLAIN)
    severity = "" if message.severity == "done" else f"{message.severity.upper()}  "
    head = [
        _runs({"text": f"{sign} {message.title}", "weight": "Bolder", "size": "Large"}),
        _runs({"text": f"{severity}{message.account}, {message.region}"}),
    ]
    body: list[dict[str, Any]] = [
        {"type": "Container", "style": style, "bleed": True, "items": head}
    ]
    if note:
        body.append(_runs({"text": note, "italic": True}))
    for label, what, words in message.facts:
        more = [{"text": f"  {words}", "isSubtle": True}] if words else []
        body.append(_runs({"text": f"{label}  ", "weight": "Bolder"}, {"text": what}, *more))
    for key, value in message.details:
        body.append(_runs({"text": f"{key}: {value}", "size": "Small", "isSubtle": True}))
    if message.why:
        body.append(_runs({"text": message.why}))
    if message.harmless_when:
        harmless = {"text": f"Harmless when: {message.harmless_when}", "isSubtle": True}
        body.append(_runs(harmless))
    if message.undo:
        body.append(_runs({"text": "Undo  ", "weight": "Bolder"}, {"text": message.undo}))
    foot = " \u00b7 ".join(word for word in _foot_words(message) if word)
    body.append(_runs({"text": foot, "size": "Small", "isSubtle": True}))
    open_link = {"type": "Action.OpenUrl", "title": _opens(message), "url": message.link}
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": headline(message),
        "body": body,
        "actions": [open_link] if message.link else [],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": kind, "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def plain(message: Message, note: str = "") -> dict[str, Any]:
    """The message as text and nothing else, for chats that refuse fields that they do not know.

    Google Chat knows no escapes either: its marks become signs that look like them.
    https://developers.google.com/workspace/chat/format-messages
    """
    _, sign, _ = _LOOKS.get(message.severity, _PLAIN)
    severity = "" if message.severity == "done" else f"{message.severity.upper()}  "
    lines = [f"{sign} *{_bare(message.title)}*"]
    lines.append(_bare(f"{severity}{message.account}, {message.region}"))
    if note:
        lines.append(f"\u21bb {_bare(note)}")
    for label, what, words in message.facts:
        lines.append(f"*{label}*  {_bare(what)}{f'  ({_bare(words)})' if words else ''}")
    lines += [_bare(f"{key}: {value}") for key, value in message.details]
    if message.why:
        lines.append(_bare(message.why))
    if message.harmless_when:
        lines.append(_bare(f"Harmless when: {message.harmless_when}"))
    if message.undo:
        lines.append(f"*Undo*  {_bare(message.undo)}")
    foot = [message.link, *map(_bare, _foot_words(message))]
    lines.append("  \u00b7  ".join(word for word in foot if word))
    return {"text": "\n".join(lines)[:_TEXT]}


def generic(message: Message, note: str = "") -> dict[str, Any]:
    """The message as plain JSON, for a receiver that makes of it what it likes."""
    return {
        "text": headline(message),
        "title": message.title,
        "severity": message.severity,
        "account": message.account,
        "region": message.region,
        "facts": {label.lower(): {"value": what, "more": words}
                  for label, what, words in message.facts},
        "details": [{"key": key, "value": value} for key, value in message.details],
        "why": message.why,
        "harmless_when": message.harmless_when,
        "undo": message.undo,
        "time": message.when.isoformat() if message.when else "",
        "link": message.link,
        "source": message.source,
        "event_id": message.event_id,
        "note": note,
    }  # fmt: skip


# --- Pieces of Slack's

_TICK = "\u02cb"
_MARKS = re.compile(r"(?<!\w)[*_~`]|[*_~`](?!\w)")
_LOOKALIKES = {
    "*": "\u2217",
    "_": "\u02cd",
    "~": "\u223c",
    "`": _TICK,
}


_BARE = str.maketrans({**_LOOKALIKES, "<": "\u2039", ">": "\u203a"})


def _bare(text: str) -> str:
    """Text that begins no mark, no mention and no link in disguise."""
    return text.translate(_BARE).replace("](", "]\u2060(")


def _slack(text: str, room: int = _ROOM) -> str:
    """Text as mrkdwn shows it literally, cut so that no escape is cut in two.

    Slack knows no escape for its own marks: those that could begin or end something become
    signs that look like them.
    https://docs.slack.dev/messaging/formatting-message-text/
    """
    return _escaped(_MARKS.sub(lambda mark: _LOOKALIKES[mark[0]], text), room)


def _code(text: str) -> str:
    """Text to be copied: nothing in it is formatted."""
    return f"`{_escaped(text.replace('`', _TICK), _ROOM)}`" if text else ""


_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def _escaped(text: str, room: int) -> str:
    written = []
    for char in text:
        piece = _ESCAPES.get(char, char)
        room -= len(piece)
        if room < 0:
            break
        written.append(piece)
    return "".join(written)


def _fact(label: str, what: str, words: str) -> str:
    more = f"  {_slack(words, 500)}" if words else ""
    return f"*{label}*  {_code(what)}{more}"


def _sections(lines: list[str]) -> list[dict[str, Any]]:
    """The lines in as few sections as hold them."""
    texts = [""]
    for line in lines:
        longer = f"{texts[-1]}\n{line}" if texts[-1] else line
        if len(longer) <= _SECTION:
            texts[-1] = longer
        else:
            texts.append(line)
    return [_section(each) for each in texts if each]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(text)}


def _context(lines: list[str]) -> dict[str, Any]:
    """Small print; ten pieces at most."""
    return {"type": "context", "elements": [_mrkdwn(line[:_SECTION]) for line in lines[:10]]}


def _mrkdwn(text: str) -> dict[str, Any]:
    # Verbatim: Slack makes no links, channels or mentions out of what it finds in the text.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain_text(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _foot(message: Message) -> str:
    """Link, time, origin. A phone shows the time as its owner has it."""
    when, source, event = _foot_words(message)
    if message.when:
        seconds = int(message.when.timestamp())
        when = f"<!date^{seconds}^{{date_short_pretty}} {{time}}|{when}>"
    link = f"<{message.link}|{_opens(message)}>" if message.link else ""
    words = (link, when, _slack(source), _slack(event))
    return "  \u00b7  ".join(word for word in words if word)


def _opens(message: Message) -> str:
    return f"Open in {'CloudTrail' if '/cloudtrailv2/' in message.link else 'CloudWatch'}"


def _foot_words(message: Message) -> tuple[str, str, str]:
    event = f"event {message.event_id}" if message.event_id else ""
    return as_written(message.when), message.source, event


# --- A piece of Teams'


def _runs(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", **run} for run in runs]}
