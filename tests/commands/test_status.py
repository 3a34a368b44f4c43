"""The command status: what a person sees, what a script gets, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generator import config
from generator.deploy.bundle import read_bundle
from generator.simulation.cloud import Cloud
from generator.simulation.run import deployed
from tests.conftest import Run

STATUS = ("status", "--config", "trailbus.yaml")


@pytest.fixture
def covered(house: Path, cloud: Cloud) -> Path:
    """The folder, with its templates deployed."""
    configuration = config.load(house / "trailbus.yaml")
    assert configuration.place is not None
    bundle = read_bundle(house / "out", configuration.shape.digest)
    deployed(cloud, bundle, configuration.place)
    return house


def test_a_covered_organization_is_all_green(covered: Path, trailbus: Run) -> None:
    outcome = trailbus(*STATUS)
    assert outcome.code == 0
    assert outcome.err == ""
    assert outcome.out.splitlines()[-1] == ("all green: 5 accounts x 3 Regions; 15 cells deployed")
    assert "payments-prod" not in outcome.out
    assert "payments-prod" in trailbus(*STATUS, "--all").out


def test_before_the_first_rollout_it_says_what_to_do(
    house: Path, cloud: Cloud, trailbus: Run
) -> None:
    outcome = trailbus(*STATUS)
    assert outcome.code == 1
    assert "StackSet trailbus-member-rules: is not there; deploy" in outcome.out
    assert outcome.out.splitlines()[-1].startswith("15 of 15 cells are not green")


def test_the_document_has_everything_and_nothing_else_is_on_stdout(
    covered: Path, cloud: Cloud, trailbus: Run
) -> None:
    outcome = trailbus(*STATUS, "--json", "--drift")
    found = json.loads(outcome.out)
    assert found["green"] is True
    assert found["accounts"][0]["cells"]["eu-west-1"] == {"sign": "deployed"}
    assert found["summary"]["us-east-1"] == {"deployed": 5}
    assert (found["reasons"], found["not_checked"]) == ([], {})
    assert "Comparing" in outcome.err


def test_the_page_is_written_beside_the_rest(covered: Path, trailbus: Run) -> None:
    outcome = trailbus(*STATUS, "--html", "page.html", "--dead-letters")
    assert outcome.code == 0
    assert "wrote page.html" in outcome.err
    text = (covered / "page.html").read_text(encoding="utf-8")
    assert "Trailbus in o-a1b2c3d4e5" in text
    assert "no role was given that lets us in" in text
    assert "no role was given that lets us in" in outcome.out


def test_a_page_that_cannot_be_written_is_one_line(covered: Path, trailbus: Run) -> None:
    outcome = trailbus(*STATUS, "--html", "nowhere/page.html")
    assert outcome.code == 2
    assert outcome.err == "nowhere/page.html: cannot be written: No such file or directory\n"


@pytest.mark.parametrize("code", ["ExpiredToken", "AccessDenied"])
def test_useless_credentials_are_a_line_a_side(
    code: str, house: Path, cloud: Cloud, trailbus: Run
) -> None:
    cloud.refusals.add(code=code)
    outcome = trailbus(*STATUS)
    assert (outcome.code, outcome.out) == (2, "")
    lines = outcome.err.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "the central account",
        "the management account",
    ]
    assert all(code in line for line in lines)


def test_without_a_place_there_is_nothing_to_look_at(house: Path, trailbus: Run) -> None:
    text = (house / "trailbus.yaml").read_text(encoding="utf-8")
    (house / "trailbus.yaml").write_text(text.partition("place:")[0], encoding="utf-8")
    outcome = trailbus(*STATUS)
    assert outcome.code == 2
    assert outcome.err.startswith("trailbus.yaml: has no place")
