"""Which permission each call of a handler needs: a call that is not in the table fails.

moto lets everybody do everything; checking here proves that the roles we render suffice for what
our handlers do, and for no more. Actions and resources are those of
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.simulation import access
from generator.simulation.edge import Identity
from generator.simulation.world import ServiceError, World, partition_of


@dataclass(frozen=True)
class Site:
    """Where a call is made: what its resource's ARN is built from."""

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{partition_of(self.region)}:{service}:{self.region}:{self.account}:{resource}"


Parameters = Mapping[str, Any]
ResourceOf = Callable[[Parameters, Site], str]


@dataclass(frozen=True)
class Need:
    """One permission: an action on a resource, with the keys that the request carries."""

    action: str
    resource: ResourceOf
    context: Callable[[Parameters], Mapping[str, Any]] = field(default=lambda _: {})


def _anything(parameters: Parameters, site: Site) -> str:
    """For actions that know no resources."""
    return "*"


def _trail(parameters: Parameters, site: Site) -> str:
    name = str(parameters["Name"])
    return name if name.startswith("arn:") else site.arn("cloudtrail", f"trail/{name}")


def _tagged_trail(parameters: Parameters, site: Site) -> str:
    return str(parameters["ResourceIdList"][0])


def _table(parameters: Parameters, site: Site) -> str:
    return site.arn("dynamodb", f"table/{parameters['TableName']}")


def _ssm_parameter(parameters: Parameters, site: Site) -> str:
    return site.arn("ssm", f"parameter{parameters['Name']}")


def _secret(parameters: Parameters, site: Site) -> str:
    """A secret that a function names; its ARN ends in six characters of nobody's choosing."""
    return site.arn("secretsmanager", f"secret:{parameters['SecretId']}-AbCdEf")


def _queue(parameters: Parameters, site: Site) -> str:
    return site.arn("sqs", str(parameters["QueueUrl"]).rpartition("/")[2])


def _account(parameters: Parameters, site: Site) -> str:
    resource = f"account/o-a1b2c3d4e5/{parameters['AccountId']}"
    return f"arn:{partition_of(site.region)}:organizations::{site.account}:{resource}"


def _topic(parameters: Parameters, site: Site) -> str:
    return str(parameters["TopicArn"])


def _bucket(parameters: Parameters, site: Site) -> str:
    return f"arn:{partition_of(site.region)}:s3:::{parameters['Bucket']}"


def _object(parameters: Parameters, site: Site) -> str:
    return f"{_bucket(parameters, site)}/{parameters['Key']}"


def _below(parameters: Parameters) -> Mapping[str, Any]:
    return {"s3:prefix": parameters["Prefix"]} if "Prefix" in parameters else {}


NEEDS: dict[tuple[str, str], Need] = {
    ("cloudtrail", "DescribeTrails"): Need("cloudtrail:DescribeTrails", _anything),
    ("cloudtrail", "GetTrailStatus"): Need("cloudtrail:GetTrailStatus", _trail),
    ("cloudtrail", "ListTags"): Need("cloudtrail:ListTags", _tagged_trail),
    ("cloudtrail", "StartLogging"): Need("cloudtrail:StartLogging", _trail),
    ("dynamodb", "GetItem"): Need("dynamodb:GetItem", _table),
    ("dynamodb", "PutItem"): Need("dynamodb:PutItem", _table),
    ("dynamodb", "UpdateItem"): Need("dynamodb:UpdateItem", _table),
    ("organizations", "DescribeAccount"): Need("organizations:DescribeAccount", _account),
    ("secretsmanager", "GetSecretValue"): Need("secretsmanager:GetSecretValue", _secret),
    # A multipart upload needs what a single one does.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
    ("s3", "AbortMultipartUpload"): Need("s3:AbortMultipartUpload", _object),
    ("s3", "CompleteMultipartUpload"): Need("s3:PutObject", _object),
    ("s3", "CreateMultipartUpload"): Need("s3:PutObject", _object),
    ("s3", "GetObject"): Need("s3:GetObject", _object),
    ("s3", "ListObjectsV2"): Need("s3:ListBucket", _bucket, _below),
    ("s3", "PutObject"): Need("s3:PutObject", _object),
    ("s3", "UploadPart"): Need("s3:PutObject", _object),
    ("sns", "Publish"): Need("sns:Publish", _topic),
    ("sqs", "ChangeMessageVisibility"): Need("sqs:ChangeMessageVisibility", _queue),
    ("ssm", "GetParameter"): Need("ssm:GetParameter", _ssm_parameter),
}

# What a refusal is called, and how it writes the action, where that is not as everywhere.
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
_WORDS = {
    "sns:Publish": ("AuthorizationError", "SNS:Publish"),
    "kms:GenerateDataKey": ("KMSAccessDenied", "kms:GenerateDataKey"),
    "kms:Decrypt": ("KMSAccessDenied", "kms:Decrypt"),
}


class Permissions:
    """Checks the calls of identities that may do only what policies allow."""

    def __init__(self, world: World) -> None:
        self.world = world

    def check(
        self, caller: Identity, service: str, operation: str, parameters: Parameters, region: str
    ) -> None:
        """ServiceError, as a rule AccessDeniedException, where policies do not allow the call."""
        if service == "sts":
            return  # the token service asks the trust policies itself
        need = NEEDS.get((service, operation))
        if need is None:
            raise AssertionError(f"no permission is on record for {service} {operation}")
        site = Site(caller.account, region)
        resource = need.resource(parameters, site)
        self._ask(caller, need.action, resource, need.context(parameters))
        key = self._key_of(resource) if service == "sns" else ""
        for action in ("kms:GenerateDataKey", "kms:Decrypt") if key else ():
            self._ask(caller, action, key, {})

    def _key_of(self, arn: str) -> str:
        topic = self.world.inventory.by_arn(arn)
        return str(topic.properties.get("KmsMasterKeyId") or "") if topic else ""

    def _ask(
        self, caller: Identity, action: str, resource: str, context: Mapping[str, Any]
    ) -> None:
        role = self.world.inventory.by_arn(caller.role)
        if role is None:
            raise AssertionError(f"{caller.arn} acts with a role that no stack made")
        asking = access.caller_of_role(self.world, role, caller.session)
        decision = access.allows(
            self.world, asking, action, resource, context, access.of_role(role)
        )
        if not decision.allowed:
            code, written = _WORDS.get(action, ("AccessDeniedException", action))
            raise ServiceError(
                code,
                f"User: {caller.arn} is not authorized to perform: {written} on resource: "
                f"{resource} ({decision.because})",
                403,
            )
