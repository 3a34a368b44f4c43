"""Routes events as EventBridge does: default bus, forwarding rules, central bus, its rules.

What is assumed of AWS, and where it is said:

- CloudTrail's events reach the default bus of their account and Region, and only while a trail
  there is logging (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html).
- A rule in the plain state receives no read-only management event; which calls count as such is
  told in two ways, so there are two readings: `strict` drops every event marked read-only,
  `lenient` only Get, List and Describe
  (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail-management.html).
- A central rule is held to the same as a member's; whether a forwarded read-only event would reach
  a plain central rule is not documented, and the strict answer is the safe one.
- A bus target in another account is reached through the role on the target, which the sender's
  EventBridge must be able to assume, which must be allowed to put events on that bus, and which
  the bus's policy must let in (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html).
- Account and Region of an event stay those of its origin; a hop to another Region gives it a new
  id. What arrived from a bus goes on to no further bus (same page).
- Nobody but AWS puts events whose source begins with `aws.`; everybody else is refused.
- A default bus without a policy takes events of its own account alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Literal

from generator.model import Json
from generator.patterns import compiled
from generator.patterns.matching import CompiledPattern
from generator.simulation import access
from generator.simulation.arrivals.parcel import Undeliverable
from generator.simulation.authorization import Caller, Policy
from generator.simulation.deliveries import Courier
from generator.simulation.journeys import Journey
from generator.simulation.trails import Trails
from generator.simulation.world import Resource, World

Reading = Literal["strict", "lenient"]

READS_TOO = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
_READ_NAMES = ("Get", "List", "Describe")


class Router:
    """Sends events through the rules that stacks made."""

    def __init__(
        self, world: World, courier: Courier, trails: Trails, reading: Reading = "strict"
    ) -> None:
        self.world = world
        self.courier = courier
        self.trails = trails
        self.reading = reading
        self._patterns: dict[int, tuple[Json, CompiledPattern]] = {}

    def send(self, event: Mapping[str, Json]) -> Journey:
        """An event that a service of AWS puts on the default bus of its account and Region."""
        journey = Journey(event)
        self._enter(journey, journey.account, journey.region)
        return journey

    def put(
        self,
        caller: Caller,
        bus_arn: str,
        event: Mapping[str, Json],
        own: tuple[Policy, ...] = (),
    ) -> Journey:
        """PutEvents by somebody whose identity policies are `own`, straight on a bus.

        `event` says the source that they claim; account and Region are not theirs to say.
        """
        journey = Journey(event)
        if str(event.get("source", "")).startswith("aws."):
            journey.reason = "PutEvents takes no source that begins with aws."
            return journey
        region, account = bus_arn.split(":")[3:5]
        bus = self.world.inventory.by_arn(bus_arn)
        if bus is None and not self._is_default(bus_arn, account, region):
            journey.reason = f"there is no bus {bus_arn}"
            return journey
        context = {"events:eventBusInvocation": False, "events:source": event.get("source", "")}
        decision = access.allows(self.world, caller, "events:PutEvents", bus_arn, context, own)
        if not decision.allowed:
            journey.reason = f"no PutEvents: {decision.because}"
            return journey
        journey.event = {**event, "account": caller.account, "region": region}
        if bus is None:
            self._enter(journey, account, region)
        else:
            journey.forwarded = True
            self._arrive(journey, bus, journey.event)
        return journey

    def _is_default(self, bus_arn: str, account: str, region: str) -> bool:
        """Whether it is the bus that every account has in every Region without making it."""
        inside = account in self.world.organization.accounts
        named = bus_arn.endswith(":event-bus/default")
        return named and inside and self.world.enabled(account, region)

    # --- Rules

    def rules(self, account: str, region: str, bus: str) -> Iterator[Resource]:
        """The rules of one bus that have a pattern, in the order in which they were made."""
        for rule in self.world.inventory.of_type(account, region, "AWS::Events::Rule"):
            on = rule.properties.get("EventBusName") or "default"
            if on.rpartition("/")[2] == bus and rule.properties.get("EventPattern"):
                yield rule

    def matches(self, rule: Resource, event: Mapping[str, Json]) -> bool:
        """Whether the rule's pattern matches, whatever its state."""
        pattern = rule.properties["EventPattern"]
        known = self._patterns.get(id(pattern))
        if known is None or known[0] is not pattern:
            known = self._patterns[id(pattern)] = pattern, compiled(pattern)
        return known[1].matches(dict(event))

    def receives(self, rule: Resource, event: Mapping[str, Json]) -> bool:
        """Whether the rule's state lets it see such an event at all."""
        state = rule.properties.get("State", "ENABLED")
        if state == "DISABLED":
            return False
        return state == READS_TOO or not self.is_held_back(event)

    def is_held_back(self, event: Mapping[str, Json]) -> bool:
        """Whether rules in the plain state receive no such event."""
        detail = event.get("detail")
        if not isinstance(detail, Mapping) or detail.get("readOnly") not in (True, "true"):
            return False
        if detail.get("managementEvent") is False:
            return False
        if detail.get("eventCategory") not in (None, "Management"):
            return False
        name = detail.get("eventName")
        return self.reading == "strict" or (isinstance(name, str) and name.startswith(_READ_NAMES))

    # --- The hop to the central bus

    def _enter(self, journey: Journey, account: str, region: str) -> None:
        """Hands an event on a default bus to every rule that matches."""
        for rule in self.rules(account, region, "default"):
            if not self.matches(rule, journey.event) or not self.receives(rule, journey.event):
                continue
            journey.member_rules.append(str(rule.properties["Name"]))
            for target in rule.properties.get("Targets", []):
                if ":event-bus/" in str(target["Arn"]):
                    self._forward(journey, rule, target)
                else:
                    self._deliver(journey, rule, target, journey.event)

    def _forward(self, journey: Journey, rule: Resource, target: Mapping[str, Json]) -> None:
        bus_arn = str(target["Arn"])
        role_arn = str(target.get("RoleArn") or "")
        refusal = access.forwarding_refused(self.world, rule.arn, role_arn, bus_arn)
        bus = self.world.inventory.by_arn(bus_arn)
        if refusal is not None or bus is None:
            refusal = refusal or access.Refusal("NO_RESOURCE", f"there is no bus {bus_arn}")
            self.courier.dead_letter(
                journey, rule, target, journey.event, refusal.code, refusal.why
            )
            return
        journey.forwarded = True
        arrived = dict(journey.event)
        if bus.region != rule.region:
            name = f"{rule.arn} {journey.event.get('id')}"
            arrived["id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        self._arrive(journey, bus, arrived)

    def _arrive(self, journey: Journey, bus: Resource, event: Mapping[str, Json]) -> None:
        """Hands an event on the central bus to every rule that matches."""
        name = str(bus.properties["Name"])
        for rule in self.rules(bus.account, bus.region, name):
            if not self.matches(rule, event) or not self.receives(rule, event):
                continue
            journey.central_rules.append(str(rule.properties["Name"]))
            for target in rule.properties.get("Targets", []):
                self._deliver(journey, rule, target, event)

    def _deliver(
        self,
        journey: Journey,
        rule: Resource,
        target: Mapping[str, Json],
        event: Mapping[str, Json],
    ) -> None:
        try:
            self.courier.deliver(journey, rule, target, event)
        except Undeliverable as problem:
            self.courier.dead_letter(journey, rule, target, event, problem.code, str(problem))
