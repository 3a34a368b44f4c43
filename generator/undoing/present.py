"""Whether a resource still is as a responder left it: what changed since is not to be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from generator.deploy.aws import Refused
from generator.undoing.evidence import Call, Evidence

Ask = Callable[[Call], Mapping[str, Any]]
"""Makes a reading call in the account and Region of the evidence; Refused when AWS says no."""


def differences(evidence: Evidence, ask: Ask) -> list[str]:
    """What is not as the responder left it, a sentence each. Raises Refused when AWS says no."""
    return list(_LOOKS[evidence.responder](evidence, ask))


def _bucket(evidence: Evidence, ask: Ask) -> Iterator[str]:
    whose = {"Bucket": evidence.resource.rpartition(":")[2]}
    request = {**whose, "ExpectedBucketOwner": evidence.account}
    try:
        answer = ask(Call("s3", "GetPublicAccessBlock", request))
    except Refused as refusal:
        if refusal.code == "NoSuchBucket":
            yield "the bucket is gone"
        elif refusal.code == "NoSuchPublicAccessBlockConfiguration":
            yield "the bucket has no public access block any more"
        else:
            raise
        return
    block = answer["PublicAccessBlockConfiguration"]
    wanted = evidence.after["public_access_block"]
    for switch, left in sorted(wanted.items()):
        if bool(block.get(switch)) != left:
            yield f"{switch} is {'on' if block.get(switch) else 'off'} now"


def _user(evidence: Evidence, ask: Ask) -> Iterator[str]:
    [call] = evidence.calls
    policy, request = call.parameters["PolicyArn"], {"UserName": call.parameters["UserName"]}
    try:
        while True:
            answer = ask(Call("iam", "ListAttachedUserPolicies", request))
            if any(each["PolicyArn"] == policy for each in answer["AttachedPolicies"]):
                return
            if not answer.get("IsTruncated"):
                break
            request = {**request, "Marker": answer["Marker"]}
    except Refused as refusal:
        if refusal.code != "NoSuchEntity":
            raise
        yield "the user is gone"
        return
    yield "the policy is not attached to the user any more"


def _tags(evidence: Evidence, ask: Ask) -> Iterator[str]:
    owners: Mapping[str, str] = evidence.after["Owner"]
    ids = list(owners)
    found: dict[str, str] = {}
    for start in range(0, len(ids), 200):
        filters = [
            {"Name": "resource-id", "Values": ids[start : start + 200]},
            {"Name": "key", "Values": ["Owner"]},
        ]
        request: dict[str, Any] = {"Filters": filters}
        while True:
            answer = ask(Call("ec2", "DescribeTags", request))
            found.update({tag["ResourceId"]: tag["Value"] for tag in answer["Tags"]})
            if not answer.get("NextToken"):
                break
            request = {**request, "NextToken": answer["NextToken"]}
    for resource, owner in owners.items():
        if resource not in found:
            yield f"{resource} has no Owner any more, or is gone"
        elif found[resource] != owner:
            yield f"the Owner of {resource} is {found[resource]} now"


def _trail(evidence: Evidence, ask: Ask) -> Iterator[str]:
    try:
        answer = ask(Call("cloudtrail", "GetTrailStatus", {"Name": evidence.resource}))
    except Refused as refusal:
        if refusal.code != "TrailNotFoundException":
            raise
        yield "the trail is gone"
        return
    if not answer["IsLogging"]:
        yield "the trail does not log any more"


_LOOKS: dict[str, Callable[[Evidence, Ask], Iterator[str]]] = {
    "block_public_bucket": _bucket,
    "require_mfa": _user,
    "restart_cloudtrail": _trail,
    "tag_owner": _tags,
}
