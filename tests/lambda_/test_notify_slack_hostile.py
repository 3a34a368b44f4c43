"""notify_slack and records that want to break it, call people, lead astray or give away secrets."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import loading
from .chat import HOOK, PLAIN, TEAMS, blocks, seen
from .conftest import Deploy
from .events import session_of, stop
from .telling import notice, teller
from .test_notify_slack import REPORT

HOSTILE = [
    "<!channel>",
    "<!here|x>",
    "<@U012345>",
    "<https://evil.example|Open in CloudTrail>",
    "&lt;!channel&gt;",
    "`*bold* _it_ ~no~",
    "```\n# heading\n```",
    "@channel @here @everyone",
    "\u202egnp.exe\u202c",
    "\x00\x07\x1b[31m",
    "[x](https://evil.example)",
    "<script>alert(1)</script>",
    "\ud800",
    "x" * 300_000,
    "&" * 5_000,
    "\n\n*CRITICAL* forged line\n",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "password=hunter2hunter2",
]
_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]*)>")
_DATE = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|[0-9: UTC-]+>")


def harmless(post: dict[str, Any]) -> None:
    """What every post to Slack must be, whatever the record says."""
    json.dumps(post).encode()
    assert len(blocks(post)) <= 50
    for block in blocks(post):
        pieces = [block["text"]] if "text" in block else block["elements"]
        assert 0 < len(pieces) <= 10
        for piece in pieces:
            limit = 150 if block["type"] == "header" else 3_000
            assert 0 < len(piece["text"]) <= limit
            assert block["type"] == "header" or piece["verbatim"] is True
            if block["type"] != "header":
                only_ours(piece["text"])
    only_ours(post["text"])
    assert len(json.dumps(post)) < 40_000


def only_ours(text: str) -> None:
    """No markup but our own link and date, no mention, nothing that draws nothing."""
    for address, _ in _LINK.findall(text):
        assert re.fullmatch(r"https://[a-z0-9-]+\.console\.[a-z.-]+/cloudtrailv2/\S+", address)
    rest = _DATE.sub("", _LINK.sub("", text))
    assert "<" not in rest
    assert ">" not in rest
    assert not re.search(r"&(?!(amp|lt|gt);)", rest)
    assert not re.search(r"@(channel|here|everyone)", rest, re.IGNORECASE)
    assert all(char.isprintable() or char in "\n\N{WORD JOINER}" for char in rest)
    assert "AKIAIOSFODNN7" not in rest
    assert "hunter2hunter2" not in rest


FIELDS = ["eventName", "eventSource", "sourceIPAddress", "userAgent", "errorCode", "errorMessage",
          "awsRegion", "eventID", "eventTime"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=[ascii(text[:20]) for text in HOSTILE])
def test_hostile_texts_stay_texts(deploy: Deploy, text: str) -> None:
    changes: list[dict[str, Any]] = [{field: text} for field in FIELDS]
    events = [stop(**change) for change in changes]
    events += [
        stop(userIdentity=session_of(f"/{text}", text)),
        stop(text),
        stop(requestParameters={text: {text: [text, {text: text}]}, "bucketName": text}),
        stop(resources=[{"ARN": text}, text, {"ARN": 5}]),
        stop(responseElements={"ConsoleLogin": text}, requestParameters=text),
        stop(envelope={"region": text}),
        stop(envelope={"account": text}),
    ]
    with teller(deploy, window_minutes=0, posts_per_minute=100) as tell:
        for event in events:
            assert tell(event).failed == []
        assert len(tell.chat.posts) == len(events)
        for post in tell.chat.posts:
            harmless(post)


def test_hostile_texts_in_reports_stay_texts(deploy: Deploy) -> None:
    with teller(deploy, window_minutes=0) as tell:
        for text in HOSTILE:
            for field in REPORT:
                if field not in ("responder", "outcome"):
                    tell(json.dumps({**REPORT, field: text}))
        for post in tell.chat.posts:
            harmless(post)


def test_a_forged_line_stays_on_its_line(deploy: Deploy) -> None:
    with teller(deploy) as tell:
        tell(stop("x\n*Who*  `root`"))

    assert "*On*  `x *Who*  " not in seen(tell.chat.only)
    assert "\n*Who*  `root`" not in seen(tell.chat.only)


def test_marks_of_formatting_are_shown_and_not_obeyed(deploy: Deploy) -> None:
    with teller(deploy) as tell:
        tell(stop(userIdentity=session_of("/admin", "*bold*_it_")))

    said = seen(tell.chat.only)
    assert "*bold*" not in said
    assert "_it_" not in said
    assert "bold" in said


@pytest.mark.parametrize("hook", [HOOK, TEAMS, PLAIN])
def test_credentials_of_a_record_are_posted_nowhere(deploy: Deploy, hook: str) -> None:
    secrets = [
        "hunter2hunter2",
        "FwoGZXIvYXdzEXAMPLEtoken",
        "c2VjcmV0LXVzZXItZGF0YQ",
        "AbC/dEf+Gh1",
    ]
    event = stop(
        requestParameters={
            "masterUserPassword": secrets[0],
            "userData": secrets[2],
            "name": "x",
            "tags": [{"key": "a", "value": f"token={secrets[3]}"}],
        },
        responseElements={
            "credentials": {"sessionToken": secrets[1], "secretAccessKey": secrets[3]},
            "accessKey": {"secretAccessKey": secrets[3]},
        },
    )
    with teller(deploy, hook) as tell:
        answer = tell(event)

    said = tell.chat.requests[0].body + json.dumps(answer.lines)
    assert not [secret for secret in secrets if secret in said]


_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_values = st.recursive(
    _scalars | st.sampled_from(HOSTILE[:13]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(["name", "items", "arn"]), inner)
    ),
    max_leaves=8,
)
_known = st.sampled_from(
    ["eventName", "eventSource", "userIdentity", "requestParameters", "responseElements",
     "resources", "sourceIPAddress", "userAgent", "errorCode", "errorMessage", "eventTime",
     "additionalEventData", "sessionCredentialFromConsole", "eventType", "recipientAccountId"]
)  # fmt: skip


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(_known, _values, max_size=8), st.sampled_from([HOOK, TEAMS, PLAIN]))
def test_no_record_breaks_it(record: dict[str, Any], hook: str) -> None:
    layouts = _module.LAYOUTS
    event = stop(**{**record, "eventID": "00000000-0000-0000-0000-000000000001"})
    message = json.dumps({"detection": {"id": "x", "title": "T"}, "event": event})
    read = _module.notice_or_report({"messageId": "m", "body": message})
    told = _module.message_of(read)
    harmless(layouts["slack"](told, "note"))
    harmless(_module.slack_reply(told, "note"))
    harmless(_module.slack_plain(told) | {"blocks": []})
    card = layouts["teams"](told, "note")
    assert len(json.dumps(card)) < 28_000
    json.dumps(layouts["generic"](told, "note")).encode()


_module: Any = loading.responder("notify_slack")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAILBUS_SETTINGS", "{}")


def test_a_record_of_a_quarter_megabyte_is_told(deploy: Deploy) -> None:
    many = {f"key{number}": "value " * 50 for number in range(800)}
    with teller(deploy) as tell:
        tell(stop(requestParameters={"name": "x", "deep": many}))

    harmless(tell.chat.only)
    assert "and: `many more`" in seen(tell.chat.only)


def test_a_detection_of_any_words_is_told(deploy: Deploy) -> None:
    with teller(deploy, window_minutes=0) as tell:
        for text in HOSTILE:
            tell(notice(stop(), title=text, why=text, harmless_when=text, severity=text, id=text))
        tell(notice(stop(), title=5, why=None, harmless_when=[], severity={}, id="x"))

    for post in tell.chat.posts:
        harmless(post)
