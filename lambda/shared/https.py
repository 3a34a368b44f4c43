"""Sends one JSON document to an https address, and gives what was answered."""

import json
import ssl
import urllib.error
import urllib.request
from functools import lru_cache
from typing import Any, NamedTuple

_SECONDS = 10
_READ_AT_MOST = 65_536


class HttpAnswer(NamedTuple):
    """What a server answered; status 0 and the kind of error where it did not."""

    status: int
    body: str = ""
    retry_after: str = ""


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: what is sent is meant for one host."""

    def redirect_request(self, *_: Any) -> None:
        return None


@lru_cache
def _opener() -> urllib.request.OpenerDirector:
    """Made once: reading the certificates of all authorities takes longer than a post."""
    return urllib.request.build_opener(
        _StayHere, urllib.request.HTTPSHandler(context=ssl.create_default_context())
    )


def post_json(url: str, document: Any, authorization: str = "") -> HttpAnswer:
    """Posts the document. An address may be a secret: nothing of it is in the answer.

    Certificates are verified, and only https is spoken.
    """
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "trailbus"}
    if authorization:
        headers["Authorization"] = authorization
    try:
        if not url.lower().startswith("https://"):
            return HttpAnswer(0, "the address is not https")
        request = urllib.request.Request(  # noqa: S310 - https, as was looked at
            url, json.dumps(document).encode(), headers, method="POST"
        )
        with _opener().open(request, timeout=_SECONDS) as answer:
            return HttpAnswer(answer.status, _text_of(answer))
    except urllib.error.HTTPError as error:
        with error:
            return HttpAnswer(error.code, _text_of(error), error.headers.get("Retry-After", ""))
    except Exception as error:  # noqa: BLE001 - what errors say can hold the address
        reason = getattr(error, "reason", None)
        kind = type(reason if isinstance(reason, Exception) else error).__name__
        return HttpAnswer(0, kind)


def _text_of(answer: Any) -> str:
    return str(answer.read(_READ_AT_MOST).decode("utf-8", "replace"))
