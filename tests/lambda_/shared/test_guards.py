"""What holds a remediation back is read anew, and what cannot be read holds it back too."""

from __future__ import annotations

import pytest

from tests.lambda_ import loading
from tests.lambda_.conftest import Function
from tests.lambda_.events import MEMBER, OTHER, message, session_of, stop

guards = loading.shared("guards")
notices = loading.shared("notices")


def no_tags() -> dict[str, str]:
    raise AssertionError("tags were read although none is excepted")


def test_nothing_holds_it_back(house: Function) -> None:
    assert guards.held_back("would act", no_tags) is None


def test_the_switch_is_read_each_time(house: Function) -> None:
    outcomes = []
    for value in ("on", "off", "on"):
        house.aws.switch = value
        verdict = guards.held_back("would act", no_tags)
        outcomes.append(verdict and verdict.outcome)

    assert outcomes == [None, "switched off", None]


def test_a_switch_that_cannot_be_read_raises(house: Function) -> None:
    house.aws.fail("ssm:GetParameter", "AccessDeniedException")

    with pytest.raises(Exception, match="AccessDenied"):
        guards.held_back("would act", no_tags)


def test_who_only_observes_does_not_ask_the_switch(
    house: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAILBUS_MODE", "observe")

    assert guards.held_back("would act", no_tags) == ("observed", "would act, but only observes")
    assert house.aws.calls == []


@pytest.mark.parametrize(
    ("entry", "tags", "held"),
    [
        ("public", {"public": "yes"}, True),
        ("public", {"public": ""}, True),
        ("public=yes", {"public": "yes"}, True),
        ("public=", {"public": ""}, True),
        ("a=b=c", {"a": "b=c"}, True),
        ("public=yes", {"public": "no"}, False),
        ("public", {"Public": "yes"}, False),
        ("public", {}, False),
        ("", {"public": "yes"}, False),
    ],
)
def test_a_tag_excepts_by_key_or_by_key_and_value(
    house: Function,
    monkeypatch: pytest.MonkeyPatch,
    entry: str,
    tags: dict[str, str],
    held: bool,
) -> None:
    monkeypatch.setenv("TRAILBUS_EXCEPTIONS", f'{{"tags": ["{entry}"]}}')
    verdict = guards.held_back("would act", lambda: tags)

    assert verdict == (("excepted", f"tag {entry} is excepted") if held else None)


def test_an_excepted_tag_says_so_in_observe_mode_too(
    house: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would be left alone must not be announced as something that would be done."""
    monkeypatch.setenv("TRAILBUS_MODE", "observe")
    monkeypatch.setenv("TRAILBUS_EXCEPTIONS", '{"tags": ["public"]}')

    assert guards.held_back("would act", lambda: {"public": ""}).outcome == "excepted"


def test_the_words_name_the_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    def why(exceptions: str) -> str:
        monkeypatch.setenv("TRAILBUS_EXCEPTIONS", exceptions)
        event = stop(userIdentity=session_of("/admin", "mara"))
        verdict = guards.excepted(notices.notice_of(message(event)))
        return str(verdict.why) if verdict else ""

    role = f"arn:aws:iam::{MEMBER}:role/adm*"
    assert why(f'{{"accounts": ["{MEMBER}"]}}') == f"account {MEMBER} is excepted"
    assert why(f'{{"principals": ["{role}"]}}') == f"principal {role} is excepted"
    assert why(f'{{"accounts": ["{OTHER}"]}}') == ""


@pytest.mark.parametrize(
    ("typed", "cure"),
    [
        ('{"role": []}', "must be a JSON object of accounts, principals and tags"),
        ('{"tags": "public"}', "tags must be a list of texts in quotes"),
        ('{"accounts": [111122223333]}', "accounts must be a list of texts in quotes"),
    ],
)
def test_an_exception_that_cannot_be_understood_is_named(
    typed: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAILBUS_EXCEPTIONS", typed)

    verdict = guards.excepted(notices.notice_of(message(stop())))
    assert verdict.outcome == "refused"
    assert cure in verdict.why
