"""Finds out who is behind a call: the person, where the record lets one see that far.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

import re
from typing import Any, NamedTuple

from shared.notices import Notice, nested, text
from shared.people import CONSOLE, is_made_up, is_vouched, source_identity

_SSO_ROLE = re.compile(r"AWSReservedSSO_(.+)_[0-9a-f]{16}")
"""Roles that IAM Identity Center makes for a permission set; their sessions bear the user's name.
https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html"""


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
    kind = text(identity.get("type"))
    if kind in ("AssumedRole", "Role"):
        found = _role(identity, is_vouched(notice))
    else:
        found = _KINDS.get(kind, _anybody)(identity)
    ways = [found.way] if found.way else []
    service = text(identity.get("invokedBy"))
    if service == CONSOLE:
        ways.append("in the console")
    elif service and service not in ("AWS Internal", found.name):
        ways.append(f"by way of {service}")
    home = text(identity.get("accountId"))
    if home and notice.account and home != notice.account:
        ways.append(f"of account {home}")
    return Who(found.name or "unknown", ", ".join(ways))


def _root(identity: dict[str, Any]) -> Who:
    """The root user; a session by AssumeRoot of the management account says so.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-track-privileged-tasks.html
    """
    assumed = nested(identity, "sessionContext", "assumedRoot")
    ways = ["by AssumeRoot, a privileged session"] if assumed in (True, "true") else []
    ways += [text(identity.get("userName"))] if text(identity.get("userName")) else []
    return Who("the root user", ", ".join(ways))


def _user(identity: dict[str, Any]) -> Who:
    name = text(identity.get("userName")) or _last(identity.get("arn"))
    return Who(name or text(identity.get("principalId")), "IAM user")


def _role(identity: dict[str, Any], vouched: bool) -> Who:
    """A role's session. Its name is told as its caller's where somebody else chose it."""
    issuer = nested(identity, "sessionContext", "sessionIssuer")
    arn = text(identity.get("arn"))
    parts = arn.split("/")
    role = text(nested(issuer, "userName")) or (parts[-2] if len(parts) > 2 else "")
    session = parts[-1] if len(parts) > 2 else ""
    session = session or text(identity.get("principalId")).partition(":")[2]
    provider = nested(identity, "sessionContext", "webIdFederationData", "federatedProvider")
    origin = [f"from {_last(provider)}"] if text(provider) else []
    sso = _SSO_ROLE.fullmatch(role) if vouched else None
    kind = [f"permission set {sso[1]}" if sso else f"role {role}"] if role else []
    source = source_identity(identity)
    if source:
        other = [f"session {session}"] if session and session != source else []
        return Who(source, ", ".join(["source identity", *kind, *origin, *other]))
    if session and ((vouched and not is_made_up(session)) or not role):
        return Who(session, ", ".join([*kind, *origin]))
    named = [f"session {session}"] if session else []
    fallback = text(identity.get("principalId"))
    return Who(role or fallback, ", ".join(["role", *origin, *named]))


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
    "FederatedUser": _federated,
    "SAMLUser": _provided,
    "WebIdentityUser": _provided,
    "IdentityCenterUser": _identity_center,
    "AWSService": _service,
}
