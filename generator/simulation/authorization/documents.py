"""Policy documents: JSON read into statements, completely or not at all.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html

Whatever we do not understand raises `UnreadablePolicy`: a test that passes on a policy nobody read
proves nothing. Where the documentation leaves a form to each service, we refuse it too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from . import variables
from .conditions import Condition, condition
from .principals import Named, Principals, named_fault
from .variables import Template, Variable
from .wildcards import Pieces, Wild, fenced, folded, pieces

Document = str | Mapping[str, Any]
"""A policy as JSON text, or as the value of such text."""

PolicyKind = Literal["identity", "resource", "trust"]
Effect = Literal["Allow", "Deny"]


class UnreadablePolicy(ValueError):
    """A policy that we do not understand: where, and what is wrong there."""

    def __init__(self, place: str, fault: str) -> None:
        self.place = place
        self.fault = fault
        super().__init__(f"{place}: {fault}")


@dataclass(frozen=True, slots=True)
class Actions:
    """The Action element of a statement, or its NotAction element (`negated`)."""

    patterns: tuple[Pieces, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """One entry of a Resource element; `pattern` is None when variables decide it."""

    template: Template
    pattern: Pieces | None


@dataclass(frozen=True, slots=True)
class Resources:
    """The Resource element of a statement, or its NotResource element (`negated`)."""

    entries: tuple[Resource, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. Without `resources` it is about the resource that the policy belongs to."""

    name: str
    effect: Effect
    actions: Actions
    resources: Resources | None = None
    principals: Principals | None = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. `place` is how a person calls it: "the policy of bus trailbus"."""

    place: str
    kind: PolicyKind
    statements: tuple[Statement, ...]


def identity_policy(document: Document, place: str) -> Policy:
    """A policy of a role or user, a permissions boundary, or a service control policy."""
    return _policy(document, place, "identity")


def resource_policy(document: Document, place: str) -> Policy:
    """A policy of a bus, queue, topic, key, bucket or function."""
    return _policy(document, place, "resource")


def trust_policy(document: Document, place: str) -> Policy:
    """A policy that says who may assume a role."""
    return _policy(document, place, "trust")


def _policy(document: Document, place: str, kind: PolicyKind) -> Policy:
    content = _content(document, place)
    _only(content, {"Version", "Id", "Statement"}, place)
    version = content.get("Version", "2008-10-17")
    if version not in ("2008-10-17", "2012-10-17"):
        raise UnreadablePolicy(place, "Version is neither 2012-10-17 nor 2008-10-17")
    if not isinstance(content.get("Id", ""), str):
        raise UnreadablePolicy(place, "Id is not text")
    listed = content.get("Statement")
    if isinstance(listed, Mapping):
        listed = [listed]
    if not isinstance(listed, list) or not listed:
        raise UnreadablePolicy(place, "Statement is neither a statement nor a list of them")
    statements = tuple(
        _statement(statement, place, number, kind, has_variables=version == "2012-10-17")
        for number, statement in enumerate(listed, start=1)
    )
    sids = [statement["Sid"] for statement in listed if statement.get("Sid")]
    for sid in sids:
        if sids.count(sid) > 1:
            raise UnreadablePolicy(place, f"two statements have the Sid {sid!r}")
    return Policy(place, kind, statements)


def _content(document: Document, place: str) -> Mapping[str, Any]:
    content: Any = document
    if isinstance(document, str):
        try:
            content = json.loads(
                document, object_pairs_hook=_without_repeats, parse_constant=_no_constant
            )
        except RecursionError:
            raise UnreadablePolicy(place, "is nested too deeply") from None
        except ValueError as error:
            raise UnreadablePolicy(place, f"is not JSON: {error}") from None
    if not isinstance(content, Mapping):
        raise UnreadablePolicy(place, "is not a JSON object")
    return content


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("an element is there twice")
    return content


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not of JSON")


def _statement(
    content: object, policy: str, number: int, kind: PolicyKind, *, has_variables: bool
) -> Statement:
    place = f"{policy}, statement {number}"
    if not isinstance(content, Mapping):
        raise UnreadablePolicy(place, "is not a JSON object")
    sid = content.get("Sid", "")
    if not isinstance(sid, str):
        raise UnreadablePolicy(place, "Sid is not text")
    if sid:
        place = f"{place} ({sid})"
    _only(content, _ELEMENTS[kind], place)
    if content.get("Effect") not in ("Allow", "Deny"):
        raise UnreadablePolicy(place, "Effect is neither Allow nor Deny")
    principals = None
    if kind != "identity":
        element = _either(content, "Principal", place)
        principals = _principals(content[element], element, f"{place}, {element}")
    resources = None
    # In a resource policy without this element the resource is the policy's own:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html
    if kind == "identity" or "Resource" in content or "NotResource" in content:
        element = _either(content, "Resource", place)
        resources = _resources(content[element], element, f"{place}, {element}", has_variables)
    element = _either(content, "Action", place)
    return Statement(
        name=sid or f"statement {number}",
        effect="Allow" if content["Effect"] == "Allow" else "Deny",
        actions=_actions(content[element], element, f"{place}, {element}"),
        resources=resources,
        principals=principals,
        conditions=_conditions(content.get("Condition", {}), place, has_variables),
    )


_ANYWHERE = {"Sid", "Effect", "Action", "NotAction", "Condition"}
_ELEMENTS: Mapping[PolicyKind, set[str]] = {
    "identity": _ANYWHERE | {"Resource", "NotResource"},
    "resource": _ANYWHERE | {"Resource", "NotResource", "Principal", "NotPrincipal"},
    "trust": _ANYWHERE | {"Principal", "NotPrincipal"},
}


def _only(content: Mapping[str, Any], known: set[str], place: str) -> None:
    for element in content:
        if element not in known:
            raise UnreadablePolicy(place, f"element {element!r} does not belong here")


def _either(content: Mapping[str, Any], element: str, place: str) -> str:
    present = [name for name in (element, f"Not{element}") if name in content]
    if len(present) != 1:
        raise UnreadablePolicy(place, f"needs either {element} or Not{element}")
    return present[0]


# A service and a name, the name perhaps with wildcards: events:Put*
_ACTION = re.compile(r"\*|[a-z0-9-]+:[a-z0-9*?]+", re.ASCII | re.IGNORECASE)


def _actions(content: object, element: str, place: str) -> Actions:
    texts = _texts(content, place)
    for text in texts:
        if not _ACTION.fullmatch(text):
            raise UnreadablePolicy(place, f"{text!r} is no action; write service:Name")
    patterns = tuple(folded(pieces(text)) for text in texts)
    return Actions(patterns, negated=element == "NotAction")


def _resources(content: object, element: str, place: str, has_variables: bool) -> Resources:
    texts = _texts(content, place)
    with _placed(place):
        entries = tuple(_resource(text, has_variables) for text in texts)
    return Resources(entries, negated=element == "NotResource")


def _resource(text: str, has_variables: bool) -> Resource:
    template = variables.read(text, variables=has_variables)
    if text != "*":
        _check_arn(text, template)
    if template.has_variables:
        return Resource(template, None)
    pattern = tuple(part for part in template.parts if not isinstance(part, Variable))
    return Resource(template, resource_pattern(pattern))


def resource_pattern(pattern: Pieces) -> Pieces:
    """The pattern as a Resource element means it; a lone star is every resource."""
    return pattern if pattern == (Wild.RUN,) else fenced(pattern, trailing_run_crosses=True)


def _check_arn(text: str, template: Template) -> None:
    parts = text.split(":", 5)
    if parts[0] != "arn" or (len(parts) < 6 and not text.endswith("*")):
        raise ValueError(f"{text!r} is neither an ARN nor '*'")
    if len(parts) > 2 and re.search(r"[*?]", parts[2]):
        raise ValueError(f"{text!r} has a wildcard in place of its service")
    colons = 0
    for part in template.parts:
        if isinstance(part, Variable) and colons < 5:
            raise ValueError(f"{text!r} has a variable before its fifth colon")
        if isinstance(part, str):
            colons += part.count(":")


def _principals(content: object, element: str, place: str) -> Principals:
    negated = element == "NotPrincipal"
    if content == "*":
        return Principals((Named("AWS", "*"),), negated)
    if not isinstance(content, Mapping) or not content:
        raise UnreadablePolicy(place, "is neither '*' nor an object with AWS, Service or such")
    found: list[Named] = []
    for type_, values in content.items():
        if type_ not in ("AWS", "Service", "Federated", "CanonicalUser"):
            raise UnreadablePolicy(place, f"there is no type of principal {type_!r}")
        for value in _texts(values, f"{place}, {type_}"):
            named = Named(type_, value)
            fault = named_fault(named)
            if fault:
                raise UnreadablePolicy(place, fault)
            found.append(named)
    return Principals(tuple(found), negated)


def _conditions(content: object, place: str, has_variables: bool) -> tuple[Condition, ...]:
    place = f"{place}, Condition"
    if not isinstance(content, Mapping):
        raise UnreadablePolicy(place, "is not a JSON object")
    found: list[Condition] = []
    for operator, keys in content.items():
        inside = f"{place}, {operator}"
        if not isinstance(operator, str) or not isinstance(keys, Mapping) or not keys:
            raise UnreadablePolicy(inside, "is not an object of keys and values")
        for key, given in keys.items():
            if not isinstance(key, str):
                raise UnreadablePolicy(inside, "has a key that is not text")
            values = _scalars(given, f"{inside}, {key}")
            with _placed(inside):
                found.append(condition(operator, key, values, has_variables=has_variables))
    return tuple(found)


@contextmanager
def _placed(place: str) -> Iterator[None]:
    """Tells where it was that something could not be read."""
    try:
        yield
    except ValueError as fault:
        raise UnreadablePolicy(place, str(fault)) from None


def _texts(content: object, place: str) -> tuple[str, ...]:
    texts = content if isinstance(content, list) else [content]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise UnreadablePolicy(place, "is neither text nor a list of texts")
    return tuple(texts)


def _scalars(content: object, place: str) -> tuple[str, ...]:
    values = content if isinstance(content, list) else [content]
    if not values:
        raise UnreadablePolicy(place, "has no value")
    return tuple(_scalar(value, place) for value in values)


def _scalar(value: object, place: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and (isinstance(value, int) or math.isfinite(value)):
        try:
            return str(value)
        except ValueError:  # Python refuses to write integers of many thousand digits
            raise UnreadablePolicy(place, "has a number that is too long") from None
    raise UnreadablePolicy(place, "has a value that is neither text, a number nor a Boolean")
