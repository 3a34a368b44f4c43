"""The instances that a StackSet of a template wants, and what a change of them comes to.

Compared target by target: a unit or account that goes is emptied, one that comes is filled, and of
a unit that stays only those accounts change about which its filters differ.
https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-cloudformation/blob/master/aws-cloudformation-stackset/src/main/java/software/amazon/cloudformation/stackset/util/AltStackInstancesCalculator.java
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from generator.model import Json
from generator.simulation.cloudformation.parameters import text

Request = dict[str, Any]
Overrides = tuple[tuple[str, str], ...]


class Chosen(NamedTuple):
    """Accounts of a target: these, or all but these."""

    accounts: frozenset[str]
    all_but: bool
    overrides: Overrides = ()

    def less(self, other: Chosen) -> Chosen:
        """The accounts that the other has not."""
        mine, theirs = self.accounts, other.accounts
        if self.all_but and other.all_but:
            return Chosen(theirs - mine, False, self.overrides)
        if self.all_but:
            return Chosen(mine | theirs, True, self.overrides)
        return Chosen(mine & theirs if other.all_but else mine - theirs, False, self.overrides)

    def __bool__(self) -> bool:
        return self.all_but or bool(self.accounts)


class Target(NamedTuple):
    """A unit, or an account by itself, in a Region."""

    region: str
    name: str
    is_unit: bool


Wanted = Mapping[Target, Chosen]


class Change(NamedTuple):
    """The requests that lead from one wish to another, in the order in which they are made."""

    delete: list[Request]
    create: list[Request]
    update: list[Request]


def wanted(properties: Mapping[str, Json]) -> dict[Target, Chosen]:
    """What the StackInstancesGroup of a StackSet says, target by target."""
    found: dict[Target, Chosen] = {}
    for group in properties.get("StackInstancesGroup", []):
        targets = group["DeploymentTargets"]
        accounts = frozenset(map(str, targets.get("Accounts", [])))
        overrides = tuple(
            (str(each["ParameterKey"]), text(each["ParameterValue"]))
            for each in group.get("ParameterOverrides", [])
        )
        units = [str(unit) for unit in targets.get("OrganizationalUnitIds", [])]
        for region in map(str, group["Regions"]):
            for unit in units:
                only = targets.get("AccountFilterType") == "INTERSECTION"
                found[Target(region, unit, True)] = Chosen(accounts, not only, overrides)
            for account in () if units else accounts:
                found[Target(region, account, False)] = Chosen(frozenset(), True, overrides)
    return found


def change(before: Wanted, after: Wanted) -> Change:
    """What is to be deleted, created and updated."""
    gone, come, other = [], [], []
    for target in {**before, **after}:
        old, new = before.get(target), after.get(target)
        if old and (less := old.less(new) if new else old):
            gone.append((target, less))
        if new and (more := new.less(old) if old else new):
            come.append((target, more))
        if old and new and old.overrides != new.overrides:
            other.append((target, new))
    return Change(
        [deletion(request) for request in _requests(gone)],
        _requests(come),
        _requests(other),
    )


def deletion(request: Request) -> Request:
    """The request that deletes what a creation makes."""
    kept = {key: value for key, value in request.items() if key != "ParameterOverrides"}
    return {**kept, "RetainStacks": False}


def _requests(chosen: Iterable[tuple[Target, Chosen]]) -> list[Request]:
    """A request for all Regions in which the same is to happen. Assumed: AWS makes one for each."""
    regions: dict[tuple[str, bool, Chosen], list[str]] = {}
    for target, accounts in chosen:
        regions.setdefault((target.name, target.is_unit, accounts), []).append(target.region)
    return [
        {"DeploymentTargets": _targets(name, is_unit, accounts), "Regions": where}
        | _overrides(accounts)
        for (name, is_unit, accounts), where in regions.items()
    ]


def _targets(name: str, is_unit: bool, chosen: Chosen) -> Request:
    if not is_unit:
        return {"Accounts": [name]}
    targets: Request = {"OrganizationalUnitIds": [name]}
    if chosen.accounts:
        targets["AccountFilterType"] = "DIFFERENCE" if chosen.all_but else "INTERSECTION"
        targets["Accounts"] = sorted(chosen.accounts)
    return targets


def _overrides(chosen: Chosen) -> Request:
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in chosen.overrides]
    return {"ParameterOverrides": given} if given else {}
