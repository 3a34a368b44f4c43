"""The command that hands the rollout to other pipelines, and the workflow for GitHub Actions."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import github
from generator.__main__ import main
from generator.commands import COMMANDS

ROOT = Path(__file__).parent.parent
WORKFLOW = ".github/workflows/trailbus.yaml"

# What GitHub's schema of workflows knows of a job and of a step, as far as it is used here.
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
JOB = {
    "concurrency",
    "environment",
    "if",
    "needs",
    "permissions",
    "runs-on",
    "steps",
    "timeout-minutes",
}
STEP = {"name", "run", "uses", "with"}


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration in the folder in which the command runs."""
    monkeypatch.chdir(tmp_path)
    Path("trailbus.yaml").write_text("{}\n", encoding="utf-8")
    return Path("trailbus.yaml")


@pytest.fixture
def workflow(configuration: Path, capsys: Any) -> dict[Any, Any]:
    assert main(["handoff", "github", "--config", str(configuration)]) == 0
    loaded: dict[Any, Any] = yaml.safe_load(capsys.readouterr().out)
    return loaded


def test_it_is_a_workflow(workflow: dict[Any, Any]) -> None:
    # YAML 1.1 reads `on` as true; GitHub does not.
    assert set(workflow) == {"name", True, "permissions", "jobs"}
    assert workflow[True] == {"pull_request": None, "push": {"branches": ["main"]}}
    for job in workflow["jobs"].values():
        assert set(job) <= JOB
        assert {"permissions", "runs-on", "steps", "timeout-minutes"} <= set(job)
        for step in job["steps"]:
            assert set(step) <= STEP
            assert ("run" in step) != ("uses" in step)


def test_pull_requests_are_checked_and_only_what_is_merged_is_planned_and_deployed(
    workflow: dict[str, Any],
) -> None:
    jobs = workflow["jobs"]
    assert "if" not in jobs["check"]
    for name, needs in (("plan", "check"), ("deploy", "plan")):
        assert jobs[name]["if"] == "github.event_name == 'push'"
        assert jobs[name]["needs"] == needs
    # Somebody reads the plan before it is deployed, and nothing deploys beside it.
    assert jobs["deploy"]["environment"] == "trailbus"
    assert jobs["deploy"]["concurrency"]["cancel-in-progress"] is False


