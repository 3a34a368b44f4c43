"""Figures of StackSets in the simulation: python -m tests.benchmarks.bench_stacksets.

How long it takes to build a rules template in 50 accounts x 17 Regions, and what 5,000 accounts x
17 Regions cost as mere records.
"""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

from moto import mock_aws

from generator.model import Json
from generator.simulation.cloudformation import CloudFormation
from generator.simulation.world import World
from tests.simulation.cloudformation.ask import MANAGEMENT, ROOT, Asking, organization_of

REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1"),
    *("ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
    *("ap-southeast-1", "ap-southeast-2"),
)
EVERYWHERE = {
    "RegionConcurrencyType": "PARALLEL",
    "MaxConcurrentPercentage": 100,
    "FailureTolerancePercentage": 100,
    "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
}


def rules_template(rules: int = 4) -> str:
    """A queue, its policy and some rules with patterns near the limit of their length."""
    account = {"Ref": "AWS::AccountId"}
    source = {"Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/*"}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": ["Letters", "Arn"]},
        "Condition": {"ArnLike": {"aws:SourceArn": source}},
    }
    resources: dict[str, Json] = {
        "Letters": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": "letters", "Tags": [{"Key": "team", "Value": "blue"}]},
        },
        "LettersPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Letters"}],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            },
        },
    }
    for number in range(rules):
        names = [f"Operation{number:02d}{each:03d}" for each in range(90)]
        resources[f"Rule{number}"] = {
            "Type": "AWS::Events::Rule",
            "DependsOn": "LettersPolicy",
            "Properties": {
                "Name": f"forward-{number}",
                "EventPattern": {
                    "account": [account],
                    "source": ["aws.ec2"],
                    "detail": {"eventName": names},
                },
                "Targets": [{"Id": "letters", "Arn": {"Fn::GetAtt": ["Letters", "Arn"]}}],
            },
        }
    return json.dumps({"Resources": resources})


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Prints how long something took, in processor time."""
    begun = time.process_time()
    yield
    print(f"{what:<58} {time.process_time() - begun:8.2f} s CPU")  # noqa: T201


def deployed(world: World, cloudformation: CloudFormation, body: str) -> Asking:
    """A StackSet with an instance in every account and Region."""
    cloudformation.stack_sets.activate()
    ask = Asking(cloudformation, MANAGEMENT, "us-east-1")
    ask(
        "CreateStackSet",
        StackSetName="rules",
        TemplateBody=body,
        PermissionModel="SERVICE_MANAGED",
        AutoDeployment={"Enabled": False},
    )
    operation = ask(
        "CreateStackInstances",
        StackSetName="rules",
        DeploymentTargets={"OrganizationalUnitIds": [ROOT]},
        Regions=list(world.regions),
        OperationPreferences=EVERYWHERE,
    )["OperationId"]
    cloudformation.stack_sets.run_to_end()
    shown = ask("DescribeStackSetOperation", StackSetName="rules", OperationId=operation)
    status = shown["StackSetOperation"]
    assert status["Status"] == "SUCCEEDED", status
    assert status["StatusDetails"]["FailedStackInstancesCount"] == 0, status
    return ask


def built() -> None:
    """50 accounts x 17 Regions with all that is in them."""
    body = rules_template()
    world = organization_of(51, regions=REGIONS)
    with mock_aws(), timed("build 50 accounts x 17 Regions, 6 resources each"):
        deployed(world, CloudFormation(world), body)


def recorded() -> None:
    """5,000 accounts x 17 Regions as records."""
    world = organization_of(5_001, regions=REGIONS)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    ask = deployed(world, CloudFormation(world, materialise=False), rules_template())
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{'85,000 instances as records':<58} {(after - before) / 2**20:8.1f} MB")  # noqa: T201
    print(f"{'  at the highest':<58} {(peak - before) / 2**20:8.1f} MB")  # noqa: T201
    with timed("list 85,000 instances, page by page"):
        page, count = ask("ListStackInstances", StackSetName="rules"), 0
        while True:
            count += len(page["Summaries"])
            if "NextToken" not in page:
                break
            page = ask("ListStackInstances", StackSetName="rules", NextToken=page["NextToken"])
    assert count == 85_000, count
    world = organization_of(5_001, regions=REGIONS)
    with timed("an operation over 85,000 instances as records"):
        deployed(world, CloudFormation(world, materialise=False), rules_template())


if __name__ == "__main__":
    built()
    recorded()
    sys.exit(0)
