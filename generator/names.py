"""Every name that two files must agree on: logical ids, physical names, parameters, outputs.

Physical names are fixed and start with the configuration's `name_prefix`, so that member and
central side find each other without asking, and one `ArnLike` covers all that is ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from generator.model import Json

DEFAULT_PREFIX = "trailbus"
PREFIX_FORM = r"(?!aws|ssm|default$)[a-z][a-z0-9-]{0,14}[a-z0-9]"
"""Parameters in SSM may not begin with aws or ssm, and the bus of the name default is AWS's own.
https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html"""
PREFIX_TOKEN = "${name_prefix}"  # noqa: S105 - stands for the prefix in detection files
TARGET_FORM = r"[a-z][a-z0-9-]{0,29}[a-z0-9]"
DETECTION_FORM = r"[a-z][a-z0-9_]{2,44}"

CENTRAL = "central.yaml"
MEMBER_ROLES = "member-roles.yaml"
MEMBER_RULES = "member-rules.yaml"
ORGANIZATION = "organization.yaml"
MANAGEMENT = "management.yaml"
INTAKE = "intake.yaml"
MANIFEST = "manifest.json"
CONSOLEME_HANDOFF = "handoff/consoleme.yaml"
SIEM_HANDOFF = "handoff/siem.yaml"

REGION_FORM = r"(?!eusc-|[a-z]+-iso)[a-z]{2}(-[a-z]+)+-[0-9]+"
"""Regions of the three partitions that templates are right in: not those of the sovereign and the
isolated ones, whose services and names differ.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""

# Parameters. One name means the same in every template.
ORGANIZATION_ID = "OrganizationId"
CENTRAL_ACCOUNT = "CentralAccountId"
CENTRAL_BUS_ARN = "CentralBusArn"
BUS_ACCESS = "BusAccess"
ARCHIVE_DAYS = "ArchiveDays"
LOG_DAYS = "LogDays"
ALARM_EMAILS = ("AlarmEmail", "AlarmEmail2", "AlarmEmail3", "AlarmEmail4", "AlarmEmail5")
"""So many people hear by parameters; the address of a mailing list is one."""
REPORT_EMAILS = ("ReportEmail", "ReportEmail2", "ReportEmail3", "ReportEmail4", "ReportEmail5")
TOPIC_SOURCE_CHECK = "TopicSourceCheck"
ROLE_PATH = "RolePath"
PERMISSIONS_BOUNDARY = "PermissionsBoundaryArn"
TAG_KEY = "TagKey"
TAG_VALUE = "TagValue"
MANAGEMENT_ACCOUNT = "ManagementAccountId"

BUS_ACCESS_CHOICES = ("organization", "forwarder-role", "forwarder-role-via-rules")


def logical(*words: str) -> str:
    """A logical id: logical("consoleme-denies", "queue") is "ConsolemeDeniesQueue"."""
    parts = [part for word in words for part in word.replace("_", "-").split("-") if part]
    return "".join(part[0].upper() + part[1:] for part in parts)


def with_prefix(value: Json, prefix: str) -> Json:
    """The value with `${name_prefix}` replaced in every string of it."""
    if isinstance(value, str):
        return value.replace(PREFIX_TOKEN, prefix)
    if isinstance(value, dict):
        return {key: with_prefix(item, prefix) for key, item in value.items()}
    if isinstance(value, list):
        return [with_prefix(item, prefix) for item in value]
    return value


# Physical names, central side.


def bus(prefix: str) -> str:
    return prefix


def archive(prefix: str) -> str:
    return f"{prefix}-archive"


def central_rule(prefix: str, detection: str, part: int = 1) -> str:
    """A detection's rule; only what does not fit one rule (five targets) gets a further part."""
    return f"{prefix}-{detection}" + (f"-{part}" if part > 1 else "")


def undelivered_queue(prefix: str) -> str:
    """Where central rules leave what they could not deliver."""
    return f"{prefix}-undelivered"


def unforwarded_queue(prefix: str) -> str:
    """Where a member's forwarding rules leave what they could not forward.

    Not the central queue's name: the central account is a member and holds both.
    """
    return f"{prefix}-unforwarded"


def queue(prefix: str, target: str, given: str = "") -> str:
    return given or f"{prefix}-{target}"


def critical_queue(prefix: str, target: str) -> str:
    """The second queue of a target that people read."""
    return f"{queue(prefix, target)}-critical"


def dead_letter_queue(queue_name: str) -> str:
    return f"{queue_name}-dead-letters"


