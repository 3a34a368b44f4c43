"""AWS::IAM: roles, managed policies and identity providers, made in moto; IAM is global."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.iam.models import iam_backends

from generator.model import Json
from generator.simulation.world import Resource

from .kind import Kind, Outcome, Properties, Site, refuse, tag_list

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
ROLE_NAME_LENGTH = 64
TRUST_LENGTH = 2_048
INLINE_LENGTH = 10_240
MANAGED_LENGTH = 6_144
MANAGED_PER_ROLE = 10

_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_PATH = re.compile(r"/|/[\u0021-\u007e]+/")


def _backend(site: Site) -> Any:
    return iam_backends[site.account][site.partition]


def _find(site: Site, name: str) -> Any:
    return next((role for role in _backend(site).get_roles() if role.name == name), None)


def trusts_service(site: Site, role_arn: str, service: str) -> bool:
    """Whether a role of this account exists and its trust policy names a service."""
    return role_trusts(site.account, site.partition, role_arn, service)


def role_trusts(account: str, partition: str, role_arn: str, *principals: str) -> bool:
    """Whether a role exists and some statement lets one of the principals assume it."""
    name = role_arn.rpartition("/")[2]
    for role in iam_backends[account][partition].get_roles():
        if role.name == name and role.arn == role_arn:
            document = json.loads(role.assume_role_policy_document)
            return any(
                statement.get("Effect") == "Allow" and _names(statement, principals)
                for statement in _listed(document["Statement"])
            )
    return False


def role_of(account: str, partition: str, name: str) -> str:
    """The ARN of the role of that name; empty when there is none."""
    roles = iam_backends[account][partition].get_roles()
    return next((str(role.arn) for role in roles if role.name == name), "")


def _names(statement: Mapping[str, Json], principals: tuple[str, ...]) -> bool:
    principal = statement.get("Principal") or {}
    if principal == "*":
        return True
    named = [name for value in principal.values() for name in _listed(value)]
    return any(name in (*principals, "*") for name in named)


def _listed(value: Json) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _document(value: Json, limit: int, what: str) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    # IAM does not count white space.
    if len(re.sub(r"\s", "", text)) > limit:
        raise refuse(
            f"{what}: Maximum policy size of {limit} bytes exceeded", "ServiceLimitExceeded"
        )
    return text


def _role(site: Site, name: str, properties: Properties) -> Outcome:
    if not _NAME.fullmatch(name) or len(name) > ROLE_NAME_LENGTH:
        raise refuse(
            f"1 validation error detected: Value '{name}' at 'roleName' failed to satisfy "
            f"constraint: at most {ROLE_NAME_LENGTH} characters of [\\w+=,.@-]"
        )
    path = str(properties.get("Path", "/"))
    if not _PATH.fullmatch(path):
        raise refuse(f"The specified value for path is invalid: {path}")
    trust = _document(properties["AssumeRolePolicyDocument"], TRUST_LENGTH, f"trust of {name}")
    inline, managed = _policies(properties, name), _managed(site, properties)
    role = _backend(site).create_role(
        role_name=name,
        assume_role_policy_document=trust,
        path=path,
        permissions_boundary=_boundary(properties),
        description=str(properties.get("Description", "")),
        tags=tag_list(properties),
        max_session_duration=str(properties.get("MaxSessionDuration", 3600)),
    )
    role.policies.update(inline)
    for policy in managed:
        policy.attach_to(role)
    return Outcome(name, {"Arn": role.arn, "RoleId": role.id})


def _boundary(properties: Properties) -> str | None:
    return str(properties["PermissionsBoundary"]) if properties.get("PermissionsBoundary") else None


def _policies(properties: Properties, name: str) -> dict[str, str]:
    inline = {
        str(policy["PolicyName"]): _document(
            policy["PolicyDocument"], INLINE_LENGTH, f"policy {policy['PolicyName']} of {name}"
        )
        for policy in properties.get("Policies", [])
    }
    if sum(len(re.sub(r"\s", "", text)) for text in inline.values()) > INLINE_LENGTH:
        raise refuse(
            f"Maximum policy size of {INLINE_LENGTH} bytes exceeded for role {name}",
            "ServiceLimitExceeded",
        )
    return inline


def _managed(site: Site, properties: Properties) -> list[Any]:
    arns = [str(arn) for arn in properties.get("ManagedPolicyArns", [])]
    if len(arns) > MANAGED_PER_ROLE:
        raise refuse(
            f"Cannot exceed quota for PoliciesPerRole: {MANAGED_PER_ROLE}", "ServiceLimitExceeded"
        )
    found = []
    for arn in arns:
        policy = _backend(site).managed_policies.get(arn) or _aws_managed(site, arn)
        if policy is None:
            raise refuse(f"Policy {arn} does not exist or is not attachable.", "NotFound")
        found.append(policy)
    return found


def _aws_managed(site: Site, arn: str) -> Any:
    """moto knows AWS's own managed policies only if it is told to; ask its data for the one."""
    prefix = f"arn:{site.partition}:iam::aws:policy/"
    if not arn.startswith(prefix):
        return None
    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from moto.iam.models import AWSManagedPolicy

    name = arn.rpartition("/")[2]
    data = json.loads(aws_managed_policies_data).get(name)
    if data is None:
        return None
    policy = AWSManagedPolicy.from_data(name, site.account, site.region, data)
    _backend(site).managed_policies[arn] = policy
    return policy


