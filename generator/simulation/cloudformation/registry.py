"""Every stack of the organization, by account, Region and name."""

from __future__ import annotations

import itertools

from generator.simulation.world import World, partition_of

from .providers.kind import identifier
from .refusals import no_such_stack
from .stack import Stack


class Registry:
    """Finds stacks. Deleted ones are found by their id alone."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._cells: dict[tuple[str, str], dict[str, Stack]] = {}
        self._by_id: dict[str, Stack] = {}
        self._numbers = itertools.count(1)

    def open(self, account: str, region: str, name: str, operation: str = "") -> Stack:
        """A new stack without anything in it."""
        identity = identifier(account, region, name, operation, str(next(self._numbers)))
        arn = (
            f"arn:{partition_of(region)}:cloudformation:{region}:{account}:stack/{name}/{identity}"
        )
        stack = Stack(arn, name, account, region, self.world.clock)
        self._cells.setdefault((account, region), {})[name] = stack
        self._by_id[arn] = stack
        return stack

    def find(self, account: str, region: str, name_or_id: str) -> Stack | None:
        """The stack of that name or id; None when there is none."""
        if name_or_id.startswith("arn:"):
            stack = self._by_id.get(name_or_id)
            home = (account, region)
            return stack if stack and (stack.account, stack.region) == home else None
        stack = self._cells.get((account, region), {}).get(name_or_id)
        return stack if stack and stack.exists else None

    def get(self, account: str, region: str, name_or_id: str) -> Stack:
        """The stack of that name or id; ServiceError when there is none."""
        stack = self.find(account, region, name_or_id)
        if stack is None:
            raise no_such_stack(name_or_id)
        return stack

    def by_id(self, identity: str) -> Stack | None:
        return self._by_id.get(identity)

    def of(self, account: str, region: str, *, deleted: bool = False) -> list[Stack]:
        """The stacks of one account and Region, the newest first."""
        known = [
            stack
            for stack in self._by_id.values()
            if (stack.account, stack.region) == (account, region) and (stack.exists or deleted)
        ]
        return known[::-1]

    def forget(self, stack: Stack) -> None:
        """Drops a deleted stack whose story nobody will ask for."""
        self._by_id.pop(stack.id, None)
        cell = self._cells.get((stack.account, stack.region), {})
        if cell.get(stack.name) is stack:
            del cell[stack.name]
