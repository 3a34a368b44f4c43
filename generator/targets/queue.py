"""A queue for a consumer, fed by the rules directly or through a topic that others can join."""

from __future__ import annotations

from typing import Any

from troposphere import Equals, GetAtt, Not, Output, Parameter, Ref, Select, Split, Sub, sns

from generator import alarms, names, policies, queues, roles, topics
from generator.model import Shape, Target
from generator.parts import Part

TRIES = 20
"""A consumer that leaves a message may be down for a while; at a visibility timeout of five
minutes this is more than an hour and a half of trying."""


def part(target: Target, shape: Shape) -> Part:
    """The queue with its policy, dead letters and alarm; its topic; its reader role."""
    prefix = shape.name_prefix
    name = names.queue(prefix, target.name, target.options["queue_name"])
    letters_name = names.dead_letter_queue(name)
    title = _title(target)
    letters = queues.dead_letter_queue(f"{title}DeadLetters", letters_name, source=name)
    queue = queues.queue(
        title,
        name,
        retention=target.options["retention"],
        visibility=target.options["visibility_timeout"],
        dead_letters=letters,
        tries=TRIES,
    )
    alarm = alarms.dead_letters(
        f"{title}DeadLettersAlarm",
        # By the prefix the alarm topic knows its alarms; the queue's own name may lack it.
        names.dead_letter_queue(names.queue(prefix, target.name)),
        letters_name,
        f"The consumer of {name} left them {TRIES} times, or the topic could not deliver them: "
        "repair the consumer, then move them back with a redrive of this queue.",
    )
    if target.options["through"] == "topic":
        feed = _through_topic(target, prefix, queue, letters)
    else:
        grant = policies.rules_may_send(GetAtt(queue, "Arn"), prefix)
        feed = [queues.queue_policy(f"{title}Policy", queue, grant)]
    reader = _reader(target, prefix)
    output = Output(
        f"{title}Arn",
        Description=f"The queue that the consumer of '{target.name}' reads.",
        Value=GetAtt(queue, "Arn"),
    )
    return Part(
        resources=[letters, queue, *feed, alarm, *reader.resources],
        parameters=reader.parameters,
        conditions=reader.conditions,
        outputs=[output, *reader.outputs],
    )


def entry(target: Target) -> dict[str, Any]:
    """The rule delivers to the topic when there is one, else to the queue."""
    if target.options["through"] == "topic":
        return {"Arn": Ref(f"{names.logical(target.name)}Topic")}
    return {"Arn": GetAtt(_title(target), "Arn")}


def _title(target: Target) -> str:
    return f"{names.logical(target.name)}Queue"


def _through_topic(target: Target, prefix: str, queue: Any, letters: Any) -> list[Any]:
    """Topic and raw subscription: the queue's messages look the same with a topic and without."""
    title = names.logical(target.name)
    topic_name = names.topic(prefix, target.name, target.options["topic_name"])
    topic = topics.topic(f"{title}Topic", topic_name)
    subscription = sns.SubscriptionResource(
        f"{title}Subscription",
        TopicArn=Ref(topic),
        Protocol="sqs",
        Endpoint=GetAtt(queue, "Arn"),
        RawMessageDelivery=True,
        RedrivePolicy={"deadLetterTargetArn": GetAtt(letters, "Arn")},
        DependsOn=[f"{title}QueuePolicy", f"{title}DeadLettersPolicy"],
    )
    grants = [policies.rules_may_publish(Ref(topic), prefix, topics.SOURCE_CHECKED)]
    return [
        topic,
        topics.topic_policy(f"{title}TopicPolicy", topic, *grants),
        queues.queue_policy(
            f"{title}QueuePolicy",
            queue,
            policies.topic_may_send(GetAtt(queue, "Arn"), Ref(topic)),
        ),
        queues.queue_policy(
            f"{title}DeadLettersPolicy",
            letters,
            policies.topic_may_send(GetAtt(letters, "Arn"), Ref(topic)),
        ),
        subscription,
    ]


def _reader(target: Target, prefix: str) -> Part:
    """A role in the central account for a consumer elsewhere, made when its ARN is given.

    Consumers look a queue up by name in the account of their credentials, so a queue policy for
    another account would not be enough; they assume this role instead.
    """
    title = names.logical(target.name)
    readers = names.parameters(target.name, "readers", len(target.options["readers"]))
    parameters, conditions, resources, outputs = [], {}, [], []
    for number, parameter in enumerate(readers, start=1):
        suffix = "" if len(readers) == 1 else str(number)
        given = f"Has{parameter}"
        parameters.append(
            Parameter(
                parameter,
                Type="String",
                Default="",
                AllowedPattern=r"^$|^arn:aws[a-z-]*:iam::\d{12}:role/.+$",
                ConstraintDescription="must be the ARN of a role, or empty",
                Description=f"Optional: the ARN of the role with which the consumer of "
                f"'{target.name}' runs. It may then assume a reader role for this queue.",
            )
        )
        conditions[given] = Not(Equals(Ref(parameter), ""))
        account = Select(4, Split(":", Ref(parameter)))
        root = Sub("arn:${AWS::Partition}:iam::${Account}:root", Account=account)
        role = roles.role(
            f"{title}ReaderRole{suffix}",
            names.reader_role(prefix, target.name) + (f"-{suffix}" if suffix else ""),
            f"Reads the queue of the target {target.name}.",
            policies.trust_roles(root, Ref(parameter)),
            policies.consume(GetAtt(_title(target), "Arn")),
            Condition=given,
        )
        resources.append(role)
        outputs.append(
            Output(
                f"{title}ReaderRole{suffix}Name",
                Condition=given,
                Description="The role, by name, that the consumer assumes in this account.",
                Value=Ref(role),
            )
        )
    return Part(resources, parameters, outputs, conditions)
