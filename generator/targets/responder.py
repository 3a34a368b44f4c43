"""A responder: the queue that feeds it, its function, role and log, and what alarms about it."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from troposphere import AWSProperty, GetAtt, Parameter, Ref, awslambda, logs
from troposphere.validators import integer

from generator import names, policies, queues, roles
from generator.model import Json, Responder, Shape, Target
from generator.parts import Part
from generator.policies import Grant

RUNTIME = "python3.13"
TRIES = 5
"""A failed batch is tried again after each visibility timeout, then its letters are dead."""

RETENTION = 4 * 86_400

ARCHITECTURE = "FunctionArchitecture"


CONCURRENCY = 10
"""Batches that are handled at once; the others wait in the queue."""


class _Scaling(AWSProperty):  # type: ignore[misc]  # troposphere is untyped
    props: ClassVar = {"MaximumConcurrency": (integer, False)}


class _Feed(awslambda.EventSourceMapping):  # type: ignore[misc]  # troposphere is untyped
    """troposphere 4.11 gives the mapping another resource's ScalingConfig, without this key.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-eventsourcemapping-scalingconfig.html
    """

    props: ClassVar = {**awslambda.EventSourceMapping.props, "ScalingConfig": (_Scaling, False)}


def part(target: Target, shape: Shape) -> Part:
    """Queue, dead letters and their alarm; role, log group, function and what feeds it."""
    responder = shape.responders[target.options["responder"]]
    prefix = shape.name_prefix
    title = names.logical(target.name)
    queue_name = names.queue(prefix, target.name)
    letters_name = names.dead_letter_queue(queue_name)
    letters = queues.dead_letter_queue(f"{title}DeadLetters", letters_name, source=queue_name)
    queue = queues.queue(
        f"{title}Queue",
        queue_name,
        retention=RETENTION,
        # Six times the function's timeout, so that a retry never overtakes a running batch.
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        visibility=6 * responder.timeout,
        dead_letters=letters,
        tries=TRIES,
    )
    alarm = queues.dead_letters_alarm(
        f"{title}DeadLettersAlarm",
        letters_name,
        letters_name,
        f"{responder.title}: it failed {TRIES} times. Read the log group "
        f"{names.log_group(names.function(prefix, target.name))}, mend the cause, then move the "
        "messages back with a redrive of this queue.",
    )
    group = logs.LogGroup(
        f"{title}Log",
        LogGroupName=names.log_group(names.function(prefix, target.name)),
        RetentionInDays=Ref(names.LOG_DAYS),
        DeletionPolicy="RetainExceptOnCreate",
        UpdateReplacePolicy="Retain",
    )
    role = roles.role(
        f"{title}Role",
        names.function_role(prefix, target.name),
        f"Runs the responder {responder.id}.",
        policies.trust_service("lambda.amazonaws.com"),
        *_grants(target, responder, prefix),
    )
    function = _function(target, responder, prefix)
    mapping = _Feed(
        f"{title}Feed",
        EventSourceArn=GetAtt(queue, "Arn"),
        FunctionName=Ref(function),
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig=_Scaling(MaximumConcurrency=CONCURRENCY),
    )
    return Part(
        resources=[
            letters,
            queue,
            queues.queue_policy(
                f"{title}QueuePolicy",
                queue,
                policies.rules_may_send(GetAtt(queue, "Arn"), prefix),
            ),
            alarm,
            group,
            role,
            function,
            mapping,
        ],
        parameters=_parameters(target, responder),
    )


def entry(target: Target) -> dict[str, Any]:
    """The rule delivers to the queue that feeds the function."""
    return {"Arn": GetAtt(f"{names.logical(target.name)}Queue", "Arn")}


def acts_in_members(target: Target, shape: Shape) -> bool:
    """Whether members need a role for it."""
    return bool(shape.responders[target.options["responder"]].member_permissions)


def declared(statements: Any, prefix: str) -> list[Grant]:
    """The permissions that a responder.yaml declares, as grants."""
    return [policies.declared(statement, prefix) for statement in statements]


def _grants(target: Target, responder: Responder, prefix: str) -> list[Grant]:
    title = names.logical(target.name)
    grants = [
        policies.write_logs(names.log_group(names.function(prefix, target.name))),
        policies.read_queue(GetAtt(f"{title}Queue", "Arn")),
        policies.report_to(Ref(names.REPORT_TOPIC)),
        policies.use_key_for_topics(GetAtt(names.TOPIC_KEY, "Arn")),
    ]
    if responder.modes:
        grants.append(policies.read_switch(prefix))
    if responder.remembers:
        grants.append(policies.remember(GetAtt(names.MEMORY, "Arn")))
    if responder.member_permissions:
        grants.append(policies.assume_in_members(prefix, responder.id))
    return [*grants, *declared(responder.central_permissions, prefix)]


def _function(target: Target, responder: Responder, prefix: str) -> awslambda.Function:
    title = names.logical(target.name)
    return awslambda.Function(
        title,
        FunctionName=names.function(prefix, target.name),
        Description=responder.title,
        Runtime=RUNTIME,
        Architectures=[Ref(ARCHITECTURE)],
        Handler="index.handler",
        Code=awslambda.Code(ZipFile=responder.code),
        Timeout=responder.timeout,
        MemorySize=responder.memory,
        Role=GetAtt(f"{title}Role", "Arn"),
        LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref(f"{title}Log")),
        Environment=awslambda.Environment(Variables=_environment(target, responder, prefix)),
    )


def _environment(target: Target, responder: Responder, prefix: str) -> dict[str, Any]:
    """What the handler is told. No value is a secret: secrets are named here and read there."""
    place = {setting.name for setting in responder.settings if setting.place}
    settings = {k: v for k, v in target.options["settings"].items() if k not in place}
    variables: dict[str, Any] = {
        "TRAILBUS_TARGET": target.name,
        "TRAILBUS_PARTITION": Ref("AWS::Partition"),
        "TRAILBUS_REPORTS": Ref(names.REPORT_TOPIC),
        "TRAILBUS_SETTINGS": json.dumps(settings, sort_keys=True),
    }
    for name in sorted(place):
        variables[f"TRAILBUS_{name.upper()}"] = Ref(names.parameter(target.name, name))
    if responder.modes:
        variables["TRAILBUS_RESPONDER"] = responder.id
        variables["TRAILBUS_MODE"] = target.options["mode"]
        variables["TRAILBUS_EXCEPTIONS"] = Ref(names.parameter(target.name, "exceptions"))
        variables["TRAILBUS_SWITCH"] = Ref(names.REMEDIATION_SWITCH)
    if responder.remembers:
        variables["TRAILBUS_MEMORY"] = Ref(names.MEMORY)
    if responder.member_permissions:
        member = names.member_role(prefix, responder.id)
        variables["TRAILBUS_MEMBER_ROLE"] = policies.path_and_name(member)
    for policy in responder.member_policies:
        name = names.member_policy(prefix, policy["name"])
        variable = policy["name"].replace("-", "_").upper()
        variables[f"TRAILBUS_POLICY_{variable}"] = policies.path_and_name(name)
    return variables


def _parameters(target: Target, responder: Responder) -> list[Parameter]:
    parameters = [
        Parameter(
            ARCHITECTURE,
            Type="String",
            Default="arm64",
            AllowedValues=["arm64", "x86_64"],
            Description="The processor that functions run on.",
        )
    ]
    if responder.modes:
        parameters.append(
            Parameter(
                names.parameter(target.name, "exceptions"),
                Type="String",
                Default="{}",
                Description=f"Who and what '{target.name}' leaves alone, as JSON: "
                '{"accounts": [], "principals": [], "tags": []}',
            )
        )
    for setting in responder.settings:
        if setting.place:
            parameters.append(
                Parameter(
                    names.parameter(target.name, setting.name),
                    Type="String",
                    Default=_text(setting.default),
                    Description=setting.help,
                )
            )
    return parameters


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)
