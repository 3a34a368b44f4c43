"""Why an event went nowhere, in words that say what to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from generator.cloudtrail import GLOBAL_SERVICES, LEADERS
from generator.model import Detection, Json, Shape
from generator.patterns import compiled, conjunctions, misses
from generator.simulation.journeys import Journey
from generator.simulation.router import Router
from generator.simulation.world import Resource, World, partition_of


class Reasons:
    """Explains journeys through one simulated organization."""

    def __init__(self, world: World, router: Router, shape: Shape) -> None:
        self.world = world
        self.router = router
        self.shape = shape
        self.patterns = [(detection, compiled(detection.pattern)) for detection in shape.detections]
        self._names = {detection.id: _event_names(detection) for detection in shape.detections}
        self._alike: dict[tuple[tuple[str, ...], str], float] = {}

    def matching(self, event: Mapping[str, Json]) -> list[Detection]:
        """The enabled detections whose pattern matches."""
        return [detection for detection, pattern in self.patterns if pattern.matches(dict(event))]

    def before(self, event: Mapping[str, Json]) -> str | None:
        """Why an event does not even reach the default bus of its account and Region."""
        account, region = str(event.get("account", "")), str(event.get("region", ""))
        detail = event.get("detail")
        service = str(detail.get("eventSource", "")) if isinstance(detail, Mapping) else ""
        known = ", ".join(self.world.regions)
        leader = LEADERS[partition_of(self.world.regions[0])]
        if service in GLOBAL_SERVICES and region != leader:
            return (
                f"wrong Region: {service} records its calls in {leader}, not in "
                f"{region or '(none)'}: send it as an event of {leader}"
            )
        if region not in self.world.regions:
            if service in GLOBAL_SERVICES:
                return f"{service} records its calls in {leader}, which is not covered: cover it"
            return (
                f"the Region {region or '(none)'} does not exist in this organization: cover it, "
                f"or send an event of {known}"
            )
        if _from_cloudtrail(event) and not self.router.trails.feeds(account, region):
            return f"no trail is logging in {account}, {region}: start one"
        return None

    def after(self, journey: Journey, matching: Sequence[Detection]) -> str | None:
        """Why a journey ended without a delivery; None when it did not."""
        if journey.deliveries:
            return None
        if journey.dead_letters:
            letter = journey.dead_letters[0]
            kept = f"; kept in {letter.queue}" if letter.queue else ""
            return f"{letter.rule}: {letter.code}: {letter.why}{kept}"
        if not matching:
            return self._nearest(journey.event)
        routed = [detection for detection in matching if detection.id in self.shape.wiring]
        if not routed:
            return f"no route takes {_ids(matching)} anywhere: add one"
        if not journey.forwarded:
            return self._not_forwarded(journey, routed)
        return self._not_taken(journey.event, routed)

    def _not_forwarded(self, journey: Journey, matching: Sequence[Detection]) -> str:
        account, region = journey.account, journey.region
        here = f"{account}, {region}"
        ours = [
            rule
            for rule in self.router.rules(account, region, "default")
            if str(rule.properties["Name"]).startswith(f"{self.shape.name_prefix}-")
        ]
        if not ours:
            return (
                f"{_ids(matching)} matches, but no forwarding rule is deployed in {here}: cover "
                "this account and Region"
            )
        off = [rule for rule in ours if _is_off(rule) and self.router.matches(rule, journey.event)]
        if off:
            names = ", ".join(str(rule.properties["Name"]) for rule in off)
            return f"{_ids(matching)} matches, but {names} is disabled in {here}: enable it"
        return self._held_back(journey.event, matching) or (
            f"{_ids(matching)} matches, but no forwarding rule in {here} does: render and deploy "
            "the member rules again"
        )

    def _held_back(self, event: Mapping[str, Json], matching: Sequence[Detection]) -> str | None:
        plain = [detection for detection in matching if not detection.read_only]
        if not plain or not self.router.is_held_back(event):
            return None
        return (
            "read-only event, and no rule has the state that receives those: "
            f"{_ids(plain)} would need read_only: true"
        )

    def _not_taken(self, event: Mapping[str, Json], routed: Sequence[Detection]) -> str:
        """Why no rule on the central bus took what some detection with a route matches."""
        off = [
            str(rule.properties["Name"])
            for rule in self.world.inventory.everywhere()
            if rule.type == "AWS::Events::Rule"
            and rule.properties.get("EventBusName")
            and _is_off(rule)
            and self.router.matches(rule, event)
        ]
        if off:
            return f"forwarded, but {', '.join(off)} is disabled on the central bus: enable it"
        return self._held_back(event, routed) or (
            f"forwarded, but no central rule takes it: {_ids(routed)}: render and deploy the "
            "central stack again"
        )

    def _nearest(self, event: Mapping[str, Json]) -> str:
        """What the nearest detection would want otherwise: the fewest conditions that fail, and
        of those with equally many the one whose event names look most like this one's."""
        name = _event_name(event)
        best: tuple[int, float, str, str] | None = None
        for detection, _ in self.patterns:
            wanted = self._names[detection.id]
            if name not in wanted and not _same_source(detection, event):
                continue
            unmet = misses(dict(detection.pattern), dict(event))
            rank = len(unmet), -self._likeness(wanted, name), detection.id
            if best is None or rank < best[:3]:
                best = (*rank, f"{detection.id}: {'; '.join(str(miss) for miss in unmet)}")
        return "no detection matches" + (f"; nearest is {best[3]}" if best else "")

    def _likeness(self, wanted: tuple[str, ...], name: str) -> float:
        key = (wanted, name)
        if key not in self._alike:
            ratios = (SequenceMatcher(None, name, other).ratio() for other in wanted)
            self._alike[key] = max(ratios, default=0.0)
        return self._alike[key]


def _ids(detections: Sequence[Detection]) -> str:
    return ", ".join(detection.id for detection in detections)


def _is_off(rule: Resource) -> bool:
    return bool(rule.properties.get("State") == "DISABLED")


def _from_cloudtrail(event: Mapping[str, Json]) -> bool:
    return str(event.get("detail-type", "")).endswith("via CloudTrail")


def _event_name(event: Mapping[str, Json]) -> str:
    detail = event.get("detail")
    return str(detail.get("eventName", "")) if isinstance(detail, Mapping) else ""


def _event_names(detection: Detection) -> tuple[str, ...]:
    """The event names that a detection lists."""
    names = {
        value
        for conjunction in conjunctions(detection.pattern)
        for value in conjunction.get("detail.eventName", ())
        if isinstance(value, str)
    }
    return tuple(sorted(names))


def _same_source(detection: Detection, event: Mapping[str, Json]) -> bool:
    """Whether a detection is about this service, or about failures of any service and this is one.

    Others are no near miss.
    """
    sources = detection.pattern.get("source", [])
    if event.get("source") in [source for source in sources if isinstance(source, str)]:
        return True
    detail = event.get("detail")
    failed = isinstance(detail, Mapping) and detail.get("errorCode")
    return bool(failed and any(isinstance(source, Mapping) for source in sources))
