"""The command line: the right command, exit codes to rely on, nothing but results on stdout."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from generator import __version__, catalogue, config
from generator.__main__ import _terminated
from generator.commands import COMMANDS, EXAMPLES
from generator.model import Json
from generator.render import render
from tests.conftest import Run

CONFIGURATION = """\
detections: {packs: [], include: [cloudtrail_logging_stopped, kms_key_disabled], folders: [mine]}
targets: {here: {kind: queue}}
routes: [{detections: [cloudtrail_logging_stopped], to: [here]}]
"""
OWN = """\
title: A vault was opened
severity: medium
why: Nobody should.
harmless_when: Never.
attack: [T1098]
references: [https://docs.aws.amazon.com/kms/]
pattern:
  source: [aws.kms]
  detail-type: [AWS API Call via CloudTrail]
  detail: {requestParameters: {keyId: [{prefix: "${name_prefix}-"}]}}
---
matches: true
event:
  source: aws.kms
  detail-type: AWS API Call via CloudTrail
  detail: {eventSource: "kms.amazonaws.com\\e[2J", requestParameters: {keyId: trailbus-1}}
---
matches: false
because: it has no detail
event: {source: aws.kms, detail: 5}
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a configuration and a detection of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trailbus.yaml").write_text(CONFIGURATION, encoding="utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "vault_opened.yaml").write_text(OWN, encoding="utf-8")
    return tmp_path


