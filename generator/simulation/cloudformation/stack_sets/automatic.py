"""Automatic deployment: accounts that join, move or leave get or lose instances by themselves.

What is assumed of AWS: deployments of new accounts take the parameters of the StackSet, follow no
operation preferences, and are sequenced by the StackSets that each depends on; an account that
moves between two targets is removed from the one and added to the other; account filters of
earlier requests do not keep later accounts out.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-manage-auto-deployment.html
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from generator.simulation.cloudformation.providers.kind import identifier
from generator.simulation.cloudformation.stack_sets.deliveries import Deliveries
from generator.simulation.cloudformation.stack_sets.operations import Act, Operation, Preferences
from generator.simulation.cloudformation.stack_sets.running import Runner
from generator.simulation.cloudformation.stack_sets.sets import StackSet
from generator.simulation.world import World

_UNBOUNDED = Preferences(
    {"ConcurrencyMode": "SOFT_FAILURE_TOLERANCE", "FailureTolerancePercentage": 100}
)


class Automatic:
    """Follows the organization's changes."""

    def __init__(self, world: World, runner: Runner, deliveries: Deliveries) -> None:
        self.world = world
        self.runner = runner
        self.deliveries = deliveries
        self.preferences = _UNBOUNDED

    def joined(self, sets: Iterable[StackSet], account: str) -> None:
        """An account is new in the organization."""
        now = self._lineage(self.world.organization.accounts[account].parent)
        self._follow(sets, account, before=set(), now=now)

    def moved(self, sets: Iterable[StackSet], account: str, old_parent: str) -> None:
        """An account stands under another parent than before."""
        now = self._lineage(self.world.organization.accounts[account].parent)
        self._follow(sets, account, before=self._lineage(old_parent), now=now)

    def left(self, sets: Iterable[StackSet], account: str) -> None:
        """An account is no longer in the organization."""
        begun: dict[str, Operation] = {}
        for one in _by_dependency(sets):
            instances = one.instances
            codes = [code for code in instances.codes() if instances.account(code) == account]
            self._begin(one, "DELETE", account, codes, begun)

    def _lineage(self, parent: str) -> set[str]:
        return set(self.world.organization.lineage(parent))

    def _follow(
        self, sets: Iterable[StackSet], account: str, before: set[str], now: set[str]
    ) -> None:
        if account == self.world.organization.management:
            return
        removed: dict[str, Operation] = {}
        added: dict[str, Operation] = {}
        ordered = _by_dependency(sets)
        for one in ordered:
            staying = _regions(one, before & now)
            codes = [
                code
                for region in _regions(one, before - now)
                if region not in staying
                and (code := one.instances.find(account, region)) is not None
            ]
            self._begin(one, "DELETE", account, codes, removed)
        for one in ordered:
            codes = []
            for unit in (unit for unit in one.units if unit in now - before):
                for region in one.units[unit]:
                    known = one.instances.find(account, region)
                    if known is not None and one.arn not in removed:
                        continue
                    code = one.instances.code(account, region)
                    if code not in codes:
                        codes.append(code)
                    if known is None:
                        one.instances.add(code, unit)
            self._begin(one, "CREATE", account, codes, added)

    def _begin(
        self,
        one: StackSet,
        action: str,
        account: str,
        codes: list[int],
        begun: dict[str, Operation],
    ) -> None:
        if not codes:
            return
        acts: dict[str, Act] = {
            "CREATE": self._create_again,
            "DELETE": self.deliveries.remove,
        }
        identity = identifier(one.id, action, account, str(len(one.operations)))
        operation = Operation(
            id=identity,
            action=action,
            stack_set=one,
            preferences=self.preferences,
            created=self.world.clock,
            codes=array("I", codes),
            regions=[one.instances.region(code) for code in codes],
            act=acts[action],
            retain=one.automatic.retain if action == "DELETE" else None,
            automatic=True,
            waits_for=[begun[arn] for arn in one.automatic.depends_on if arn in begun],
        )
        begun[one.arn] = operation
        self.runner.begin(operation)

    def _create_again(self, operation: Operation, code: int) -> tuple[int, str]:
        """The instance may have been removed by the operation before."""
        instances = operation.stack_set.instances
        if not instances.status[code]:
            account = instances.account(code)
            parent = self.world.organization.accounts[account].parent
            lineage = self.world.organization.lineage(parent)
            unit = next((u for u in lineage if u in operation.stack_set.units), "")
            instances.add(code, unit)
        return self.deliveries.create(operation, code)


def _regions(one: StackSet, units: set[str]) -> list[str]:
    found = {region: None for unit in one.units if unit in units for region in one.units[unit]}
    return list(found)


def _by_dependency(sets: Iterable[StackSet]) -> list[StackSet]:
    """StackSets that deploy automatically, each after those that it depends on."""
    waiting = [one for one in sets if one.active and one.service_managed and one.automatic.enabled]
    ordered: list[StackSet] = []
    while waiting:
        arns = {one.arn for one in waiting}
        ready = [one for one in waiting if not arns & set(one.automatic.depends_on)] or waiting[:]
        ordered += ready
        waiting = [one for one in waiting if one not in ready]
    return ordered
