"""restart_cloudtrail: what it starts, what it leaves alone, what it refuses."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from . import loading
from .aws import Trail
from .conftest import Deploy, Function
from .events import (
    DETECTION,
    HOME,
    MANAGEMENT,
    MEMBER,
    MISSING,
    NOW,
    OTHER,
    TRAIL,
    message,
    session_of,
    stop,
)
from .guarding import the_trail, unasked, untouched
from .rendered import CENTRAL, Site

OWN_ROLE = "/trailbus-restart-cloudtrail-member"


def test_the_template_holds_the_code_that_is_tested() -> None:
    stale = "out/ is not current; run: python -m generator"
    assert loading.code("TrailGuard") == loading.inlined("restart_cloudtrail"), stale


def test_loading_it_makes_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports do nothing: what is not needed for an event is never made."""
    monkeypatch.setattr("boto3.client", None)

    assert callable(loading.responder("restart_cloudtrail").handler)


# --- It starts a stopped trail


@pytest.mark.parametrize("name", ["account-trail", TRAIL])
def test_a_stopped_trail_is_started_by_name_or_arn(guard: Function, name: str) -> None:
    answer = guard(stop(name))

    assert guard.aws.starts == [(HOME, TRAIL)]
    assert the_trail(guard).logging
    assert answer.failed == []
    assert answer.outcomes == ["restarted"]


def test_the_report_says_what_was_how_it_is_and_how_to_undo_it(guard: Function) -> None:
    event = stop(
        event_id="3b644f44-653d-5387-90db-a4d40cec4a8e",
        userIdentity=session_of("/admin", "mara"),
    )
    answer = guard(event)

    assert answer.published == answer.lines
    assert answer.only == {
        "level": "INFO",
        "responder": "trail-guard",
        "outcome": "restarted",
        "message": "the trail was stopped and is logging again",
        "detection": DETECTION,
        "account": MEMBER,
        "region": HOME,
        "event_id": "3b644f44-653d-5387-90db-a4d40cec4a8e",
        "event_name": "StopLogging",
        "event_time": "2026-11-03T11:59:00Z",
        "by": f"arn:aws:sts::{MEMBER}:assumed-role/admin/mara",
        "resource": TRAIL,
        "evidence": {
            "id": f"restart_cloudtrail/{MEMBER}/3b644f44-653d-5387-90db-a4d40cec4a8e",
            "responder": "restart_cloudtrail",
            "account": MEMBER,
            "region": HOME,
            "resource": TRAIL,
            "before": {"logging": False},
            "after": {"logging": True},
            "undo": [
                {
                    "service": "cloudtrail",
                    "operation": "StopLogging",
                    "parameters": {"Name": TRAIL},
                }
            ],
            "time": "2026-11-03T12:00:00Z",
            "event_id": "3b644f44-653d-5387-90db-a4d40cec4a8e",
        },
    }


def test_it_is_verified_that_the_trail_logs(guard: Function) -> None:
    guard(stop())

    names = [call.name for call in guard.aws.calls if call.service == "cloudtrail"]
    assert names[-2:] == ["cloudtrail:StartLogging", "cloudtrail:GetTrailStatus"]


def test_the_start_is_remembered_before_it_is_made(guard: Function) -> None:
    guard.aws.fail("cloudtrail:StartLogging", "ThrottlingException")
    guard(stop(event_id="a"))

    assert guard.aws.memory()[f"trail-guard restarts {TRAIL}"] == {
        "event a": f'{NOW.timestamp():.0f} begun {{"logging": false}}',
        "expires": f"{(NOW + timedelta(hours=25)).timestamp():.0f}",
    }


def test_a_trail_is_started_in_its_home_region_wherever_the_event_came_from(
    guard: Function,
) -> None:
    """Its shadow is seen in the event's Region; a shadow cannot be started, nor stopped."""
    answer = guard(stop("account-trail", region="us-east-1"))

    assert guard.aws.starts == [(HOME, TRAIL)]
    assert answer.only["evidence"]["region"] == HOME


def test_of_two_trails_of_one_name_the_one_of_the_events_region_is_started(
    guard: Function,
) -> None:
    other = guard.aws.add(Trail("account-trail", "us-east-1", MEMBER))
    guard(stop("account-trail", region="us-east-1"))

    assert guard.aws.starts == [("us-east-1", other.arn)]


