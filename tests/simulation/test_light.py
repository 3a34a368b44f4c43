"""Thousands of accounts as records: the same writes whatever their number, nothing made in them."""

from __future__ import annotations

from collections import Counter

import pytest

from generator.deploy.existing import look as look_at
from generator.deploy.plan import plan
from generator.deploy.status import look
from generator.deploy.wanted import wanted
from generator.simulation.cloud import Cloud, opened
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.run import deployed
from tests.benchmarks.bench_rollout import writes
from tests.simulation.conftest import CENTRAL, MANAGEMENT, bundle

WANTED = wanted(bundle(), DEFAULT_PLACE, tuple(DEFAULT_PLACE.regions or ()))


def rolled_out(cloud: Cloud) -> None:
    management = cloud.administrator(MANAGEMENT, DEFAULT_PLACE.central_region)
    management.client("cloudformation").activate_organizations_access()
    deployed(cloud, bundle(), DEFAULT_PLACE)


def calls_of(accounts: int) -> tuple[Counter[str], int]:
    """The writes of a rollout to so many accounts, and the reads of a status after it."""
    with opened(world_of(DEFAULT_PLACE, accounts), materialise=False) as cloud:
        rolled_out(cloud)
        made = writes(cloud)
        before = len(cloud.edge.calls)
        door = cloud.door(DEFAULT_PLACE)
        coverage, _ = look(door, WANTED, pause=cloud.pause)
        assert coverage.good
        assert len(coverage.rows) == accounts
        read = len(cloud.edge.calls) - before
        assert plan(WANTED, look_at(door, WANTED)) == ()
        assert writes(cloud) == made
    return made, read


@pytest.mark.slow
def test_writes_do_not_grow_with_the_accounts_and_reads_by_the_page() -> None:
    few, few_reads = calls_of(5)
    many, many_reads = calls_of(1_005)
    assert few == many
    # 1,000 accounts more: 20 accounts and 100 instances a page.
    assert many_reads - few_reads <= 1_000 / 20 + 4 * 1_000 / 100 + 2


def test_records_leave_nothing_in_members_and_everything_in_the_own_accounts() -> None:
    with opened(world_of(DEFAULT_PLACE, 5), materialise=False) as cloud:
        rolled_out(cloud)
        inhabited = {resource.account for resource in cloud.world.inventory.everywhere()}
        assert inhabited == {MANAGEMENT, CENTRAL}
        in_central = [r for r in cloud.world.inventory.everywhere() if r.account == CENTRAL]
        assert not [one for one in in_central if one.physical_id == "trailbus-forwarder"]
