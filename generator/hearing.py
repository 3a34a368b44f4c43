"""How people hear the stack itself: topics for its alarms and reports, read by e-mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from troposphere import Equals, GetAtt, Not, Output, Parameter, Ref, kms, sns

from generator import alarms, names, policies, queues, topics
from generator.model import Json
from generator.parts import Part
from generator.policies import Grant

UNHEARD = "UnheardDeadLetters"


def topic_key(title: str, alias: str, description: str, *services: str) -> list[kms.Key]:
    """A key under which these services may publish to topics, and its alias."""
    grants: tuple[Grant, ...] = policies.key_owner(), policies.key_for_publishers(*services)
    key = kms.Key(
        title,
        Description=description,
        EnableKeyRotation=True,
        KeyPolicy=policies.document(*grants),
        Metadata={"Reasons": policies.reasons(*grants)},
    )
    name = f"{title}Alias"
    return [key, kms.Alias(name, AliasName=f"alias/{alias}", TargetKeyId=GetAtt(key, "Arn"))]


def alarm_topic(name: str, alarms_prefix: str, key: Sequence[Any]) -> Part:
    """The topic of the alarms, under a key that nothing else uses: whoever disables the key of
    the other topics silences what they carry, and not the alarms that tell of it.

    The key of SNS itself would not do: its policy cannot be changed, and does not let CloudWatch
    in. https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    topic = topics.topic(names.ALARM_TOPIC, name, key=key[0].title)
    policy = topics.topic_policy(
        "AlarmTopicPolicy", topic, policies.alarms_may_publish(Ref(topic), alarms_prefix)
    )
    output = Output(
        "AlarmTopicArn",
        Description="Where this stack's own alarms go; subscribe whoever must know.",
        Value=Ref(topic),
    )
    said = "gets this stack's own alarms by e-mail"
    return _heard(topic, [*key, topic, policy], names.ALARM_EMAILS, said, output)


def report_topic(prefix: str) -> Part:
    """The topic on which responders say what they did, and what they could not do."""
    topic = topics.topic(names.REPORT_TOPIC, names.report_topic(prefix))
    output = Output(
        "ReportTopicArn",
        Description="Where responders say what they did; subscribe whoever must know.",
        Value=Ref(topic),
    )
    said = "gets the reports of responders by e-mail, as JSON"
    return _heard(topic, [topic], names.REPORT_EMAILS, said, output)


def unheard(name: str, made: Sequence[Any]) -> Part:
    """What these topics could not deliver, kept; and alarms about it."""
    own = [one for one in made if one.title in (names.ALARM_TOPIC, names.REPORT_TOPIC)]
    letters = queues.dead_letter_queue(UNHEARD, name)
    grants = [policies.topic_may_send(GetAtt(letters, "Arn"), *(Ref(one) for one in own))]
    policy = queues.queue_policy(f"{UNHEARD}Policy", letters, *grants)
    found = [
        letters,
        policy,
        alarms.dead_letters(
            f"{UNHEARD}Alarm",
            name,
            name,
            "This stack's own alarms or reports could not be delivered to a subscriber: correct "
            "the address, and read here what was missed.",
        ),
    ]
    for one in own:
        title, topic = f"{one.title}FailedAlarm", one.TopicName
        found.append(alarms.failed_notifications(title, f"{topic}-failed", topic))
    return Part(resources=found)


def _heard(
    topic: sns.Topic, made: list[Any], addresses: Sequence[str], said: str, output: Output
) -> Part:
    """The topic with a subscription for each address that is given."""
    parameters, resources = [], list(made)
    conditions: dict[str, Json] = {}
    for number, name in enumerate(addresses, start=1):
        parameters.append(
            Parameter(
                name,
                Type="String",
                Default="",
                AllowedPattern=r"^$|^[^@\s]+@[^@\s]+\.[^@\s]+$",
                ConstraintDescription="must be an e-mail address, or empty",
                Description=f"Optional: who {said}, after confirming the mail that AWS sends first."
                if number == 1
                else f"Optional: who else {said}.",
            )
        )
        conditions[f"Has{name}"] = Not(Equals(Ref(name), ""))
        resources.append(
            sns.SubscriptionResource(
                f"{name}Subscription",
                Condition=f"Has{name}",
                TopicArn=Ref(topic),
                Protocol="email",
                Endpoint=Ref(name),
                RedrivePolicy={"deadLetterTargetArn": GetAtt(UNHEARD, "Arn")},
                DependsOn=f"{UNHEARD}Policy",
            )
        )
    return Part(resources, parameters, [output], conditions)