def _update_role(site: Site, resource: Resource, properties: Properties) -> None:
    name = resource.physical_id
    role = _find(site, name)
    if role is None:
        raise refuse(f"The role with name {name} cannot be found.", "NotFound")
    trust = _document(properties["AssumeRolePolicyDocument"], TRUST_LENGTH, f"trust of {name}")
    inline, managed = _policies(properties, name), _managed(site, properties)
    role.assume_role_policy_document = trust
    role.description = str(properties.get("Description", ""))
    role.max_session_duration = str(properties.get("MaxSessionDuration", 3600))
    role.permissions_boundary_arn = _boundary(properties)
    role.tags = tag_list(properties)
    # Policies that somebody else put on the role stay there.
    for policy in resource.properties.get("Policies", []):
        role.policies.pop(str(policy["PolicyName"]), None)
    role.policies.update(inline)
    for arn in resource.properties.get("ManagedPolicyArns", []):
        if arn in role.managed_policies:
            role.managed_policies[arn].detach_from(role)
    for policy in managed:
        policy.attach_to(role)


def _delete_role(site: Site, resource: Resource) -> None:
    role = _find(site, resource.physical_id)
    if role is None:
        return
    own = {str(policy["PolicyName"]) for policy in resource.properties.get("Policies", [])}
    attached = set(resource.properties.get("ManagedPolicyArns", []))
    if set(role.policies) - own or set(role.managed_policies) - attached:
        raise refuse("Cannot delete entity, must detach all policies first.", "ResourceConflict")
    for policy in list(role.managed_policies.values()):
        policy.detach_from(role)
    del _backend(site).roles[role.id]


def _live_role(site: Site, resource: Resource) -> dict[str, Json] | None:
    role = _find(site, resource.physical_id)
    if role is None:
        return None
    live: dict[str, Json] = dict(resource.properties)
    live["AssumeRolePolicyDocument"] = json.loads(role.assume_role_policy_document)
    live["Policies"] = [
        {"PolicyName": name, "PolicyDocument": json.loads(text)}
        for name, text in role.policies.items()
    ]
    live["ManagedPolicyArns"] = list(role.managed_policies)
    live["PermissionsBoundary"] = role.permissions_boundary_arn
    live["Description"] = role.description
    live["Tags"] = role.tags
    return live


def _managed_policy(site: Site, name: str, properties: Properties) -> Outcome:
    if properties.get("Roles") or properties.get("Users") or properties.get("Groups"):
        raise refuse(
            "Attaching a managed policy from its own side is not simulated; use the "
            "ManagedPolicyArns of the role"
        )
    text = _document(properties["PolicyDocument"], MANAGED_LENGTH, f"policy {name}")
    policy = _backend(site).create_policy(
        str(properties.get("Description", "")), str(properties.get("Path", "/")), text, name, []
    )
    return Outcome(policy.arn, {"PolicyArn": policy.arn, "DefaultVersionId": "v1"})


def _update_managed_policy(site: Site, resource: Resource, properties: Properties) -> None:
    text = _document(properties["PolicyDocument"], MANAGED_LENGTH, resource.physical_id)
    policy = _backend(site).get_policy(resource.physical_id)
    if len(policy.versions) >= 5:
        # CloudFormation makes room by deleting the oldest version.
        policy.versions.remove(next(v for v in policy.versions if not v.is_default))
    _backend(site).create_policy_version(resource.physical_id, text, True)


def _delete_managed_policy(site: Site, resource: Resource) -> None:
    policy = _backend(site).managed_policies.get(resource.physical_id)
    if policy is not None and policy.attachment_count:
        raise refuse("Cannot delete a policy attached to entities.", "ResourceConflict")
    _backend(site).managed_policies.pop(resource.physical_id, None)


def _policy_taken(site: Site, name: str) -> bool:
    known = _backend(site).managed_policies
    return any(p.name == name and ":aws:policy/" not in arn for arn, p in known.items())


def _provider(site: Site, name: str, properties: Properties) -> Outcome:
    url = str(properties["Url"])
    made = _backend(site).create_open_id_connect_provider(
        url,
        list(properties.get("ThumbprintList", [])),
        list(properties.get("ClientIdList", [])),
        tag_list(properties),
    )
    return Outcome(made.arn, {"Arn": made.arn})


def _update_provider(site: Site, resource: Resource, properties: Properties) -> None:
    made = _backend(site).open_id_providers[resource.physical_id]
    made.thumbprint_list = list(properties.get("ThumbprintList", []))
    made.client_id_list = list(properties.get("ClientIdList", []))


def _delete_provider(site: Site, resource: Resource) -> None:
    _backend(site).open_id_providers.pop(resource.physical_id, None)


KINDS = {
    "AWS::IAM::Role": Kind(
        _role,
        _update_role,
        _delete_role,
        exists=lambda site, name: _find(site, name) is not None,
        name="RoleName",
        longest=ROLE_NAME_LENGTH,
        fixed=("Path",),
        needs=("AssumeRolePolicyDocument",),
        tags="list",
        live=_live_role,
    ),
    "AWS::IAM::ManagedPolicy": Kind(
        _managed_policy,
        _update_managed_policy,
        _delete_managed_policy,
        exists=_policy_taken,
        name="ManagedPolicyName",
        longest=128,
        fixed=("Description", "Path"),
        needs=("PolicyDocument",),
    ),
    "AWS::IAM::OIDCProvider": Kind(
        _provider,
        _update_provider,
        _delete_provider,
        fixed=("Url",),
        needs=("Url",),
        tags="list",
    ),
}
