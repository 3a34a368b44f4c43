"""A small simulated organization to roll out to, and short ways to ask what is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from generator import config, names, render
from generator.deploy.apply import Outcome, Walk, settle, walk
from generator.deploy.aws import Door
from generator.deploy.bundle import Bundle
from generator.deploy.existing import Existing, look
from generator.deploy.plan import Plan, proposal
from generator.deploy.wanted import Wanted, wanted
from generator.model import Place
from generator.simulation.cloud import Cloud, opened
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.run import prepared
from generator.simulation.world import Account

CONFIGURATION = """\
detections: {{packs: [], include: [{detections}]}}
targets: {{here: {{kind: queue}}}}
routes: [{{detections: [{detections}], to: [here]}}]
"""
ONE = "cloudtrail_logging_stopped"
TWO = f"{ONE}, cloudtrail_trail_deleted"

MANAGEMENT = DEFAULT_PLACE.management_account
CENTRAL = DEFAULT_PLACE.central_account
MEMBER = "111122223333"
OTHER = "444455556666"
THIRD = "123456789012"
HOME = DEFAULT_PLACE.central_region
AWAY = "eu-west-1"
ROOT = "r-ab12"
OUTER = "ou-ab12-workloads1"
INNER = "ou-ab12-sandboxes1"

SMALL = DEFAULT_PLACE._replace(regions=(HOME, AWAY))
"""Five accounts in two Regions."""

READS = ("Describe", "List", "Get", "Head", "Simulate")


@cache
def bundle(detections: str = ONE) -> Bundle:
    """The templates of a configuration with these detections and a single queue."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trailbus.yaml"
        file.write_text(CONFIGURATION.format(detections=detections), encoding="utf-8")
        files = render.render(config.load(file).shape)
    manifest = json.loads(files[names.MANIFEST])
    return Bundle({name: files[name] for name in manifest["templates"]}, manifest)


@dataclass
class Company:
    """An open organization, with what is wanted in it."""

    cloud: Cloud
    place: Place
    bundle: Bundle = field(default_factory=bundle)

    @property
    def wanted(self) -> Wanted:
        return wanted(self.bundle, self.place, tuple(self.place.regions or ()))

    @property
    def door(self) -> Door:
        return self.cloud.door(self.place)

    def look(self) -> Existing:
        return look(self.door, self.wanted)

    def plan(self, replacing: bool = False) -> Plan:
        return proposal(self.wanted, self.look(), replacing)

    def deploy(self, door: Door | None = None, replacing: bool = False) -> list[Outcome]:
        """As the command does it: waits for what runs, looks, and walks the plan."""
        way = Walk(door or self.door, self.wanted, self.cloud.pause)
        settle(way)
        existing = look(way.door, self.wanted)
        return walk(way, proposal(self.wanted, existing, replacing).steps)

    def calls(self, since: int = 0) -> list[str]:
        return [made.operation for made in self.cloud.edge.calls[since:]]

    def writes(self, since: int = 0) -> list[str]:
        return [name for name in self.calls(since) if not name.startswith(READS)]

    def instances(self, name: str) -> dict[tuple[str, str], str]:
        """The status of every instance of a StackSet."""
        cells = self.look().stack_sets[name].cells
        return {place: cell.status for place, cell in cells.items()}

    def resources(self) -> set[tuple[str, str, str, str]]:
        """Everything that stacks made: account, Region, type, logical id."""
        return {
            (one.account, one.region, one.type, one.logical_id)
            for one in self.cloud.world.inventory.everywhere()
        }

    def join(self, account: str, parent: str = OUTER) -> None:
        """A new account joins, and automatic deployment comes to its end."""
        self.cloud.world.organization.add(Account(account, f"new-{account}", parent))
        self.cloud.cloudformation.stack_sets.joined(account)
        self.cloud.cloudformation.stack_sets.run_to_end()


@contextmanager
def company(place: Place = SMALL, accounts: int = 5, detections: str = ONE) -> Iterator[Company]:
    """An organization in which nothing is rolled out yet."""
    with opened(world_of(place, accounts)) as cloud:
        prepared(cloud, place)
        yield Company(cloud, place, bundle(detections))


def failures(outcomes: list[Outcome]) -> dict[tuple[str, str], str]:
    """Why which cells failed."""
    return {
        (failure.account, failure.region): failure.reason
        for outcome in outcomes
        for failure in outcome.failures
    }


def sentences(outcomes: list[Outcome]) -> list[str]:
    return [outcome.step.sentence for outcome in outcomes]


Request = Mapping[str, Any]
