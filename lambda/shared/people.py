"""Who made a call: the human behind a role or a session, where the record tells."""

import json
import os
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from shared.notices import Notice, nested, text

# What a role's session may be called, and a little more for federated names; anything else was
# not written by AWS. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_PERSON_NAME = re.compile(r"[A-Za-z0-9_+=,.@:/ -]{1,128}")
_SSO_ROLES = ":role/aws-reserved/sso.amazonaws.com/"
"""The path of the roles that IAM Identity Center makes; nobody else can make a role there.
https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html"""
_MACHINE = re.compile(
    r"i-[0-9a-f]{8,17}|[0-9]+|[0-9a-fA-F-]{32,36}"
    r"|(botocore-session|aws-sdk|aws-go-sdk|aws-cdk|AWSCLI|session-?|AssumeRole|eks-|ecs-|karpenter"
    r"|CognitoIdentityCredentials|terraform|pulumi|GitHub-?Actions|gitlab|bitbucket|jenkins"
    r"|circleci|buildkite|codebuild|ci[-_]|(job|run|build|pipeline|task|pod|deploy)[-_])[\w+=,.@-]*",
    re.IGNORECASE,
)
"""Names that programs give to their sessions."""
CONSOLE = "signin.amazonaws.com"
"""What older records say invoked a call that a person made in the console."""


@dataclass(frozen=True)
class Person:
    """A human's name, or why the record tells none."""

    name: str = ""
    why_not: str = ""


def person_behind(notice: Notice, trust_session_names: bool = False) -> Person:
    """The human who made the call.

    A role's session is called whatever the one who assumes it likes, by a web identity too:
    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html.
    It names a person where it was not theirs to choose: the source identity, which a session
    cannot shed and may set only where two policies allow it
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html),
    a session of IAM Identity Center, one of a role that is listed as one whose sessions the
    identity provider names. `trust_session_names` lists all roles. What programs call their
    sessions is nobody's name.
    """
    identity = notice.detail.get("userIdentity")
    service = _service_behind(notice)
    if service:
        return Person(why_not=f"{service} made the call, nobody in person")
    source = source_identity(identity)
    kind = text(nested(identity, "type"))
    session = text(nested(identity, "principalId")).partition(":")[2]
    if source:
        name = source
    elif kind == "IAMUser":
        name = text(nested(identity, "userName"))
    elif kind in ("AssumedRole", "FederatedUser"):
        if not (trust_session_names or is_vouched(notice)):
            return Person(why_not=f"the session '{session[:64]}' names no person for certain")
        name = session
    else:
        return Person(why_not=f"a caller of type '{kind[:64]}' is nobody in person")
    if not _PERSON_NAME.fullmatch(name):
        return Person(why_not="the record names nobody, or not in characters that names have")
    if kind != "IAMUser" and is_made_up(name):
        return Person(why_not=f"'{name[:64]}' is what a program calls its session")
    return Person(name)


def is_vouched(notice: Notice) -> bool:
    """Whether somebody else than its caller chose the session's name.

    IAM Identity Center did, or the identity provider of a role that the user lists. Records do
    not tell a session of SAML from others, so such roles have to be listed.
    """
    role = notice.role_arn
    return _SSO_ROLES in role or any(fnmatchcase(role, glob) for glob in _listed_roles())


def is_made_up(session: str) -> bool:
    """Whether a program made this name up."""
    return _MACHINE.fullmatch(session) is not None


def source_identity(identity: Any) -> str:
    """The source identity of a session; empty when it has none."""
    context = nested(identity, "sessionContext")
    attributes = nested(context, "attributes", "sourceIdentity")
    return text(nested(context, "sourceIdentity")) or text(attributes)


def _listed_roles() -> list[str]:
    """A parameter that people type; a misspelt one lists nobody."""
    try:
        given = json.loads(os.environ.get("TRAILBUS_TRUSTED_SESSION_ROLES") or "[]")
    except ValueError:
        return []
    listed = given if isinstance(given, list) else []
    # As in a policy, * and ? stand for anything and nothing else does.
    return [one.replace("[", "[[]") for one in listed if isinstance(one, str) and one]


def _service_behind(notice: Notice) -> str:
    """The service that made the call, for itself or for somebody; empty when none did."""
    identity = notice.detail.get("userIdentity")
    invoked_by = text(nested(identity, "invokedBy"))
    address = text(notice.detail.get("sourceIPAddress"))
    if invoked_by and invoked_by != CONSOLE:
        return invoked_by[:64]
    if text(nested(identity, "type")) == "AWSService" or address.endswith(".amazonaws.com"):
        return address[:64] or "a service"
    return "a service" if ":role/aws-service-role/" in notice.role_arn else ""
