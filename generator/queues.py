"""Queues, the dead-letter queues behind them, and the alarms that say when letters lie there."""

from __future__ import annotations

from typing import Any

from troposphere import GetAtt, Ref, sqs
from troposphere.cloudwatch import Alarm

from generator import policies
from generator.alarms import alarm
from generator.policies import Grant

TWO_WEEKS = 14 * 86_400
"""The longest that SQS keeps a message: dead letters wait for a person."""


def queue(
    title: str,
    name: str,
    *,
    retention: int,
    visibility: int,
    dead_letters: sqs.Queue,
    tries: int,
) -> sqs.Queue:
    """A standard queue that hands a message over `tries` times, then to its dead-letter queue.

    Encrypted with the key that SQS manages: EventBridge, SNS and S3 deliver to such a queue
    without further permissions, and a reader in another account needs none on a key.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-sqs-sse-queue.html
    """
    return sqs.Queue(
        title,
        QueueName=name,
        SqsManagedSseEnabled=True,
        MessageRetentionPeriod=retention,
        VisibilityTimeout=visibility,
        RedrivePolicy=sqs.RedrivePolicy(
            deadLetterTargetArn=GetAtt(dead_letters, "Arn"), maxReceiveCount=tries
        ),
        **_kept(),
    )


def dead_letter_queue(title: str, name: str, source: str = "", kept: bool = True) -> sqs.Queue:
    """Keeps what could not be delivered or handled for two weeks.

    `source` is the name of the one queue that may move messages here by redrive. `kept` says
    whether it outlives its stack.
    """
    more: dict[str, Any] = {}
    if source:
        more["RedriveAllowPolicy"] = {
            "redrivePermission": "byQueue",
            "sourceQueueArns": [policies.local_arn("sqs", source)],
        }
    return sqs.Queue(
        title,
        QueueName=name,
        SqsManagedSseEnabled=True,
        MessageRetentionPeriod=TWO_WEEKS,
        **more,
        **(_kept() if kept else {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}),
    )


def _kept() -> dict[str, str]:
    """A queue may hold messages when its stack goes: data is kept unless somebody says not to.

    One that a failed creation leaves behind would block the next try by its name, so that goes.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    return {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def queue_policy(title: str, queue: sqs.Queue, *grants: Grant) -> sqs.QueuePolicy:
    """Who may send to a queue, with the reason for each star."""
    return sqs.QueuePolicy(
        title,
        Queues=[Ref(queue)],
        PolicyDocument=policies.document(*grants),
        Metadata={"Reasons": policies.reasons(*grants)},
    )


def dead_letters_alarm(title: str, name: str, queue_name: str, cure: str) -> Alarm:
    """Rings as soon as a message lies in a dead-letter queue. `cure` says what to do then."""
    return alarm(
        title,
        name,
        f"Messages lie in {queue_name}. {cure}",
        metric=("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        dimension=("QueueName", queue_name),
        statistic="Maximum",
        above=0,
    )
