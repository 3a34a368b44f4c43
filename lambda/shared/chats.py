"""Posts to a chat, and tells apart why one did not take a post."""

import json
import re
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from shared.clock import now
from shared.https import HttpAnswer, post_json
from shared.notices import nested, text

_FORMATS = {
    "slack": ("slack.com", "slack-gov.com"),
    "teams": (
        "webhook.office.com",
        "logic.azure.com",
        "logic.azure.us",
        "powerplatform.com",
        "powerplatform.us",
        "powerautomate.com",
    ),
    # https://developers.google.com/workspace/chat/quickstart/webhooks
    "text": ("chat.googleapis.com",),
}
"""What a webhook's host says about the form that it wants."""
_TOKEN = re.compile(r"xox[a-z](\.xox[a-z])?-[\x21-\x7e]+")
_WEB_API = "https://slack.com/api/chat.postMessage"

# https://docs.slack.dev/reference/methods/chat.postMessage#errors
_STALE = (
    "account_inactive", "invalid_auth", "invalid_token", "no_service", "no_team", "not_authed",
    "token_expired", "token_revoked", "org_login_required", "missing_scope",
)  # fmt: skip
_BUSY = (
    "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable",
    "request_timeout", "rollup_error", "team_added_to_org",
)  # fmt: skip
_UNFIT = (
    "invalid_blocks", "invalid_blocks_format", "invalid_attachments", "invalid_payload",
    "msg_too_long", "msg_blocks_too_long", "too_many_attachments", "no_text",
)  # fmt: skip
_MENDED_BY_A_PERSON = (401, 402, 403, 404, 407, 410)
"""The address, the token or the channel is wrong: with another secret the message is taken."""
_NO_THREAD = ("thread_not_found", "cannot_reply_to_message", "message_not_found")


class Unposted(Exception):
    """A chat did not take a post. Says why, and never to which address it went."""

    def __init__(
        self,
        why: str,
        seconds: int | None = None,
        *,
        busy: bool = False,
        stale: bool = False,
        final: bool = False,
        error: str = "",
    ) -> None:
        self.seconds = seconds
        """After how long to try again; None when only a person can mend it."""
        self.busy = busy
        """Whether the chat wants to be left alone by everybody for so long."""
        self.stale = stale
        """Whether the secret may have been changed."""
        self.final = final
        """Whether the chat will never take this message, however often it is tried."""
        self.unfit = error in _UNFIT
        """Whether the chat did not like the form of the message."""
        self.no_thread = error in _NO_THREAD
        super().__init__(why)


class Chat(NamedTuple):
    """Where to post: a webhook's address, or Slack's own with a token and a channel."""

    url: str
    layout: str
    token: str = ""
    channel: str = ""

    @property
    def threads(self) -> bool:
        """Whether posts can be answers to others: a webhook does not say what it posted."""
        return bool(self.token)


def chat_of(secret: str, channel: str, layout: str) -> Chat:
    """What a secret holds: an https address or a bot's token, bare or in a JSON object.

    What is said about a secret that holds neither does not quote it.
    """
    try:
        given = json.loads(secret) if secret.startswith("{") else {}
    except ValueError:
        raise Unposted("the secret is no JSON object", stale=True) from None
    bare = "" if given else secret
    token = text(nested(given, "token")) or (bare if _TOKEN.fullmatch(bare) else "")
    url = text(nested(given, "url")) or ("" if token else bare)
    channel = text(nested(given, "channel")) or channel
    if token:
        if not _TOKEN.fullmatch(token):
            raise Unposted("the secret's token is none of Slack's", stale=True)
        if not channel:
            raise Unposted("a token needs a channel: set the target's setting `channel`")
        return Chat(url or _WEB_API, "slack", token, channel)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or parts.scheme != "https" or not url.isascii() or not url.isprintable():
        raise Unposted("the secret holds no https address and no token of Slack's", stale=True)
    return Chat(url, _layout_of(host) if layout == "auto" else layout)


def _layout_of(host: str) -> str:
    for layout, ends in _FORMATS.items():
        if any(host == end or host.endswith(f".{end}") for end in ends):
            return layout
    return "generic"


def post(chat: Chat, document: dict[str, Any], thread: str = "", loud: bool = False) -> str:
    """Posts and gives the thread that answers may go to; empty where there is none.

    `thread` makes it an answer there, `loud` one that the channel sees as well.
    """
    if not chat.token:
        answer = post_json(chat.url, document)
        _check(answer, _error_word(answer.body))
        return ""
    where: dict[str, Any] = {"channel": chat.channel}
    if thread:
        where |= {"thread_ts": thread, **({"reply_broadcast": True} if loud else {})}
    answer = post_json(chat.url, {**document, **where}, f"Bearer {chat.token}")
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = None
    error = "" if nested(said, "ok") is True else text(nested(said, "error"))
    _check(answer, _error_word(error), took=nested(said, "ok") is True)
    return text(nested(said, "ts"))


def _check(answer: HttpAnswer, error: str, took: bool = True) -> None:
    """Returns when the chat took the post."""
    status = answer.status
    said = f"the chat answered {status}{f' {error}' if error else ''}"
    if status == 0:
        raise Unposted(f"the chat did not answer: {answer.body}", seconds=0, busy=True)
    if status in (408, 425, 429) or status >= 500 or error in _BUSY:
        raise Unposted(said, seconds=_seconds(answer.retry_after), busy=True)
    if 200 <= status < 300 and took:
        return
    if 300 <= status < 400:
        raise Unposted(f"{said}: redirects are not followed")
    stale = status in _MENDED_BY_A_PERSON or error in _STALE
    unfit = error in _UNFIT or (status in (400, 413, 415, 422) and not error)
    final = error in _UNFIT or (400 <= status < 500 and not stale)
    raise Unposted(said, stale=stale, final=final, error="invalid_payload" if unfit else error)


def _error_word(said: str) -> str:
    """An error's name if it is one; whatever else a server says may hold anything."""
    return said if re.fullmatch(r"[a-z][a-z_]{2,60}", said) else ""


def _seconds(retry_after: str) -> int:
    """What a Retry-After header asks for: seconds, or a date.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    if retry_after.isdecimal() and retry_after.isascii():
        return min(int(retry_after[:9]), 3_600)
    try:
        wait = (parsedate_to_datetime(retry_after) - now()).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0
    return min(max(int(wait) + 1, 0), 3_600)
