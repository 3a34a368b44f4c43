"""Parts become one template: ordered, without what nothing mentions, and tagged."""

from __future__ import annotations

from typing import Any

import pytest
from troposphere import (
    Equals,
    GetAtt,
    If,
    Not,
    NoValue,
    Output,
    Parameter,
    Ref,
    Sub,
    dynamodb,
    events,
    iam,
    sns,
    sqs,
    ssm,
)

from generator import names, policies
from generator.model import Json, Mistake
from generator.parts import Group, Part, assembled, plain


def template(*parts: Part, groups: tuple[Group, ...] = ()) -> dict[str, Json]:
    return assembled("A test: nothing more.", parts, groups)


def text(name: str, **more: Any) -> Parameter:
    return Parameter(name, Type="String", **more)


def queue(title: str = "Q", **more: Any) -> sqs.Queue:
    return sqs.Queue(title, **more)


def test_sections_stand_in_the_order_in_which_a_person_reads() -> None:
    made = template(
        Part(
            resources=[queue(QueueName=Ref("Name"), Condition="Wanted")],
            parameters=[text("Name")],
            outputs=[Output("Arn", Value=GetAtt("Q", "Arn"))],
            conditions={"Wanted": Not(Equals(Ref("Name"), ""))},
            rules={"R": {"Assertions": []}},
        ),
        groups=(Group("All", ("Name",)),),
    )
    assert list(made) == [
        "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Conditions",
        "Resources", "Outputs",
    ]  # fmt: skip
    assert made["AWSTemplateFormatVersion"] == "2010-09-09"
    assert made["Description"] == "A test: nothing more."


def test_a_resource_says_what_it_is_before_what_it_holds() -> None:
    made = template(Part(resources=[queue(QueueName="q", DependsOn="X", DeletionPolicy="Retain")]))
    assert list(made["Resources"]["Q"]) == [
        "Type", "DependsOn", "DeletionPolicy", "Properties", "Metadata",
    ]  # fmt: skip


def test_resources_keep_the_order_of_their_parts() -> None:
    made = template(Part(resources=[queue("Z"), queue("B")]), Part(resources=[queue("A")]))
    assert list(made["Resources"]) == ["Z", "B", "A"]


USES: list[tuple[str, Json, bool]] = [
    ("a reference", Ref("Given"), True),
    ("a text with it inside", Sub("x-${Given}-y"), True),
    ("a text with a map of its own", Sub("x-${Other}", Other=Ref("Given")), True),
    ("text in a text with a map", Sub("x-${Given}-${Other}", Other="1"), True),
    ("only behind a condition that uses it", If("Set", "a", "b"), True),
    ("inside a condition's value", If("Unused", Ref("Given"), NoValue), True),
    ("a text that only looks so", "${Given}", False),
    ("a text about something else", Sub("x-${GivenName}"), False),
    ("an attribute of a resource of that name", GetAtt("Given", "Arn"), False),
]


@pytest.mark.parametrize(("name", "value", "used"), USES, ids=[row[0] for row in USES])
def test_a_parameter_is_there_where_something_mentions_it(
    name: str, value: Json, used: bool
) -> None:
    made = template(
        Part(
            resources=[queue(QueueName=value)],
            parameters=[text("Given")],
            conditions={
                "Set": Not(Equals(Ref("Given"), "")),
                "Unused": Equals("a", "b"),
            },
        )
    )
    assert ("Given" in made["Parameters"]) is used, name


def test_outputs_and_rules_mention_parameters_too() -> None:
    made = template(
        Part(
            resources=[ssm.Parameter("P", Type="String", Value="x")],
            parameters=[text("ByOutput"), text("ByRule"), text("ByNobody")],
            outputs=[Output("O", Value=Ref("ByOutput"))],
            rules={"R": {"Assertions": [{"Assert": {"Fn::Equals": [{"Ref": "ByRule"}, "x"]}}]}},
        )
    )
    assert set(made["Parameters"]) == {"ByOutput", "ByRule"}
    assert "Conditions" not in made


