"""A template, understood: its sections checked, its resources in the order of their making.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from generator.model import Json

from . import parameters, rules
from .intrinsics import PSEUDO_PARAMETERS, Cell, Later, Scope, computed, reduced
from .mentions import mentions
from .parameters import Values
from .parsing import parsed
from .refusals import invalid, malformed

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
BODY_LIMIT = 51_200
URL_LIMIT = 1_048_576
RESOURCE_LIMIT = 500
OUTPUT_LIMIT = 200
DESCRIPTION_LIMIT = 1_024

_SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
}
_ATTRIBUTES = {
    "Condition",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdateReplacePolicy",
}
_DELETION = ("Delete", "Retain", "RetainExceptOnCreate")
_NAMED = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}
_ACKNOWLEDGED = {
    *_NAMED,
    "AWS::IAM::AccessKey",
    "AWS::IAM::Policy",
    "AWS::IAM::UserToGroupAddition",
}
"""What needs a capability.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html"""


@dataclass(frozen=True)
class Declared:
    """A resource as the template declares it."""

    logical_id: str
    type: str
    properties: Mapping[str, Json]
    condition: str | None
    after: frozenset[str]
    deletion_policy: str
    replace_policy: str
    metadata: Json


@dataclass(frozen=True)
class Template:
    """A template that CloudFormation would take."""

    text: str
    description: str
    parameters: Mapping[str, Json]
    mappings: Mapping[str, Json]
    conditions: Mapping[str, Json]
    rules: Mapping[str, Json]
    resources: Mapping[str, Declared]
    outputs: Mapping[str, Json]
    metadata: Json
    version: str
    waves: tuple[tuple[str, ...], ...]
    """Logical ids in the order of their making; those of a wave need nothing of each other."""
    _blueprints: dict[tuple[str, ...], Blueprint] = field(default_factory=dict, compare=False)

    @cached_property
    def capabilities(self) -> list[str]:
        """What whoever deploys it has to acknowledge."""
        if any(d.type in _NAMED and _NAMED[d.type] in d.properties for d in self._acknowledged):
            return ["CAPABILITY_NAMED_IAM"]
        return ["CAPABILITY_IAM"] if self._acknowledged else []

    @property
    def capabilities_reason(self) -> str:
        types = sorted({declared.type for declared in self._acknowledged})
        return f"The following resource(s) require capabilities: [{', '.join(types)}]"

    @cached_property
    def _acknowledged(self) -> list[Declared]:
        return [declared for declared in self.resources.values() if declared.type in _ACKNOWLEDGED]

    def blueprint(self, values: Values) -> Blueprint:
        """The template with these parameter values, ready to be deployed anywhere."""
        key = tuple(values.values())
        if key not in self._blueprints:
            if len(self._blueprints) >= 32:
                self._blueprints.clear()
            self._blueprints[key] = Blueprint(self, dict(values))
        return self._blueprints[key]


class Blueprint:
    """A template with its parameters: what depends on nothing else is evaluated."""

    def __init__(self, template: Template, values: Values) -> None:
        self.template = template
        self.values = values
        self.parameters = {
            name: parameters.value_of(declaration, values[name])
            for name, declaration in template.parameters.items()
        }
        scope = Scope(
            self.parameters, template.mappings, template.conditions, frozenset(template.resources)
        )
        self.properties: dict[str, Any] = {}
        self._wanted: dict[str, bool | Later] = {}
        for name, declared in template.resources.items():
            self._wanted[name] = declared.condition is None or scope.condition(declared.condition)
            # What is certainly not made may be nonsense with these parameters.
            if self._wanted[name] is not False:
                self.properties[name] = reduced(declared.properties, scope)
        self.outputs: dict[str, tuple[bool | Later, Any, Any]] = {}
        for name, output in template.outputs.items():
            shown = "Condition" not in output or scope.condition(output["Condition"])
            if shown is not False:
                export = (output.get("Export") or {}).get("Name")
                self.outputs[name] = (
                    shown,
                    reduced(output["Value"], scope),
                    reduced(export, scope),
                )

    def check_rules(self, pseudo: Mapping[str, Json]) -> None:
        """Refuses what the template's Rules forbid."""
        if self.template.rules:
            rules.check(self.template.rules, {**self.parameters, **pseudo})

    def waves(self, cell: Cell) -> Iterator[list[Declared]]:
        """What is to be made there, in order."""
        for wave in self.template.waves:
            wanted = [name for name in wave if computed(self._wanted[name], cell)]
            if wanted:
                yield [self.template.resources[name] for name in wanted]

    def properties_of(self, logical_id: str, cell: Cell) -> dict[str, Json]:
        """The resolved properties of one resource: a mapping of its own around shared values."""
        found: dict[str, Json] = computed(self.properties[logical_id], cell)
        return found

    def outputs_of(self, cell: Cell) -> list[dict[str, str]]:
        """The outputs, as DescribeStacks lists them."""
        found = []
        for name, (shown, value, export) in self.outputs.items():
            if not computed(shown, cell):
                continue
            entry = {"OutputKey": name, "OutputValue": parameters.text(computed(value, cell))}
            if said := self.template.outputs[name].get("Description"):
                entry["Description"] = said
            if export is not None:
                entry["ExportName"] = parameters.text(computed(export, cell))
            found.append(entry)
        return found


