"""Targets of the newer kinds in a simulated organization: what arrives, and what keeps it away."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from generator.model import Json, Shape
from generator.simulation.arrivals import workflows
from generator.simulation.functions import simulated_now
from generator.simulation.journeys import Journey
from generator.simulation.loopback import Loopback
from generator.simulation.organization import DEFAULT_PLACE
from generator.simulation.world import Execution, Request, Response
from tests.shapes import A_MACHINE, MACHINE, shape_of

from .conftest import (
    AWAY,
    CENTRAL,
    HOME,
    MEMBER,
    QUEUE,
    ROLE,
    Laboratory,
    altered,
    bodies_in,
    event_of,
    laboratory,
    moto_queue,
    stop_of,
    without,
)

STOPPED = "cloudtrail_logging_stopped"
THEIRS = f"arn:aws:lambda:{HOME}:{CENTRAL}:function:theirs"
PLACE = DEFAULT_PLACE._replace(
    targets={
        "jira": {"endpoint": "https://jira.example.com/rest/api/3/issue"},
        "other": {"endpoint": "https://example.com/hook?x=1"},
        "slackish": {"endpoint": "https://hooks.example.com/services/T/B"},
        "snow": {"endpoint": "https://x.example.com/api/now/table/incident"},
        "their-function": {"arn": THEIRS},
    }
)


def kinds() -> Shape:
    """Ten targets of one detection: two rules."""
    return shape_of(
        {
            "detections": {"packs": [], "include": [STOPPED]},
            "targets": {
                "jira": {"kind": "api_destination", "format": "jira", "auth": "basic"},
                "other": {"kind": "api_destination", "body": "detail", "retries": 3},
                "pager": {"kind": "api_destination", "format": "pagerduty"},
                "slackish": {"kind": "api_destination", "format": "slack"},
                "snow": {"kind": "api_destination", "format": "servicenow"},
                "theirs": {"kind": "workflow", "definition": MACHINE, "body": "detail"},
                "their-function": {"kind": "function"},
                "guard": {"kind": "responder", "responder": "restart_cloudtrail"},
                "playbook": {"kind": "workflow"},
                "queue": {"kind": "queue"},
            },
            "routes": [
                {
                    "detections": [STOPPED],
                    "to": [
                        "jira", "other", "pager", "slackish", "snow",
                        "theirs", "their-function", "guard", "playbook", "queue",
                    ],
                }
            ],
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def opened() -> Iterator[Laboratory]:
    with laboratory(PLACE, shape=kinds()) as lab:
        yield lab


@pytest.fixture
def lab(opened: Laboratory) -> Laboratory:
    """The organization with empty queues and no transport."""
    for resource in opened.world.inventory.everywhere():
        if resource.type == QUEUE:
            moto_queue(resource)._messages.clear()
    opened.world.transport = None
    return opened


def sent(journey: Journey) -> dict[str, str]:
    """What each target got, by its name."""
    return {delivery.target: delivery.message for delivery in journey.deliveries}


def letters(lab: Laboratory) -> list[dict[str, str]]:
    """What lies among the undelivered, by its attributes."""
    queue = moto_queue(lab.resource(QUEUE, "trailbus-undelivered"))
    return [
        {name: value["StringValue"] for name, value in message.message_attributes.items()}
        for message in queue.messages
    ]


# --- What arrives


def test_ten_targets_are_two_rules_and_all_of_them_get_the_event(lab: Laboratory) -> None:
    journey = lab.send(event_of(STOPPED))
    assert sorted(journey.central_rules) == [f"trailbus-{STOPPED}", f"trailbus-{STOPPED}-2"]
    assert set(sent(journey)) == {target.name for target in lab.shape.targets}
    assert len(journey.deliveries) == 10
    assert journey.dead_letters == []
    assert {delivery.detection for delivery in journey.deliveries} == {STOPPED}


def test_a_near_miss_reaches_nothing(lab: Laboratory) -> None:
    journey = lab.send(event_of(STOPPED, errorCode="AccessDenied"))
    assert (journey.deliveries, journey.actions, lab.world.executions) == ([], [], [])


def test_a_request_is_put_on_record_without_its_secrets(lab: Laboratory) -> None:
    event = event_of(STOPPED)
    requests = {
        name: json.loads(message)
        for name, message in sent(lab.send(event)).items()
        if name in ("jira", "other", "pager", "slackish", "snow")
    }
    assert all("{{resolve" not in json.dumps(request) for request in requests.values())
    assert {request["method"] for request in requests.values()} == {"POST"}
    assert requests["pager"]["url"] == "https://events.pagerduty.com/v2/enqueue"
    assert requests["pager"]["body"]["routing_key"] == "***"
    assert requests["jira"]["headers"]["Authorization"] == "***"
    assert requests["snow"]["headers"]["Authorization"] == "***"
    assert requests["other"]["body"] == event["detail"]
    keys = {
        requests["jira"]["body"]["fields"]["labels"][-1],
        requests["other"]["headers"]["Idempotency-Key"],
        requests["pager"]["body"]["dedup_key"],
        requests["slackish"]["body"]["attachments"][0]["fields"][-1]["value"],
        requests["snow"]["body"]["correlation_id"],
    }
    assert keys == {event["detail"]["eventID"]}


def test_a_users_function_gets_the_event_as_it_is(lab: Laboratory) -> None:
    event = event_of(STOPPED)
    got = json.loads(sent(lab.send(event))["their-function"])
    assert got["detail"] == event["detail"]
    assert (got["account"], got["region"]) == (MEMBER, AWAY)


def test_a_users_machine_runs_with_a_role_that_can_tell_and_nothing_else(lab: Laboratory) -> None:
    journey = lab.send(event_of(STOPPED))
    assert json.loads(sent(journey)["theirs"]) == event_of(STOPPED)["detail"]
    [ended] = [one for one in journey.actions if one.responder == "trailbus-theirs"]
    assert (ended.call, ended.outcome) == ("states:StartExecution", "succeeded at 'Tell'")
    assert (ended.account, ended.region) == (CENTRAL, HOME)


# --- What keeps it away

DESTINATION = "AWS::Events::ApiDestination"
CONNECTION = "AWS::Events::Connection"
MACHINE_TYPE = "AWS::StepFunctions::StateMachine"
PERMISSION = "AWS::Lambda::Permission"


@pytest.mark.parametrize(
    ("target", "role"),
    [("pager", "trailbus-pager-delivery"), ("playbook", "trailbus-playbook-delivery")],
)
def test_a_role_without_rights_or_trust_leaves_the_event_with_the_undelivered(
    lab: Laboratory, target: str, role: str
) -> None:
    held = lab.resource(ROLE, role)
    [statement] = held.properties["AssumeRolePolicyDocument"]["Statement"]
    another = {**statement, "Principal": {"Service": "lambda.amazonaws.com"}}
    trust = {"Version": "2012-10-17", "Statement": [another]}
    for change, code in (
        ({"Policies": []}, "NO_PERMISSIONS"),
        ({"AssumeRolePolicyDocument": trust}, "FAILED_TO_ASSUME_ROLE"),
    ):
        with altered(held, **change):
            journey = lab.send(event_of(STOPPED))
        [letter] = journey.dead_letters
        assert (letter.target, letter.code, letter.queue) == (target, code, "trailbus-undelivered")
        assert target not in sent(journey)
    with without(lab.world, held):
        [letter] = lab.send(event_of(STOPPED)).dead_letters
    assert letter.code == "FAILED_TO_ASSUME_ROLE"
    assert len(bodies_in(lab.resource(QUEUE, "trailbus-undelivered"))) == 3


@pytest.mark.parametrize(
    ("target", "kind", "name"),
    [
        ("pager", DESTINATION, "trailbus-pager"),
        ("pager", CONNECTION, "trailbus-pager"),
        ("playbook", MACHINE_TYPE, "trailbus-playbook"),
    ],
)
def test_a_target_that_is_gone_leaves_the_event_with_the_undelivered(
    lab: Laboratory, target: str, kind: str, name: str
) -> None:
    [resource] = [
        one
        for one in lab.world.inventory.of_type(CENTRAL, HOME, kind)
        if name in one.properties.values()
    ]
    with without(lab.world, resource):
        [letter] = lab.send(event_of(STOPPED)).dead_letters
    assert (letter.target, letter.code) == (target, "NO_RESOURCE")


@pytest.mark.parametrize(
    "change",
    [
        {"SourceArn": "arn:aws:events:us-east-1:222222222222:rule/trailbus/another-*"},
        {"SourceAccount": CENTRAL},
        {"Principal": "s3.amazonaws.com"},
        {"FunctionName": f"{THEIRS}:alias"},
    ],
)
def test_a_function_that_does_not_let_the_rule_in_is_not_invoked(
    lab: Laboratory, change: dict[str, Json]
) -> None:
    [permission] = lab.world.inventory.of_type(CENTRAL, HOME, PERMISSION)
    with altered(permission, **change):
        [letter] = lab.send(event_of(STOPPED)).dead_letters
    assert (letter.target, letter.code) == ("their-function", "NO_PERMISSIONS")


def test_an_event_too_long_for_a_machine_is_kept(lab: Laboratory) -> None:
    event = event_of(STOPPED, requestParameters={"x": "y" * workflows.LONGEST_INPUT})
    codes = {(letter.target, letter.code) for letter in lab.send(event).dead_letters}
    assert {("playbook", "INVALID_PARAMETER"), ("theirs", "INVALID_PARAMETER")} <= codes


# --- Requests that leave, and their answers


class Receiver:
    """A server on this machine that answers as it is told, and keeps what it is asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]] | None] = []
        """The next answers, then 200 for ever; None is none at all."""
        self.got: list[tuple[str, dict[str, str], Any]] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))
                receiver.got.append((self.path, dict(self.headers.items()), body))
                answer = receiver.answers.pop(0) if receiver.answers else (200, {})
                if answer is None:
                    return  # heard, and not answered
                self.send_response(answer[0])
                for name, value in answer[1].items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@contextmanager
