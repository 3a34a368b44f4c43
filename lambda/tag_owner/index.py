"""Tags instances and their volumes with the human who launched or started them."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from shared.attempts import Attempts, Past
from shared.batches import handle_batch
from shared.clock import now
from shared.guards import excepted_tag, held_back
from shared.looks import believe
from shared.members import Member
from shared.notices import Notice, nested, text
from shared.people import Person, person_behind
from shared.refusals import tell, turned_away, with_own_role
from shared.reports import Evidence, Undo, Verdict

TAG = "Owner"
"""The one tag that the role in members may set."""

SEEN_WITHIN = timedelta(minutes=10)
"""After so long an instance is to be seen, or it is gone: EC2 may take its time.
https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html"""

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html
FILTER_VALUES = 200
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html
RESOURCES = 1000

_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")
_RESERVATION = re.compile(r"r-[0-9a-f]{8,17}")


@dataclass(frozen=True)
class Machines:
    """What the event is about, as it is now: instances and their volumes, with their tags.

    Resources with an excepted tag are not among them. `missing` are instances that nobody sees,
    `held` says why untagged ones may not be tagged.
    """

    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    held: Verdict | None = None

    @property
    def untagged(self) -> list[str]:
        return sorted(each for each, tags in self.tags.items() if not _owners(tags))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of Lambda: a batch of notices from the queue."""
    settings = json.loads(os.environ["TRAILBUS_SETTINGS"])
    return handle_batch(event, context, lambda notice: respond(notice, settings))


def respond(notice: Notice, settings: dict[str, Any]) -> None:
    """Reads, decides, acts, for one notice. What raises is tried again."""
    oldest = timedelta(hours=settings["max_age_hours"])
    person = person_behind(notice, settings["trust_session_names"])
    unwanted = refuse(notice, person, oldest)
    if unwanted:
        tell(notice, unwanted)
        return
    member = Member(notice.account)
    machines = read(notice, member)
    if machines.missing:
        unseen = f"there is no {', '.join(machines.missing[:5])}"
        believe(notice, Verdict("ignored", unseen), SEEN_WITHIN)
    key = f"owner {notice.account} {notice.region} {_digest(notice)}"
    attempts = Attempts(key, oldest, settings["attempts_per_hour"])
    past = attempts.past(notice)
    verdict = decide(machines, person, past)
    resources = past.before if past.before is not None else machines.untagged
    what = ", ".join(resources or sorted(machines.tags) or instances(notice))
    state = {TAG: {each: _owners(tags) for each, tags in sorted(machines.tags.items())}}
    as_it_is = Evidence(what, state, state)
    if verdict.outcome == "waiting":
        attempts.wait(notice, past, as_it_is)
        return
    if verdict.outcome != "tagged":
        if not past.done and not machines.untagged:
            believe(notice, verdict)
        tell(notice, verdict, as_it_is)
        return
    left = [each for each in resources if each in machines.untagged]
    if left:
        attempts.begin(notice, resources)
        act(left, person.name, notice, member)
    before = {TAG: dict.fromkeys(resources)}
    after = {TAG: dict.fromkeys(resources, person.name)}
    undo = tuple(
        Undo("ec2", "DeleteTags", {"Resources": some, "Tags": [{"Key": TAG, "Value": person.name}]})
        for some in _portions(resources, RESOURCES)
    )
    attempts.escalate(notice, past, as_it_is)
    tell(notice, verdict, Evidence(what, before, after, undo))
    attempts.end(notice)


def refuse(notice: Notice, person: Person, oldest: timedelta) -> Verdict | None:
    """Why the event is no reason to look at an instance; None when it is one."""
    if not notice.is_call("ec2.amazonaws.com", "RunInstances", "StartInstances"):
        return Verdict("ignored", "it is no call that launches or starts instances")
    verdict = turned_away(notice, now(), oldest)
    if verdict:
        return verdict
    if with_own_role(notice):
        return Verdict("refused", "the call was made with this responder's own role")
    if not person.name:
        return Verdict("ignored", person.why_not)
    if not instances(notice) and not reservation(notice):
        return Verdict("refused", "instances were started, but the record does not name them")
    return None


