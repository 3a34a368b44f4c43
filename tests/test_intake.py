"""The SIEM intake: who may write to its bucket, what its queue is told, and who may read both."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from moto import mock_aws
from moto.cloudtrail.models import cloudtrail_backends
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from generator import names
from generator.model import NOTHING
from generator.simulation import access
from generator.simulation.authorization import Caller, Policy, identity_policy, trust_policy
from generator.simulation.cloudformation import CloudFormation
from generator.simulation.world import Account, ServiceError, World
from generator.simulation.world import Resource as Made
from tests import shapes
from tests.shapes import MANAGEMENT, ORGANIZATION, STRANGER, Stack, identity, may, may_assume
from tests.simulation.cloudformation.ask import Asking, organization_of, parameters

LOG = "333333333333"
HOME = "eu-west-1"
CLOUDTRAIL = Caller.aws_service("cloudtrail.amazonaws.com")
S3 = Caller.aws_service("s3.amazonaws.com")
TRAIL = f"arn:aws:cloudtrail:{HOME}:{MANAGEMENT}:trail/trailbus-organization"
BUCKET = f"trailbus-intake-{LOG}-{HOME}"
OBJECTS = f"arn:aws:s3:::{BUCKET}"
LOG_FILE = (
    f"AWSLogs/{ORGANIZATION}/111122223333/CloudTrail/us-east-1/2026/11/03/"
    "111122223333_CloudTrail_us-east-1_20261103T1200Z_Mu0KsOhtH1ar15ZZ.json.gz"
)
DIGEST = (
    f"AWSLogs/{ORGANIZATION}/111122223333/CloudTrail-Digest/us-east-1/2026/11/03/"
    "111122223333_CloudTrail-Digest_us-east-1_trailbus-organization_eu-west-1_20261103T120000Z"
    ".json.gz"
)
OWNED = {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SecureTransport": True}
SEKOIA = "app.sekoia.io/api/v1/symphony/oidc"
PROVIDER = f"arn:aws:iam::{LOG}:oidc-provider/{SEKOIA}"
COMMUNITY, CONFIGURATION = (f"{digit * 8}-1111-2222-3333-444455556666" for digit in "ab")
READERS = {
    "ReaderAccountId": "777788889999",
    "ReaderRoleArn": "arn:aws:iam::777788889999:role/Siem",
    "ReaderExternalId": "between-us",
    "SekoiaOidcProviderArn": PROVIDER,
    "SekoiaCommunityUuid": COMMUNITY,
    "SekoiaModuleConfigurationUuid": CONFIGURATION,
}


def stack(**given: str) -> Stack:
    return shapes.intake(shapes.rendered("built-in"), given, shapes.IN_MEMBER)


def writes(key: str, caller: Caller = CLOUDTRAIL, **context: Any) -> bool:
    """Whether the bucket's policy lets somebody put an object there."""
    made = stack()
    policy = shapes.policy_on(made, made.resources["Bucket"])
    keys = {**OWNED, "aws:SourceArn": TRAIL, **context}
    named = {name.replace(":", "__"): value for name, value in keys.items() if value is not None}
    return may(caller, "s3:PutObject", f"{OBJECTS}/{key}", policy, **named)


# --- Who writes


def test_the_trail_writes_where_an_organization_trail_does() -> None:
    assert writes(LOG_FILE)
    assert writes(LOG_FILE.replace(ORGANIZATION, MANAGEMENT))
    assert writes(DIGEST)


