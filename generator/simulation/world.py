"""The state of a simulated organization: its accounts and units, and what stacks made in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from generator.model import Json
from generator.simulation.arrived import Arrived


class ServiceError(Exception):
    """A refusal of a simulated AWS service, as botocore's ClientError will tell it."""

    def __init__(self, code: str, message: str, status: int = 400, **more: str) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.more = more
        """What else stands in the error, such as the Region where S3 has a bucket."""
        super().__init__(f"{code}: {message}")


def partition_of(region: str) -> str:
    """The partition of a Region: aws, aws-cn or aws-us-gov."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


@dataclass
class Account:
    """One account of the organization. `parent` is the id of its root or organizational unit."""

    id: str
    name: str
    parent: str
    suspended: bool = False
    opted_in: set[str] = field(default_factory=set)


@dataclass
class ControlPolicy:
    """A service control policy, and the root, units and accounts that it is attached to."""

    id: str
    name: str
    content: str
    targets: set[str] = field(default_factory=set)
    description: str = ""
    aws_managed: bool = False


@dataclass
class Organization:
    """Accounts under a tree of units. Changes as accounts join, move and leave."""

    id: str
    management: str
    root: str
    accounts: dict[str, Account] = field(default_factory=dict)
    units: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Of each organizational unit: its parent and its name."""
    trusted: set[str] = field(default_factory=set)
    """The service principals that have trusted access."""
    delegates: dict[str, set[str]] = field(default_factory=dict)
    """Of each service principal: the accounts that administer it beside the management account."""
    policies: dict[str, ControlPolicy] = field(default_factory=dict)
    features: str = "ALL"
    """ALL, or CONSOLIDATED_BILLING: one bill and nothing else in common."""

    def add_unit(self, unit: str, parent: str, name: str) -> None:
        self.units[unit] = (parent, name)

    def add(self, account: Account) -> None:
        self.accounts[account.id] = account

    def under(self, parent: str) -> Iterator[Account]:
        """The accounts of a root or unit and of every unit below it."""
        inside = {parent}
        # Parents are added before their units, so one pass in order of insertion finds all.
        for unit, (above, _) in self.units.items():
            if above in inside:
                inside.add(unit)
        return (account for account in self.accounts.values() if account.parent in inside)

    def lineage(self, parent: str) -> list[str]:
        """A root or unit and everything above it, the root last."""
        steps = [parent]
        while steps[-1] != self.root:
            steps.append(self.units[steps[-1]][0])
        return steps

    def path(self, account: str) -> str:
        """The account's path as aws:PrincipalOrgPaths has it: o-.../r-.../ou-.../."""
        steps = self.lineage(self.accounts[account].parent)
        return "/".join([self.id, *reversed(steps)]) + "/"


@dataclass
class Resource:
    """Something that a stack made. `properties` are resolved; `attributes` answer Fn::GetAtt.

    `properties` are the live ones: whoever changes a resource behind its stack's back replaces a
    property here. Nothing inside a property is ever changed in place: cells share the values.
    """

    type: str
    logical_id: str
    physical_id: str
    account: str
    region: str
    properties: dict[str, Json]
    attributes: dict[str, Json] = field(default_factory=dict)
    stack_id: str = ""

    @property
    def arn(self) -> str:
        """The resource's ARN, where its type has one."""
        return str(self.attributes.get("Arn") or self.attributes.get("TopicArn") or "")


class Inventory:
    """Every resource of every stack, found by account, Region and type, or by ARN."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], dict[tuple[str, str], Resource]] = {}
        self._by_arn: dict[str, Resource] = {}

    def add(self, resource: Resource) -> None:
        """Puts a resource on record; ServiceError AlreadyExists when its name is taken."""
        cell = self._cells.setdefault((resource.account, resource.region), {})
        key = (resource.type, resource.physical_id)
        if key in cell:
            message = f"{resource.physical_id} already exists in {resource.account}"
            raise ServiceError("AlreadyExists", message)
        cell[key] = resource
        if resource.arn:
            self._by_arn[resource.arn] = resource

    def remove(self, resource: Resource) -> None:
        cell = self._cells.get((resource.account, resource.region), {})
        cell.pop((resource.type, resource.physical_id), None)
        if self._by_arn.get(resource.arn) is resource:
            del self._by_arn[resource.arn]

    def by_arn(self, arn: str) -> Resource | None:
        """The resource of that ARN. The ARN must not change while the resource is on record."""
        return self._by_arn.get(arn)

    def get(self, account: str, region: str, type_: str, physical_id: str) -> Resource | None:
        return self._cells.get((account, region), {}).get((type_, physical_id))

    def of_type(self, account: str, region: str, type_: str) -> list[Resource]:
        cell = self._cells.get((account, region), {})
        return [resource for (kind, _), resource in cell.items() if kind == type_]

    def everywhere(self) -> Iterator[Resource]:
        for cell in self._cells.values():
            yield from cell.values()


@dataclass(frozen=True)
class Request:
    """An HTTP request that something in the simulation makes."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Response:
    """What a server answers; header names in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Execution:
    """A state machine that was started, with its input, and has not run yet."""

    machine: Resource
    input: str


@dataclass
class World:
    """The organization, what stacks made in it, and the Regions that exist in it."""

    organization: Organization
    regions: tuple[str, ...]
    inventory: Inventory = field(default_factory=Inventory)
    opt_in_regions: frozenset[str] = frozenset()
    without_tokens: set[tuple[str, str]] = field(default_factory=set)
    """Accounts and Regions whose own endpoint of STS somebody switched off."""
    archive_holds_bus: bool = True
    """Whether a bus can be deleted only when no archive is on it: AWS's documents say both."""
    clock: float = 0.0
    """Seconds since the simulation began; nothing in it ever sleeps."""
    services: dict[str, Any] = field(default_factory=dict)
    """The services that the simulation serves itself, by botocore's name."""
    arrived: Arrived = field(default_factory=Arrived)
    """What came to rest where no queue is."""
    transport: Callable[[Request], Response] | None = None
    """How requests of API destinations leave; without one they are only put on record. OSError
    when there is no answer in time."""
    executions: list[Execution] = field(default_factory=list)
    """State machines that wait to be run."""

    def enabled(self, account: str, region: str) -> bool:
        """Whether the account can use the Region: by default, or because it opted in."""
        if region not in self.regions:
            return False
        if region not in self.opt_in_regions:
            return True
        return region in self.organization.accounts[account].opted_in
