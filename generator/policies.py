"""Every IAM and resource policy, as small functions that return statements with their reasons.

A statement that holds a star says why it cannot be narrower; the reason is written into the
Metadata of the resource that carries the policy, and a test looks for it there.
"""

import json
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
    Deny,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
    StringLike,
)
from troposphere import If, NoValue, Ref, Sub, encode_to_dict

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


def document_text(*grants: Grant) -> Sub:
    """The grants as the text of a policy document, which some properties want.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-resourcepolicy.html
    """

    def flat(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"Fn::Sub"}:
                return value["Fn::Sub"]
            return {key: flat(item) for key, item in value.items()}
        return [flat(item) for item in value] if isinstance(value, list) else value

    whole = flat(encode_to_dict(document(*grants)))
    return Sub(json.dumps(whole, separators=(",", ":")))


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


def deny(
    sid: str,
    actions: Sequence[str],
    resources: Arn | Sequence[Arn],
    *,
    principal: Principal | None = None,
    conditions: Sequence[ConditionElement] = (),
    reason: str = "",
) -> Grant:
    """A Deny statement."""
    refusal = allow(
        sid, actions, resources, principal=principal, conditions=conditions, reason=reason
    )
    refusal.statement.Effect = Deny
    return refusal


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
    if "${" in text.replace("${!", ""):
        return Sub(text)
    return text.replace("${!", "${")  # a policy variable: nothing is left to fill in


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


def trust_service(host: str, *conditions: ConditionElement, reason: str = "") -> Grant:
    """A role that a service may assume."""
    principal = Principal("Service", host)
    return allow(
        "Assume", ["sts:AssumeRole"], principal=principal, conditions=conditions, reason=reason
    )


def trust_rules_of_this_account() -> Grant:
    """The forwarder's trust: EventBridge, and only for rules of the role's own account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    own_account = StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))
    return trust_service("events.amazonaws.com", own_account)


def trust_machine(name: str) -> Grant:
    """A state machine's role: Step Functions, and only for the machine of that name.

    https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
    """
    return trust_service(
        "states.amazonaws.com",
        StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
        ArnEquals("aws:SourceArn", local_arn("states", f"stateMachine:{name}")),
    )


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
    roles = [role_arn("*", name) for name in names.forwarder_roles(prefix)]
    forwarders = ArnLike("aws:PrincipalArn", roles)
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
        "aws:PrincipalOrgID lets them in and nobody else. Account: any member's forwarder roles.",
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


def topic_may_send(queue_arn: Arn, *topic_arns: Arn) -> Grant:
    """Lets topics send to a queue, or leave there what they could not deliver."""
    return allow(
        "Topic",
        ["sqs:SendMessage"],
        queue_arn,
        principal=Principal("Service", "sns.amazonaws.com"),
        conditions=[ArnEquals("aws:SourceArn", _one_or_all(topic_arns))],
    )


def _one_or_all(values: Sequence[Arn]) -> Arn | list[Arn]:
    return values[0] if len(values) == 1 else list(values)


def schedule_may_send(queue_arn: Arn, rule: str) -> Grant:
    """Lets one scheduled rule send to a queue. Schedules are on the default bus, which has no part
    in the ARN of its rules."""
    return allow(
        "Schedule",
        ["sqs:SendMessage"],
        queue_arn,
        principal=Principal("Service", "events.amazonaws.com"),
        conditions=[ArnEquals("aws:SourceArn", local_arn("events", f"rule/{rule}"))],
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


def send_traces() -> Grant:
    """Lets a function send its traces.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
    """
    return allow(
        "Trace",
        ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
        "*",
        reason="Traces know no resources.",
    )


# --- The bucket of a trail, and who reads it


def trail_may_deliver(bucket: str, trail: Arn) -> list[Grant]:
    """The policy that CloudTrail demands of an organization trail's bucket, to the letter.

    Under the management account's folder stands what that account did before the trail became the
    organization's, under the organization's all accounts. The trail is the management account's,
    whoever administers it.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    cloudtrail = Principal("Service", "cloudtrail.amazonaws.com")
    owned = {"s3:x-amz-acl": "bucket-owner-full-control"}
    folders = {
        "TrailWritesForItsAccount": f"${{{names.MANAGEMENT_ACCOUNT}}}",
        "TrailWritesForTheOrganization": f"${{{names.ORGANIZATION_ID}}}",
    }
    return [
        allow(
            "TrailChecksTheBucket",
            ["s3:GetBucketAcl"],
            bucket_arn(bucket),
            principal=cloudtrail,
            conditions=[StringEquals("aws:SourceArn", trail)],
        ),
        *(
            allow(
                sid,
                ["s3:PutObject"],
                bucket_arn(bucket, f"AWSLogs/{folder}/*"),
                principal=cloudtrail,
                conditions=[StringEquals({**owned, "aws:SourceArn": trail})],
                reason="The objects of this folder; CloudTrail names them.",
            )
            for sid, folder in folders.items()
        ),
    ]


