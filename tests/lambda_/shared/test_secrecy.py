"""Nothing secret is shown, nothing deceives, and what names a thing stays readable."""

from __future__ import annotations

import base64
import json
import string
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .. import loading

secrecy = loading.shared("secrecy")
HIDDEN = secrecy.HIDDEN

# Put together here, so that nobody's scanner takes them for real ones.
KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"
SESSION_KEY_ID = "ASIA" + "Y34FZKBOKMUTVV7A"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "IQoJb3JpZ2luX2VjE" + "Ab1/" * 60 + "=="
JWT = "eyJ" + "hbGciOiJSUzI1NiJ9." + "eyJzdWIiOiJtYXJhIn0." + "c2lnbmF0dXJl"
PRIVATE_KEY = (
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIB\nAAKCAQEA\n-----END RSA PRIVATE KEY-----"
)
PRESIGNED = "https://b.s3.amazonaws.com/k?X-Amz-Credential=abc%2F2&X-Amz-Signature=0123456789abcdef"

SHAPES = [
    KEY_ID, SESSION_KEY_ID, SECRET_KEY, SESSION_TOKEN, JWT, PRIVATE_KEY,
    "xoxb-" + "1111-2222-aBcDeF", "xoxe.xoxp-" + "1-abcdef", "xapp-" + "1-A1-2-f",
    "https://hooks.slack.com/services/" + "T0/B0/abc", "ghp_" + "a1B2" * 9,
    "glpat-" + "abcdefghij0123456789", "AIza" + "SyA0123456789abcdef0123456789abcdef",
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "around", ["{}", "a {} b", "key={}", "'{}'", "<{}>", "{},{}", "arn:aws:x:::{}"]
)
def test_what_looks_like_a_credential_is_hidden(shape: str, around: str) -> None:
    said = secrecy.readable(around.replace("{}", shape), 10_000)

    assert HIDDEN in said
    for piece in shape.replace("\n", " ").split():
        if len(piece) > 7 and "-----" not in piece and piece not in ("PRIVATE",):
            assert piece.rpartition("/")[2] not in said


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password=hunter2", "hunter2"),
        ("masterUserPassword: hunter2", "hunter2"),
        ('{"password":"hun ter2"}', "ter2"),
        ('"{\\"password\\":\\"hunter2\\"}"', "hunter2"),
        ("--db-password hunter2 token=hunter3", "hunter"),
        ("PASSWD = 'hunter2 x'", "hunter2"),
        ("Authorization: Bearer abcdefghijkl.mnop", "abcdefghijkl"),
        ("basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("postgres://mara:hunter2@db/x", "hunter2"),
        ("api_key=abc123", "abc123"),
        ("secret%3Dhunter2", "hunter2"),
        (PRESIGNED, "0123456789abcdef"),
        ('password="hunter2', "hunter2"),
        ("aws_secret_access_key = short", "short"),
    ],
)
def test_what_is_called_a_secret_in_a_text_is_hidden(text: str, secret: str) -> None:
    assert secret not in secrecy.readable(text)


@pytest.mark.parametrize(
    "name",
    [
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf",
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef",
        "arn:aws:sts::111122223333:assumed-role/platform-admin/mara@example.com",
        "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/0f0f0f0f-1111-2222-3333-444444444444",
        "3b644f44-653d-5387-90db-a4d40cec4a8e",
        "a-bucket-with-a-long-name.and.dots-0123456789",
        "i-0abcdef0123456789",
        "Whoever stops the recorder acts unseen from then on.",
        "secretsmanager.amazonaws.com",
        "GetSecretValue",
        "2001:db8::1",
        "AWSReservedSSO_AdministratorAccess_0123456789abcdef",
    ],
)
def test_what_names_a_thing_stays(name: str) -> None:
    assert secrecy.readable(name) == name


