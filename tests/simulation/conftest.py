"""A simulated organization with the built-in templates deployed, and events to send through it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from moto.sqs.models import sqs_backends

from generator import catalogue, config, names, render
from generator.deploy.bundle import Bundle
from generator.model import Detection, Example, Json, Place, Shape
from generator.simulation import access
from generator.simulation.authorization import Caller, Policy
from generator.simulation.cloud import Cloud, opened
from generator.simulation.deliveries import Courier
from generator.simulation.functions import Functions, simulated_now
from generator.simulation.journeys import Journey
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.reasons import Reasons
from generator.simulation.router import Reading, Router
from generator.simulation.run import ORGANIZATION_TRAIL, deployed
from generator.simulation.workflows import Workflows
from generator.simulation.world import Resource, World

MANAGEMENT = DEFAULT_PLACE.management_account
CENTRAL = DEFAULT_PLACE.central_account
HOME = DEFAULT_PLACE.central_region
MEMBER = "111122223333"
OTHER = "444455556666"
STRANGER = "999988887777"
AWAY = "eu-west-1"
BUS = f"arn:aws:events:{HOME}:{CENTRAL}:event-bus/trailbus"
UNFORWARDED = "trailbus-unforwarded"

RULE = "AWS::Events::Rule"
ROLE = "AWS::IAM::Role"
QUEUE = "AWS::SQS::Queue"


@cache
def built_in() -> Shape:
    """What the built-in configuration says."""
    return config.load().shape


def bundle_of(shape: Shape) -> Bundle:
    """The rendered templates of a shape, as deploy reads them."""
    files = render.render(shape)
    manifest = json.loads(files[names.MANIFEST])
    return Bundle({name: files[name] for name in manifest["templates"]}, manifest)


@cache
def bundle() -> Bundle:
    """The built-in templates."""
    return bundle_of(built_in())


# --- Events


@cache
def _examples() -> dict[str, list[Example]]:
    return {detection.id: catalogue.examples(detection) for detection in built_in().detections}


def detection(name: str) -> Detection:
    """An enabled detection."""
    [found] = [one for one in built_in().detections if one.id == name]
    return found


def examples(matching: bool) -> list[tuple[str, dict[str, Json]]]:
    """Every example of the enabled detections that must match, or must not: detection, event."""
    return [
        (name, copy.deepcopy(names.with_prefix(dict(example.event), "trailbus")))
        for name, known in _examples().items()
        for example in known
        if example.matches is matching
    ]


def event_of(name: str, *, account: str = MEMBER, region: str = AWAY, **detail: Json) -> Any:
    """An event that a detection matches, in some account and Region, with other details."""
    event = next(event for known, event in examples(True) if known == name)
    event |= {"account": account, "region": region}
    event["detail"] |= {"recipientAccountId": account, "awsRegion": region, **detail}
    return event


def stop_of(trail: str, account: str, region: str, **detail: Json) -> Any:
    """The event of somebody stopping a trail."""
    parameters = {"name": trail}
    given = {"requestParameters": parameters, "eventID": f"stop-{account}-{region}", **detail}
    return event_of("cloudtrail_logging_stopped", account=account, region=region, **given)


# --- The organization


@dataclass
class Laboratory:
    """An open organization and everything that handles events in it."""

    cloud: Cloud
    place: Place
    shape: Shape
    reading: Reading = "strict"
    courier: Courier = field(init=False)
    router: Router = field(init=False)
    reasons: Reasons = field(init=False)
    functions: Functions = field(init=False)
    workflows: Workflows = field(init=False)

    def __post_init__(self) -> None:
        kinds = {target.name: target.kind for target in self.shape.targets}
        self.courier = Courier(self.world, kinds, self.shape.name_prefix)
        self.router = Router(self.world, self.courier, self.cloud.trails, self.reading)
        self.reasons = Reasons(self.world, self.router, self.shape)
        home = self.place.central_account, self.place.central_region
        self.functions = Functions(self.world, self.cloud.edge, *home)
        self.workflows = Workflows(self.world, self.cloud.edge, self.functions)

    @property
    def world(self) -> World:
        return self.cloud.world

    def send(self, event: Mapping[str, Json]) -> Journey:
        """Sends an event and lets the responders act."""
        journey = self.router.send(event)
        now = simulated_now(str(journey.detail.get("eventTime", "")))
        before = len(self.functions.posts)
        journey.actions += self.functions.pump(now)
        journey.actions += self.workflows.pump(now)
        journey.posts += self.functions.posts[before:]
        return journey

    def resource(self, type_: str, name: str, account: str = CENTRAL, region: str = HOME) -> Any:
        """A resource by its physical name."""
        [found] = [
            one
            for one in self.world.inventory.of_type(account, region, type_)
            if name == one.properties.get(_NAMES.get(type_, ""), one.physical_id)
        ]
        return found

    def member_role(self, account: str = MEMBER, name: str = "Admin") -> tuple[Caller, Any]:
        """Somebody in an account who may do everything there, with the policies that say so."""
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        made = Resource(
            ROLE,
            name,
            name,
            account,
            HOME,
            {
                "RoleName": name,
                "Policies": [
                    {
                        "PolicyName": "all",
                        "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
                    }
                ],
            },
            {"Arn": f"arn:aws:iam::{account}:role/{name}"},
        )
        return self.acting(made)

    def acting(self, role: Resource) -> tuple[Caller, tuple[Policy, ...]]:
        """A session of a role, with its policies."""
        return access.caller_of_role(self.world, role, "somebody"), access.of_role(role)


_NAMES = {
    RULE: "Name",
    ROLE: "RoleName",
    QUEUE: "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::Lambda::Function": "FunctionName",
}


@contextmanager
def laboratory(
    place: Place = DEFAULT_PLACE, accounts: int = 5, shape: Shape | None = None
) -> Iterator[Laboratory]:
    """An organization with the templates of a shape deployed by the deploy code."""
    with opened(world_of(place, accounts)) as cloud:
        management = cloud.administrator(place.management_account, place.central_region)
        management.client("cloudformation").activate_organizations_access()
        home = cloud.world.regions[0]
        cloud.trails.add(place.management_account, home, ORGANIZATION_TRAIL, organization=True)
        deployed(cloud, bundle_of(shape) if shape else bundle(), place)
        yield Laboratory(cloud, place, shape or built_in())


class Laboratories:
    """One open organization at a time: two would share moto's state."""

    def __init__(self) -> None:
        self._place: Place | None = None
        self._open = ExitStack()
        self._lab: Laboratory | None = None

    def at(self, place: Place) -> Laboratory:
        """The organization of a place, with empty queues; opened unless it is the open one."""
        if self._lab is None or self._place != place:
            self.close()
            self._lab, self._place = self._open.enter_context(laboratory(place)), place
        for resource in self._lab.world.inventory.everywhere():
            if resource.type == QUEUE:
                moto_queue(resource)._messages.clear()
        return self._lab

    def close(self) -> None:
        self._open.close()
        self._lab = None


