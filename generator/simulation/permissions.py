"""Which permission each call of a handler needs: a call that is not in the table fails.

moto lets everybody do everything; checking here proves that the roles we render suffice for what
our handlers do, and for no more. Actions and resources are those of
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from generator.simulation import access
from generator.simulation.administered import administers_trails
from generator.simulation.authorization import (
    Policies,
    Policy,
    Request,
    decide,
    resource_policy,
)
from generator.simulation.beyond_moto import owner_of
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
ResourceOf = Callable[[Parameters, Site], str | list[str]]
ContextOf = Callable[[Parameters, Site, str], Mapping[str, Any]]
"""The keys of a request and of the one resource whose ARN is given."""


@dataclass(frozen=True)
class Need:
    """One permission: an action on a resource or several, with the keys that conditions see."""

    action: str
    resource: ResourceOf
    context: ContextOf = field(default=lambda *_: {})


def _anything(parameters: Parameters, site: Site) -> str:
    """For actions that know no resources."""
    return "*"


def _trail(parameters: Parameters, site: Site) -> str:
    name = str(parameters["Name"])
    return name if name.startswith("arn:") else site.arn("cloudtrail", f"trail/{name}")


def _tagged_trail(parameters: Parameters, site: Site) -> str:
    return str(parameters["ResourceIdList"][0])


def _inside(parameters: Parameters, site: Site, arn: str) -> Mapping[str, Any]:
    """All trails of the simulation are the organization's accounts'."""
    return {"aws:ResourceOrgID": "o-a1b2c3d4e5"}


def _table(parameters: Parameters, site: Site) -> str:
    return site.arn("dynamodb", f"table/{parameters['TableName']}")


def _item(parameters: Parameters, site: Site, arn: str) -> Mapping[str, Any]:
    """The partition keys that a request touches: the memory table's is called key.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    """
    held = parameters.get("Key") or parameters["Item"]
    # An item is more than its key: only requests for one by its key name nothing else.
    keys = [held["key"]] if "key" in held else list(held.values())
    return {"dynamodb:LeadingKeys": [value for key in keys for value in key.values()]}


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


def _below(parameters: Parameters, site: Site, arn: str) -> Mapping[str, Any]:
    return {"s3:prefix": parameters["Prefix"]} if "Prefix" in parameters else {}


def _of_bucket(parameters: Parameters, site: Site, arn: str) -> dict[str, Any]:
    """Who owns it. A bucket that is gone is looked for all the same."""
    return {"aws:ResourceAccount": owner_of(str(parameters["Bucket"])) or site.account}


def _user(parameters: Parameters, site: Site) -> str:
    """Its ARN has the path, which the request does not tell."""
    partition, name = partition_of(site.region), str(parameters["UserName"])
    known = iam_backends[site.account][partition].users.get(name)
    return str(known.arn) if known else f"arn:{partition}:iam::{site.account}:user/{name}"


def _attached(parameters: Parameters, site: Site, arn: str) -> dict[str, Any]:
    return {"iam:PolicyARN": parameters["PolicyArn"]}


_EC2 = {"i": "instance", "vol": "volume"}


def _tagged(parameters: Parameters, site: Site) -> list[str]:
    return [
        site.arn("ec2", f"{_EC2[str(each).partition('-')[0]]}/{each}")
        for each in parameters["Resources"]
    ]


def _tags(parameters: Parameters, site: Site, arn: str) -> dict[str, Any]:
    given = ec2_backends[site.account][site.region].tags.get(arn.rpartition("/")[2], {})
    return {
        "aws:TagKeys": [tag["Key"] for tag in parameters["Tags"]],
        **{
            f"aws:ResourceTag/{key.casefold()}": value
            for key, value in sorted(given.items())
            if key and key == key.strip()
        },
    }


