"""The organization's trails as CloudTrail's delegated administrator sees them: by their ARN.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-delegated-administrator.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.cloudtrail.models import Trail, cloudtrail_backends

from generator.simulation.edge import Identity
from generator.simulation.world import ServiceError, World

CLOUDTRAIL = "cloudtrail.amazonaws.com"
OPERATIONS = ("DescribeTrails", "GetTrailStatus", "ListTags", "StartLogging", "StopLogging")


def administers_trails(world: World, account: str) -> bool:
    """Whether an account administers the trails of the organization, without owning them."""
    return account in world.organization.delegates.get(CLOUDTRAIL, ())


class AdministeredTrails:
    """What CloudTrail answers a delegated administrator; everything else is moto's."""

    def __init__(self, world: World) -> None:
        self.world = world

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Identity, region: str
    ) -> dict[str, Any] | None:
        if not administers_trails(self.world, caller.account):
            return None
        if operation == "DescribeTrails":
            own = cloudtrail_backends[caller.account][region].describe_trails(True)
            shadows = [each for each in self._all() if each.is_multi_region]
            return {
                "trailList": [each.description(include_region=True) for each in (*own, *shadows)]
            }
        named = str(parameters.get("Name") or parameters["ResourceIdList"][0])
        trail = self.named(named)
        if trail is None:
            return None
        if operation == "ListTags":
            return {"ResourceTagList": [{"ResourceId": named, "TagsList": []}]}
        if operation == "GetTrailStatus":
            return {"IsLogging": trail.status.is_logging}
        if trail.region_name != region:
            raise ServiceError("InvalidHomeRegionException", f"{named} has another home Region")
        (trail.start_logging if operation == "StartLogging" else trail.stop_logging)()
        return {}

    def named(self, arn: str) -> Trail | None:
        """The organization's trail of that ARN: it has no other name outside of its account."""
        return next((each for each in self._all() if each.arn == arn), None)

    def _all(self) -> list[Trail]:
        owned = cloudtrail_backends[self.world.organization.management]
        return [
            trail
            for home in self.world.regions
            for trail in owned[home].trails.values()
            if trail.is_org_trail
        ]
