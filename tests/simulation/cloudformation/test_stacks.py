"""Stacks: how they come about, change, fail and go."""

from __future__ import annotations

from typing import Any

import pytest
from moto.sqs.models import sqs_backends

from generator.model import Json
from generator.simulation.cloudformation import CloudFormation
from generator.simulation.world import ServiceError, World

from .ask import (
    MANAGEMENT,
    REGIONS,
    Asking,
    bus,
    parameters,
    queue,
    resource,
    role,
    rule,
    template,
)

BROKEN = rule("broken", EventBusName="nowhere")
TWO = template({"Letters": queue(), "Rule": rule(), "Last": {**queue("last"), "DependsOn": "Rule"}})


def queues(region: str = REGIONS[0], account: str = MANAGEMENT) -> set[str]:
    return set(sqs_backends[account][region].queues)


def kept(**properties: Json) -> dict[str, Json]:
    return {**queue(**properties), "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


# --- Creation


def test_an_operation_is_in_progress_when_the_call_returns(ask: Asking) -> None:
    ask("CreateStack", StackName="it", TemplateBody=TWO)
    seen: list[str] = []
    while not seen or seen[-1] == "CREATE_IN_PROGRESS":
        seen.append(ask("DescribeStacks", StackName="it")["Stacks"][0]["StackStatus"])
    # Two waves: the queue with the rule, then what depends on the rule.
    assert seen == ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


def test_nothing_moves_unless_somebody_looks(ask: Asking, world: World) -> None:
    ask("CreateStack", StackName="it", TemplateBody=TWO)
    assert list(world.inventory.everywhere()) == []
    ask("DescribeStackEvents", StackName="it")
    assert {made.logical_id for made in world.inventory.everywhere()} == {"Letters", "Rule"}


def test_events_tell_the_story_from_its_end(ask: Asking) -> None:
    ask.create(TWO)
    events = ask("DescribeStackEvents", StackName="it")["StackEvents"]
    told = [(event["LogicalResourceId"], event["ResourceStatus"]) for event in events[::-1]]
    assert told == [
        ("it", "CREATE_IN_PROGRESS"),
        ("Letters", "CREATE_IN_PROGRESS"),
        ("Rule", "CREATE_IN_PROGRESS"),
        ("Letters", "CREATE_COMPLETE"),
        ("Rule", "CREATE_COMPLETE"),
        ("Last", "CREATE_IN_PROGRESS"),
        ("Last", "CREATE_COMPLETE"),
        ("it", "CREATE_COMPLETE"),
    ]


def test_outputs_and_parameters_are_described(ask: Asking) -> None:
    body = template(
        {"Bus": bus()},
        Parameters={"P": {"Type": "String"}, "S": {"Type": "String", "NoEcho": True}},
        Outputs={
            "Arn": {"Value": {"Fn::GetAtt": ["Bus", "Arn"]}, "Description": "Where it is."},
            "Not": {"Value": "x", "Condition": "Never"},
        },
        Conditions={"Never": {"Fn::Equals": ["a", "b"]}},
    )
    stack = ask.create(body, Parameters=parameters(P="x", S="y"), Tags=[{"Key": "a", "Value": "b"}])
    arn = f"arn:aws:events:us-east-1:{MANAGEMENT}:event-bus/hub"
    assert stack["Outputs"] == [
        {"OutputKey": "Arn", "OutputValue": arn, "Description": "Where it is."}
    ]
    assert stack["Parameters"] == parameters(P="x", S="****")
    assert stack["Tags"] == [{"Key": "a", "Value": "b"}]


def test_a_failed_rule_rolls_the_stack_back(ask: Asking, world: World) -> None:
    body = template({"Letters": queue(), "Rule": {**BROKEN, "DependsOn": "Letters"}})
    stack = ask.create(body)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Event bus nowhere does not exist." in ask.reasons()["Rule"]
    assert list(world.inventory.everywhere()) == []
    assert queues() == set()


def test_what_starts_with_a_failing_resource_is_cancelled(ask: Asking) -> None:
    ask.create(template({"A": BROKEN, "B": queue()}))
    assert ask.reasons()["B"] == "Resource creation cancelled"


def test_retained_resources_survive_the_rollback_of_their_creation(ask: Asking) -> None:
    body = template({"Letters": kept(), "Rule": {**BROKEN, "DependsOn": "Letters"}})
    assert ask.create(body)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert queues() == {"letters"}
    ask.delete()
    again = ask.create(template({"Letters": kept()}))
    assert again["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "already exists" in ask.reasons()["Letters"]


@pytest.mark.parametrize(
    ("policy", "option"),
    [("RetainExceptOnCreate", {}), ("Retain", {"RetainExceptOnCreate": True})],
)
def test_unless_they_are_retained_except_on_create(
    ask: Asking, policy: str, option: dict[str, Any]
) -> None:
    letters = {**queue(), "DeletionPolicy": policy}
    body = template({"Letters": letters, "Rule": {**BROKEN, "DependsOn": "Letters"}})
    ask.create(body, **option)
    assert queues() == set()


@pytest.mark.parametrize(
    ("option", "status", "left"),
    [
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", {"letters"}),
        ({"DisableRollback": True}, "CREATE_FAILED", {"letters"}),
        ({"OnFailure": "DELETE"}, "DELETE_COMPLETE", set()),
    ],
)
def test_what_becomes_of_a_failure_can_be_chosen(
    ask: Asking, option: dict[str, Json], status: str, left: set[str]
) -> None:
    body = template({"Letters": queue(), "Rule": {**BROKEN, "DependsOn": "Letters"}})
    assert ask.create(body, **option)["StackStatus"] == status
    assert queues() == left


def test_an_output_that_cannot_be_rolls_back(ask: Asking) -> None:
    body = template({"Bus": bus()}, Outputs={"O": {"Value": {"Fn::GetAtt": ["Bus", "Colour"]}}})
    stack = ask.create(body)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "attribute type Colour" in stack["StackStatusReason"]


# --- Refusals before anything begins


def test_a_stack_name_is_taken_once(ask: Asking) -> None:
    ask.create(template({"A": queue()}))
    with pytest.raises(ServiceError) as caught:
        ask.create(template({"A": queue()}))
    assert caught.value.code == "AlreadyExistsException"


@pytest.mark.parametrize(
    ("body", "given", "needed"),
    [
        (template({"R": role()}), [], "CAPABILITY_NAMED_IAM"),
        (template({"R": role()}), ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"),
        (template({"P": resource("IAM::ManagedPolicy", PolicyDocument={})}), [], "CAPABILITY_IAM"),
    ],
)
def test_iam_needs_to_be_acknowledged(
    ask: Asking, body: str, given: list[str], needed: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        ask.create(body, Capabilities=given)
    assert caught.value.code == "InsufficientCapabilitiesException"
    assert caught.value.message == f"Requires capabilities : [{needed}]"


def test_a_type_that_nothing_makes_is_refused(ask: Asking) -> None:
    with pytest.raises(ServiceError, match=r"Unrecognized resource types: \[AWS::EC2::Instance\]"):
        ask.create(template({"A": resource("EC2::Instance")}))


def test_a_body_has_its_limit_and_a_bucket_a_larger_one(ask: Asking) -> None:
    from moto.s3.models import s3_backends

    body = template({"A": queue()}, Metadata={"padding": "x" * 51_200})
    with pytest.raises(ServiceError, match="less than or equal to 51200"):
        ask.create(body)
    s3 = s3_backends[MANAGEMENT]["aws"]
    s3.create_bucket("templates", REGIONS[0])
    s3.put_object("templates", "a/b.json", body.encode())
    s3.put_object("templates", "huge.json", (body + " " * 1_048_576).encode())
    for host in ("templates.s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com/templates"):
        name = f"by-{host.count('/')}"
        url = f"https://{host}/a/b.json"
        summary = ask("GetTemplateSummary", TemplateURL=url)
        assert summary["ResourceTypes"] == ["AWS::SQS::Queue"]
        ask("ValidateTemplate", TemplateURL=url)
        ask("CreateStack", StackName=name, TemplateURL=url)
    for url, said in (
        ("https://templates.s3.amazonaws.com/huge.json", "may not exceed 1048576 bytes"),
        ("https://templates.s3.amazonaws.com/none.json", "key does not exist"),
        ("https://nobody.s3.amazonaws.com/none.json", "bucket does not exist"),
        ("https://example.com/none.json", "must be a supported URL"),
    ):
        with pytest.raises(ServiceError, match=said):
            ask("ValidateTemplate", TemplateURL=url)


# --- Deletion


def test_deleting_removes_everything_but_what_is_retained(ask: Asking, world: World) -> None:
    ask.create(template({"Letters": kept(), "Rule": rule(), "Other": queue("other")}))
    assert ask.delete()["StackStatus"] == "DELETE_COMPLETE"
    assert queues() == {"letters"}
    assert [each.logical_id for each in world.inventory.everywhere()] == ["Letters"]


def test_a_deleted_stack_is_known_by_its_id_alone(ask: Asking) -> None:
    identity = ask.create(template({"A": queue()}))["StackId"]
    ask.delete()
    with pytest.raises(ServiceError, match="Stack with id it does not exist"):
        ask("DescribeStacks", StackName="it")
    shown = ask("DescribeStacks", StackName=identity)["Stacks"][0]
    assert shown["StackStatus"] == "DELETE_COMPLETE"
    listed = ask("ListStacks", StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert [each["StackId"] for each in listed] == [identity]


def test_deleting_what_is_not_there_is_no_error(ask: Asking) -> None:
    assert ask("DeleteStack", StackName="nobody") == {}


def test_termination_protection_keeps_a_stack(ask: Asking) -> None:
    ask.create(template({"A": queue()}), EnableTerminationProtection=True)
    with pytest.raises(ServiceError, match="while TerminationProtection is enabled"):
        ask("DeleteStack", StackName="it")
    ask("UpdateTerminationProtection", StackName="it", EnableTerminationProtection=False)
    assert ask.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_what_cannot_be_deleted_stops_the_deletion(ask: Asking) -> None:
    from moto.s3.models import s3_backends

    bucket = resource("S3::Bucket", BucketName="full-bucket")
    ask.create(template({"Bucket": bucket, "A": queue()}))
    s3_backends[MANAGEMENT]["aws"].put_object("full-bucket", "x", b"x")
    assert ask.delete()["StackStatus"] == "DELETE_FAILED"
    assert "not empty" in ask.reasons()["Bucket"]
    ask("DeleteStack", StackName="it", RetainResources=["Bucket"])
    ask("DescribeStacks")
    assert ask("DescribeStacks")["Stacks"] == []


# --- Looking


def test_stacks_are_apart_by_account_and_region(cloudformation: CloudFormation) -> None:
    ask = Asking(cloudformation, MANAGEMENT, REGIONS[0])
    ask.create(template({"A": queue()}))
    for other in (ask.elsewhere(region=REGIONS[1]), ask.elsewhere(account="222222222222")):
        assert other("DescribeStacks")["Stacks"] == []
        other.create(template({"A": queue()}))


def test_resources_are_listed_with_their_ids(ask: Asking) -> None:
    ask.create(template({"Letters": queue()}))
    [shown] = ask("DescribeStackResources", StackName="it")["StackResources"]
    assert (
        shown["PhysicalResourceId"] == f"https://sqs.us-east-1.amazonaws.com/{MANAGEMENT}/letters"
    )
    assert shown["ResourceStatus"] == "CREATE_COMPLETE"
    [listed] = ask("ListStackResources", StackName="it")["StackResourceSummaries"]
    assert listed["LogicalResourceId"] == "Letters"


def test_long_lists_come_in_pages(ask: Asking) -> None:
    ask.create(template({f"Q{n}": queue(f"q{n}") for n in range(130)}))
    first = ask("ListStackResources", StackName="it")
    second = ask("ListStackResources", StackName="it", NextToken=first["NextToken"])
    shown = [*first["StackResourceSummaries"], *second["StackResourceSummaries"]]
    assert len({each["LogicalResourceId"] for each in shown}) == 130
    assert "NextToken" not in second


def test_a_summary_tells_what_a_template_asks_for(ask: Asking) -> None:
    body = template(
        {"R": role()},
        Description="What it is.",
        Metadata={"a": 1},
        Parameters={
            "P": {"Type": "Number", "Default": 1, "AllowedValues": [1, 2], "Description": "How"}
        },
    )
    summary = ask("GetTemplateSummary", TemplateBody=body)
    assert summary["Parameters"] == [
        {
            "ParameterKey": "P",
            "ParameterType": "Number",
            "NoEcho": False,
            "DefaultValue": "1",
            "Description": "How",
            "ParameterConstraints": {"AllowedValues": ["1", "2"]},
        }
    ]
    assert summary["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert summary["Metadata"] == '{"a": 1}'
    ask.create(body)
    assert ask("GetTemplateSummary", StackName="it") == summary
    assert ask("ValidateTemplate", TemplateBody=body)["Description"] == "What it is."


def test_operations_that_are_not_simulated_say_so(ask: Asking) -> None:
    with pytest.raises(ServiceError, match="RollbackStack of CloudFormation is not simulated"):
        ask("RollbackStack", StackName="it")
