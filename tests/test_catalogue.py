"""What stands in detections/ and lambda/ is read; what is wrong with a file is told by line."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from generator import catalogue, handlers
from generator.model import Detection, Example, Mistake, Responder, Setting
from generator.schema import Record

GOOD = """\
title: A vault was opened
severity: high
why: Nobody should.
pattern:
  source: [aws.kms]
  detail-type: [AWS API Call via CloudTrail]
"""
EXAMPLES = """\
---
matches: true
event: {source: aws.kms, detail-type: AWS API Call via CloudTrail}
---
matches: false
because: another service
event: {source: aws.s3, detail-type: AWS API Call via CloudTrail}
"""
FORGED = "or anybody in the organization can forge the event with PutEvents"
OUR_SOURCES = "use exact aws.* values, or {prefix: aws.} where any service can emit it"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own folder, called `mine` from here."""
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "mine"
    own.mkdir()
    return own


def write(folder: Path, text: str, name: str = "vault_opened.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def faults(folder: Path) -> list[str]:
    with pytest.raises(Mistake) as caught:
        catalogue.read([folder])
    return [str(problem) for problem in caught.value.problems]


def test_a_detection_is_its_file(folder: Path) -> None:
    write(
        folder,
        GOOD.replace("Nobody should.", ">\n  Nobody\n  should.\n")
        + "harmless_when: '  Never. '\nattack: [T1098, T1098.003]\n"
        + "references: [https://docs.aws.amazon.com/]\nread_only: true\n"
        + EXAMPLES,
    )
    known = catalogue.read([folder])
    assert known.detections["vault_opened"] == Detection(
        id="vault_opened",
        pack="mine",
        title="A vault was opened",
        severity="high",
        why="Nobody should.",
        pattern={"source": ["aws.kms"], "detail-type": ["AWS API Call via CloudTrail"]},
        read_only=True,
        harmless_when="Never.",
        attack=("T1098", "T1098.003"),
        references=("https://docs.aws.amazon.com/",),
        file="mine/vault_opened.yaml",
    )
    assert known.own == {"vault_opened"}
    assert known.packs["vault_opened"] == "mine"
    assert "vault_opened" not in catalogue.read().packs


def test_all_is_sorted_by_id_whatever_the_folder() -> None:
    known = catalogue.read()
    for part in (known.detections, known.responders, known.packs):
        assert list(part) == sorted(part)
    assert known.own == frozenset()
    assert {name: detection.pack for name, detection in known.detections.items()} == known.packs
    assert all(known.detections[name].id == name for name in known.detections)


def test_only_what_is_wanted_is_read_and_the_rest_is_known_by_name(folder: Path) -> None:
    write(folder, GOOD)
    asked: list[tuple[str, str]] = []

    def wanted(name: str, pack: str) -> bool:
        asked.append((name, pack))
        return name == "cis_root_used"

    known = catalogue.read([folder], wanted)
    assert set(known.detections) == {"cis_root_used", "vault_opened"}
    assert dict(asked) == catalogue.read().packs  # the user's own are not asked for
    assert set(known.packs) == {*catalogue.read().packs, "vault_opened"}


KEYS = "known: attack, harmless_when, pattern, read_only, references, severity, title, why"
BAD: list[tuple[str, str, list[str]]] = [
    ("an unknown key", GOOD + "sevrity: low\n", ["7: sevrity: unknown key 'sevrity'; did you mean "
                                                 "'severity'?"]),
    ("no title", GOOD.partition("\n")[2], ["1: the key 'title' is missing; what happened, in the "
                                           "past tense"]),
    ("no reason", GOOD.replace("why: Nobody should.\n", ""), ["1: the key 'why' is missing; why it "
                                                              "matters"]),
    ("no pattern", GOOD.partition("pattern")[0], ["1: the key 'pattern' is missing; the "
                                                  "EventBridge event pattern"]),
    ("a title too long", GOOD.replace("A vault was opened", "v" * 101), [
        "1: title: has 101 characters, at most 100 fit"]),
    ("a title that CloudFormation would resolve",
     GOOD.replace("A vault was opened", "A {{resolve:ssm:secret}} was opened"), [
        "1: title: CloudFormation would read '{{resolve:' as the start of a reference"]),
    ("a title that CloudFormation would substitute",
     GOOD.replace("A vault was opened", "A ${Vault} was opened"), [
        "1: title: CloudFormation would read '${' as the start of a reference"]),
    ("an unknown severity", GOOD.replace("high", "hgih"), [
        "2: severity: 'hgih' is not one of the choices; did you mean 'high'?"]),
    ("a severity that is a number", GOOD.replace("high", "1"), [
        "2: severity: wants text, not 1; quote it"]),
    ("a reason in a list", GOOD.replace("Nobody should.", "[Nobody]"), [
        "3: why: wants text, not a list"]),
    ("no technique of ATT&CK", GOOD + "attack: [1098]\n", [
        "7: attack.0: wants text, not 1098; quote it"]),
    ("a tactic of ATT&CK", GOOD + "attack: [TA0005]\n", [
        "7: attack.0: 'TA0005' is not a MITRE ATT&CK technique such as T1562.008"]),
    ("a reference without https", GOOD + "references:\n  - https://a.example\n  - b.example\n", [
        "9: references.1: 'b.example' is not an https:// address"]),
    ("Yes for true", GOOD + "read_only: yes\n", ["7: read_only: wants true or false, not 'yes'"]),
    ("a pattern in text", GOOD.partition("pattern")[0] + "pattern: '{}'\n", [
        "4: pattern: wants a mapping, not '{}'"]),
    ("an empty pattern", GOOD.partition("pattern")[0] + "pattern: {}\n", [
        "4: pattern: AWS would refuse the pattern: the pattern: an empty object matches nothing; "
        "name a field, or leave it out",
        f"4: pattern: does not pin 'source'; {FORGED}",
        f"4: pattern: does not pin 'detail-type'; {FORGED}"]),
    ("a pattern that AWS would refuse", GOOD + "  detail: {eventName: StopLogging}\n", [
        '4: pattern: AWS would refuse the pattern: detail.eventName: "StopLogging" does not stand '
        'in a list; write ["StopLogging"]']),
    ("an operator that AWS does not know", GOOD + "  detail: {eventName: [{startsWith: Stop}]}\n", [
        "4: pattern: AWS would refuse the pattern: detail.eventName: 'startsWith' is no operator; "
        "did you mean 'prefix'?"]),
    ("a pattern without source", GOOD.replace("  source: [aws.kms]\n", ""), [
        f"4: pattern: does not pin 'source'; {FORGED}"]),
    ("a pattern without detail-type", GOOD.replace("  detail-type: [AWS API Call via CloudTrail]\n",
                                                   ""), [
        f"4: pattern: does not pin 'detail-type'; {FORGED}"]),
    ("a source of the user's own", GOOD.replace("aws.kms", "aws.kms, com.example"), [
        f"5: pattern.source: lets in sources that are not AWS's own; {OUR_SOURCES}"]),
    ("a source that only looks like AWS's", GOOD.replace("aws.kms", "awskms"), [
        f"5: pattern.source: lets in sources that are not AWS's own; {OUR_SOURCES}"]),
    ("a prefix that lets in more", GOOD.replace("aws.kms", "{prefix: aws}"), [
        f"5: pattern.source: lets in sources that are not AWS's own; {OUR_SOURCES}"]),
    ("any source but one", GOOD.replace("aws.kms", "{anything-but: aws.s3}"), [
        f"5: pattern.source: lets in sources that are not AWS's own; {OUR_SOURCES}"]),
    ("any source at all", GOOD.replace("aws.kms", "{exists: true}"), [
        f"5: pattern.source: lets in sources that are not AWS's own; {OUR_SOURCES}"]),
    ("another source in a branch", GOOD + "  $or:\n  - {source: [mine]}\n  - {account: ['1']}\n", [
        f"5: pattern.source: lets in sources that are not AWS's own; {OUR_SOURCES}"]),
    ("an event of another service", GOOD + "  detail:\n    eventSource: [s3.amazonaws.com]\n", [
        "5: pattern.source: events of s3.amazonaws.com have the source aws.s3, not aws.kms; "
        "change one of them"]),
    ("a detail-type nearly right", GOOD.replace("API Call", "API call"), [
        "6: pattern.detail-type: no event has the detail-type 'AWS API call via CloudTrail'; "
        "did you mean 'AWS API Call via CloudTrail'?"]),
    ("a text for a boolean", GOOD + "  detail:\n    eventName: [X]\n    readOnly: [no]\n", [
        '9: pattern.detail.readOnly: detail.readOnly is a boolean, true or false, never "no"; '
        "write a boolean, true or false"]),
    ("null in the pattern", GOOD + "  detail: {errorCode: [null]}\n", [
        "4: pattern: asks for null; CloudFormation takes no null in a template: say "
        "{exists: false} or leave it out"]),
    ("an unquoted account", GOOD + "  account: [111122223333]\n", [
        '7: 111122223333 reads as a number; account ids are text: quote it, "111122223333"']),
    ("nothing at all", "", ["1: wants a mapping, not nothing"]),
    ("nothing but a comment", "# later\n", ["1: wants a mapping, not nothing"]),
    ("nothing but examples", EXAMPLES.partition("---\n")[2], [
        f"1: matches: unknown key 'matches'; {KEYS}",
        "2: event: unknown key 'event'; did you mean 'severity'?",
        "1: the key 'title' is missing; what happened, in the past tense",
        "1: the key 'severity' is missing; how loudly it is told",
        "1: the key 'why' is missing; why it matters",
        "1: the key 'pattern' is missing; the EventBridge event pattern"]),
    ("a list", "- a\n", ["1: wants a mapping, not a list"]),
    ("broken YAML", "title: [\n", ["1: is not YAML: did not find expected node content"]),
    ("a second pattern", GOOD + "pattern: {}\n", [
        "7: the key 'pattern' is given twice; keep one"]),
    ("several faults", GOOD.replace("high", "hi").replace("title", "titel") + "read_only: 1\n", [
        "1: titel: unknown key 'titel'; did you mean 'title'?",
        "1: the key 'title' is missing; what happened, in the past tense",
        "2: severity: 'hi' is not one of the choices; did you mean 'high'?",
        "7: read_only: wants true or false, not 1"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "expected"), BAD, ids=[row[0] for row in BAD])
def test_a_wrong_detection_is_told_line_by_line(
    name: str, text: str, expected: list[str], folder: Path
) -> None:
    write(folder, text)
    assert faults(folder) == [f"mine/vault_opened.yaml:{line}" for line in expected], name


STEMS = ["Vault_opened", "vault-opened", "vault opened", "1vault", "_vault", "va", "v" * 46, "tür"]


@pytest.mark.parametrize("stem", STEMS)
def test_a_detection_has_a_name_in_snake_case(stem: str, folder: Path) -> None:
    write(folder, GOOD, f"{stem}.yaml")
    assert faults(folder) == [
        f"mine/{stem}.yaml:1: '{stem}' is no name for a detection; "
        "a-z, 0-9 and _, 3 to 45 of them"
    ]  # fmt: skip


def test_a_file_that_is_not_utf_8_is_told(folder: Path) -> None:
    (folder / "vault_opened.yaml").write_bytes(GOOD.encode() + b"harmless_when: \xe9t\xe9\n")
    assert faults(folder) == ["mine/vault_opened.yaml: is not UTF-8 text (byte 150)"]


def test_a_file_that_would_be_overlooked_is_told(folder: Path) -> None:
    write(folder, GOOD, "vault_opened.yml")
    assert faults(folder) == [
        "mine/vault_opened.yml: would not be read; rename it to vault_opened.yaml"
    ]


def test_the_faults_of_all_files_are_told_together(folder: Path) -> None:
    write(folder, GOOD.replace("high", "hi"), "vault_opened.yaml")
    write(folder, GOOD.replace("why", "because"), "vault_closed.yaml")
    write(folder, GOOD, "iam_user_created.yaml")
    places = [line.partition(" ")[0] for line in faults(folder)]
    assert places == [
        "mine/iam_user_created.yaml:",
        "mine/vault_closed.yaml:3:",
        "mine/vault_closed.yaml:1:",
        "mine/vault_opened.yaml:2:",
    ]


def test_a_detection_beside_a_comment_before_its_marker_is_read_whole(folder: Path) -> None:
    write(folder, f"# Copyright\n# nobody\n---\n{GOOD}{EXAMPLES}")
    assert catalogue.read([folder]).detections["vault_opened"].title == "A vault was opened"


def _examples(folder: Path, text: str) -> list[Example]:
    write(folder, GOOD + text)
    return catalogue.examples(catalogue.read([folder]).detections["vault_opened"])


def test_examples_are_the_documents_after_the_first(folder: Path) -> None:
    kind = "AWS API Call via CloudTrail"
    assert _examples(folder, EXAMPLES) == [
        Example(True, {"source": "aws.kms", "detail-type": kind}, "", "mine/vault_opened.yaml:8"),
        Example(
            False,
            {"source": "aws.s3", "detail-type": kind},
            "another service",
            "mine/vault_opened.yaml:11",
        ),
    ]


TRUE = "---\nmatches: true\nevent: {}\n"
FALSE = "---\nmatches: false\nevent: {}\n"
HIT = ": has no example of an event that matches; add a document with `matches: true`"
MISS = ": has no example of a near miss; add a document with `matches: false`"
BAD_EXAMPLES: list[tuple[str, str, list[str]]] = [
    ("none", "", [HIT, MISS]),
    ("no near miss", TRUE, [MISS]),
    ("no match", FALSE, [HIT]),
    ("true in quotes", TRUE.replace("true", "'true'") + FALSE,
     [":8: matches: wants true or false, not 'true'"]),
    ("no event", TRUE + "---\nmatches: false\n", [
        ":11: the key 'event' is missing; a whole EventBridge event"]),
    ("no verdict", "---\nevent: {}\n" + FALSE, [
        ":8: the key 'matches' is missing; whether the pattern must match"]),
    ("an event in text", TRUE.replace("{}", "'{}'") + FALSE, [
        ":9: event: wants a mapping, not '{}'"]),
    ("an unknown key", TRUE + FALSE + "becuase: x\n", [
        ":13: becuase: unknown key 'becuase'; did you mean 'because'?"]),
    ("nothing after the marker", TRUE + FALSE + "---\n", [":14: wants a mapping, not nothing"]),
    ("a number for an account", TRUE + FALSE.replace("{}", "{account: 111122223333}"), [
        ':12: 111122223333 reads as a number; account ids are text: quote it, "111122223333"']),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "expected"), BAD_EXAMPLES, ids=[row[0] for row in BAD_EXAMPLES]
)
def test_wrong_examples_are_told_line_by_line(
    name: str, text: str, expected: list[str], folder: Path
) -> None:
    with pytest.raises(Mistake) as caught:
        _examples(folder, text)
    said = [str(problem) for problem in caught.value.problems]
    assert said == [f"mine/vault_opened.yaml{line}" for line in expected], name


RESPONDER = """\
title: Wake the guard
does: |
  Wakes the guard.
modes: [observe, enforce]
default_mode: observe
member_permissions:
  - sid: Wake
    actions: [guard:Wake*]
    resources: ["*"]
    why_star: There is one guard.
settings:
  times:
    type: integer
    default: 3
    help: how often
"""
MANAGED = """\
member_policies:
  - name: nothing-at-all
    description: Denies.
    statements:
      - {sid: Nothing, effect: Deny, resources: ["*"], why_star: All.}
"""
HANDLER = "def handler(event, context):\n    return None\n"


@pytest.fixture
def responder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the one responder that there is: lambda/wake_guard."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(handlers, "root", lambda: tmp_path / "lambda")
    made = tmp_path / "lambda" / "wake_guard"
    made.mkdir(parents=True)
    write(made, HANDLER, "index.py")
    write(made, RESPONDER, "responder.yaml")
    return made


def test_a_responder_is_its_folder(responder: Path) -> None:
    assert catalogue.read().responders == {
        "wake_guard": Responder(
            id="wake_guard",
            title="Wake the guard",
            does="Wakes the guard.",
            code=handlers.inlined(responder),
            modes=("observe", "enforce"),
            default_mode="observe",
            member_permissions=(
                {
                    "sid": "Wake",
                    "actions": ["guard:Wake*"],
                    "resources": ["*"],
                    "conditions": {},
                    "why_star": "There is one guard.",
                    "when": "",
                },
            ),
            settings=(Setting("times", "integer", 3, "how often"),),
            file="lambda/wake_guard/responder.yaml",
        )
    }


BAD_RESPONDERS: list[tuple[str, str, list[str]]] = [
    ("an unknown key", RESPONDER + "memmory: 512\n", ["16: memmory: unknown key 'memmory'; did you "
                                                      "mean 'memory'?"]),
    ("no title", RESPONDER.partition("\n")[2], ["1: the key 'title' is missing; what it does, as "
                                                "an order"]),
    ("an unknown mode", RESPONDER.replace("[observe, enforce]", "[observe, enforced]"), [
        "4: modes.1: 'enforced' is not one of the choices; did you mean 'enforce'?"]),
    ("a default mode that is none of its modes", RESPONDER.replace("[observe, ", "["), [
        "5: default_mode: must be one of its modes"]),
    ("modes without a default", RESPONDER.replace("default_mode: observe\n", ""), [
        "1: default_mode: must be one of its modes"]),
    ("a default mode without modes", RESPONDER.replace("modes: [observe, enforce]\n", ""), [
        "4: default_mode: must be one of its modes"]),
    ("a time too long for Lambda", RESPONDER + "timeout: 901\n", [
        "16: timeout: 901 is out of range; from 1 to 900"]),
    ("too little memory for Lambda", RESPONDER + "memory: 64\n", [
        "16: memory: 64 is out of range; from 128 to 10240"]),
    ("an action without its service", RESPONDER.replace("guard:Wake*", "Wake"), [
        "8: member_permissions.0.actions.0: 'Wake' is not an action, service:Name"]),
    ("a managed policy that says neither", RESPONDER + MANAGED, [
        "20: member_policies.0.statements.0: wants either actions or not_actions"]),
    ("a managed policy that says both", RESPONDER + MANAGED.replace(
        "{sid", "{actions: ['s3:Get'], not_actions: ['s3:Put'], sid"), [
        "20: member_policies.0.statements.0: wants either actions or not_actions"]),
    ("a managed policy that may be anything", RESPONDER + MANAGED.replace("Deny", "Maybe"), [
        "20: member_policies.0.statements.0.effect: 'Maybe' is not one of the choices; "
        "known: Allow, Deny",
        "20: member_policies.0.statements.0: wants either actions or not_actions"]),
    ("a permission without resources", RESPONDER.replace('    resources: ["*"]\n', ""), [
        "7: member_permissions.0: the key 'resources' is missing"]),
    ("a setting of an unknown type", RESPONDER.replace("integer", "number"), [
        "13: settings.times.type: 'number' is not one of the choices; known: boolean, integer, "
        "list, map, string"]),
    ("a default of another type", RESPONDER.replace("default: 3", "default: '3'"), [
        "14: settings.times.default: wants a whole number, not '3'"]),
    ("a setting without help", RESPONDER.replace("    help: how often\n", ""), [
        "12: settings.times: the key 'help' is missing"]),
    ("nothing", "", ["1: wants a mapping, not nothing"]),
    ("broken YAML", "title: 'x\n", ["1: is not YAML: found unexpected end of stream"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "expected"), BAD_RESPONDERS, ids=[row[0] for row in BAD_RESPONDERS]
)
def test_a_wrong_responder_is_told_line_by_line(
    name: str, text: str, expected: list[str], responder: Path
) -> None:
    write(responder, text, "responder.yaml")
    with pytest.raises(Mistake) as caught:
        catalogue.read()
    said = [str(problem) for problem in caught.value.problems]
    assert said == [f"lambda/wake_guard/responder.yaml:{line}" for line in expected], name


def test_a_responder_that_is_not_utf_8_or_has_no_handler_is_told(responder: Path) -> None:
    (responder / "responder.yaml").write_bytes(b"title: \xe9\n")
    with pytest.raises(Mistake, match=r"responder\.yaml: is not UTF-8 text \(byte 7\)"):
        catalogue.read()
    write(responder, RESPONDER, "responder.yaml")
    (responder / "index.py").unlink()
    with pytest.raises(Mistake, match=r"index\.py: cannot be read: No such file or directory"):
        catalogue.read()


def test_a_responder_understands_the_calls_that_its_handler_asks_for() -> None:
    """Each handler asks `notice.is_call(service, *names)` before it looks at anything else."""
    for name, one in catalogue.read().responders.items():
        code = ast.parse((handlers.root() / name / "index.py").read_text(encoding="utf-8"))
        given = {
            target.id: ast.literal_eval(node.value)
            for node in code.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
            for target in node.targets
            if isinstance(target, ast.Name)
            and all(isinstance(each, ast.Constant) for each in node.value.elts)
        }
        asked: set[str] = set()
        for node in ast.walk(code):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "notice.is_call":
                host, *calls = node.args
                service = ast.literal_eval(host).partition(".")[0]
                for call in calls:
                    if isinstance(call, ast.Starred):
                        names = given[ast.unparse(call.value)]
                    else:
                        names = (ast.literal_eval(call),)
                    asked |= {f"{service}:{each}" for each in names}
        assert set(one.understands) == asked, name


def test_a_folder_without_responder_yaml_is_no_responder(responder: Path) -> None:
    (responder.parent / "shared").mkdir()
    write(responder.parent / "shared", "", "index.py")
    assert list(catalogue.read().responders) == ["wake_guard"]


@pytest.mark.parametrize(
    "form", [catalogue.DETECTION, catalogue.EXAMPLE, catalogue.RESPONDER], ids=["d", "e", "r"]
)
def test_the_forms_of_the_files_have_a_schema(form: Record) -> None:
    Draft202012Validator.check_schema(form.json_schema())
