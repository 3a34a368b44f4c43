"""Laws over every built-in detection, its examples, and what it matches among recorded events."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from generator import catalogue, config, names
from generator.model import SEVERITIES, Detection, Example, Json
from generator.patterns import compiled, matches, misses
from generator.simulation.organization import DEFAULT_PLACE, MEMBERS
from tests.recorded import DATA, recorded_events, requires_data, wrapped

DETECTIONS = catalogue.read().detections
PREFIX = "trailbus"
PATTERNS = {
    name: names.with_prefix(dict(detection.pattern), PREFIX)
    for name, detection in DETECTIONS.items()
}
EXAMPLES: list[tuple[Detection, Example]] = [
    (detection, example)
    for detection in DETECTIONS.values()
    for example in catalogue.examples(detection)
]
EVENTS = [names.with_prefix(dict(example.event), PREFIX) for _, example in EXAMPLES]

every_detection = pytest.mark.parametrize("detection", DETECTIONS.values(), ids=list(DETECTIONS))


def examples(detection: Detection) -> list[Example]:
    return [example for one, example in EXAMPLES if one is detection]


def prefixed(example: Example) -> dict[str, Json]:
    event: dict[str, Json] = names.with_prefix(dict(example.event), PREFIX)
    return event


API_CALL = "AWS API Call via CloudTrail"
SIGN_IN = {"AWS Console Sign In via CloudTrail", "AWS Console Signin via CloudTrail"}
DETAIL_TYPES = {
    "AwsApiCall": {API_CALL},
    "AwsServiceEvent": {"AWS Service Event via CloudTrail"},
    "AwsConsoleSignIn": SIGN_IN,
    "AwsConsoleAction": {"AWS Console Action via CloudTrail"},
}
GLOBAL = ("aws.account", "aws.cloudfront", "aws.iam", "aws.organizations", "aws.route53")
"""Services whose events appear in us-east-1 only."""


# What a detection says.


@every_detection
def test_a_detection_says_what_happened_how_bad_it_is_and_why(detection: Detection) -> None:
    assert re.fullmatch(names.DETECTION_FORM, detection.id)
    assert re.fullmatch(r"[A-Z][^\n]*[^.\s]", detection.title)
    assert detection.severity in SEVERITIES
    for text in (detection.why, detection.harmless_when):
        assert re.fullmatch(r"[A-Z].*\.", text, re.DOTALL), text
    assert detection.attack or detection.pack == "consoleme"
    assert len(set(detection.attack)) == len(detection.attack)
    assert detection.file.endswith(f"generator/detections/{detection.pack}/{detection.id}.yaml")


@every_detection
def test_a_detection_refers_to_pages_of_aws(detection: Detection) -> None:
    assert detection.references
    for reference in detection.references:
        assert re.fullmatch(r"https://docs\.aws\.amazon\.com/[!-~]+\.html(#[!-~]+)?", reference)


def test_titles_tell_detections_apart() -> None:
    titles = Counter(detection.title for detection in DETECTIONS.values())
    assert [title for title, count in titles.items() if count > 1] == []


def test_the_packs_are_those_that_are_promised() -> None:
    assert {d.pack for d in DETECTIONS.values()} >= {
        "consoleme", "guardrails", "cis", "tamper", "reads",
    }  # fmt: skip


# What its pattern asks.


def _plain(pattern: dict[str, Json], path: str = "") -> Iterator[tuple[str, Json]]:
    """Every alternative in a pattern with its path, whatever branch it stands in."""
    for key, item in pattern.items():
        below = path if key == "$or" else f"{path}.{key}".lstrip(".")
        if isinstance(item, dict):
            yield from _plain(item, below)
            continue
        for each in item:
            if key == "$or":
                yield from _plain(each, path)
            else:
                yield below, each


@every_detection
def test_a_pattern_takes_events_of_aws_alone(detection: Detection) -> None:
    asked = list(_plain(dict(detection.pattern)))
    sources = [value for path, value in asked if path == "source"]
    kinds = {value for path, value in asked if path == "detail-type"}
    assert sources
    for source in sources:
        prefix = source["prefix"] if isinstance(source, dict) else source
        assert prefix.startswith("aws."), source
    assert kinds
    assert all(kind.startswith("AWS ") and kind.endswith(" via CloudTrail") for kind in kinds)


@every_detection
def test_a_pattern_fits_a_rule_at_the_longest_prefix(detection: Detection) -> None:
    pattern = names.with_prefix(dict(detection.pattern), "p" * 16)
    assert len(json.dumps(pattern, separators=(",", ":"))) <= 2048


@every_detection
def test_a_pattern_never_excludes_by_a_field_that_may_be_missing(detection: Detection) -> None:
    # `anything-but` is false for a missing field: what it should let pass, it would drop.
    for path, value in _plain(dict(detection.pattern)):
        if isinstance(value, dict) and "anything-but" in value:
            others = [v for p, v in _plain(dict(detection.pattern)) if p == path]
            assert {"exists": False} in others, path


@every_detection
def test_both_spellings_of_sign_in_are_listed(detection: Detection) -> None:
    kinds = {value for path, value in _plain(dict(detection.pattern)) if path == "detail-type"}
    assert not kinds & SIGN_IN or kinds >= SIGN_IN


@every_detection
def test_a_detection_that_is_not_read_only_takes_no_read(detection: Detection) -> None:
    if detection.read_only:
        return
    pattern = compiled(PATTERNS[detection.id])
    for event in EVENTS:
        if pattern.matches(event):
            for verb in ("Get", "List", "Describe"):
                read = copy.deepcopy(event)
                read["detail"]["readOnly"] = True
                read["detail"]["eventName"] = f"{verb}{read['detail']['eventName']}"
                assert not pattern.matches(read), read["detail"]["eventName"]


# Its examples.


@every_detection
def test_a_detection_has_a_match_and_a_near_miss(detection: Detection) -> None:
    assert {example.matches for example in examples(detection)} == {True, False}


@every_detection
def test_the_pattern_takes_the_examples_as_they_say(detection: Detection) -> None:
    pattern = PATTERNS[detection.id]
    for example in examples(detection):
        event = prefixed(example)
        assert matches(pattern, event) is example.matches, (example.place, misses(pattern, event))


@every_detection
def test_a_near_miss_says_why_and_is_near(detection: Detection) -> None:
    hits = [example.event for example in examples(detection) if example.matches]
    for example in examples(detection):
        if not example.matches:
            assert example.because, example.place
            unmet = misses(PATTERNS[detection.id], prefixed(example))
            assert 1 <= len(unmet) <= 3, (example.place, unmet)
            assert example.event not in hits, example.place


_ENVELOPE = {"version", "id", "detail-type", "source", "account", "time", "region", "resources",
             "detail"}  # fmt: skip
_RECORD = {"eventVersion", "eventTime", "eventSource", "eventName", "awsRegion", "userIdentity",
           "eventID", "readOnly", "eventType", "managementEvent", "recipientAccountId",
           "eventCategory"}  # fmt: skip


@every_detection
def test_an_example_is_a_whole_event(detection: Detection) -> None:
    for example in examples(detection):
        event = dict(example.event)
        detail = event["detail"]
        assert set(event) == _ENVELOPE, example.place
        assert set(detail) >= _RECORD, (example.place, _RECORD - set(detail))
        assert event["version"] == "0"
        assert re.fullmatch(r"2026-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"]), example.place
        assert isinstance(detail["readOnly"], bool), example.place
        assert detail["managementEvent"] is (detail["eventCategory"] == "Management")
        for value in (event["id"], detail["eventID"]):
            assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value), example.place


@every_detection
def test_the_envelope_of_an_example_says_what_its_record_says(detection: Detection) -> None:
    for example in examples(detection):
        event = dict(example.event)
        made = wrapped(event["detail"])
        for key in ("account", "time", "region"):
            assert event[key] == made[key], (example.place, key)
        assert event["detail-type"] in DETAIL_TYPES[event["detail"]["eventType"]], example.place
        # A near miss may be forged; what matches never is.
        assert event["source"] == made["source"] or not example.matches, example.place
        assert event["source"] not in GLOBAL or event["region"] == "us-east-1", example.place


@every_detection
def test_an_example_happens_in_the_simulated_organization(detection: Detection) -> None:
    accounts = {DEFAULT_PLACE.management_account, DEFAULT_PLACE.central_account, *MEMBERS}
    assert accounts == {
        "111111111111", "222222222222", "111122223333", "444455556666", "123456789012",
    }  # fmt: skip
    for example in examples(detection):
        assert example.event["account"] in accounts, example.place
        assert example.event["region"] in (DEFAULT_PLACE.regions or ()), example.place


_KEY_ID = re.compile(r"\bA(?:KIA|SIA|IDA|ROA)[A-Z0-9]{16,17}\b")
_ADDRESS = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.])(/\d+)?")
_DOCUMENTATION = ("192.0.2.", "198.51.100.", "203.0.113.", "10.", "172.16.", "192.168.")
_EVERYWHERE = ("0.0.0.0", "/0")  # noqa: S104 - a block in a security group, nothing is bound to it


@every_detection
def test_an_example_names_nobody_real(detection: Detection) -> None:
    for example in examples(detection):
        text = json.dumps(dict(example.event))
        assert all("EXAMPLE" in found for found in _KEY_ID.findall(text)), example.place
        for block in _ADDRESS.findall(text):
            assert block[0].startswith(_DOCUMENTATION) or block == _EVERYWHERE, example.place
        for host in re.findall(r"[\w.+-]+@([\w-]+\.[\w.]+)", text):
            assert host.split(".")[-2] == "example", example.place


def test_every_example_is_an_event_of_its_own() -> None:
    for ids in (
        [example.event["detail"]["eventID"] for _, example in EXAMPLES],
        [example.event["id"] for _, example in EXAMPLES],
    ):
        assert [name for name, count in Counter(ids).items() if count > 1] == []


# ConsoleMe, which crashes or loops on anything but what it expects.

ROLE_CALLS = {
    "CreateRole", "UpdateRole", "TagRole", "AttachRolePolicy", "UntagRole", "DetachRolePolicy",
    "PutRolePolicy", "DeleteRolePolicy", "UpdateAssumeRolePolicy", "UpdateRoleDescription",
    "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary", "DeleteRole",
}  # fmt: skip
"""Calls that ConsoleMe's job was seen to take."""


