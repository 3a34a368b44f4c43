"""restart_cloudtrail when things fail, come twice, or come again and again; and what it tells."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import loading
from .aws import Trail
from .conftest import Deploy, Function
from .events import (
    DETECTION,
    HOME,
    MEMBER,
    NOW,
    OTHER,
    TRAIL,
    body,
    message,
    session_of,
    stop,
)
from .guarding import the_trail, trail_guard
from .rendered import CENTRAL

# --- It gives back what failed, and says so once


FAILURES = [
    ("sts:AssumeRole", "AccessDenied"),
    ("cloudtrail:DescribeTrails", "AccessDeniedException"),
    ("cloudtrail:GetTrailStatus", "AccessDeniedException"),
    ("cloudtrail:StartLogging", "AccessDeniedException"),
    ("cloudtrail:StartLogging", "InsufficientDependencyServiceAccessPermissionException"),
    ("cloudtrail:DescribeTrails", "ThrottlingException"),
    ("cloudtrail:StartLogging", "ThrottlingException"),
    ("cloudtrail:StartLogging", EndpointConnectionError(endpoint_url="https://nowhere")),
    ("cloudtrail:DescribeTrails", ReadTimeoutError(endpoint_url="https://silent")),
]


@pytest.mark.parametrize(("name", "error"), FAILURES, ids=str)
def test_a_failure_is_told_once_and_tried_until_it_ends_in_the_dead_letters(
    guard: Function, name: str, error: Exception | str
) -> None:
    guard.aws.fail(name, error, times=5)
    event = stop()
    answers = [guard(message(event, id_="m", tries=tries)) for tries in range(1, 6)]

    assert [answer.failed for answer in answers] == [["m"]] * 5
    assert [len(answer.published) for answer in answers] == [1, 0, 0, 0, 0]
    assert [answer.only["outcome"] for answer in answers] == ["failed"] * 5
    assert [answer.only["level"] for answer in answers] == ["ERROR"] * 5
    [told] = answers[0].published
    assert "it will be tried again" in told["message"]
    assert not the_trail(guard).logging


@pytest.mark.parametrize(("name", "error"), FAILURES, ids=str)
def test_the_next_try_starts_the_trail(guard: Function, name: str, error: Exception | str) -> None:
    guard.aws.fail(name, error)
    event = stop()
    first, second = guard(message(event)), guard(message(event, tries=2))

    assert len(first.failed) == 1
    assert (second.failed, second.outcomes) == ([], ["restarted"])
    assert guard.aws.starts == [(HOME, TRAIL)]
    assert len(guard.aws.memory()[f"trail-guard restarts {TRAIL}"]) == 2, (
        "one event, and when it expires"
    )


def test_a_trail_that_does_not_log_although_it_was_started_is_told_and_tried_again(
    guard: Function,
) -> None:
    the_trail(guard).stuck = True
    event = stop()
    answer = guard(message(event, id_="m"))

    assert answer.failed == ["m"]
    assert answer.only["outcome"] == "failed"
    assert "does not log although it was started" in answer.only["message"]
    assert answer.published == answer.lines

    the_trail(guard).stuck = False
    assert guard(message(event, id_="m", tries=2)).outcomes == ["restarted"]


UNREADABLE = {
    "no JSON": "StopLogging!",
    "nothing": "",
    "a list": "[]",
    "a number": "7",
    "null": "null",
    "a notice without detection": json.dumps({"event": stop()}),
    "a notice without event": json.dumps({"detection": {"id": DETECTION}}),
    "an event that is text": json.dumps({"detection": {}, "event": "stop"}),
    "deeper than Python reads": "[" * 200_000,
    "a number longer than Python reads": '{"detection": ' + "9" * 5_000 + "}",
}


@pytest.mark.parametrize("unreadable", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_message_that_is_no_notice_fails_alone(guard: Function, unreadable: str) -> None:
    """No rule of ours sends such a thing. Thrown away it would be lost, and perhaps it was a
    stopped trail; so it goes the way to the dead letters, where an alarm calls a person."""
    answer = guard(message(unreadable, id_="odd"), message(stop(), id_="good"))

    assert answer.failed == ["odd"]
    assert answer.outcomes == ["failed", "restarted"]


def test_of_ten_messages_the_three_that_fail_come_back(guard: Function) -> None:
    names = [f"trail-{number}" for number in range(10)]
    for name in names:
        guard.aws.add(Trail(name, HOME, MEMBER, stuck=name in ("trail-2", "trail-5", "trail-9")))
    answer = guard(*(message(stop(name), id_=name) for name in names))

    assert answer.failed == ["trail-2", "trail-5", "trail-9"]
    assert sorted(answer.outcomes) == ["failed"] * 3 + ["restarted"] * 7


def test_a_batch_is_handled_in_order_of_event_time(guard: Function) -> None:
    for name in ("first", "second", "third", "last"):
        guard.aws.add(Trail(name, HOME, MEMBER))
    guard(
        stop("last", at=NOW),
        stop("third", eventTime="2026-11-03T20:59:30+09:00"),  # 11:59:30 in UTC
        stop("first", at=NOW - timedelta(minutes=3)),
        stop("second", eventTime="2026-11-03T11:59:00"),
    )

    names = [arn.rpartition("/")[2] for _, arn in guard.aws.starts]
    assert names == ["first", "second", "third", "last"]


def test_what_no_time_is_left_for_comes_back_untouched(guard: Function) -> None:
    """A function that is stopped in the middle would get all of its batch again."""

    class Context:
        left = iter([60_000, 20_000, 19_999])

        def get_remaining_time_in_millis(self) -> int:
            return next(self.left)

    guard.context = Context()
    for name in ("second", "third"):
        guard.aws.add(Trail(name, HOME, MEMBER))
    answer = guard(
        message(stop(at=NOW - timedelta(minutes=3))),
        message(stop("second", at=NOW - timedelta(minutes=2))),
        message(stop("third"), id_="third"),
    )

    assert answer.failed == ["third"]
    assert answer.outcomes == ["restarted", "restarted", "failed"]
    assert len(answer.published) == 2


def test_settings_that_cannot_be_read_fail_the_whole_batch(deploy: Deploy) -> None:
    guard = trail_guard(deploy, TRAILBUS_SETTINGS="{")

    with pytest.raises(json.JSONDecodeError):
        guard(stop())
    assert guard.aws.calls == []


# --- It acts once on an event


def test_two_copies_of_an_event_in_one_batch_start_the_trail_once(guard: Function) -> None:
    event = stop(event_id="a")
    answer = guard(event, event)

    assert answer.failed == []
    assert answer.outcomes == ["restarted", "ignored"]
    assert len(answer.published) == 1
    assert len(guard.aws.starts) == 1
    assert set(guard.aws.memory()[f"trail-guard restarts {TRAIL}"]) == {"event a", "expires"}


def test_a_later_copy_of_an_event_starts_nothing_even_if_the_trail_is_stopped_again(
    guard: Function,
) -> None:
    """The other stop has an event of its own, and that one counts."""
    event = stop(event_id="a")
    guard(event)
    the_trail(guard).logging = False
    guard.later(minutes=20)
    answer = guard(event)

    assert answer.only["outcome"] == "ignored"
    assert answer.only["message"] == "this event was dealt with already"
    assert len(guard.aws.starts) == 1
    assert set(guard.aws.memory()[f"trail-guard restarts {TRAIL}"]) == {"event a", "expires"}


def test_a_new_environment_knows_what_the_last_one_did(guard: Function) -> None:
    event = stop()
    guard(event)
    the_trail(guard).logging = False
    guard.module = loading.responder("restart_cloudtrail")
    guard.module.now = lambda: guard.moment

    assert guard(event).only["message"] == "this event was dealt with already"


def test_another_copy_of_an_event_helps_where_the_first_one_failed(guard: Function) -> None:
    """A message that was moved back from the dead letters is a new one to the queue."""
    event = stop()
    guard.aws.fail("cloudtrail:StartLogging", "AccessDeniedException", times=5)
    for tries in range(1, 6):
        guard(message(event, tries=tries))
    guard.later(minutes=30)

    assert guard(message(event)).outcomes == ["restarted"]
    assert set(guard.aws.memory()[f"trail-guard restarts {TRAIL}"]) == {
        f"event {event['detail']['eventID']}",
        "expires",
    }


# --- It goes on, with pauses, when somebody keeps stopping a trail


def stop_again(guard: Function, name: str = "account-trail") -> list[str]:
    """Somebody stops the trail, and the event arrives."""
    for trail in guard.aws.trails:
        if trail.name == name:
            trail.logging = False
    return guard(stop(name, at=guard.moment)).outcomes


def test_within_a_minute_a_trail_is_started_once(guard: Function) -> None:
    assert stop_again(guard) == ["restarted"]
    guard.later(seconds=20)
    assert stop_again(guard) == ["waiting"]
    [sent] = guard.aws.sent
    assert sent["DelaySeconds"] == 40
    guard.later(seconds=40)
    assert guard(message(sent["MessageBody"])).outcomes == ["restarted"]
    assert the_trail(guard).logging


def test_who_stops_it_again_and_again_is_told_once_as_critical(guard: Function) -> None:
    outcomes = []
    for _ in range(4):
        outcomes += stop_again(guard)
        guard.later(minutes=10)

    assert outcomes == ["restarted", "restarted", "escalated", "restarted", "restarted"]
    [told] = [line for line in guard.aws.published if line["outcome"] == "escalated"]
    assert (told["severity"], told["level"]) == ("critical", "ERROR")
    assert told["message"].startswith("arn:aws:iam::")


def test_another_who_joins_in_is_told_too(guard: Function) -> None:
    for _ in range(3):
        stop_again(guard)
        guard.later(minutes=10)
    the_trail(guard).logging = False
    other = guard(stop(at=guard.moment, userIdentity=session_of("/intruder", "terraform")))

    assert other.outcomes == ["escalated", "restarted"]
    assert "role/intruder" in other.lines[0]["message"]


def test_what_comes_meanwhile_is_left_to_the_one_look_that_is_under_way(guard: Function) -> None:
    stop_again(guard)
    for _ in range(20):
        guard.later(seconds=2)
        assert stop_again(guard) == ["waiting"]

    assert len(guard.aws.sent) == 1
    assert len(guard.aws.starts) == 1


def test_what_was_in_dispute_is_looked_at_until_it_is_found_right(guard: Function) -> None:
    for _ in range(3):
        stop_again(guard)
        guard.later(minutes=10)
    [sent] = guard.aws.sent
    the_trail(guard).logging = False  # and no event tells of it
    again = guard(message(sent["MessageBody"]))
    guard.later(minutes=15)
    last = guard(message(guard.aws.sent[-1]["MessageBody"]))

    assert (again.outcomes, last.outcomes) == (["restarted"], ["ignored"])
    assert len(guard.aws.sent) == 2


def test_two_trails_do_not_share_a_count(guard: Function) -> None:
    guard.aws.add(Trail("second", HOME, MEMBER))

    assert stop_again(guard) + stop_again(guard, "second") == ["restarted", "restarted"]


def test_trails_of_one_name_in_two_accounts_do_not_share_a_count(guard: Function) -> None:
    guard.aws.add(Trail("account-trail", HOME, OTHER))
    stop_again(guard)

    assert guard(stop(account=OTHER)).outcomes == ["restarted"]


def test_a_start_that_failed_counts_too(guard: Function) -> None:
    """Nobody knows whether it failed before or after the trail was started."""
    guard.aws.fail("cloudtrail:StartLogging", "InternalError")
    guard(stop())

    assert guard(stop()).outcomes == ["waiting"]


def test_an_event_does_not_count_against_itself(guard: Function) -> None:
    event = stop()
    guard.aws.fail("cloudtrail:StartLogging", "ThrottlingException", times=3)
    for tries in (1, 2, 3):
        assert guard(message(event, tries=tries)).outcomes == ["failed"]

    assert guard(message(event, tries=4)).outcomes == ["restarted"]


@pytest.mark.parametrize("name", ["dynamodb:GetItem", "dynamodb:UpdateItem"])
@pytest.mark.parametrize(
    "error", ["ProvisionedThroughputExceededException", "ResourceNotFoundException"]
)
def test_without_its_memory_it_starts_nothing(guard: Function, name: str, error: str) -> None:
    """A start that nobody would remember could be the first of a thousand."""
    guard.aws.fail(name, error)
    answer = guard(message(stop(), id_="m"))

    assert guard.aws.starts == []
    assert (answer.failed, answer.outcomes) == (["m"], ["failed"])
    assert guard(message(stop(), id_="m", tries=2)).outcomes == ["restarted"]


def test_a_missing_table_starts_nothing(guard: Function) -> None:
    guard.aws.drop_table()

    assert guard(stop()).outcomes == ["failed"]
    assert guard.aws.starts == []


def test_old_starts_are_forgotten_as_new_ones_are_noted(guard: Function) -> None:
    """The table's own expiry never comes for a trail that is stopped every hour."""
    for _ in range(6):
        stop_again(guard)
        guard.later(minutes=45)

    assert len(guard.aws.memory()[f"trail-guard restarts {TRAIL}"]) <= 7


