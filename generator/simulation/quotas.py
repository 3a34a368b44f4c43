"""Service Quotas of the simulated organization: the few that a rollout can meet.

https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from generator.simulation.world import ServiceError, World

DEFAULTS: dict[str, dict[str, float]] = {
    "events": {"Rules": 300.0, "Event buses": 100.0},
    "cloudformation": {"Stack sets per administrator account": 1_000.0},
}
"""By the name that the Service Quotas console shows.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""


class Caller(Protocol):
    """Who makes a call."""

    @property
    def account(self) -> str: ...


class Quotas:
    """Answers what an account may use of a service; `set` raises or lowers one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._given: dict[tuple[str, str, str, str], float] = {}

    def set(self, account: str, region: str, service: str, name: str, value: float) -> None:
        """Gives an account another quota than everybody's."""
        self._given[account, region, service, name] = float(value)

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Caller, region: str
    ) -> dict[str, Any]:
        """The answer to an operation, as boto3 returns it; ServiceError for a refusal."""
        if operation != "ListServiceQuotas":
            raise AssertionError(f"the simulation serves no servicequotas:{operation}")
        service = parameters["ServiceCode"]
        if service not in DEFAULTS:
            raise ServiceError("NoSuchResourceException", f"There is no service {service}")
        return {
            "Quotas": [
                {
                    "ServiceCode": service,
                    "QuotaName": name,
                    "Value": self._given.get((caller.account, region, service, name), value),
                    "Adjustable": True,
                }
                for name, value in DEFAULTS[service].items()
            ]
        }
