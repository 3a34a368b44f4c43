"""What must hold before anything is changed: each fault is one line, found by reads alone."""

from __future__ import annotations

from typing import Any

import pytest

from generator.deploy.aws import Call, Door, Refused
from generator.deploy.preconditions import check, denied
from generator.model import Access, Mistake, Pilot, Place, Rollout
from generator.simulation.cloud import opened
from generator.simulation.organization import world_of

from .organization import AWAY, CENTRAL, HOME, MANAGEMENT, MEMBER, READS, SMALL, Company, company


def problems(it: Company, place: Place, door: Door | None = None) -> list[str]:
    before = len(it.cloud.edge.calls)
    with pytest.raises(Mistake) as caught:
        check(door or it.door, place)
    assert all(name.startswith(READS) for name in it.calls(before))
    return [str(problem) for problem in caught.value.problems]


def test_what_is_right_gives_the_regions() -> None:
    with company() as it:
        assert check(it.door, SMALL) == (HOME, AWAY)


def test_all_regions_are_those_that_are_enabled() -> None:
    with company() as it:
        found = check(it.door, SMALL._replace(regions=None))
        assert {HOME, AWAY} <= {*found}


def test_credentials_of_a_wrong_account_are_told_first_and_alone() -> None:
    with company() as it:
        elsewhere = SMALL._replace(central_account=MEMBER, organization_id="o-strange0000")
        [said] = problems(it, elsewhere)
        assert f"these credentials belong to {CENTRAL}, not to {MEMBER}" in said
        assert "place.access.central_role" in said


def test_another_organization_is_told() -> None:
    with company() as it:
        [said] = problems(it, SMALL._replace(organization_id="o-strange0000"))
        assert said == (
            f"place.organization_id: {MANAGEMENT} is in the organization o-a1b2c3d4e5, "
            "not in o-strange0000"
        )


def test_a_central_account_outside_the_organization_is_told() -> None:
    with company() as it:
        door = it.door
        del it.cloud.world.organization.accounts[CENTRAL]
        [said] = problems(it, SMALL, door)
        assert said.startswith(f"place.central.account: {CENTRAL} is not in the organization")


def test_units_that_do_not_exist_are_told_together() -> None:
    place = SMALL._replace(
        organizational_units=("r-ab12", "ou-ab12-nowhere11"),
        rollout=Rollout(pilot=Pilot(organizational_units=("ou-ab12-nowhere22",))),
    )
    with company() as it:
        said = problems(it, place)
        assert [line.partition(";")[0] for line in said] == [
            "place.organizational_units: the organization has no ou-ab12-nowhere11",
            "place.rollout.pilot.organizational_units: the organization has no ou-ab12-nowhere22",
        ]


def test_a_mistyped_region_is_told_with_the_one_that_was_meant() -> None:
    with company() as it:
        [said] = problems(it, SMALL._replace(regions=(HOME, "eu-wset-1")))
        assert said == "place.regions: there is no Region eu-wset-1; did you mean eu-west-1?"


def test_a_region_that_is_not_enabled_is_told() -> None:
    with company() as it:
        [said] = problems(it, SMALL._replace(regions=(HOME, "ap-southeast-4")))
        assert said.startswith("place.regions: ")


def test_missing_trusted_access_is_told_with_its_cure() -> None:
    with opened(world_of(SMALL, 5)) as cloud:
        [said] = problems(Company(cloud, SMALL), SMALL)
        assert "activate-organizations-access" in said


def test_no_trusted_access_is_needed_where_roles_do_it() -> None:
    with opened(world_of(SMALL, 5)) as cloud:
        place = SMALL._replace(rollout=Rollout(self_managed=True))
        assert check(cloud.door(place), place) == (HOME, AWAY)


def test_a_delegated_administrator_is_the_one_to_be() -> None:
    place = SMALL._replace(
        access=Access(delegated_admin=True, administrator_account="555566667777")
    )
    with company(place) as it:
        assert check(it.door, place) == (HOME, AWAY)


@pytest.mark.parametrize(
    "operation",
    [
        "GetCallerIdentity",
        "DescribeOrganization",
        "DescribeAccount",
        "ListOrganizationalUnitsForParent",
        "DescribeOrganizationsAccess",
        "ListRegions",
    ],
)
def test_a_call_that_is_not_allowed_is_one_clear_line(operation: str) -> None:
    class Denying(Door):
        def __init__(self, door: Door) -> None:
            self.door = door

        def call(self, call: Call) -> dict[str, Any]:
            if call.operation == operation:
                code = "AccessDeniedException"
                raise Refused(call.side, call.region, operation, code, "no policy allows it")
            return self.door.call(call)

    with company() as it, pytest.raises(Refused) as caught:
        check(Denying(it.door), SMALL)
    [problem] = denied(caught.value).problems
    assert f"{operation} is not allowed: no policy allows it" in str(problem)
    assert "\n" not in str(problem)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ValueError", "see AWS_ENDPOINT_URL"),
        ("EOFError", "see AWS_ENDPOINT_URL, AWS_PROFILE"),
        ("ExpiredToken", "the same command goes on from here"),
        ("NoCredentialsError", "there are no credentials; set AWS_PROFILE"),
        ("InternalError", "InternalError: hm"),
    ],
)
def test_other_refusals_say_what_to_do(code: str, words: str) -> None:
    [problem] = denied(Refused("central", HOME, "DescribeStacks", code, "hm")).problems
    assert words in str(problem)