def receiving(lab: Laboratory) -> Iterator[Receiver]:
    """The organization with a receiver for every request that it makes."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    lab.world.transport = Loopback(receiver.server.server_address[1])
    try:
        yield receiver
    finally:
        lab.world.transport = None
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()


def by_path(receiver: Receiver, path: str) -> list[tuple[dict[str, str], Any]]:
    return [(headers, body) for where, headers, body in receiver.got if where == path]


def test_requests_arrive_with_their_path_headers_and_body(lab: Laboratory) -> None:
    event = event_of(STOPPED)
    with receiving(lab) as receiver:
        journey = lab.send(event)
    assert journey.dead_letters == []
    assert len(receiver.got) == 5
    [(headers, body)] = by_path(receiver, "/hook?x=1")
    assert headers["Idempotency-Key"] == event["detail"]["eventID"]
    assert headers["User-Agent"] == "Amazon/EventBridge/ApiDestinations"
    assert headers["Content-Type"].startswith("application/json")
    assert headers["Host"] == "example.com"
    assert body == event["detail"]
    [(_, alert)] = by_path(receiver, "/v2/enqueue")
    assert alert["dedup_key"] == event["detail"]["eventID"]
    # CloudFormation puts the key in; here it is seen where the template asks for it.
    assert alert["routing_key"].startswith("{{resolve:secretsmanager:trailbus/pager:")
    [(headers, _)] = by_path(receiver, "/rest/api/3/issue")
    assert headers["Authorization"].startswith("Basic ")


OF_OTHER = "https://example.com/hook?x=1"


class Script:
    """A transport that answers the requests of one target by a list, and all others well."""

    def __init__(self, *answers: Response | OSError) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Response:
        if request.url != OF_OTHER:
            return Response(200)
        self.asked.append(request)
        answer = self.answers.pop(0) if self.answers else Response(202)
        if isinstance(answer, OSError):
            raise answer
        return answer


AGAIN: list[tuple[str, list[Response | OSError], int, bool]] = [
    ("taken", [Response(201)], 1, True),
    ("busy once", [Response(429)], 2, True),
    ("broken twice", [Response(500), Response(503)], 3, True),
    ("no answer in time", [TimeoutError()], 2, True),
    ("no connection", [ConnectionRefusedError()], 2, True),
    ("busy for some time", [Response(429, {"retry-after": "30"})], 2, True),
    ("a date to come back", [Response(503, {"retry-after": "Fri, 01 Jan 2027"})], 2, True),
    ("busy for too long", [Response(429, {"retry-after": "90000"})], 1, False),
    ("not wanted again", [Response(429, {"retry-after": "-1"})], 1, False),
    ("refused", [Response(400)], 1, False),
    ("forbidden", [Response(403)], 1, False),
    ("gone", [Response(404)], 1, False),
    ("moved", [Response(301)], 1, False),
    ("broken for good", [Response(500)] * 9, 4, False),
    ("silent for good", [TimeoutError()] * 9, 4, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "tries", "taken"), [row[1:] for row in AGAIN], ids=[row[0] for row in AGAIN]
)
def test_a_receiver_is_asked_again_as_eventbridge_does(
    lab: Laboratory, answers: list[Response | OSError], tries: int, taken: bool
) -> None:
    lab.world.transport = script = Script(*answers)
    journey = lab.send(event_of(STOPPED))
    assert len(script.asked) == tries
    assert len({request.body for request in script.asked}) == 1
    assert ("other" in sent(journey)) is taken
    kept = [(letter.target, letter.queue) for letter in journey.dead_letters]
    assert kept == ([] if taken else [("other", "trailbus-undelivered")])
    if not taken:
        [letter] = letters(lab)
        assert letter["ERROR_CODE"] == "SDK_CLIENT_ERROR"
        assert f"rule/trailbus/trailbus-{STOPPED}" in letter["RULE_ARN"]


def test_an_outage_of_the_receiver_loses_no_event(lab: Laboratory) -> None:
    lab.world.transport = Script(*[Response(503)] * 4 * 7)
    events = [event_of(STOPPED, eventID=f"event-{number}") for number in range(10)]
    journeys = [lab.send(event) for event in events]
    delivered = sum("other" in sent(journey) for journey in journeys)
    kept = [json.loads(body) for body in bodies_in(lab.resource(QUEUE, "trailbus-undelivered"))]
    assert (delivered, len(kept)) == (3, 7)
    assert {event["detail"]["eventID"] for event in kept} == {f"event-{n}" for n in range(7)}


def test_a_request_that_was_heard_but_not_answered_comes_again_with_the_same_key(
    lab: Laboratory,
) -> None:
    with receiving(lab) as receiver:
        receiver.answers = [None]
        journey = lab.send(event_of(STOPPED))
    assert journey.dead_letters == []
    assert len(receiver.got) == 6
    (path, _, first), (same_path, _, second) = receiver.got[:2]
    assert (path, first) == (same_path, second)
    assert "3b644f44-653d-5387-90db-a4d40cec4a8e" in json.dumps(first)


# --- The playbook: remediate, verify, escalate

TRAIL = "guarded"


def play(lab: Laboratory, event: Mapping[str, Json]) -> tuple[str, list[dict[str, Any]]]:
    """How the playbook ends, and the reports that went out meanwhile."""
    reports = reports_of(lab)
    reports.clear()
    journey = lab.send(event)
    [ended] = [one.outcome for one in journey.actions if one.responder == "trailbus-playbook"]
    return ended, said_by(reports)


def said_by(published: list[Any]) -> list[dict[str, Any]]:
    """Reports, less what a user's machine has to tell."""
    return [json.loads(str(each[1])) for each in published if str(each[1]).startswith("{")]


