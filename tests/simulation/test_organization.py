"""Organizations to simulate: as large as asked, like the configuration's place, and valid."""

from __future__ import annotations

import re

import pytest

from generator.model import Mistake, Pilot, Rollout
from generator.simulation.organization import DEFAULT_PLACE, MEMBERS, simulated_place, world_of


@pytest.mark.parametrize("accounts", [2, 3, 5, 6, 50])
def test_organization_has_as_many_accounts_as_asked(accounts: int) -> None:
    organization = world_of(DEFAULT_PLACE, accounts).organization
    assert len(organization.accounts) == accounts
    assert list(organization.accounts)[:2] == ["111111111111", "222222222222"]
    assert list(organization.accounts)[2:5] == list(MEMBERS)[: max(0, accounts - 2)]
    assert all(re.fullmatch("[0-9]{12}", account) for account in organization.accounts)
    for account in organization.accounts.values():
        assert organization.path(account.id).startswith("o-a1b2c3d4e5/r-ab12/")


def test_members_stand_in_units_inside_each_other() -> None:
    organization = world_of(DEFAULT_PLACE, 5).organization
    depths = {account.name: organization.path(account.id).count("ou-") for account in
              organization.accounts.values()}  # fmt: skip
    assert depths == {
        "management": 0, "security": 1, "payments-prod": 1, "payments-dev": 2, "data-platform": 1,
    }  # fmt: skip
    assert all(re.fullmatch(r"ou-ab12-[a-z0-9]{8,32}", unit) for unit in organization.units), (
        organization.units
    )


def test_central_account_may_be_the_management_account() -> None:
    place = DEFAULT_PLACE._replace(central_account=DEFAULT_PLACE.management_account)
    organization = world_of(place, 4).organization
    assert list(organization.accounts) == ["111111111111", *MEMBERS]


def test_excluded_accounts_are_there_beyond_the_number() -> None:
    place = DEFAULT_PLACE._replace(exclude_accounts=("999999999999", MEMBERS[0]))
    accounts = world_of(place, 5).organization.accounts
    assert len(accounts) == 6
    assert "999999999999" in accounts


@pytest.mark.parametrize("unit", ["r-ab12", "ou-ab12-production"])
def test_whom_a_rollout_begins_with_is_there_and_is_covered(unit: str) -> None:
    pilot = Pilot(organizational_units=("ou-ab12-canaries1",), accounts=("999999999999",))
    place = DEFAULT_PLACE._replace(organizational_units=(unit,), rollout=Rollout(pilot=pilot))
    organization = world_of(place, 5).organization
    assert organization.under("ou-ab12-canaries1"), "a unit without accounts would be no pilot"
    covered = {account.id for account in organization.under(unit)}
    assert {"999999999999"} | {one.id for one in organization.under("ou-ab12-canaries1")} <= covered


def test_units_of_the_place_hold_the_members() -> None:
    place = DEFAULT_PLACE._replace(organizational_units=("ou-ab12-production", "ou-ab12-testing1"))
    organization = world_of(place, 5).organization
    assert {"ou-ab12-production", "ou-ab12-testing1"} <= set(organization.units)
    under = {account.id for account in organization.under("ou-ab12-production")}
    assert under == {"222222222222", *MEMBERS}


def test_central_region_exists_though_nothing_covers_it() -> None:
    place = simulated_place(DEFAULT_PLACE, ("eu-west-1",))
    assert place.regions == ("eu-west-1",)
    assert world_of(place, 5).regions == ("eu-west-1", "us-east-1")


def test_place_of_the_configuration_is_kept_but_for_its_regions() -> None:
    place = DEFAULT_PLACE._replace(organization_id="o-zzzzzzzzzz", central_region="eu-west-1")
    assert simulated_place(place, None) == place
    assert simulated_place(None, None) == DEFAULT_PLACE
    everywhere = simulated_place(place._replace(regions=None), None)
    assert everywhere.regions == ("us-east-1", "eu-west-1", "ap-southeast-2")
    twice = simulated_place(place, ("eu-west-1", "eu-west-2", "eu-west-1"))
    assert twice == place._replace(regions=("eu-west-1", "eu-west-2"))


@pytest.mark.parametrize(
    ("central", "regions"),
    [("cn-north-1", ("cn-northwest-1",)), ("us-gov-west-1", ("us-gov-east-1",))],
)
def test_other_partitions_have_their_own_regions(central: str, regions: tuple[str, ...]) -> None:
    place = DEFAULT_PLACE._replace(central_region=central)
    assert simulated_place(place, regions).regions == regions
    with pytest.raises(Mistake, match="has no Region 'us-east-1'"):
        simulated_place(place, ("us-east-1",))


def test_every_region_that_aws_does_not_have_is_told_with_a_proposal() -> None:
    place = DEFAULT_PLACE._replace(central_region="eu-wast-1")
    with pytest.raises(Mistake) as caught:
        simulated_place(place, ("us-east-11", "us-east-1", "us-east-11"))
    assert [str(problem) for problem in caught.value.problems] == [
        "Regions: aws has no Region 'eu-wast-1'; did you mean 'eu-west-1'?",
        "Regions: aws has no Region 'us-east-11'; did you mean 'us-east-1'?",
    ]
