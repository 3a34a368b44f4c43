"""The package for Customizations for AWS Control Tower, held to its documented schema."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import config, control_tower, names
from generator.__main__ import main
from generator.model import Place

PLACE = """\
place:
  organization_id: o-a1b2c3d4e5
  management_account: "111111111111"
  central: {account: "012345678901", region: eu-west-1}
  organizational_units: [r-ab12]
  regions: [us-east-1, eu-west-1]
"""
TARGETS = """\
targets:
  theirs: {kind: queue, readers: ["arn:aws:iam::444455556666:role/ConsoleMe"]}
routes:
  - {severity: [critical], to: [theirs]}
"""

# The schema of manifests of 2021-03-15: of each mapping, the type of every key; ! marks those that
# must be there.
# https://github.com/aws-solutions/aws-control-tower-customizations/blob/main/source/src/cfct/validation/manifest-v2.schema.yaml
SCHEMA: dict[str, Any] = {
    "region!": str,
    "version!": datetime.date,
    "enable_stack_set_deletion": bool,
    "resources": [
        {
            "name!": str,
            "description": str,
            "resource_file!": str,
            "deployment_targets!": {"accounts": [str], "organizational_units": [str]},
            "parameter_file": str,
            "parameters": [{"parameter_key!": str, "parameter_value!": str}],
            "deploy_method!": str,
            "regions": [str],
            "export_outputs": [{"name!": str, "value!": str}],
        }
    ],
}


def faults(value: Any, schema: Any, where: str = "manifest") -> list[str]:
    """Where a value is not as the schema says."""
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            return [f"{where} is no mapping"]
        known = {key.rstrip("!"): inner for key, inner in schema.items()}
        missing = [key[:-1] for key in schema if key.endswith("!") and key[:-1] not in value]
        found = [f"{where}.{key} is missing" for key in missing]
        for key, inner in value.items():
            if key in known:
                found += faults(inner, known[key], f"{where}.{key}")
            else:
                found.append(f"{where}.{key} is unknown")
        return found
    if isinstance(schema, list):
        if not isinstance(value, list) or not value:
            return [f"{where} is no list of something"]
        return [one for each in value for one in faults(each, schema[0], f"{where}[]")]
    return [] if type(value) is schema else [f"{where} is {value!r}"]


def handed(tmp_path: Path, configuration: str, capsys: Any) -> dict[str, str]:
    """The files of the hand-off of a configuration."""
    file = tmp_path / "trailbus.yaml"
    file.write_text(configuration, encoding="utf-8")
    assert main(["handoff", "cfct", "--config", str(file), "--json"]) == 0
    files: dict[str, str] = json.loads(capsys.readouterr().out)["files"]
    return files


@pytest.fixture(params=["no place", "a place", "targets without a place", "all of it"])
def files(request: Any, tmp_path: Path, capsys: Any) -> dict[str, str]:
    configuration = {
        "no place": "",
        "a place": PLACE,
        "targets without a place": TARGETS,
        "all of it": TARGETS + PLACE,
    }[request.param]
    return handed(tmp_path, configuration or "{}", capsys)


def test_the_manifest_is_as_its_schema_says(files: dict[str, str]) -> None:
    manifest = yaml.safe_load(files["manifest.yaml"])
    assert faults(manifest, SCHEMA) == []
    assert manifest["version"] == datetime.date(2021, 3, 15)
    for resource in manifest["resources"]:
        assert resource["deploy_method"] == "stack_set"
        assert resource["regions"]
        assert len(resource["regions"]) == len(set(resource["regions"]))


def test_the_package_holds_what_the_manifest_names_and_no_more(files: dict[str, str]) -> None:
    named = [one["resource_file"] for one in yaml.safe_load(files["manifest.yaml"])["resources"]]
    assert [name.rpartition("/")[2] for name in named] == list(control_tower.TEMPLATES)
    assert set(files) == {"manifest.yaml", *named}


def test_every_template_gets_each_parameter_that_it_needs_and_none_that_it_lacks(
    files: dict[str, str],
) -> None:
    for resource in yaml.safe_load(files["manifest.yaml"])["resources"]:
        declared = yaml.safe_load(files[resource["resource_file"]])["Parameters"]
        given = [one["parameter_key"] for one in resource.get("parameters", [])]
        assert len(given) == len(set(given))
        assert set(given) <= set(declared)
        assert {name for name, one in declared.items() if "Default" not in one} <= set(given)


def test_the_central_stack_comes_first_and_hands_its_bus_on(files: dict[str, str]) -> None:
    central, roles, rules = yaml.safe_load(files["manifest.yaml"])["resources"]
    [output] = central["export_outputs"]
    outputs = yaml.safe_load(files[central["resource_file"]])["Outputs"]
    assert output["value"] == "$[output_BusArn]"
    assert "BusArn" in outputs
    for member in (roles, rules):
        declared = yaml.safe_load(files[member["resource_file"]])["Parameters"]
        if names.CENTRAL_BUS_ARN not in declared:
            continue  # nothing is forwarded
        bus = _given(member)[names.CENTRAL_BUS_ARN]
        assert bus == f"$[alfred_ssm_{output['name']}]"
    assert output["name"].startswith("/org/")
    assert len(roles["regions"]) == len(central["regions"]) == 1
    assert "accounts" not in {**roles["deployment_targets"], **rules["deployment_targets"]}


def _given(resource: Mapping[str, Any]) -> dict[str, str]:
    return {one["parameter_key"]: one["parameter_value"] for one in resource.get("parameters", [])}


def test_a_place_is_filled_in(tmp_path: Path, capsys: Any) -> None:
    files = handed(tmp_path, TARGETS + PLACE, capsys)
    manifest = yaml.safe_load(files["manifest.yaml"])
    central, roles, rules = manifest["resources"]
    assert manifest["region"] == "eu-west-1"
    assert central["deployment_targets"] == {"accounts": ["012345678901"]}
    assert central["regions"] == roles["regions"] == ["eu-west-1"]
    assert rules["regions"] == ["us-east-1", "eu-west-1"]
    assert _given(central)[names.ORGANIZATION_ID] == "o-a1b2c3d4e5"
    assert _given(central)["TheirsReader"] == "arn:aws:iam::444455556666:role/ConsoleMe"
    assert names.CENTRAL_ACCOUNT not in _given(roles), "no role of a responder needs it here"
    # Units go by names there, which a place does not say.
    assert set(_capitals(files["manifest.yaml"])) == {"EACH_UNIT", "AND_ONE_BELOW_IT"}


def test_the_account_of_the_responders_is_filled_in(tmp_path: Path, capsys: Any) -> None:
    built_in = (config.DEFAULT).read_text(encoding="utf-8")
    _, roles, _ = yaml.safe_load(handed(tmp_path, built_in + PLACE, capsys)["manifest.yaml"])[
        "resources"
    ]
    assert _given(roles)[names.CENTRAL_ACCOUNT] == "012345678901"


def test_without_a_place_every_gap_is_in_capitals(tmp_path: Path, capsys: Any) -> None:
    text = handed(tmp_path, "{}", capsys)["manifest.yaml"]
    assert set(_capitals(text)) == {
        "CENTRAL_ACCOUNT_ID",
        "CENTRAL_REGION",
        "EACH_REGION_TO_COVER",
        "ORGANIZATION_ID",
        "EACH_UNIT",
        "AND_ONE_BELOW_IT",
    }


def _capitals(text: str) -> list[str]:
    body = text.partition("\n---\n")[2]
    return re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", body)


FULL = """\
place:
  organization_id: o-a1b2c3d4e5
  management_account: "111111111111"
  central: {account: "012345678901", region: eu-west-1}
  organizational_units: [ou-ab12-workloads1]
  exclude_accounts: ["333333333333"]
  regions: all
  tags: {cost-center: "4711"}
  rollout:
    permissions: self-managed
    pilot: {accounts: ["444455556666"]}
    max_concurrent_percentage: 50
    failure_tolerance_percentage: 10
    region_concurrency: sequential