def age_alarm(prefix: str, queue_name: str) -> str:
    """By the prefix the alarm topic knows its alarms; a queue's own name may lack it."""
    return f"{prefix}-{queue_name.removeprefix(f'{prefix}-')}-age"


def topic(prefix: str, target: str, given: str = "") -> str:
    return given or f"{prefix}-{target}"


def function(prefix: str, target: str) -> str:
    return f"{prefix}-{target}"


def function_role(prefix: str, target: str) -> str:
    """Not the member role's form: the central account is a member and holds both."""
    return f"{prefix}-{target}-function"


def reader_role(prefix: str, target: str) -> str:
    return f"{prefix}-{target}-reader"


def schedule_rule(prefix: str, target: str) -> str:
    """The rule on the central account's default bus that wakes a responder."""
    return f"{prefix}-{target}-schedule"


def stream(prefix: str, target: str) -> str:
    return f"{prefix}-{target}"


def event_log_group(prefix: str, target: str) -> str:
    """The console lists only groups below /aws/events/ as targets of rules."""
    return f"{event_log_groups(prefix)}-{target}"


def event_log_groups(prefix: str) -> str:
    """What the names of all groups that rules write to begin with."""
    return f"/aws/events/{prefix}"


def stream_log_group(prefix: str, target: str) -> str:
    """Where Firehose says what it could not deliver."""
    return f"/aws/kinesisfirehose/{stream(prefix, target)}"


def writer_role(prefix: str, target: str) -> str:
    """With which Firehose writes to its bucket."""
    return f"{prefix}-{target}-writer"


def api_destination(prefix: str, target: str) -> str:
    """An API destination, and the connection that authorizes its requests."""
    return f"{prefix}-{target}"


def secret(prefix: str, target: str) -> str:
    """The secret that a target uses unless another is named. Nothing here ever makes it."""
    return f"{prefix}/{target}"


def state_machine(prefix: str, target: str) -> str:
    return f"{prefix}-{target}"


def state_machine_role(prefix: str, target: str) -> str:
    return f"{prefix}-{target}-machine"


def delivery_role(prefix: str, target: str) -> str:
    """With this role EventBridge delivers to what has no policy of its own."""
    return f"{prefix}-{target}-delivery"


def memory_table(prefix: str) -> str:
    return f"{prefix}-memory"


def remediation_switch(prefix: str) -> str:
    """The SSM parameter that stops all remediation."""
    return f"/{prefix}/remediation"


def alarm_topic(prefix: str) -> str:
    return f"{prefix}-alarms"


def report_topic(prefix: str) -> str:
    """Where responders say what they did."""
    return f"{prefix}-reports"


def unheard_queue(prefix: str) -> str:
    """Where these two topics leave what they could not deliver."""
    return dead_letter_queue(f"{prefix}-unheard")


# Physical names, in the log account.


def intake(prefix: str, part: str = "") -> str:
    """The trail bucket's queue, and whatever else stands around it."""
    return f"{prefix}-intake" + (f"-{part}" if part else "")


def intake_bucket(prefix: str) -> str:
    """With placeholders for Fn::Sub: the names of buckets are everybody's."""
    return f"{prefix}-intake-${{AWS::AccountId}}-${{AWS::Region}}"


def organization_trail(prefix: str) -> str:
    return f"{prefix}-organization"


# Physical names, member side.


def forwarder_role(prefix: str, apart: bool = False) -> str:
    """With it the forwarding rules put events on the central bus.

    `apart` is the role of the rules that tell of tampering: whoever takes one of the two away is
    reported by way of the other.
    """
    return f"{prefix}-forwarder" + ("-tamper" if apart else "")


def forwarder_roles(prefix: str) -> tuple[str, str]:
    """Both roles."""
    return forwarder_role(prefix), forwarder_role(prefix, apart=True)


def member_role(prefix: str, responder: str) -> str:
    return f"{prefix}-{responder.replace('_', '-')}-member"


def member_policy(prefix: str, name: str) -> str:
    """A managed policy that a responder attaches to others' users."""
    return f"{prefix}-{name}"


def forwarding_rule(prefix: str, reads: bool, part: int = 1, apart: bool = False) -> str:
    """A member's forwarding rule. Parts are the shape of the pattern limit, not items, so their
    numbers carry no meaning that a reordering could break."""
    kind = "tamper" if apart else "reads" if reads else "writes"
    return f"{prefix}-forward-{kind}" + (f"-{part}" if part > 1 else "")


