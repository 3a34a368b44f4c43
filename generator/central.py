"""The central template: the bus and who may use it, a rule per detection, and what is behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import (
    Equals,
    GetAtt,
    Not,
    Output,
    Parameter,
    Ref,
    dynamodb,
    encode_to_dict,
    events,
)

from generator import (
    alarms,
    dashboard,
    feeding,
    hearing,
    names,
    policies,
    queues,
    roles,
    switch,
    targets,
    topics,
)
from generator.member import state
from generator.model import Detection, Json, Shape, Target
from generator.parts import Group, Part, assembled

TARGETS_PER_RULE = 5
"""Not adjustable: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""

NO_ARCHIVES = (
    "ap-east-2",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-7",
    "ca-west-1",
    "il-central-1",
    "mx-central-1",
)
"""Regions without event archives, as of 2026-11.
https://docs.aws.amazon.com/eventbridge/latest/userguide/feature-availability.html"""

_BY_ROLE = "OnlyForwarderRoles"
_BY_RULES = "OnlyThroughRules"
_ARCHIVED = "Archived"


def template(shape: Shape) -> dict[str, Json]:
    """The whole central stack."""
    kinds = [targets.module(target.kind).part(target, shape) for target in shape.targets]
    parts = [
        _bus(shape),
        _undelivered(shape),
        Part(resources=list(_rules(shape, _ways_in(shape, kinds)))),
        *kinds,
        *_shared(shape),
        roles.common(),
        topics.source_check(),
        _partitions(),
    ]
    made = [resource for part in parts for resource in part.resources]
    parts += [alarms.part(shape.name_prefix, made), dashboard.part(shape.name_prefix, made)]
    return assembled(
        "Trailbus, central stack: receives the organization's CloudTrail events that matter and "
        "acts on them. First of all; its outputs are the parameters of the member templates.",
        parts,
        _groups(kinds),
    )


def central_rules(shape: Shape, detection: Detection) -> dict[str, list[Target]]:
    """The rules of a detection by name, each with its at most five targets."""
    wanted = [shape.target(name) for name in shape.wiring.get(detection.id, ())]
    chunks = [
        wanted[first : first + TARGETS_PER_RULE]
        for first in range(0, len(wanted), TARGETS_PER_RULE)
    ]
    return {
        names.central_rule(shape.name_prefix, detection.id, part): chunk
        for part, chunk in enumerate(chunks, start=1)
    }


def _groups(kinds: list[Part]) -> list[Group]:
    # Several functions share one parameter for their architecture.
    own = tuple(dict.fromkeys(one.title for part in kinds for one in part.parameters))
    return [
        Group("Your organization", (names.ORGANIZATION_ID, names.BUS_ACCESS)),
        Group(
            "Alarms and keeping",
            (*names.ALARM_EMAILS, *names.REPORT_EMAILS, names.ARCHIVE_DAYS, names.LOG_DAYS),
        ),
        Group("Targets", own),
        Group(
            "Your organization's rules",
            (names.ROLE_PATH, names.PERMISSIONS_BOUNDARY, names.TOPIC_SOURCE_CHECK),
        ),
        Group("Tags", (names.TAG_KEY, names.TAG_VALUE)),
    ]