@pytest.mark.parametrize(
    ("what", "key", "context"),
    [
        ("another trail", LOG_FILE, {"aws:SourceArn": TRAIL + "2"}),
        ("a trail of another account", LOG_FILE, {"aws:SourceArn": TRAIL.replace("1" * 12, LOG)}),
        (
            "a trail of another Region",
            LOG_FILE,
            {"aws:SourceArn": TRAIL.replace(HOME, "sa-east-1")},
        ),
        ("nobody knows which trail", LOG_FILE, {"aws:SourceArn": None}),
        ("without giving the object away", LOG_FILE, {"s3:x-amz-acl": None}),
        ("for everybody to read", LOG_FILE, {"s3:x-amz-acl": "public-read"}),
        ("in the clear", LOG_FILE, {"aws:SecureTransport": False}),
        ("another organization's", LOG_FILE.replace(ORGANIZATION, "o-zzzzzzzzzz"), {}),
        ("a member's own trail", LOG_FILE.replace(f"/{ORGANIZATION}/", "/"), {}),
        ("beside the folder", LOG_FILE.replace("AWSLogs/", "Other/"), {}),
    ],
)
def test_nothing_else_is_written(what: str, key: str, context: Mapping[str, Any]) -> None:
    assert not writes(key, **context), what


@pytest.mark.parametrize("service", ["s3", "config", "firehose", "logging.s3"])
def test_no_other_service_writes(service: str) -> None:
    assert not writes(LOG_FILE, Caller.aws_service(f"{service}.amazonaws.com"))


def test_plain_http_is_denied_even_to_who_may_everything() -> None:
    made = stack()
    policy = shapes.policy_on(made, made.resources["Bucket"])
    root = Caller.root(LOG)
    for action in ("s3:GetObject", "s3:DeleteObject"):
        arn = f"{OBJECTS}/{LOG_FILE}"
        assert not may(root, action, arn, policy, owner=LOG, aws__SecureTransport=False)
        assert may(root, action, arn, policy, owner=LOG, aws__SecureTransport=True)
    assert not may(root, "s3:ListBucket", OBJECTS, policy, owner=LOG, aws__SecureTransport=False)


@pytest.mark.parametrize(
    ("given", "trail"),
    [
        ({}, TRAIL),
        ({"TrailName": "theirs"}, TRAIL.replace("trailbus-organization", "theirs")),
        ({"TrailName": "theirs", "MakeOrganizationTrail": "yes"}, TRAIL),
        ({"TrailRegion": "us-east-1"}, TRAIL.replace(HOME, "us-east-1")),
        ({"TrailRegion": "us-east-1", "MakeOrganizationTrail": "yes"}, TRAIL),
    ],
)
def test_the_one_trail_is_the_new_one_or_the_named_one(given: Any, trail: str) -> None:
    made = stack(**given)
    assert made.outputs["TrailArn"] == trail
    policy = shapes.policy_on(made, made.resources["Bucket"])
    arn = f"{OBJECTS}/{LOG_FILE}"
    context: dict[str, Any] = {name.replace(":", "__"): value for name, value in OWNED.items()}
    assert may(CLOUDTRAIL, "s3:PutObject", arn, policy, aws__SourceArn=trail, **context)
    assert may(CLOUDTRAIL, "s3:GetBucketAcl", OBJECTS, policy, aws__SourceArn=trail)
    key = made.resources["TrailKey"]
    assert _encrypts(made, trail, trail)
    assert may(
        CLOUDTRAIL, "kms:DescribeKey", key.arn, shapes.policy_on(made, key), aws__SourceArn=trail
    )


def _encrypts(made: Stack, source: str, context: str) -> bool:
    key = made.resources["TrailKey"]
    keys = {"kms:EncryptionContext:aws:cloudtrail:arn": context, "aws:SourceArn": source}
    named: dict[str, Any] = {name.replace(":", "__"): value for name, value in keys.items()}
    policy = shapes.policy_on(made, key)
    return may(CLOUDTRAIL, "kms:GenerateDataKey", key.arn, policy, **named)


def test_the_key_serves_the_one_trail() -> None:
    made = stack()
    other = TRAIL + "2"
    assert _encrypts(made, TRAIL, TRAIL)
    assert not _encrypts(made, other, TRAIL)
    assert not _encrypts(made, TRAIL, TRAIL.replace("1" * 12, LOG))
    key = made.resources["TrailKey"]
    policy = shapes.policy_on(made, key)
    assert not may(CLOUDTRAIL, "kms:Decrypt", key.arn, policy, aws__SourceArn=TRAIL)


