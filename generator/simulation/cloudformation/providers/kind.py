"""What a provider knows of a type of resource, and what it is told about where to make one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from generator.model import Json
from generator.simulation.world import Resource, ServiceError, World, partition_of

Properties = Mapping[str, Json]


@dataclass(frozen=True)
class Forward:
    """A rule's target that is the event bus of another account or Region."""

    rule_arn: str
    account: str
    role_arn: str
    bus_arn: str


class Services(Protocol):
    """What providers may ask of the CloudFormation that they belong to."""

    may_put_events: Callable[[Forward], str | None] | None
    """Why a sender may not put events on a bus; None when it may."""

    stack_sets: Any


@dataclass(frozen=True)
class Site:
    """Where a resource is made, and for which stack."""

    world: World
    services: Services
    account: str
    region: str
    stack_id: str
    stack_name: str
    logical_id: str
    number: int
    """Counts what was ever made, so that made-up names never repeat."""

    @property
    def partition(self) -> str:
        return partition_of(self.region)

    def arn(self, service: str, rest: str) -> str:
        """The ARN of something in this account and Region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"

    def invented_name(self, longest: int) -> str:
        """A name as CloudFormation makes it up: the stack's, the logical id's, and a random part.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
        """
        digest = hashlib.sha256(f"{self.stack_id} {self.logical_id} {self.number}".encode())
        suffix = f"-{digest.hexdigest()[:12].upper()}"
        room = longest - len(suffix)
        stem = f"{self.stack_name}-{self.logical_id}"
        if len(stem) > room:
            half = room // 2
            stem = f"{self.stack_name[:half]}-{self.logical_id}"[:room]
        return stem + suffix

    def invented_id(self) -> str:
        """A made-up identifier in the form of a UUID."""
        return identifier(self.stack_id, self.logical_id, str(self.number))


def identifier(*seed: str) -> str:
    """The same words give the same identifier, in the form of a UUID."""
    digits = hashlib.sha256(" ".join(seed).encode()).hexdigest()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


@dataclass(frozen=True)
class Outcome:
    """What was made: what Ref gives, and what Fn::GetAtt gives."""

    physical_id: str
    attributes: dict[str, Json] = field(default_factory=dict)


def _as_it_is(site: Site, resource: Resource, properties: Properties) -> None:
    """Nothing beside the inventory has to change."""


def _nothing(site: Site, resource: Resource) -> None:
    """Nothing beside the inventory has to go."""


@dataclass(frozen=True)
class Kind:
    """How resources of one type are made, changed and removed."""

    create: Callable[[Site, str, Properties], Outcome]
    update: Callable[[Site, Resource, Properties], None] = _as_it_is
    delete: Callable[[Site, Resource], None] = _nothing
    exists: Callable[[Site, str], bool] | None = None
    """Whether a name is taken by something that no stack made."""
    name: str = ""
    """The property that names the resource; without it, or when it is not given, one is made up."""
    longest: int = 64
    lowercase: bool = False
    fixed: tuple[str, ...] = ()
    """Properties that only a replacement can change, beside the name."""
    needs: tuple[str, ...] = ()
    tags: Literal["", "list", "map"] = ""
    live: Callable[[Site, Resource], dict[str, Json] | None] | None = None
    """The properties as they are now, for drift detection; None when the resource is gone."""

    @property
    def settled(self) -> frozenset[str]:
        """Every property that only a replacement can change."""
        return frozenset((self.name, *self.fixed)) - {""}


def plain(
    arn: Callable[[Site, str], str] | None = None,
    *,
    arn_is_id: bool = False,
    name: str = "",
    longest: int = 64,
    fixed: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    tags: Literal["", "list", "map"] = "",
    check: Callable[[Site, str, Properties], None] | None = None,
    more: Callable[[Site, str, Properties], dict[str, Json]] | None = None,
) -> Kind:
    """A type that lives in the inventory alone."""

    def create(site: Site, given: str, properties: Properties) -> Outcome:
        if check is not None:
            check(site, given, properties)
        attributes: dict[str, Json] = {}
        if arn is not None:
            attributes["Arn"] = arn(site, given)
        if more is not None:
            attributes.update(more(site, given, properties))
        return Outcome(attributes["Arn"] if arn_is_id else given, attributes)

    def update(site: Site, resource: Resource, properties: Properties) -> None:
        if check is not None:
            check(site, str(properties.get(name) or resource.physical_id), properties)

    return Kind(create, update, name=name, longest=longest, fixed=fixed, needs=needs, tags=tags)


def refuse(message: str, code: str = "InvalidRequest") -> ServiceError:
    """A provider's refusal. The code is one of those of resource handlers.

    https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
    """
    return ServiceError(code, message)


def truth(value: Json, otherwise: bool = False) -> bool:
    """A boolean property, which templates may give as text."""
    if value is None:
        return otherwise
    return value is True or str(value).lower() == "true"


def tag_list(properties: Properties) -> list[dict[str, str]]:
    """The tags as a list of keys and values."""
    return [
        {"Key": str(tag["Key"]), "Value": str(tag["Value"])} for tag in properties.get("Tags", [])
    ]


def tag_map(properties: Properties) -> dict[str, str]:
    """The tags by key."""
    return {tag["Key"]: tag["Value"] for tag in tag_list(properties)}


def own_arn(service: str, prefix: str) -> Callable[[Site, str], str]:
    """ARNs of the form arn:...:service:Region:account:prefix + name."""
    return lambda site, name: site.arn(service, f"{prefix}{name}")
