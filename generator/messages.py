"""What a person is told about an event, as templates that EventBridge fills in by itself.

Nothing in such a template can be escaped for certain, neither our words nor what the event says:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
So our words go in without the characters that would have to be, and of the event's values only
those that AWS itself writes stand before the words that a reader must be able to trust. What the
caller wrote comes last in a text, where it can spoil nothing, and into a chat's JSON only if the
service took it, whose names hold no quotation marks. Paths of IAM do: no ARN of IAM's stands there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from generator.model import Detection, Json, Severity
from generator.patterns import conjunctions
from generator.subjects import ANYTHING, BY_CALL, BY_SERVICE

CONSOLE = "\0"
"""Stands in a template for the host of the partition's console."""

_ALWAYS = {
    "account": "$.account",
    "region": "$.region",
    "time": "$.time",
    "source": "$.source",
}
"""Of the envelope: in every event."""

_MOSTLY = {
    "name": "$.detail.eventName",
    "id": "$.detail.eventID",
    "address": "$.detail.sourceIPAddress",
    "who": "$.detail.userIdentity.arn",
    "whoKind": "$.detail.userIdentity.type",
    "user": "$.detail.userIdentity.userName",
    "role": "$.detail.userIdentity.sessionContext.sessionIssuer.userName",
    "principal": "$.detail.userIdentity.principalId",
    "onBehalf": "$.detail.userIdentity.invokedBy",
    "error": "$.detail.errorCode",
}
"""Of the record, and AWS's own words; what is missing becomes nothing."""

_OF_INSIGHTS = {
    "name": "$.detail.insightDetails.eventName",
    "source": "$.detail.insightDetails.eventSource",
    "error": "$.detail.insightDetails.errorCode",
    "state": "$.detail.insightDetails.state",
    "kind": "$.detail.insightDetails.insightType",
    "blamed": "$.detail.insightDetails.insightContext.attributions[0].insight[0].value",
}
"""Of an event of CloudTrail Insights, instead; the first attribution is to the caller's ARN.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-trails.html"""

_ERROR_MESSAGE = {"errorMessage": "$.detail.errorMessage"}
_LINK = f"https://<region>.{CONSOLE}/cloudtrailv2/home?region=<region>#/events/<id>"
_PLACEHOLDER = re.compile("<([A-Za-z]+)>")


class Message(NamedTuple):
    """An input template, and the path in the event of each of its placeholders."""

    template: str
    paths: Mapping[str, str]


def text(detection: Detection) -> Message:
    """A readable text for an e-mail: lines in quotes, each with one thing to know.

    The quotes are part of what arrives. Every line reads well, too, where a value is missing.
    """
    lines = [
        f"{_said(detection.title)}: account <account>, <region>, <time>.",
        f"Severity: {detection.severity}.",
        *(
            [
                "What: <state> of unusual activity, <name> (<source>) <kind> <error>",
                "Who, as CloudTrail attributes it: <blamed>",
            ]
            if _of_insights(detection)
            else [
                "What: <name> (<source>)",
                "Who: <whoKind> <who> <onBehalf>",
                "From: <address>",
            ]
        ),
        f"Why it matters: {_said(detection.why)}",
    ]
    if detection.harmless_when:
        lines.append(f"Harmless when: {_said(detection.harmless_when)}")
    lines += [f"The event: {_LINK}", f"The detection: {detection.id}"]
    if _of_insights(detection):
        return _message("\n".join(f'"{line}"' for line in lines), _OF_INSIGHTS)
    if _failures_match(detection):
        lines.append("Error, if it failed: <error> <errorMessage>")
    written, paths = _subjects(detection)
    if written:
        lines.append(f"On what: {written}")
    return _message("\n".join(f'"{line}"' for line in lines), paths)


_SIGNS: Mapping[Severity, str] = {
    "critical": ":rotating_light:",
    "high": ":red_circle:",
    "medium": ":large_orange_circle:",
    "low": ":large_yellow_circle:",
    "info": ":large_blue_circle:",
}


