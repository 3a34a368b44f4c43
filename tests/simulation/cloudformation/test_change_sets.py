"""Change sets: what they foresee, and that executing them does it."""

from __future__ import annotations

from typing import Any

import pytest

from generator.model import Json
from generator.simulation.world import ServiceError, World

from .ask import MANAGEMENT, REGIONS, Asking, bus, parameters, queue, role, rule, template

GET_BUS = {"Fn::GetAtt": ["Bus", "Arn"]}


def made(ask: Asking, body: str, type_: str = "UPDATE", **more: Any) -> dict[str, Any]:
    """A change set, once it is there."""
    request = {"Capabilities": ["CAPABILITY_NAMED_IAM"], **more}
    ask(
        "CreateChangeSet",
        StackName="it",
        ChangeSetName="plan",
        ChangeSetType=type_,
        TemplateBody=body,
        **request,
    )
    while True:
        shown = ask(
            "DescribeChangeSet",
            StackName="it",
            ChangeSetName="plan",
            IncludePropertyValues=True,
        )
        if shown["Status"] in ("CREATE_COMPLETE", "FAILED"):
            return shown


def brief(change_set: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Action and replacement by logical id."""
    changes = [change["ResourceChange"] for change in change_set["Changes"]]
    return {c["LogicalResourceId"]: (c["Action"], c.get("Replacement")) for c in changes}


def test_a_change_set_is_not_there_at_once(ask: Asking) -> None:
    ask(
        "CreateChangeSet",
        StackName="it",
        ChangeSetName="plan",
        ChangeSetType="CREATE",
        TemplateBody=template({"A": queue()}),
    )
    seen = [
        ask("DescribeChangeSet", StackName="it", ChangeSetName="plan")["Status"] for _ in range(3)
    ]
    assert seen == ["CREATE_PENDING", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert ask("DescribeStacks", StackName="it")["Stacks"][0]["StackStatus"] == (
        "REVIEW_IN_PROGRESS"
    )


def test_a_new_stack_is_all_additions(ask: Asking, world: World) -> None:
    shown = made(ask, template({"A": queue(), "B": rule()}), "CREATE")
    assert brief(shown) == {"A": ("Add", None), "B": ("Add", None)}
    assert list(world.inventory.everywhere()) == []
    ask("ExecuteChangeSet", StackName="it", ChangeSetName="plan")
    stack = ask.stack()
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["ChangeSetId"] == shown["ChangeSetId"]
    assert len(list(world.inventory.everywhere())) == 2


def test_changes_are_foreseen_by_resource(ask: Asking, world: World) -> None:
    ask.create(
        template(
            {
                "Same": queue("same"),
                "Changed": rule("changed"),
                "Replaced": queue("old"),
                "Gone": queue("gone"),
                "Kept": {**queue("kept"), "DeletionPolicy": "Retain"},
            }
        )
    )
    before = {each.physical_id for each in world.inventory.everywhere()}
    shown = made(
        ask,
        template(
            {
                "Same": queue("same"),
                "Changed": rule("changed", State="DISABLED"),
                "Replaced": queue("new"),
                "Added": queue("added"),
            }
        ),
    )
    assert brief(shown) == {
        "Changed": ("Modify", "False"),
        "Replaced": ("Modify", "True"),
        "Added": ("Add", None),
        "Gone": ("Remove", None),
        "Kept": ("Remove", None),
    }
    changes = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in shown["Changes"]
    }
    assert changes["Gone"]["PolicyAction"] == "Delete"
    assert changes["Kept"]["PolicyAction"] == "Retain"
    assert changes["Changed"]["Scope"] == ["Properties"]
    [detail] = changes["Changed"]["Details"]
    assert detail["Target"] == {
        "Attribute": "Properties",
        "Name": "State",
        "Path": "/Properties/State",
        "RequiresRecreation": "Never",
        "AfterValue": "DISABLED",
    }
    assert {each.physical_id for each in world.inventory.everywhere()} == before


def test_what_only_the_operation_will_know_is_dynamic(ask: Asking) -> None:
    target = {"Id": "hub", "Arn": GET_BUS}
    ask.create(template({"Bus": bus("old"), "Rule": rule(Targets=[]), "R": role()}))
    with_target = rule(Targets=[target], Description="x")
    shown = made(ask, template({"Bus": bus("new"), "Rule": with_target, "R": role()}))
    changes = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in shown["Changes"]
    }
    details = {d["Target"]["Name"]: d for d in changes["Rule"]["Details"]}
    assert details["Targets"]["Evaluation"] == "Dynamic"
    assert "KNOWN_AFTER_APPLY" in details["Targets"]["Target"]["AfterValue"]
    assert details["Description"]["Evaluation"] == "Static"


def test_a_parameter_is_named_as_the_source_of_a_change(ask: Asking) -> None:
    body = template(
        {"Rule": rule(State={"Ref": "State"})},
        Parameters={"State": {"Type": "String", "Default": "ENABLED"}},
    )
    ask.create(body)
    shown = made(ask, body, Parameters=parameters(State="DISABLED"))
    [detail] = shown["Changes"][0]["ResourceChange"]["Details"]
    assert detail["ChangeSource"] == "ParameterReference"


def test_without_changes_a_change_set_fails(ask: Asking) -> None:
    body = template({"A": queue()})
    ask.create(body)
    shown = made(ask, body)
    assert (shown["Status"], shown["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert shown["StatusReason"].startswith("The submitted information didn't contain changes.")
    with pytest.raises(ServiceError) as caught:
        ask("ExecuteChangeSet", StackName="it", ChangeSetName="plan")
    assert caught.value.code == "InvalidChangeSetStatus"


def test_a_name_that_is_taken_is_found_before_anything_is_made(ask: Asking) -> None:
    ask.create(template({"R": role("taken")}), name="other")
    shown = made(ask, template({"A": queue(), "R": role("taken")}), "CREATE")
    assert shown["Status"] == "FAILED"
    assert "AWS::EarlyValidation::ResourceExistenceCheck" in shown["StatusReason"]
    [event] = ask(
        "DescribeEvents", StackName="it", ChangeSetName="plan", Filters={"FailedEvents": True}
    )["OperationEvents"]
    assert event["LogicalResourceId"] == "R"
    assert event["EventType"] == "VALIDATION_ERROR"
    assert event["ValidationStatusReason"].startswith("taken already exists in stack")
    assert event["ValidationPath"] == "/Resources/R/Properties/RoleName"


def test_the_validation_can_be_switched_off(ask: Asking) -> None:
    ask.create(template({"R": role("taken")}), name="other")
    shown = made(ask, template({"R": role("taken")}), "CREATE", DisableValidation=True)
    assert shown["Status"] == "CREATE_COMPLETE"
    ask("ExecuteChangeSet", StackName="it", ChangeSetName="plan")
    assert ask.stack()["StackStatus"] == "ROLLBACK_COMPLETE"


def test_executing_one_drops_the_others(ask: Asking) -> None:
    ask.create(template({"A": queue()}))
    made(ask, template({"A": queue(DelaySeconds=1)}))
    ask(
        "CreateChangeSet",
        StackName="it",
        ChangeSetName="other",
        TemplateBody=template({"A": queue(DelaySeconds=2)}),
    )
    ask("ExecuteChangeSet", StackName="it", ChangeSetName="plan")
    assert ask.stack()["StackStatus"] == "UPDATE_COMPLETE"
    listed = ask("ListChangeSets", StackName="it")["Summaries"]
    assert [(one["ChangeSetName"], one["ExecutionStatus"]) for one in listed] == [
        ("plan", "EXECUTE_COMPLETE")
    ]
    with pytest.raises(ServiceError):
        ask("ExecuteChangeSet", StackName="it", ChangeSetName="plan")


def test_a_change_set_can_be_dropped(ask: Asking) -> None:
    ask.create(template({"A": queue()}))
    made(ask, template({"A": queue(DelaySeconds=1)}))
    ask("DeleteChangeSet", StackName="it", ChangeSetName="plan")
    with pytest.raises(ServiceError) as caught:
        ask("DescribeChangeSet", StackName="it", ChangeSetName="plan")
    assert caught.value.code == "ChangeSetNotFound"


@pytest.mark.parametrize(
    ("type_", "said"),
    [("UPDATE", "does not exist"), ("IMPORT", "not simulated")],
)
def test_change_sets_that_cannot_be(ask: Asking, type_: str, said: str) -> None:
    with pytest.raises(ServiceError, match=said):
        made(ask, template({"A": queue()}), type_)
    assert ask("DescribeStacks")["Stacks"] == []


def test_a_stack_cannot_be_created_twice(ask: Asking) -> None:
    ask.create(template({"A": queue()}))
    with pytest.raises(ServiceError, match="already exists and cannot be created again"):
        made(ask, template({"A": queue()}), "CREATE")


def test_a_bad_parameter_leaves_no_stack_behind(ask: Asking) -> None:
    body = template({"A": queue()}, Parameters={"P": {"Type": "String"}})
    with pytest.raises(ServiceError, match="must have values"):
        made(ask, body, "CREATE")
    assert ask("DescribeStacks")["Stacks"] == []


def test_parts_of_an_update_can_be_kept(ask: Asking, world: World) -> None:
    parameter: dict[str, Json] = {"P": {"Type": "String"}, "Q": {"Type": "String"}}
    body = template({"Rule": rule(Description={"Fn::Sub": "${P}${Q}"})}, Parameters=parameter)
    ask.create(body, Parameters=parameters(P="a", Q="b"))
    ask(
        "CreateChangeSet",
        StackName="it",
        ChangeSetName="plan",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "P", "UsePreviousValue": True},
            {"ParameterKey": "Q", "ParameterValue": "c"},
        ],
    )
    for _ in range(3):
        ask("DescribeChangeSet", StackName="it", ChangeSetName="plan")
    ask("ExecuteChangeSet", StackName="it", ChangeSetName="plan")
    ask.stack()
    [made_rule] = world.inventory.of_type(MANAGEMENT, REGIONS[0], "AWS::Events::Rule")
    assert made_rule.properties["Description"] == "ac"
