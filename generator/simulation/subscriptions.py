"""Subscriptions by mail, which wait until whoever gets the mail of AWS confirms them.

https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.sns.models import sns_backends

from generator.simulation.edge import Identity
from generator.simulation.world import ServiceError

PENDING = "PendingConfirmation"


class Subscriptions:
    """Lists a topic's subscriptions: without an ARN while nobody has confirmed one.

    Here everybody confirms at once, unless `prompt` is taken from them.
    """

    def __init__(self) -> None:
        self.prompt = True
        self._confirmed: set[str] = set()

    def confirm(self, address: str) -> None:
        """Somebody follows the link in each mail that reached this address."""
        self._confirmed.add(address)

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Identity, region: str
    ) -> dict[str, Any]:
        backend = sns_backends[caller.account][region]
        arn = str(parameters["TopicArn"])
        if arn not in backend.topics:
            raise ServiceError("NotFound", "Topic does not exist", 404)
        found = [one for one in backend.subscriptions.values() if one.topic.arn == arn]
        return {
            "Subscriptions": [
                {
                    "SubscriptionArn": PENDING if self._waits(one) else one.arn,
                    "Owner": caller.account,
                    "Protocol": one.protocol,
                    "Endpoint": one.endpoint,
                    "TopicArn": arn,
                }
                for one in found
            ]
        }

    def _waits(self, one: Any) -> bool:
        mailed = one.protocol in ("email", "email-json")
        return mailed and not self.prompt and one.endpoint not in self._confirmed
