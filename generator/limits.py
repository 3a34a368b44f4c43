"""The limits of AWS, held against rendered templates: computed here, not hoped for there.

cfn-lint knows few of them. Each has the page that tells it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from generator import names
from generator.model import Json, Problem

_CFN = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
_BUS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"
_INPUT = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"
_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html"
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html"
_LOGS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"
_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
_STATES = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"

STACK_SET_BODY = 51_200
TEMPLATE = 1_000_000
"""Bytes of a template that is read from a bucket, as cfn-lint counts them; AWS says 1 MB."""
RESOURCES = 500
PARAMETERS = 200
OUTPUTS = 200
DYNAMIC_REFERENCES = 60
PATTERN = 2_048
RULES = 300
WILDCARD_RULES = 30
TARGETS = 5
INPUT_TEMPLATE = 8_192
INPUT_PATHS = 100
QUEUE_POLICY = 8_192
BUCKET_POLICY = 20_480
BUS_POLICY = 10_240
LOG_POLICY = 5_120
ROLE_POLICIES = 10_240
TRUST_POLICY = 2_048
MANAGED_POLICY = 6_144
ENVIRONMENT = 4_096
DEFINITION = 1_048_576
NAME = {
    "AWS::Events::Rule": ("Name", 64),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", 128),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::SNS::Topic": ("TopicName", 256),
    "AWS::Events::ApiDestination": ("Name", 64),
    "AWS::Events::Archive": ("ArchiveName", 48),
    "AWS::KinesisFirehose::DeliveryStream": ("DeliveryStreamName", 64),
    "AWS::Kinesis::Stream": ("Name", 128),
    "AWS::Events::Connection": ("Name", 64),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
}
_LONGEST_REGION = "ap-southeast-99"
_LONGEST_PARTITION = "aws-us-gov"


def problems(name: str, text: str, template: Mapping[str, Json]) -> list[Problem]:
    """Every limit that a rendered template breaks."""
    found = [*_sizes(name, text, template), *_rules(name, template)]
    for logical, resource in template["Resources"].items():
        place = f"{name}: {logical}"
        found += _resource(place, resource)
    return found


def _over(place: str, what: str, size: int, limit: int, page: str) -> Iterator[Problem]:
    if size > limit:
        yield Problem(place, f"{what}: {size:,}, at most {limit:,} are allowed", f"see {page}")


def _sizes(name: str, text: str, template: Mapping[str, Json]) -> Iterator[Problem]:
    size = len(text.encode())
    inline = name in (names.MEMBER_ROLES, names.MEMBER_RULES)
    yield from _over(name, "bytes", size, STACK_SET_BODY if inline else TEMPLATE, _CFN)
    references = text.count("{{resolve:")
    yield from _over(name, "dynamic references", references, DYNAMIC_REFERENCES, _CFN)
    for section, limit in (
        ("Resources", RESOURCES),
        ("Parameters", PARAMETERS),
        ("Outputs", OUTPUTS),
    ):
        yield from _over(name, section.lower(), len(template.get(section, {})), limit, _CFN)


def _rules(name: str, template: Mapping[str, Json]) -> Iterator[Problem]:
    rules: Counter[str] = Counter()
    wildcards: Counter[str] = Counter()
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Events::Rule":
            bus = json.dumps(resource["Properties"].get("EventBusName", "default"))
            rules[bus] += 1
            wildcards[bus] += '"wildcard"' in json.dumps(resource["Properties"])
    for bus, count in rules.items():
        yield from _over(name, f"rules on the bus {bus}", count, RULES, _BUS)
        yield from _over(
            name, f"rules with wildcards on the bus {bus}", wildcards[bus], WILDCARD_RULES, _BUS
        )


def _resource(place: str, resource: Mapping[str, Any]) -> Iterator[Problem]:
    kind, properties = resource["Type"], resource.get("Properties", {})
    if kind in NAME:
        key, limit = NAME[kind]
        if isinstance(properties.get(key), str):
            yield from _over(place, f"characters of {key}", len(properties[key]), limit, _CFN)
    if kind == "AWS::Events::Rule":
        if "EventPattern" in properties:  # else it has a schedule
            size = _length(properties["EventPattern"])
            yield from _over(place, "characters", size, PATTERN, _BUS)
        targets = properties.get("Targets", [])
        yield from _over(place, "targets", len(targets), TARGETS, _BUS)
        for target in map(_unconditional, targets):
            template = (target.get("InputTransformer") or {}).get("InputTemplate", "")
            where = f"{place}, target {target['Id']}"
            size = len(_longest(template))
            yield from _over(where, "characters of input", size, INPUT_TEMPLATE, _INPUT)
            paths = (target.get("InputTransformer") or {}).get("InputPathsMap", {})
            yield from _over(where, "variables of input", len(paths), INPUT_PATHS, _INPUT)
    elif kind == "AWS::SQS::QueuePolicy":
        size = _length(properties["PolicyDocument"])
        yield from _over(place, "bytes of policy", size, QUEUE_POLICY, _SQS)
    elif kind == "AWS::S3::BucketPolicy":
        size = _length(properties["PolicyDocument"])
        yield from _over(place, "bytes of policy", size, BUCKET_POLICY, _S3)
    elif kind == "AWS::Events::EventBusPolicy":
        yield from _over(place, "bytes", _length(properties["Statement"]), BUS_POLICY, _BUS)
    elif kind == "AWS::Logs::ResourcePolicy":
        size = len(_resolved(properties["PolicyDocument"]))
        yield from _over(place, "characters of policy", size, LOG_POLICY, _LOGS)
    elif kind == "AWS::IAM::Role":
        policies = [
            policy.get("Fn::If", [None, policy])[1] for policy in properties.get("Policies", [])
        ]
        size = sum(_length(policy["PolicyDocument"]) for policy in policies)
        yield from _over(place, "characters of inline policies", size, ROLE_POLICIES, _IAM)
        size = _length(properties.get("AssumeRolePolicyDocument", {}))
        yield from _over(place, "characters of trust policy", size, TRUST_POLICY, _IAM)
    elif kind == "AWS::StepFunctions::StateMachine":
        text = properties["DefinitionString"]
        size = len((text if isinstance(text, str) else text["Fn::Sub"][0]).encode())
        yield from _over(place, "bytes of definition", size, DEFINITION, _STATES)
    elif kind == "AWS::IAM::ManagedPolicy":
        size = _length(properties["PolicyDocument"])
        yield from _over(place, "characters", size, MANAGED_POLICY, _IAM)
    elif kind == "AWS::Lambda::Function":
        variables = properties.get("Environment", {}).get("Variables", {})
        size = sum(
            len(key.encode()) + (len(value.encode()) if isinstance(value, str) else _length(value))
            for key, value in variables.items()
        )
        yield from _over(place, "bytes of variables", size, ENVIRONMENT, _LAMBDA)


def _longest(value: Json) -> str:
    """A text, or the longest that its Fn::Join and Fn::If can make of it."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        separator, pieces = argument
        return str(separator).join(map(_longest, pieces))
    _, yes, no = argument
    return max(_longest(yes), _longest(no), key=len)


def _unconditional(target: Mapping[str, Any]) -> Mapping[str, Any]:
    """A target that only some Regions have, as it is there."""
    return target["Fn::If"][1] if "Fn::If" in target else target


def _length(value: Json) -> int:
    """Characters of a value as JSON, with the pseudo parameters at their longest."""
    return len(json.dumps(_resolved(value), separators=(",", ":")))


def _resolved(value: Json) -> Json:
    if isinstance(value, list):
        return [_resolved(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value == {"Ref": "AWS::AccountId"}:
        return "0" * 12
    if len(value) == 1 and "Fn::Sub" in value and isinstance(value["Fn::Sub"], str):
        text = value["Fn::Sub"].replace("${AWS::AccountId}", "0" * 12)
        text = text.replace("${AWS::Region}", _LONGEST_REGION)
        text = text.replace("${AWS::Partition}", _LONGEST_PARTITION)
        return re.sub(r"\$\{RolePath\}", "/" + "x" * 62 + "/", text)
    return {key: _resolved(item) for key, item in value.items()}
