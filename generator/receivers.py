"""The request bodies that ticket systems, pagers and chats want, as input templates of rules.

EventBridge writes a value into a template as it is. Outside quotes it becomes JSON whatever it
holds; inside quotes a quotation mark in it would end the string, and nothing can be escaped. So
only what AWS itself makes and what holds neither quotes nor markup stands inside text here: the
account and the Region. All else is a value of its own.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html

Every body carries the event's id where the receiver looks for duplicates: a request that is not
answered within five seconds is sent again, though it may have been heard.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from generator import bodies
from generator.model import Detection, Json, Severity

EVENT = "aws.events.event.json"

INSIGHT = "AWS Insight via CloudTrail"
"""The detail-type of events whose facts stand in insightDetails."""

_SAFE_IN_TEXT = ("account", "region")

_OF_EVERY_EVENT = {
    "account": "$.account",
    "region": "$.region",
}
_OF_RECORDS = {
    "event_id": "$.detail.eventID",
    "time": "$.detail.eventTime",
    "call": "$.detail.eventName",
    "service": "$.detail.eventSource",
    "who": "$.detail.userIdentity.arn",
    "role": "$.detail.userIdentity.sessionContext.sessionIssuer.userName",
    "address": "$.detail.sourceIPAddress",
    "error": "$.detail.errorCode",
}
_OF_INSIGHTS = {
    "event_id": "$.detail.eventID",
    "time": "$.detail.eventTime",
    "call": "$.detail.insightDetails.eventName",
    "service": "$.detail.insightDetails.eventSource",
    "who": "$.detail.insightDetails.insightContext.attributions[0].insight[0].value",
    "error": "$.detail.insightDetails.errorCode",
    "state": "$.detail.insightDetails.state",
}
"""Events of CloudTrail Insights; the first attribution is to the caller's ARN.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-trails.html"""
_OF_OTHERS = {"event_id": "$.id", "time": "$.time", "call": "$.detail-type", "service": "$.source"}
"""What events of other kinds say in their envelope. Its id is the same for each try."""

PAGERDUTY: Mapping[Severity, str] = {
    "critical": "critical",
    "high": "error",
    "medium": "warning",
    "low": "info",
    "info": "info",
}
"""https://developer.pagerduty.com/docs/events-api-v2/trigger-events/"""

SERVICENOW: Mapping[Severity, tuple[str, str]] = {
    "critical": ("1", "1"),
    "high": ("1", "2"),
    "medium": ("2", "2"),
    "low": ("3", "2"),
    "info": ("3", "3"),
}
"""Urgency and impact, of which ServiceNow's usual table makes the priorities 1 to 5.
https://docs.servicenow.com/csh?topicname=r_PrioritizationOfIncidents.html"""

COLOURS: Mapping[Severity, str] = {
    "critical": "#b00020",
    "high": "#e8590c",
    "medium": "#f2b705",
    "low": "#2f80ed",
    "info": "#8a8f98",
}


def transformer(
    form: str, detection: Detection, options: Mapping[str, Json]
) -> dict[str, Mapping[str, str] | str]:
    """InputPathsMap and InputTemplate that make the receiver's request body of an event."""
    return _filled(_template(_BODIES[form](detection, options)), detection)


def _filled(template: str, detection: Detection) -> dict[str, Mapping[str, str] | str]:
    used = set(re.findall(r"<(\w+)>", template))
    paths = {name: path for name, path in sorted(_paths(detection).items()) if name in used}
    return {"InputPathsMap": paths, "InputTemplate": template}


def execution_input(
    detection: Detection, function: str, wait: int
) -> dict[str, Mapping[str, str] | str]:
    """What the built-in state machine of remedy.py begins with: the notice, whom to ask, when."""
    body = {
        "ask": function,
        "wait": wait,
        "try": {"number": 0},
        "event_id": _slot("event_id"),
        "event_name": _slot("call"),
        "event_time": _slot("time"),
        "notice": {"detection": _fixed(bodies.card(detection)), "event": _EVENT},
    }
    return _filled(_template(body), detection)


def event_id_path(detection: Detection) -> str:
    """Where the id of the detection's events stands, by which a receiver knows duplicates."""
    return _paths(detection)["event_id"]


def _paths(detection: Detection) -> dict[str, str]:
    """What can be told of the detection's events: whether all of them hold a CloudTrail record."""
    types = detection.pattern.get("detail-type") or [None]
    if types == [INSIGHT]:
        return {**_OF_EVERY_EVENT, **_OF_INSIGHTS}
    of_cloudtrail = all(isinstance(one, str) and one.endswith(" via CloudTrail") for one in types)
    return {**_OF_EVERY_EVENT, **(_OF_RECORDS if of_cloudtrail else _OF_OTHERS)}


# --- The bodies


def _generic(detection: Detection, options: Mapping[str, Json]) -> Json:
    """A notice, with the id in front."""
    return {"id": _slot("event_id"), "detection": _fixed(bodies.card(detection)), "event": _EVENT}


def _pagerduty(detection: Detection, options: Mapping[str, Json]) -> Json:
    """An alert. Its routing key is a secret: the connection adds it to the body.

    https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
    """
    return {
        "event_action": "trigger",
        "dedup_key": _slot("event_id"),
        "client": "Trailbus",
        "payload": {
            "summary": _headline(detection),
            "source": f"{_ACCOUNT}/{_REGION}",
            "severity": PAGERDUTY[detection.severity],
            "timestamp": _slot("time"),
            "component": _slot("service"),
            "group": _slot("account"),
            "class": detection.id,
            "custom_details": {**_reasons(detection), **_facts(detection)},
        },
    }


