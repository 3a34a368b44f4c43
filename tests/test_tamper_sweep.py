"""Every call that changes what the templates make is told by a detection of tampering, or answered.

The calls are those of AWS's own API models, so that a new one, or a new type of resource, fails
here until somebody decides about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import botocore.session
import pytest
import yaml

from generator import catalogue, config, names
from generator.patterns import compiled
from generator.render import render
from tests.shapes import API_CALL

P = "trailbus"
ARN = "arn:aws:{}:us-east-1:222222222222:{}"


class Kind(NamedTuple):
    """A kind of resource: the service whose calls change it, and how calls name it.

    `named` gives, by the member of a request, the ways to name one of ours.
    """

    service: str
    named: dict[str, tuple[str, ...]]


KINDS = {
    "AWS::Events::EventBus": Kind(
        "events",
        {
            "Name": (P,),
            "EventBusName": (P, ARN.format("events", f"event-bus/{P}")),
            "EventSourceArn": (ARN.format("events", f"event-bus/{P}"),),
            "Destination": (ARN.format("events", f"event-bus/{P}"),),
        },
    ),
    "AWS::Events::Rule": Kind("events", {"Name": (f"{P}-x",), "Rule": (f"{P}-x",)}),
    "AWS::Events::Archive": Kind("events", {"ArchiveName": (f"{P}-archive",)}),
    "AWS::Events::ApiDestination": Kind("events", {"Name": (f"{P}-pager",)}),
    "AWS::Events::Connection": Kind("events", {"Name": (f"{P}-pager",)}),
    "AWS::IAM::Role": Kind("iam", {"RoleName": (f"{P}-forwarder",)}),
    "AWS::IAM::ManagedPolicy": Kind(
        "iam", {"PolicyArn": (f"arn:aws:iam::222222222222:policy/security/{P}-mfa",)}
    ),
    "AWS::SQS::Queue": Kind(
        "sqs",
        {
            "QueueUrl": tuple(
                f"https://sqs.us-east-1.amazonaws.com/222222222222/{name}"
                for name in (f"{P}-findings", "consoleme-cloudtrail-role-events")
            )
        },
    ),
    "AWS::SNS::Topic": Kind(
        "sns",
        {
            "TopicArn": tuple(
                ARN.format("sns", name)
                for name in (f"{P}-alarms", "consoleme-cloudtrail-role-events")
            )
        },
    ),
    "AWS::SNS::Subscription": Kind(
        "sns", {"SubscriptionArn": (ARN.format("sns", f"{P}-alarms:0a1b2c3d"),)}
    ),
    "AWS::Lambda::Function": Kind(
        "lambda",
        {"FunctionName": (f"{P}-slack", ARN.format("lambda", f"function:{P}-slack"))},
    ),
    "AWS::Lambda::EventSourceMapping": Kind("lambda", {"UUID": ("0a1b2c3d",)}),
    "AWS::SSM::Parameter": Kind(
        "ssm",
        {
            "Name": (f"/{P}/remediation", ARN.format("ssm", f"parameter/{P}/remediation")),
            "Names": (f"/{P}/remediation",),
        },
    ),
    "AWS::DynamoDB::Table": Kind(
        "dynamodb", {"TableName": (f"{P}-memory", ARN.format("dynamodb", f"table/{P}-memory"))}
    ),
    "AWS::Logs::LogGroup": Kind(
        "logs",
        {
            "logGroupName": (f"/aws/lambda/{P}-slack", f"/aws/events/{P}-search"),
            "logGroupIdentifier": (
                f"/aws/vendedlogs/{P}-playbook",
                ARN.format("logs", f"log-group:/aws/lambda/{P}-slack"),
            ),
        },
    ),
    "AWS::Logs::ResourcePolicy": Kind("logs", {"policyName": (f"{P}-events",)}),
    "AWS::CloudWatch::Alarm": Kind(
        "cloudwatch", {"AlarmName": (f"{P}-undelivered",), "AlarmNames": (f"{P}-undelivered",)}
    ),
    "AWS::CloudWatch::Dashboard": Kind(
        "cloudwatch", {"DashboardName": (f"{P}-central",), "DashboardNames": (f"{P}-central",)}
    ),
    "AWS::KinesisFirehose::DeliveryStream": Kind(
        "firehose", {"DeliveryStreamName": (f"{P}-archive",)}
    ),
    "AWS::Kinesis::Stream": Kind(
        "kinesis",
        {"StreamName": (f"{P}-lake",), "StreamARN": (ARN.format("kinesis", f"stream/{P}-lake"),)},
    ),
    "AWS::KMS::Key": Kind("kms", {"KeyId": ("0d990263-018e-4e65-a703-eff731de951e",)}),
    "AWS::KMS::Alias": Kind("kms", {"AliasName": (f"alias/{P}-topics",)}),
    "AWS::S3::Bucket": Kind(
        "s3", {"Bucket": (f"{P}-central-archivebucket-1a2b", f"{P}-intake-222222222222-us-east-1")}
    ),
    "AWS::StepFunctions::StateMachine": Kind(
        "stepfunctions", {"stateMachineArn": (ARN.format("states", f"stateMachine:{P}-playbook"),)}
    ),
    "AWS::CloudFormation::StackSet": Kind(
        "cloudformation", {"StackSetName": (f"{P}-member-rules", f"{P}-member-rules:0a1b")}
    ),
    "AWS::CloudFormation::Stack": Kind(
        "cloudformation",
        {
            "StackName": (
                f"{P}-central",
                ARN.format("cloudformation", f"stack/{P}-central/0a1b"),
                f"StackSet-{P}-member-roles-0a1b",
                ARN.format("cloudformation", f"stack/StackSet-{P}-member-roles-0a1b/2c3d"),
            )
        },
    ),
    "AWS::CloudTrail::Trail": Kind(
        "cloudtrail",
        {
            "Name": (f"{P}-organization", ARN.format("cloudtrail", f"trail/{P}-organization")),
            "TrailName": (f"{P}-organization",),
        },
    ),
    # The template refers to it by name; whoever operates Trailbus makes it.
    "AWS::SecretsManager::Secret": Kind(
        "secretsmanager",
        {"SecretId": (f"{P}/slack", ARN.format("secretsmanager", f"secret:{P}/slack-AbCdEf"))},
    ),
}
"""By type. Stacks and secrets stand in no template and can be hurt all the same."""

NOT_IN_TEMPLATES = {"AWS::CloudFormation::Stack", "AWS::SecretsManager::Secret"}

CHANGED_THROUGH = {
    "AWS::Events::EventBusPolicy": "AWS::Events::EventBus",
    "AWS::Lambda::Permission": "AWS::Lambda::Function",
    "AWS::Logs::LogStream": "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter": "AWS::Logs::LogGroup",
    "AWS::S3::BucketPolicy": "AWS::S3::Bucket",
    "AWS::SNS::TopicPolicy": "AWS::SNS::Topic",
    "AWS::SQS::QueuePolicy": "AWS::SQS::Queue",
}
"""Types that have no calls of their own: those of another type change them."""

_DATA = "handles what goes through it: a data event, and what Trailbus itself does all day"
_OTHER = "this name is that of another kind of thing"
_BACK = "leads back to a template that stood there; what it changes makes calls that are told"
_KEY = "calls name keys by ids that nobody knows in advance; it neither stops nor opens the key"
ANSWERED: dict[str, dict[str, str]] = {
    "events": {},
    "iam": {
        "AttachGroupPolicy": "binds one more, which is what our policy is for",
        "AttachUserPolicy": "binds one more, which is what our policy is for",
        "AttachRolePolicy:PolicyArn": "binds one more; on a role of ours it is told by the role",
    },
    "sqs": dict.fromkeys(
        ("ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "DeleteMessage",
         "DeleteMessageBatch", "SendMessage", "SendMessageBatch"), _DATA),
    "sns": dict.fromkeys(("Publish", "PublishBatch"), _DATA),
    "lambda": dict.fromkeys(("Invoke", "InvokeAsync", "InvokeWithResponseStream"), _DATA),
    "ssm": {
        "LabelParameterVersion": "a label changes nothing of what the switch says",
        "UnlabelParameterVersion": "a label changes nothing of what the switch says",
        **dict.fromkeys(
            ("CreateAssociation", "CreateDocument", "CreateMaintenanceWindow",
             "CreatePatchBaseline", "DeleteAssociation", "DeleteDocument",
             "ModifyDocumentPermission", "RegisterTargetWithMaintenanceWindow",
             "RegisterTaskWithMaintenanceWindow", "UpdateAssociation", "UpdateAssociationStatus",
             "UpdateDocument", "UpdateDocumentDefaultVersion", "UpdateDocumentMetadata",
             "UpdateMaintenanceWindow", "UpdateMaintenanceWindowTarget",
             "UpdateMaintenanceWindowTask", "UpdatePatchBaseline"), _OTHER),
    },
    "dynamodb": dict.fromkeys(
        ("DeleteItem", "PutItem", "UpdateItem", "StartBulkPutItems"), _DATA),
    "logs": {
        "CreateLogStream": "every function and rule does it all day",
        "PutLogEvents": _DATA,
        "StartQuery": "reads",
    },
    "cloudwatch": {
        "DeleteDashboards": "a dashboard shows and carries nothing: who looks sees that it is gone",
        "PutDashboard": "a dashboard shows and carries nothing",
    },
    "firehose": dict.fromkeys(("PutRecord", "PutRecordBatch"), _DATA),
    "kinesis": dict.fromkeys(("PutRecord", "PutRecords"), _DATA),
    "kms": {
        "DisableKey": "kms_key_disabled tells of every key",
        "ScheduleKeyDeletion": "kms_key_deletion_scheduled tells of every key",
        **dict.fromkeys(
            ("Decapsulate", "Decrypt", "DeriveSharedSecret", "Encapsulate", "Encrypt", "Sign",
             "Verify", "VerifyMac"), _DATA),
        **dict.fromkeys(
            ("CancelKeyDeletion", "DisableKeyRotation", "EnableKey", "EnableKeyRotation",
             "ReplicateKey", "RotateKeyOnDemand", "TagResource", "UntagResource",
             "UpdateKeyDescription", "UpdatePrimaryRegion"), _KEY),
        **dict.fromkeys(("DeleteImportedKeyMaterial", "ImportKeyMaterial"),
                        "our keys have no imported material"),
        **dict.fromkeys(("CreateGrant", "RetireGrant", "RevokeGrant"),
                        "our keys work by their policy; services make grants on keys all day"),
    },
    "s3": dict.fromkeys(
        ("AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload",
         "CreateSession", "DeleteObject", "DeleteObjectAnnotation", "DeleteObjectTagging",
         "DeleteObjects", "PutObject", "PutObjectAcl", "PutObjectAnnotation",
         "PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging", "RenameObject",
         "RestoreObject", "UpdateObjectEncryption", "UploadPart", "UploadPartCopy"),
        _DATA),
    "stepfunctions": dict.fromkeys(("StartExecution", "StartSyncExecution"), _DATA),
    "cloudformation": {
        **dict.fromkeys(
            ("CancelUpdateStack", "ContinueUpdateRollback", "RollbackStack", "DeleteChangeSet"),
            _BACK),
        **dict.fromkeys(
            ("CreateChangeSet", "CreateStack", "CreateStackInstances", "CreateStackSet"),
            "makes or adds, and takes nothing away"),
        "CreateGeneratedTemplate": _OTHER,
        "ImportStacksToStackSet": "moves a stack; what it changes makes calls that are told",
        "SetAlias": _OTHER,
        "SetStackPolicy": "forbids updates; an update that fails is seen by who deploys",
        "SignalResource": "no resource of ours waits for signals",
        "UpdateTerminationProtection": "changes nothing that runs; DeleteStack is told",
    },
    "cloudtrail": {
        "CreateTrail": "makes one",
        "StartLogging": "starts it again",
        **dict.fromkeys(("CreateChannel", "CreateDashboard", "CreateEventDataStore",
                         "UpdateChannel"), _OTHER),
    },
    "secretsmanager": {},
}  # fmt: skip
"""By service, the calls that no detection of tampering takes, each with the reason; with a member
behind it, the call that names ours by this member."""

_READS = (
    "BatchGet", "Check", "Describe", "Detect", "Estimate", "Filter", "Generate", "Get", "Head",
    "List", "Lookup", "Query", "Receive", "Scan", "Search", "Select", "Simulate", "Test",
    "Validate",
)  # fmt: skip
_SPELLED = {("s3", "Bucket"): "bucketName", ("lambda", "UUID"): "uUID"}
TAMPER = {
    name: compiled(names.with_prefix(dict(one.pattern), P))
    for name, one in catalogue.read().detections.items()
    if one.pack == "tamper"
}


@lru_cache(maxsize=32)
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def _calls(kind: Kind) -> Iterator[tuple[str, str, str]]:
    """Each call that changes such a resource, with the member and the value that name it."""
    model = _model(kind.service)
    for operation in model.operation_names:
        shape = model.operation_model(operation).input_shape
        for member, values in kind.named.items():
            if shape and member in shape.members and not operation.startswith(_READS):
                for value in values:
                    yield operation, member, value


def _record(service: str, operation: str, member: str, value: str) -> dict[str, Any]:
    """The event of a call, by CloudTrail's spelling."""
    source = _model(service).endpoint_prefix
    key = _SPELLED.get((service, member), member[0].lower() + member[1:])
    asked: dict[str, Any] = {key: [value] if member.endswith("Names") else value}
    if member == "Destination":
        asked = {key: {"arn": value}}
    answered = {"functionArn": ARN.format("lambda", f"function:{P}-slack")}
    return {
        "source": f"aws.{source}",
        "detail-type": API_CALL,
        "detail": {
            "eventSource": f"{source}.amazonaws.com",
            "eventName": operation + ("20150331v2" if service == "lambda" else ""),
            "requestParameters": asked,
            "responseElements": answered if member == "UUID" else None,
            "readOnly": False,
            "managementEvent": True,
        },
    }


