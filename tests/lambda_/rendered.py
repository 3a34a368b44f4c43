"""What the rendered templates give a responder: its variables, its roles, the names around it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from generator import config
from generator.model import Json, Shape
from generator.render import render

OUT = Path(__file__).parents[2] / "out"

ORGANIZATION = "o-a1b2c3d4e5"
CENTRAL = "222222222222"
KEY_ID = "0f0f0f0f-1111-2222-3333-444444444444"


@dataclass(frozen=True)
class Site:
    """Where a template is deployed, and with which parameters."""

    account: str
    region: str = "us-east-1"
    partition: str = "aws"
    role_path: str = "/"
    configuration: str = ""
    """What is rendered, as a configuration's text; what stands in out/ where there is none."""
    given: tuple[tuple[str, str], ...] = ()
    """Parameters of the stack that are not at their default."""

    @property
    def values(self) -> dict[str, str]:
        """What Ref gives for pseudo parameters and parameters."""
        return {
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": self.partition,
            "AWS::URLSuffix": "amazonaws.com" + ".cn" * (self.partition == "aws-cn"),
            "CentralAccountId": CENTRAL,
            "OrganizationId": ORGANIZATION,
            "RolePath": self.role_path,
            **dict(self.given),
        }

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


EVERY_REMEDY = """\
targets:
  trail-guard: {kind: responder, responder: restart_cloudtrail, mode: enforce}
  bucket-guard: {kind: responder, responder: block_public_bucket, mode: enforce}
  mfa-guard: {kind: responder, responder: require_mfa, mode: enforce}
  owner-tags: {kind: responder, responder: tag_owner, mode: enforce}
routes:
  - {detections: [cloudtrail_logging_stopped], to: [trail-guard]}
  - {to: [bucket-guard], detections: [
      s3_bucket_policy_changed, s3_bucket_acl_opened, s3_public_access_block_removed]}
  - {detections: [iam_user_created, iam_login_profile_created], to: [mfa-guard]}
  - {detections: [ec2_instances_launched, ec2_instances_started], to: [owner-tags]}
"""
"""A configuration with every responder that changes something."""


def _read(text: str) -> dict[str, Json]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: dict[str, Json] = yaml.load(text, loader)  # noqa: S506
    return loaded


@lru_cache
def _template(name: str, configuration: str = "") -> dict[str, Json]:
    if configuration:
        return _read(_files(configuration)[name])
    return _read((OUT / name).read_text(encoding="utf-8"))


@lru_cache
def _shape(configuration: str) -> Shape:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "trailbus.yaml"
        file.write_text(configuration, encoding="utf-8")
        return config.load(file).shape


@lru_cache
def _files(configuration: str) -> dict[str, str]:
    return dict(render(_shape(configuration)))


def every_remedy() -> Shape:
    """The shape of that configuration."""
    return _shape(EVERY_REMEDY)


@lru_cache
def resource(template: str, logical_id: str, site: Site) -> dict[str, Any]:
    """The resolved properties of a resource in a file of out/, or, where the built-in
    configuration has no such resource, in one with every remedy."""
    whole = _template(template, site.configuration)
    if logical_id not in whole["Resources"]:
        whole = _template(template, EVERY_REMEDY)
    properties = whole["Resources"][logical_id]["Properties"]
    resolved: dict[str, Any] = _resolved(properties, whole, site)
    return resolved


def logical_ids(template: str, type_: str) -> list[str]:
    """The resources of a type in a file of out/."""
    resources = _template(template)["Resources"]
    return [name for name, entry in resources.items() if entry["Type"] == type_]


def _resolved(value: Json, template: dict[str, Json], site: Site) -> Any:
    """The value without intrinsic functions: those that responders' resources use."""
    if isinstance(value, list):
        items = (_resolved(item, template, site) for item in value)
        return [item for item in items if item is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Ref":
            return _ref(argument, template, site)
        if function == "Fn::Sub":
            text = re.sub(r"\$\{([\w:]+)\}", lambda m: _ref(m[1], template, site), argument)
            return text.replace("${!", "${")
        if function == "Fn::GetAtt":
            assert argument[1] == "Arn"
            return _arn(argument[0], template, site)
        if function == "Fn::If":
            return _resolved(argument[2], template, site)  # every switch at its default
    entries = ((key, _resolved(item, template, site)) for key, item in value.items())
    return {key: item for key, item in entries if item is not NO_VALUE}


NO_VALUE = object()


def _ref(name: str, template: dict[str, Json], site: Site) -> Any:
    if name in site.values:
        return site.values[name]
    if name == "AWS::NoValue":
        return NO_VALUE
    if name in template["Parameters"]:
        return str(template["Parameters"][name].get("Default", ""))
    if template["Resources"][name]["Type"] == "AWS::SNS::Topic":
        return _arn(name, template, site)
    if template["Resources"][name]["Type"] == "AWS::SQS::Queue":
        host = f"https://sqs.{site.region}.amazonaws.com"
        return f"{host}/{site.account}/{_physical(name, template, site)}"
    return _physical(name, template, site)


_NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
}


def _physical(name: str, template: dict[str, Json], site: Site) -> str:
    entry = template["Resources"][name]
    return str(_resolved(entry["Properties"][_NAMES[entry["Type"]]], template, site))


def _arn(name: str, template: dict[str, Json], site: Site) -> str:
    entry = template["Resources"][name]
    properties, type_ = entry["Properties"], entry["Type"]
    if type_ == "AWS::KMS::Key":
        return site.arn("kms", f"key/{KEY_ID}")
    if type_ == "AWS::IAM::Role":
        role = _resolved(properties["RoleName"], template, site)
        return f"arn:{site.partition}:iam::{site.account}:role{site.role_path}{role}"
    kind = {
        "AWS::DynamoDB::Table": ("dynamodb", "table/"),
        "AWS::SNS::Topic": ("sns", ""),
        "AWS::SQS::Queue": ("sqs", ""),
    }[type_]
    return site.arn(kind[0], kind[1] + _physical(name, template, site))
