"""The alarm about the switch: it rings while remediation is off, and when nobody looks at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from generator import names
from generator.simulation.organization import DEFAULT_PLACE
from generator.simulation.schedules import strike
from tests import shapes

from .conftest import CENTRAL, HOME, RULE, Laboratory, laboratory

SWITCH = names.remediation_switch("trailbus")
ALARM = "AWS::CloudWatch::Alarm"
FILTER = "AWS::Logs::MetricFilter"
START = datetime(2026, 11, 3, 6, 0, tzinfo=UTC)
LOOKS_EVERY = timedelta(minutes=5)


@pytest.fixture
def lab() -> Iterator[Laboratory]:
    configuration = {
        "detections": {"packs": [], "include": ["cloudtrail_logging_stopped"]},
        "targets": {"guard": {"kind": "responder", "responder": "restart_cloudtrail"}},
        "routes": [{"detections": ["cloudtrail_logging_stopped"], "to": ["guard"]}],
    }
    with laboratory(DEFAULT_PLACE, shape=shapes.shape_of(configuration)) as made:
        yield made


class Watch:
    """Time that passes, with the looks that its schedule wakes, and what CloudWatch makes of it."""

    def __init__(self, lab: Laboratory) -> None:
        self.lab = lab
        self.now = START
        self.points: list[tuple[datetime, float]] = []

    def turn(self, value: str | None) -> None:
        """Somebody with rights in the central account turns the switch; None deletes it."""
        ssm = self.lab.cloud.administrator(CENTRAL, HOME).client("ssm")
        if value is None:
            ssm.delete_parameters(Names=[SWITCH])
        else:
            ssm.put_parameter(Name=SWITCH, Value=value, Overwrite=True)

    def passes(self, minutes: int) -> None:
        until = self.now + timedelta(minutes=minutes)
        while self.now < until:
            self.now += LOOKS_EVERY
            before = len(self.lab.functions.log)
            strike(
                self.lab.courier,
                self.lab.resource(RULE, "trailbus-switch-watch-schedule"),
                self.now,
            )
            self.lab.functions.pump(self.now)
            for line in self.lab.functions.log[before:]:
                found = json.loads(line)
                if "remediation_off" in found:  # what { $.remediation_off = * } takes
                    self.points.append((self.now, found["remediation_off"]))

    @property
    def rings(self) -> bool:
        """The alarm as the template has it, over its last period."""
        alarm = self.lab.resource(ALARM, "trailbus-remediation-off").properties
        since = self.now - timedelta(seconds=alarm["Period"])
        values = [value for moment, value in self.points if since < moment <= self.now]
        assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("Maximum", "breaching")
        return not values or max(values) > alarm["Threshold"]


def test_the_metric_is_counted_from_the_watchers_log(lab: Laboratory) -> None:
    counted = lab.resource(FILTER, "trailbus-remediation-off").properties
    alarm = lab.resource(ALARM, "trailbus-remediation-off").properties
    [made] = counted["MetricTransformations"]
    assert counted["LogGroupName"] == "/aws/lambda/trailbus-switch-watch"
    assert counted["FilterPattern"] == "{ $.remediation_off = * }"
    assert made["MetricValue"] == "$.remediation_off"
    assert (made["MetricNamespace"], made["MetricName"]) == (
        alarm["Namespace"],
        alarm["MetricName"],
    )
    assert alarm["Namespace"] == names.LOGGED


@pytest.mark.parametrize("turned", ["off", None])
def test_an_intruder_turns_the_switch_and_waits(turned: str | None, lab: Laboratory) -> None:
    """He does nothing else for an hour: no event comes, and the alarm rings all the time."""
    watch = Watch(lab)
    watch.passes(10)
    assert not watch.rings
    watch.turn(turned)
    heard = []
    for _ in range(12):
        watch.passes(5)
        heard.append(watch.rings)
    assert all(heard)
    watch.turn("on")
    watch.passes(10)
    assert not watch.rings
    assert not [call for call in lab.functions.edge.calls if "Denied" in call.outcome]


def test_an_intruder_stops_the_watcher_first(lab: Laboratory) -> None:
    watch = Watch(lab)
    watch.passes(10)
    lab.resource(RULE, "trailbus-switch-watch-schedule").properties["State"] = "DISABLED"
    watch.turn("off")
    watch.passes(15)
    assert watch.rings


def test_a_look_that_fails_is_an_error_in_the_log_and_no_answer(lab: Laboratory) -> None:
    watch = Watch(lab)
    lab.functions.edge.refusals.add("ssm", "GetParameter")
    watch.passes(5)
    assert json.loads(lab.functions.log[-1])["level"] == "ERROR"
    assert watch.points == []
