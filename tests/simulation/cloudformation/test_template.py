"""Templates: what is read, in which order it is made, what is refused."""

from __future__ import annotations

import json

import pytest

from generator.model import Json
from generator.simulation.cloudformation.parsing import parsed
from generator.simulation.cloudformation.template import template as understood
from generator.simulation.world import ServiceError

from .ask import Asking, parameters, queue, resource, role, template

SHORT = """
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub "${AWS::Region}-x"
      Tags: [{Key: a, Value: !Ref AWS::Region}, !If [C, !Ref AWS::NoValue, {}]]
      Arn: !GetAtt Other.Arn
      Joined: !Join ["-", [a, !Select [0, !Split [",", "a,b"]]]]
"""


def test_short_forms_are_read_as_long_ones() -> None:
    properties = parsed(SHORT)["Resources"]["Queue"]["Properties"]
    assert properties == {
        "QueueName": {"Fn::Sub": "${AWS::Region}-x"},
        "Tags": [
            {"Key": "a", "Value": {"Ref": "AWS::Region"}},
            {"Fn::If": ["C", {"Ref": "AWS::NoValue"}, {}]},
        ],
        "Arn": {"Fn::GetAtt": ["Other", "Arn"]},
        "Joined": {"Fn::Join": ["-", ["a", {"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]}]]},
    }


def test_dates_stay_text() -> None:
    assert parsed("AWSTemplateFormatVersion: 2010-09-09") == {
        "AWSTemplateFormatVersion": "2010-09-09"
    }


def test_json_and_yaml_are_the_same() -> None:
    value = {"Resources": {"A": queue()}}
    assert parsed(json.dumps(value)) == parsed("Resources: " + json.dumps({"A": queue()})) == value


def test_the_same_text_is_understood_once() -> None:
    text = template({"A": queue()})
    assert understood(text) is understood(text)


def test_resources_are_made_after_what_they_name() -> None:
    ref: Json = {"Ref": "A"}
    text = template(
        {
            "D": resource("SQS::Queue", after=["C"]),
            "C": queue("c", Tags=[{"Key": "k", "Value": {"Fn::Sub": "${B.Arn}"}}]),
            "B": queue("b", Tags=[{"Key": "k", "Value": {"Fn::Join": ["", [ref]]}}]),
            "A": queue("a"),
        }
    )
    assert understood(text).waves == (("A",), ("B",), ("C",), ("D",))


@pytest.mark.parametrize(
    ("resources", "needed"),
    [
        ({"A": queue()}, []),
        ({"A": role("named")}, ["CAPABILITY_NAMED_IAM"]),
        (
            {"A": resource("IAM::ManagedPolicy", PolicyDocument={})},
            ["CAPABILITY_IAM"],
        ),
    ],
    ids=["no IAM", "named IAM", "unnamed IAM"],
)
def test_capabilities_follow_from_the_resources(
    resources: dict[str, Json], needed: list[str]
) -> None:
    assert understood(template(resources)).capabilities == needed


REFUSED = {
    "no YAML": ("a: [", "YAML not well-formed"),
    "no JSON": ('{"a": ', "JSON not well-formed"),
    "a key twice": ("Resources:\n  A: 1\n  A: 2\n", "Duplicate key A (line 3"),
    "a text": ("text", "unsupported structure"),
    "no resources": ("Parameters: {}", "At least one Resources member"),
    "a strange section": (template({"A": queue()}, Colours={}), r"properties [Colours]"),
    "a transform": (template({"A": queue()}, Transform="AWS::Include"), "transforms"),
    "no type": (template({"A": {"Properties": {}}}), "must contain a Type member"),
    "a strange attribute": (template({"A": {**queue(), "Colour": 1}}), "Colour"),
    "a strange id": (template({"A-B": queue()}), "non alphanumeric"),
    "a strange policy": (template({"A": {**queue(), "DeletionPolicy": "Keep"}}), "Keep"),
    "DependsOn of nothing": (template({"A": resource("SQS::Queue", after="B")}), "[B]"),
    "Ref of nothing": (template({"A": queue(Tags=[{"Ref": "B"}])}), "[B]"),
    "Ref of nothing in an output": (
        template({"A": queue()}, Outputs={"O": {"Value": {"Ref": "B"}}}),
        "[B]",
    ),
    "a condition of nothing": (template({"A": {**queue(), "Condition": "C"}}), "dependency C"),
    "a circle": (
        template({"A": resource("SQS::Queue", after="B"), "B": resource("SQS::Queue", after="A")}),
        "Circular dependency between resources: [A, B]",
    ),
    "too many resources": (template({f"Q{n}": queue() for n in range(501)}), "501"),
    "a long description": (template({"A": queue()}, Description="x" * 1025), "at most 1024"),
    "too many outputs": (
        template({"A": queue()}, Outputs={f"O{n}": {"Value": "x"} for n in range(201)}),
        "201",
    ),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_templates_that_are_refused(text: str, said: str) -> None:
    with pytest.raises(ServiceError) as caught:
        understood(text)
    assert caught.value.code == "ValidationError"
    assert said in caught.value.message


def test_what_is_not_made_may_be_nonsense() -> None:
    text = template(
        {
            "A": queue(),
            "B": {
                **queue("b", Tags=[{"Fn::Select": [4, {"Fn::Split": [":", {"Ref": "P"}]}]}]),
                "Condition": "HasP",
            },
        },
        Parameters={"P": {"Type": "String"}},
        Conditions={"HasP": {"Fn::Not": [{"Fn::Equals": [{"Ref": "P"}, ""]}]}},
    )
    understood(text).blueprint({"P": ""})
    with pytest.raises(ServiceError, match="nonexistent value"):
        understood(text).blueprint({"P": "short"})


RULES = {
    "OnlyThere": {
        "RuleCondition": {"Fn::Contains": [["eu-west-1"], {"Ref": "AWS::Region"}]},
        "Assertions": [
            {
                "Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Days"}, "-1"]}]},
                "AssertDescription": "Not without an archive in eu-west-1.",
            }
        ],
    }
}
DAYS = {"Days": {"Type": "Number", "Default": 30}}


