"""A finding: what a report says of one archived event, in one line of plain text per field."""

import re
from typing import Any, NamedTuple

from shared.notices import Notice, attributed_to, insight_of, nested, text

SEVERITIES = ("critical", "high", "medium", "low", "info")

# Line breaks, control characters, what turns the writing direction around, halves of characters.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff]+"
)
_LONGEST_FIELD = 300


class Finding(NamedTuple):
    """The columns of a report, as they are called in the spreadsheet."""

    time: str
    severity: str
    detection: str
    title: str
    account: str
    region: str
    service: str
    event: str
    result: str
    principal: str
    identity: str
    source_address: str
    resources: str
    event_id: str


def finding_of(notice: Notice) -> Finding:
    """The finding in a notice; a field that is missing or no text is empty."""
    detail, card = notice.detail, notice.detection
    severity = text(card.get("severity"))
    identity = detail.get("userIdentity")
    insight = insight_of(detail)
    call = insight or detail
    blamed = plain(attributed_to(insight, "userIdentityArn"))
    return Finding(
        time=plain(detail.get("eventTime") or notice.event.get("time")),
        severity=severity if severity in SEVERITIES else "info",
        detection=plain(card.get("id")),
        title=plain(card.get("title")),
        account=plain(notice.account),
        region=plain(notice.region),
        service=plain(call.get("eventSource")).removesuffix(".amazonaws.com"),
        event=plain(call.get("eventName") or notice.event.get("detail-type")),
        result=_insight_result(insight) if insight else _result(detail),
        principal=blamed or _principal(identity),
        identity=plain(nested(identity, "type")),
        source_address=plain(detail.get("sourceIPAddress")),
        resources=_resources(detail.get("resources")),
        event_id=plain(detail.get("eventID")),
    )


def plain(value: Any) -> str:
    """The value if it is text, on one line, without what nobody can see, and not too long."""
    shown = _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text(value)[: _LONGEST_FIELD + 1])
    cut = len(shown) > _LONGEST_FIELD
    return shown[: _LONGEST_FIELD - 1] + "\N{HORIZONTAL ELLIPSIS}" if cut else shown


def _result(detail: dict[str, Any]) -> str:
    """What came of the call. A sign-in that failed carries no code.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
    """
    code = plain(detail.get("errorCode"))
    if not code and nested(detail, "responseElements", "ConsoleLogin") == "Failure":
        code = plain(detail.get("errorMessage")) or "Failure"
    return code or "done"


def _insight_result(insight: dict[str, Any]) -> str:
    """Which unusual rate began or ended, and of which error."""
    words = (insight.get("insightType"), insight.get("state"), insight.get("errorCode"))
    return " ".join(filter(None, map(plain, words))) or "unusual activity"


def _principal(identity: Any) -> str:
    """Who did it: the ARN where there is one, else the service or whatever names it best."""
    for keys in (("arn",), ("invokedBy",), ("userName",), ("principalId",), ("accountId",)):
        if found := plain(nested(identity, *keys)):
            return found
    return "nobody named"


def _resources(listed: Any) -> str:
    arns = [plain(nested(each, "ARN")) for each in listed] if isinstance(listed, list) else []
    return plain(" ".join(arn for arn in arns[:5] if arn))