NEEDS: dict[tuple[str, str], Need] = {
    ("cloudtrail", "DescribeTrails"): Need("cloudtrail:DescribeTrails", _anything),
    ("cloudtrail", "GetTrailStatus"): Need("cloudtrail:GetTrailStatus", _trail, _inside),
    ("cloudtrail", "ListTags"): Need("cloudtrail:ListTags", _tagged_trail, _inside),
    ("cloudtrail", "StartLogging"): Need("cloudtrail:StartLogging", _trail, _inside),
    ("dynamodb", "GetItem"): Need("dynamodb:GetItem", _table, _item),
    ("dynamodb", "PutItem"): Need("dynamodb:PutItem", _table, _item),
    ("dynamodb", "UpdateItem"): Need("dynamodb:UpdateItem", _table, _item),
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
    ("ec2", "CreateTags"): Need("ec2:CreateTags", _tagged, _tags),
    ("ec2", "DescribeInstances"): Need("ec2:DescribeInstances", _anything),
    ("ec2", "DescribeVolumes"): Need("ec2:DescribeVolumes", _anything),
    ("iam", "AttachUserPolicy"): Need("iam:AttachUserPolicy", _user, _attached),
    ("iam", "GetUser"): Need("iam:GetUser", _user),
    ("iam", "ListAttachedUserPolicies"): Need("iam:ListAttachedUserPolicies", _user),
    ("s3", "GetBucketAcl"): Need("s3:GetBucketAcl", _bucket, _of_bucket),
    ("s3", "GetBucketPolicy"): Need("s3:GetBucketPolicy", _bucket, _of_bucket),
    ("s3", "GetBucketPolicyStatus"): Need("s3:GetBucketPolicyStatus", _bucket, _of_bucket),
    ("s3", "GetBucketTagging"): Need("s3:GetBucketTagging", _bucket, _of_bucket),
    ("s3", "GetPublicAccessBlock"): Need("s3:GetBucketPublicAccessBlock", _bucket, _of_bucket),
    ("s3", "PutPublicAccessBlock"): Need("s3:PutBucketPublicAccessBlock", _bucket, _of_bucket),
    ("s3control", "GetPublicAccessBlock"): Need("s3:GetAccountPublicAccessBlock", _anything),
    ("sns", "Publish"): Need("sns:Publish", _topic),
    ("sqs", "ChangeMessageVisibility"): Need("sqs:ChangeMessageVisibility", _queue),
    ("sqs", "SendMessage"): Need("sqs:SendMessage", _queue),
    ("ssm", "GetParameter"): Need("ssm:GetParameter", _ssm_parameter),
}

# What a refusal is called, and how it writes the action, where that is not as everywhere.
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
_CODES = {"ec2": "UnauthorizedOperation", "iam": "AccessDenied", "s3": "AccessDenied"}
_WORDS = {
    "sns:Publish": ("AuthorizationError", "SNS:Publish"),
    "kms:GenerateDataKey": ("KMSAccessDenied", "kms:GenerateDataKey"),
    "kms:Decrypt": ("KMSAccessDenied", "kms:Decrypt"),
}


def _consent(caller: Identity, arn: str) -> Policy:
    """The owner of a trail lets an account in."""
    root = f"arn:{caller.arn.split(':')[1]}:iam::{caller.account}:root"
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": root},
        "Action": "cloudtrail:*",
        "Resource": "*",
    }
    return resource_policy({"Version": "2012-10-17", "Statement": [allow]}, arn)


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
        named = need.resource(parameters, site)
        for resource in [named] if isinstance(named, str) else named:
            context = {"aws:RequestedRegion": region, **need.context(parameters, site, resource)}
            self._ask(caller, need.action, resource, context)
        key = self._key_of(str(named)) if service == "sns" else ""
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
        owner = context.get("aws:ResourceAccount")
        own = access.of_role(role)
        decision = access.allows(self.world, asking, action, resource, context, own, owner)
        of_trail = action.startswith("cloudtrail:") and resource != "*"
        if of_trail and administers_trails(self.world, caller.account):
            # CloudTrail lets in whoever administers it; the role's own policies count all the same.
            request = Request(asking, action, resource, context)
            decision = decide(request, Policies(identity=own, resource=_consent(caller, resource)))
        if not decision.allowed:
            usual = _CODES.get(action.partition(":")[0], "AccessDeniedException")
            code, written = _WORDS.get(action, (usual, action))
            raise ServiceError(
                code,
                f"User: {caller.arn} is not authorized to perform: {written} on resource: "
                f"{resource} ({decision.because})",
                403,
            )
