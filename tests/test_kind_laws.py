"""Laws over API destinations, workflows and functions, whatever is said of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest

from generator import names
from generator.model import Mistake
from generator.render import render
from generator.simulation.authorization import Caller
from generator.targets.api_destination import NOT_HERE
from tests import shapes
from tests.shapes import (
    AT_HOME,
    CENTRAL,
    STRANGER,
    Place,
    Resource,
    Stack,
    everything_on,
    identity,
    may,
    may_assume,
    session,
    shape_of,
)

DESTINATIONS = "everything that a api_destination can be"
WORKFLOWS = "everything that a workflow can be"
FUNCTIONS = "everything that a function can be"

MACHINE = "AWS::StepFunctions::StateMachine"


@lru_cache(maxsize=8)
def stack(name: str, away_from_defaults: bool = False) -> Stack:
    of = shapes.rendered(name)
    given = everything_on(of.templates[names.CENTRAL]) if away_from_defaults else {}
    return shapes.central(of, given)


def inside(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every text in it with the key that it stands under."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from inside(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from inside(item, key)
    else:
        yield key, value


# --- API destinations

SECRET = ("ApiKeyValue", "Username", "Password", "ClientID", "ClientSecret")
REFERENCE = r"\{\{resolve:secretsmanager:[\w/+=.@-]+:SecretString:[a-z_]+::[0-9a-f-]*\}\}"


@pytest.mark.parametrize("away", [False, True])
def test_what_authorizes_is_a_reference_to_a_secret(away: bool) -> None:
    made = stack(DESTINATIONS, away)
    for connection in made.of("AWS::Events::Connection"):
        for key, value in inside(connection["AuthParameters"]):
            if key in SECRET and value != "no key is needed":
                assert re.fullmatch(REFERENCE, value), key
        for each in connection["AuthParameters"].get("InvocationHttpParameters", {}).values():
            assert all(re.fullmatch(REFERENCE, one["Value"]) for one in each)
            assert all(one["IsValueSecret"] is True for one in each)


def test_a_key_that_is_none_is_no_secret_and_goes_only_where_none_is_asked_for() -> None:
    of = shapes.rendered(DESTINATIONS)
    without = {
        names.logical(target.name, "connection")
        for target in of.shape.targets
        if target.options["format"] in ("slack", "pagerduty")
    }
    found = {
        connection.id
        for connection in stack(DESTINATIONS).of("AWS::Events::Connection")
        if "no key is needed" in json.dumps(connection.properties)
    }
    assert found == without


def test_addresses_that_are_secrets_are_references_and_others_parameters() -> None:
    unsaid = list(stack(DESTINATIONS).of("AWS::Events::ApiDestination"))
    said = list(stack(DESTINATIONS, True).of("AWS::Events::ApiDestination"))
    assert len(unsaid) == len(said) > 20
    pager = "https://events.pagerduty.com/v2/enqueue"
    assert all(
        one["InvocationEndpoint"] == pager or re.fullmatch(REFERENCE, one["InvocationEndpoint"])
        for one in unsaid
    )
    assert all(one["InvocationEndpoint"].startswith("https://") for one in said)


def test_rates_and_retries_are_those_that_were_asked_for() -> None:
    of, made = shapes.rendered(DESTINATIONS), stack(DESTINATIONS)
    entries = {
        entry["Id"]: entry for rule in made.of("AWS::Events::Rule") for entry in rule["Targets"]
    }
    for target in of.shape.targets:
        destination = made.by_arn(entries[target.name]["Arn"])
        assert destination["InvocationRateLimitPerSecond"] == target.options["rate"]
        assert entries[target.name]["RetryPolicy"] == {
            "MaximumEventAgeInSeconds": target.options["retry_for"],
            "MaximumRetryAttempts": target.options["retries"],
        }


def test_each_role_sends_through_its_own_destination_alone() -> None:
    made = stack(DESTINATIONS)
    destinations = [one.arn for one in made.of("AWS::Events::ApiDestination")]
    roles = [role for role in made.of("AWS::IAM::Role") if "delivery" in role["RoleName"]]
    assert len(roles) == len(destinations)
    for role in roles:
        caller = Caller.role_session(role.arn, "events")
        reach = [
            arn
            for arn in destinations
            if may(caller, "events:InvokeApiDestination", arn, None, identity(role))
        ]
        assert len(reach) == 1
        assert not may(caller, "events:PutEvents", reach[0], None, identity(role))


REGIONS = ("us-east-1", "eu-west-1", "af-south-1", "cn-north-1", *NOT_HERE)


@pytest.mark.parametrize("region", REGIONS)
def test_regions_without_api_destinations_are_refused_in_words(region: str) -> None:
    partition = {"us-gov": "aws-us-gov", "cn-nor": "aws-cn"}.get(region[:6], "aws")
    template = shapes.rendered(DESTINATIONS).templates[names.CENTRAL]
    given = {names.ARCHIVE_DAYS: "-1"}
    made = Stack(template, given, Place(CENTRAL, region, partition), "a-long-prefix-16")
    lacking = region in NOT_HERE
    assert made.refused is lacking
    assert (not list(made.of("AWS::Events::ApiDestination", "AWS::Events::Connection"))) is lacking
    [assertion] = template["Rules"]["ApiDestinationsExist"]["Assertions"]
    assert "no EventBridge API destinations: choose" in assertion["AssertDescription"]
    # Other configurations are welcome there.
    other = shapes.rendered(FUNCTIONS).templates[names.CENTRAL]
    assert not Stack(other, given, Place(CENTRAL, region, partition), "a-long-prefix-16").refused


def test_the_regions_without_api_destinations_are_those_that_cfn_lint_knows() -> None:
    from cfnlint.helpers import REGIONS as KNOWN
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    kinds = {"AWS::Events::ApiDestination", "AWS::Events::Connection"}
    lacking = {
        region
        for region in KNOWN
        if not kinds <= set(PROVIDER_SCHEMA_MANAGER.get_resource_types(region))
    }
    assert lacking == set(NOT_HERE)


def test_more_secrets_than_cloudformation_reads_are_a_mistake_not_a_traceback() -> None:
    targets = {f"x{number}": {"kind": "api_destination"} for number in range(80)}
    enabled = {"packs": [], "include": ["cloudtrail_logging_stopped"]}
    shape = shape_of(shapes.routed(targets, detections=enabled))
    with pytest.raises(Mistake) as mistake:
        render(shape)
    faults = [problem.fault for problem in mistake.value.problems]
    assert "dynamic references: 160, at most 60 are allowed" in faults
    assert any(fault.startswith("parameters: ") for fault in faults)


# --- Workflows


def machines(made: Stack) -> list[Resource]:
    return list(made.of(MACHINE))


@pytest.mark.parametrize("away", [False, True])
def test_every_machine_is_encrypted_and_logs_no_data(away: bool) -> None:
    made = stack(WORKFLOWS, away)
    assert len(machines(made)) == 4
    for machine in machines(made):
        assert machine["EncryptionConfiguration"]["Type"] == "AWS_OWNED_KEY"
        logging = machine["LoggingConfiguration"]
        assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)
        [destination] = logging["Destinations"]
        arn = destination["CloudWatchLogsLogGroup"]["LogGroupArn"]
        assert made.by_arn(arn)["LogGroupName"].startswith("/aws/vendedlogs/")


def test_every_machine_has_alarms_that_say_what_to_do() -> None:
    made = stack(WORKFLOWS)
    alarms = {
        (dimension["Value"], alarm["MetricName"]): alarm
        for alarm in made.of("AWS::CloudWatch::Alarm")
        for dimension in alarm.properties.get("Dimensions", [])
        if dimension["Name"] == "StateMachineArn"
    }
    for machine in machines(made):
        for metric in ("ExecutionsFailed", "ExecutionsTimedOut"):
            alarm = alarms.pop((machine.arn, metric))
            assert machine["StateMachineName"] in alarm["AlarmDescription"]
            assert "redrive" in alarm["AlarmDescription"]
            assert made.by_arn(alarm["AlarmActions"][0]).type == "AWS::SNS::Topic"
    assert not alarms


def test_a_machine_assumes_its_role_for_itself_and_may_do_little() -> None:
    states = Caller.aws_service("states.amazonaws.com")
    made = stack(WORKFLOWS)
    for machine in machines(made):
        role = made.by_arn(machine["RoleArn"])

        def taken(caller: Caller, arn: str, account: str = CENTRAL, role: Resource = role) -> bool:
            return may_assume(caller, role, aws__SourceArn=arn, aws__SourceAccount=account)

        assert taken(states, machine.arn)
        assert not taken(states, machine.arn + "x")
        assert not taken(states, machine.arn, STRANGER)
        assert not taken(shapes.EVENTS, machine.arn)
        caller = session(role.arn)
        topic = made.resources[names.REPORT_TOPIC]
        assert may(caller, "sns:Publish", topic.arn, None, identity(role))
        alarms = made.resources[names.ALARM_TOPIC]
        for action, arn in (("sns:Publish", alarms.arn), ("states:StartExecution", machine.arn)):
            assert not may(caller, action, arn, None, identity(role))


def test_a_users_role_takes_the_place_of_ours() -> None:
    made = stack(WORKFLOWS, True)
    theirs = [one for one in machines(made) if "DefinitionSubstitutions" not in one.properties]
    assert len(theirs) == 3
    assert all(one["RoleArn"] in made.parameters.values() for one in theirs)


PLAYBOOK = {
    "targets": {
        "guard": {"kind": "responder", "responder": "restart_cloudtrail"},
        "chosen": {"kind": "workflow", "responder": "guard"},
        "playbook": {"kind": "workflow"},
        "told": {"kind": "responder", "responder": "sing_song"},
    },
    "routes": [
        {"detections": ["cloudtrail_logging_stopped"], "to": ["guard", "playbook", "told"]},
        {"detections": ["kms_key_disabled"], "to": ["playbook", "told", "chosen"]},
    ],
}


def test_a_playbook_asks_whom_it_may_and_those_whom_it_asks() -> None:
    made = shapes.central(shapes.rendering(shape_of(PLAYBOOK)))
    asked: dict[tuple[str, str], dict[str, Any]] = {}
    for rule in made.of("AWS::Events::Rule"):
        for entry in rule["Targets"]:
            if entry["Id"] in ("playbook", "chosen"):
                template = re.sub(r"<[\w.]+>", "0", entry["InputTransformer"]["InputTemplate"])
                asked[rule["Name"], entry["Id"]] = json.loads(template)
    said = {key: (given["ask"], given["wait"]) for key, given in asked.items()}
    assert said == {
        ("trailbus-cloudtrail_logging_stopped", "playbook"): ("trailbus-guard", 60),
        ("trailbus-kms_key_disabled", "playbook"): ("", 0),
        ("trailbus-kms_key_disabled", "chosen"): ("trailbus-guard", 0),
    }
    function = made.resources["Guard"]
    told = made.resources["Told"]
    for name in ("Chosen", "Playbook"):
        role = made.by_arn(made.resources[f"{name}Machine"]["RoleArn"])
        caller, own = session(role.arn), identity(role)
        assert may(caller, "lambda:InvokeFunction", function.arn, None, own)
        assert not may(caller, "lambda:InvokeFunction", told.arn, None, own)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_machines_name_what_they_call_in_every_partition(partition: str) -> None:
    template = shapes.rendered(WORKFLOWS).templates[names.CENTRAL]
    region = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}.get(partition, AT_HOME.region)
    made = Stack(template, {}, Place(CENTRAL, region, partition), "a-long-prefix-16")
    for machine in machines(made):
        text = machine["DefinitionString"]
        for name, value in machine.properties.get("DefinitionSubstitutions", {}).items():
            text = text.replace(f"${{{name}}}", value)
        for state in json.loads(text)["States"].values():
            if state["Type"] == "Task":
                assert state["Resource"].startswith(f"arn:{partition}:states:::")


# --- Functions


def test_each_function_has_one_permission_for_the_rules_of_ours_alone() -> None:
    made = stack(FUNCTIONS)
    permissions = list(made.of("AWS::Lambda::Permission"))
    assert len(permissions) == len(shapes.rendered(FUNCTIONS).shape.targets)
    for permission in permissions:
        assert permission["SourceArn"].endswith(":rule/a-long-prefix-16/a-long-prefix-16-*")
        assert set(permission.properties) == {"Action", "FunctionName", "Principal", "SourceArn"}
