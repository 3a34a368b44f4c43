"""AWS::Events: what EventBridge refuses when rules and buses are made."""

from __future__ import annotations

from typing import Any

import pytest

from generator.model import Json
from generator.simulation.cloudformation import CloudFormation
from generator.simulation.cloudformation.providers.kind import Forward

from ..ask import CENTRAL, MANAGEMENT, REGIONS, Asking, bus, queue, resource, role, rule, template

R = REGIONS[0]
HUB = f"arn:aws:events:{R}:{CENTRAL}:event-bus/hub"
FORWARDER = f"arn:aws:iam::{MANAGEMENT}:role/forwarder"
READS_TOO = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


def target(**more: Any) -> dict[str, Any]:
    return {"Id": "letters", "Arn": f"arn:aws:sqs:{R}:{MANAGEMENT}:letters", **more}


def to_hub(**more: Any) -> dict[str, Any]:
    return {"Id": "hub", "Arn": HUB, "RoleArn": FORWARDER, **more}


ACCEPTED: list[tuple[str, dict[str, Json]]] = [
    ("a pattern", rule()),
    ("a schedule", resource("Events::Rule", Name="r", ScheduleExpression="rate(1 day)")),
    ("five targets", rule(Targets=[target(Id=str(n)) for n in range(5)])),
    ("a bus of another account with a role", rule(Targets=[to_hub()])),
    ("read-only events", rule(State=READS_TOO)),
    (
        "a dead-letter queue here",
        rule(Targets=[to_hub(DeadLetterConfig={"Arn": f"arn:aws:sqs:{R}:{MANAGEMENT}:dead"})]),
    ),
    ("a transformed input", rule(Targets=[target(InputTransformer={"InputTemplate": '"x"'})])),
    ("a bus in another Region", rule(Targets=[to_hub(Arn=HUB.replace(R, REGIONS[1]))])),
]
REFUSED: list[tuple[str, dict[str, Json], str]] = [
    ("nothing to match", resource("Events::Rule", Name="r"), "EventPattern or ScheduleExpression"),
    ("a strange name", rule("a b"), "is no name of a rule"),
    ("a long name", rule("x" * 65), "is no name of a rule"),
    ("a strange state", rule(State="ON"), "ON is no state"),
    ("a bus that is not there", rule(EventBusName="nowhere"), "Event bus nowhere does not exist."),
    (
        "a schedule on a custom bus",
        resource("Events::Rule", EventBusName={"Ref": "Hub"}, ScheduleExpression="rate(1 day)"),
        "only on the default event bus",
    ),
    (
        "a schedule with read-only events",
        resource("Events::Rule", ScheduleExpression="rate(1 day)", State=READS_TOO),
        "not supported for scheduled rules",
    ),
    (
        "a pattern of more than 2,048 characters",
        rule(EventPattern={"source": ["x" * 100 for _ in range(20)]}),
        "at most 2048",
    ),
    ("a pattern that is none", rule(EventPattern={"source": "x"}), "Event pattern is not valid"),
    ("six targets", rule(Targets=[target(Id=str(n)) for n in range(6)]), "5 targets"),
    ("a target id twice", rule(Targets=[target(), target()]), "Duplicated target ids"),
    ("no ARN", rule(Targets=[target(Arn="letters")]), "not in correct format"),
    (
        "a bus of another account without a role",
        rule(Targets=[{"Id": "hub", "Arn": HUB}]),
        "RoleArn is required",
    ),
    (
        "a stream without a role",
        rule(Targets=[target(Arn=f"arn:aws:kinesis:{R}:{MANAGEMENT}:stream/s")]),
        "RoleArn is required",
    ),
    (
        "a queue of another account without a role",
        rule(Targets=[target(Arn=f"arn:aws:sqs:{R}:{CENTRAL}:q")]),
        "RoleArn is required",
    ),
    (
        "a queue in another Region",
        rule(Targets=[target(Arn=f"arn:aws:sqs:{REGIONS[1]}:{MANAGEMENT}:q")]),
        f"must be in {R}",
    ),
    (
        "another partition",
        rule(Targets=[to_hub(Arn=HUB.replace("arn:aws:", "arn:aws-cn:"))]),
        "another partition",
    ),
    ("an input for a bus", rule(Targets=[to_hub(Input="{}")]), "Input is not supported"),
    ("a path for a bus", rule(Targets=[to_hub(InputPath="$.detail")]), "InputPath is not"),
    (
        "a transformer for a bus",
        rule(Targets=[to_hub(InputTransformer={"InputTemplate": "x"})]),
        "InputTransformer is not",
    ),
    (
        "retries for a bus",
        rule(Targets=[to_hub(RetryPolicy={"MaximumRetryAttempts": 1})]),
        "RetryPolicy is not",
    ),
    ("two inputs", rule(Targets=[target(Input="{}", InputPath="$")]), "Only one of Input"),
    (
        "a long template",
        rule(Targets=[target(InputTransformer={"InputTemplate": "x" * 8193})]),
        "8192",
    ),
    (
        "a dead-letter queue elsewhere",
        rule(
            Targets=[target(DeadLetterConfig={"Arn": f"arn:aws:sqs:{REGIONS[1]}:{MANAGEMENT}:d"})]
        ),
        f"must be a standard queue in {R}",
    ),
    (
        "a role that is not there",
        rule(Targets=[to_hub(RoleArn=f"arn:aws:iam::{MANAGEMENT}:role/nobody")]),
        "cannot be assumed by principal 'events.amazonaws.com'",
    ),
    (
        "a role for somebody else",
        rule(Targets=[to_hub(RoleArn=f"arn:aws:iam::{MANAGEMENT}:role/lambda")]),
        "cannot be assumed by principal",
    ),
    (
        "a role of another account",
        rule(Targets=[to_hub(RoleArn=f"arn:aws:iam::{CENTRAL}:role/forwarder")]),
        "Cross-account pass role",
    ),
]