@lru_cache(maxsize=64)
def template(text: str) -> Template:
    """The template of that text; ServiceError ValidationError when CloudFormation refuses it."""
    sections = parsed(text)
    if "Transform" in sections:
        raise malformed(
            "transforms are not simulated, and StackSets that Organizations manages allow none"
        )
    if strange := sorted(set(sections) - _SECTIONS):
        raise invalid(f"Invalid template property or properties [{', '.join(strange)}]")
    declared = sections.get("Resources")
    if not isinstance(declared, dict) or not declared:
        raise malformed("At least one Resources member must be defined.")
    if len(declared) > RESOURCE_LIMIT:
        raise malformed(
            f"Number of resources, {len(declared)}, is greater than maximum allowed, "
            f"{RESOURCE_LIMIT}"
        )
    if len(str(sections.get("Description") or "").encode()) > DESCRIPTION_LIMIT:
        raise malformed(f"Template Description length must be at most {DESCRIPTION_LIMIT} bytes")
    outputs = sections.get("Outputs") or {}
    if len(outputs) > OUTPUT_LIMIT:
        raise malformed(
            f"Number of outputs, {len(outputs)}, is greater than maximum, {OUTPUT_LIMIT}"
        )
    known = sections.get("Parameters") or {}
    parameters.check_declarations(known)
    resources = {
        name: _declared(name, resource, frozenset(declared)) for name, resource in declared.items()
    }
    offered = {*known, *declared, *PSEUDO_PARAMETERS, "AWS::NoValue"}
    body = [resource.get("Properties") for resource in declared.values()]
    missing = sorted(set(mentions([*body, *[_value(o) for o in outputs.values()]])) - offered)
    if missing:
        raise malformed(
            f"Unresolved resource dependencies [{', '.join(missing)}] in the Resources or Outputs "
            "block of the template"
        )
    conditions = sections.get("Conditions") or {}
    for resource in resources.values():
        if resource.condition is not None and resource.condition not in conditions:
            raise malformed(
                f"Unresolved condition dependency {resource.condition} in the Resources block of "
                "the template"
            )
    return Template(
        text=text,
        description=str(sections.get("Description") or ""),
        parameters=known,
        mappings=_keyed(sections.get("Mappings") or {}),
        conditions=conditions,
        rules=sections.get("Rules") or {},
        resources=resources,
        outputs=outputs,
        metadata=sections.get("Metadata"),
        version=str(sections.get("AWSTemplateFormatVersion") or ""),
        waves=_waves(resources),
    )


def _declared(name: str, resource: Json, known: frozenset[str]) -> Declared:
    if not re.fullmatch(r"[A-Za-z0-9]{1,255}", name):
        raise malformed(f"Resource name {name} is non alphanumeric.")
    if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
        raise malformed(f"[/Resources/{name}] Every Resources object must contain a Type member.")
    if strange := sorted(set(resource) - _ATTRIBUTES):
        raise invalid(f"Invalid template resource property '{strange[0]}', or not simulated")
    after = resource.get("DependsOn") or []
    after = [after] if isinstance(after, str) else after
    if missing := [other for other in after if other not in known]:
        raise malformed(
            f"Unresolved resource dependencies [{', '.join(missing)}] in the Resources block of "
            "the template"
        )
    deletion = resource.get("DeletionPolicy", "Delete")
    if deletion not in _DELETION:
        raise malformed(f"Unrecognized DeletionPolicy {deletion} for resource {name}")
    replacing = resource.get("UpdateReplacePolicy", "Delete")
    if replacing not in ("Delete", "Retain"):
        raise malformed(f"Unrecognized UpdateReplacePolicy {replacing} for resource {name}")
    properties = resource.get("Properties") or {}
    return Declared(
        logical_id=name,
        type=resource["Type"],
        properties=properties,
        condition=resource.get("Condition"),
        after=frozenset([*after, *(set(mentions(properties)) & known)]),
        deletion_policy=deletion,
        replace_policy=replacing,
        metadata=resource.get("Metadata"),
    )


def _value(output: Json) -> Json:
    if not isinstance(output, dict) or "Value" not in output:
        raise malformed("Every Outputs member must contain a Value object")
    return output["Value"]


def _keyed(mappings: Mapping[Any, Json]) -> dict[str, Json]:
    """Mappings with their keys as text: an account id may have been read as a number."""
    return {
        parameters.text(key): _keyed(value) if isinstance(value, dict) else value
        for key, value in mappings.items()
    }


def _waves(resources: Mapping[str, Declared]) -> tuple[tuple[str, ...], ...]:
    waves: list[tuple[str, ...]] = []
    left = dict(resources)
    while left:
        wave = tuple(name for name, declared in left.items() if not declared.after & left.keys())
        if not wave:
            raise invalid(f"Circular dependency between resources: [{', '.join(sorted(left))}]")
        waves.append(wave)
        for name in wave:
            del left[name]
    return tuple(waves)
