"""Laws over every template of every shape, with every parameter as it is and away from that."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from generator import catalogue, check, feeding, limits, names, organization, switch
from generator.model import Shape
from generator.options import LOG_DAYS
from generator.patterns import compiled, conjunctions
from generator.simulation.authorization import Caller, identity_policy, resource_policy
from tests import shapes
from tests.shapes import (
    AT_HOME,
    CENTRAL,
    EVENTS,
    IN_MEMBER,
    STRANGER,
    TEMPLATES,
    Place,
    Rendered,
    Resource,
    Stack,
    everything_on,
    identity,
    may,
    may_assume,
    policy_on,
    refused,
    session,
)

READS_TOO = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
TWO_WEEKS = 14 * 86_400


# --- Walking through a template


def inside(value: Any) -> Iterator[Any]:
    """The value and everything in it."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, (dict, list)):
            yield from inside(inner)
        else:
            yield inner


def statements(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every policy statement in it, also in a policy that is written as text."""
    for one in inside(value):
        if isinstance(one, dict) and "Effect" in one:
            yield one
        elif isinstance(one, str) and one.startswith('{"Version":'):
            yield from statements(json.loads(one))


def mentioned(value: Any) -> Iterator[tuple[str, str]]:
    """What it refers to: ("Ref", name), ("GetAtt", name) and ("Condition", name)."""
    for one in inside(value):
        if not isinstance(one, dict) or len(one) != 1:
            continue
        ((function, argument),) = one.items()
        match function:
            case "Ref":
                yield "Ref", argument
            case "Condition" if isinstance(argument, str):
                yield "Condition", argument
            case "Fn::If":
                yield "Condition", argument[0]
            case "Fn::GetAtt":
                yield "GetAtt", argument.split(".")[0] if isinstance(argument, str) else argument[0]
            case "Fn::Sub":
                text, local = argument if isinstance(argument, list) else (argument, {})
                for name in re.findall(r"\$\{([^!}]+)\}", text):
                    if name not in local:
                        yield ("GetAtt" if "." in name else "Ref"), name.split(".")[0]


def without_code(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template less the code in it, which has laws of its own."""
    whole: dict[str, Any] = json.loads(json.dumps(template))
    for resource in whole["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"].pop("Code", None)
    return whole


# --- Laws about one template

PSEUDO = {
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackName",
    "AWS::URLSuffix",
}
SECTIONS = {
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Conditions",
    "Resources",
    "Outputs",
}


def sections_are_known_and_nothing_is_null(name: str, of: Rendered) -> None:
    template = of.templates[name]
    assert set(template) <= SECTIONS
    assert template["AWSTemplateFormatVersion"] == "2010-09-09"
    assert 0 < len(template["Description"]) <= 1024
    assert all(one is not None for one in inside(template))


def no_partition_account_or_region_is_written(name: str, of: Rendered) -> None:
    assert "arn:aws:" not in of.files[name]
    text = json.dumps(without_code(of.templates[name]))
    # A user's detection may name accounts: the invented ones name one.
    assert set(re.findall(r"(?<!\d)\d{12}(?!\d)", text)) <= {"333333333333"}
    assert not re.search(r"\bo-[a-z0-9]{10,32}\b", text.replace("o-a1b2c3d4e5", ""))
    regions = without_code(of.templates[name])
    for section in ("Rules", "Conditions"):  # Regions without a feature are told there
        regions.pop(section, None)
    assert not re.search(
        r"\b(us|eu|ap|sa|ca|me|af|il|mx|cn)(-gov)?-[a-z]+-\d\b", json.dumps(regions)
    )


def every_reference_resolves(name: str, of: Rendered) -> None:
    template = of.templates[name]
    resources, parameters = set(template["Resources"]), set(template.get("Parameters", {}))
    conditions = set(template.get("Conditions", {}))
    targets = {
        "Ref": resources | parameters | PSEUDO,
        "GetAtt": resources,
        "Condition": conditions,
    }
    for kind, what in mentioned(without_code(template)):
        assert what in targets[kind], (kind, what)
    entries = [*template["Resources"].values(), *template.get("Outputs", {}).values()]
    for resource in entries:
        if "Condition" in resource:
            assert resource["Condition"] in conditions
        after = resource.get("DependsOn", [])
        assert set([after] if isinstance(after, str) else after) <= resources
    used = {what for kind, what in mentioned(template) if kind == "Condition"}
    used |= {one["Condition"] for one in entries if "Condition" in one}
    assert conditions == used


def nothing_depends_on_what_may_be_missing(name: str, of: Rendered) -> None:
    """What is made always refers to what is made always, or only where both are made."""
    template = of.templates[name]
    conditional = {
        one: each["Condition"] for one, each in template["Resources"].items() if "Condition" in each
    }
    everybody = {**template["Resources"], **template.get("Outputs", {})}
    for resource in everybody.values():
        body = _outside_of_ifs(resource)
        for kind, what in mentioned(body):
            if kind != "Condition" and what in conditional:
                assert resource.get("Condition") == conditional[what]


def _outside_of_ifs(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _outside_of_ifs(v) for k, v in value.items() if k != "Fn::If"}
    return [_outside_of_ifs(one) for one in value] if isinstance(value, list) else value


def names_in_the_template_are_plain_and_unique(name: str, of: Rendered) -> None:
    template = of.templates[name]
    several = [*template["Resources"], *template.get("Parameters", {})]
    for one in [*several, *template.get("Conditions", {}), *template.get("Outputs", {})]:
        assert re.fullmatch(r"[A-Za-z0-9]{1,255}", one)
    assert len(set(several)) == len(several)


def every_parameter_is_used_described_and_shown(name: str, of: Rendered) -> None:
    template = of.templates[name]
    parameters = template.get("Parameters", {})
    rest = {key: value for key, value in template.items() if key not in ("Parameters", "Metadata")}
    used = {what for kind, what in mentioned(rest) if kind == "Ref"}
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = Counter(one for group in groups for one in group["Parameters"])
    assert shown == Counter(list(parameters))
    assert all(group["Label"]["default"] for group in groups)
    for parameter, said in parameters.items():
        assert parameter in used
        assert 10 < len(said["Description"]) <= 4000
        assert said["Type"] in ("String", "Number", "CommaDelimitedList")
        assert {"Default", "AllowedPattern", "AllowedValues"} & set(said)
        assert "Default" not in said or not refused(said, str(said["Default"]))
        # A pattern alone tells a person in the console nothing.
        assert "AllowedPattern" not in said or "ConstraintDescription" in said


def assertions_about_parameters_are_well_formed(name: str, of: Rendered) -> None:
    template = of.templates[name]
    allowed = {"Fn::And", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"}
    allowed |= {"Fn::Equals", "Fn::Not", "Fn::Or", "Ref"}
    for rule in template.get("Rules", {}).values():
        assert set(rule) <= {"RuleCondition", "Assertions"}
        assert rule["Assertions"]
        for assertion in rule["Assertions"]:
            assert set(assertion) == {"Assert", "AssertDescription"}
            assert len(assertion["AssertDescription"]) > 20
        for one in inside(
            [rule.get("RuleCondition", {}), [a["Assert"] for a in rule["Assertions"]]]
        ):
            if isinstance(one, dict):
                assert set(one) <= allowed
        pseudo = {"AWS::AccountId", "AWS::Partition", "AWS::Region"}
        known = set(template.get("Parameters", {})) | pseudo
        assert {what for _, what in mentioned(rule)} <= known


def every_star_has_its_reason(name: str, of: Rendered) -> None:
    for resource in of.templates[name]["Resources"].values():
        told = resource.get("Metadata", {}).get("Reasons", {})
        stars = {
            statement["Sid"] for statement in statements(resource) if "*" in json.dumps(statement)
        }
        assert stars <= set(told)
        assert all(len(reason) > 10 for reason in told.values())
        # And no reason is left over from a star that went.
        assert set(told) <= stars


def nothing_is_denied_but_plain_transport_and_no_list_turned_around(
    name: str, of: Rendered
) -> None:
    """But for managed policies, which are attached to others: there a responder.yaml may deny.
    And for what bounds the roles that StackSets makes: nothing may reach that, by whatever name."""
    others = [
        one
        for resource in of.templates[name]["Resources"].values()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
        for one in statements(resource)
    ]
    for statement in statements(of.templates[name]):
        theirs = statement in others
        bounds = statement["Sid"] == "TheBoundariesStay"
        if statement["Effect"] == "Deny" and not theirs and not bounds:
            assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            assert (statement["Action"], statement["Principal"]) == (["s3:*"], "*")
            continue
        assert statement["Effect"] == "Allow" or theirs or bounds
        allowed = {"NotAction"} if theirs and statement["Effect"] == "Deny" else set()
        assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement) - allowed
        assert re.fullmatch(r"[A-Za-z0-9]+", statement["Sid"])
        actions = statement.get("Action") or statement["NotAction"]
        for action in [actions] if isinstance(actions, str) else actions:
            assert action in ("kms:*", "cloudformation:*") or re.fullmatch(
                r"[a-z0-9-]+:[A-Za-z]+\*?", action
            )


def limits_of_aws_are_kept(name: str, of: Rendered) -> None:
    assert limits.problems(name, of.files[name], of.templates[name]) == []
    if name in shapes.MEMBERS:
        assert len(of.files[name].encode()) <= 51_200
    for resource in of.templates[name]["Resources"].values():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Events::Rule":
                pattern = _with_account(properties.get("EventPattern"))
                assert len(json.dumps(pattern, separators=(",", ":"))) <= 2048
                assert 1 <= len(properties["Targets"]) <= 5
                assert len(properties.get("Description", "")) <= 512
                assert re.fullmatch(r"[.\-_A-Za-z0-9]{1,64}", properties["Name"])
            case "AWS::IAM::Role":
                assert re.fullmatch(r"[\w+=,.@-]{1,64}", properties["RoleName"])
                assert re.fullmatch(
                    r"[\t\n\r\x20-\x7e\xa1-\xff]{1,1000}", properties["Description"]
                )
            case "AWS::SQS::Queue":
                assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", properties["QueueName"])
                assert 60 <= properties["MessageRetentionPeriod"] <= TWO_WEEKS
                assert 0 <= properties.get("VisibilityTimeout", 30) <= 43_200
            case "AWS::SNS::Topic":
                assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", properties["TopicName"])
            case "AWS::Lambda::Function":
                assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", properties["FunctionName"])
                assert len(properties["Description"]) <= 256
            case "AWS::CloudFormation::StackSet":
                assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9-]{0,127}", properties["StackSetName"])
                assert len(properties["TemplateBody"].encode()) <= 51_200
                assert len(properties["Description"]) <= 1024
            case "AWS::KinesisFirehose::DeliveryStream":
                assert re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", properties["DeliveryStreamName"])
            case "AWS::Kinesis::Stream":
                assert re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", properties["Name"])
                assert 24 <= properties["RetentionPeriodHours"] <= 8760
            case "AWS::Logs::LogGroup" if isinstance(properties["RetentionInDays"], int):
                assert properties["RetentionInDays"] in LOG_DAYS
            case "AWS::Logs::ResourcePolicy":
                assert len(json.dumps(properties["PolicyDocument"])) <= 4_000  # 5,120, resolved
            case "AWS::CloudWatch::Alarm":
                assert 1 <= len(properties["AlarmName"]) <= 255
                assert len(properties["AlarmDescription"]) <= 1024


