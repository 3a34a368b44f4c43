"""What makes resources: one module per service, imported when a template first needs it."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from generator.simulation.cloudformation.providers.kind import Kind
from generator.simulation.cloudformation.refusals import malformed

_MODULES = {
    "CloudFormation": "stack_sets",
    "CloudTrail": "cloudtrail",
    "CloudWatch": "cloudwatch",
    "DynamoDB": "dynamodb",
    "Events": "events",
    "IAM": "iam",
    "KMS": "kms",
    "Kinesis": "streams",
    "KinesisFirehose": "streams",
    "Lambda": "functions",
    "Logs": "logs",
    "S3": "s3",
    "SNS": "sns",
    "SQS": "sqs",
    "SSM": "ssm",
    "Scheduler": "workflows",
    "SecretsManager": "secrets",
    "StepFunctions": "workflows",
}


@cache
def kind(type_: str) -> Kind:
    """How resources of a type are made; ServiceError when nothing here makes such."""
    service = type_.split("::")[1] if type_.count("::") == 2 else ""
    if service in _MODULES:
        kinds: dict[str, Kind] = import_module(f"{__name__}.{_MODULES[service]}").KINDS
        if type_ in kinds:
            return kinds[type_]
    raise malformed(f"Unrecognized resource types: [{type_}], or not simulated")
