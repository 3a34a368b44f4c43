"""Why an event went nowhere, in words that say what to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generator.model import Detection, Json, Shape
from generator.patterns import compiled, misses
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
        """What the nearest detection would want otherwise."""
        best: tuple[int, str] | None = None
        for detection, _ in self.patterns:
            if not _same_subject(detection, event):
                continue
            unmet = misses(dict(detection.pattern), dict(event))
            told = f"{detection.id}: {'; '.join(str(miss) for miss in unmet)}"
            if best is None or len(unmet) < best[0]:
                best = len(unmet), told
        return "no detection matches" + (f"; nearest is {best[1]}" if best else "")


def _from_cloudtrail(event: Mapping[str, Json]) -> bool:
    return str(event.get("detail-type", "")).endswith("via CloudTrail")


def _same_subject(detection: Detection, event: Mapping[str, Json]) -> bool:
    """Whether a detection is about this service at all: others are no near miss."""
    source = str(event.get("source", ""))
    for wanted in detection.pattern.get("source", []):
        if wanted == source:
            return True
    detail = event.get("detail")
    failed = isinstance(detail, Mapping) and detail.get("errorCode")
    general = any(isinstance(wanted, Mapping) for wanted in detection.pattern.get("source", []))
    return bool(general and failed)
