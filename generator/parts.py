"""Parts of a template, and the one place where parts become a template."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from troposphere import (
    AWSObject,
    BaseAWSObject,
    Equals,
    If,
    Not,
    NoValue,
    Output,
    Parameter,
    Ref,
    Template,
)

from generator import explained, names
from generator.model import NOTHING, Json, Mistake

HAS_TAG = "HasTag"


class Part(NamedTuple):
    """What one piece of the product adds to a template."""

    resources: Sequence[AWSObject] = ()
    parameters: Sequence[Parameter] = ()
    outputs: Sequence[Output] = ()
    conditions: Mapping[str, Any] = NOTHING
    rules: Mapping[str, Json] = NOTHING


class Group(NamedTuple):
    """A headed group of parameters on the console's page."""

    title: str
    parameters: tuple[str, ...]


def assembled(
    description: str, parts: Iterable[Part], groups: Sequence[Group] = ()
) -> dict[str, Json]:
    """The template made of all parts in their order, as plain JSON values.

    Parameters and conditions that nothing mentions are left out, so that nobody is asked in
    vain. Every resource that can carry tags gets ours and, if given, the user's.
    """
    template = Template(Description=description)
    offered: dict[str, Parameter] = {}

    def refuse(title: str) -> None:
        fault, cure = f"holds '{title}' twice", "rename a target or a detection"
        raise Mistake.one(description.partition(":")[0], fault, cure)

    conditions: dict[str, Any] = {HAS_TAG: Not(Equals(Ref(names.TAG_KEY), ""))}
    rules: dict[str, Json] = {}
    for part in (*parts, Part(parameters=_tag_parameters())):
        offered.update({parameter.title: parameter for parameter in part.parameters})
        conditions.update(part.conditions)
        rules.update(part.rules)
        for resource in part.resources:
            if resource.title in template.resources:
                refuse(resource.title)
            template.add_resource(_tagged(_explained(resource)))
        for output in part.outputs:
            template.add_output(output)
    # A Ref would not know which of the two is meant.
    for title in sorted(offered.keys() & template.resources.keys()):
        refuse(title)
    for name, condition in conditions.items():
        template.add_condition(name, condition)
    # Not by add_parameter, which stops at AWS's limit with a ValueError: limits.py tells of it.
    template.parameters.update(offered)
    whole = {
        "Description": description,
        "Parameters": plain(template.parameters),
        "Conditions": plain(template.conditions),
        "Resources": plain(template.resources),
        "Outputs": plain(template.outputs),
    }
    return _ordered(whole, rules, groups)


def plain(value: Any) -> Json:
    """The value with every troposphere and awacs object in it validated and written as JSON.

    What `to_dict` of troposphere gives, in a third of its time: that walks what is inside an
    object again for each object around it.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool:
        return value
    if kind is dict:
        return {key: plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [plain(item) for item in value]
    if isinstance(value, BaseAWSObject):
        if value.do_validation:
            value._validate_props()
            value.validate()
        whole = {key: plain(item) for key, item in value.resource.items()}
        if not value.properties:
            whole.pop("Properties", None)
        return whole
    if hasattr(value, "JSONrepr"):
        return plain(value.JSONrepr())
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    return value


def _ordered(
    whole: dict[str, Json], rules: Mapping[str, Json], groups: Sequence[Group]
) -> dict[str, Json]:
    """The sections in the order in which a person reads them, less what nothing mentions."""
    used = set(_mentions([whole["Resources"], whole.get("Outputs", {}), rules]))
    conditions = _mentioned(whole.get("Conditions", {}), used)
    used.update(_mentions(list(conditions.values())))
    parameters = _mentioned(whole.get("Parameters", {}), used)
    sections = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": whole["Description"],
        "Metadata": _interface(parameters, groups),
        "Parameters": parameters,
        "Rules": dict(rules),
        "Conditions": conditions,
        "Resources": {name: _read_from_the_top(r) for name, r in whole["Resources"].items()},
        "Outputs": whole.get("Outputs", {}),
    }
    return {name: section for name, section in sections.items() if section}


_PROPERTIES_LAST = ("Type", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy")


def _read_from_the_top(resource: dict[str, Json]) -> dict[str, Json]:
    """A resource with what it is before what it holds."""
    head = {key: resource[key] for key in _PROPERTIES_LAST if key in resource}
    return {**head, **resource}


def _mentioned(offered: dict[str, Json], used: set[str]) -> dict[str, Json]:
    """Those of `offered` that are used, or that those which are used mention."""
    found = used & set(offered)
    waiting = list(found)
    while waiting:
        more = set(_mentions(offered[waiting.pop()])) & set(offered) - found
        found |= more
        waiting += more
    return {name: value for name, value in offered.items() if name in found}


def _mentions(value: Json) -> Iterator[str]:
    """Names of parameters and conditions in Ref, Fn::Sub, Fn::If and Condition."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, (dict, list)):
                yield from _mentions(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in ("Ref", "Condition") and isinstance(item, str):
                yield item
            elif key == "Fn::If":
                yield item[0]
            elif key == "Fn::Sub":
                yield from re.findall(r"\$\{(\w+)\}", item if isinstance(item, str) else item[0])
            if isinstance(item, (dict, list)):
                yield from _mentions(item)


def _interface(parameters: Mapping[str, Json], groups: Sequence[Group]) -> dict[str, Json]:
    """How the console shows the parameters.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-cloudformation-interface.html
    """
    shown = [
        {"Label": {"default": group.title}, "Parameters": known}
        for group in groups
        if (known := [name for name in group.parameters if name in parameters])
    ]
    return {"AWS::CloudFormation::Interface": {"ParameterGroups": shown}} if shown else {}


def _tag_parameters() -> tuple[Parameter, Parameter]:
    return (
        Parameter(
            names.TAG_KEY,
            Type="String",
            Default="",
            MaxLength=128,
            Description="Optional: the key of one more tag on every resource, where your "
            "organization demands one. Tags of the stack itself reach every resource too.",
        ),
        Parameter(
            names.TAG_VALUE,
            Type="String",
            Default="yes",
            MaxLength=256,
            Description="The value of that tag.",
        ),
    )


def _explained(resource: AWSObject) -> AWSObject:
    more = explained.metadata(resource.resource_type, resource.properties)
    if more:
        resource.Metadata = {**resource.resource.get("Metadata", {}), **more}
    return resource


def _tagged(resource: AWSObject) -> AWSObject:
    tags = resource.props.get("Tags")
    if tags is None:
        return resource
    if tags[0] is dict:
        resource.properties["Tags"] = {"managed-by": "trailbus"}
        return resource
    own = {"Key": "managed-by", "Value": "trailbus"}
    given = {"Key": Ref(names.TAG_KEY), "Value": Ref(names.TAG_VALUE)}
    resource.properties["Tags"] = [own, If(HAS_TAG, given, NoValue)]
    return resource
