"""Alarms about a service's own metrics, beside those of dead-letter queues."""

from __future__ import annotations

from typing import Any

from troposphere import Ref
from troposphere.cloudwatch import Alarm, MetricDimension

from generator import names


def alarm(
    title: str,
    name: str,
    description: str,
    *,
    metric: tuple[str, str],
    dimension: tuple[str, Any],
    statistic: str,
    above: int,
    periods: int = 1,
) -> Alarm:
    """Rings on the alarm topic when a metric is above a number in each of some five minutes.

    `metric` is its namespace and name; the description says what to do.
    """
    return Alarm(
        title,
        AlarmName=name,
        AlarmDescription=description,
        Namespace=metric[0],
        MetricName=metric[1],
        Dimensions=[MetricDimension(Name=dimension[0], Value=dimension[1])],
        Statistic=statistic,
        Period=300,
        EvaluationPeriods=periods,
        Threshold=above,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[Ref(names.ALARM_TOPIC)],
        OKActions=[Ref(names.ALARM_TOPIC)],
    )
