"""Reads evidence records: which of them can be undone, and by which calls.

Whoever hands over a record may have written it. Nothing in it is done because it says so: each
responder has its few calls here, each with the exact parameters that what it did calls for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from generator import names
from generator.model import Json, Mistake

LONGEST = 1_000_000
"""Characters. A record is as long as what it keeps: a bucket's policy, or the ids of instances."""


class Call(NamedTuple):
    """One API call in the account and Region of the evidence."""

    service: str
    operation: str
    parameters: Mapping[str, Json]


class Evidence(NamedTuple):
    """What a responder did to a resource, and the calls that undo it."""

    id: str
    responder: str
    account: str
    region: str
    resource: str
    before: Mapping[str, Json]
    after: Mapping[str, Json]
    calls: tuple[Call, ...]
    time: str


_FIELDS = {
    "id": re.compile(r"[\x21-\x7e]{1,200}"),
    "account": re.compile(r"[0-9]{12}"),
    "region": re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}"),
    "resource": re.compile(r"[\x20-\x7e]{1,60000}"),
    "time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII),
}
_SWITCHES = {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}
_TAGGED = re.compile(r"(i|vol)-[0-9a-f]{8,17}")
_RESOURCES = 1_000


def read(text: str, place: str) -> Evidence:
    """The evidence in a record, a log line or a report that holds one.

    Raises Mistake for what is none, what undoes nothing, and calls that the responder's work
    does not call for.
    """
    record = _record(text, place)
    for name, form in _FIELDS.items():
        if not isinstance(record.get(name), str) or not form.fullmatch(record[name]):
            raise Mistake.one(place, f"'{name}' is missing or not of its form", _CURE)
    responder = record.get("responder")
    if not isinstance(responder, str) or responder not in UNDOABLE:
        raise Mistake.one(place, "names no responder whose work can be undone", _choices())
    before, after = record.get("before"), record.get("after")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        raise Mistake.one(place, "tells no 'before' and 'after'", _CURE)
    found = Evidence(
        record["id"],
        responder,
        record["account"],
        record["region"],
        record["resource"],
        before,
        after,
        _calls(record.get("undo"), place),
        record["time"],
    )
    wanted = UNDOABLE[responder](found)
    if wanted is None:
        raise Mistake.one(place, f"does not tell what {responder} leaves behind", _CURE)
    if found.calls != wanted:
        said = ", ".join(f"{call.service} {call.operation}" for call in found.calls)
        fault = f"asks for calls that do not undo what {responder} did ({said[:200]})"
        raise Mistake.one(place, fault, "nothing was called; find out who wrote it")
    return found._replace(calls=wanted)


_CURE = "give it the report, or the line of the responder's log, as it was written"


def _choices() -> str:
    return f"known are {', '.join(sorted(UNDOABLE))}"


def _record(text: str, place: str) -> Mapping[str, Json]:
    if len(text) > LONGEST:
        raise Mistake.one(place, "is too long to be evidence", _CURE)
    try:
        value = json.loads(text)
        for _ in range(3):  # a notification of the topic, the report in it, the evidence in that
            if isinstance(value, Mapping) and isinstance(value.get("Message"), str):
                value = json.loads(value["Message"])
            elif isinstance(value, Mapping) and "evidence" in value:
                value = value["evidence"]
    except (ValueError, RecursionError):
        raise Mistake.one(place, "is no JSON", _CURE) from None
    if not isinstance(value, Mapping):
        raise Mistake.one(place, "holds no evidence", _CURE)
    if "responder" in value and "before" not in value:
        raise Mistake.one(place, "tells of something that changed nothing: there is no evidence")
    return value


def _calls(undo: Json, place: str) -> tuple[Call, ...]:
    if not isinstance(undo, list):
        raise Mistake.one(place, "'undo' is no list of calls", _CURE)
    if not undo:
        raise Mistake.one(place, "nothing was changed, so there is nothing to undo")
    calls = []
    for call in undo:
        if not isinstance(call, Mapping) or set(call) != set(Call._fields):
            raise Mistake.one(place, "'undo' holds something that is no call", _CURE)
        calls.append(Call(call["service"], call["operation"], call["parameters"]))
    return tuple(calls)


