"""The command doctor: its findings the worst first, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

from generator.simulation.cloud import Cloud
from tests.conftest import Run

DOCTOR = ("doctor", "--config", "trailbus.yaml")


def test_a_healthy_organization_passes(house: Path, cloud: Cloud, trailbus: Run) -> None:
    outcome = trailbus(*DOCTOR)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert all(line.startswith("ok") for line in lines[:-2])
    assert lines[-1] == f"{len(lines) - 2} ok"


def test_what_blocks_comes_first_and_fails(house: Path, cloud: Cloud, trailbus: Run) -> None:
    cloud.cloudformation.stack_sets.administration.deactivate()
    cloud.trails.add("111111111111", "us-east-1", "organization-trail", logging=False)
    cloud.refusals.add("iam", "SimulatePrincipalPolicy")
    outcome = trailbus(*DOCTOR)
    assert outcome.code == 1
    levels = [line.split()[0] for line in outcome.out.splitlines()[:-2]]
    assert levels[:4] == ["blocking", "warning", "unchecked", "unchecked"]
    assert "1 blocking, 1 warning, 3 unchecked, " in outcome.out


def test_warnings_alone_do_not_fail(house: Path, cloud: Cloud, trailbus: Run) -> None:
    cloud.trails.add("111111111111", "us-east-1", "organization-trail", logging=False)
    outcome = trailbus(*DOCTOR)
    assert outcome.code == 0
    assert "warning" in outcome.out


def test_the_document_has_every_finding(house: Path, cloud: Cloud, trailbus: Run) -> None:
    cloud.cloudformation.stack_sets.administration.deactivate()
    outcome = trailbus(*DOCTOR, "--json")
    found = json.loads(outcome.out)
    assert (outcome.code, found["blocking"], found["warning"]) == (1, 1, 0)
    [blocking] = [one for one in found["findings"] if one["level"] == "blocking"]
    assert blocking["check"] == "trusted access"
    assert blocking["cure"].startswith("in the management account: aws cloudformation")


def test_expired_credentials_are_a_finding_and_no_traceback(
    house: Path, cloud: Cloud, trailbus: Run
) -> None:
    cloud.refusals.add(code="ExpiredToken")
    outcome = trailbus(*DOCTOR)
    assert outcome.code == 1
    assert outcome.out.count("log in again") == 2
    assert "Traceback" not in outcome.err


def test_a_network_that_is_down_is_said_once(house: Path, cloud: Cloud, trailbus: Run) -> None:
    cloud.refusals.add(code="EndpointConnectionError", message="Could not connect")
    outcome = trailbus(*DOCTOR)
    assert (outcome.code, outcome.out) == (2, "")
    [line] = outcome.err.splitlines()
    assert line.startswith("the network: there is no way to AWS: Could not connect; see the")


def test_without_a_place_there_is_nothing_to_look_at(house: Path, trailbus: Run) -> None:
    text = (house / "trailbus.yaml").read_text(encoding="utf-8")
    (house / "trailbus.yaml").write_text(text.partition("place:")[0], encoding="utf-8")
    assert trailbus(*DOCTOR).code == 2
