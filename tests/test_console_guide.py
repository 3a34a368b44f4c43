"""The guide for the console names what the templates really hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator import names, organization
from tests import shapes
from tests.shapes import Place, Stack

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "console.md").read_text(encoding="utf-8")
OF = shapes.rendered("built-in")
PREFIX = names.DEFAULT_PREFIX


def asked_in_the_table() -> set[str]:
    """The parameters that the table about organization.yaml explains."""
    table = TEXT.partition("| parameter | give it |")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_parameter_of_the_organization_is_explained_and_no_other() -> None:
    assert asked_in_the_table() == set(OF.templates[names.ORGANIZATION]["Parameters"])


def test_whatever_looks_like_a_parameter_is_one() -> None:
    known = {name for one in OF.templates.values() for name in one.get("Parameters", {})}
    known |= {"BusArn"}  # the output that the other uploads are given
    told = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", TEXT))
    assert told <= known
    assert "BusArn" in OF.templates[names.CENTRAL]["Outputs"]


def test_the_parameters_that_management_needs_are_named() -> None:
    section = TEXT.partition("## With a delegated administrator")[2].partition("\n## ")[0]
    parameters = OF.templates[names.MANAGEMENT]["Parameters"]
    needed = {name for name, one in parameters.items() if "Default" not in one}
    assert needed <= set(re.findall(r"`(\w+)`", section))
    assert parameters[organization.PHASE]["AllowedValues"] == ["all", "none"]


def test_the_phases_are_those_of_the_template() -> None:
    told = re.search(r"^\| `Phase` \| (.*) \|$", TEXT, re.MULTILINE)
    assert told is not None
    allowed = OF.templates[names.ORGANIZATION]["Parameters"][organization.PHASE]["AllowedValues"]
    assert re.findall(r"`(\w+)`", told[1]) == allowed


def test_stack_sets_and_roles_go_by_their_names() -> None:
    given = {organization.PHASE: "all"}
    stack = Stack(OF.templates[names.ORGANIZATION], given, Place("111111111111"))
    made = {one["StackSetName"] for one in stack.of("AWS::CloudFormation::StackSet")}
    made |= {one["RoleName"] for one in stack.of("AWS::IAM::Role")}
    made |= {one["ManagedPolicyName"] for one in stack.of("AWS::IAM::ManagedPolicy")}
    assert {name for name in made if f"`{name}`" not in TEXT} == set()
    uploads = {"trailbus-organization", "trailbus-management", names.central_stack(PREFIX)}
    told = set(re.findall(r"`(trailbus-[a-z-]+)`", TEXT))
    assert told == made | uploads
    assert f"{names.unforwarded_queue(PREFIX)}**" in TEXT


@pytest.mark.parametrize("file", [names.CENTRAL, names.ORGANIZATION, names.MANAGEMENT])
def test_every_upload_is_in_the_folder_that_it_is_taken_from(file: str) -> None:
    assert f"`{file}`" in TEXT
    assert (ROOT / "out" / file).is_file()


def test_links_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in headings
        else:
            assert (ROOT / "docs" / target).is_file()