def test_of_two_trails_of_one_name_the_accounts_own_is_started(guard: Function) -> None:
    guard.aws.trails.insert(0, Trail("account-trail", HOME, MANAGEMENT, organization=True))
    guard(stop("account-trail"))

    assert guard.aws.starts == [(HOME, TRAIL)]


def test_other_trails_of_the_account_are_left_alone(guard: Function) -> None:
    unrelated = guard.aws.add(Trail("account-trail-2", HOME, MEMBER))
    guard.aws.trails.reverse()
    guard(stop("account-trail"))

    assert guard.aws.starts == [(HOME, TRAIL)]
    assert not unrelated.logging


def test_an_organizations_trail_is_started_by_its_owner(guard: Function) -> None:
    trail = guard.aws.add(Trail("org-trail", "us-east-1", MANAGEMENT, organization=True))
    answer = guard(stop(trail.arn, account=MANAGEMENT, region="us-east-1"))

    assert guard.aws.starts == [("us-east-1", trail.arn)]
    assert answer.outcomes == ["restarted"]


@pytest.mark.parametrize(
    ("partition", "central", "home"),
    [("aws-cn", "cn-north-1", "cn-northwest-1"), ("aws-us-gov", "us-gov-west-1", "us-gov-east-1")],
)
def test_it_works_in_other_partitions(
    deploy: Deploy, partition: str, central: str, home: str
) -> None:
    guard = deploy(
        "restart_cloudtrail",
        "TrailGuard",
        "RestartCloudtrailRole",
        Site(CENTRAL, central, partition, "/security/"),
    )
    trail = guard.aws.add(Trail("account-trail", home, MEMBER, partition=partition))
    answer = guard(stop(trail.arn, region=home))

    assert guard.aws.starts == [
        (home, f"arn:{partition}:cloudtrail:{home}:{MEMBER}:trail/account-trail")
    ]
    assert answer.outcomes == ["restarted"]
    [assumed] = guard.aws.made("sts:AssumeRole")
    assert assumed.parameters["RoleArn"] == (
        f"arn:{partition}:iam::{MEMBER}:role/security/trailbus-restart-cloudtrail-member"
    )
    assert guard.aws.denied == []


# --- It leaves alone what is none of its business


QUIETLY_IGNORED: dict[str, dict[str, Any]] = {
    "the call was denied": stop(name=None, requestParameters=None, errorCode="AccessDenied"),
    "the call failed in another way": stop(errorCode="TrailNotFoundException"),
    "an error code of a strange type is one": stop(errorCode={"code": 1}),
    "it was replayed": stop(envelope={"replay-name": "last-week"}),
    "it was replayed under no name": stop(envelope={"replay-name": ""}),
    "another call names a trail": stop(eventName="UpdateTrail"),
    "the name of the call is that of another service's": stop(eventSource="ssm.amazonaws.com"),
    "there is no record": stop(envelope={"detail": MISSING}),
    "the record is a list": stop(envelope={"detail": [1, 2]}),
}


@pytest.mark.parametrize("event", QUIETLY_IGNORED.values(), ids=QUIETLY_IGNORED.keys())
def test_ignored_without_a_call_or_a_report(guard: Function, event: dict[str, Any]) -> None:
    """None of these stopped a trail just now: there is nothing to do and nobody to tell."""
    answer = guard(event)

    assert answer.failed == []
    assert answer.only["outcome"] == "ignored"
    assert answer.only["level"] == "INFO"
    assert guard.aws.calls == []


def test_a_denied_call_is_ignored_because_it_failed(guard: Function) -> None:
    answer = guard(stop(requestParameters=None, errorCode="AccessDenied"))

    assert answer.only["message"] == "the call failed: AccessDenied"


def test_an_error_code_of_null_is_none(guard: Function) -> None:
    assert guard(stop(errorCode=None)).outcomes == ["restarted"]


def test_a_trail_that_runs_already_is_left_alone_quietly(guard: Function) -> None:
    the_trail(guard).logging = True
    answer = guard(stop())

    assert untouched(guard)
    assert answer.only["outcome"] == "ignored"
    assert answer.only["message"] == "the trail is logging already"
    assert answer.published == []
    assert not guard.aws.made("ssm:GetParameter")


def test_an_organizations_trail_is_started_where_it_was_stopped(guard: Function) -> None:
    """Only the delegated administrator can have stopped it from here: so it may start it, too."""
    guard.aws.delegates.add(MEMBER)
    trail = guard.aws.add(Trail("org-trail", "us-east-1", MANAGEMENT, organization=True))
    answer = guard(stop(trail.arn))

    assert guard.aws.starts == [("us-east-1", trail.arn)]
    assert answer.only["outcome"] == "restarted"
    assert answer.only["evidence"]["resource"] == trail.arn
    assert {call.account for call in guard.aws.calls} == {MEMBER, CENTRAL}