SENSITIVE = [
    "password", "masterUserPassword", "MasterUserPassword", "secretString", "SecretBinary",
    "sessionToken", "secretAccessKey", "accessKeyId", "credentials", "privateKey", "apiKey",
    "userData", "plaintext", "ciphertextBlob", "x-amz-security-token", "authorization",
    "oauthToken", "authParameters.apiKeyAuthParameters", "environment", "variables", "authToken",
    "clientSecret",
    "samlAssertion", "webIdentityToken", "authenticationCode1", "base32StringSeed", "qRCodePNG",
]  # fmt: skip


@pytest.mark.parametrize("key", SENSITIVE)
@pytest.mark.parametrize(
    "value", ["hunter2", 42, True, {"a": "hunter2"}, ["hunter2"], [{"b": "hunter2"}]]
)
def test_what_stands_under_a_sensitive_key_is_hidden(key: str, value: Any) -> None:
    assert list(secrecy.pairs({"fine": {key: value}})) == [(f"fine.{key}", HIDDEN)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("parameterKey", "parameterValue"), ("optionName", "value"), ("Name", "Values")],
)
def test_what_is_named_by_its_neighbour_is_hidden(name: str, value: str) -> None:
    listed = {"fine": [{name: "DB_PASSWORD", value: "hunter2"}, {name: "colour", value: "blue"}]}

    assert list(secrecy.pairs(listed)) == [
        (f"fine.{name}", "DB_PASSWORD"),
        (f"fine.{value}", HIDDEN),
        (f"fine.{name}", "colour"),
        (f"fine.{value}", "blue"),
    ]


_texts = st.text(min_size=1, max_size=12)
_trees = st.recursive(
    st.none() | st.booleans() | st.integers() | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=12,
)
_secrets = st.text(string.ascii_letters + string.digits, min_size=12, max_size=30).map(
    "Zq9".__add__
)


@given(_trees, st.sampled_from(SENSITIVE), _secrets, _trees)
def test_wherever_a_secret_stands_it_is_not_shown(
    tree: Any, key: str, secret: str, other: Any
) -> None:
    for record in (
        {"a": tree, key: secret},
        {"a": [tree, {key: {"deep": [secret]}}]},
        {"a": {"b": {key.upper(): [secret, other]}}},
        {"text": json.dumps({key: secret})} if "pass" in key.lower() else {},
    ):
        assert secret not in json.dumps(list(secrecy.pairs(record)))


@given(st.binary(min_size=80, max_size=400))
def test_long_encoded_data_is_not_shown(data: bytes) -> None:
    encoded = base64.b64encode(data).decode()

    assert encoded[:40] not in secrecy.readable(f"value {encoded}", 5_000)


@given(st.text(max_size=300), st.integers(1, 100))
def test_what_is_readable_is_one_line_of_characters_that_show(text: str, longest: int) -> None:
    said = secrecy.readable(text, longest)

    assert len(said) <= longest
    assert all(char.isprintable() or char == "\N{WORD JOINER}" for char in said)
    said.encode()


@pytest.mark.parametrize("word", ["@channel", "@here", "@everyone", "@Channel", "x@here.com"])
def test_nobody_is_called(word: str) -> None:
    assert word.lower() not in secrecy.readable(word).lower()


@pytest.mark.parametrize(
    "char", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\ud800", "\r\n", "\u2028"]
)
def test_characters_that_deceive_become_spaces(char: str) -> None:
    assert secrecy.readable(f"a{char}b") == "a b"


@pytest.mark.parametrize(
    "text",
    [
        "password" * 32_000,
        'password="' * 26_000,
        "a" * 256_000,
        "a/" * 128_000,
        "://" + "a" * 256_000,
        "arn:aws:" * 32_000,
        "token " * 42_000,
        "-----BEGIN PRIVATE KEY-----" * 9_000,
        "eyJ" * 85_000,
        "secret:::::" * 23_000,
        "Bearer " * 36_000,
        "@" * 256_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    before = time.process_time()
    secrecy.readable(text)

    assert time.process_time() - before < 2
