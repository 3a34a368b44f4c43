"""Strikes the schedules of rules: nothing here waits for a clock.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
"""

from __future__ import annotations

from datetime import UTC, datetime

from generator.simulation.arrivals.parcel import Undeliverable
from generator.simulation.deliveries import Courier
from generator.simulation.journeys import Journey
from generator.simulation.world import Resource


def strike(courier: Courier, rule: Resource, moment: datetime) -> Journey:
    """Sends what a rule's schedule sends at some moment; gives where it went."""
    if not rule.properties.get("ScheduleExpression"):
        raise ValueError(f"{rule.arn} has no schedule")
    event = {
        "version": "0",
        "id": "00000000-0000-0000-0000-000000000000",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": rule.account,
        "time": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": rule.region,
        "resources": [rule.arn],
        "detail": {},
    }
    journey = Journey(event)
    if rule.properties.get("State", "ENABLED") == "DISABLED":
        journey.reason = "the rule is disabled"
        return journey
    for target in rule.properties.get("Targets", []):
        try:
            courier.deliver(journey, rule, target, event)
        except Undeliverable as problem:
            courier.dead_letter(journey, rule, target, event, problem.code, str(problem))
    return journey
