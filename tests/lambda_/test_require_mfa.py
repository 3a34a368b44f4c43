"""require_mfa: which users get the policy, who is exempt, what IAM may say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.iam.models import iam_backends

from .conftest import Deploy, Function
from .events import MEMBER, MISSING, message
from .loading import with_settings
from .remedies import IAM, POLICY, USER, event_of, managed_policy, user, user_made
from .rendered import CENTRAL, Site

HARMLESS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
    }
)
ARN = f"arn:aws:iam::{MEMBER}:user/{USER}"


@pytest.fixture
def guard(deploy: Deploy) -> Iterator[Function]:
    """The responder in mode enforce, and the policy that it attaches."""
    function = deploy("require_mfa", "MfaGuard", "RequireMfaRole", TRAILBUS_MODE="enforce")
    managed_policy()
    yield function
    assert function.aws.denied == []


def password_given(**more: Any) -> dict[str, Any]:
    given = {"region": IAM, "requestParameters": {"userName": USER}, **more}
    return event_of("iam_login_profile_created", **given)


def attached(made: Any) -> list[str]:
    return sorted(made.managed_policies)


def attach(made: Any, number: int) -> None:
    """Other managed policies of the user."""
    backend = iam_backends[MEMBER]["aws"]
    for each in range(number):
        policy = backend.create_policy("", "/", HARMLESS, f"own-{each}", [])
        backend.attach_user_policy(policy.arn, made.name)


def test_a_user_gets_the_policy_when_it_is_made_and_not_again_with_its_password(
    guard: Function,
) -> None:
    made = user()

    assert guard(user_made(), password_given()).outcomes == ["required", "ignored"]
    assert attached(made) == [POLICY]
    assert len(guard.aws.made("iam:AttachUserPolicy")) == 1


def test_an_old_user_gets_the_policy_with_its_password(guard: Function) -> None:
    made = user()

    assert guard(password_given()).outcomes == ["required"]
    assert attached(made) == [POLICY]


def test_the_evidence_and_how_to_undo_it(guard: Function) -> None:
    attach(user(), 1)
    evidence = guard(user_made()).only["evidence"]
    own = f"arn:aws:iam::{MEMBER}:policy/own-0"

    assert evidence["resource"] == ARN
    assert evidence["before"] == {"attached_policies": [own]}
    assert evidence["after"] == {"attached_policies": [own, POLICY]}
    assert evidence["undo"] == [
        {
            "service": "iam",
            "operation": "DetachUserPolicy",
            "parameters": {"UserName": USER, "PolicyArn": POLICY},
        }
    ]


NAMED: dict[str, dict[str, Any]] = {
    "the request names it": {"requestParameters": {"userName": USER}, "responseElements": None},
    "only the answer of CreateLoginProfile does": {
        "requestParameters": None,
        "responseElements": {"loginProfile": {"userName": USER}},
        "eventName": "CreateLoginProfile",
    },
    "only the answer of CreateUser does": {
        "requestParameters": MISSING,
        "responseElements": {"user": {"userName": USER}},
    },
}


@pytest.mark.parametrize("record", NAMED.values(), ids=NAMED.keys())
def test_the_user_is_found_where_the_record_names_it(
    guard: Function, record: dict[str, Any]
) -> None:
    made = user()

    assert guard(user_made(**record)).outcomes == ["required"]
    assert attached(made) == [POLICY]


@pytest.mark.parametrize("name", [None, "", 7, "a b", "a/b", "a\n", "x" * 65, ARN, "ü"])
def test_what_is_no_name_of_a_user_is_refused(guard: Function, name: Any) -> None:
    answer = guard(user_made(name, responseElements=None))

    assert answer.outcomes == ["refused"]
    assert {call.name for call in guard.aws.calls} == {"sns:Publish"}


def test_a_user_that_is_gone_is_nobodys_business(guard: Function) -> None:
    answer = guard(user_made())

    assert (answer.failed, answer.outcomes, answer.published) == ([], ["ignored"], [])
    assert answer.only["message"] == "the user is gone"


# --- Exempt paths


def exempting(deploy: Deploy, *paths: str) -> Function:
    first = deploy("require_mfa", "MfaGuard", "RequireMfaRole", TRAILBUS_MODE="enforce")
    settings = with_settings(first.environment, exempt_paths=list(paths))["TRAILBUS_SETTINGS"]
    first.module.os.environ["TRAILBUS_SETTINGS"] = settings
    managed_policy()
    return first


@pytest.mark.parametrize("path", ["/service/", "/service/mail/"])
def test_users_under_an_exempt_path_are_left_alone(deploy: Deploy, path: str) -> None:
    guard = exempting(deploy, "/other/", "/service/")
    made = user(path=path)
    answer = guard(user_made())

    assert answer.outcomes == ["ignored"]
    assert answer.only["message"] == f"users under {path} are exempt"
    assert attached(made) == []


@pytest.mark.parametrize("path", ["/", "/services/", "/team/service/"])
def test_users_under_other_paths_are_not(deploy: Deploy, path: str) -> None:
    guard = exempting(deploy, "/service/")
    made = user(path=path)
    answer = guard(user_made())

    assert answer.outcomes == ["required"]
    assert attached(made) == [POLICY]
    assert answer.only["resource"] == f"arn:aws:iam::{MEMBER}:user{path}{USER}"


def test_the_path_in_the_record_does_not_exempt(deploy: Deploy) -> None:
    guard = exempting(deploy, "/service/")
    user()

    parameters = {"userName": USER, "path": "/service/"}
    assert guard(user_made(requestParameters=parameters)).outcomes == ["required"]


# --- What IAM may say


def test_a_user_with_as_many_policies_as_it_can_have_is_told_loudly(guard: Function) -> None:
    made = user()
    attach(made, 10)
    answer = guard(user_made())

    assert answer.failed == []
    assert (answer.only["outcome"], answer.only["level"]) == ("gave up", "ERROR")
    assert answer.only["message"] == (
        "the user has 10 managed policies and can have no more: "
        "it can sign in without a second factor"
    )
    assert answer.only["evidence"]["undo"] == []
    assert answer.published == answer.lines
    assert POLICY not in attached(made)


def test_a_user_with_almost_as_many_gets_it(guard: Function) -> None:
    made = user()
    attach(made, 9)

    assert guard(user_made()).outcomes == ["required"]
    assert POLICY in attached(made)


def test_a_policy_that_is_not_there_yet_is_tried_again(deploy: Deploy) -> None:
    """The member roles have not arrived in the account: nobody is told that all is well."""
    guard = deploy("require_mfa", "MfaGuard", "RequireMfaRole", TRAILBUS_MODE="enforce")
    user()

    assert guard(message(user_made(), id_="m")).failed == ["m"]
    managed_policy()
    guard.later(minutes=1)
    assert guard(user_made()).outcomes == ["required"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("iam:GetUser", "ServiceFailure"),
        ("iam:ListAttachedUserPolicies", "Throttling"),
        ("iam:AttachUserPolicy", "ConcurrentModification"),
        ("sts:AssumeRole", "AccessDenied"),
    ],
)
def test_what_may_pass_is_tried_again(guard: Function, name: str, error: str) -> None:
    made = user()
    guard.aws.fail(name, error)

    assert guard(message(user_made(), id_="m")).failed == ["m"]
    assert attached(made) == []
    guard.later(minutes=1)
    assert guard(user_made()).outcomes == ["required"]


def test_it_is_verified_that_the_user_has_the_policy(
    guard: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    user()
    backend = type(iam_backends[MEMBER]["aws"])
    monkeypatch.setattr(backend, "attach_user_policy", lambda *_: None)

    assert guard(message(user_made(), id_="m")).failed == ["m"]


def test_all_pages_of_a_users_policies_are_read(
    guard: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = user()
    attach(made, 3)
    iam_backends[MEMBER]["aws"].attach_user_policy(POLICY, USER)
    backend = type(iam_backends[MEMBER]["aws"])
    whole = backend.list_attached_user_policies
    one_by_one = lambda self, name, marker=None, max_items=100, path_prefix="/": whole(  # noqa: E731
        self, name, marker=marker, max_items=1, path_prefix=path_prefix
    )
    monkeypatch.setattr(backend, "list_attached_user_policies", one_by_one)

    assert guard(user_made()).only["message"] == "the user has the policy already"
    assert len(guard.aws.made("iam:ListAttachedUserPolicies")) > 3


def test_it_works_under_a_role_path(deploy: Deploy) -> None:
    site = Site(CENTRAL, role_path="/security/")
    guard = deploy("require_mfa", "MfaGuard", "RequireMfaRole", site, TRAILBUS_MODE="enforce")
    made_policy = managed_policy(site=site)
    made = user()

    assert guard(user_made()).outcomes == ["required"]
    assert attached(made) == [made_policy]
    assert made_policy == f"arn:aws:iam::{MEMBER}:policy/security/trailbus-console-with-mfa-only"
    assert json.loads(guard.environment["TRAILBUS_SETTINGS"])["exempt_paths"] == []
    assert guard.aws.denied == []
