"""What an operation would change: computed without doing it, for change sets and empty updates.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-view.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.model import Json
from generator.simulation.world import ServiceError

from .deployment import must_replace
from .intrinsics import Cell, Made
from .making import Maker, with_tags
from .providers import kind as kind_of
from .stack import Entry, Stack
from .template import Blueprint, Declared

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""What a change set shows for a value that only the operation itself will know."""


class _Anything(dict[str, Json]):
    """Has every key, and knows the value of none."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> Json:
        return UNKNOWN


class _Foreseen:
    """A resource that the operation would make: nothing of it is known yet."""

    physical_id = UNKNOWN
    attributes: Mapping[str, Json] = _Anything()


_FORESEEN = _Foreseen()


@dataclass(frozen=True)
class Change:
    """What would happen to one resource."""

    action: str
    declared: Declared
    physical_id: str = ""
    replacement: str = ""
    scope: tuple[str, ...] = ()
    details: tuple[dict[str, Json], ...] = ()
    policy: str = ""
    properties: dict[str, Json] = field(default_factory=dict, compare=False)


def changes(stack: Stack, blueprint: Blueprint, tags: Mapping[str, str]) -> list[Change]:
    """Every resource that an operation with this blueprint and these tags would touch."""
    made: dict[str, Made] = {}
    cell = Cell(stack.pseudo(), made)
    found, kept = [], set()
    for wave in blueprint.waves(cell):
        for declared in wave:
            kept.add(declared.logical_id)
            entry = stack.entries.get(declared.logical_id)
            properties = _foreseen_properties(blueprint, declared, cell, tags)
            change = _change(stack, entry, declared, properties)
            new = entry is None or (change is not None and change.replacement == "True")
            made[declared.logical_id] = _FORESEEN if new or entry is None else entry.resource
            if change is not None:
                found.append(change)
    for name, entry in stack.entries.items():
        if name not in kept:
            retained = entry.declared.deletion_policy != "Delete"
            found.append(
                Change(
                    "Remove",
                    entry.declared,
                    entry.resource.physical_id,
                    policy="Retain" if retained else "Delete",
                )
            )
    return found


def outputs_change(stack: Stack, blueprint: Blueprint) -> bool:
    """Whether only looking at the outputs tells the new template from the old."""
    try:
        return blueprint.outputs_of(Cell(stack.pseudo(), stack.resources)) != stack.outputs
    except ServiceError:
        return True


def name_conflicts(maker: Maker, stack: Stack, found: list[Change]) -> list[tuple[Change, str]]:
    """What would be made although its name is taken.

    CloudFormation validates this when a change set is made; DescribeEvents tells what it found.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
    """
    return [
        (change, clash)
        for change in found
        if change.action == "Add"
        and (clash := maker.name_conflict(stack, change.declared, change.properties))
    ]


def shown(change: Change, values: bool) -> dict[str, Json]:
    """A change as DescribeChangeSet lists it."""
    resource: dict[str, Json] = {
        "Action": change.action,
        "LogicalResourceId": change.declared.logical_id,
        "ResourceType": change.declared.type,
        "Scope": list(change.scope),
        "Details": [_shown_detail(detail, values) for detail in change.details],
    }
    if change.physical_id:
        resource["PhysicalResourceId"] = change.physical_id
    if change.replacement:
        resource["Replacement"] = change.replacement
    if change.policy:
        resource["PolicyAction"] = change.policy
    if values and change.action == "Add":
        resource["AfterContext"] = json.dumps({"Properties": change.properties})
    return {"Type": "Resource", "ResourceChange": resource}


def _shown_detail(detail: dict[str, Json], values: bool) -> dict[str, Json]:
    if values:
        return detail
    secret = ("BeforeValue", "AfterValue")
    target = {key: value for key, value in detail["Target"].items() if key not in secret}
    return {**detail, "Target": target}


def _foreseen_properties(
    blueprint: Blueprint, declared: Declared, cell: Cell, tags: Mapping[str, str]
) -> dict[str, Json]:
    try:
        properties = blueprint.properties_of(declared.logical_id, cell)
    except ServiceError:
        # A function that cannot work on a value that is not known yet.
        return dict.fromkeys(declared.properties, UNKNOWN)
    try:
        return with_tags(declared.type, properties, tags)
    except ServiceError:
        return properties


def _change(
    stack: Stack, entry: Entry | None, declared: Declared, properties: dict[str, Json]
) -> Change | None:
    if entry is None:
        return Change("Add", declared, properties=properties)
    physical_id = entry.resource.physical_id
    names = sorted(
        name
        for name in {*properties, *entry.expected}
        if properties.get(name) != entry.expected.get(name)
    )
    details = [_detail(name, stack, entry, declared, properties) for name in names]
    if declared.metadata != entry.declared.metadata:
        details.append(_plain_detail("Metadata"))
    for attribute, old, new in (
        ("DeletionPolicy", entry.declared.deletion_policy, declared.deletion_policy),
        ("UpdateReplacePolicy", entry.declared.replace_policy, declared.replace_policy),
    ):
        if old != new:
            details.append(_plain_detail(attribute))
    if not details:
        return None
    scope = tuple(dict.fromkeys(str(detail["Target"]["Attribute"]) for detail in details))
    if not must_replace(entry, declared, properties):
        return Change("Modify", declared, physical_id, "False", scope, tuple(details))
    settled = kind_of(declared.type).settled
    sure = declared.type != entry.resource.type or any(
        name in settled and not _is_unknown(properties.get(name)) for name in names
    )
    retained = declared.replace_policy != "Delete"
    return Change(
        "Modify",
        declared,
        physical_id,
        "True" if sure else "Conditional",
        scope,
        tuple(details),
        "ReplaceAndRetain" if retained else "ReplaceAndDelete",
    )


def _detail(
    name: str, stack: Stack, entry: Entry, declared: Declared, properties: dict[str, Json]
) -> dict[str, Json]:
    unknown = _is_unknown(properties.get(name))
    settled = name in kind_of(declared.type).settled
    target: dict[str, Json] = {
        "Attribute": "Tags" if name == "Tags" else "Properties",
        "RequiresRecreation": "Never",
        "Path": f"/Properties/{name}",
    }
    if name != "Tags":
        target["Name"] = name
        if settled:
            target["RequiresRecreation"] = "Conditionally" if unknown else "Always"
    if name in entry.expected:
        target["BeforeValue"] = _text(entry.expected[name])
    if name in properties:
        target["AfterValue"] = _text(properties[name])
    if unknown:
        source = "ResourceReference"
    elif declared.properties.get(name) == entry.declared.properties.get(name):
        source = "ParameterReference"
    else:
        source = "DirectModification"
    evaluation = "Dynamic" if unknown else "Static"
    return {"Target": target, "Evaluation": evaluation, "ChangeSource": source}


def _plain_detail(attribute: str) -> dict[str, Json]:
    return {
        "Target": {"Attribute": attribute, "RequiresRecreation": "Never"},
        "Evaluation": "Static",
        "ChangeSource": "DirectModification",
    }


def _is_unknown(value: Json) -> bool:
    return UNKNOWN in _text(value)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)
