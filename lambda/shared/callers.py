"""Finds out who is behind a call: the person, where the record lets one see that far.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

import re
from typing import Any, NamedTuple

from shared.notices import Notice, nested, text

_SSO_ROLE = re.compile(r"AWSReservedSSO_(.+)_[0-9a-f]{16}")
"""Roles that IAM Identity Center makes for a permission set; their sessions bear the user's name.
https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html"""
_MACHINE = re.compile(
    r"i-[0-9a-f]{8,17}|[0-9]+|[0-9a-fA-F-]{32,36}"
    r"|(botocore-session|aws-sdk-|aws-go-sdk|AWSCLI-Session|session-?)[\w.-]*"
)
"""Names of sessions that software made up."""


class Who(NamedTuple):
    """Somebody's name, and by what way they came."""

    name: str
    way: str


def who_called(notice: Notice) -> Who:
    """Who made the call. Names are as the record has them: not yet fit to be shown."""
    identity = notice.detail.get("userIdentity")
    if not isinstance(identity, dict):
        by_itself = text(notice.detail.get("eventType")) == "AwsServiceEvent"
        return Who("AWS itself", "") if by_itself else Who("unknown", "the record names nobody")
    found = _KINDS.get(text(identity.get("type")), _anybody)(identity)
    ways = [found.way] if found.way else []
    service = text(identity.get("invokedBy"))
    if service and service not in ("AWS Internal", found.name):
        ways.append(f"by way of {service}")
    home = text(identity.get("accountId"))
    if home and notice.account and home != notice.account:
        ways.append(f"of account {home}")
    return Who(found.name or "unknown", ", ".join(ways))


def _root(identity: dict[str, Any]) -> Who:
    return Who("the root user", text(identity.get("userName")))


def _user(identity: dict[str, Any]) -> Who:
    name = text(identity.get("userName")) or _last(identity.get("arn"))
    return Who(name or text(identity.get("principalId")), "IAM user")


def _role(identity: dict[str, Any]) -> Who:
    """A role's session. Its source identity is what the person could not choose."""
    issuer = nested(identity, "sessionContext", "sessionIssuer")
    arn = text(identity.get("arn"))
    parts = arn.split("/")
    role = text(nested(issuer, "userName")) or (parts[-2] if len(parts) > 2 else "")
    session = parts[-1] if len(parts) > 2 else ""
    session = session or text(identity.get("principalId")).partition(":")[2]
    source = text(nested(identity, "sessionContext", "sourceIdentity"))
    source = source or text(nested(identity, "sessionContext", "attributes", "sourceIdentity"))
    provider = nested(identity, "sessionContext", "webIdFederationData", "federatedProvider")
    ways = [f"role {role}"] if role else []
    sso = _SSO_ROLE.fullmatch(role)
    if sso:
        ways = [f"permission set {sso[1]}"]
    if text(provider):
        ways.append(f"from {_last(provider)}")
    if source:
        if session and session != source:
            ways.append(f"session {session}")
        return Who(source, ", ".join(ways))
    if role and (not session or _MACHINE.fullmatch(session)):
        return Who(role, ", ".join(["role", *ways[1:], *([f"session {session}"] * bool(session))]))
    return Who(session or text(identity.get("principalId")), ", ".join(ways))


def _federated(identity: dict[str, Any]) -> Who:
    issuer = text(nested(identity, "sessionContext", "sessionIssuer", "userName"))
    name = _last(identity.get("arn")) or text(identity.get("principalId")).rpartition(":")[2]
    return Who(name, f"federated by {issuer}" if issuer else "federated user")


def _provided(identity: dict[str, Any]) -> Who:
    provider = text(identity.get("identityProvider"))
    name = text(identity.get("userName")) or text(identity.get("principalId"))
    return Who(name, f"from {_last(provider)}" if provider else "federated user")


def _identity_center(identity: dict[str, Any]) -> Who:
    name = text(identity.get("userName")) or text(nested(identity, "onBehalfOf", "userId"))
    return Who(name or text(identity.get("principalId")), "IAM Identity Center user")


def _service(identity: dict[str, Any]) -> Who:
    return Who(text(identity.get("invokedBy")) or "an AWS service", "AWS service")


def _anybody(identity: dict[str, Any]) -> Who:
    for key in ("userName", "arn", "principalId", "invokedBy", "accountId"):
        if text(identity.get(key)):
            return Who(text(identity[key]), text(identity.get("type")))
    return Who("unknown", text(identity.get("type")))


def _last(path: Any) -> str:
    return text(path).rpartition("/")[2]


_KINDS = {
    "Root": _root,
    "IAMUser": _user,
    "AssumedRole": _role,
    "Role": _role,
    "FederatedUser": _federated,
    "SAMLUser": _provided,
    "WebIdentityUser": _provided,
    "IdentityCenterUser": _identity_center,
    "AWSService": _service,
}
