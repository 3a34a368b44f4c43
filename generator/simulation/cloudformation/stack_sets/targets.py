"""Whom a request is about: accounts of units, of lists, and the Regions.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeploymentTargets.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.simulation.cloudformation.refusals import invalid
from generator.simulation.cloudformation.stack_sets.sets import StackSet
from generator.simulation.world import World

UNIT_LIMIT = 50


@dataclass(frozen=True)
class Answers:
    """What AWS's documents leave open about accounts that are no longer where they were."""

    accounts_alone: bool = False
    """Whether accounts can be named without a unit."""
    by_unit: bool = True
    """Whether one that left the organization is found by the unit that it came by."""


@dataclass(frozen=True)
class Targets:
    """What a request names. `units` is None where accounts are named instead."""

    regions: list[str]
    accounts: list[str]
    units: list[str] | None
    filter: str
    given: dict[str, Any] = field(default_factory=dict)
    answers: Answers = Answers()

    @classmethod
    def of(
        cls,
        request: Mapping[str, Any],
        stack_set: StackSet,
        world: World,
        answers: Answers = Answers(),
    ) -> Targets:
        """The targets of a request; ServiceError for those that its StackSet cannot have."""
        targets = dict(request.get("DeploymentTargets") or {})
        plain = list(request.get("Accounts") or [])
        if plain and targets:
            raise invalid("You can specify Accounts or DeploymentTargets, but not both")
        if "AccountsUrl" in targets:
            raise invalid("AccountsUrl is not simulated")
        regions = list(dict.fromkeys(request.get("Regions") or []))
        if strange := [region for region in regions if region not in world.regions]:
            raise invalid(f"Invalid region(s): [{', '.join(strange)}]")
        if not stack_set.service_managed:
            if targets.get("OrganizationalUnitIds"):
                raise invalid(
                    "StackSets with SELF_MANAGED permission model can only have accounts as target"
                )
            accounts = plain or list(targets.get("Accounts") or [])
            return cls(regions, list(dict.fromkeys(accounts)), None, "NONE", targets)
        if plain:
            raise invalid(
                "StackSets with SERVICE_MANAGED permission model can only have "
                "OrganizationalUnit as target"
            )
        units = list(dict.fromkeys(targets.get("OrganizationalUnitIds") or []))
        accounts = list(dict.fromkeys(targets.get("Accounts") or []))
        if accounts and not units and not answers.accounts_alone:
            # https://github.com/aws/aws-cli/issues/8248
            raise invalid(
                "StackSets with SERVICE_MANAGED permission model can only have "
                "OrganizationalUnit as target"
            )
        if len(units) > UNIT_LIMIT:
            raise invalid(f"At most {UNIT_LIMIT} organizational units can be given at once")
        known = {world.organization.root, *world.organization.units}
        if strange := [unit for unit in units if unit not in known]:
            raise invalid(f"Organizational unit(s) [{', '.join(strange)}] not found")
        # Accounts beside units mean all of both, unless the filter says otherwise.
        chosen = targets.get("AccountFilterType") or ("UNION" if accounts else "NONE")
        if chosen in ("INTERSECTION", "DIFFERENCE") and not (units and accounts):
            raise invalid(f"AccountFilterType {chosen} needs OrganizationalUnitIds and Accounts")
        if chosen == "NONE" and accounts:
            raise invalid("AccountFilterType NONE goes with OrganizationalUnitIds alone")
        return cls(regions, accounts, units, chosen, targets, answers)

    def wants(self, account: str, under: bool) -> bool:
        """Whether the filter chooses an account, `under` one of the units or not."""
        if self.filter == "INTERSECTION":
            return under and account in self.accounts
        if self.filter == "DIFFERENCE":
            return under and account not in self.accounts
        if self.filter == "UNION":
            return under or account in self.accounts
        return under

    def accounts_to_reach(self, world: World) -> dict[str, str]:
        """The accounts that get instances, each with the unit because of which.

        The management account never does.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-associate-stackset-with-org.html
        """
        if self.units is None:
            return dict.fromkeys(self.accounts, "")
        found: dict[str, str] = {}
        for unit in self.units:
            for account in world.organization.under(unit):
                if account.id != world.organization.management and self.wants(account.id, True):
                    found.setdefault(account.id, unit)
        return found

    def existing(self, world: World, stack_set: StackSet) -> list[int]:
        """The codes of the instances that exist and are meant."""
        instances = stack_set.instances
        regions = {
            number for r in self.regions if (number := instances.regions.find(r)) is not None
        }
        if self.units is None:
            meant = set(self.accounts)
        else:
            under = {a.id for unit in self.units for a in world.organization.under(unit)}
            # Whoever left a unit still has the instances that came by it.
            units = {number for u in self.units if (number := instances.units.find(u)) is not None}
            under |= {
                instances.account(code)
                for code in instances.codes()
                if self.answers.by_unit
                and instances.unit[code] in units
                and instances.account(code) not in world.organization.accounts
            }
            everybody = {instances.account(code) for code in instances.codes()}
            meant = {account for account in everybody if self.wants(account, account in under)}
        rows = {n for account in meant if (n := instances.accounts.find(account)) is not None}
        from generator.simulation.cloudformation.stack_sets.instances import WIDTH

        return [
            code for code in instances.codes() if code % WIDTH in regions and code // WIDTH in rows
        ]
