"""The Account Management API of the simulated organization: which Regions an account can use.

https://docs.aws.amazon.com/accounts/latest/reference/API_ListRegions.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from generator.simulation.world import ServiceError, World

SERVICE = "account.amazonaws.com"
PAGE = 50


class Caller(Protocol):
    """Who makes a call."""

    @property
    def account(self) -> str: ...


class Accounts:
    """Answers what Regions are switched on where."""

    def __init__(self, world: World) -> None:
        self.world = world

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Caller, region: str
    ) -> dict[str, Any]:
        """The answer to an operation, as boto3 returns it; ServiceError for a refusal."""
        account = self._account(parameters, caller)
        if operation == "GetRegionOptStatus":
            name = parameters["RegionName"]
            if name not in self.world.regions:
                raise ServiceError("ValidationException", f"There is no Region {name}")
            return {"RegionName": name, "RegionOptStatus": self._status(account, name)}
        if operation == "ListRegions":
            wanted = parameters.get("RegionOptStatusContains")
            found = [
                {"RegionName": name, "RegionOptStatus": self._status(account, name)}
                for name in sorted(self.world.regions)
            ]
            shown = [one for one in found if not wanted or one["RegionOptStatus"] in wanted]
            start = int(parameters.get("NextToken", "0"))
            size = min(int(parameters.get("MaxResults", PAGE)), PAGE)
            more = {"NextToken": str(start + size)} if start + size < len(shown) else {}
            return {"Regions": shown[start : start + size], **more}
        raise AssertionError(f"the simulation serves no account:{operation}")

    def _account(self, parameters: Mapping[str, Any], caller: Caller) -> str:
        """The account that is asked about: one's own, or from the management account another."""
        organization = self.world.organization
        account = str(parameters.get("AccountId", caller.account))
        if account == caller.account:
            return account
        trusted = SERVICE in organization.trusted
        if caller.account != organization.management or not trusted:
            raise ServiceError(
                "AccessDeniedException",
                "You do not have permission to access this account's information",
                403,
            )
        if account not in organization.accounts:
            raise ServiceError("ResourceNotFoundException", f"There is no account {account}", 404)
        return account

    def _status(self, account: str, region: str) -> str:
        if region not in self.world.opt_in_regions:
            return "ENABLED_BY_DEFAULT"
        return "ENABLED" if self.world.enabled(account, region) else "DISABLED"
