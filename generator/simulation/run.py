"""Deploys rendered templates to a simulated organization, sends events, and tells their ways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from generator import catalogue, names
from generator.cloudtrail import GLOBAL_SERVICES, LEADERS, host_of
from generator.deploy.apply import Outcome, apply
from generator.deploy.aws import Refused
from generator.deploy.bundle import Bundle
from generator.deploy.existing import look
from generator.deploy.plan import plan
from generator.deploy.wanted import wanted
from generator.model import Detection, Json, Mistake, Place, Problem, Shape
from generator.simulation.authorization import Caller
from generator.simulation.cloud import Cloud, opened
from generator.simulation.decisions import decided
from generator.simulation.deliveries import Courier, received
from generator.simulation.functions import Functions, simulated_now
from generator.simulation.journeys import Journey
from generator.simulation.left_over import LeftOver
from generator.simulation.organization import world_of
from generator.simulation.reasons import Reasons
from generator.simulation.records import Found, Reading, completed, doubted
from generator.simulation.router import Router
from generator.simulation.staging import stage
from generator.simulation.workflows import Workflows
from generator.simulation.world import World, partition_of

ORGANIZATION_TRAIL = "organization-trail"
_AFTERWARDS = timedelta(hours=1)
"""How long the simulation goes on after its last event, where something waits to be done."""
STACK_SETS = "member.org.stacksets.cloudformation.amazonaws.com"
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-delegated-admin.html"""


@dataclass
class Simulation:
    """What came of a simulation."""

    world: World
    outcomes: list[Outcome]
    journeys: list[Journey] = field(default_factory=list)
    queues: dict[str, list[str]] = field(default_factory=dict)
    matched: dict[str, int] = field(default_factory=dict)
    moved: int = 0
    unusable: tuple[Problem, ...] = ()
    log: list[str] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """How many decisions failed, and executions of workflows."""
        return sum(
            sum(decision.failed for decision in journey.decisions)
            + sum(action.outcome.startswith("failed at ") for action in journey.actions)
            for journey in self.journeys
        )

    @property
    def dead_letters(self) -> int:
        """How many deliveries ended as a dead letter, or were lost for want of a queue."""
        return sum(len(journey.dead_letters) for journey in self.journeys)

    @property
    def went_well(self) -> bool:
        """Whether all of the input could be used, and all that came of it was dealt with."""
        return not (self.unusable or self.dead_letters or self.failures)


def simulate(
    shape: Shape,
    bundle: Bundle,
    place: Place,
    reading: Reading,
    accounts: int,
) -> Simulation:
    """Makes the organization, deploys the bundle to it by the deploy code, and sends the events.

    Raises Mistake when the deployment itself fails.
    """
    world = world_of(place, accounts)
    with opened(world) as cloud:
        prepared(cloud, place)
        cloud.trails.add(
            place.management_account,
            world.regions[0],
            ORGANIZATION_TRAIL,
            organization=True,
        )
        outcomes = deployed(cloud, bundle, place)
        simulation = Simulation(world, outcomes, unusable=reading.unusable)
        send(cloud, shape, place, reading.found, simulation)
        simulation.queues = received(world)
    return simulation


def prepared(cloud: Cloud, place: Place) -> None:
    """Does what an organization must have done before anything is rolled out in it."""
    management = cloud.administrator(place.management_account, place.central_region)
    management.client("cloudformation").activate_organizations_access()
    if place.access.delegated_admin:
        management.client("organizations").register_delegated_administrator(
            AccountId=place.administrator, ServicePrincipal=STACK_SETS
        )


def deployed(cloud: Cloud, bundle: Bundle, place: Place) -> list[Outcome]:
    """Deploys as `deploy` does: the same plan, walked by the same code."""
    want = wanted(bundle, place, tuple(place.regions or ()))
    door = cloud.door(place)
    try:
        outcomes = apply(door, want, plan(want, look(door, want)), cloud.pause)
    except Refused as refusal:
        raise Mistake.one("simulated rollout", str(refusal)) from None
    problems = []
    for outcome in outcomes:
        if not outcome.ok and not outcome.failures:
            problems.append(Problem("simulated rollout", outcome.reason))
        for cell in outcome.failures:
            where = f"simulated rollout: {cell.account} {cell.region}"
            problems.append(Problem(where, f"{cell.status}: {cell.reason}"))
    if problems:
        raise Mistake(problems)
    return outcomes


def example_events(detections: Iterable[Detection], prefix: str) -> Reading:
    """The examples of these detections, as events to send."""
    found = []
    for detection in detections:
        for example in catalogue.examples(detection):
            event = names.with_prefix(dict(example.event), prefix)
            found.append(Found(event, False, example.place))
    doubts = [one for each in found for one in doubted(each.event, each.place)]
    return Reading(tuple(found), doubts=tuple(doubts))


