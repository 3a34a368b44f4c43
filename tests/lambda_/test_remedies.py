"""Laws of every responder that changes something: when it acts, what it tells, what stops it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from . import loading
from .conftest import Deploy
from .events import MEMBER, MISSING, NOW, OTHER, message, session_of
from .remedies import REMEDIES, Remedy

every_remedy = pytest.mark.parametrize("remedy", REMEDIES.values(), ids=REMEDIES.keys())


@every_remedy
def test_it_acts_once_and_tells(remedy: Remedy, deploy: Deploy) -> None:
    function = remedy.deployed(deploy)
    answer = function(remedy.event(event_id="e-1"))

    assert remedy.changed()
    assert remedy.changes(function.aws) == 1
    assert answer.failed == []
    assert answer.outcomes == [remedy.outcome]
    assert answer.published == answer.lines
    assert function.aws.denied == []


@every_remedy
def test_its_evidence_says_what_was_how_it_is_and_how_to_undo_it(
    remedy: Remedy, deploy: Deploy
) -> None:
    evidence = remedy.deployed(deploy)(remedy.event(event_id="e-1")).only["evidence"]

    assert evidence["id"] == f"{remedy.responder}/{MEMBER}/e-1"
    assert (evidence["responder"], evidence["account"]) == (remedy.responder, MEMBER)
    assert (evidence["event_id"], evidence["time"]) == ("e-1", "2026-11-03T12:00:00Z")
    assert evidence["before"] != evidence["after"]
    [undo] = evidence["undo"]
    assert set(undo) == {"service", "operation", "parameters"}


@every_remedy
def test_it_makes_no_client_when_loaded(
    remedy: Remedy, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boto3.client", None)

    assert callable(loading.responder(remedy.responder).handler)


# --- What holds it back


@every_remedy
@pytest.mark.parametrize("mode", ["observe", "", "Enforce"])
def test_in_any_mode_but_enforce_it_only_says(remedy: Remedy, mode: str, deploy: Deploy) -> None:
    function = remedy.deployed(deploy, TRAILBUS_MODE=mode)
    answer = function(remedy.event())

    assert not remedy.changed()
    assert answer.outcomes == ["observed"]
    assert answer.only["message"].startswith("would ")
    assert answer.only["evidence"]["before"] == answer.only["evidence"]["after"]
    assert answer.only["evidence"]["undo"] == []
    assert answer.published == answer.lines
    assert not function.aws.made("dynamodb:UpdateItem")


@every_remedy
@pytest.mark.parametrize("value", ["off", "", "On", "yes"])
def test_the_switch_stops_it(remedy: Remedy, value: str, deploy: Deploy) -> None:
    function = remedy.deployed(deploy)
    function.aws.switch = value
    answer = function(remedy.event())

    assert not remedy.changed()
    assert answer.outcomes == ["switched off"]
    assert answer.only["level"] == "ERROR"
    assert answer.only["message"].endswith("but all remediation is switched off")
    assert answer.published == answer.lines


@every_remedy
def test_a_switch_that_cannot_be_read_stops_it_and_loses_nothing(
    remedy: Remedy, deploy: Deploy
) -> None:
    function = remedy.deployed(deploy)
    function.aws.fail("ssm:GetParameter", "AccessDeniedException")
    event = remedy.event()

    assert function(message(event, id_="m")).failed == ["m"]
    assert not remedy.changed()
    assert function(message(event, id_="m", tries=2)).outcomes == [remedy.outcome]


EXCEPTIONS: dict[str, dict[str, list[str]]] = {
    "the account": {"accounts": [MEMBER]},
    "the role": {"principals": [f"arn:aws:iam::{MEMBER}:role/team/*"]},
}


@every_remedy
@pytest.mark.parametrize("exceptions", EXCEPTIONS.values(), ids=EXCEPTIONS.keys())
def test_whom_somebody_excepted_is_left_alone(
    remedy: Remedy, exceptions: dict[str, list[str]], deploy: Deploy
) -> None:
    function = remedy.deployed(deploy, TRAILBUS_EXCEPTIONS=json.dumps(exceptions))
    caller = session_of("/team/deployer", "mara@example.com")
    answer = function(remedy.event(userIdentity=caller))

    assert not remedy.changed()
    assert (answer.outcomes, answer.only["level"]) == (["excepted"], "INFO")
    assert answer.only["message"].endswith(" is excepted")
    assert answer.published == answer.lines
    assert {call.name for call in function.aws.calls} == {"sns:Publish"}


@every_remedy
@pytest.mark.parametrize("entry", ["public=yes", "public"])
def test_what_somebody_excepted_by_a_tag_is_left_alone(
    remedy: Remedy, entry: str, deploy: Deploy
) -> None:
    function = remedy.deployed(deploy, TRAILBUS_EXCEPTIONS=json.dumps({"tags": ["x", entry]}))
    remedy.tag("public", "yes")
    answer = function(remedy.event())

    assert not remedy.changed()
    assert answer.outcomes in (["excepted"], ["ignored"])  # of several instances, none is left
    assert "except" in answer.only["message"]


@every_remedy
@pytest.mark.parametrize("entry", ["public=no", "Public", "yes"])
def test_other_tags_except_nothing(remedy: Remedy, entry: str, deploy: Deploy) -> None:
    function = remedy.deployed(deploy, TRAILBUS_EXCEPTIONS=json.dumps({"tags": [entry]}))
    remedy.tag("public", "yes")

    assert function(remedy.event()).outcomes == [remedy.outcome]


@every_remedy
def test_exceptions_that_cannot_be_understood_stop_it(remedy: Remedy, deploy: Deploy) -> None:
    function = remedy.deployed(deploy, TRAILBUS_EXCEPTIONS='{"account": []}')
    answer = function(remedy.event())

    assert (answer.failed, answer.outcomes) == ([], ["refused"])
    assert answer.published == answer.lines
    assert not remedy.changed()


NOT_EVEN_LOOKED_AT: dict[str, tuple[str, dict[str, Any]]] = {
    "the call failed": ("ignored", {"errorCode": "AccessDenied"}),
    "it was replayed": ("ignored", {"envelope": {"replay-name": "last-week"}}),
    "another service has a call of that name": (
        "ignored",
        {"eventSource": "transfer.amazonaws.com"},
    ),
    "another call": ("ignored", {"eventName": "UntagResource"}),
    "there is no record": ("ignored", {"envelope": {"detail": MISSING}}),
    "it is of yesterday": ("too late", {"at": NOW - timedelta(hours=24, seconds=1)}),
    "it has no time": ("refused", {"eventTime": MISSING}),
    "it has no id": ("refused", {"eventID": MISSING}),
    "the record is another account's": ("refused", {"recipientAccountId": OTHER}),
    "the envelope's account is none": ("refused", {"envelope": {"account": "1:role/x"}}),
    "the envelope's Region is none": ("refused", {"envelope": {"region": "evil.example.com"}}),
    "it was forged": ("refused", {"envelope": {"source": "my.app"}}),
}


@every_remedy
@pytest.mark.parametrize(
    ("outcome", "changes"), NOT_EVEN_LOOKED_AT.values(), ids=NOT_EVEN_LOOKED_AT.keys()
)
def test_not_even_looked_at(
    remedy: Remedy, outcome: str, changes: dict[str, Any], deploy: Deploy
) -> None:
    function = remedy.deployed(deploy)
    answer = function(remedy.event(**changes))

    assert answer.failed == []
    assert answer.outcomes == [outcome]
    assert {call.name for call in function.aws.calls} <= {"sns:Publish"}
    assert bool(answer.published) == (outcome != "ignored")


@every_remedy
def test_what_was_done_with_its_own_role_is_looked_at_and_told_as_critical(
    remedy: Remedy, deploy: Deploy
) -> None:
    function = remedy.deployed(deploy)
    role = function.environment["TRAILBUS_MEMBER_ROLE"]
    answer = function(remedy.event(userIdentity=session_of(role, "bucket-guard")))

    assert answer.outcomes[0] in (remedy.outcome, "refused")
    assert answer.only["level"] == "ERROR"
    assert "own role" in answer.only["message"]
    assert answer.published == answer.lines
    assert remedy.changed() or remedy.responder == "tag_owner"  # a role is nobody's owner


def test_its_own_ordinary_call_does_not_wake_it(deploy: Deploy) -> None:
    remedy = REMEDIES["block_public_bucket"]
    function = remedy.deployed(deploy)
    function(remedy.event())
    role = function.environment["TRAILBUS_MEMBER_ROLE"]
    own = remedy.event(
        eventName="PutBucketPublicAccessBlock", userIdentity=session_of(role, "bucket-guard")
    )
    answer = function(own)

    assert answer.outcomes == ["ignored"]
    assert answer.published == []
    assert remedy.changes(function.aws) == 1


@every_remedy
def test_what_a_young_event_tells_is_not_believed_to_be_nothing(
    remedy: Remedy, deploy: Deploy
) -> None:
    """Its service does not show yet what the event tells: it is looked at again a little later."""
    function = deploy(
        remedy.responder, remedy.function, remedy.member_role, TRAILBUS_MODE="enforce"
    )
    event = remedy.event(at=NOW - timedelta(seconds=3))
    early = function(message(event, id_="m"))
    assert (early.failed, early.outcomes, early.published) == (["m"], ["too early"], [])
    assert 1 <= function.aws.hidden["handle"] <= 300
    remedy.prepare()
    assert function(message(event, id_="m", tries=2)).outcomes == [remedy.outcome]
    assert remedy.changed()


@every_remedy
def test_what_is_right_already_is_not_believed_of_a_young_event(
    remedy: Remedy, deploy: Deploy
) -> None:
    function = remedy.deployed(deploy)
    function(remedy.event())
    event = remedy.event(at=NOW - timedelta(seconds=3))

    assert function(message(event, id_="m")).failed == ["m"]
    function.later(seconds=58)
    assert function(message(event, id_="m", tries=2)).outcomes == ["ignored"]


@every_remedy
def test_what_is_as_it_should_be_is_left_alone_quietly(remedy: Remedy, deploy: Deploy) -> None:
    function = remedy.deployed(deploy)
    function(remedy.event())
    answer = function(remedy.event())

    assert answer.outcomes == ["ignored"]
    assert answer.published == []
    assert remedy.changes(function.aws) == 1


# --- Copies, order, retries


@every_remedy
def test_two_copies_in_one_batch_make_it_act_once(remedy: Remedy, deploy: Deploy) -> None:
    function = remedy.deployed(deploy)
    event = remedy.event()
    answer = function(event, event)

    assert answer.outcomes == [remedy.outcome, "ignored"]
    assert remedy.changes(function.aws) == 1


@every_remedy
@pytest.mark.parametrize("hours", [0, 2, 23])
def test_a_late_copy_does_not_undo_what_a_person_took_back(
    remedy: Remedy, hours: int, deploy: Deploy
) -> None:
    function = remedy.deployed(deploy)
    event = remedy.event()
    function(event)
    remedy.revert()
    function.later(hours=hours)
    answer = function(event)

    assert (answer.outcomes, answer.failed) == (["ignored"], [])
    assert answer.only["message"] == "this event was dealt with already"
    assert not remedy.changed()


@every_remedy
def test_an_earlier_event_that_arrives_later_changes_nothing_more(
    remedy: Remedy, deploy: Deploy
) -> None:
    function = remedy.deployed(deploy)
    function(remedy.event(at=NOW - timedelta(minutes=1)))
    answer = function(remedy.event(at=NOW - timedelta(minutes=9)))

    assert answer.outcomes == ["ignored"]
    assert remedy.changes(function.aws) == 1


@every_remedy
def test_what_somebody_reverts_again_and_again_is_told_once_and_repaired_all_the_same(
    remedy: Remedy, deploy: Deploy
) -> None:
    function = remedy.deployed(deploy)
    outcomes = []
    for _ in range(6):
        outcomes += function(remedy.event()).outcomes
        assert remedy.changed()
        remedy.revert()
        function.later(minutes=15)

    assert outcomes.count(remedy.outcome) == 6
    assert outcomes.count("escalated") == 1
    [told] = [line for line in function.aws.published if line["outcome"] == "escalated"]
    assert (told["level"], told["severity"]) == ("ERROR", "critical")


@every_remedy
def test_what_is_reverted_at_once_is_repaired_by_itself_a_minute_later(
    remedy: Remedy, deploy: Deploy
) -> None:
    function = remedy.deployed(deploy)
    function(remedy.event())
    remedy.revert()
    function.later(seconds=1)
    assert function(remedy.event()).outcomes == ["waiting"]
    [sent] = function.aws.sent
    function.later(seconds=sent["DelaySeconds"])

    assert function(message(sent["MessageBody"])).outcomes == [remedy.outcome]
    assert remedy.changed()


@every_remedy
def test_a_report_that_does_not_get_through_repeats_nothing_but_the_report(
    remedy: Remedy, deploy: Deploy
) -> None:
    function = remedy.deployed(deploy)
    event = remedy.event(event_id="e-1")
    function.aws.fail("sns:Publish", "InternalError", times=3)
    first = function(message(event, id_="m"))
    second = function(message(event, id_="m", tries=2))

    assert (first.failed, first.outcomes[0]) == (["m"], remedy.outcome)
    assert remedy.changes(function.aws) == 1
    third = function(message(event, id_="m", tries=3))
    assert (second.failed, third.failed) == (["m"], [])
    assert third.only["evidence"] == first.lines[0]["evidence"]
    assert third.published == third.lines
    assert remedy.changes(function.aws) == 1


@every_remedy
@pytest.mark.parametrize("name", ["dynamodb:GetItem", "dynamodb:UpdateItem"])
def test_without_its_memory_it_changes_nothing(remedy: Remedy, name: str, deploy: Deploy) -> None:
    function = remedy.deployed(deploy)
    function.aws.fail(name, "ProvisionedThroughputExceededException", times=2)

    assert function(message(remedy.event(), id_="m")).failed == ["m"]
    assert not remedy.changed()


@every_remedy
def test_a_change_that_fails_is_told_once_and_tried_again(remedy: Remedy, deploy: Deploy) -> None:
    function = remedy.deployed(deploy)
    function.aws.fail(remedy.call, "InternalFailure", times=9)
    event = remedy.event()
    first = function(message(event, id_="m"))
    second = function(message(event, id_="m", tries=2))

    assert first.failed == second.failed == ["m"]
    assert len(first.published) == 1
    assert second.published == []
    function.aws._faults.clear()
    third = function(message(event, id_="m", tries=3))
    assert third.outcomes == [remedy.outcome]
    assert remedy.changed()


@every_remedy
def test_one_bad_message_does_not_hold_up_the_others(remedy: Remedy, deploy: Deploy) -> None:
    function = remedy.deployed(deploy)
    answer = function(message("{", id_="bad"), remedy.event())

    assert answer.failed == ["bad"]
    assert remedy.changed()


# --- Hostile records

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        f"arn:aws:s3:us-east-1:{OTHER}:accesspoint/x",
        "../other",
        "a/b",
        "*",
        "$(reboot)",
        "<!channel>",
        "a\r\nX-Amz: 1",
        "i-0c1d2e3f4a5b60718,i-2",
        "x" * 5000,
        "",
    ]
) | st.text(max_size=30)


FIELDS = ("requestParameters", "responseElements", "userIdentity", "sourceIPAddress")


@every_remedy
def test_no_record_breaks_it_or_leads_it_astray(remedy: Remedy, deploy: Deploy) -> None:
    """Whatever a record holds: no message fails for ever, and nothing strange is called upon."""
    function = deploy(
        remedy.responder, remedy.function, remedy.member_role, TRAILBUS_MODE="enforce"
    )

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(name=NAMES, fields=st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)))
    def holds(name: str, fields: dict[str, Any]) -> None:
        whole = {
            "requestParameters": {"bucketName": name, "userName": name, "instancesSet": name},
            "responseElements": {
                "instancesSet": {"items": [{"instanceId": name}, name]},
                "user": {"userName": name},
                "reservationId": name,
            },
        }
        answer = function(remedy.event(**{**whole, **fields}))

        assert answer.failed == []
        assert set(answer.outcomes) <= {"ignored", "refused"}
        assert not function.aws.made(remedy.call)

    holds()