def test_an_organizations_trail_that_may_not_be_started_is_told_and_looked_at_again(
    guard: Function,
) -> None:
    trail = guard.aws.add(Trail("org-trail", "us-east-1", MANAGEMENT, organization=True))
    answer = guard(stop(trail.arn))

    assert answer.failed == []
    assert (answer.only["outcome"], answer.only["severity"]) == ("not ours", "critical")
    assert f"Start it in {MANAGEMENT}" in answer.only["message"]
    assert answer.published == answer.lines
    guard.aws.delegates.add(MEMBER)
    guard.later(minutes=2)
    assert guard(message(guard.aws.sent[0]["MessageBody"])).outcomes == ["restarted"]
    assert trail.logging


# --- It refuses what cannot be right, and says so


LOUDLY_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "the record is another account's": (
        stop(recipientAccountId=OTHER),
        f"the event came from {MEMBER}, its record says {OTHER}",
    ),
    "the record's account is a number": (
        stop(recipientAccountId=int(MEMBER)),
        f"the event came from {MEMBER}, its record says no account",
    ),
    "the envelope names no account": (
        stop(envelope={"account": MISSING}),
        "the event names no account and Region that it comes from",
    ),
    "the envelope's account is a number": (
        stop(envelope={"account": int(MEMBER)}),
        "the event names no account and Region that it comes from",
    ),
    "the envelope's account leads elsewhere": (
        stop(envelope={"account": f"{MEMBER}:role/x"}, recipientAccountId=MISSING),
        "the event names no account and Region that it comes from",
    ),
    "the envelope's account holds digits of another script": (
        stop(envelope={"account": "١١١١٢٢٢٢٣٣٣٣"}, recipientAccountId=MISSING),
        "the event names no account and Region that it comes from",
    ),
    "the envelope's Region is a host": (
        stop(envelope={"region": "evil.example/"}),
        "the event names no account and Region that it comes from",
    ),
    "the envelope has no Region": (
        stop(envelope={"region": MISSING}),
        "the event names no account and Region that it comes from",
    ),
    "it does not come from AWS": (
        stop(envelope={"source": "member.cloudtrail"}),
        "the event does not come from AWS itself",
    ),
    "it comes from nowhere": (
        stop(envelope={"source": MISSING}),
        "the event does not come from AWS itself",
    ),
    "it has no eventID": (
        stop(eventID=MISSING),
        "the record has no eventID: it could be acted upon twice",
    ),
    "its eventID is a page": (
        stop(eventID="a" * 10_000),
        "the record has no eventID: it could be acted upon twice",
    ),
    "it has no eventTime": (stop(eventTime=MISSING), "the record has no readable eventTime"),
    "its eventTime is a number": (
        stop(eventTime=1762142340),
        "the record has no readable eventTime",
    ),
    "its eventTime is a word": (
        stop(eventTime="yesterday"),
        "the record has no readable eventTime",
    ),
    "nothing is named": (
        stop(requestParameters=None),
        "some trail was stopped, but the record does not name it",
    ),
    "requestParameters is text": (
        stop(requestParameters="name=account-trail"),
        "some trail was stopped, but the record does not name it",
    ),
    "the name is empty": (stop(""), "some trail was stopped, but the record does not name it"),
    "the name is a number": (stop(7), "some trail was stopped, but the record does not name it"),
    "the name is a list": (
        stop(["account-trail"]),
        "some trail was stopped, but the record does not name it",
    ),
    "the name is an object": (
        stop({"name": "account-trail"}),
        "some trail was stopped, but the record does not name it",
    ),
}


@pytest.mark.parametrize(("event", "why"), LOUDLY_REFUSED.values(), ids=LOUDLY_REFUSED.keys())
def test_refused_without_a_call_but_reported(
    guard: Function, event: dict[str, Any], why: str
) -> None:
    """A trail was stopped, or somebody pretends so, and this responder can do nothing about it.
    Trying again would not help: the message is done with, and a person is told."""
    answer = guard(event)

    assert answer.failed == []
    assert (answer.only["outcome"], answer.only["message"]) == ("refused", why)
    assert answer.only["level"] == "ERROR"
    assert answer.published == answer.lines
    assert unasked(guard)


