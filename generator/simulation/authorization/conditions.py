"""Conditions: what a statement wants the keys of a request to be.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html

A key that the request does not carry makes a condition false. There are five exceptions: a negated
operator is true, `...IfExists` is true, `ForAllValues:` is true, `ForAnyValue:` is false even when
negated, and `Null` asks just that. For `ForAnyValue:...IfExists` AWS documents both answers, and
for a key with several values under an operator without `ForAllValues:` or `ForAnyValue:` it
documents none; there we raise `Undocumented` instead of guessing.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from fractions import Fraction
from typing import Literal, Protocol

from . import variables
from .context import Context, Value, key_fault, shown
from .variables import Template, Undocumented
from .wildcards import Pieces, fenced, folded, matches

Order = Literal["=", "<", "<=", ">", ">="]


class Wanted(Protocol):
    """One value of a condition, read."""

    def accepts(self, value: Value, context: Context) -> bool:
        """Whether a value of the request is what is wanted, before any negation."""

    def shown(self, context: Context) -> str:
        """The wanted value as a person reads it."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text, perhaps with wildcards, perhaps in any case."""

    template: Template
    any_case: bool = False

    def accepts(self, value: Value, context: Context) -> bool:
        pattern = self.template.resolved(context)
        if pattern is None:
            return False
        if self.any_case:
            return matches(folded(pattern), _text(value).casefold())
        return matches(pattern, _text(value))

    def shown(self, context: Context) -> str:
        return self.template.shown(context)


@dataclass(frozen=True, slots=True)
class Arn:
    """An ARN whose six parts are compared one by one, each perhaps with wildcards."""

    template: Template

    def accepts(self, value: Value, context: Context) -> bool:
        pattern = self.template.resolved(context)
        if pattern is None or _colons(pattern) < _ARN_COLONS:
            return False
        return matches(fenced(pattern, trailing_run_crosses=False), _text(value))

    def shown(self, context: Context) -> str:
        return self.template.shown(context)


