"""Why an event went nowhere, in words that say what to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from generator.model import Detection, Json, Shape
from generator.patterns import compiled, conjunctions, misses
from generator.simulation.journeys import Journey
from generator.simulation.router import Router
from generator.simulation.world import World, partition_of

# Services that record their calls in one Region of the partition, wherever they are called.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html
GLOBAL_SERVICES = frozenset(
    f"{name}.amazonaws.com"
    for name in ("account", "cloudfront", "iam", "organizations", "route53", "route53domains")
)
LEADERS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


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
        leader = LEADERS[partition_of(region)]
        if service in GLOBAL_SERVICES and region != leader:
            return f"wrong Region: {service} records its calls in {leader}, not in {region}"
        if region not in self.world.regions:
            if service in GLOBAL_SERVICES:
                return f"{service} records its calls in {leader}, which is not covered: {known}"
            return f"the Region {region or '(none)'} does not exist in this organization: {known}"
        if _from_cloudtrail(event) and not self.router.trails.feeds(account, region):
            return f"no trail is logging in {account}, {region}"
        return None

    def after(self, journey: Journey, matching: Sequence[Detection]) -> str | None:
        """Why a journey ended without a delivery; None when it did not."""
        if journey.deliveries:
            return None
        if journey.dead_letters:
            return journey.dead_letters[0].why
        if not matching:
            return self._nearest(journey.event)
        names = ", ".join(detection.id for detection in matching)
        if not journey.forwarded:
            if self.router.is_held_back(journey.event):
                return (
                    "read-only event, and no rule has the state that receives those: "
                    f"{names} would need read_only: true"
                )
            return f"{names} matches, but no forwarding rule of {journey.account} does"
        routed = [detection.id for detection in matching if detection.id in self.shape.wiring]
        if not routed:
            return f"no route takes {names} anywhere"
        return f"forwarded, but no central rule takes it: {', '.join(routed)}"

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