def instances(notice: Notice) -> list[str]:
    """The instances that the record names.

    What a call answered, or, as CloudTrail leaves out answers that are too long, what was asked
    for. A launch asks for no instance by name.
    """
    answered = nested(notice.detail, "responseElements", "instancesSet", "items")
    asked = nested(notice.parameter("instancesSet"), "items")
    return _ids(answered) or (_ids(asked) if notice.event_name == "StartInstances" else [])


def reservation(notice: Notice) -> str:
    """The launch by which its instances can be found when the record does not name them."""
    said = text(nested(notice.detail, "responseElements", "reservationId"))
    return said if notice.event_name == "RunInstances" and _RESERVATION.fullmatch(said) else ""


def read(notice: Notice, member: Member) -> Machines:
    """The instances that still exist, and the volumes that hang on them.

    Asked for by filter: by id, a single one that is gone would be an error for all. No launch
    tells its volumes.
    """
    ec2 = member.client("ec2", notice.region)
    wanted = instances(notice)
    asked = (
        _filters("instance-id", wanted)
        if wanted
        else _filters("reservation-id", [reservation(notice)])
    )
    tags: dict[str, dict[str, str]] = {}
    gone: set[str] = set()
    for page in _pages(ec2, "describe_instances", asked):
        for instance in (each for one in page["Reservations"] for each in one["Instances"]):
            if instance["State"]["Name"] in ("shutting-down", "terminated"):
                gone.add(instance["InstanceId"])
            else:
                tags[instance["InstanceId"]] = _tags(instance)
    missing = tuple(each for each in wanted if each not in tags and each not in gone)
    attached = _filters("attachment.instance-id", sorted(tags))
    for page in _pages(ec2, "describe_volumes", attached):
        tags.update({volume["VolumeId"]: _tags(volume) for volume in page["Volumes"]})
    # These were read just now: nothing is newer.
    tags = {each: its for each, its in tags.items() if not excepted_tag(its)}
    machines = Machines(tags, missing)
    if not machines.untagged:
        return machines
    return Machines(tags, missing, held_back("would tag them with their owner", dict))


def decide(machines: Machines, person: Person, past: Past) -> Verdict:
    """What comes of it."""
    if past.done:
        return Verdict("ignored", "this event was dealt with already")
    if past.before is None:
        if not machines.tags:
            return Verdict("ignored", "the instances are gone, or excepted by a tag")
        if not machines.untagged:
            return Verdict("ignored", "all of them have an owner already")
    if machines.untagged:
        if machines.held:
            return machines.held
        if past.wait:
            return Verdict("waiting", "they were tagged a short while ago")
    return Verdict("tagged", f"their owner is {person.name}")


def act(resources: list[str], owner: str, notice: Notice, member: Member) -> None:
    """Sets the tag. Safe to repeat; the role cannot set it where there is one."""
    ec2 = member.client("ec2", notice.region)
    for some in _portions(resources, RESOURCES):
        ec2.create_tags(Resources=some, Tags=[{"Key": TAG, "Value": owner}])


def _owners(tags: dict[str, str]) -> dict[str, str] | None:
    """The tags that say who owns it, whatever their case; None when there is none.

    In the role's condition case does not count either: it would deny to set an Owner beside an
    owner. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
    """
    return {key: its for key, its in tags.items() if key.casefold() == TAG.casefold()} or None


def _digest(notice: Notice) -> str:
    """A short key for any number of instances."""
    said = " ".join(instances(notice)) or reservation(notice)
    return sha256(said.encode()).hexdigest()


def _ids(items: Any) -> list[str]:
    listed = items if isinstance(items, list) else []
    said = {text(nested(item, "instanceId")) for item in listed}
    return sorted(each for each in said if _INSTANCE.fullmatch(each))


def _filters(name: str, values: list[str]) -> Iterator[list[dict[str, Any]]]:
    return ([{"Name": name, "Values": some}] for some in _portions(values, FILTER_VALUES))


def _pages(
    ec2: Any, operation: str, asked: Iterable[list[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    for filters in asked:
        yield from ec2.get_paginator(operation).paginate(Filters=filters)


def _tags(resource: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}


def _portions(values: list[str], size: int) -> list[list[str]]:
    return [values[start : start + size] for start in range(0, len(values), size)]