def test_consoleme_gets_the_two_codes_it_can_work_with_of_sessions_of_roles() -> None:
    detection = DETECTIONS["consoleme_access_denied"]
    detail = detection.pattern["detail"]
    assert sorted(detail["errorCode"]) == ["AccessDenied", "UnauthorizedOperation"]
    issuer = detail["userIdentity"]["sessionContext"]["sessionIssuer"]
    assert issuer == {"arn": [{"exists": True}]}
    assert detection.read_only  # most denied calls read


def test_consoleme_gets_the_role_changes_that_name_a_role() -> None:
    detail = DETECTIONS["consoleme_role_changed"].pattern["detail"]
    assert detail["requestParameters"] == {"roleName": [{"exists": True}]}
    assert set(detail["eventName"]) == ROLE_CALLS


def test_consoleme_gets_whole_events_in_queues_that_it_knows_and_empties() -> None:
    shape = config.load().shape
    for detection, queue, topic in (
        (
            "consoleme_access_denied",
            "consoleme-cloudtrail-access-deny-events",
            "consoleme-cloudtrail-access-denies",
        ),
        (
            "consoleme_role_changed",
            "consoleme-cloudtrail-role-events",
            "consoleme-cloudtrail-role-events",
        ),
    ):
        targets = [shape.target(name) for name in shape.wiring[detection]]
        (target,) = [one for one in targets if one.options.get("queue_name") == queue]
        assert (target.kind, target.body) == ("queue", "event")
        assert target.options["topic_name"] == topic
        assert target.options["visibility_timeout"] >= 300
        carried = [name for name, wired in shape.wiring.items() if target.name in wired]
        assert carried == [detection]  # each job deletes what it reads, also what is not its own
        if detection == "consoleme_access_denied":
            assert target.options["retention"] <= 86_400


