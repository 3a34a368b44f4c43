"""Checks what feeds EventBridge: a trail that logs, and what it leaves out.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.deploy.doctor.findings import Check, Examination, Fault, unchecked, warning

EXCLUDABLE = ("kms.amazonaws.com", "rdsdata.amazonaws.com")
"""https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html"""

FEED = "the organization's trail"
_ALL_READS = "select read and write management events on one organization trail"


def _logging(examination: Examination) -> Iterator[Fault]:
    trails = _organization_trails(examination)
    if not trails:
        yield warning(
            FEED,
            "there is none: only accounts with a trail of their own send any event",
            "make a multi-Region organization trail",
        )
        return
    silent = [trail for trail in trails if not _is_logging(examination, trail)]
    if len(silent) == len(trails):
        for trail in silent:
            cure = f"aws cloudtrail start-logging --name {trail['TrailARN']}"
            yield warning(f"trail {trail['Name']}", "is not logging: no event arrives", cure)
        return
    if not any(trail.get("IsMultiRegionTrail") for trail in trails if trail not in silent):
        for trail in trails:
            fault = f"covers {trail['HomeRegion']} alone"
            cure = f"aws cloudtrail update-trail --name {trail['TrailARN']} --is-multi-region-trail"
            yield warning(f"trail {trail['Name']}", fault, cure)


def _home(examination: Examination) -> Iterator[Fault]:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html"""
    trails = _organization_trails(examination)
    if not trails:
        yield unchecked(FEED, "there is none")
        return
    status = examination.region_status("management")
    for trail in trails:
        if status.get(trail["HomeRegion"]) == "ENABLED":
            fault = f"lives in {trail['HomeRegion']}, which accounts must opt into to be covered"
            yield warning(f"trail {trail['Name']}", fault, "make one in a Region of everybody's")


def _selectors(examination: Examination) -> Iterator[Fault]:
    """What all logging trails together leave out: one that takes it is enough."""
    trails = [t for t in _organization_trails(examination) if _is_logging(examination, t)]
    if not trails:
        yield unchecked(FEED, "none is logging")
        return
    seen = []
    for trail in trails:
        answer = examination.ask(
            "management",
            "cloudtrail",
            "GetEventSelectors",
            trail["HomeRegion"],
            TrailName=trail["TrailARN"],
        )
        seen += list(_streams(answer))
    if not any(stream["writes"] for stream in seen):
        fault = "no logging trail selects management events that write"
        yield warning(FEED, fault, _ALL_READS)
    wanting = _wanting_reads(examination)
    if wanting and not any(stream["reads"] for stream in seen):
        fault = f"read-only management events are left out: {_some(wanting)} will stay silent"
        yield warning(FEED, fault, _ALL_READS)
    for source in EXCLUDABLE:
        if seen and all(source in stream["without"] for stream in seen):
            fault = f"events of {source} are left out"
            yield warning(FEED, fault, "take it out of ExcludeManagementEventSources")


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _wanting_reads(examination: Examination) -> list[str]:
    """The detections whose rules carry the state that also receives read-only events."""
    detections = examination.wanted.bundle.manifest.get("detections", {})
    return [
        name
        for name, entry in detections.items()
        if any("-forward-reads" in rule for rule in entry.get("member_rules", []))
    ]


def _organization_trails(examination: Examination) -> list[dict[str, Any]]:
    answer = examination.ask("management", "cloudtrail", "DescribeTrails", includeShadowTrails=True)
    return [trail for trail in answer["trailList"] if trail.get("IsOrganizationTrail")]


def _is_logging(examination: Examination, trail: Mapping[str, Any]) -> bool:
    answer = examination.ask(
        "management", "cloudtrail", "GetTrailStatus", trail["HomeRegion"], Name=trail["TrailARN"]
    )
    return bool(answer["IsLogging"])


def _streams(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What each selector of management events lets through.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
    """
    for basic in answer.get("EventSelectors", []):
        if basic.get("IncludeManagementEvents", True):
            kind = basic.get("ReadWriteType", "All")
            yield {
                "reads": kind in ("All", "ReadOnly"),
                "writes": kind in ("All", "WriteOnly"),
                "without": set(basic.get("ExcludeManagementEventSources", [])),
            }
    for advanced in answer.get("AdvancedEventSelectors", []):
        fields = {one["Field"]: one for one in advanced["FieldSelectors"]}
        if "Management" not in fields.get("eventCategory", {}).get("Equals", []):
            continue
        only = fields.get("readOnly", {}).get("Equals", [])
        yield {
            "reads": not only or "true" in only,
            "writes": not only or "false" in only,
            "without": set(fields.get("eventSource", {}).get("NotEquals", [])),
        }


CHECKS = (
    Check("trail", "an organization trail is logging in every Region", _logging),
    Check("trail's home", "the trail reaches every account", _home),
    Check("trail's selectors", "the trail selects what the detections need", _selectors),
)
