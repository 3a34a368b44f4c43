"""What functions send to the world outside ends in this process, as if it had been out there."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from generator.simulation.web import Request, Response, Web


def test_a_request_is_kept_and_answered() -> None:
    web = Web()
    with web.around("teller"):
        request = urllib.request.Request("https://chat.example/in/secret", b"{}", method="POST")
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            assert (answer.status, answer.read()) == (200, b"ok")
    [(made, _)] = web.requests
    assert (made.function, made.host, made.body) == ("teller", "chat.example", "{}")


def test_slacks_own_interface_answers_with_a_thread() -> None:
    web = Web()
    with web.around("teller"):
        address = "https://slack.com/api/chat.postMessage"
        with urllib.request.urlopen(urllib.request.Request(address, b"{}")) as answer:
            assert json.loads(answer.read())["ok"] is True


def test_errors_are_errors_and_redirects_redirects() -> None:
    def says(request: Request) -> Response:
        if request.url.endswith("/old"):
            return Response(302, "", {"Location": "https://other.example/new"})
        return Response(503, "", {"Retry-After": "7"})

    web = Web(says)
    with web.around("teller"), pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen("https://chat.example/old")
    assert caught.value.code == 503
    assert caught.value.headers["Retry-After"] == "7"
    assert [made.host for made, _ in web.requests] == ["chat.example", "other.example"]


def test_the_network_is_back_afterwards() -> None:
    before = urllib.request.OpenerDirector._open  # type: ignore[attr-defined]
    with pytest.raises(ZeroDivisionError), Web().around("teller"):
        raise ZeroDivisionError
    assert urllib.request.OpenerDirector._open is before  # type: ignore[attr-defined]
