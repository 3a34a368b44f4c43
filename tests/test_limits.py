"""Each limit of AWS is silent where it is met, and told where it is broken by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from generator import config, limits, names
from generator.model import Json, Mistake
from generator.render import render

Template = dict[str, Any]


def resources(**each: Template) -> Template:
    return {
        "Resources": {title: {"Properties": {}, **resource} for title, resource in each.items()}
    }


def of(kind: str, **properties: Json) -> Template:
    return resources(It={"Type": kind, "Properties": properties})


def numbered(section: str) -> Callable[[int], Template]:
    def template(count: int) -> Template:
        entries = {f"X{number}": {"Type": "AWS::SNS::Topic"} for number in range(count)}
        return {"Resources": {}, section: entries}

    return template


def rule(bus: Json = None, **properties: Json) -> Template:
    given = {"EventPattern": {"source": ["aws.s3"]}, **properties}
    if bus:
        given["EventBusName"] = bus
    return {"Type": "AWS::Events::Rule", "Properties": given}


def rules(count: int, **properties: Json) -> Template:
    return resources(**{f"R{number}": rule(**properties) for number in range(count)})


def pattern(length: int) -> Template:
    empty = len(json.dumps({"source": [""]}, separators=(",", ":")))
    return resources(It=rule(EventPattern={"source": ["x" * (length - empty)]}))


def pattern_with_account(length: int) -> Template:
    # The account id counts with its twelve digits, not as the reference that stands for it.
    known = len(json.dumps({"account": ["000000000000"], "source": [""]}, separators=(",", ":")))
    account = [{"Ref": "AWS::AccountId"}]
    return resources(It=rule(EventPattern={"account": account, "source": ["x" * (length - known)]}))


def target(**more: Json) -> Json:
    return {"Id": "slack", "Arn": "arn", **more}


def sized(length: int, empty: Json = "") -> Json:
    """A statement of that length, written as JSON without spaces."""
    frame = {"Sid": "", "Resource": empty}
    known = len(json.dumps(frame, separators=(",", ":")))
    return {**frame, "Sid": "x" * (length - known)}


def in_longest_words(length: int) -> Json:
    # Written short in the template, long where it is deployed.
    written = {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:q"}
    deployed = "arn:aws-us-gov:sqs:ap-southeast-99:000000000000:q"
    return {**sized(length, deployed), "Resource": written}


NAMES: list[tuple[str, str, int]] = [
    ("AWS::Events::Rule", "Name", 64),
    ("AWS::IAM::Role", "RoleName", 64),
    ("AWS::SQS::Queue", "QueueName", 80),
    ("AWS::Lambda::Function", "FunctionName", 64),
    ("AWS::SNS::Topic", "TopicName", 256),
    ("AWS::Events::Archive", "ArchiveName", 48),
    ("AWS::KinesisFirehose::DeliveryStream", "DeliveryStreamName", 64),
    ("AWS::Kinesis::Stream", "Name", 128),
]


def named(kind: str, key: str) -> Callable[[int], Template]:
    extra: Template = {"EventPattern": {}} if kind == "AWS::Events::Rule" else {}
    return lambda length: of(kind, **{key: "x" * length, **extra})


# What is limited, a template that has just so much of it, how much AWS allows (written down here
# once more, from its pages), and how the fault begins.
LIMITS: list[tuple[str, Callable[[int], Template], int, str]] = [
    ("resources", lambda n: {"Resources": numbered("Resources")(n)["Resources"]}, 500,
     "file.yaml: resources: 501, at most 500"),
    ("parameters", numbered("Parameters"), 200, "file.yaml: parameters: 201, at most 200"),
    ("outputs", numbered("Outputs"), 200, "file.yaml: outputs: 201, at most 200"),
    ("a pattern", pattern, 2048, "file.yaml: It: characters: 2,049, at most 2,048"),
    ("a pattern with the account", pattern_with_account, 2048,
     "file.yaml: It: characters: 2,049, at most 2,048"),
    ("rules on the default bus", lambda n: rules(n), 300,
     'file.yaml: rules on the bus "default": 301, at most 300'),
    ("rules on a bus", lambda n: rules(n, bus={"Ref": "Bus"}), 300,
     'file.yaml: rules on the bus {"Ref": "Bus"}: 301, at most 300'),
    ("rules with wildcards", lambda n: rules(n, EventPattern={"a": [{"wildcard": "x*"}]}), 30,
     'file.yaml: rules with wildcards on the bus "default": 31, at most 30'),
    ("targets of a rule", lambda n: resources(It=rule(Targets=[target()] * n)), 5,
     "file.yaml: It: targets: 6, at most 5"),
    ("what a rule sends", lambda n: resources(It=rule(Targets=[
        target(), target(InputTransformer={"InputTemplate": "x" * n})])), 8192,
     "file.yaml: It, target slack: characters of input: 8,193, at most 8,192"),
    ("what a rule sends where it is longest", lambda n: resources(It=rule(Targets=[
        target(InputTransformer={"InputTemplate": {"Fn::Join": ["", ["x" * 10, {"Fn::If": [
            "A", "y", {"Fn::If": ["B", "x" * (n - 30), "z"]}]}, "x" * 20]]}})])), 8192,
     "file.yaml: It, target slack: characters of input: 8,193, at most 8,192"),
    ("variables of what a rule sends", lambda n: resources(It=rule(Targets=[
        target(InputTransformer={"InputPathsMap": dict.fromkeys(map(str, range(n)), "$.a"),
                                 "InputTemplate": "x"})])), 100,
     "file.yaml: It, target slack: variables of input: 101, at most 100"),
    ("a policy of log groups", lambda n: of("AWS::Logs::ResourcePolicy", PolicyDocument={
        "Fn::Sub": "${AWS::Partition}" + "x" * (n - len("aws-us-gov"))}), 5120,
     "file.yaml: It: characters of policy: 5,121, at most 5,120"),
    ("what a rule sends where some Regions have no such target",
     lambda n: resources(It=rule(Targets=[
         {"Fn::If": ["Here", target(InputTransformer={"InputTemplate": "x" * n}),
                     {"Ref": "AWS::NoValue"}]}])), 8192,
     "file.yaml: It, target slack: characters of input: 8,193, at most 8,192"),
    ("a state machine", lambda n: of(
        "AWS::StepFunctions::StateMachine", DefinitionString="x" * n), 1_048_576,
     "file.yaml: It: bytes of definition: 1,048,577, at most 1,048,576"),
    ("a state machine with holes", lambda n: of(
        "AWS::StepFunctions::StateMachine",
        DefinitionString={"Fn::Sub": ["x" * n, {}]}), 1_048_576,
     "file.yaml: It: bytes of definition: 1,048,577, at most 1,048,576"),
    ("a queue policy", lambda n: of("AWS::SQS::QueuePolicy", PolicyDocument=sized(n)), 8192,
     "file.yaml: It: bytes of policy: 8,193, at most 8,192"),
    ("a queue policy where it is longest", lambda n: of(
        "AWS::SQS::QueuePolicy", PolicyDocument=in_longest_words(n)), 8192,
     "file.yaml: It: bytes of policy: 8,193, at most 8,192"),
    ("a bus policy", lambda n: of("AWS::Events::EventBusPolicy", Statement=sized(n)), 10240,
     "file.yaml: It: bytes: 10,241, at most 10,240"),
    ("the policies of a role", lambda n: of("AWS::IAM::Role", Policies=[
        {"PolicyDocument": sized(240)}, {"PolicyDocument": sized(n - 240)}]), 10240,
     "file.yaml: It: characters of inline policies: 10,241, at most 10,240"),
    ("whom a role trusts", lambda n: of("AWS::IAM::Role", AssumeRolePolicyDocument=sized(n)), 2048,
     "file.yaml: It: characters of trust policy: 2,049, at most 2,048"),
    ("the variables of a function", lambda n: of("AWS::Lambda::Function", Environment={
        "Variables": {"SOME": "x" * 92, "MORE": "ß" * ((n - 100) // 2) + "x" * (n % 2)}}), 4096,
     "file.yaml: It: bytes of variables: 4,097, at most 4,096"),
    *((f"the name of {kind}", named(kind, key), most,
       f"file.yaml: It: characters of {key}: {most + 1}, at most {most}")
      for kind, key, most in NAMES),
]  # fmt: skip


def said(template: Template, text: str = "", name: str = "file.yaml") -> list[str]:
    return [str(problem) for problem in limits.problems(name, text, template)]


@pytest.mark.parametrize(("name", "build", "most", "fault"), LIMITS, ids=[r[0] for r in LIMITS])
def test_a_limit_is_silent_where_it_is_met_and_told_where_it_is_broken(
    name: str, build: Callable[[int], Template], most: int, fault: str
) -> None:
    assert said(build(most)) == [], name
    (line,) = said(build(most + 1))
    assert line.startswith(f"{fault} are allowed; see https://docs.aws.amazon.com/"), name


@pytest.mark.parametrize(
    ("file", "most"),
    [
        (names.CENTRAL, 1_000_000),
        (names.MEMBER_ROLES, 51_200),  # these two travel inside a request
        (names.MEMBER_RULES, 51_200),
    ],
)
def test_a_template_is_counted_in_bytes(file: str, most: int) -> None:
    nothing: Template = {"Resources": {}}
    assert said(nothing, "ß" * (most // 2), file) == []
    (line,) = said(nothing, "ß" * (most // 2) + "x", file)
    assert line.startswith(f"{file}: bytes: {most + 1:,}, at most {most:,} are allowed; see https:")


def test_rules_of_two_buses_are_counted_apart() -> None:
    other = {f"S{number}": rule({"Ref": "Bus"}) for number in range(250)}
    assert said({"Resources": {**rules(250)["Resources"], **other}}) == []


def test_every_limit_that_is_broken_is_told() -> None:
    long = rule(Name="x" * 65, EventPattern={"a": ["x" * 2048]}, Targets=[target()] * 6)
    assert len(said(resources(One=long, Other=long))) == 6


def test_what_breaks_a_limit_is_not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = config.load().shape
    assert render(shape)
    monkeypatch.setattr(limits, "RULES", 3)
    monkeypatch.setattr(limits, "STACK_SET_BODY", 1_000)
    with pytest.raises(Mistake) as caught:
        render(shape)
    places = [problem.place for problem in caught.value.problems]
    assert set(places) == {names.CENTRAL, names.MEMBER_ROLES, names.MEMBER_RULES}
