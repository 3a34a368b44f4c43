"""A configuration is read whole or refused whole: each fault with its line and its cure."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from generator import catalogue, config, documents
from generator.documents import Document
from generator.model import Access, Catalogue, Json, Mistake, Place, Problem, Responder, Setting
from generator.options import KINDS
from generator.render import render
from generator.schema import Report
from generator.yaml_text import yaml_text
from tests.conftest import Run, configured

MINIMAL = """\
detections: {packs: [], include: [cloudtrail_logging_stopped]}
targets: {here: {kind: queue}}
routes: [{detections: [cloudtrail_logging_stopped], to: [here]}]
"""
PLACE = """\
place:
  organization_id: o-a1b2c3d4e5
  management_account: "111111111111"
  central: {account: "222222222222", region: us-east-1}
  organizational_units: [r-ab12, ou-ab12-cdefghij]
  regions: [us-east-1, eu-west-1]
"""

SAMPLE = """\
name_prefix: trailbus
forwarding: exact
detections: {packs: [consoleme, guardrails, tamper], include: [], exclude: [], folders: []}
targets:
  consoleme-denies: {kind: queue, through: topic, body: event, retention: 1d}
  findings:         {kind: queue, body: notice, visibility_timeout: 5m}
  trail-guard:
    kind: responder
    responder: restart_cloudtrail
    mode: enforce
    exceptions: {accounts: ["444455556666"], principals: ["arn:aws:iam::111122223333:role/Deploy*"]}
routes:
  - {detections: [consoleme_access_denied], to: [consoleme-denies]}
  - {severity: [high, critical], to: [findings]}
  - {detections: [cloudtrail_logging_stopped], to: [trail-guard, findings]}
place:                       # read by deploy, plan, status, simulate; never rendered
  organization_id: o-a1b2c3d4e5
  management_account: "111111111111"
  central: {account: "222222222222", region: us-east-1}
  organizational_units: [r-ab12]
  exclude_accounts: []
  regions: [us-east-1, eu-west-1]      # or: all
"""


def test_the_built_in_configuration_is_whole_and_names_no_place() -> None:
    given = config.load()
    assert given.place is None
    assert given.shape.name_prefix == "trailbus"
    assert given.shape.forwarding == "exact"
    assert {detection.pack for detection in given.shape.detections} == {
        "consoleme", "guardrails", "tamper",
    }  # fmt: skip
    assert [target.name for target in given.shape.targets] == [
        "consoleme-denies", "consoleme-roles", "findings", "trail-guard",
    ]  # fmt: skip
    assert given.shape.wiring["cloudtrail_logging_stopped"] == ("findings", "trail-guard")
    assert list(given.shape.responders) == ["restart_cloudtrail"]


def test_the_place_that_the_built_in_configuration_offers_is_a_place() -> None:
    text = documents.read(config.DEFAULT)
    head, mark, commented = text.partition("# place:\n")
    place = mark + commented
    uncommented = "".join(line.removeprefix("# ") + "\n" for line in place.splitlines())
    with TemporaryDirectory() as folder:
        given = configured(Path(folder), head + uncommented)
    assert given.place is not None
    assert given.place.central_account == "222222222222"
    assert given.shape.digest == config.load().shape.digest


def test_a_configuration_is_read_into_a_shape_and_a_place(tmp_path: Path) -> None:
    given = configured(tmp_path, SAMPLE)
    assert given.place == Place(
        organization_id="o-a1b2c3d4e5",
        management_account="111111111111",
        central_account="222222222222",
        central_region="us-east-1",
        organizational_units=("r-ab12",),
        regions=("us-east-1", "eu-west-1"),
        tags={},
        parameters={},
        targets={
            "consoleme-denies": {"readers": []},
            "findings": {"readers": []},
            "trail-guard": {
                "exceptions": {
                    "accounts": ["444455556666"],
                    "principals": ["arn:aws:iam::111122223333:role/Deploy*"],
                    "tags": [],
                }
            },
        },
    )
    shape = given.shape
    denies = shape.target("consoleme-denies")
    assert (denies.kind, denies.body) == ("queue", "event")
    assert denies.options == {
        "through": "topic",
        "queue_name": "",
        "topic_name": "",
        "retention": 86_400,
        "visibility_timeout": 300,
        "readers": [],
    }
    guard = shape.target("trail-guard")
    assert (guard.kind, guard.body, guard.options["mode"]) == ("responder", "notice", "enforce")
    known = catalogue.read().detections
    assert shape.wiring == {
        name: tuple(
            sorted(
                ({"consoleme-denies"} if name == "consoleme_access_denied" else set())
                | ({"findings"} if known[name].severity in ("high", "critical") else set())
                | ({"trail-guard"} if name == "cloudtrail_logging_stopped" else set())
            )
        )
        for name in [detection.id for detection in shape.detections]
        if name == "consoleme_access_denied" or known[name].severity in ("high", "critical")
    }
    with pytest.raises(KeyError):
        shape.target("nowhere")


def test_a_place_may_say_more(tmp_path: Path) -> None:
    more = PLACE.replace("[us-east-1, eu-west-1]", "all")
    more += """\
  exclude_accounts: ["444455556666"]
  access: {central_role: Deploy, management_profile: org, delegated_admin: true}
  tags: {cost-center: "4711"}
  parameters: {ArchiveDays: "90"}
