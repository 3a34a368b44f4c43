"""Every IAM and resource policy, as small functions that return statements with their reasons.

A statement that holds a star says why it cannot be narrower; the reason is written into the
Metadata of the resource that carries the policy, and a test looks for it there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import awacs.aws
from awacs.aws import (
    Action,
    Allow,
    ArnEquals,
    ArnLike,
    AWSPrincipal,
    Bool,
    Condition,
    ConditionElement,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import If, NoValue, Ref, Sub

from generator import names

Arn = Any
"""An ARN: text, or an intrinsic function that gives one."""


class Grant(NamedTuple):
    """One statement, and why the star in it cannot be narrower (empty when it has none)."""

    statement: Statement
    reason: str = ""


class Switched(ConditionElement):  # type: ignore[misc]  # awacs types its classes as Any here
    """A condition that is there only when the template condition `switch` holds."""

    def __init__(self, switch: str, element: ConditionElement) -> None:
        self.switch = switch
        self.element = element

    @property
    def condition(self) -> str:
        return str(self.element.condition)

    def get_dict(self) -> Any:
        return If(self.switch, self.element.get_dict(), NoValue)


def document(*grants: Grant) -> PolicyDocument:
    """The grants as one policy document."""
    return PolicyDocument(Version="2012-10-17", Statement=[grant.statement for grant in grants])


def reasons(*grants: Grant) -> dict[str, str]:
    """What the Metadata of a resource says about the stars in its policies, by statement id."""
    return {grant.statement.properties["Sid"]: grant.reason for grant in grants if grant.reason}


def allow(
    sid: str,
    actions: Sequence[str],
    resources: Arn | Sequence[Arn] | None = None,
    *,
    principal: Principal | None = None,
    conditions: Sequence[ConditionElement] = (),
    reason: str = "",
) -> Grant:
    """An Allow statement."""
    parts: dict[str, Any] = {
        "Sid": sid,
        "Effect": Allow,
        "Action": [Action(*action.split(":", 1)) for action in actions],
    }
    if principal is not None:
        parts["Principal"] = principal
    if resources is not None:
        parts["Resource"] = list(resources) if isinstance(resources, (list, tuple)) else [resources]
    if conditions:
        parts["Condition"] = Condition(list(conditions))
    return Grant(Statement(**parts), reason)


# --- ARNs


def arn(service: str, resource: str, region: str = "", account: str = "") -> Sub:
    """An ARN in whichever partition the stack runs; empty parts stay empty."""
    return Sub(f"arn:${{AWS::Partition}}:{service}:{region}:{account}:{resource}")


def local_arn(service: str, resource: str) -> Sub:
    """An ARN in the stack's own account and Region."""
    return arn(service, resource, "${AWS::Region}", "${AWS::AccountId}")


def role_arn(account: str, name: str) -> Sub:
    """A role of ours, under the role path that the template was given."""
    return arn("iam", f"role${{{names.ROLE_PATH}}}{name}", account=account)


def path_and_name(name: str) -> Sub:
    """A role or policy of ours as it stands in its ARN: a handler needs only the account."""
    return Sub(f"${{{names.ROLE_PATH}}}{name}")


def declared(statement: Mapping[str, Any], prefix: str) -> Grant:
    """A statement as a responder.yaml declares it, of a role's policy or of a managed one."""
    grant = allow(
        statement["sid"],
        statement["actions"],
        [declared_text(resource, prefix) for resource in statement["resources"]],
        conditions=declared_conditions(statement["conditions"], prefix),
        reason=statement["why_star"],
    )
    parts = grant.statement.properties
    parts["Effect"] = statement.get("effect", Allow)
    if statement.get("not_actions"):
        del parts["Action"]
        parts["NotAction"] = [Action(*each.split(":", 1)) for each in statement["not_actions"]]
    return grant


def declared_text(text: str, prefix: str) -> str | Sub:
    """An ARN from a responder.yaml, where ${AWS::Partition} and the like may stand."""
    text = text.replace("${Prefix}", prefix)
    return Sub(text) if "${" in text else text


