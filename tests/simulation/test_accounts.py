"""Account Management: which Regions an account can use, and who may ask."""

from __future__ import annotations

from typing import Any

import pytest

from generator.simulation.accounts import SERVICE, Accounts
from generator.simulation.world import ServiceError, World
from tests.simulation.cloudformation.ask import CENTRAL, MANAGEMENT, organization_of
from tests.simulation.shapes import asked

REGIONS = ("us-east-1", "eu-west-1", "ap-east-1", "me-south-1")


@pytest.fixture
def world() -> World:
    made = organization_of(
        3, regions=REGIONS, opt_in_regions=frozenset({"ap-east-1", "me-south-1"})
    )
    made.organization.accounts[CENTRAL].opted_in.add("ap-east-1")
    return made


def ask(world: World, account: str, operation: str = "ListRegions", **request: Any) -> Any:
    return asked(Accounts(world), "account", account, "us-east-1", operation, **request)


def statuses(answer: Any) -> dict[str, str]:
    return {one["RegionName"]: one["RegionOptStatus"] for one in answer["Regions"]}


def test_regions_are_enabled_by_default_by_choice_or_not(world: World) -> None:
    assert statuses(ask(world, CENTRAL)) == {
        "ap-east-1": "ENABLED",
        "eu-west-1": "ENABLED_BY_DEFAULT",
        "me-south-1": "DISABLED",
        "us-east-1": "ENABLED_BY_DEFAULT",
    }
    one = ask(world, MANAGEMENT, "GetRegionOptStatus", RegionName="ap-east-1")
    assert one == {"RegionName": "ap-east-1", "RegionOptStatus": "DISABLED"}


def test_the_list_can_be_narrowed_and_paged(world: World) -> None:
    assert list(statuses(ask(world, CENTRAL, RegionOptStatusContains=["ENABLED"]))) == ["ap-east-1"]
    first = ask(world, CENTRAL, MaxResults=3)
    second = ask(world, CENTRAL, MaxResults=3, NextToken=first["NextToken"])
    assert len(first["Regions"]) == 3
    assert list(statuses(second)) == ["us-east-1"]


def test_only_the_management_account_asks_about_others_and_needs_trusted_access(
    world: World,
) -> None:
    for account, trusted in ((MANAGEMENT, False), (CENTRAL, True)):
        world.organization.trusted = {SERVICE} if trusted else set()
        other = CENTRAL if account == MANAGEMENT else MANAGEMENT
        with pytest.raises(ServiceError) as caught:
            ask(world, account, AccountId=other)
        assert caught.value.code == "AccessDeniedException"
    world.organization.trusted = {SERVICE}
    assert statuses(ask(world, MANAGEMENT, AccountId=CENTRAL))["ap-east-1"] == "ENABLED"


def test_what_is_not_served_is_a_fault_of_the_simulation(world: World) -> None:
    with pytest.raises(AssertionError, match="account:EnableRegion"):
        ask(world, CENTRAL, "EnableRegion", RegionName="ap-east-1")
