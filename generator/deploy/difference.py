"""Two templates compared: what was added, changed and removed, down to the path of a property."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import yaml

from generator.model import Json

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

SECTIONS = ("Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs")
"""The sections whose entries have names; the others are compared as a whole.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html"""

NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::Archive": "ArchiveName",
    "AWS::Events::EventBus": "Name",
    "AWS::Kinesis::Stream": "Name",
    "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
}
"""Of every type that holds something or that others know by name: the property that names it.
Changing it makes a new one, without what lay in the old one.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html"""

_NOTHING: Any = object()


class Change(NamedTuple):
    """One value that differs. `before` or `after` is None where there is none."""

    path: str
    before: Json
    after: Json


class Difference(NamedTuple):
    """One entry of a section that was added, removed or changed."""

    action: Literal["add", "remove", "change"]
    section: str
    name: str
    type: str = ""
    changes: tuple[Change, ...] = ()


@lru_cache(maxsize=16)
def parsed(text: str) -> Mapping[str, Json]:
    """A template as a mapping. Nobody may change it: the next caller gets the same one."""
    found = yaml.load(text, _LOADER)  # noqa: S506 - it is a safe loader
    return found if isinstance(found, dict) else {}


def differences(old: str, new: str) -> tuple[Difference, ...]:
    """What differs between two templates, in the order of their sections, then by name."""
    if old == new:
        return ()
    before, after = parsed(old), parsed(new)
    return tuple(
        difference
        for section in (*SECTIONS, *sorted({*before, *after} - {*SECTIONS}))
        for difference in _in_section(section, before.get(section), after.get(section))
    )


def _in_section(section: str, before: Json, after: Json) -> Iterator[Difference]:
    if section not in SECTIONS:
        if before != after:
            changes = tuple(_changes("", _or_nothing(before), _or_nothing(after)))
            yield Difference("change", section, "", "", changes)
        return
    old, new = before or {}, after or {}
    for name in sorted({*old, *new}):
        if name not in old:
            yield Difference("add", section, name, _type(new[name]))
        elif name not in new:
            yield Difference("remove", section, name, _type(old[name]))
        elif old[name] != new[name]:
            changes = tuple(_changes("", old[name], new[name]))
            yield Difference("change", section, name, _type(new[name]), changes)


def _type(entry: Json) -> str:
    return str(entry.get("Type", "")) if isinstance(entry, dict) else ""


def _or_nothing(value: Json) -> Json:
    return _NOTHING if value is None else value


def _changes(path: str, before: Json, after: Json) -> Iterator[Change]:
    if before is not _NOTHING and after is not _NOTHING and before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}, key=str):
            inner = f"{path}.{key}" if path else str(key)
            yield from _changes(inner, before.get(key, _NOTHING), after.get(key, _NOTHING))
        return
    if isinstance(before, list) and isinstance(after, list):
        # What stands in both is no news wherever it stands: lists of names are long.
        gone = [item for item in before if item not in after]
        come = [item for item in after if item not in before]
        for item in gone:
            yield Change(f"{path}[]", item, None)
        for item in come:
            yield Change(f"{path}[]", None, item)
        if not gone and not come:
            yield Change(path, before, after)
        return
    yield Change(path, None if before is _NOTHING else before, None if after is _NOTHING else after)


def renamed(old: str, new: str) -> tuple[tuple[str, str, Json, Json], ...]:
    """What would be replaced because its physical name changes: logical id, type, old, new."""
    before, after = (parsed(text).get("Resources") or {} for text in (old, new))
    found = []
    for name in sorted({*before} & {*after}):
        known = NAMES.get(_type(after[name]))
        if known is None or _type(before[name]) != _type(after[name]):
            continue
        was, is_now = (
            (entry.get("Properties") or {}).get(known) for entry in (before[name], after[name])
        )
        if was != is_now:
            found.append((name, _type(after[name]), was, is_now))
    return tuple(found)


def values(template: str, given: Mapping[str, str]) -> dict[str, str]:
    """Every parameter of a template with its value: the given one, else its default."""
    declared = parsed(template).get("Parameters") or {}
    found = {}
    for name, entry in declared.items():
        if name in given:
            found[name] = given[name]
        elif "Default" in entry:
            default = entry["Default"]
            found[name] = str(default).lower() if isinstance(default, bool) else str(default)
    return found
