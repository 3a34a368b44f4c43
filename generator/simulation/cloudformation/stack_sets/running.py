"""Runs operations: one at a time per StackSet, the others refused or queued, a step per look.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ManagedExecution.html
"""

from __future__ import annotations

from generator.simulation.cloudformation.stack_sets import instances as i
from generator.simulation.cloudformation.stack_sets.operations import Operation
from generator.simulation.cloudformation.stack_sets.sets import StackSet
from generator.simulation.world import ServiceError, World

PACE = 250
"""How many instances of an operation may begin with each look."""


class Runner:
    """Every operation that has not ended."""

    def __init__(self, world: World, pace: int = PACE) -> None:
        self.world = world
        self.pace = pace
        self._live: list[Operation] = []

    def check_free(self, stack_set: StackSet, operation_id: str = "") -> None:
        """Refuses an operation where another runs and none may wait."""
        if operation_id and operation_id in stack_set.operations:
            raise ServiceError(
                "OperationIdAlreadyExistsException",
                f"OperationId {operation_id} already exists for StackSet {stack_set.name}",
                409,
            )
        unfinished = stack_set.unfinished
        if unfinished and not stack_set.managed_execution:
            raise ServiceError(
                "OperationInProgressException",
                f"Another Operation on StackSet {stack_set.arn} is in progress: {unfinished[0].id}",
                409,
            )

    def begin(self, operation: Operation) -> None:
        """Starts an operation, or lets it wait for its turn."""
        stack_set = operation.stack_set
        waits = bool(stack_set.unfinished) or bool(operation.waits_for)
        stack_set.operations[operation.id] = operation
        instances = stack_set.instances
        number = instances.operations.number(operation.id)
        for code in operation.codes:
            instances.operation[code] = number
            instances.detailed[code] = i.PENDING
        self._live.append(operation)
        if waits:
            operation.status = "QUEUED"
        else:
            operation.tick(self.world.clock, self.pace)
            self._sweep()

    def tick(self, home: str, region: str) -> None:
        """Lets every operation of an administrator in a Region take one step."""
        for operation in self._live:
            stack_set = operation.stack_set
            if (stack_set.home, stack_set.region) != (home, region):
                continue
            if operation.status == "QUEUED":
                self._try_to_start(operation)
            else:
                operation.tick(self.world.clock, self.pace)
        self._sweep()

    def finish(self, operation: Operation) -> None:
        """Lets an operation come to its end, and whatever it waits for."""
        while not operation.over:
            before = self._progress()
            self.tick(operation.stack_set.home, operation.stack_set.region)
            if not operation.over and self._progress() == before:
                raise AssertionError(f"the operation {operation.id} makes no progress")

    def run_to_end(self) -> None:
        """Lets all operations come to their end."""
        while self._live:
            self.finish(self._live[0])

    def _try_to_start(self, operation: Operation) -> None:
        if operation.stack_set.unfinished[0] is not operation:
            return
        if any(not other.over for other in operation.waits_for):
            return
        if any(other.status != "SUCCEEDED" for other in operation.waits_for):
            operation.fail(
                self.world.clock, "An operation on a StackSet that it depends on did not succeed"
            )
            return
        operation.status = "RUNNING"
        operation.tick(self.world.clock, self.pace)

    def _sweep(self) -> None:
        self._live = [operation for operation in self._live if not operation.over]

    def _progress(self) -> tuple[object, ...]:
        return tuple(
            (
                one.id,
                one.status,
                sum(lane.next for lane in one.lanes),
                sum(len(lane.running) for lane in one.lanes),
            )
            for one in self._live
        )
