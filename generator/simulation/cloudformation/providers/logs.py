"""AWS::Logs: groups, made in moto; streams, policies and metric filters, in the inventory alone."""

from __future__ import annotations

import json
from typing import Any

from moto.logs.models import logs_backends

from generator.simulation.world import Resource

from .kind import Kind, Outcome, Properties, Site, plain, refuse, tag_map

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
POLICIES_PER_REGION = 10
POLICY_LENGTH = 5_120

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
POLICY = "AWS::Logs::ResourcePolicy"


def _group_arn(site: Site, name: str) -> str:
    return site.arn("logs", f"log-group:{name}:*")


def _check_group(site: Site, name: str, properties: Properties) -> None:
    days = properties.get("RetentionInDays")
    if days is not None and int(days) not in _RETENTION:
        raise refuse(f"{days} is no retention that log groups can have: {_RETENTION}")


def _backend(site: Site) -> Any:
    return logs_backends[site.account][site.region]


def _group(site: Site, name: str, properties: Properties) -> Outcome:
    _check_group(site, name, properties)
    _backend(site).create_log_group(name, tag_map(properties))
    return Outcome(name, {"Arn": _group_arn(site, name)})


def _update_group(site: Site, resource: Resource, properties: Properties) -> None:
    _check_group(site, resource.physical_id, properties)


def _delete_group(site: Site, resource: Resource) -> None:
    if _group_exists(site, resource.physical_id):
        _backend(site).delete_log_group(resource.physical_id)


def _group_exists(site: Site, name: str) -> bool:
    return name in _backend(site).groups


def _check_policy(site: Site, name: str, properties: Properties) -> None:
    document = properties["PolicyDocument"]
    text = document if isinstance(document, str) else json.dumps(document)
    if len(text) > POLICY_LENGTH:
        raise refuse(f"The policy {name} is longer than {POLICY_LENGTH} characters")
    known = site.world.inventory.of_type(site.account, site.region, POLICY)
    if len({policy.physical_id for policy in known} | {name}) > POLICIES_PER_REGION:
        raise refuse(
            f"Resource limit exceeded: {POLICIES_PER_REGION} resource policies a Region",
            "ServiceLimitExceeded",
        )


KINDS = {
    "AWS::Logs::LogGroup": Kind(
        _group,
        _update_group,
        _delete_group,
        _group_exists,
        name="LogGroupName",
        longest=512,
        tags="list",
    ),
    "AWS::Logs::LogStream": plain(
        name="LogStreamName",
        longest=512,
        fixed=("LogGroupName",),
        needs=("LogGroupName",),
    ),
    POLICY: plain(name="PolicyName", needs=("PolicyDocument", "PolicyName"), check=_check_policy),
    "AWS::Logs::MetricFilter": plain(
        name="FilterName",
        longest=512,
        fixed=("LogGroupName",),
        needs=("FilterPattern", "LogGroupName", "MetricTransformations"),
    ),
}