def chat(detection: Detection) -> Message:
    """A custom notification for Amazon Q Developer in chat applications; repeats make a thread.

    https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
    """
    lines = [
        "What: `<name>` (<source>)",
        "Who: <whoKind> `<user><role>` <principal> <onBehalf>",
        "Where: account `<account>`, <region>",
        "When: <time>",
        "From: <address>",
    ]
    written, paths = "", dict[str, str]()
    if _of_insights(detection):
        lines[0] = "What: <state> of unusual activity, `<name>` (<source>) <kind> <error>"
        lines = [line for line in lines if not line.startswith(("Who", "From"))]
        paths = _OF_INSIGHTS
    elif _failures_match(detection):
        lines.append("Error, if it failed: <error>")
    else:
        written, paths = _subjects(detection, left_out=_WITH_PATHS)
    if written:
        lines.append(f"On what: `{written}`")
    lines += ["", f"Why it matters: {_marked_up(detection.why)}"]
    if detection.harmless_when:
        lines.append(f"Harmless when: {_marked_up(detection.harmless_when)}")
    title = f"{_SIGNS[detection.severity]} {_marked_up(detection.title)}"
    notification = {
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": "\n".join(lines),
            "nextSteps": [f"Look at the event: {_LINK}"],
            "keywords": [detection.severity, "<account>", "<region>"],
        },
        "metadata": {
            "threadId": f"{detection.id} <account>",
            "summary": title,
            "eventType": detection.id,
            "additionalContext": {"eventID": "<id>"},
        },
    }
    whole = json.dumps(notification, ensure_ascii=False, separators=(",", ":"))
    return _message(whole.replace(json.dumps(CONSOLE)[1:-1], CONSOLE), paths)


def _message(template: str, paths: Mapping[str, str]) -> Message:
    known = {**_ALWAYS, **_MOSTLY, **_ERROR_MESSAGE, **paths}
    used = dict.fromkeys(_PLACEHOLDER.findall(template))
    return Message(template, {name: known[name] for name in used})


# --- What it was about


_WITH_PATHS = ("policyArn", "resourceArn", "roleArn")
"""Fields that may hold the path of a user, role or policy, and so a quotation mark.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"""


def _subjects(detection: Detection, left_out: tuple[str, ...] = ()) -> tuple[str, dict[str, str]]:
    """Placeholders for what the call may have been about, as they are written, and their paths.

    Of several calls an event is only one, so what each is about can stand side by side.
    """
    groups = [
        tuple(field for field in group if field not in left_out)
        for group in dict.fromkeys(_groups(detection))
    ]
    fields = list(dict.fromkeys(field for group in groups for field in group))
    paths = {_placeholder(field): f"$.detail.requestParameters.{field}" for field in fields}
    if len(fields) < sum(map(len, groups)):
        groups = [tuple(fields)]
    written = "".join(" ".join(f"<{_placeholder(field)}>" for field in group) for group in groups)
    return written, paths


def _groups(detection: Detection) -> Iterator[tuple[str, ...]]:
    """The fields of each call that can match; where that is open, those of its services."""
    for conjunction in conjunctions(detection.pattern):
        sources = [_exact(source) for source in conjunction["source"]]
        names = [_exact(name) for name in conjunction.get("detail.eventName", ("",))]
        for name in names:
            known = [BY_CALL[source, name] for source in sources if (source, name) in BY_CALL]
            yield from known or (BY_SERVICE.get(source, ANYTHING) for source in sources)


def _exact(value: Json) -> str:
    """The text that a pattern asks for; empty where it leaves that open."""
    return value if isinstance(value, str) else ""


def _placeholder(field: str) -> str:
    return f"on{field[0].upper()}{field[1:]}"


def _of_insights(detection: Detection) -> bool:
    """Whether its events are those of CloudTrail Insights, and no others."""
    return detection.pattern.get("detail-type") == ["AWS Insight via CloudTrail"]


def _failures_match(detection: Detection) -> bool:
    """Whether a call that failed can match: then its parameters are whatever the caller wrote."""
    return any(
        conjunction.get("detail.errorCode") != ({"exists": False},)
        for conjunction in conjunctions(detection.pattern)
    )


# --- Our own words

_PLAIN = str.maketrans({'"': "'", "<": "‹", ">": "›", "\\": "/"})
_ENTITIES = str.maketrans({'"': "'", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\\": "/"})


def _one_line(words: str) -> str:
    """Words in one line, without characters that no line shows."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def _said(words: str) -> str:
    """Words for a text, in which nothing can be escaped."""
    return _one_line(words).translate(_PLAIN)


def _marked_up(words: str) -> str:
    """Words for a chat, in which these characters begin a link or a mention.

    https://api.slack.com/reference/surfaces/formatting
    """
    return _one_line(words).translate(_ENTITIES)
