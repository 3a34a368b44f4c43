"""Automatic deployment: the organization changes, and StackSets follow."""

from __future__ import annotations

import pytest

from generator.simulation.cloudformation.stack_sets.operations import Preferences
from generator.simulation.world import Account, ServiceError, World

from ..ask import (
    MANAGEMENT,
    REGIONS,
    ROOT,
    SANDBOXES,
    WORKLOADS,
    Asking,
    member,
    parameters,
    queue,
    role,
    rule,
    template,
)

NEW = "999999999999"
ON = {"Enabled": True, "RetainStacksOnAccountRemoval": False}
BODY = template({"Letters": queue()})


def join(ask: Asking, world: World, parent: str = SANDBOXES) -> None:
    world.organization.add(Account(NEW, "new", parent))
    ask.service.stack_sets.joined(NEW)


def move(ask: Asking, world: World, account: str, parent: str) -> None:
    before = world.organization.accounts[account].parent
    world.organization.accounts[account].parent = parent
    ask.service.stack_sets.moved(account, before)


def regions_of(account: str, ask: Asking, name: str = "it") -> list[str]:
    ask.service.stack_sets.run_to_end()
    return [region for owner, region in ask.instances(name) if owner == account]


def test_an_account_that_joins_a_target_gets_its_instances(ask: Asking, world: World) -> None:
    ask.create_set(BODY, AutoDeployment=ON)
    ask.rollout(units=(WORKLOADS,), regions=REGIONS[:2])
    ask.rollout(units=(SANDBOXES,), regions=REGIONS[2:])
    join(ask, world)
    assert regions_of(NEW, ask) == list(REGIONS)
    assert set(ask.statuses().values()) == {"SUCCEEDED"}
    [latest, *_] = ask("ListStackSetOperations", StackSetName="it")["Summaries"]
    assert (latest["Action"], latest["OperationPreferences"]) == ("CREATE", {})


def test_an_account_that_joins_elsewhere_does_not(ask: Asking, world: World) -> None:
    ask.create_set(BODY, AutoDeployment=ON)
    ask.rollout(units=(SANDBOXES,))
    join(ask, world, WORKLOADS)
    assert regions_of(NEW, ask) == []


def test_nobody_joins_a_set_without_automatic_deployment(ask: Asking, world: World) -> None:
    ask.create_set(BODY)
    ask.rollout()
    join(ask, world)
    assert regions_of(NEW, ask) == []


def test_new_accounts_get_the_parameters_of_the_set(ask: Asking, world: World) -> None:
    body = template(
        {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "N"}}}},
        Parameters={"N": {"Type": "String"}},
    )
    ask.create_set(body, Parameters=parameters(N="plain"), AutoDeployment=ON)
    ask.rollout(regions=REGIONS[:1], ParameterOverrides=parameters(N="own"))
    join(ask, world)
    assert regions_of(NEW, ask) == [REGIONS[0]]
    [made] = world.inventory.of_type(NEW, REGIONS[0], "AWS::SQS::Queue")
    assert made.properties["QueueName"] == "plain"


def test_filters_of_earlier_requests_keep_no_new_account_out(ask: Asking, world: World) -> None:
    ask.create_set(BODY, AutoDeployment=ON)
    ask.rollout(targets={"Accounts": [member(0)], "AccountFilterType": "INTERSECTION"})
    join(ask, world)
    assert regions_of(NEW, ask) == list(REGIONS)


def test_the_management_account_never_gets_any(ask: Asking, world: World) -> None:
    ask.create_set(BODY, AutoDeployment=ON)
    ask.rollout()
    move(ask, world, MANAGEMENT, WORKLOADS)
    assert regions_of(MANAGEMENT, ask) == []


def test_an_account_that_leaves_its_target_loses_them(ask: Asking, world: World) -> None:
    ask.create_set(BODY, AutoDeployment=ON)
    ask.rollout(units=(SANDBOXES,))
    move(ask, world, member(1), ROOT)
    assert regions_of(member(1), ask) == []
    assert world.inventory.of_type(member(1), REGIONS[0], "AWS::SQS::Queue") == []