# What each detection means, said once more in plain Python: no pattern, no engine.

Event = dict[str, Any]
Condition = Callable[[Event], bool]


def found(value: Any, path: str) -> list[Any]:
    """The scalars at a path; lists on the way count with all their elements."""
    if isinstance(value, list):
        return [item for each in value for item in found(each, path)]
    if not path:
        return [] if isinstance(value, dict) else [value]
    key, _, rest = path.partition(".")
    if isinstance(value, dict) and key in value:
        return found(value[key], rest)
    return []


def asked(event: Event, path: str) -> list[Any]:
    return found(event["detail"].get("requestParameters"), path)


def call(event: Event, service: str, *event_names: str) -> bool:
    """A successful call of that service."""
    return (
        event["source"] == f"aws.{service}"
        and event["detail-type"] == API_CALL
        and event["detail"].get("eventName") in event_names
        and "errorCode" not in event["detail"]
    )


def calls(service: str, *event_names: str) -> Condition:
    return lambda event: call(event, service, *event_names)


def signed_in(event: Event, outcome: str) -> bool:
    detail = event["detail"]
    return (
        event["source"] == "aws.signin"
        and event["detail-type"] in SIGN_IN
        and detail.get("eventName") == "ConsoleLogin"
        and "errorCode" not in detail
        and found(detail, "responseElements.ConsoleLogin") == [outcome]
    )


