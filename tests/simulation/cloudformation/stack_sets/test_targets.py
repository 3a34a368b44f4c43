"""Whom a request about instances reaches."""

from __future__ import annotations

from typing import Any

import pytest

from generator.simulation.world import ServiceError, World

from ..ask import (
    CENTRAL,
    MANAGEMENT,
    REGIONS,
    ROOT,
    SANDBOXES,
    WORKLOADS,
    Asking,
    member,
    queue,
    template,
)

BODY = template({"Letters": queue()})
FIRST = REGIONS[:1]
MEMBERS = (CENTRAL, member(0), member(1), member(2))


@pytest.mark.parametrize(
    ("units", "targets", "reached"),
    [
        ((ROOT,), {}, set(MEMBERS)),
        ((WORKLOADS,), {}, set(MEMBERS)),
        ((SANDBOXES,), {}, {member(1)}),
        ((SANDBOXES, WORKLOADS), {}, set(MEMBERS)),
        (
            (ROOT,),
            {"Accounts": [CENTRAL], "AccountFilterType": "DIFFERENCE"},
            {member(0), member(1), member(2)},
        ),
        (
            (ROOT,),
            {"Accounts": [CENTRAL, MANAGEMENT], "AccountFilterType": "INTERSECTION"},
            {CENTRAL},
        ),
        ((SANDBOXES,), {"Accounts": [CENTRAL], "AccountFilterType": "INTERSECTION"}, set()),
    ],
    ids=[
        "the root",
        "a unit with its units",
        "a nested unit",
        "one within the other",
        "all but one",
        "one of all, never the management account",
        "one that is not there",
    ],
)
def test_units_and_filters_choose_accounts(
    ask: Asking, units: tuple[str, ...], targets: dict[str, Any], reached: set[str]
) -> None:
    ask.create_set(BODY)
    operation = ask.rollout(units=units, regions=FIRST, targets=targets)
    assert operation["Status"] == "SUCCEEDED"
    assert {account for account, _ in ask.results(operation["OperationId"])} == reached
    assert {account for account, _ in ask.instances()} == reached


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (
            {
                "DeploymentTargets": {
                    "OrganizationalUnitIds": [ROOT],
                    "Accounts": [CENTRAL],
                    "AccountFilterType": "UNION",
                }
            },
            "UNION is not supported",
        ),
        (
            {"DeploymentTargets": {"OrganizationalUnitIds": [ROOT], "Accounts": [CENTRAL]}},
            "UNION is not supported",
        ),
        ({"Accounts": [CENTRAL]}, "can only have OrganizationalUnit as target"),
        ({"DeploymentTargets": {"OrganizationalUnitIds": ["ou-ab12-nowhere00"]}}, "not found"),
        ({"DeploymentTargets": {}}, "must be specified"),
        (
            {"DeploymentTargets": {"OrganizationalUnitIds": [ROOT]}, "Regions": ["mars-1"]},
            "Invalid region",
        ),
        (
            {"DeploymentTargets": {"OrganizationalUnitIds": [ROOT] * 1, "AccountsUrl": "s3://a/b"}},
            "AccountsUrl",
        ),
    ],
    ids=[
        "a union",
        "accounts beside units",
        "accounts alone",
        "a strange unit",
        "nobody",
        "a strange Region",
        "a list in a bucket",
    ],
)
def test_targets_that_are_refused(ask: Asking, request_: dict[str, Any], said: str) -> None:
    ask.create_set(BODY)
    with pytest.raises(ServiceError, match=said):
        ask.begin("CreateStackInstances", **{"Regions": list(FIRST), **request_})


def test_more_than_fifty_units_are_too_many(ask: Asking, world: World) -> None:
    units = [f"ou-ab12-number{n:04d}" for n in range(51)]
    for unit in units:
        world.organization.add_unit(unit, ROOT, unit)
    ask.create_set(BODY)
    with pytest.raises(ServiceError, match="At most 50"):
        ask.rollout(units=tuple(units))
