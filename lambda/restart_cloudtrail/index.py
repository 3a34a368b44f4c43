"""Starts a trail again that somebody stopped."""

import json
import os
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
from shared.notices import Notice, text
from shared.refusals import tell, turned_away
from shared.reports import Evidence, Undo, Verdict

# What CloudTrail says to an account that may not touch another's trail.
# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StartLogging.html
CALLS = ("GetTrailStatus", "ListTags", "StartLogging")
DENIALS = (
    "AccessDeniedException",
    "InsufficientDependencyServiceAccessPermissionException",
    "InvalidHomeRegionException",
    "NotOrganizationMasterAccountException",
    "TrailNotFoundException",
)


@dataclass(frozen=True)
class Trail:
    """A trail when it is looked at. It can be started in its home Region.

    By its owner or, when it is an organization's, by whoever could stop it: the delegated
    administrator of CloudTrail. `held` says why a stopped trail may not be started.
    """

    arn: str
    home: str
    state: str = ""
    held: Verdict | None = None

    @property
    def owner(self) -> str:
        return self.arn.split(":")[4]


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of Lambda: a batch of notices from the queue."""
    settings = json.loads(os.environ["TRAILBUS_SETTINGS"])
    return handle_batch(event, context, lambda notice: respond(notice, settings))


def respond(notice: Notice, settings: dict[str, Any]) -> None:
    """Reads, decides, acts, for one notice. What raises is tried again.

    The event is noted before the trail is started, so that every attempt counts, and noted as
    done when the report is out: a try that finds the trail started by an earlier one, whose
    report did not get through, reports it and starts nothing.
    """
    oldest = timedelta(hours=settings["max_age_hours"])
    unwanted = refuse(notice, oldest)
    if unwanted:
        tell(notice, unwanted)
        return
    member = Member(notice.account)
    trail = find(notice, member)
    if trail is None:
        verdict = explain(notice)
        if verdict.outcome == "not there":
            believe(notice, verdict)
        tell(notice, verdict)
        return
    attempts = Attempts(f"restarts {trail.arn}", oldest, settings["restarts_per_hour"])
    try:
        trail = look(trail, member)
        past = attempts.past(notice)
        verdict = decide(trail, past)
        if verdict.outcome == "restarted" and trail.state == "stopped":
            attempts.begin(notice, {"logging": False})
            act(trail, member)
    except ClientError as error:
        attempts.give_up(notice, denied(trail, notice, error), Evidence(trail.arn))
        return
    stopped, logging = {"logging": False}, {"logging": True}
    now_is = logging if trail.state == "logging" else stopped
    as_it_is = Evidence(trail.arn, now_is, now_is, region=trail.home)
    if verdict.outcome == "waiting":
        attempts.wait(notice, past, as_it_is)
    elif verdict.outcome != "restarted":
        if not past.done and trail.state == "logging":
            believe(notice, verdict)
        tell(notice, verdict, as_it_is)
    else:
        undo = (Undo("cloudtrail", "StopLogging", {"Name": trail.arn}),)
        attempts.escalate(notice, past, as_it_is)
        tell(notice, verdict, Evidence(trail.arn, stopped, logging, undo, trail.home))
        attempts.end(notice)


def refuse(notice: Notice, oldest: timedelta) -> Verdict | None:
    """Why the event is no reason to look for a trail; None when it is one."""
    if not notice.is_call("cloudtrail.amazonaws.com", "StopLogging"):
        return Verdict("ignored", "it is no call that stops a trail")
    verdict = turned_away(notice, now(), oldest)
    if verdict is None and not text(notice.parameter("name")):
        return Verdict("refused", "some trail was stopped, but the record does not name it")
    return verdict


def find(notice: Notice, member: Member) -> Trail | None:
    """The trail that the record names; None when it is not to be seen in the event's Region.

    The list holds the Region's trails and the shadows of others, the organization's among them.
    The record's name or ARN is looked up in it, and never becomes part of a call.
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html
    """
    name = notice.parameter("name")
    listed = member.client("cloudtrail", notice.region).describe_trails(includeShadowTrails=True)
    found = [
        Trail(each["TrailARN"], each["HomeRegion"])
        for each in listed["trailList"]
        if name in (each["Name"], each["TrailARN"])
    ]
    # Another Region's trail, or the organization's, may have the same name.
    found.sort(key=lambda each: (each.owner != notice.account, each.home != notice.region))
    return found[0] if found else None


def look(trail: Trail, member: Member) -> Trail:
    """The trail as it is now. It is named by its ARN: another account's has no other name here."""
    cloudtrail = member.client("cloudtrail", trail.home)
    if cloudtrail.get_trail_status(Name=trail.arn)["IsLogging"]:
        return replace(trail, state="logging")

    def tags() -> dict[str, str]:
        [answer] = cloudtrail.list_tags(ResourceIdList=[trail.arn])["ResourceTagList"]
        return {tag["Key"]: tag.get("Value", "") for tag in answer["TagsList"]}

    return replace(trail, state="stopped", held=held_back("would start it again", tags))


def explain(notice: Notice) -> Verdict:
    """What to say when there is no trail to start."""
    if text(notice.parameter("name")).split(":")[4:5] not in ([], [notice.account]):
        return Verdict("refused", "the record names a trail of another account")
    return Verdict("not there", "the trail is gone: it was deleted after it was stopped")


def denied(trail: Trail, notice: Notice, error: ClientError) -> Verdict:
    """What to say when another account's trail cannot be touched from here; else raised again."""
    code, call = error.response["Error"]["Code"], error.operation_name
    if trail.owner == notice.account or code not in DENIALS or call not in CALLS:
        raise error
    who = f"CloudTrail does not let {notice.account} start it. Start it in {trail.owner}"
    return Verdict("not ours", f"the organization's trail may be stopped, and {who}: {error}")


def decide(trail: Trail, past: Past) -> Verdict:
    """What comes of it."""
    if past.done:
        return Verdict("ignored", "this event was dealt with already")
    if trail.state == "logging" and past.before is None:
        return Verdict("ignored", "the trail is logging already")
    if trail.state == "stopped" and trail.held:
        return trail.held
    if trail.state == "stopped" and past.wait:
        return Verdict("waiting", "the trail was started a short while ago")
    return Verdict("restarted", "the trail was stopped and is logging again")


def act(trail: Trail, member: Member) -> None:
    """Starts the trail in its home Region and verifies it. Safe to repeat."""
    cloudtrail = member.client("cloudtrail", trail.home)
    cloudtrail.start_logging(Name=trail.arn)
    if not cloudtrail.get_trail_status(Name=trail.arn)["IsLogging"]:
        raise RuntimeError(f"{trail.arn} does not log although it was started")
