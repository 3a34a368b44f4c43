"""What S3, IAM and EC2 answer otherwise than moto does; all else is moto's to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from generator.simulation.edge import Identity
from generator.simulation.world import ServiceError, partition_of

POLICIES_PER_USER = 10
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


def owner_of(bucket: str) -> str:
    """The account that owns a bucket; empty when there is none of that name."""
    return str(s3_backends.bucket_accounts.get(bucket, ("", ""))[1])


class Buckets:
    """A bucket is its owner's, and is to be asked about in its own Region.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Identity, region: str
    ) -> None:
        name = str(parameters.get("Bucket", ""))
        owner = owner_of(name)
        if not owner or operation == "CreateBucket":
            return
        if owner != parameters.get("ExpectedBucketOwner", owner):
            raise ServiceError("AccessDenied", "Access Denied", 403)
        bucket = s3_backends[owner][partition_of(region)].buckets[name]
        if bucket.region_name != region:
            message = "The bucket you are attempting to access must be addressed elsewhere"
            raise ServiceError("PermanentRedirect", message, 301, Region=bucket.region_name)


class Users:
    """A user can have only so many managed policies."""

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Identity, region: str
    ) -> None:
        if operation != "AttachUserPolicy":
            return
        known = iam_backends[caller.account][partition_of(region)].users
        user = known.get(str(parameters["UserName"]))
        attached = set(user.managed_policies) if user else set()
        if len(attached | {str(parameters["PolicyArn"])}) > POLICIES_PER_USER:
            message = f"Cannot exceed quota for PoliciesPerUser: {POLICIES_PER_USER}"
            raise ServiceError("LimitExceeded", message, 409)


class Instances:
    """Instances can be asked for by the launch that they came from."""

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Identity, region: str
    ) -> dict[str, Any] | None:
        filters = {each["Name"]: each["Values"] for each in parameters.get("Filters", [])}
        if operation != "DescribeInstances" or list(filters) != ["reservation-id"]:
            return None
        backend = ec2_backends[caller.account][region]
        found = [backend.reservations.get(wanted) for wanted in filters["reservation-id"]]
        return {
            "Reservations": [
                {
                    "ReservationId": reservation.id,
                    "Instances": [
                        {
                            "InstanceId": instance.id,
                            "State": {"Name": instance.state, "Code": instance.state_code},
                            "Tags": [
                                {"Key": tag["key"], "Value": tag["value"]}
                                for tag in instance.get_tags()
                            ],
                        }
                        for instance in reservation.instances
                    ],
                }
                for reservation in found
                if reservation is not None
            ]
        }
