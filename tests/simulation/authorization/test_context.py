"""The request context knows every key by any case, and refuses what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from generator.simulation.authorization.context import GLOBAL_KEYS, Context, Given, key_fault


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ("text", ("text",)),
        ("", ("",)),
        (True, ("true",)),
        (False, ("false",)),
        (7, ("7",)),
        (7.5, ("7.5",)),
        (b"\x00\x01", (b"\x00\x01",)),
        (["a", "b"], ("a", "b")),
        (("a",), ("a",)),
        ([], ()),
    ],
)
def test_values_become_text(given: Given, values: tuple[str | bytes, ...]) -> None:
    assert Context.of({"sts:ExternalId": given}).get("STS:externalid") == values


def test_a_key_that_is_not_there_has_no_value() -> None:
    assert Context.of({}).get("aws:SourceArn") == ()


@pytest.mark.parametrize("value", [None, {"a": "b"}, ["a", 1], object()])
def test_what_is_no_value_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="sts:ExternalId cannot be"):
        Context.of({"sts:ExternalId": value})


def test_a_key_in_two_cases_is_refused() -> None:
    with pytest.raises(ValueError, match="given twice"):
        Context.of({"aws:SourceArn": "a", "AWS:SourceArn": "b"})


@pytest.mark.parametrize(
    "key",
    [
        *sorted(GLOBAL_KEYS),
        "AWS:SOURCEARN",
        "aws:PrincipalTag/Cost Center",
        "aws:RequestTag/owner",
        "aws:ResourceTag/a:b",
        "kms:EncryptionContext:aws:sqs:arn",
        "events:detail.userIdentity.principalId",
        "token.actions.githubusercontent.com:sub",
        "oidc.eks.us-east-1.amazonaws.com/id/ABC:aud",
    ],
)
def test_documented_keys_are_known(key: str) -> None:
    assert key_fault(key) is None


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("SourceArn", "is no condition key"),
        ("", "is no condition key"),
        (":x", "is no condition key"),
        (" aws:SourceArn", "is no condition key"),
        ("aws:SourceArn ", "is no condition key"),
        ("aws:", "is no condition key"),
        ("aws:SorceArn", "did you mean aws:SourceArn"),
        ("aws:PrincipalOrganizationID", "did you mean aws:PrincipalOrgID"),
        ("aws:PrincipalTag/", "there is no global condition key"),
    ],
)
def test_misspelt_global_keys_are_not(key: str, fault: str) -> None:
    assert fault in (key_fault(key) or "")


def test_contexts_join_unless_they_contradict() -> None:
    one, other = Context.of({"aws:PrincipalArn": "a"}), Context.of({"AWS:principalarn": "a"})
    assert one.joined(other) == one
    with pytest.raises(ValueError, match="aws:PrincipalArn is a for this request"):
        one.joined(Context.of({"aws:PrincipalArn": "b"}))
