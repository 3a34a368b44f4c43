"""The dashboard of the central stack: what came in, what went out, and what is stuck."""

from __future__ import annotations

import json
from collections.abc import Iterable

from troposphere import AWSObject, Sub, cloudwatch

from generator import names
from generator.model import Json
from generator.parts import Part

WIDTH = 24
HEIGHT = 6


def part(prefix: str, made: Iterable[AWSObject]) -> Part:
    """The dashboard over the bus, and over every queue and function that there is in the stack.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    made = list(made)
    all_queues = [one for one in made if one.resource_type == "AWS::SQS::Queue"]
    queues = [one.QueueName for one in all_queues if "RedrivePolicy" in one.properties]
    letters = [one.QueueName for one in all_queues if "RedrivePolicy" not in one.properties]
    functions = [one.FunctionName for one in made if one.resource_type == "AWS::Lambda::Function"]
    topics = [one.TopicName for one in made if one.resource_type == "AWS::SNS::Topic"]
    bus = names.bus(prefix)
    rows: list[list[dict[str, Json]]] = [
        [
            _text(
                "# Trailbus\nEvents of the organization as they reach the central bus, and what "
                "became of them. Whatever is not zero on the right wants a person."
            )
        ],
        [
            _search(
                "Events that detections took",
                f'{{AWS/Events,EventBusName,RuleName}} EventBusName="{bus}" '
                'MetricName="MatchedEvents"',
            ),
            _search(
                "Deliveries that were given up",
                f'{{AWS/Events,EventBusName,RuleName}} EventBusName="{bus}" '
                'MetricName="FailedInvocations"',
            ),
        ],
        [
            _metrics(
                "Age of the oldest message, seconds",
                "Maximum",
                [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", q] for q in queues],
            ),
            _metrics(
                "Dead letters",
                "Maximum",
                [
                    ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue]
                    for queue in letters
                ],
            ),
        ],
    ]
    failed = _metrics(
        "Notifications that failed",
        "Sum",
        [["AWS/SNS", "NumberOfNotificationsFailed", "TopicName", name] for name in topics],
    )
    if not functions:
        rows.append([failed])
    else:
        errors = _metrics(
            "Errors in the logs of functions",
            "Sum",
            [[names.LOGGED, names.logged_errors(name)] for name in functions],
        )
        rows.append([errors, failed])
        rows.append(
            [
                _metrics(
                    "Runs of responders",
                    "Sum",
                    [["AWS/Lambda", "Invocations", "FunctionName", name] for name in functions],
                ),
                _metrics(
                    "Failed and throttled runs",
                    "Sum",
                    [
                        ["AWS/Lambda", metric, "FunctionName", name]
                        for name in functions
                        for metric in ("Errors", "Throttles")
                    ],
                ),
            ]
        )
    body = json.dumps({"widgets": list(_laid_out(rows))}, separators=(",", ":"))
    name = f"{prefix}-central"
    return Part(
        resources=[cloudwatch.Dashboard("Dashboard", DashboardName=name, DashboardBody=Sub(body))]
    )


def _laid_out(rows: Iterable[list[dict[str, Json]]]) -> Iterable[dict[str, Json]]:
    top = 0
    for row in rows:
        height = 2 if row[0]["type"] == "text" else HEIGHT
        width = WIDTH // len(row)
        for column, widget in enumerate(row):
            yield {**widget, "x": column * width, "y": top, "width": width, "height": height}
        top += height


def _text(markdown: str) -> dict[str, Json]:
    return {"type": "text", "properties": {"markdown": markdown}}


def _metrics(title: str, statistic: str, metrics: list[list[str]]) -> dict[str, Json]:
    return _graph(title, {"stat": statistic, "metrics": metrics})


def _search(title: str, terms: str) -> dict[str, Json]:
    expression = f"SEARCH('{terms}', 'Sum', 300)"
    return _graph(title, {"metrics": [[{"expression": expression, "label": ""}]]})


def _graph(title: str, properties: dict[str, Json]) -> dict[str, Json]:
    common = {"title": title, "view": "timeSeries", "region": "${AWS::Region}", "period": 300}
    return {"type": "metric", "properties": {**common, **properties}}
