"""What people are told about an event, or about what a responder did, whatever the chat is.

Every text in a message is readable (see secrecy), and still has to be escaped for its chat.
"""

import json
import os
import re
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from shared.callers import who_called
from shared.clients import central_client
from shared.notices import Notice, attributed_to, insight_of, nested, text
from shared.reports import LOUD
from shared.secrecy import is_sensitive, pairs, readable, unwrapped


class Message(NamedTuple):
    """One message. `facts` are labelled lines, `details` what the call said besides."""

    title: str
    severity: str
    account: str
    region: str
    facts: tuple[tuple[str, str, str], ...]
    """Label, what it is, and a few words about it."""
    details: tuple[tuple[str, str], ...] = ()
    why: str = ""
    harmless_when: str = ""
    undo: str = ""
    when: datetime | None = None
    link: str = ""
    source: str = ""
    """The id of the detection, or the name of the responder."""
    event_id: str = ""


_CONSOLES = (
    ("us-gov-", "console.amazonaws-us-gov.com"),
    ("cn-", "console.amazonaws.cn"),
    ("", "console.aws.amazon.com"),
)
"""The console of each partition, by how its Regions begin.
https://docs.aws.amazon.com/general/latest/gr/aws-arns-and-namespaces.html"""
_REGION_FORM = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}")
_ID_FORM = re.compile(r"[A-Za-z0-9-]{8,64}")
_ACCOUNT_FORM = re.compile(r"[0-9]{12}")

_RESOURCE_KEYS = (
    "bucketName", "trailName", "functionName", "userName", "roleName", "groupName", "policyArn",
    "policyName", "dBInstanceIdentifier", "dBClusterIdentifier",
    "dBSnapshotIdentifier", "dBClusterSnapshotIdentifier", "eventDataStore", "instanceId",
    "groupId", "snapshotId", "imageId", "volumeId", "vpcId", "subnetId", "routeTableId",
    "networkAclId",
    "internetGatewayId", "flowLogId", "detectorId", "secretId", "keyId", "tableName", "queueUrl",
    "topicArn", "stackName", "stackSetName", "clusterName", "ruleName", "rule",
    "configurationRecorderName", "deliveryChannelName", "serialNumber", "accessKeyId", "accountId",
    "repositoryName", "hostedZoneId", "webACLId", "resourceArn", "arn", "name", "id",
)  # fmt: skip
"""Parameters that name what was touched, the telling ones first."""
_NAMING = re.compile(r".+(Name|Arn|ARN|Id|Identifier|Names|Arns|Ids)")
"""What parameters that name something end in, for services that the list does not know."""
_NOT_TOLD = re.compile(
    r"(?i).*(clientToken|clientRequestToken|nextToken|maxResults|dryRun|^Host$|requestId)"
)
_OF_THE_CALL = re.compile(
    r"(?i)(amz-?|x-?amz-?)?(id-?2|requestId|invocationId|correlationId|transactionId)"
    r"|client(Request)?Id|idempotencyId|(owner|requester|reservation)(Account)?Id"
)
"""Ids of a call or of its caller, which name nothing that was touched."""
ESCALATED = "escalated"
"""What a workflow says of what nobody could repair: a person should look at it."""
_DETAILS = 6
_LOOKED_AT = 200


def message_of(notice: Notice) -> Message:
    """What to say about an event that a detection matched."""
    detail, detection = notice.detail, notice.detection
    who = who_called(notice)
    service = text(detail.get("eventSource")).removesuffix(".amazonaws.com")
    resources = _resources(notice)
    failed = readable(detail.get("errorCode"), 80)
    call = readable(notice.event_name, 100) or readable(notice.event.get("detail-type"), 100)
    outcome = f"failed: {failed}" if failed else _sign_in(detail)
    words = ", ".join(word for word in (readable(service, 60), outcome) if word)
    facts = [
        ("Who", readable(who.name, 150), readable(who.way, 250)),
        ("Did", call or "something without a name", words),
    ]
    if insight_of(detail):
        facts = _insight(insight_of(detail))
    more = f"and {len(resources) - 2} more" if len(resources) > 2 else ""
    if resources:
        facts.append(("On", readable("; ".join(resources[:2]), 300), more))
    address = readable(detail.get("sourceIPAddress"), 100)
    if address:
        facts.append(("From", address, _agent(detail)))
    return Message(
        title=readable(detection.get("title"), 140) or "An event matched",
        severity=readable(detection.get("severity"), 20),
        account=account_named(notice.account),
        region=readable(notice.region, 40) or "unknown Region",
        facts=tuple(facts),
        details=_details(notice, resources),
        why=readable(detection.get("why"), 700),
        harmless_when=readable(detection.get("harmless_when"), 400),
        when=notice.event_time,
        link=event_link(notice.region, notice.event_id),
        source=readable(detection.get("id"), 60),
        event_id=readable(notice.event_id, 64),
    )


