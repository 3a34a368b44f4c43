"""Values held against what templates take: each fault has its place, and no pattern is shown."""

from __future__ import annotations

import pytest

from generator.deploy.bundle import Bundle
from generator.deploy.parameters import Fault, faults
from generator.model import Place

from .organization import SMALL, bundle

TEMPLATE = """\
Parameters:
  Few: {Type: CommaDelimitedList, Default: '', AllowedPattern: '[a-z]+', Description: words}
  Many: {Type: Number, Default: 5, MinValue: 1, MaxValue: 9}
  Secret: {Type: String, NoEcho: true, MaxLength: 4, Default: ''}
  Short: {Type: String, MinLength: 2, Default: ab}
  Switch: {Type: String, AllowedValues: [true, false], Default: true}
"""
WITH = Bundle({"central.yaml": TEMPLATE}, bundle().manifest)


def of(**given: str) -> Place:
    return SMALL._replace(parameters=given, alarm_emails=(), report_emails=())


@pytest.mark.parametrize(
    ("name", "value", "fault", "cure"),
    [
        ("Few", "ab, C", "'C' has not the form that is asked for", "words"),
        ("Many", "many", "'many' is not a number", ""),
        ("Many", "0", "'0' is too small", "1 or more"),
        ("Many", "10", "'10' is too large", "9 or less"),
        ("Secret", "hunter2", "the value has 7 characters", "at most 4 fit"),
        ("Short", "a", "'a' has 1 characters", "at least 2 are needed"),
        ("Switch", "yes", "'yes' is not one of the choices", "one of true, false"),
        ("Shart", "ab", "no template takes 'Shart'", "did you mean 'Short'?"),
        ("Zzzzz", "ab", "no template takes 'Zzzzz'", "see Parameters in the rendered templates"),
    ],
)
def test_what_does_not_fit_is_told(name: str, value: str, fault: str, cure: str) -> None:
    found = faults(WITH, of(**{name: value}))
    assert found == [Fault(("place", "parameters", name), fault, cure)]


def test_what_fits_is_not_told() -> None:
    assert faults(WITH, of(Few="", Many="9", Secret="", Short="ab", Switch="false")) == []
    assert faults(bundle(), SMALL) == []


def test_what_deploy_fills_in_is_held_against_the_templates_too() -> None:
    place = SMALL._replace(
        alarm_emails=("oncall@example.com", "nobody"), targets={"here": {"readers": ["me"]}}
    )
    assert [(one.where, one.cure) for one in faults(bundle(), place)] == [
        (("place", "alarms", "emails", 1), "it must be an e-mail address, or empty"),
        (("targets", "here", "readers", 0), "it must be the ARN of a role, or empty"),
    ]


def test_a_value_of_what_deploy_does_not_make_is_held_against_its_own_template() -> None:
    [fault] = faults(bundle(), of(CallAs="ME"))
    assert fault.fault == "'ME' is not one of the choices"
