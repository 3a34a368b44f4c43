"""Starts a trail again that somebody stopped."""

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from shared.batches import handle_batch
from shared.clock import now
from shared.guards import enforcing, excepted
from shared.members import client_in, member_role_arn
from shared.memory import recall, remember
from shared.notices import Notice, reason_to_ignore, text
from shared.reports import report


@dataclass(frozen=True)
class Trail:
    """What is known of the trail when it is looked at. `home` is where it can be started."""

    arn: str
    home: str
    logging: bool

    @property
    def owner(self) -> str:
        return self.arn.split(":")[4]


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of Lambda: a batch of notices from the queue."""
    settings = json.loads(os.environ["TRAILBUS_SETTINGS"])
    return handle_batch(event, lambda notice: respond(notice, settings))


def respond(notice: Notice, settings: dict[str, Any]) -> None:
    """Reads, decides, acts, for one notice. Raises what should be tried again."""
    own_roles = (member_role_arn(notice.account),)
    oldest = timedelta(hours=settings["max_age_hours"])
    ignored = reason_to_ignore(notice, now(), own_roles, oldest) or excepted(notice)
    name = text(notice.parameter("name"))
    if ignored or not name:
        report(notice, "ignored", ignored or "the record names no trail")
        return
    try:
        trail = read(notice, name)
        restarts = recall(_key(trail), now() - timedelta(hours=1)) if trail else set()
        outcome, why = decide(notice, trail, restarts, settings["restarts_per_hour"], enforcing())
        if outcome == "restarted" and trail:
            act(notice, trail)
        report(notice, outcome, why, trail=trail.arn if trail else name, undo=_undo(outcome, trail))
    except ClientError as error:
        if notice.tries == 1:
            report(notice, "failed", f"{error}; it will be tried again", trail=name)
        raise


def read(notice: Notice, name: str) -> Trail | None:
    """The trail as it is now, or None when it is gone. `name` is a name or an ARN."""
    cloudtrail = client_in(notice.account, notice.region, "cloudtrail")
    found = cloudtrail.describe_trails(trailNameList=[name], includeShadowTrails=True)["trailList"]
    if not found:
        return None
    arn, home = found[0]["TrailARN"], found[0]["HomeRegion"]
    if arn.split(":")[4] != notice.account:
        return Trail(arn, home, logging=False)
    if home != notice.region:
        cloudtrail = client_in(notice.account, home, "cloudtrail")
    return Trail(arn, home, cloudtrail.get_trail_status(Name=arn)["IsLogging"])


def decide(
    notice: Notice, trail: Trail | None, restarts: set[str], most: int, enforce: bool
) -> tuple[str, str]:
    """What comes of it, as an outcome and a sentence. Changes nothing."""
    if trail is None:
        return "not there", "the trail is gone: it was deleted after it was stopped"
    if trail.owner != notice.account:
        return "ignored", f"the trail belongs to {trail.owner}, and only it can start it"
    if trail.logging:
        return "ignored", "the trail is logging already"
    others = restarts - {notice.event_id}
    if len(others) >= most:
        return "gave up", f"started again {len(others)} times within an hour and stopped each time"
    if not enforce:
        return "observed", "would start the trail again"
    return "restarted", "the trail was stopped and is logging again"


def act(notice: Notice, trail: Trail) -> None:
    """Starts the trail in its home Region and verifies it. Safe to repeat."""
    remember(_key(trail), notice.event_id, now(), timedelta(hours=2))
    cloudtrail = client_in(notice.account, trail.home, "cloudtrail")
    cloudtrail.start_logging(Name=trail.arn)
    if not cloudtrail.get_trail_status(Name=trail.arn)["IsLogging"]:
        raise RuntimeError(f"{trail.arn} does not log although it was started")


def _key(trail: Trail) -> str:
    return f"restarts {trail.arn}"


def _undo(outcome: str, trail: Trail | None) -> str:
    if outcome != "restarted" or trail is None:
        return ""
    return f"aws cloudtrail stop-logging --name {trail.arn} --region {trail.home}"
