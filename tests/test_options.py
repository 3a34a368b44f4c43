"""The table of target kinds is whole: each option has a form, a default that fits, and a place."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from generator.documents import Document
from generator.model import Body, Json
from generator.options import (
    ACCOUNT,
    DAY,
    EMAIL,
    EXCEPTIONS,
    HTTPS,
    KINDS,
    PRINCIPAL,
    QUEUE_NAME,
    ROLE_ARN,
    SECRET_NAME,
    TAG,
)
from generator.schema import Duration, Form, Report, Text, said_as_duration


def faults(form: Form, value: Json) -> list[str]:
    report = Report(Document("file.yaml", value))
    form.read(value, (), report)
    return [problem.fault.rpartition(": ")[2] for problem in report.problems]


every_kind = pytest.mark.parametrize("kind", KINDS)


def test_the_kinds_are_those_that_are_promised() -> None:
    assert set(KINDS) == {
        "queue", "topic", "responder", "api_destination", "stream", "workflow", "log", "function",
    }  # fmt: skip


@every_kind
def test_a_kind_has_bodies_and_sends_the_first(kind: str) -> None:
    entry = KINDS[kind]
    assert entry.help
    assert entry.bodies
    assert set(entry.bodies) <= set(get_args(Body))
    assert len(set(entry.bodies)) == len(entry.bodies)
    assert entry.body == entry.bodies[0]


@every_kind
def test_every_default_belongs_to_an_option_and_fits_it(kind: str) -> None:
    entry = KINDS[kind]
    assert set(entry.defaults) <= set(entry.options)
    for name, default in entry.defaults.items():
        form = entry.options[name]
        if isinstance(form, Duration) and default is not None:  # written as 5m, kept as seconds
            assert isinstance(default, int)
            assert form.least <= default <= form.most, name
            said = said_as_duration(default)
            assert said[-1] in form.units
            assert said in (form.choices or (said,))
        elif default not in (None, "", {}):  # which stand for: nothing was said
            assert faults(form, default) == [], name


@every_kind
def test_what_is_place_is_an_option(kind: str) -> None:
    assert set(KINDS[kind].place) <= set(KINDS[kind].options)


@every_kind
def test_the_form_of_an_entry_knows_the_options_and_no_others(kind: str) -> None:
    entry = KINDS[kind]
    record = entry.record()
    assert set(record.fields) == {"kind", "body", *entry.options}
    required = {name: "x" for name in entry.options if name not in entry.defaults}
    assert faults(record, {"kind": kind, **required}) == []
    assert faults(record, {"kind": kind, **required, "nonsense": 1}) == ["unknown key 'nonsense'"]


@every_kind
def test_a_body_that_the_kind_cannot_be_sent_is_refused(kind: str) -> None:
    entry = KINDS[kind]
    for body in get_args(Body):
        assert (faults(entry.record().fields["body"], body) == []) is (body in entry.bodies), body


def test_place_is_what_names_people_accounts_addresses_or_secrets() -> None:
    assert {kind: entry.place for kind, entry in KINDS.items() if entry.place} == {
        "queue": ("readers",),
        "topic": ("emails",),
        "responder": ("exceptions",),
        "api_destination": ("endpoint", "token_endpoint", "secret", "secret_version"),
        "workflow": ("role",),
        "function": ("arn",),
    }


ROLE = "arn:aws:iam::111122223333:role/"
FORMS: list[tuple[str, Text, str, bool]] = [
    ("an account", ACCOUNT, "012345678901", True),
    ("an account too short", ACCOUNT, "12345678901", False),
    ("an account in groups", ACCOUNT, "1111-2222-3333", False),
    ("an account of other digits", ACCOUNT, "١٢٣٤٥٦٧٨٩٠١٢", False),
    ("a role", ROLE_ARN, f"{ROLE}Reader", True),
    ("a role with a path", ROLE_ARN, f"{ROLE}a/b/Reader", True),
    ("a role in China", ROLE_ARN, "arn:aws-cn:iam::111122223333:role/Reader", True),
    ("a role for the US government", ROLE_ARN, "arn:aws-us-gov:iam::111122223333:role/R", True),
    ("a session of a role", ROLE_ARN, "arn:aws:sts::111122223333:assumed-role/R/s", False),
    ("a user", ROLE_ARN, "arn:aws:iam::111122223333:user/R", False),
    ("a role without a name", ROLE_ARN, ROLE, False),
    ("a role without an account", ROLE_ARN, "arn:aws:iam:::role/R", False),
    ("an address", EMAIL, "security+alarms@example.com", True),
    ("an address without its host", EMAIL, "security@", False),
    ("two addresses", EMAIL, "a@example.com, b@example.com", False),
    ("an HTTPS endpoint", HTTPS, "https://example.com/hook?x=1", True),
    ("an HTTP endpoint", HTTPS, "http://example.com/hook", False),
    ("a space in an endpoint", HTTPS, "https://example.com/a b", False),
    ("a queue", QUEUE_NAME, "Consumer_Queue-1", True),
    ("a queue whose dead letters still fit", QUEUE_NAME, "q" * 66, True),
    ("a queue whose dead letters do not fit", QUEUE_NAME, "q" * 67, False),
    ("a FIFO queue", QUEUE_NAME, "queue.fifo", False),
    ("no queue", QUEUE_NAME, "", False),
    ("a role", PRINCIPAL, "arn:aws:iam::111122223333:role/path/Deploy*", True),
    ("a role of a partition", PRINCIPAL, "arn:aws-us-gov:iam::111122223333:role/Deployer", True),
    ("a role of any account", PRINCIPAL, "arn:aws:iam::*:role/Deployer", False),
    ("a user", PRINCIPAL, "arn:aws:iam::111122223333:user/ann@example.com", True),
    ("a session", PRINCIPAL, "arn:aws:sts::111122223333:assumed-role/Deployer/x?", False),
    ("somebody's word for oneself", PRINCIPAL, "me", False),
    ("a role's bare name", PRINCIPAL, "role/Deployer", False),
    ("the ARN of a bucket", PRINCIPAL, "arn:aws:s3:::bucket", False),
    ("a role without its account", PRINCIPAL, "arn:aws:iam:::role/Deployer", False),
    ("a role of 13 digits", PRINCIPAL, "arn:aws:iam::1111222233334:role/Deployer", False),
    ("a role with a space", PRINCIPAL, "arn:aws:iam::111122223333:role/Deploy er", False),
    ("a tag's key", TAG, "public site", True),
    ("a tag's key and value", TAG, "public-site=intended", True),
    ("a tag with an empty value", TAG, "public-site=", True),
    ("a value with an equals sign", TAG, "public-site=a=b", True),
    ("a tag with an empty key", TAG, "=x", False),
    ("no tag", TAG, "", False),
    ("a tag of spaces", TAG, " ", False),
    ("a key that is too long", TAG, "k" * 129, False),
    ("a secret", SECRET_NAME, "prod/slack/token", True),
    ("a secret with a space", SECRET_NAME, "my secret", False),
]


@pytest.mark.parametrize(("name", "form", "value", "taken"), FORMS, ids=[row[0] for row in FORMS])
def test_forms_take_what_aws_takes(name: str, form: Text, value: str, taken: bool) -> None:
    assert (faults(form, value) == []) is taken, name
    assert (re.search(form.json_schema()["pattern"], value) is not None) is taken, name


def test_exceptions_name_accounts_principals_and_tags() -> None:
    assert faults(EXCEPTIONS, {}) == []
    assert (
        faults(EXCEPTIONS, {"accounts": ["111122223333"], "tags": ["public=yes", "public"]}) == []
    )
    assert faults(EXCEPTIONS, {"accounts": [1]}) == ["wants text, not 1"]
    assert faults(EXCEPTIONS, {"acounts": []}) == ["unknown key 'acounts'"]


DURATIONS: list[tuple[str, str, str, bool]] = [
    ("queue", "retention", "59s", False),  # SQS keeps a message from a minute to 14 days
    ("queue", "retention", "60s", True),
    ("queue", "retention", "14d", True),
    ("queue", "retention", "15d", False),
    ("queue", "visibility_timeout", "0s", True),  # and hides it for up to 12 hours
    ("queue", "visibility_timeout", "12h", True),
    ("queue", "visibility_timeout", "13h", False),
    ("log", "retention", "1d", True),  # CloudWatch Logs: a day to ten years
    ("log", "retention", "3653d", True),
    ("log", "retention", "3654d", False),
    ("log", "retention", "23h", False),
]


@pytest.mark.parametrize(("kind", "option", "value", "taken"), DURATIONS)
def test_times_stay_within_what_aws_allows(kind: str, option: str, value: str, taken: bool) -> None:
    assert (faults(KINDS[kind].options[option], value) == []) is taken
    assert DAY == 24 * 60 * 60
