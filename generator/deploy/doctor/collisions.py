"""Checks for things of our names that are not ours: a stack that meets one is rolled back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from generator import names
from generator.deploy.aws import Refused
from generator.deploy.doctor.findings import Check, Examination, Fault, blocking
from generator.deploy.wanted import Stack, partition_of

# How a rendered template names what it makes. What is not a literal cannot collide by chance.
_NAMED = re.compile(
    r"^ +(QueueName|TopicName|RoleName|FunctionName|TableName): '?([A-Za-z0-9_.-]+)'?$",
    re.MULTILINE,
)

# Of each property: what it names, how to ask for it, and how AWS says that it is not there.
_QUESTIONS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "QueueName": (
        "queue",
        "sqs",
        "GetQueueUrl",
        ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
    ),
    "TopicName": ("topic", "sns", "GetTopicAttributes", ("NotFound", "NotFoundException")),
    "RoleName": ("role", "iam", "GetRole", ("NoSuchEntity",)),
    "FunctionName": ("function", "lambda", "GetFunction", ("ResourceNotFoundException",)),
    "TableName": ("table", "dynamodb", "DescribeTable", ("ResourceNotFoundException",)),
    "Name": ("event bus", "events", "DescribeEventBus", ("ResourceNotFoundException",)),
}


def _collisions(examination: Examination) -> Iterator[Fault]:
    wanted = examination.wanted
    for stack in (wanted.central, *wanted.management):
        mine = _own_resources(examination, stack)
        if mine is None:
            continue
        named = set(_NAMED.findall(wanted.bundle.files[stack.template]))
        if stack == wanted.central:
            named.add(("Name", names.bus(wanted.bundle.prefix)))
        for property_, name in sorted(named):
            if name in mine or not _exists(examination, stack, property_, name):
                continue
            what = _QUESTIONS[property_][0]
            yield blocking(
                f"the {stack.side} account, {stack.region}",
                f"the {what} {name} is there already, and not of the stack {stack.name}",
                "trailbus destroy says whether an earlier one kept it; "
                "if it is not ours, choose another name",
            )


def _own_resources(examination: Examination, stack: Stack) -> set[str] | None:
    """The names of what a stack has made; None while the stack is at work."""
    ask = (stack.side, "cloudformation")
    try:
        status = examination.ask(*ask, "DescribeStacks", stack.region, StackName=stack.name)
        if status["Stacks"][0]["StackStatus"].endswith("_IN_PROGRESS"):
            return None
        found = examination.ask_all(
            *ask,
            "ListStackResources",
            "StackResourceSummaries",
            stack.region,
            StackName=stack.name,
        )
    except Refused as refusal:
        if refusal.code == "ValidationError" and "does not exist" in refusal.message:
            return set()
        raise
    ids = [one.get("PhysicalResourceId", "") for one in found]
    # Queues are known by their URLs, topics by their ARNs.
    return {re.split(r"[/:]", identity)[-1] for identity in ids} | set(ids)


def _exists(examination: Examination, stack: Stack, property_: str, name: str) -> bool:
    _, service, operation, absent = _QUESTIONS[property_]
    request: dict[str, Any] = {property_: name}
    if property_ == "TopicName":
        place = examination.wanted.place
        central = stack.side == "central"
        account = place.central_account if central else place.management_account
        partition = partition_of(stack.region)
        request = {"TopicArn": f"arn:{partition}:sns:{stack.region}:{account}:{name}"}
    try:
        examination.ask(stack.side, service, operation, stack.region, **request)
    except Refused as refusal:
        if refusal.code in absent:
            return False
        raise
    return True


CHECKS = (Check("names", "no name is taken by something that is not ours", _collisions),)
