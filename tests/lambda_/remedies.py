"""The responders that change something, each with a world in which it has something to do."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from moto.ec2.models import ec2_backends, instances
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from generator import catalogue

from . import rendered
from .aws import Aws
from .conftest import Deploy, Function
from .events import HOME, MEMBER, MISSING, NOW, session_of
from .rendered import CENTRAL, Site

BUCKET = "press-images"
USER = "print-service"
INSTANCE = "i-0c1d2e3f4a5b60718"
IAM = "us-east-1"
POLICY = f"arn:aws:iam::{MEMBER}:policy/trailbus-console-with-mfa-only"
PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        }
    ],
}
PERSON = "mara.lindqvist@example.com"
SSO = "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Power_9a8b7c6d5e4f3021"

_numbers = itertools.count(1)


@lru_cache
def _example(detection: str) -> str:
    found = catalogue.read(wanted=lambda name, _: name == detection).detections[detection]
    file = str(next(catalogue.BUILT_IN.rglob(f"{detection}.yaml")))
    return json.dumps(dict(catalogue.examples(found._replace(file=file))[0].event))


def event_of(
    detection: str,
    *,
    account: str = MEMBER,
    region: str = HOME,
    at: datetime = NOW - timedelta(minutes=1),
    event_id: str = "",
    envelope: Mapping[str, Any] | None = None,
    **detail: Any,
) -> dict[str, Any]:
    """An event that a detection matches. Further keywords are fields of its record."""
    event: dict[str, Any] = copy.deepcopy(json.loads(_example(detection)))
    time = at.isoformat().replace("+00:00", "Z")
    record = {
        **event["detail"],
        "eventTime": time,
        "awsRegion": region,
        "recipientAccountId": account,
        "eventID": event_id or f"00000000-0000-0000-0001-{next(_numbers):012d}",
        **detail,
    }
    whole = {**event, "account": account, "region": region, "time": time, **(envelope or {})}
    whole.setdefault("detail", {})
    if not envelope or "detail" not in envelope:
        whole["detail"] = {key: value for key, value in record.items() if value is not MISSING}
    return {key: value for key, value in whole.items() if value is not MISSING}


# --- Buckets


def bucket(name: str = BUCKET, account: str = MEMBER, region: str = HOME, **its: Any) -> Any:
    """A bucket, public by its policy unless the test says otherwise."""
    made: Any = s3_backends[account]["aws"].create_bucket(name, region)
    policy = its.get("policy", PUBLIC)
    made.policy = json.dumps(policy).encode() if policy else None
    return made


def blocked(made: Any) -> dict[str, bool] | None:
    """The public access block of a bucket."""
    block = made.public_access_block
    if block is None:
        return None
    return {
        "BlockPublicAcls": block.block_public_acls,
        "BlockPublicPolicy": block.block_public_policy,
        "IgnorePublicAcls": block.ignore_public_acls,
        "RestrictPublicBuckets": block.restrict_public_buckets,
    }


def policy_put(name: Any = BUCKET, **more: Any) -> dict[str, Any]:
    """A bucket's policy was put."""
    parameters = {"bucketName": name, "bucketPolicy": PUBLIC, "policy": ""}
    return event_of("s3_bucket_policy_changed", **{"requestParameters": parameters, **more})


# --- Users


def managed_policy(account: str = MEMBER, site: Site = Site(CENTRAL)) -> str:  # noqa: B008 - frozen
    """The managed policy that the member roles template makes."""
    where = Site(account, site.region, site.partition, site.role_path)
    properties = rendered.resource("member-roles.yaml", "RequireMfaConsoleWithMfaOnlyPolicy", where)
    made = iam_backends[account][site.partition].create_policy(
        properties["Description"],
        properties["Path"],
        json.dumps(properties["PolicyDocument"]),
        properties["ManagedPolicyName"],
        [],
    )
    return str(made.arn)


def user(name: str = USER, account: str = MEMBER, path: str = "/", **tags: str) -> Any:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return iam_backends[account]["aws"].create_user(IAM, name, path, listed)


def user_made(name: Any = USER, **more: Any) -> dict[str, Any]:
    """A user was created."""
    given = {"region": IAM, "requestParameters": {"userName": name}, **more}
    return event_of("iam_user_created", **given)


# --- Instances


