"""plan, deploy and destroy as a person runs them, against the simulated organization."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.deploy.apply import Failure, Progress
from generator.deploy.aws import Call, Door, Side
from generator.deploy.plan import Step
from generator.model import Mistake, Place
from generator.rollout import opening
from generator.rollout.progress import View
from generator.screen import Screen
from generator.simulation.cloudformation.stack_sets.faults import SCP_DENY
from tests.conftest import Outcome, Run
from tests.deploy.organization import (
    AWAY,
    CENTRAL,
    CONFIGURATION,
    HOME,
    MEMBER,
    ONE,
    OTHER,
    READS,
    THIRD,
    TWO,
    Company,
    company,
)

PLACE = """\
place:
  organization_id: o-a1b2c3d4e5
  management_account: "111111111111"
  central: {account: "222222222222", region: us-east-1}
  organizational_units: [r-ab12]
  regions: [us-east-1, eu-west-1]
  alarms: {emails: [oncall@example.com]}
"""


class Terminal:
    """A person's folder with a configuration, and an organization behind the door."""

    def __init__(self, run: Run, folder: Path, it: Company) -> None:
        self.run = run
        self.file = folder / "trailbus.yaml"
        self.out = folder / "out"
        self.it = it
        self.configure()

    def configure(self, detections: str = ONE, place: str = PLACE) -> None:
        text = CONFIGURATION.format(detections=detections) + place
        self.file.write_text(text, encoding="utf-8")
        assert self.run("render", "--config", self.file, "--out", self.out).code == 0

    def __call__(self, command: str, *arguments: str | Path) -> Outcome:
        given = ("--config", self.file, "--templates", self.out)
        return self.run(command, *given, *arguments)

    def json(self, command: str, *arguments: str | Path) -> Any:
        return json.loads(self(command, "--json", *arguments).out)


