"""Functions: batches from their queues, what fails and how often, and whose rights they have."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import boto3
import pytest
from moto.sqs.models import sqs_backends

from generator.simulation.functions import RAISED, Functions, simulated_now
from generator.simulation.journeys import Action
from generator.simulation.staging import stage
from generator.simulation.world import Resource

from .conftest import (
    AWAY,
    CENTRAL,
    HOME,
    MEMBER,
    OTHER,
    QUEUE,
    ROLE,
    Laboratory,
    altered,
    bodies_in,
    lying_in,
    stop_of,
    without,
)

GUARD = "trailbus-trail-guard"
LETTERS = "trailbus-trail-guard-dead-letters"
NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def guard(lab: Laboratory) -> Resource:
    found: Resource = lab.resource("AWS::Lambda::Function", GUARD)
    return found


def mapping(lab: Laboratory) -> Resource:
    queue = lab.resource(QUEUE, GUARD).arn
    return next(
        one
        for one in lab.world.inventory.of_type(CENTRAL, HOME, "AWS::Lambda::EventSourceMapping")
        if one.properties["EventSourceArn"] == queue
    )


@contextmanager
def running(lab: Laboratory, code: str) -> Iterator[Functions]:
    """The functions while the trail guard has other code."""
    with altered(guard(lab), Code={"ZipFile": code}):
        yield Functions(lab.world, lab.cloud.edge, CENTRAL, HOME)


def put(lab: Laboratory, *messages: str) -> None:
    for message in messages:
        sqs_backends[CENTRAL][HOME].send_message(GUARD, message)


def tries(lab: Laboratory) -> int:
    redrive = lab.resource(QUEUE, GUARD).properties["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == lab.resource(QUEUE, LETTERS).arn
    return int(redrive["maxReceiveCount"])


# --- What fails

CRASHES = "def handler(event, context):\n    raise ValueError('no \\x1b[2J')\n"


def test_handler_that_crashes_is_tried_until_its_messages_are_dead_letters(
    lab: Laboratory,
) -> None:
    put(lab, "a", "b")
    with running(lab, CRASHES) as functions:
        assert functions.pump(NOW) == []
    assert bodies_in(lab.resource(QUEUE, GUARD)) == []
    assert sorted(bodies_in(lab.resource(QUEUE, LETTERS))) == ["a", "b"]
    assert functions.log[::2] == [f"{GUARD}: ValueError: no \x1b[2J"] * tries(lab)


COUNTS = """
import json
seen = []

def handler(event, context):
    batch = [record["messageId"] for record in event["Records"]]
    seen.append([record["body"] for record in event["Records"]])
    bad = [r["messageId"] for r in event["Records"] if r["body"].startswith("bad")]
    print(json.dumps(seen[-1]))
    return {"batchItemFailures": [{"itemIdentifier": each} for each in bad]}
