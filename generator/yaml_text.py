"""Writes plain values as YAML that reads well: keys in their own order, long text as blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml
from yaml.resolver import Resolver

from generator.model import Json

# Straight to the emitter of libyaml: PyYAML's own representing of values takes twice as long as
# all else about a template together.
_EMITTER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_STRING = "tag:yaml.org,2002:str"
_WIDTH = 100

_resolver = Resolver()
_NUMBER_ELSEWHERE = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?\Z")
"""What other readers of YAML than PyYAML take for a number: 1e5, and account ids such as 0890..."""


def yaml_text(value: Json) -> str:
    """A value as one YAML document."""
    events = [
        yaml.StreamStartEvent(),
        yaml.DocumentStartEvent(explicit=False),
        *_events(value),
        yaml.DocumentEndEvent(explicit=False),
        yaml.StreamEndEvent(),
    ]
    text: str = yaml.emit(events, Dumper=_EMITTER, width=_WIDTH, allow_unicode=True)
    return text


_MAPPING_START = yaml.MappingStartEvent(None, None, True, flow_style=False)
_MAPPING_END = yaml.MappingEndEvent()
_SEQUENCE_START = yaml.SequenceStartEvent(None, None, True, flow_style=False)
_SEQUENCE_END = yaml.SequenceEndEvent()
_EMPTY = {
    dict: yaml.MappingStartEvent(None, None, True, flow_style=True),
    list: yaml.SequenceStartEvent(None, None, True, flow_style=True),
}


def _events(value: Json) -> Iterator[yaml.Event]:
    if isinstance(value, dict):
        yield _MAPPING_START if value else _EMPTY[dict]
        for key, item in value.items():
            yield _scalar(key)
            yield from _events(item)
        yield _MAPPING_END
    elif isinstance(value, (list, tuple)):
        yield _SEQUENCE_START if value else _EMPTY[list]
        for item in value:
            yield from _events(item)
        yield _SEQUENCE_END
    elif isinstance(value, str):
        yield _scalar(value)
    else:
        yield _PLAIN[value] if value is None or isinstance(value, bool) else _number(value)


@lru_cache(maxsize=4096)
def _scalar(text: str) -> yaml.Event:
    """Text: a block where it has lines, quoted where YAML would take it for something else."""
    if "\n" in text:
        return yaml.ScalarEvent(None, None, (False, True), text, style="|")
    resolve: Any = _resolver.resolve  # untyped in PyYAML
    plain = resolve(yaml.ScalarNode, text, (True, False)) == _STRING
    plain = plain and not _NUMBER_ELSEWHERE.match(text)
    return yaml.ScalarEvent(None, None, (plain, True), text)


def _number(value: float) -> yaml.Event:
    # YAML 1.1 wants a dot in a float: 1e+16 alone would be text.
    text = repr(value)
    text = text if "." in text else text.replace("e", ".0e")
    return yaml.ScalarEvent(None, None, (True, False), text)


_PLAIN = {
    value: yaml.ScalarEvent(None, None, (True, False), text)
    for value, text in ((None, "null"), (True, "true"), (False, "false"))
}
