"""`check` names stale files, wrong examples and what cfn-lint says, and else is silent."""

from __future__ import annotations

import builtins
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator import catalogue, check, config, names
from generator.forwarding import forwards
from generator.model import Detection, Problem, Shape
from generator.render import render
from tests.conftest import Run

GOOD = """\
title: A vault was opened
severity: high
why: Nobody should.
harmless_when: Never.
attack: [T1098]
references: [https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html]
pattern:
  source: [aws.kms]
  detail-type: [AWS API Call via CloudTrail]
  detail: {eventName: [Decrypt]}
"""
EXAMPLES = """\
---
matches: true
event: {source: aws.kms, detail-type: AWS API Call via CloudTrail, detail: {eventName: Decrypt}}
---
matches: false
because: another call
event: {source: aws.kms, detail-type: AWS API Call via CloudTrail, detail: {eventName: Encrypt}}
"""
CONFIGURATION = """\
detections: {packs: [], folders: [mine]}
targets: {here: {kind: queue, body: notice}}
routes: [{packs: [mine], to: [here]}]
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trailbus: Run) -> Path:
    """A folder with a configuration, a detection of its own, and both rendered into out/."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "vault_opened.yaml").write_text(GOOD + EXAMPLES, encoding="utf-8")
    (tmp_path / "trailbus.yaml").write_text(CONFIGURATION, encoding="utf-8")
    assert trailbus("--config", "trailbus.yaml").code == 0
    return tmp_path


def change(house: Path, old: str, new: str, name: str = "mine/vault_opened.yaml") -> None:
    file = house / name
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


QUICK = ("check", "--config", "trailbus.yaml", "--no-lint")
CURE = "run: python -m generator --config trailbus.yaml"


def stale_files(out: str) -> list[str]:
    for line in out.splitlines():
        assert ": is stale (first difference in line " in line, line
        assert line.endswith(f"); {CURE}"), line
    return [line.partition(":")[0] for line in out.splitlines()]


def test_what_is_current_is_silent(house: Path, trailbus: Run) -> None:
    assert trailbus(*QUICK) == (0, "", "")


CHANGES: list[tuple[str, str, str]] = [
    ("title", "A vault was opened", "A vault was closed"),
    ("severity", "severity: high", "severity: low"),
    ("why", "Nobody should.", "Somebody should not."),
    ("harmless_when", "Never.", "Sometimes."),
    ("attack", "T1098", "T1098.003"),
    ("references", "Welcome.html", "API_Decrypt.html"),
    ("read_only", "pattern:", "read_only: true\npattern:"),
    ("pattern", "detail: {eventName: [Decrypt]}", "detail: {eventName: [Decrypt, GenerateMac]}"),
]


@pytest.mark.parametrize(("field", "old", "new"), CHANGES, ids=[row[0] for row in CHANGES])
def test_every_file_that_a_change_of_a_detection_makes_stale_is_named(
    field: str, old: str, new: str, house: Path, trailbus: Run
) -> None:
    before = render(config.load(house / "trailbus.yaml").shape)
    change(house, old, new)
    after = render(config.load(house / "trailbus.yaml").shape)
    differing = [f"out/{name}" for name in before if before[name] != after[name]]
    assert {"out/central.yaml", "out/manifest.json"} <= set(differing)
    outcome = trailbus(*QUICK)
    assert outcome.code == 1
    assert stale_files(outcome.out) == differing
    assert trailbus("--config", "trailbus.yaml").code == 0
    assert trailbus(*QUICK) == (0, "", "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("another call", "another operation"),
        ("because: another call", "# a comment\nbecause: another call"),
        ("title: A vault", "# a comment\ntitle: A vault"),
    ],
)
def test_examples_and_comments_make_nothing_stale(
    old: str, new: str, house: Path, trailbus: Run
) -> None:
    change(house, old, new)
    assert trailbus(*QUICK) == (0, "", "")


def test_the_cure_is_the_command_that_cures(house: Path, trailbus: Run) -> None:
    line = trailbus("check", "--no-lint", "--config", "trailbus.yaml", "--out", "there").out
    command = "python -m generator --config trailbus.yaml --out there"
    assert line.splitlines()[0] == f"there/central.yaml: is missing; run: {command}"
    assert trailbus(*command.split()[3:]).code == 0
    assert trailbus("check", "--no-lint", "--config", "trailbus.yaml", "--out", "there").code == 0


def test_a_folder_that_was_never_rendered_is_checked_without_waiting(
    house: Path, trailbus: Run
) -> None:
    outcome = trailbus("check", "--config", "trailbus.yaml", "--out", "nowhere")
    assert outcome.code == 1
    assert all(": is missing; " in line for line in outcome.out.splitlines())


