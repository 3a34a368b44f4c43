"""A responder: the queue that feeds it, its function, role and log, and what alarms about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from troposphere import (
    AWSProperty,
    Equals,
    GetAtt,
    If,
    Not,
    NoValue,
    Parameter,
    Ref,
    Sub,
    awslambda,
    events,
    logs,
    sns,
)
from troposphere.validators import integer

from generator import alarms, names, policies, queues, roles
from generator.model import NOTHING, Detection, Json, Responder, Setting, Shape, Target
from generator.parts import Part
from generator.policies import Grant

RUNTIME = "python3.13"
RETENTION = 4 * 86_400

ARCHITECTURE = "FunctionArchitecture"
TRACING = "FunctionTracing"
RESERVED = "FunctionConcurrency"
_TRACED = "Traced"
_RESERVED = "Reserved"


class _Scaling(AWSProperty):  # type: ignore[misc]  # troposphere is untyped
    props: ClassVar = {"MaximumConcurrency": (integer, False)}


class _Feed(awslambda.EventSourceMapping):  # type: ignore[misc]  # troposphere is untyped
    """troposphere 4.11 gives the mapping another resource's ScalingConfig, without this key.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-eventsourcemapping-scalingconfig.html
    """

    props: ClassVar = {**awslambda.EventSourceMapping.props, "ScalingConfig": (_Scaling, False)}


class Way(NamedTuple):
    """One way to a function: a queue, what is behind it, and what feeds the function from it."""

    queue: Any
    letters: Any
    alarm: Any
    mapping: Any


def part(target: Target, shape: Shape) -> Part:
    """Queues, dead letters and their alarms; role, log group, function and what feeds it."""
    responder = shape.responders[target.options["responder"]]
    prefix = shape.name_prefix
    title = names.logical(target.name)
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
        switched={_TRACED: policies.send_traces()},
    )
    function = _function(target, responder, prefix)
    way = _way(target, responder, prefix, function)
    if responder.schedule:
        feed = _schedule(target, responder, prefix, way.queue, way.letters)
    else:
        grant = policies.rules_may_send(GetAtt(way.queue, "Arn"), prefix)
        feed = [queues.queue_policy(f"{title}QueuePolicy", way.queue, grant)]
    if responder.hears_reports:
        critical = _way(target, responder, prefix, function, _CRITICAL)
        feed += [*critical[:3], *_hearing(title, prefix, critical), critical.mapping]
    return Part(
        resources=[
            way.letters,
            way.queue,
            *feed,
            way.alarm,
            group,
            role,
            function,
            way.mapping,
        ],
        parameters=_parameters(target, responder),
        conditions={
            _TRACED: Equals(Ref(TRACING), "on"),
            _RESERVED: Not(Equals(Ref(RESERVED), "-1")),
        },
    )


_CRITICAL = "Critical"
"""What the logical ids of the second way to a function have between them."""


def _way(target: Target, responder: Responder, prefix: str, function: Any, which: str = "") -> Way:
    title = f"{names.logical(target.name)}{which}"
    name = names.critical_queue if which else names.queue
    queue_name = name(prefix, target.name)
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
        tries=responder.tries,
    )
    refused = ", or its receiver refused them for good: their attribute ERROR_MESSAGE says why"
    alarm = alarms.dead_letters(
        f"{title}DeadLettersAlarm",
        letters_name,
        letters_name,
        f"{responder.title}: it failed {responder.tries} times"
        f"{refused if responder.gives_back else ''}. Read the log group "
        f"{names.log_group(names.function(prefix, target.name))}, mend the cause, then move the "
        "messages back with a redrive of this queue.",
    )
    mapping = _Feed(
        f"{title}Feed",
        EventSourceArn=GetAtt(queue, "Arn"),
        FunctionName=Ref(function),
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig=_Scaling(MaximumConcurrency=responder.concurrency),
    )
    return Way(queue, letters, alarm, mapping)


def _hearing(title: str, prefix: str, way: Way) -> list[Any]:
    """What lets rules, responders' reports and this stack's alarms into the critical queue.

    Both topics send what they get as it is. The queue's own key needs nothing from them.
    """
    heard = (("Reports", names.REPORT_TOPIC), ("Alarms", names.ALARM_TOPIC))
    topics = [Ref(topic) for _, topic in heard]
    arn, letters = GetAtt(way.queue, "Arn"), GetAtt(way.letters, "Arn")
    lets_in = [
        queues.queue_policy(
            f"{title}CriticalQueuePolicy",
            way.queue,
            policies.rules_may_send(arn, prefix),
            policies.topic_may_send(arn, *topics),
        ),
        queues.queue_policy(
            f"{title}CriticalDeadLettersPolicy",
            way.letters,
            policies.topic_may_send(letters, *topics),
        ),
    ]
    return [
        *lets_in,
        *(
            sns.SubscriptionResource(
                f"{title}{what}",
                TopicArn=Ref(topic),
                Protocol="sqs",
                Endpoint=arn,
                RawMessageDelivery=True,
                RedrivePolicy={"deadLetterTargetArn": letters},
                DependsOn=[policy.title for policy in lets_in],
            )
            for what, topic in heard
        ),
    ]


def _schedule(
    target: Target, responder: Responder, prefix: str, queue: Any, letters: Any
) -> list[Any]:
    """What wakes a responder that takes no events: a rule on the default bus, where schedules are.

    Its state is the plain one: a schedule receives no events, so AWS refuses the other. It sends
    the schedule's event as a notice, which is what responders understand.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
    """
    title, name = names.logical(target.name), names.schedule_rule(prefix, target.name)
    policies_ = [
        queues.queue_policy(
            f"{title}{what}Policy", each, policies.schedule_may_send(GetAtt(each, "Arn"), name)
        )
        for what, each in (("Queue", queue), ("DeadLetters", letters))
    ]
    card = {"id": "schedule", "title": responder.title, "severity": "info"}
    rule = events.Rule(
        f"{title}Schedule",
        Name=name,
        Description=f"Wakes {target.name}.",
        State="ENABLED",
        ScheduleExpression=target.options["settings"]["schedule"],
        Targets=[
            events.Target(
                Id=target.name,
                Arn=GetAtt(queue, "Arn"),
                DeadLetterConfig=events.DeadLetterConfig(Arn=GetAtt(letters, "Arn")),
                InputTransformer=events.InputTransformer(
                    InputTemplate=f'{{"detection":{json.dumps(card)},'
                    '"event":<aws.events.event.json>}'
                ),
            )
        ],
        DependsOn=[policy.title for policy in policies_],
    )
    return [*policies_, rule]


def entry(target: Target) -> dict[str, Any]:
    """The rule delivers to the queue that feeds the function."""
    return {"Arn": GetAtt(f"{names.logical(target.name)}Queue", "Arn")}


def entry_for(target: Target, detection: Detection, shape: Shape) -> dict[str, Any]:
    """Where people read it, what is critical comes by the queue of its own: no flood delays it."""
    if detection.severity == "critical" and shape.tells_people(target):
        return {"Arn": GetAtt(f"{names.logical(target.name)}{_CRITICAL}Queue", "Arn")}
    return entry(target)


def acts_in_members(target: Target, shape: Shape) -> bool:
    """Whether members need a role for it."""
    return bool(shape.responders[target.options["responder"]].member_permissions)


def declared(statements: Any, prefix: str, target: Target | None = None) -> list[Grant]:
    """The permissions that a responder.yaml declares, as grants.

    Those of a target's own function may hang on its settings, and name them in ARNs.
    """
    settings: Mapping[str, Json] = target.options["settings"] if target else NOTHING
    carried: dict[str, str] = {}
    if target:
        carried = {f"${{{one}}}": f"${{{names.parameter(target.name, one)}}}" for one in settings}
    return [
        policies.declared(
            {**statement, "resources": [_replaced(one, carried) for one in statement["resources"]]},
            prefix,
        )
        for statement in statements
        if not statement.get("when") or settings.get(statement["when"])
    ]


def _replaced(text: str, replacements: Mapping[str, str]) -> str:
    for old, new in replacements.items():
        text = text.replace(old, new)
    return text


def _all(target: Target, responder: Responder, what: str) -> list[Any]:
    """The ARNs of its queues, or of their dead letters."""
    ways = ("", _CRITICAL) if responder.hears_reports else ("",)
    return [GetAtt(f"{names.logical(target.name)}{which}{what}", "Arn") for which in ways]


def _grants(target: Target, responder: Responder, prefix: str) -> list[Grant]:
    grants = [
        policies.write_logs(names.log_group(names.function(prefix, target.name))),
        policies.read_queue(*_all(target, responder, "Queue")),
        policies.report_to(Ref(names.REPORT_TOPIC)),
        policies.use_key_for_topics(GetAtt(names.TOPIC_KEY, "Arn")),
    ]
    if responder.modes or responder.reads_switch:
        grants.append(policies.read_switch(prefix))
    if responder.remembers:
        grants.append(policies.remember(GetAtt(names.MEMORY, "Arn"), target.name))
    if responder.member_permissions:
        grants.append(policies.assume_in_members(prefix, responder.id))
    queue = GetAtt(f"{names.logical(target.name)}Queue", "Arn")
    if responder.modes:
        grants.append(policies.send_again(queue))
    if responder.modes and not responder.gives_back:
        grants.append(policies.give_back(queue))
    if responder.gives_back:
        grants.append(policies.give_back(*_all(target, responder, "Queue")))
        grants.append(policies.put_aside(*_all(target, responder, "DeadLetters")))
    if responder.reads:
        bucket = GetAtt(names.stream_bucket(_read(target, responder)), "Arn")
        below = [Sub(f"${{Bucket}}/{each}*", Bucket=bucket) for each in _FOLDERS]
        grants += policies.report_on_archive(bucket, *below)
    return [*grants, *declared(responder.central_permissions, prefix, target)]


_FOLDERS = (names.EVENT_OBJECTS, names.REPORT_OBJECTS)


def _read(target: Target, responder: Responder) -> str:
    """The stream whose archive it reads."""
    return str(target.options["settings"][responder.reads])


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
        TracingConfig=If(_TRACED, awslambda.TracingConfig(Mode="Active"), NoValue),
        ReservedConcurrentExecutions=If(_RESERVED, Ref(RESERVED), NoValue),
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
    if responder.modes or responder.reads_switch:
        variables["TRAILBUS_SWITCH"] = Ref(names.REMEDIATION_SWITCH)
    if responder.reads:
        variables["TRAILBUS_ARCHIVE"] = Ref(names.stream_bucket(_read(target, responder)))
    if responder.remembers:
        variables["TRAILBUS_MEMORY"] = Ref(names.MEMORY)
    if responder.gives_back:
        title = names.logical(target.name)
        variables["TRAILBUS_QUEUE"] = Ref(f"{title}Queue")
        variables["TRAILBUS_LETTERS"] = Ref(f"{title}DeadLetters")
        if responder.hears_reports:
            variables["TRAILBUS_CRITICAL_QUEUE"] = Ref(f"{title}{_CRITICAL}Queue")
            variables["TRAILBUS_CRITICAL_LETTERS"] = Ref(f"{title}{_CRITICAL}DeadLetters")
    elif responder.modes:
        variables["TRAILBUS_QUEUE"] = Ref(f"{names.logical(target.name)}Queue")
    if not responder.modes:
        role = names.function_role(prefix, target.name)
        variables["TRAILBUS_OWN_ROLE"] = policies.role_arn("${AWS::AccountId}", role)
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
        ),
        Parameter(
            TRACING,
            Type="String",
            Default="off",
            AllowedValues=["off", "on"],
            Description="Whether functions send traces to X-Ray.",
        ),
        Parameter(
            RESERVED,
            Type="Number",
            Default=-1,
            MinValue=-1,
            Description="How much concurrency is reserved for each function, at least as much as "
            "its queue uses, so that nothing else in the account can use it up; -1 reserves none. "
            "100 must stay unreserved in the account: new accounts cannot reserve any.",
        ),
    ]
    if responder.modes:
        parameters.append(
            Parameter(
                names.parameter(target.name, "exceptions"),
                Type="String",
                Default="{}",
                AllowedPattern=_EXCEPTIONS,
                ConstraintDescription="must be a JSON object of accounts (12 digits in quotes), "
                "principals (ARNs of roles or users of one account) and tags (key or key=value)",
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
                    Description=_sentence(setting.help),
                    **_form(setting),
                )
            )
    return parameters


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _list_of(item: str) -> str:
    """A pattern of a JSON list whose items are as another pattern says."""
    return rf"\[\s*({item}(\s*,\s*{item})*)?\s*\]"


def _object_of(*members: str) -> str:
    """A pattern of a JSON object of such members, or of nothing at all."""
    member = f"({'|'.join(members)})"
    return rf"^\s*(\{{\s*({member}(\s*,\s*{member})*)?\s*\}})?\s*$"


_QUOTED = r'"([^"\\]|\\.)*"'
_EXCEPTIONS = _object_of(
    r'"accounts"\s*:\s*' + _list_of('"[0-9]{12}"'),
    r'"principals"\s*:\s*' + _list_of(r'"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^"\s:]+"'),
    r'"tags"\s*:\s*' + _list_of(_QUOTED),
)
"""CloudFormation looks at what a person types before anything is made of it; the handler, too."""


def _form(setting: Setting) -> dict[str, Json]:
    """What the console lets a person type."""
    if setting.type == "list":
        item = f'"{setting.pattern}"' if setting.pattern else _QUOTED
        return {
            "AllowedPattern": rf"^\s*({_list_of(item)})?\s*$",
            "ConstraintDescription": f"must be a JSON list in quotes: {setting.help}",
        }
    if setting.type == "map":
        return {
            "AllowedPattern": _object_of(rf"{_QUOTED}\s*:\s*{_QUOTED}"),
            "ConstraintDescription": f"must be a JSON object of texts in quotes: {setting.help}",
        }
    more: dict[str, Json] = {"AllowedValues": list(setting.choices)} if setting.choices else {}
    if setting.pattern and setting.type == "string":
        empty = "" if setting.default else "^$|"
        more["AllowedPattern"] = f"{empty}^{setting.pattern}$"
        more["ConstraintDescription"] = f"must be {setting.help}"
    return more


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)
