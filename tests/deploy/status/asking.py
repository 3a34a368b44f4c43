"""Short ways to ask what the tests of status ask."""

from __future__ import annotations

from typing import Any

from generator.deploy.status import look
from generator.deploy.status.matrix import Cell, Coverage
from generator.deploy.wanted import Wanted, wanted
from generator.simulation.cloud import Cloud
from generator.simulation.organization import DEFAULT_PLACE
from tests.simulation.conftest import bundle

RULES, ROLES = "trailbus-member-rules", "trailbus-member-roles"
WANTED = wanted(bundle(), DEFAULT_PLACE, tuple(DEFAULT_PLACE.regions or ()))


def seen(cloud: Cloud, want: Wanted = WANTED, **asked: Any) -> Coverage:
    """The matrix of an open organization."""
    coverage, _ = look(cloud.door(want.place), want, pause=cloud.pause, **asked)
    return coverage


def cell(picture: Coverage, account: str, region: str) -> Cell:
    """One account and Region of it."""
    [row] = [row for row in picture.rows if row.account == account]
    return row.cells[picture.regions.index(region)]