@pytest.fixture
def here(ask: Asking) -> Asking:
    """With the roles that targets need, and a bus."""
    made = ask.create(
        template({"R": role(), "L": role("lambda", "lambda.amazonaws.com"), "Hub": bus("own")}),
        name="base",
    )
    assert made["StackStatus"] == "CREATE_COMPLETE"
    return ask


@pytest.mark.parametrize("made", [a[1] for a in ACCEPTED], ids=[a[0] for a in ACCEPTED])
def test_rules_that_are_made(here: Asking, made: dict[str, Json]) -> None:
    stack = here.create(template({"Rule": made}))
    assert stack["StackStatus"] == "CREATE_COMPLETE", here.reasons()


@pytest.mark.parametrize(("made", "said"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_rules_that_are_refused(here: Asking, made: dict[str, Json], said: str) -> None:
    stack = here.create(template({"Rule": made, "Hub": bus()}))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert said in here.reasons()["Rule"]


def test_an_update_is_held_to_the_same(here: Asking) -> None:
    here.create(template({"Rule": rule()}))
    stack = here.update(template({"Rule": rule(State="ON")}))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "ON is no state" in here.reasons()["Rule"]


def test_a_bus_holds_300_rules(ask: Asking) -> None:
    three = {f"R{n}": rule(f"r{n}") for n in range(300)}
    assert ask.create(template(three))["StackStatus"] == "CREATE_COMPLETE"
    ask.create(template({"One": rule("more"), "Bus": bus()}), name="more")
    assert "300 rules on default" in ask.reasons("more")["One"]
    other = template({"One": rule("more", EventBusName={"Ref": "Bus"}), "Bus": bus()})
    assert ask.create(other, name="other")["StackStatus"] == "CREATE_COMPLETE"


def test_the_receiver_is_asked_when_a_bus_becomes_a_target(
    here: Asking, cloudformation: CloudFormation
) -> None:
    asked: list[Forward] = []

    def never(forward: Forward) -> str | None:
        asked.append(forward)
        return "no statement allows it"

    cloudformation.may_put_events = never
    here.create(template({"Rule": rule(Targets=[to_hub()])}))
    assert "not authorized to perform: events:PutEvents" in here.reasons()["Rule"]
    rule_arn = f"arn:aws:events:{R}:{MANAGEMENT}:rule/writes"
    assert asked == [Forward(rule_arn, MANAGEMENT, FORWARDER, HUB)]
    cloudformation.may_put_events = lambda forward: None
    stack = here.create(template({"Rule": rule(Targets=[to_hub()])}), name="again")
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_the_default_bus_cannot_be_made(ask: Asking) -> None:
    ask.create(template({"Bus": bus("default")}))
    assert "cannot be created" in ask.reasons()["Bus"]


def test_the_policy_of_a_bus_has_its_limit(ask: Asking) -> None:
    def statement(name: str) -> dict[str, Json]:
        return resource(
            "Events::EventBusPolicy",
            EventBusName={"Ref": "Bus"},
            StatementId=name,
            Statement={"Effect": "Allow", "Principal": {"AWS": ["1" * 12] * 400}},
        )

    ask.create(template({"Bus": bus(), "A": statement("a")}))
    assert ask.stack()["StackStatus"] == "CREATE_COMPLETE"
    ask.update(template({"Bus": bus(), "A": statement("a"), "B": statement("b")}))
    assert "at most 10240" in ask.reasons()["B"]


def test_a_rule_waits_for_its_letters_to_be_usable(ask: Asking) -> None:
    """The target is the queue of the same template, by its ARN."""
    made = rule(Targets=[{"Id": "q", "Arn": {"Fn::GetAtt": ["Q", "Arn"]}}])
    assert ask.create(template({"Rule": made, "Q": queue()}))["StackStatus"] == "CREATE_COMPLETE"
