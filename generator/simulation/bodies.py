"""What a rule's target makes of an event: the input transformation of EventBridge.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html

Where that page leaves a choice, the reading that breaks a careless template is taken: a value is
put into quotes as it is, so that a quotation mark in it ends the string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from generator.model import Json

_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.\-]+)>")
_STEP = r"\.(?P<key>[\w/-]+|\*)|\[(?P<index>\d+|\*)\]"
_PATH = re.compile(rf"\$(?:{_STEP})*")
_MISSING = object()


class InvalidJson(Exception):
    """A template in the form of a JSON object that its values turned into something else."""


def body(
    target: Mapping[str, Json], rule_name: str, rule_arn: str, event: Mapping[str, Json]
) -> str:
    """The text that the target receives; InvalidJson when the template's values break it."""
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath") is not None:
        found = at(event, str(target["InputPath"]))
        return _json({} if found is _MISSING else found)
    transformer = target.get("InputTransformer")
    if transformer:
        return _filled(transformer, rule_name, rule_arn, event)
    return _json(event)


def _filled(
    transformer: Mapping[str, Json], rule_name: str, rule_arn: str, event: Mapping[str, Json]
) -> str:
    """The input template with its placeholders replaced; a JSON object is minified.

    Outside quotes a placeholder becomes JSON, objects and lists included; inside it becomes bare
    text. One whose path is not in the event becomes nothing in text, and "" outside.
    """
    values: dict[str, Json] = {
        name: at(event, path) for name, path in (transformer.get("InputPathsMap") or {}).items()
    }
    # Their names are reserved.
    values |= {
        "aws.events.rule-name": rule_name,
        "aws.events.rule-arn": rule_arn,
        "aws.events.event.json": event,
        "aws.events.event": {
            "detailType" if key == "detail-type" else key: value
            for key, value in event.items()
            if key != "detail"
        },
        "aws.events.event.ingestion-time": event.get("time", ""),
    }
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
    return _minified("".join(pieces)) if template.lstrip().startswith("{") else "".join(pieces)


def _minified(text: str) -> str:
    try:
        return _json(json.loads(text))
    except ValueError as error:
        raise InvalidJson(f"the input template makes no JSON of this event: {error}") from None


def _written(value: Json, quoted: bool) -> str:
    if value is _MISSING:
        return "" if quoted else '""'
    return value if quoted and isinstance(value, str) else _json(value)


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


def at(event: Json, path: str) -> Json:
    """What stands at a path such as $.detail.userIdentity.arn or $.detail.items[0].id.

    A path with a wildcard gives the list of all that it leads to. Nothing stands at a path of
    another form: nobody checks paths when a rule is made.
    """
    if not _PATH.fullmatch(path):
        return _MISSING
    found = [event]
    for step in re.finditer(_STEP, path):
        found = [item for value in found for item in _step(value, step["key"], step["index"])]
    if "*" in path:
        return found
    return found[0] if found else _MISSING


def text_at(event: Mapping[str, Json], path: str) -> str:
    """What stands at a path, as text; nothing where the event ends early."""
    found = at(event, path)
    if found is _MISSING:
        return ""
    return found if isinstance(found, str) else _json(found)


def _step(value: Json, key: str | None, index: str | None) -> Iterator[Json]:
    if isinstance(value, Mapping) and key is not None:
        if key == "*":
            yield from value.values()
        elif key in value:
            yield value[key]
    elif isinstance(value, list) and index is not None:
        if index == "*":
            yield from value
        elif int(index) < len(value):
            yield value[int(index)]


def _json(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
