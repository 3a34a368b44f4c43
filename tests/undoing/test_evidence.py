"""Evidence: what a responder wrote is understood, and nothing else is ever called."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import catalogue
from generator.model import Mistake
from generator.undoing.evidence import LONGEST, MFA_POLICY, UNDOABLE, Call, read

ACCOUNT = "111122223333"
CLOSED = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}
HAD = {**CLOSED, "RestrictPublicBuckets": False}
WHOSE = {"Bucket": "press-images", "ExpectedBucketOwner": ACCOUNT}
OWN = f"arn:aws:iam::{ACCOUNT}:policy/trailbus-console-with-mfa-only"
TRAIL = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/account-trail"
INSTANCE = "i-0c1d2e3f4a5b60718"
VOLUME = "vol-0c1d2e3f4a5b60718"


def record(responder: str, resource: str, before: Any, after: Any, *calls: Call) -> dict[str, Any]:
    return {
        "id": f"{responder}/{ACCOUNT}/e-1",
        "responder": responder,
        "account": ACCOUNT,
        "region": "eu-west-1",
        "resource": resource,
        "before": before,
        "after": after,
        "undo": [call._asdict() for call in calls],
        "time": "2026-11-03T12:00:00Z",
        "event_id": "e-1",
    }


BUCKET = record(
    "block_public_bucket",
    "arn:aws:s3:::press-images",
    {"public_access_block": None, "policy": "{}"},
    {"public_access_block": CLOSED},
    Call("s3", "DeletePublicAccessBlock", WHOSE),
)
RECORDS = {
    "a bucket that had no block": BUCKET,
    "a bucket that had one": record(
        "block_public_bucket",
        "arn:aws:s3:::press-images",
        {"public_access_block": HAD, "policy": None},
        {"public_access_block": CLOSED},
        Call("s3", "PutPublicAccessBlock", {**WHOSE, "PublicAccessBlockConfiguration": HAD}),
    ),
    "a user": record(
        "require_mfa",
        f"arn:aws:iam::{ACCOUNT}:user/team/print-service",
        {"attached_policies": []},
        {"attached_policies": [OWN]},
        Call("iam", "DetachUserPolicy", {"UserName": "print-service", "PolicyArn": OWN}),
    ),
    "an instance": record(
        "tag_owner",
        f"{INSTANCE}, {VOLUME}",
        {"Owner": {INSTANCE: None, VOLUME: None}},
        {"Owner": {INSTANCE: "mara", VOLUME: "mara"}},
        Call(
            "ec2",
            "DeleteTags",
            {"Resources": [INSTANCE, VOLUME], "Tags": [{"Key": "Owner", "Value": "mara"}]},
        ),
    ),
    "a trail": record(
        "restart_cloudtrail",
        TRAIL,
        {"logging": False},
        {"logging": True},
        Call("cloudtrail", "StopLogging", {"Name": TRAIL}),
    ),
}
every_record = pytest.mark.parametrize("whole", RECORDS.values(), ids=RECORDS.keys())


def refusal(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises(Mistake) as raised:
        read(text, "evidence.json")
    [problem] = raised.value.problems
    assert problem.place == "evidence.json"
    assert "\n" not in str(problem)
    return problem.fault


@every_record
def test_what_responders_write_is_understood(whole: dict[str, Any]) -> None:
    found = read(json.dumps(whole), "evidence.json")

    assert [call._asdict() for call in found.calls] == whole["undo"]
    assert (found.account, found.region) == (ACCOUNT, "eu-west-1")


@every_record
def test_the_log_line_and_the_notification_hold_it_too(whole: dict[str, Any]) -> None:
    line = {"level": "INFO", "outcome": "blocked", "evidence": whole}
    notification = {"Type": "Notification", "Message": json.dumps(line)}

    found = read(json.dumps(whole), "here")
    assert read(json.dumps(line), "here") == read(json.dumps(notification), "here") == found


def test_every_responder_that_changes_something_can_be_undone() -> None:
    acting = {name for name, each in catalogue.read().responders.items() if each.modes}

    assert set(UNDOABLE) == acting == {whole["responder"] for whole in RECORDS.values()}


def test_the_policy_is_the_one_that_require_mfa_declares() -> None:
    [policy] = catalogue.read().responders["require_mfa"].member_policies

    assert policy["name"] == MFA_POLICY


# --- Whoever wrote it


def changed(whole: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    copied: Any = copy.deepcopy(whole)
    *way, last = path.split(".")
    inside = copied
    for key in way:
        inside = inside[int(key) if isinstance(inside, list) else key]
    inside[int(last) if isinstance(inside, list) else last] = value
    return dict(copied)


ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
GUARD = f"arn:aws:iam::{ACCOUNT}:policy/deny-everything"
HOSTILE: dict[str, tuple[str, str, Any]] = {
    "another call": ("a trail", "undo.0.operation", "DeleteTrail"),
    "another service": ("a trail", "undo.0.service", "iam"),
    "another trail": ("a trail", "undo.0.parameters.Name", TRAIL + "-2"),
    "another account's trail": ("a trail", "resource", TRAIL.replace(ACCOUNT, "444455556666")),
    "another Region's trail": ("a trail", "resource", TRAIL.replace("eu-west-1", "us-east-1")),
    "a trail that was logging": ("a trail", "before.logging", True),
    "the work of another responder": ("a trail", "responder", "require_mfa"),
    "another bucket": ("a bucket that had no block", "undo.0.parameters.Bucket", "payroll"),
    "an access point": (
        "a bucket that had no block",
        "resource",
        f"arn:aws:s3:::arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/x",
    ),
    "a bucket of another account": (
        "a bucket that had no block",
        "undo.0.parameters.ExpectedBucketOwner",
        "444455556666",
    ),
    "one parameter more": (
        "a bucket that had no block",
        "undo.0.parameters.ChecksumAlgorithm",
        "x",
    ),
    "a policy to put": ("a bucket that had no block", "undo.0.operation", "PutBucketPolicy"),
    "a block that was another": (
        "a bucket that had one",
        "undo.0.parameters.PublicAccessBlockConfiguration",
        dict.fromkeys(CLOSED, False),
    ),
    "a block with another switch": ("a bucket that had one", "before.public_access_block.X", True),
    "a block of other types": (
        "a bucket that had one",
        "before.public_access_block.BlockPublicAcls",
        "true",
    ),
    "another policy": ("a user", "undo.0.parameters.PolicyArn", GUARD),
    "another policy throughout": ("a user", "after.attached_policies", [GUARD]),
    "a managed policy of AWS": ("a user", "after.attached_policies", [ADMIN]),
    "two policies": ("a user", "after.attached_policies", [OWN, GUARD]),
    "another user": ("a user", "undo.0.parameters.UserName", "root"),
    "a role": ("a user", "resource", f"arn:aws:iam::{ACCOUNT}:role/print-service"),
    "another tag": ("an instance", "undo.0.parameters.Tags", [{"Key": "team", "Value": "mara"}]),
    "a tag of any value": ("an instance", "undo.0.parameters.Tags", [{"Key": "Owner"}]),
    "another resource": ("an instance", "undo.0.parameters.Resources", ["vpc-12345678"]),
    "no instance": ("an instance", "after.Owner", {"vpc-12345678": "mara"}),
    "an owner that was there before": ("an instance", f"before.Owner.{INSTANCE}", "omar"),
    "a call more": (
        "a user",
        "undo",
        [
            *RECORDS["a user"]["undo"],
            {"service": "iam", "operation": "DeleteUser", "parameters": {}},
        ],
    ),
    "something beside the call": ("a user", "undo.0.endpoint_url", "https://evil.example.com"),
    "no account": ("a trail", "account", "1"),
    "an account in other digits": ("a trail", "account", "١" * 12),
    "no Region": ("a trail", "region", "evil.example.com#"),
    "an account that is a number": ("a trail", "account", int(ACCOUNT)),
    "no responder of ours": ("a trail", "responder", "delete_everything"),
    "a responder of a strange type": ("a trail", "responder", ["restart_cloudtrail"]),
    "control characters": ("a trail", "id", "a\x1b[2J"),
    "calls that are none": ("a trail", "undo", "iam:DeleteUser"),
    "a call that is none": ("a trail", "undo", ["iam:DeleteUser"]),
    "nothing to undo": ("a trail", "undo", []),
    "no state": ("a trail", "after", None),
}


@pytest.mark.parametrize(("name", "path", "value"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_no_responder_would_write_is_refused(name: str, path: str, value: Any) -> None:
    assert refusal(changed(RECORDS[name], path, value))


@pytest.mark.parametrize("policy", [GUARD, ADMIN, OWN.replace(ACCOUNT, "444455556666"), OWN + "-2"])
def test_no_other_policy_is_detached_however_well_the_record_is_made(policy: str) -> None:
    """It may be the very policy that holds the user back."""
    whole = changed(RECORDS["a user"], "after.attached_policies", [policy])
    whole = changed(whole, "undo.0.parameters.PolicyArn", policy)

    assert refusal(whole) == "does not tell what require_mfa leaves behind"


def test_other_calls_are_named_in_the_refusal() -> None:
    fault = refusal(changed(RECORDS["a trail"], "undo.0.operation", "DeleteTrail"))

    assert fault == (
        "asks for calls that do not undo what restart_cloudtrail did (cloudtrail DeleteTrail)"
    )


NO_EVIDENCE = {
    "nothing": "",
    "no JSON": "{",
    "a number": "7",
    "a list": "[]",
    "an empty object": "{}",
    "too deep": "[" * 100_000,
    "too long": '"' + "x" * LONGEST + '"',
    "a message in a message without end": json.dumps({"Message": json.dumps({"Message": "{}"})}),
    "a line about nothing": json.dumps({"responder": "trail-guard", "outcome": "ignored"}),
    "a surrogate": '{"id": "\\ud800"}',
}


@pytest.mark.parametrize("text", NO_EVIDENCE.values(), ids=NO_EVIDENCE.keys())
def test_what_is_no_evidence_is_refused_in_one_line(text: str) -> None:
    assert refusal(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
PLACES = ["before", "after", "undo", "undo.0", "undo.0.parameters", "resource", "id", "time"]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(name=st.sampled_from(sorted(RECORDS)), path=st.sampled_from(PLACES), value=JSON)
def test_no_record_leads_to_a_call_that_is_not_the_undoing(
    name: str, path: str, value: Any
) -> None:
    whole = changed(RECORDS[name], path, value)
    try:
        found = read(json.dumps(whole), "here")
    except Mistake:
        return
    assert [call._asdict() for call in found.calls] == RECORDS[name]["undo"]
