"""Short ways to ask what the tests of CloudFormation ask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from generator.model import Json
from generator.simulation.cloudformation import CloudFormation
from generator.simulation.world import Account, Organization, World
from tests.simulation.shapes import asked

MANAGEMENT = "111111111111"
CENTRAL = "222222222222"
ROOT = "r-ab12"
WORKLOADS = "ou-ab12-workloads1"
SANDBOXES = "ou-ab12-sandboxes1"
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")
EVERYWHERE = {
    "RegionConcurrencyType": "PARALLEL",
    "MaxConcurrentPercentage": 100,
    "FailureTolerancePercentage": 100,
    "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
}
Answer = dict[str, Any]


def member(number: int) -> str:
    """The account id of a member, from 0 on."""
    return f"{900_000_000_000 + number:012d}"


def organization_of(accounts: int, regions: tuple[str, ...] = REGIONS, **more: Any) -> World:
    """So many accounts: the management and central ones, and members in two nested units."""
    organization = Organization("o-a1b2c3d4e5", MANAGEMENT, ROOT)
    organization.add_unit(WORKLOADS, ROOT, "Workloads")
    organization.add_unit(SANDBOXES, WORKLOADS, "Sandboxes")
    organization.add(Account(MANAGEMENT, "management", ROOT))
    organization.add(Account(CENTRAL, "security", WORKLOADS))
    for number in range(accounts - 2):
        parent = WORKLOADS if number % 2 == 0 else SANDBOXES
        organization.add(Account(member(number), f"member-{number}", parent))
    return World(organization, regions, **more)


class Asking:
    """Asks CloudFormation as one account in one Region."""

    def __init__(self, service: CloudFormation, account: str, region: str) -> None:
        self.service = service
        self.account = account
        self.region = region

    def __call__(self, operation: str, **request: Any) -> Answer:
        return asked(
            self.service, "cloudformation", self.account, self.region, operation, **request
        )

    def elsewhere(self, account: str = "", region: str = "") -> Asking:
        """The same as somebody else, or somewhere else."""
        return Asking(self.service, account or self.account, region or self.region)

    # --- Stacks

    def stack(self, name: str = "it") -> Answer:
        """The stack once its operation has ended."""
        while True:
            answer: Answer = self("DescribeStacks", StackName=name)["Stacks"][0]
            if not answer["StackStatus"].endswith("_IN_PROGRESS"):
                return answer

    def create(self, body: str, name: str = "it", **more: Any) -> Answer:
        """Creates a stack and waits for the end."""
        request = {"Capabilities": ["CAPABILITY_NAMED_IAM"], **more}
        identity = self("CreateStack", StackName=name, TemplateBody=body, **request)["StackId"]
        return self.stack(identity)

    def update(self, body: str, name: str = "it", **more: Any) -> Answer:
        """Updates a stack and waits for the end."""
        request = {"Capabilities": ["CAPABILITY_NAMED_IAM"], **more}
        self("UpdateStack", StackName=name, TemplateBody=body, **request)
        return self.stack(name)

    def delete(self, name: str = "it") -> Answer:
        """Deletes a stack and waits for the end."""
        identity = self("DescribeStacks", StackName=name)["Stacks"][0]["StackId"]
        self("DeleteStack", StackName=name)
        return self.stack(identity)

    def reasons(self, name: str = "it") -> dict[str, str]:
        """Why resources failed, by their logical ids."""
        events = self("DescribeStackEvents", StackName=name)["StackEvents"]
        return {
            event["LogicalResourceId"]: event["ResourceStatusReason"]
            for event in events
            if event["ResourceStatus"].endswith("_FAILED")
        }

    # --- StackSets

    def create_set(self, body: str, name: str = "it", **more: Any) -> str:
        """Creates a service-managed StackSet; gives its ARN."""
        request = {
            "PermissionModel": "SERVICE_MANAGED",
            "AutoDeployment": {"Enabled": False},
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            **more,
        }
        self("CreateStackSet", StackSetName=name, TemplateBody=body, **request)
        return str(self("DescribeStackSet", StackSetName=name)["StackSet"]["StackSetARN"])

    def begin(self, operation: str, name: str = "it", **more: Any) -> str:
        """Begins an operation; gives its id."""
        return str(self(operation, StackSetName=name, **more)["OperationId"])

    def rollout(
        self,
        name: str = "it",
        units: tuple[str, ...] = (ROOT,),
        regions: tuple[str, ...] = REGIONS,
        preferences: Mapping[str, Any] = EVERYWHERE,
        **more: Any,
    ) -> Answer:
        """Creates instances in units and waits for the end; gives the operation."""
        targets = {"OrganizationalUnitIds": list(units)}
        operation = self.begin(
            "CreateStackInstances",
            name,
            DeploymentTargets={**targets, **more.pop("targets", {})},
            Regions=list(regions),
            OperationPreferences=dict(preferences),
            **more,
        )
        return self.ended(operation, name)

    def ended(self, operation: str, name: str = "it", **more: Any) -> Answer:
        """The operation once it has ended."""
        while True:
            answer: Answer = self(
                "DescribeStackSetOperation", StackSetName=name, OperationId=operation, **more
            )["StackSetOperation"]
            if answer["Status"] in ("SUCCEEDED", "FAILED", "STOPPED"):
                return answer

    def instances(self, name: str = "it", **more: Any) -> dict[tuple[str, str], Answer]:
        """Every instance by account and Region."""
        found: dict[tuple[str, str], Answer] = {}
        page = self("ListStackInstances", StackSetName=name, **more)
        while True:
            for each in page["Summaries"]:
                found[each["Account"], each["Region"]] = each
            if "NextToken" not in page:
                return found
            page = self(
                "ListStackInstances", StackSetName=name, NextToken=page["NextToken"], **more
            )

    def statuses(self, name: str = "it") -> dict[tuple[str, str], str]:
        """The detailed status of every instance."""
        return {
            key: each["StackInstanceStatus"]["DetailedStatus"]
            for key, each in self.instances(name).items()
        }

    def results(self, operation: str, name: str = "it") -> dict[tuple[str, str], Answer]:
        """The results of an operation by account and Region."""
        found: dict[tuple[str, str], Answer] = {}
        token: dict[str, str] = {}
        while True:
            page = self(
                "ListStackSetOperationResults",
                StackSetName=name,
                OperationId=operation,
                **token,
            )
            for each in page["Summaries"]:
                found[each["Account"], each["Region"]] = each
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}


def parameters(**values: str) -> list[dict[str, str]]:
    """Parameters as requests give them."""
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


# --- Templates


def template(resources: Mapping[str, Json], **sections: Json) -> str:
    """A template of these resources and sections."""
    return json.dumps({"Resources": resources, **sections})


def resource(type_: str, after: str | list[str] = "", **properties: Json) -> dict[str, Json]:
    """A resource of a template, without the AWS:: of its type."""
    made: dict[str, Json] = {"Type": f"AWS::{type_}", "Properties": properties}
    return {**made, "DependsOn": after} if after else made


def queue(name: str = "letters", **properties: Json) -> dict[str, Json]:
    return resource("SQS::Queue", QueueName=name, **properties)


def bus(name: str = "hub") -> dict[str, Json]:
    return resource("Events::EventBus", Name=name)


def rule(name: str = "writes", **properties: Json) -> dict[str, Json]:
    """A rule on the default bus, with some pattern and no target."""
    whole = {"Name": name, "EventPattern": {"source": ["aws.ec2"]}, **properties}
    return resource("Events::Rule", **whole)


def role(name: str = "forwarder", service: str = "events.amazonaws.com", **more: Json) -> Json:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ],
    }
    return resource("IAM::Role", RoleName=name, AssumeRolePolicyDocument=trust, **more)


def policy(*statements: Mapping[str, Json]) -> dict[str, Json]:
    return {"Version": "2012-10-17", "Statement": [dict(each) for each in statements]}