def test_a_trail_stopped_with_its_own_role_is_started_and_told_as_critical(
    guard: Function,
) -> None:
    answer = guard(stop(userIdentity=session_of(OWN_ROLE, "trail-guard")))

    assert the_trail(guard).logging
    assert (answer.only["outcome"], answer.only["severity"]) == ("restarted", "critical")
    assert answer.only["level"] == "ERROR"
    assert "own role" in answer.only["message"]
    again = guard(stop(userIdentity=session_of(OWN_ROLE, "trail-guard")))
    assert again.outcomes == ["refused"], "it runs already, and somebody has borrowed the role"


def test_its_own_role_is_known_under_any_path(deploy: Deploy) -> None:
    guard = deploy(
        "restart_cloudtrail",
        "TrailGuard",
        "RestartCloudtrailRole",
        Site(CENTRAL, role_path="/security/trailbus/"),
    )
    own = session_of("/security/trailbus/trailbus-restart-cloudtrail-member", "trail-guard")

    guard.aws.add(Trail("account-trail", HOME, MEMBER, logging=True))
    assert guard(stop(userIdentity=own)).outcomes == ["refused"]


def test_the_same_role_of_another_account_is_not_its_own(guard: Function) -> None:
    elsewhere = session_of(OWN_ROLE, "trail-guard", OTHER)

    assert guard(stop(userIdentity=elsewhere)).outcomes == ["restarted"]


ODD_BUT_TRUE: dict[str, dict[str, Any]] = {
    "userIdentity is null": stop(userIdentity=None),
    "userIdentity is missing": stop(userIdentity=MISSING),
    "userIdentity is text": stop(userIdentity="root"),
    "sessionContext is a list": stop(userIdentity={"arn": 7, "sessionContext": [1]}),
    "recipientAccountId is missing": stop(recipientAccountId=MISSING),
    "recipientAccountId is null": stop(recipientAccountId=None),
    "eventTime has no zone": stop(eventTime="2026-11-03T11:59:00"),
    "eventTime has another zone": stop(eventTime="2026-11-03T20:59:00+09:00"),
    "the event is from the future": stop(at=NOW + timedelta(minutes=10)),
    "the event is from the end of time": stop(eventTime="9999-12-31T23:59:59-23:59"),
    "the detection has no id": stop(),
}


@pytest.mark.parametrize("event", ODD_BUT_TRUE.values(), ids=ODD_BUT_TRUE.keys())
def test_oddities_do_not_keep_a_trail_stopped(guard: Function, event: dict[str, Any]) -> None:
    """The envelope says whose account it is, and the trail is stopped: what else is odd does not
    matter. A caller who could hide behind an odd field would have found a way to stop trails."""
    assert guard(event).outcomes == ["restarted"]
    assert guard.aws.starts == [(HOME, TRAIL)]


@pytest.mark.parametrize("card", [{}, {"id": 7}, {"id": None, "title": []}])
def test_a_detection_without_an_id_does_no_harm(guard: Function, card: dict[str, Any]) -> None:
    answer = guard(message(json.dumps({"detection": card, "event": stop()})))

    assert (answer.only["outcome"], answer.only["detection"]) == ("restarted", "")


UNKNOWN_NAMES = [
    "a" * 10_000,
    "../../account-trail",
    "*",
    "account-trail\n",
    "\ud800",
    "ACCOUNT-TRAIL",
]


@pytest.mark.parametrize("name", UNKNOWN_NAMES, ids=range(len(UNKNOWN_NAMES)))
def test_a_name_that_no_trail_has_never_becomes_part_of_a_call(guard: Function, name: str) -> None:
    """It is compared with the names that AWS gives, so that no name can do anything. The event
    says that something was stopped which is not there now: loud, and not tried again."""
    answer = guard(stop(name))

    assert answer.failed == []
    assert answer.only["outcome"] == "not there"
    assert [call.name for call in guard.aws.calls] == [
        "sts:AssumeRole",
        "cloudtrail:DescribeTrails",
        "sns:Publish",
    ]
    assert guard.aws.calls[1].parameters == {"includeShadowTrails": True}


@pytest.mark.parametrize(
    "name",
    [
        f"arn:aws:cloudtrail:{HOME}:{OTHER}:trail/account-trail",
        "arn:aws:cloudtrail:::trail/account-trail",
    ],
)
def test_the_arn_of_another_accounts_trail_is_refused(guard: Function, name: str) -> None:
    guard.aws.add(Trail("account-trail", HOME, OTHER))
    answer = guard(stop(name))

    assert untouched(guard)
    assert answer.failed == []
    assert answer.only["outcome"] == "refused"
    assert answer.only["message"] == "the record names a trail of another account"
    assert answer.published == answer.lines


