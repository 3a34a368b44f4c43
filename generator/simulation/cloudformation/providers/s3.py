"""AWS::S3: buckets and their policies, made in moto; bucket names are global."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import PublicAccessBlock, s3_backends

from generator.model import Json
from generator.simulation.world import Resource

from .kind import Kind, Outcome, Properties, Site, refuse, tag_map, truth

POLICY_LENGTH = 20_480
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html"""

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def _backend(site: Site) -> Any:
    return s3_backends[site.account][site.partition]


def _bucket(site: Site, name: str, properties: Properties) -> Outcome:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        raise refuse(f"The specified bucket is not valid: {name}")
    _check_notifications(site, properties)
    bucket = _backend(site).create_bucket(name, site.region)
    bucket.get_permission = _moto_has_no_say
    _settle(site, bucket, properties)
    bucket.set_notification_configuration(_notifications(properties))
    suffix = "amazonaws.com.cn" if site.partition == "aws-cn" else "amazonaws.com"
    attributes = {
        "Arn": f"arn:{site.partition}:s3:::{name}",
        "DomainName": f"{name}.s3.{suffix}",
        "DualStackDomainName": f"{name}.s3.dualstack.{site.region}.{suffix}",
        "RegionalDomainName": f"{name}.s3.{site.region}.{suffix}",
        "WebsiteURL": f"http://{name}.s3-website-{site.region}.{suffix}",
    }
    return Outcome(name, dict(attributes))


def _moto_has_no_say(action: str, resource: str) -> PermissionResult:
    """moto reads bucket policies without their conditions: a refusal of plain HTTP would keep
    everybody out. Who may what, the simulation decides by itself."""
    return PermissionResult.NEUTRAL


def _settle(site: Site, bucket: Any, properties: Properties) -> None:
    # New buckets block public access, and encrypt with a key of S3's own.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
    blocks = properties.get("PublicAccessBlockConfiguration")
    bucket.public_access_block = PublicAccessBlock(
        *(truth((blocks or {}).get(name), blocks is None) for name in _BLOCKS)
    )
    rules = (properties.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration")
    default = {"SSEAlgorithm": "AES256"}
    if rules:
        default = dict(rules[0].get("ServerSideEncryptionByDefault", default))
    bucket.encryption = {"Rule": {"ApplyServerSideEncryptionByDefault": default}}
    bucket.versioning_status = (properties.get("VersioningConfiguration") or {}).get("Status")
    ownership = properties.get("OwnershipControls") or {}
    bucket.ownership_rule = {
        "Rule": (ownership.get("Rules") or [{"ObjectOwnership": "BucketOwnerEnforced"}])[0]
    }
    _backend(site).put_bucket_tagging(bucket.name, tag_map(properties))


def _notifications(properties: Properties) -> dict[str, Any] | None:
    """The notifications in the form of S3's own API."""
    given = properties.get("NotificationConfiguration")
    if not given:
        return None
    found: dict[str, Any] = {}
    for kind, ours in (("Queue", "QueueConfigurations"), ("Topic", "TopicConfigurations")):
        entries = [_notification(entry, kind) for entry in given.get(ours, [])]
        if entries:
            found[f"{kind}Configuration"] = entries
    if given.get("LambdaConfigurations"):
        raise refuse("notifications of a bucket to a function are not simulated")
    if given.get("EventBridgeConfiguration"):
        found["EventBridgeConfiguration"] = {}
    return found


def _notification(entry: Mapping[str, Json], kind: str) -> dict[str, Any]:
    made = {kind: str(entry[kind]), "Event": [str(entry["Event"])]}
    rules = ((entry.get("Filter") or {}).get("S3Key") or {}).get("Rules")
    if rules:
        filters = [{"Name": str(r["Name"]).lower(), "Value": str(r["Value"])} for r in rules]
        return {**made, "Filter": {"S3Key": {"FilterRule": filters}}}
    return made


def _check_notifications(site: Site, properties: Properties) -> None:
    """S3 tries every destination before it accepts it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications.html
    """
    given = properties.get("NotificationConfiguration") or {}
    for entry in given.get("QueueConfigurations", []):
        arn = str(entry["Queue"])
        if not _queue_lets_s3_in(arn):
            raise refuse(
                "Unable to validate the following destination configurations: "
                f"{arn} does not exist, is in another Region, or its policy does not let "
                "s3.amazonaws.com send"
            )


def _queue_lets_s3_in(arn: str) -> bool:
    from moto.sqs.models import sqs_backends

    _, _, _, region, account, name = arn.split(":")
    queue = sqs_backends[account][region].queues.get(name)
    policy = queue.policy if queue is not None else None
    if not policy:
        return False
    statements = json.loads(policy)["Statement"]
    statements = statements if isinstance(statements, list) else [statements]
    return any("s3.amazonaws.com" in json.dumps(s.get("Principal")) for s in statements)


def _update_bucket(site: Site, resource: Resource, properties: Properties) -> None:
    _check_notifications(site, properties)
    bucket = _backend(site).get_bucket(resource.physical_id)
    _settle(site, bucket, properties)
    # Every setting of notifications sends a test message to their queues.
    if _notifications(properties) != _notifications(resource.properties):
        bucket.set_notification_configuration(_notifications(properties))


def _delete_bucket(site: Site, resource: Resource) -> None:
    backend = _backend(site)
    bucket = backend.buckets.get(resource.physical_id)
    if bucket is None:
        return
    if bucket.keys:
        raise refuse(
            f"The bucket you tried to delete is not empty: {resource.physical_id}",
            "ResourceConflict",
        )
    backend.delete_bucket(resource.physical_id)


def _policy(site: Site, name: str, properties: Properties) -> Outcome:
    bucket = str(properties["Bucket"])
    _put_policy(site, bucket, properties)
    return Outcome(bucket)


def _put_policy(site: Site, bucket: str, properties: Properties) -> None:
    text = json.dumps(properties["PolicyDocument"])
    if len(text) > POLICY_LENGTH:
        raise refuse(f"The policy of {bucket} is longer than {POLICY_LENGTH} bytes")
    if bucket not in _backend(site).buckets:
        raise refuse(f"The specified bucket does not exist: {bucket}", "NotFound")
    _backend(site).buckets[bucket].policy = text.encode()


def _update_policy(site: Site, resource: Resource, properties: Properties) -> None:
    _put_policy(site, resource.physical_id, properties)


def _delete_policy(site: Site, resource: Resource) -> None:
    bucket = _backend(site).buckets.get(resource.physical_id)
    if bucket is not None:
        bucket.policy = None


KINDS = {
    "AWS::S3::Bucket": Kind(
        _bucket,
        _update_bucket,
        _delete_bucket,
        exists=lambda site, name: name in s3_backends.bucket_accounts,
        name="BucketName",
        longest=63,
        lowercase=True,
        tags="list",
    ),
    "AWS::S3::BucketPolicy": Kind(
        _policy,
        _update_policy,
        _delete_policy,
        fixed=("Bucket",),
        needs=("Bucket", "PolicyDocument"),
    ),
}
