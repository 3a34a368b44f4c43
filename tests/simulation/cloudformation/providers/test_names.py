"""Physical names: made up where none is given, and given once."""

from __future__ import annotations

import pytest

from generator.model import Json
from generator.simulation.world import World

from ..ask import REGIONS, Asking, bus, queue, resource, role, rule, template

UNNAMED = [
    ("Events::Rule", {"EventPattern": {"source": ["x"]}}, "Name"),
    ("SQS::Queue", {}, "QueueName"),
    ("SNS::Topic", {}, "TopicName"),
    ("S3::Bucket", {}, "BucketName"),
    ("CloudWatch::Alarm", {"EvaluationPeriods": 1, "ComparisonOperator": "x"}, "AlarmName"),
]


@pytest.mark.parametrize(("type_", "properties", "name"), UNNAMED, ids=[u[0] for u in UNNAMED])
def test_names_are_made_up_from_stack_and_logical_id(
    ask: Asking, world: World, type_: str, properties: dict[str, Json], name: str
) -> None:
    body = template({"Thing": resource(type_, **properties)})
    ask.create(body, name="first")
    ask.create(body, name="second")
    names = [str(made.properties[name]) for made in world.inventory.everywhere()]
    assert [each.lower().rpartition("-")[0] for each in names] == ["first-thing", "second-thing"]
    assert len(set(names)) == 2


NAMED = [
    ("IAM::Role", role("taken")),
    ("SQS::Queue", queue("taken")),
    ("Events::EventBus", bus("taken")),
    ("Events::Rule", rule("taken")),
    ("SNS::Topic", resource("SNS::Topic", TopicName="taken")),
    ("S3::Bucket", resource("S3::Bucket", BucketName="taken")),
    ("SSM::Parameter", resource("SSM::Parameter", Name="taken", Type="String", Value="x")),
    ("KMS::Alias", resource("KMS::Alias", AliasName="alias/taken", TargetKeyId="x")),
    ("Logs::LogGroup", resource("Logs::LogGroup", LogGroupName="taken")),
]


@pytest.mark.parametrize("what", [named[1] for named in NAMED], ids=[named[0] for named in NAMED])
def test_a_name_is_given_once(ask: Asking, what: dict[str, Json]) -> None:
    ask.create(template({"A": what}), name="first")
    ask.create(template({"B": what}), name="second")
    reason = ask.reasons("second")["B"]
    assert "already exists in stack arn:" in reason
    assert "HandlerErrorCode: AlreadyExists" in reason


def test_role_names_are_taken_in_every_region(ask: Asking) -> None:
    ask.create(template({"A": role("taken")}))
    there = ask.elsewhere(region=REGIONS[1])
    there.create(template({"A": role("taken")}))
    assert "already exists" in there.reasons()["A"]
    other = ask.elsewhere(account="222222222222")
    assert other.create(template({"A": role("taken")}))["StackStatus"] == "CREATE_COMPLETE"


def test_bucket_names_are_taken_in_every_account(ask: Asking) -> None:
    bucket = resource("S3::Bucket", BucketName="taken")
    ask.create(template({"A": bucket}))
    other = ask.elsewhere(account="222222222222")
    other.create(template({"A": bucket}))
    assert "already exists" in other.reasons()["A"]
