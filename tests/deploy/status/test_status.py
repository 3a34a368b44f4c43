"""Status over an organization: what is read from AWS, and what is told when AWS refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from generator.deploy.status.document import document
from generator.deploy.wanted import wanted
from generator.model import Mistake, Place
from generator.simulation.cloud import Cloud, opened
from generator.simulation.cloudformation.stack_sets.faults import SCP_DENY, THROTTLED
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.run import deployed
from generator.simulation.world import Account
from tests.deploy.status.asking import ROLES, RULES, WANTED, cell, seen
from tests.simulation.conftest import (
    AWAY,
    CENTRAL,
    HOME,
    MANAGEMENT,
    MEMBER,
    OTHER,
    bundle,
)


def rolled_out(cloud: Cloud, place: Place = DEFAULT_PLACE) -> None:
    """Everything is deployed, whatever fails on the way."""
    management = cloud.administrator(place.management_account, place.central_region)
    management.client("cloudformation").activate_organizations_access()
    try:
        deployed(cloud, bundle(), place)
    except Mistake as failures:
        if not all("simulated rollout: " in problem.place for problem in failures.problems):
            raise


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """An organization of records, where nothing is deployed yet."""
    with opened(world_of(DEFAULT_PLACE, 6), materialise=False) as made:
        yield made


def test_failures_are_told_until_they_are_repaired(cloud: Cloud) -> None:
    faults = cloud.cloudformation.stack_sets.faults
    faults.add(SCP_DENY, account=MEMBER, region=AWAY, stack_set=RULES)
    faults.add("trailbus-forwarder already exists", account=OTHER, stack_set=ROLES)
    faults.add(THROTTLED, account="123456789012", region=HOME, stack_set=RULES)
    rolled_out(cloud)
    picture = seen(cloud)
    assert "service control policy" in cell(picture, MEMBER, AWAY).why
    assert "something of that name" in cell(picture, OTHER, AWAY).why
    assert "patience" in cell(picture, "123456789012", HOME).why
    bad = [c for row in picture.rows for c in row.cells if c.sign != "deployed"]
    assert len(bad) == 5
    assert not picture.good
    faults.clear()
    rolled_out(cloud)
    assert seen(cloud).good


def test_an_operation_at_work_is_seen(cloud: Cloud) -> None:
    rolled_out(cloud)
    client = cloud.administrator(MANAGEMENT, HOME).client("cloudformation")
    client.update_stack_set(
        StackSetName=RULES, UsePreviousTemplate=True, Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": "CentralBusArn", "UsePreviousValue": True}],
        OperationPreferences={"MaxConcurrentCount": 1},
    )  # fmt: skip
    signs = {c.sign for row in seen(cloud).rows for c in row.cells}
    assert "working" in signs


def test_a_new_account_is_uncovered_and_then_covered_roles_first(cloud: Cloud) -> None:
    rolled_out(cloud)
    newcomer = Account("777777777777", "newcomer", "ou-ab12-sandboxes1")
    cloud.world.organization.add(newcomer)
    assert cell(seen(cloud), newcomer.id, AWAY).sign == "uncovered"
    cloud.cloudformation.stack_sets.joined(newcomer.id)
    cloud.cloudformation.stack_sets.run_to_end()
    assert seen(cloud).good


def test_accounts_are_told_by_name_and_the_two_own_ones_come_first(cloud: Cloud) -> None:
    cloud.world.organization.accounts[OTHER].suspended = True
    picture = seen(cloud)
    assert [row.account for row in picture.rows][:2] == [MANAGEMENT, CENTRAL]
    assert {row.account: row.name for row in picture.rows}[MEMBER] == "payments-prod"
    assert cell(picture, OTHER, AWAY).sign == "suspended"


def test_units_are_followed_downwards_and_others_are_outside(cloud: Cloud) -> None:
    place = DEFAULT_PLACE._replace(organizational_units=("ou-ab12-sandboxes1",))
    picture = seen(cloud, wanted(bundle(), place, WANTED.rules.regions))
    inside = {account.id for account in cloud.world.organization.under("ou-ab12-sandboxes1")}
    for row in picture.rows:
        meant = row.account in inside or row.account == MANAGEMENT
        assert {c.sign for c in row.cells} == ({"uncovered"} if meant else {"outside"})
    place = DEFAULT_PLACE._replace(organizational_units=("ou-ab12-workloads1",))
    picture = seen(cloud, wanted(bundle(), place, WANTED.rules.regions))
    assert "outside" not in {c.sign for row in picture.rows for c in row.cells}


def test_another_template_than_the_reviewed_one_is_outdated(cloud: Cloud) -> None:
    rolled_out(cloud)
    files = {**bundle().files, "member-rules.yaml": bundle().files["member-rules.yaml"] + "\n"}
    other = type(bundle())(files, bundle().manifest)
    picture = seen(cloud, wanted(other, DEFAULT_PLACE, WANTED.rules.regions))
    assert {c.sign for row in picture.rows for c in row.cells} == {"outdated"}


# --- What AWS refuses


REFUSED = {
    ("organizations", "ListAccounts"): "the organization's accounts",
    ("cloudformation", "DescribeStackSet"): RULES,
    ("cloudformation", "ListStackInstances"): ROLES,
    ("cloudformation", "DescribeStacks"): "trailbus-central in the central account, us-east-1",
    ("cloudformation", "GetTemplate"): f"{RULES} in the management account, eu-west-1",
}


@pytest.mark.parametrize(("call", "what"), REFUSED.items(), ids=lambda value: value[-1])
def test_a_refused_read_is_told_and_nothing_is_called_green_for_it(
    call: tuple[str, str], what: str, cloud: Cloud
) -> None:
    rolled_out(cloud)
    cloud.refusals.add(*call)
    picture = seen(cloud)
    assert "AccessDenied" in picture.unread[what]
    assert call[1] in picture.unread[what]
    assert not picture.good
    assert document(picture)["not_checked"] == picture.unread


def test_without_organizations_those_with_instances_are_shown(cloud: Cloud) -> None:
    rolled_out(cloud)
    cloud.refusals.add("organizations")
    picture = seen(cloud)
    assert {row.account for row in picture.rows} == set(cloud.world.organization.accounts)
    assert {c.sign for row in picture.rows for c in row.cells} == {"deployed"}


def test_status_only_reads_and_never_a_call_per_account(cloud: Cloud) -> None:
    rolled_out(cloud)
    before = len(cloud.edge.calls)
    seen(cloud)
    calls = cloud.edge.calls[before:]
    assert {c.operation.rstrip("s") for c in calls} <= {
        "GetTemplate", "DescribeStack", "DescribeStackSet", "ListStackInstance", "ListAccount",
        "ListStackSetAutoDeploymentTarget", "ListSubscriptionsByTopic",
    }  # fmt: skip
    assert len(calls) < 20