def test_conditions_that_conditions_need_are_kept_and_others_are_not() -> None:
    made = template(
        Part(
            resources=[ssm.Parameter("P", Type="String", Value="x", Condition="Outer")],
            parameters=[text("A"), text("B")],
            conditions={
                "Outer": {"Fn::Not": [{"Condition": "Inner"}]},
                "Inner": {"Fn::Equals": [{"Ref": "A"}, ""]},
                "Nobody": {"Fn::Equals": [{"Ref": "B"}, ""]},
            },
        )
    )
    assert list(made["Conditions"]) == ["Outer", "Inner"]
    assert set(made["Parameters"]) == {"A"}


def test_the_console_groups_only_what_is_there() -> None:
    made = template(
        Part(resources=[queue(QueueName=Ref("A"))], parameters=[text("A"), text("B")]),
        groups=(Group("First", ("A", "B")), Group("Empty", ("B", "C"))),
    )
    groups = made["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert groups == [{"Label": {"default": "First"}, "Parameters": ["A"]}]
    bare = Part(resources=[ssm.Parameter("P", Type="String", Value="x")])
    assert "Metadata" not in template(bare, groups=(Group("Empty", ("B",)),))


def test_what_takes_tags_gets_ours_and_the_users() -> None:
    made = template(Part(resources=[queue(), sns.Topic("T")]))
    for title in ("Q", "T"):
        assert made["Resources"][title]["Properties"]["Tags"] == [
            {"Key": "managed-by", "Value": "trailbus"},
            {
                "Fn::If": [
                    "HasTag",
                    {"Key": {"Ref": names.TAG_KEY}, "Value": {"Ref": names.TAG_VALUE}},
                    {"Ref": "AWS::NoValue"},
                ]
            },
        ]
    assert set(made["Parameters"]) == {names.TAG_KEY, names.TAG_VALUE}
    assert set(made["Conditions"]) == {"HasTag"}


def test_tags_that_are_a_mapping_hold_ours_alone() -> None:
    made = template(Part(resources=[ssm.Parameter("P", Type="String", Value="x")]))
    assert made["Resources"]["P"]["Properties"]["Tags"] == {"managed-by": "trailbus"}
    assert "Parameters" not in made


def test_what_takes_no_tags_gets_none() -> None:
    made = template(Part(resources=[sqs.QueuePolicy("P", Queues=["q"], PolicyDocument={})]))
    assert "Tags" not in made["Resources"]["P"]["Properties"]


def test_two_resources_of_one_logical_id_are_told() -> None:
    with pytest.raises(Mistake) as caught:
        template(Part(resources=[queue()]), Part(resources=[sns.Topic("Q")]))
    assert str(caught.value) == "A test: holds 'Q' twice; rename a target or a detection"


def test_a_wrong_property_is_never_rendered() -> None:
    with pytest.raises(ValueError, match="PolicyDocument required"):
        template(Part(resources=[sqs.QueuePolicy("P", Queues=["q"])]))


VALUES: list[tuple[str, Any]] = [
    ("a queue", queue(QueueName="q", VisibilityTimeout=5, SqsManagedSseEnabled=True)),
    ("a topic without properties", sns.Topic("T")),
    ("a reference", Ref("X")),
    ("a condition", Not(Equals(Ref("X"), ""))),
    ("nested properties", events.Rule("R", EventPattern={"a": [Ref("X")]}, Targets=[
        events.Target(Id="a", Arn=GetAtt("Q", "Arn"),
                      DeadLetterConfig=events.DeadLetterConfig(Arn=GetAtt("D", "Arn")))])),
    ("a table", dynamodb.Table(
        "T",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[dynamodb.AttributeDefinition(AttributeName="k", AttributeType="S")],
        KeySchema=[dynamodb.KeySchema(AttributeName="k", KeyType="HASH")],
    )),
    ("a role with a policy of awacs", iam.Role("R", AssumeRolePolicyDocument=policies.document(
        policies.trust_service("lambda.amazonaws.com")))),
    ("a parameter", text("P", Default="x", AllowedValues=["x", "y"])),
    ("an output", Output("O", Value=Sub("${AWS::Region}"), Description="d")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), VALUES, ids=[row[0] for row in VALUES])
def test_plain_values_are_those_of_troposphere(name: str, value: Any) -> None:
    made = plain({"x": [value], "y": (1, None, 1.5, "text", True)})
    assert made == {"x": [value.to_dict()], "y": [1, None, 1.5, "text", True]}, name


def test_plain_values_are_validated() -> None:
    with pytest.raises(ValueError, match="PolicyDocument required"):
        plain(sqs.QueuePolicy("P", Queues=["q"]))