@pytest.fixture
def terminal(trailbus: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with company() as it:

        def door_to(place: Place) -> Door:
            return it.cloud.door(it.place)

        monkeypatch.setattr(opening, "door_to", door_to)
        monkeypatch.setattr(time, "sleep", it.cloud.pause)
        yield Terminal(trailbus, tmp_path, it)


def test_the_whole_life_of_a_rollout(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    faults = terminal.it.cloud.cloudformation.stack_sets.faults
    management = terminal.it.cloud.administrator(terminal.it.place.management_account, HOME)
    management.client("cloudformation").deactivate_organizations_access()
    examined = terminal("doctor")
    assert examined.code == 1
    assert "activate-organizations-access" in examined.out
    management.client("cloudformation").activate_organizations_access()
    assert terminal("doctor").code == 0
    planned = terminal("plan", "--out", file)
    assert planned.code == 0
    assert "central stack trailbus-central in us-east-1: create" in planned.out
    assert f"+ add accounts {MEMBER}, {THIRD}, {CENTRAL}, {OTHER} in {AWAY}, {HOME}" in planned.out
    for account, region in ((MEMBER, AWAY), (OTHER, HOME), (THIRD, AWAY)):
        faults.add(SCP_DENY, account=account, region=region, stack_set="trailbus-member-rules")
    deployed = terminal("deploy", file)
    assert deployed.code == 1
    assert deployed.out.count("explicit deny in a service control policy") == 3
    assert "3 cells failed" in deployed.out
    found = terminal("status")
    assert found.code == 1
    assert "service control policy" in found.out
    faults.clear()
    planned = terminal("plan")
    assert f"~ try again accounts {MEMBER}, {THIRD} in {AWAY}" in planned.out
    repaired = terminal("deploy")
    assert repaired.code == 0
    assert [line for line in repaired.out.splitlines() if "Deploying" in line] == []
    assert terminal("plan").out.splitlines()[-1].startswith("Nothing to do")
    assert terminal("status").code == 0
    terminal.it.join("999900001111")
    assert terminal.json("plan")["unchanged"]
    covered = terminal("status", "--all")
    assert covered.code == 0
    assert "999900001111" in covered.out
    terminal.configure(TWO)
    changed = terminal.json("plan")
    added = {
        one["name"]
        for one in changed["central"]["differences"]
        if one["action"] == "add" and one["section"] == "Resources"
    }
    assert added == {"CloudtrailTrailDeletedRule"}
    assert [one["cells"]["update"] for one in changed["stack_sets"]] == [0, 10]
    assert terminal("deploy").code == 0
    destroyed = terminal("destroy", "--yes")
    assert destroyed.code == 0
    assert destroyed.out.splitlines()[-1] == "Done."
    assert terminal.it.look().stacks == {}
    assert "there is nothing of it" in terminal("destroy", "--yes").out


def test_a_plan_of_what_is_unchanged_makes_only_reads(terminal: Terminal) -> None:
    assert terminal("deploy").code == 0
    before = len(terminal.it.cloud.edge.calls)
    planned = terminal("plan")
    assert planned.out.splitlines()[-1] == (
        "Nothing to do: everything is as configured (4 accounts, 2 Regions)."
    )
    assert all(name.startswith(READS) for name in terminal.it.calls(before))
    assert terminal("deploy").out == "Nothing to do: everything is as configured.\n"
    assert terminal.it.writes(before) == []


def test_a_plan_leaves_nothing_behind_and_no_change_set_means_only_reads(
    terminal: Terminal,
) -> None:
    before = terminal.it.resources()
    assert terminal("plan").code == 0
    assert terminal.it.resources() == before
    assert terminal.it.look().stacks == {}
    seen = len(terminal.it.cloud.edge.calls)
    assert terminal("plan", "--no-change-set").code == 0
    assert terminal.it.writes(seen) == []


def test_a_plan_that_cannot_be_written_says_nothing_else(
    terminal: Terminal, tmp_path: Path
) -> None:
    planned = terminal("plan", "--json", "--out", tmp_path / "none" / "plan.json")
    assert (planned.code, planned.out) == (2, "")
    assert "cannot be written" in planned.err


def test_a_plan_names_the_command_that_does_it(terminal: Terminal, tmp_path: Path) -> None:
    planned = terminal("plan", "--out", tmp_path / "plan.json")
    said = f"trailbus deploy --config {terminal.file} {tmp_path / 'plan.json'}\n"
    assert planned.err.endswith(said)


def test_a_number_of_accounts_is_for_rehearsals(terminal: Terminal) -> None:
    planned = terminal("plan", "--accounts", "9")
    assert planned.code == 2
    assert "--accounts: is for rehearsals; add --rehearse" in planned.err


def test_a_plan_made_before_the_world_changed_is_refused(
    terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "plan.json"
    terminal("plan", "--out", file)
    terminal.it.join("999900001111")
    before = len(terminal.it.cloud.edge.calls)
    refused = terminal("deploy", file)
    assert refused.code == 2
    assert "the accounts of the organization changed since it was made" in refused.err
    assert terminal.it.writes(before) == []


@pytest.mark.parametrize(
    ("name", "place", "words"),
    [
        ("no place", "", "has no place"),
        ("wrong account", PLACE.replace("222222222222", MEMBER), "these credentials belong to"),
        ("region", PLACE.replace("eu-west-1", "eu-wset-1"), "did you mean eu-west-1?"),
        ("unit", PLACE.replace("r-ab12", "r-zz99"), "the organization has no r-zz99"),
        ("organization", PLACE.replace("o-a1b2c3d4e5", "o-zzzzzzzzzz"), "is in the organization"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "deploy", "destroy"])
def test_a_mistake_is_one_line_before_anything_is_changed(
    terminal: Terminal, command: str, name: str, place: str, words: str
) -> None:
    terminal.configure(place=place)
    before = len(terminal.it.cloud.edge.calls)
    outcome = terminal(command)
    assert outcome.code == 2
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert "Traceback" not in outcome.err
    assert terminal.it.writes(before) == []


@pytest.mark.parametrize("command", ["plan", "deploy", "doctor"])
def test_values_that_cloudformation_would_refuse_are_told_before_aws_is_asked(
    terminal: Terminal, command: str
) -> None:
    wrong = "  parameters:\n    RolePath: security\n    ArchiveDay: '7'\n    ArchiveDays: '-5'\n"
    terminal.configure(place=PLACE + wrong)
    lines = terminal.file.read_text(encoding="utf-8").splitlines()
    at = {
        name: f"{terminal.file}:{lines.index(line) + 1}: place.parameters.{name}"
        for line in lines
        if (name := line.strip().partition(":")[0]) in ("RolePath", "ArchiveDay", "ArchiveDays")
    }
    before = len(terminal.it.cloud.edge.calls)
    outcome = terminal(command)
    assert (outcome.code, outcome.out) == (2, "")
    said = outcome.err.splitlines()
    assert len(said) == 3
    assert f"{at['RolePath']}: 'security' has not the form" in said[0]
    assert "it must begin and end with a slash" in said[0]
    assert (
        f"{at['ArchiveDay']}: no template takes 'ArchiveDay'; did you mean 'ArchiveDays'?"
        in said[1]
    )
    assert f"{at['ArchiveDays']}: '-5' is too small; -1 or more" in said[2]
    assert terminal.it.calls(before) == []


def test_a_change_set_that_cannot_be_made_fails_the_plan(terminal: Terminal) -> None:
    terminal.it.cloud.refusals.add(operation="CreateChangeSet", code="AccessDenied")
    planned = terminal("plan")
    assert planned.code == 1
    assert "change set: no change set: CreateChangeSet" in planned.out
    assert terminal("plan", "--no-change-set").code == 0


def test_templates_of_another_configuration_are_refused(terminal: Terminal) -> None:
    text = CONFIGURATION.format(detections=TWO) + PLACE
    terminal.file.write_text(text, encoding="utf-8")
    for command in ("plan", "deploy", "destroy"):
        outcome = terminal(command)
        assert outcome.code == 2
        assert "holds the templates of another configuration" in outcome.err


def test_a_name_that_is_taken_stops_deploy_before_anything_is_made(terminal: Terminal) -> None:
    client = terminal.it.cloud.administrator(CENTRAL, HOME).client("sqs")
    client.create_queue(QueueName="trailbus-here")
    planned = terminal("plan")
    assert planned.code == 1
    assert "! HereQueue AWS::SQS::Queue" in planned.out
    outcome = terminal("deploy")
    assert outcome.code == 2
    assert "the queue trailbus-here is there already" in outcome.err
    assert "destroy --data" not in outcome.err, "it is somebody else's"
    assert "choose another name" in outcome.err
    assert terminal.it.look().stacks == {}


def test_an_interruption_is_told_and_gone_on_from(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Impatient(Door):
        """Somebody presses Ctrl-C while a StackSet operation runs."""

        def __init__(self, door: Door) -> None:
            self.door = door

        def call(self, call: Call) -> dict[str, Any]:
            if call.operation == "DescribeStackSetOperation":
                raise KeyboardInterrupt
            return self.door.call(call)

    with monkeypatch.context() as patch:
        patch.setattr(opening, "door_to", lambda place: Impatient(terminal.it.door))
        outcome = terminal("deploy")
    assert outcome.code == 130
    assert "deploy again continues there" in outcome.err
    assert terminal("deploy").code == 0
    assert terminal("plan").out.splitlines()[-1].startswith("Nothing to do")


def test_deploy_tells_scripts_how_each_step_went(terminal: Terminal) -> None:
    faults = terminal.it.cloud.cloudformation.stack_sets.faults
    faults.add(SCP_DENY, account=MEMBER, region=AWAY)
    said = terminal.json("deploy")
    assert not said["ok"]
    [failure] = [one for step in said["steps"] for one in step["failures"]]
    assert (failure["account"], failure["region"], failure["status"]) == (MEMBER, AWAY, "FAILED")
    assert "service control policy" in failure["reason"]


class Ending(Door):
    """Credentials that expire at an operation, and that nobody is there to renew."""

    def __init__(self, it: Company, operation: str) -> None:
        self.it, self.operation, self.over = it, operation, False
        accounts = {"central": CENTRAL, "management": it.place.management_account}

        def session_for(side: Side) -> Any:
            if self.over:
                raise Mistake.one(f"the {side} account", "the sign-in has ended")
            return it.cloud.administrator(accounts[side], HOME)

        super().__init__(session_for)

    def call(self, call: Call) -> dict[str, Any]:
        if call.operation == self.operation and not self.over:
            self.over = True
            self.it.cloud.refusals.add(code="ExpiredToken")
        return super().call(call)


@pytest.mark.parametrize(
    ("command", "operation"),
    [
        (("deploy",), "CreateStackInstances"),
        (("deploy",), "DescribeStackSetOperation"),
        (("destroy", "--yes"), "DeleteStackSet"),
        (("destroy", "--yes"), "GetBucketTagging"),
    ],
)
def test_credentials_that_end_on_the_way_leave_a_document_and_a_way_on(
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    operation: str,
) -> None:
    if command[0] == "destroy":
        assert terminal("deploy").code == 0
    ending = Ending(terminal.it, operation)
    with monkeypatch.context() as patch:
        patch.setattr(opening, "door_to", lambda place: ending)
        outcome = terminal(command[0], "--json", *command[1:])
    assert ending.over
    assert outcome.code == 1
    said = json.loads(outcome.out)
    assert not said["ok"]
    assert said["steps"][0]["ok"]
    assert re.search("cannot be renewed: the sign-in has ended|have expired", outcome.err)
    assert "Traceback" not in outcome.err
    terminal.it.cloud.refusals.clear()
    assert terminal(*command).code == 0


def test_destroy_asks_for_the_name(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal("deploy")
    unattended = terminal("destroy")
    assert unattended.code == 2
    assert "give --yes" in unattended.err

    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Typed("tralibus\n"))
    mistyped = terminal("destroy")
    assert mistyped.code == 2
    assert "nothing was changed" in mistyped.err
    assert terminal.it.look().stacks != {}
    monkeypatch.setattr("sys.stdin", Typed("trailbus\n"))
    assert terminal("destroy").code == 0
    assert terminal.it.look().stacks == {}


def test_destroy_names_what_it_keeps(terminal: Terminal) -> None:
    terminal("deploy")
    client = terminal.it.cloud.administrator(CENTRAL, HOME).client("sqs")
    url = client.get_queue_url(QueueName="trailbus-here")["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="unread")
    said = terminal.json("destroy", "--yes")
    assert said["kept"] == [{"name": "trailbus-here", "type": "AWS::SQS::Queue", "messages": 1}]
    assert terminal.json("destroy", "--yes", "--data")["kept"] == []


# --- Without an account


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "last"),
    [("plan", "13 steps. Nothing was changed"), ("deploy", "Done."), ("destroy", "Done.")],
)
def test_everything_can_be_rehearsed_without_an_account(
    trailbus: Run, tmp_path: Path, command: str, last: str
) -> None:
    out = tmp_path / "out"
    trailbus("render", "--out", out)
    outcome = trailbus(command, "--rehearse", "--templates", out)
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1].startswith(last)


# --- What is shown


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


STEP = Step("", Call("management", HOME, "cloudformation", "CreateStackInstances", {}), part="x")


def progress(done: int, failed: int, of: int, over: bool = False) -> Progress:
    counts = {"SUCCEEDED": done, "FAILED": failed, "PENDING": of - done - failed}
    return Progress(STEP, {HOME: counts}, failed, over)


def test_a_terminal_has_one_line_per_region_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = Tty()
    view = View(Screen(out=out))
    view.watch(progress(1, 0, 4))
    view.watch(progress(3, 1, 4, over=True))
    view.tell(Failure(MEMBER, HOME, "FAILED", "no\nluck"))
    first, last = out.getvalue().split("\033[1F\033[J")
    assert first == "    us-east-1       [######..................] 1 of 4\n"
    assert last == (
        "    us-east-1       [########################] 3 of 4, 1 failed\n"
        f"    ! {MEMBER} {HOME} FAILED: no\\x0aluck\n"
    )


def test_a_failure_on_the_way_stands_above_the_lines_that_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = Tty()
    view = View(Screen(out=out))
    view.watch(progress(1, 0, 4))
    view.tell(Failure(MEMBER, HOME, "FAILED", "why"))
    view.watch(progress(2, 1, 4))
    first, rest = out.getvalue().split("\033[1F\033[J")
    assert "1 of 4" in first
    failure, moving = rest.splitlines()
    assert failure == f"    ! {MEMBER} {HOME} FAILED: why"
    assert "2 of 4" in moving


def test_elsewhere_there_are_plain_lines_at_the_end() -> None:
    out = io.StringIO()
    view = View(Screen(out=out))
    view.watch(progress(1, 0, 4))
    assert out.getvalue() == ""
    view.watch(progress(4, 0, 4, over=True))
    assert out.getvalue() == "    us-east-1       4 of 4\n"


def test_scripts_get_no_progress_on_stdout() -> None:
    out, err = io.StringIO(), io.StringIO()
    view = View(Screen(as_json=True, out=out, err=err))
    view.say("Creating")
    view.watch(progress(4, 0, 4, over=True))
    view.tell(Failure(MEMBER, HOME, "FAILED", "why"))
    assert out.getvalue() == ""
    assert err.getvalue() == f"Creating\n    ! {MEMBER} {HOME} FAILED: why\n"
