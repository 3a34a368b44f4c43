"""An organization of five accounts in three Regions, with a CloudFormation to ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from generator.simulation.cloudformation import CloudFormation
from generator.simulation.world import World

from .ask import MANAGEMENT, REGIONS, Asking, organization_of


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield organization_of(5)


@pytest.fixture
def cloudformation(world: World) -> CloudFormation:
    made = CloudFormation(world)
    made.stack_sets.activate()
    return made


@pytest.fixture
def ask(cloudformation: CloudFormation) -> Asking:
    """Asks as the management account in the first Region."""
    return Asking(cloudformation, MANAGEMENT, REGIONS[0])