def declared_conditions(conditions: Mapping[str, Any], prefix: str) -> list[ConditionElement]:
    """A Condition block from a responder.yaml, in awacs' words; an unknown operator is refused."""

    def value(given: Any) -> Any:
        if isinstance(given, list):
            return [value(each) for each in given]
        return declared_text(given, prefix) if isinstance(given, str) else given

    return [
        getattr(awacs.aws, operator.replace(":", ""))(
            {key: value(given) for key, given in keys.items()}
        )
        for operator, keys in sorted(conditions.items())
    ]


def central_rules_arn(prefix: str) -> Sub:
    """Every rule of ours on the central bus.

    One pattern instead of a list: a queue policy holds 8,192 bytes, about 88 ARNs.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
    """
    return local_arn("events", f"rule/{names.bus(prefix)}/{prefix}-*")


_OUR_RULES = "The rules of ours on this one bus; a list of them would outgrow the policy."


# --- Trust


def trust_service(host: str, *conditions: ConditionElement) -> Grant:
    """A role that a service may assume."""
    principal = Principal("Service", host)
    return allow("Assume", ["sts:AssumeRole"], principal=principal, conditions=conditions)


def trust_rules_of_this_account() -> Grant:
    """The forwarder's trust: EventBridge, and only for rules of the role's own account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    own_account = StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))
    return trust_service("events.amazonaws.com", own_account)


def trust_roles(account_root: Arn, roles: Arn, sid: str = "Assume") -> Grant:
    """Lets roles of another account in, by name.

    The principal is the account and the roles stand in the condition: a role ARN as principal is
    stored as that role's unique id, and a role made anew would be locked out without a word.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    return allow(
        sid,
        ["sts:AssumeRole"],
        principal=AWSPrincipal(account_root),
        conditions=[ArnEquals("aws:PrincipalArn", roles)],
    )


# --- The central bus


def put_events_on(bus_arn: Arn) -> Grant:
    """What the forwarder role may do: put events on the one central bus."""
    return allow("PutEventsOnTheCentralBus", ["events:PutEvents"], bus_arn)


def accept_events_of_organization(bus_arn: Arn, prefix: str, by_role: str, by_rules: str) -> Grant:
    """Who may put events on the central bus: this organization, narrowed by two conditions.

    `by_role` and `by_rules` name the template conditions that switch them on. No explicit Deny:
    an Allow that fails is enough, and a Deny could lock the organization out.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
    """
    forwarders = ArnLike("aws:PrincipalArn", role_arn("*", names.forwarder_role(prefix)))
    return allow(
        "ThisOrganization",
        ["events:PutEvents"],
        bus_arn,
        principal=Principal("*"),
        conditions=[
            StringEquals("aws:PrincipalOrgID", Ref(names.ORGANIZATION_ID)),
            Switched(by_role, forwarders),
            Switched(by_rules, Bool("events:eventBusInvocation", "true")),
        ],
        reason="Principal: an organization's members cannot be listed in a template; "
        "aws:PrincipalOrgID lets them in and nobody else. Account: any member's forwarder role.",
    )


# --- What lets services deliver


def rules_may_send(queue_arn: Arn, prefix: str) -> Grant:
    """Lets the central rules send to a queue."""
    return allow(
        "CentralRules",
        ["sqs:SendMessage"],
        queue_arn,
        principal=Principal("Service", "events.amazonaws.com"),
        conditions=[ArnLike("aws:SourceArn", central_rules_arn(prefix))],
        reason=_OUR_RULES,
    )


def member_rules_may_send(queue_arn: Arn, prefix: str) -> Grant:
    """Lets the forwarding rules of this account leave what they could not forward.

    Rules of the default bus have no bus in their ARN.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    return allow(
        "ForwardingRules",
        ["sqs:SendMessage"],
        queue_arn,
        principal=Principal("Service", "events.amazonaws.com"),
        conditions=[ArnLike("aws:SourceArn", local_arn("events", f"rule/{prefix}-*"))],
        reason="The forwarding rules of ours in this account and Region.",
    )


def topic_may_send(queue_arn: Arn, topic_arn: Arn) -> Grant:
    """Lets one topic send to a queue, or leave there what it could not deliver."""
    return allow(
        "Topic",
        ["sqs:SendMessage"],
        queue_arn,
        principal=Principal("Service", "sns.amazonaws.com"),
        conditions=[ArnEquals("aws:SourceArn", topic_arn)],
    )


def rules_may_publish(topic_arn: Arn, prefix: str, checked: str) -> Grant:
    """Lets the central rules publish to a topic.

    One edition of the user guide says that a topic policy for EventBridge takes no conditions;
    the template condition `checked` leaves it out where that should hold true.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    return allow(
        "CentralRules",
        ["sns:Publish"],
        topic_arn,
        principal=Principal("Service", "events.amazonaws.com"),
        conditions=[Switched(checked, ArnLike("aws:SourceArn", central_rules_arn(prefix)))],
        reason=_OUR_RULES,
    )


