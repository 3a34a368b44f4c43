"""Commands say so while nobody hears the alarms: nobody is named, or nobody has confirmed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generator import config, names
from generator.deploy import listeners
from generator.deploy.bundle import read_bundle
from generator.deploy.wanted import wanted
from generator.simulation.cloud import Cloud
from generator.simulation.run import deployed
from tests.commands.conftest import CONFIGURATION
from tests.conftest import Run

GIVEN = ("--config", "trailbus.yaml")
NAMED = "  alarms: {emails: [oncall@example.com]}\n"
RESPONDER = CONFIGURATION.replace(
    "targets: {here: {kind: queue}}",
    "targets: {here: {kind: queue}, guard: {kind: responder, responder: restart_cloudtrail}}",
).replace("to: [here]", "to: [here, guard]")


def rolled_out(house: Path, cloud: Cloud, trailbus: Run, text: str) -> None:
    (house / "trailbus.yaml").write_text(text, encoding="utf-8")
    assert trailbus("render", *GIVEN).code == 0
    configuration = config.load(house / "trailbus.yaml")
    assert configuration.place is not None
    deployed(cloud, read_bundle(house / "out", configuration.shape.digest), configuration.place)


def test_nobody_is_named(house: Path, cloud: Cloud, trailbus: Run) -> None:
    rolled_out(house, cloud, trailbus, CONFIGURATION.replace(NAMED, ""))
    said = "topic trailbus-alarms: nobody hears the alarms, it has no confirmed subscriber"
    cure = "name addresses in place.alarms.emails, or add a chat (notify_slack)"
    for command, code in (("plan", 0), ("doctor", 0), ("status", 1)):
        outcome = trailbus(command, *GIVEN)
        assert f"{said}; {cure}" in outcome.out, command
        assert outcome.code == code, command
    assert "all green" not in trailbus("status", *GIVEN).out


def test_whoever_has_not_confirmed_hears_nothing_and_is_named(
    house: Path, cloud: Cloud, trailbus: Run
) -> None:
    cloud.subscriptions.prompt = False
    two = CONFIGURATION.replace("[oncall@example.com]", "[oncall@example.com, b@example.com]")
    planned = trailbus("plan", *GIVEN)
    assert "not confirmed yet by oncall@example.com; after the rollout, follow" in planned.out
    assert planned.code == 0
    rolled_out(house, cloud, trailbus, two)
    for command in ("plan", "doctor", "status"):
        waiting = "not confirmed yet by oncall@example.com, b@example.com; follow the link"
        assert waiting in trailbus(command, *GIVEN).out, command
    found = json.loads(trailbus("status", *GIVEN, "--json").out)
    assert (found["green"], found["parts"][-1]["sign"]) == (False, "unheard")
    unheard = json.loads(trailbus("plan", *GIVEN, "--json").out)["unheard"]
    assert unheard[0]["pending"] == ["oncall@example.com", "b@example.com"]
    cloud.subscriptions.confirm("b@example.com")
    assert trailbus("status", *GIVEN).code == 0
    assert "nobody hears" not in trailbus("plan", *GIVEN).out + trailbus("doctor", *GIVEN).out


def test_unheard_reports_are_told_and_are_no_fault(
    house: Path, cloud: Cloud, trailbus: Run
) -> None:
    rolled_out(house, cloud, trailbus, RESPONDER)
    outcome = trailbus("status", *GIVEN)
    assert "topic trailbus-reports: nobody hears the reports" in outcome.out
    assert outcome.code == 0


def test_a_topic_that_may_not_be_read_is_told(house: Path, cloud: Cloud, trailbus: Run) -> None:
    rolled_out(house, cloud, trailbus, CONFIGURATION)
    cloud.refusals.add(operation="ListSubscriptionsByTopic")
    assert "who hears the alarms is not known: ListSubscr" in trailbus("plan", *GIVEN).out
    assert trailbus("status", *GIVEN).code == 1


def test_a_chat_that_the_template_subscribes_hears_before_the_rollout(
    house: Path, cloud: Cloud, trailbus: Run
) -> None:
    text = RESPONDER.replace("responder: restart_cloudtrail", "responder: notify_slack")
    (house / "trailbus.yaml").write_text(text, encoding="utf-8")
    assert trailbus("render", *GIVEN).code == 0
    configuration = config.load(house / "trailbus.yaml")
    place = configuration.place
    assert place is not None
    want = wanted(read_bundle(house / "out", configuration.shape.digest), place, ("us-east-1",))
    found = {topic.name: topic.heard for topic in listeners.topics(cloud.door(place), want)}
    assert found[names.report_topic("trailbus")]


BAD = (
    ("alarms: {emails: [me]}", "place.alarms.emails.0: 'me' is not an e-mail address"),
    (
        "alarms: {emails: [a@x.io, b@x.io, c@x.io, d@x.io, e@x.io, f@x.io]}",
        "place.alarms.emails: has 6 values, at most 5 are possible",
    ),
    ("alarms: {email: [a@x.io]}", "unknown key 'email'; did you mean 'emails'?"),
    ("reports: {emails: [a@x.io]}", "place.reports: nothing here reports"),
    (
        "alarms: {emails: [a@x.io]}\n  parameters: {AlarmEmail: b@x.io}",
        "'AlarmEmail' is given in place.alarms.emails already; keep one of them",
    ),
)


@pytest.mark.parametrize(("given", "says"), BAD)
def test_bad_addresses_are_a_line_each(given: str, says: str, house: Path, trailbus: Run) -> None:
    text = CONFIGURATION.replace(NAMED.strip(), given)
    (house / "trailbus.yaml").write_text(text, encoding="utf-8")
    outcome = trailbus("render", *GIVEN)
    assert (outcome.code, says in outcome.err) == (2, True), outcome.err
