"""StackSets: who gets instances, and what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest
from moto.sqs.models import sqs_backends

from generator.model import Json
from generator.simulation.cloudformation.stack_sets.faults import SCP_DENY
from generator.simulation.world import ServiceError, World

from ..ask import (
    CENTRAL,
    MANAGEMENT,
    REGIONS,
    ROOT,
    SANDBOXES,
    Asking,
    member,
    parameters,
    queue,
    role,
    rule,
    template,
)

BODY = template({"Letters": queue()})
FIRST = REGIONS[:1]
MEMBERS = (CENTRAL, member(0), member(1), member(2))


def queues(account: str, region: str = REGIONS[0]) -> set[str]:
    return set(sqs_backends[account][region].queues)


# --- What instances are


def test_every_instance_is_a_stack_with_resources_of_its_own(ask: Asking, world: World) -> None:
    ask.create_set(
        template({"Rule": rule(EventPattern={"account": [{"Ref": "AWS::AccountId"}]})}),
        Tags=[{"Key": "team", "Value": "blue"}],
    )
    ask.rollout()
    rules = [r for r in world.inventory.everywhere() if r.type == "AWS::Events::Rule"]
    assert {(r.account, r.region) for r in rules} == {(a, r) for a in MEMBERS for r in REGIONS}
    assert all(r.properties["EventPattern"]["account"] == [r.account] for r in rules)
    assert all(r.properties["Tags"] == [{"Key": "team", "Value": "blue"}] for r in rules)
    [stack] = ask.elsewhere(account=member(0))("DescribeStacks")["Stacks"]
    instance = ask(
        "DescribeStackInstance",
        StackSetName="it",
        StackInstanceAccount=member(0),
        StackInstanceRegion=REGIONS[0],
    )["StackInstance"]
    assert stack["StackId"] == instance["StackId"]
    assert stack["StackName"].startswith("StackSet-it-")
    assert instance["Status"] == "CURRENT"
    assert instance["OrganizationalUnitId"] == ROOT


def test_a_named_role_in_two_regions_fails_in_the_second(ask: Asking) -> None:
    ask.create_set(template({"R": role()}))
    operation = ask.rollout(regions=REGIONS[:2], units=(SANDBOXES,))
    assert operation["Status"] == "SUCCEEDED"
    assert operation["StatusDetails"] == {"FailedStackInstancesCount": 1}
    failed = ask.instances()[member(1), REGIONS[1]]
    assert failed["Status"] == "OUTDATED"
    assert failed["StackInstanceStatus"] == {"DetailedStatus": "FAILED"}
    assert failed["StatusReason"].startswith(
        "ResourceLogicalId:R, ResourceType:AWS::IAM::Role, ResourceStatusReason:"
    )
    assert "already exists" in failed["StatusReason"]


def test_creating_again_makes_only_what_failed(ask: Asking) -> None:
    ask.create_set(BODY)
    faults = ask.service.stack_sets.faults
    faults.add(SCP_DENY, account=member(1), region=REGIONS[1], times=1)
    assert ask.rollout()["StatusDetails"] == {"FailedStackInstancesCount": 1}
    assert "service control policy" in ask.instances()[member(1), REGIONS[1]]["StatusReason"]
    before = {key: each["StackId"] for key, each in ask.instances().items() if "StackId" in each}
    assert ask.rollout()["StatusDetails"] == {"FailedStackInstancesCount": 0}
    after = {key: each["StackId"] for key, each in ask.instances().items()}
    assert set(after) - set(before) == {(member(1), REGIONS[1])}
    assert {key: after[key] for key in before} == before
    assert set(ask.statuses().values()) == {"SUCCEEDED"}


def test_an_instance_that_failed_to_be_made_is_made_anew(ask: Asking) -> None:
    [account] = [member(1)]
    sqs_backends[account][REGIONS[0]].create_queue("letters")
    ask.create_set(BODY)
    ask.rollout(units=(SANDBOXES,), regions=FIRST)
    assert ask.statuses() == {(account, REGIONS[0]): "FAILED"}
    sqs_backends[account][REGIONS[0]].delete_queue("letters")
    ask.rollout(units=(SANDBOXES,), regions=FIRST)
    assert ask.statuses() == {(account, REGIONS[0]): "SUCCEEDED"}
    there = ask.elsewhere(account=account)("DescribeStacks")["Stacks"]
    assert [stack["StackStatus"] for stack in there] == ["CREATE_COMPLETE"]


def test_what_a_failed_instance_retained_stands_in_its_own_way(ask: Asking) -> None:
    letters = {**queue(), "DeletionPolicy": "Retain"}
    broken = {**rule(EventBusName="nowhere"), "DependsOn": "Letters"}
    ask.create_set(template({"Letters": letters, "Rule": broken}))
    ask.rollout(units=(SANDBOXES,), regions=FIRST)
    ask.ended(ask.begin("UpdateStackSet", TemplateBody=template({"Letters": letters})))
    reason = ask.instances()[member(1), REGIONS[0]]["StatusReason"]
    assert "already exists" in reason


def test_suspended_accounts_are_skipped(ask: Asking, world: World) -> None:
    world.organization.accounts[member(2)].suspended = True
    ask.create_set(BODY)
    operation = ask.rollout(regions=FIRST)
    assert operation["StatusDetails"] == {"FailedStackInstancesCount": 0}
    assert ask.statuses()[member(2), REGIONS[0]] == "SKIPPED_SUSPENDED_ACCOUNT"
    assert queues(member(2)) == set()


@pytest.mark.parametrize("lacking", [member(0), MANAGEMENT], ids=["member", "management account"])
def test_an_opt_in_region_must_be_enabled_in_both_accounts(
    ask: Asking, world: World, lacking: str
) -> None:
    world.opt_in_regions = frozenset({REGIONS[2]})
    for account in world.organization.accounts.values():
        if account.id != lacking:
            account.opted_in.add(REGIONS[2])
    ask.create_set(BODY)
    operation = ask.rollout(regions=REGIONS[1:])
    failed = {
        key
        for key, each in ask.results(operation["OperationId"]).items()
        if each["Status"] == "FAILED"
    }
    affected = {lacking} if lacking != MANAGEMENT else set(MEMBERS)
    assert failed == {(account, REGIONS[2]) for account in affected}
    assert lacking in ask.instances()[member(0), REGIONS[2]]["StatusReason"]


def test_overrides_hold_for_their_instances(ask: Asking) -> None:
    body = template(
        {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "N"}}}},
        Parameters={"N": {"Type": "String"}},
    )
    ask.create_set(body, Parameters=parameters(N="plain"))
    ask.rollout(units=(SANDBOXES,), regions=REGIONS[:2], ParameterOverrides=parameters(N="own"))
    ask.rollout(units=(ROOT,), regions=FIRST)
    assert queues(member(0)) == {"plain"}
    assert queues(member(1)) == {"own"}
    shown = ask(
        "DescribeStackInstance",
        StackSetName="it",
        StackInstanceAccount=member(1),
        StackInstanceRegion=REGIONS[0],
    )["StackInstance"]
    assert shown["ParameterOverrides"] == parameters(N="own")
    # An update of the StackSet leaves overrides alone.
    ask.ended(
        ask.begin("UpdateStackSet", UsePreviousTemplate=True, Parameters=parameters(N="newer"))
    )
    assert queues(member(0)) == {"newer"}
    assert queues(member(1)) == {"own"}
    # An empty list of overrides takes them back.
    targets = {"OrganizationalUnitIds": [SANDBOXES]}
    ask.ended(
        ask.begin(
            "UpdateStackInstances",
            DeploymentTargets=targets,
            Regions=list(FIRST),
            ParameterOverrides=[],
        )
    )
    assert queues(member(1)) == {"newer"}
    assert queues(member(1), REGIONS[1]) == {"own"}


# --- Updates


def test_an_update_really_reaches_every_instance(ask: Asking, world: World) -> None:
    ask.create_set(template({"Rule": rule()}))
    ask.rollout()
    operation = ask.begin(
        "UpdateStackSet",
        TemplateBody=template({"Rule": rule(State="DISABLED"), "Letters": queue()}),
        OperationPreferences={"RegionConcurrencyType": "PARALLEL"},
    )
    assert {each["Status"] for each in ask.instances().values()} == {"OUTDATED"}
    assert ask.ended(operation)["Action"] == "UPDATE"
    rules = [r for r in world.inventory.everywhere() if r.type == "AWS::Events::Rule"]
    assert {r.properties["State"] for r in rules} == {"DISABLED"}
    assert {each["Status"] for each in ask.instances().values()} == {"CURRENT"}


def test_an_update_of_some_leaves_the_others_outdated(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.rollout(regions=REGIONS[:2])
    ask.ended(
        ask.begin(
            "UpdateStackSet",
            TemplateBody=template({"Letters": queue(DelaySeconds=1)}),
            DeploymentTargets={"OrganizationalUnitIds": [SANDBOXES]},
            Regions=list(FIRST),
        )
    )
    current = {key for key, each in ask.instances().items() if each["Status"] == "CURRENT"}
    assert current == {(member(1), REGIONS[0])}
    assert ask.statuses()[member(0), REGIONS[0]] == "PENDING"


def test_a_failed_update_leaves_the_old_resources(ask: Asking, world: World) -> None:
    ask.create_set(template({"Rule": rule()}))
    ask.rollout(units=(SANDBOXES,), regions=FIRST)
    broken = template(
        {"Rule": rule(State="DISABLED"), "B": {**rule("b", EventBusName="no"), "DependsOn": "Rule"}}
    )
    operation = ask.ended(ask.begin("UpdateStackSet", TemplateBody=broken))
    assert operation["Status"] == "FAILED"
    [made] = [r for r in world.inventory.everywhere() if r.type == "AWS::Events::Rule"]
    assert "State" not in made.properties
    assert ask.instances()[member(1), REGIONS[0]]["Status"] == "OUTDATED"
    # The StackSet has its new template all the same.
    assert ask("DescribeStackSet", StackSetName="it")["StackSet"]["TemplateBody"] == broken


def test_a_new_template_needs_its_parameters_and_capabilities(ask: Asking) -> None:
    ask.create_set(BODY)
    with pytest.raises(ServiceError, match="must have values"):
        ask.begin(
            "UpdateStackSet",
            TemplateBody=template({"Letters": queue()}, Parameters={"P": {"Type": "String"}}),
        )
    with pytest.raises(ServiceError, match="CAPABILITY_NAMED_IAM"):
        ask.begin("UpdateStackSet", TemplateBody=template({"R": role()}))
    with pytest.raises(ServiceError, match="CAPABILITY_NAMED_IAM"):
        ask.create_set(template({"R": role()}), "other", Capabilities=[])


# --- Deletion


def test_instances_are_deleted_by_unit_with_their_stacks(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.rollout(regions=REGIONS[:2])
    targets = {"OrganizationalUnitIds": [SANDBOXES]}
    request: dict[str, Any] = {
        "DeploymentTargets": targets,
        "Regions": list(FIRST),
        "RetainStacks": False,
    }
    ask.ended(ask.begin("DeleteStackInstances", **request))
    assert queues(member(1)) == set()
    assert queues(member(1), REGIONS[1]) == {"letters"}
    assert (member(1), REGIONS[0]) not in ask.instances()
    assert len(ask.instances()) == 7


def test_stacks_can_be_retained(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.rollout(regions=FIRST)
    request: dict[str, Any] = {
        "DeploymentTargets": {"OrganizationalUnitIds": [ROOT]},
        "Regions": list(FIRST),
    }
    ask.ended(ask.begin("DeleteStackInstances", **request, RetainStacks=True))
    assert ask.instances() == {}
    assert queues(member(0)) == {"letters"}
    assert len(ask.elsewhere(account=member(0))("DescribeStacks")["Stacks"]) == 1


def test_an_instance_that_cannot_be_deleted_is_inoperable(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.rollout(units=(SANDBOXES,), regions=FIRST)
    [stack] = ask.elsewhere(account=member(1))("DescribeStacks")["Stacks"]
    ask.elsewhere(account=member(1))(
        "UpdateTerminationProtection", StackName=stack["StackId"], EnableTerminationProtection=True
    )
    request: dict[str, Any] = {
        "DeploymentTargets": {"OrganizationalUnitIds": [ROOT]},
        "Regions": list(FIRST),
    }
    operation = ask.ended(ask.begin("DeleteStackInstances", **request, RetainStacks=False))
    assert operation["Status"] == "FAILED"
    assert operation["StatusDetails"] == {"FailedStackInstancesCount": 1}
    instance = ask.instances()[member(1), REGIONS[0]]
    assert instance["Status"] == "INOPERABLE"
    assert instance["StackInstanceStatus"] == {"DetailedStatus": "INOPERABLE"}
    # Updates leave it out.
    update = ask.begin("UpdateStackSet", TemplateBody=template({"Letters": queue("x")}))
    ask.ended(update)
    assert ask.results(update) == {}
    ask.ended(ask.begin("DeleteStackInstances", **request, RetainStacks=True))
    assert ask.instances() == {}


def test_a_set_is_deleted_when_it_is_empty(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.rollout(units=(SANDBOXES,), regions=FIRST)
    with pytest.raises(ServiceError) as caught:
        ask("DeleteStackSet", StackSetName="it")
    assert caught.value.code == "StackSetNotEmptyException"
    request: dict[str, Any] = {
        "DeploymentTargets": {"OrganizationalUnitIds": [SANDBOXES]},
        "Regions": list(FIRST),
    }
    ask.ended(ask.begin("DeleteStackInstances", **request, RetainStacks=False))
    ask("DeleteStackSet", StackSetName="it")
    with pytest.raises(ServiceError) as caught:
        ask("DescribeStackSet", StackSetName="it")
    assert caught.value.code == "StackSetNotFoundException"
    assert ask("ListStackSets", Status="ACTIVE")["Summaries"] == []
    assert ask("ListStackSets", Status="DELETED")["Summaries"][0]["StackSetName"] == "it"
    # Its name is free again.
    ask.create_set(BODY)


def test_a_name_is_taken_once(ask: Asking) -> None:
    ask.create_set(BODY)
    with pytest.raises(ServiceError) as caught:
        ask.create_set(BODY)
    assert caught.value.code == "NameAlreadyExistsException"


def test_a_repeated_request_is_one_request(ask: Asking) -> None:
    request: dict[str, Json] = {
        "StackSetName": "it",
        "TemplateBody": BODY,
        "ClientRequestToken": "once",
    }
    assert ask("CreateStackSet", **request) == ask("CreateStackSet", **request)