def user_type(event: Event) -> Any:
    return (event["detail"].get("userIdentity") or {}).get("type")


def denied(event: Event) -> bool:
    code = event["detail"].get("errorCode")
    return (
        event["source"].startswith("aws.")
        and event["detail-type"] in (API_CALL, "AWS Network Activity Event via CloudTrail")
        and isinstance(code, str)
        and (
            code.startswith(("AccessDenied", "AuthorizationError"))
            or code.endswith(("AccessDenied", "UnauthorizedOperation"))
            or code in ("UnauthorizedException", "Client.AuthFailure", "Forbidden", "NotAuthorized")
        )
    )


def root_used(event: Event) -> bool:
    detail = event["detail"]
    return (
        event["source"].startswith("aws.")
        and event["detail-type"] in {API_CALL, "AWS Console Action via CloudTrail", *SIGN_IN}
        and user_type(event) == "Root"
        and "invokedBy" not in detail["userIdentity"]
        and detail.get("readOnly") is False
        and found(detail, "responseElements.ConsoleLogin") in ([], ["Success"])
    )


def opened(event: Event) -> bool:
    changed = "ModifySecurityGroupRulesRequest.SecurityGroupRule.SecurityGroupRule"
    blocks = [
        block
        for path in (
            "cidrIp",
            "ipPermissions.items.ipRanges.items.cidrIp",
            "ipPermissions.items.ipv6Ranges.items.cidrIpv6",
            f"{changed}.CidrIpv4",
            f"{changed}.CidrIpv6",
        )
        for block in asked(event, path)
    ]
    return call(event, "ec2", "AuthorizeSecurityGroupIngress", "ModifySecurityGroupRules") and any(
        isinstance(block, str) and block.endswith("/0") for block in blocks
    )


def shared(event: Event, call_name: str, path: str, *to_whom: str) -> bool:
    return call(event, "ec2", call_name) and (
        "all" in asked(event, f"{path}.group")
        or any(asked(event, f"{path}.{field}") for field in to_whom)
    )


def block_removed(event: Event) -> bool:
    if call(event, "s3", "DeleteBucketPublicAccessBlock", "DeleteAccountPublicAccessBlock"):
        return True
    settings = "BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"
    return call(event, "s3", "PutBucketPublicAccessBlock", "PutAccountPublicAccessBlock") and any(
        asked(event, f"PublicAccessBlockConfiguration.{one}") in ([], [False]) for one in settings
    )


def acl_opened(event: Event) -> bool:
    grants = ("read", "write", "read-acp", "write-acp", "full-control")
    groups = asked(event, "AccessControlPolicy.AccessControlList.Grant.Grantee.URI")
    groups += [group for one in grants for group in asked(event, f"x-amz-grant-{one}")]
    public = {"public-read", "public-read-write", "authenticated-read"}
    return call(event, "s3", "PutBucketAcl") and (
        bool(public & set(asked(event, "x-amz-acl")))
        or any("/groups/global/" in group for group in groups)
    )


