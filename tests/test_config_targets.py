"""What a configuration may say of API destinations, workflows and functions, and what not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generator.model import Mistake, Target
from tests.conftest import configured
from tests.shapes import A_MACHINE

PLACE = """
place:
  organization_id: o-a1b2c3d4e5
  management_account: "111111111111"
  central: {account: "222222222222", region: us-east-1}
  organizational_units: [r-ab12]
  regions: [us-east-1]
"""


def written(target: str, more: str = "") -> str:
    return (
        "detections: {packs: [], include: [cloudtrail_logging_stopped]}\n"
        f"targets: {{it: {target}, guard: {{kind: responder, responder: restart_cloudtrail}}}}\n"
        "routes: [{detections: [cloudtrail_logging_stopped], to: [it, guard]}]\n" + more
    )


def target(folder: Path, said: str) -> Target:
    return configured(folder, written(said)).shape.target("it")


FAULTS = [
    ("{kind: api_destination, format: pagerduty, auth: basic}",
     "targets.it.auth: the format 'pagerduty' has a key of its own; leave it out"),
    ("{kind: api_destination, format: slack, auth: oauth}",
     "targets.it.auth: the format 'slack' has a key of its own; leave it out"),
    ("{kind: api_destination, format: jira, body: event}",
     "targets.it.body: the format 'jira' is a body of its own; leave it out"),
    ("{kind: api_destination, token_endpoint: 'https://x'}",
     "targets.it.token_endpoint: 'api_key' asks nobody for a token; say auth: oauth"),
    ("{kind: api_destination, endpoint: 'http://x'}",
     "targets.it.endpoint: 'http://x' is not an https:// address"),
    ("{kind: api_destination, rate: 301}", "targets.it.rate: 301 is out of range; from 1 to 300"),
    ("{kind: api_destination, retries: 186}",
     "targets.it.retries: 186 is out of range; from 0 to 185"),
    ("{kind: api_destination, retry_for: 2d}",
     "targets.it.retry_for: 2d is out of range; from 1m to 1d"),
    ("{kind: workflow, body: event}",
     "targets.it.body: the built-in machine reads notices; leave it out"),
    ("{kind: workflow, role: 'arn:aws:iam::222222222222:role/x'}",
     "targets.it.role: the built-in machine has a role of its own; leave it out"),
    ("{kind: workflow, definition: good.json, responder: guard}",
     "targets.it.responder: only the built-in machine asks a responder; leave it out"),
    ("{kind: workflow, responder: gaurd}",
     "targets.it.responder: no target 'gaurd' of kind responder; did you mean 'guard'?"),
    ("{kind: workflow, responder: it}",
     "targets.it.responder: no target 'it' of kind responder; known: guard"),
    ("{kind: workflow, definition: nowhere.json}", "nowhere.json"),
    ("{kind: workflow, definition: bad.json}", "StartAt names no state"),
    ("{kind: function, arn: 'arn:aws:iam::222222222222:role/x'}",
     "targets.it.arn: 'arn:aws:iam::222222222222:role/x' is not the ARN of a function"),
    ("{kind: responder, responder: tag_owner, exceptions: {principals: [me]}}",
     "targets.it.exceptions.principals.0: 'me' is not the ARN of a role or user of one account, "),
    ("{kind: responder, responder: tag_owner,"
     " exceptions: {principals: ['arn:aws:iam::*:role/Deploy']}}",
     "'arn:aws:iam::*:role/Deploy' is not the ARN of a role or user of one account, "),
    ("{kind: responder, responder: tag_owner,"
     " exceptions: {principals: ['arn:aws:sts::111122223333:assumed-role/R/s']}}",
     "is not the ARN of a role or user of one account, not of a session, such as "),
    ("{kind: responder, responder: tag_owner, exceptions: {tags: ['=x']}}",
     "targets.it.exceptions.tags.0: '=x' is not a tag, written key or key=value"),
    ("{kind: responder, responder: tag_owner, exceptions: {accounts: ['1111']}}",
     "targets.it.exceptions.accounts.0: '1111' is not an account id of 12 digits"),
    ("{kind: responder, responder: notify_slack, settings: {ignore_accounts: ['1111']}}",
     "targets.it.settings.ignore_accounts.0: '1111' is not one of accounts of which nothing "),
    ("{kind: responder, responder: notify_slack, settings: {ignore_principals: [me]}}",
     "targets.it.settings.ignore_principals.0: 'me' is not one of ARNs of roles and users "),
]  # fmt: skip


@pytest.mark.parametrize(("said", "fault"), FAULTS)
def test_a_fault_is_told_with_its_line(said: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(A_MACHINE))
    (tmp_path / "bad.json").write_text(json.dumps({**A_MACHINE, "StartAt": "Nowhere"}))
    with pytest.raises(Mistake) as mistake:
        configured(tmp_path, written(said))
    [problem] = mistake.value.problems
    assert problem.place.endswith("trailbus.yaml:2")
    assert fault in str(problem)


def test_the_version_of_jiras_api_is_told_by_the_endpoint_unless_said(tmp_path: Path) -> None:
    jira = "kind: api_destination, format: jira"
    endpoint = "endpoint: 'https://jira.example.com/rest/api/2/issue'"
    told = [
        target(tmp_path, said).options["api_version"]
        for said in (f"{{{jira}}}", f"{{{jira}, {endpoint}}}", f"{{{jira}, api_version: '2'}}")
    ]
    assert told == ["3", "2", "2"]


def test_a_state_machine_is_part_of_the_shape_not_its_path(tmp_path: Path) -> None:
    said = "{kind: workflow, definition: one.json}"
    (tmp_path / "one.json").write_text(json.dumps(A_MACHINE, indent=4))
    first = configured(tmp_path, written(said)).shape
    assert json.loads(first.target("it").options["definition"]) == A_MACHINE
    (tmp_path / "two.json").write_text(json.dumps(A_MACHINE))
    moved = configured(tmp_path, written(said.replace("one", "two"))).shape
    assert moved.digest == first.digest
    (tmp_path / "one.json").write_text(json.dumps({**A_MACHINE, "Comment": "changed"}))
    assert configured(tmp_path, written(said)).shape.digest != first.digest


@pytest.mark.parametrize(
    ("arn", "fault"),
    [
        ("arn:aws:lambda:us-east-1:222222222222:function:theirs", ""),
        ("arn:aws:lambda:us-east-1:222222222222:function:theirs:live", ""),
        ("arn:aws:lambda:eu-west-1:222222222222:function:theirs", "222222222222 eu-west-1"),
        ("arn:aws:lambda:us-east-1:333333333333:function:theirs", "333333333333 us-east-1"),
    ],
)
def test_a_function_stands_where_the_rules_do(arn: str, fault: str, tmp_path: Path) -> None:
    text = written(f"{{kind: function, arn: '{arn}'}}", PLACE)
    if not fault:
        place = configured(tmp_path, text).place
        assert place is not None
        assert place.targets["it"] == {"arn": arn}
        return
    with pytest.raises(Mistake, match=f"the function is in {fault}"):
        configured(tmp_path, text)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("{kind: function}", "has no 'arn', and the place gives no parameter ItArn"),
        ("{kind: api_destination, auth: oauth}", "has no 'token_endpoint', and the place gives no"),
    ],
)
def test_what_deploy_cannot_do_without_is_missed_before_it_begins(
    said: str, fault: str, tmp_path: Path
) -> None:
    configured(tmp_path, written(said))  # somebody may type it in the console
    with pytest.raises(Mistake, match=fault):
        configured(tmp_path, written(said, PLACE))
    given = '  parameters: {ItArn: "arn:x", ItTokenEndpoint: "https://example.com/token"}\n'
    configured(tmp_path, written(said, PLACE + given))


def test_addresses_and_names_of_secrets_are_place_and_change_no_template(tmp_path: Path) -> None:
    bare = configured(tmp_path, written("{kind: api_destination}", PLACE))
    said = "{kind: api_destination, endpoint: 'https://example.com/x', secret: a/b}"
    told = configured(tmp_path, written(said, PLACE))
    assert told.shape.digest == bare.shape.digest
    assert told.place is not None
    assert told.place.targets["it"]["secret"] == "a/b"