def _told(service: str, operation: str, member: str, value: str) -> set[str]:
    event = _record(service, operation, member, value)
    return {name for name, pattern in TAMPER.items() if pattern.matches(event)}


def _resources(template: Any) -> Iterator[str]:
    for resource in template.get("Resources", {}).values():
        yield resource["Type"]
        body = resource.get("Properties", {}).get("TemplateBody")
        if isinstance(body, str):
            yield from _resources(yaml.safe_load(body))


def test_every_type_that_a_template_makes_is_looked_at() -> None:
    everything = Path(__file__).parent.parent / "examples" / "everything.yaml"
    made = {
        kind
        for file in (None, everything)
        for name, text in render(config.load(file).shape).items()
        if name.endswith(".yaml") and "/" not in name
        for kind in _resources(yaml.safe_load(text))
    }
    assert made - set(KINDS) - set(CHANGED_THROUGH) == set()
    assert set(CHANGED_THROUGH.values()) <= set(KINDS)
    assert set(KINDS) - made == NOT_IN_TEMPLATES


@pytest.mark.parametrize("type_", KINDS)
def test_every_call_that_changes_it_is_told_or_answered(type_: str) -> None:
    kind = KINDS[type_]
    calls = list(_calls(kind))
    assert calls
    untold = {
        (operation, member, value)
        for operation, member, value in calls
        if not {operation, f"{operation}:{member}"} & set(ANSWERED[kind.service])
        and not _told(kind.service, operation, member, value)
    }
    assert untold == set()


@pytest.mark.parametrize("service", ANSWERED)
def test_every_answer_has_a_reason_and_a_call(service: str) -> None:
    calls = {
        name
        for kind in KINDS.values()
        if kind.service == service
        for operation, member, _ in _calls(kind)
        for name in (operation, f"{operation}:{member}")
    }
    assert set(ANSWERED[service]) <= calls
    assert all(re.fullmatch(r"\S.{4,}", reason) for reason in ANSWERED[service].values())


def test_the_switch_of_all_remediation_is_told_as_critical() -> None:
    told = {
        name
        for operation, member, value in _calls(KINDS["AWS::SSM::Parameter"])
        for name in _told("ssm", operation, member, value)
    }
    assert told == {"trailbus_remediation_switched"}
    assert catalogue.read().detections["trailbus_remediation_switched"].severity == "critical"
