"""Functions in templates: evaluated once as far as they depend on nothing but the parameters.

One template is deployed to hundreds of accounts and Regions. `reduced` evaluates what is the same
in all of them; what an account, a Region or another resource decides stays behind as a `Later`,
which every deployment computes for itself. Values are never changed in place: deployments share
them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from generator.model import Json

from .parameters import text
from .refusals import broken, malformed

PSEUDO_PARAMETERS = (
    "AWS::AccountId",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
)


class Made(Protocol):
    """A resource as Ref and Fn::GetAtt see it."""

    @property
    def physical_id(self) -> str: ...

    @property
    def attributes(self) -> Mapping[str, Json]: ...


@dataclass
class Cell:
    """What one deployment knows: its pseudo parameters, and the resources that it has made."""

    pseudo: Mapping[str, Json]
    made: Mapping[str, Made]


class Later:
    """A value that each deployment has to compute for itself."""

    __slots__ = ("compute",)

    def __init__(self, compute: Callable[[Cell], Json]) -> None:
        self.compute = compute


class _NoValue:
    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE: Any = _NoValue()
"""What Ref AWS::NoValue gives: the property or element around it is left out."""


@dataclass
class Scope:
    """What a template's functions may speak of."""

    parameters: Mapping[str, Json]
    mappings: Mapping[str, Json] = field(default_factory=dict)
    conditions: Mapping[str, Json] = field(default_factory=dict)
    resources: frozenset[str] = frozenset()
    _known: dict[str, Any] = field(default_factory=dict)

    def condition(self, name: Json) -> bool | Later:
        """Whether a condition holds, as far as the parameters say."""
        if not isinstance(name, str) or name not in self.conditions:
            raise malformed(f"Unresolved condition dependency {name} in the Conditions block")
        if name not in self._known:
            self._known[name] = None
            # Conditions see no resources.
            inner = Scope(self.parameters, self.mappings, self.conditions, _known=self._known)
            self._known[name] = condition(self.conditions[name], inner)
        known = self._known[name]
        if known is None:
            raise malformed(f"Circular dependency in the condition {name}")
        found: bool | Later = known
        return found


def computed(value: Json | Later, cell: Cell) -> Json:
    """The final value of something reduced."""
    return value.compute(cell) if type(value) is Later else value


def reduced(value: Json, scope: Scope) -> Any:
    """The value with its functions evaluated, or a Later; NO_VALUE when it is to be left out."""
    if isinstance(value, dict):
        name = next(iter(value), "")
        if len(value) == 1 and (name == "Ref" or str(name).startswith("Fn::")):
            return _function(str(name), value[name], scope)
        return _mapping(value, scope)
    if isinstance(value, list):
        return _sequence(value, scope)
    return value


def _function(name: str, argument: Json, scope: Scope) -> Any:
    if name == "Ref":
        return _ref(argument, scope)
    if name in _LAZY:
        return _LAZY[name](argument, scope)
    if name not in _EAGER:
        raise broken(f"{name} cannot be used here, or is not simulated")
    return _applied(reduced(argument, scope), _EAGER[name])


def _applied(operands: Any, function: Callable[[Any], Json]) -> Any:
    if type(operands) is Later:
        return Later(lambda cell: function(operands.compute(cell)))
    return function(operands)


def _mapping(value: Mapping[Any, Json], scope: Scope) -> Any:
    items: dict[str, Any] = {}
    late = []
    for key, item in value.items():
        key = text(key)
        if key.startswith("Fn::"):
            raise malformed(f"{key} must stand alone in its object")
        found = reduced(item, scope)
        if found is NO_VALUE:
            continue
        items[key] = found
        if type(found) is Later:
            late.append((key, found.compute))
    if not late:
        return items

    def compute(cell: Cell) -> Json:
        made = items.copy()
        for key, later in late:
            found = later(cell)
            if found is NO_VALUE:
                del made[key]
            else:
                made[key] = found
        return made

    return Later(compute)


def _sequence(value: Sequence[Json], scope: Scope) -> Any:
    items = [found for item in value if (found := reduced(item, scope)) is not NO_VALUE]
    if not any(type(item) is Later for item in items):
        return items

    def compute(cell: Cell) -> Json:
        made = (item.compute(cell) if type(item) is Later else item for item in items)
        return [item for item in made if item is not NO_VALUE]

    return Later(compute)


# --- Functions whose operands are names, or are evaluated only when they are needed


def _ref(name: Json, scope: Scope) -> Any:
    if name == "AWS::NoValue":
        return NO_VALUE
    if name in PSEUDO_PARAMETERS:
        return Later(lambda cell: cell.pseudo[name])
    if name in scope.parameters:
        return scope.parameters[name]
    if name in scope.resources:
        return Later(lambda cell: _made(cell, name).physical_id)
    raise malformed(f"Unresolved resource dependencies [{name}] in the template")


def _get_att(argument: Json, scope: Scope) -> Any:
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    if not isinstance(argument, list) or len(argument) != 2 or argument[0] not in scope.resources:
        raise malformed(f"Fn::GetAtt {argument} names no resource of the template and attribute")
    logical_id, attribute = argument
    if not isinstance(attribute, str):
        raise broken("an attribute in Fn::GetAtt that is no plain name is not simulated")
    return Later(lambda cell: _attribute(cell, logical_id, attribute))


def _made(cell: Cell, logical_id: str) -> Made:
    if logical_id not in cell.made:
        raise malformed(f"Unresolved resource dependencies [{logical_id}] in the template")
    return cell.made[logical_id]


