"""block_public_bucket: what makes a bucket public, what already protects it, what S3 may say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from moto.s3.models import get_canned_acl, s3_backends
from moto.s3control.models import s3control_backends

from .aws import Refusal
from .conftest import Deploy, Function
from .events import HOME, MEMBER, OTHER, message
from .remedies import BUCKET, PUBLIC, blocked, bucket, event_of, policy_put

CLOSED = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}
ARN = f"arn:aws:s3:::{BUCKET}"


@pytest.fixture
def guard(deploy: Deploy) -> Iterator[Function]:
    """The responder in mode enforce. Whatever it does must be allowed by the rendered policies."""
    function = deploy(
        "block_public_bucket", "BucketGuard", "BlockPublicBucketRole", TRAILBUS_MODE="enforce"
    )
    yield function
    assert function.aws.denied == []


def block(made: Any, **switches: bool) -> None:
    s3_backends[MEMBER]["aws"].put_public_access_block(made.name, switches)


def account_block(**switches: bool) -> None:
    s3control_backends[MEMBER]["aws"].put_public_access_block(MEMBER, switches)


WAYS: dict[str, dict[str, Any]] = {
    "PutBucketPolicy": {"policy": PUBLIC},
    "PutBucketAcl": {"policy": None},
    "DeleteBucketPublicAccessBlock": {"policy": PUBLIC},
    "PutBucketPublicAccessBlock": {"policy": PUBLIC},
}


@pytest.mark.parametrize("name", WAYS)
def test_each_call_that_opens_a_bucket_makes_it_look(guard: Function, name: str) -> None:
    made = bucket(**WAYS[name])
    if name == "PutBucketAcl":
        made.acl = get_canned_acl("public-read")
    answer = guard(policy_put(eventName=name))

    assert blocked(made) == CLOSED
    assert answer.outcomes == ["blocked"]


def test_the_evidence_keeps_the_policy_that_opened_it(guard: Function) -> None:
    bucket()
    evidence = guard(policy_put()).only["evidence"]

    assert json.loads(evidence["before"].pop("policy")) == PUBLIC
    assert evidence["before"] == {
        "public_access_block": None,
        "public_by": ["policy"],
        "grants_to_strangers": [],
    }
    assert evidence["after"] == {"public_access_block": CLOSED}
    assert evidence["resource"] == ARN
    assert evidence["undo"] == [
        {
            "service": "s3",
            "operation": "DeletePublicAccessBlock",
            "parameters": {"Bucket": BUCKET, "ExpectedBucketOwner": MEMBER},
        }
    ]


def test_undo_gives_the_bucket_the_block_back_that_it_had(guard: Function) -> None:
    had = {**CLOSED, "RestrictPublicBuckets": False, "BlockPublicPolicy": False}
    block(bucket(), **had)
    [undo] = guard(policy_put()).only["evidence"]["undo"]

    assert undo["operation"] == "PutPublicAccessBlock"
    assert undo["parameters"]["PublicAccessBlockConfiguration"] == had


@pytest.mark.parametrize(
    ("canned", "grants"),
    [
        ("public-read", ["READ to AllUsers"]),
        ("public-read-write", ["READ to AllUsers"]),
        ("authenticated-read", ["READ to AuthenticatedUsers"]),
    ],
)
def test_an_acl_that_lets_strangers_in(guard: Function, canned: str, grants: list[str]) -> None:
    made = bucket(policy=None)
    made.acl = get_canned_acl(canned)
    answer = guard(event_of("s3_bucket_acl_opened", requestParameters={"bucketName": BUCKET}))

    assert blocked(made) == CLOSED
    assert answer.only["message"] == "the bucket was public by its acl"
    assert answer.only["evidence"]["before"]["grants_to_strangers"] == grants


@pytest.mark.parametrize("canned", ["private", "log-delivery-write"])
def test_other_acls_open_nothing(guard: Function, canned: str) -> None:
    """As those of a bucket whose owner enforces ownership: S3 shows them without strangers."""
    made = bucket(policy=None)
    made.acl = get_canned_acl(canned)

    assert guard(policy_put(eventName="PutBucketAcl")).outcomes == ["ignored"]
    assert blocked(made) is None


def test_both_ways_at_once(guard: Function) -> None:
    bucket().acl = get_canned_acl("public-read")

    assert guard(policy_put()).only["message"] == (
        "the bucket was public by its policy and its acl"
    )


PROTECTED: dict[str, dict[str, bool]] = {
    "its own block": {"own": True, "account": False},
    "the account's block": {"own": False, "account": True},
}


@pytest.mark.parametrize("where", PROTECTED.values(), ids=PROTECTED.keys())
def test_a_bucket_that_something_blocks_is_left_alone(
    guard: Function, where: dict[str, bool]
) -> None:
    made = bucket()
    made.acl = get_canned_acl("public-read")
    switches = {"RestrictPublicBuckets": True, "IgnorePublicAcls": True}
    if where["own"]:
        block(made, **switches)
    if where["account"]:
        account_block(**switches)
    before = blocked(made)
    answer = guard(policy_put())

    assert answer.outcomes == ["ignored"]
    assert answer.only["message"] == (
        "the bucket is not public: something blocks public access to it"
    )
    assert blocked(made) == before


def test_of_two_blocks_the_stricter_switch_counts_for_each_way_in(guard: Function) -> None:
    made = bucket()
    made.acl = get_canned_acl("public-read")
    block(made, RestrictPublicBuckets=True)
    account_block(IgnorePublicAcls=False, RestrictPublicBuckets=False)

    assert guard(policy_put()).only["message"] == "the bucket was public by its acl"


@pytest.mark.parametrize(
    "switches",
    [
        {"BlockPublicPolicy": True, "BlockPublicAcls": True},
        {"IgnorePublicAcls": True},
    ],
)
def test_switches_that_only_refuse_new_policies_protect_nothing(
    guard: Function, switches: dict[str, bool]
) -> None:
    made = bucket()
    block(made, **switches)

    assert guard(policy_put()).outcomes == ["blocked"]
    assert blocked(made) == CLOSED


def test_a_bucket_without_a_policy_is_not_public(guard: Function) -> None:
    bucket(policy=None)
    answer = guard(policy_put())

    assert (answer.outcomes, answer.published) == (["ignored"], [])
    assert not guard.aws.made("ssm:GetParameter", "s3control:GetPublicAccessBlock")


def test_s3_decides_and_not_the_text_of_the_record(guard: Function) -> None:
    """The record holds a public policy, but by now there is another one."""
    harmless = {**PUBLIC["Statement"][0], "Principal": {"AWS": MEMBER}}  # type: ignore[dict-item]
    made = bucket(policy={"Version": "2012-10-17", "Statement": [harmless]})

    assert guard(policy_put()).outcomes == ["ignored"]
    assert blocked(made) is None


def test_a_bucket_that_is_gone_is_nobodys_business(guard: Function) -> None:
    answer = guard(policy_put())

    assert (answer.failed, answer.outcomes, answer.published) == ([], ["ignored"], [])
    assert answer.only["message"] == "the bucket is gone"


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-2"])
def test_a_bucket_in_another_region_is_found_there(guard: Function, region: str) -> None:
    made = bucket(region=region)
    answer = guard(policy_put())

    assert blocked(made) == CLOSED
    assert answer.only["evidence"]["region"] == region
    [put] = guard.aws.made("s3:PutPublicAccessBlock")
    assert put.region == region


def test_the_region_may_stand_in_an_error_of_the_signature(guard: Function) -> None:
    made = bucket(region="us-east-1")
    moved = Refusal("AuthorizationHeaderMalformed", "wrong", Region="us-east-1")
    guard.aws.fail("s3:GetPublicAccessBlock", moved)

    assert guard(policy_put()).outcomes == ["blocked"]
    assert blocked(made) == CLOSED


def test_a_redirect_that_leads_nowhere_is_tried_again(guard: Function) -> None:
    guard.aws.fail("s3:GetPublicAccessBlock", "PermanentRedirect")

    assert guard(message(policy_put(), id_="m")).failed == ["m"]


def test_a_bucket_of_another_account_is_never_touched(guard: Function) -> None:
    """Its policy may let our role in; S3 is told whose bucket we mean."""
    made = bucket(account=OTHER)
    answer = guard(policy_put())

    guard.aws.denied.clear()  # the role's condition refuses, too
    assert blocked(made) is None
    assert answer.outcomes in (["gave up"], ["failed"])
    assert answer.published == answer.lines


@pytest.mark.parametrize(
    "name", ["s3:GetPublicAccessBlock", "s3:GetBucketAcl", "s3:PutPublicAccessBlock"]
)
def test_a_denial_of_s3_is_told_loudly_and_not_tried_again(guard: Function, name: str) -> None:
    """A bucket policy that denies everybody, or a service control policy: no try mends it."""
    made = bucket()
    guard.aws.fail(name, Refusal("AccessDenied", "explicit deny", 403))
    answer = guard(policy_put())

    assert answer.failed == []
    assert answer.only["outcome"] == "gave up"
    assert answer.only["level"] == "ERROR"
    assert "explicit deny" in answer.only["message"]
    assert answer.published == answer.lines
    assert blocked(made) is None


def test_a_role_that_cannot_be_assumed_is_tried_again(guard: Function) -> None:
    """It may be on its way: a new account gets its roles within minutes."""
    bucket()
    guard.aws.fail("sts:AssumeRole", Refusal("AccessDenied", "no", 403))

    assert guard(message(policy_put(), id_="m")).failed == ["m"]
    assert guard(policy_put()).outcomes == ["blocked"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("s3:GetBucketPolicyStatus", "SlowDown"),
        ("s3:GetBucketAcl", ReadTimeoutError(endpoint_url="https://s3")),
        ("s3:PutPublicAccessBlock", "OperationAborted"),
        ("s3control:GetPublicAccessBlock", "InternalError"),
        ("s3:GetBucketPolicy", "NoSuchBucketPolicy"),
    ],
)
def test_what_may_pass_is_tried_again(guard: Function, name: str, error: Any) -> None:
    made = bucket()
    guard.aws.fail(name, error, times=2)

    assert guard(message(policy_put(), id_="m")).failed == ["m"]
    assert blocked(made) is None
    guard.aws._faults.clear()
    guard.later(minutes=1)
    assert guard(policy_put()).outcomes == ["blocked"]


def test_it_is_verified_that_the_bucket_is_closed(
    guard: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bucket()
    ignored = lambda self, name, config: None  # noqa: E731 - S3 forgets it
    monkeypatch.setattr(type(s3_backends[MEMBER]["aws"]), "put_public_access_block", ignored)
    guard(message(policy_put(), id_="m"))
    guard.later(minutes=1)
    answer = guard(message(policy_put(), id_="n"))

    assert answer.failed == ["n"]
    assert blocked(made) is None


@pytest.mark.parametrize("name", ["DeleteAccountPublicAccessBlock", "PutAccountPublicAccessBlock"])
def test_a_weakened_block_of_the_whole_account_is_left_to_a_person(
    guard: Function, name: str
) -> None:
    answer = guard(policy_put(eventName=name, requestParameters={"accountId": MEMBER}))

    assert answer.outcomes == ["not ours"]
    assert answer.published == answer.lines
    assert not [call for call in guard.aws.calls if call.service in ("sts", "s3")]


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        7,
        ["press-images"],
        "a",
        "-press",
        "press/images",
        "press images",
        "press-images\n",
        f"arn:aws:s3:{HOME}:{OTHER}:accesspoint/mine",
        "x" * 256,
    ],
)
def test_what_is_no_name_of_a_bucket_is_refused(guard: Function, name: Any) -> None:
    answer = guard(policy_put(name))

    assert answer.outcomes == ["refused"]
    assert {call.name for call in guard.aws.calls} == {"sns:Publish"}


@pytest.mark.parametrize("name", ["press_images.Old", "a.b", "x" * 63])
def test_old_names_are_names(guard: Function, name: str) -> None:
    assert guard(policy_put(name)).only["message"] == "the bucket is gone"


def test_each_call_says_whose_bucket_it_means(guard: Function) -> None:
    bucket()
    guard(policy_put())

    named = [call for call in guard.aws.calls if call.service == "s3"]
    assert len(named) == 6
    assert {call.parameters["ExpectedBucketOwner"] for call in named} == {MEMBER}
