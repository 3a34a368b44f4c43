"""Who administers StackSets: the management account, a delegated administrator, or anybody alone.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-delegated-admin.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.simulation.cloudformation.refusals import invalid
from generator.simulation.cloudformation.stack_sets.targets import Answers
from generator.simulation.world import ServiceError, World

MEMBER_SERVICE = "member.org.stacksets.cloudformation.amazonaws.com"
ADMIN_SERVICE = "stacksets.cloudformation.amazonaws.com"
NO_ACCESS = "You must enable organizations access to operate a service managed stack set"


class Administration:
    """Trusted access, and in whose name a request is made."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.answers = Answers()
        self._activated = False

    def activate(self) -> None:
        """Lets StackSets into the organization, as the console's button does."""
        self._activated = True
        self.world.organization.trusted |= {ADMIN_SERVICE, MEMBER_SERVICE}

    def deactivate(self) -> None:
        self._activated = False
        self.world.organization.trusted -= {ADMIN_SERVICE, MEMBER_SERVICE}

    @property
    def active(self) -> bool:
        """Whether service-managed StackSets work.

        Trusted access that was only enabled in Organizations lacks what CloudFormation's own
        activation makes, so it does not count; taking it away there does.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-activate-trusted-access.html
        """
        return self._activated and MEMBER_SERVICE in self.world.organization.trusted

    def home(self, request: Mapping[str, Any], account: str) -> str:
        """The account in which a request's StackSets live.

        Those of a delegated administrator live in the management account.
        """
        organization = self.world.organization
        if request.get("CallAs") != "DELEGATED_ADMIN":
            return account
        if account not in organization.delegates.get(MEMBER_SERVICE, ()):
            raise invalid(
                f"Account used is not a delegated administrator: {account} (CallAs is "
                "DELEGATED_ADMIN)"
            )
        return organization.management

    def check_service_managed(self, home: str) -> None:
        """Refuses service-managed StackSets where they cannot be."""
        if home != self.world.organization.management:
            raise invalid(
                "Only the organization's management account, or a delegated administrator with "
                "CallAs DELEGATED_ADMIN, can operate service managed stack sets"
            )
        if not self.active:
            raise invalid(NO_ACCESS)

    # --- Requests

    def activate_organizations_access(
        self, request: Mapping[str, Any], account: str, region: str
    ) -> dict[str, Any]:
        self._check_management(account)
        self.activate()
        return {}

    def deactivate_organizations_access(
        self, request: Mapping[str, Any], account: str, region: str
    ) -> dict[str, Any]:
        self._check_management(account)
        self.deactivate()
        return {}

    def describe_organizations_access(
        self, request: Mapping[str, Any], account: str, region: str
    ) -> dict[str, Any]:
        self.home(request, account)
        return {"Status": "ENABLED" if self.active else "DISABLED"}

    def _check_management(self, account: str) -> None:
        if account != self.world.organization.management:
            raise ServiceError(
                "InvalidOperationException",
                "Organizations access can be changed by the management account alone",
            )
