"""What single policies say about one request: yes, no, or why nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .conditions import Condition, complaint, holds
from .context import Context
from .documents import (
    Actions,
    Effect,
    Policy,
    Resources,
    Statement,
    UnreadablePolicy,
    resource_pattern,
)
from .principals import Caller, Strength
from .variables import Undocumented
from .wildcards import matches


@dataclass(frozen=True, slots=True)
class Question:
    """Who wants to do what, to which resource, with everything that is known about it."""

    caller: Caller
    action: str
    resource: str
    context: Context


@dataclass(frozen=True, slots=True)
class Grant:
    """A statement that applies, and how directly it means the caller."""

    policy: Policy
    statement: Statement
    strength: Strength

    def __str__(self) -> str:
        return f"{self.statement.name} of {self.policy.place}"


def first_denial(policies: Iterable[Policy], question: Question) -> Grant | None:
    """The first Deny that applies, in any of the policies."""
    # All of them are asked, so that the order of statements cannot hide what is undocumented.
    denials = list(_applying("Deny", policies, question))
    return denials[0] if denials else None


def best_grant(policies: Iterable[Policy], question: Question) -> Grant | None:
    """The Allow that applies and means the caller most directly."""
    grants = _applying("Allow", policies, question)
    return max(grants, key=lambda grant: grant.strength, default=None)


def shortfall(policies: Iterable[Policy], question: Question) -> str:
    """Why none of the policies allows the request: the nearest statement and what it lacks."""
    policies = tuple(policies)
    nearest: tuple[int, int, str] | None = None
    for policy in policies:
        for statement in policy.statements:
            if statement.effect == "Allow" and _covers_action(statement.actions, question):
                rank, open_conditions, sentence = _lack(policy, statement, question)
                found = (rank, -open_conditions, sentence)
                if nearest is None or found[:2] > nearest[:2]:
                    nearest = found
    if nearest:
        return nearest[2]
    places = " and ".join(policy.place for policy in policies)
    return f"{places}: no statement allows {question.action}"


def _applying(effect: Effect, policies: Iterable[Policy], question: Question) -> Iterator[Grant]:
    for policy in policies:
        for statement in policy.statements:
            if statement.effect == effect:
                strength = _strength(policy, statement, question)
                if strength is not None:
                    yield Grant(policy, statement, strength)


def _strength(policy: Policy, statement: Statement, question: Question) -> Strength | None:
    """How directly the statement means the caller; None when it does not apply."""
    if not _covers_action(statement.actions, question):
        return None
    strength = _means(statement, question)
    if strength is None:
        return None
    try:
        if not _covers_resource(statement.resources, question):
            return None
        return None if _unmet(statement, question) else strength
    except Undocumented as fault:
        raise UnreadablePolicy(f"{policy.place}, {statement.name}", str(fault)) from None


def _lack(policy: Policy, statement: Statement, question: Question) -> tuple[int, int, str]:
    """How near the statement came (the higher, the nearer), in how many conditions it failed."""
    place = f"{policy.place}, {statement.name}"
    if not _covers_resource(statement.resources, question):
        wish = _resources_shown(statement.resources, question)
        return 0, 0, f"{place}: the resource is {question.resource}, the policy wants {wish}"
    if _means(statement, question) is None:
        wish = str(statement.principals)
        return 1, 0, f"{place}: the caller is {question.caller}, the policy wants {wish}"
    unmet = _unmet(statement, question)
    complaints = (complaint(condition, question.context) for condition in unmet)
    return 2, len(unmet), f"{place}: {'; '.join(complaints)}"


def _unmet(statement: Statement, question: Question) -> list[Condition]:
    """The conditions that do not hold; `Undocumented` when it hangs on one without an answer."""
    unmet: list[Condition] = []
    open_question: Undocumented | None = None
    for condition in statement.conditions:
        try:
            if not holds(condition, question.context):
                unmet.append(condition)
        except Undocumented as fault:
            open_question = fault
    if open_question and not unmet:
        raise open_question
    return unmet


def _means(statement: Statement, question: Question) -> Strength | None:
    # An identity policy means whom it is attached to, and nobody else.
    if statement.principals is None:
        return Strength.DIRECT
    return statement.principals.strength(question.caller, statement.effect)


def _covers_action(actions: Actions, question: Question) -> bool:
    action = question.action.casefold()
    return any(matches(pattern, action) for pattern in actions.patterns) != actions.negated


def _covers_resource(resources: Resources | None, question: Question) -> bool:
    if resources is None:
        return True
    for entry in resources.entries:
        pattern = entry.pattern
        if pattern is None:
            resolved = entry.template.resolved(question.context)
            # A variable without a value makes an entry that no resource matches.
            if resolved is None:
                continue
            pattern = resource_pattern(resolved)
        if matches(pattern, question.resource):
            return not resources.negated
    return resources.negated


def _resources_shown(resources: Resources | None, question: Question) -> str:
    if resources is None:
        return "its own"
    names = " or ".join(entry.template.shown(question.context) for entry in resources.entries)
    return f"anything but {names}" if resources.negated else names