def _with_account(pattern: Any) -> Any:
    text = json.dumps(pattern).replace('{"Ref": "AWS::AccountId"}', '"000000000000"')
    return json.loads(text)


def what_holds_data_is_kept(name: str, of: Rendered) -> None:
    """Queues, logs, buckets and archives of one place outlive their stack, if it ever came to be.

    Everything else that could hold data says, too, what becomes of it.
    """
    for resource in of.templates[name]["Resources"].values():
        if resource["Type"] in HOLDS_DATA:
            kept = resource["DeletionPolicy"], resource["UpdateReplacePolicy"]
            lasting = name in (names.CENTRAL, names.INTAKE)
            if lasting and resource["Type"] != "AWS::DynamoDB::Table":
                assert kept == ("RetainExceptOnCreate", "Retain")
            else:
                assert kept == ("Delete", "Delete")


HOLDS_DATA = (
    "AWS::DynamoDB::Table",
    "AWS::Events::Archive",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
)


TEMPLATE_LAWS = (
    sections_are_known_and_nothing_is_null,
    no_partition_account_or_region_is_written,
    every_reference_resolves,
    nothing_depends_on_what_may_be_missing,
    names_in_the_template_are_plain_and_unique,
    every_parameter_is_used_described_and_shown,
    assertions_about_parameters_are_well_formed,
    every_star_has_its_reason,
    nothing_is_denied_but_plain_transport_and_no_list_turned_around,
    limits_of_aws_are_kept,
    what_holds_data_is_kept,
)


# --- Laws about a stack


def arns_are_of_the_partition(stack: Stack, of: Rendered) -> None:
    # What a detection asks for is data: its patterns and the words of a notice. Embedded
    # templates are held to the laws by themselves.
    said = [
        {
            k: v
            for k, v in one.properties.items()
            if k not in ("Code", "Description", "EventPattern", "TemplateBody")
        }
        for one in stack.resources.values()
    ]
    text = json.dumps([said, stack.outputs])
    given = json.dumps([*stack.parameters.values()])
    found = {arn for arn in re.findall(r"arn:[^\s\"\\]*", text) if arn not in given}
    assert {arn.split(":")[1] for arn in found} <= {stack.at.partition}


NAMES_SOMETHING_ELSE = (
    "EventBusName",
    "ExecutionRoleName",
    "FunctionName",
    "LogStreamName",
    "MetricName",
)


