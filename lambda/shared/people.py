"""Who made a call: the human behind a role or a session, where the record tells."""

import re
from dataclasses import dataclass

from shared.notices import Notice, nested, text

# What a role's session may be called, and a little more for federated names; anything else was
# not written by AWS. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_NAME = re.compile(r"[A-Za-z0-9_+=,.@:/ -]{1,128}")


@dataclass(frozen=True)
class Person:
    """A human's name, or why the record tells none."""

    name: str = ""
    why_not: str = ""


def person_behind(notice: Notice, trust_session_names: bool = False) -> Person:
    """The human who made the call.

    A role's session is called whatever the one who assumes it likes. It names a person where it
    was not theirs to choose: the source identity, which a session cannot shed
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html),
    a session of IAM Identity Center, one that an identity provider vouched for. Others count
    only if they are an address, or if `trust_session_names` says so.
    """
    identity = notice.detail.get("userIdentity")
    service = _service(notice)
    if service:
        return Person(why_not=f"{service} made the call, nobody in person")
    source = text(nested(identity, "sessionContext", "sourceIdentity"))
    kind = text(nested(identity, "type"))
    session = text(nested(identity, "principalId")).partition(":")[2]
    if source:
        name = source
    elif kind == "IAMUser":
        name = text(nested(identity, "userName"))
    elif kind == "FederatedUser":
        name = session
    elif kind == "AssumedRole":
        vouched = _vouched(notice) or trust_session_names or re.fullmatch(r"[^@]+@[^@]+", session)
        if not vouched:
            return Person(why_not=f"the session '{session[:64]}' of a role names no person")
        name = session
    else:
        return Person(why_not=f"a caller of type '{kind[:64]}' is nobody in person")
    if not _NAME.fullmatch(name):
        return Person(why_not="the record names nobody, or not in characters that names have")
    return Person(name)


def _service(notice: Notice) -> str:
    """The service that made the call, for itself or for somebody; empty when none did."""
    identity = notice.detail.get("userIdentity")
    invoked_by = text(nested(identity, "invokedBy"))
    address = text(notice.detail.get("sourceIPAddress"))
    if invoked_by:
        return invoked_by[:64]
    if text(nested(identity, "type")) == "AWSService" or address.endswith(".amazonaws.com"):
        return address[:64] or "a service"
    return "a service" if ":role/aws-service-role/" in notice.role_arn else ""


def _vouched(notice: Notice) -> bool:
    """Whether IAM Identity Center or an identity provider chose the session's name."""
    federation = nested(
        notice.detail, "userIdentity", "sessionContext", "webIdFederationData", "federatedProvider"
    )
    role = notice.role_arn
    return bool(federation) or ":role/aws-reserved/sso.amazonaws.com/" in role
