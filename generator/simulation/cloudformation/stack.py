"""A stack: its template and parameters, its resources, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from generator.model import Json
from generator.simulation.world import Resource, World, partition_of

from .template import Blueprint, Declared

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
"""When every simulation begins."""


def moment(clock: float) -> datetime:
    """The time of the simulation's clock as the API tells it."""
    return BEGINNING + timedelta(seconds=clock)


@dataclass(slots=True)
class Entry:
    """A resource of a stack. `expected` are the properties that the template gave it last."""

    declared: Declared
    expected: dict[str, Json]
    resource: Resource
    status: str
    time: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a stack or to one of its resources."""

    operation: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str
    time: float


@dataclass
class Stack:
    """One stack in one account and Region."""

    id: str
    name: str
    account: str
    region: str
    created: float
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    blueprint: Blueprint | None = None
    tags: dict[str, str] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    outputs: list[dict[str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    capabilities: list[str] = field(default_factory=list)
    notification_arns: list[str] = field(default_factory=list)
    role_arn: str = ""
    protected: bool = False
    disable_rollback: bool = False
    on_failure: str = "ROLLBACK"
    retain_except_on_create: bool = False
    updated: float | None = None
    deleted: float | None = None
    change_set_id: str = ""
    operation: Iterator[None] | None = None
    operation_id: str = ""
    operation_type: str = ""
    drift: str = "NOT_CHECKED"

    @property
    def exists(self) -> bool:
        return self.status != "DELETE_COMPLETE"

    @property
    def busy(self) -> bool:
        """Whether an operation runs on it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def resources(self) -> dict[str, Resource]:
        return {name: entry.resource for name, entry in self.entries.items()}

    def turn(self, world: World, status: str, reason: str = "") -> None:
        """Changes the status of the whole stack."""
        self.status, self.reason = status, reason
        self.note(world, self.name, self.id, "AWS::CloudFormation::Stack", status, reason)

    def note(
        self, world: World, logical_id: str, physical_id: str, type_: str, status: str, reason: str
    ) -> None:
        """Puts something on record that happened."""
        self.events.append(
            Event(self.operation_id, logical_id, physical_id, type_, status, reason, world.clock)
        )

    def advance(self) -> None:
        """Lets the running operation do its next step."""
        if self.operation is not None and next(self.operation, _OVER) is _OVER:
            self.operation = None

    def finish(self) -> None:
        """Lets the running operation come to its end."""
        while self.operation is not None:
            self.advance()

    def pseudo(self) -> dict[str, Json]:
        """The pseudo parameters of this stack."""
        return pseudo(self.account, self.region, self.name, self.id, self.notification_arns)


_OVER = object()


def pseudo(
    account: str, region: str, name: str, identity: str, notification_arns: list[str]
) -> dict[str, Json]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/pseudo-parameter-reference.html"""
    partition = partition_of(region)
    return {
        "AWS::AccountId": account,
        "AWS::NotificationARNs": notification_arns,
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::StackId": identity,
        "AWS::StackName": name,
        "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
    }


def last_first(entries: list[Entry]) -> list[Entry]:
    """Entries so that each comes before what it needs."""
    inside = {entry.declared.logical_id for entry in entries}
    waiting = {entry.declared.logical_id: entry for entry in entries}
    users = dict.fromkeys(waiting, 0)
    for entry in entries:
        for needed in entry.declared.after & inside:
            users[needed] += 1
    ordered: list[Entry] = []
    while waiting:
        free = [name for name in reversed(waiting) if users[name] == 0] or list(waiting)
        for name in free:
            entry = waiting.pop(name)
            ordered.append(entry)
            for needed in entry.declared.after & inside:
                users[needed] -= 1
    return ordered