@pytest.fixture(scope="module")
def laboratories() -> Iterator[Laboratories]:
    """The organizations that the tests of a module work in, one after the other."""
    made = Laboratories()
    yield made
    made.close()


@pytest.fixture
def lab(laboratories: Laboratories) -> Laboratory:
    """The default organization with empty queues. Who changes anything else puts it back."""
    return laboratories.at(DEFAULT_PLACE)


# --- What is in it, and changing it for a while


def moto_queue(resource: Resource) -> Any:
    """Where moto keeps what lies in a queue."""
    name = str(resource.properties["QueueName"])
    return sqs_backends[resource.account][resource.region].get_queue(name)


def lying_in(resource: Resource) -> list[Any]:
    """The messages that lie in a queue, as moto keeps them."""
    return list(moto_queue(resource).messages)


def bodies_in(resource: Resource) -> list[str]:
    """What lies in a queue."""
    return [str(message.body) for message in lying_in(resource)]


@contextmanager
def altered(resource: Resource, **properties: Json) -> Iterator[None]:
    """A resource that somebody changes behind its stack's back, for as long as the block runs.

    None takes a property away.
    """
    before = dict(resource.properties)
    resource.properties.update(properties)
    for name in [name for name, value in properties.items() if value is None]:
        del resource.properties[name]
    try:
        yield
    finally:
        resource.properties.clear()
        resource.properties.update(before)


@contextmanager
def without(world: World, resource: Resource) -> Iterator[None]:
    """A world in which a resource is gone, for as long as the block runs."""
    world.inventory.remove(resource)
    try:
        yield
    finally:
        world.inventory.add(resource)


@contextmanager
def also(world: World, *resources: Resource) -> Iterator[None]:
    """A world in which there is more, for as long as the block runs."""
    for resource in resources:
        world.inventory.add(resource)
    try:
        yield
    finally:
        for resource in resources:
            world.inventory.remove(resource)
