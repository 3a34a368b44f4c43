"""simulate: the document that scripts read, the lines that people read, exit codes, bad input."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from generator import catalogue, config
from generator.model import Json
from generator.render import render
from generator.simulation.run import Simulation
from tests.conftest import Outcome, Run

RECORD: dict[str, Json] = {
    "eventVersion": "1.11",
    "eventID": "5b3a0c9e-0000-4000-8000-000000000001",
    "eventName": "DisableKey",
    "eventSource": "kms.amazonaws.com",
    "eventTime": "2026-11-03T11:59:00Z",
    "eventType": "AwsApiCall",
    "awsRegion": "eu-west-1",
    "recipientAccountId": "111122223333",
    "readOnly": False,
    "managementEvent": True,
    "userIdentity": {"type": "AssumedRole", "accountId": "111122223333"},
    "requestParameters": {"keyId": "1234"},
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in templates, rendered anew."""
    folder = tmp_path_factory.mktemp("rendered")
    for name, text in render(config.load().shape).items():
        file = folder / "out" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def house(rendered: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the templates are rendered."""
    monkeypatch.chdir(rendered)
    return rendered


def written(folder: Path, value: Json, name: str = "events.json") -> Path:
    file = folder / name
    file.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return file


@pytest.fixture(scope="module")
def whole(rendered: Path) -> subprocess.CompletedProcess[str]:
    """`simulate --json` of the catalogue's examples, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "generator", "simulate", "--json"],
        cwd=rendered,
        env={**os.environ, "AWS_PROFILE": "nobody", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def document(whole: subprocess.CompletedProcess[str]) -> Json:
    return json.loads(whole.stdout)


# --- The document

TEXT, FLAG, COUNT = str, bool, int
EVENT: dict[str, type | tuple[type, ...]] = {
    "event_id": TEXT,
    "account": TEXT,
    "region": TEXT,
    "event_name": TEXT,
    "forwarded": FLAG,
    "reason": (str, type(None)),
    "member_rules": list,
    "deliveries": list,
    "actions": list,
    "dead_letters": list,
    "decisions": list,
}
DECISION = ("responder", "outcome", "message")
DELIVERY = ("rule", "detection", "target", "kind", "message")
ACTION = ("responder", "account", "region", "call", "outcome")
TOTALS = (
    "events", "forwarded", "delivered", "actions", "dead_lettered", "moved", "unusable",
)  # fmt: skip


def test_stdout_holds_one_document_and_nothing_else(
    whole: subprocess.CompletedProcess[str],
) -> None:
    assert (whole.returncode, whole.stderr) == (0, "")
    document, end = json.JSONDecoder().raw_decode(whole.stdout)
    assert whole.stdout[end:] == "\n"
    assert isinstance(document, dict)


def test_document_has_the_promised_keys(document: Json) -> None:
    assert set(document) >= {"organization", "events", "queues", "detections", "totals"}
    assert document["organization"] == {
        "accounts": ["111111111111", "222222222222", "111122223333", "444455556666",
                     "123456789012"],
        "regions": ["us-east-1", "eu-west-1", "ap-southeast-2"],
    }  # fmt: skip
    assert set(document["totals"]) >= set(TOTALS)
    assert all(type(count) is COUNT for count in document["totals"].values())


def test_events_have_the_promised_keys(document: Json) -> None:
    assert document["events"]
    for event in document["events"]:
        assert set(event) >= set(EVENT)
        for key, kind in EVENT.items():
            assert isinstance(event[key], kind), (key, event[key])
        assert all(type(name) is TEXT for name in event["member_rules"])
        for delivery in event["deliveries"]:
            assert set(delivery) == set(DELIVERY)
            assert all(type(delivery[key]) is TEXT for key in DELIVERY)
            json.loads(delivery["message"])
        for action in event["actions"]:
            assert set(action) == set(ACTION)
            assert all(type(action[key]) is TEXT for key in ACTION)
            assert re.fullmatch("[a-z0-9-]+:[A-Z][A-Za-z]+", action["call"])
        for decision in event["decisions"]:
            assert set(decision) == set(DECISION)
            assert all(type(decision[key]) is TEXT for key in DECISION)
    assert any(event["decisions"] for event in document["events"])
    assert any(event["actions"] for event in document["events"])


def test_queues_hold_bodies_by_physical_name(document: Json) -> None:
    assert set(document["queues"]) == {
        "consoleme-cloudtrail-access-deny-events",
        "consoleme-cloudtrail-role-events",
        "trailbus-findings",
    }
    for bodies in document["queues"].values():
        assert bodies
        assert all(isinstance(json.loads(body), dict) for body in bodies)


def test_totals_are_the_sums_of_the_parts(document: Json) -> None:
    events = document["events"]
    assert document["totals"] == {
        "events": len(events),
        "forwarded": sum(event["forwarded"] for event in events),
        "delivered": sum(len(event["deliveries"]) for event in events),
        "actions": sum(len(event["actions"]) for event in events),
        "dead_lettered": sum(len(event["dead_letters"]) for event in events),
        "moved": 0,
        "posts": sum(len(event["posts"]) for event in events),
        "unusable": 0,
    }
    known = config.load().shape.detections
    assert len(events) == sum(len(catalogue.examples(one)) for one in known)
    assert set(document["detections"]) == {one.id for one in known}


def test_rules_targets_and_kinds_are_those_of_the_manifest(document: Json, house: Path) -> None:
    manifest = json.loads((house / "out" / "manifest.json").read_text("utf-8"))["detections"]
    kinds = {target.name: target.kind for target in config.load().shape.targets}
    for event in document["events"]:
        for delivery in event["deliveries"]:
            entry = manifest[delivery["detection"]]
            assert delivery["rule"] in entry["central_rules"]
            assert delivery["target"] in entry["targets"]
            assert delivery["kind"] == kinds[delivery["target"]]
            assert set(event["member_rules"]) & set(entry["member_rules"])


def test_same_input_gives_the_same_bytes(
    whole: subprocess.CompletedProcess[str], house: Path, trailbus: Run
) -> None:
    assert trailbus("simulate", "--json") == Outcome(0, whole.stdout, "")


# --- The lines


def test_people_read_the_organization_every_way_and_the_sums(
    house: Path, trailbus: Run, document: Json
) -> None:
    outcome = trailbus("simulate")
    assert (outcome.code, outcome.err) == (0, "")
    for account in document["organization"]["accounts"]:
        assert re.search(rf"^ +{account} [a-z-]+$", outcome.out, re.MULTILINE)
    assert "  Regions: us-east-1, eu-west-1, ap-southeast-2\n" in outcome.out
    assert "Creating the stack trailbus-central in the central account" in outcome.out
    ways = re.findall(r"^  [>-] (\S+) (\S+)  (\S+)$", outcome.out, re.MULTILINE)
    assert ways == [(e["account"], e["region"], e["event_name"]) for e in document["events"]]
    for event in document["events"]:
        if event["reason"]:
            assert f"      {event['reason']}\n" in outcome.out
    assert (
        "      restart_cloudtrail: cloudtrail:StartLogging in 111122223333 eu-west-1: ok\n"
        in outcome.out
    )
    totals = document["totals"]
    assert outcome.out.endswith(
        f"{totals['events']} events: {totals['forwarded']} forwarded, {totals['delivered']} "
        f"deliveries, {totals['actions']} actions, 0 dead letters\n"
    )
    assert "\033" not in outcome.out


def test_more_accounts_and_other_regions_are_simulated(house: Path, trailbus: Run) -> None:
    options = ("--accounts", "30", "--regions", "eu-west-1, eu-central-1,eu-west-1")
    outcome = trailbus("simulate", *options, written(house, RECORD), "--json")
    organization = json.loads(outcome.out)["organization"]
    assert len(set(organization["accounts"])) == 30
    # The central Region is there too, though nothing in it is covered.
    assert organization["regions"] == ["eu-west-1", "eu-central-1", "us-east-1"]
    assert json.loads(outcome.out)["totals"]["delivered"] == 1
    said = trailbus("simulate", *options, house / "events.json").out
    assert re.findall("[.]{3} and .*", said) == ["... and 3 more", "... and 2 more"]


# --- Files of events


def test_record_of_a_file_goes_its_way(house: Path, trailbus: Run) -> None:
    packed = written(house, gzip.compress(json.dumps({"Records": [RECORD]}).encode()), "a.json.gz")
    outcome = trailbus("simulate", packed, "--json")
    [event] = json.loads(outcome.out)["events"]
    assert (event["event_id"], event["account"]) == (RECORD["eventID"], "111122223333")
    assert [delivery["target"] for delivery in event["deliveries"]] == ["findings"]


def test_moved_records_are_counted(house: Path, trailbus: Run) -> None:
    file = written(house, [RECORD, {**RECORD, "recipientAccountId": "999988887777"}])
    assert json.loads(trailbus("simulate", file, "--json").out)["totals"]["moved"] == 1
    said = trailbus("simulate", file).out
    assert "moved to members: 1 event of a strange account\n" in said


def test_unusable_records_are_named_counted_and_the_rest_sent(house: Path, trailbus: Run) -> None:
    nameless = {key: value for key, value in RECORD.items() if key != "eventName"}
    file = written(house, [RECORD, nameless, 7])
    outcome = trailbus("simulate", file, "--json")
    assert outcome.code == 1
    assert outcome.err.splitlines() == [
        f"{file}: record 2: has no eventName; it is no CloudTrail record",
        f"{file}: record 3: is no record: it wants a JSON object",
    ]
    totals = json.loads(outcome.out)["totals"]
    assert (totals["events"], totals["delivered"], totals["unusable"]) == (1, 1, 2)
    assert "could not be used, named above: 2 records\n" in trailbus("simulate", file).out


def test_what_is_dead_lettered_or_fails_ends_with_one(
    house: Path, trailbus: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(house, RECORD)
    assert trailbus("simulate", file).code == 0
    for bad in ("dead_letters", "failures"):
        with monkeypatch.context() as patched:
            patched.setattr(Simulation, bad, 1)
            assert trailbus("simulate", file).code == 1


def test_file_without_a_single_usable_record_is_misuse(house: Path, trailbus: Run) -> None:
    file = written(house, {"name": "trailbus", "version": 1}, "package.json")
    assert trailbus("simulate", file) == Outcome(
        2, "", f"{file}: has no eventName; it is no CloudTrail record\n"
    )


def test_file_of_no_records_is_an_empty_simulation(house: Path, trailbus: Run) -> None:
    outcome = trailbus("simulate", written(house, {"Records": []}), "--json")
    assert (outcome.code, outcome.err) == (0, "")
    document = json.loads(outcome.out)
    assert (document["events"], document["queues"]) == ([], {})
    assert set(document["totals"].values()) == {0}


BAD_FILES: list[tuple[str, bytes | None, str]] = [
    ("truncated gzip", gzip.compress(b'{"Records": []}' * 99)[:-9], "truncated or damaged gzip"),
    ("not JSON", b"hello", "is not JSON"),
    ("empty", b"", "is empty"),
    ("missing", None, "cannot be read: No such file or directory"),
    ("not UTF-8", b"\xff\xfe{}", "is not UTF-8 text"),
]


@pytest.mark.parametrize(
    ("content", "why"), [row[1:] for row in BAD_FILES], ids=[row[0] for row in BAD_FILES]
)
@pytest.mark.parametrize("option", [(), ("--json",)], ids=["lines", "json"])
def test_bad_file_is_misuse_told_in_one_line(
    house: Path, trailbus: Run, content: bytes | None, why: str, option: tuple[str, ...]
) -> None:
    file = house / "bad.json"
    file.unlink(missing_ok=True)
    if content is not None:
        file.write_bytes(content)
    outcome = trailbus("simulate", written(house, RECORD), file, *option)
    assert (outcome.code, outcome.out) == (2, "")
    [line] = outcome.err.splitlines()
    assert line.startswith(f"{file}: ")
    assert why in line


def test_folder_is_no_file_of_events(house: Path, trailbus: Run) -> None:
    outcome = trailbus("simulate", house)
    assert outcome == Outcome(2, "", f"{house}: cannot be read: Is a directory\n")


# --- Misuse

MISUSE: list[tuple[tuple[str, ...], str]] = [
    (("--accounts", "1"), "--accounts: 1 is too few; 2 or more"),
    (("--accounts", "-5"), "--accounts: -5 is too few; 2 or more"),
    (("--regions", "us-east-7"), "Regions: aws has no Region 'us-east-7'; did you mean"),
    (("--regions", "us-east-1,,"), "Regions: aws has no Region ''"),
    (("--regions", ""), "Regions: aws has no Region ''"),
    (("--regions", "cn-north-1"), "Regions: aws has no Region 'cn-north-1'"),
    (("--out", "nowhere"), "nowhere/manifest.json: cannot be read: No such file or directory"),
    (("--config", "nowhere.yaml"), "nowhere.yaml: "),
]


@pytest.mark.parametrize(("options", "said"), MISUSE, ids=[" ".join(row[0]) for row in MISUSE])
def test_misuse_is_told_in_one_line(
    house: Path, trailbus: Run, options: tuple[str, ...], said: str
) -> None:
    outcome = trailbus("simulate", *options)
    assert (outcome.code, outcome.out) == (2, "")
    [line] = outcome.err.splitlines()
    assert line.startswith(said)


def test_every_unknown_region_is_told(house: Path, trailbus: Run) -> None:
    outcome = trailbus("simulate", "--regions", "us-esat-1,eu-west-1,mars")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 2


def test_number_of_accounts_must_be_one(house: Path, trailbus: Run) -> None:
    assert trailbus("simulate", "--accounts", "many").code == 2


def test_changed_template_is_not_simulated(house: Path, trailbus: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for file in (house / "out").iterdir():
        if file.is_file():
            out.mkdir(exist_ok=True)
            (out / file.name).write_bytes(file.read_bytes())
    (out / "handoff").mkdir()
    for file in (house / "out" / "handoff").iterdir():
        (out / "handoff" / file.name).write_bytes(file.read_bytes())
    with (out / "member-rules.yaml").open("a", encoding="utf-8") as rules:
        rules.write("# mine\n")
    outcome = trailbus("simulate", "--out", out)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{out}/member-rules.yaml: was changed after it was rendered" in outcome.err


def test_templates_of_another_configuration_are_not_simulated(
    house: Path, trailbus: Run, tmp_path: Path
) -> None:
    file = tmp_path / "trailbus.yaml"
    file.write_text(
        "targets: {here: {kind: queue}}\nroutes: [{severity: [high], to: [here]}]\n", "utf-8"
    )
    outcome = trailbus("simulate", "--config", file)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("out: holds the templates of another configuration; render them")


def test_without_moto_it_says_what_to_install(house: Path) -> None:
    code = (
        "import sys; sys.modules['moto'] = None\n"
        "from generator.__main__ import main; sys.exit(main(['simulate']))"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code], cwd=house, capture_output=True, text=True, timeout=60
    )
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert outcome.stderr == (
        "simulate: moto is not installed; install it: pip install 'trailbus[simulate]'\n"
    )


def test_exceptions_hold_without_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trailbus: Run
) -> None:
    """An excepted account's trail stays stopped; any other account's is started again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trailbus.yaml").write_text(
        "targets:\n"
        "  trail-guard: {kind: responder, responder: restart_cloudtrail,"
        " exceptions: {accounts: ['111122223333']}}\n"
        "routes: [{detections: [cloudtrail_logging_stopped], to: [trail-guard]}]\n",
        encoding="utf-8",
    )
    assert trailbus("--config", "trailbus.yaml").code == 0
    acted = {}
    for account in ("111122223333", "444455556666"):
        trail = f"arn:aws:cloudtrail:eu-west-1:{account}:trail/main"
        record = {
            **RECORD,
            "eventName": "StopLogging",
            "eventSource": "cloudtrail.amazonaws.com",
            "recipientAccountId": account,
            "userIdentity": {"type": "AssumedRole", "accountId": account},
            "requestParameters": {"name": trail},
        }
        written(tmp_path, record)
        outcome = trailbus("simulate", "events.json", "--config", "trailbus.yaml", "--json")
        acted[account] = "cloudtrail:StartLogging" in outcome.out
    assert acted == {"111122223333": False, "444455556666": True}