# --- Who reads

ROLE = Caller.role_session("arn:aws:iam::777788889999:role/Siem", "session")
ANOTHER = Caller.role_session("arn:aws:iam::777788889999:role/Intern", "session")
OUTSIDER = Caller.role_session(f"arn:aws:iam::{STRANGER}:role/Siem", "session")
WHO = READERS["ReaderRoleArn"]


@pytest.mark.parametrize(
    ("given", "caller", "external_id", "allowed"),
    [
        ({}, ROLE, "between-us", True),
        ({}, ROLE, "guessed", False),
        ({}, ROLE, "", False),
        ({}, ANOTHER, "between-us", False),
        ({}, OUTSIDER, "between-us", False),
        ({"ReaderExternalId": ""}, ROLE, "", True),
        ({"ReaderExternalId": ""}, ANOTHER, "", False),
        ({"ReaderRoleArn": ""}, ANOTHER, "between-us", True),
        ({"ReaderRoleArn": ""}, ANOTHER, "guessed", False),
        ({"ReaderRoleArn": ""}, OUTSIDER, "between-us", False),
    ],
)
def test_who_may_become_the_reader(
    given: Any, caller: Caller, external_id: str, allowed: bool
) -> None:
    role = stack(**{**READERS, **given}).resources["ReaderRole"]
    context = {"sts__ExternalId": external_id} if external_id else {}
    asking = (_may_assume_anything(),)
    assert may_assume(caller, role, asking, **context) is allowed


def _may_assume_anything() -> Policy:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    return identity_policy({"Version": "2012-10-17", "Statement": statement}, "the reader's own")


@pytest.mark.parametrize(
    ("audience", "subject", "allowed"),
    [
        ("sts.amazonaws.com", f"community:{COMMUNITY}:modconf:{CONFIGURATION}", True),
        ("sts.amazonaws.com", f"community:{CONFIGURATION}:modconf:{CONFIGURATION}", False),
        ("sts.amazonaws.com", f"community:{COMMUNITY}:modconf:{COMMUNITY}", False),
        ("sts.amazonaws.com", f"community:{COMMUNITY}:modconf:*", False),
        ("someone.else", f"community:{COMMUNITY}:modconf:{CONFIGURATION}", False),
    ],
)
def test_sekoia_comes_with_its_token_for_this_customer(
    audience: str, subject: str, allowed: bool
) -> None:
    role = stack(**READERS).resources["SekoiaRole"]
    trust = trust_policy(role["AssumeRolePolicyDocument"], "the trust")
    token: dict[str, Any] = {f"{SEKOIA}:aud": audience, f"{SEKOIA}:sub": subject}
    caller = Caller.federated(PROVIDER)
    action = "sts:AssumeRoleWithWebIdentity"
    assert may(caller, action, role.arn, trust, **token) is allowed
    assert not may(ROLE, "sts:AssumeRole", role.arn, trust, (_may_assume_anything(),))


QUEUE_ARN = f"arn:aws:sqs:{HOME}:{LOG}:trailbus-intake"
IN_CONTEXT = {"kms__EncryptionContext__aws__s3__arn": f"{OBJECTS}/{LOG_FILE}"}


