"""Principals: who asks, and whom a statement means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from .context import Context, Given

Kind = Literal["role session", "user", "root", "service", "federated", "anonymous"]

_PARTITION = r"aws(?:-[a-z]+)*"
_ACCOUNT = r"[0-9]{12}"
_NAME = r"[\w+=,.@-]+"
_PATH = r"(?:[\x21-\x29\x2b-\x3e\x40-\x7e]+/)?"  # printable, neither * nor ?
_ROLE = re.compile(rf"arn:({_PARTITION}):iam::({_ACCOUNT}):role/{_PATH}({_NAME})", re.ASCII)
_USER = re.compile(rf"arn:({_PARTITION}):iam::({_ACCOUNT}):user/{_PATH}({_NAME})", re.ASCII)
_ROOT = re.compile(rf"arn:({_PARTITION}):iam::({_ACCOUNT}):root")
_SESSION = re.compile(
    rf"arn:({_PARTITION}):sts::({_ACCOUNT}):assumed-role/{_NAME}/{_NAME}", re.ASCII
)
_FEDERATED_USER = re.compile(
    rf"arn:({_PARTITION}):sts::({_ACCOUNT}):federated-user/{_NAME}", re.ASCII
)
_PROVIDER = re.compile(
    rf"arn:{_PARTITION}:iam::{_ACCOUNT}:(?:saml|oidc)-provider/[\w+=,.@:/-]+", re.ASCII
)
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_CANONICAL = re.compile(r"[0-9a-f]{64}")
# What IAM leaves behind in a policy when the role or user that it named is deleted.
_UNIQUE_ID = re.compile(r"A(?:RO|ID)A[A-Z0-9]{4,}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request; build one with the class methods.

    `arn` is the session's own for a role session, whose role is `role`, and the provider's name or
    ARN for a federated identity. `organization` is None for who belongs to none; `org_path` is
    like `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`.
    """

    kind: Kind
    arn: str | None = None
    account: str | None = None
    role: str | None = None
    service: str | None = None
    organization: str | None = None
    org_path: str | None = None
    canonical_user: str | None = None

    @classmethod
    def role_session(
        cls,
        role: str,
        session: str,
        *,
        organization: str | None = None,
        org_path: str | None = None,
    ) -> Caller:
        """Somebody who assumed the role of this ARN under this session name."""
        partition, account, name = _groups(_ROLE, role, "role")
        # A session's ARN has the role's name without its path.
        arn = f"arn:{partition}:sts::{account}:assumed-role/{name}/{session}"
        _groups(_SESSION, arn, "role session")
        return cls("role session", arn, account, role, None, organization, org_path)

    @classmethod
    def user(
        cls,
        arn: str,
        *,
        organization: str | None = None,
        org_path: str | None = None,
        canonical_user: str | None = None,
    ) -> Caller:
        """The IAM user of this ARN."""
        _, account, _ = _groups(_USER, arn, "user")
        return cls("user", arn, account, None, None, organization, org_path, canonical_user)

    @classmethod
    def root(
        cls,
        account: str,
        *,
        partition: str = "aws",
        organization: str | None = None,
        org_path: str | None = None,
        canonical_user: str | None = None,
    ) -> Caller:
        """The root user of this account."""
        arn = f"arn:{partition}:iam::{account}:root"
        _groups(_ROOT, arn, "root user")
        return cls("root", arn, account, None, None, organization, org_path, canonical_user)

    @classmethod
    def aws_service(cls, service: str) -> Caller:
        """A service under its own name, as events.amazonaws.com; it belongs to no organization.

        A service that acts through a role is a role session, not this.
        """
        if not _HOST.fullmatch(service):
            raise ValueError(f"{service!r} is no service principal")
        return cls("service", service=service)

    @classmethod
    def federated(cls, provider: str) -> Caller:
        """An identity of this OpenID Connect or SAML provider, about to assume a role."""
        if not _is_provider(provider):
            raise ValueError(f"{provider!r} is no identity provider")
        return cls("federated", provider)

    @classmethod
    def anonymous(cls) -> Caller:
        """Anybody at all, with an unsigned request."""
        return cls("anonymous")

    def __str__(self) -> str:
        return self.service or self.arn or self.kind

    def context(self) -> Context:
        """The keys about the principal that AWS puts into every request of this caller.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        A role session carries its role's ARN. A service principal is in nobody's organization.
        """
        keys: dict[str, Given] = {}
        if self.kind == "service":
            keys["aws:PrincipalIsAWSService"] = True
            keys["aws:PrincipalServiceName"] = str(self.service)
        elif self.kind == "anonymous":
            keys["aws:PrincipalAccount"] = "anonymous"
            keys["aws:PrincipalType"] = "Anonymous"
            keys["aws:userid"] = "anonymous"
        elif self.kind == "federated":
            keys["aws:FederatedProvider"] = str(self.arn)
        else:
            keys["aws:PrincipalArn"] = str(self.role or self.arn)
            keys["aws:PrincipalAccount"] = str(self.account)
            keys["aws:PrincipalIsAWSService"] = False
            keys["aws:PrincipalType"] = _TYPES[self.kind]
            if self.kind == "user":
                keys["aws:username"] = str(self.arn).rpartition("/")[2]
            if self.kind == "root":
                keys["aws:userid"] = str(self.account)
            if self.organization:
                keys["aws:PrincipalOrgID"] = self.organization
            if self.org_path:
                keys["aws:PrincipalOrgPaths"] = [self.org_path]
        return Context.of(keys)