def every_physical_name_is_ours_and_given_once(stack: Stack, of: Rendered) -> None:
    theirs = {
        target.options.get(option)
        for target in of.shape.targets
        for option in ("queue_name", "topic_name")
    } - {None, ""}
    theirs |= {names.dead_letter_queue(str(one)) for one in theirs}
    taken: Counter[tuple[str, str]] = Counter()
    for resource in stack.resources.values():
        for key, value in resource.properties.items():
            if key.endswith("Name") and key not in NAMES_SOMETHING_ELSE:
                kind = resource.type
                # A filter names the log group that it reads, which several may do.
                taken[kind, value] += (kind, key) != ("AWS::Logs::MetricFilter", "LogGroupName")
                bare = re.sub(r"^(alias/|/aws/[a-z-]+/|/)", "", value)
                starts = bare == of.prefix or bare.startswith((f"{of.prefix}-", f"{of.prefix}/"))
                assert starts or value in theirs, (kind, value)
    assert max(taken.values(), default=1) == 1


def roles_lie_under_the_path_and_behind_the_boundary(stack: Stack, of: Rendered) -> None:
    for role in stack.of("AWS::IAM::Role"):
        # StackSets looks for its execution role by a name that has no room for a path.
        found_by_name = role["RoleName"] == names.execution_role(of.prefix)
        assert role["Path"] == ("/" if found_by_name else stack.parameters[names.ROLE_PATH])
        assert role.properties.get("PermissionsBoundary", "") == shapes.boundary_given(stack)
        assert "ManagedPolicyArns" not in role.properties


def tags_are_ours_and_the_users(stack: Stack, of: Rendered) -> None:
    key, value = stack.parameters[names.TAG_KEY], stack.parameters[names.TAG_VALUE]
    own = {"Key": "managed-by", "Value": "trailbus"}
    for resource in stack.of(*TAGGED):
        tags = resource["Tags"]
        assert tags == ([own, {"Key": key, "Value": value}] if key else [own])


TAGGED = (
    "AWS::CloudFormation::StackSet",
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::KinesisFirehose::DeliveryStream",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::StepFunctions::StateMachine",
)


def every_policy_can_be_read(stack: Stack, of: Rendered) -> None:
    """The engine refuses what it does not understand, which AWS might refuse as well."""
    for resource in stack.resources.values():
        policy_on(stack, resource)
        identity(resource)
        if resource.type == "AWS::IAM::Role":
            may_assume(Caller.anonymous(), resource)


def queues_are_encrypted_so_that_services_can_write(stack: Stack, of: Rendered) -> None:
    """With the key that SQS manages; or with a key of ours that lets EventBridge in."""
    for queue in stack.of("AWS::SQS::Queue"):
        key = queue.properties.get("KmsMasterKeyId")
        if key is None:
            assert queue["SqsManagedSseEnabled"] is True
        else:
            _key_lets_in(stack, key, "events.amazonaws.com")


def topics_are_encrypted_so_that_services_can_publish(stack: Stack, of: Rendered) -> None:
    """The key of the alarms is CloudWatch's alone: disabling the other one silences no alarm."""
    for topic in stack.of("AWS::SNS::Topic"):
        mine, other = "events.amazonaws.com", "cloudwatch.amazonaws.com"
        if topic.id == names.ALARM_TOPIC:
            mine, other = other, mine
        key = topic["KmsMasterKeyId"]
        _key_lets_in(stack, key, mine)
        policy = policy_on(stack, stack.by_arn(key))
        assert not may(Caller.aws_service(other), "kms:GenerateDataKey", key, policy)
        sharing = [one.id for one in stack.of("AWS::SNS::Topic") if one["KmsMasterKeyId"] == key]
        assert topic.id != names.ALARM_TOPIC or sharing == [names.ALARM_TOPIC]


def _key_lets_in(stack: Stack, arn: str, *services: str) -> None:
    """Without any key about the source: EventBridge brings none to an encrypted topic."""
    key = stack.by_arn(arn)
    policy = policy_on(stack, key)
    for service in services:
        for action in ("kms:GenerateDataKey", "kms:Decrypt"):
            assert may(Caller.aws_service(service), action, arn, policy)
        assert not may(Caller.aws_service(service), "kms:ScheduleKeyDeletion", arn, policy)


def keys_belong_to_their_account_and_rotate(stack: Stack, of: Rendered) -> None:
    for key in stack.of("AWS::KMS::Key"):
        policy = policy_on(stack, key)
        root = Caller.root(stack.at.account, partition=stack.at.partition)
        assert may(root, "kms:PutKeyPolicy", key.arn, policy)
        assert key["EnableKeyRotation"] is True
        for other in ("s3.amazonaws.com", "lambda.amazonaws.com", _logs(stack)):
            assert not may(Caller.aws_service(other), "kms:Decrypt", key.arn, policy)
        strangers = (
            Caller.root(STRANGER, partition=stack.at.partition),
            session(f"arn:{stack.at.partition}:iam::{STRANGER}:role/Admin", None),
        )
        for stranger in strangers:
            own = () if stranger.kind == "root" else (ADMIN,)
            assert not may(stranger, "kms:Decrypt", key.arn, policy, own)
        assert not may(Caller.anonymous(), "kms:Decrypt", key.arn, policy)


def _logs(stack: Stack) -> str:
    """CloudWatch Logs as a key sees it: with the domain of its partition."""
    return f"logs.{stack.at.region}.{stack.ref('AWS::URLSuffix')}"


def logs_of_events_are_encrypted_and_rules_may_write_them(stack: Stack, of: Rendered) -> None:
    groups = [
        group
        for group in stack.of("AWS::Logs::LogGroup")
        if group["LogGroupName"].startswith("/aws/events/")
    ]
    policies = list(stack.of("AWS::Logs::ResourcePolicy"))
    assert len(policies) == bool(groups)
    for group in groups:
        policy = resource_policy(json.loads(policies[0]["PolicyDocument"]), "of the logs")
        arn = group.arn.removesuffix(":*")
        rule = f"arn:{stack.at.partition}:events:{stack.at.region}:{stack.at.account}:rule/"
        ours, theirs = f"{rule}{of.prefix}/{of.prefix}-x", f"{rule}other/{of.prefix}-x"

        def writes(action: str, source: str, where: str, service: str = "events") -> bool:
            caller = Caller.aws_service(f"{service}.amazonaws.com")
            return may(caller, action, where, policy, aws__SourceArn=source)  # noqa: B023

        stream = f"{arn}:log-stream:one"
        for service in ("events", "delivery.logs"):
            assert writes("logs:CreateLogStream", ours, stream, service)
            assert writes("logs:PutLogEvents", ours, stream, service)
        assert not writes("logs:PutLogEvents", theirs, stream)
        assert not writes("logs:PutLogEvents", ours, stream.replace("/events/", "/lambda/"))
        assert not writes("logs:PutLogEvents", ours, stream, "s3")
        assert not writes("logs:DeleteLogStream", ours, stream)
        _key_is_for(stack, group["KmsKeyId"], arn)