def _insight(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Which call came unusually often or failed so, and whom CloudTrail attributes it to."""
    service = readable(told.get("eventSource"), 60).removesuffix(".amazonaws.com")
    error = readable(told.get("errorCode"), 80)
    kind = readable(told.get("insightType"), 60)
    words = [service, f"failing: {error}" if error else "", kind]
    who = attributed_to(told, "userIdentityArn")
    agent = readable(attributed_to(told, "userAgent"), 80)
    statistics = nested(told, "insightContext", "statistics") or told.get("statistics")
    usual, now = (nested(statistics, key, "average") for key in ("baseline", "insight"))
    facts = [
        ("Who", readable(who, 150) or "nobody in particular", "as CloudTrail attributes it"),
        ("Did", readable(told.get("eventName"), 100) or "something without a name",
         ", ".join(word for word in words if word)),
        ("State", readable(told.get("state"), 40) or "unknown", "of unusual activity"),
    ]  # fmt: skip
    if isinstance(usual, (int, float)) and isinstance(now, (int, float)):
        facts.append(("Rate", f"{now:g} a minute", f"usually {usual:g}"))
    if agent:
        facts.append(("With", agent, ""))
    return facts


def message_of_report(said: dict[str, Any]) -> Message:
    """What to say about a report: what a responder did about an event, or could not do."""
    outcome = text(said.get("outcome"))
    account, region = text(said.get("account")), text(said.get("region"))
    before, after = (_state(nested(said, "evidence", each)) for each in ("before", "after"))
    facts = []
    if said.get("resource"):
        facts.append(("On", readable(said["resource"], 300), ""))
    if before or after:
        same = before == after
        facts.append(("State", before if same else f"{before or '-'} \u2192 "
                      f"{after or '-'}", "as before" if same else ""))  # fmt: skip
    if said.get("event_name") or said.get("by"):
        name, by = readable(said.get("event_name"), 100), _of_arn(text(said.get("by")))
        facts.append(("After", name or "an event", f"by {by}" if by else ""))
    record = readable(nested(said, "evidence", "id"), 120)
    if record:
        facts.append(("Evidence", record, ""))
    try:
        when = datetime.fromisoformat(text(said.get("event_time")))
    except ValueError:
        when = None
    responder = readable(said.get("responder"), 60) or "a responder"
    return Message(
        title=f"{responder}: {readable(outcome, 40)}",
        severity=_severity_of(outcome),
        account=account_named(account),
        region=readable(region, 40) or "unknown Region",
        facts=tuple(facts),
        why=_sentence(readable(said.get("message"), 700)),
        undo=_undo(nested(said, "evidence", "undo")),
        when=when,
        link=event_link(region, text(said.get("event_id"))),
        source=readable(said.get("detection"), 60) or responder,
        event_id=readable(said.get("event_id"), 64),
    )


def _state(kept: Any) -> str:
    """What evidence keeps of a resource, in short."""
    return readable("; ".join(f"{key} {value}" for key, value in islice(pairs(kept), 20)), 300)


def _undo(calls: Any) -> str:
    """The calls that take something back, in short: `trailbus undo` makes them."""
    said = []
    for call in calls[:5] if isinstance(calls, list) else []:
        name = f"{text(nested(call, 'service'))} {text(nested(call, 'operation'))}"
        given = [f"{key} {value}" for key, value in islice(pairs(nested(call, "parameters")), 20)]
        said.append(f"{name}: {', '.join(given)}" if given else name)
    return readable("; ".join(said), 600)


def _of_arn(arn: str) -> str:
    """Whose ARN it is, in short: a role's session before its role."""
    parts = arn.split("/")
    if ":assumed-role/" in arn and len(parts) > 2:
        return readable(f"{parts[-1]}, role {parts[-2]}", 250)
    return readable(parts[-1].rpartition(":")[2] if ":root" in arn else parts[-1], 250)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _severity_of(outcome: str) -> str:
    if outcome in LOUD or outcome == ESCALATED:
        return "high"
    return "info" if outcome == "observed" else "done"


def event_link(region: str, event_id: str) -> str:
    """The event in the CloudTrail console of its partition and Region, once signed in there."""
    if not _REGION_FORM.fullmatch(region) or not _ID_FORM.fullmatch(event_id):
        return ""
    console = next(host for begin, host in _CONSOLES if region.startswith(begin))
    return f"https://{region}.{console}/cloudtrailv2/home?region={region}#/events/{event_id}"


def account_named(account: str) -> str:
    """The account's name and number, or its number alone where nobody told its name."""
    shown = readable(account, 40) or "unknown account"
    try:
        names = json.loads(os.environ.get("TRAILBUS_ACCOUNT_NAMES") or "{}")
    except (ValueError, RecursionError):
        names = {}  # A message without names is better than none.
    name = text(nested(names, account))
    if not name and _ACCOUNT_FORM.fullmatch(account):
        name = _looked_up(account)
    return f"{readable(name, 60)} ({shown})" if name else shown


@lru_cache(1000)
def _looked_up(account: str) -> str:
    """The name in Organizations, if the settings ask for it; empty when it is not to be had.

    Only the management account and delegated administrators may ask: a message without the name
    is better than none.
    https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeAccount.html
    """
    if not json.loads(os.environ["TRAILBUS_SETTINGS"]).get("look_up_accounts"):
        return ""
    try:
        answer = central_client("organizations").describe_account(AccountId=account)
        return text(answer["Account"].get("Name"))
    except Exception as error:  # noqa: BLE001 - whatever it is, the message goes out
        line = {"level": "WARNING", "message": f"no name for {account}: {type(error).__name__}"}
        print(json.dumps(line))  # noqa: T201 - what a function prints is its log
        return ""


def _resources(notice: Notice) -> list[str]:
    """What was touched: the ARNs that CloudTrail lists, else what the parameters name."""
    detail = notice.detail
    listed = detail.get("resources")
    found = [
        text(entry.get("ARN") or entry.get("arn"))
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, dict)
    ]
    if not any(found):
        for held in (detail.get("requestParameters"), detail.get("responseElements")):
            found += _named(held)
            if found:
                break
    return list(dict.fromkeys(each for each in found if each))


