"""notify_slack: what it tells, of whom, in which words, and of what it is silent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator import catalogue

from . import loading
from .chat import CHANNEL, HOOK, PLAIN, TEAMS, TOKEN, blocks, seen, texts
from .conftest import Deploy
from .events import DETECTION, HOME, MEMBER, MISSING, OTHER, session_of, stop
from .telling import SECRET, Teller, notice, teller


@pytest.fixture
def tell(deploy: Deploy) -> Iterator[Teller]:
    """As the settings' defaults have it, with a webhook of Slack's."""
    with teller(deploy) as made:
        yield made


def test_loading_it_makes_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boto3.client", None)

    assert callable(loading.responder("notify_slack").handler)


# --- The message


def test_a_message_says_what_who_where_from_where_and_why(tell: Teller) -> None:
    event = stop(
        userIdentity=session_of("/platform-admin", "mara@example.com"),
        sourceIPAddress="198.51.100.7",
        userAgent="aws-cli/2.31 md/x",
        event_id="3b644f44-653d-5387-90db-a4d40cec4a8e",
    )
    answer = tell(event)
    post = tell.chat.only

    assert answer.outcomes == ["posted"]
    assert tell.chat.requests[0].url == HOOK
    assert (
        post["blocks"][0]["text"]["text"] == "\N{LARGE RED CIRCLE} CloudTrail logging was stopped"
    )
    said = seen(post)
    assert f"*CRITICAL*  {MEMBER}, {HOME}" in said
    assert "*Who*  `platform-admin`  role, session mara@example.com" in said
    assert "*Did*  `StopLogging`  cloudtrail" in said
    assert "*On*  `account-trail`" in said
    assert "*From*  `198.51.100.7`  AWS CLI" in said
    assert "Whoever stops the recorder acts unseen from then on." in said
    assert "Harmless when: A trail is being replaced on purpose" in said
    assert DETECTION in said
    assert (
        f"<https://{HOME}.console.aws.amazon.com/cloudtrailv2/home?region={HOME}"
        "#/events/3b644f44-653d-5387-90db-a4d40cec4a8e|Open in CloudTrail>"
    ) in said
    assert "<!date^1793707140^{date_short_pretty} {time}|2026-11-03 11:59 UTC>" in said


def test_a_notification_says_the_most_in_a_line(tell: Teller) -> None:
    tell(stop(userIdentity=session_of("/admin", "mara")))

    assert tell.chat.only["text"] == (
        f"CRITICAL: CloudTrail logging was stopped in {MEMBER}, {HOME} by admin"
    )


@pytest.mark.parametrize(
    ("severity", "colour"),
    [
        ("critical", "#8b0000"),
        ("high", "#d9480f"),
        ("medium", "#e0a800"),
        ("low", "#1971c2"),
        ("info", "#868e96"),
        ("unheard of", "#868e96"),
    ],
)
def test_a_severity_has_its_colour(tell: Teller, severity: str, colour: str) -> None:
    tell(notice(stop(), severity=severity))

    assert tell.chat.only["attachments"][0]["color"] == colour
    assert severity.upper() in seen(tell.chat.only)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
    ],
)
def test_the_link_opens_the_console_of_the_partition(tell: Teller, region: str, host: str) -> None:
    tell(stop(region=region))

    assert f"<https://{host}/cloudtrailv2/home?region={region}#/events/" in seen(tell.chat.only)


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("a Region that is none", stop(envelope={"region": "eu-west-1|x> <!channel"})),
        ("an id that is none", stop(eventID="x|y> <!here>")),
        ("no id", stop(eventID=MISSING)),
    ],
)
def test_what_is_no_address_makes_no_link(tell: Teller, name: str, event: Any) -> None:
    tell(event)

    assert "Open in CloudTrail" not in seen(tell.chat.only), name


def test_a_denied_call_is_told_as_failed(tell: Teller) -> None:
    tell(stop(errorCode="AccessDenied", errorMessage="User is not authorized"))

    said = seen(tell.chat.only)
    assert "cloudtrail, failed: AccessDenied" in said
    assert "error: `User is not authorized`" in said


def test_a_sign_in_tells_how_it_went_and_whether_with_mfa(tell: Teller) -> None:
    tell(
        stop(
            eventName="ConsoleLogin",
            eventSource="signin.amazonaws.com",
            requestParameters=None,
            responseElements={"ConsoleLogin": "Success"},
            additionalEventData={"MFAUsed": "No"},
        )
    )

    assert "`ConsoleLogin`  signin, success, without MFA" in seen(tell.chat.only)


RESOURCES: list[tuple[str, dict[str, Any], str]] = [
    ("an ARN that CloudTrail lists", {"resources": [{"ARN": "arn:aws:s3:::b"}]}, "arn:aws:s3:::b"),
    ("a bucket", {"requestParameters": {"Host": "b.s3", "bucketName": "b"}}, "b"),
    ("instances", {"requestParameters": {"instancesSet": {"items": [
        {"instanceId": "i-1"}, {"instanceId": "i-2"}, {"instanceId": "i-3"}]}}},
        "i-1; i-2`  and 1 more"),
    ("what was made", {"requestParameters": None, "responseElements": {"instancesSet": {"items": [
        {"instanceId": "i-9"}]}}}, "i-9"),
    ("a nested name", {"requestParameters": None, "responseElements": {"user": {
        "arn": "arn:aws:iam::1:user/x", "userName": "x"}}}, "x"),
    ("a name of a service that no list knows", {"requestParameters": {"fooIdentifier": "f"}}, "f"),
    ("a list of names", {"requestParameters": {"logGroupNames": ["a", "b"]}}, "a; b"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "detail", "shown"), RESOURCES, ids=[row[0] for row in RESOURCES])
def test_what_was_touched_is_named(
    tell: Teller, name: str, detail: dict[str, Any], shown: str
) -> None:
    tell(stop(**detail))

    assert f"*On*  `{shown}" in seen(tell.chat.only), name


def test_parameters_besides_are_shown_a_few_of_them(tell: Teller) -> None:
    more = {f"key{number}": number for number in range(9)}
    tell(stop(requestParameters={"name": "account-trail", **more}))

    said = seen(tell.chat.only)
    assert "key5: `5`" in said
    assert "key6" not in said
    assert "and: `3 more`" in said


def test_an_insight_without_a_call_is_told_all_the_same(tell: Teller) -> None:
    event = stop(
        envelope={"detail-type": "AWS Insight via CloudTrail"},
        eventName=MISSING,
        eventSource=MISSING,
        userIdentity=MISSING,
        requestParameters=MISSING,
        sourceIPAddress=MISSING,
    )
    assert tell(event).outcomes == ["posted"]
    assert "*Did*  `AWS Insight via CloudTrail`" in seen(tell.chat.only)


# --- Names of accounts


def test_a_named_account_is_called_by_its_name(deploy: Deploy) -> None:
    names = {"SlackAccountNames": json.dumps({MEMBER: "Payments"})}
    with teller(deploy, given=names) as tell:
        tell(stop(), stop(account=OTHER))

    assert f"Payments ({MEMBER}), " in seen(tell.chat.posts[0])
    assert f"*CRITICAL*  {OTHER}, " in seen(tell.chat.posts[1])


def test_names_are_looked_up_once_if_wanted(deploy: Deploy) -> None:
    with teller(deploy, look_up_accounts=True) as tell:
        tell.aws.names[MEMBER] = "Pay <!channel> & more"
        tell(stop(), stop(userIdentity=session_of("/r", "other")))

    assert f"Pay &lt;!channel&gt; &amp; more ({MEMBER})" in seen(tell.chat.posts[0])
    assert len(tell.aws.made("organizations:DescribeAccount")) == 1


def test_a_name_that_is_not_to_be_had_keeps_no_message_back(deploy: Deploy) -> None:
    with teller(deploy, look_up_accounts=True) as tell:
        tell.aws.fail("organizations:DescribeAccount", "AccessDeniedException")
        answer = tell(stop())

    assert answer.failed == []
    assert f"*CRITICAL*  {MEMBER}, " in seen(tell.chat.only)


def test_names_are_not_looked_up_unless_wanted(tell: Teller) -> None:
    tell(stop())

    assert not tell.aws.made("organizations:DescribeAccount")


# --- Other chats


def test_a_bots_token_posts_to_its_channel(deploy: Deploy) -> None:
    secret = json.dumps({"token": TOKEN, "channel": CHANNEL})
    with teller(deploy, secret) as tell:
        tell(stop())

    [request] = tell.chat.requests
    assert request.url == "https://slack.com/api/chat.postMessage"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert tell.chat.only["channel"] == CHANNEL
    assert TOKEN not in request.body


def test_a_bare_token_takes_the_channel_of_the_settings(deploy: Deploy) -> None:
    with teller(deploy, TOKEN, {"SlackChannel": CHANNEL}) as tell:
        tell(stop())

    assert tell.chat.only["channel"] == CHANNEL


def test_teams_gets_a_card(deploy: Deploy) -> None:
    with teller(deploy, TEAMS) as tell:
        tell(stop(userIdentity=session_of("/admin", "**mara** [x](https://evil.example)")))

    post = tell.chat.only
    assert post["type"] == "message"
    [attachment] = post["attachments"]
    card = attachment["content"]
    assert card["type"] == "AdaptiveCard"
    assert card["actions"][0]["url"].startswith(f"https://{HOME}.console.aws.amazon.com/")
    kinds = {each["type"] for each in card["body"]}
    assert kinds == {"Container", "RichTextBlock"}, "text blocks would read Markdown"
    assert "CloudTrail logging was stopped" in " ".join(texts(card))
    assert len(json.dumps(post)) < 28_000


def test_any_other_webhook_gets_plain_json(deploy: Deploy) -> None:
    with teller(deploy, PLAIN) as tell:
        tell(stop(event_id="3b644f44-653d-5387-90db-a4d40cec4a8e"))

    post = tell.chat.only
    assert post["event_id"] == "3b644f44-653d-5387-90db-a4d40cec4a8e"
    assert post["source"] == DETECTION
    assert post["severity"] == "critical"
    assert post["facts"]["did"] == {"value": "StopLogging", "more": "cloudtrail"}


def test_a_setting_overrules_what_the_host_says(deploy: Deploy) -> None:
    with teller(deploy, PLAIN, format="slack") as tell:
        tell(stop())

    assert blocks(tell.chat.only)


def test_a_parameter_of_systems_manager_is_read_instead_of_a_secret(deploy: Deploy) -> None:
    with teller(deploy, "unused", {"SlackParameter": "/chat/hook"}) as tell:
        tell.aws.secrets["/chat/hook"] = HOOK
        tell(stop())

    assert tell.chat.requests[0].url == HOOK
    assert not tell.aws.made("secretsmanager:GetSecretValue")


# --- Of what it is silent


def ignoring(deploy: Deploy, event: Any, settings: Any, **variables: str) -> str:
    given = {f"SlackIgnore{name.capitalize()}": value for name, value in variables.items()}
    with teller(deploy, given=given, **settings) as tell:
        answer = tell(event)
    assert tell.chat.posts == []
    assert answer.failed == []
    assert answer.only["outcome"] == "ignored"
    return str(answer.only["message"])


IGNORED: list[tuple[str, Any, dict[str, Any], dict[str, str], str]] = [
    ("an account", stop(), {}, {"accounts": json.dumps([MEMBER])}, f"account {MEMBER} is ignored"),
    ("an event", stop(), {"ignore_events": ["StopLogging"]}, {}, "event StopLogging is ignored"),
    ("an event of a service", stop(), {"ignore_events": ["cloudtrail:Stop*"]}, {},
     "event cloudtrail:Stop* is ignored"),
    ("a principal", stop(userIdentity=session_of("/ci/deploy", "run-1")), {},
     {"principals": f'["arn:aws:iam::{MEMBER}:role/ci/*"]'},
     f"principal arn:aws:iam::{MEMBER}:role/ci/* is ignored"),
    ("a replay", stop(envelope={"replay-name": "r"}), {}, {},
     "replayed: a replay is for consumers, people were told before"),
    ("its own role", stop(userIdentity=session_of("/trailbus-slack-function", "trailbus-slack",
     "222222222222"), eventName="GetSecretValue", readOnly=True), {}, {},
     "the call was made with this responder's own role"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "event", "settings", "variables", "why"), IGNORED, ids=[row[0] for row in IGNORED]
)
def test_it_is_silent_about(
    deploy: Deploy,
    name: str,
    event: Any,
    settings: dict[str, Any],
    variables: dict[str, str],
    why: str,
) -> None:
    assert ignoring(deploy, event, settings, **variables) == why, name


def test_near_misses_of_what_is_ignored_are_told(deploy: Deploy) -> None:
    variables = {
        "SlackIgnoreAccounts": json.dumps([OTHER]),
        "SlackIgnorePrincipals": json.dumps([f"arn:aws:iam::{MEMBER}:role/ci"]),
    }
    with teller(deploy, given=variables, ignore_events=["ec2:Stop*", "stoplogging"]) as tell:
        answer = tell(stop(userIdentity=session_of("/ci2", "run-1")))

    assert answer.outcomes == ["posted"]


@pytest.mark.parametrize(
    "entry",
    [
        "arn:aws:iam::*:role/ci/*",
        f"arn:aws:sts::{MEMBER}:assumed-role/deploy/run-1",
        f"arn:aws:iam::{MEMBER}:role/run-1",
    ],
)
def test_nobody_hides_behind_a_name_of_their_own_choice(deploy: Deploy, entry: str) -> None:
    with teller(deploy, given={"SlackIgnorePrincipals": json.dumps([entry])}) as tell:
        answer = tell(stop(userIdentity=session_of("/ci/deploy", "run-1")))

    assert "posted" in answer.outcomes


def test_what_its_own_role_changed_is_told(deploy: Deploy) -> None:
    """The function itself only reads: whoever stops a trail with its role has borrowed it."""
    own = session_of("/trailbus-slack-function", "trailbus-slack", "222222222222")
    with teller(deploy) as tell:
        assert tell(stop(userIdentity=own, readOnly=False)).outcomes == ["posted"]


@pytest.mark.parametrize("given", ["no list", '{"a": 1}', "[1]", '"111122223333"'])
def test_an_ignore_list_that_is_none_is_an_error_and_silences_nothing(
    deploy: Deploy, given: str
) -> None:
    with teller(deploy, given={"SlackIgnoreAccounts": given}) as tell:
        answer = tell(stop())

    assert answer.failed == []
    assert answer.outcomes == ["misread", "posted"]
    assert answer.lines[0]["level"] == "ERROR"


# --- Reports of responders


REPORT: dict[str, Any] = {
    "level": "INFO",
    "responder": "trail-guard",
    "outcome": "restarted",
    "message": "the trail was stopped and is logging again",
    "detection": DETECTION,
    "account": MEMBER,
    "region": HOME,
    "event_id": "3b644f44-653d-5387-90db-a4d40cec4a8e",
    "event_name": "StopLogging",
    "event_time": "2026-11-03T11:59:00Z",
    "by": f"arn:aws:sts::{MEMBER}:assumed-role/admin/mara",
    "resource": f"arn:aws:cloudtrail:{HOME}:{MEMBER}:trail/account-trail",
    "evidence": {
        "id": f"restart_cloudtrail/{MEMBER}/3b644f44-653d-5387-90db-a4d40cec4a8e",
        "before": {"logging": False},
        "after": {"logging": True},
        "undo": [
            {
                "service": "cloudtrail",
                "operation": "StopLogging",
                "parameters": {"Name": "account-trail"},
            }
        ],
    },
}


def test_a_report_is_told_with_before_after_and_undo(tell: Teller) -> None:
    assert tell(json.dumps(REPORT)).outcomes == ["posted"]

    post = tell.chat.only
    said = seen(post)
    assert "trail-guard: restarted" in said
    assert "`logging false \N{RIGHTWARDS ARROW} logging true`" in said
    assert f"*Evidence*  `{REPORT['evidence']['id']}`" in said
    assert "*After*  `StopLogging`  by mara, role admin" in said
    assert "```cloudtrail StopLogging: Name account-trail```" in said
    assert "The trail was stopped and is logging again" in said
    assert post["attachments"][0]["color"] == "#2b8a3e"


def test_the_report_in_the_documentation_is_told_in_full(tell: Teller) -> None:
    documented = Path(__file__).parents[2] / "docs" / "remediations.md"
    [sample] = re.findall(r"```json\n(.*?)```", documented.read_text(encoding="utf-8"), re.DOTALL)
    tell(sample)

    said = seen(tell.chat.only)
    assert "public_by policy" in said
    assert "public_access_block.RestrictPublicBuckets true" in said
    assert "```s3 DeletePublicAccessBlock: Bucket press-images, ExpectedBucketOwner" in said
    assert "(hidden)" not in said


@pytest.mark.parametrize("evidence", [None, "x", [], {"undo": [1, {}]}, {"before": 1, "id": {}}])
def test_a_report_with_odd_evidence_is_told(tell: Teller, evidence: Any) -> None:
    assert tell(json.dumps({**REPORT, "evidence": evidence})).outcomes == ["posted"]


@pytest.mark.parametrize("outcome", ["gave up", "escalated"])
def test_a_loud_report_is_loud(tell: Teller, outcome: str) -> None:
    tell(json.dumps({**REPORT, "outcome": outcome}))

    assert tell.chat.only["attachments"][0]["color"] == "#d9480f"


def test_a_report_delivered_twice_is_told_once(tell: Teller) -> None:
    assert tell(json.dumps(REPORT), json.dumps(REPORT)).outcomes == ["posted", "ignored"]


def test_its_own_report_runs_in_no_circle(tell: Teller) -> None:
    assert tell(json.dumps({**REPORT, "responder": "slack"})).outcomes == ["ignored"]


@pytest.mark.parametrize("body", ["", "null", "[]", "{}", "{", '{"outcome": 1, "responder": 2}'])
def test_what_is_neither_notice_nor_report_goes_to_the_dead_letters(
    tell: Teller, body: str
) -> None:
    answer = tell(body)

    assert len(answer.failed) == 1
    assert answer.only["message"].startswith("unreadable: ")
    assert tell.chat.posts == []


# --- The secret


def test_the_secret_is_read_once_in_a_while(tell: Teller) -> None:
    tell(stop(), stop(userIdentity=session_of("/b", "x")))
    assert len(tell.aws.made("secretsmanager:GetSecretValue")) == 1
    tell.later(minutes=6)
    tell(stop(userIdentity=session_of("/c", "x")))

    assert len(tell.aws.made("secretsmanager:GetSecretValue")) == 2


def test_the_settings_of_a_template_hold_no_secret(tell: Teller) -> None:
    environment = tell.function.environment
    assert environment["TRAILBUS_SECRET"] == SECRET
    assert not any("hooks.slack.com" in value for value in environment.values())


# --- What the documentation says

DOCS = Path(__file__).parents[2] / "docs" / "slack-message.md"


def test_the_sample_in_the_documentation_is_what_is_posted(deploy: Deploy) -> None:
    event = stop(
        userIdentity=session_of(
            "/aws-reserved/sso.amazonaws.com/AWSReservedSSO_AdministratorAccess_0123456789abcdef",
            "mara@example.com",
        ),
        sourceIPAddress="198.51.100.7",
        userAgent="aws-cli/2.31.0",
        event_id="3b644f44-653d-5387-90db-a4d40cec4a8e",
    )
    names = {"SlackAccountNames": json.dumps({MEMBER: "Payments"})}
    with teller(deploy, given=names) as tell:
        tell(event)
    sample = DOCS.read_text(encoding="utf-8").rpartition("```json\n")[2].partition("```")[0]

    assert json.loads(sample) == tell.chat.only


def test_the_documentation_names_each_setting() -> None:
    responder = catalogue.read(wanted=lambda *_: False).responders["notify_slack"]
    text = DOCS.read_text(encoding="utf-8")
    rows = [f"| `{s.name}` | `{json.dumps(s.default)}` | {s.help} |" for s in responder.settings]

    assert [row for row in rows if row not in text] == []