def test_nobody_gets_more_than_he_needs(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {}
    granted = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    asks_aws = {"contents": "read", "id-token": "write"}
    assert granted == {"check": {"contents": "read"}, "plan": asks_aws, "deploy": asks_aws}
    text = json.dumps(workflow)
    assert "secrets." not in text
    assert "pull_request_target" not in text
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
    roles = {
        step["with"]["role-to-assume"]
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "role-to-assume" in step.get("with", {})
    }
    assert len(roles) == 2


def used(text: str) -> list[str]:
    return re.findall(r"uses: (.+)", text)


def test_actions_are_pinned_to_commits_with_their_version(configuration: Path, capsys: Any) -> None:
    assert main(["handoff", "github", "--config", str(configuration)]) == 0
    ours = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    for text in (capsys.readouterr().out, ours):
        assert len(used(text)) > 3
        for one in used(text):
            found = re.fullmatch(r"(\S+)@([0-9a-f]{40}) # (v\S+)", one)
            assert found, one
            assert github.ACTIONS[found[1]] == (found[2], found[3])


def test_an_identity_never_meets_a_build(workflow: dict[str, Any]) -> None:
    for name, job in workflow["jobs"].items():
        ran = [step["run"] for step in job["steps"] if "run" in step]
        assert not any("make" in one or "-e " in one or ".[" in one for one in ran), name
        [installs] = [one for one in ran if "pip install" in one]
        assert "--require-hashes --only-binary :all: -r requirements.txt" in installs


def test_the_lock_holds_what_is_needed_with_hashes_and_as_it_was_tested() -> None:
    lock = (ROOT / github.LOCK).read_text(encoding="utf-8")
    known = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    hashes = r"((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)"
    entries = re.findall(rf"^(\S+==\S+) \\\n{hashes}", lock, re.MULTILINE)
    assert [line for line in lock.splitlines() if "==" in line] == [f"{n} \\" for n, _ in entries]
    assert {name for name, _ in entries} <= set(known)
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    locked = {name.partition("==")[0].lower() for name, _ in entries}
    waiting = re.findall(
        r"^([A-Za-z0-9_-]+)>=", settings["options"]["install_requires"], re.MULTILINE
    )
    seen: set[str] = set()
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        assert name in locked
        needs = metadata.requires(name) or []
        waiting += [re.split(r"[^A-Za-z0-9_-]", one)[0] for one in needs if "extra ==" not in one]
    assert seen == locked


def test_nothing_that_others_write_reaches_a_shell(workflow: dict[str, Any]) -> None:
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


def test_its_commands_are_ours_and_understood(
    workflow: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    ran = [
        shlex.split(step["run"])
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "generator" in step.get("run", "")
    ]
    assert [words[3] for words in ran] == ["check", "plan", "deploy"]
    for words in ran:
        assert words[:3] == [".venv/bin/python", "-m", "generator"]
        assert words[3] in COMMANDS
        with pytest.raises(SystemExit):
            main([words[3], "--help"])
        told = capsys.readouterr().out
        for word in words[4:]:
            assert not word.startswith("--") or word in told


def test_what_is_deployed_is_what_was_planned(workflow: dict[str, Any]) -> None:
    jobs = workflow["jobs"]
    put = next(one for one in jobs["plan"]["steps"] if "upload" in one.get("uses", ""))
    got = next(one for one in jobs["deploy"]["steps"] if "download" in one.get("uses", ""))
    assert put["with"] == {"name": got["with"]["name"], "path": "plan.json"}
    assert "--out plan.json" in json.dumps(jobs["plan"])
    assert "deploy plan.json" in json.dumps(jobs["deploy"])


@pytest.mark.parametrize(
    ("given", "written"),
    [([], "--config trailbus.yaml"), (["--config", "some/where.yaml"], "--config some/where.yaml")],
)
def test_the_workflow_names_the_configuration(
    configuration: Path, given: list[str], written: str, capsys: Any
) -> None:
    Path("some").mkdir()
    Path("some/where.yaml").write_text("{}\n", encoding="utf-8")
    assert main(["handoff", "github", *given]) == 0
    assert capsys.readouterr().out.count(written) == 3


@pytest.mark.parametrize("name", ["/tmp/x.yaml", "../x.yaml", "a b.yaml", "${{ x }}.yaml"])  # noqa: S108
def test_a_path_that_the_repository_does_not_have_is_refused(
    configuration: Path, name: str, tmp_path: Path, capsys: Any
) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    file = str(tmp_path / "x.yaml") if name.startswith("/") else name
    Path(file).write_text("{}\n", encoding="utf-8")
    assert main(["handoff", "github", "--config", file]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "cannot stand in a workflow" in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("github", {WORKFLOW}),
        (
            "cfct",
            {
                "manifest.yaml",
                "templates/central.yaml",
                "templates/member-roles.yaml",
                "templates/member-rules.yaml",
            },
        ),
    ],
)
def test_with_a_folder_the_files_are_written(
    configuration: Path, to: str, expected: set[str], capsys: Any
) -> None:
    command = ["handoff", to, "--config", str(configuration), "--out", "there"]
    for outcome in ("new", "unchanged"):
        assert main([*command, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told == {"folder": "there", "files": dict.fromkeys(expected, outcome)}
    found = {str(file.relative_to("there")) for file in Path("there").rglob("*") if file.is_file()}
    assert found == expected
    assert main(command) == 0
    assert capsys.readouterr().out.count("unchanged") == len(expected)


def test_nothing_is_removed_that_it_did_not_make(configuration: Path, capsys: Any) -> None:
    assert main(["render", "--config", str(configuration), "--out", "there"]) == 0
    before = {file: file.read_bytes() for file in Path("there").rglob("*") if file.is_file()}
    for to in ("cfct", "github"):
        assert main(["handoff", to, "--config", str(configuration), "--out", "there"]) == 0
    assert "removed" not in capsys.readouterr().out
    assert {file: file.read_bytes() for file in before} == before


def test_what_is_printed_is_what_is_written(configuration: Path, capsys: Any) -> None:
    for to, file in (("github", WORKFLOW), ("cfct", "manifest.yaml")):
        command = ["handoff", to, "--config", str(configuration)]
        assert main(command) == 0
        printed = capsys.readouterr().out
        assert main([*command, "--out", "there"]) == 0
        capsys.readouterr()
        assert (Path("there") / file).read_text(encoding="utf-8") == printed


@pytest.mark.parametrize("given", [[], ["jenkins"], ["cfct", "github"]])
def test_misuse_is_told_in_words(given: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["handoff", *given])
    assert stopped.value.code == 2
    assert "usage: trailbus handoff" in capsys.readouterr().err