def guardduty_disabled(event: Event) -> bool:
    name = str(event["detail"].get("eventName"))
    judged = (
        "CreateFilter", "CreateIPSet", "UpdateDetector", "UpdateFilter", "UpdateIPSet",
        "UpdateMemberDetectors", "UpdateOrganizationConfiguration",
    )  # fmt: skip
    volumes = "malwareProtection.scanEc2InstanceWithFindings.ebsVolumes"
    off = [
        value is False
        for path in (
            "enable",
            "autoEnable",
            *(f"dataSources.s3Logs.{how}" for how in ("enable", "autoEnable")),
            *(f"dataSources.kubernetes.auditLogs.{how}" for how in ("enable", "autoEnable")),
            *(f"dataSources.{volumes}{how}" for how in ("", ".autoEnable")),
        )
        for value in asked(event, path)
    ]
    return call(event, "guardduty", name) and (
        name in ("DeleteDetector", "StopMonitoringMembers", "DeleteMembers",
                 "DeletePublishingDestination", "DisableOrganizationAdminAccount")
        or name.startswith("Disassociate")
        or (name in judged and (
            any(off)
            or "ARCHIVE" in asked(event, "action")
            or any(value is True for value in asked(event, "activate"))
            or "DISABLED" in asked(event, "features.status")
            or "NONE" in asked(event, "features.autoEnable")
            or "NONE" in asked(event, "autoEnableOrganizationMembers")
        ))
    )  # fmt: skip


def left_organization(event: Event) -> bool:
    return (
        event["source"] == "aws.organizations"
        and event["detail-type"] in (API_CALL, "AWS Service Event via CloudTrail")
        and event["detail"].get("eventName")
        in ("LeaveOrganization", "RemoveAccountFromOrganization", "CloseAccount",
            "AccountDepartedOrganization", "CloseAccountResult")
        and "errorCode" not in event["detail"]
    )  # fmt: skip


def changes(event: Event, *services: str) -> bool:
    """A successful call of one of the services that is no read."""
    return call(event, event["source"].removeprefix("aws."), event["detail"].get("eventName")) and (
        event["source"].removeprefix("aws.") in services
        and event["detail"].get("readOnly", False) in (False, "false")
    )


def ours_on_the_bus(event: Event) -> bool:
    """Whether the bus, a rule or a connection of ours is what a call that changes it names."""
    return changes(event, "events") and (
        any(name == PREFIX or str(name).startswith(f"{PREFIX}-") for name in asked(event, "name"))
        or any(str(rule).startswith(f"{PREFIX}-") for rule in asked(event, "rule"))
        or any(
            bus == PREFIX or str(bus).endswith(f":event-bus/{PREFIX}")
            for bus in asked(event, "eventBusName")
        )
    )


RULE_CALLS = {"DisableRule", "DeleteRule", "RemoveTargets", "EnableRule", "PutRule", "PutTargets"}


def bus_changed(event: Event) -> bool:
    buses = [*asked(event, "eventSourceArn"), *asked(event, "destination.arn")]
    return changes(event, "events") and (
        (ours_on_the_bus(event) and event["detail"]["eventName"] not in RULE_CALLS)
        or any(str(bus).endswith(f":event-bus/{PREFIX}") for bus in buses)
        or any(str(name).startswith(f"{PREFIX}-") for name in asked(event, "archiveName"))
    )


def begins(event: Event, path: str, prefix: str = f"{PREFIX}-") -> bool:
    return any(str(value).startswith(prefix) for value in asked(event, path))


def holds(event: Event, path: str, *parts: str) -> bool:
    return any(part in str(value) for value in asked(event, path) for part in parts)


def role_changed(event: Event) -> bool:
    attached = event["detail"].get("eventName", "").startswith("Attach")
    return changes(event, "iam") and (
        begins(event, "roleName") or (holds(event, "policyArn", f"/{PREFIX}-") and not attached)
    )


def managed(event: Event, *services: str) -> bool:
    """A call that changes something, none of those that a working Trailbus makes itself."""
    detail = event["detail"]
    return (
        changes(event, *services)
        and "readOnly" in detail
        and detail.get("managementEvent") is True
        and detail["eventName"] not in ("CreateLogStream", "StartExecution", "StartSyncExecution")
    )


def consumer_changed(event: Event) -> bool:
    mapped = found(event["detail"], "responseElements.functionArn")
    both = f":{PREFIX}-", ":consoleme-cloudtrail-"
    return managed(event, "lambda", "secretsmanager", "sns", "sqs", "states") and (
        any(f":{PREFIX}-" in str(arn) for arn in mapped)
        or begins(event, "functionName")
        or holds(event, "functionName", f":{PREFIX}-")
        or holds(event, "queueUrl", f"/{PREFIX}-", "/consoleme-cloudtrail-")
        or holds(event, "topicArn", *both)
        or holds(event, "subscriptionArn", *both)
        or holds(event, "stateMachineArn", f":{PREFIX}-")
        or begins(event, "secretId", f"{PREFIX}/")
        or holds(event, "secretId", f":{PREFIX}/")
    )