def test_the_documents_json_is_all_there_is_on_stdout(house: Path, trailbus: Run) -> None:
    assert json.loads(trailbus(*QUICK, "--json").out) == {"findings": []}
    (house / "out" / "member-rules.yaml").unlink()
    outcome = trailbus(*QUICK, "--json")
    assert (outcome.code, outcome.err) == (1, "")
    assert json.loads(outcome.out) == {
        "findings": [{"place": "out/member-rules.yaml", "fault": "is missing", "cure": CURE}]
    }


WRONG_EXAMPLES: list[tuple[str, str, str, str]] = [
    (
        "an example that is not matched",
        "{eventName: Decrypt}",
        "{eventName: Sign}",
        "mine/vault_opened.yaml:12: the pattern does not match this example: detail.eventName is "
        "Sign, the pattern wants Decrypt; change the pattern or the example",
    ),
    (
        "a near miss that is matched",
        "{eventName: Encrypt}",
        "{eventName: Decrypt}",
        "mine/vault_opened.yaml:15: the pattern matches this near miss (another call); "
        "change the pattern or the example",
    ),
    (
        "an example that cannot happen",
        "{eventName: Decrypt}",
        "{eventName: Decrypt, eventSource: s3.amazonaws.com}",
        "mine/vault_opened.yaml:12: this cannot happen: events of s3.amazonaws.com have the source "
        "aws.s3, not aws.kms; change one of them",
    ),
    (
        "a near miss that cannot happen",
        "{eventName: Encrypt}",
        "{eventName: Encrypt, readOnly: 'No'}",
        "mine/vault_opened.yaml:15: this cannot happen: detail.readOnly is a boolean, true or "
        'false, never "No"; write a boolean, true or false',
    ),
    (
        "an example that members keep to themselves",
        "{eventName: Decrypt}",
        "{eventName: Decrypt, readOnly: true}",
        "mine/vault_opened.yaml:12: this is a read-only event, which members forward to read_only "
        "detections alone; add read_only: true, or change the example",
    ),
    (
        "no near miss",
        "matches: false",
        "matches: true",
        "mine/vault_opened.yaml: has no example of a near miss; "
        "add a document with `matches: false`",
    ),
    (
        "a broken example",
        "because: another call",
        "becuase: another call",
        "mine/vault_opened.yaml:16: becuase: unknown key 'becuase'; did you mean 'because'?",
    ),
]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"), WRONG_EXAMPLES, ids=[row[0] for row in WRONG_EXAMPLES]
)
def test_an_example_that_proves_nothing_is_a_finding(
    name: str, old: str, new: str, said: str, house: Path, trailbus: Run
) -> None:
    change(house, old, new)
    assert trailbus(*QUICK) == (2, f"{said}\n", ""), name


def test_a_name_that_its_service_never_writes_is_told_with_the_one_that_was_meant(
    house: Path, trailbus: Run
) -> None:
    text = (house / "mine" / "vault_opened.yaml").read_text(encoding="utf-8")
    (house / "mine" / "vault_opened.yaml").write_text(text.replace("Decrypt", "Decryptt"))
    assert trailbus("--config", "trailbus.yaml").code == 0
    assert trailbus(*QUICK) == (
        2,
        "mine/vault_opened.yaml: kms.amazonaws.com never writes the eventName 'Decryptt'; "
        "did you mean 'Decrypt'?\n",
        "",
    )


def test_an_example_that_no_forwarding_rule_takes_is_a_finding(house: Path) -> None:
    shape = config.load(house / "trailbus.yaml").shape
    rules = [rule._replace(pattern={"source": ["aws.s3"]}) for rule in forwards(shape)]
    [found] = check.examples(shape.detections, shape.name_prefix, rules)
    assert "no forwarding rule of its detection takes this example" in found.fault


NOTES: list[tuple[str, str, str]] = [
    ("detections: {packs: []}\n", "trailbus.yaml:1", "no detection goes anywhere, so nothing is"),
    (
        CONFIGURATION.replace("here]}]", "here]}, {severity: [low], to: [here]}]"),
        "trailbus.yaml:3",
        "routes.1: selects no detection that is enabled; widen it or drop it",
    ),
    (
        CONFIGURATION.replace("packs: []", "packs: [], include: [kms_key_disabled]"),
        "trailbus.yaml:1",
        "no route takes these anywhere, so nothing is forwarded for them: kms_key_disabled",
    ),
    (
        CONFIGURATION.replace("kind: queue, body: notice", "kind: responder, responder: tag_owner"),
        "trailbus.yaml:2",
        "tag_owner ignores vault_opened; it acts on ec2:RunInstances, ec2:StartInstances",
    ),
]


@pytest.mark.parametrize(("text", "place", "said"), NOTES)
def test_what_never_does_anything_is_a_note_and_no_fault(
    text: str, place: str, said: str, house: Path, trailbus: Run
) -> None:
    (house / "trailbus.yaml").write_text(text, encoding="utf-8")
    assert trailbus("--config", "trailbus.yaml").code == 0
    outcome = trailbus(*QUICK)
    assert (outcome.code, outcome.out) == (0, "")
    [line] = outcome.err.splitlines()
    assert line.startswith(f"note: {place}: ")
    assert said in line
    assert len(json.loads(trailbus(*QUICK, "--json").out)["notes"]) == 1


