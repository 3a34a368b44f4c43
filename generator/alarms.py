"""Alarms of the central stack: each tells the alarm topic, and says what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from troposphere import AWSObject, Ref
from troposphere.cloudwatch import Alarm, MetricDataQuery, MetricDimension
from troposphere.logs import MetricFilter, MetricTransformation

from generator import names
from generator.parts import Part

PERIOD = 300
HANDLED_WITHIN = 900
"""Seconds after which a message that no function has handled is late."""


def part(prefix: str, made: Iterable[AWSObject]) -> Part:
    """The alarms over the bus, and over every queue and function that there is in the stack.

    Dead-letter queues are left out: whoever makes one says in its alarm what to do.
    """
    made = list(made)
    mappings = [one for one in made if one.resource_type == "AWS::Lambda::EventSourceMapping"]
    feeding = {mapping.EventSourceArn.data["Fn::GetAtt"][0] for mapping in mappings}
    found: list[AWSObject] = [*bus(prefix)]
    for one in made:
        if one.resource_type == "AWS::Lambda::Function":
            name = f"{prefix}-{one.FunctionName.removeprefix(f'{prefix}-')}"
            found += function(one.title, name, one.FunctionName)
            found += logged_errors(one)
        elif one.resource_type == "AWS::SQS::Queue" and "RedrivePolicy" in one.properties:
            found.append(_late(prefix, one, one.title in feeding))
    return Part(resources=found)


def _late(prefix: str, queue: AWSObject, feeds_a_function: bool) -> Alarm:
    name = queue.QueueName
    if feeds_a_function:
        age = HANDLED_WITHIN
        cure = "Its function fails, is throttled, or its event source mapping is disabled."
    else:
        # Three quarters of the way to being dropped: time enough to wake a consumer.
        age = queue.MessageRetentionPeriod * 3 // 4
        cure = (
            f"Messages are dropped after {_words(queue.MessageRetentionPeriod)}: wake the "
            "consumer, or take the target out of the configuration if nobody reads it."
        )
    return unread(f"{queue.title}AgeAlarm", names.age_alarm(prefix, name), name, age, cure)


def dead_letters(title: str, name: str, queue_name: str, cure: str) -> Alarm:
    """Rings as soon as a message lies in a dead-letter queue. `cure` says what to do then."""
    return _queue(
        title,
        name,
        f"Messages lie in {queue_name}. {cure}",
        queue_name,
        "ApproximateNumberOfMessagesVisible",
        0,
    )


def unread(title: str, name: str, queue_name: str, age: int, cure: str) -> Alarm:
    """Rings when a queue's oldest message is older than `age` seconds."""
    return _queue(
        title,
        name,
        f"Nobody has taken the oldest message of {queue_name} for {_words(age)}. {cure}",
        queue_name,
        "ApproximateAgeOfOldestMessage",
        age,
    )


def _words(seconds: int) -> str:
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"


def _queue(
    title: str, name: str, description: str, queue_name: str, metric: str, threshold: int
) -> Alarm:
    return alarm(
        title,
        name,
        description,
        metric=("AWS/SQS", metric),
        dimension=("QueueName", queue_name),
        statistic="Maximum",
        above=threshold,
    )


