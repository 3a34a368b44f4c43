"""Whether anybody hears the stack's alarms and reports: who is subscribed, and has confirmed it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from generator import names
from generator.deploy.aws import Call, Door, Refused
from generator.deploy.difference import parsed
from generator.deploy.wanted import Wanted

PENDING = "PendingConfirmation"
"""Stands for the ARN of a subscription until the mail about it is answered.
https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html"""

_GONE = frozenset({"NotFound", "NotFoundException"})


class Topic(NamedTuple):
    """A topic of the stack's own, with who hears it. `there`: the stack has been made."""

    name: str
    carries: str
    """What it carries: alarms or reports; place.alarms and place.reports say who hears them."""
    there: bool
    confirmed: int
    pending: tuple[str, ...] = ()
    """Who has not answered the mail of AWS yet, or will get it with the rollout."""

    @property
    def heard(self) -> bool:
        return self.confirmed > 0

    @property
    def fault(self) -> str:
        waiting = f": not confirmed yet by {', '.join(self.pending)}" if self.pending else ""
        return f"nobody hears the {self.carries}, it has no confirmed subscriber{waiting}"

    @property
    def cure(self) -> str:
        if self.pending:
            first = "" if self.there else "after the rollout, "
            return f"{first}follow the link in the mail that AWS sends them"
        return f"name addresses in place.{self.carries}.emails, or add a chat (notify_slack)"


def topics(door: Door, wanted: Wanted) -> Iterator[Topic]:
    """Each topic of the central stack by which it speaks to people. Raises Refused.

    Before the first rollout: with those who would be subscribed to it.
    """
    prefix = wanted.bundle.prefix
    for carries, logical, name, emails in (
        ("alarms", names.ALARM_TOPIC, names.alarm_topic(prefix), names.ALARM_EMAILS),
        ("reports", names.REPORT_TOPIC, names.report_topic(prefix), names.REPORT_EMAILS),
    ):
        if emails[0] not in wanted.bundle.parameters(names.CENTRAL):
            continue
        given = [wanted.central.parameters.get(one, "") for one in emails]
        named = [one for one in given if one]
        try:
            found = _subscribed(door, wanted, name)
        except Refused as refusal:
            if refusal.code not in _GONE:
                raise
            yield Topic(name, carries, False, _wired(wanted, logical), tuple(named))
            continue
        pending = [who for who, arn in found if arn == PENDING]
        known = {who for who, _ in found}
        pending += [one for one in named if one not in known]
        confirmed = sum(arn not in (PENDING, "Deleted") for _, arn in found)
        yield Topic(name, carries, True, confirmed, tuple(dict.fromkeys(pending)))


def unheard(door: Door, wanted: Wanted) -> tuple[list[Topic], list[str]]:
    """The topics that nobody hears, and a line about each; or why they could not be read."""
    try:
        found = [topic for topic in topics(door, wanted) if not topic.heard]
    except Refused as refusal:
        return [], [f"who hears the alarms is not known: {refusal}"]
    return found, [f"topic {one.name}: {one.fault}; {one.cure}" for one in found]


def _subscribed(door: Door, wanted: Wanted, name: str) -> list[tuple[str, str]]:
    """Who is subscribed, with the ARN of each subscription."""
    place = wanted.place
    arn = f"arn:{wanted.partition}:sns:{place.central_region}:{place.central_account}:{name}"
    call = Call("central", wanted.home, "sns", "ListSubscriptionsByTopic", {"TopicArn": arn})
    found = door.items(call, "Subscriptions")
    return [(str(one.get("Endpoint", "")), str(one["SubscriptionArn"])) for one in found]


def _wired(wanted: Wanted, topic: str) -> int:
    """How many the template itself subscribes, whom nobody has to ask: the queues of a chat."""
    resources = parsed(wanted.bundle.files[names.CENTRAL])["Resources"]
    return sum(
        one["Type"] == "AWS::SNS::Subscription"
        and one["Properties"]["TopicArn"] == {"Ref": topic}
        and one["Properties"]["Protocol"] != "email"
        for one in resources.values()
    )
