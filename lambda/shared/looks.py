"""Has a message come back for another look: what is too young to be believed, what is not over."""

import json
import math
import os
from datetime import timedelta

from shared.batches import GivenBack
from shared.clients import central_client
from shared.clock import now
from shared.notices import Notice
from shared.reports import Verdict, report

SETTLED = timedelta(minutes=1)
"""How old an event is when its service shows what it tells. Before, "it is gone" or "there is
nothing to do" may only mean that the service is not there yet.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html"""

LONGEST_DELAY = timedelta(minutes=15)
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""


def believe(notice: Notice, verdict: Verdict, settled: timedelta = SETTLED) -> None:
    """Raises GivenBack while the event is so young that the verdict cannot be believed.

    The message shows up again a little later. An event from a far future is no young one.
    """
    if notice.event_time is None or not -settled < now() - notice.event_time < settled:
        return
    wait = min(settled / 2, settled - (now() - notice.event_time) + timedelta(seconds=1))
    seconds = math.ceil(wait.total_seconds())
    why = f"{verdict.why}, or so it seems: the event is too young, looked at again in {seconds} s"
    report(notice, Verdict("too early", why))
    if notice.receipt:
        # Without it, too, the message comes back, when the queue's own time is over.
        central_client("sqs").change_message_visibility(
            QueueUrl=os.environ["TRAILBUS_QUEUE"],
            ReceiptHandle=notice.receipt,
            VisibilityTimeout=seconds,
        )
    raise GivenBack


def send_again(notice: Notice, after: timedelta) -> timedelta:
    """Sends the notice to the responder's own queue once more, for later; gives the delay.

    A message of its own, rather than this one given back: it is counted and kept anew, so that
    neither the queue's retention nor its number of tries ends what goes on.
    """
    longest = LONGEST_DELAY.total_seconds()
    seconds = math.ceil(min(max(after.total_seconds(), 1), longest))
    said = {"detection": notice.detection, "event": notice.event, "look": notice.look + 1}
    central_client("sqs").send_message(
        QueueUrl=os.environ["TRAILBUS_QUEUE"], MessageBody=json.dumps(said), DelaySeconds=seconds
    )
    return timedelta(seconds=seconds)
