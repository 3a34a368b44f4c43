"""AWS::SecretsManager: secrets, made in moto."""

from __future__ import annotations

import json
from typing import Any

from moto.secretsmanager.models import secretsmanager_backends

from generator.simulation.world import Resource

from .kind import Kind, Outcome, Properties, Site, tag_list


def _backend(site: Site) -> Any:
    return secretsmanager_backends[site.account][site.region]


def _secret(site: Site, name: str, properties: Properties) -> Outcome:
    made = _backend(site).create_secret(
        name=name,
        secret_string=_value(site, properties),
        secret_binary=None,
        description=str(properties.get("Description", "")),
        tags=tag_list(properties),
        kms_key_id=properties.get("KmsKeyId"),
        client_request_token=None,
        replica_regions=[],
        force_overwrite=False,
    )
    arn = str((json.loads(made) if isinstance(made, str) else made)["ARN"])
    return Outcome(arn, {"Id": arn})


def _value(site: Site, properties: Properties) -> str | None:
    """The secret's text; a generated one is the same in every run."""
    rule = properties.get("GenerateSecretString")
    if rule is None:
        return str(properties["SecretString"]) if "SecretString" in properties else None
    password = site.invented_id().replace("-", "")[: int(rule.get("PasswordLength", 32))]
    if "SecretStringTemplate" not in rule:
        return password
    whole = json.loads(str(rule["SecretStringTemplate"]))
    return json.dumps({**whole, str(rule["GenerateStringKey"]): password})


def _update(site: Site, resource: Resource, properties: Properties) -> None:
    secret = _backend(site).secrets[_name(resource)]
    secret.description = str(properties.get("Description", ""))
    secret.kms_key_id = properties.get("KmsKeyId")
    secret.tags = tag_list(properties)
    if properties.get("SecretString") != resource.properties.get("SecretString"):
        _backend(site).put_secret_value(
            _name(resource), _value(site, properties), None, None, ["AWSCURRENT"]
        )


def _delete(site: Site, resource: Resource) -> None:
    """CloudFormation leaves no recovery window."""
    if _name(resource) in _backend(site).secrets:
        _backend(site).secrets.pop(_name(resource))


def _name(resource: Resource) -> str:
    return str(resource.properties["Name"])


KINDS = {
    "AWS::SecretsManager::Secret": Kind(
        _secret,
        _update,
        _delete,
        exists=lambda site, name: name in _backend(site).secrets,
        name="Name",
        longest=512,
        tags="list",
    ),
}
