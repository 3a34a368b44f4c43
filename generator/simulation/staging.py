"""Makes the world look as it does right after a recorded call, so that responders find it so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.ec2.models import instances
from moto.iam.models import iam_backends
from moto.s3.models import FakeAcl, FakeGrant, FakeGrantee, get_canned_acl, s3_backends

from generator.model import Json
from generator.simulation.administered import administers_trails
from generator.simulation.beyond_moto import owner_of
from generator.simulation.cloud import Cloud
from generator.simulation.trails import TRAIL_NAME
from generator.simulation.world import partition_of

Stage = Callable[[Cloud, Mapping[str, Json]], None]


def stage(cloud: Cloud, event: Mapping[str, Json]) -> None:
    """Does in the simulated account what the call did in the real one.

    Calls that failed changed nothing; calls that no responder looks at need no stage.
    """
    detail = event.get("detail")
    if not isinstance(detail, Mapping) or detail.get("errorCode"):
        return
    if str(event.get("account")) not in cloud.world.organization.accounts:
        return
    if str(event.get("region")) not in cloud.world.regions:
        return
    act = _STAGES.get((str(detail.get("eventSource")), str(detail.get("eventName"))))
    if act is not None:
        act(cloud, event)


def _parameter(event: Mapping[str, Json], name: str) -> Json:
    detail = event["detail"]
    parameters = detail.get("requestParameters") if isinstance(detail, Mapping) else None
    return parameters.get(name) if isinstance(parameters, Mapping) else None


def _trail_stopped(cloud: Cloud, event: Mapping[str, Json]) -> None:
    """The trail exists, in the Region of the call, and does not log.

    A name that no trail can have, or another account's ARN, brings none about; the organization's
    trail its delegated administrator can have stopped.
    """
    given = _parameter(event, "name")
    account, region = str(event["account"]), str(event["region"])
    if administers_trails(cloud.world, account):
        trail = cloud.administered.named(str(given))
        if trail is not None:
            trail.stop_logging()
    own = f"arn:{partition_of(region)}:cloudtrail:{region}:{account}:trail/"
    name = given.removeprefix(own) if isinstance(given, str) else ""
    if TRAIL_NAME.fullmatch(name):
        cloud.trails.add(account, region, name, logging=False)


def _bucket(event: Mapping[str, Json]) -> Any:
    """The bucket of the call, made unless it exists; None when it is none of this account's."""
    name = _parameter(event, "bucketName")
    account, region = str(event["account"]), str(event["region"])
    if not isinstance(name, str) or owner_of(name) not in ("", account):
        return None
    backend = s3_backends[account][partition_of(region)]
    try:
        return backend.buckets.get(name) or backend.create_bucket(name, region)
    except Exception:  # a name that no bucket can have: then there is none  # noqa: BLE001
        return None


def _policy_put(cloud: Cloud, event: Mapping[str, Json]) -> None:
    policy, bucket = _parameter(event, "bucketPolicy"), _bucket(event)
    if bucket is not None and policy:
        bucket.policy = (policy if isinstance(policy, str) else json.dumps(policy)).encode()


_CANNED = ("private", "public-read", "public-read-write", "authenticated-read")
_GRANT_HEADERS = {
    "x-amz-grant-read": "READ",
    "x-amz-grant-write": "WRITE",
    "x-amz-grant-read-acp": "READ_ACP",
    "x-amz-grant-write-acp": "WRITE_ACP",
    "x-amz-grant-full-control": "FULL_CONTROL",
}


def _acl_put(cloud: Cloud, event: Mapping[str, Json]) -> None:
    """Its grants to groups, however they were said: by a canned name, in the body, in headers."""
    bucket = _bucket(event)
    if bucket is None:
        return
    canned = _listed(_parameter(event, "x-amz-acl"))
    if canned and canned[0] in _CANNED:
        bucket.acl = get_canned_acl(canned[0])
        return
    grants = []
    control = _parameter(event, "AccessControlPolicy")
    held = control.get("AccessControlList") if isinstance(control, Mapping) else None
    for grant in _listed(held.get("Grant") if isinstance(held, Mapping) else None):
        grantee = grant.get("Grantee") if isinstance(grant, Mapping) else None
        if isinstance(grantee, Mapping):
            who = FakeGrantee(str(grantee.get("ID", "")), str(grantee.get("URI", "")))
            grants.append(FakeGrant([who], [str(grant.get("Permission"))]))
    for header, permission in _GRANT_HEADERS.items():
        for said in _listed(_parameter(event, header)):
            for grantee in str(said).split(","):
                if grantee.strip().startswith("uri="):
                    uri = grantee.partition("=")[2].strip().strip('"')
                    grants.append(FakeGrant([FakeGrantee(uri=uri)], [permission]))
    bucket.acl = FakeAcl(grants)


