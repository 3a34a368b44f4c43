"""The templates that are rendered with the built-in configuration, really deployed."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from generator import config, names, render
from generator.simulation.cloudformation import CloudFormation
from generator.simulation.cloudformation.template import template as understood
from generator.simulation.world import World

from .ask import CENTRAL, REGIONS, ROOT, Asking, parameters


@cache
def files() -> dict[str, str]:
    return render.render(config.load().shape)


def central(ask: Asking) -> Asking:
    return ask.elsewhere(account=CENTRAL)


@pytest.fixture
def bus(ask: Asking) -> str:
    """The ARN of the central bus, once the central stack is there."""
    from moto.s3.models import s3_backends

    s3 = s3_backends[CENTRAL]["aws"]
    s3.create_bucket("templates", REGIONS[0])
    s3.put_object("templates", "central.yaml", files()[names.CENTRAL].encode())
    central(ask)(
        "CreateStack",
        StackName="trailbus",
        TemplateURL="https://templates.s3.amazonaws.com/central.yaml",
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=parameters(OrganizationId="o-a1b2c3d4e5"),
    )
    stack = central(ask).stack("trailbus")
    assert stack["StackStatus"] == "CREATE_COMPLETE", central(ask).reasons("trailbus")
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    return str(outputs["BusArn"])


def rollout(ask: Asking, file: str, bus: str, regions: tuple[str, ...]) -> dict[str, Any]:
    body = files()[file]
    offered = {"CentralBusArn": bus, "CentralAccountId": CENTRAL}
    given = {k: v for k, v in offered.items() if k in understood(body).parameters}
    name = file.removesuffix(".yaml")
    ask.create_set(body, name, Parameters=parameters(**given))
    return ask.rollout(name, (ROOT,), regions)


@pytest.mark.parametrize("held", [True, False])
def test_the_central_stack_is_made_and_goes_but_for_a_bus_that_its_archive_holds(
    ask: Asking, world: World, bus: str, held: bool
) -> None:
    world.archive_holds_bus = held
    assert bus == f"arn:aws:events:us-east-1:{CENTRAL}:event-bus/trailbus"
    status = central(ask).delete("trailbus")["StackStatus"]
    assert status == ("DELETE_FAILED" if held else "DELETE_COMPLETE")
    if held:
        assert names.BUS in central(ask).reasons("trailbus")


def test_the_members_get_their_roles_and_rules(ask: Asking, world: World, bus: str) -> None:
    roles = rollout(ask, names.MEMBER_ROLES, bus, REGIONS[:1])
    assert roles["StatusDetails"] == {"FailedStackInstancesCount": 0}
    rules = rollout(ask, names.MEMBER_RULES, bus, REGIONS)
    assert rules["StatusDetails"] == {"FailedStackInstancesCount": 0}
    for region in REGIONS[1:]:
        for rule in world.inventory.of_type(CENTRAL, region, "AWS::Events::Rule"):
            assert rule.properties["EventPattern"]["account"] == [CENTRAL]
            assert rule.properties["Targets"][0]["Arn"] == bus


def test_rules_without_their_roles_are_refused(ask: Asking, bus: str) -> None:
    rules = rollout(ask, names.MEMBER_RULES, bus, REGIONS[1:2])
    assert rules["StatusDetails"] == {"FailedStackInstancesCount": 4}
    reasons = {each["StatusReason"] for each in ask.instances("member-rules").values()}
    assert all("cannot be assumed by principal 'events.amazonaws.com'" in r for r in reasons)


def test_a_second_deployment_changes_nothing(
    ask: Asking, cloudformation: CloudFormation, bus: str
) -> None:
    asking = central(ask)
    url = "https://templates.s3.amazonaws.com/central.yaml"
    asking(
        "CreateChangeSet",
        StackName="trailbus",
        ChangeSetName="again",
        TemplateURL=url,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=parameters(OrganizationId="o-a1b2c3d4e5"),
    )
    for _ in range(3):
        shown = asking("DescribeChangeSet", StackName="trailbus", ChangeSetName="again")
    assert shown["Status"] == "FAILED"
    assert shown["Changes"] == []
