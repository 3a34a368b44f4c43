"""Trails: whose events they bring, and which names they can have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto.cloudtrail.models import cloudtrail_backends

from generator.simulation.cloud import Cloud, opened
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.trails import TRAIL_NAME

from .conftest import AWAY, HOME, MANAGEMENT, MEMBER, OTHER


def logging(cloud: Cloud, account: str, region: str, name: str) -> bool:
    """What CloudTrail itself answers."""
    client = cloud.administrator(account, region).client("cloudtrail")
    answer: bool = client.get_trail_status(Name=name)["IsLogging"]
    return answer


def feeds(cloud: Cloud, *places: tuple[str, str]) -> list[bool]:
    return [cloud.trails.feeds(account, region) for account, region in places]


PLACES = [(MEMBER, AWAY), (MEMBER, HOME), (OTHER, AWAY), (MANAGEMENT, HOME)]


@pytest.fixture
def untrailed() -> Iterator[Cloud]:
    """An organization without a trail, in which nothing is deployed."""
    with opened(world_of(DEFAULT_PLACE, 5)) as cloud:
        yield cloud


def test_organization_trail_brings_everybodys_events(untrailed: Cloud) -> None:
    assert feeds(untrailed, *PLACES) == [False] * 4
    untrailed.trails.add(MANAGEMENT, HOME, "all-of-us", organization=True)
    assert feeds(untrailed, *PLACES) == [True] * 4
    untrailed.administrator(MANAGEMENT, HOME).client("cloudtrail").stop_logging(Name="all-of-us")
    assert feeds(untrailed, *PLACES) == [False] * 4


def test_trail_of_an_account_brings_its_own_events(untrailed: Cloud) -> None:
    untrailed.trails.add(MEMBER, HOME, "mine")
    assert feeds(untrailed, *PLACES) == [True, True, False, False]
    cloudtrail_backends[MEMBER][HOME].trails["mine"].is_multi_region = False
    assert feeds(untrailed, *PLACES) == [False, True, False, False]


def test_trail_of_the_management_account_alone_brings_no_members_events(
    untrailed: Cloud,
) -> None:
    untrailed.trails.add(MANAGEMENT, HOME, "mine")
    assert feeds(untrailed, *PLACES) == [False, False, False, True]


def test_deleted_trail_brings_nothing(untrailed: Cloud) -> None:
    untrailed.trails.add(MEMBER, HOME, "mine")
    untrailed.administrator(MEMBER, HOME).client("cloudtrail").delete_trail(Name="mine")
    assert feeds(untrailed, *PLACES) == [False] * 4


def test_trail_that_exists_is_only_started_or_stopped(untrailed: Cloud) -> None:
    arn = f"arn:aws:cloudtrail:{HOME}:{MEMBER}:trail/mine"
    for wanted in (True, False, True):
        assert untrailed.trails.add(MEMBER, HOME, "mine", logging=wanted) == arn
        assert logging(untrailed, MEMBER, HOME, "mine") is wanted
    assert len(cloudtrail_backends[MEMBER][HOME].trails) == 1


NAMES = [
    ("account-trail", True), ("a.b_c-D9", True), ("abc", True), ("x" * 128, True),
    ("1.2.3", True), ("ab", False), ("x" * 129, False), ("-abc", False), ("abc.", False),
    ("a--b", False), ("a._b", False), ("192.168.5.4", False), ("a b", False), ("été", False),
    ("abc\n", False), ("", False), ("x" * 200_000, False),
]  # fmt: skip


@pytest.mark.parametrize(("name", "valid"), NAMES, ids=[name[:20] for name, _ in NAMES])
def test_names_of_trails_are_those_that_cloudtrail_takes(name: str, valid: bool) -> None:
    assert bool(TRAIL_NAME.fullmatch(name)) is valid