def instance(name: str = INSTANCE, account: str = MEMBER, region: str = HOME, **tags: str) -> Any:
    """A running instance with one volume."""
    before = instances.random_instance_id
    instances.random_instance_id = lambda: name
    try:
        reservation = ec2_backends[account][region].run_instances(
            "ami-12345678",
            1,
            None,
            [],
            region_name=region,
            is_instance_type_default=True,
            instance_type="m1.small",
            tags={"instance": tags},
        )
    finally:
        instances.random_instance_id = before
    return reservation.instances[0]


def volume_of(made: Any) -> str:
    [device] = made.block_device_mapping.values()
    return str(device.volume_id)


def tags_of(resource: str, account: str = MEMBER, region: str = HOME) -> dict[str, str]:
    return dict(ec2_backends[account][region].tags.get(resource, {}))


def launched(*names: Any, **more: Any) -> dict[str, Any]:
    """Instances were launched, by a person."""
    items = [{"instanceId": name} for name in names or (INSTANCE,)]
    given = {
        "userIdentity": session_of(f"/{SSO}", PERSON),
        "responseElements": {"instancesSet": {"items": items}},
        **more,
    }
    return event_of("ec2_instances_launched", **given)


# --- Each with its world


@dataclass(frozen=True)
class Remedy:
    """A responder, a world in which it has something to do, and the event that tells it so."""

    responder: str
    function: str
    outcome: str
    call: str
    """The call that changes something."""
    prepare: Callable[[], Any]
    event: Callable[..., dict[str, Any]]
    changed: Callable[[], bool]
    tag: Callable[[str, str], Any]
    """Gives the resource a tag."""
    revert: Callable[[], Any]
    """Somebody takes back what it did."""

    def deployed(self, deploy: Deploy, **variables: str) -> Function:
        """The function in mode enforce, in a world where there is something to do."""
        function = deploy(
            self.responder,
            self.function,
            self.member_role,
            **{"TRAILBUS_MODE": "enforce"} | variables,
        )
        self.prepare()
        return function

    @property
    def member_role(self) -> str:
        return "".join(word.capitalize() for word in self.responder.split("_")) + "Role"

    def changes(self, aws: Aws) -> int:
        """How often it changed something, by AWS's count."""
        return len(aws.made(self.call))


def _bucket() -> Any:
    return s3_backends[MEMBER]["aws"].buckets[BUCKET]


def _user() -> Any:
    return iam_backends[MEMBER]["aws"].users[USER]


def _user_prepared() -> None:
    managed_policy()
    user()


def _tag_user(key: str, value: str) -> None:
    iam_backends[MEMBER]["aws"].tag_user(USER, [{"Key": key, "Value": value}])


def _tag_instance(key: str, value: str) -> None:
    backend = ec2_backends[MEMBER][HOME]
    resources = [INSTANCE, *backend.volumes]
    backend.create_tags(resources, {key: value})


def _untag() -> None:
    backend = ec2_backends[MEMBER][HOME]
    backend.delete_tags([INSTANCE, *backend.volumes], {"Owner": None})


def _tag_bucket(key: str, value: str) -> None:
    s3_backends[MEMBER]["aws"].put_bucket_tagging(BUCKET, {key: value})


def _detach() -> None:
    if POLICY in _user().managed_policies:
        iam_backends[MEMBER]["aws"].detach_user_policy(POLICY, USER)


REMEDIES = {
    remedy.responder: remedy
    for remedy in (
        Remedy(
            "block_public_bucket",
            "BucketGuard",
            "blocked",
            "s3:PutPublicAccessBlock",
            bucket,
            policy_put,
            lambda: blocked(_bucket()) == dict.fromkeys(blocked(_bucket()) or (), True) != {},
            _tag_bucket,
            lambda: setattr(_bucket(), "public_access_block", None),
        ),
        Remedy(
            "require_mfa",
            "MfaGuard",
            "required",
            "iam:AttachUserPolicy",
            _user_prepared,
            user_made,
            lambda: POLICY in _user().managed_policies,
            _tag_user,
            _detach,
        ),
        Remedy(
            "tag_owner",
            "OwnerTags",
            "tagged",
            "ec2:CreateTags",
            instance,
            launched,
            lambda: tags_of(INSTANCE).get("Owner") == PERSON,
            _tag_instance,
            _untag,
        ),
    )
}
