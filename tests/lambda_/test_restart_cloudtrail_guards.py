"""restart_cloudtrail: what holds it back, and what does not."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from .aws import Trail
from .conftest import Deploy, Function
from .events import (
    HOME,
    MEMBER,
    NOW,
    OTHER,
    TRAIL,
    message,
    session_of,
    stop,
)
from .guarding import the_trail, trail_guard, unasked, untouched


def test_an_event_of_yesterday_is_only_told(guard: Function) -> None:
    answer = guard(stop(at=NOW - timedelta(hours=24, seconds=1)))

    assert unasked(guard)
    assert answer.failed == []
    assert answer.only["outcome"] == "too late"
    assert answer.only["message"] == "nothing was done: the event is older than 24 hours"
    assert answer.published == answer.lines


def test_an_event_of_almost_yesterday_is_acted_upon(guard: Function) -> None:
    assert guard(stop(at=NOW - timedelta(hours=24))).outcomes == ["restarted"]


def test_how_old_is_too_old_is_a_setting(deploy: Deploy) -> None:
    settings = json.dumps({"max_age_hours": 1, "restarts_per_hour": 2})
    guard = trail_guard(deploy, TRAILBUS_SETTINGS=settings)

    assert guard(stop(at=NOW - timedelta(minutes=61))).outcomes == ["too late"]
    assert guard(stop(at=NOW - timedelta(minutes=59))).outcomes == ["restarted"]


@pytest.mark.parametrize("mode", ["observe", "", "Enforce"])
def test_in_any_mode_but_enforce_it_only_says_what_it_would_do(deploy: Deploy, mode: str) -> None:
    guard = trail_guard(deploy, TRAILBUS_MODE=mode)
    answer = guard(stop())

    assert untouched(guard)
    assert answer.failed == []
    assert answer.only["outcome"] == "observed"
    assert answer.only["message"] == "would start it again, but only observes"
    evidence = answer.only["evidence"]
    assert evidence["before"] == evidence["after"] == {"logging": False}
    assert evidence["undo"] == []
    assert answer.published == answer.lines


@pytest.mark.parametrize("value", ["off", "", "On", "on ", "yes"])
def test_any_value_of_the_switch_but_on_stops_all_remediation(guard: Function, value: str) -> None:
    guard.aws.switch = value
    answer = guard(stop())

    assert untouched(guard)
    assert answer.failed == []
    assert answer.only["outcome"] == "switched off"
    assert (answer.only["level"], answer.only["severity"]) == ("ERROR", "critical")
    assert answer.only["message"] == "would start it again, but all remediation is switched off"
    assert answer.published == answer.lines


def test_the_switch_takes_effect_within_a_batch(guard: Function) -> None:
    """It is read for each start: the second trail of a batch is not started any more."""
    second = guard.aws.add(Trail("second", HOME, MEMBER))
    guard.aws.on_publish = lambda: setattr(guard.aws, "switch", "off")
    answer = guard(stop(at=NOW - timedelta(minutes=2)), stop("second"))

    assert answer.outcomes == ["restarted", "switched off"]
    assert not second.logging


@pytest.mark.parametrize(
    "error", ["ParameterNotFound", "AccessDeniedException", "ThrottlingException"]
)
def test_a_switch_that_cannot_be_read_stops_it_but_loses_nothing(
    guard: Function, error: str
) -> None:
    guard.aws.fail("ssm:GetParameter", error)
    answer = guard(message(stop(), id_="m"))

    assert untouched(guard)
    assert answer.failed == ["m"]
    assert answer.outcomes == ["failed"]
    assert guard(message(stop(), id_="m", tries=2)).outcomes == ["restarted"]


EXCEPTED: dict[str, dict[str, list[str]]] = {
    "the account": {"accounts": [OTHER, MEMBER]},
    "the role": {"principals": [f"arn:aws:iam::{MEMBER}:role/team/deployer"]},
    "the role by a star": {"principals": [f"arn:aws:iam::{MEMBER}:role/team/*"]},
    "a question mark": {"principals": [f"arn:aws:iam::{MEMBER}:role/team/deplo?er"]},
}


@pytest.mark.parametrize("exceptions", EXCEPTED.values(), ids=EXCEPTED.keys())
def test_who_is_excepted_is_left_alone(deploy: Deploy, exceptions: dict[str, list[str]]) -> None:
    guard = trail_guard(deploy, TRAILBUS_EXCEPTIONS=json.dumps(exceptions))
    answer = guard(stop(userIdentity=session_of("/team/deployer", "night")))

    assert answer.failed == []
    assert (answer.only["outcome"], answer.only["level"]) == ("excepted", "INFO")
    assert answer.only["message"].endswith(" is excepted")
    assert answer.published == answer.lines, "people hear of it, quietly"
    assert untouched(guard)


NOT_EXCEPTED: dict[str, dict[str, list[str]]] = {
    "another account": {"accounts": [OTHER]},
    "another case": {"principals": [f"arn:aws:iam::{MEMBER}:role/team/Deployer"]},
    "the role without its path": {"principals": [f"arn:aws:iam::{MEMBER}:role/deployer"]},
    "an ARN that only begins so": {"principals": [f"arn:aws:iam::{MEMBER}:role/team/deploy"]},
    "a set in brackets": {"principals": [f"arn:aws:iam::{MEMBER}:role/team/[d]eployer"]},
    "a session named like it": {"principals": [f"arn:aws:iam::{MEMBER}:role/night"]},
    "the same role of another account": {
        "principals": [f"arn:aws:iam::{OTHER}:role/team/deployer"]
    },
}


@pytest.mark.parametrize("exceptions", NOT_EXCEPTED.values(), ids=NOT_EXCEPTED.keys())
def test_nobody_else_is_excepted(deploy: Deploy, exceptions: dict[str, list[str]]) -> None:
    guard = trail_guard(deploy, TRAILBUS_EXCEPTIONS=json.dumps(exceptions))

    assert guard(stop(userIdentity=session_of("/team/deployer", "night"))).outcomes == ["restarted"]


def test_a_caller_without_an_arn_is_excepted_by_no_principal(deploy: Deploy) -> None:
    guard = trail_guard(
        deploy, TRAILBUS_EXCEPTIONS=json.dumps({"principals": [f"arn:aws:iam::{MEMBER}:role/*"]})
    )

    assert guard(stop(userIdentity=None)).outcomes == ["restarted"]


@pytest.mark.parametrize("entry", ["team=audit", "team", "replaced="])
def test_a_trail_with_an_excepted_tag_is_left_alone(deploy: Deploy, entry: str) -> None:
    guard = trail_guard(deploy, TRAILBUS_EXCEPTIONS=json.dumps({"tags": ["x", entry]}))
    the_trail(guard).tags = {"team": "audit", "replaced": ""}
    answer = guard(stop())

    assert untouched(guard)
    assert (answer.only["outcome"], answer.only["message"]) == (
        "excepted",
        f"tag {entry} is excepted",
    )


@pytest.mark.parametrize("entry", ["team=other", "Team", "audit", "team=audit "])
def test_other_tags_except_nothing(deploy: Deploy, entry: str) -> None:
    guard = trail_guard(deploy, TRAILBUS_EXCEPTIONS=json.dumps({"tags": [entry]}))
    the_trail(guard).tags = {"team": "audit"}

    assert guard(stop()).outcomes == ["restarted"]


def test_tags_are_read_in_the_trails_home_region(deploy: Deploy) -> None:
    guard = trail_guard(deploy, TRAILBUS_EXCEPTIONS='{"tags": ["team"]}')
    guard(stop(region="us-east-1"))

    [listed] = guard.aws.made("cloudtrail:ListTags")
    assert (listed.region, listed.parameters) == (HOME, {"ResourceIdList": [TRAIL]})


def test_tags_are_not_read_where_none_is_excepted(guard: Function) -> None:
    guard(stop())

    assert guard.aws.starts
    assert not guard.aws.made("cloudtrail:ListTags")


def test_tags_that_cannot_be_read_stop_it(deploy: Deploy) -> None:
    guard = trail_guard(deploy, TRAILBUS_EXCEPTIONS='{"tags": ["team"]}')
    guard.aws.fail("cloudtrail:ListTags", "AccessDeniedException")
    answer = guard(message(stop(), id_="m"))

    assert untouched(guard)
    assert (answer.failed, answer.outcomes) == (["m"], ["failed"])


@pytest.mark.parametrize(
    "typed",
    [
        "{",
        "[]",
        '"111122223333"',
        "null",
        '{"account": ["111122223333"]}',
        '{"accounts": "111122223333"}',
        '{"accounts": [111122223333]}',
        '{"principals": {"a": "b"}}',
        '{"principals": [""]}',
        '{"principals": ["*"]}',
        '{"principals": ["arn:aws:iam::*:role/team/deployer"]}',
        '{"principals": ["arn:aws:iam::11112222333?:role/team/deployer"]}',
        '{"principals": ["arn:aws:sts::111122223333:assumed-role/deployer/*"]}',
        "[" * 100_000,
    ],
)
def test_exceptions_that_cannot_be_understood_stop_it(deploy: Deploy, typed: str) -> None:
    """Somebody meant to except something and misspelt it: acting would be acting against them."""
    guard = trail_guard(deploy, TRAILBUS_EXCEPTIONS=typed)
    answer = guard(message(stop(account=MEMBER), id_="m"))

    assert untouched(guard)
    assert answer.failed == [], "trying again mends nothing: people are told instead"
    assert (answer.only["outcome"], answer.only["severity"]) == ("refused", "critical")
    assert answer.published == answer.lines


@pytest.mark.parametrize("typed", ["", " ", "{}", '{"accounts": []}'])
def test_no_exceptions_except_nobody(deploy: Deploy, typed: str) -> None:
    guard = trail_guard(deploy, TRAILBUS_EXCEPTIONS=typed)

    assert guard(stop()).outcomes == ["restarted"]