@pytest.mark.parametrize("name", ["account-trail", TRAIL])
def test_a_trail_that_was_deleted_meanwhile_is_told_loudly(guard: Function, name: str) -> None:
    guard.aws.remove(the_trail(guard))
    answer = guard(stop(name))

    assert untouched(guard)
    assert answer.failed == []
    assert answer.only["outcome"] == "not there"
    assert answer.only["level"] == "ERROR"
    assert answer.published == answer.lines


def test_a_trail_that_is_deleted_while_it_is_looked_at_is_told_on_the_next_try(
    guard: Function,
) -> None:
    guard.aws.fail("cloudtrail:StartLogging", "TrailNotFoundException")
    first = guard(message(stop(), id_="m"))
    guard.aws.remove(the_trail(guard))
    second = guard(message(stop(), id_="m", tries=2))

    assert (first.failed, first.outcomes) == (["m"], ["failed"])
    assert (second.failed, second.outcomes) == ([], ["not there"])


ACCOUNTS_IN_RECORDS: dict[str, dict[str, Any]] = {
    "recipientAccountId": stop(recipientAccountId=OTHER),
    "name": stop(f"arn:aws:cloudtrail:{HOME}:{OTHER}:trail/account-trail"),
    "userIdentity": stop(userIdentity=session_of("/admin", "mara", OTHER)),
    "userIdentity and everything beside": stop(
        recipientAccountId=MISSING,
        userIdentity=session_of("/admin", "mara", OTHER),
        account=MEMBER,
        resources=[{"accountId": OTHER, "ARN": f"arn:aws:cloudtrail:{HOME}:{OTHER}:trail/t"}],
        sharedEventID=OTHER,
    ),
}


@pytest.mark.parametrize("event", ACCOUNTS_IN_RECORDS.values(), ids=ACCOUNTS_IN_RECORDS.keys())
def test_the_account_acted_in_is_the_envelopes_whatever_the_record_says(
    guard: Function, event: dict[str, Any]
) -> None:
    guard.aws.add(Trail("account-trail", HOME, OTHER))
    guard(event)

    assert {call.account for call in guard.aws.calls} <= {MEMBER, CENTRAL}
    for call in guard.aws.made("sts:AssumeRole"):
        assert call.parameters["RoleArn"] == f"arn:aws:iam::{MEMBER}:role{OWN_ROLE}"
        assert call.parameters["DurationSeconds"] == 900


# --- decide, by itself


@pytest.fixture(scope="module")
def index() -> Any:
    return loading.responder("restart_cloudtrail")


HELD = ("observed", "would, but")
MINUTE = timedelta(minutes=1)
DECISIONS: list[tuple[str, str, tuple[str, str] | None, tuple[Any, ...], str]] = [
    ("stopped", "stopped", None, (False, None, 0), "restarted"),
    ("logging", "logging", None, (False, None, 0), "ignored"),
    ("held back", "stopped", HELD, (False, None, 0), "observed"),
    ("begun, then held back", "stopped", HELD, (False, {}, 0), "observed"),
    ("begun and not started", "stopped", None, (False, {}, 0), "restarted"),
    ("begun and started", "logging", None, (False, {}, 0), "restarted"),
    ("done", "logging", None, (True, None, 0), "ignored"),
    ("done and stopped again", "stopped", None, (True, None, 0), "ignored"),
    ("long after another", "stopped", None, (False, None, 5), "restarted"),
    ("just after another", "stopped", None, (False, None, 1, MINUTE), "waiting"),
    ("just after another, but logging", "logging", None, (False, None, 1, MINUTE), "ignored"),
    ("held back, just after another", "stopped", HELD, (False, None, 1, MINUTE), "observed"),
]


@pytest.mark.parametrize(
    ("state", "held", "past", "outcome"),
    [row[1:] for row in DECISIONS],
    ids=[row[0] for row in DECISIONS],
)
def test_decide(
    index: Any, state: str, held: tuple[str, str] | None, past: tuple[Any, ...], outcome: str
) -> None:
    trail = index.Trail(TRAIL, HOME, state, index.Verdict(*held) if held else None)

    assert index.decide(trail, index.Past(*past)).outcome == outcome
