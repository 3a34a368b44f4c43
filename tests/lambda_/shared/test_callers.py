"""Who is behind a call, for every kind of identity and for records that say it oddly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .. import loading
from ..events import MEMBER, OTHER, session_of

notices = loading.shared("notices")
callers = loading.shared("callers")


def who(identity: Any, **detail: Any) -> tuple[str, str]:
    event = {"account": MEMBER, "detail": {"userIdentity": identity, **detail}}
    return tuple(callers.who_called(notices.Notice("m", 1, {}, event)))


SSO = "/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef"


def with_context(identity: dict[str, Any], **context: Any) -> dict[str, Any]:
    return {**identity, "sessionContext": {**identity["sessionContext"], **context}}


CASES: list[tuple[str, Any, tuple[str, str]]] = [
    ("a role's session that its caller named", session_of("/admin", "mara"),
     ("admin", "role, session mara")),
    ("a role that only looks like one of Identity Center",
     session_of("/AWSReservedSSO_Admin_0123456789abcdef", "mara"),
     ("AWSReservedSSO_Admin_0123456789abcdef", "role, session mara")),
    ("a role whose sessions the user's identity provider names", session_of("/saml/staff", "mara"),
     ("mara", "role staff")),
    ("a program in such a role", session_of("/saml/staff", "botocore-session-1"),
     ("staff", "role, session botocore-session-1")),
    ("an SSO session", session_of(SSO, "mara@example.com"),
     ("mara@example.com", "permission set Admin")),
    ("a source identity, which the caller could not choose",
     with_context(session_of("/admin", "x"), sourceIdentity="mara@example.com"),
     ("mara@example.com", "source identity, role admin, session x")),
    ("a source identity among the attributes",
     with_context(session_of("/admin", "mara"), attributes={"sourceIdentity": "mara"}),
     ("mara", "source identity, role admin")),
    ("an instance", session_of("/web", "i-0abcdef0123456789"),
     ("web", "role, session i-0abcdef0123456789")),
    ("a program that made up its session", session_of("/job", "botocore-session-1700000000"),
     ("job", "role, session botocore-session-1700000000")),
    ("a pipeline's web identity", with_context(session_of("/ci", "GitHubActions"),
     webIdFederationData={"federatedProvider":
     f"arn:aws:iam::{MEMBER}:oidc-provider/token.actions.githubusercontent.com"}),
     ("ci", "role, from token.actions.githubusercontent.com, session GitHubActions")),
    ("a role of another account", session_of("/admin", "mara", OTHER),
     ("admin", f"role, session mara, of account {OTHER}")),
    ("a service on somebody's behalf",
     {**session_of("/admin", "mara"), "invokedBy": "cloudformation.amazonaws.com"},
     ("admin", "role, session mara, by way of cloudformation.amazonaws.com")),
    ("a person in the console, in an older record",
     {"type": "IAMUser", "userName": "nils", "invokedBy": "signin.amazonaws.com"},
     ("nils", "IAM user, in the console")),
    ("the root user", {"type": "Root", "accountId": MEMBER}, ("the root user", "")),
    ("root by AssumeRoot", {"type": "Root", "sessionContext": {"assumedRoot": "true"}},
     ("the root user", "by AssumeRoot, a privileged session")),
    ("an IAM user", {"type": "IAMUser", "userName": "nils", "arn": "a/nils"}, ("nils", "IAM user")),
    ("an IAM user without a name", {"type": "IAMUser", "arn": "arn:aws:iam::1:user/x/nils"},
     ("nils", "IAM user")),
    ("a federated user", {"type": "FederatedUser", "arn": "arn:aws:sts::1:federated-user/bo",
     "sessionContext": {"sessionIssuer": {"userName": "broker"}}}, ("bo", "federated by broker")),
    ("a SAML user", {"type": "SAMLUser", "userName": "bo",
     "identityProvider": "arn:aws:iam::1:saml-provider/idp"}, ("bo", "from idp")),
    ("an Identity Center user", {"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}},
     ("u-1", "IAM Identity Center user")),
    ("a service", {"type": "AWSService", "invokedBy": "rds.amazonaws.com"},
     ("rds.amazonaws.com", "AWS service")),
    ("another account", {"type": "AWSAccount", "principalId": "AIDA1", "accountId": OTHER},
     ("AIDA1", f"AWSAccount, of account {OTHER}")),
    ("a kind that nobody knows", {"type": "New", "principalId": "P"}, ("P", "New")),
    ("no fields", {}, ("unknown", "")),
    ("no identity", None, ("unknown", "the record names nobody")),
    ("a text", "mara", ("unknown", "the record names nobody")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "identity", "expected"), CASES, ids=[row[0] for row in CASES])
def test_who_is_behind_it(
    name: str, identity: Any, expected: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = json.dumps(["arn:aws:iam::*:role/saml/*"])
    monkeypatch.setenv("TRAILBUS_TRUSTED_SESSION_ROLES", listed)
    assert who(identity) == expected, name


def test_an_event_of_a_service_itself_has_nobody_behind_it() -> None:
    assert who(None, eventType="AwsServiceEvent") == ("AWS itself", "")


_odd = st.none() | st.integers() | st.text(max_size=20) | st.lists(st.text(max_size=5), max_size=2)
_names = st.sampled_from(
    ["type", "userName", "arn", "principalId", "accountId", "invokedBy", "sessionContext",
     "sessionIssuer", "attributes", "sourceIdentity", "webIdFederationData", "onBehalfOf",
     "identityProvider", "federatedProvider"]
)  # fmt: skip
_kinds = st.sampled_from(["Root", "IAMUser", "AssumedRole", "FederatedUser", "SAMLUser"])
_identities = st.recursive(
    _odd, lambda inner: st.dictionaries(_names, inner | _kinds, max_size=6), max_leaves=12
)


@given(_identities)
def test_any_identity_names_somebody(identity: Any) -> None:
    name, way = who(json.loads(json.dumps(identity)))

    assert name
    assert isinstance(way, str)
