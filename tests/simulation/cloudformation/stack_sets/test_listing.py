"""What is told about StackSets and their instances, and how it is found."""

from __future__ import annotations

from typing import Any

import pytest

from generator.simulation.world import Account, ServiceError, World

from ..ask import (
    MANAGEMENT,
    REGIONS,
    ROOT,
    SANDBOXES,
    Asking,
    member,
    queue,
    template,
)

BODY = template({"Letters": queue()})
FIRST = REGIONS[:1]


def test_instances_are_filtered(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.service.stack_sets.faults.add("no", account=member(0), region=REGIONS[0])
    operation = ask.rollout()["OperationId"]
    one = {(member(0), REGIONS[0])}

    def found(**request: Any) -> set[tuple[str, str]]:
        return set(ask.instances(**request))

    assert found(Filters=[{"Name": "DETAILED_STATUS", "Values": "FAILED"}]) == one
    assert len(found(Filters=[{"Name": "DETAILED_STATUS", "Values": "SUCCEEDED"}])) == 11
    assert len(found(Filters=[{"Name": "LAST_OPERATION_ID", "Values": operation}])) == 12
    assert found(Filters=[{"Name": "LAST_OPERATION_ID", "Values": "other"}]) == set()
    assert found(Filters=[{"Name": "DRIFT_STATUS", "Values": "DRIFTED"}]) == set()
    assert found(StackInstanceAccount=member(0), StackInstanceRegion=REGIONS[0]) == one
    assert len(found(StackInstanceRegion=REGIONS[0])) == 4
    failed = ask(
        "ListStackSetOperationResults",
        StackSetName="it",
        OperationId=operation,
        Filters=[{"Name": "OPERATION_RESULT_STATUS", "Values": "FAILED"}],
    )
    assert [each["StatusReason"] for each in failed["Summaries"]] == ["no"]


def test_instances_come_in_pages(ask: Asking, world: World) -> None:
    for number in range(100, 160):
        world.organization.add(Account(member(number), "m", ROOT))
    ask.create_set(BODY)
    ask.rollout()
    pages: list[int] = []
    token: dict[str, str] = {}
    while True:
        page = ask("ListStackInstances", StackSetName="it", MaxResults=50, **token)
        pages.append(len(page["Summaries"]))
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert pages == [50, 50, 50, 42]
    assert len(ask.instances()) == 192


def test_a_set_tells_what_it_is(ask: Asking) -> None:
    arn = ask.create_set(
        BODY,
        Description="What it is.",
        Tags=[{"Key": "a", "Value": "b"}],
        AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": True},
        ManagedExecution={"Active": True},
    )
    ask.rollout(units=(SANDBOXES,), regions=REGIONS[:2])
    shown = ask("DescribeStackSet", StackSetName=arn)["StackSet"]
    assert shown["PermissionModel"] == "SERVICE_MANAGED"
    assert shown["OrganizationalUnitIds"] == [SANDBOXES]
    assert shown["Regions"] == list(REGIONS[:2])
    assert shown["AutoDeployment"] == {"Enabled": True, "RetainStacksOnAccountRemoval": True}
    assert shown["ManagedExecution"] == {"Active": True}
    assert arn.endswith(f":{MANAGEMENT}:stackset/{shown['StackSetId']}")
    targets = ask("ListStackSetAutoDeploymentTargets", StackSetName="it")["Summaries"]
    assert targets == [{"OrganizationalUnitId": SANDBOXES, "Regions": list(REGIONS[:2])}]
    summary = ask("GetTemplateSummary", StackSetName="it")
    assert summary["ResourceTypes"] == ["AWS::SQS::Queue"]


def test_a_set_lives_in_its_region(ask: Asking) -> None:
    ask.create_set(BODY)
    with pytest.raises(ServiceError) as caught:
        ask.elsewhere(region=REGIONS[1])("DescribeStackSet", StackSetName="it")
    assert caught.value.code == "StackSetNotFoundException"
