"""The world outside of AWS, as functions see it: it answers in this process, and keeps what came.

What a handler sends with urllib ends here, after everything else that urllib does with it, so that
redirects and errors are treated as they would be. Nothing reaches a network.
"""

from __future__ import annotations

import contextlib
import io
import json
import urllib.request
import urllib.response
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

WEBHOOK = "https://hooks.slack.com/services/T00000000/B00000000/simulated"
"""What a secret holds that nobody filled."""


@dataclass(frozen=True)
class Request:
    """One request that a function made."""

    function: str
    url: str
    headers: Mapping[str, str]
    body: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True)
class Response:
    """What comes back."""

    status: int = 200
    body: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)


def chat(request: Request) -> Response:
    """A chat that takes everything; Slack's own interface numbers what it took."""
    if not request.url.endswith("/api/chat.postMessage"):
        return Response()
    number = len(request.body)
    return Response(body=json.dumps({"ok": True, "channel": "C0", "ts": f"{number}.000100"}))


class Web:
    """Every address there is. `answer` may be replaced, to be another world."""

    def __init__(self, answer: Callable[[Request], Response] = chat) -> None:
        self.answer = answer
        self.requests: list[tuple[Request, Response]] = []

    @contextlib.contextmanager
    def around(self, function: str) -> Iterator[None]:
        """While the block runs, what it opens with urllib is opened here."""
        director = urllib.request.OpenerDirector
        real = director._open  # type: ignore[attr-defined]

        def opened(_: Any, request: urllib.request.Request, data: Any = None) -> Any:
            return self._opened(function, request)

        director._open = opened  # type: ignore[attr-defined]
        try:
            yield
        finally:
            director._open = real  # type: ignore[attr-defined]

    def _opened(self, function: str, request: urllib.request.Request) -> Any:
        sent = request.data if isinstance(request.data, bytes) else b""
        made = Request(function, request.full_url, dict(request.header_items()), sent.decode())
        response = self.answer(made)
        self.requests.append((made, response))
        headers = Message()
        for name, value in response.headers.items():
            headers[name] = value
        body = io.BytesIO(response.body.encode())
        answer = urllib.response.addinfourl(body, headers, request.full_url, response.status)
        answer.msg = ""  # type: ignore[attr-defined]  # urllib's own answers have one
        return answer