"""


def test_only_the_messages_that_failed_are_tried_again(lab: Laboratory) -> None:
    put(lab, "good 1", "bad 1", "good 2")
    with running(lab, COUNTS) as functions:
        functions.pump(NOW)
    batches = [json.loads(line) for line in functions.log]
    assert batches[0] == ["good 1", "bad 1", "good 2"]
    assert batches[1:] == [["bad 1"]] * (tries(lab) - 1)
    assert bodies_in(lab.resource(QUEUE, LETTERS)) == ["bad 1"]


def test_what_is_named_counts_only_where_the_mapping_asks_for_it(lab: Laboratory) -> None:
    put(lab, "bad 1", "good 1")
    with altered(mapping(lab), FunctionResponseTypes=[]), running(lab, COUNTS) as functions:
        functions.pump(NOW)
    assert len(functions.log) == 1
    assert bodies_in(lab.resource(QUEUE, LETTERS)) == []


@pytest.mark.parametrize("answer", ["None", "{}", "{'batchItemFailures': []}", "'done'"])
def test_answer_that_names_nothing_means_that_all_is_done(lab: Laboratory, answer: str) -> None:
    put(lab, "a", "b")
    with running(lab, f"def handler(event, context):\n    return {answer}\n") as functions:
        functions.pump(NOW)
    for queue in (GUARD, LETTERS):
        assert bodies_in(lab.resource(QUEUE, queue)) == []


@pytest.mark.parametrize("named", ["'strange'", "None", "''"])
def test_answer_that_names_a_stranger_fails_the_whole_batch(lab: Laboratory, named: str) -> None:
    put(lab, "a", "b")
    code = (
        f"def handler(e, c):\n    return {{'batchItemFailures': [{{'itemIdentifier': {named}}}]}}"
    )
    with running(lab, code) as functions:
        functions.pump(NOW)
    assert sorted(bodies_in(lab.resource(QUEUE, LETTERS))) == ["a", "b"]


def test_queue_without_dead_letters_that_never_gets_rid_of_a_message_is_a_fault(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.simulation.functions.RECEIVED_AT_MOST", 30)
    put(lab, "a")
    backend = sqs_backends[CENTRAL][HOME].get_queue(GUARD)
    redrive, backend.redrive_policy = backend.redrive_policy, None
    try:
        with running(lab, CRASHES) as functions, pytest.raises(AssertionError, match="for ever"):
            functions.pump(NOW)
    finally:
        backend.redrive_policy = redrive


# --- What it is given


def test_record_is_what_lambda_hands_over(lab: Laboratory) -> None:
    put(lab, "a")
    code = "import json\ndef handler(event, context):\n    print(json.dumps(event))\n"
    with running(lab, code) as functions:
        functions.pump(NOW)
    [record] = json.loads(functions.log[0])["Records"]
    assert record["body"] == "a"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == lab.resource(QUEUE, GUARD).arn
    assert record["awsRegion"] == HOME
    assert record["attributes"]["ApproximateReceiveCount"] == "1"


LOOKS = """
import json
import os

import boto3

made = []
made.append(1)


def handler(event, context):
    made.append(1)
    who = boto3.client("sts").get_caller_identity()
    print(json.dumps({
        "settings": os.environ["TRAILBUS_SETTINGS"],
        "region": os.environ["AWS_REGION"],
        "default": boto3.Session().region_name,
        "who": who["Arn"],
        "name": context.function_name,
        "now": now().isoformat(),
        "made": len(made),
    }))