# --- It tells what it did


@pytest.mark.parametrize("error", ["AuthorizationErrorException", "ThrottledException"])
def test_a_report_that_does_not_get_through_neither_undoes_nor_repeats_the_start(
    guard: Function, error: str
) -> None:
    """The message comes back, so that the report is sent in the end: a trail that was stopped and
    started again without anybody hearing of it would be a success for who stopped it."""
    event = stop()
    guard.aws.fail("sns:Publish", error, times=4)  # the report and the failure, two tries
    first = guard(message(event, id_="m"))
    second = guard(message(event, id_="m", tries=2))
    third = guard(message(event, id_="m", tries=3))
    fourth = guard(message(event, id_="m", tries=4))
    late_copy = guard(message(event))

    assert [each.failed for each in (first, second, third)] == [["m"], ["m"], ["m"]]
    assert first.outcomes == ["restarted", "failed", "failed"], "the log has it at once"
    assert second.outcomes == ["restarted", "failed"]
    assert (fourth.failed, fourth.outcomes) == ([], ["restarted"])
    assert [line["outcome"] for line in fourth.published] == ["restarted"]
    evidence = fourth.only["evidence"]
    assert (evidence["before"], evidence["after"]) == ({"logging": False}, {"logging": True})
    assert late_copy.outcomes == ["ignored"]
    assert len(guard.aws.starts) == 1
    assert the_trail(guard).logging


