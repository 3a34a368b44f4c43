"""What Ref and Fn::GetAtt give for each type, as its page in the template reference says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from generator.model import Json
from generator.simulation.cloudformation.providers import kind
from generator.simulation.world import World

from ..ask import MANAGEMENT, REGIONS, Asking, bus, policy, queue, resource, role, rule, template

A = MANAGEMENT
R = REGIONS[0]
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
URL = f"https://sqs.{R}.amazonaws.com/{A}/letters"
TOPIC = f"arn:aws:sns:{R}:{A}:news"
NONE = policy()
ALLOW = policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
ROLE_ARN = {"Fn::GetAtt": ["Role", "Arn"]}
FUNCTION = resource(
    "Lambda::Function",
    FunctionName="f",
    Role=ROLE_ARN,
    Handler="index.h",
    Runtime="python3.13",
    Code={"ZipFile": "x"},
)
TRAIL_POLICY = policy(
    {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "*",
    }
)
BUCKET = {
    "Bucket": resource("S3::Bucket", BucketName="logs-1"),
    "BucketPolicy": resource(
        "S3::BucketPolicy", Bucket={"Ref": "Bucket"}, PolicyDocument=TRAIL_POLICY
    ),
}

CASES: list[tuple[str, dict[str, Json], dict[str, Json], str, dict[str, str]]] = [
    (
        "Events::EventBus",
        bus(),
        {},
        "hub",
        {"Arn": f"arn:aws:events:{R}:{A}:event-bus/hub", "Name": "hub"},
    ),
    (
        "Events::EventBusPolicy",
        resource(
            "Events::EventBusPolicy",
            EventBusName={"Ref": "Bus"},
            StatementId="all",
            Statement={"Effect": "Allow"},
        ),
        {"Bus": bus()},
        r"hub\|all",
        {},
    ),
    (
        "Events::Rule",
        rule("r"),
        {},
        "r",
        {"Arn": f"arn:aws:events:{R}:{A}:rule/r", "RuleName": "r"},
    ),
    (
        "Events::Rule on a custom bus",
        rule("r", EventBusName={"Ref": "Bus"}),
        {"Bus": bus()},
        r"hub\|r",
        {"Arn": f"arn:aws:events:{R}:{A}:rule/hub/r"},
    ),
    (
        "Events::Archive",
        resource("Events::Archive", ArchiveName="a", SourceArn="arn:x"),
        {},
        "a",
        {"Arn": f"arn:aws:events:{R}:{A}:archive/a", "ArchiveName": "a"},
    ),
    (
        "Events::Connection",
        resource(
            "Events::Connection",
            Name="c",
            AuthorizationType="API_KEY",
            AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "v"}},
        ),
        {},
        "c",
        {
            "Arn": f"arn:aws:events:{R}:{A}:connection/c/{UUID}",
            "ArnForPolicy": f"arn:aws:events:{R}:{A}:connection/c",
            "SecretArn": f"arn:aws:secretsmanager:{R}:{A}:secret:events!connection/c/{UUID}-.+",
        },
    ),
    (
        "Events::ApiDestination",
        resource(
            "Events::ApiDestination",
            Name="d",
            HttpMethod="POST",
            ConnectionArn="arn:x",
            InvocationEndpoint="https://example.com",
        ),
        {},
        "d",
        {
            "Arn": f"arn:aws:events:{R}:{A}:api-destination/d/{UUID}",
            "ArnForPolicy": f"arn:aws:events:{R}:{A}:api-destination/d",
        },
    ),
    (
        "SQS::Queue",
        queue(),
        {},
        URL,
        {"Arn": f"arn:aws:sqs:{R}:{A}:letters", "QueueName": "letters", "QueueUrl": URL},
    ),
    (
        "SQS::QueuePolicy",
        resource("SQS::QueuePolicy", Queues=[{"Ref": "Q"}], PolicyDocument=NONE),
        {"Q": queue()},
        "it-It-[0-9A-F]{12}",
        {"Id": "it-It-.+"},
    ),
    (
        "SNS::Topic",
        resource("SNS::Topic", TopicName="news"),
        {},
        TOPIC,
        {"TopicArn": TOPIC, "TopicName": "news"},
    ),
    (
        "SNS::TopicPolicy",
        resource("SNS::TopicPolicy", Topics=[{"Ref": "T"}], PolicyDocument=NONE),
        {"T": resource("SNS::Topic", TopicName="news")},
        "it-It-.+",
        {"Id": "it-It-.+"},
    ),
    (
        "SNS::Subscription",
        resource(
            "SNS::Subscription",
            TopicArn={"Ref": "T"},
            Protocol="sqs",
            Endpoint={"Fn::GetAtt": ["Q", "Arn"]},
        ),
        {"T": resource("SNS::Topic", TopicName="news"), "Q": queue()},
        f"{TOPIC}:{UUID}",
        {"Arn": f"{TOPIC}:{UUID}"},
    ),
    (
        "IAM::Role",
        role("r", Path="/a/"),
        {},
        "r",
        {"Arn": f"arn:aws:iam::{A}:role/a/r", "RoleId": "AROA.+"},
    ),
    (
        "IAM::ManagedPolicy",
        resource("IAM::ManagedPolicy", ManagedPolicyName="p", PolicyDocument=ALLOW),
        {},
        f"arn:aws:iam::{A}:policy/p",
        {"PolicyArn": f"arn:aws:iam::{A}:policy/p"},
    ),
    (
        "IAM::OIDCProvider",
        resource("IAM::OIDCProvider", Url="https://token.example.com", ThumbprintList=["a" * 40]),
        {},
        f"arn:aws:iam::{A}:oidc-provider/token.example.com",
        {"Arn": f"arn:aws:iam::{A}:oidc-provider/token.example.com"},
    ),
    (
        "KMS::Key",
        resource("KMS::Key", KeyPolicy=ALLOW),
        {},
        UUID,
        {"Arn": f"arn:aws:kms:{R}:{A}:key/{UUID}", "KeyId": UUID},
    ),
    ("KMS::Alias", resource("KMS::Alias", AliasName="alias/a", TargetKeyId="x"), {}, "alias/a", {}),
    (
        "CloudWatch::Alarm",
        resource("CloudWatch::Alarm", AlarmName="a", EvaluationPeriods=1, ComparisonOperator="x"),
        {},
        "a",
        {"Arn": f"arn:aws:cloudwatch:{R}:{A}:alarm:a"},
    ),
    (
        "CloudWatch::Dashboard",
        resource("CloudWatch::Dashboard", DashboardName="d", DashboardBody="{}"),
        {},
        "d",
        {},
    ),
    (
        "Lambda::Function",
        FUNCTION,
        {"Role": role("l", "lambda.amazonaws.com")},
        "f",
        {"Arn": f"arn:aws:lambda:{R}:{A}:function:f"},
    ),
    (
        "Lambda::EventSourceMapping",
        resource(
            "Lambda::EventSourceMapping",
            FunctionName={"Ref": "F"},
            EventSourceArn={"Fn::GetAtt": ["Q", "Arn"]},
        ),
        {"F": FUNCTION, "Role": role("l", "lambda.amazonaws.com"), "Q": queue()},
        UUID,
        {
            "Id": UUID,
            "EventSourceMappingArn": f"arn:aws:lambda:{R}:{A}:event-source-mapping:{UUID}",
        },
    ),
    (
        "Lambda::Permission",
        resource(
            "Lambda::Permission",
            FunctionName={"Ref": "F"},
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
        ),
        {"F": FUNCTION, "Role": role("l", "lambda.amazonaws.com")},
        "it-It-.+",
        {"Id": "it-It-.+"},
    ),
    (
        "Logs::LogGroup",
        resource("Logs::LogGroup", LogGroupName="/a", RetentionInDays="365"),
        {},
        "/a",
        {"Arn": f"arn:aws:logs:{R}:{A}:log-group:/a:\\*"},
    ),
    (
        "Logs::ResourcePolicy",
        resource("Logs::ResourcePolicy", PolicyName="p", PolicyDocument="{}"),
        {},
        "p",
        {},
    ),
    (
        "Logs::MetricFilter",
        resource(
            "Logs::MetricFilter",
            FilterName="m",
            LogGroupName="/a",
            FilterPattern="",
            MetricTransformations=[],
        ),
        {},
        "m",
        {},
    ),
    (
        "DynamoDB::Table",
        resource(
            "DynamoDB::Table",
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        ),
        {},
        "t",
        {"Arn": f"arn:aws:dynamodb:{R}:{A}:table/t"},
    ),
    (
        "SSM::Parameter",
        resource("SSM::Parameter", Name="/a/b", Type="String", Value="on"),
        {},
        "/a/b",
        {"Type": "String", "Value": "on", "Arn": f"arn:aws:ssm:{R}:{A}:parameter/a/b"},
    ),
    (
        "S3::Bucket",
        resource("S3::Bucket", BucketName="logs-1"),
        {},
        "logs-1",
        {
            "Arn": "arn:aws:s3:::logs-1",
            "DomainName": "logs-1.s3.amazonaws.com",
            "RegionalDomainName": f"logs-1.s3.{R}.amazonaws.com",
        },
    ),
    ("S3::BucketPolicy", BUCKET["BucketPolicy"], {"Bucket": BUCKET["Bucket"]}, "logs-1", {}),
    (
        "SecretsManager::Secret",
        resource("SecretsManager::Secret", Name="s", SecretString="x"),
        {},
        f"arn:aws:secretsmanager:{R}:{A}:secret:s-.+",
        {"Id": f"arn:aws:secretsmanager:{R}:{A}:secret:s-.+"},
    ),
    (
        "KinesisFirehose::DeliveryStream",
        resource("KinesisFirehose::DeliveryStream", DeliveryStreamName="d"),
        {},
        "d",
        {"Arn": f"arn:aws:firehose:{R}:{A}:deliverystream/d"},
    ),
    (
        "Kinesis::Stream",
        resource("Kinesis::Stream", Name="s"),
        {},
        "s",
        {"Arn": f"arn:aws:kinesis:{R}:{A}:stream/s"},
    ),
    (
        "StepFunctions::StateMachine",
        resource(
            "StepFunctions::StateMachine",
            StateMachineName="m",
            RoleArn=ROLE_ARN,
            DefinitionString="{}",
        ),
        {"Role": role("s", "states.amazonaws.com")},
        f"arn:aws:states:{R}:{A}:stateMachine:m",
        {"Arn": f"arn:aws:states:{R}:{A}:stateMachine:m", "Name": "m"},
    ),
    (
        "Scheduler::Schedule",
        resource(
            "Scheduler::Schedule",
            Name="s",
            FlexibleTimeWindow={"Mode": "OFF"},
            ScheduleExpression="rate(1 day)",
            Target={"Arn": "arn:x", "RoleArn": ROLE_ARN},
        ),
        {"Role": role("s", "scheduler.amazonaws.com")},
        "s",
        {"Arn": f"arn:aws:scheduler:{R}:{A}:schedule/default/s"},
    ),
    (
        "CloudTrail::Trail",
        resource(
            "CloudTrail::Trail",
            after="BucketPolicy",
            TrailName="trail",
            IsLogging=True,
            S3BucketName={"Ref": "Bucket"},
        ),
        BUCKET,
        "trail",
        {"Arn": f"arn:aws:cloudtrail:{R}:{A}:trail/trail"},
    ),
    (
        "CloudFormation::StackSet",
        resource(
            "CloudFormation::StackSet",
            StackSetName="s",
            PermissionModel="SELF_MANAGED",
            TemplateBody=template({"Q": queue()}),
        ),
        {},
        f"s:{UUID}",
        {"StackSetId": f"s:{UUID}"},
    ),
]


@pytest.mark.parametrize(
    ("what", "more", "ref", "attributes"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_ref_and_attributes(
    ask: Asking,
    world: World,
    what: dict[str, Json],
    more: dict[str, Json],
    ref: str,
    attributes: dict[str, str],
) -> None:
    outputs: dict[str, Any] = {"Ref": {"Value": {"Ref": "It"}}}
    for name in attributes:
        outputs[name] = {"Value": {"Fn::GetAtt": ["It", name]}}
    stack = ask.create(template({"It": what, **more}, Outputs=outputs))
    assert stack["StackStatus"] == "CREATE_COMPLETE", ask.reasons()
    given = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    for name, form in {"Ref": ref, **attributes}.items():
        assert re.fullmatch(form, given[name]), (name, given[name])
    # And all of it goes again.
    assert ask.delete()["StackStatus"] == "DELETE_COMPLETE"
    assert list(world.inventory.everywhere()) == []


@pytest.mark.parametrize("what", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_what_must_be_given_is_missed(ask: Asking, what: dict[str, Json]) -> None:
    needs = kind(what["Type"]).needs
    for missing in needs:
        properties = {k: v for k, v in what["Properties"].items() if k != missing}
        cut = {key: value for key, value in what.items() if key != "DependsOn"}
        plain = {
            key: "x" if isinstance(value, (dict, list)) else value
            for key, value in properties.items()
        }
        name = f"without-{missing}"
        ask.create(template({"It": {**cut, "Properties": plain}}), name=name)
        assert f"required key [{missing}] not found" in ask.reasons(name)["It"]
