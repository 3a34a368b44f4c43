"""The whole way: every example to the queues of its routes, ConsoleMe's needs, the trail again."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from generator import names
from generator.deploy.apply import Outcome
from generator.deploy.bundle import Bundle
from generator.model import Json, Mistake, Place
from generator.patterns import matches, misses
from generator.screen import Screen
from generator.simulation.cloud import Cloud, opened
from generator.simulation.journeys import Journey
from generator.simulation.organization import DEFAULT_PLACE, simulated_place, world_of
from generator.simulation.records import Found, Reading
from generator.simulation.report import document, lines
from generator.simulation.run import (
    Simulation,
    deployed,
    example_events,
    moved,
    simulate,
)
from generator.simulation.world import Resource
from tests.recorded import recorded_events, requires_data
from tests.test_detections import CONDITIONS

from .conftest import (
    CENTRAL,
    HOME,
    MANAGEMENT,
    MEMBER,
    OTHER,
    RULE,
    STRANGER,
    built_in,
    bundle,
    detection,
    event_of,
    examples,
)
from .consoleme import DENIES, ROLES, assert_denial, assert_role_change, decoded


def sent(events: list[Json], *, whole: bool = False, place: Place = DEFAULT_PLACE) -> Simulation:
    reading = Reading(tuple(Found(event, whole, "here") for event in events))
    return simulate(built_in(), bundle(), place, reading, 5)


@pytest.fixture(scope="module")
def shown() -> Simulation:
    """What `simulate` shows when no files are given."""
    reading = example_events(built_in().detections, "trailbus")
    return simulate(built_in(), bundle(), DEFAULT_PLACE, reading, 5)


# --- Where the built-in routes send things, said once more


def routed(name: str) -> set[str]:
    """The targets of a detection by the routes of default.yaml."""
    targets = {
        "consoleme_access_denied": {"consoleme-denies"},
        "consoleme_role_changed": {"consoleme-roles"},
        "cloudtrail_logging_stopped": {"trail-guard"},
    }.get(name, set())
    severe = detection(name).severity in ("medium", "high", "critical")
    return targets | ({"findings"} if severe else set())


def wanting(event: Json) -> list[str]:
    """The enabled detections that want an event, under the strict reading of read-only."""
    record = event["detail"]
    read = record.get("readOnly") is True and record.get("managementEvent") is not False
    return [
        one.id
        for one in built_in().detections
        if matches(dict(one.pattern), event) and (one.read_only or not read)
    ]


def expected(event: Json) -> set[tuple[str, str, str]]:
    """Rule, detection and target of every delivery that the routes ask for."""
    return {
        (f"trailbus-{name}", name, target) for name in wanting(event) for target in routed(name)
    }


def made(journey: Journey) -> Counter[tuple[str, str, str]]:
    return Counter((each.rule, each.detection, each.target) for each in journey.deliveries)


def test_every_example_arrives_where_its_routes_say_and_nowhere_else(shown: Simulation) -> None:
    assert len(shown.journeys) == len(examples(True)) + len(examples(False))
    for journey in shown.journeys:
        event = dict(journey.event)
        copies = len(journey.member_rules)
        assert made(journey) == Counter(dict.fromkeys(expected(event), copies)), event["id"]
        assert bool(expected(event)) is bool(journey.deliveries)
        assert journey.dead_letters == []


def test_what_went_nowhere_has_a_reason_and_what_arrived_has_none(shown: Simulation) -> None:
    for journey in shown.journeys:
        assert (journey.reason is None) is bool(journey.deliveries)
        if not wanting(journey.event):
            assert str(journey.reason).startswith("no detection matches; nearest is ")
            assert not journey.forwarded
            assert journey.member_rules == []
        elif not journey.deliveries:
            names = ", ".join(wanting(journey.event))
            assert journey.reason == f"no route takes {names} anywhere: add one"


NEAREST = re.compile("no detection matches; nearest is ([a-z0-9_]+): (.+)")


def test_near_misses_name_a_detection_that_is_as_near(shown: Simulation) -> None:
    reasons = {journey.event["id"]: str(journey.reason) for journey in shown.journeys}
    for name, event in examples(False):
        found = re.match(
            "no detection matches; nearest is ([a-z0-9_]+): (.+)", reasons[event["id"]]
        )
        if found is None:
            assert wanting(event)
            continue
        unmet = misses(dict(detection(found[1]).pattern), event)
        assert found[2] == "; ".join(map(str, unmet))
        assert len(unmet) <= len(misses(dict(detection(name).pattern), event))


def test_detections_are_counted_as_they_match(shown: Simulation) -> None:
    counted = Counter(
        name
        for journey in shown.journeys
        for name, condition in CONDITIONS.items()
        if name in shown.matched and condition(dict(journey.event))
    )
    assert {name: count for name, count in shown.matched.items() if count} == counted
    assert set(shown.matched) == {one.id for one in built_in().detections}


def test_messages_are_what_the_targets_ask_for(shown: Simulation) -> None:
    for journey in shown.journeys:
        for delivery in journey.deliveries:
            message = json.loads(delivery.message)
            if delivery.target.startswith("consoleme-"):
                arrived = decoded(delivery.message)
            else:
                known = detection(delivery.detection)
                assert set(message) == {"detection", "event"}
                assert message["detection"]["id"] == known.id
                assert message["detection"]["severity"] == known.severity
                assert message["detection"]["title"] == known.title
                arrived = message["event"]
            assert {**arrived, "id": ""} == {**journey.event, "id": ""}


def test_each_delivery_lies_in_the_queue_of_its_target(shown: Simulation) -> None:
    queues = {DENIES: "consoleme-denies", ROLES: "consoleme-roles", "trailbus-findings": "findings"}
    assert set(shown.queues) == set(queues)
    for name, target in queues.items():
        messages = [
            delivery.message
            for journey in shown.journeys
            for delivery in journey.deliveries
            if delivery.target == target
        ]
        assert shown.queues[name] == messages


def test_stopped_trails_were_started_by_the_responder(shown: Simulation) -> None:
    acted = [
        (journey.account, journey.region, vars(action))
        for journey in shown.journeys
        for action in journey.actions
    ]
    stopped = [event for name, event in examples(True) if name == "cloudtrail_logging_stopped"]
    assert acted == [
        (
            event["account"],
            event["region"],
            {
                "responder": "restart_cloudtrail",
                "account": event["account"],
                "region": event["region"],
                "call": "cloudtrail:StartLogging",
                "outcome": "ok",
            },
        )
        for event in stopped
    ]
    reports = [json.loads(line) for line in shown.log]
    assert [report["outcome"] for report in reports] == ["restarted"] * len(stopped)


def test_same_events_make_the_same_simulation(shown: Simulation) -> None:
    again = simulate(
        built_in(), bundle(), DEFAULT_PLACE, example_events(built_in().detections, "trailbus"), 5
    )
    assert again.journeys == shown.journeys
    assert again.queues == shown.queues
    assert again.matched == shown.matched


@pytest.mark.parametrize("bus_access", ["forwarder-role", "forwarder-role-via-rules"])
def test_narrower_bus_lets_all_the_same_events_in(shown: Simulation, bus_access: str) -> None:
    place = DEFAULT_PLACE._replace(parameters={"BusAccess": bus_access})
    reading = example_events(built_in().detections, "trailbus")
    assert simulate(built_in(), bundle(), place, reading, 5).journeys == shown.journeys


# --- ConsoleMe


def test_consoleme_can_read_what_lies_in_its_queues(shown: Simulation) -> None:
    assert shown.queues[DENIES]
    assert shown.queues[ROLES]
    for body in shown.queues[DENIES]:
        assert_denial(body)
    for body in shown.queues[ROLES]:
        assert_role_change(body)


# --- Events of others


def test_records_of_strangers_are_moved_to_always_the_same_member() -> None:
    world = world_of(DEFAULT_PLACE, 5)
    homes = set()
    for number in range(20):
        stranger = f"{STRANGER[:-2]}{number:02d}"
        event = event_of("kms_key_disabled", account=stranger)
        account = moved(event, world)["account"]
        assert account in set(world.organization.accounts) - {MANAGEMENT}
        assert moved(event, world)["account"] == account
        homes.add(account)
    assert len(homes) == 4


def test_moved_record_speaks_of_its_new_account_everywhere_but_in_its_ids() -> None:
    world = world_of(DEFAULT_PLACE, 5)
    long_id = f"12345678-1234-1234-1234-{STRANGER}"
    event = event_of(
        "kms_key_disabled",
        account=STRANGER,
        requestParameters={
            "keyId": f"arn:aws:kms:eu-west-1:{STRANGER}:key/{long_id}",
            "size": f"7{STRANGER}",
            "list": [STRANGER, 7, None, True],
            "number": int(STRANGER),
        },
        eventID=f"event-{STRANGER}",
        requestID=STRANGER,
        sharedEventID=STRANGER,
    )
    before = json.dumps(event)
    away = moved(event, world)
    assert json.dumps(event) == before
    home = away["account"]
    detail = away["detail"]
    assert detail["recipientAccountId"] == home
    assert detail["requestParameters"] == {
        "keyId": f"arn:aws:kms:eu-west-1:{home}:key/{long_id}",
        "size": f"7{STRANGER}",
        "list": [home, 7, None, True],
        "number": int(STRANGER),
    }
    assert (detail["eventID"], detail["requestID"]) == (f"event-{STRANGER}", STRANGER)
    assert detail["sharedEventID"] == STRANGER


@pytest.mark.parametrize("stranger", ["", "ANONYMIZED", "12", "é", "1234567890123"])
def test_account_that_is_no_number_is_moved_without_touching_texts(stranger: str) -> None:
    world = world_of(DEFAULT_PLACE, 5)
    event = event_of("kms_key_disabled", account=stranger)
    event["detail"]["errorMessage"] = f"12 ANONYMIZED é {stranger} 1234567890123"
    away = moved(event, world)
    assert away["account"] in world.organization.accounts
    assert away["detail"]["errorMessage"] == event["detail"]["errorMessage"]


def test_bare_records_of_strangers_arrive_moved_and_counted() -> None:
    events = [event_of("kms_key_disabled", account=STRANGER), event_of("kms_key_disabled")]
    simulation = sent(events)
    assert simulation.moved == 1
    assert all(journey.deliveries for journey in simulation.journeys)
    assert {journey.account for journey in simulation.journeys} <= {CENTRAL, MEMBER, OTHER,
                                                                    "123456789012"}  # fmt: skip


def forgeries() -> Iterator[tuple[str, Json, str]]:
    """Whole events of accounts outside: what they claim, and why they are stopped."""
    for source in ("custom.app", "AWS.cloudtrail", "aws", "my.aws.kms"):
        event = event_of("kms_key_disabled", account=STRANGER) | {"source": source}
        yield f"source {source}", event, f"{STRANGER} is outside the organization: no PutEvents"
    genuine = event_of("kms_key_disabled", account=STRANGER)
    yield "a source of AWS", genuine, "PutEvents takes no source that begins with aws."
    for account in ("", "everybody", 7, None, ["111122223333"]):
        event = {**genuine, "account": account, "source": "custom.app"}
        yield f"account {account}", event, "is no account"


def test_whole_events_of_strangers_are_taken_as_they_are_and_reach_nothing() -> None:
    rows = list(forgeries())
    simulation = sent([row[1] for row in rows], whole=True)
    assert simulation.moved == 0
    assert simulation.queues == {}
    for (name, _, why), journey in zip(rows, simulation.journeys, strict=True):
        assert why in str(journey.reason), name
        assert not journey.forwarded
        assert journey.deliveries == []


# --- Records that others recorded


@pytest.fixture(scope="module")
def recorded() -> Simulation:
    return sent(list(recorded_events()))


@requires_data
def test_recorded_events_match_as_often_as_plain_python_says(recorded: Simulation) -> None:
    assert len(recorded.journeys) == len(recorded_events()) == 2_484
    counted = Counter(
        name
        for event in recorded_events()
        for name, condition in CONDITIONS.items()
        if condition(event)
    )
    assert recorded.matched == {one.id: counted[one.id] for one in built_in().detections}
    assert sum(recorded.matched.values()) > 50


@requires_data
def test_recorded_events_arrive_or_say_why_not(recorded: Simulation) -> None:
    for journey in recorded.journeys:
        assert bool(journey.deliveries) is (journey.reason is None)
        assert journey.dead_letters == []
        event = dict(journey.event)
        if journey.region not in (DEFAULT_PLACE.regions or ()):
            assert re.search("does not exist|wrong Region", str(journey.reason))
        elif not str(journey.reason).startswith("wrong Region"):
            copies = len(journey.member_rules)
            assert made(journey) == Counter(dict.fromkeys(expected(event), copies)), event


@requires_data
def test_consoleme_can_read_recorded_events(recorded: Simulation) -> None:
    assert recorded.queues[ROLES]
    for body in recorded.queues.get(DENIES, []):
        assert_denial(body)
    for body in recorded.queues[ROLES]:
        assert_role_change(body)


# --- The rollout


def test_large_organization_is_covered_whole() -> None:
    place = simulated_place(DEFAULT_PLACE, SEVENTEEN)
    with opened(world_of(place, 20)) as cloud:
        prepared(cloud)
        outcomes = deployed(cloud, bundle(), place)
        assert all(outcome.ok for outcome in outcomes)
        inventory = cloud.world.inventory
        manifest = bundle().manifest["detections"]
        rules = {name for entry in manifest.values() for name in entry["member_rules"]}
        forwarding = Counter(
            (rule.account, rule.region)
            for rule in inventory.everywhere()
            if rule.type == RULE and _on_default(rule) and rule.properties["Name"] in rules
        )
        accounts = set(cloud.world.organization.accounts)
        assert len(accounts) == 20
        wanted = {(account, region) for account in accounts for region in SEVENTEEN}
        assert len(wanted) == 340
        assert forwarding == Counter(dict.fromkeys(wanted, len(rules)))
        roles = Counter(
            role.account
            for role in inventory.everywhere()
            if role.type == "AWS::IAM::Role"
            and role.properties["RoleName"] in names.forwarder_roles("trailbus")
        )
        assert roles == Counter([*accounts, *accounts])
        [bus] = [one for one in inventory.everywhere() if one.type == "AWS::Events::EventBus"]
        assert (bus.account, bus.region) == (CENTRAL, HOME)


SEVENTEEN = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
    "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1",
    "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2",
    "ap-northeast-3",
)  # fmt: skip


def _on_default(rule: Resource) -> bool:
    return bool(rule.properties.get("EventBusName", "default") == "default")


def prepared(cloud: Cloud) -> None:
    """Trusted access, without which no StackSet reaches a member."""
    management = cloud.administrator(MANAGEMENT, HOME)
    management.client("cloudformation").activate_organizations_access()


def test_refused_parameter_is_a_mistake_and_not_a_traceback() -> None:
    place = DEFAULT_PLACE._replace(parameters={"BusAccess": "everybody"})
    with opened(world_of(place, 5)) as cloud:
        prepared(cloud)
        with pytest.raises(Mistake, match=r"^simulated rollout: .*BusAccess"):
            deployed(cloud, bundle(), place)


def test_resource_that_cannot_be_made_is_named_with_its_stack() -> None:
    with opened(world_of(DEFAULT_PLACE, 5)) as cloud:
        prepared(cloud)
        taken = {"QueueName": "trailbus-findings", "Attributes": {"VisibilityTimeout": "7"}}
        cloud.administrator(CENTRAL, HOME).client("sqs").create_queue(**taken)
        with pytest.raises(Mistake) as caught:
            deployed(cloud, bundle(), DEFAULT_PLACE)
    [problem] = caught.value.problems
    assert problem.place == "simulated rollout"
    assert problem.fault.startswith("trailbus-central is ROLLBACK_COMPLETE: ")
    assert "trailbus-findings" in problem.fault


def test_without_trusted_access_nothing_is_rolled_out() -> None:
    why = r"^simulated rollout: CreateStackSet .*must enable organizations access"
    with opened(world_of(DEFAULT_PLACE, 5)) as cloud, pytest.raises(Mistake, match=why):
        deployed(cloud, bundle(), DEFAULT_PLACE)


# --- What responders decided, and what they could not handle

STOPPED = "cloudtrail_logging_stopped"


def told_of(event: Json) -> tuple[Simulation, Json, str]:
    """The simulation of one event, the event in its document, and the text for people."""
    simulation = sent([event])
    [entry] = document(simulation)["events"]
    screen = Screen(out=io.StringIO())
    return simulation, entry, "\n".join(lines(simulation, built_in(), screen))


def changed_guard(monkeypatch: pytest.MonkeyPatch, **properties: Json) -> None:
    """Lets somebody change the trail guard once it is deployed; `mode` is a variable of it."""

    def changed(cloud: Cloud, bundle: Bundle, place: Place) -> list[Outcome]:
        outcomes = deployed(cloud, bundle, place)
        for one in cloud.world.inventory.of_type(CENTRAL, HOME, "AWS::Lambda::Function"):
            if one.properties["FunctionName"] == "trailbus-trail-guard":
                variables = one.properties["Environment"]["Variables"]
                mode = properties.get("mode", variables["TRAILBUS_MODE"])
                one.properties["Environment"] = {"Variables": {**variables, "TRAILBUS_MODE": mode}}
                one.properties["Code"] = properties.get("code", one.properties["Code"])
        return outcomes

    monkeypatch.setattr("generator.simulation.run.deployed", changed)


def test_what_was_only_observed_is_told_and_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    changed_guard(monkeypatch, mode="observe")
    simulation, entry, text = told_of(event_of(STOPPED))
    [decision] = entry["decisions"]
    assert (decision["responder"], decision["outcome"]) == ("trail-guard", "observed")
    assert f"      trail-guard: observed: {decision['message']}\n" in text
    assert entry["actions"] == []
    assert simulation.went_well


def test_what_a_responder_finds_nothing_to_do_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.simulation.run.stage", lambda cloud, event: None)
    simulation, entry, text = told_of(event_of(STOPPED))
    assert [one["responder"] for one in entry["decisions"]] == ["trail-guard"]
    assert entry["decisions"][0]["outcome"] not in ("restarted", "failed")
    assert f"      trail-guard: {entry['decisions'][0]['outcome']}: " in text
    assert simulation.went_well


def test_what_a_function_cannot_handle_is_a_dead_letter_of_its_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crash = "def handler(event, context):\n    raise ValueError('no \\x1b[2J')\n"
    changed_guard(monkeypatch, code={"ZipFile": crash})
    simulation, entry, text = told_of(event_of(STOPPED))
    why = "it raised ValueError: no \x1b[2J"
    assert entry["decisions"] == [{"responder": "trail-guard", "outcome": "failed", "message": why}]
    assert [(one["rule"], one["target"], one["queue"]) for one in entry["dead_letters"]] == [
        ("", "trail-guard", "trailbus-trail-guard-dead-letters")
    ]
    assert entry["dead_letters"][0]["why"] == why
    assert document(simulation)["totals"]["dead_lettered"] == 1
    assert "\x1b" not in text
    assert "trail-guard: kept in trailbus-trail-guard-dead-letters: it raised" in text
    assert not simulation.went_well
