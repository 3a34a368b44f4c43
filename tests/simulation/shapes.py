"""Asks a simulated service as botocore would, and holds each answer against botocore's model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol

import botocore.session
from botocore.validate import ParamValidator

from generator.simulation.world import ServiceError

COMMON_ERRORS = {
    "AccessDeniedException",
    "InsufficientCapabilitiesException",
    "InvalidAction",
    "ValidationError",
}
"""Errors that operations answer with though the model does not list them; that StackSets want
their capabilities, too, is written at their Capabilities.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStackSet.html"""

BEYOND_THE_MODEL = {
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
}
"""Statuses of stacks that their events have too, though the model of events does not list them.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"""

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "double": float,
    "integer": int,
    "timestamp": datetime,
    "map": dict,
}


@dataclass(frozen=True)
class Caller:
    """Who makes a call."""

    account: str


class Service(Protocol):
    """A simulated service."""

    def call(
        self, operation: str, parameters: Any, caller: Caller, region: str
    ) -> dict[str, Any]: ...


@cache
def model(service: str) -> Any:
    """botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def asked(
    service: Service, name: str, account: str, region: str, operation: str, **request: Any
) -> dict[str, Any]:
    """The checked answer to a checked request. ServiceErrors pass, if the model knows them."""
    shape = model(name).operation_model(operation)
    tokens = {
        member: f"token-{operation}-{_number()}"
        for member in shape.idempotent_members
        if member not in request
    }
    request = {**tokens, **request}
    if shape.input_shape:
        report = ParamValidator().validate(request, shape.input_shape)
        assert not report.has_errors(), report.generate_report()
    else:
        assert not request
    try:
        answer = service.call(operation, request, Caller(account), region)
    except ServiceError as error:
        known = {_code(each) for each in shape.error_shapes} | COMMON_ERRORS
        if error.code not in known:
            problem = f"{operation} answers no {error.code}, but {sorted(known)}"
            raise AssertionError(problem) from error
        raise
    problems = list(_problems(answer, shape.output_shape, operation))
    assert not problems, problems
    return answer


_counter = iter(range(1, 10**9))


def _number() -> int:
    return next(_counter)


def _code(shape: Any) -> str:
    return str(shape.metadata.get("error", {}).get("code") or shape.name)


def _problems(value: Any, shape: Any, place: str) -> Iterator[str]:
    """What in an answer the model does not know."""
    if shape is None:
        if value:
            yield f"{place}: an answer where none is expected: {value}"
    elif shape.type_name == "structure":
        if not isinstance(value, dict):
            yield f"{place}: {value!r} is no structure"
            return
        for member in shape.required_members:
            if member not in value:
                yield f"{place}: {member} is missing"
        for key, item in value.items():
            if key not in shape.members:
                yield f"{place}: there is no {key}"
            else:
                yield from _problems(item, shape.members[key], f"{place}.{key}")
    elif shape.type_name == "list":
        if not isinstance(value, list):
            yield f"{place}: {value!r} is no list"
            return
        for number, item in enumerate(value):
            yield from _problems(item, shape.member, f"{place}[{number}]")
    else:
        yield from _scalar_problems(value, shape, place)


def _scalar_problems(value: Any, shape: Any, place: str) -> Iterator[str]:
    kind = _TYPES[shape.type_name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        yield f"{place}: {value!r} is no {shape.type_name}"
        return
    if not isinstance(value, str):
        return
    if shape.enum and value not in {*shape.enum, *BEYOND_THE_MODEL}:
        yield f"{place}: {value!r} is none of {shape.enum}"
    if len(value) < shape.metadata.get("min", 0):
        yield f"{place}: {value!r} is too short"
    if len(value) > shape.metadata.get("max", 10**9):
        yield f"{place}: {len(value)} characters are too long"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.search(pattern, value):
        yield f"{place}: {value!r} is not of the form {pattern}"
