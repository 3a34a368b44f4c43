"""Drift in status: what was changed by hand is found on request, and named."""

from __future__ import annotations

from tests.deploy.status.asking import ROLES, RULES, cell, seen
from tests.simulation.conftest import (
    AWAY,
    CENTRAL,
    MANAGEMENT,
    MEMBER,
    RULE,
    Laboratory,
    altered,
)


def test_drift_is_looked_for_on_request_and_names_the_resource(lab: Laboratory) -> None:
    rule = lab.resource(RULE, "trailbus-forward-writes", MEMBER, AWAY)
    own = lab.resource(RULE, "trailbus-forward-writes", MANAGEMENT, AWAY)
    said: list[str] = []
    with altered(rule, State="DISABLED"), altered(own, State="DISABLED"):
        assert cell(seen(lab.cloud), MEMBER, AWAY).sign == "deployed"
        picture = seen(lab.cloud, drift=True, say=said.append)
    assert cell(picture, MEMBER, AWAY).sign == "drifted"
    assert cell(picture, MEMBER, AWAY).said == "ForwardWritesRule modified (/State)"
    assert cell(picture, MANAGEMENT, AWAY).sign == "drifted"
    bad = [c for row in picture.rows for c in row.cells if c.sign != "deployed"]
    assert len(bad) == 2
    assert len(said) == 7
    assert seen(lab.cloud, drift=True).good


def test_drift_that_cannot_be_looked_for_is_told(lab: Laboratory) -> None:
    lab.cloud.refusals.add("cloudformation", "DetectStackSetDrift")
    lab.cloud.refusals.add("cloudformation", "DetectStackDrift", account=CENTRAL)
    try:
        picture = seen(lab.cloud, drift=True)
    finally:
        lab.cloud.refusals.clear()
    assert set(picture.unread) == {
        f"drift of {ROLES}",
        f"drift of {RULES}",
        "drift of trailbus-central in the central account, us-east-1",
    }
    assert not picture.good