def _attribute(cell: Cell, logical_id: str, attribute: str) -> Json:
    attributes = _made(cell, logical_id).attributes
    if attribute not in attributes:
        raise broken(
            f"resource {logical_id} does not support attribute type {attribute} in Fn::GetAtt"
        )
    return attributes[attribute]


VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")


def _sub(argument: Json, scope: Scope) -> Any:
    pattern, own = (argument, {}) if isinstance(argument, str) else _two(argument, "Fn::Sub")
    if not isinstance(pattern, str) or not isinstance(own, dict):
        raise broken("every Fn::Sub object must be a string or a list of a string and a map")
    local = {name: reduced(value, scope) for name, value in own.items()}
    pieces: list[Any] = []
    end = 0
    for match in VARIABLE.finditer(pattern):
        pieces.append(pattern[end : match.start()])
        pieces.append(_variable(match, local, scope))
        end = match.end()
    pieces.append(pattern[end:])
    if any(type(piece) is Later for piece in pieces):
        return Later(lambda cell: "".join(_plain(computed(p, cell), pattern) for p in pieces))
    return "".join(_plain(piece, pattern) for piece in pieces)


def _variable(match: re.Match[str], local: Mapping[str, Any], scope: Scope) -> Any:
    literal, name = match[1], match[2].strip()
    if literal:
        return f"${{{match[2]}}}"
    if name in local:
        return local[name]
    if "." in name and name not in scope.parameters:
        return _get_att(name, scope)
    return _ref(name, scope)


def _plain(value: Json, pattern: str) -> str:
    if value is NO_VALUE or isinstance(value, (list, dict)):
        raise broken(f"a variable in the Fn::Sub expression {pattern} is no string")
    return text(value)


def _if(argument: Json, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 3:
        raise broken("Fn::If requires a list argument with three elements")
    holds = scope.condition(argument[0])
    if type(holds) is not Later:
        return reduced(argument[1] if holds else argument[2], scope)
    yes, no = reduced(argument[1], scope), reduced(argument[2], scope)
    return Later(lambda cell: computed(yes if holds.compute(cell) else no, cell))


def _find_in_map(argument: Json, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 3:
        raise broken("Fn::FindInMap requires a list argument with three elements")

    def find(operands: Json) -> Json:
        found: Json = scope.mappings
        for key in operands:
            if not isinstance(found, dict) or text(key) not in found:
                raise broken(f"Unable to get mapping for {'::'.join(text(o) for o in operands)}")
            found = found[text(key)]
        return found

    return _applied(reduced(argument, scope), find)


# --- Functions of values


def _join(operands: Json) -> str:
    separator, values = _two(operands, "Fn::Join")
    if not isinstance(separator, str) or not isinstance(values, list):
        raise broken("every Fn::Join object requires two parameters, a string and a list")
    if any(isinstance(value, (list, dict)) for value in values):
        raise broken("every value of a Fn::Join list must be a string")
    return separator.join(text(value) for value in values)


def _select(operands: Json) -> Json:
    index, values = _two(operands, "Fn::Select")
    if not text(index).isdigit() or not isinstance(values, list):
        raise broken("Fn::Select requires an index and a list")
    if int(index) >= len(values):
        raise broken(f"Fn::Select cannot select nonexistent value at index {index}")
    return values[int(index)]


def _split(operands: Json) -> list[str]:
    separator, value = _two(operands, "Fn::Split")
    if not isinstance(separator, str) or not separator or not isinstance(value, str):
        raise broken("every Fn::Split object requires two parameters, both strings")
    return value.split(separator)


def _base64(operand: Json) -> str:
    if not isinstance(operand, str):
        raise broken("every Fn::Base64 object must have a String-typed value")
    return base64.b64encode(operand.encode()).decode()


def _two(operands: Json, name: str) -> tuple[Any, Any]:
    if not isinstance(operands, list) or len(operands) != 2:
        raise broken(f"{name} requires a list argument with two elements")
    return operands[0], operands[1]


_LAZY: dict[str, Callable[[Json, Scope], Any]] = {
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Sub": _sub,
}
_EAGER: dict[str, Callable[[Json], Json]] = {
    "Fn::Base64": _base64,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
}


# --- Conditions


def condition(value: Json, scope: Scope) -> Any:
    """Whether a condition holds: a truth value, or a Later that gives one."""
    if isinstance(value, dict) and len(value) == 1:
        name, argument = next(iter(value.items()))
        if name == "Condition":
            return scope.condition(argument)
        if name == "Fn::Equals":
            return _applied(reduced(argument, scope), _equals)
        if name in ("Fn::And", "Fn::Or", "Fn::Not"):
            return _applied(_all(argument, name, scope), _TRUTHS[name])
    raise broken(f"every condition must be a boolean function, not {value}")


def _all(argument: Json, name: str, scope: Scope) -> Any:
    least, most = (1, 1) if name == "Fn::Not" else (2, 10)
    if not isinstance(argument, list) or not least <= len(argument) <= most:
        raise malformed(f"{name} takes {least} to {most} conditions")
    parts = [condition(item, scope) for item in argument]
    if any(type(part) is Later for part in parts):
        return Later(lambda cell: [computed(part, cell) for part in parts])
    return parts


def _equals(operands: Json) -> bool:
    left, right = _two(operands, "Fn::Equals")
    return bool(comparable(left) == comparable(right))


def comparable(value: Json) -> Json:
    """CloudFormation compares text with text: 1 and "1" are equal."""
    return [text(item) for item in value] if isinstance(value, list) else text(value)


_TRUTHS: dict[str, Callable[[Any], bool]] = {
    "Fn::And": all,
    "Fn::Or": any,
    "Fn::Not": lambda parts: not parts[0],
}
