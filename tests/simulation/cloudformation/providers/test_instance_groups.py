"""What a change of a StackSet's wanted instances comes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.simulation.cloudformation.providers.instance_groups import change, wanted

MEMBERS = {"ou-a": {"1", "2", "3"}, "ou-b": {"4", "5"}}
REGIONS = ("north", "south")


def group(*units: str, only: str = "", but: str = "", regions: Any = REGIONS) -> dict[str, Any]:
    targets: dict[str, Any] = {"OrganizationalUnitIds": list(units)}
    if only or but:
        targets["AccountFilterType"] = "INTERSECTION" if only else "DIFFERENCE"
        targets["Accounts"] = list(only or but)
    return {"DeploymentTargets": targets, "Regions": list(regions)}


def properties(*groups: Mapping[str, Any]) -> dict[str, Any]:
    return {"StackInstancesGroup": list(groups)} if groups else {}


def reached(request: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The accounts and Regions of a request, in an organization of two units."""
    targets = request["DeploymentTargets"]
    chosen = set(targets.get("Accounts", ()))
    if "OrganizationalUnitIds" not in targets:
        return {(account, region) for account in chosen for region in request["Regions"]}
    inside = set().union(*(MEMBERS[unit] for unit in targets["OrganizationalUnitIds"]))
    match targets.get("AccountFilterType", "NONE"):
        case "INTERSECTION":
            inside &= chosen
        case "DIFFERENCE":
            inside -= chosen
    return {(account, region) for account in inside for region in request["Regions"]}


def all_of(requests: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return set().union(*map(reached, requests))


GROUPS = st.one_of(
    st.builds(lambda: ()),
    st.builds(
        lambda units, word, accounts, regions: (
            group(
                *sorted(units), regions=sorted(regions), **({word: accounts} if accounts else {})
            ),
        ),
        st.sets(st.sampled_from(sorted(MEMBERS)), min_size=1),
        st.sampled_from(("only", "but")),
        st.sets(st.sampled_from("12345")).map(lambda some: "".join(sorted(some))),
        st.sets(st.sampled_from(REGIONS), min_size=1),
    ),
)


@given(before=GROUPS, after=GROUPS)
def test_just_what_differs_is_deleted_and_created(before: Any, after: Any) -> None:
    old, new = all_of(list(before)), all_of(list(after))
    due = change(wanted(properties(*before)), wanted(properties(*after)))
    assert all_of(due.delete) == old - new
    assert all_of(due.create) == new - old
    assert due.update == []
    assert all(request["RetainStacks"] is False for request in due.delete)


CASES = [
    ("a pilot grows", group("ou-a", only="1"), group("ou-a"), set(), {"2", "3"}),
    ("back to the pilot", group("ou-a"), group("ou-a", only="1"), {"2", "3"}, set()),
    (
        "a pilot that is excluded",
        group("ou-a", only="1"),
        group("ou-a", but="1"),
        {"1"},
        {"2", "3"},
    ),
    ("one more excluded", group("ou-a", but="1"), group("ou-a", but="12"), {"2"}, set()),
    ("another unit", group("ou-a"), group("ou-b"), {"1", "2", "3"}, {"4", "5"}),
]


@pytest.mark.parametrize(
    ("before", "after", "gone", "come"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_accounts_that_both_want_are_left_alone(
    before: Any, after: Any, gone: set[str], come: set[str]
) -> None:
    due = change(wanted(properties(before)), wanted(properties(after)))
    assert {account for account, _ in all_of(due.delete)} == gone
    assert {account for account, _ in all_of(due.create)} == come


def test_accounts_by_themselves_are_compared_one_by_one() -> None:
    def of(*accounts: str) -> dict[str, Any]:
        targets = {"Accounts": list(accounts)}
        return properties({"DeploymentTargets": targets, "Regions": ["north"]})

    due = change(wanted(of("1", "2")), wanted(of("2", "3")))
    assert (all_of(due.delete), all_of(due.create)) == ({("1", "north")}, {("3", "north")})


def test_other_overrides_update_what_is_there() -> None:
    def of(value: str) -> dict[str, Any]:
        override = [{"ParameterKey": "Loud", "ParameterValue": value}]
        return properties({**group("ou-a"), "ParameterOverrides": override})

    due = change(wanted(of("no")), wanted(of("yes")))
    assert (due.delete, due.create) == ([], [])
    [request] = due.update
    assert request["ParameterOverrides"] == [{"ParameterKey": "Loud", "ParameterValue": "yes"}]
    # Deletions take no overrides.
    [gone] = change(wanted(of("no")), {}).delete
    assert "ParameterOverrides" not in gone
