"""What stacks make is there for whoever calls the services through boto3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generator.model import Json
from generator.simulation.edge import Edge, Identity
from generator.simulation.world import World

from ..ask import MANAGEMENT, REGIONS, Asking, policy, queue, resource, role, template

A = MANAGEMENT
R = REGIONS[0]


@pytest.fixture
def boto(world: World) -> Any:
    """A boto3 session of the management account."""
    return Edge({}).session(Identity(A, f"arn:aws:iam::{A}:role/Administrator"), R)


def allow(service: str, action: str) -> dict[str, Json]:
    return policy(
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": "*"}
    )


def test_queues(ask: Asking, boto: Any) -> None:
    sqs = boto.client("sqs")
    letters = queue(
        "dead",
        MessageRetentionPeriod=1_209_600,
        RedriveAllowPolicy={"redrivePermission": "denyAll"},
    )
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": "5"}
    body = {
        "Dead": letters,
        "Q": queue("q", VisibilityTimeout="90", SqsManagedSseEnabled="true", RedrivePolicy=redrive),
        "P": resource(
            "SQS::QueuePolicy",
            Queues=[{"Ref": "Q"}],
            PolicyDocument=allow("sns.amazonaws.com", "sqs:SendMessage"),
        ),
    }
    ask.create(template(body))
    url = sqs.get_queue_url(QueueName="q")["QueueUrl"]

    def attributes() -> dict[str, str]:
        found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
            "Attributes"
        ]
        return found

    found = attributes()
    assert found["VisibilityTimeout"] == "90"
    assert json.loads(found["RedrivePolicy"])["maxReceiveCount"] == 5
    assert "sns.amazonaws.com" in found["Policy"]
    # An update of the queue leaves its policy.
    body["Q"] = queue("q", DelaySeconds=3)
    ask.update(template(body))
    found = attributes()
    assert (found["VisibilityTimeout"], found["DelaySeconds"]) == ("30", "3")
    assert "RedrivePolicy" not in found
    assert "sns.amazonaws.com" in found["Policy"]
    del body["P"]
    ask.update(template(body))
    assert "Policy" not in attributes()


def test_a_queue_policy_has_its_limit(ask: Asking) -> None:
    long = allow("sns.amazonaws.com", "x" * 8192)
    ask.create(
        template(
            {
                "Q": queue("q"),
                "P": resource("SQS::QueuePolicy", Queues=[{"Ref": "Q"}], PolicyDocument=long),
            }
        )
    )
    assert "at most 8192" in ask.reasons()["P"]


def test_topics(ask: Asking, boto: Any) -> None:
    sns, sqs = boto.client("sns"), boto.client("sqs")
    body = {
        "T": resource("SNS::Topic", TopicName="news", DisplayName="News", KmsMasterKeyId="alias/x"),
        "P": resource(
            "SNS::TopicPolicy",
            Topics=[{"Ref": "T"}],
            PolicyDocument=allow("events.amazonaws.com", "sns:Publish"),
        ),
        "Q": queue("q"),
        "S": resource(
            "SNS::Subscription",
            TopicArn={"Ref": "T"},
            Protocol="sqs",
            Endpoint={"Fn::GetAtt": ["Q", "Arn"]},
            RawMessageDelivery="true",
            RedrivePolicy={"deadLetterTargetArn": {"Fn::GetAtt": ["Q", "Arn"]}},
        ),
    }
    ask.create(template(body))
    arn = f"arn:aws:sns:{R}:{A}:news"
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert attributes["DisplayName"] == "News"
    assert "events.amazonaws.com" in attributes["Policy"]
    sns.publish(TopicArn=arn, Message="hello")
    url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"
    del body["P"], body["S"]
    ask.update(template(body))
    assert sns.list_subscriptions()["Subscriptions"] == []
    policy_ = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    assert policy_["Id"] == "__default_policy_ID"


def test_roles(ask: Asking, boto: Any) -> None:
    iam = boto.client("iam")
    inline = [
        {
            "PolicyName": "may",
            "PolicyDocument": policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
        }
    ]
    boundary = f"arn:aws:iam::{A}:policy/boundary"
    body = {
        "B": resource(
            "IAM::ManagedPolicy",
            ManagedPolicyName="boundary",
            PolicyDocument=policy({"Effect": "Allow", "Action": "*", "Resource": "*"}),
        ),
        "R": role(
            "r",
            Path="/a/",
            Policies=inline,
            PermissionsBoundary={"Ref": "B"},
            ManagedPolicyArns=[{"Ref": "B"}, "arn:aws:iam::aws:policy/ReadOnlyAccess"],
            Tags=[{"Key": "k", "Value": "v"}],
        ),
    }
    stack = ask.create(template(body))
    assert stack["StackStatus"] == "CREATE_COMPLETE", ask.reasons()
    found = iam.get_role(RoleName="r")["Role"]
    assert found["Arn"] == f"arn:aws:iam::{A}:role/a/r"
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert found["Tags"] == [{"Key": "k", "Value": "v"}]
    assert iam.list_role_policies(RoleName="r")["PolicyNames"] == ["may"]
    attached = iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"]
    assert {each["PolicyName"] for each in attached} == {"boundary", "ReadOnlyAccess"}
    body["R"] = role("r", "lambda.amazonaws.com", Path="/a/")
    ask.update(template(body))
    document = iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]
    assert document["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert iam.list_role_policies(RoleName="r")["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"] == []
    # Policies of somebody else stand in the way of its deletion.
    foreign = policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    iam.put_role_policy(RoleName="r", PolicyName="foreign", PolicyDocument=json.dumps(foreign))
    assert ask.delete()["StackStatus"] == "DELETE_FAILED"
    iam.delete_role_policy(RoleName="r", PolicyName="foreign")
    assert ask.delete()["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (role("x" * 65), "at most 64 characters"),
        (role("a b"), "at most 64 characters"),
        (role("a", Path="nope"), "path is invalid"),
        (role("a", ManagedPolicyArns=["arn:aws:iam::aws:policy/Nope"]), "does not exist"),
        (
            role("a", Policies=[{"PolicyName": "p", "PolicyDocument": {"x": "y" * 10_240}}]),
            "Maximum policy size of 10240",
        ),
        (
            resource("IAM::Role", AssumeRolePolicyDocument={"x": "y" * 2048}),
            "Maximum policy size of 2048",
        ),
    ],
)
def test_roles_that_are_refused(ask: Asking, made: dict[str, Json], said: str) -> None:
    ask.create(template({"R": made}))
    assert said in ask.reasons()["R"]


def test_tables(ask: Asking, boto: Any) -> None:
    table = resource(
        "DynamoDB::Table",
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        TimeToLiveSpecification={"AttributeName": "expires", "Enabled": True},
        SSESpecification={"SSEEnabled": True},
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    assert ask.create(template({"T": table}))["StackStatus"] == "CREATE_COMPLETE", ask.reasons()
    dynamodb = boto.client("dynamodb")
    dynamodb.put_item(TableName="t", Item={"key": {"S": "a"}})
    assert dynamodb.get_item(TableName="t", Key={"key": {"S": "a"}})["Item"]
    expiry = dynamodb.describe_time_to_live(TableName="t")["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    backups = dynamodb.describe_continuous_backups(TableName="t")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_parameters(ask: Asking, boto: Any) -> None:
    def switch(value: str) -> str:
        return template(
            {
                "S": resource(
                    "SSM::Parameter",
                    Name="/a/b",
                    Type="String",
                    Value=value,
                    AllowedPattern="^(on|off)$",
                    Tags={"k": "v"},
                )
            }
        )

    ask.create(switch("on"))
    ssm = boto.client("ssm")
    assert ssm.get_parameter(Name="/a/b")["Parameter"]["Value"] == "on"
    ask.update(switch("off"))
    assert ssm.get_parameter(Name="/a/b")["Parameter"]["Value"] == "off"
    ask.update(switch("perhaps"))
    assert "cannot be validated against allowedPattern" in ask.reasons()["S"]
    assert ssm.get_parameter(Name="/a/b")["Parameter"]["Value"] == "off"


def test_buckets(ask: Asking, boto: Any) -> None:
    s3, sqs = boto.client("s3"), boto.client("sqs")
    notify = {
        "QueueConfigurations": [
            {
                "Event": "s3:ObjectCreated:*",
                "Queue": {"Fn::GetAtt": ["Q", "Arn"]},
                "Filter": {"S3Key": {"Rules": [{"Name": "suffix", "Value": ".gz"}]}},
            }
        ]
    }
    body = {
        "Q": queue("q"),
        "QP": resource(
            "SQS::QueuePolicy",
            Queues=[{"Ref": "Q"}],
            PolicyDocument=allow("s3.amazonaws.com", "sqs:SendMessage"),
        ),
        "B": resource(
            "S3::Bucket",
            after="QP",
            BucketName="logs-1",
            NotificationConfiguration=notify,
            VersioningConfiguration={"Status": "Enabled"},
            BucketEncryption={
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
                ]
            },
        ),
        "BP": resource(
            "S3::BucketPolicy",
            Bucket={"Ref": "B"},
            PolicyDocument=allow("cloudtrail.amazonaws.com", "s3:PutObject"),
        ),
    }
    assert ask.create(template(body))["StackStatus"] == "CREATE_COMPLETE", ask.reasons()
    block = s3.get_public_access_block(Bucket="logs-1")["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    assert "cloudtrail" in s3.get_bucket_policy(Bucket="logs-1")["Policy"]
    assert s3.get_bucket_versioning(Bucket="logs-1")["Status"] == "Enabled"
    rules = s3.get_bucket_encryption(Bucket="logs-1")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    s3.put_object(Bucket="logs-1", Key="a.gz", Body=b"x")
    s3.put_object(Bucket="logs-1", Key="a.txt", Body=b"x")
    url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [m for m in messages if "a.gz" in m["Body"]]
    assert not [m for m in messages if "a.txt" in m["Body"]]
    del body["QP"]
    body["B"] = {**body["B"], "DependsOn": []}
    # Without the permission, S3 does not take the destination.
    other = json.loads(template(body).replace("logs-1", "logs-2").replace('"q"', '"q2"'))
    ask.create(json.dumps(other), name="other")
    assert "Unable to validate the following destination" in ask.reasons("other")["B"]


def test_secrets(ask: Asking, boto: Any) -> None:
    generated = {"SecretStringTemplate": '{"user": "a"}', "GenerateStringKey": "password"}
    ask.create(
        template(
            {"S": resource("SecretsManager::Secret", Name="s", GenerateSecretString=generated)}
        )
    )
    value = boto.client("secretsmanager").get_secret_value(SecretId="s")["SecretString"]
    assert json.loads(value)["user"] == "a"
    assert len(json.loads(value)["password"]) == 32


def test_trails(ask: Asking, boto: Any, world: World) -> None:
    def trail(**more: Json) -> str:
        return template(
            {
                "B": resource("S3::Bucket", BucketName="logs-1"),
                "P": resource(
                    "S3::BucketPolicy",
                    Bucket={"Ref": "B"},
                    PolicyDocument=allow("cloudtrail.amazonaws.com", "s3:PutObject"),
                ),
                "T": resource(
                    "CloudTrail::Trail",
                    after="P",
                    TrailName="trail",
                    S3BucketName={"Ref": "B"},
                    IsMultiRegionTrail=True,
                    **more,
                ),
            }
        )

    cloudtrail = boto.client("cloudtrail")
    ask.create(trail(IsLogging=True))
    assert cloudtrail.get_trail_status(Name="trail")["IsLogging"] is True
    ask.update(trail(IsLogging=False))
    assert cloudtrail.get_trail_status(Name="trail")["IsLogging"] is False
    ask.update(trail(IsLogging=True, IsOrganizationTrail=True))
    assert "no trusted access" in ask.reasons()["T"]
    world.organization.trusted.add("cloudtrail.amazonaws.com")
    ask.update(trail(IsLogging=True, IsOrganizationTrail=True))
    assert cloudtrail.get_trail(Name="trail")["Trail"]["IsOrganizationTrail"] is True


def test_a_trail_needs_a_bucket_that_lets_it_in(ask: Asking) -> None:
    ask.create(
        template(
            {
                "B": resource("S3::Bucket", BucketName="logs-1"),
                "T": resource(
                    "CloudTrail::Trail",
                    TrailName="trail",
                    S3BucketName={"Ref": "B"},
                    IsLogging=True,
                ),
            }
        )
    )
    assert "Incorrect S3 bucket policy" in ask.reasons()["T"]


OTHERS: list[tuple[str, dict[str, Json], str]] = [
    ("a retention that is none", resource("Logs::LogGroup", RetentionInDays=2), "no retention"),
    ("a dashboard that is no JSON", resource("CloudWatch::Dashboard", DashboardBody="{"), "JSON"),
    (
        "an endpoint without TLS",
        resource(
            "Events::ApiDestination",
            ConnectionArn="a",
            HttpMethod="POST",
            InvocationEndpoint="http://example.com",
        ),
        "https://",
    ),
    (
        "an alias of AWS",
        resource("KMS::Alias", AliasName="alias/aws/x", TargetKeyId="x"),
        "not alias/aws/",
    ),
    (
        "a secure parameter",
        resource("SSM::Parameter", Name="a", Type="SecureString", Value="x"),
        "SecureString",
    ),
    (
        "a provisioned table without throughput",
        resource("DynamoDB::Table", KeySchema=[]),
        "ReadCapacityUnits",
    ),
    ("a strange bucket", resource("S3::Bucket", BucketName="A_b"), "not valid"),
    (
        "a policy for a bucket that is not there",
        resource("S3::BucketPolicy", Bucket="nobody", PolicyDocument=policy()),
        "does not exist",
    ),
    (
        "a policy for a queue that is not there",
        resource("SQS::QueuePolicy", Queues=["x/nobody"], PolicyDocument=policy()),
        "does not exist",
    ),
    (
        "a machine without a role",
        resource("StepFunctions::StateMachine", RoleArn="arn:x", DefinitionString="{}"),
        "authorized to assume",
    ),
    (
        "a permission for nobody",
        resource("Lambda::Permission", FunctionName="x", Action="a", Principal="p"),
        "Function not found",
    ),
]


@pytest.mark.parametrize(("made", "said"), [o[1:] for o in OTHERS], ids=[o[0] for o in OTHERS])
def test_other_things_that_are_refused(ask: Asking, made: dict[str, Json], said: str) -> None:
    ask.create(template({"It": made}))
    assert said in ask.reasons()["It"]
