"""AWS::CloudTrail: trails, made in moto."""

from __future__ import annotations

from typing import Any

from moto.cloudtrail.models import cloudtrail_backends
from moto.s3.models import s3_backends

from generator.model import Json
from generator.simulation.world import Resource

from .kind import Kind, Outcome, Properties, Site, refuse, tag_list, truth

SERVICE = "cloudtrail.amazonaws.com"


def _backend(site: Site) -> Any:
    return cloudtrail_backends[site.account][site.region]


def _trail(site: Site, name: str, properties: Properties) -> Outcome:
    _check(site, properties)
    given = _given(properties)
    organization = site.world.organization
    owner = organization.management if given["is_organization_trail"] else site.account
    trail = cloudtrail_backends[owner][site.region].create_trail(
        name,
        given["s3_bucket_name"],
        given["s3_key_prefix"],
        given["sns_topic_name"],
        given["include_global_service_events"],
        given["is_multi_region_trail"],
        given["enable_log_file_validation"],
        given["is_organization_trail"],
        given["cw_log_group_arn"],
        given["cw_role_arn"],
        given["kms_key_id"],
        tag_list(properties),
    )
    if owner != site.account:
        # The trail is there, in the management account; the type goes on with its bare name.
        # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1932
        raise refuse(
            f"Unknown trail: {name} for the user: {site.account} (Service: CloudTrail, "
            "Error Code: TrailNotFoundException)",
            "NotFound",
        )
    _settle(trail, properties)
    attributes: dict[str, Json] = {"Arn": trail.arn}
    if trail.topic_arn:
        attributes["SnsTopicArn"] = trail.topic_arn
    return Outcome(name, attributes)


def _given(properties: Properties) -> dict[str, Any]:
    topic = str(properties.get("SnsTopicName") or "").rpartition(":")[2]
    return {
        "s3_bucket_name": str(properties["S3BucketName"]),
        "s3_key_prefix": str(properties.get("S3KeyPrefix", "")),
        "sns_topic_name": topic,
        "include_global_service_events": truth(properties.get("IncludeGlobalServiceEvents"), True),
        "is_multi_region_trail": truth(properties.get("IsMultiRegionTrail")),
        "enable_log_file_validation": truth(properties.get("EnableLogFileValidation")),
        "is_organization_trail": truth(properties.get("IsOrganizationTrail")),
        "cw_log_group_arn": str(properties.get("CloudWatchLogsLogGroupArn", "")),
        "cw_role_arn": str(properties.get("CloudWatchLogsRoleArn", "")),
        "kms_key_id": str(properties.get("KMSKeyId", "")),
    }


def _check(site: Site, properties: Properties) -> None:
    """What CreateTrail refuses.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html
    """
    bucket = str(properties["S3BucketName"])
    home = s3_backends.bucket_accounts.get(bucket)
    if home is None:
        raise refuse(f"S3 bucket {bucket} does not exist!", "NotFound")
    policy = s3_backends[home[1]][home[0]].get_bucket(bucket).policy
    if policy is None or SERVICE not in policy.decode():
        raise refuse(f"Incorrect S3 bucket policy is detected for bucket: {bucket}")
    organization = site.world.organization
    administrators = {organization.management, *organization.delegates.get(SERVICE, ())}
    if truth(properties.get("IsOrganizationTrail")) and site.account not in administrators:
        raise refuse(
            "Only the management account or a delegated administrator of the organization "
            "can make an organization trail.",
            "AccessDenied",
        )
    if truth(properties.get("IsOrganizationTrail")) and SERVICE not in organization.trusted:
        raise refuse("CloudTrail has no trusted access to the organization.")


def _settle(trail: Any, properties: Properties) -> None:
    trail.put_event_selectors(
        list(properties.get("EventSelectors", [])),
        list(properties.get("AdvancedEventSelectors", [])),
    )
    trail.insight_selectors = list(properties.get("InsightSelectors", []))
    if truth(properties["IsLogging"]):
        trail.start_logging()
    else:
        trail.stop_logging()


def _update(site: Site, resource: Resource, properties: Properties) -> None:
    _check(site, properties)
    trail = _backend(site).get_trail(resource.physical_id)
    trail.update(**_given(properties))
    _settle(trail, properties)


def _delete(site: Site, resource: Resource) -> None:
    _backend(site).delete_trail(resource.physical_id)


KINDS = {
    "AWS::CloudTrail::Trail": Kind(
        _trail,
        _update,
        _delete,
        exists=lambda site, name: name in _backend(site).trails,
        name="TrailName",
        longest=128,
        needs=("IsLogging", "S3BucketName"),
        tags="list",
    ),
}