def parameter(target: str, option: str) -> str:
    """The parameter that carries an option of a target which is place, not shape."""
    return logical(target, option)


def parameters(target: str, option: str, values: int) -> tuple[str, ...]:
    """The parameters of an option that is a list, one a value: `readers` gives Reader, or Reader1
    and Reader2. An empty list has one too, for whoever fills it in in the console."""
    one = option.removesuffix("s")
    if values <= 1:
        return (parameter(target, one),)
    return tuple(parameter(target, f"{one}{number}") for number in range(1, values + 1))


Said = tuple[str | int, ...]
"""Where the configuration says a value."""


def filled_by_targets(
    targets: Mapping[str, Mapping[str, Json]],
) -> dict[str, tuple[Said, str]]:
    """Values of parameters that targets say themselves, with or without a place, and where."""
    values: dict[str, tuple[Said, str]] = {}
    for target, options in targets.items():
        for option, value in options.items():
            values.update(_target_values(target, option, value))
    return values


def _target_values(target: str, option: str, value: Json) -> dict[str, tuple[Said, str]]:
    if not value:
        return {}
    where: Said = ("targets", target, option)
    if isinstance(value, list):
        each = parameters(target, option, len(value))
        return {
            name: ((*where, index), text)
            for index, (name, text) in enumerate(zip(each, value, strict=True))
        }
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return {parameter(target, option): (where, text)}


def logged_errors(function_name: str) -> str:
    """The metric that counts the errors in a function's log, its filter, and the alarm about it."""
    return f"{function_name}-logged-errors"


def log_group(function_name: str) -> str:
    return f"/aws/lambda/{function_name}"


def machine_log_group(machine_name: str) -> str:
    """Of a state machine. Log groups under this path need no room in a resource policy.

    https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    """
    return f"/aws/vendedlogs/{machine_name}"


# Logical ids that several modules refer to.
BUS = "Bus"
BUS_POLICY = "BusPolicy"
ARCHIVE = "Archive"
TOPIC_KEY = "TopicKey"
ALARM_KEY = "AlarmKey"
LOGGED = "Trailbus"
"""The namespace of what is counted in logs."""
SWITCH_WATCH = "switch-watch"
"""Named as a target: what looks at the switch of all remediation."""
UNDELIVERED = "Undelivered"
UNDELIVERED_POLICY = "UndeliveredPolicy"
UNFORWARDED = "Unforwarded"
UNFORWARDED_POLICY = "UnforwardedPolicy"
ALARM_TOPIC = "AlarmTopic"
REPORT_TOPIC = "ReportTopic"
MEMORY = "Memory"
REMEDIATION_SWITCH = "RemediationSwitch"
FORWARDER_ROLE = "ForwarderRole"
TAMPER_FORWARDER_ROLE = "TamperForwarderRole"
MEMBER_BOUNDARY = "MemberBoundary"
EVENT_LOG_KEY = "EventLogKey"
EVENT_LOG_POLICY = "EventLogPolicy"


def stream_bucket(target: str) -> str:
    """The bucket of a stream target. Its physical name is CloudFormation's: buckets of all the
    world share their names, and one that outlived its stack must not block the next."""
    return logical(target, "bucket")


EVENT_OBJECTS = "events/"
"""Below this a stream's bucket holds events, in a folder per day: day=2026-11-21/ (UTC)."""
ERROR_OBJECTS = "errors/"
REPORT_OBJECTS = "reports/"
"""Below this a responder that reads the bucket writes what it made of it."""

# Conditions that several modules refer to.
IN_CHINA = "InChina"
IN_GOVCLOUD = "InGovCloud"


# What deploy makes.


def central_stack(prefix: str) -> str:
    return f"{prefix}-central"


def stack_set(prefix: str, part: str) -> str:
    """The StackSet of the member roles or rules, and the management account's own stack."""
    return f"{prefix}-member-{part}"


def management_stack_set(prefix: str, part: str) -> str:
    """The management account's own, when it is covered by an upload."""
    return f"{prefix}-management-{part}"


def administration_role(prefix: str) -> str:
    """With it StackSets enters the management account."""
    return f"{prefix}-stackset-administration"


def execution_role(prefix: str) -> str:
    """With it StackSets makes our stacks in the management account."""
    return f"{prefix}-stackset-execution"


def member_boundary(prefix: str) -> str:
    """Bounds the roles that StackSets makes in the management account."""
    return f"{prefix}-member-boundary"


def artifact_bucket(prefix: str, account: str, region: str) -> str:
    return f"{prefix}-artifacts-{account}-{region}"