_TYPES = {"role session": "AssumedRole", "user": "User", "root": "Account"}

# Keys that only the caller can answer. A request that claims another value than the caller's, or a
# value where the caller has none, is a mistake in the simulation and not a fact about AWS.
CALLERS_KEYS = (
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalType",
    "aws:username",
)


class Strength(IntEnum):
    """How directly a statement means a caller, which decides what else has to allow a request."""

    ACCOUNT = 1
    """The caller's account, which may pass the permission on to the caller."""
    ROLE = 2
    """The role that the caller assumed, within the limits of that role."""
    DIRECT = 3
    """The caller itself: a session, a user, a service, everybody."""


@dataclass(frozen=True, slots=True)
class Named:
    """One principal that a statement names."""

    type: Literal["AWS", "Service", "Federated", "CanonicalUser"]
    value: str

    def strength(self, caller: Caller) -> Strength | None:
        """How directly this names the caller; None when it names somebody else."""
        if self.type == "Service":
            return Strength.DIRECT if caller.service == self.value else None
        if self.type == "Federated":
            is_it = caller.kind == "federated" and caller.arn == self.value
            return Strength.DIRECT if is_it else None
        if self.type == "CanonicalUser":
            return Strength.ACCOUNT if caller.canonical_user == self.value else None
        if self.value == "*":
            return Strength.DIRECT
        if caller.account is None:
            return None
        if self.value == caller.role:
            return Strength.ROLE
        if _account(self.value) == caller.account:
            return Strength.ACCOUNT
        return Strength.DIRECT if self.value == caller.arn else None

    def __str__(self) -> str:
        return self.value if self.type == "AWS" else f"{self.type} {self.value}"


@dataclass(frozen=True, slots=True)
class Principals:
    """The Principal element of a statement, or its NotPrincipal element (`negated`)."""

    named: tuple[Named, ...]
    negated: bool = False

    def strength(self, caller: Caller, effect: Literal["Allow", "Deny"]) -> Strength | None:
        """How directly the statement means the caller; None when it does not.

        A principal is also its role and its account, and AWS may check each of them against
        NotPrincipal. So a Deny spares only who is named in every respect, and an Allow leaves out
        who is named in any.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
        """
        if not self.negated:
            return max(
                (strength for named in self.named if (strength := named.strength(caller))),
                default=None,
            )
        found = {strength for named in self.named if (strength := named.strength(caller))}
        everybody = any(named.type == "AWS" and named.value == "*" for named in self.named)
        respects = _respects(caller)
        spared = everybody or (found >= respects if effect == "Deny" else bool(found))
        return None if spared else Strength.DIRECT

    def __str__(self) -> str:
        names = " or ".join(str(named) for named in self.named)
        return f"anybody but {names}" if self.negated else names


def _respects(caller: Caller) -> set[Strength]:
    if caller.kind == "role session":
        return {Strength.DIRECT, Strength.ROLE, Strength.ACCOUNT}
    if caller.kind == "user":
        return {Strength.DIRECT, Strength.ACCOUNT}
    if caller.kind == "root":
        return {Strength.ACCOUNT}
    return {Strength.DIRECT}


def named_fault(named: Named) -> str | None:
    """What is wrong with a principal that a policy names; None when nothing is."""
    value = named.value
    if named.type == "Service":
        known = bool(_HOST.fullmatch(value))
    elif named.type == "Federated":
        known = _is_provider(value)
    elif named.type == "CanonicalUser":
        known = bool(_CANONICAL.fullmatch(value))
    else:
        if value == "*":
            return None
        if "*" in value or "?" in value:
            return f"principal {value!r} has a wildcard; a principal is named whole, or is '*'"
        forms = (_ROLE, _USER, _SESSION, _FEDERATED_USER, _UNIQUE_ID)
        known = bool(_account(value)) or any(form.fullmatch(value) for form in forms)
    return None if known else f"{named.type} principal {value!r} has no form that AWS documents"


def _account(value: str) -> str | None:
    if re.fullmatch(_ACCOUNT, value):
        return value
    match = _ROOT.fullmatch(value)
    return match[2] if match else None


def _is_provider(value: str) -> bool:
    return bool(_HOST.fullmatch(value) or _PROVIDER.fullmatch(value))


def _groups(form: re.Pattern[str], arn: str, what: str) -> tuple[str, str, str]:
    match = form.fullmatch(arn)
    if not match:
        raise ValueError(f"{arn!r} is not the ARN of a {what}")
    groups = (*match.groups(), "")
    return groups[0], groups[1], groups[2]
