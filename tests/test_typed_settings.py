"""What people type at an upload as JSON is held against a pattern before anything is made of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from generator.model import Setting
from generator.targets import responder

ROLE = "arn:aws:iam::111122223333:role/team/Deploy*"
TYPED: list[tuple[str, bool]] = [
    ("", True),
    ("{}", True),
    ("{ }", True),
    (json.dumps({"accounts": [], "principals": [], "tags": []}), True),
    (json.dumps({"accounts": ["111122223333", "444455556666"]}), True),
    (json.dumps({"principals": [ROLE, ROLE.replace("role", "user")]}, indent=2), True),
    (json.dumps({"tags": ["public", 'key=a "quoted" \u00e9']}), True),
    ("{", False),
    ("[]", False),
    ("null", False),
    ('{"account": []}', False),
    ('{"accounts": [111122223333]}', False),
    ('{"accounts": "111122223333"}', False),
    ('{"accounts": ["1"],}', False),
    ('{"principals": ["*"]}', False),
    ('{"principals": ["arn:aws:iam::*:role/Deploy"]}', False),
    ('{"principals": ["arn:aws:sts::111122223333:assumed-role/R/s"]}', False),
    ("{'tags': ['public']}", False),
]


@pytest.mark.parametrize(("typed", "taken"), TYPED)
def test_exceptions(typed: str, taken: bool) -> None:
    assert bool(re.fullmatch(responder._EXCEPTIONS, typed)) == taken


def setting(type_: Any, pattern: str = "") -> Setting:
    default: Any = {} if type_ == "map" else []
    return Setting("it", type_, default, "what it is", place=True, pattern=pattern)


@pytest.mark.parametrize(
    ("type_", "pattern", "typed", "taken"),
    [
        ("list", "[0-9]{12}", '["111122223333", "444455556666"]', True),
        ("list", "[0-9]{12}", "[]", True),
        ("list", "[0-9]{12}", '["1"]', False),
        ("list", "", '["a, b", "c"]', True),
        ("list", "", '["a"', False),
        ("map", "", '{"111122223333": "payments", "444455556666": "a \\"b\\""}', True),
        ("map", "", "{}", True),
        ("map", "", '{"a": 1}', False),
        ("map", "", "payments", False),
    ],
)
def test_lists_and_maps(type_: str, pattern: str, typed: str, taken: bool) -> None:
    form: Any = responder._form(setting(type_, pattern))

    assert bool(re.fullmatch(form["AllowedPattern"], typed)) == taken