"""


def test_what_cannot_be_said_to_the_receiver_is_said_to_the_reader(
    tmp_path: Path, capsys: Any
) -> None:
    file = tmp_path / "trailbus.yaml"
    file.write_text(FULL, encoding="utf-8")
    assert main(["handoff", "cfct", "--config", str(file)]) == 0
    printed = capsys.readouterr()
    head = printed.out.partition("\n---\n")[0]
    told = " ".join(line.removeprefix("# ") for line in head.splitlines())
    for words in (
        "place.organizational_units: ou-ab12-workloads1",
        "place.exclude_accounts: 333333333333",
        "place.regions: all",
        "place.tags: cost-center=4711",
        "place.rollout.pilot: 444455556666",
        "place.rollout.permissions: self-managed",
        "place.rollout.max_concurrent_percentage: 50",
        "place.rollout.failure_tolerance_percentage: 10",
        "place.rollout.sequential: True",
    ):
        assert words in told
        assert words in printed.err
    assert max(len(line) for line in head.splitlines()) <= 100


def test_every_setting_of_a_place_is_handed_on_or_told() -> None:
    """A setting that is added later is thought about here, too."""
    handed_on = {"organization_id", "management_account", "central_account", "central_region"}
    handed_on |= {"regions", "parameters", "targets"}
    told = {"organizational_units", "exclude_accounts", "tags", "rollout"}
    # How deploy gets in: CfCT has its own ways.
    of_no_use = {"access"}
    # Who hears alarms and reports is a parameter.
    assert {*Place._fields} - {"alarm_emails", "report_emails"} == handed_on | told | of_no_use


def test_the_management_account_is_told_about() -> None:
    text = control_tower.manifest(
        "trailbus", control_tower.Where(), {name: {} for name in control_tower.TEMPLATES}
    )
    assert names.MANAGEMENT in text.partition("\n---\n")[0]