def send(
    cloud: Cloud, shape: Shape, place: Place, found: Iterable[Found], simulation: Simulation
) -> None:
    """Sends events through a deployed organization, one after the other, and notes their ways."""
    world = cloud.world
    kinds = {target.name: target.kind for target in shape.targets}
    courier = Courier(world, kinds, shape.name_prefix)
    router = Router(world, courier, cloud.trails)
    reasons = Reasons(world, router, shape)
    responders = {
        names.function(shape.name_prefix, target.name): str(target.options["responder"])
        for target in shape.targets
        if target.kind == "responder"
    }
    home = place.central_account, place.central_region
    functions = Functions(world, cloud.edge, *home, responders)
    workflows = Workflows(world, cloud.edge, functions)
    left_over = LeftOver(world, *home)
    sent: dict[str, Journey] = {}
    simulation.matched = dict.fromkeys((detection.id for detection in shape.detections), 0)
    for item in found:
        event = item.event
        nowhere = "account" not in event
        if {"account", "region", "time", "id"} - event.keys():
            event = completed(event, _home_of(event, world))
        if (nowhere or not item.whole) and event["account"] not in world.organization.accounts:
            event = moved(event, world)
            simulation.moved += 1
        stage(cloud, event)
        matching = reasons.matching(event)
        for detection in matching:
            simulation.matched[detection.id] += 1
        journey = _journey(router, reasons, place, event)
        sent[str(journey.detail.get("eventID"))] = journey
        logged = len(functions.log)
        left_over.skip()
        if journey.forwarded:
            detail = journey.detail
            now = simulated_now(str(detail.get("eventTime", "")))
            before = len(functions.posts)
            if simulation.journeys:
                simulation.journeys[-1].actions += functions.wait(now)
            journey.actions += functions.pump(now)
            journey.actions += workflows.pump(now)
            journey.posts += functions.posts[before:]
        journey.reason = journey.reason or reasons.after(journey, matching)
        _tell(functions.log[logged:], left_over, sent, journey)
        simulation.journeys.append(journey)
    if (waiting := functions.delays.next) is not None:
        logged = len(functions.log)
        simulation.journeys[-1].actions += functions.wait(waiting + _AFTERWARDS)
        _tell(functions.log[logged:], left_over, sent, simulation.journeys[-1])
    simulation.log = functions.log


def _tell(
    log: Iterable[str], left_over: LeftOver, sent: Mapping[str, Journey], latest: Journey
) -> None:
    """Notes what functions decided and could not handle, each with the event that it is about.

    That may be an earlier one, which was to be looked at again later.
    """
    decisions = decided(log)
    for decision in decisions:
        sent.get(decision.event_id, latest).decisions.append(decision)
    for event_id, letter in left_over.new(decisions):
        sent.get(event_id, latest).dead_letters.append(letter)


def _home_of(event: Mapping[str, Json], world: World) -> str:
    """The Region of an event that names none: where its service records its calls."""
    leader = LEADERS[partition_of(world.regions[0])]
    source = str(event.get("source", ""))
    return leader if host_of(source) in GLOBAL_SERVICES else world.regions[0]


def _journey(router: Router, reasons: Reasons, place: Place, event: Mapping[str, Json]) -> Journey:
    account = str(event.get("account", ""))
    if account not in router.world.organization.accounts:
        return _from_a_stranger(router, place, event)
    reason = reasons.before(event)
    if reason is not None:
        return Journey(event, reason=reason)
    return router.send(event)


def _from_a_stranger(router: Router, place: Place, event: Mapping[str, Json]) -> Journey:
    """An account outside the organization has none of our rules: all it can do is PutEvents."""
    account = str(event.get("account", ""))
    if not _ACCOUNT.fullmatch(account):
        return Journey(event, reason=f"'{account}' is no account")
    bus, *_ = router.world.inventory.of_type(
        place.central_account, place.central_region, "AWS::Events::EventBus"
    )
    caller = Caller.root(account, partition=partition_of(place.central_region))
    journey = router.put(caller, bus.arn, event)
    if journey.reason is not None:
        journey.reason = f"{account} is outside the organization: {journey.reason}"
    return journey


_ACCOUNT = re.compile("[0-9]{12}")
_IDENTITIES = ("eventID", "requestID", "sharedEventID")
"""What identifies a record, or links it to others, stays as it is when the record is moved."""


def moved(event: Mapping[str, Json], world: World) -> dict[str, Json]:
    """The event as if it had happened in a member: each strange account in always the same one."""
    members = sorted(set(world.organization.accounts) - {world.organization.management})
    stranger = str(event["account"])
    known = _ACCOUNT.fullmatch(stranger)
    number = int(stranger) if known else sum(stranger.encode())
    member = members[number % len(members)]
    # Twelve digits are an account unless they are part of a longer number, or end a UUID.
    digits = re.compile(rf"(?<![0-9])(?<![0-9a-f]{{4}}-){re.escape(stranger)}(?![0-9])")

    def rewritten(value: Json) -> Json:
        if isinstance(value, str):
            return digits.sub(member, value) if known else value
        if isinstance(value, list):
            return [rewritten(item) for item in value]
        if isinstance(value, Mapping):
            return {
                key: item if key in _IDENTITIES else rewritten(item) for key, item in value.items()
            }
        return value

    whole: dict[str, Json] = {**rewritten(event), "account": member}
    detail = whole.get("detail")
    if isinstance(detail, dict) and "recipientAccountId" in detail:
        detail["recipientAccountId"] = member
    return whole