def reports_of(lab: Laboratory) -> list[Any]:
    """What was published on the report topic, as moto keeps it."""
    from moto.sns.models import sns_backends

    arn = f"arn:aws:sns:{HOME}:{CENTRAL}:trailbus-reports"
    notifications: list[Any] = sns_backends[CENTRAL][HOME].topics[arn].sent_notifications
    return notifications


def stopped_trail(lab: Laboratory, name: str) -> Any:
    """A trail of a member that somebody has just stopped, and the event of it."""
    lab.cloud.trails.add(MEMBER, AWAY, name)
    lab.cloud.administrator(MEMBER, AWAY).client("cloudtrail").stop_logging(Name=name)
    return stop_of(name, MEMBER, AWAY, eventID=f"id-{name}")


def is_logging(lab: Laboratory, name: str) -> bool:
    client = lab.cloud.administrator(MEMBER, AWAY).client("cloudtrail")
    return bool(client.get_trail_status(Name=name)["IsLogging"])


def test_a_repair_that_the_queue_brought_about_is_verified(lab: Laboratory) -> None:
    ended, reports = play(lab, stopped_trail(lab, "one"))
    assert ended == "succeeded at 'All is well'"
    assert is_logging(lab, "one")
    assert [report["outcome"] for report in reports] == ["restarted"]


