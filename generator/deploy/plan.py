"""What exists + what is wanted -> steps. Pure: it calls nothing and knows no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from generator import names
from generator.deploy.aws import Call
from generator.deploy.bundle import INLINE_LIMIT
from generator.deploy.existing import Existing, call_as
from generator.deploy.wanted import Stack, StackSet, Wanted

Waits = Literal["", "stack", "operation"]
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


@dataclass(frozen=True)
class Step:
    """One thing to do, with the sentence for people. Doing it again does no harm.

    `waits` says what ends later than its call: a stack, or a StackSet operation. `done` are the
    error codes that mean it was done before; `again` those that mean "not yet".
    """

    sentence: str
    call: Call
    waits: Waits = ""
    done: tuple[str, ...] = ()
    again: tuple[str, ...] = ()


def plan(wanted: Wanted, existing: Existing) -> tuple[Step, ...]:
    """The steps from what exists to what is wanted, each only after what it needs.

    Central first: a member rule is refused while the bus policy does not let its account in.
    Roles before rules: a rule is refused while it cannot assume its role.
    """
    return (
        *_stack(wanted, wanted.central, existing),
        *_stack_set(wanted, wanted.roles, existing),
        *_stack_set(wanted, wanted.rules, existing),
        *(step for stack in wanted.management for step in _stack(wanted, stack, existing)),
    )


def _stack(wanted: Wanted, stack: Stack, existing: Existing) -> Iterator[Step]:
    body = wanted.bundle.files[stack.template]
    state = existing.stack(stack)
    if state and state.template == body and _covers(state.parameters, stack.parameters):
        return
    verb = "Updating" if state else "Creating"
    source: dict[str, str] = {"TemplateBody": body}
    if len(body.encode()) > INLINE_LIMIT:
        bucket, key = _artifact(wanted, stack, body)
        yield from _upload(stack, bucket, key, body)
        source = {"TemplateURL": _url(bucket, key, stack.region)}
    yield Step(
        f"{verb} the stack {stack.name} in the {stack.side} account, {stack.region}",
        Call(
            stack.side,
            stack.region,
            "cloudformation",
            "UpdateStack" if state else "CreateStack",
            {
                "StackName": stack.name,
                **source,
                "Parameters": _parameters(stack.parameters),
                "Capabilities": CAPABILITIES,
                "Tags": wanted.tags,
            },
        ),
        waits="stack",
        again=("Throttling",),
    )


def _covers(found: Mapping[str, str], given: Mapping[str, str]) -> bool:
    return all(found.get(name) == value for name, value in given.items())


def _parameters(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


# --- Templates too long for a request


def _artifact(wanted: Wanted, stack: Stack, body: str) -> tuple[str, str]:
    place = wanted.place
    account = place.central_account if stack.side == "central" else place.management_account
    bucket = names.artifact_bucket(wanted.bundle.prefix, account, stack.region)
    digest = hashlib.sha256(body.encode()).hexdigest()
    return bucket, f"{digest}/{stack.template}"


def _url(bucket: str, key: str, region: str) -> str:
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{bucket}.s3.{region}.{suffix}/{key}"


def _upload(stack: Stack, bucket: str, key: str, body: str) -> Iterator[Step]:
    def step(sentence: str, operation: str, done: tuple[str, ...] = (), **request: Any) -> Step:
        whole = {"Bucket": bucket, **request}
        return Step(sentence, Call(stack.side, stack.region, "s3", operation, whole), done=done)

    # us-east-1 is the one Region that may not be named here.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    home: dict[str, Any] = (
        {}
        if stack.region == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": stack.region}}
    )
    yield step(
        f"Creating the bucket {bucket} for templates",
        "CreateBucket",
        ("BucketAlreadyOwnedByYou",),
        **home,
    )
    yield step(
        f"Closing {bucket} to the public",
        "PutPublicAccessBlock",
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    yield step(
        f"Uploading {stack.template} ({len(body.encode()):,} bytes)",
        "PutObject",
        Key=key,
        Body=body.encode(),
        ServerSideEncryption="AES256",
    )


# --- StackSets


def _stack_set(wanted: Wanted, stack_set: StackSet, existing: Existing) -> Iterator[Step]:
    state = existing.stack_sets.get(stack_set.name)
    body = wanted.bundle.files[stack_set.template]
    definition = {
        "StackSetName": stack_set.name,
        "TemplateBody": body,
        "Parameters": _parameters(stack_set.parameters),
        "Capabilities": CAPABILITIES,
        "Tags": wanted.tags,
        "PermissionModel": "SERVICE_MANAGED",
        "AutoDeployment": _auto_deployment(wanted, stack_set),
        "ManagedExecution": {"Active": True},
        **call_as(wanted),
    }
    if state is None:
        yield _operation(
            wanted,
            f"Creating the StackSet {stack_set.name}",
            "CreateStackSet",
            definition,
            waits="",
            done=("NameAlreadyExistsException",),
        )
    elif state.template != body or not _covers(state.parameters, stack_set.parameters):
        yield _operation(
            wanted,
            f"Updating the StackSet {stack_set.name} in every account and Region",
            "UpdateStackSet",
            {**definition, "OperationPreferences": _preferences()},
        )
    units = wanted.place.organizational_units
    known = [unit for unit in units if state and unit in state.units]
    added = [unit for unit in units if unit not in known]
    missing = [region for region in stack_set.regions if not state or region not in state.regions]
    for some, regions in ((known, missing), (added, list(stack_set.regions))):
        yield from _instances(wanted, stack_set, some, regions)


def _instances(
    wanted: Wanted, stack_set: StackSet, units: list[str], regions: list[str]
) -> Iterator[Step]:
    if regions:
        # At most 50 organizational units a call.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStackInstances.html
        for first in range(0, len(units), 50):
            chunk = units[first : first + 50]
            yield _operation(
                wanted,
                f"Deploying {stack_set.name} to {', '.join(chunk)} in {', '.join(regions)}",
                "CreateStackInstances",
                {
                    "StackSetName": stack_set.name,
                    "DeploymentTargets": _targets(wanted, chunk),
                    "Regions": regions,
                    "OperationPreferences": _preferences(),
                    **call_as(wanted),
                },
            )


def _operation(
    wanted: Wanted,
    sentence: str,
    operation: str,
    request: Mapping[str, Any],
    waits: Waits = "operation",
    done: tuple[str, ...] = (),
) -> Step:
    return Step(
        sentence,
        Call("management", wanted.home, "cloudformation", operation, request),
        waits=waits,
        done=done,
        again=("OperationInProgressException", "StaleRequestException", "Throttling"),
    )


def _auto_deployment(wanted: Wanted, stack_set: StackSet) -> dict[str, Any]:
    """New accounts are covered as they join, the rules after the roles."""
    settings: dict[str, Any] = {"Enabled": True, "RetainStacksOnAccountRemoval": False}
    return settings


def _preferences() -> dict[str, Any]:
    """One broken cell fails alone, and many are worked on at once.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stackset-ops-options.html
    """
    return {
        "RegionConcurrencyType": "PARALLEL",
        "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
        "FailureTolerancePercentage": 100,
        "MaxConcurrentPercentage": 100,
    }


def _targets(wanted: Wanted, units: list[str]) -> dict[str, Any]:
    excluded = sorted(wanted.place.exclude_accounts)
    if not excluded:
        return {"OrganizationalUnitIds": units}
    return {
        "OrganizationalUnitIds": units,
        "AccountFilterType": "DIFFERENCE",
        "Accounts": excluded,
    }
