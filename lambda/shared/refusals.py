"""Which events a remediation does not even look at."""

import re
from datetime import datetime, timedelta

from shared.guards import excepted
from shared.members import member_role_arn
from shared.notices import Notice, text
from shared.reports import Verdict

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}")
_EVENT_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def turned_away(
    notice: Notice, moment: datetime, oldest: timedelta, own_calls: str = "ignored"
) -> Verdict | None:
    """Why nothing may be done about this event; None when it may be looked at.

    For responders that change something. Nothing in a record may send them to another account
    than the one whose bus the event came from. An event from the future is looked at: clocks
    differ, and what is done depends on how things are now. `own_calls` is the outcome of calls
    made with the responder's own role: "refused" where it never makes such a call itself.
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
    if notice.role_arn == member_role_arn(notice.account):
        return Verdict(own_calls, "the call was made with this responder's own role")
    if notice.event_time is None:
        return Verdict("refused", "the record has no readable eventTime")
    if moment - notice.event_time > oldest:
        hours = oldest.total_seconds() / 3600
        return Verdict("too late", f"nothing was done: the event is older than {hours:g} hours")
    exception = excepted(notice)
    return Verdict("ignored", exception) if exception else None