@dataclass(frozen=True, slots=True)
class Number:
    """A number that the value must equal, fall below or exceed."""

    order: Order
    number: Fraction
    text: str

    def accepts(self, value: Value, context: Context) -> bool:
        there = _fraction(_text(value))
        return there is not None and _in_order(self.order, there, self.number)

    def shown(self, context: Context) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time that the value must equal, precede or follow."""

    order: Order
    seconds: Fraction
    text: str

    def accepts(self, value: Value, context: Context) -> bool:
        there = _seconds(_text(value))
        return there is not None and _in_order(self.order, there, self.seconds)

    def shown(self, context: Context) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    flag: bool

    def accepts(self, value: Value, context: Context) -> bool:
        return _text(value).lower() == self.shown(context)

    def shown(self, context: Context) -> str:
        return "true" if self.flag else "false"


@dataclass(frozen=True, slots=True)
class Binary:
    """Bytes, compared one by one."""

    data: bytes

    def accepts(self, value: Value, context: Context) -> bool:
        return (
            value if isinstance(value, bytes) else value.encode(errors="surrogatepass")
        ) == self.data

    def shown(self, context: Context) -> str:
        return shown((self.data,))


@dataclass(frozen=True, slots=True)
class Network:
    """A range of IP addresses."""

    network: ipaddress.IPv4Network | ipaddress.IPv6Network

    def accepts(self, value: Value, context: Context) -> bool:
        try:
            return ipaddress.ip_address(_text(value)) in self.network
        except ValueError:
            return False

    def shown(self, context: Context) -> str:
        return str(self.network)


@dataclass(frozen=True, slots=True)
class Operator:
    """How a condition operator reads its values, and how it is told to a person."""

    read: Callable[[str, bool], Wanted]
    negated: bool = False
    words: str = ""


def _exact(text: str, has_variables: bool) -> Text:
    return Text(variables.read(text, variables=has_variables, wildcards=False))


def _exact_in_any_case(text: str, has_variables: bool) -> Text:
    return Text(variables.read(text, variables=has_variables, wildcards=False), any_case=True)


def _like(text: str, has_variables: bool) -> Text:
    return Text(variables.read(text, variables=has_variables))


def _arn(text: str, has_variables: bool) -> Arn:
    template = variables.read(text, variables=has_variables)
    if not template.has_variables and text.count(":") < _ARN_COLONS:
        raise ValueError(f"{text!r} is no ARN; an ARN operator compares six parts")
    return Arn(template)


def _number(order: Order) -> Callable[[str, bool], Number]:
    def read(text: str, _has_variables: bool) -> Number:
        number = _fraction(text)
        if number is None:
            raise ValueError(f"{text!r} is no number")
        return Number(order, number, text)

    return read


def _moment(order: Order) -> Callable[[str, bool], Moment]:
    def read(text: str, _has_variables: bool) -> Moment:
        seconds = _seconds(text)
        if seconds is None:
            raise ValueError(
                f"{text!r} is no date; write it like 2026-01-31T23:59:59Z or in epoch seconds"
            )
        return Moment(order, seconds, text)

    return read


def _flag(text: str, _has_variables: bool) -> Flag:
    # AWS's pages disagree whether a variable may stand here, so one is refused.
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return Flag(text.lower() == "true")


def _binary(text: str, _has_variables: bool) -> Binary:
    try:
        return Binary(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise ValueError(f"{text!r} is not in base64") from None


def _network(text: str, _has_variables: bool) -> Network:
    if not re.fullmatch(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?", text):
        raise ValueError(f"{text!r} is no IP address or range")
    try:
        return Network(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError(f"{text!r} is no IP address or range") from None


OPERATORS: Mapping[str, Operator] = {
    "StringEquals": Operator(_exact),
    "StringNotEquals": Operator(_exact, negated=True),
    "StringEqualsIgnoreCase": Operator(_exact_in_any_case),
    "StringNotEqualsIgnoreCase": Operator(_exact_in_any_case, negated=True),
    "StringLike": Operator(_like),
    "StringNotLike": Operator(_like, negated=True),
    "NumericEquals": Operator(_number("=")),
    "NumericNotEquals": Operator(_number("="), negated=True),
    "NumericLessThan": Operator(_number("<"), words="less than "),
    "NumericLessThanEquals": Operator(_number("<="), words="at most "),
    "NumericGreaterThan": Operator(_number(">"), words="more than "),
    "NumericGreaterThanEquals": Operator(_number(">="), words="at least "),
    "DateEquals": Operator(_moment("=")),
    "DateNotEquals": Operator(_moment("="), negated=True),
    "DateLessThan": Operator(_moment("<"), words="before "),
    "DateLessThanEquals": Operator(_moment("<="), words="at or before "),
    "DateGreaterThan": Operator(_moment(">"), words="after "),
    "DateGreaterThanEquals": Operator(_moment(">="), words="at or after "),
    "Bool": Operator(_flag),
    "BinaryEquals": Operator(_binary),
    "IpAddress": Operator(_network, words="an address within "),
    "NotIpAddress": Operator(_network, negated=True, words="an address within "),
    "ArnEquals": Operator(_arn),
    "ArnLike": Operator(_arn),
    "ArnNotEquals": Operator(_arn, negated=True),
    "ArnNotLike": Operator(_arn, negated=True),
    "Null": Operator(_flag),
}
"""Every documented operator by its name; ArnEquals and ArnLike behave identically."""

Quantifier = Literal["", "ForAllValues", "ForAnyValue"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What one operator wants one key to be: any of these values (negated: none of them)."""

    operator: str
    key: str
    wanted: tuple[Wanted, ...]
    if_exists: bool = False
    quantifier: Quantifier = ""


def condition(name: str, key: str, values: tuple[str, ...], *, has_variables: bool) -> Condition:
    """The condition that a policy writes so; ValueError when it is not of the language."""
    quantifier, operator, if_exists = _operator(name)
    fault = key_fault(key)
    if fault:
        raise ValueError(fault)
    if not values:
        raise ValueError(f"{key} is compared with no value at all")
    read = OPERATORS[operator].read
    wanted = tuple(read(value, has_variables) for value in values)
    return Condition(operator, key, wanted, if_exists, quantifier)