def test_or_keeps_its_stacks(ask: Asking, world: World) -> None:
    ask.create_set(BODY, AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": True})
    ask.rollout(units=(SANDBOXES,))
    move(ask, world, member(1), ROOT)
    assert regions_of(member(1), ask) == []
    assert len(world.inventory.of_type(member(1), REGIONS[0], "AWS::SQS::Queue")) == 1


def test_a_move_within_the_target_changes_nothing(ask: Asking, world: World) -> None:
    ask.create_set(BODY, AutoDeployment=ON)
    ask.rollout(units=(WORKLOADS,))
    before = len(ask("ListStackSetOperations", StackSetName="it")["Summaries"])
    move(ask, world, member(1), WORKLOADS)
    assert regions_of(member(1), ask) == list(REGIONS)
    assert len(ask("ListStackSetOperations", StackSetName="it")["Summaries"]) == before


def test_a_move_between_targets_removes_and_adds(ask: Asking, world: World) -> None:
    world.organization.add_unit("ou-ab12-others000", ROOT, "Others")
    ask.create_set(BODY, AutoDeployment=ON)
    ask.rollout(units=(SANDBOXES, "ou-ab12-others000"), regions=REGIONS[:1])
    [before] = world.inventory.of_type(member(1), REGIONS[0], "AWS::SQS::Queue")
    move(ask, world, member(1), "ou-ab12-others000")
    assert regions_of(member(1), ask) == [REGIONS[0]]
    [after] = world.inventory.of_type(member(1), REGIONS[0], "AWS::SQS::Queue")
    assert after is not before
    instance = ask.instances()[member(1), REGIONS[0]]
    assert instance["OrganizationalUnitId"] == "ou-ab12-others000"
    assert instance["StackInstanceStatus"] == {"DetailedStatus": "SUCCEEDED"}


def test_an_account_that_leaves_the_organization_loses_all(ask: Asking, world: World) -> None:
    ask.create_set(BODY, AutoDeployment=ON)
    ask.rollout()
    del world.organization.accounts[member(0)]
    ask.service.stack_sets.left(member(0))
    assert regions_of(member(0), ask) == []
    assert world.inventory.of_type(member(0), REGIONS[0], "AWS::SQS::Queue") == []


ROLES = template({"R": role("forwarder")})
RULES = template(
    {
        "Letters": queue(),
        "Rule": rule(
            Targets=[
                {
                    "Id": "hub",
                    "Arn": "arn:aws:events:us-east-1:222222222222:event-bus/hub",
                    "RoleArn": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/forwarder"},
                }
            ]
        ),
    }
)


def two_sets(ask: Asking, depends: bool) -> None:
    """Rules that need the roles, made first so that only the dependency can order them."""
    ask.create_set(RULES, "rules", AutoDeployment=ON)
    arn = ask.create_set(ROLES, "roles", AutoDeployment=ON)
    if depends:
        ask.ended(
            ask.begin(
                "UpdateStackSet",
                "rules",
                UsePreviousTemplate=True,
                AutoDeployment={**ON, "DependsOn": [arn]},
            ),
            "rules",
        )
    ask.rollout("roles", regions=REGIONS[:1])
    ask.rollout("rules")


@pytest.mark.parametrize(("depends", "status"), [(True, "SUCCEEDED"), (False, "FAILED")])
def test_dependencies_order_new_accounts(
    ask: Asking, world: World, depends: bool, status: str
) -> None:
    two_sets(ask, depends)
    ask.service.stack_sets.runner.pace = 1
    join(ask, world)
    ask.service.stack_sets.run_to_end()
    statuses = ask.statuses("rules")
    assert statuses[NEW, REGIONS[0]] == status


def test_what_depends_on_a_failure_does_not_begin(ask: Asking, world: World) -> None:
    two_sets(ask, depends=True)
    ask.service.stack_sets.faults.add("denied", account=NEW, stack_set="roles")
    # Nothing tolerates this one, so that its operation fails.
    ask.service.stack_sets.automatic.preferences = Preferences()
    join(ask, world)
    ask.service.stack_sets.run_to_end()
    [latest, *_] = ask("ListStackSetOperations", StackSetName="rules")["Summaries"]
    assert latest["Status"] == "FAILED"
    assert {ask.statuses("rules")[NEW, region] for region in REGIONS} == {"CANCELLED"}


@pytest.mark.parametrize(
    ("automatic", "said"),
    [
        ({"Enabled": False, "RetainStacksOnAccountRemoval": True}, "only if"),
        ({"Enabled": False, "DependsOn": ["arn:x"]}, "only if"),
        ({"Enabled": True, "DependsOn": ["arn:x"]}, "names no stack set"),
        ({"Enabled": True, "DependsOn": ["arn:x"] * 11}, "at most 10"),
    ],
)
def test_settings_that_are_refused(ask: Asking, automatic: dict[str, object], said: str) -> None:
    with pytest.raises(ServiceError, match=said):
        ask.create_set(BODY, AutoDeployment=automatic)


def test_a_service_managed_set_has_to_say_what_it_does(ask: Asking) -> None:
    with pytest.raises(ServiceError, match="AutoDeployment is required"):
        ask(
            "CreateStackSet",
            StackSetName="it",
            TemplateBody=BODY,
            PermissionModel="SERVICE_MANAGED",
        )
