"""Commands of AWS's CLI as its parser would take them, held against botocore's own models.

https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-shorthand.html
"""

from __future__ import annotations

import re
import shlex
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import ListShape, Shape, StructureShape
from botocore.validate import ParamValidator

GLOBAL = {"region", "profile", "output"}


def commands(text: str) -> list[str]:
    """The commands that a message tells people to run."""
    return re.findall(r"\baws [a-z0-9]+ [a-z-]+(?: (?:--?[a-z-]+|[^ ;()]+))*", text)


def request(command: str) -> tuple[str, dict[str, Any]]:
    """The operation and the request of a command; AssertionError when it cannot be run so."""
    program, service, operation, *words = shlex.split(command)
    assert program == "aws"
    model = botocore.session.get_session().get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in names, f"{service} has no {operation}"
    shape = model.operation_model(names[operation]).input_shape
    members: dict[str, tuple[str, Shape]] = (
        {xform_name(name, "-"): (name, one) for name, one in shape.members.items()} if shape else {}
    )
    given: dict[str, Any] = {}
    while words:
        option = words.pop(0).removeprefix("--")
        values = []
        while words and not words[0].startswith("--"):
            values.append(words.pop(0))
        if option in GLOBAL:
            assert len(values) == 1
            continue
        off = option.removeprefix("no-")
        if off in members and members[off][1].type_name == "boolean":
            assert not values
            given[members[off][0]] = off == option
            continue
        assert option in members, f"{operation} has no --{option}"
        name, one = members[option]
        given[name] = _value(one, values)
    gaps = [word for word in _texts(given) if re.search(r"<|\bYOUR\b|\.\.\.", word)]
    assert not gaps, f"to be filled in: {gaps}"
    if shape:
        report = ParamValidator().validate(given, shape)
        assert not report.has_errors(), report.generate_report()
    return names[operation], given


def _value(shape: Shape, values: list[str]) -> Any:
    if isinstance(shape, ListShape):
        return values
    [value] = values
    if not isinstance(shape, StructureShape):
        return value
    found: dict[str, Any] = {}
    key = ""
    for part in value.split(","):
        name, equals, rest = part.partition("=")
        if equals:
            assert name in shape.members, f"no member {name}"
            key = name
        listed = isinstance(shape.members[key], ListShape)
        found[key] = [*found.get(key, []), rest or part] if listed else rest
    return found


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [str(value)]