@pytest.mark.parametrize("name", ["ReaderRole", "SekoiaRole"])
@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        ("sqs:ReceiveMessage", QUEUE_ARN, {}, True),
        ("sqs:DeleteMessage", QUEUE_ARN, {}, True),
        ("sqs:GetQueueUrl", QUEUE_ARN, {}, True),
        ("sqs:GetQueueAttributes", QUEUE_ARN, {}, True),
        ("sqs:ChangeMessageVisibility", QUEUE_ARN, {}, True),
        ("s3:GetObject", f"{OBJECTS}/{LOG_FILE}", {}, True),
        ("kms:Decrypt", "key", IN_CONTEXT, True),
        ("kms:Decrypt", "key", {}, False),
        (
            "kms:Decrypt",
            "key",
            {"kms__EncryptionContext__aws__s3__arn": "arn:aws:s3:::other/AWSLogs/x"},
            False,
        ),
        ("kms:GenerateDataKey", "key", IN_CONTEXT, False),
        ("sqs:SendMessage", QUEUE_ARN, {}, False),
        ("sqs:PurgeQueue", QUEUE_ARN, {}, False),
        ("sqs:ReceiveMessage", f"{QUEUE_ARN}-dead-letters", {}, False),
        ("s3:GetObject", f"{OBJECTS}/other/file", {}, False),
        ("s3:GetObject", f"arn:aws:s3:::other/{LOG_FILE}", {}, False),
        ("s3:PutObject", f"{OBJECTS}/{LOG_FILE}", {}, False),
        ("s3:DeleteObject", f"{OBJECTS}/{LOG_FILE}", {}, False),
        ("s3:ListBucket", OBJECTS, {}, False),
    ],
)
def test_what_a_reader_may_do(
    name: str, action: str, resource: str, context: Any, allowed: bool
) -> None:
    made = stack(**READERS)
    role = made.resources[name]
    arn = made.resources["TrailKey"].arn if resource == "key" else resource
    policy = shapes.policy_on(made, made.resources["TrailKey"]) if resource == "key" else None
    caller = Caller.role_session(role.arn, "siem")
    named = {key.replace("__", ":"): value for key, value in context.items()}
    owner = LOG if arn.startswith("arn:aws:s3:::") else None
    assert may(caller, action, arn, policy, identity(role), owner, **named) is allowed


def test_no_reader_no_role() -> None:
    assert not [one for one in stack().resources.values() if one.type == "AWS::IAM::Role"]
    assert {"ReaderRoleArn", "SekoiaRoleArn"} & set(stack().outputs) == set()


# --- The trail


def test_the_trail_is_one_of_the_whole_organization_that_can_be_validated() -> None:
    trail = stack(MakeOrganizationTrail="yes").resources["OrganizationTrail"]
    for property_ in (
        "IsLogging",
        "IsOrganizationTrail",
        "IsMultiRegionTrail",
        "IncludeGlobalServiceEvents",
        "EnableLogFileValidation",
    ):
        assert trail[property_] is True
    assert trail["S3BucketName"] == BUCKET
    assert trail["KMSKeyId"] == stack().outputs["TrailKeyArn"]
    assert "OrganizationTrail" not in stack().resources


@pytest.mark.parametrize(
    ("choice", "types"),
    [
        ("none", set()),
        ("objects", {"AWS::S3::Object"}),
        ("invocations", {"AWS::Lambda::Function"}),
        ("objects-and-invocations", {"AWS::S3::Object", "AWS::Lambda::Function"}),
    ],
)
def test_data_events_by_choice_but_never_of_its_own_bucket(choice: str, types: set[str]) -> None:
    trail = stack(MakeOrganizationTrail="yes", DataEvents=choice).resources["OrganizationTrail"]
    first, *data = [_fields(one) for one in trail["AdvancedEventSelectors"]]
    assert first == {"eventCategory": {"Equals": ["Management"]}}
    assert {one["resources.type"]["Equals"][0] for one in data} == types
    for one in data:
        assert one["eventCategory"] == {"Equals": ["Data"]}
        if one["resources.type"]["Equals"] == ["AWS::S3::Object"]:
            assert one["resources.ARN"] == {"NotStartsWith": [f"{OBJECTS}/"]}


def _fields(selector: Mapping[str, Any]) -> dict[str, Any]:
    return {
        one["Field"]: {key: value for key, value in one.items() if key != "Field"}
        for one in selector["FieldSelectors"]
    }


