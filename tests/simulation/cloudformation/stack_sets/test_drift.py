"""Drift: what was changed behind the back of the stacks is found."""

from __future__ import annotations

from typing import Any

from moto.iam.models import iam_backends
from moto.sqs.models import sqs_backends

from generator.simulation.world import World

from ..ask import REGIONS, SANDBOXES, Asking, member, policy, queue, role, rule, template

HERE = member(1), REGIONS[0]
BODY = template(
    {
        "Rule": rule(State="ENABLED"),
        "Letters": queue(
            VisibilityTimeout=60, SqsManagedSseEnabled=True, Tags=[{"Key": "a", "Value": "b"}]
        ),
        "R": role(
            Policies=[
                {
                    "PolicyName": "may",
                    "PolicyDocument": policy(
                        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
                    ),
                }
            ]
        ),
    }
)


def rolled_out(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.rollout(units=(SANDBOXES,), regions=REGIONS[:1])


def detected(ask: Asking) -> tuple[dict[str, Any], dict[str, Any]]:
    """The operation, and the drift of each resource by its logical id."""
    operation = ask.ended(ask.begin("DetectStackSetDrift"))
    drifts = ask(
        "ListStackInstanceResourceDrifts",
        StackSetName="it",
        StackInstanceAccount=HERE[0],
        StackInstanceRegion=HERE[1],
        OperationId=operation["OperationId"],
    )
    return operation, {each["LogicalResourceId"]: each for each in drifts["Summaries"]}


def test_what_nobody_touched_is_in_sync(ask: Asking) -> None:
    rolled_out(ask)
    assert ask.instances()[HERE]["DriftStatus"] == "NOT_CHECKED"
    operation, drifts = detected(ask)
    assert {each["StackResourceDriftStatus"] for each in drifts.values()} == {"IN_SYNC"}
    assert set(drifts) == {"Rule", "Letters", "R"}
    assert ask.instances()[HERE]["DriftStatus"] == "IN_SYNC"
    details = operation["StackSetDriftDetectionDetails"]
    assert details["DriftStatus"] == "IN_SYNC"
    assert details["TotalStackInstancesCount"] == details["InSyncStackInstancesCount"] == 1


def test_what_was_changed_is_found_where_it_is(ask: Asking, world: World) -> None:
    rolled_out(ask)
    [made] = world.inventory.of_type(*HERE, "AWS::Events::Rule")
    made.properties["State"] = "DISABLED"
    sqs_backends[HERE[0]][HERE[1]].queues["letters"].visibility_timeout = 5
    iam = iam_backends[HERE[0]]["aws"]
    iam.get_role("forwarder").policies["more"] = "{}"
    operation, drifts = detected(ask)
    found = {
        name: [
            (d["PropertyPath"], d["ExpectedValue"], d["ActualValue"], d["DifferenceType"])
            for d in each["PropertyDifferences"]
        ]
        for name, each in drifts.items()
    }
    assert found["Rule"] == [("/State", "ENABLED", "DISABLED", "NOT_EQUAL")]
    assert found["Letters"] == [("/VisibilityTimeout", "60", "5", "NOT_EQUAL")]
    [(path, expected, _, kind)] = found["R"]
    assert (path, expected, kind) == ("/Policies/1", "null", "ADD")
    assert {each["StackResourceDriftStatus"] for each in drifts.values()} == {"MODIFIED"}
    assert operation["StackSetDriftDetectionDetails"]["DriftedStackInstancesCount"] == 1
    assert ask.instances()[HERE]["DriftStatus"] == "DRIFTED"
    shown = ask("DescribeStackSet", StackSetName="it")["StackSet"]
    assert shown["StackSetDriftDetectionDetails"]["DriftStatus"] == "DRIFTED"
    assert ask("ListStackSets")["Summaries"][0]["DriftStatus"] == "DRIFTED"


def test_what_is_gone_is_found(ask: Asking) -> None:
    rolled_out(ask)
    sqs_backends[HERE[0]][HERE[1]].delete_queue("letters")
    _, drifts = detected(ask)
    assert drifts["Letters"]["StackResourceDriftStatus"] == "DELETED"


def test_drifts_are_listed_by_status(ask: Asking, world: World) -> None:
    rolled_out(ask)
    [made] = world.inventory.of_type(*HERE, "AWS::Events::Rule")
    made.properties["State"] = "DISABLED"
    operation = ask.ended(ask.begin("DetectStackSetDrift"))
    drifts = ask(
        "ListStackInstanceResourceDrifts",
        StackSetName="it",
        StackInstanceAccount=HERE[0],
        StackInstanceRegion=HERE[1],
        OperationId=operation["OperationId"],
        StackInstanceResourceDriftStatuses=["MODIFIED", "DELETED"],
    )
    assert [each["LogicalResourceId"] for each in drifts["Summaries"]] == ["Rule"]


def test_an_update_heals_what_it_changes(ask: Asking, world: World) -> None:
    rolled_out(ask)
    [made] = world.inventory.of_type(*HERE, "AWS::Events::Rule")
    made.properties["State"] = "DISABLED"
    healed = BODY.replace('"State": "ENABLED"', '"State": "ENABLED", "Description": "x"')
    ask.ended(
        ask.begin("UpdateStackSet", TemplateBody=healed, Capabilities=["CAPABILITY_NAMED_IAM"])
    )
    assert made.properties["State"] == "ENABLED"
