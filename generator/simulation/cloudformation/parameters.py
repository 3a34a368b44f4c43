"""The parameters of a template: what each may be, and what it is in one deployment.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from generator.model import Json
from generator.simulation.world import ServiceError

from .refusals import invalid, malformed

LIMIT = 200
VALUE_LIMIT = 4_096
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

_TYPES = ("String", "Number", "CommaDelimitedList", "List<Number>")
_ATTRIBUTES = {
    "Type",
    "Default",
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
}

Values = Mapping[str, str]
"""Parameter values as CloudFormation keeps them: numbers and lists are text, too."""


def check_declarations(declared: Mapping[str, Json]) -> None:
    """Refuses what CloudFormation would not take for a parameter, or what is not simulated."""
    if len(declared) > LIMIT:
        raise malformed(f"Number of parameters, {len(declared)}, is greater than maximum, {LIMIT}")
    for name, declaration in declared.items():
        if not re.fullmatch(r"[A-Za-z0-9]+", name):
            raise malformed(f"Parameter name {name} is non alphanumeric.")
        if not isinstance(declaration, dict) or "Type" not in declaration:
            raise malformed("Every Parameters object must contain a Type member.")
        if declaration["Type"] not in _TYPES:
            raise malformed(f"Unrecognized parameter type: {declaration['Type']}")
        if strange := sorted(set(declaration) - _ATTRIBUTES):
            raise malformed(f"Invalid template parameter property '{strange[0]}'")


def resolved(
    declared: Mapping[str, Json],
    given: Iterable[Mapping[str, Any]],
    previous: Values | None = None,
) -> dict[str, str]:
    """The value of every parameter: given, previous where asked for, or its default."""
    known = previous or {}
    values: dict[str, str] = {}
    for entry in given:
        name = entry.get("ParameterKey", "")
        if entry.get("UsePreviousValue"):
            if "ParameterValue" in entry:
                raise invalid(
                    f"Invalid input for parameter key {name}. Cannot specify usePrevious"
                    "Value as true and non empty value for a parameter"
                )
            if name in declared and name not in known:
                raise invalid(
                    f"Invalid input for parameter key {name}. "
                    "Cannot specify usePreviousValue as true for a parameter key not in "
                    "the previous template"
                )
            values[name] = known.get(name, "")
        else:
            values[name] = str(entry.get("ParameterValue", ""))
    if strange := [name for name in values if name not in declared]:
        raise invalid(f"Parameters: [{', '.join(strange)}] do not exist in the template")
    for name, declaration in declared.items():
        if name not in values and "Default" in declaration:
            values[name] = text(declaration["Default"])
    if missing := [name for name in declared if name not in values]:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    for name, declaration in declared.items():
        _check(name, declaration, values[name])
    return {name: values[name] for name in declared}


def value_of(declaration: Mapping[str, Json], value: str) -> Json:
    """What Ref gives for a parameter: text, or a list of texts."""
    if declaration["Type"] in ("CommaDelimitedList", "List<Number>"):
        return [item.strip() for item in value.split(",")] if value else []
    return value


def shown(declared: Mapping[str, Json], values: Values) -> list[dict[str, str]]:
    """Parameters as the API lists them; secret ones are masked."""
    return [
        {
            "ParameterKey": name,
            "ParameterValue": "****" if _truth(declared[name].get("NoEcho")) else value,
        }
        for name, value in values.items()
    ]


def described(declared: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Parameters as GetTemplateSummary and ValidateTemplate list them."""
    found = []
    for name, declaration in declared.items():
        entry: dict[str, Json] = {
            "ParameterKey": name,
            "NoEcho": _truth(declaration.get("NoEcho")),
        }
        if "Default" in declaration:
            entry["DefaultValue"] = text(declaration["Default"])
        if "Description" in declaration:
            entry["Description"] = declaration["Description"]
        found.append(entry)
    return found


def text(value: Json) -> str:
    """A scalar of a template as the text that CloudFormation makes of it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(text(item) for item in value)
    return str(value)


def _truth(value: Json) -> bool:
    return text(value) == "true"


def _check(name: str, declaration: Mapping[str, Json], value: str) -> None:
    def refuse(otherwise: str) -> ServiceError:
        said = declaration.get("ConstraintDescription")
        if said:
            return invalid(f"Parameter '{name}' failed to satisfy constraint: {said}")
        return invalid(f"Parameter '{name}' {otherwise}")

    if len(value.encode()) > VALUE_LIMIT:
        raise invalid(f"Parameter '{name}' must be at most {VALUE_LIMIT} bytes")
    many = declaration["Type"] in ("CommaDelimitedList", "List<Number>")
    for item in value_of(declaration, value) if many else [value]:
        if "Number" in declaration["Type"]:
            _check_number(name, declaration, item, refuse)
        if "AllowedValues" in declaration:
            allowed = [text(choice) for choice in declaration["AllowedValues"]]
            if item not in allowed:
                raise refuse("must be one of AllowedValues")
        pattern = declaration.get("AllowedPattern")
        if pattern is not None and not re.fullmatch(pattern, item, re.ASCII):
            raise refuse(f"must match pattern {pattern}")
    if "MinLength" in declaration and len(value) < int(declaration["MinLength"]):
        raise refuse(f"must contain at least {declaration['MinLength']} characters")
    if "MaxLength" in declaration and len(value) > int(declaration["MaxLength"]):
        raise refuse(f"must contain at most {declaration['MaxLength']} characters")


def _check_number(name: str, declaration: Mapping[str, Json], item: str, refuse: Any) -> None:
    try:
        number = float(item)
    except ValueError:
        raise invalid(f"Parameter '{name}' must be a number.") from None
    if "MinValue" in declaration and number < float(declaration["MinValue"]):
        raise refuse(f"must be a number not less than {declaration['MinValue']}")
    if "MaxValue" in declaration and number > float(declaration["MaxValue"]):
        raise refuse(f"must be a number not greater than {declaration['MaxValue']}")
