"""Starts a trail again that somebody stopped."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.batches import handle_batch
from shared.clock import now
from shared.guards import held_back
from shared.members import Member
from shared.memory import Memory
from shared.notices import Notice, text
from shared.refusals import turned_away
from shared.reports import Evidence, Undo, Verdict, report

WINDOW = timedelta(hours=1)


@dataclass(frozen=True)
class Trail:
    """A trail when it is looked at. It can be started in its home Region, by its owner alone.

    Of another account's trail the state is not read. `held` says why a stopped trail of this
    account may not be started.
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
    unwanted = refuse(notice, timedelta(hours=settings["max_age_hours"]))
    if unwanted:
        report(notice, unwanted)
        return
    member = Member(notice.account)
    trail = read(notice, member)
    if trail is None or trail.owner != notice.account:
        report(notice, explain(notice, trail), Evidence(trail.arn if trail else ""))
        return
    memory = Memory(f"restarts {trail.arn}", now() - WINDOW)
    verdict = decide(notice.event_id, trail, memory.words, settings["restarts_per_hour"])
    if verdict.outcome != "restarted":
        state = {"logging": trail.state == "logging"}
        report(notice, verdict, Evidence(trail.arn, before=state, after=state, region=trail.home))
        return
    if trail.state == "stopped":
        memory.note(notice.event_id, "begun", now(), 2 * WINDOW)
        act(trail, member)
    undo = (Undo("cloudtrail", "StopLogging", {"Name": trail.arn}),)
    stopped, logging = {"logging": False}, {"logging": True}
    report(notice, verdict, Evidence(trail.arn, stopped, logging, undo, trail.home))
    memory.note(notice.event_id, "done", now(), 2 * WINDOW)


def refuse(notice: Notice, oldest: timedelta) -> Verdict | None:
    """Why the event is no reason to look for a trail; None when it is one."""
    if not notice.is_call("cloudtrail.amazonaws.com", "StopLogging"):
        return Verdict("ignored", "it is no call that stops a trail")
    # This responder never stops a trail: whoever did so with its role has borrowed it.
    verdict = turned_away(notice, now(), oldest, own_calls="refused")
    if verdict is None and not text(notice.parameter("name")):
        return Verdict("refused", "some trail was stopped, but the record does not name it")
    return verdict


def read(notice: Notice, member: Member) -> Trail | None:
    """The trail as it is now; None when it is not to be seen in the event's Region.

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
    if not found or found[0].owner != notice.account:
        return found[0] if found else None
    trail = found[0]
    cloudtrail = member.client("cloudtrail", trail.home)
    if cloudtrail.get_trail_status(Name=trail.arn)["IsLogging"]:
        return Trail(trail.arn, trail.home, "logging")

    def tags() -> dict[str, str]:
        [answer] = cloudtrail.list_tags(ResourceIdList=[trail.arn])["ResourceTagList"]
        return {tag["Key"]: tag.get("Value", "") for tag in answer["TagsList"]}

    return Trail(trail.arn, trail.home, "stopped", held_back("would start it again", tags))


def explain(notice: Notice, trail: Trail | None) -> Verdict:
    """What to say when there is no trail of this account to start."""
    if trail:
        why = f"it is an organization's trail: only its owner, {trail.owner}, can start it"
        return Verdict("not ours", why)
    if text(notice.parameter("name")).split(":")[4:5] not in ([], [notice.account]):
        return Verdict("refused", "the record names a trail of another account")
    return Verdict("not there", "the trail is gone: it was deleted after it was stopped")


def decide(event_id: str, trail: Trail, noted: Mapping[str, str], most: int) -> Verdict:
    """What comes of it. `noted` are the events that the trail was started for within an hour."""
    if noted.get(event_id) == "done":
        return Verdict("ignored", "this event was dealt with already")
    if trail.state == "logging" and event_id not in noted:
        return Verdict("ignored", "the trail is logging already")
    if trail.state == "stopped":
        times = len(noted.keys() - {event_id})
        if times >= most:
            return Verdict("gave up", f"it does not stay on: tried {times} times within an hour")
        if trail.held:
            return trail.held
    return Verdict("restarted", "the trail was stopped and is logging again")


def act(trail: Trail, member: Member) -> None:
    """Starts the trail in its home Region and verifies it. Safe to repeat."""
    cloudtrail = member.client("cloudtrail", trail.home)
    cloudtrail.start_logging(Name=trail.arn)
    if not cloudtrail.get_trail_status(Name=trail.arn)["IsLogging"]:
        raise RuntimeError(f"{trail.arn} does not log although it was started")
