"""The command undo: what it shows, when it asks, what it refuses, what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generator.deploy import aws
from generator.deploy.aws import Call, Refused
from generator.model import Mistake
from tests.conftest import Run
from tests.undoing.test_evidence import ACCOUNT, CLOSED, RECORDS, VOLUME, changed

PRESENT: dict[str, dict[str, Any]] = {
    "GetPublicAccessBlock": {"PublicAccessBlockConfiguration": CLOSED},
    "ListAttachedUserPolicies": {
        "AttachedPolicies": [
            {"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/trailbus-console-with-mfa-only"}
        ]
    },
    "DescribeTags": {
        "Tags": [
            {"ResourceId": each, "Key": "Owner", "Value": "mara"}
            for each in RECORDS["an instance"]["after"]["Owner"]
        ]
    },
    "GetTrailStatus": {"IsLogging": True},
}
every_record = pytest.mark.parametrize("whole", RECORDS.values(), ids=RECORDS.keys())


class Account:
    """The account of the evidence. `present` are its answers, by operation."""

    def __init__(self) -> None:
        self.present: dict[str, Any] = dict(PRESENT)
        self.entered: list[tuple[str, ...]] = []
        self.made: list[dict[str, Any]] = []

    def enter(self, *where: str) -> Account:
        self.entered.append(where)
        return self

    def call(self, call: Call) -> Mapping[str, Any]:
        answer = self.present.get(call.operation, {})
        if isinstance(answer, str):
            raise Refused(call.side, call.region, call.operation, answer, "said the test")
        if call.operation not in PRESENT:
            self.made.append(
                {
                    "service": call.service,
                    "operation": call.operation,
                    "parameters": dict(call.request),
                }
            )
        return dict(answer)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account()
    monkeypatch.setattr(aws, "entered", made.enter)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "evidence.json"


@every_record
def test_it_makes_the_calls_and_no_others(
    trailbus: Run, account: Account, file: Path, whole: dict[str, Any]
) -> None:
    file.write_text(json.dumps(whole))
    done = trailbus("undo", str(file), "--yes")

    assert done.code == 0, done.err
    assert account.made == whole["undo"]
    assert account.entered == [(ACCOUNT, "eu-west-1", "", "")]
    for call in whole["undo"]:
        assert f"{call['service']} {call['operation']}" in done.out
    assert ACCOUNT in done.out


@every_record
def test_as_json_it_tells_and_does_nothing_unless_told(
    trailbus: Run, account: Account, file: Path, whole: dict[str, Any]
) -> None:
    file.write_text(json.dumps(whole))
    told, done = (
        trailbus("undo", str(file), "--json"),
        trailbus("undo", str(file), "--json", "--yes"),
    )

    assert (told.code, done.code) == (0, 0)
    assert account.made == whole["undo"]
    shown = json.loads(told.out)
    assert (shown["done"], shown["changed_since"]) == (False, [])
    assert [{**call, "outcome": None} for call in whole["undo"]] == shown["calls"]
    assert json.loads(done.out)["done"]
    assert {call["outcome"] for call in json.loads(done.out)["calls"]} == {"ok"}


def test_without_a_terminal_it_does_not_guess_the_answer(
    trailbus: Run, account: Account, file: Path
) -> None:
    file.write_text(json.dumps(RECORDS["a trail"]))
    done = trailbus("undo", str(file))

    assert done.code == 2
    assert done.err == "undo: cannot ask without a terminal; --yes makes the calls\n"
    assert account.made == []


@pytest.mark.parametrize(
    ("typed", "made"), [("y\n", 1), ("YES\n", 1), ("\n", 0), ("n\n", 0), ("", 0)]
)
def test_on_a_terminal_it_asks(
    trailbus: Run,
    account: Account,
    file: Path,
    typed: str,
    made: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return typed

    monkeypatch.setattr("sys.stdin", Terminal())
    file.write_text(json.dumps(RECORDS["a trail"]))
    done = trailbus("undo", str(file))

    assert done.code == 0
    assert f"Make this call in account {ACCOUNT}? [y/N]" in done.err
    assert len(account.made) == made


CHANGED: dict[str, tuple[str, str, Any, str]] = {
    "a switch was turned": (
        "a bucket that had no block",
        "GetPublicAccessBlock",
        {"PublicAccessBlockConfiguration": {**CLOSED, "IgnorePublicAcls": False}},
        "IgnorePublicAcls is off now",
    ),
    "the block is gone": (
        "a bucket that had no block",
        "GetPublicAccessBlock",
        "NoSuchPublicAccessBlockConfiguration",
        "the bucket has no public access block any more",
    ),
    "the bucket is gone": (
        "a bucket that had one",
        "GetPublicAccessBlock",
        "NoSuchBucket",
        "the bucket is gone",
    ),
    "the policy was detached": (
        "a user",
        "ListAttachedUserPolicies",
        {"AttachedPolicies": []},
        "the policy is not attached to the user any more",
    ),
    "the user is gone": ("a user", "ListAttachedUserPolicies", "NoSuchEntity", "the user is gone"),
    "the tags are gone": (
        "an instance",
        "DescribeTags",
        {"Tags": []},
        f"{VOLUME} has no Owner any more, or is gone",
    ),
    "the owner is another": (
        "an instance",
        "DescribeTags",
        {"Tags": [{"ResourceId": VOLUME, "Key": "Owner", "Value": "\x1b[2Jomar"}]},
        f"the Owner of {VOLUME} is \\x1b[2Jomar now",
    ),
    "the trail was stopped": (
        "a trail",
        "GetTrailStatus",
        {"IsLogging": False},
        "the trail does not log any more",
    ),
    "the trail is gone": (
        "a trail",
        "GetTrailStatus",
        "TrailNotFoundException",
        "the trail is gone",
    ),
}


@pytest.mark.parametrize(("name", "operation", "answer", "said"), CHANGED.values(), ids=CHANGED)
def test_what_has_changed_since_is_left_alone_unless_forced(
    trailbus: Run, account: Account, file: Path, name: str, operation: str, answer: Any, said: str
) -> None:
    account.present[operation] = answer
    file.write_text(json.dumps(RECORDS[name]))
    refused = trailbus("undo", str(file), "--yes")

    assert refused.code == 1
    assert f"{said}, unlike after the responder" in refused.err
    assert account.made == []
    forced = trailbus("undo", str(file), "--yes", "--force")
    assert forced.code == 0
    assert account.made == RECORDS[name]["undo"]


def test_a_state_that_cannot_be_read_is_no_state_to_undo(
    trailbus: Run, account: Account, file: Path
) -> None:
    account.present["GetTrailStatus"] = "AccessDeniedException"
    file.write_text(json.dumps(RECORDS["a trail"]))
    done = trailbus("undo", str(file), "--yes", "--force")

    assert done.code == 2
    assert done.err.endswith(
        f"account {ACCOUNT}: GetTrailStatus: AccessDeniedException: said the test\n"
    )
    assert account.made == []


def test_a_call_that_is_refused_is_told(trailbus: Run, account: Account, file: Path) -> None:
    account.present["StopLogging"] = "AccessDeniedException"
    file.write_text(json.dumps(RECORDS["a trail"]))
    done = trailbus("undo", str(file), "--yes", "--json")

    assert done.code == 1
    assert json.loads(done.out)["calls"][0]["outcome"] == "AccessDeniedException"
    assert not json.loads(done.out)["done"]
    assert "StopLogging: AccessDeniedException: said the test" in done.err


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"{", "is no JSON"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (
            json.dumps(changed(RECORDS["a trail"], "undo.0.operation", "\x1b[2J")).encode(),
            "asks for",
        ),
    ],
)
def test_a_hostile_file_gets_one_line_and_nothing_is_called(
    trailbus: Run, account: Account, file: Path, content: bytes, fault: str
) -> None:
    file.write_bytes(content)
    done = trailbus("undo", str(file), "--yes")

    assert (done.code, done.out) == (2, "")
    assert fault in done.err
    assert done.err.count("\n") == 1
    assert "\x1b" not in done.err
    assert account.entered == []


def test_a_missing_file_is_a_mistake(trailbus: Run, account: Account, file: Path) -> None:
    done = trailbus("undo", str(file), "--yes")

    assert (done.code, account.entered) == (2, [])
    assert "cannot be read: No such file or directory" in done.err


# --- With whose credentials

PLACE = f"""\
detections: {{packs: [], include: [cloudtrail_logging_stopped]}}
targets: {{here: {{kind: queue}}}}
routes: [{{detections: [cloudtrail_logging_stopped], to: [here]}}]
place:
  organization_id: o-a1b2c3d4e5
  management_account: "{ACCOUNT}"
  central: {{account: "222222222222", region: us-east-1}}
  organizational_units: [r-ab12]
  regions: [us-east-1]
  access: {{management_role: Deployer, management_profile: management, central_role: Central}}
