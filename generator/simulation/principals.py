"""What IAM says about who a caller is and may do, where moto has no answer.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.simulation import access
from generator.simulation.edge import Identity
from generator.simulation.refusals import Refusals
from generator.simulation.world import ServiceError, World

PAGE = 100


class Principals:
    """Simulates policies: of roles that stacks made by their policies, of administrators by what
    is refused them on order."""

    def __init__(self, world: World, refusals: Refusals) -> None:
        self.world = world
        self.refusals = refusals

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Identity, region: str
    ) -> dict[str, Any]:
        """The answer to an operation, as boto3 returns it; ServiceError for a refusal."""
        if operation != "SimulatePrincipalPolicy":
            raise AssertionError(f"the simulation serves no iam:{operation}")
        source = parameters["PolicySourceArn"]
        if source.split(":")[4] != caller.account:
            raise ServiceError("NoSuchEntity", f"There is no {source} in this account", 404)
        resources = parameters.get("ResourceArns") or ["*"]
        found = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": self._decision(caller.account, source, action, resource),
            }
            for action in parameters["ActionNames"]
            for resource in resources
        ]
        start = int(parameters.get("Marker", "0"))
        rest = start + PAGE < len(found)
        more = {"Marker": str(start + PAGE)} if rest else {}
        return {"EvaluationResults": found[start : start + PAGE], "IsTruncated": rest, **more}

    def _decision(self, account: str, source: str, action: str, resource: str) -> str:
        if self.refusals.denies(account, action):
            return "implicitDeny"
        role = self.world.inventory.by_arn(source)
        if role is None:
            return "allowed"
        caller = access.caller_of_role(self.world, role, "simulated")
        decided = access.allows(self.world, caller, action, resource, {}, access.of_role(role))
        return "allowed" if decided.allowed else "implicitDeny"