def bucket_arn(bucket: str, objects: str = "") -> Sub:
    """A bucket by the name that it will have, so that nothing waits for it to be made."""
    return arn("s3", bucket + (f"/{objects}" if objects else ""))


def bucket_may_notify(queue_arn: Arn, bucket: str) -> Grant:
    """Lets one bucket send notifications to a queue.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    return allow(
        "Bucket",
        ["sqs:SendMessage"],
        queue_arn,
        principal=Principal("Service", "s3.amazonaws.com"),
        conditions=[
            ArnLike("aws:SourceArn", bucket_arn(bucket)),
            StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
        ],
    )


def key_for_trail(trail: Arn) -> list[Grant]:
    """Lets CloudTrail encrypt what one trail delivers, and look at the key.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    cloudtrail = Principal("Service", "cloudtrail.amazonaws.com")
    trails = arn("cloudtrail", "trail/*", "*", f"${{{names.MANAGEMENT_ACCOUNT}}}")
    return [
        allow(
            "TrailEncrypts",
            ["kms:GenerateDataKey*"],
            "*",
            principal=cloudtrail,
            conditions=[
                StringEquals("aws:SourceArn", trail),
                StringLike("kms:EncryptionContext:aws:cloudtrail:arn", trails),
            ],
            reason="In a key policy the resource * is this key; GenerateDataKey* and the stars in "
            "the context are the form that CloudTrail documents, aws:SourceArn is the one trail.",
        ),
        allow(
            "TrailDescribesTheKey",
            ["kms:DescribeKey"],
            "*",
            principal=cloudtrail,
            conditions=[StringEquals("aws:SourceArn", trail)],
            reason="In a key policy the resource * is this key.",
        ),
    ]


def trust_reader(account: str, role: str, external_id: str, by_role: str, by_id: str) -> Grant:
    """Lets a reader in: of one account, by the role it has, by an external id, or by both.

    The first three name parameters, the last two the conditions that switch the checks on.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
    """
    return allow(
        "Assume",
        ["sts:AssumeRole"],
        principal=AWSPrincipal(arn("iam", "root", account=f"${{{account}}}")),
        conditions=[
            Switched(by_role, ArnEquals("aws:PrincipalArn", Ref(role))),
            Switched(by_id, StringEquals("sts:ExternalId", Ref(external_id))),
        ],
    )


def trust_web_identity(provider: Arn, host: str, audience: str, subject: Arn) -> Grant:
    """Lets in who carries a token of an OIDC provider for this audience, as one subject.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
    """
    return allow(
        "Assume",
        ["sts:AssumeRoleWithWebIdentity"],
        principal=Principal("Federated", provider),
        conditions=[StringEquals({f"{host}:aud": audience, f"{host}:sub": subject})],
    )