def test_noisy_management_events_can_be_left_out() -> None:
    given = {"MakeOrganizationTrail": "yes", "ManagementEvents": "without-kms-and-rds-data"}
    [selector] = stack(**given).resources["OrganizationTrail"]["AdvancedEventSelectors"]
    left_out = ["kms.amazonaws.com", "rdsdata.amazonaws.com"]
    assert _fields(selector)["eventSource"] == {"NotEquals": left_out}


@pytest.mark.parametrize(
    ("choice", "kinds"),
    [
        ("none", None),
        ("rates", ["ApiCallRateInsight"]),
        ("rates-and-errors", ["ApiCallRateInsight", "ApiErrorRateInsight"]),
    ],
)
def test_insights_by_choice(choice: str, kinds: list[str] | None) -> None:
    trail = stack(MakeOrganizationTrail="yes", Insights=choice).resources["OrganizationTrail"]
    given = trail.properties.get("InsightSelectors")
    assert (given and [one["InsightType"] for one in given]) == kinds


# --- Simulated


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield organization_of(4, (HOME, "us-east-1"))


@pytest.fixture
def ask(world: World) -> Asking:
    """CloudFormation, asked by CloudTrail's delegated administrator."""
    world.organization.add(Account(LOG, "logs", world.organization.root))
    world.organization.trusted.add("cloudtrail.amazonaws.com")
    return Asking(CloudFormation(world), LOG, HOME)


def deploy(ask: Asking, **given: str) -> dict[str, Any]:
    body = shapes.rendered("built-in").files[names.INTAKE]
    required = {"OrganizationId": ORGANIZATION, "ManagementAccountId": MANAGEMENT}
    return ask.create(body, "intake", Parameters=parameters(**required, **given))


def delivered(world: World, key: str, content: Any, trail: str = TRAIL) -> bool:
    """CloudTrail puts an object, if bucket and key let it."""
    bucket = _resource(world, "AWS::S3::Bucket")
    [key_arn] = [
        rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]
        for rule in bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    ]
    source = {"aws:SourceArn": trail}
    context = {"kms:EncryptionContext:aws:cloudtrail:arn": trail, **source}
    put = access.allows(
        world, CLOUDTRAIL, "s3:PutObject", f"{bucket.arn}/{key}", {**OWNED, **source}
    )
    sealed = access.allows(world, CLOUDTRAIL, "kms:GenerateDataKey", key_arn, context)
    if put.allowed and sealed.allowed:
        body = gzip.compress(json.dumps(content).encode(), mtime=0)
        s3_backends[LOG]["aws"].put_object(bucket.physical_id, key, body)
    return put.allowed and sealed.allowed


def _resource(world: World, type_: str) -> Made:
    [found] = world.inventory.of_type(LOG, HOME, type_)
    return found


def told(name: str = "trailbus-intake") -> list[dict[str, Any]]:
    """What a reader of the queue receives, less S3's test message."""
    queue = sqs_backends[LOG][HOME].get_queue(name)
    bodies = [json.loads(message.body) for message in queue.messages]
    return [body for body in bodies if body.get("Event") != "s3:TestEvent"]


def fetched(message: Mapping[str, Any]) -> list[Any]:
    """The records that a SIEM gets by a notification, as it reads one: the object's `Records`."""
    found = []
    for record in message["Records"]:
        bucket, key = record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]
        stored = s3_backends[LOG]["aws"].get_object(bucket, unquote(key))
        assert stored is not None
        found += json.loads(gzip.decompress(stored.value)).get("Records", [])
    return found


