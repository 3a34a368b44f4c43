"""The switch that stops all remediation, and the function that looks at it so that it is heard."""

from __future__ import annotations

from troposphere import Ref, ssm
from troposphere.cloudwatch import Alarm
from troposphere.logs import MetricFilter, MetricTransformation

from generator import alarms, handlers, names
from generator.model import Responder, Shape, Target
from generator.parts import Part
from generator.targets import responder

SCHEDULE = "rate(5 minutes)"
LOOKED_WITHIN = 600
"""Seconds in which it looks at least once: twice the schedule's, as that keeps no exact time."""


def parts(shape: Shape) -> list[Part]:
    """The parameter; its watcher, built as a responder that a schedule wakes; and the alarm."""
    prefix = shape.name_prefix
    target = Target(
        names.SWITCH_WATCH,
        "responder",
        "notice",
        {"responder": "watch_switch", "settings": {"schedule": SCHEDULE}},
    )
    watcher = Responder(
        "watch_switch",
        "Look whether all remediation is switched off",
        "Looks at the switch of all remediation, and logs what it finds. Changes nothing.",
        handlers.inlined(handlers.root() / "watch_switch"),
        schedule=SCHEDULE,
        reads_switch=True,
    )
    with_it = shape._replace(responders={**shape.responders, watcher.id: watcher})
    return [
        Part(resources=[_switch(prefix)]),
        responder.part(target, with_it),
        Part(resources=_heard(prefix)),
    ]


def _switch(prefix: str) -> ssm.Parameter:
    return ssm.Parameter(
        names.REMEDIATION_SWITCH,
        Name=names.remediation_switch(prefix),
        Type="String",
        Value="on",
        AllowedPattern="^(on|off)$",
        Description="Set to off to stop every Trailbus remediation at once, without a deployment.",
    )


def _heard(prefix: str) -> list[MetricFilter | Alarm]:
    """The alarm rings as long as the switch is off, and when nobody has looked: whoever stops the
    watcher first is heard as well. It rings once after the first rollout, until the first look."""
    metric = f"{prefix}-remediation-off"
    function = names.function(prefix, names.SWITCH_WATCH)
    counted = MetricFilter(
        "RemediationOff",
        FilterName=metric,
        LogGroupName=Ref(f"{names.logical(names.SWITCH_WATCH)}Log"),
        FilterPattern="{ $.remediation_off = * }",
        MetricTransformations=[
            MetricTransformation(
                MetricNamespace=names.LOGGED, MetricName=metric, MetricValue="$.remediation_off"
            )
        ],
    )
    alarm = alarms.alarm(
        "RemediationOffAlarm",
        metric,
        f"All remediation is switched off by the parameter {names.remediation_switch(prefix)}, or "
        f"the function {function} does not look at it any more. See in CloudTrail who changed it "
        "(PutParameter, DeleteParameter), ask why, and set it to on.",
        metric=(names.LOGGED, metric),
        statistic="Maximum",
        above=0,
        period=LOOKED_WITHIN,
        missing="breaching",
    )
    return [counted, alarm]
