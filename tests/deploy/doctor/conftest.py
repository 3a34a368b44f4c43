"""A healthy organization to spoil: nothing is deployed yet, and nothing stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from generator.deploy.aws import Door
from generator.deploy.bundle import Bundle
from generator.deploy.doctor import CHECKS, examine
from generator.deploy.doctor.findings import Examination, Finding, run
from generator.deploy.wanted import Wanted, wanted
from generator.model import Json, Place
from generator.simulation.cloud import Cloud, opened
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.run import ORGANIZATION_TRAIL
from generator.simulation.world import ControlPolicy, Organization, World
from tests.simulation.conftest import bundle

MANAGEMENT = DEFAULT_PLACE.management_account
CENTRAL = DEFAULT_PLACE.central_account
HOME = DEFAULT_PLACE.central_region
ROOT = DEFAULT_PLACE.organizational_units[0]
OUTER, INNER = "ou-ab12-workloads1", "ou-ab12-sandboxes1"
MEMBER = "111122223333"


@dataclass
class Patient:
    """An open organization, and what is wanted of it."""

    cloud: Cloud
    place: Place
    bundle: Bundle

    @property
    def world(self) -> World:
        return self.cloud.world

    @property
    def organization(self) -> Organization:
        return self.cloud.world.organization

    @property
    def door(self) -> Door:
        return self.cloud.door(self.place)

    @property
    def wanted(self) -> Wanted:
        return wanted(self.bundle, self.place, tuple(self.place.regions or ()))

    def client(self, service: str, account: str = MANAGEMENT, region: str = HOME) -> Any:
        """A boto3 client of an administrator."""
        return self.cloud.administrator(account, region).client(service)

    def relocate(self, **changes: Any) -> None:
        """Wants something else."""
        self.place = self.place._replace(**changes)

    def rewrite(self, template: str = "", text: str = "", **manifest: Json) -> None:
        """Has other templates, or another manifest."""
        files = {**self.bundle.files, **({template: text} if template else {})}
        self.bundle = replace(
            self.bundle, files=files, manifest={**self.bundle.manifest, **manifest}
        )

    def forbid(self, content: str, *targets: str, name: str = "guard") -> None:
        """Attaches a service control policy."""
        identity = f"p-{name[:8].lower().replace('-', '0'):0<8}"
        self.organization.policies[identity] = ControlPolicy(identity, name, content, set(targets))

    def check(self, name: str) -> list[Finding]:
        """What one check finds."""
        [check] = [check for check in CHECKS if check.name == name]
        return run(check, Examination(self.door, self.wanted))

    def examined(self) -> list[Finding]:
        return examine(self.door, self.wanted)


@contextmanager
def healthy(place: Place = DEFAULT_PLACE, **world: Any) -> Iterator[Patient]:
    """An organization that is ready for a rollout."""
    made = world_of(place, 5)
    for name, value in world.items():
        setattr(made, name, value)
    with opened(made, materialise=False) as cloud:
        management = cloud.administrator(place.management_account, place.central_region)
        management.client("cloudformation").activate_organizations_access()
        home = place.central_region
        cloud.trails.add(place.management_account, home, ORGANIZATION_TRAIL, organization=True)
        yield Patient(cloud, place, bundle())


@pytest.fixture
def patient() -> Iterator[Patient]:
    with healthy() as made:
        yield made


Spoil = Callable[[Patient], None]
