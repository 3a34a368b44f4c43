"""What people are told about an alarm of the product itself."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

from shared.messages import Message, account_named
from shared.notices import nested, text
from shared.secrecy import readable

_STATES = {
    # state of the alarm: severity, what the title says
    "ALARM": ("high", "Alarm"),
    "OK": ("done", "Over"),
}
_ALARM_ARN = re.compile(
    r"arn:(aws[a-z-]*):cloudwatch:([a-z]{2,}(?:-[a-z]+)+-[0-9]{1,2}):[0-9]{12}:alarm:[^\x00-\x1f]+"
)
_ALARM_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
}


def is_alarm(said: Any) -> bool:
    """Whether it is what CloudWatch publishes when an alarm changes its state.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
    """
    return bool(text(nested(said, "AlarmName")) and text(nested(said, "NewStateValue")))


def message_of_alarm(said: dict[str, Any]) -> Message:
    """Its name, its state, and what to do: that stands in its description."""
    state = readable(said.get("NewStateValue"), 40)
    severity, word = _STATES.get(state, ("info", state))
    name = readable(said.get("AlarmName"), 200)
    arn = _ALARM_ARN.fullmatch(text(said.get("AlarmArn")))
    facts = [("Alarm", name, "")]
    before = readable(said.get("OldStateValue"), 40)
    facts.append(("State", f"{before} \u2192 {state}" if before else state, ""))
    reason = readable(said.get("NewStateReason"), 300)
    if reason:
        facts.append(("Because", reason, ""))
    # What to do is for an alarm that rings; one that is over needs no hand.
    cure = readable(said.get("AlarmDescription"), 1_000) if severity != "done" else ""
    return Message(
        title=f"{word}: {name}"[:140],
        severity=severity,
        account=account_named(text(said.get("AWSAccountId"))),
        region=arn[2] if arn else readable(said.get("Region"), 40) or "unknown Region",
        facts=tuple(facts),
        why=cure,
        when=_moment_of(text(said.get("StateChangeTime"))),
        link=_alarm_link(arn, text(said.get("AlarmName"))),
        source="alarm",
    )


def _moment_of(written: str) -> datetime | None:
    """CloudWatch writes 2026-11-03T12:00:00.123+0000."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _alarm_link(arn: re.Match[str] | None, name: str) -> str:
    console = _ALARM_CONSOLES.get(arn[1]) if arn else None
    if not arn or not console:
        return ""
    where = f"{arn[2]}.{console}/cloudwatch/home?region={arn[2]}"
    return f"https://{where}#alarmsV2:alarm/{quote(name, safe='')}"