def read_trail(bucket: str, key_arn: Arn) -> list[Grant]:
    """What a SIEM may do beside reading its queue: fetch what the notifications name.

    S3 tells the key which object it decrypts, as encryption context.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    objects = bucket_arn(bucket, "AWSLogs/*")
    return [
        allow(
            "FetchLogs",
            ["s3:GetObject"],
            objects,
            reason="Whatever the trail delivered; CloudTrail names the objects.",
        ),
        allow(
            "DecryptLogs",
            ["kms:Decrypt"],
            key_arn,
            conditions=[StringLike("kms:EncryptionContext:aws:s3:arn", objects)],
            reason="The same objects and no other use of the key.",
        ),
    ]


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


def key_for_publishers(*services: str) -> Grant:
    """Lets services publish to the topics that a key encrypts.

    No aws:SourceArn, aws:SourceAccount or aws:SourceOrgID here: with any of them EventBridge
    cannot publish to an encrypted topic, and the topics' policies carry them.
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    return allow(
        "Publishers",
        ["kms:GenerateDataKey*", "kms:Decrypt"],
        "*",
        principal=Principal("Service", services[0] if len(services) == 1 else list(services)),
        reason="In a key policy the resource * is this key; GenerateDataKey* is the form that "
        "SNS documents for service publishers.",
    )


# --- Streams and logs of events


def send_records(stream_arn: Arn, service: str) -> Grant:
    """What EventBridge does to a stream of Firehose or Kinesis.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html
    """
    actions = [f"{service}:PutRecord", f"{service}:PutRecordBatch"]
    if service == "kinesis":
        actions[1] = "kinesis:PutRecords"
    return allow("SendRecords", actions, stream_arn)


def trust_firehose() -> Grant:
    """A role that Firehose may assume, for the streams of this account.

    https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
    """
    own_account = StringEquals("sts:ExternalId", Ref("AWS::AccountId"))
    return trust_service("firehose.amazonaws.com", own_account)


def write_objects(bucket_arn: Arn, *prefixes: str) -> list[Grant]:
    """What Firehose needs on the bucket that it writes to; it reads no object.

    https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
    """
    look = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
    objects = [Sub(f"${{Bucket}}/{prefix}*", Bucket=bucket_arn) for prefix in prefixes]
    return [
        allow("LookAtTheBucket", look, bucket_arn),
        allow(
            "WriteObjects",
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            objects,
            reason="Objects below these prefixes of this one bucket; Firehose names them.",
        ),
    ]


def tell_failures(group: str, stream: str) -> Grant:
    """Lets Firehose say in its log what it could not deliver."""
    arn = local_arn("logs", f"log-group:{group}:log-stream:{stream}")
    return allow("TellFailures", ["logs:PutLogEvents"], arn)


def only_encrypted_transport(bucket_arn: Arn) -> Grant:
    """Keeps everybody from a bucket who does not come through TLS.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    objects = Sub("${Bucket}/*", Bucket=bucket_arn)
    return deny(
        "OnlyThroughTls",
        ["s3:*"],
        [bucket_arn, objects],
        principal=Principal("*"),
        conditions=[Bool("aws:SecureTransport", "false")],
        reason="It refuses: whoever it is, whatever it is, and every object of this one bucket.",
    )


def rules_may_log(groups: str, prefix: str) -> list[Grant]:
    """Lets the central rules write to log groups: one policy for all, for a Region has ten.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
    """
    services = Principal("Service", ["delivery.logs.amazonaws.com", "events.amazonaws.com"])
    streams = local_arn("logs", f"log-group:{groups}-*:*")
    return [
        allow(
            "CreateLogStreams",
            ["logs:CreateLogStream"],
            streams,
            principal=services,
            reason="The log groups of ours that rules write to; EventBridge names their streams.",
        ),
        allow(
            "PutLogEvents",
            ["logs:PutLogEvents"],
            streams,
            principal=services,
            conditions=[ArnLike("aws:SourceArn", central_rules_arn(prefix))],
            reason="The log groups of ours that rules write to. " + _OUR_RULES,
        ),
    ]


def key_for_log_groups(groups: str) -> Grant:
    """Lets CloudWatch Logs encrypt the log groups of events.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    actions = ["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey"]
    service = Sub("logs.${AWS::Region}.${AWS::URLSuffix}")
    group = local_arn("logs", f"log-group:{groups}-*")
    return allow(
        "LogGroups",
        [*(f"kms:{action}" for action in actions), "kms:DescribeKey"],
        "*",
        principal=Principal("Service", service),
        conditions=[ArnLike("kms:EncryptionContext:aws:logs:arn", group)],
        reason="In a key policy the resource * is this key; and the log groups of ours that rules "
        "write to, for nothing else.",
    )


