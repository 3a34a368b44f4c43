"""AWS::CloudWatch: alarms and dashboards, in the inventory alone."""

from __future__ import annotations

import json

from .kind import Properties, Site, own_arn, plain, refuse


def _check_dashboard(site: Site, name: str, properties: Properties) -> None:
    try:
        json.loads(str(properties["DashboardBody"]))
    except ValueError:
        raise refuse("The field DashboardBody must be a valid JSON object") from None


KINDS = {
    "AWS::CloudWatch::Alarm": plain(
        own_arn("cloudwatch", "alarm:"),
        name="AlarmName",
        longest=255,
        needs=("ComparisonOperator", "EvaluationPeriods"),
        tags="list",
    ),
    "AWS::CloudWatch::Dashboard": plain(
        name="DashboardName", longest=255, needs=("DashboardBody",), check=_check_dashboard
    ),
}
