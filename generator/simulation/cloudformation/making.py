"""One resource made, changed, replaced or removed, with what CloudFormation checks around it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from generator.model import Json
from generator.simulation.world import Resource, ServiceError, World

from .providers import kind as kind_of
from .providers.kind import Kind, Properties, Services, Site, identifier
from .stack import Entry, Stack
from .template import Declared


class Failure(Exception):
    """A resource that could not be made, changed or removed: the reason as events tell it."""


class Maker:
    """Makes resources in the world, by their providers."""

    def __init__(self, world: World, services: Services) -> None:
        self.world = world
        self.services = services
        self._numbers = itertools.count(1)

    def create(self, stack: Stack, declared: Declared, properties: dict[str, Json]) -> Entry:
        """Makes a resource; Failure when its service refuses."""
        kind = kind_of(declared.type)
        site = self._site(stack, declared.logical_id)
        try:
            _check_needs(kind, declared, properties)
            given = str(properties.get(kind.name) or "") if kind.name else ""
            if given and self.taken(site, kind, declared.type, given):
                raise ServiceError("AlreadyExists", self._conflict(site, declared.type, given))
            name = given or self._invented(site, kind)
            outcome = kind.create(site, name, properties)
            live = dict(properties)
            if kind.name:
                live[kind.name] = name
            resource = Resource(
                declared.type,
                declared.logical_id,
                outcome.physical_id,
                stack.account,
                stack.region,
                live,
                outcome.attributes,
                stack.id,
            )
            self._forget_what_is_gone(kind, resource)
            self.world.inventory.add(resource)
        except (ServiceError, HTTPException, ServiceException) as error:
            raise Failure(reason_of(error, stack.id, declared.logical_id)) from None
        return Entry(declared, properties, resource, "CREATE_COMPLETE", self.world.clock)

    def _forget_what_is_gone(self, kind: Kind, resource: Resource) -> None:
        """Drops the record of one with that name which somebody removed by its service's own API:
        else the service would not have made another."""
        inventory = self.world.inventory
        place = (resource.account, resource.region, resource.type, resource.physical_id)
        gone = inventory.get(*place)
        if gone is not None and kind.exists is not None:
            inventory.remove(gone)

    def update(
        self, stack: Stack, entry: Entry, declared: Declared, properties: dict[str, Json]
    ) -> None:
        """Changes a resource in place."""
        kind = kind_of(declared.type)
        live = dict(properties)
        if kind.name:
            live[kind.name] = entry.resource.properties.get(kind.name, entry.resource.physical_id)
        try:
            _check_needs(kind, declared, properties)
            if properties != entry.expected:
                kind.update(self._site(stack, declared.logical_id), entry.resource, live)
                entry.resource.properties = live
        except (ServiceError, HTTPException, ServiceException) as error:
            raise Failure(reason_of(error, stack.id, declared.logical_id)) from None
        entry.declared, entry.expected, entry.time = declared, properties, self.world.clock
        entry.status = "UPDATE_COMPLETE"

    def delete(self, stack: Stack, resource: Resource) -> None:
        """Removes a resource; one that is gone already is no failure."""
        try:
            kind_of(resource.type).delete(self._site(stack, resource.logical_id), resource)
        except (ServiceError, HTTPException, ServiceException) as error:
            raise Failure(reason_of(error, stack.id, resource.logical_id)) from None
        self.world.inventory.remove(resource)

    def live(self, stack: Stack, entry: Entry) -> dict[str, Json] | None:
        """The properties of a resource as they are now; None when it is gone."""
        kind = kind_of(entry.resource.type)
        if kind.live is None:
            return entry.resource.properties
        return kind.live(self._site(stack, entry.declared.logical_id), entry.resource)

    def taken(self, site: Site, kind: Kind, type_: str, name: str) -> bool:
        """Whether somebody else has something of that name."""
        if kind.exists is not None:
            return kind.exists(site, name)
        return self.world.inventory.get(site.account, site.region, type_, name) is not None

    def name_conflict(self, stack: Stack, declared: Declared, properties: Properties) -> str | None:
        """What making the resource would clash with, for the validation of change sets."""
        kind = kind_of(declared.type)
        name = str(properties.get(kind.name) or "") if kind.name else ""
        site = self._site(stack, declared.logical_id)
        if name and self.taken(site, kind, declared.type, name):
            return self._conflict(site, declared.type, name)
        return None

    def _conflict(self, site: Site, type_: str, name: str) -> str:
        for known in self.world.inventory.of_type(site.account, site.region, type_):
            if known.stack_id and name in (known.physical_id, *known.properties.values()):
                return f"{name} already exists in stack {known.stack_id}"
        return f"Resource of type '{type_}' with identifier '{name}' already exists."

    def _invented(self, site: Site, kind: Kind) -> str:
        name = site.invented_name(kind.longest)
        return name.lower() if kind.lowercase else name

    def _site(self, stack: Stack, logical_id: str) -> Site:
        return Site(
            self.world,
            self.services,
            stack.account,
            stack.region,
            stack.id,
            stack.name,
            logical_id,
            next(self._numbers),
        )


def with_tags(type_: str, properties: dict[str, Json], tags: Mapping[str, str]) -> dict[str, Json]:
    """The properties, with the stack's tags where the resource has none of that key.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-resource-tags.html
    """
    form = kind_of(type_).tags
    if form == "map" and tags:
        return {**properties, "Tags": {**tags, **properties.get("Tags", {})}}
    if form != "list":
        return properties
    own = properties.get("Tags", [])
    keys = {str(tag["Key"]) for tag in own}
    if len(keys) != len(own):
        raise ServiceError(
            "InvalidRequest",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        )
    added = [{"Key": key, "Value": value} for key, value in tags.items() if key not in keys]
    return {**properties, "Tags": [*own, *added]} if added else properties


def reason_of(error: Exception, *seed: str) -> str:
    """A refusal in the words of a stack's events."""
    if isinstance(error, ServiceError) and error.code == "ValidationError":
        return error.message
    code = getattr(error, "error_type", None) or getattr(error, "code", "InternalFailure")
    message = getattr(error, "message", None) or str(error)
    return (
        f'Resource handler returned message: "{message}" '
        f"(RequestToken: {identifier(*seed)}, HandlerErrorCode: {code})"
    )


def _check_needs(kind: Kind, declared: Declared, properties: Properties) -> None:
    missing = [name for name in kind.needs if properties.get(name) is None]
    if missing:
        raise ServiceError(
            "ValidationError",
            f"Properties validation failed for resource {declared.logical_id} with message: "
            f"[#: required key [{missing[0]}] not found]",
        )
