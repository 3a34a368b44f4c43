"""A member is entered through the responder's own role, once for a notice."""

from __future__ import annotations

import pytest

from tests.lambda_ import loading
from tests.lambda_.conftest import Function
from tests.lambda_.events import MEMBER, OTHER

members = loading.shared("members")


@pytest.mark.parametrize(
    ("partition", "role", "arn"),
    [
        ("aws", "/own", f"arn:aws:iam::{MEMBER}:role/own"),
        ("aws-cn", "/path/own", f"arn:aws-cn:iam::{MEMBER}:role/path/own"),
    ],
)
def test_the_roles_arn(
    partition: str, role: str, arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAILBUS_PARTITION", partition)
    monkeypatch.setenv("TRAILBUS_MEMBER_ROLE", role)

    assert members.member_role_arn(MEMBER) == arn


def test_the_role_is_assumed_once_and_not_before_it_is_needed(house: Function) -> None:
    member = members.Member(MEMBER)
    assert house.aws.calls == []

    first = member.client("cloudtrail", "eu-west-1")
    second = member.client("cloudtrail", "us-east-1")
    assert member.client("cloudtrail", "eu-west-1") is first
    assert (first.meta.region_name, second.meta.region_name) == ("eu-west-1", "us-east-1")
    [assumed] = house.aws.made("sts:AssumeRole")
    assert assumed.parameters == {
        "RoleArn": f"arn:aws:iam::{MEMBER}:role/trailbus-restart-cloudtrail-member",
        "RoleSessionName": "trail-guard",
        "DurationSeconds": 900,
    }


def test_calls_are_made_in_the_account_that_was_named(house: Function) -> None:
    for account in (MEMBER, OTHER, MEMBER):
        members.Member(account).client("cloudtrail", "eu-west-1").describe_trails()

    accounts = [call.account for call in house.aws.made("cloudtrail:DescribeTrails")]
    assert accounts == [MEMBER, OTHER, MEMBER]


def test_a_role_that_cannot_be_assumed_is_tried_again_at_the_next_call(house: Function) -> None:
    house.aws.fail("sts:AssumeRole", "AccessDenied")
    member = members.Member(MEMBER)
    with pytest.raises(Exception, match="AccessDenied"):
        member.client("cloudtrail", "eu-west-1")

    member.client("cloudtrail", "eu-west-1").describe_trails()
    assert len(house.aws.made("cloudtrail:DescribeTrails")) == 1
