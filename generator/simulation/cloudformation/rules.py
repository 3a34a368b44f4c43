"""The Rules of a template: assertions about its parameters, checked before anything is made.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from __future__ import annotations

from collections.abc import Mapping

from generator.model import Json

from .intrinsics import PSEUDO_PARAMETERS, comparable
from .refusals import invalid, malformed


def check(rules: Mapping[str, Json], values: Mapping[str, Json]) -> None:
    """Refuses parameters that break a rule, with the description of the assertion.

    `values` are those of parameters and pseudo parameters.
    """
    for name, rule in rules.items():
        if "RuleCondition" in rule and not _truth(rule["RuleCondition"], values):
            continue
        if not rule.get("Assertions"):
            raise malformed(f"the rule {name} has no Assertions")
        for assertion in rule["Assertions"]:
            if not _truth(assertion["Assert"], values):
                said = assertion.get("AssertDescription", "an assertion of it is false")
                raise invalid(f"Rule {name}: {said}")


def _truth(value: Json, values: Mapping[str, Json]) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        raise malformed(f"an assertion must be a function that is true or false, not {value}")
    name, operands = next(iter(value.items()))
    if name == "Fn::And":
        return all(_truth(operand, values) for operand in operands)
    if name == "Fn::Or":
        return any(_truth(operand, values) for operand in operands)
    if name == "Fn::Not":
        return not _truth(operands[0], values)
    if name not in ("Fn::Equals", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"):
        raise malformed(f"{name} in Rules cannot be used here, or is not simulated")
    left, right = (_value(operand, values) for operand in operands)
    if name == "Fn::Equals":
        return bool(left == right)
    if name == "Fn::Contains":
        return right in left
    if name == "Fn::EachMemberEquals":
        return all(item == right for item in left)
    return all(item in right for item in left)


def _value(value: Json, values: Mapping[str, Json]) -> Json:
    if isinstance(value, list):
        return [_value(item, values) for item in value]
    if isinstance(value, dict):
        name = value.get("Ref")
        if len(value) != 1 or not isinstance(name, str) or name not in values:
            known = f"parameters and {', '.join(PSEUDO_PARAMETERS)}"
            raise malformed(f"rules know texts, lists and Ref to {known}, not {value}")
        return comparable(values[name])
    return comparable(value)