STORES = "dynamodb", "firehose", "kinesis", "kms", "logs", "monitoring", "s3"


def store_changed(event: Event) -> bool:
    named = (
        "alarmName", "alarmNames", "bucketName", "deliveryStreamName", "policyName", "streamName",
        "tableName",
    )  # fmt: skip
    below = "logGroupIdentifier", "logGroupName", "resourceARN", "streamARN", "tableName"
    return managed(event, *STORES) and (
        any(begins(event, path) for path in named)
        or begins(event, "aliasName", f"alias/{PREFIX}-")
        or any(holds(event, path, f"/{PREFIX}-") for path in below)
    )


def stackset_changed(event: Event) -> bool:
    stacks = [str(name) for name in asked(event, "stackName")]
    return call(event, "cloudformation", "UpdateStackSet", "DeleteStackSet", "UpdateStackInstances",
                "DeleteStackInstances", "StopStackSetOperation", "DeleteStack", "UpdateStack",
                "ExecuteChangeSet") and (
        any(str(name).startswith(f"{PREFIX}-") for name in asked(event, "stackSetName"))
        or any(
            name.startswith(f"{PREFIX}-")
            or f":stack/{PREFIX}-" in name
            or f"StackSet-{PREFIX}-" in name
            for name in stacks
        )
    )  # fmt: skip


