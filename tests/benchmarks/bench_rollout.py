"""Figures of a rollout to 5,000 accounts: python -m tests.benchmarks.bench_rollout [ACCOUNTS].

A whole rollout by the deploy code to an organization of so many accounts in 17 Regions, whose
instances are records; then what status and doctor cost there.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from generator.deploy.doctor import examine
from generator.deploy.existing import look as look_at
from generator.deploy.plan import plan
from generator.deploy.status import look
from generator.deploy.status.lines import lines
from generator.deploy.status.page import page
from generator.deploy.wanted import wanted
from generator.simulation.cloud import Cloud, opened
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.run import ORGANIZATION_TRAIL, deployed
from generator.simulation.world import World
from tests.benchmarks.bench_stacksets import REGIONS
from tests.simulation.conftest import bundle

READS = ("Describe", "List", "Get", "Simulate", "Detect")


def writes(cloud: Cloud) -> Counter[str]:
    """The calls so far that change something, by operation."""
    calls = [call.operation for call in cloud.edge.calls]
    return Counter(name for name in calls if not name.startswith(READS))


@contextmanager
def timed(what: str, cloud: Cloud) -> Iterator[None]:
    """Prints how long something took, how many calls it made, and the memory so far."""
    begun, before = time.process_time(), len(cloud.edge.calls)
    yield
    spent = time.process_time() - begun
    calls = len(cloud.edge.calls) - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<44} {spent:7.2f} s CPU {calls:6,} calls {memory:6.0f} MB")  # noqa: T201


def measured(accounts: int) -> Counter[str]:
    """Rolls out to so many accounts; gives the writes."""
    place = DEFAULT_PLACE._replace(regions=REGIONS)
    world: World = world_of(place, accounts)
    with opened(world, materialise=False) as cloud:
        management = cloud.administrator(place.management_account, place.central_region)
        management.client("cloudformation").activate_organizations_access()
        home = place.central_region
        cloud.trails.add(place.management_account, home, ORGANIZATION_TRAIL, organization=True)
        want = wanted(bundle(), place, REGIONS)
        door = cloud.door(place)
        with timed(f"doctor, {accounts:,} accounts x {len(REGIONS)} Regions", cloud):
            examine(door, want)
        with timed("  deploy", cloud):
            deployed(cloud, bundle(), place)
        with timed("  plan of what is unchanged", cloud):
            steps = plan(want, look_at(door, want))
        assert not steps, steps
        made = writes(cloud)
        with timed("  status", cloud):
            coverage, _ = look(door, want, pause=cloud.pause)
        assert coverage.good, list(lines(coverage, lambda text, _: text))
        with timed("  status: the lines", cloud):
            list(lines(coverage, lambda text, _: text))
        with timed("  status: the page, with every account", cloud):
            text = page(coverage, "Trailbus", "", everything=True)
        print(f"  the page has {len(text) / 2**20:.1f} MB")  # noqa: T201
        assert writes(cloud) == made
    return made


def main(accounts: int) -> int:
    few = measured(50)
    many = measured(accounts)
    ratio = sum(many.values()) / sum(few.values())
    print(f"writes: {sum(few.values())} and {sum(many.values())}, ratio {ratio:.2f}")  # noqa: T201
    return 0 if few == many else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000))
