"""Updates of stacks: what changes, what is replaced, what is restored."""

from __future__ import annotations

import pytest
from moto.sqs.models import sqs_backends

from generator.simulation.world import ServiceError, World

from .ask import (
    MANAGEMENT,
    REGIONS,
    Asking,
    parameters,
    queue,
    resource,
    role,
    rule,
    template,
)
from .test_stacks import BROKEN, kept, queues


def test_an_update_without_changes_is_refused(ask: Asking) -> None:
    body = template({"A": queue()}, Parameters={"P": {"Type": "String", "Default": "x"}})
    ask.create(body)
    with pytest.raises(ServiceError) as caught:
        ask.update(body)
    assert caught.value.message == "No updates are to be performed."
    # A parameter that nothing uses changes nothing.
    with pytest.raises(ServiceError, match="No updates"):
        ask.update(body, Parameters=parameters(P="y"))


def test_an_update_changes_adds_and_removes(ask: Asking, world: World) -> None:
    ask.create(template({"Rule": rule(), "Old": queue("old"), "Same": queue("same")}))
    same = sqs_backends[MANAGEMENT][REGIONS[0]].queues["same"]
    stack = ask.update(
        template({"Rule": rule(State="DISABLED"), "New": queue("new"), "Same": queue("same")})
    )
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert queues() == {"new", "same"}
    assert sqs_backends[MANAGEMENT][REGIONS[0]].queues["same"] is same
    [changed] = world.inventory.of_type(MANAGEMENT, REGIONS[0], "AWS::Events::Rule")
    assert changed.properties["State"] == "DISABLED"


def test_a_failed_update_restores_what_was(ask: Asking, world: World) -> None:
    ask.create(template({"Letters": queue(VisibilityTimeout=30), "Gone": queue("gone")}))
    before = {each.physical_id: dict(each.properties) for each in world.inventory.everywhere()}
    after = template(
        {
            "Letters": queue(VisibilityTimeout=60),
            "New": {**queue("new"), "DependsOn": "Letters"},
            "Rule": {**BROKEN, "DependsOn": "New"},
        }
    )
    stack = ask.update(after)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert {e.physical_id: e.properties for e in world.inventory.everywhere()} == before
    assert queues() == {"letters", "gone"}
    made = sqs_backends[MANAGEMENT][REGIONS[0]].queues["letters"]
    assert made.visibility_timeout == 30
    text = ask("GetTemplate", StackName="it")["TemplateBody"]
    assert "gone" in text
    # The stack can be updated again afterwards.
    assert ask.update(template({"Letters": queue(VisibilityTimeout=90)}))["StackStatus"] == (
        "UPDATE_COMPLETE"
    )


def test_a_property_that_cannot_change_replaces_the_resource(ask: Asking) -> None:
    ask.create(template({"Letters": queue("one")}))
    ask.update(template({"Letters": queue("two")}))
    assert queues() == {"two"}


def test_a_replaced_resource_can_be_retained(ask: Asking) -> None:
    ask.create(template({"Letters": kept(name="one")}))
    ask.update(template({"Letters": kept(name="two")}))
    assert queues() == {"one", "two"}


def test_a_failed_replacement_leaves_the_old_one(ask: Asking) -> None:
    ask.create(template({"Letters": queue("one")}))
    ask.update(template({"Letters": queue("two"), "Rule": {**BROKEN, "DependsOn": "Letters"}}))
    assert queues() == {"one"}
    resources = ask("ListStackResources", StackName="it")["StackResourceSummaries"]
    assert [each["PhysicalResourceId"].rpartition("/")[2] for each in resources] == ["one"]


def test_a_custom_name_stands_in_the_way_of_its_own_replacement(ask: Asking) -> None:
    ask.create(template({"R": role(Path="/a/")}))
    stack = ask.update(template({"R": role(Path="/b/")}))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Rename forwarder and update the stack again." in ask.reasons()["R"]


def test_what_was_changed_by_hand_is_left_unless_the_template_changes(
    ask: Asking, world: World
) -> None:
    ask.create(template({"Rule": rule(), "A": queue("a")}))
    [made] = world.inventory.of_type(MANAGEMENT, REGIONS[0], "AWS::Events::Rule")
    made.properties["State"] = "DISABLED"
    ask.update(template({"Rule": rule(), "A": queue("a", DelaySeconds=1)}))
    assert made.properties["State"] == "DISABLED"
    ask.update(template({"Rule": rule(Description="new"), "A": queue("a", DelaySeconds=1)}))
    assert "State" not in made.properties


def test_stack_tags_reach_resources_that_have_tags(ask: Asking, world: World) -> None:
    body = template(
        {
            "Letters": queue(Tags=[{"Key": "own", "Value": "1"}]),
            "Switch": resource("SSM::Parameter", Name="/a", Type="String", Value="on"),
            "Alias": resource("Events::Archive", ArchiveName="a", SourceArn="arn:x"),
        }
    )
    ask.create(body, Tags=[{"Key": "own", "Value": "2"}, {"Key": "team", "Value": "blue"}])
    found = {each.logical_id: each.properties.get("Tags") for each in world.inventory.everywhere()}
    assert found == {
        "Letters": [{"Key": "own", "Value": "1"}, {"Key": "team", "Value": "blue"}],
        "Switch": {"own": "2", "team": "blue"},
        "Alias": None,
    }
    made = sqs_backends[MANAGEMENT][REGIONS[0]].queues["letters"]
    assert made.tags == {"own": "1", "team": "blue"}
    ask.update(body, Tags=[{"Key": "team", "Value": "red"}])
    assert made.tags == {"own": "1", "team": "red"}


def test_a_tag_key_twice_fails(ask: Asking) -> None:
    tags = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    ask.create(template({"Letters": queue(Tags=tags)}))
    assert "Duplicate tag keys" in ask.reasons()["Letters"]


def test_a_rolled_back_stack_can_only_be_deleted(ask: Asking) -> None:
    ask.create(template({"Rule": BROKEN}))
    with pytest.raises(ServiceError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        ask.update(template({"Rule": rule()}))
