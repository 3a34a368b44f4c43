"""A folder with a configuration and its templates, and an organization that its commands reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.deploy.aws import Side
from generator.model import Place
from generator.rollout import opening
from generator.simulation.cloud import Cloud, opened
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.run import ORGANIZATION_TRAIL
from tests.conftest import Run

CONFIGURATION = """\
detections: {packs: [], include: [cloudtrail_logging_stopped]}
targets: {here: {kind: queue}}
routes: [{detections: [cloudtrail_logging_stopped], to: [here]}]
place:
  organization_id: o-a1b2c3d4e5
  management_account: "111111111111"
  central: {account: "222222222222", region: us-east-1}
  organizational_units: [r-ab12]
  regions: [us-east-1, eu-west-1, ap-southeast-2]
  alarms: {emails: [oncall@example.com]}
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trailbus: Run) -> Path:
    """A folder to work in, rendered."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trailbus.yaml").write_text(CONFIGURATION, encoding="utf-8")
    assert trailbus("render", "--config", "trailbus.yaml").code == 0
    return tmp_path


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """An organization of records, ready for a rollout; the commands' sessions open on it."""
    with opened(world_of(DEFAULT_PLACE, 5), materialise=False) as made:
        management, home = DEFAULT_PLACE.management_account, DEFAULT_PLACE.central_region
        client = made.administrator(management, home).client("cloudformation")
        client.activate_organizations_access()
        made.trails.add(management, home, ORGANIZATION_TRAIL, organization=True)

        def sessions(place: Place) -> Callable[[Side], Any]:
            sides = {"central": place.central_account, "management": place.management_account}
            return lambda side: made.administrator(sides[side], place.central_region)

        monkeypatch.setattr(opening, "sessions", sessions)
        yield made