def test_the_siem_is_told_of_a_log_file_by_s3_itself(ask: Asking, world: World) -> None:
    made = deploy(ask, **READERS)
    assert made["StackStatus"] == "CREATE_COMPLETE", ask.reasons("intake")
    record = {"eventName": "StopLogging", "eventID": "1"}

    assert delivered(world, LOG_FILE, {"Records": [record]})

    [message] = told()
    [notification] = message["Records"]
    assert notification["eventSource"] == "aws:s3"
    assert notification["eventName"].startswith("ObjectCreated:")
    assert notification["awsRegion"] == HOME
    assert notification["s3"]["bucket"]["name"] == BUCKET
    assert "+" not in notification["s3"]["object"]["key"]
    assert fetched(message) == [record]


def test_a_digest_is_told_of_too_and_holds_no_records(ask: Asking, world: World) -> None:
    """S3 filters by prefix and suffix alone: no filter tells the two apart in an organization."""
    deploy(ask)
    assert delivered(world, DIGEST, {"digestS3Bucket": BUCKET, "logFiles": []})
    [message] = told()
    assert fetched(message) == []


@pytest.mark.parametrize("key", ["AWSLogs/", f"AWSLogs/{ORGANIZATION}/111122223333/CloudTrail/"])
def test_folders_are_not_told_of(ask: Asking, world: World, key: str) -> None:
    deploy(ask)
    s3_backends[LOG]["aws"].put_object(BUCKET, key, b"")
    s3_backends[LOG]["aws"].put_object(BUCKET, "restored/a.json.gz", b"")
    assert told() == []


def test_another_trail_writes_nothing_and_nobody_is_told(ask: Asking, world: World) -> None:
    deploy(ask)
    assert not delivered(world, LOG_FILE, {"Records": []}, trail=TRAIL + "-of-somebody")
    assert told() == []


def test_the_queue_takes_from_this_bucket_alone(ask: Asking, world: World) -> None:
    deploy(ask)
    arn = f"arn:aws:sqs:{HOME}:{LOG}:trailbus-intake"

    def takes(source: str, account: str, caller: Caller = S3) -> bool:
        context = {"aws:SourceArn": source, "aws:SourceAccount": account}
        return access.allows(world, caller, "sqs:SendMessage", arn, context).allowed

    assert takes(OBJECTS, LOG)
    assert not takes("arn:aws:s3:::somebody-elses", LOG)
    # A bucket of this name that somebody took after ours was deleted.
    assert not takes(OBJECTS, STRANGER)
    assert not takes(OBJECTS, LOG, CLOUDTRAIL)
    assert not takes(OBJECTS, LOG, Caller.anonymous())


def test_the_management_account_makes_the_trail(world: World) -> None:
    world.organization.trusted.add("cloudtrail.amazonaws.com")
    ask = Asking(CloudFormation(world), MANAGEMENT, HOME)
    made = deploy(ask, MakeOrganizationTrail="yes", Insights="rates", DataEvents="objects")
    assert made["StackStatus"] == "CREATE_COMPLETE", ask.reasons("intake")
    [trail] = world.inventory.of_type(MANAGEMENT, HOME, "AWS::CloudTrail::Trail")
    assert trail.properties["IsLogging"] is True


@pytest.mark.parametrize("delegates", [set(), {LOG}], ids=["a member", "the delegate"])
def test_no_other_account_can_make_the_trail(
    ask: Asking, world: World, delegates: set[str]
) -> None:
    world.organization.delegates["cloudtrail.amazonaws.com"] = delegates
    with pytest.raises(ServiceError, match=r"in the management account only.*NewTrailCommand"):
        deploy(ask, MakeOrganizationTrail="yes")


def test_a_delegated_administrators_stack_does_not_find_the_trail_it_made(
    ask: Asking, world: World
) -> None:
    """What the rule is for: without it the stack rolls back, and leaves the trail behind."""
    world.organization.delegates["cloudtrail.amazonaws.com"] = {LOG}
    body = yaml.safe_load(shapes.rendered("built-in").files[names.INTAKE])
    del body["Rules"]["TheManagementAccountMakesTheTrail"]
    required = {"OrganizationId": ORGANIZATION, "ManagementAccountId": MANAGEMENT}
    given = parameters(**required, MakeOrganizationTrail="yes")
    made = ask.create(json.dumps(body), "intake", Parameters=given)
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "TrailNotFoundException" in str(ask.reasons("intake"))
    assert "trailbus-organization" in cloudtrail_backends[MANAGEMENT][HOME].trails


