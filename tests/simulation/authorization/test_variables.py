"""Policy variables stand for what the request carries, literally."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.simulation.authorization import variables
from generator.simulation.authorization.context import Context
from generator.simulation.authorization.variables import Undocumented
from generator.simulation.authorization.wildcards import matches

CONTEXT = Context.of(
    {
        "aws:username": "alice",
        "aws:PrincipalAccount": "111122223333",
        "aws:PrincipalTag/team": "re*d",
        "aws:TagKeys": ["a", "b"],
    }
)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("home/${aws:username}/*", "home/alice/x", True),
        ("home/${AWS:UserName}/*", "home/alice/x", True),
        ("home/${aws:username}/*", "home/bob/x", False),
        ("${aws:PrincipalAccount}-${aws:username}", "111122223333-alice", True),
        ("${aws:PrincipalTag/team}", "re*d", True),
        ("${aws:PrincipalTag/team}", "reeeed", False),
        ("${aws:PrincipalTag/none, 'company-wide'}", "company-wide", True),
        ("${aws:username, 'nobody'}", "alice", True),
        ("${aws:PrincipalTag/none, ''}", "", True),
        ("${aws:PrincipalTag/none}", "", False),
        ("a${*}", "a*", True),
        ("a${*}", "ab", False),
        ("a${?}", "a?", True),
        ("a${?}", "ab", False),
        ("${$}{aws:username}", "${aws:username}", True),
        ("$aws:username}", "$aws:username}", True),
    ],
)
def test_variables_are_filled_in(text: str, value: str, expected: bool) -> None:
    pattern = variables.read(text, variables=True).resolved(CONTEXT)
    assert (pattern is not None and matches(pattern, value)) is expected


def test_before_2012_a_variable_is_literal_text() -> None:
    template = variables.read("home/${aws:username}", variables=False)
    assert template.resolved(CONTEXT) == ("home/${aws:username}",)


@pytest.mark.parametrize(
    "text",
    [
        "${aws:username",
        "${}",
        "${username}",
        "${aws:user name'}",
        "${ aws:username}",
        "${aws:username }",
        "${aws:username, nobody}",
        "${aws:username, 'no}",
        "${aws:usrname}",
        "${${aws:username}}",
        "a${",
    ],
)
def test_a_malformed_variable_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"variable|condition key"):
        variables.read(text, variables=True)


def test_a_key_with_several_values_cannot_be_a_variable() -> None:
    with pytest.raises(Undocumented, match="several values"):
        variables.read("${aws:TagKeys}", variables=True).resolved(CONTEXT)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain*", "plain*"),
        ("home/${aws:username}/*", "home/alice/*"),
        ("${aws:userid, 'nobody'}", "nobody"),
        ("${aws:userid}/x", "${aws:userid}/x (where aws:userid is missing)"),
        ("${*}", "*"),
    ],
)
def test_a_template_is_shown_as_it_stands_in_this_request(text: str, shown: str) -> None:
    assert variables.read(text, variables=True).shown(CONTEXT) == shown


@settings(deadline=None)
@given(st.text(max_size=20))
def test_without_variables_and_wildcards_text_means_itself(text: str) -> None:
    template = variables.read(text, variables=False, wildcards=False)
    assert matches(template.resolved(CONTEXT) or (), text)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=20))
def test_whatever_a_request_carries_is_matched_literally(value: str) -> None:
    context = Context.of({"aws:PrincipalTag/team": value})
    pattern = variables.read("<${aws:PrincipalTag/team}>", variables=True).resolved(context)
    assert pattern is not None
    assert matches(pattern, f"<{value}>")
    assert not matches(pattern, f"<{value}{value}>")