def function(title: str, name: str, function_name: str) -> list[Alarm]:
    """Ring when a function fails, or is not let run.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    told = {
        "Errors": f"The function {function_name} failed. The queue hands the batch over again; "
        f"read {names.log_group(function_name)} before its messages become dead letters.",
        "Throttles": f"The function {function_name} was not let run: the account's concurrency, or "
        "what is reserved for the function, is used up. Raise the quota, or the reservation.",
    }
    return [
        alarm(
            f"{title}{metric}Alarm",
            f"{name}-{metric.lower()}",
            description,
            metric=("AWS/Lambda", metric),
            dimension=("FunctionName", function_name),
            statistic="Sum",
            above=0,
        )
        for metric, description in told.items()
    ]


def logged_errors(function: AWSObject) -> list[AWSObject]:
    """Count the lines of a function's log whose level is ERROR, and ring on the first.

    AWS counts runs that fail; a function that gives up on an event ends well and logs it. The
    pattern reads the line as JSON: the word in what an event says is no error.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
    """
    group = function.LoggingConfig.LogGroup
    metric = names.logged_errors(function.FunctionName)
    return [
        MetricFilter(
            f"{function.title}LoggedErrors",
            FilterName=metric,
            LogGroupName=group,
            FilterPattern='{ $.level = "ERROR" }',
            MetricTransformations=[
                MetricTransformation(
                    MetricNamespace=names.LOGGED, MetricName=metric, MetricValue="1"
                )
            ],
        ),
        alarm(
            f"{function.title}LoggedErrorsAlarm",
            metric,
            f"The function {function.FunctionName} logged an error: it failed on an event, gave "
            f"up, or was refused. Read {names.log_group(function.FunctionName)}; a line says "
            "which event, and why.",
            metric=(names.LOGGED, metric),
            statistic="Sum",
            above=0,
        ),
    ]


def failed_notifications(title: str, name: str, topic_name: str) -> Alarm:
    """Rings when a topic could not notify a subscriber.

    https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
    """
    return alarm(
        title,
        name,
        f"The topic {topic_name} could not notify a subscriber. Look at its subscriptions: one "
        "may be unconfirmed, or its endpoint gone.",
        metric=("AWS/SNS", "NumberOfNotificationsFailed"),
        dimension=("TopicName", topic_name),
        statistic="Sum",
        above=0,
    )


_OF_ALL_RULES = """SELECT SUM({metric}) FROM "AWS/Events" WHERE EventBusName = '{bus}'"""

_SLOW = 30_000
"""Milliseconds; for longer they may mean that EventBridge itself is disturbed.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html"""


def bus(prefix: str) -> list[Alarm]:
    """Ring when rules of the bus give up on a target, lose an event on top of it, are throttled,
    or when events wait.

    One query sees the rules that there are; a metric would be needed for each. It is not grouped
    by rule: what could not be delivered says its rule, and why. The bus's own log, which would say
    so too, is left out: it takes three more resources whose Regions are written nowhere, and where
    one is missing the whole stack would fail.
    Latency is one number for all rules and buses of the account.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Metrics_Insights_Alarm.html
    """
    kept = names.undelivered_queue(prefix)
    told = {
        "FailedInvocations": "Rules of the central bus gave up on a target. What they could not "
        f"deliver lies in {kept}; its messages say which rule, where to and why.",
        "InvocationsFailedToBeSentToDlq": "Rules of the central bus lost events: neither a target "
        f"nor the dead-letter queue {kept} took them. Compare its policy with the template's, "
        "then replay the bus's archive for that time.",
        "ThrottledRules": "Rules of the central bus are throttled: their events wait, and are lost "
        "after a day. Raise the account's quota of EventBridge invocations per second, and see "
        "who floods the bus (MatchedEvents by rule).",
    }
    called = {
        "FailedInvocations": "failed-invocations",
        "InvocationsFailedToBeSentToDlq": "lost-events",
        "ThrottledRules": "throttled-rules",
    }
    queries = [
        _alarm(
            f"Bus{metric}Alarm",
            f"{prefix}-bus-{called[metric]}",
            description,
            0,
            Metrics=[
                MetricDataQuery(
                    Id="lost",
                    Expression=_OF_ALL_RULES.format(metric=metric, bus=names.bus(prefix)),
                    Period=PERIOD,
                    ReturnData=True,
                )
            ],
        )
        for metric, description in told.items()
    ]
    slow = alarm(
        "BusLatencyAlarm",
        f"{prefix}-bus-latency",
        "EventBridge takes more than 30 seconds from an event to the first call of a target, for a "
        "quarter of an hour: see AWS Health, and whether rules are throttled. Responders and "
        "messages are late meanwhile.",
        metric=("AWS/Events", "IngestionToInvocationStartLatency"),
        statistic="Average",
        above=_SLOW,
        periods=3,
    )
    return [*queries, slow]


def alarm(
    title: str,
    name: str,
    description: str,
    *,
    metric: tuple[str, str],
    dimension: tuple[str, Any] | None = None,
    statistic: str,
    above: int,
    periods: int = 1,
    period: int = PERIOD,
    missing: str = "notBreaching",
) -> Alarm:
    """Rings on the alarm topic when a metric is above a number in each of some five minutes.

    `metric` is its namespace and name; the description says what to do.
    """
    return _alarm(
        title,
        name,
        description,
        above,
        periods,
        missing,
        Namespace=metric[0],
        MetricName=metric[1],
        **(
            {"Dimensions": [MetricDimension(Name=dimension[0], Value=dimension[1])]}
            if dimension
            else {}
        ),
        Statistic=statistic,
        Period=period,
    )


def _alarm(
    title: str,
    name: str,
    description: str,
    above: int,
    periods: int = 1,
    missing: str = "notBreaching",
    **metric: Any,
) -> Alarm:
    return Alarm(
        title,
        AlarmName=name,
        AlarmDescription=description,
        **metric,
        EvaluationPeriods=periods,
        Threshold=above,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData=missing,
        AlarmActions=[Ref(names.ALARM_TOPIC)],
        OKActions=[Ref(names.ALARM_TOPIC)],
    )
