"""The operations on a stack, step by step: each step is a wave of resources that start together.

An operation is a generator. It runs up to its next `yield` whenever somebody looks at the stack,
so that progress can be watched; nothing sleeps. A resource that fails turns the operation around,
and what it did is undone in reverse.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from generator.model import Json
from generator.simulation.world import Resource, ServiceError

from .intrinsics import Cell
from .making import Failure, Maker, reason_of, with_tags
from .providers import kind as kind_of
from .stack import Entry, Stack, last_first
from .template import Blueprint, Declared

Step = Callable[[], None]


@dataclass
class _Work:
    """What an operation has done so far, and how to undo it."""

    made: dict[str, Resource] = field(default_factory=dict)
    undo: list[Step] = field(default_factory=list)
    replaced: list[Entry] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Deployment:
    """Creates, updates and deletes stacks."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        self.world = maker.world

    def create(self, stack: Stack, blueprint: Blueprint) -> Iterator[None]:
        """Makes everything; when something fails, removes it again, or leaves it if told so."""
        world, stack.blueprint = self.world, blueprint
        stack.turn(world, "CREATE_IN_PROGRESS", "User Initiated")
        work = _Work()
        yield from self._apply(stack, blueprint, work)
        if not work.failed:
            yield from self._settle(stack, blueprint, work, "CREATE_COMPLETE")
            return
        why = f"The following resource(s) failed to create: [{', '.join(work.failed)}]. "
        if stack.disable_rollback or stack.on_failure == "DO_NOTHING":
            stack.turn(world, "CREATE_FAILED", why)
            return
        deleting = stack.on_failure == "DELETE"
        stack.turn(
            world,
            "DELETE_IN_PROGRESS" if deleting else "ROLLBACK_IN_PROGRESS",
            why + ("Delete" if deleting else "Rollback") + " requested by user.",
        )
        yield
        left = self._remove(stack, list(stack.entries.values()), creating=True)
        if left:
            said = f"The following resource(s) failed to delete: [{', '.join(left)}]. "
            stack.turn(world, "DELETE_FAILED" if deleting else "ROLLBACK_FAILED", said)
        else:
            stack.deleted = world.clock
            stack.turn(world, "DELETE_COMPLETE" if deleting else "ROLLBACK_COMPLETE")

    def update(self, stack: Stack, blueprint: Blueprint, tags: dict[str, str]) -> Iterator[None]:
        """Changes what differs from the last deployment; when something fails, changes it back."""
        world = self.world
        before = stack.blueprint, stack.tags, stack.outputs
        old = dict(stack.entries)
        stack.blueprint, stack.tags, stack.updated = blueprint, tags, world.clock
        stack.turn(world, "UPDATE_IN_PROGRESS", "User Initiated")
        work = _Work()
        yield from self._apply(stack, blueprint, work)
        if not work.failed:
            yield from self._settle(stack, blueprint, work, "")
        if work.failed:
            why = f"The following resource(s) failed to update: [{', '.join(work.failed)}]. "
            if stack.disable_rollback:
                stack.turn(world, "UPDATE_FAILED", why)
                return
            yield from self._roll_back(stack, work, why)
            stack.blueprint, stack.tags, stack.outputs = before
            return
        stack.turn(world, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        yield
        gone = [entry for name, entry in old.items() if name not in work.made]
        for entry in gone:
            stack.entries.pop(entry.declared.logical_id, None)
        self._remove(stack, work.replaced, replacing=True)
        self._remove(stack, gone)
        stack.turn(world, "UPDATE_COMPLETE")

    def delete(self, stack: Stack, retained: Iterable[str] = ()) -> Iterator[None]:
        """Removes everything that is not to be kept."""
        stack.turn(self.world, "DELETE_IN_PROGRESS", "User Initiated")
        yield
        for name in retained:
            entry = stack.entries.pop(name, None)
            if entry is not None:
                self._note(stack, entry.declared, entry.resource.physical_id, "DELETE_SKIPPED")
        left = self._remove(stack, list(stack.entries.values()))
        if left:
            why = f"The following resource(s) failed to delete: [{', '.join(left)}]. "
            stack.turn(self.world, "DELETE_FAILED", why)
            return
        stack.deleted = self.world.clock
        stack.turn(self.world, "DELETE_COMPLETE")

    # --- Forward

    def _apply(self, stack: Stack, blueprint: Blueprint, work: _Work) -> Iterator[None]:
        cell = Cell(stack.pseudo(), work.made)
        for wave in blueprint.waves(cell):
            due = [act for declared in wave if (act := self._due(stack, declared, work, cell))]
            if not due:
                continue
            yield
            for declared, action in due:
                if work.failed:
                    self._fail(stack, declared, "Resource creation cancelled")
                    continue
                try:
                    action()
                except Failure as failure:
                    work.failed.append(declared.logical_id)
                    self._fail(stack, declared, str(failure))
            if work.failed:
                return

    def _due(
        self, stack: Stack, declared: Declared, work: _Work, cell: Cell
    ) -> tuple[Declared, Step] | None:
        """What has to be done about a resource; None when it is as it should be."""
        blueprint = stack.blueprint
        assert blueprint is not None  # noqa: S101 - set by whoever began the operation
        entry = stack.entries.get(declared.logical_id)
        try:
            properties = blueprint.properties_of(declared.logical_id, cell)
            properties = with_tags(declared.type, properties, stack.tags)
        except ServiceError as error:
            why = reason_of(error, stack.id, declared.logical_id)
            self._note(stack, declared, "", "CREATE_IN_PROGRESS")
            return declared, lambda: _raise(why)
        if entry is None:
            self._note(stack, declared, "", "CREATE_IN_PROGRESS")
            return declared, lambda: self._create(stack, declared, properties, work)
        physical_id = entry.resource.physical_id
        if must_replace(entry, declared, properties):
            self._note(
                stack,
                declared,
                physical_id,
                "UPDATE_IN_PROGRESS",
                "Requested update requires the creation of a new physical resource; hence "
                "creating one.",
            )
            return declared, lambda: self._replace(stack, entry, declared, properties, work)
        work.made[declared.logical_id] = entry.resource
        if properties == entry.expected and declared.metadata == entry.declared.metadata:
            self._keep(entry, declared, work)
            return None
        self._note(stack, declared, physical_id, "UPDATE_IN_PROGRESS")
        return declared, lambda: self._update(stack, entry, declared, properties, work)

    def _keep(self, entry: Entry, declared: Declared, work: _Work) -> None:
        before = entry.declared
        entry.declared = declared

        def undo() -> None:
            entry.declared = before

        work.undo.append(undo)

    def _create(
        self, stack: Stack, declared: Declared, properties: dict[str, Json], work: _Work
    ) -> None:
        entry = self.maker.create(stack, declared, properties)
        stack.entries[declared.logical_id] = entry
        work.made[declared.logical_id] = entry.resource
        self._note(stack, declared, entry.resource.physical_id, "CREATE_COMPLETE")

        def undo() -> None:
            del stack.entries[declared.logical_id]
            self._discard(stack, entry, creating=True)

        work.undo.append(undo)

    def _update(
        self,
        stack: Stack,
        entry: Entry,
        declared: Declared,
        properties: dict[str, Json],
        work: _Work,
    ) -> None:
        before, expected = entry.declared, entry.expected
        self.maker.update(stack, entry, declared, properties)
        self._note(stack, declared, entry.resource.physical_id, "UPDATE_COMPLETE")

        def undo() -> None:
            self.maker.update(stack, entry, before, expected)
            self._note(stack, before, entry.resource.physical_id, "UPDATE_COMPLETE")

        work.undo.append(undo)

    def _replace(
        self,
        stack: Stack,
        entry: Entry,
        declared: Declared,
        properties: dict[str, Json],
        work: _Work,
    ) -> None:
        name = kind_of(declared.type).name
        same_type = declared.type == entry.resource.type
        if same_type and name and properties.get(name) == entry.resource.properties.get(name):
            raise Failure(
                "CloudFormation cannot update a stack when a custom-named resource requires "
                f"replacing. Rename {properties[name]} and update the stack again."
            )
        made = self.maker.create(stack, declared, properties)
        stack.entries[declared.logical_id] = made
        work.made[declared.logical_id] = made.resource
        work.replaced.append(entry)
        self._note(stack, declared, made.resource.physical_id, "UPDATE_COMPLETE")

        def undo() -> None:
            stack.entries[declared.logical_id] = entry
            work.replaced.remove(entry)
            self._discard(stack, made, creating=True)

        work.undo.append(undo)

    def _settle(
        self, stack: Stack, blueprint: Blueprint, work: _Work, status: str
    ) -> Iterator[None]:
        """Outputs are evaluated last; one that cannot be fails the operation."""
        try:
            stack.outputs = blueprint.outputs_of(Cell(stack.pseudo(), work.made))
        except ServiceError as error:
            if status:
                stack.turn(self.world, "ROLLBACK_IN_PROGRESS", error.message)
                yield
                self._remove(stack, list(stack.entries.values()), creating=True)
                stack.turn(self.world, "ROLLBACK_COMPLETE", error.message)
            else:
                work.failed.append("Outputs")
            return
        if status:
            stack.turn(self.world, status)

    # --- Back

    def _roll_back(self, stack: Stack, work: _Work, why: str) -> Iterator[None]:
        stack.turn(self.world, "UPDATE_ROLLBACK_IN_PROGRESS", why)
        yield
        stuck = []
        for undo in reversed(work.undo):
            try:
                undo()
            except Failure as failure:
                stuck.append(str(failure))
        if stuck:
            stack.turn(self.world, "UPDATE_ROLLBACK_FAILED", " ".join(stuck))
            return
        stack.turn(self.world, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        yield
        stack.turn(self.world, "UPDATE_ROLLBACK_COMPLETE")

    def _remove(
        self,
        stack: Stack,
        entries: list[Entry],
        *,
        creating: bool = False,
        replacing: bool = False,
    ) -> list[str]:
        """Removes resources in the reverse of their making; gives the ids of those that stay."""
        left = []
        for entry in last_first(entries):
            name = entry.declared.logical_id
            try:
                self._discard(stack, entry, creating=creating, replacing=replacing)
            except Failure as failure:
                left.append(name)
                entry.status = "DELETE_FAILED"
                resource = entry.resource
                self._note(
                    stack, entry.declared, resource.physical_id, "DELETE_FAILED", str(failure)
                )
                continue
            if stack.entries.get(name) is entry:
                del stack.entries[name]
        return left

    def _discard(
        self, stack: Stack, entry: Entry, *, creating: bool = False, replacing: bool = False
    ) -> None:
        """Removes one resource, or leaves it behind as its policy wants.

        Retain keeps a resource even when the operation that made it is rolled back.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
        """
        declared, resource = entry.declared, entry.resource
        policy = declared.replace_policy if replacing else declared.deletion_policy
        if creating and (policy == "RetainExceptOnCreate" or stack.retain_except_on_create):
            policy = "Delete"
        if policy != "Delete":
            self._note(stack, declared, resource.physical_id, "DELETE_SKIPPED")
            resource.stack_id = ""
            return
        self._note(stack, declared, resource.physical_id, "DELETE_IN_PROGRESS")
        self.maker.delete(stack, resource)
        self._note(stack, declared, resource.physical_id, "DELETE_COMPLETE")

    # --- Events

    def _fail(self, stack: Stack, declared: Declared, why: str) -> None:
        entry = stack.entries.get(declared.logical_id)
        status = "CREATE_FAILED" if entry is None else "UPDATE_FAILED"
        physical_id = "" if entry is None else entry.resource.physical_id
        self._note(stack, declared, physical_id, status, why)

    def _note(
        self, stack: Stack, declared: Declared, physical_id: str, status: str, reason: str = ""
    ) -> None:
        stack.note(self.world, declared.logical_id, physical_id, declared.type, status, reason)


def must_replace(entry: Entry, declared: Declared, properties: dict[str, Json]) -> bool:
    """Whether only a new resource can have these properties."""
    if declared.type != entry.resource.type:
        return True
    return any(
        properties.get(name) != entry.expected.get(name) for name in kind_of(declared.type).settled
    )


def _raise(why: str) -> None:
    raise Failure(why)
