"""What a rule sends: the event, the bare record, a notice of it, or words for people."""

from __future__ import annotations

import json
from typing import Any

from troposphere import If, Join
from troposphere.events import InputTransformer

from generator import messages, names
from generator.messages import Message
from generator.model import Detection, Json, Target

TEMPLATE_LIMIT = 8_192
"""Characters of an input template.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"""

_WHOLE_EVENT = "<aws.events.event.json>"


def transformed(target: Target, detection: Detection) -> dict[str, Any]:
    """The properties of a rule's target that give it its body; none for the whole event."""
    if target.body == "detail":
        return {"InputPath": "$.detail"}
    if target.body == "notice":
        return {"InputTransformer": InputTransformer(InputTemplate=notice_template(detection))}
    if target.body == "text":
        return worded(messages.text(detection))
    return {}


def worded(message: Message) -> dict[str, Any]:
    """A message to people as a target's input, with the console of the partition it is in."""
    pieces = message.template.split(messages.CONSOLE)
    parts: list[Any] = [pieces[0]]
    for piece in pieces[1:]:
        parts += [_console(), piece]
    transformer = InputTransformer(InputPathsMap=dict(message.paths), InputTemplate=Join("", parts))
    return {"InputTransformer": transformer}


def _console() -> If:
    """Where the console is. Events never leave their partition, so it is the stack's own."""
    elsewhere = If(names.IN_GOVCLOUD, "console.amazonaws-us-gov.com", "console.aws.amazon.com")
    return If(names.IN_CHINA, "console.amazonaws.cn", elsewhere)


def notice_template(detection: Detection) -> str:
    """`{"detection": {...}, "event": <the event>}`; the placeholder stands for a JSON object.

    Angle brackets in the detection's own words would be read as placeholders, so they are
    written as JSON escapes.
    """
    head = json.dumps(card(detection), ensure_ascii=False, separators=(",", ":"))
    head = head.replace("<", "\\u003c").replace(">", "\\u003e")
    return f'{{"detection":{head},"event":{_WHOLE_EVENT}}}'


def card(detection: Detection) -> dict[str, Json]:
    """What a notice says about the detection that made it."""
    return {
        "id": detection.id,
        "title": detection.title,
        "severity": detection.severity,
        "why": " ".join(detection.why.split()),
        "harmless_when": " ".join(detection.harmless_when.split()),
        "attack": list(detection.attack),
        "references": list(detection.references),
    }