def test_what_the_queue_did_not_repair_the_playbook_has_repaired(lab: Laboratory) -> None:
    mappings = lab.world.inventory.of_type(CENTRAL, HOME, "AWS::Lambda::EventSourceMapping")
    [mapping] = [
        one for one in mappings if str(one.properties["EventSourceArn"]).endswith("-guard")
    ]
    with without(lab.world, mapping):
        ended, reports = play(lab, stopped_trail(lab, "two"))
    assert ended == "succeeded at 'All is well'"
    assert is_logging(lab, "two")
    assert [(r["responder"], r["outcome"]) for r in reports] == [("guard", "restarted")]


def guard(lab: Laboratory, **variables: str) -> Any:
    """The responder with other variables, for as long as the block runs."""
    function = lab.resource("AWS::Lambda::Function", "trailbus-guard")
    environment = function.properties["Environment"]["Variables"]
    return altered(function, Environment={"Variables": {**environment, **variables}})


def test_a_responder_that_may_only_look_calls_a_person(lab: Laboratory) -> None:
    with guard(lab, TRAILBUS_MODE="observe"):
        ended, reports = play(lab, stopped_trail(lab, "three"))
    assert ended == "succeeded at 'A person knows'"
    assert not is_logging(lab, "three")
    report = reports[-1]
    assert (report["responder"], report["outcome"]) == ("playbook", "escalated")
    assert report["message"].startswith("observed: ")
    assert (report["account"], report["region"], report["event_id"]) == (MEMBER, AWAY, "id-three")
    assert report["asked"] == "trailbus-guard"
    assert report["detection"] == STOPPED


