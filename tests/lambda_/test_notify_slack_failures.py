"""notify_slack when the chat is busy, down, gone or elsewhere: nothing is lost or leaked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from generator.simulation.web import Request, Response

from .aws import Refusal
from .chat import CHANNEL, GOOGLE, HOOK, OTHER_HOOK, PLAIN, TEAMS, TOKEN, down, seen
from .conftest import Deploy
from .events import NOW, session_of, stop
from .telling import CRITICAL, SECRET, Teller, teller
from .test_notify_slack import REPORT


@pytest.fixture
def tell(deploy: Deploy) -> Iterator[Teller]:
    with teller(deploy) as made:
        yield made
    leaked = [HOOK.rpartition("/")[2], OTHER_HOOK.rpartition("/")[2], TOKEN]
    said = json.dumps(made.aws.published)
    assert not any(secret in said for secret in leaked)


def by(name: str) -> dict[str, Any]:
    return stop(userIdentity=session_of("/admin", name))


# --- Busy and down


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        ("1", 1, 3),
        ("2", 2, 4),
        ("30", 30, 46),
        ("120", 120, 180),
        ("Tue, 03 Nov 2026 12:05:00 GMT", 300, 452),
        ("999999999", 3_600, 5_400),
        ("", 15, 23),
        ("soon", 15, 23),
        ("-5", 15, 23),
        ("٣", 15, 23),
        ("Tue, 03 Nov 2020 12:05:00 GMT", 15, 23),
        ("9" * 4_000, 3_600, 5_400),
    ],
)
def test_a_busy_chat_is_obeyed(tell: Teller, given: str, least: int, most: int) -> None:
    tell.chat.says = down(429, Retry_After=given)
    answer = tell(stop())

    assert len(answer.failed) == 1
    assert answer.published == [], "a chat that is busy is nothing to report"
    [wait] = tell.waits
    assert least <= wait <= most


def test_the_rest_of_a_batch_is_not_even_tried(tell: Teller) -> None:
    tell.chat.says = down(429, Retry_After="60")
    answer = tell(*[by(f"p{n}") for n in range(10)])

    assert len(answer.failed) == 10
    assert len(tell.chat.requests) == 1
    assert all(60 <= wait <= 92 for wait in tell.waits)
    assert len(set(tell.waits)) > 1, "they do not come back all at once"
    tell.chat.says = None
    assert len(tell(by("p0")).failed) == 1
    tell.later(seconds=61)
    assert tell(by("p0")).outcomes == ["posted"]


def test_a_chat_that_is_down_for_an_hour_gets_everything_afterwards(tell: Teller) -> None:
    """A queue that hides messages for as long as they say, and a clock that nobody waits for."""
    queue = {
        n: (stop(account=f"{n:012}", userIdentity=session_of("/admin", f"person-{n % 7}")), NOW, 1)
        for n in range(40)
    }
    tell.chat.says = down(503)
    up = NOW + timedelta(hours=1)
    tries = []
    while queue:
        n = min(queue, key=lambda key: queue[key][1])
        event, due, count = queue.pop(n)
        tell.function.moment = max(tell.function.moment, due)
        if tell.function.moment >= up:
            tell.chat.says = None
        tell.aws.hidden.clear()
        if tell(event, tries=count).failed:
            [wait] = tell.waits
            queue[n] = event, tell.function.moment + timedelta(seconds=wait), count + 1
        else:
            tries.append(count)
    assert len(tries) == 40
    assert max(tries) < 30, "far from the sixty tries that a message has"
    settled = [item for item in tell.aws.memory().values() if item.get("done")]
    assert len(settled) == 40
    posted = "".join(request.body for request in tell.chat.requests[-60:])
    assert all(f"{n:012}" in posted for n in range(40))


def test_it_waits_longer_from_try_to_try(tell: Teller) -> None:
    tell.chat.says = down(500)
    waits = []
    for number in (1, 2, 3, 5, 9, 60):
        tell.aws.hidden.clear()
        tell(stop(), tries=number)
        waits += tell.waits
        tell.later(hours=1)

    for wait, least in zip(waits, (15, 30, 60, 240, 900, 900), strict=True):
        assert least <= wait <= 1.5 * least


def test_a_chat_that_does_not_answer_is_tried_again(tell: Teller) -> None:
    def silent(request: Request) -> Response:
        raise TimeoutError(f"timed out: {request.url}")

    tell.chat.says = silent
    answer = tell(stop())

    assert len(answer.failed) == 1
    assert "the chat did not answer: TimeoutError; again in" in answer.only["message"]
    assert tell.chat.says is silent
    assert HOOK not in json.dumps(answer.lines)


def test_a_web_api_that_is_busy_says_so_in_its_body(deploy: Deploy) -> None:
    with teller(deploy, json.dumps({"token": TOKEN, "channel": CHANNEL})) as tell:
        tell.chat.answers = [Response(200, '{"ok": false, "error": "internal_error"}')]
        answer = tell(stop())

    assert len(answer.failed) == 1
    assert answer.published == []


def test_a_queue_that_does_not_hide_a_message_gets_it_back_all_the_same(tell: Teller) -> None:
    tell.chat.says = down(503)
    tell.aws.fail("sqs:ChangeMessageVisibility", "ReceiptHandleIsInvalid")
    answer = tell(stop())

    assert len(answer.failed) == 1
    assert "not hidden: " in answer.lines[-1]["message"]


def test_a_second_is_a_second(tell: Teller) -> None:
    tell.chat.answers = [Response(429, "", {"Retry-After": "1"})]
    tell(by("mara"), by("nils"))
    assert len(tell.chat.requests) == 1
    tell.later(seconds=1)

    assert tell(by("mara")).outcomes == ["posted"]


# --- Refused for good


@pytest.mark.parametrize("status", [400, 405, 413, 415, 418, 422])
def test_what_is_refused_in_every_form_ends_at_once_with_the_reason(
    tell: Teller, status: int
) -> None:
    tell.chat.says = lambda request: Response(status, "")
    event = stop()
    answer = tell(event)

    assert answer.failed == []
    assert len(tell.chat.requests) <= 3
    [aside] = tell.aws.sent
    assert aside["QueueUrl"].endswith("trailbus-slack-dead-letters")
    assert json.loads(aside["MessageBody"])["event"] == event
    reason = aside["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    assert reason == f"the chat answered {status}"
    [report] = answer.published
    assert report["outcome"] == "refused"
    assert f"the chat answered {status}" in report["message"]
    tell.chat.says = None
    assert tell(event).outcomes == ["posted"], "once it is moved back"


def test_a_critical_one_is_put_with_the_dead_letters_of_its_own_queue(tell: Teller) -> None:
    tell.chat.says = down(400)
    assert tell(stop(), queue=CRITICAL).failed == []

    assert tell.aws.sent[0]["QueueUrl"].endswith("trailbus-slack-critical-dead-letters")


def test_what_cannot_be_put_aside_is_tried_again(tell: Teller) -> None:
    tell.chat.says = down(400)
    tell.aws.fail("sqs:SendMessage", "OverLimit")

    assert len(tell(stop()).failed) == 1


def test_an_address_that_was_typed_for_a_name_is_not_repeated(tell: Teller) -> None:
    refusal = Refusal("ValidationException", f"no secret {PLAIN}")
    tell.aws.fail("secretsmanager:GetSecretValue", refusal)
    answer = tell(stop())

    said = json.dumps([answer.lines, answer.published])
    assert "ValidationException" in said
    assert PLAIN not in said


# --- Chats that take text alone


def text_alone(request: Request) -> Response:
    """Google Chat refuses what it does not know."""
    return Response(200 if list(json.loads(request.body)) == ["text"] else 400)


@pytest.mark.parametrize(
    ("hook", "layout"),
    [(GOOGLE, "auto"), (GOOGLE, "slack"), (PLAIN, "text"), (PLAIN, "generic"), (TEAMS, "auto")],
)
def test_a_chat_that_takes_text_alone_gets_text(deploy: Deploy, hook: str, layout: str) -> None:
    with teller(deploy, hook, format=layout) as tell:
        tell.chat.says = text_alone
        answer = tell(by("<users/all> *mara*"))

    assert answer.outcomes == ["posted"]
    said = tell.chat.posts[-1]["text"]
    assert "CRITICAL" in said
    assert "account-trail" in said
    if layout in ("auto", "text") and hook != TEAMS:
        assert len(tell.chat.posts) == 1
        assert "/cloudtrailv2/" in said
        assert "<" not in said, "nothing calls everybody"


# --- Gone


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, "no_service"),
        (404, "channel_not_found"),
        (410, "channel_is_archived"),
        (403, "action_prohibited"),
        (403, "invalid_token"),
        (401, ""),
        (404, "<html>nothing at https://hooks.slack.com/services/T0AAAAAAA</html>"),
    ],
)
def test_a_webhook_that_is_gone_is_loud(tell: Teller, status: int, body: str) -> None:
    tell.chat.says = lambda request: Response(status, body)
    answer = tell(stop())

    assert len(answer.failed) == 1
    assert answer.lines[0]["level"] == "ERROR"
    [report] = answer.published
    assert report["outcome"] == "failed"
    assert f"the chat answered {status}" in report["message"]
    assert "html" not in report["message"]


def test_many_failures_are_published_once_in_a_while(tell: Teller) -> None:
    tell.chat.says = down(404)
    answer = tell(*[by(f"p{n}") for n in range(10)])
    assert len(answer.failed) == 10
    assert len(answer.published) == 1
    tell.later(minutes=16)
    assert len(tell(by("p11")).published) == 1


def test_a_report_that_cannot_be_told_is_not_reported(tell: Teller) -> None:
    tell.chat.says = down(404)
    answer = tell(json.dumps(REPORT))

    assert len(answer.failed) == 1
    assert answer.published == []


def test_no_redirect_is_followed(tell: Teller) -> None:
    elsewhere = {"Location": "https://evil.example/collect"}
    tell.chat.says = lambda request: Response(302, "", elsewhere)
    answer = tell(stop())

    assert [request.host for request in tell.chat.requests] == ["hooks.slack.com"]
    assert "redirects are not followed" in answer.lines[0]["message"]


# --- A secret that is changed, or is none


def test_a_new_webhook_needs_no_deployment(tell: Teller) -> None:
    tell(by("mara"))
    tell.aws.secrets[SECRET] = OTHER_HOOK
    tell.chat.says = lambda r: Response(404, "no_service") if r.url == HOOK else Response()
    answer = tell(by("nils"))

    assert answer.outcomes == ["posted"]
    assert [request.url for request in tell.chat.requests] == [HOOK, HOOK, OTHER_HOOK]
    assert len(tell.aws.made("secretsmanager:GetSecretValue")) == 2


def test_a_new_token_needs_no_deployment(deploy: Deploy) -> None:
    new = "xoxb-999999999999-" + "Z" * 24
    with teller(deploy, TOKEN, {"SlackChannel": CHANNEL}) as tell:
        tell(by("mara"))
        tell.aws.secrets[SECRET] = new
        revoked = Response(200, '{"ok": false, "error": "token_revoked"}')
        tell.chat.answers = [revoked]
        answer = tell(by("nils"))

    assert answer.outcomes == ["posted"]
    assert tell.chat.requests[-1].headers["Authorization"] == f"Bearer {new}"


def test_a_secret_that_did_not_change_is_not_tried_twice(tell: Teller) -> None:
    tell.chat.says = down(404)
    tell(stop())

    assert len(tell.chat.requests) == 1
    assert len(tell.aws.made("secretsmanager:GetSecretValue")) == 2


@pytest.mark.parametrize(
    "secret",
    [
        "http://hooks.slack.com/services/T/B/cccccccccccccccccccccccc",
        "ftp://x/cccccccccccccccccccccccc",
        "cccccccccccccccccccccccc",
        "https://",
        "https://[cccccccccccccccccccccccc",
        "https://hooks.slack.com/a b\r\nHost: cccccccccccccccccccccccc",
        "{cccccccccccccccccccccccc",
        '{"token": "xoxb-with spaces cccccccccccccccccccccccc"}',
        '{"token": 5}',
        "{}",
        "",
        "file:///etc/passwd",
        TOKEN,
    ],
)
def test_a_secret_of_another_form_is_loud_and_never_quoted(tell: Teller, secret: str) -> None:
    tell.aws.secrets[SECRET] = secret
    answer = tell(stop())

    assert len(answer.failed) == 1
    assert tell.chat.requests == []
    [report] = answer.published
    assert report["outcome"] == "failed"
    said = json.dumps(answer.lines) + json.dumps(answer.published)
    assert "c" * 24 not in said
    assert TOKEN not in said


def test_a_secret_that_is_missing_is_loud(tell: Teller) -> None:
    del tell.aws.secrets[SECRET]
    answer = tell(stop())

    assert len(answer.failed) == 1
    assert "ResourceNotFoundException" in answer.published[0]["message"]


# --- Messages that Slack does not like


@pytest.mark.parametrize(
    "refusal", [Response(400, "invalid_blocks"), Response(400), Response(413, "too big")]
)
def test_a_message_in_a_form_that_is_refused_goes_out_in_plain_words(
    tell: Teller, refusal: Response
) -> None:
    tell.chat.answers = [refusal]
    answer = tell(by("mara"))

    assert answer.outcomes == ["posted"]
    plain = tell.chat.posts[-1]
    assert "blocks" not in plain
    assert "attachments" not in plain
    assert "CloudTrail logging was stopped" in plain["text"]
    assert "/cloudtrailv2/" in plain["text"]
    assert seen(plain) == ""


def test_one_bad_message_of_a_batch_keeps_no_other_back(tell: Teller) -> None:
    answer = tell(by("a"), "no notice", by("b"))

    assert len(answer.failed) == 1
    assert [line["outcome"] for line in answer.lines] == ["failed", "posted", "posted"]
