"""What takes the messages of rules: one module per service, imported when a target is of it."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from generator.simulation.arrivals.parcel import Parcel

_MODULES = {
    "firehose": "delivery_streams",
    "kinesis": "data_streams",
    "logs": "log_groups",
    "events": "api_destinations",
    "lambda": "functions",
    "sns": "topics",
    "sqs": "queues",
    "states": "workflows",
}
"""By the service that a target's ARN names. A service more is a line here and a module."""


class Arrival(Protocol):
    """What each module in this folder offers."""

    def deliver(self, parcel: Parcel) -> str | None:
        """Hands the message over and gives it as it is received; Undeliverable if it is not taken.

        None when the target took it but what stands behind the target did not.
        """
        ...


def arrival(arn: str) -> Arrival:
    """The module for a target's ARN."""
    service = arn.split(":")[2]
    if service not in _MODULES:
        raise AssertionError(f"the simulation delivers nothing to {service}: {arn}")
    return cast(Arrival, import_module(f"{__name__}.{_MODULES[service]}"))
