"""Wildcards match what AWS documents, and never take long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.simulation.authorization.wildcards import (
    Pieces,
    Wild,
    fenced,
    folded,
    matches,
    pieces,
)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("abc", "ABC", False),
        ("*", "", True),
        ("*", "anything: at/all", True),
        ("**", "", True),
        ("?", "", False),
        ("?", "a", True),
        ("?", "ab", False),
        ("a*", "a", True),
        ("a*c", "abbbc", True),
        ("a*c", "abbb", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("*b*", "abc", True),
        ("*?", "", False),
        ("?*?", "ab", True),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("a.c", "abc", False),
        ("events:put*", "events:putevents", True),
        ("line\n*", "line\nbreak", True),
    ],
)
def test_a_star_is_any_run_and_a_question_mark_any_one(
    pattern: str, text: str, expected: bool
) -> None:
    assert matches(pieces(pattern), text) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("arn:aws:sns:*:111122223333:t", "arn:aws:sns:us-east-1:111122223333:t", True),
        ("arn:aws:sns:us-*-1:111122223333:t", "arn:aws:sns:us-east-1:111122223333:t", True),
        ("arn:aws:sns:us-*1:111122223333:t", "arn:aws:sns:us-east-1:111122223333:t", True),
        ("arn:aws:sns:u*1:2:t", "arn:aws:sns:u:1:2:t", False),
        ("arn:aws:sns:u?1:2:t", "arn:aws:sns:u:1:2:t", False),
        ("arn:aws:lambda:us-east-1:1:function:*", "arn:aws:lambda:us-east-1:1:function:f:7", True),
        ("arn:aws:lambda:us-east-1:1:func*f", "arn:aws:lambda:us-east-1:1:function:f", True),
        ("arn:aws:lambda:us-east-1:1:function?f", "arn:aws:lambda:us-east-1:1:function:f", True),
        ("arn:aws:s3:::b/*/t/*", "arn:aws:s3:::b/1/2/t/o.jpg", True),
        ("arn:aws:s3:::b/*/t/*", "arn:aws:s3:::b/1-t/o.jpg", False),
    ],
)
@pytest.mark.parametrize("crosses", [True, False])
def test_a_wildcard_inside_a_part_of_an_arn_stays_there(
    pattern: str, text: str, expected: bool, crosses: bool
) -> None:
    assert matches(fenced(pieces(pattern), trailing_run_crosses=crosses), text) is expected


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        # The example of AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/
        # reference_policies_elements_condition_operators.html#Conditions_ARN
        (
            "arn:aws:someservice:*:111122223333:finance/*",
            "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/d.txt",
        ),
        ("arn:aws:sns:*", "arn:aws:sns:us-east-1:111122223333:t"),
    ],
)
def test_a_star_that_ends_a_part_crosses_colons_in_a_resource_only(pattern: str, text: str) -> None:
    assert matches(fenced(pieces(pattern), trailing_run_crosses=True), text)
    assert not matches(fenced(pieces(pattern), trailing_run_crosses=False), text)


def test_literal_text_may_hold_a_star() -> None:
    assert matches(("a*", Wild.ONE), "a*b")
    assert not matches(("a*", Wild.ONE), "abb")


def test_case_folds_away() -> None:
    assert matches(folded(pieces("SQS:Send*")), "sqs:sendmessage")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a*" * 200 + "b", "a" * 5000),
        ("*a" * 200 + "*b", "a" * 5000),
        ("?*" * 200 + "b", "a" * 5000),
        ("*" * 5000 + "b", "a" * 5000),
    ],
)
def test_a_hostile_pattern_takes_no_time(pattern: str, text: str) -> None:
    started = time.process_time()
    assert not matches(pieces(pattern), text)
    assert not matches(fenced(pieces(pattern), trailing_run_crosses=True), text)
    # Trying one way after the other would outlive us all; this takes milliseconds.
    assert time.process_time() - started < 2


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from(["a", "b", ":", *Wild]), max_size=8),
    st.text(alphabet="ab:", max_size=10),
)
def test_the_matcher_agrees_with_a_slow_one(pattern: list[str | Wild], text: str) -> None:
    assert matches(tuple(pattern), text) is _slowly(tuple(pattern), text)


@settings(deadline=None, max_examples=120)
@given(st.text(alphabet="ab*?:", max_size=12), st.booleans(), st.text(alphabet="ab:", max_size=10))
def test_a_fence_only_ever_takes_away(pattern: str, crosses: bool, text: str) -> None:
    if matches(fenced(pieces(pattern), trailing_run_crosses=crosses), text):
        assert matches(pieces(pattern), text)


def _slowly(pattern: Pieces, text: str) -> bool:
    if not pattern:
        return not text
    first, rest = pattern[0], pattern[1:]
    if isinstance(first, str):
        return text.startswith(first) and _slowly(rest, text[len(first) :])
    may_be_colon = first in (Wild.ONE, Wild.RUN)
    one = bool(text) and (may_be_colon or text[0] != ":")
    if first in (Wild.ONE, Wild.ONE_INSIDE):
        return one and _slowly(rest, text[1:])
    return _slowly(rest, text) or (one and _slowly(pattern, text[1:]))