CONDITIONS: dict[str, Condition] = {
    "ami_shared": lambda e: shared(
        e, "ModifyImageAttribute", "launchPermission.add.items",
        "userId", "organizationArn", "organizationalUnitArn",
    ),
    "cis_config_changed": calls("config", "StopConfigurationRecorder", "DeleteDeliveryChannel",
                                "PutDeliveryChannel", "PutConfigurationRecorder"),
    "cis_iam_policy_changed": lambda e: call(e, "iam", *(
        [f"{verb}{whose}Policy" for verb in ("Attach", "Detach", "Put", "Delete")
         for whose in ("Role", "User", "Group")]
        + ["CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion",
           "SetDefaultPolicyVersion"]
    )),
    "cis_network_acl_changed": calls("ec2", "CreateNetworkAcl", "DeleteNetworkAcl",
                                     "CreateNetworkAclEntry", "DeleteNetworkAclEntry",
                                     "ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation"),
    "cis_network_gateway_changed": calls("ec2", "CreateCustomerGateway", "DeleteCustomerGateway",
                                         "CreateInternetGateway", "DeleteInternetGateway",
                                         "AttachInternetGateway", "DetachInternetGateway"),
    "cis_root_used": root_used,
    "cis_route_table_changed": calls("ec2", "CreateRoute", "ReplaceRoute", "DeleteRoute",
                                     "CreateRouteTable", "DeleteRouteTable",
                                     "ReplaceRouteTableAssociation", "DisassociateRouteTable"),
    "cis_s3_bucket_policy_changed": calls("s3", "PutBucketAcl", *(
        f"{verb}Bucket{what}" for verb in ("Put", "Delete")
        for what in ("Policy", "Cors", "Lifecycle", "Replication"))),
    "cis_security_group_changed": calls("ec2", "CreateSecurityGroup", "DeleteSecurityGroup",
                                        "ModifySecurityGroupRules", *(
        f"{verb}SecurityGroup{way}" for verb in ("Authorize", "Revoke")
        for way in ("Ingress", "Egress"))),
    "cis_unauthorized_api_call": denied,
    "cis_vpc_changed": calls("ec2", "CreateVpc", "DeleteVpc", "ModifyVpcAttribute",
                             "AttachClassicLinkVpc", "DetachClassicLinkVpc", "EnableVpcClassicLink",
                             "DisableVpcClassicLink", *(
        f"{verb}VpcPeeringConnection" for verb in ("Create", "Accept", "Reject", "Delete"))),
    "cloudtrail_event_data_store_changed": calls("cloudtrail", "DeleteEventDataStore",
                                                 "UpdateEventDataStore", "DisableFederation",
                                                 "StopEventDataStoreIngestion"),
    "cloudtrail_logging_stopped": calls("cloudtrail", "StopLogging"),
    "cloudtrail_trail_changed": calls("cloudtrail", "UpdateTrail", "PutEventSelectors",
                                      "PutInsightSelectors", "PutEventConfiguration"),
    "cloudtrail_trail_deleted": calls("cloudtrail", "DeleteTrail"),
    "config_recorder_stopped": calls("config", "StopConfigurationRecorder",
                                     "DeleteConfigurationRecorder", "DeleteDeliveryChannel"),
    "console_sign_in_failed": lambda e: signed_in(e, "Failure"),
    "console_signed_in_without_mfa": lambda e: (
        signed_in(e, "Success") and user_type(e) == "IAMUser"
        and found(e["detail"], "additionalEventData.MFAUsed") == ["No"]
    ),
    "consoleme_access_denied": lambda e: (
        e["source"].startswith("aws.") and e["detail-type"] == API_CALL
        and e["detail"].get("errorCode") in ("UnauthorizedOperation", "AccessDenied")
        and found(e["detail"], "userIdentity.sessionContext.sessionIssuer.arn") != []
    ),
    "consoleme_role_changed": lambda e: call(e, "iam", *ROLE_CALLS) and asked(e, "roleName") != [],
    "database_deleted": lambda e: any(
        call(e, service, "DeleteDBInstance", "DeleteDBCluster", "DeleteTable", "DeleteCluster",
             "DeleteGlobalCluster", "DeleteMultiRegionCluster", "DeleteNamespace")
        for service in ("rds", "dynamodb", "redshift", "redshift-serverless", "docdb-elastic",
                        "dsql", "memorydb")
    ),
    "database_snapshot_shared": lambda e: (
        call(e, "rds", "ModifyDBSnapshotAttribute", "ModifyDBClusterSnapshotAttribute")
        and asked(e, "attributeName") == ["restore"] and asked(e, "valuesToAdd") != []
    ),
    "ebs_snapshot_shared": lambda e: shared(
        e, "ModifySnapshotAttribute", "createVolumePermission.add.items", "userId"
    ),
    "ec2_instances_launched": calls("ec2", "RunInstances"),
    "ec2_instances_started": calls("ec2", "StartInstances"),
    "guardduty_disabled": guardduty_disabled,
    "iam_access_key_created": calls("iam", "CreateAccessKey"),
    "iam_login_profile_created": calls("iam", "CreateLoginProfile"),
    "iam_user_created": calls("iam", "CreateUser"),
    "kms_key_deletion_scheduled": calls("kms", "ScheduleKeyDeletion"),
    "kms_key_disabled": calls("kms", "DisableKey"),
    "kms_key_policy_changed": calls("kms", "PutKeyPolicy"),
    "organization_left": left_organization,
    "organization_policy_removed": calls(
        "organizations", "DeletePolicy", "DetachPolicy", "DisablePolicyType", "UpdatePolicy"),
    "root_session_used": lambda e: (
        e["source"].startswith("aws.") and e["detail-type"] == API_CALL
        and user_type(e) == "Root" and "errorCode" not in e["detail"]
        and e["detail"].get("readOnly") is False
        and found(e["detail"], "userIdentity.sessionContext.assumedRoot") == ["true"]
    ),
    "organization_trusted_access_disabled": lambda e: (
        call(e, "organizations", "DisableAWSServiceAccess", "DeregisterDelegatedAdministrator")
        and any(who == "cloudtrail.amazonaws.com"
                or str(who).endswith("stacksets.cloudformation.amazonaws.com")
                for who in asked(e, "servicePrincipal"))
    ),
    "root_console_signed_in": lambda e: signed_in(e, "Success") and user_type(e) == "Root",
    "s3_bucket_acl_opened": acl_opened,
    "s3_bucket_policy_changed": calls("s3", "PutBucketPolicy"),
    "account_permissions_read": calls("iam", "GetAccountAuthorizationDetails"),
    "buckets_listed_with_lasting_keys": lambda e: call(e, "s3", "ListBuckets") and bool(
        {"IAMUser", "Root"} & set(found(e["detail"], "userIdentity.type"))),
    "credential_report_read": calls("iam", "GetCredentialReport"),
    "instance_password_read": calls("ec2", "GetPasswordData"),
    "instance_user_data_read": lambda e: call(e, "ec2", "DescribeInstanceAttribute")
    and "userData" in asked(e, "attribute"),
    "parameter_decrypted": lambda e: call(
        e, "ssm", "GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory"
    ) and any(value is True for value in asked(e, "withDecryption")),
    "secret_value_read": calls("secretsmanager", "GetSecretValue", "BatchGetSecretValue"),
    "s3_public_access_block_removed": block_removed,
    "security_group_opened": opened,
    "trailbus_bus_changed": bus_changed,
    "trailbus_consumer_changed": consumer_changed,
    "trailbus_remediation_switched": lambda e: call(
        e, "ssm", "PutParameter", "DeleteParameter", "DeleteParameters"
    ) and any(str(name).endswith(f"/{PREFIX}/remediation")
              for name in [*asked(e, "name"), *asked(e, "names")]),
    "trailbus_role_changed": role_changed,
    "trailbus_rule_changed": lambda e: ours_on_the_bus(e) and call(
        e, "events", "EnableRule", "PutRule", "PutTargets"),
    "trailbus_rule_silenced": lambda e: ours_on_the_bus(e) and call(
        e, "events", "DisableRule", "DeleteRule", "RemoveTargets"),
    "trailbus_store_changed": store_changed,
    "trailbus_stackset_changed": stackset_changed,
    "vpc_flow_logs_deleted": calls("ec2", "DeleteFlowLogs"),
}  # fmt: skip
every_condition = pytest.mark.parametrize("name", CONDITIONS)