# --- What a role lets EventBridge and Step Functions do


def invoke_api_destination(destination_arn: Arn) -> Grant:
    """Lets EventBridge send requests through one API destination."""
    return allow("SendRequests", ["events:InvokeApiDestination"], destination_arn)


def start_execution(machine_arn: Arn) -> Grant:
    """Lets EventBridge start one state machine."""
    return allow("Start", ["states:StartExecution"], machine_arn)


def deliver_logs() -> Grant:
    """What a state machine needs so that its log reaches a log group.

    https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    """
    return allow(
        "DeliverItsLog",
        [
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ],
        "*",
        reason="Log deliveries and resource policies of CloudWatch Logs have no ARNs to name.",
    )


def invoke_functions(function_arns: Sequence[Arn]) -> Grant:
    """Lets a state machine ask responders and wait for their answers."""
    return allow("AskResponders", ["lambda:InvokeFunction"], function_arns)


# --- What a responder's function may do


def write_logs(group: str) -> Grant:
    """Writes to the function's own log group, which the template makes."""
    return allow(
        "WriteItsLogs",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        local_arn("logs", f"log-group:{group}:*"),
        reason="The streams of this one log group; Lambda names them.",
    )


def read_queue(*queue_arns: Arn) -> Grant:
    """What Lambda needs on the queues that feed a function.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    return allow("ReadItsQueue", actions, queue_arns)


def give_back(*queue_arns: Arn) -> Grant:
    """Lets a function say when a message of its queues shows up again."""
    return allow("GiveBackToItsQueue", ["sqs:ChangeMessageVisibility"], queue_arns)


def put_aside(*queue_arns: Arn) -> Grant:
    """Lets a function put what nobody will ever take with its dead letters at once."""
    return allow("PutAside", ["sqs:SendMessage"], queue_arns)


def send_again(queue_arn: Arn) -> Grant:
    """Lets a function have itself look again later, by its own queue."""
    return allow("LookAgainLater", ["sqs:SendMessage"], queue_arn)


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


def remember(table_arn: Arn, target: str) -> Grant:
    """Keeps what was done, so that no event is acted upon twice.

    Each function has notes of its own: their keys begin with its target's name, which has no space
    in it. Nobody can make another forget what it did, or believe that it did it.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    """
    actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    own = {"dynamodb:LeadingKeys": [f"{target} *"]}
    return allow(
        "Remember",
        actions,
        table_arn,
        conditions=[
            awacs.aws.ForAllValuesStringLike(own),
            # Where a request has no such key, the other condition would hold.
            awacs.aws.Null({"dynamodb:LeadingKeys": "false"}),
        ],
        reason="The notes of this one target, whatever they are about.",
    )


def report_to(topic_arn: Arn) -> Grant:
    """Says on the report topic what was done."""
    return allow("Report", ["sns:Publish"], topic_arn)


def report_on_archive(bucket_arn: Arn, events: Arn, reports: Arn) -> list[Grant]:
    """Reads what a stream archived, and writes reports beside it."""
    folders = [f"{names.EVENT_OBJECTS}*", f"{names.REPORT_OBJECTS}*"]
    return [
        allow(
            "ListTheArchive",
            ["s3:ListBucket"],
            bucket_arn,
            conditions=[StringLike("s3:prefix", folders)],
            reason="The days of the archive, and the reports that stand there already.",
        ),
        allow("ReadTheArchive", ["s3:GetObject"], events, reason="Firehose names the objects."),
        allow(
            "WriteReports",
            ["s3:AbortMultipartUpload", "s3:PutObject"],
            reports,
            reason="A report is named after its period.",
        ),
    ]


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