def test_a_responder_that_breaks_calls_a_person(lab: Laboratory) -> None:
    with guard(lab, TRAILBUS_SETTINGS="no json"):
        ended, reports = play(lab, stopped_trail(lab, "four"))
    assert ended == "succeeded at 'A person knows'"
    assert reports[-1]["message"] == "trailbus-guard gives no answer: Unhandled"


def test_a_repair_that_does_not_last_calls_a_person(lab: Laboratory) -> None:
    event = stopped_trail(lab, "five")
    client = lab.cloud.administrator(MEMBER, AWAY).client("cloudtrail")
    run = lab.functions.run

    def stopped_again(function: Any, given: Any, now: Any) -> Any:
        """Somebody stops it again whenever it is looked at."""
        client.stop_logging(Name="five")
        return run(function, given, now)

    with patch.object(lab.functions, "run", stopped_again):
        ended, reports = play(lab, event)
    assert ended == "succeeded at 'A person knows'"
    told = reports[-1]
    assert (told["responder"], told["outcome"]) == ("playbook", "escalated")
    assert told["severity"] == "critical"
    assert told["message"].startswith("repaired 3 times, and it does not last: ")
    assert [report["outcome"] for report in reports].count("restarted") >= 3
    assert ("guard", "escalated") in [(r["responder"], r["outcome"]) for r in reports]
    assert lab.functions.delays.next is not None, "the responder looks again"
    lab.functions.delays.forget()


