"""A second opinion on patterns: slow, short, and made from other parts than the matcher.

It does what the engine is known to do, one thing after the other: flatten the whole event into
(path, value, list elements), flatten the pattern, then try every choice of values for the paths
in sorted order, keeping the list elements committed to on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from ipaddress import ip_address, ip_network
from itertools import product

from generator.model import Json

Elements = dict[tuple[str | int, ...], int]
"""Which element a value stands in, of each list on its way; lists are known by their route."""

Flat = list[tuple[str, Json, Elements]]


def reference_matches(pattern: Mapping[str, Json], event: Mapping[str, Json]) -> bool:
    """Whether the event matches, by trying everything."""
    fields = list(_fields(event, (), (), {}))
    return any(
        _search(sorted(leaves.items(), key=lambda leaf: leaf[0].encode("utf-16-be")), fields, {})
        for leaves in expanded(pattern, "", [{}])
    )


def expanded(
    pattern: Mapping[str, Json], path: str, so_far: list[dict[str, Json]]
) -> list[dict[str, Json]]:
    """All conjunctions of a pattern, by recursion."""
    for name, inner in pattern.items():
        if name == "$or":
            so_far = [done for branch in inner for done in expanded(branch, path, so_far)]
        elif isinstance(inner, dict):
            so_far = expanded(inner, f"{path}{name}.", so_far)
        else:
            so_far = [{**leaves, path + name: inner} for leaves in so_far]
    return so_far


def _fields(
    value: Json, route: tuple[str | int, ...], names: tuple[str, ...], elements: Elements
) -> Iterator[tuple[str, Json, Elements]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _fields(inner, (*route, name), (*names, name), elements)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, (dict, list)):
                inside = {**elements, route: index}
                yield from _fields(inner, (*route, index), names, inside)
            else:
                yield ".".join(names), inner, elements
    else:
        yield ".".join(names), value, elements


def _search(leaves: list[tuple[str, Json]], fields: Flat, elements: Elements) -> bool:
    if not leaves:
        return True
    (path, alternatives), *rest = leaves
    here = [
        (value, inside)
        for name, value, inside in fields
        if name == path
        and all(elements.get(route, index) == index for route, index in inside.items())
    ]
    if {"exists": False} in alternatives and not here and _search(rest, fields, elements):
        return True
    return any(
        any(_holds(one, value) for one in alternatives)
        and _search(rest, fields, {**elements, **inside})
        for value, inside in here
    )


def _holds(alternative: Json, value: Json) -> bool:
    if not isinstance(alternative, dict):
        if isinstance(alternative, str) and isinstance(value, str) and _is_ip(alternative):
            return _is_ip(value) and ip_address(alternative) == ip_address(value)
        return _same(alternative, value)
    ((operator, operand),) = alternative.items()
    if operator == "exists":
        return bool(operand)
    if operator == "numeric":
        return _number(value) is not None and all(
            _compared(comparison, _number(value), _number(bound))
            for comparison, bound in zip(operand[::2], operand[1::2], strict=True)
        )
    if operator == "cidr":
        network = ip_network(operand, strict=False)
        return (
            isinstance(value, str)
            and _is_ip(value)
            and ip_address(value).version == network.version
            and ip_address(value) in network
        )
    if operator == "anything-but":
        inner, but = ("exactly", operand)
        if isinstance(operand, dict):
            ((inner, but),) = operand.items()
        return not any(
            _same(one, value) if inner == "exactly" else _holds({inner: one}, value)
            for one in (but if isinstance(but, list) else [but])
        )
    return (
        isinstance(value, str) and re.fullmatch(_expression(operator, operand), value) is not None
    )


def _expression(operator: str, operand: Json) -> str:
    """The text operators as regular expressions; `(?s:.)` also takes line breaks."""
    if isinstance(operand, dict):
        text = _expression("equals-ignore-case", operand["equals-ignore-case"])
    elif operator == "equals-ignore-case":
        text = "".join(
            f"(?:{re.escape(letter.lower())}|{re.escape(letter.upper())})" for letter in operand
        )
    elif operator == "wildcard":
        parts = re.findall(r"\\.|[^\\]", operand, re.DOTALL)
        text = "".join("(?s:.)*" if part == "*" else re.escape(part[-1]) for part in parts)
    else:
        text = re.escape(operand)
    before = "(?s:.)*" if operator == "suffix" else ""
    after = "(?s:.)*" if operator == "prefix" else ""
    return before + text + after


def _same(one: Json, other: Json) -> bool:
    if isinstance(one, bool) or one is None or isinstance(other, bool) or other is None:
        return one is other
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str) and one == other
    if _number(one) is not None and _number(other) is not None:
        return _number(one) == _number(other)
    return repr(one) == repr(other)


def _number(value: Json) -> Decimal | None:
    """The number, unless going through a double would change it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    exact = Decimal(repr(value))
    return exact if exact == Decimal(repr(float(value))) else None


def _compared(comparison: str, one: Decimal | None, other: Decimal | None) -> bool:
    assert one is not None
    assert other is not None
    return {
        "=": one == other,
        "<": one < other,
        "<=": one <= other,
        ">": one > other,
        ">=": one >= other,
    }[comparison]


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def spellings(names: list[str]) -> Iterator[list[str]]:
    """Every way to write a path as nested names, some of them joined by dots."""
    for joints in product((False, True), repeat=len(names) - 1):
        steps = [names[0]]
        for joined, name in zip(joints, names[1:], strict=True):
            if joined:
                steps[-1] += "." + name
            else:
                steps.append(name)
        yield steps
