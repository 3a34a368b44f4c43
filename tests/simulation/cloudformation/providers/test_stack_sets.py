"""AWS::CloudFormation: StackSets as resources of a stack."""

from __future__ import annotations

from generator.model import Json
from generator.simulation.cloudformation import CloudFormation

from ..ask import REGIONS, Asking, queue, resource, template

R = REGIONS[0]


def stack_set(**more: Json) -> dict[str, Json]:
    return resource(
        "CloudFormation::StackSet",
        StackSetName="rules",
        PermissionModel="SERVICE_MANAGED",
        AutoDeployment={"Enabled": "true", "RetainStacksOnAccountRemoval": "false"},
        Capabilities=["CAPABILITY_NAMED_IAM"],
        OperationPreferences={
            "FailureTolerancePercentage": 100,
            "MaxConcurrentPercentage": 100,
            "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
            "RegionConcurrencyType": "PARALLEL",
        },
        **more,
    )


def group(*regions: str) -> list[Json]:
    targets = {"OrganizationalUnitIds": ["r-ab12"]}
    return [{"DeploymentTargets": targets, "Regions": list(regions)}]


def test_a_stack_rolls_out_a_stack_set(ask: Asking, cloudformation: CloudFormation) -> None:
    inner = template({"Q": queue({"Ref": "N"})}, Parameters={"N": {"Type": "String"}})  # type: ignore[arg-type]
    given = [{"ParameterKey": "N", "ParameterValue": "one"}]
    body = template(
        {"S": stack_set(TemplateBody=inner, Parameters=given, StackInstancesGroup=group(R))}
    )
    assert ask.create(body)["StackStatus"] == "CREATE_COMPLETE", ask.reasons()
    assert len(ask.instances("rules")) == 4
    # Another Region and another value: an update of the stack.
    given[0]["ParameterValue"] = "two"
    body = template(
        {"S": stack_set(TemplateBody=inner, Parameters=given, StackInstancesGroup=group(*REGIONS))}
    )
    assert ask.update(body)["StackStatus"] == "UPDATE_COMPLETE", ask.reasons()
    assert len(ask.instances("rules")) == 12
    assert {each["Status"] for each in ask.instances("rules").values()} == {"CURRENT"}
    assert ask.delete()["StackStatus"] == "DELETE_COMPLETE", ask.reasons()
    assert ask("ListStackSets", Status="ACTIVE")["Summaries"] == []


def test_one_bad_cell_fails_no_stack(ask: Asking, cloudformation: CloudFormation) -> None:
    cloudformation.stack_sets.faults.add("denied", region=REGIONS[1])
    body = template(
        {"S": stack_set(TemplateBody=template({"Q": queue()}), StackInstancesGroup=group(*REGIONS))}
    )
    assert ask.create(body)["StackStatus"] == "CREATE_COMPLETE"
    failed = [each for each in ask.instances("rules").values() if each["Status"] == "OUTDATED"]
    assert len(failed) == 4


def test_beyond_its_tolerance_it_does(ask: Asking, cloudformation: CloudFormation) -> None:
    cloudformation.stack_sets.faults.add("denied", region=REGIONS[1], times=1)
    made = stack_set(TemplateBody=template({"Q": queue()}), StackInstancesGroup=group(*REGIONS))
    made["Properties"]["OperationPreferences"] = {"RegionConcurrencyType": "PARALLEL"}
    stack = ask.create(template({"S": made}))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "was unexpectedly stopped or failed" in ask.reasons()["S"]
    assert "denied" in ask.reasons()["S"]
    assert ask("ListStackSets", Status="ACTIVE")["Summaries"] == []