def _servicenow(detection: Detection, options: Mapping[str, Json]) -> Json:
    """A row of the table `incident`, or of an import set for it. Unknown columns are left out
    there, so those that begin with u_ are for who has made them.

    The Table API makes a row of every request: a business rule, or an import set that coalesces
    on correlation_id, turns a repeated one away.
    https://docs.servicenow.com/csh?topicname=c_TableAPI.html
    """
    urgency, impact = SERVICENOW[detection.severity]
    return {
        "short_description": _headline(detection),
        "description": _story(detection),
        "urgency": urgency,
        "impact": impact,
        "correlation_id": _slot("event_id"),
        "correlation_display": "Trailbus",
        "u_detection": detection.id,
        **{f"u_{name}": slot for name, slot in _facts(detection).items()},
    }


def _jira(detection: Detection, options: Mapping[str, Json]) -> Json:
    """An issue. Jira knows no duplicates: the label and the property are what an automation, or a
    search such as labels = "<event id>", finds them by.

    https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-post
    """
    description: Json = _story(detection)
    if options["api_version"] == "3":
        # Atlassian Document Format, in which text is never markup.
        # https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
        paragraphs = [
            {"type": "paragraph", "content": [{"type": "text", "text": line}]}
            for line in description.splitlines()
        ]
        description = {"type": "doc", "version": 1, "content": paragraphs}
    labels = ["trailbus", detection.id, f"severity-{detection.severity}", _slot("event_id")]
    return {
        "fields": {
            "project": {"key": options["project"]},
            "issuetype": {"name": options["issue_type"]},
            "summary": _headline(detection),
            "description": description,
            "labels": labels,
        },
        "properties": [
            {"key": "trailbus", "value": {"event_id": _slot("event_id"), **_facts(detection)}}
        ],
    }


def _slack(detection: Detection, options: Mapping[str, Json]) -> Json:
    """A message with one attachment, which Slack, Mattermost, Rocket.Chat and Discord all take.

    Attachments may have empty values, blocks may not. All values are of AWS's own making: the
    path of a user may hold <!channel>, and nothing here could escape it, so who it was is told by
    the role's name alone. The responder notify_slack tells it in full.
    https://docs.slack.dev/messaging/formatting-message-text/
    """
    facts = {
        "Call": "call",
        "Service": "service",
        "Account": "account",
        "Region": "region",
        "Role": "role",
        "State": "state",
        "From": "address",
        "At": "time",
        "Event id": "event_id",
    }
    facts = {title: name for title, name in facts.items() if name in _paths(detection)}
    return {
        "text": _mrkdwn(_headline(detection)),
        "attachments": [
            {
                "color": COLOURS[detection.severity],
                "fallback": _mrkdwn(_headline(detection)),
                "text": _mrkdwn(_story(detection)),
                "fields": [
                    {"title": title, "value": _slot(name), "short": name != "event_id"}
                    for title, name in facts.items()
                ],
                "footer": f"Trailbus: {detection.id}",
            }
        ],
    }


_BODIES: Mapping[str, Callable[[Detection, Mapping[str, Json]], Json]] = {
    "generic": _generic,
    "jira": _jira,
    "pagerduty": _pagerduty,
    "servicenow": _servicenow,
    "slack": _slack,
}


# --- What they say


def _headline(detection: Detection) -> str:
    title = " ".join(_fixed(detection.title).split())
    return f"[{detection.severity}] {title}: {_ACCOUNT}, {_REGION}"


def _reasons(detection: Detection) -> dict[str, str]:
    why, harmless = (
        " ".join(_fixed(said).split()) for said in (detection.why, detection.harmless_when)
    )
    return {"why": why, **({"harmless_when": harmless} if harmless else {})}


def _story(detection: Detection) -> str:
    said = _reasons(detection)
    lines = [said["why"]]
    if "harmless_when" in said:
        lines.append(f"Harmless when: {said['harmless_when']}")
    lines.append(f"Account {_ACCOUNT}, Region {_REGION}. Detection {detection.id}.")
    return "\n".join(line for line in lines if line)


def _facts(detection: Detection) -> dict[str, str]:
    """What the receiver gets of the event: no parameters and no answer, which may hold secrets."""
    names = ("account", "address", "call", "error", "region", "service", "state", "time", "who")
    return {name: _slot(name) for name in names if name in _paths(detection)}


def _mrkdwn(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text/#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# --- Placeholders and the text around them

_OPEN, _CLOSE = "\ue000", "\ue001"
"""Stand for a placeholder's brackets until those of the text around it are escaped."""

_ALONE = re.compile(f'"{_OPEN}([\\w.]+){_CLOSE}"')


def _slot(name: str) -> str:
    return f"{_OPEN}{name}{_CLOSE}"


_ACCOUNT, _REGION = (_slot(name) for name in _SAFE_IN_TEXT)
_EVENT = _slot(EVENT)


def _fixed(value: Json) -> Json:
    """A detection's own words, in which nothing is a placeholder."""
    if isinstance(value, str):
        return value.replace(_OPEN, "").replace(_CLOSE, "")
    if isinstance(value, dict):
        return {key: _fixed(item) for key, item in value.items()}
    return [_fixed(item) for item in value]


def _template(body: Json) -> str:
    """The body as text. A slot alone stands outside quotes; no bracket is left that is no slot's.

    EventBridge knows no escape for angle brackets, but JSON does.
    """
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace(">", "\\u003e")
    return _ALONE.sub(r"<\1>", text).replace(_OPEN, "<").replace(_CLOSE, ">")