def process(
    *arguments: str, cwd: Path, stdout: int = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    """`python -m generator ARGUMENTS` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "generator", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
    )


# Which command.


def test_without_a_command_it_renders(house: Path, trailbus: Run) -> None:
    outcome = trailbus()
    assert outcome.code == 0
    files = render(config.load().shape)
    assert {name: (house / "out" / name).read_text("utf-8") for name in files} == files
    assert trailbus("--out", "there").code == 0
    assert trailbus("render", "--out", "elsewhere").code == 0
    assert (house / "there" / "central.yaml").read_text("utf-8") == files["central.yaml"]
    assert (house / "elsewhere" / "central.yaml").read_text("utf-8") == files["central.yaml"]


UNKNOWN: list[tuple[str, str]] = [
    ("rendr", "trailbus: no command 'rendr'; did you mean 'render'?"),
    ("detection", "trailbus: no command 'detection'; did you mean 'detections'?"),
    ("out", "trailbus: no command 'out'; "),
    ("", "trailbus: no command ''; "),
    ("../render", "trailbus: no command '../render'; did you mean 'render'?"),
]


@pytest.mark.parametrize(("word", "said"), UNKNOWN)
def test_an_unknown_command_is_misuse_with_a_proposal(
    word: str, said: str, house: Path, trailbus: Run
) -> None:
    outcome = trailbus(word)
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith(said)
    assert not (house / "out").exists()


@pytest.mark.parametrize("arguments", [("-h",), ("--help",), ("help",)])
def test_help_names_every_command(arguments: tuple[str, ...], trailbus: Run) -> None:
    outcome = trailbus(*arguments)
    assert (outcome.code, outcome.err) == (0, "")
    for name, what in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(what)}$", outcome.out, re.MULTILINE)
    assert max(map(len, outcome.out.splitlines())) <= 100


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_shows_examples(name: str, trailbus: Run) -> None:
    outcome = trailbus(name, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"usage: trailbus {name} ")
    assert EXAMPLES[name] in outcome.out
    assert "--config FILE" in outcome.out
    assert "--json" in outcome.out
    command = import_module(f"generator.commands.{name}")
    assert (command.__doc__ or "").strip() in outcome.out


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_a_line_to_type_and_what_it_does(name: str) -> None:
    head, *lines = EXAMPLES[name].splitlines()
    assert head == "examples:"
    assert lines
    for line in lines:
        assert re.match(rf"  trailbus( {name}| --config|  +)", line), line


def test_the_version_is_said(trailbus: Run) -> None:
    assert trailbus("--version") == (0, f"trailbus {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [("--nonsense",), ("check", "--nonsense"), ("render", "extra"), ("--config",), ("schema", "x")],
)
def test_an_unknown_argument_is_misuse(
    arguments: tuple[str, ...], house: Path, trailbus: Run
) -> None:
    outcome = trailbus(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("usage: trailbus ")
    assert not (house / "out").exists()


def test_ours_alone_are_shown_with_a_traceback(
    trailbus: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Json:
        raise ZeroDivisionError

    monkeypatch.setattr("generator.commands.schema.json_schema", broken)
    with pytest.raises(ZeroDivisionError):
        trailbus("schema")


def test_an_interruption_is_one_word(trailbus: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> Json:
        raise KeyboardInterrupt

    monkeypatch.setattr("generator.commands.schema.json_schema", interrupted)
    assert trailbus("schema") == (130, "", "interrupted\n")


# render.


def test_rendering_tells_what_became_of_each_file(house: Path, trailbus: Run) -> None:
    first = trailbus("--config", "trailbus.yaml")
    files = render(config.load(house / "trailbus.yaml").shape)
    for line, (name, text) in zip(first.out.splitlines(), files.items(), strict=True):
        assert line.split() == ["new", f"out/{name}", f"{len(text.encode()):,}", "bytes"]
    assert first.err == (
        "no route takes these anywhere, so nothing is forwarded for them: "
        "kms_key_disabled, vault_opened\n"
    )
    again = trailbus("--config", "trailbus.yaml")
    assert {line.split()[0] for line in again.out.splitlines()} == {"unchanged"}


def test_rendering_tells_scripts_the_same_in_one_document(house: Path, trailbus: Run) -> None:
    outcome = trailbus("--config", "trailbus.yaml", "--json")
    files = render(config.load(house / "trailbus.yaml").shape)
    assert json.loads(outcome.out) == {
        "folder": "out",
        "files": dict.fromkeys(files, "new"),
        "without_route": ["kms_key_disabled", "vault_opened"],
        "parameters": {},
    }


def test_rendering_tells_the_parameters_to_type_at_an_upload(house: Path, trailbus: Run) -> None:
    (house / "excepted.yaml").write_text(
        "targets:\n"
        "  trail-guard: {kind: responder, responder: restart_cloudtrail,"
        " exceptions: {accounts: ['111122223333']}}\n"
        "routes: [{packs: [tamper], to: [trail-guard]}]\n",
        encoding="utf-8",
    )
    name, value = "TrailGuardExceptions", '{"accounts": ["111122223333"]}'
    outcome = trailbus("--config", "excepted.yaml", "--json")
    shown = json.loads(outcome.out)["parameters"]
    assert json.loads(shown[name])["accounts"] == ["111122223333"]
    assert f"  {name}: {shown[name]}\n" in outcome.err
    assert value[1:-1] in shown[name]


# detections.


def test_the_catalogue_is_listed_with_what_is_on_and_where_it_goes(
    house: Path, trailbus: Run
) -> None:
    outcome = trailbus("detections", "--config", "trailbus.yaml")
    assert (outcome.code, outcome.err) == (0, "")
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    for name, detection in catalogue.read().detections.items():
        on = "on" if name in ("cloudtrail_logging_stopped", "kms_key_disabled") else "off"
        assert f"{on} {name} {detection.severity} {detection.title}" in lines
    assert "on vault_opened medium A vault was opened" in lines
    assert lines[lines.index("on kms_key_disabled medium A KMS key was disabled") + 1] == (
        "-> nowhere"
    )
    stopped = next(line for line in lines if line.startswith("on cloudtrail_logging_stopped"))
    assert lines[lines.index(stopped) + 1] == "-> here"
    assert [line for line in lines if " " not in line] == sorted(
        {"mine", *catalogue.read().packs.values()}
    )


def test_the_catalogue_is_one_document_for_scripts(house: Path, trailbus: Run) -> None:
    outcome = trailbus("detections", "--config", "trailbus.yaml", "--json")
    cards = json.loads(outcome.out)
    assert set(cards) == {"vault_opened", *catalogue.read().detections}
    assert cards["vault_opened"] == {
        "pack": "mine",
        "title": "A vault was opened",
        "severity": "medium",
        "read_only": False,
        "why": "Nobody should.",
        "harmless_when": "Never.",
        "attack": ["T1098"],
        "references": ["https://docs.aws.amazon.com/kms/"],
        "pattern": yaml.safe_load(OWN.partition("---")[0])["pattern"],
        "file": "mine/vault_opened.yaml",
        "enabled": True,
        "targets": [],
    }
    assert cards["cloudtrail_logging_stopped"]["targets"] == ["here"]
    assert not cards["cis_root_used"]["enabled"]


EXPLAINED = """\
A vault was opened  [medium]
vault_opened, pack mine, mine/vault_opened.yaml

Nobody should.

Harmless when: Never.

Goes to: nowhere, no route names it.

MITRE ATT&CK: T1098.

https://docs.aws.amazon.com/kms/

Pattern:
  source:
  - aws.kms
  detail-type:
  - AWS API Call via CloudTrail
  detail:
    requestParameters:
      keyId:
      - prefix: trailbus-

Examples:
  matches: kms.amazonaws.com\\x1b[2J None  (mine/vault_opened.yaml:12)
  does not match: None None, because it has no detail  (mine/vault_opened.yaml:18)
"""


def test_one_detection_is_explained(house: Path, trailbus: Run) -> None:
    outcome = trailbus("detections", "vault_opened", "--config", "trailbus.yaml")
    assert outcome == (0, EXPLAINED, "")


@pytest.mark.parametrize("name", catalogue.read().detections)
def test_every_detection_can_be_explained(name: str, trailbus: Run) -> None:
    detection = catalogue.read().detections[name]
    outcome = trailbus("detections", name)
    assert (outcome.code, outcome.err) == (0, "")
    said = " ".join(outcome.out.split())
    for text in (detection.title, detection.why, detection.harmless_when, *detection.references):
        assert " ".join(text.split()) in said
    head, _, rest = outcome.out.partition("\nPattern:\n")
    pattern = yaml.safe_load(rest.partition("\nExamples:\n")[0])
    assert pattern == json.loads(
        json.dumps(detection.pattern).replace("${name_prefix}", "trailbus")
    )
    document = json.loads(trailbus("detections", name, "--json").out)[name]
    assert len(document["examples"]) == len(catalogue.examples(detection))
    assert document["enabled"] is ("Not enabled by this configuration." not in head)


def test_an_unknown_detection_is_misuse_with_a_proposal(trailbus: Run) -> None:
    assert trailbus("detections", "iam_user_creatd") == (
        2,
        "",
        "detections: no detection 'iam_user_creatd'; did you mean 'iam_user_created'?\n",
    )


def test_a_detection_whose_examples_are_wrong_is_not_explained(house: Path, trailbus: Run) -> None:
    file = house / "mine" / "vault_opened.yaml"
    file.write_text(OWN.replace("matches: false", "matches: no"), encoding="utf-8")
    assert trailbus("detections", "vault_opened", "--config", "trailbus.yaml") == (
        2,
        "",
        "mine/vault_opened.yaml:18: matches: wants true or false, not 'no'\n",
    )


# schema.


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_the_schema_is_printed(arguments: tuple[str, ...], trailbus: Run) -> None:
    outcome = trailbus("schema", *arguments)
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out) == config.json_schema()


# As a process.


def test_the_installed_command_is_the_module(house: Path) -> None:
    script = Path(sys.executable).with_name("trailbus")
    if script.exists():
        done = subprocess.run([script, "--version"], capture_output=True, text=True)
        assert done.stdout == f"trailbus {__version__}\n"
    assert process("--version", cwd=house).stdout == f"trailbus {__version__}\n"


MISTAKES: list[tuple[tuple[str, ...], str]] = [
    (("--config", "nowhere.yaml"), "nowhere.yaml: cannot be read: No such file or directory\n"),
    (("rendr",), "trailbus: no command 'rendr'; did you mean 'render'?\n"),
    (("--config", "bad.yaml"), "bad.yaml:1: targets: wants a mapping, not a list\n"),
    (("check", "--config", "deep.yaml"), "deep.yaml: is nested too deeply\n"),
    (("--out", "trailbus.yaml"), "trailbus.yaml: cannot be written: File exists\n"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES, ids=[" ".join(r[0]) for r in MISTAKES])
def test_a_mistake_is_a_line_and_exit_code_2(
    arguments: tuple[str, ...], said: str, house: Path
) -> None:
    (house / "bad.yaml").write_text("targets: []\n", encoding="utf-8")
    (house / "deep.yaml").write_text("[" * 50_000, encoding="utf-8")
    done = process(*arguments, cwd=house)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


@pytest.mark.parametrize(
    "arguments", [("schema",), ("--help",), ("check", "--help"), ("--version",), ("--out", "o")]
)
def test_a_reader_that_has_had_enough_is_no_fault(arguments: tuple[str, ...], house: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = process(*arguments, cwd=house, stdout=writing)
    finally:
        os.close(writing)
    quiet = "".join(line for line in done.stderr.splitlines() if "no route takes" not in line)
    assert (done.returncode, quiet) == (0, "")


@pytest.mark.parametrize("arguments", [("schema",), ("--help",), ("--out", "o")])
def test_a_full_disk_is_one_line(arguments: tuple[str, ...], house: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = process(*arguments, cwd=house, stdout=full.fileno())
    told = [line for line in done.stderr.splitlines() if "no route takes" not in line]
    assert (done.returncode, told) == (2, ["stdout: cannot be written: No space left on device"])


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_is_no_fault(closed: str, house: Path) -> None:
    command = f'"{sys.executable}" -m generator --out o {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


def test_an_interruption_while_a_command_is_imported_is_one_word(
    trailbus: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("generator.__main__.import_module", interrupted)
    assert trailbus("schema") == (130, "", "interrupted\n")


def test_a_termination_is_one_word(trailbus: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def terminated() -> Json:
        _terminated(signal.SIGTERM, None)

    monkeypatch.setattr("generator.commands.schema.json_schema", terminated)
    assert trailbus("schema") == (143, "", "terminated\n")


@pytest.mark.parametrize(("no_color", "painted"), [("", True), ("1", False)])
def test_a_terminal_gets_colours_unless_it_wants_none(
    no_color: str, painted: bool, house: Path
) -> None:
    master, terminal = pty.openpty()
    try:
        done = process("--out", "o", cwd=house, stdout=terminal, NO_COLOR=no_color)
    finally:
        os.close(terminal)
    said = os.read(master, 4096)
    os.close(master)
    assert done.returncode == 0
    assert b"central.yaml" in said
    assert (b"\x1b[32mnew" in said) is painted


def test_the_same_input_gives_the_same_bytes_wherever_and_whenever(house: Path) -> None:
    other = house / "x" / "y"
    other.mkdir(parents=True)
    runs = [
        (house, "trailbus.yaml", "0"),
        (house, str(house / "trailbus.yaml"), "1"),
        (other, "../../trailbus.yaml", "4711"),
    ]
    made = []
    for cwd, file, seed in runs:
        folder = f"out-{seed}"
        done = process("--config", file, "--out", folder, cwd=cwd, PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
        made.append(
            {
                str(path.relative_to(cwd / folder)): path.read_bytes()
                for path in sorted((cwd / folder).rglob("*"))
                if path.is_file()
            }
        )
    assert made[0] == made[1] == made[2]
    assert "central.yaml" in made[0]


def test_the_built_in_configuration_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    files = render(config.load().shape)
    done = process("--out", "o", cwd=tmp_path, PYTHONHASHSEED="7")
    assert done.returncode == 0, done.stderr
    assert {name: (tmp_path / "o" / name).read_text("utf-8") for name in files} == files
