"""A topic for people: e-mail, a chat by way of Amazon Q Developer, whatever else is subscribed."""

from __future__ import annotations

from typing import Any

from troposphere import Equals, GetAtt, Not, Output, Parameter, Ref, sns

from generator import alarms, bodies, messages, names, policies, queues, topics
from generator.model import Detection, Shape, Target
from generator.parts import Part


def part(target: Target, shape: Shape) -> Part:
    """The topic with its policy, its readers by e-mail, their dead letters, and two alarms."""
    prefix = shape.name_prefix
    title = names.logical(target.name)
    name = names.topic(prefix, target.name)
    letters_name = names.dead_letter_queue(name)
    topic = topics.topic(_title(target), name)
    letters = queues.dead_letter_queue(f"{title}DeadLetters", letters_name)
    readers = _readers(target, topic, letters)
    return Part(
        resources=[
            topic,
            topics.topic_policy(
                f"{title}TopicPolicy",
                topic,
                policies.rules_may_publish(Ref(topic), prefix, topics.SOURCE_CHECKED),
            ),
            letters,
            queues.queue_policy(
                f"{title}DeadLettersPolicy",
                letters,
                policies.topic_may_send(GetAtt(letters, "Arn"), Ref(topic)),
            ),
            *readers.resources,
            alarms.dead_letters(
                f"{title}DeadLettersAlarm",
                letters_name,
                letters_name,
                f"The topic {name} could not deliver them to a subscriber: see which address fails "
                "(NumberOfNotificationsFailed of the topic), correct it, and read them here.",
            ),
            alarms.failed_notifications(f"{title}FailedAlarm", f"{name}-failed", name),
        ],
        parameters=readers.parameters,
        conditions=readers.conditions,
        outputs=[
            Output(
                f"{title}TopicArn",
                Description=f"The topic '{target.name}': subscribe whoever else should know.",
                Value=Ref(topic),
            )
        ],
    )


def entry(target: Target) -> dict[str, Any]:
    """The rule publishes to the topic."""
    return {"Arn": Ref(_title(target))}


def message(target: Target, detection: Detection, shape: Shape) -> dict[str, Any]:
    """A chat has a form of its own."""
    if target.options["format"] == "chat":
        return bodies.worded(messages.chat(detection))
    return bodies.transformed(target, detection)


def _title(target: Target) -> str:
    return f"{names.logical(target.name)}Topic"


def _readers(target: Target, topic: sns.Topic, letters: Any) -> Part:
    """A subscription for each e-mail address that is given. Each has to be confirmed by mail.

    A chat's topic has none: a person would get its JSON.
    """
    if target.options["format"] == "chat":
        return Part()
    addresses = names.parameters(target.name, "emails", len(target.options["emails"]))
    title = names.logical(target.name)
    parameters, conditions, resources = [], {}, []
    for number, parameter in enumerate(addresses, start=1):
        parameters.append(
            Parameter(
                parameter,
                Type="String",
                Default="",
                AllowedPattern=r"^$|^[^@\s]+@[^@\s]+\.[^@\s]+$",
                ConstraintDescription="must be an e-mail address, or empty",
                Description=f"Optional: who gets the messages of '{target.name}' by e-mail, after "
                "confirming the mail that AWS sends first.",
            )
        )
        conditions[f"Has{parameter}"] = Not(Equals(Ref(parameter), ""))
        resources.append(
            sns.SubscriptionResource(
                f"{title}Email{number if len(addresses) > 1 else ''}Subscription",
                Condition=f"Has{parameter}",
                TopicArn=Ref(topic),
                Protocol="email",
                Endpoint=Ref(parameter),
                RedrivePolicy={"deadLetterTargetArn": GetAtt(letters, "Arn")},
                DependsOn=f"{title}DeadLettersPolicy",
            )
        )
    return Part(resources, parameters, conditions=conditions)