def test_a_playbook_that_may_not_ask_calls_a_person(lab: Laboratory) -> None:
    role = lab.resource(ROLE, "trailbus-playbook-machine")
    [policy] = role.properties["Policies"]
    statements = [
        one for one in policy["PolicyDocument"]["Statement"] if one["Sid"] != "AskResponders"
    ]
    document = {**policy["PolicyDocument"], "Statement": statements}
    with altered(role, Policies=[{**policy, "PolicyDocument": document}]):
        ended, reports = play(lab, stopped_trail(lab, "six"))
    assert ended == "succeeded at 'A person knows'"
    assert "Lambda.AccessDeniedException" in reports[-1]["message"]


def test_a_playbook_that_can_tell_nobody_fails_so_that_its_alarm_rings(lab: Laboratory) -> None:
    role = lab.resource(ROLE, "trailbus-playbook-machine")
    with altered(role, Policies=[]):
        ended, _ = play(lab, stopped_trail(lab, "seven"))
    assert ended.startswith("failed at 'Escalate': SNS.AuthorizationError")


def test_where_no_responder_is_a_person_is_called_at_once(lab: Laboratory) -> None:
    given = json.loads(sent(lab.send(event_of(STOPPED)))["playbook"])
    [machine] = [
        one
        for one in lab.world.inventory.of_type(CENTRAL, HOME, MACHINE_TYPE)
        if one.properties["StateMachineName"] == "trailbus-playbook"
    ]
    lab.world.executions.append(Execution(machine, json.dumps({**given, "ask": "", "wait": 0})))
    reports_of(lab).clear()
    [ended] = lab.workflows.pump(simulated_now("2026-11-03T03:40:00Z"))
    assert ended.outcome == "succeeded at 'A person knows'"
    [report] = said_by(reports_of(lab))
    assert report["message"] == "no responder repairs this"


def test_what_a_users_machine_says_beyond_the_simulation_is_told(lab: Laboratory) -> None:
    [machine] = [
        one
        for one in lab.world.inventory.of_type(CENTRAL, HOME, MACHINE_TYPE)
        if one.properties["StateMachineName"] == "trailbus-theirs"
    ]
    inner = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    several: list[tuple[dict[str, Json], str]] = [
        ({**A_MACHINE, "QueryLanguage": "JSONata"}, "the query language JSONata"),
        (one_state({"Type": "Map", "ItemProcessor": inner, "End": True}), "of the type Map"),
        (one_state({"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask", "End": True}),
         "the task resource arn:aws:states:::ecs:runTask"),
        (one_state({"Type": "Pass", "Parameters": {"x.$": "States.UUID()"}, "End": True}),
         "the function States.UUID"),
    ]  # fmt: skip
    for definition, said in several:
        with altered(machine, DefinitionString=json.dumps(definition)):
            journey = lab.send(event_of(STOPPED))
        [ended] = [one.outcome for one in journey.actions if one.responder == "trailbus-theirs"]
        assert ended.startswith("not simulated: ")
        assert said in ended


def one_state(state: Json) -> dict[str, Json]:
    return {"StartAt": "Only", "States": {"Only": state}}