def _bus(shape: Shape) -> Part:
    prefix = shape.name_prefix
    bus = events.EventBus(
        names.BUS,
        Name=names.bus(prefix),
        Description="Receives the CloudTrail events that members forward.",
    )
    accept = policies.accept_events_of_organization(GetAtt(bus, "Arn"), prefix, _BY_ROLE, _BY_RULES)
    policy = events.EventBusPolicy(
        names.BUS_POLICY,
        EventBusName=Ref(bus),
        StatementId=accept.statement.properties["Sid"],
        Statement=encode_to_dict(accept.statement),
        Metadata={"Reasons": policies.reasons(accept)},
    )
    archive = events.Archive(
        names.ARCHIVE,
        Condition=_ARCHIVED,
        ArchiveName=names.archive(prefix),
        Description="Every event of AWS that reached the bus, to be replayed after an outage.",
        SourceArn=GetAtt(bus, "Arn"),
        # What members invented themselves reaches no target, and fills no archive either.
        EventPattern={"source": [{"prefix": "aws."}]},
        RetentionDays=Ref(names.ARCHIVE_DAYS),
        DeletionPolicy="RetainExceptOnCreate",
        UpdateReplacePolicy="Retain",
    )
    regional = Ref("AWS::Region")
    return Part(
        resources=[bus, policy, archive],
        parameters=[
            Parameter(
                names.ORGANIZATION_ID,
                Type="String",
                AllowedPattern=r"^o-[a-z0-9]{10,32}$",
                ConstraintDescription="must be an organization id such as o-a1b2c3d4e5",
                Description="The id of your organization: the bus takes events from it alone.",
            ),
            Parameter(
                names.BUS_ACCESS,
                Type="String",
                Default=names.BUS_ACCESS_CHOICES[0],
                AllowedValues=list(names.BUS_ACCESS_CHOICES),
                Description="Who of the organization may put events on the bus: anybody "
                "(a forged event reaches no target: every rule takes AWS's own events only); the "
                "forwarder roles alone; or these, and only through EventBridge rules.",
            ),
            Parameter(
                names.ARCHIVE_DAYS,
                Type="Number",
                Default=30,
                MinValue=-1,
                Description="How many days the bus's events are kept for a replay; 0 is for "
                "ever, -1 is no archive.",
            ),
        ],
        conditions={
            _BY_ROLE: Not(Equals(Ref(names.BUS_ACCESS), names.BUS_ACCESS_CHOICES[0])),
            _BY_RULES: Equals(Ref(names.BUS_ACCESS), names.BUS_ACCESS_CHOICES[2]),
            _ARCHIVED: Not(Equals(Ref(names.ARCHIVE_DAYS), "-1")),
        },
        rules={
            "ArchivesExistHere": {
                "RuleCondition": {"Fn::Contains": [list(NO_ARCHIVES), regional.to_dict()]},
                "Assertions": [
                    {
                        "Assert": {"Fn::Equals": [{"Ref": names.ARCHIVE_DAYS}, "-1"]},
                        "AssertDescription": "This Region has no event archives: choose another "
                        "central Region, or set ArchiveDays to -1 and do without replay.",
                    }
                ],
            }
        },
        outputs=[
            Output(
                "BusArn",
                Description="The central bus: the parameter CentralBusArn of the member templates.",
                Value=GetAtt(bus, "Arn"),
            )
        ],
    )


def _undelivered(shape: Shape) -> Part:
    """One queue for whatever a rule could not deliver; its messages say which rule and why."""
    prefix = shape.name_prefix
    name = names.undelivered_queue(prefix)
    letters = queues.dead_letter_queue(names.UNDELIVERED, name)
    return Part(
        resources=[
            letters,
            queues.queue_policy(
                names.UNDELIVERED_POLICY,
                letters,
                policies.rules_may_send(GetAtt(letters, "Arn"), prefix),
            ),
            alarms.dead_letters(
                "UndeliveredAlarm",
                name,
                name,
                "Rules could not deliver them: the attributes RULE_ARN, TARGET_ARN and "
                "ERROR_MESSAGE of each message say which, where to and why.",
            ),
        ]
    )


_LETS_IN = (
    "AWS::Lambda::Permission",
    "AWS::Logs::ResourcePolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
)


def _ways_in(shape: Shape, kinds: list[Part]) -> dict[str, list[str]]:
    """By target, what lets the rules in and carries on what they send.

    Rules are made after it: what they sent before would be a dead letter, or lost without a word
    by a topic whose queue is not subscribed yet.
    """
    found: dict[str, list[str]] = {}
    for target, part in zip(shape.targets, kinds, strict=True):
        found[target.name] = [
            one.title
            for one in part.resources
            if one.resource_type in _LETS_IN and "Condition" not in one.resource
        ]
        if target.kind == "log" and names.EVENT_LOG_POLICY not in found[target.name]:
            found[target.name].append(names.EVENT_LOG_POLICY)
    return found