def alarms_may_publish(topic_arn: Arn, prefix: str) -> Grant:
    """Lets this account's alarms publish to the alarm topic."""
    return allow(
        "Alarms",
        ["sns:Publish"],
        topic_arn,
        principal=Principal("Service", "cloudwatch.amazonaws.com"),
        conditions=[
            ArnLike("aws:SourceArn", local_arn("cloudwatch", f"alarm:{prefix}-*")),
            StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
        ],
        reason="Every alarm of ours.",
    )


# --- The key of the topics


def key_owner() -> Grant:
    """Leaves the administration of a key to the IAM policies of its account.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return allow(
        "Administration",
        ["kms:*"],
        "*",
        principal=AWSPrincipal(arn("iam", "root", account="${AWS::AccountId}")),
        reason="The account's own IAM policies decide who administers the key; without this "
        "statement nobody could. In a key policy the resource * is this key.",
    )


def key_for_publishers() -> Grant:
    """Lets EventBridge and CloudWatch publish to the encrypted topics.

    No aws:SourceArn, aws:SourceAccount or aws:SourceOrgID here: with any of them EventBridge
    cannot publish to an encrypted topic.
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    return allow(
        "Publishers",
        ["kms:GenerateDataKey*", "kms:Decrypt"],
        "*",
        principal=Principal("Service", ["cloudwatch.amazonaws.com", "events.amazonaws.com"]),
        reason="In a key policy the resource * is this key; GenerateDataKey* is the form that "
        "SNS documents for service publishers.",
    )


# --- What a responder's function may do


def write_logs(group: str) -> Grant:
    """Writes to the function's own log group, which the template makes."""
    return allow(
        "WriteItsLogs",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        local_arn("logs", f"log-group:{group}:*"),
        reason="The streams of this one log group; Lambda names them.",
    )


def read_queue(queue_arn: Arn) -> Grant:
    """What Lambda needs on the queue that feeds a function.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    return allow("ReadItsQueue", actions, queue_arn)


def assume_in_members(prefix: str, responder: str) -> Grant:
    """Lets a function act in members, through the one role that is made for it there."""
    return allow(
        "ActInMembers",
        ["sts:AssumeRole"],
        role_arn("*", names.member_role(prefix, responder)),
        conditions=[StringEquals("aws:ResourceOrgID", Ref(names.ORGANIZATION_ID))],
        reason="This one role in any account of this organization.",
    )


def read_switch(prefix: str) -> Grant:
    """Reads the one parameter that stops all remediation."""
    name = names.remediation_switch(prefix)
    return allow("ReadTheSwitch", ["ssm:GetParameter"], local_arn("ssm", f"parameter{name}"))


def remember(table_arn: Arn) -> Grant:
    """Keeps what was done, so that no event is acted upon twice."""
    actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    return allow("Remember", actions, table_arn)


def report_to(topic_arn: Arn) -> Grant:
    """Says on the report topic what was done."""
    return allow("Report", ["sns:Publish"], topic_arn)


def use_key_for_topics(key_arn: Arn) -> Grant:
    """What a publisher to an encrypted topic needs on its key."""
    return allow("UseTheTopicsKey", ["kms:GenerateDataKey", "kms:Decrypt"], key_arn)


def consume(queue_arn: Arn) -> Grant:
    """What a consumer's reader role may do on its queue: the union of what known readers call."""
    actions = [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
    ]
    return allow("Consume", actions, queue_arn)