# --- What each responder's work calls for. None where the evidence does not tell of such work.


def _bucket(evidence: Evidence) -> tuple[Call, ...] | None:
    form = r"arn:aws[a-z-]*:s3:::([A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9])"
    arn = re.fullmatch(form, evidence.resource)
    if not arn or not _is_block(evidence.after.get("public_access_block")):
        return None
    whose = {"Bucket": arn[1], "ExpectedBucketOwner": evidence.account}
    block = evidence.before.get("public_access_block", ())
    if block is None:
        return (Call("s3", "DeletePublicAccessBlock", whose),)
    if not _is_block(block):
        return None
    given = {**whose, "PublicAccessBlockConfiguration": block}
    return (Call("s3", "PutPublicAccessBlock", given),)


def _is_block(value: Json) -> bool:
    return (
        isinstance(value, Mapping)
        and set(value) == _SWITCHES
        and all(isinstance(switch, bool) for switch in value.values())
    )


def _user(evidence: Evidence) -> tuple[Call, ...] | None:
    account = evidence.account
    form = rf"arn:aws[a-z-]*:iam::{account}:user/([\x21-\x7e]*/)?([A-Za-z0-9_+=,.@-]{{1,64}})"
    arn = re.fullmatch(form, evidence.resource)
    before = evidence.before.get("attached_policies")
    after = evidence.after.get("attached_policies")
    if not arn or not isinstance(before, list) or not isinstance(after, list):
        return None
    added = [each for each in after if each not in before]
    # Of all that could be detached, only the policy that the responder attaches: another one may
    # be what holds the user back.
    policy = (
        rf"arn:aws[a-z-]*:iam::{account}:policy/([\x21-\x7e]*/)?{names.PREFIX_FORM}-{MFA_POLICY}"
    )
    if len(added) != 1 or not isinstance(added[0], str) or not re.fullmatch(policy, added[0]):
        return None
    return (Call("iam", "DetachUserPolicy", {"UserName": arn[2], "PolicyArn": added[0]}),)


MFA_POLICY = "console-with-mfa-only"
"""The managed policy that require_mfa declares."""


def _tags(evidence: Evidence) -> tuple[Call, ...] | None:
    owners, earlier = evidence.after.get("Owner"), evidence.before.get("Owner")
    if not isinstance(owners, Mapping) or not isinstance(earlier, Mapping) or not owners:
        return None
    if owners.keys() != earlier.keys() or any(each is not None for each in earlier.values()):
        return None
    [*values] = {each if isinstance(each, str) else "" for each in owners.values()}
    if len(values) != 1 or not values[0] or not all(map(_TAGGED.fullmatch, owners)):
        return None
    ids = list(owners)
    # With its value: a tag that somebody has changed since stays.
    tags = [{"Key": "Owner", "Value": values[0]}]
    return tuple(
        Call("ec2", "DeleteTags", {"Resources": ids[start : start + _RESOURCES], "Tags": tags})
        for start in range(0, len(ids), _RESOURCES)
    )


def _trail(evidence: Evidence) -> tuple[Call, ...] | None:
    form = rf"arn:aws[a-z-]*:cloudtrail:{evidence.region}:{evidence.account}:trail/[\w.-]{{3,128}}"
    if not re.fullmatch(form, evidence.resource, re.ASCII):
        return None
    if evidence.before != {"logging": False} or evidence.after != {"logging": True}:
        return None
    return (Call("cloudtrail", "StopLogging", {"Name": evidence.resource}),)


UNDOABLE: dict[str, Callable[[Evidence], tuple[Call, ...] | None]] = {
    "block_public_bucket": _bucket,
    "require_mfa": _user,
    "restart_cloudtrail": _trail,
    "tag_owner": _tags,
}