def _block_put(cloud: Cloud, event: Mapping[str, Json]) -> None:
    bucket, given = _bucket(event), _parameter(event, "PublicAccessBlockConfiguration")
    if bucket is not None and isinstance(given, Mapping):
        backend = s3_backends[str(event["account"])][partition_of(str(event["region"]))]
        switches = {key: value is True for key, value in given.items() if key != "xmlns"}
        backend.put_public_access_block(bucket.name, switches or {"BlockPublicAcls": False})


def _block_deleted(cloud: Cloud, event: Mapping[str, Json]) -> None:
    bucket = _bucket(event)
    if bucket is not None:
        bucket.public_access_block = None


def _user_made(cloud: Cloud, event: Mapping[str, Json]) -> None:
    """The user exists, under its path, with its tags."""
    name, path = _parameter(event, "userName"), _parameter(event, "path")
    backend = iam_backends[str(event["account"])][partition_of(str(event["region"]))]
    if not isinstance(name, str) or not name or name in backend.users:
        return
    tags = [
        {"Key": str(tag.get("key")), "Value": str(tag.get("value"))}
        for tag in _listed(_parameter(event, "tags"))
        if isinstance(tag, Mapping)
    ]
    where = path if isinstance(path, str) and path else "/"
    backend.create_user(str(event["region"]), name, where, tags)


def _password_given(cloud: Cloud, event: Mapping[str, Json]) -> None:
    _user_made(cloud, event)
    name = _parameter(event, "userName")
    backend = iam_backends[str(event["account"])][partition_of(str(event["region"]))]
    if isinstance(name, str) and name in backend.users:
        backend.users[name].password = "simulated"  # noqa: S105 - nobody signs in with it


def _instances_run(cloud: Cloud, event: Mapping[str, Json]) -> None:
    """The instances of the record run, each with a volume; known ones stay as they are."""
    account, region = str(event["account"]), str(event["region"])
    detail = event["detail"]
    answer = detail.get("responseElements") if isinstance(detail, Mapping) else None
    answer = answer if isinstance(answer, Mapping) else {}
    for instance in _listed(_nested(answer, "instancesSet", "items")):
        wanted = _nested(instance, "instanceId")
        if not isinstance(wanted, str) or not wanted.startswith("i-"):
            continue
        ec2 = cloud.administrator(account, region).client("ec2")
        found = ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": [wanted]}])
        if not found["Reservations"]:
            with _next_instance(wanted):
                ec2.run_instances(
                    ImageId=str(_nested(instance, "imageId") or "ami-12345678"),
                    MinCount=1,
                    MaxCount=1,
                    TagSpecifications=_tag_specifications(instance),
                )


def _tag_specifications(instance: Json) -> list[dict[str, Json]]:
    tags = [
        {"Key": str(tag.get("key")), "Value": str(tag.get("value", ""))}
        for tag in _listed(_nested(instance, "tagSet", "items"))
        if isinstance(tag, Mapping)
    ]
    return [{"ResourceType": "instance", "Tags": tags}] if tags else []


@contextmanager
def _next_instance(wanted: str) -> Iterator[None]:
    """moto makes up the ids of instances; the next one gets that of the record."""
    before = instances.random_instance_id
    instances.random_instance_id = lambda: wanted
    try:
        yield
    finally:
        instances.random_instance_id = before


def _nested(value: Json, *keys: str) -> Json:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _listed(value: Json) -> list[Json]:
    """CloudTrail writes one of a kind without its list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


_STAGES: dict[tuple[str, str], Stage] = {
    ("cloudtrail.amazonaws.com", "StopLogging"): _trail_stopped,
    ("ec2.amazonaws.com", "RunInstances"): _instances_run,
    ("ec2.amazonaws.com", "StartInstances"): _instances_run,
    ("iam.amazonaws.com", "CreateLoginProfile"): _password_given,
    ("iam.amazonaws.com", "CreateUser"): _user_made,
    ("s3.amazonaws.com", "DeleteBucketPublicAccessBlock"): _block_deleted,
    ("s3.amazonaws.com", "PutBucketAcl"): _acl_put,
    ("s3.amazonaws.com", "PutBucketPolicy"): _policy_put,
    ("s3.amazonaws.com", "PutBucketPublicAccessBlock"): _block_put,
}
