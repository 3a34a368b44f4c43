"""Which events a remediation does not even look at."""

import re
from datetime import datetime, timedelta

from shared.guards import excepted
from shared.members import member_role_arn
from shared.notices import Notice, text
from shared.reports import NOTHING, QUIET, Evidence, Verdict, report

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}")
_EVENT_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def turned_away(notice: Notice, moment: datetime, oldest: timedelta) -> Verdict | None:
    """Why nothing may be done about this event; None when it may be looked at.

    For responders that change something. Nothing in a record may send them to another account
    than the one whose bus the event came from. An event from the future is looked at: clocks
    differ, and what is done depends on how things are now. So is what was done with this
    responder's own role: somebody may have borrowed it. What is looked at again is never too old.
    """
    detail = notice.detail
    if "replay-name" in notice.event:
        return Verdict("ignored", "replayed: a replay is for consumers, not for acting again")
    if detail.get("errorCode") is not None:
        return Verdict("ignored", f"the call failed: {text(detail['errorCode'])}")
    if not text(notice.event.get("source")).startswith("aws."):
        return Verdict("refused", "the event does not come from AWS itself")
    if not _ACCOUNT.fullmatch(notice.account) or not _REGION.fullmatch(notice.region):
        return Verdict("refused", "the event names no account and Region that it comes from")
    recipient = detail.get("recipientAccountId")
    if recipient is not None and recipient != notice.account:
        said = text(recipient) or "no account"
        return Verdict("refused", f"the event came from {notice.account}, its record says {said}")
    if not _EVENT_ID.fullmatch(notice.event_id):
        return Verdict("refused", "the record has no eventID: it could be acted upon twice")
    if notice.event_time is None:
        return Verdict("refused", "the record has no readable eventTime")
    if not notice.look and moment - notice.event_time > oldest:
        hours = oldest.total_seconds() / 3600
        return Verdict("too late", f"nothing was done: the event is older than {hours:g} hours")
    return excepted(notice)


def with_own_role(notice: Notice) -> bool:
    """Whether the call was made with the role that this responder assumes in the member."""
    return notice.role_arn != "" and notice.role_arn == member_role_arn(notice.account)


def tell(
    notice: Notice, verdict: Verdict, evidence: Evidence = NOTHING, own_calls: tuple[str, ...] = ()
) -> None:
    """Reports, and loudly what was done with the responder's own role by somebody else.

    Nobody else should be able to assume that role. `own_calls` are those that the responder makes
    itself: where they left nothing to do, they were its own.
    """
    outcome, why = verdict
    own = with_own_role(notice)
    nothing = outcome in QUIET
    unlooked = not evidence.resource or notice.look > 0
    if not own or (nothing and (unlooked or notice.event_name in own_calls)):
        report(notice, verdict, evidence)
        return
    outcome = "refused" if nothing or outcome in ("excepted", "observed") else outcome
    said = f"the call was made with this responder's own role, by somebody else; {why}"
    report(notice, Verdict(outcome, said), evidence, "critical")
