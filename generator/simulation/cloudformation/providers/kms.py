"""AWS::KMS: keys and their aliases, in the inventory alone."""

from __future__ import annotations

import json

from generator.model import Json

from .kind import Kind, Outcome, Properties, Site, plain, refuse

POLICY_LENGTH = 32_768
"""https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html"""


def _key(site: Site, name: str, properties: Properties) -> Outcome:
    identity = site.invented_id()
    _check(site, name, properties)
    return Outcome(identity, {"Arn": site.arn("kms", f"key/{identity}"), "KeyId": identity})


def _check(site: Site, name: str, properties: Properties) -> None:
    policy: Json = properties.get("KeyPolicy")
    if not policy:
        raise refuse("a key without KeyPolicy is not simulated")
    text = policy if isinstance(policy, str) else json.dumps(policy)
    if len(text) > POLICY_LENGTH:
        raise refuse(f"The key policy exceeds {POLICY_LENGTH} bytes", "ServiceLimitExceeded")


def _check_alias(site: Site, name: str, properties: Properties) -> None:
    if not name.startswith("alias/") or name.startswith("alias/aws/"):
        raise refuse(f"{name} is no name of an alias: alias/..., not alias/aws/...")


KINDS = {
    "AWS::KMS::Key": Kind(
        _key,
        lambda site, resource, properties: _check(site, resource.physical_id, properties),
        tags="list",
    ),
    "AWS::KMS::Alias": plain(name="AliasName", needs=("TargetKeyId",), check=_check_alias),
}
