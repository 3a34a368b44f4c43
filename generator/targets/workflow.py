"""A Step Functions state machine: the built-in one that has damage repaired, or the user's own."""

from __future__ import annotations

from typing import Any

from troposphere import Equals, GetAtt, If, Parameter, Ref, Sub, events, logs, stepfunctions
from troposphere.cloudwatch import Alarm, MetricDimension

from generator import bodies, names, policies, receivers, remedy, roles, state_language
from generator.model import Detection, Shape, Target
from generator.options import BUILT_IN
from generator.parts import Part
from generator.policies import Grant


def part(target: Target, shape: Shape) -> Part:
    """The machine, its role, log and alarms, and the role with which rules start it."""
    prefix = shape.name_prefix
    title = names.logical(target.name)
    name = names.state_machine(prefix, target.name)
    group = logs.LogGroup(
        f"{title}Log",
        LogGroupName=names.machine_log_group(name),
        RetentionInDays=Ref(names.LOG_DAYS),
        DeletionPolicy="RetainExceptOnCreate",
        UpdateReplacePolicy="Retain",
    )
    condition: dict[str, Any] = {} if _is_built_in(target) else {"Condition": f"{title}HasOwnRole"}
    own_role = roles.role(
        f"{title}MachineRole",
        names.state_machine_role(prefix, target.name),
        f"Runs the state machine of the target {target.name}.",
        policies.trust_machine(name),
        *_grants(target, shape),
        **condition,
    )
    machine = stepfunctions.StateMachine(
        f"{title}Machine",
        StateMachineName=name,
        StateMachineType="STANDARD",
        RoleArn=_role_arn(target, own_role),
        **_definition(target),
        # The key is AWS's own: one of ours would have to let every rule and the machine's role in,
        # and hides nothing from whoever may read executions.
        EncryptionConfiguration=stepfunctions.EncryptionConfiguration(Type="AWS_OWNED_KEY"),
        LoggingConfiguration=stepfunctions.LoggingConfiguration(
            Level="ERROR",
            # Events may hold what no log should.
            IncludeExecutionData=False,
            Destinations=[
                stepfunctions.LogDestination(
                    CloudWatchLogsLogGroup=stepfunctions.CloudWatchLogsLogGroup(
                        LogGroupArn=GetAtt(group, "Arn")
                    )
                )
            ],
        ),
    )
    starter = roles.role(
        f"{title}DeliveryRole",
        names.delivery_role(prefix, target.name),
        f"Starts the state machine of the target {target.name}.",
        policies.trust_rules_of_this_account(),
        policies.start_execution(Ref(machine)),
    )
    alarms = [
        _alarm(target, machine, name, "ExecutionsFailed", "failed"),
        _alarm(target, machine, name, "ExecutionsTimedOut", "ran out of time"),
    ]
    parameters, conditions = _role_parameter(target)
    return Part([group, own_role, machine, starter, *alarms], parameters, (), conditions)


def entry(target: Target) -> dict[str, Any]:
    """The rule starts an execution."""
    title = names.logical(target.name)
    return {"Arn": Ref(f"{title}Machine"), "RoleArn": GetAtt(f"{title}DeliveryRole", "Arn")}


def message(target: Target, detection: Detection, shape: Shape) -> dict[str, Any]:
    """What the built-in machine reads; a user's own machine gets the body that was asked for."""
    if not _is_built_in(target):
        return bodies.transformed(target, detection)
    asked = _asked(target, detection, shape)
    by_queue = asked in shape.wiring.get(detection.id, ())
    made = receivers.execution_input(
        detection,
        names.function(shape.name_prefix, asked) if asked else "",
        remedy.FIRST_LOOK if by_queue else 0,
    )
    return {"InputTransformer": events.InputTransformer(**made)}


def _is_built_in(target: Target) -> bool:
    return bool(target.options["definition"] == BUILT_IN)