"""
    place = configured(tmp_path, MINIMAL + more).place
    assert place is not None
    assert place.regions is None
    assert place.organizational_units == ("r-ab12", "ou-ab12-cdefghij")
    assert place.exclude_accounts == ("444455556666",)
    assert place.access == Access("Deploy", "", "", "org", delegated_admin=True)
    assert place.tags == {"cost-center": "4711"}
    assert place.parameters == {"ArchiveDays": "90"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}\n", "---\n"])
def test_an_empty_configuration_is_all_defaults(text: str, tmp_path: Path) -> None:
    given = configured(tmp_path, text)
    assert given.shape.targets == ()
    assert given.shape.detections == config.load().shape.detections
    assert given.place is None


def test_several_conditions_of_a_route_must_all_hold(tmp_path: Path) -> None:
    text = "targets: {here: {kind: queue}}\nroutes: [{packs: [tamper], severity: [critical], "
    wiring = configured(tmp_path, text + "to: [here]}]\n").shape.wiring
    assert wiring == {
        "cloudtrail_logging_stopped": ("here",),
        "cloudtrail_trail_deleted": ("here",),
        "trailbus_remediation_switched": ("here",),
    }


def test_packs_and_single_detections_are_enabled_and_excluded(tmp_path: Path) -> None:
    text = (
        "detections: {packs: [consoleme], include: [cis_root_used, kms_key_disabled], "
        "exclude: [consoleme_role_changed, kms_key_disabled]}\n"
    )
    shape = configured(tmp_path, text).shape
    assert [d.id for d in shape.detections] == ["cis_root_used", "consoleme_access_denied"]


def test_a_responder_has_its_own_mode_and_settings_unless_told(tmp_path: Path) -> None:
    text = MINIMAL.replace("{kind: queue}", "{kind: responder, responder: restart_cloudtrail}")
    options = configured(tmp_path, text).shape.target("here").options
    declared = catalogue.read().responders["restart_cloudtrail"]
    assert options["mode"] == declared.default_mode == "enforce"
    assert options["settings"] == {s.name: s.default for s in declared.settings}
    told = text.replace("cloudtrail}}", "cloudtrail, mode: observe}}")
    assert configured(tmp_path, told).shape.target("here").options["mode"] == "observe"


def _own(folder: Path, name: str = "vault_opened", **changes: str) -> Path:
    fields = {
        "title": "A vault was opened",
        "severity": "high",
        "why": "Nobody should.",
        "pattern": "{source: [aws.kms], detail-type: [AWS API Call via CloudTrail]}",
        **changes,
    }
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.yaml"
    file.write_text("".join(f"{key}: {value}\n" for key, value in fields.items()), encoding="utf-8")
    return file


OWN = """\
detections: {packs: [], folders: [mine]}
targets: {here: {kind: queue}}
routes: [{packs: [mine], to: [here]}]
"""


def test_own_folders_stand_beside_the_configuration_wherever_it_is_read_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "settings"
    place.mkdir()
    _own(place / "mine")
    _own(place / "mine" / "deeper", "vault_closed")
    monkeypatch.chdir(tmp_path)
    given = configured(Path("settings"), OWN)
    assert [(d.id, d.pack, d.file) for d in given.shape.detections] == [
        ("vault_closed", "deeper", "settings/mine/deeper/vault_closed.yaml"),
        ("vault_opened", "mine", "settings/mine/vault_opened.yaml"),
    ]
    assert given.catalogue.own == {"vault_opened", "vault_closed"}
    assert given.shape.wiring == {"vault_opened": ("here",)}
    monkeypatch.chdir("/")
    assert config.load(place / "trailbus.yaml").shape.digest == given.shape.digest


def test_an_own_detection_can_be_excluded(tmp_path: Path) -> None:
    _own(tmp_path / "mine")
    _own(tmp_path / "mine", "vault_closed")
    text = OWN.replace("[mine]}", "[mine], exclude: [vault_opened]}", 1)
    shape = configured(tmp_path, text).shape
    assert [detection.id for detection in shape.detections] == ["vault_closed"]


def test_patterns_follow_the_name_prefix(tmp_path: Path) -> None:
    text = "name_prefix: blue-bus\ndetections: {packs: [tamper]}\n"
    shape = configured(tmp_path, text).shape
    patterns = {detection.id: detection.pattern for detection in shape.detections}
    role, policy = patterns["trailbus_role_changed"]["detail"]["$or"]
    assert role == {"requestParameters": {"roleName": [{"prefix": "blue-bus-"}]}}
    assert policy["requestParameters"] == {"policyArn": [{"wildcard": "*/blue-bus-*"}]}
    assert "name_prefix" not in str(patterns)
    assert "trailbus" not in str(list(patterns.values()))


# What is wrong with a configuration, and every line that is said about it.
STOPPED = "cloudtrail_logging_stopped"
KINDS_KNOWN = "queue, topic, responder, api_destination, stream, workflow, log, function"
AN_ACCOUNT = "is not an account id of 12 digits"
BAD: list[tuple[str, str, list[str]]] = [
    ("broken YAML", "a: [b\nc: d\n", ["2: is not YAML: did not find expected ',' or ']'"]),
    ("a tab", "targets:\n\there: {}\n", ["2: is not YAML: found character that cannot start any "
                                         "token"]),
    ("a list", "[a]\n", ["1: wants a mapping, not a list"]),
    ("a text", "hello\n", ["1: wants a mapping, not 'hello'"]),
    ("two documents", f"{MINIMAL}---\nname_prefix: ab\n", ["5: a configuration is one document; "
                                                           "remove the rest"]),
    ("a key given twice", "forwarding: all\nforwarding: exact\n", ["2: the key 'forwarding' is "
                                                                   "given twice; keep one"]),
    (
        "an unknown key at the top",
        "forwards: all\n",
        ["1: forwards: unknown key 'forwards'; did you mean 'forwarding'?"],
    ),
    (
        "an unknown key of detections",
        "detections:\n  pack: [cis]\n",
        ["2: detections.pack: unknown key 'pack'; did you mean 'packs'?"],
    ),
    (
        "an unknown key of a target",
        MINIMAL.replace("{kind: queue}", "{kind: queue, retentoin: 1d}"),
        ["2: targets.here.retentoin: unknown key 'retentoin'; did you mean 'retention'?"],
    ),
    (
        "an option of another kind of target",
        MINIMAL.replace("{kind: queue}", "{kind: queue, emails: []}"),
        ["2: targets.here.emails: unknown key 'emails'; known: body, kind, queue_name, readers, "
         "retention, through, topic_name, visibility_timeout"],
    ),
    (
        "an unknown key of exceptions",
        MINIMAL.replace("{kind: queue}", "{kind: responder, responder: restart_cloudtrail, "
                                         "exceptions: {account: []}}"),
        ["2: targets.here.exceptions.account: unknown key 'account'; did you mean 'accounts'?"],
    ),
    (
        "an unknown key of a route",
        MINIMAL.replace("routes: [{detections", "routes: [{detection"),
        ["3: routes.0.detection: unknown key 'detection'; did you mean 'detections'?",
         "3: routes.0: selects nothing; add detections, packs or severity"],
    ),
    (
        "an unknown key of the place",
        MINIMAL + PLACE + "  region: all\n",
        ["10: place.region: unknown key 'region'; did you mean 'regions'?"],
    ),
    (
        "an unknown key of the central place",
        MINIMAL + PLACE.replace("region: us-east-1}", "regoin: us-east-1}"),
        ["7: place.central.regoin: unknown key 'regoin'; did you mean 'region'?",
         "7: place.central: the key 'region' is missing; a Region"],
    ),
    (
        "an unknown key of access",
        MINIMAL + PLACE + "  access: {central: x}\n",
        ["10: place.access.central: unknown key 'central'; did you mean 'central_role'?"],
    ),
    ("an unknown forwarding", "forwarding: everything\n", ["1: forwarding: 'everything' is not "
     "one of the choices; known: all, exact, two-speed"]),
    ("a name prefix that is none", "name_prefix: Trail_Bus\n", ["1: name_prefix: 'Trail_Bus' is "
     "not a prefix (a-z, 0-9 and -, 2 to 16 characters, beginning with a letter but not with aws "
     "or ssm, and not default)"]),
    ("a name prefix that is a number", "name_prefix: 5\n", ["1: name_prefix: wants text, not 5; "
                                                            "quote it"]),
    ("an unknown pack", "detections: {packs: [consolme]}\n", ["1: detections.packs.0: no pack "
     "'consolme'; did you mean 'consoleme'?"]),
    ("an unknown detection included", "detections:\n  include:\n    - kms_key_disabled\n"
     "    - kms_key_disable\n", ["4: detections.include.1: no detection 'kms_key_disable'; "
                                 "did you mean 'kms_key_disabled'?"]),
    ("an unknown detection excluded", "detections: {exclude: [iam_user_createt]}\n", [
        "1: detections.exclude.0: no detection 'iam_user_createt'; "
        "did you mean 'iam_user_created'?"]),
    ("a pack that is no text", "detections: {packs: [[cis]]}\n", ["1: detections.packs.0: wants "
                                                                 "text, not a list"]),
    ("a detection that is no text", "detections: {include: [{a: b}], exclude: [5]}\n", [
        "1: detections.include.0: wants text, not a mapping",
        "1: detections.exclude.0: wants text, not 5; quote it"]),
    ("a folder that is no text", "detections: {folders: [5]}\n", ["1: detections.folders.0: "
                                                                 "wants text, not 5; quote it"]),
    ("a folder that is missing", "detections: {folders: [mine]}\n", [
        "mine: is no folder of detections"]),
    ("targets in a list", "targets: [a]\n", ["1: targets: wants a mapping, not a list"]),
    ("a target without kind", "targets:\n  here: {}\n", [f"2: targets.here: has no kind; "
                                                        f"known: {KINDS_KNOWN}"]),
    ("a target that is a text", "targets: {here: queue}\n", [
        "1: targets.here: wants a mapping, not 'queue'",
        f"1: targets.here: has no kind; known: {KINDS_KNOWN}"]),
    ("an unknown kind of target", MINIMAL.replace("queue", "queu"), [
        "2: targets.here.kind: no kind of target 'queu'; did you mean 'queue'?"]),
    ("a kind that is no text", MINIMAL.replace("queue", "[queue]"), [
        "2: targets.here.kind: no kind of target '['queue']'; did you mean 'queue'?"]),
    ("an unknown body", MINIMAL.replace("queue}", "queue, body: notices}"), [
        "2: targets.here.body: 'notices' is not one of the choices; did you mean 'notice'?"]),
    ("a name of a target with capitals", MINIMAL.replace("here", "Here"), [
        "2: targets.Here: 'Here' is not a target's name (a-z, 0-9 and -, 2 to 31 characters)"]),
    ("a queue's name that is none", MINIMAL.replace("queue}", "queue, queue_name: a.fifo}"), [
        "2: targets.here.queue_name: 'a.fifo' is not a queue name (A-Z a-z 0-9 _ -, up to 66)"]),
    ("a queue's name that is no text", MINIMAL.replace("queue}", "queue, queue_name: [a]}"), [
        "2: targets.here.queue_name: wants text, not a list"]),
    ("a time without unit", MINIMAL.replace("queue}", "queue, retention: 86400}"), [
        "2: targets.here.retention: 86400 is not a duration; write 30s, 5m, 12h or 14d"]),
    ("a time too long", MINIMAL.replace("queue}", "queue, retention: 15d}"), [
        "2: targets.here.retention: 15d is out of range; from 1m to 14d"]),
    ("a time too short", MINIMAL.replace("queue}", "queue, retention: 59s}"), [
        "2: targets.here.retention: 59s is out of range; from 1m to 14d"]),
    ("a reader that is no role", MINIMAL.replace("queue}", "queue, readers: [me]}"), [
        "2: targets.here.readers.0: 'me' is not the ARN of a role, "
        "arn:aws:iam::111122223333:role/Name"]),
    ("a reader given twice", MINIMAL.replace("queue}", "queue, readers: ["
     "'arn:aws:iam::111122223333:role/R', 'arn:aws:iam::111122223333:role/R']}"), [
        "2: targets.here.readers.1: 'arn:aws:iam::111122223333:role/R' is given twice; keep one"]),
    ("an unknown responder", MINIMAL.replace("queue}", "responder, responder: restart_trail}"), [
        "2: targets.here.responder: no responder 'restart_trail'; "
        "did you mean 'restart_cloudtrail'?"]),
    ("a responder that is no text", MINIMAL.replace("queue}", "responder, responder: {}}"), [
        "2: targets.here.responder: wants text, not a mapping"]),
    ("a responder that is not named, beside one that is", MINIMAL.replace("{here: {kind: queue}}",
     "{here: {kind: responder}, there: {kind: responder, responder: restart_cloudtrail}}").replace(
         "[here]", "[here, there]"), [
        "2: targets.here: the key 'responder' is missing; the folder under lambda/ that holds it"]),
    ("an unknown mode", MINIMAL.replace("queue}", "responder, responder: restart_cloudtrail, "
                                                  "mode: enforced}"), [
        "2: targets.here.mode: 'enforced' is not one of the choices; did you mean 'enforce'?"]),
    ("an unknown setting", MINIMAL.replace("queue}", "responder, responder: restart_cloudtrail, "
                                           "settings: {restart_per_hour: 3}}"), [
        "2: targets.here.settings.restart_per_hour: unknown key 'restart_per_hour'; "
        "did you mean 'restarts_per_hour'?"]),
    ("a setting of another type", MINIMAL.replace("queue}", "responder, responder: "
     "restart_cloudtrail, settings: {restarts_per_hour: many}}"), [
        "2: targets.here.settings.restarts_per_hour: wants a whole number, not 'many'"]),
    ("a target without route", MINIMAL.replace("queue}}", "queue}, there: {kind: queue}}"), [
        "2: targets.there: no route leads here; add a route or drop the target"]),
    ("a route to an unknown target", MINIMAL.replace("[here]", "[here, hree]"), [
        "3: routes.0.to.1: no target 'hree'; did you mean 'here'?"]),
    ("a route to no text", MINIMAL.replace("[here]", "[here, [here]]"), [
        "3: routes.0.to.1: wants text, not a list"]),
    ("a route to nowhere", MINIMAL.replace("[here]", "[]"), [
        "3: routes.0.to: is empty",
        "2: targets.here: no route leads here; add a route or drop the target"]),
    ("a route without an end", MINIMAL.replace(", to: [here]", ""), [
        "3: routes.0: the key 'to' is missing; names of targets",
        "2: targets.here: no route leads here; add a route or drop the target"]),
    ("a route that selects nothing", MINIMAL.replace(f"detections: [{STOPPED}], to", "to"), [
        "3: routes.0: selects nothing; add detections, packs or severity"]),
    ("a route that is a number", MINIMAL.replace("routes: [", "routes: [5, "), [
        "3: routes.0: wants a mapping, not 5",
        "3: routes.0: selects nothing; add detections, packs or severity"]),
    ("a route given twice", MINIMAL.replace("routes: [", "routes: [{severity: [low], to: [here]}, "
     "{to: [here], severity: [low]}, "), [
        "3: routes.1: a mapping is given twice; keep one"]),
    ("a route for an unknown detection", MINIMAL.replace(f"[{STOPPED}], to", "[stopped], to"), [
        "3: routes.0.detections.0: no detection 'stopped'"]),
    ("a route for a detection that is no text", MINIMAL.replace(f"[{STOPPED}], to", "[[a]], to"), [
        "3: routes.0.detections.0: wants text, not a list"]),
    ("a route for a detection that is not enabled", MINIMAL.replace(
        f"[{STOPPED}], to", "[cis_root_used], to"), [
        "3: routes.0.detections.0: the detection 'cis_root_used' is not enabled; "
        "enable its pack 'cis' or include it"]),
    ("a route for an unknown pack", MINIMAL.replace(f"detections: [{STOPPED}], to",
                                                    "packs: [tampered], to"), [
        "3: routes.0.packs.0: no pack 'tampered'; did you mean 'tamper'?"]),
    ("a route for a pack that is not enabled", MINIMAL.replace(f"detections: [{STOPPED}], to",
                                                               "packs: [cis], to"), [
        "3: routes.0.packs.0: the pack 'cis' is not enabled; add it to detections.packs"]),
    ("a route for an unknown severity", MINIMAL.replace(f"detections: [{STOPPED}], to",
                                                        "severity: [hihg], to"), [
        "3: routes.0.severity.0: 'hihg' is not one of the choices; did you mean 'high'?"]),
    ("targets of one logical id", MINIMAL.replace("{here: {kind: queue}}", "{ab-1: {kind: queue}, "
     "ab1: {kind: queue}}").replace("[here]", "[ab1, ab-1]"), [
        "2: targets.ab1: would share the logical id 'Ab1' with the target 'ab-1'; "
        "rename one of them"]),
    ("targets of one queue", MINIMAL.replace("{here: {kind: queue}}", "{aa: {kind: queue, "
     "queue_name: q}, bb: {kind: queue, queue_name: q}}").replace("[here]", "[aa, bb]"), [
        "2: targets.bb: would share the queue 'q' with the target 'aa'; rename one of them",
        "2: targets.bb: would share the queue 'q-dead-letters' with the target 'aa'; "
        "rename one of them"]),
    ("a queue of another's dead letters", MINIMAL.replace("{here: {kind: queue}}",
     "{aa: {kind: queue, queue_name: q}, bb: {kind: queue, queue_name: q-dead-letters}}").replace(
         "[here]", "[aa, bb]"), [
        "2: targets.bb: would share the queue 'q-dead-letters' with the target 'aa'; "
        "rename one of them"]),
    ("a queue that feeds another's function", MINIMAL.replace("{here: {kind: queue}}",
     "{aa: {kind: responder, responder: restart_cloudtrail}, "
     "bb: {kind: queue, queue_name: trailbus-aa}}").replace("[here]", "[aa, bb]"), [
        "2: targets.bb: would share the queue 'trailbus-aa' with the target 'aa'; "
        "rename one of them",
        "2: targets.bb: would share the queue 'trailbus-aa-dead-letters' with the target 'aa'; "
        "rename one of them"]),
    ("targets of one topic", MINIMAL.replace("{here: {kind: queue}}", "{aa: {kind: queue, "
     "through: topic, topic_name: t}, bb: {kind: queue, through: topic, topic_name: t}}").replace(
         "[here]", "[aa, bb]"), [
        "2: targets.bb: would share the topic 't' with the target 'aa'; rename one of them"]),
    ("a queue of a topic's dead letters", MINIMAL.replace("{here: {kind: queue}}",
     "{aa: {kind: topic}, bb: {kind: queue, queue_name: trailbus-aa-dead-letters}}").replace(
         "[here]", "[aa, bb]"), [
        "2: targets.bb: would share the queue 'trailbus-aa-dead-letters' with the target 'aa'; "
        "rename one of them"]),
    ("queues whose alarms have one name", MINIMAL.replace("{here: {kind: queue}}", "{aa: {kind: "
     "queue}, bb: {kind: queue, queue_name: aa}}").replace("[here]", "[aa, bb]"), [
        "2: targets.bb: would share the alarm 'trailbus-aa-age' with the target 'aa'; "
        "rename one of them"]),
    ("the intake's queue", MINIMAL.replace("here", "intake"), [
        "2: targets.intake: would share the queue 'trailbus-intake' with the SIEM intake; "
        "rename one of them",
        "2: targets.intake: would share the queue 'trailbus-intake-dead-letters' with the SIEM "
        "intake; rename one of them"]),
    ("a chat with a body and with readers", MINIMAL.replace("{kind: queue}", "{kind: topic, "
     "format: chat, body: event, emails: [a@example.com]}"), [
        "2: targets.here.body: the format 'chat' is a body of its own; leave 'body' out",
        "2: targets.here.emails: a person would get the format 'chat' as JSON; add a second topic "
        "for e-mail"]),
    ("a reader that is no address", MINIMAL.replace("{kind: queue}", "{kind: topic, emails: [me]}"),
     ["2: targets.here.emails.0: 'me' is not an e-mail address"]),
    ("a stream that keeps parts of days", MINIMAL.replace("{kind: queue}", "{kind: stream, "
     "retention: 36h}"), ["2: targets.here.retention: '36h' is not a duration; write 14d"]),
    ("a stream that keeps longer than Kinesis does", MINIMAL.replace("{kind: queue}",
     "{kind: stream, to: kinesis, retention: 366d}"), [
        "2: targets.here.retention: Kinesis keeps nothing longer than 365d; shorten it, or send "
        "to firehose"]),
    ("a stream to somewhere else", MINIMAL.replace("{kind: queue}", "{kind: stream, to: kafka}"),
     ["2: targets.here.to: 'kafka' is not one of the choices; known: firehose, kinesis"]),
    ("a stream of words", MINIMAL.replace("{kind: queue}", "{kind: stream, body: text}"),
     ["2: targets.here.body: 'text' is not one of the choices; known: detail, event, notice"]),
    ("a log that is kept a time CloudWatch does not know", MINIMAL.replace("{kind: queue}",
     "{kind: log, retention: 10d}"), [
        "2: targets.here.retention: 10d is not one of the choices; known: 1d, 3d, 5d, 7d, 14d, "
        "30d, 60d, 90d, 120d, 150d, 180d, 365d, 400d, 545d, 731d, 1096d, 1827d, 2192d, 2557d, "
        "2922d, 3288d, 3653d"]),
    ("the stack's own queue", MINIMAL.replace("here", "undelivered"), [
        "2: targets.undelivered: would share the queue 'trailbus-undelivered' with the stack "
        "itself; rename one of them"]),
    ("the members' own queue", MINIMAL.replace("here", "unforwarded"), [
        "2: targets.unforwarded: would share the queue 'trailbus-unforwarded' with the stack "
        "itself; rename one of them"]),
    ("the stack's own topic", MINIMAL.replace("here: {kind: queue}", "alarms: {kind: queue, "
     "through: topic}").replace("[here]", "[alarms]"), [
        "2: targets.alarms: would share the topic 'trailbus-alarms' with the stack itself; "
        "rename one of them"]),
    ("a logical id of the stack itself", MINIMAL.replace("here: {kind: queue}", "bus: {kind: "
     "responder, responder: restart_cloudtrail}").replace("[here]", "[bus]"), [
        "Trailbus, central stack: holds 'Bus' twice; rename a target or a detection"]),
    ("an empty place", MINIMAL + "place:\n", ["4: place: wants a mapping, not nothing"]),
    ("a place with keys missing", MINIMAL + "place: {regions: all}\n", [
        "4: place: the key 'organization_id' is missing; the organization's id",
        "4: place: the key 'management_account' is missing; an account id",
        "4: place: the key 'central' is missing; the account and Region that own the bus",
        "4: place: the key 'organizational_units' is missing; the roots and organizational units "
        "that are covered"]),
    ("an account id without quotes", MINIMAL + PLACE.replace('"111111111111"', "111111111111"), [
        "6: 111111111111 reads as a number; account ids are text: quote it, \"111111111111\""]),
    ("an account id too short", MINIMAL + PLACE.replace('"111111111111"', '"11111111111"'), [
        f"6: place.management_account: '11111111111' {AN_ACCOUNT}"]),
    ("the id of no organization", MINIMAL + PLACE.replace("o-a1b2c3d4e5", "O-A1B2C3D4E5"), [
        "5: place.organization_id: 'O-A1B2C3D4E5' is not an organization id such as o-a1b2c3d4e5"]),
    ("no units", MINIMAL + PLACE.replace("[r-ab12, ou-ab12-cdefghij]", "[]"), [
        "8: place.organizational_units: is empty"]),
    ("what is no unit", MINIMAL + PLACE.replace("r-ab12,", "root,"), [
        "8: place.organizational_units.0: 'root' is not a root (r-ab12) or an organizational unit "
        "(ou-ab12-cdefghij)"]),
    ("what is no Region", MINIMAL + PLACE.replace("eu-west-1", "Ireland"), [
        "9: place.regions.1: 'Ireland' is not a Region such as eu-west-1"]),
    ("another partition", MINIMAL + PLACE.replace("eu-west-1", "eusc-de-east-1"), [
        "9: place.regions.1: 'eusc-de-east-1' is not a Region such as eu-west-1"]),
    ("no Regions", MINIMAL + PLACE.replace("[us-east-1, eu-west-1]", "[]"), [
        "9: place.regions: is empty"]),
    ("Regions that are not all", MINIMAL + PLACE.replace("[us-east-1, eu-west-1]", "al"), [
        "9: place.regions: 'al' is not one of the choices; did you mean 'all'?"]),
    ("an excluded account that is none", MINIMAL + PLACE + "  exclude_accounts: [dev]\n", [
        f"10: place.exclude_accounts.0: 'dev' {AN_ACCOUNT}"]),
    ("access that is no yes or no", MINIMAL + PLACE + "  access: {delegated_admin: yes}\n", [
        "10: place.access.delegated_admin: wants true or false, not 'yes'"]),
    ("a tag that is a number", MINIMAL + PLACE + "  tags: {cost: 5}\n", [
        "10: place.tags.cost: wants text, not 5; quote it"]),
    ("a tag whose key is too long", MINIMAL + PLACE + f"  tags: {{{'k' * 129}: v}}\n", [
        f"10: place.tags.{'k' * 129}: has 129 characters, at most 128 fit"]),
    (
        "several errors at once",
        "name_prefix: 5\nforwards: all\ndetections:\n  packs: [cis, cos]\n  folders: []\n"
        "targets:\n  aa: {kind: queue, retention: 1w}\n  bb: {kind: nonsense}\n"
        "  cc: {kind: queue}\n"
        "routes:\n  - {detections: [nothing], to: [aa, zz]}\n  - {to: [bb]}\n"
        "place: {organization_id: o-1}\n",
        [
            "2: forwards: unknown key 'forwards'; did you mean 'forwarding'?",
            "1: name_prefix: wants text, not 5; quote it",
            "13: place.organization_id: 'o-1' is not an organization id such as o-a1b2c3d4e5",
            "13: place: the key 'management_account' is missing; an account id",
            "13: place: the key 'central' is missing; the account and Region that own the bus",
            "13: place: the key 'organizational_units' is missing; the roots and organizational "
            "units that are covered",
            "13: place: the key 'regions' is missing; all, or a list of Regions",
            "4: detections.packs.1: no pack 'cos'; did you mean 'cis'?",
            "7: targets.aa.retention: '1w' is not a duration; write 30s, 5m, 12h or 14d",
            f"8: targets.bb.kind: no kind of target 'nonsense'; known: "
            f"{', '.join(sorted(KINDS))}",
            "11: routes.0.to.1: no target 'zz'; known: aa, bb, cc",
            "11: routes.0.detections.0: no detection 'nothing'",
            "12: routes.1: selects nothing; add detections, packs or severity",
            "9: targets.cc: no route leads here; add a route or drop the target",
        ],
    ),
    (
        "errors of the configuration and of its folders at once",
        "forwards: all\ndetections: {folders: [mine, yours]}\n",
        [
            "1: forwards: unknown key 'forwards'; did you mean 'forwarding'?",
            "mine: is no folder of detections",
            "yours: is no folder of detections",
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "expected"), BAD, ids=[row[0] for row in BAD])
def test_every_fault_is_a_line_with_its_cure_and_nothing_is_written(
    name: str,
    text: str,
    expected: list[str],
    trailbus: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("trailbus.yaml").write_text(text, encoding="utf-8")
    outcome = trailbus("render", "--config", "trailbus.yaml", "--out", "out")
    lines = [f"trailbus.yaml:{line}" if line[0].isdigit() else line for line in expected]
    assert outcome.err.splitlines() == lines, name
    assert (outcome.code, outcome.out) == (2, ""), name
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing", None, "trailbus.yaml: cannot be read: No such file or directory"),
        ("not UTF-8", b"name_prefix: \xff", "trailbus.yaml: is not UTF-8 text (byte 13)"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_one_line(
    name: str,
    content: bytes | None,
    said: str,
    trailbus: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("trailbus.yaml").write_bytes(content)
    assert trailbus("--config", "trailbus.yaml") == (2, "", f"{said}\n"), name


def test_a_folder_is_no_configuration(trailbus: Run, tmp_path: Path) -> None:
    assert trailbus("--config", tmp_path) == (
        2,
        "",
        f"{tmp_path}: cannot be read: Is a directory\n",
    )
    # What `--config "$UNSET"` amounts to is not a wish for the built-in configuration.
    assert trailbus("--config", "").code == 2


def test_a_detection_id_stands_for_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _own(tmp_path / "mine", "iam_user_created")
    _own(tmp_path / "mine")
    _own(tmp_path / "yours")
    with pytest.raises(Mistake) as caught:
        configured(Path(), OWN.replace("[mine]}", "[mine, yours]}", 1))
    built_in = documents.shown(catalogue.BUILT_IN / "guardrails" / "iam_user_created.yaml")
    assert str(caught.value).splitlines() == [
        f"mine/iam_user_created.yaml: the detection 'iam_user_created' stands in {built_in} "
        "already; give the file another name",
        "yours/vault_opened.yaml: the detection 'vault_opened' stands in mine/vault_opened.yaml "
        "already; give the file another name",
    ]


def _with_responder(monkeypatch: pytest.MonkeyPatch, changed: Responder) -> None:
    """Lets configurations read a catalogue in which restart_cloudtrail is this responder."""
    real = catalogue.read

    def read(*arguments: Any) -> Catalogue:
        known = real(*arguments)
        return known._replace(responders={**known.responders, "restart_cloudtrail": changed})

    monkeypatch.setattr(catalogue, "read", read)


RESPONDING = MINIMAL.replace("{kind: queue}", "{kind: responder, responder: restart_cloudtrail}")


def test_a_responder_that_changes_nothing_takes_no_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = catalogue.read().responders["restart_cloudtrail"]
    _with_responder(monkeypatch, real._replace(modes=(), default_mode=None))
    assert configured(tmp_path, RESPONDING).shape.target("here").options["mode"] is None
    moded = RESPONDING.replace("cloudtrail}}", "cloudtrail, mode: observe}}")
    with pytest.raises(Mistake, match="changes nothing, so it has no mode; drop it"):
        configured(tmp_path, moded)
    _with_responder(monkeypatch, real._replace(modes=("observe",), default_mode="observe"))
    assert configured(tmp_path, moded).shape.target("here").options["mode"] == "observe"
    with pytest.raises(Mistake, match="knows no mode 'enforce'; known: observe"):
        configured(tmp_path, moded.replace("observe", "enforce"))


# The fingerprint. Each text gives other templates than every other text in this list.
SHAPES: dict[str, str] = {
    "built-in": documents.read(config.DEFAULT),
    "minimal": MINIMAL,
    "another prefix": f"name_prefix: other\n{MINIMAL}",
    "all events": f"forwarding: all\n{MINIMAL}",
    "two speeds": f"forwarding: two-speed\n{MINIMAL}",
    "another detection": MINIMAL.replace(STOPPED, "cloudtrail_trail_deleted"),
    "a detection more": MINIMAL.replace("stopped]}", "stopped, kms_key_disabled]}"),
    "another body": MINIMAL.replace("queue}", "queue, body: notice}"),
    "the bare record": MINIMAL.replace("queue}", "queue, body: detail}"),
    "another name of the target": MINIMAL.replace("here", "there"),
    "another name of the queue": MINIMAL.replace("queue}", "queue, queue_name: q}"),
    "through a topic": MINIMAL.replace("queue}", "queue, through: topic}"),
    "through a topic of another name": MINIMAL.replace(
        "queue}", "queue, through: topic, topic_name: t}"
    ),
    "another retention": MINIMAL.replace("queue}", "queue, retention: 1h}"),
    "another timeout": MINIMAL.replace("queue}", "queue, visibility_timeout: 1h}"),
    "two readers": MINIMAL.replace(
        "queue}", "queue, readers: ['arn:aws:iam::111122223333:role/A', "
        "'arn:aws:iam::111122223333:role/B']}"
    ),
    "a responder": RESPONDING,
    "a responder that observes": RESPONDING.replace("cloudtrail}}", "cloudtrail, mode: observe}}"),
    "a responder with a setting": RESPONDING.replace(
        "cloudtrail}}", "cloudtrail, settings: {restarts_per_hour: 9}}}"
    ),
    "two targets": MINIMAL.replace("queue}}", "queue}, there: {kind: queue}}").replace(
        "[here]", "[here, there]"
    ),
    "two targets, routed otherwise": MINIMAL.replace("queue}}", "queue}, there: {kind: queue}}")
    .replace("stopped]}", "stopped, kms_key_disabled]}")
    .replace("[here]}", "[here]}, {detections: [kms_key_disabled], to: [there]}"),
}  # fmt: skip


def test_the_fingerprint_differs_wherever_templates_differ(tmp_path: Path) -> None:
    made = {}
    for name, text in SHAPES.items():
        shape = configured(tmp_path, text).shape
        files = render(shape)
        templates = [files[file] for file in sorted(files) if "/" not in file]
        made[name] = shape.digest, templates[:1] + templates[2:]  # less the manifest
    for one, other in combinations(made, 2):
        assert made[one][1] != made[other][1], (one, other)
        assert made[one][0] != made[other][0], (one, other)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest, _ in made.values())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Another title"),
        ("severity", "low"),
        ("why", "Another reason."),
        ("harmless_when", "Always."),
        ("attack", "[T1098]"),
        ("references", "[https://docs.aws.amazon.com/]"),
        ("read_only", "true"),
        ("pattern", "{source: [aws.s3], detail-type: [AWS API Call via CloudTrail]}"),
    ],
)
def test_the_fingerprint_knows_every_field_of_a_detection(
    field: str, value: str, tmp_path: Path
) -> None:
    text = OWN.replace("kind: queue", "kind: queue, body: notice")
    _own(tmp_path / "mine")
    before = configured(tmp_path, text).shape
    _own(tmp_path / "mine", **{field: value})
    after = configured(tmp_path, text).shape
    assert render(before)["central.yaml"] != render(after)["central.yaml"]
    assert before.digest != after.digest


STATEMENT = {
    "sid": "Other",
    "actions": ["s3:GetObject"],
    "resources": ["*"],
    "conditions": {},
    "why_star": "reason",
}
RESPONDER_CHANGES: dict[str, Any] = {
    "id": "restart_other",
    "title": "Another title",
    "code": "def handler(event, context): ...\n",
    "timeout": 61,
    "memory": 512,
    "remembers": False,
    "member_permissions": (STATEMENT,),
    "central_permissions": (STATEMENT,),
    "settings": (Setting("other", "integer", 1, "help"),),
}


@pytest.mark.parametrize("field", RESPONDER_CHANGES)
def test_the_fingerprint_knows_what_a_responder_puts_into_templates(
    field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = configured(tmp_path, RESPONDING).shape
    real = catalogue.read().responders["restart_cloudtrail"]
    _with_responder(monkeypatch, real._replace(**{field: RESPONDER_CHANGES[field]}))
    after = configured(tmp_path, RESPONDING).shape
    templates = [{n: t for n, t in render(s).items() if "man" not in n} for s in (before, after)]
    assert templates[0] != templates[1]
    assert before.digest != after.digest


def _reversed(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


def _parsed(text: str) -> Any:
    return documents.parse("file.yaml", text)[0].value


@pytest.mark.parametrize("text", [MINIMAL, SAMPLE, RESPONDING, documents.read(config.DEFAULT)])
def test_the_fingerprint_knows_neither_place_nor_order(text: str, tmp_path: Path) -> None:
    value = _parsed(text)
    before = configured(tmp_path, text).shape
    changed = _reversed(value)
    changed["routes"] = changed["routes"][::-1]
    changed["place"] = _parsed(PLACE)["place"]
    for name, target in changed["targets"].items():
        if target["kind"] == "queue":
            target["readers"] = [f"arn:aws:iam::111122223333:role/{name}"]
        if target["kind"] == "responder":
            target["exceptions"] = {"accounts": ["111122223333"]}
    after = configured(tmp_path, yaml_text(changed))
    assert after.shape.digest == before.digest
    assert render(after.shape) == render(before)
    assert after.place is not None


def test_the_fingerprint_knows_no_setting_that_is_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = catalogue.read().responders["restart_cloudtrail"]
    setting = Setting("secret", "string", "", "help", place=True)
    _with_responder(monkeypatch, real._replace(settings=(*real.settings, setting)))
    one, other = (
        configured(tmp_path, RESPONDING.replace("trail}}", f"trail, settings: {{secret: {x}}}}}}}"))
        for x in ("a", "b")
    )
    assert one.shape.digest == other.shape.digest
    assert render(one.shape) == render(other.shape)
    assert one.shape.target("here") != other.shape.target("here")


# The JSON Schema, which editors check by, against the reader.
SCHEMA = Draft202012Validator(config.json_schema())


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(config.json_schema())


@pytest.mark.parametrize("text", [MINIMAL, SAMPLE, *SHAPES.values()])
def test_the_schema_takes_what_is_read(text: str) -> None:
    assert [error.message for error in SCHEMA.iter_errors(_parsed(text))] == []


# What a schema cannot say: how long a time is, what names name, and what two values have in common.
_BEYOND = re.compile(
    r"\d[smhd] is out of range|: no (pack|detection|responder|target|route)|is not enabled"
    r"|body of its own|second topic|Kinesis keeps|would share the"
    r"|selects nothing|no mode|is given twice|holds '|settings\."
)


@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for name, text, lines in BAD if not all(map(_BEYOND.search, lines))],
)
def test_the_schema_refuses_what_is_refused(name: str, text: str) -> None:
    try:
        (value, *_) = [document.value for document in documents.parse("file.yaml", text)]
    except Mistake:
        return  # No JSON: no schema is asked.
    if name in ("two documents", "a folder that is missing"):
        assert SCHEMA.is_valid(value)
    else:
        assert not SCHEMA.is_valid(value), name


def _structural_problems(value: Json) -> list[Problem]:
    """What the forms alone say, before any name is looked up."""
    report = Report(Document("file.yaml", value))
    entry = config.CONFIGURATION.read(value, (), report)
    for name, target in entry["targets"].items():
        kind = target.get("kind")
        if isinstance(kind, str) and kind in KINDS:
            KINDS[kind].record().read(target, ("targets", name), report)
        else:
            report(("targets", name), "has no known kind")
    return [p for p in report.problems if not re.search(r"\d[smhd] is out of range", p.fault)]


def _paths(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    items: Any = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, item in items:
        yield from _paths(item, (*path, key))


_POOL: list[Any] = [
    None, True, 0, 5, 1.5, "", "x", "all", "exact", "low", "topic", "enforce", "notice", "text",
    "1d", "1m", "queue", "111122223333", "us-east-1", "r-ab12", "o-a1b2c3d4e5", "https://x.org",
    "restart_cloudtrail", [], ["x"], ["all"], ["low"], ["us-east-1"], ["111122223333"], {},
    {"x": "y"}, {"kind": "queue"}, {"kind": "log", "retention": "1d"}, {"kind": "topic"},
    {"kind": "api_destination", "rate": 300}, {"kind": "api_destination", "rate": 301},
    {"kind": "function", "arn": "arn:aws:lambda:eu-west-1:1:function:f"}, {"accounts": ["x"]},
]  # fmt: skip
_KEYS = ["x", "kind", "body", "mode", "settings", "readers", "packs", "to", "tags", "access", "arn",
         "emails", "place", "detections", "severity", "X Y", "parameters"]  # fmt: skip
BASES = [_parsed(text) for text in (SAMPLE, MINIMAL + PLACE, RESPONDING)]


@st.composite
def _mutated(draw: st.DrawFn) -> Json:
    """A right configuration, changed in one or two places at random: now right, now wrong."""
    value = copy.deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(0, 2))):
        path = draw(st.sampled_from(list(_paths(value))))
        holder = value
        for step in path[:-1]:
            holder = holder[step]
        here = holder[path[-1]] if path else value
        new = copy.deepcopy(draw(st.sampled_from(_POOL)))
        change = draw(st.sampled_from(("replace", "drop", "add")))
        if change == "add" and isinstance(here, dict):
            here[draw(st.sampled_from(_KEYS))] = new
        elif change == "add" and isinstance(here, list):
            here.append(new)
        elif change == "drop" and path:
            del holder[path[-1]]
        elif path:
            holder[path[-1]] = new
        else:
            value = new
        if not isinstance(value, dict):
            break
    return value


@given(_mutated())
@settings(max_examples=160)
def test_schema_and_reader_agree_on_any_configuration(value: Json) -> None:
    problems = _structural_problems(value)
    assert SCHEMA.is_valid(value) is (not problems), problems


@given(_mutated())
@settings(max_examples=40)
def test_any_configuration_is_read_or_refused_in_clear_lines(value: Json) -> None:
    with TemporaryDirectory() as folder:
        try:
            configured(Path(folder), yaml_text(value))
        except Mistake as mistake:
            said = str(mistake)
        else:
            said = ""
    # The empty document stands for an empty mapping; a schema knows no such thing.
    assert bool(said) or value is None or SCHEMA.is_valid(value)
    for line in said.splitlines():
        assert re.match(r"\S+/trailbus\.yaml:\d+: |\S+: is no folder", line), line


def test_every_option_has_its_place_in_the_schema() -> None:
    kinds = config.json_schema()["properties"]["targets"]["additionalProperties"]["oneOf"]
    for (name, kind), schema in zip(KINDS.items(), kinds, strict=True):
        assert schema["properties"]["kind"]["const"] == name
        assert set(schema["properties"]) == {"kind", "body", *kind.options}


def test_reading_twice_gives_the_same() -> None:
    assert config.load() == config.load()
    whole = config.load(whole=True)
    assert whole.shape == config.load().shape
    assert set(whole.catalogue.detections) == set(whole.catalogue.packs)