def test_other_reports_are_tried_again_too(guard: Function) -> None:
    guard.aws.remove(the_trail(guard))
    guard.aws.fail("sns:Publish", "ThrottledException", times=2)
    event = stop()

    assert guard(message(event, id_="m")).failed == ["m"]
    again = guard(message(event, id_="m", tries=2))
    assert (again.failed, [line["outcome"] for line in again.published]) == ([], ["not there"])


def test_no_secret_reaches_the_log_or_the_topic(guard: Function) -> None:
    secret = "IQoJb3JpZ2luX2VjEXAMPLE"
    events = [
        stop(
            responseElements={"credentials": {"sessionToken": secret}},
            requestParameters={"name": "account-trail", "password": secret},
            additionalEventData={"token": secret},
            userIdentity={**session_of("/admin", "mara"), "accessKeyId": secret},
        ),
        stop(errorCode="AccessDenied", errorMessage=secret),
        stop(recipientAccountId=OTHER, responseElements={"secret": secret}),
    ]
    answer = guard(*events)

    assert len(answer.lines) == 3
    assert secret not in json.dumps(answer.lines + guard.aws.published)
    for kept in ("a-secret-key", "a-session-token"):
        assert kept not in json.dumps(answer.lines + guard.aws.published)


def test_hostile_lengths_are_cut(guard: Function) -> None:
    long = "x" * 100_000
    event = stop(userIdentity={"arn": long}, eventTime=long, envelope={"account": long})
    answer = guard(event)

    assert answer.outcomes == ["refused"]
    assert len(json.dumps(answer.only)) < 10_000
    assert len(answer.published) == 1


