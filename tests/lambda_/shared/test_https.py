"""Posts over a real connection on this machine: certificates, redirects, errors, and no leaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import pytest

from .. import loading
from ..tls import certificate, served

https = loading.shared("https")


class _Server(BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, dict(self.headers), body))
        status = int(self.path.split("/")[1])
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "12")
        if status in (301, 302, 303, 307, 308):
            self.send_header("Location", "/200/elsewhere")
        answer = b"x" * 100_000 if self.path.endswith("/long") else b"said \xff"
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address that is trusted."""
    _Server.asked.clear()
    https._opener.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with served(_Server, files) as address:
        yield address


def test_a_document_is_posted_with_its_authorization(server: str) -> None:
    answer = https.post_json(f"{server}/200/in", {"text": "\N{SNOWMAN} \ud800"}, "Bearer x")

    assert answer == (200, "said \N{REPLACEMENT CHARACTER}", "")
    [(path, headers, body)] = _Server.asked
    assert path == "/200/in"
    assert headers["Authorization"] == "Bearer x"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(body) == {"text": "\N{SNOWMAN} \ud800"}


@pytest.mark.parametrize("status", [400, 403, 404, 410, 500, 503])
def test_a_refusal_is_an_answer(server: str, status: int) -> None:
    assert https.post_json(f"{server}/{status}", {}).status == status


def test_when_to_come_back_is_told(server: str) -> None:
    assert https.post_json(f"{server}/429", {}).retry_after == "12"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: str, status: int) -> None:
    assert https.post_json(f"{server}/{status}", {}).status == status
    assert len(_Server.asked) == 1


def test_a_long_answer_is_cut(server: str) -> None:
    assert len(https.post_json(f"{server}/200/long", {}).body) == 65_536


def test_a_certificate_that_nobody_trusts_is_refused(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    https._opener.cache_clear()

    assert https.post_json(f"{server}/200", {}) == (0, "SSLCertVerificationError", "")
    assert _Server.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:1/SECRET",
        "file:///etc/SECRET",
        "ftp://localhost/SECRET",
        "https://localhost:1/SECRET",
        "https://localhost:99999/SECRET",
        "https://localhost/SECRET with spaces\r\nX: y",
        "https:///SECRET",
        "SECRET",
        "",
    ],
)
def test_what_fails_says_nothing_of_the_address(url: str) -> None:
    answer = https.post_json(url, {})

    assert answer.status == 0
    assert "SECRET" not in answer.body
    assert "localhost" not in answer.body
