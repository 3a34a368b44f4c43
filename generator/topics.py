"""Encrypted topics, for the targets that publish and for the stack's own alarms and reports."""

from __future__ import annotations

from typing import Any

from troposphere import Equals, GetAtt, Parameter, Ref, sns

from generator import names, policies
from generator.parts import Part
from generator.policies import Grant

SOURCE_CHECKED = "TopicSourceChecked"


def topic(title: str, name: str, key: str = names.TOPIC_KEY, **more: Any) -> sns.Topic:
    """A topic under a key of the stack: no service can publish under the one of SNS.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    return sns.Topic(title, TopicName=name, KmsMasterKeyId=GetAtt(key, "Arn"), **more)


def topic_policy(title: str, topic: sns.Topic, *grants: Grant) -> sns.TopicPolicy:
    """Who may publish to a topic, with the reason for each star."""
    return sns.TopicPolicy(
        title,
        Topics=[Ref(topic)],
        PolicyDocument=policies.document(*grants),
        Metadata={"Reasons": policies.reasons(*grants)},
    )


def source_check() -> Part:
    """The switch for the condition in topic policies."""
    return Part(
        parameters=[
            Parameter(
                names.TOPIC_SOURCE_CHECK,
                Type="String",
                Default="on",
                AllowedValues=["on", "off"],
                Description="Whether topics take messages from the rules of this stack alone "
                "(aws:SourceArn). Switch it off if a rule's deliveries to a topic are denied.",
            )
        ],
        conditions={SOURCE_CHECKED: Equals(Ref(names.TOPIC_SOURCE_CHECK), "on")},
    )