def test_a_finding_is_one_line_whatever_it_quotes(house: Path, trailbus: Run) -> None:
    change(house, "because: another call", 'because: "\\e[2J\\nout/x: fine"')
    change(house, "{eventName: Encrypt}", "{eventName: Decrypt}")
    (line,) = trailbus(*QUICK).out.splitlines()
    assert "(\\x1b[2J\\x0aout/x: fine)" in line


def test_examples_follow_the_name_prefix(house: Path, trailbus: Run) -> None:
    change(house, "[Decrypt]}\n", "[Decrypt], keyId: [{prefix: '${name_prefix}-'}]}\n")
    change(house, "{eventName: Decrypt}", "{eventName: Decrypt, keyId: '${name_prefix}-key'}")
    change(house, "detections:", "name_prefix: blue-bus\ndetections:", "trailbus.yaml")
    assert trailbus("--config", "trailbus.yaml").code == 0
    assert trailbus(*QUICK) == (0, "", "")


def test_a_wrong_configuration_is_misuse_not_a_finding(house: Path, trailbus: Run) -> None:
    change(house, "targets:", "tragets:", "trailbus.yaml")
    outcome = trailbus(*QUICK)
    assert (outcome.code, outcome.out) == (2, "")
    assert "trailbus.yaml:2: tragets: unknown key 'tragets'; did you mean 'targets'?" in outcome.err


def _without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Lets importing a package fail as where it is not installed."""
    real = builtins.__import__

    def importing(name: str, *arguments: Any, **more: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments, **more)

    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", importing)


def test_a_missing_cfn_lint_is_told_with_its_cure(
    house: Path, trailbus: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without(monkeypatch, "cfnlint")
    outcome = trailbus("check", "--config", "trailbus.yaml")
    said = "check: cfn-lint is not installed; install it: pip install 'trailbus[check]', or check"
    assert outcome == (2, "", f"{said} with --no-lint\n")
    assert trailbus(*QUICK) == (0, "", "")


# cfn-lint itself: a second or two each time.


def test_what_cfn_lint_says_is_a_finding_with_its_line(house: Path) -> None:
    file = house / "out" / "central.yaml"
    text = file.read_text(encoding="utf-8").replace("QueueName:", "QueueNmae:", 1)
    file.write_text(text, encoding="utf-8")
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "QueueNmae" in each)
    found = check.lint([file, house / "out" / "member-roles.yaml"])
    assert found == sorted(found)
    assert all(isinstance(finding, Problem) for finding in found)
    (finding,) = [finding for finding in found if "QueueNmae" in finding.fault]
    assert finding.place == f"{file}:{line}"
    assert finding.fault.startswith("E3002: ")
    assert finding.cure.startswith("https://")


def test_no_templates_are_no_findings() -> None:
    assert check.lint([]) == []


def test_the_built_in_examples_prove_their_detections_under_any_prefix() -> None:
    for prefix in ("trailbus", "blue-bus"):
        detections = [
            detection._replace(pattern=names.with_prefix(dict(detection.pattern), prefix))
            for detection in catalogue.read().detections.values()
        ]
        assert check.examples(detections, prefix) == []


Changer = Callable[[Detection], Detection]
CHANGED: list[tuple[str, Changer]] = [
    ("title", lambda d: d._replace(title=f"{d.title} again")),
    ("severity", lambda d: d._replace(severity="info" if d.severity != "info" else "low")),
    ("why", lambda d: d._replace(why=f"{d.why} Or so.")),
    ("read_only", lambda d: d._replace(read_only=not d.read_only)),
    ("pattern", lambda d: d._replace(pattern={**d.pattern, "region": ["eu-west-1"]})),
]
SHAPE: Shape = config.load().shape
FILES = render(SHAPE)


@pytest.mark.parametrize(("field", "changer"), CHANGED, ids=[row[0] for row in CHANGED])
@pytest.mark.parametrize("number", range(0, len(SHAPE.detections), 5))
def test_a_change_of_any_built_in_detection_is_stale_where_it_shows(
    number: int, field: str, changer: Changer, tmp_path: Path
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert check.stale(FILES, tmp_path, "x") == []
    detections = list(SHAPE.detections)
    detections[number] = changer(detections[number])
    files = render(SHAPE._replace(detections=tuple(detections)))
    found = {problem.place for problem in check.stale(files, tmp_path, "x")}
    expected = {str(tmp_path / name) for name in files if files[name] != FILES[name]}
    assert found == expected
    if field in ("read_only", "pattern") and detections[number].id in SHAPE.wiring:
        assert str(tmp_path / names.MEMBER_RULES) in found
    elif detections[number].id in SHAPE.wiring:
        assert {Path(place).name for place in found} & {"central.yaml", "manifest.json"}