def test_elsewhere_the_stack_says_the_command_that_makes_its_trail() -> None:
    made = stack()
    words = made.outputs["NewTrailCommand"].replace(" && ", " ").split()
    for option, value in {
        "--s3-bucket-name": BUCKET,
        "--kms-key-id": made.outputs["TrailKeyArn"],
        "--name": "trailbus-organization",
    }.items():
        assert words[words.index(option) + 1] == value
    # By its bare name a delegated administrator would not find what it made.
    assert words[-2:] == ["--name", made.outputs["TrailArn"]]
    assert {"--is-organization-trail", "--is-multi-region-trail"} <= set(words)
    assert "NewTrailCommand" not in stack(MakeOrganizationTrail="yes").outputs


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ReaderAccountId": "777788889999"}, "Anybody in the SIEM"),
        ({"SekoiaOidcProviderArn": PROVIDER}, "all of its customers"),
        (
            {"SekoiaOidcProviderArn": PROVIDER, "SekoiaCommunityUuid": COMMUNITY},
            "all of its customers",
        ),
        # What would be made for nobody, or of nothing.
        ({"ReaderRoleArn": READERS["ReaderRoleArn"]}, "give ReaderAccountId too"),
        ({"ReaderExternalId": "between-us"}, "give ReaderAccountId too"),
        ({"SekoiaCommunityUuid": COMMUNITY}, "give SekoiaOidcProviderArn too"),
        ({"SekoiaModuleConfigurationUuid": CONFIGURATION}, "give SekoiaOidcProviderArn too"),
        ({"DataEvents": "objects"}, "choose that at the existing trail"),
        ({"Insights": "rates"}, "choose that at the existing trail"),
        ({"ManagementEvents": "without-kms-and-rds-data"}, "choose that at the existing trail"),
    ],
)
def test_choices_that_do_not_go_together_are_refused(
    ask: Asking, given: dict[str, str], said: str
) -> None:
    with pytest.raises(ServiceError, match=said):
        deploy(ask, **given)


def test_bucket_key_and_queue_outlive_the_stack(ask: Asking, world: World) -> None:
    deploy(ask)
    assert delivered(world, LOG_FILE, {"Records": []})
    assert ask.delete("intake")["StackStatus"] == "DELETE_COMPLETE"
    assert BUCKET in s3_backends[LOG]["aws"].buckets
    assert told()


# --- The hand-off


def test_the_hand_off_names_what_the_templates_make() -> None:
    handed = yaml.safe_load(shapes.rendered("built-in").files[names.SIEM_HANDOFF])
    made = stack(**READERS)
    assert handed["s3_feed"]["queue_name"] == made.outputs["QueueName"]
    role = made.outputs["SekoiaRoleArn"].rpartition("/")[2]
    assert handed["s3_feed"]["aws_role_arn"].rpartition("/")[2] == role
    assert "sqs_feeds" not in handed


def test_the_second_feed_is_every_queue_of_bare_records() -> None:
    bare = {"kind": "queue", "body": "detail"}
    whole = {"kind": "queue", "body": "event"}
    of = shapes.rendering(
        shapes.shape_of(shapes.routed({"siem": bare, "other": whole, "soc": bare}))
    )
    handed = yaml.safe_load(of.files[names.SIEM_HANDOFF])
    assert [feed["queue_name"] for feed in handed["sqs_feeds"]] == ["trailbus-siem", "trailbus-soc"]
    queues = {one["QueueName"] for one in shapes.central(of, NOTHING).of("AWS::SQS::Queue")}
    assert {feed["queue_name"] for feed in handed["sqs_feeds"]} <= queues
