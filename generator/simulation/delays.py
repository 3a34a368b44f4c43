"""Messages that show up in a queue later, by the simulation's clock: moto's runs with the world's.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from moto.moto_api._internal import mock_random
from moto.sqs.models import Message, sqs_backends

from generator.simulation.edge import Edge, Identity
from generator.simulation.world import ServiceError

LONGEST_DELAY = 900
LONGEST_HIDDEN = 43_200
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html"""


class Delays:
    """What functions asked of SQS: to hide a message for a while, or to deliver one later."""

    def __init__(self, edge: Edge) -> None:
        self.moment = datetime.max
        self._hidden: dict[str, int] = {}
        """Of messages, by receipt handle: for how many seconds they are hidden."""
        self._later: list[tuple[datetime, int, Any, Message]] = []
        self._numbers = itertools.count()
        edge.services["sqs:ChangeMessageVisibility"] = self
        edge.services["sqs:SendMessage"] = self

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Identity, region: str
    ) -> dict[str, Any] | None:
        """Answers what is about time; a message that is sent at once is moto's."""
        if operation == "ChangeMessageVisibility":
            _within(parameters["VisibilityTimeout"], LONGEST_HIDDEN)
            self._hidden[parameters["ReceiptHandle"]] = parameters["VisibilityTimeout"]
            return {}
        if not parameters.get("DelaySeconds"):
            return None
        _within(parameters["DelaySeconds"], LONGEST_DELAY)
        _, _, _, account, name = parameters["QueueUrl"].split("/")
        queue = sqs_backends[account][region].get_queue(name)
        message = Message(str(mock_random.uuid4()), parameters["MessageBody"])
        message.mark_sent(delay_seconds=0)
        self._put(queue, message, parameters["DelaySeconds"])
        return {"MessageId": message.id, "MD5OfMessageBody": message.body_md5}

    def hide(self, queue: Any, messages: Iterable[Message]) -> None:
        """Takes those of a batch that the function gave back with a time out of their queue."""
        # moto hands over copies.
        kept = {one.id: one for one in queue._messages}
        for handed in messages:
            seconds = self._hidden.pop(str(handed.receipt_handle), 0)
            message = kept.get(handed.id)
            if seconds and message is not None:
                queue._messages.remove(message)
                queue.pending_messages.discard(message)
                self._put(queue, message, seconds)

    def _put(self, queue: Any, message: Message, seconds: int) -> None:
        due = self.moment + timedelta(seconds=seconds)
        heapq.heappush(self._later, (due, next(self._numbers), queue, message))

    @property
    def next(self) -> datetime | None:
        """When the next message shows up."""
        return self._later[0][0] if self._later else None

    def show(self, moment: datetime) -> None:
        """Puts what is due into its queue."""
        while self._later and self._later[0][0] <= moment:
            _, _, queue, message = heapq.heappop(self._later)
            queue.add_message(message)

    def forget(self) -> None:
        """Empties all queues of what is to show up later."""
        self._later.clear()


def _within(seconds: int, longest: int) -> None:
    if not 0 <= seconds <= longest:
        raise ServiceError("InvalidParameterValue", f"{seconds} is not between 0 and {longest}")
