"""A chat that tests ask: it keeps what is posted, and answers as they say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from generator.simulation.web import Request, Response, Web

HOOK = "https://hooks.slack.com/services/T0AAAAAAA/B0BBBBBBB/cccccccccccccccccccccccc"
OTHER_HOOK = "https://hooks.slack.com/services/T0AAAAAAA/B0DDDDDDD/eeeeeeeeeeeeeeeeeeeeeeee"
TEAMS = (
    "https://example.westeurope.logic.azure.com/workflows/f00/triggers/manual/paths/invoke?sig=S1"
)
GOOGLE = "https://chat.googleapis.com/v1/spaces/AAAA/messages?key=k&token=t"
PLAIN = "https://alerts.example.com/in/0123456789"
TOKEN = "xoxb-" + "111111111111-222222222222-" + "aBcDeFgHiJkLmNoPqRsTuVwX"
CHANNEL = "C0123456789"

Says = Callable[[Request], Response]


@dataclass
class Chat:
    """What was posted where, in order, and what comes back."""

    answers: list[Response] = field(default_factory=list)
    """What it answers next, each once; after that it takes everything."""
    says: Says | None = None
    """What it answers instead, for as long as it stands."""
    requests: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        if self.says is not None:
            return self.says(request)
        if self.answers:
            return self.answers.pop(0)
        if request.url.endswith("/api/chat.postMessage"):
            ts = f"1700000000.{len(self.requests):06d}"
            return Response(body=json.dumps({"ok": True, "channel": CHANNEL, "ts": ts}))
        return Response()

    @property
    def posts(self) -> list[dict[str, Any]]:
        """The documents that were posted."""
        return [json.loads(request.body) for request in self.requests]

    @property
    def only(self) -> dict[str, Any]:
        [post] = self.posts
        return post

    @contextmanager
    def open(self) -> Iterator[None]:
        with Web(self.answer).around("function"):
            yield


def down(status: int = 503, **headers: str) -> Says:
    """A chat that takes nothing."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: Response(status, "", named)


def texts(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def blocks(post: dict[str, Any]) -> list[dict[str, Any]]:
    """Every block of a post to Slack, those beside the coloured bar too."""
    inside = [block for each in post.get("attachments", []) for block in each["blocks"]]
    return [*post.get("blocks", []), *inside]


def seen(post: dict[str, Any]) -> str:
    """All that the blocks say, a text a line."""
    return "\n".join(
        each["text"]
        for block in blocks(post)
        for each in (block.get("text"), *block.get("elements", []))
        if each
    )
