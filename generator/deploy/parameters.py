"""Holds the values that deploy fills in against what the rendered templates take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from generator import names
from generator.deploy.bundle import Bundle
from generator.deploy.difference import parsed
from generator.deploy.wanted import Where, filled
from generator.model import Json, Place

DEPLOYED = (names.CENTRAL, names.MEMBER_ROLES, names.MEMBER_RULES)
LONGEST = 60
_LISTS = ("CommaDelimitedList", "List<Number>")


class Fault(NamedTuple):
    """What is wrong with one value, and where in the configuration it stands."""

    where: Where
    fault: str
    cure: str = ""


def faults(bundle: Bundle, place: Place) -> list[Fault]:
    """Every value that CloudFormation would refuse, and every name that no template takes."""
    given = filled(bundle, place)
    declared = {name: parsed(text).get("Parameters") or {} for name, text in bundle.files.items()}
    offered = sorted({name for one in declared.values() for name in one})
    found: dict[Fault, None] = {}
    for name, (where, value) in given.items():
        if where[:2] == ("place", "parameters") and name not in offered:
            found[Fault(where, f"no template takes '{name}'", _near(name, offered))] = None
            continue
        # What deploy does not make is not filled in, unless the name is known only there.
        takers = [one for one in DEPLOYED if name in declared.get(one, {})] or sorted(declared)
        for template in takers:
            if name in declared[template]:
                for fault in _faults(declared[template][name], value):
                    found[Fault(where, *fault)] = None
    return list(found)


def _near(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean '{close[0]}'?" if close else "see Parameters in the rendered templates"


def _faults(declared: Mapping[str, Json], value: str) -> Iterator[tuple[str, str]]:
    """The first thing wrong with a value, said without the pattern that finds it."""
    kind = str(declared["Type"])
    items = [one.strip() for one in value.split(",")] if kind in _LISTS else [value]
    for item in items if value or kind not in _LISTS else ():
        if wrong := _wrong(declared, kind, item):
            said, cure = wrong
            shown = item if len(item) <= LONGEST else f"{item[: LONGEST - 3]}..."
            quoted = "the value" if _text(declared.get("NoEcho")) == "true" else f"'{shown}'"
            described = declared.get("ConstraintDescription")
            yield f"{quoted} {said}", f"it {described}" if described else cure
            return


def _wrong(declared: Mapping[str, Json], kind: str, item: str) -> tuple[str, str] | None:
    if "Number" in kind and (wrong := _wrong_number(declared, item)):
        return wrong
    if "AllowedValues" in declared:
        known = [_text(choice) for choice in declared["AllowedValues"]]
        if item not in known:
            return "is not one of the choices", f"one of {', '.join(known)}"
    pattern = declared.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, item, re.ASCII):
        return "has not the form that is asked for", str(declared.get("Description", ""))
    least, most = int(declared.get("MinLength", 0)), declared.get("MaxLength")
    if len(item) < least:
        return f"has {len(item)} characters", f"at least {least} are needed"
    if most is not None and len(item) > int(most):
        return f"has {len(item)} characters", f"at most {most} fit"
    return None


def _wrong_number(declared: Mapping[str, Json], item: str) -> tuple[str, str] | None:
    try:
        number = float(item)
    except ValueError:
        return "is not a number", ""
    least, most = declared.get("MinValue"), declared.get("MaxValue")
    if least is not None and number < float(least):
        return "is too small", f"{least} or more"
    if most is not None and number > float(most):
        return "is too large", f"{most} or less"
    return None


def _text(value: Json) -> str:
    """A scalar of a template as CloudFormation reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
