"""Whether a service control policy keeps StackSets from their work. Pure.

Conditions on keys that are not known here leave a "maybe": nothing is claimed that was not decided.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Verdict = Literal["no", "maybe", "yes"]


class Act(NamedTuple):
    """What an execution role does somewhere."""

    action: str
    region: str
    principal: str
    organization: str
    lacking: frozenset[str] = frozenset()
    """Condition keys, in small letters, that no request for this action carries."""


def allows(content: str, action: str) -> bool:
    """Whether a policy allows an action to anybody at all: each level must have one that does."""
    return any(
        statement.get("Effect") == "Allow" and _names(statement, action)
        for statement in _statements(content)
    )


def denies(content: str, act: Act) -> tuple[Verdict, str]:
    """Whether a policy denies an act, with the statement's name."""
    found: tuple[Verdict, str] = ("no", "")
    for statement in _statements(content):
        if statement.get("Effect") != "Deny" or not _names(statement, act.action):
            continue
        verdict = _holds(statement.get("Condition", {}), act)
        if _several(statement.get("Resource", "*")) != ["*"] and verdict == "yes":
            verdict = "maybe"  # which resources are meant depends on the account
        if verdict == "yes":
            return verdict, str(statement.get("Sid", ""))
        if verdict == "maybe":
            found = verdict, str(statement.get("Sid", ""))
    return found


def _statements(content: str) -> list[dict[str, Any]]:
    return [one for one in _several(json.loads(content).get("Statement", [])) if one]


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _names(statement: Mapping[str, Any], action: str) -> bool:
    def named(key: str) -> bool:
        return any(_like(action.lower(), str(p).lower()) for p in _several(statement[key]))

    if "Action" in statement:
        return named("Action")
    return "NotAction" in statement and not named("NotAction")


def _like(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def _holds(condition: Mapping[str, Mapping[str, Any]], act: Act) -> Verdict:
    """Whether all of a statement's conditions hold."""
    known = {
        "aws:requestedregion": act.region,
        "aws:principalarn": act.principal,
        "aws:principalorgid": act.organization,
        "aws:principalisawsservice": "false",
    }
    verdict: Verdict = "yes"
    for operator, tests in condition.items():
        for key, values in tests.items():
            value = known.get(key.lower())
            test = _TESTS.get(operator.removesuffix("IfExists").lower())
            if key.lower() in act.lacking and test is not None:
                # What is not there is unlike everything: the negated operators hold, always.
                if not (test[0] or operator.endswith("IfExists")):
                    return "no"
                continue
            if value is None or test is None:
                verdict = "maybe"
                continue
            negative, like = test
            given = [str(one).lower() for one in _several(values)]
            among = any(
                _like(value.lower(), one) if like else value.lower() == one for one in given
            )
            if among == negative:
                return "no"
    return verdict


# Operators: whether they hold for values that are not among the given ones, and with wildcards.
_TESTS: dict[str, tuple[bool, bool]] = {
    "stringequals": (False, False),
    "stringnotequals": (True, False),
    "stringequalsignorecase": (False, False),
    "stringnotequalsignorecase": (True, False),
    "stringlike": (False, True),
    "stringnotlike": (True, True),
    "arnequals": (False, True),
    "arnnotequals": (True, True),
    "arnlike": (False, True),
    "arnnotlike": (True, True),
    "bool": (False, False),
}