"""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ("management", "Deployer")),
        (["--role", "Admin"], ("", "Admin")),
        (["--profile", "mine"], ("mine", "")),
        (["--profile", "mine", "--role", "Admin"], ("mine", "Admin")),
    ],
)
def test_the_configurations_access_counts_where_nothing_else_is_said(
    trailbus: Run, account: Account, file: Path, options: list[str], expected: tuple[str, str]
) -> None:
    configuration = file.with_name("trailbus.yaml")
    configuration.write_text(PLACE)
    file.write_text(json.dumps(RECORDS["a trail"]))
    done = trailbus("undo", str(file), "--yes", "--config", str(configuration), *options)

    assert done.code == 0, done.err
    assert account.entered == [(ACCOUNT, "eu-west-1", *expected)]


class Tokens:
    """What stands in for the token service: credentials of one account."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.assumed: list[str] = []

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": self.account}

    def assume_role(self, RoleArn: str, RoleSessionName: str) -> dict[str, Any]:
        self.assumed.append(RoleArn)
        self.account = RoleArn.split(":")[4]
        keys = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return {"Credentials": dict.fromkeys(keys, "x")}


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> Tokens:
    made = Tokens("999988887777")
    monkeypatch.setattr("boto3.Session.client", lambda *_, **__: made)
    return made


def test_credentials_of_another_account_are_refused(tokens: Tokens) -> None:
    with pytest.raises(Mistake, match="the credentials are those of account 999988887777"):
        aws.entered(ACCOUNT, "eu-west-1")


@pytest.mark.parametrize(
    ("region", "arn"),
    [
        ("eu-west-1", f"arn:aws:iam::{ACCOUNT}:role/ops/Admin"),
        ("cn-north-1", f"arn:aws-cn:iam::{ACCOUNT}:role/ops/Admin"),
    ],
)
def test_a_role_of_the_account_lets_in(tokens: Tokens, region: str, arn: str) -> None:
    aws.entered(ACCOUNT, region, role="/ops/Admin")

    assert tokens.assumed == [arn]


def test_an_unknown_profile_is_a_mistake() -> None:
    with pytest.raises(Mistake, match="nobody-has-this"):
        aws.entered(ACCOUNT, "eu-west-1", profile="nobody-has-this")
