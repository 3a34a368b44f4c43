"""Messages that show up in a queue later, by the simulation's clock: moto's runs with the world's.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html
"""

from __future__ import annotations

import heapq
import itertools
import math
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

    def __init__(self) -> None:
        self.moment = datetime.max
        self._hidden: dict[str, int] = {}
        """Of messages, by receipt handle: for how many seconds they are hidden."""
        self._later: list[tuple[datetime, int, Any, Message]] = []
        self._numbers = itertools.count()

    def serve(self, edge: Edge, moment: datetime) -> None:
        """Answers those calls from now on, instead of whoever did before."""
        self.moment = moment
        edge.services |= {"sqs:ChangeMessageVisibility": self, "sqs:SendMessage": self}

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
        queue.add_message(message)
        self._put(queue, message, parameters["DelaySeconds"])
        return {"MessageId": message.id, "MD5OfMessageBody": message.body_md5}

    def hide(self, queue: Any, messages: Iterable[Message]) -> None:
        """Hides those of a batch that the function gave back with a time."""
        asked = {one.id: self._hidden.pop(str(one.receipt_handle), 0) for one in messages}
        if not any(asked.values()):
            return
        # What was received is a copy of what lies there.
        for message in queue._messages:
            if asked.get(message.id):
                self._put(queue, message, asked[message.id])

    def _put(self, queue: Any, message: Message, seconds: int) -> None:
        message.visible_at = math.inf
        due = self.moment + timedelta(seconds=seconds)
        heapq.heappush(self._later, (due, next(self._numbers), queue, message))

    @property
    def next(self) -> datetime | None:
        """When the next message shows up."""
        return self._later[0][0] if self._later else None

    def show(self, moment: datetime) -> None:
        """Lets what is due be received; what somebody took out of its queue meanwhile is gone."""
        while self._later and self._later[0][0] <= moment:
            heapq.heappop(self._later)[3].visible_at = 0

    def forget(self) -> None:
        """Takes what is to show up later out of all queues."""
        for _, _, queue, message in self._later:
            if message in queue._messages:
                queue._messages.remove(message)
        self._later.clear()


def _within(seconds: int, longest: int) -> None:
    if not 0 <= seconds <= longest:
        raise ServiceError("InvalidParameterValue", f"{seconds} is not between 0 and {longest}")