def _asked(target: Target, detection: Detection, shape: Shape) -> str:
    """The target that repairs what the detection tells of: the one that was named, or the first
    that the detection goes to, too. Empty when there is none."""
    if target.options["responder"]:
        return str(target.options["responder"])
    for name in shape.wiring.get(detection.id, ()):
        other = shape.target(name)
        if other.kind == "responder" and shape.responders[other.options["responder"]].modes:
            return name
    return ""


def _grants(target: Target, shape: Shape) -> list[Grant]:
    grants = [
        policies.deliver_logs(),
        policies.report_to(Ref(names.REPORT_TOPIC)),
        policies.use_key_for_topics(GetAtt(names.TOPIC_KEY, "Arn")),
    ]
    if not _is_built_in(target):
        return grants
    asked = {
        _asked(target, detection, shape)
        for detection in shape.detections
        if target.name in shape.wiring.get(detection.id, ())
    }
    arns = [GetAtt(names.logical(name), "Arn") for name in sorted(asked - {""})]
    return [*grants, policies.invoke_functions(arns)] if arns else grants


def _definition(target: Target) -> dict[str, Any]:
    """The definition with what the template fills in.

    CloudFormation's own substitutions leave the built-in machine a text that cfn-lint checks. It
    takes no ARN with a hole in it for the ARN of a task, so a user's definition is a Fn::Sub.
    """
    text = remedy.definition() if _is_built_in(target) else str(target.options["definition"])
    offered = {
        "AccountId": Ref("AWS::AccountId"),
        "InvokeFunction": Sub("arn:${AWS::Partition}:states:::lambda:invoke"),
        "Name": target.name,
        "Partition": Ref("AWS::Partition"),
        "Publish": Sub("arn:${AWS::Partition}:states:::sns:publish"),
        "Region": Ref("AWS::Region"),
        "ReportTopicArn": Ref(names.REPORT_TOPIC),
    }
    wanted = {name: offered[name] for name in state_language.mentioned(text)}
    if _is_built_in(target):
        return {"DefinitionString": text, "DefinitionSubstitutions": wanted}
    return {"DefinitionString": Sub(text, **wanted) if wanted else text}


def _role_arn(target: Target, own_role: Any) -> Any:
    own = GetAtt(own_role, "Arn")
    if _is_built_in(target):
        return own
    condition = f"{names.logical(target.name)}HasOwnRole"
    return If(condition, own, Ref(names.parameter(target.name, "role")))


def _role_parameter(target: Target) -> tuple[list[Parameter], dict[str, Any]]:
    """A user's machine may do what its author gives it: by a role, not by a guess."""
    if _is_built_in(target):
        return [], {}
    name = names.parameter(target.name, "role")
    parameter = Parameter(
        name,
        Type="String",
        Default="",
        AllowedPattern=r"^$|^arn:aws[a-z-]*:iam::\d{12}:role/.+$",
        ConstraintDescription="must be the ARN of a role, or empty",
        Description=f"Optional: the role with which the state machine of '{target.name}' runs. "
        "Empty: a role that may publish on the report topic and write its log, nothing else.",
    )
    condition = f"{names.logical(target.name)}HasOwnRole"
    return [parameter], {condition: Equals(Ref(name), "")}


def _alarm(target: Target, machine: Any, name: str, metric: str, what: str) -> Alarm:
    return Alarm(
        f"{names.logical(target.name)}{metric}Alarm",
        AlarmName=f"{name}-{metric}",
        AlarmDescription=f"Executions of the state machine {name} {what}: nobody was told by it "
        "what they were about. Open the failed executions in the Step Functions console, mend the "
        "cause, and redrive them there.",
        Namespace="AWS/States",
        MetricName=metric,
        Dimensions=[MetricDimension(Name="StateMachineArn", Value=Ref(machine))],
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[Ref(names.ALARM_TOPIC)],
        OKActions=[Ref(names.ALARM_TOPIC)],
    )