def _key_is_for(stack: Stack, key: str, group: str) -> None:
    """The key lets CloudWatch Logs in, for the groups of events alone."""
    policy = policy_on(stack, stack.by_arn(key))
    made = stack.template["Resources"][stack.by_arn(key).id]
    # Without it the logs, which are kept, could not be read.
    assert made["DeletionPolicy"] == "RetainExceptOnCreate"
    caller = Caller.aws_service(_logs(stack))

    def uses(action: str, context: str) -> bool:
        keys: dict[str, Any] = {"kms__EncryptionContext:aws:logs:arn": context}
        return may(caller, action, key, policy, **keys)

    for action in ("Encrypt", "Decrypt", "GenerateDataKey", "ReEncryptFrom", "DescribeKey"):
        assert uses(f"kms:{action}", group)
    assert not uses("kms:Decrypt", group.replace("/aws/events/", "/aws/lambda/"))
    assert not uses("kms:ScheduleKeyDeletion", group)


def buckets_are_private_encrypted_and_kept_as_long_as_wanted(stack: Stack, of: Rendered) -> None:
    for bucket in stack.of("AWS::S3::Bucket"):
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in ("AES256", "aws:kms")
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["OwnershipControls"] == {
            "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]
        }
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert int(bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"]) >= 1
        policy = policy_on(stack, bucket)
        owner = session(f"arn:{stack.at.partition}:iam::{stack.at.account}:role/Admin", None)
        for action, what in (("s3:GetObject", "/events/x"), ("s3:PutBucketPolicy", "")):
            for secure in ("true", "false"):
                allowed = may(
                    owner,
                    action,
                    bucket.arn + what,
                    policy,
                    (ADMIN,),
                    stack.at.account,
                    aws__SecureTransport=secure,
                )
                assert allowed is (secure == "true")


def streams_are_encrypted_and_may_be_written_by_their_roles_alone(
    stack: Stack, of: Rendered
) -> None:
    for stream in stack.of("AWS::Kinesis::Stream"):
        assert stream["StreamEncryption"] == {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
        assert stream["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    for stream in stack.of("AWS::KinesisFirehose::DeliveryStream"):
        assert stream["DeliveryStreamEncryptionConfigurationInput"] == {"KeyType": "AWS_OWNED_CMK"}
        to = stream["ExtendedS3DestinationConfiguration"]
        assert to["Prefix"] == "events/day=!{timestamp:yyyy-MM-dd}/"
        assert to["ErrorOutputPrefix"].startswith("errors/!{firehose:error-output-type}/")
        assert to["CompressionFormat"] == "GZIP"
        bucket, role = stack.by_arn(to["BucketARN"]), stack.by_arn(to["RoleARN"])
        firehose = Caller.aws_service("firehose.amazonaws.com")
        assert may_assume(firehose, role, sts__ExternalId=stack.at.account)
        assert not may_assume(firehose, role, sts__ExternalId=STRANGER)
        writer = Caller.role_session(role.arn, "firehose", organization=None)
        for key, allowed in (("events/day=x/y.gz", True), ("errors/z/y", True), ("own", False)):
            where = f"{bucket.arn}/{key}"
            put = may(writer, "s3:PutObject", where, policy_on(stack, bucket), identity(role))
            assert put is allowed, key
            for other in ("s3:GetObject", "s3:DeleteObject", "s3:PutObjectAcl"):
                assert not may(writer, other, where, None, identity(role))
        log = to["CloudWatchLoggingOptions"]
        (group,) = [
            one
            for one in stack.of("AWS::Logs::LogGroup")
            if one["LogGroupName"] == log["LogGroupName"]
        ]
        told = f"{group.arn.removesuffix(':*')}:log-stream:{log['LogStreamName']}"
        assert may(writer, "logs:PutLogEvents", told, None, identity(role))


def tables_logs_and_archives_are_as_promised(stack: Stack, of: Rendered) -> None:
    for table in stack.of("AWS::DynamoDB::Table"):
        assert table["SSESpecification"] == {"SSEEnabled": True}
        assert table["TimeToLiveSpecification"]["Enabled"] is True
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    for group in stack.of("AWS::Logs::LogGroup"):
        assert int(group["RetentionInDays"]) > 0


ADMIN = identity_policy(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
    "an administrator's policy",
)


# Rules and their targets


def every_target_has_dead_letters_that_can_receive(stack: Stack, of: Rendered) -> None:
    for rule in stack.of("AWS::Events::Rule"):
        for target in rule["Targets"]:
            letters = stack.by_arn(target["DeadLetterConfig"]["Arn"])
            assert letters.type == "AWS::SQS::Queue"
            assert letters["MessageRetentionPeriod"] == TWO_WEEKS
            assert "FifoQueue" not in letters.properties
            _takes_from_rule(stack, letters, rule)
        made_after = stack.template["Resources"][rule.id].get("DependsOn", [])
        policies = {
            one.id
            for one in stack.of("AWS::SQS::QueuePolicy")
            if stack.ref(letters.id) in one["Queues"]
        }
        assert policies & set([made_after] if isinstance(made_after, str) else made_after)


def every_rule_waits_for_what_lets_it_in(stack: Stack, of: Rendered) -> None:
    """Its first events would be refused, or lost by a topic that no queue is subscribed to."""
    for rule in stack.of("AWS::Events::Rule"):
        made_after = stack.template["Resources"][rule.id].get("DependsOn", [])
        arns = {target["Arn"] for target in rule["Targets"]}
        queues = {stack.ref(one.id) for one in stack.of("AWS::SQS::Queue") if one.arn in arns}
        needed = {
            one.id
            for one in stack.resources.values()
            if queues & set(one.properties.get("Queues", ()))
            or arns & set(one.properties.get("Topics", ()))
            or (one.type == "AWS::SNS::Subscription" and _is_heard(one, arns))
            or (one.type == "AWS::Lambda::Permission" and one["FunctionName"] in arns)
            or (one.type == "AWS::Logs::ResourcePolicy" and any(":log-group:" in a for a in arns))
        }
        assert needed <= set([made_after] if isinstance(made_after, str) else made_after), rule.id


def _is_heard(subscription: Resource, topics: set[str]) -> bool:
    return subscription["Protocol"] == "sqs" and subscription["TopicArn"] in topics


def _takes_from_rule(stack: Stack, resource: Resource, rule: Resource) -> None:
    """Whether a queue or topic takes from exactly the rules of ours, and from EventBridge alone."""
    action = "sqs:SendMessage" if resource.type == "AWS::SQS::Queue" else "sns:Publish"
    policy = policy_on(stack, resource)

    def taken(source: str, caller: Caller = EVENTS) -> bool:
        account = source.split(":")[4]
        return may(
            caller, action, resource.arn, policy, aws__SourceArn=source, aws__SourceAccount=account
        )

    assert taken(rule.arn)
    bus = f"{of_bus}/" if (of_bus := rule.properties.get("EventBusName")) else ""
    rule_path = rule.arn.partition(":rule/")[2]
    unknown = [
        rule.arn.replace(f":{stack.at.account}:", f":{STRANGER}:"),
        rule.arn.replace(f":{stack.at.region}:", ":sa-east-1:"),
        rule.arn.replace(f":rule/{rule_path}", f":rule/another-bus/{rule['Name']}"),
        rule.arn.replace(f"/{rule['Name']}", "/of-another-team"),
        rule.arn.replace(":rule/", ":rule/x-"),
        rule.arn.replace(":events:", ":s3:"),
    ]
    if bus:
        unknown.append(rule.arn.replace(f":rule/{bus}", ":rule/"))
    checked = stack.parameters.get(names.TOPIC_SOURCE_CHECK, "on") == "on"
    for source in unknown:
        assert taken(source) is (action == "sns:Publish" and not checked), source
    for service in ("sns.amazonaws.com", "s3.amazonaws.com", "lambda.amazonaws.com"):
        assert not taken(rule.arn, Caller.aws_service(service))
    assert not may(Caller.anonymous(), action, resource.arn, policy)
    for other in (action, action.split(":")[0] + ":Subscribe", "sqs:ReceiveMessage"):
        role = f"arn:{stack.at.partition}:iam::{STRANGER}:role/Admin"
        assert not may(session(role, None), other, resource.arn, policy, (ADMIN,))
    assert not may(EVENTS, "sqs:PurgeQueue", resource.arn, policy, aws__SourceArn=rule.arn)


def every_target_takes_what_its_rule_sends(stack: Stack, of: Rendered) -> None:
    """By the policy of what receives, or by the role that the target names."""
    for rule in stack.of("AWS::Events::Rule"):
        for target in rule["Targets"]:
            service = target["Arn"].split(":")[2]
            if service in ("sqs", "sns"):
                _takes_from_rule(stack, stack.by_arn(target["Arn"]), rule)
                assert "RoleArn" not in target
            elif service == "lambda":
                assert any(_permits(one, target["Arn"], rule) for one in permissions(stack))
                assert "RoleArn" not in target
            elif service == "logs":
                assert "RoleArn" not in target
                # As a target its ARN has no star behind it; its policy has a law of its own.
                assert stack.by_arn(target["Arn"] + ":*").type == "AWS::Logs::LogGroup"
            elif (service, "RoleArn" in target) != ("events", True) or "event-bus" not in target[
                "Arn"
            ]:
                _role_may_deliver(stack, target, service)


_DELIVERIES = {
    "firehose": "firehose:PutRecord",
    "kinesis": "kinesis:PutRecord",
    "states": "states:StartExecution",
    "events": "events:InvokeApiDestination",
}


def _role_may_deliver(stack: Stack, target: Mapping[str, Any], service: str) -> None:
    role = stack.by_arn(target["RoleArn"])
    caller = Caller.role_session(role.arn, "events")
    assert may(caller, _DELIVERIES[service], target["Arn"], None, identity(role))
    assert may_assume(EVENTS, role, aws__SourceAccount=stack.at.account)
    assert not may_assume(EVENTS, role, aws__SourceAccount=STRANGER)


def permissions(stack: Stack) -> list[Resource]:
    return list(stack.of("AWS::Lambda::Permission"))


def _permits(permission: Resource, function: str, rule: Resource) -> bool:
    source = re.escape(permission["SourceArn"]).replace(r"\*", "[^:]*")
    named = permission["FunctionName"]
    return (
        permission["Action"] == "lambda:InvokeFunction"
        and permission["Principal"] == "events.amazonaws.com"
        and (named == function or function.endswith(f":{named}"))
        and re.fullmatch(source, rule.arn) is not None
    )


def queues_lead_to_dead_letters_that_let_them(stack: Stack, of: Rendered) -> None:
    final = set(dead_letter_queues(stack))
    for queue in stack.of("AWS::SQS::Queue"):
        if queue.arn in final:
            assert queue["MessageRetentionPeriod"] == TWO_WEEKS
            assert "RedrivePolicy" not in queue.properties
            continue
        redrive = queue["RedrivePolicy"]
        assert redrive["maxReceiveCount"] >= 3
        letters = stack.by_arn(redrive["deadLetterTargetArn"])
        allowed = letters["RedriveAllowPolicy"]
        assert allowed == {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}
        # A message keeps its age on the way: dead letters must outlive their queue.
        assert letters["MessageRetentionPeriod"] >= queue["MessageRetentionPeriod"]


def dead_letter_queues(stack: Stack) -> Iterator[str]:
    """The ARNs of all queues that keep what could not be delivered or handled."""
    for queue in stack.of("AWS::SQS::Queue"):
        if "RedrivePolicy" in queue.properties:
            yield queue["RedrivePolicy"]["deadLetterTargetArn"]
    for subscription in stack.of("AWS::SNS::Subscription"):
        if "RedrivePolicy" in subscription.properties:
            yield subscription["RedrivePolicy"]["deadLetterTargetArn"]
    for rule in stack.of("AWS::Events::Rule"):
        for target in rule["Targets"]:
            yield target["DeadLetterConfig"]["Arn"]
    # And those that wait for their first subscription.
    waiting = {one.id for one in stack.of("AWS::SQS::Queue") if one.id.endswith("DeadLetters")}
    for name in ({names.UNDELIVERED, names.UNFORWARDED} | waiting) & set(stack.resources):
        yield stack.resources[name].arn


def subscriptions_keep_what_they_cannot_deliver(stack: Stack, of: Rendered) -> None:
    for subscription in stack.of("AWS::SNS::Subscription"):
        topic = stack.by_arn(subscription["TopicArn"])
        letters = stack.by_arn(subscription["RedrivePolicy"]["deadLetterTargetArn"])
        _takes_from_topic(stack, letters, topic)
        if subscription["Protocol"] == "sqs":
            _takes_from_topic(stack, stack.by_arn(subscription["Endpoint"]), topic)


def _takes_from_topic(stack: Stack, queue: Resource, topic: Resource) -> None:
    policy = policy_on(stack, queue)
    sns = Caller.aws_service("sns.amazonaws.com")
    assert may(sns, "sqs:SendMessage", queue.arn, policy, aws__SourceArn=topic.arn)
    for source in (topic.arn + "x", topic.arn.replace(stack.at.account, STRANGER)):
        assert not may(sns, "sqs:SendMessage", queue.arn, policy, aws__SourceArn=source)
    assert not may(EVENTS, "sqs:SendMessage", queue.arn, policy, aws__SourceArn=topic.arn)


# StackSets in a stack


def stack_sets_carry_the_very_templates_and_hand_everything_on(stack: Stack, of: Rendered) -> None:
    for one in stack.of("AWS::CloudFormation::StackSet"):
        file = names.MEMBER_ROLES if one["StackSetName"].endswith("roles") else names.MEMBER_RULES
        assert one["TemplateBody"] == of.files[file]
        assert one["Description"] == of.templates[file]["Description"]
        inner = of.templates[file].get("Parameters", {})
        handed = {each["ParameterKey"]: each["ParameterValue"] for each in one["Parameters"]}
        wanted = {parameter: stack.parameters[parameter] for parameter in inner}
        # With a role of ours, StackSets makes no role without a boundary.
        if names.PERMISSIONS_BOUNDARY in inner and one["PermissionModel"] == "SELF_MANAGED":
            bound = shapes.boundary_given(stack) or stack.arn(names.MEMBER_BOUNDARY)
            wanted[names.PERMISSIONS_BOUNDARY] = bound
        assert handed == wanted
        for parameter, value in handed.items():
            assert not refused(inner[parameter], value)
            # What a person is asked is what the inner template says about it.
            assert stack.template["Parameters"][parameter] == inner[parameter]


def stack_sets_let_one_bad_cell_fail_alone_and_outlive_their_stack(
    stack: Stack, of: Rendered
) -> None:
    for one in stack.of("AWS::CloudFormation::StackSet"):
        declared = stack.template["Resources"][one.id]
        assert declared["DeletionPolicy"] == "RetainExceptOnCreate"
        assert declared["UpdateReplacePolicy"] == "Retain"
        assert one["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
        assert one["ManagedExecution"] == {"Active": True}
        assert one["OperationPreferences"] == {
            "RegionConcurrencyType": "PARALLEL",
            "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
            "MaxConcurrentPercentage": 100,
            "FailureTolerancePercentage": 0 if _is_alone(one, stack) else 100,
        }
        model = one["PermissionModel"]
        assert ("AutoDeployment" in one.properties) is (model == "SERVICE_MANAGED")
        assert ("CallAs" in one.properties) is (model == "SERVICE_MANAGED")
        assert ("ExecutionRoleName" in one.properties) is (model == "SELF_MANAGED")


def _is_alone(one: Resource, stack: Stack) -> bool:
    """Without it nothing follows, and nothing else would be rolled back with it."""
    of_members = any(each.id == "MemberRoles" for each in stack.resources.values())
    return one.id == "ManagementRoles" and not of_members


STACK_LAWS = (
    stack_sets_carry_the_very_templates_and_hand_everything_on,
    stack_sets_let_one_bad_cell_fail_alone_and_outlive_their_stack,
    arns_are_of_the_partition,
    every_physical_name_is_ours_and_given_once,
    tags_are_ours_and_the_users,
    every_policy_can_be_read,
    queues_are_encrypted_so_that_services_can_write,
    topics_are_encrypted_so_that_services_can_publish,
    keys_belong_to_their_account_and_rotate,
    tables_logs_and_archives_are_as_promised,
    logs_of_events_are_encrypted_and_rules_may_write_them,
    buckets_are_private_encrypted_and_kept_as_long_as_wanted,
    streams_are_encrypted_and_may_be_written_by_their_roles_alone,
    every_target_has_dead_letters_that_can_receive,
    every_rule_waits_for_what_lets_it_in,
    every_target_takes_what_its_rule_sends,
    queues_lead_to_dead_letters_that_let_them,
    subscriptions_keep_what_they_cannot_deliver,
)


# Laws about one side


def detection_rules(stack: Stack) -> Iterator[Resource]:
    """The central stack's rules but for those that have a schedule instead of a pattern."""
    return (one for one in stack.of("AWS::Events::Rule") if "EventPattern" in one.properties)


def schedules_wake_exactly_the_responders_that_ask_for_one(of: Rendered) -> None:
    """On the default bus, where alone they can be, and in the plain state, which AWS demands."""
    stack = shapes.central(of)
    rules = [one for one in stack.of("AWS::Events::Rule") if "EventPattern" not in one.properties]
    found = {}
    for rule in rules:
        assert rule["State"] == "ENABLED"
        assert not {"EventBusName", "RoleArn"} & set(rule.properties)
        (target,) = rule["Targets"]
        found[target["Id"]] = rule["ScheduleExpression"]
        assert stack.by_arn(target["Arn"])["QueueName"] == names.queue(of.prefix, target["Id"])
    wanted = {
        target.name: target.options["settings"]["schedule"]
        for target in of.shape.targets
        if target.kind == "responder" and of.shape.responders[target.options["responder"]].schedule
    }
    # The switch of all remediation is looked at wherever there is one.
    if any(responder.modes for responder in of.shape.responders.values()):
        wanted[names.SWITCH_WATCH] = switch.SCHEDULE
    assert found == wanted


def no_iam_goes_to_every_region(of: Rendered) -> None:
    kinds = {one["Type"] for one in of.templates[names.MEMBER_RULES]["Resources"].values()}
    assert not {kind for kind in kinds if kind.startswith("AWS::IAM::")}


def rules_that_see_reads_are_those_of_detections_that_need_them(of: Rendered) -> None:
    needs = {one.id: one.read_only for one in of.shape.detections}
    told = json.loads(of.files[names.MANIFEST])["detections"]
    central, rules = shapes.central(of), shapes.member_rules(of)
    for resource in [*detection_rules(central), *rules.of("AWS::Events::Rule")]:
        assert resource["State"] in ("ENABLED", READS_TOO)
        assert "ScheduleExpression" not in resource.properties
    by_name = {rule["Name"]: rule["State"] for rule in detection_rules(central)}
    for name, need in needs.items():
        states = {by_name[rule] for rule in told[name]["central_rules"]}
        assert states <= {READS_TOO if need else "ENABLED"}
        assert bool(states) is bool(told[name]["targets"])
    member = {rule["Name"]: rule["State"] for rule in rules.of("AWS::Events::Rule")}
    for name, need in needs.items():
        states = {member[rule] for rule in told[name]["member_rules"]}
        if not told[name]["targets"]:
            assert not states
        elif need:
            assert READS_TOO in states
        elif of.shape.forwarding != "all":
            assert states <= {"ENABLED"}


def forwarding_targets_are_in_the_one_form_that_works(of: Rendered) -> None:
    rules = shapes.member_rules(of, everything_on(of.templates[names.MEMBER_RULES]))
    bus, path = rules.parameters.get(names.CENTRAL_BUS_ARN), rules.parameters.get(names.ROLE_PATH)
    assert path != "/"
    for rule in rules.of("AWS::Events::Rule"):
        (target,) = rule["Targets"]
        name = names.forwarder_role(of.prefix, rule["Name"].split("-forward-")[1][:6] == "tamper")
        role = f"arn:aws:iam::{IN_MEMBER.account}:role{path}{name}"
        assert set(target) == {"Id", "Arn", "RoleArn", "DeadLetterConfig"}
        assert (target["Arn"], target["RoleArn"]) == (bus, role)
        assert rule["EventPattern"]["account"] == [IN_MEMBER.account]
        assert "account" not in json.dumps({**rule["EventPattern"], "account": 0}).replace(
            '"account": 0', ""
        ).replace("accountId", "")
        assert "EventBusName" not in rule.properties
        assert "RoleArn" not in rule.properties


def central_rules_take_awss_own_events_only(of: Rendered) -> None:
    for rule in detection_rules(shapes.central(of)):
        pattern = rule["EventPattern"]
        for conjunction in conjunctions(pattern):
            assert conjunction["detail-type"]
            for source in conjunction["source"]:
                said = source["prefix"] if isinstance(source, dict) else source
                assert said.startswith("aws.")
        asked = compiled(pattern)
        for event in forged():
            assert not asked.matches(event)


@lru_cache(maxsize=1)
def forged() -> tuple[dict[str, Any], ...]:
    """Every built-in example as somebody might put it on the bus: with a source of his own."""
    genuine = [
        example.event
        for detection in catalogue.read().detections.values()
        for example in catalogue.examples(detection)
        if example.matches
    ]
    sources = ("custom.s3", "aws", "AWS.s3", "xaws.s3", "", None)
    return tuple({**event, "source": source} for event in genuine[::5] for source in sources)


def every_central_dead_letter_queue_has_an_alarm_that_says_what_to_do(of: Rendered) -> None:
    stack = shapes.central(of)
    alarms = {
        dimension["Value"]: alarm
        for alarm in stack.of("AWS::CloudWatch::Alarm")
        for dimension in alarm.properties.get("Dimensions", [])
        if dimension["Name"] == "QueueName"
    }
    for arn in set(dead_letter_queues(stack)):
        name = stack.by_arn(arn)["QueueName"]
        alarm = alarms[name]
        assert alarm["Namespace"] == "AWS/SQS"
        assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
        watched = alarm.id == "RemediationOffAlarm"  # that nobody looks is as bad
        assert alarm["TreatMissingData"] == ("breaching" if watched else "notBreaching")
        assert name in alarm["AlarmDescription"]
        assert len(alarm["AlarmDescription"]) > len(name) + 60
        topic = stack.by_arn(alarm["AlarmActions"][0])
        assert topic.type == "AWS::SNS::Topic"
        _takes_from_alarm(stack, topic, alarm)


def every_alarm_says_what_to_do_and_reaches_the_alarm_topic(of: Rendered) -> None:
    stack = shapes.central(of)
    for alarm in stack.of("AWS::CloudWatch::Alarm"):
        assert len(alarm["AlarmDescription"]) > 80
        watched = alarm.id == "RemediationOffAlarm"  # that nobody looks is as bad
        assert alarm["TreatMissingData"] == ("breaching" if watched else "notBreaching")
        assert alarm["AlarmActions"] == alarm["OKActions"]
        (topic,) = alarm["AlarmActions"]
        _takes_from_alarm(stack, stack.by_arn(topic), alarm)


def every_topic_and_stream_has_an_alarm_about_what_it_did_not_deliver(of: Rendered) -> None:
    stack = shapes.central(of)
    watched = {
        (dimension["Name"], dimension["Value"], alarm["MetricName"])
        for alarm in stack.of("AWS::CloudWatch::Alarm")
        for dimension in alarm.properties.get("Dimensions", [])
    }
    for target in of.shape.targets:
        name = f"{of.prefix}-{target.name}"
        if target.kind == "topic":
            assert ("TopicName", name, "NumberOfNotificationsFailed") in watched
        elif target.kind == "stream" and target.options["to"] == "firehose":
            assert ("DeliveryStreamName", name, "DeliveryToS3.DataFreshness") in watched
            assert ("DeliveryStreamName", name, "ThrottledRecords") in watched
        elif target.kind == "stream":
            assert ("StreamName", name, "GetRecords.IteratorAgeMilliseconds") in watched
            assert ("StreamName", name, "WriteProvisionedThroughputExceeded") in watched


def _takes_from_alarm(stack: Stack, topic: Resource, alarm: Resource) -> None:
    policy = policy_on(stack, topic)
    cloudwatch = Caller.aws_service("cloudwatch.amazonaws.com")

    def taken(caller: Caller, arn: str, account: str) -> bool:
        return may(
            caller,
            "sns:Publish",
            topic.arn,
            policy,
            aws__SourceArn=arn,
            aws__SourceAccount=account,
        )

    assert alarm["AlarmName"].startswith(stack.by_arn(topic.arn)["TopicName"].rpartition("-")[0])
    assert taken(cloudwatch, alarm.arn, CENTRAL)
    assert not taken(cloudwatch, alarm.arn.replace(CENTRAL, STRANGER), STRANGER)
    assert not taken(cloudwatch, alarm.arn, STRANGER)
    assert not taken(cloudwatch, alarm.arn.replace(":alarm:", ":alarm:x"), CENTRAL)
    assert not taken(EVENTS, alarm.arn, CENTRAL)


def every_central_function_and_queue_is_watched(of: Rendered) -> None:
    stack = shapes.central(of)
    alarms = list(stack.of("AWS::CloudWatch::Alarm"))
    watched = {
        (alarm["MetricName"], dimension["Value"]): alarm
        for alarm in alarms
        for dimension in alarm.properties.get("Dimensions", [])
    }
    for function in stack.of("AWS::Lambda::Function"):
        for metric in ("Errors", "Throttles"):
            alarm = watched[metric, function["FunctionName"]]
            assert (alarm["Namespace"], alarm["Statistic"]) == ("AWS/Lambda", "Sum")
            assert alarm["Threshold"] == 0
    fed = {mapping["EventSourceArn"] for mapping in stack.of("AWS::Lambda::EventSourceMapping")}
    letters = set(dead_letter_queues(stack))
    for queue in stack.of("AWS::SQS::Queue"):
        if queue.arn in letters:
            continue
        alarm = watched["ApproximateAgeOfOldestMessage", queue["QueueName"]]
        assert 0 < alarm["Threshold"] < queue["MessageRetentionPeriod"]
        assert queue.arn not in fed or alarm["Threshold"] == 900
    queries = [
        alarm["Metrics"][0]["Expression"] for alarm in alarms if "Metrics" in alarm.properties
    ]
    [bus] = stack.of("AWS::Events::EventBus")
    for metric in ("FailedInvocations", "InvocationsFailedToBeSentToDlq"):
        wanted = f"SUM({metric}) FROM \"AWS/Events\" WHERE EventBusName = '{bus['Name']}'"
        assert sum(wanted in query for query in queries) == 1
    names_ = [alarm["AlarmName"] for alarm in alarms]
    assert len(set(names_)) == len(names_)
    for alarm in alarms:
        # The description is all that a person gets at three in the morning.
        assert len(alarm["AlarmDescription"].split(". ")) > 1
        assert len(alarm["AlarmDescription"]) <= 1024
        _takes_from_alarm(stack, stack.by_arn(alarm["AlarmActions"][0]), alarm)


def the_dashboard_shows_every_queue_and_function_and_fits_its_grid(of: Rendered) -> None:
    stack = shapes.central(of)
    [dashboard] = stack.of("AWS::CloudWatch::Dashboard")
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    shown = {
        metric[3]
        for widget in widgets
        for metric in widget["properties"].get("metrics", [])
        if len(metric) > 3
    }
    queues = {queue["QueueName"] for queue in stack.of("AWS::SQS::Queue")}
    functions = {function["FunctionName"] for function in stack.of("AWS::Lambda::Function")}
    topics = {topic["TopicName"] for topic in stack.of("AWS::SNS::Topic")}
    assert shown == queues | functions | topics
    cells = [
        (widget["x"] + x, widget["y"] + y)
        for widget in widgets
        for x in range(widget["width"])
        for y in range(widget["height"])
    ]
    assert len(set(cells)) == len(cells)
    assert {x for x, _ in cells} == set(range(24))
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
    assert all(len(widget["properties"].get("metrics", [])) <= 500 for widget in widgets)


def members_own_dead_letters_have_no_alarm(of: Rendered) -> None:
    """One in each Region of each account would cost a fortune and tell nobody."""
    kinds = {one["Type"] for one in of.templates[names.MEMBER_RULES]["Resources"].values()}
    assert kinds <= {"AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::Events::Rule"}


def five_targets_a_rule_and_all_of_them(of: Rendered) -> None:
    rules = {rule["Name"]: rule for rule in detection_rules(shapes.central(of))}
    manifest = json.loads(of.files[names.MANIFEST])["detections"]
    for detection in of.shape.detections:
        own = [rules.pop(name) for name in manifest[detection.id]["central_rules"]]
        found = [target["Id"] for rule in own for target in rule["Targets"]]
        assert found == list(of.shape.wiring.get(detection.id, ()))
        for rule in own:
            targets = [of.shape.target(target["Id"]) for target in rule["Targets"]]
            assert rule["EventPattern"] == feeding.pattern(detection, targets, of.shape)
        assert len(own) == -(-len(found) // 5)
    assert not rules


SIDE_LAWS = (
    schedules_wake_exactly_the_responders_that_ask_for_one,
    no_iam_goes_to_every_region,
    rules_that_see_reads_are_those_of_detections_that_need_them,
    forwarding_targets_are_in_the_one_form_that_works,
    central_rules_take_awss_own_events_only,
    every_central_dead_letter_queue_has_an_alarm_that_says_what_to_do,
    every_central_function_and_queue_is_watched,
    the_dashboard_shows_every_queue_and_function_and_fits_its_grid,
    every_alarm_says_what_to_do_and_reaches_the_alarm_topic,
    every_topic_and_stream_has_an_alarm_about_what_it_did_not_deliver,
    members_own_dead_letters_have_no_alarm,
    five_targets_a_rule_and_all_of_them,
)


# --- All of it

NAMED = tuple(shapes.CONFIGURATIONS)
PLACES = (
    AT_HOME,
    Place(region="cn-north-1", partition="aws-cn"),
    Place(region="us-gov-west-1", partition="aws-us-gov"),
)


def stacks_of(of: Rendered) -> Iterator[Stack]:
    """Every template in three partitions, its parameters as they are and away from that."""
    for name in TEMPLATES:
        for place in PLACES:
            # Where all that a template can make is made there.
            account = {names.CENTRAL: place.account, names.INTAKE: shapes.MANAGEMENT}
            at = place._replace(account=account.get(name, IN_MEMBER.account))
            template = of.templates[name]
            stack = Stack(template, everything_on(template), at, of.prefix)
            if not stack.refused:
                yield stack
        yield Stack(template, {}, PLACES[0], of.prefix)
        if organization.CALL_AS in template["Parameters"]:
            by_itself = {**everything_on(template), organization.CALL_AS: "SELF"}
            yield Stack(template, by_itself, PLACES[0], of.prefix)


@pytest.mark.parametrize("law", TEMPLATE_LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", NAMED)
def test_every_template_obeys(name: str, law: Any) -> None:
    for template in TEMPLATES:
        law(template, shapes.rendered(name))


@pytest.mark.parametrize("law", STACK_LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", NAMED)
def test_every_stack_obeys(name: str, law: Any) -> None:
    for stack in _stacks(name):
        law(stack, shapes.rendered(name))


@lru_cache(maxsize=64)
def _stacks(name: str) -> tuple[Stack, ...]:
    return tuple(stacks_of(shapes.rendered(name)))


@pytest.mark.parametrize("law", SIDE_LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", NAMED)
def test_both_sides_obey(name: str, law: Any) -> None:
    law(shapes.rendered(name))


@given(shape=shapes.shapes())
@settings(max_examples=20, deadline=None)
def test_any_shape_obeys_all_laws(shape: Shape) -> None:
    of = shapes.rendering(shape)
    for name in TEMPLATES:
        for law in TEMPLATE_LAWS:
            law(name, of)
    for stack in stacks_of(of):
        for each in STACK_LAWS:
            each(stack, of)
    for one in SIDE_LAWS:
        one(of)


@pytest.mark.parametrize("name", ["built-in", "everything that a responder can be"])
def test_every_choice_of_every_parameter_gives_a_lawful_stack(name: str) -> None:
    of = shapes.rendered(name)
    for template in TEMPLATES:
        parameters = of.templates[template]["Parameters"]
        usual = everything_on(of.templates[template])
        for parameter, said in parameters.items():
            for value in said.get("AllowedValues", ()):
                stack = Stack(
                    of.templates[template], {**usual, parameter: str(value)}, AT_HOME, of.prefix
                )
                for law in STACK_LAWS:
                    law(stack, of)


@pytest.mark.parametrize("name", NAMED)
def test_roles_of_every_shape_lie_under_the_path_and_behind_the_boundary(name: str) -> None:
    of = shapes.rendered(name)
    for stack in stacks_of(of):
        if names.PERMISSIONS_BOUNDARY in stack.parameters:
            roles_lie_under_the_path_and_behind_the_boundary(stack, of)


def test_the_shapes_hold_every_kind_and_every_option() -> None:
    targets = [target for name in NAMED for target in shapes.shape(name).targets]
    assert {target.kind for target in targets} == set(shapes.BUILT)
    assert set(shapes.BUILT) >= {"queue", "topic", "responder", "stream", "log"}
    assert {target.body for target in targets} == {"event", "detail", "notice", "text"}
    given = {
        (one.kind, option) for one in targets for option, value in one.options.items() if value
    }
    assert {("queue", "readers"), ("queue", "queue_name"), ("responder", "settings")} <= given
    assert {("topic", "emails"), ("stream", "retention"), ("log", "retention")} <= given
    said = {
        (one.kind, value)
        for one in targets
        for value in one.options.values()
        if value == str(value)
    }
    assert {
        ("topic", "chat"),
        ("topic", "text"),
        ("stream", "firehose"),
        ("stream", "kinesis"),
    } <= said


LEADERS = ("us-east-1", "us-gov-west-1", "cn-north-1")
NEWCOMER = "mx-central-1"
"""A Region that lacks much."""


@pytest.mark.slow
def test_cfn_lint_finds_nothing_in_the_central_stack_of_any_kind(tmp_path: Path) -> None:
    """What out/ holds is linted by `check`, in every Region; this is the rest.

    The code of functions is left out: cfn-lint does not read it, and would take minutes for it.
    """
    files: list[Path] = []
    for number, name in enumerate(NAMED):
        if not name.startswith(("everything", "user's own")):
            continue
        whole = json.loads(json.dumps(shapes.rendered(name).templates[names.CENTRAL]))
        for resource in whole["Resources"].values():
            if resource["Type"] == "AWS::Lambda::Function":
                resource["Properties"]["Code"]["ZipFile"] = "pass"
        files.append(tmp_path / f"central-{number}.json")
        files[-1].write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
    assert [str(one) for one in check.lint(files, [*LEADERS, NEWCOMER])] == []
