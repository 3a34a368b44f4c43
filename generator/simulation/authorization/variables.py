"""Policy variables: text of a policy with placeholders that the request context fills in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .context import Context, key_fault, shown
from .wildcards import Piece, Pieces, Wild, pieces


class Undocumented(Exception):
    """The policy meets a request for which AWS documents no answer, so we give none."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A placeholder: the key whose value stands here, and what stands here without one."""

    key: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """Text of a policy as it was written, and as it is understood."""

    text: str
    parts: tuple[Piece | Variable, ...]

    def resolved(self, context: Context) -> Pieces | None:
        """The pattern for this request; None when a variable has no value.

        What comes out of the request is literal: a star in a tag is a star.
        """
        found: list[Piece] = []
        for part in self.parts:
            if isinstance(part, Variable):
                value = _value(part, context)
                if value is None:
                    return None
                found.append(value)
            else:
                found.append(part)
        return tuple(found)

    def shown(self, context: Context) -> str:
        """The text as a person reads it, with what the variables stand for in this request."""
        missing = [
            part.key
            for part in self.parts
            if isinstance(part, Variable) and part.default is None and not context.get(part.key)
        ]
        if missing:
            return f"{self.text} (where {' and '.join(missing)} is missing)"
        return "".join(_shown(part, context) for part in self.parts)

    @property
    def has_variables(self) -> bool:
        """Whether the text means something else in another request."""
        return any(isinstance(part, Variable) for part in self.parts)


# ${key}, ${key, 'default'}
_VARIABLE = re.compile(r"\$\{([^{}',$*?]+?)(?:\s*,\s*'([^{}']*)')?\}")
_ESCAPES = {"${*}": "*", "${?}": "?", "${$}": "$"}


def read(text: str, *, variables: bool, wildcards: bool = True) -> Template:
    """The template that a policy writes as `text`; ValueError when it is malformed.

    Variables exist since version 2012-10-17 of the language; before, `${` is literal text.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    found: list[Piece | Variable] = []
    rest = text
    while rest:
        start = rest.find("${") if variables else -1
        plain = rest if start < 0 else rest[:start]
        if plain:
            found.extend(pieces(plain) if wildcards else (plain,))
        if start < 0:
            break
        rest = rest[start:]
        if rest[:4] in _ESCAPES:
            found.append(_ESCAPES[rest[:4]])
            rest = rest[4:]
            continue
        match = _VARIABLE.match(rest)
        if not match:
            raise ValueError(f"{text!r} holds a malformed policy variable")
        fault = key_fault(match[1])
        if fault:
            raise ValueError(fault)
        found.append(Variable(match[1], match[2]))
        rest = rest[match.end() :]
    return Template(text, tuple(found))


def _shown(part: Piece | Variable, context: Context) -> str:
    if isinstance(part, Variable):
        return shown(context.get(part.key)) or part.default or ""
    return part.value if isinstance(part, Wild) else part


def _value(variable: Variable, context: Context) -> str | None:
    values = context.get(variable.key)
    if not values:
        return variable.default
    if len(values) > 1:
        raise Undocumented(
            f"{variable.key} has several values here ({shown(values)}) and cannot be a variable"
        )
    return shown(values)