"""


def test_function_has_its_variables_its_role_and_its_time(lab: Laboratory) -> None:
    with running(lab, LOOKS) as functions:
        put(lab, "a")
        functions.pump(NOW)
        put(lab, "b")
        functions.pump(NOW)
    first, second = [json.loads(line) for line in functions.log]
    settings = guard(lab).properties["Environment"]["Variables"]["TRAILBUS_SETTINGS"]
    role = str(guard(lab).properties["Role"]).rpartition("/")[2]
    assert first == {
        "settings": settings,
        "region": HOME,
        "default": HOME,
        "who": f"arn:aws:sts::{CENTRAL}:assumed-role/{role}/{GUARD}",
        "name": GUARD,
        "now": NOW.isoformat(),
        "made": 2,
    }
    # It is loaded once, as a warm environment keeps it.
    assert second["made"] == 3


@pytest.mark.parametrize("code", [LOOKS, CRASHES], ids=["done", "crashed"])
def test_nothing_of_a_function_stays_behind(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setenv("AWS_REGION", "mars-1")
    monkeypatch.delenv("TRAILBUS_SETTINGS", raising=False)
    before, session, index = dict(os.environ), boto3.DEFAULT_SESSION, sys.modules.get("index")
    put(lab, "a")
    with running(lab, code) as functions:
        functions.pump(NOW)
    assert dict(os.environ) == before
    assert boto3.DEFAULT_SESSION is session
    assert sys.modules.get("index") is index


def test_printed_lines_do_not_reach_the_terminal(
    lab: Laboratory, capsys: pytest.CaptureFixture[str]
) -> None:
    put(lab, "a")
    with running(lab, LOOKS) as functions:
        functions.pump(NOW)
    assert capsys.readouterr().out == ""


def test_function_can_be_invoked_by_itself(lab: Laboratory) -> None:
    with running(lab, "def handler(event, context):\n    return event['x'] / event['y']") as made:
        assert made.run(guard(lab), {"x": 6, "y": 2}, NOW) == 3
        assert made.run(guard(lab), {"x": 6, "y": 0}, NOW) is RAISED
    assert made.log[0] == f"{GUARD}: ZeroDivisionError: division by zero"


# --- The responder itself


def test_unreadable_notices_lie_in_the_dead_letters_and_the_others_are_done(
    lab: Laboratory,
) -> None:
    event = stop_of("among-others", MEMBER, AWAY)
    stage(lab.cloud, event)
    put(lab, "no notice", "[]", '{"event": {"detail": 7}}')
    journey = lab.send(event)
    assert [(action.call, action.outcome) for action in journey.actions] == [
        ("cloudtrail:StartLogging", "ok")
    ]
    lying = bodies_in(lab.resource(QUEUE, LETTERS))
    assert sorted(lying) == sorted(["no notice", "[]", '{"event": {"detail": 7}}'])
    assert bodies_in(lab.resource(QUEUE, GUARD)) == []


def started(lab: Laboratory, name: str) -> list[Action]:
    event = stop_of(name, MEMBER, AWAY)
    event["detail"]["eventID"] = name
    stage(lab.cloud, event)
    return lab.send(event).actions


def member_role(lab: Laboratory) -> Resource:
    [found] = [
        one
        for one in lab.world.inventory.of_type(MEMBER, HOME, ROLE)
        if one.properties["RoleName"].startswith("trailbus-restart")
    ]
    return found


def test_without_its_role_in_the_member_it_tries_and_leaves_a_dead_letter(lab: Laboratory) -> None:
    with without(lab.world, member_role(lab)):
        assert started(lab, "no-role") == []
    [message] = lying_in(lab.resource(QUEUE, LETTERS))
    assert json.loads(message.body)["event"]["detail"]["eventID"] == "no-role"


def test_role_that_may_not_start_a_trail_is_told_by_the_action(lab: Laboratory) -> None:
    role = member_role(lab)
    reading = json.loads(json.dumps(role.properties["Policies"]))
    for policy in reading:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            kept = [actions] if isinstance(actions, str) else actions
            statement["Action"] = [one for one in kept if "Start" not in one] or ["sts:None"]
    with altered(role, Policies=reading):
        actions = started(lab, "may-not")
    assert {(action.call, action.outcome) for action in actions} == {
        ("cloudtrail:StartLogging", "AccessDeniedException")
    }


# --- Time

TIMES: list[tuple[str, str]] = [
    ("2026-11-03T11:59:00Z", "2026-11-03T12:00:00+00:00"),
    ("2026-11-03T11:59:00+02:00", "2026-11-03T10:00:00+00:00"),
    ("2026-11-03T11:59:00", "2026-11-03T12:00:00+00:00"),
    ("yesterday", "1970-01-01T00:01:00+00:00"),
    ("", "1970-01-01T00:01:00+00:00"),
    ("9999-12-31T23:59:59Z", "1970-01-01T00:01:00+00:00"),
    ("0001-01-01T00:00:00+14:00", "1970-01-01T00:01:00+00:00"),
]


@pytest.mark.parametrize(("event_time", "now"), TIMES)
def test_events_are_handled_a_minute_after_they_happened(event_time: str, now: str) -> None:
    assert simulated_now(event_time).isoformat() == now


# --- Rights: asked by a function, answered by the policies of the stacks


def attempt(lab: Laboratory, call: str) -> str:
    """What the guard is told when it makes a call: the code, and the whole sentence."""
    code = (
        "import boto3, botocore, os\nfrom botocore.exceptions import ClientError\n"
        "def handler(event, context):\n"
        f"    try:\n        print({call})\n"
        "    except ClientError as error:\n"
        "        print(error.response['Error']['Code'], error, sep='|')\n"
    )
    with running(lab, code) as functions:
        functions.run(guard(lab), {}, NOW)
    return functions.log[0]


DENIED: list[tuple[str, str, str, str]] = [
    (
        "a trail of the central account",
        "boto3.client('cloudtrail').start_logging(Name='mine')",
        "AccessDeniedException",
        f"cloudtrail:StartLogging on resource: arn:aws:cloudtrail:{HOME}:{CENTRAL}:trail/mine",
    ),
    (
        "another parameter",
        "boto3.client('ssm').get_parameter(Name='/other/secret')",
        "AccessDeniedException",
        f"ssm:GetParameter on resource: arn:aws:ssm:{HOME}:{CENTRAL}:parameter/other/secret",
    ),
    (
        "another table",
        "boto3.client('dynamodb').get_item(TableName='other', Key={'id': {'S': 'x'}})",
        "AccessDeniedException",
        f"dynamodb:GetItem on resource: arn:aws:dynamodb:{HOME}:{CENTRAL}:table/other",
    ),
    (
        "another topic",
        f"boto3.client('sns').publish(TopicArn='arn:aws:sns:{HOME}:{CENTRAL}:other', Message='x')",
        "AuthorizationError",
        f"SNS:Publish on resource: arn:aws:sns:{HOME}:{CENTRAL}:other",
    ),
    (
        "another role",
        f"boto3.client('sts').assume_role(RoleArn='arn:aws:iam::{MEMBER}:role/trailbus-forwarder', "
        "RoleSessionName='session')",
        "AccessDenied",
        f"sts:AssumeRole on resource: arn:aws:iam::{MEMBER}:role/trailbus-forwarder",
    ),
    (
        "a role that is not there",
        f"boto3.client('sts').assume_role(RoleArn='arn:aws:iam::{OTHER}:role/nobody', "
        "RoleSessionName='session')",
        "AccessDenied",
        f"sts:AssumeRole on resource: arn:aws:iam::{OTHER}:role/nobody",
    ),
]


@pytest.mark.parametrize(
    ("call", "code", "what"), [row[1:] for row in DENIED], ids=[row[0] for row in DENIED]
)
def test_call_that_the_role_may_not_make_is_denied_in_the_words_of_aws(
    lab: Laboratory, call: str, code: str, what: str
) -> None:
    said = attempt(lab, call)
    role = str(guard(lab).properties["Role"]).rpartition("/")[2]
    given, _, text = said.partition("|")
    assert given == code
    who = f"User: arn:aws:sts::{CENTRAL}:assumed-role/{role}/{GUARD}"
    assert f"{who} is not authorized to perform: {what}" in text


UNKNOWN = [
    ("a service that nobody simulates", "boto3.client('athena').list_work_groups()"),
    ("an operation without a permission", "boto3.client('cloudtrail').delete_trail(Name='abc')"),
    ("an operation of tokens", "boto3.client('sts').get_session_token()"),
]


@pytest.mark.parametrize("call", [row[1] for row in UNKNOWN], ids=[row[0] for row in UNKNOWN])
@pytest.mark.parametrize("swallowed", [False, True])
def test_call_that_the_simulation_does_not_know_is_its_own_fault(
    lab: Laboratory, call: str, swallowed: bool
) -> None:
    code = f"import boto3\ndef handler(event, context):\n    {call}\n"
    if swallowed:
        code = (
            "import boto3\ndef handler(event, context):\n"
            f"    try:\n        {call}\n    except BaseException:\n        pass\n"
        )
    lab.cloud.edge.check_for_faults()
    try:
        with running(lab, code) as functions, pytest.raises(AssertionError):
            functions.run(guard(lab), {}, NOW)
    finally:
        lab.cloud.edge._fault, lab.cloud.edge._unanswered = None, ""


def test_call_that_awss_own_model_forbids_fails_before_anybody_answers(lab: Laboratory) -> None:
    code = "import boto3\ndef handler(e, c):\n    boto3.client('cloudtrail').start_logging(Nam='x')"
    before = len(lab.cloud.edge.calls)
    with running(lab, code) as functions:
        assert functions.run(guard(lab), {}, NOW) is RAISED
    assert "ParamValidationError" in functions.log[0]
    assert len(lab.cloud.edge.calls) == before


def test_session_of_the_member_role_may_start_trails_of_its_account_only(lab: Laboratory) -> None:
    role = member_role(lab).arn
    for account in (MEMBER, OTHER):
        lab.cloud.trails.add(account, AWAY, "rights", logging=False)
    code = f"""
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    answer = boto3.client("sts").assume_role(RoleArn="{role}", RoleSessionName="session")
    given = answer["Credentials"]
    client = boto3.client("cloudtrail", region_name="{AWAY}",
        aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"])
    for account in ("{MEMBER}", "{OTHER}"):
        try:
            client.start_logging(Name=f"arn:aws:cloudtrail:{AWAY}:{{account}}:trail/rights")
            print("ok")
        except ClientError as error:
            print(error.response["Error"]["Code"])
"""
    with running(lab, code) as functions:
        functions.run(guard(lab), {}, NOW)
    assert functions.log == ["ok", "AccessDeniedException"]