def _rules(shape: Shape, ways_in: dict[str, list[str]]) -> Iterator[events.Rule]:
    """Each pins AWS's own sources in its pattern, so that a forged event meets no rule."""
    for detection in shape.detections:
        for part, (name, chunk) in enumerate(central_rules(shape, detection).items(), start=1):
            yield events.Rule(
                names.logical(detection.id, "rule", *([str(part)] if part > 1 else [])),
                Name=name,
                Description=detection.title,
                EventBusName=Ref(names.BUS),
                State=state(detection.read_only),
                EventPattern=feeding.pattern(detection, chunk, shape),
                Targets=[_entry(target, detection, shape) for target in chunk],
                DependsOn=[
                    names.UNDELIVERED_POLICY,
                    *dict.fromkeys(one for target in chunk for one in ways_in[target.name]),
                ],
            )


def _entry(target: Target, detection: Detection, shape: Shape) -> Any:
    entry = events.Target(
        Id=target.name,
        DeadLetterConfig=events.DeadLetterConfig(Arn=GetAtt(names.UNDELIVERED, "Arn")),
        **targets.entry(target, detection, shape),
        **targets.message(target, detection, shape),
    )
    return targets.only_where_it_can_be(target, entry)


def _shared(shape: Shape) -> list[Part]:
    """What several targets use: the topics' key, alarms, reports, memory and the switch."""
    prefix = shape.name_prefix
    responders = list(shape.responders.values())
    key = hearing.topic_key(
        names.TOPIC_KEY,
        f"{prefix}-topics",
        "Trailbus: encrypts the topics of this stack.",
        "events.amazonaws.com",
    )
    alarm_key = hearing.topic_key(
        names.ALARM_KEY,
        f"{prefix}-alarms",
        "Trailbus: encrypts the alarms of this stack.",
        "cloudwatch.amazonaws.com",
    )
    heard = [hearing.alarm_topic(names.alarm_topic(prefix), prefix, alarm_key)]
    if responders or any(target.kind == "workflow" for target in shape.targets):
        heard.append(hearing.report_topic(prefix))
    made = [resource for part in heard for resource in part.resources]
    parts = [
        Part(resources=key),
        *heard,
        hearing.unheard(names.unheard_queue(prefix), made),
        _log_days(),
    ]
    if any(responder.remembers for responder in responders):
        parts.append(Part(resources=[_memory(prefix)]))
    if any(responder.modes for responder in responders):
        parts += switch.parts(shape)
    return parts


def _log_days() -> Part:
    return Part(
        parameters=[
            Parameter(
                names.LOG_DAYS,
                Type="Number",
                Default=365,
                AllowedValues=[30, 60, 90, 180, 365, 731, 1827, 3653],
                Description="How many days the logs of the functions are kept.",
            )
        ]
    )


def _partitions() -> Part:
    """What differs from partition to partition beside ARNs."""
    partition = Ref("AWS::Partition")
    return Part(
        conditions={
            names.IN_CHINA: Equals(partition, "aws-cn"),
            names.IN_GOVCLOUD: Equals(partition, "aws-us-gov"),
        }
    )


def _memory(prefix: str) -> dynamodb.Table:
    """What responders did, by event: each item vanishes by itself when it is of no more use."""
    return dynamodb.Table(
        names.MEMORY,
        TableName=names.memory_table(prefix),
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[dynamodb.AttributeDefinition(AttributeName="key", AttributeType="S")],
        KeySchema=[dynamodb.KeySchema(AttributeName="key", KeyType="HASH")],
        TimeToLiveSpecification=dynamodb.TimeToLiveSpecification(
            AttributeName="expires", Enabled=True
        ),
        SSESpecification=dynamodb.SSESpecification(SSEEnabled=True),
        PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(
            PointInTimeRecoveryEnabled=True
        ),
        DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
    )