def _named(held: Any) -> list[str]:
    """The values of the parameters that name a resource, in one or more instances."""
    held = unwrapped(held)
    if not isinstance(held, dict):
        return []
    others = [
        key
        for key in held
        if isinstance(key, str) and _NAMING.fullmatch(key) and not _OF_THE_CALL.fullmatch(key)
    ]
    for key in (*_RESOURCE_KEYS, *others):
        value = unwrapped(held.get(key))
        if isinstance(value, list):
            value = [unwrapped(one) for one in value]
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            return value
        if isinstance(value, str) and value and not is_sensitive(key):
            return [value]
    for value in held.values():
        items = nested(value, "items") or nested(value, "item")
        if isinstance(items, list):
            names = [name for item in items[:50] for name in _named(item)]
            if names:
                return names
    for value in held.values():
        if isinstance(value, dict) and (names := _named(value)):
            return names
    return []


def _details(notice: Notice, resources: list[str]) -> tuple[tuple[str, str], ...]:
    """What else the call said, a little of it."""
    told = {readable(resource) for resource in resources}
    error = readable(notice.detail.get("errorMessage"), 300)
    found = {("error", error): None} if error else {}
    looked_at = list(islice(pairs(notice.detail.get("requestParameters")), _LOOKED_AT))
    for key, value in looked_at:
        if value not in told and not _NOT_TOLD.fullmatch(key):
            found[readable(key, 60) or "parameters", readable(value, 160)] = None
    rest = len(found) - _DETAILS
    number = "many" if len(looked_at) == _LOOKED_AT else str(rest)
    more = [("and", f"{number} more")] if rest > 0 else []
    return tuple([*found][:_DETAILS] + more)


def _sign_in(detail: dict[str, Any]) -> str:
    """How a sign-in went, and whether with MFA."""
    answer = readable(nested(detail, "responseElements", "ConsoleLogin"), 30)
    mfa = nested(detail, "additionalEventData", "MFAUsed")
    words = [answer.lower()] if answer else []
    if mfa in ("Yes", "No"):
        words.append("with MFA" if mfa == "Yes" else "without MFA")
    return ", ".join(words)


_AGENTS = (
    ("console.amazonaws.com", "AWS console"),
    ("signin.amazonaws.com", "AWS console"),
    ("aws-cli/", "AWS CLI"),
    ("boto3/", "boto3"),
    ("aws-sdk-", "AWS SDK"),
    ("terraform", "Terraform"),
    ("hashicorp", "Terraform"),
    ("cloudformation.amazonaws.com", "CloudFormation"),
    ("mozilla/", "a browser"),
)


def _agent(detail: dict[str, Any]) -> str:
    """The program that called, in a word; what it calls itself where it is no usual one."""
    if detail.get("sessionCredentialFromConsole") in ("true", True):
        return "AWS console"
    agent = text(detail.get("userAgent"))
    known = next((word for part, word in _AGENTS if part in agent.lower()), "")
    return known or readable(agent, 80)


def as_written(when: datetime | None) -> str:
    """A moment as people write it."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if when else ""
