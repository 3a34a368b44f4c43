"""Who may administer StackSets of the organization."""

from __future__ import annotations

import pytest

from generator.simulation.cloudformation import CloudFormation
from generator.simulation.cloudformation.stack_sets.administration import MEMBER_SERVICE
from generator.simulation.world import ServiceError, World

from ..ask import CENTRAL, MANAGEMENT, REGIONS, ROOT, Asking, member, queue, template

BODY = template({"Letters": queue()})
DELEGATED = {"CallAs": "DELEGATED_ADMIN"}


def test_without_trusted_access_there_is_no_service_managed_set(world: World) -> None:
    ask = Asking(CloudFormation(world), MANAGEMENT, REGIONS[0])
    assert ask("DescribeOrganizationsAccess") == {"Status": "DISABLED"}
    with pytest.raises(ServiceError, match="You must enable organizations access"):
        ask.create_set(BODY)
    ask("ActivateOrganizationsAccess")
    assert ask("DescribeOrganizationsAccess") == {"Status": "ENABLED"}
    assert MEMBER_SERVICE in world.organization.trusted
    ask.create_set(BODY)
    ask("DeactivateOrganizationsAccess")
    with pytest.raises(ServiceError, match="You must enable organizations access"):
        ask.rollout()


def test_organizations_alone_does_not_activate_it(world: World) -> None:
    ask = Asking(CloudFormation(world), MANAGEMENT, REGIONS[0])
    world.organization.trusted.add(MEMBER_SERVICE)
    assert ask("DescribeOrganizationsAccess") == {"Status": "DISABLED"}


def test_only_the_management_account_activates_it(world: World) -> None:
    ask = Asking(CloudFormation(world), CENTRAL, REGIONS[0])
    with pytest.raises(ServiceError) as caught:
        ask("ActivateOrganizationsAccess")
    assert caught.value.code == "InvalidOperationException"


def test_a_member_has_no_service_managed_sets(ask: Asking) -> None:
    with pytest.raises(ServiceError, match="Only the organization's management account"):
        ask.elsewhere(account=CENTRAL).create_set(BODY)


def test_a_delegated_administrator_works_in_the_management_account(
    ask: Asking, world: World
) -> None:
    central = ask.elsewhere(account=CENTRAL)
    with pytest.raises(ServiceError, match="not a delegated administrator"):
        central("ListStackSets", **DELEGATED)
    world.organization.delegates[MEMBER_SERVICE] = {CENTRAL}
    central(
        "CreateStackSet",
        StackSetName="it",
        TemplateBody=BODY,
        **DELEGATED,
        PermissionModel="SERVICE_MANAGED",
        AutoDeployment={"Enabled": False},
    )
    shown = ask("DescribeStackSet", StackSetName="it")["StackSet"]
    assert f":{MANAGEMENT}:stackset/" in shown["StackSetARN"]
    operation = central.begin(
        "CreateStackInstances",
        DeploymentTargets={"OrganizationalUnitIds": [ROOT]},
        Regions=list(REGIONS),
        **DELEGATED,
    )
    assert central.ended(operation, **DELEGATED)["Status"] == "SUCCEEDED"
    # Its own account is a member like others; the management account is not reached.
    accounts = {account for account, _ in ask.instances()}
    assert accounts == {CENTRAL, member(0), member(1), member(2)}


def test_without_call_as_a_delegated_administrator_finds_nothing(ask: Asking, world: World) -> None:
    world.organization.delegates[MEMBER_SERVICE] = {CENTRAL}
    ask.create_set(BODY)
    central = ask.elsewhere(account=CENTRAL)
    with pytest.raises(ServiceError) as caught:
        central("DescribeStackSet", StackSetName="it")
    assert caught.value.code == "StackSetNotFoundException"
    assert central("DescribeStackSet", StackSetName="it", **DELEGATED)


def test_a_delegated_administrator_sees_service_managed_sets_alone(
    ask: Asking, world: World
) -> None:
    world.organization.delegates[MEMBER_SERVICE] = {CENTRAL}
    ask("CreateStackSet", StackSetName="own", TemplateBody=BODY)
    ask.create_set(BODY)
    seen = ask.elsewhere(account=CENTRAL)("ListStackSets", **DELEGATED)["Summaries"]
    assert [one["StackSetName"] for one in seen] == ["it"]


def test_the_management_account_is_no_delegated_administrator(ask: Asking) -> None:
    with pytest.raises(ServiceError, match="not a delegated administrator"):
        ask("ListStackSets", **DELEGATED)
