"""Which trails are logging: without one, no CloudTrail event reaches EventBridge.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

from __future__ import annotations

import re

from moto.cloudtrail.models import Trail, cloudtrail_backends

from generator.simulation.world import World, partition_of

TRAIL_NAME = re.compile(r"(?=.{3,128}$)(?![0-9]+(?:\.[0-9]+){3}$)[A-Za-z0-9](?:[._-]?[A-Za-z0-9])*")
"""https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html"""


class _Trail(Trail):  # type: ignore[misc]  # moto's hints are not read
    """A trail whose bucket nobody needs to make first."""

    def check_bucket_exists(self) -> None:
        return


class Trails:
    """The organization's trails, kept in moto: handlers start and stop them there."""

    def __init__(self, world: World) -> None:
        self.world = world

    def add(
        self,
        account: str,
        region: str,
        name: str,
        *,
        organization: bool = False,
        logging: bool = True,
    ) -> str:
        """Makes a multi-Region trail unless it exists, and gives its ARN."""
        backend = cloudtrail_backends[account][region]
        trail = backend.trails.get(name)
        if trail is None:
            trail = _Trail(
                account_id=account,
                region_name=region,
                trail_name=name,
                bucket_name=f"{name}-{account}",
                s3_key_prefix="",
                sns_topic_name="",
                is_global=True,
                is_multi_region=True,
                log_validation=True,
                is_org_trail=organization,
                cw_log_group_arn="",
                cw_role_arn="",
                kms_key_id="",
            )
            # What a trail has that was given nothing else; moto's has nothing.
            # https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html
            everything = {"ReadWriteType": "All", "IncludeManagementEvents": True}
            trail.put_event_selectors([everything], [])
            backend.trails[name] = trail
        if logging:
            trail.status.start_logging()
        else:
            trail.status.stop_logging()
        return f"arn:{partition_of(region)}:cloudtrail:{region}:{account}:trail/{name}"

    def feeds(self, account: str, region: str) -> bool:
        """Whether some trail brings this account's events of this Region to EventBridge."""
        management = self.world.organization.management
        return any(
            trail.status.is_logging
            for home in self.world.regions
            for trail in self._of(account, home)
            if home == region or trail.is_multi_region
        ) or any(
            trail.status.is_logging
            for home in self.world.regions
            for trail in self._of(management, home)
            if trail.is_org_trail and (home == region or trail.is_multi_region)
        )

    def _of(self, account: str, region: str) -> list[Trail]:
        if region not in cloudtrail_backends[account]:
            return []
        return list(cloudtrail_backends[account][region].trails.values())
