"""Denies the console to new users until they sign in with a second factor."""

import json
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from shared.attempts import Attempts, Past
from shared.batches import handle_batch
from shared.clock import now
from shared.guards import held_back
from shared.looks import believe
from shared.members import Member
from shared.notices import Notice, nested, text
from shared.refusals import tell, turned_away
from shared.reports import Evidence, Undo, Verdict

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")


@dataclass(frozen=True)
class User:
    """A user when it is looked at, with the managed policies that are attached to it.

    `held` says why a user without our policy may not get it.
    """

    name: str
    arn: str
    path: str
    attached: tuple[str, ...]
    held: Verdict | None = None

    @property
    def state(self) -> dict[str, Any]:
        return {"attached_policies": list(self.attached)}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of Lambda: a batch of notices from the queue."""
    settings = json.loads(os.environ["TRAILBUS_SETTINGS"])
    return handle_batch(event, context, lambda notice: respond(notice, settings))


def respond(notice: Notice, settings: dict[str, Any]) -> None:
    """Reads, decides, acts, for one notice. What raises is tried again."""
    oldest = timedelta(hours=settings["max_age_hours"])
    unwanted = refuse(notice, oldest)
    if unwanted:
        tell(notice, unwanted)
        return
    member = Member(notice.account)
    policy = policy_arn(notice.account)
    name = named(notice)
    user = read(name, policy, notice, member, settings["exempt_paths"])
    if user is None:
        gone = Verdict("ignored", "the user is gone")
        believe(notice, gone)
        tell(notice, gone, Evidence(name))
        return
    attempts = Attempts(f"mfa {notice.account} {name}", oldest, settings["attempts_per_hour"])
    past = attempts.past(notice)
    verdict = decide(user, policy, past)
    as_it_is = Evidence(user.arn, user.state, user.state)
    if verdict.outcome == "waiting":
        attempts.wait(notice, past, as_it_is)
        return
    if verdict.outcome != "required":
        if not past.done and policy in user.attached:
            believe(notice, verdict)
        tell(notice, verdict, as_it_is)
        return
    before = past.before or user.state
    if policy not in user.attached:
        attempts.begin(notice, before)
        refusal = act(user, policy, notice, member)
        if refusal:
            attempts.give_up(notice, refusal, Evidence(user.arn, before, before))
            return
    undo = Undo("iam", "DetachUserPolicy", {"UserName": user.name, "PolicyArn": policy})
    after = {"attached_policies": sorted({*before["attached_policies"], policy})}
    attempts.escalate(notice, past, as_it_is)
    tell(notice, verdict, Evidence(user.arn, before, after, (undo,)))
    attempts.end(notice)


def refuse(notice: Notice, oldest: timedelta) -> Verdict | None:
    """Why the event is no reason to look at a user; None when it is one."""
    if not notice.is_call("iam.amazonaws.com", "CreateUser", "CreateLoginProfile"):
        return Verdict("ignored", "it is no call that makes a user or lets one sign in")
    verdict = turned_away(notice, now(), oldest)
    if verdict is None and not NAME.fullmatch(named(notice)):
        return Verdict("refused", "some user was made, but the record does not name it")
    return verdict


def named(notice: Notice) -> str:
    """The user's name. Who gives a password to themselves need not say who they are."""
    made = "user" if notice.event_name == "CreateUser" else "loginProfile"
    said = text(notice.parameter("userName"))
    return said or text(nested(notice.detail, "responseElements", made, "userName"))


def policy_arn(account: str) -> str:
    """The managed policy that the member roles template made in the account."""
    path_and_name = os.environ["TRAILBUS_POLICY_CONSOLE_WITH_MFA_ONLY"]
    return f"arn:{os.environ['TRAILBUS_PARTITION']}:iam::{account}:policy{path_and_name}"


def read(
    name: str, policy: str, notice: Notice, member: Member, exempt_paths: Collection[str]
) -> User | None:
    """The user as it is now; None when it is gone."""
    iam = member.client("iam", notice.region)
    try:
        found = iam.get_user(UserName=name)["User"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return None
    user = User(name, found["Arn"], found["Path"], attached_to(name, iam))
    if policy in user.attached:
        return user
    if any(user.path.startswith(path) for path in exempt_paths):
        exempt = Verdict("ignored", f"users under {user.path} are exempt")
        return replace(user, held=exempt)
    # Read just now: nothing is newer.
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    would = "would deny it the console without a second factor"
    return replace(user, held=held_back(would, lambda: tags))


def attached_to(name: str, iam: Any) -> tuple[str, ...]:
    """The ARNs of the managed policies that are attached to a user, sorted."""
    pages = iam.get_paginator("list_attached_user_policies").paginate(UserName=name)
    return tuple(sorted(each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]))


def decide(user: User, policy: str, past: Past) -> Verdict:
    """What comes of it."""
    if past.done:
        return Verdict("ignored", "this event was dealt with already")
    if policy in user.attached:
        if past.before is None:
            return Verdict("ignored", "the user has the policy already")
    elif user.held:
        return user.held
    elif past.wait:
        return Verdict("waiting", "the policy was attached a short while ago")
    return Verdict("required", "the console is denied to the user until it uses a second factor")


def act(user: User, policy: str, notice: Notice, member: Member) -> Verdict | None:
    """Attaches the policy and verifies it; what to say when IAM will not. Safe to repeat."""
    iam = member.client("iam", notice.region)
    try:
        iam.attach_user_policy(UserName=user.name, PolicyArn=policy)
    except ClientError as error:
        if error.response["Error"]["Code"] != "LimitExceeded":
            raise
        why = f"the user has {len(user.attached)} managed policies and can have no more"
        return Verdict("gave up", f"{why}: it can sign in without a second factor")
    if policy not in attached_to(user.name, iam):
        raise RuntimeError(f"{user.arn} does not have the policy although it was attached")
    return None