@every_condition
def test_every_example_of_every_detection_is_decided_alike_in_plain_python(name: str) -> None:
    pattern = compiled(PATTERNS[name])
    condition = CONDITIONS[name]
    different = [
        example.place
        for (_, example), event in zip(EXAMPLES, EVENTS, strict=True)
        if pattern.matches(event) is not condition(event)
    ]
    assert different == []


@requires_data
@every_condition
def test_recorded_events_are_matched_as_counted_in_plain_python(name: str) -> None:
    pattern = compiled(PATTERNS[name])
    condition = CONDITIONS[name]
    matched = [e["detail"]["eventID"] for e in recorded_events() if pattern.matches(e)]
    counted = [e["detail"]["eventID"] for e in recorded_events() if condition(e)]
    assert matched == counted


def _count(name: str) -> int:
    pattern = compiled(PATTERNS[name])
    return sum(pattern.matches(event) for event in recorded_events())


@requires_data
def test_what_matches_a_recorded_event_is_counted_in_plain_python_too() -> None:
    uncounted = set(DETECTIONS) - set(CONDITIONS)
    assert {name for name in uncounted if _count(name)} == set()


AS_EXPECTED: list[tuple[str, tuple[str, ...]]] = [
    ("denied_family", ("cis_unauthorized_api_call",)),
    ("console_login_failure", ("console_sign_in_failed",)),
    ("console_login_no_mfa", ("console_signed_in_without_mfa", "root_console_signed_in")),
    (
        "cloudtrail_tamper_success",
        (
            "cloudtrail_logging_stopped",
            "cloudtrail_trail_changed",
            "cloudtrail_trail_deleted",
            "cloudtrail_event_data_store_changed",
        ),
    ),
    ("iam_create_user_success", ("iam_user_created",)),
]


@requires_data
@pytest.mark.parametrize(("expected", "detections"), AS_EXPECTED)
def test_counts_are_those_that_were_worked_out_elsewhere(
    expected: str, detections: tuple[str, ...]
) -> None:
    numbers = json.loads((DATA / "cloudtrail" / "expected.json").read_text(encoding="utf-8"))
    assert sum(_count(name) for name in detections) == numbers["patterns"][expected]


@requires_data
@every_detection
def test_no_recorded_read_is_taken_by_a_detection_that_is_not_read_only(
    detection: Detection,
) -> None:
    if detection.read_only:
        return
    pattern = compiled(PATTERNS[detection.id])
    for event in recorded_events():
        name = event["detail"].get("eventName", "")
        if event["detail"].get("readOnly") is True and name.startswith(("Get", "List", "Describe")):
            assert not pattern.matches(event), name