def test_each_log_line_is_one_json_object_whatever_the_event_holds(guard: Function) -> None:
    """Function.__call__ reads every line as JSON; here the fields try to break them."""
    nasty = 'a"b\nc\u2028d\u0000e\ud800{"level": "INFO"}'
    answer = guard(
        stop(userIdentity={"arn": nasty}),
        stop(eventTime=nasty),
        stop(envelope={"region": nasty}),
        message("{", id_=nasty),
    )

    assert len(answer.lines) == 4
    assert all(isinstance(line, dict) for line in answer.lines)


def test_an_event_without_anything_is_a_message_like_others(guard: Function) -> None:
    assert guard(message(body({}))).outcomes == ["ignored"]


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=30)
    | st.sampled_from(
        [MEMBER, OTHER, "StopLogging", "account-trail", TRAIL, "2026-11-03T11:00:00Z"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from(sorted(stop()["detail"]))
ENVELOPE = st.sampled_from([*sorted(stop()), "replay-name"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    record=st.dictionaries(FIELDS, JSON_VALUES, max_size=4),
    envelope=st.dictionaries(ENVELOPE, JSON_VALUES, max_size=2),
)
def test_no_values_break_it_or_lead_it_astray(
    guard: Function, record: dict[str, Any], envelope: dict[str, Any]
) -> None:
    """Whatever stands in the fields: nothing fails, for AWS itself is well; and only the account
    of the envelope is entered, with nothing called there but what reads and starts trails."""
    the_trail(guard).logging = False
    first = len(guard.aws.calls)
    event = stop(event_id="e")
    event["detail"].update(record)
    event.update(envelope)
    answer = guard(event)

    assert answer.failed == []
    assert len(answer.lines) == 1
    accounts = {call.account for call in guard.aws.calls[first:]}
    assert accounts <= {CENTRAL, event.get("account") if accounts - {CENTRAL} else CENTRAL}
    assert {call.outcome for call in guard.aws.calls[first:]} <= {"ok"}
