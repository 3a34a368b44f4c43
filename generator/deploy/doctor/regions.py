"""Checks the Regions: that they exist, are switched on, and hold what a rollout needs."""

from __future__ import annotations

from collections.abc import Iterator

from generator.deploy.aws import Refused
from generator.deploy.doctor.findings import Check, Examination, Fault, blocking, warning
from generator.deploy.identity import SIDES
from generator.deploy.wanted import partition_of

LEADERS = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
"""Where the events of global services are recorded. That of the two small partitions is the role
that CloudTrail gives a partition's leader; not seen in its documentation.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html"""

WITHOUT_ARCHIVES = (
    *("ap-east-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "ca-west-1"),
    *("il-central-1", "mx-central-1"),
)
WITHOUT_API_DESTINATIONS = (
    *("ap-east-2", "ap-southeast-5", "ap-southeast-6", "ca-west-1", "il-central-1"),
    *("mx-central-1", "us-gov-east-1", "us-gov-west-1"),
)
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/feature-availability.html
https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-eventbridge.html"""

REGIONS = "place.regions"


def _enabled(examination: Examination) -> Iterator[Fault]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-opt-in-regions.html"""
    wanted = examination.wanted
    status = examination.region_status("management")
    for region in wanted.rules.regions:
        if region not in status:
            fault = f"there is no Region {region}"
            yield blocking(REGIONS, fault, "correct it, or leave it out")
        elif not status[region].startswith("ENABL"):
            fault = f"{region} is not enabled in the management account: no StackSet gets there"
            yield blocking(REGIONS, fault, f"enable {region} there, or leave it out")
    opted = [region for region in wanted.rules.regions if status.get(region) == "ENABLED"]
    if opted:
        fault = f"{', '.join(opted)}: only accounts that opted in are covered; the others fail"
        yield warning(REGIONS, fault, "enable them in every account, or leave them out")


def _leader(examination: Examination) -> Iterator[Fault]:
    """https://repost.aws/knowledge-center/use-eventbridge-rule-across-regions"""
    wanted = examination.wanted
    leader = LEADERS[wanted.partition]
    if leader not in wanted.rules.regions:
        fault = (
            f"{leader} is missing: the events of IAM, Organizations and most sign-ins occur there"
        )
        yield warning(REGIONS, fault, f"add {leader}")


def _central(examination: Examination) -> Iterator[Fault]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html"""
    home = examination.wanted.home
    status = examination.region_status("central").get(home)
    if status is None:
        yield blocking("place.central.region", f"there is no Region {home}", "correct it")
    elif not status.startswith("ENABL"):
        fault = f"{home} is not enabled in the central account"
        yield blocking("place.central.region", fault, "enable it, or take another")
    elif status == "ENABLED":
        fault = f"{home} is one to opt into; forwarding into such Regions is not documented"
        yield warning("place.central.region", fault, "take one that is enabled by default")


def _tokens(examination: Examination) -> Iterator[Fault]:
    """EventBridge assumes the forwarder role at the Region's own endpoint of STS. Each account has
    its own switches; only those of two accounts can be seen from here.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
    """
    for side in SIDES:
        status = examination.region_status(side)
        for region in examination.wanted.rules.regions:
            if not status.get(region, "").startswith("ENABL"):
                continue
            try:
                examination.ask(side, "sts", "GetCallerIdentity", region)
            except Refused as refusal:
                if refusal.code != "RegionDisabledException":
                    raise
                yield warning(
                    f"{region} in the {side} account",
                    "STS is switched off there: no rule can assume its role",
                    "activate it: IAM, Account settings, Security Token Service (STS)",
                )


def _archive(examination: Examination) -> Iterator[Fault]:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/feature-availability.html"""
    wanted = examination.wanted
    days = wanted.central.parameters.get("ArchiveDays")
    if wanted.home in WITHOUT_ARCHIVES and days != "-1":
        yield blocking(
            "place.central.region",
            f"{wanted.home} has no event archives",
            "set place.parameters: {ArchiveDays: '-1'}, or take another Region",
        )


def _partition(examination: Examination) -> Iterator[Fault]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs.html"""
    wanted = examination.wanted
    partition = wanted.partition
    if partition == "aws-cn" and wanted.service_managed:
        yield blocking(
            "place.central.region",
            "StackSets have no trusted access in the China Regions",
            "say place.rollout.permissions: self-managed",
        )
    strange = [r for r in wanted.rules.regions if partition_of(r) != partition]
    if strange:
        fault = (
            f"{', '.join(strange)}: not in the partition {partition}; no event crosses partitions"
        )
        yield blocking(REGIONS, fault, "roll out to each partition by itself")
    away = [r for r in wanted.rules.regions if r != wanted.home and r not in strange]
    if partition != "aws" and away:
        fault = (
            f"forwarding from {', '.join(away)} to {wanted.home} is not documented in {partition}"
        )
        yield warning(REGIONS, fault, f"try one account first, or cover {wanted.home} alone")
    targets = wanted.bundle.manifest.get("targets", {})
    calling = [name for name, entry in targets.items() if entry.get("kind") == "api_destination"]
    if calling and wanted.home in WITHOUT_API_DESTINATIONS:
        yield blocking(
            f"targets.{', '.join(calling)}",
            f"{wanted.home} has no API destinations",
            "take another central Region, or a queue or a responder as target",
        )


CHECKS = (
    Check("Regions", "every Region exists and is enabled", _enabled),
    Check("leader Region", "the Region of the global services is covered", _leader),
    Check("central Region", "the central Region is enabled", _central),
    Check("STS", "STS is active in every Region, in both accounts", _tokens),
    Check("archive", "the central Region has event archives", _archive),
    Check("partition", "the partition has what is used", _partition),
)