def test_a_broken_rule_refuses_the_stack(ask: Asking) -> None:
    text = template({"A": queue()}, Parameters=DAYS, Rules=RULES)
    there = ask.elsewhere(region="eu-west-1")
    with pytest.raises(ServiceError, match="Not without an archive in eu-west-1"):
        there.create(text, Parameters=parameters(Days="-1"))
    assert there("DescribeStacks")["Stacks"] == []
    assert there.create(text, Parameters=parameters(Days="1"))["StackStatus"] == "CREATE_COMPLETE"
    assert ask.create(text, Parameters=parameters(Days="-1"))["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        ({"Fn::EachMemberIn": [["a"], ["a", "b"]]}, True),
        ({"Fn::EachMemberIn": [["a", "c"], ["a", "b"]]}, False),
        ({"Fn::EachMemberEquals": [["a", "a"], "a"]}, True),
        ({"Fn::And": [{"Fn::Equals": ["1", 1]}, {"Fn::Contains": [["x"], "y"]}]}, False),
        ({"Fn::Or": [{"Fn::Equals": ["1", 2]}, {"Fn::Contains": [["x"], "x"]}]}, True),
    ],
)
def test_rules_have_functions_of_their_own(ask: Asking, assertion: Json, holds: bool) -> None:
    rules = {"R": {"Assertions": [{"Assert": assertion, "AssertDescription": "It is false."}]}}
    text = template({"A": queue()}, Rules=rules)
    if holds:
        ask.create(text)
    else:
        with pytest.raises(ServiceError, match=r"It is false\."):
            ask.create(text)


def test_functions_that_rules_do_not_know_are_refused(ask: Asking) -> None:
    rules = {"R": {"Assertions": [{"Assert": {"Fn::RefAll": "AWS::EC2::VPC::Id"}}]}}
    with pytest.raises(ServiceError, match="Fn::RefAll"):
        ask.create(template({"A": queue()}, Rules=rules))