def holds(condition: Condition, context: Context) -> bool:
    """Whether the request is as the condition wants it."""
    values = context.get(condition.key)
    if condition.operator == "Null":
        return _suits(condition, "false" if values else "true", context)
    if not values:
        return _holds_without_value(condition)
    if condition.quantifier == "ForAnyValue":
        return any(_suits(condition, value, context) for value in values)
    if condition.quantifier == "" and len(values) > 1:
        raise Undocumented(
            f"{condition.key} has several values here ({shown(values)}), so {condition.operator} "
            "needs ForAllValues: or ForAnyValue:"
        )
    return all(_suits(condition, value, context) for value in values)


def complaint(condition: Condition, context: Context) -> str:
    """Why a condition that does not hold does not, with both values."""
    values = context.get(condition.key)
    is_now = f"is {shown(values)}" if values else "is missing"
    if condition.operator == "Null":
        return f"{condition.key} {is_now}, the policy wants it {'missing' if values else 'there'}"
    operator = OPERATORS[condition.operator]
    wish = " or ".join(wanted.shown(context) for wanted in condition.wanted)
    wish = f"{'anything but ' if operator.negated else ''}{operator.words}{wish}"
    every = {"": "", "ForAllValues": "every value to be ", "ForAnyValue": "some value to be "}
    return f"{condition.key} {is_now}, the policy wants {every[condition.quantifier]}{wish}"


def _suits(condition: Condition, value: Value, context: Context) -> bool:
    accepted = any(wanted.accepts(value, context) for wanted in condition.wanted)
    return accepted != OPERATORS[condition.operator].negated


def _holds_without_value(condition: Condition) -> bool:
    if condition.quantifier == "ForAnyValue":
        if condition.if_exists:
            raise Undocumented(
                f"{condition.key} is missing, and AWS documents both answers for "
                "ForAnyValue: with IfExists"
            )
        return False
    if condition.quantifier == "ForAllValues" or condition.if_exists:
        return True
    return OPERATORS[condition.operator].negated


def _operator(name: str) -> tuple[Quantifier, str, bool]:
    quantifier: Quantifier = ""
    operator = name
    if name.startswith("ForAllValues:"):
        quantifier, operator = "ForAllValues", name.removeprefix("ForAllValues:")
    elif name.startswith("ForAnyValue:"):
        quantifier, operator = "ForAnyValue", name.removeprefix("ForAnyValue:")
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    if operator not in OPERATORS or (operator == "Null" and operator != name):
        close = get_close_matches(operator, OPERATORS, n=1)
        hint = f"; did you mean {close[0]}?" if close and close[0] != operator else ""
        raise ValueError(f"there is no condition operator {name!r}{hint}")
    return quantifier, operator, if_exists


_ARN_COLONS = 5


def _colons(pattern: Pieces) -> int:
    return sum(piece.count(":") for piece in pattern if isinstance(piece, str))


def _text(value: Value) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _in_order(order: Order, there: Fraction, wanted: Fraction) -> bool:
    return {
        "=": there == wanted,
        "<": there < wanted,
        "<=": there <= wanted,
        ">": there > wanted,
        ">=": there >= wanted,
    }[order]


# Exponents stay small: a number like 1e999999999 would be computed for hours.
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,2})?"
)


def _fraction(text: str) -> Fraction | None:
    return Fraction(text) if _NUMBER.fullmatch(text) else None


# The forms of https://www.w3.org/TR/NOTE-datetime; a time of day needs its zone.
_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,12})?)?(Z|[+-][0-9]{2}:[0-9]{2}))?)?)?"
)


def _seconds(text: str) -> Fraction | None:
    """Seconds since 1970, of a date or of a number that is such seconds already."""
    match = _DATE.fullmatch(text)
    if not match:
        return _fraction(text)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
        )
    except ValueError:
        return None
    seconds = Fraction(calendar.timegm(moment.timetuple())) + Fraction(fraction or 0)
    return seconds - _offset(zone or "Z")


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    seconds = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60
    return -seconds if zone[0] == "-" else seconds
