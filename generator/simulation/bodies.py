"""What a rule's target makes of an event: the input transformation of EventBridge.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from generator.model import Json

_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.\-]+)>")
_MISSING = object()


def body(
    target: Mapping[str, Json], rule_name: str, rule_arn: str, event: Mapping[str, Json]
) -> str:
    """The text that the target receives."""
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath") is not None:
        found = _at(event, str(target["InputPath"]))
        return _json({} if found is _MISSING else found)
    transformer = target.get("InputTransformer")
    if transformer:
        return _filled(transformer, rule_name, rule_arn, event)
    return _json(event)


def _filled(
    transformer: Mapping[str, Json], rule_name: str, rule_arn: str, event: Mapping[str, Json]
) -> str:
    """The input template with its placeholders replaced.

    A placeholder inside quotes becomes bare text; outside it becomes JSON, objects included. One
    whose path is not in the event becomes nothing in text and `null`-less emptiness outside, which
    is written as "" here.
    """
    values: dict[str, Json] = {
        "aws.events.rule-name": rule_name,
        "aws.events.rule-arn": rule_arn,
        "aws.events.event.json": event,
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
        "aws.events.event.ingestion-time": event.get("time", ""),
    }
    for name, path in (transformer.get("InputPathsMap") or {}).items():
        values[name] = _at(event, path)
    template = str(transformer["InputTemplate"])
    pieces: list[str] = []
    position = 0
    for match in _PLACEHOLDER.finditer(template):
        if match[1] not in values:
            continue
        pieces.append(template[position : match.start()])
        quoted = _inside_string(template, match.start())
        pieces.append(_written(values[match[1]], quoted))
        position = match.end()
    pieces.append(template[position:])
    return "".join(pieces)


def _written(value: Json, quoted: bool) -> str:
    if value is _MISSING:
        return "" if quoted else '""'
    if quoted:
        text = value if isinstance(value, str) else _json(value)
        return json.dumps(text, ensure_ascii=False)[1:-1]
    return _json(value)


def _inside_string(template: str, position: int) -> bool:
    quotes = 0
    escaped = False
    for character in template[:position]:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quotes += 1
    return quotes % 2 == 1


def _at(event: Json, path: str) -> Json:
    """What stands at a path such as $.detail.userIdentity.arn or $.detail.items[0].id."""
    value: Json = event
    for key, index in re.findall(r"\.([\w\-]+)|\[(\d+)\]", path.removeprefix("$")):
        if key and isinstance(value, Mapping) and key in value:
            value = value[key]
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return _MISSING
    return value


def _json(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
