"""The service behind boto3: what clients, paginators and waiters make of its answers."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from generator.simulation.cloudformation import CloudFormation
from generator.simulation.edge import Edge, Identity

from .ask import EVERYWHERE, MANAGEMENT, REGIONS, ROOT, queue, template

BODY = template({"Letters": queue()})


@pytest.fixture
def client(cloudformation: CloudFormation) -> Any:
    arn = f"arn:aws:iam::{MANAGEMENT}:role/Administrator"
    edge = Edge({"cloudformation": cloudformation})
    return edge.session(Identity(MANAGEMENT, arn), REGIONS[0]).client("cloudformation")


def test_a_waiter_sees_a_stack_through(client: Any) -> None:
    client.create_stack(StackName="it", TemplateBody=BODY)
    client.get_waiter("stack_create_complete").wait(StackName="it", WaiterConfig={"Delay": 0})
    stack = client.describe_stacks(StackName="it")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["CreationTime"].tzinfo is not None


def test_errors_are_boto3s_own(client: Any) -> None:
    with pytest.raises(ClientError, match="Stack with id it does not exist") as caught:
        client.describe_stacks(StackName="it")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(client.exceptions.StackSetNotFoundException):
        client.describe_stack_set(StackSetName="it")
    with pytest.raises(client.exceptions.StackSetNotFoundException):
        client.create_stack_instances(StackSetName="it", Accounts=["1" * 12], Regions=["x"])


def test_change_sets_that_are_not_there_are_told_apart(client: Any) -> None:
    client.create_stack(StackName="it", TemplateBody=BODY)
    with pytest.raises(client.exceptions.ChangeSetNotFoundException):
        client.describe_change_set(StackName="it", ChangeSetName="none")


def test_templates_come_back_as_boto3_gives_them(client: Any) -> None:
    client.create_stack(StackName="it", TemplateBody=BODY)
    body = client.get_template(StackName="it")["TemplateBody"]
    assert body["Resources"]["Letters"]["Type"] == "AWS::SQS::Queue"


def test_paginators_go_through_all_instances(client: Any) -> None:
    client.create_stack_set(
        StackSetName="it",
        TemplateBody=BODY,
        PermissionModel="SERVICE_MANAGED",
        AutoDeployment={"Enabled": False},
    )
    operation = client.create_stack_instances(
        StackSetName="it",
        DeploymentTargets={"OrganizationalUnitIds": [ROOT]},
        Regions=list(REGIONS),
        OperationPreferences=EVERYWHERE,
    )["OperationId"]
    pages = client.get_paginator("list_stack_instances").paginate(
        StackSetName="it", PaginationConfig={"PageSize": 5}
    )
    assert [len(page["Summaries"]) for page in pages] == [5, 5, 2]
    results = client.get_paginator("list_stack_set_operation_results")
    shown = results.paginate(StackSetName="it", OperationId=operation).build_full_result()
    assert {each["Status"] for each in shown["Summaries"]} == {"SUCCEEDED"}


IMPORTS = """
import sys
import generator.simulation.cloudformation
loaded = {name.split(".")[1] for name in sys.modules if name.startswith("moto.")}
print(sorted(loaded & {"cloudformation", "sqs", "sns", "iam", "s3", "dynamodb", "ssm"}))
"""


def test_importing_it_brings_no_service_of_moto() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
