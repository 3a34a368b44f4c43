"""STS: who may assume which role, by trust policies and identity policies.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from generator.simulation import access
from generator.simulation.edge import Edge, Identity
from generator.simulation.world import ServiceError, World


class Tokens:
    """The Security Token Service of the simulated organization."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.edge: Edge | None = None

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Identity, region: str
    ) -> dict[str, Any]:
        if (caller.account, region) in self.world.without_tokens:
            raise ServiceError(
                "RegionDisabledException",
                f"STS is not activated in this region for account:{caller.account}. Your account "
                "administrator can activate STS in this region using the IAM Console.",
                403,
            )
        if operation == "GetCallerIdentity":
            return {"Account": caller.account, "Arn": caller.arn, "UserId": "AROASIMULATED:session"}
        if operation == "AssumeRole":
            return self._assume(parameters, caller)
        raise AssertionError(f"the simulation serves no sts:{operation}")

    def _assume(self, parameters: Mapping[str, Any], caller: Identity) -> dict[str, Any]:
        arn, session = parameters["RoleArn"], parameters["RoleSessionName"]
        role = self.world.inventory.by_arn(arn)
        if caller.checked:
            asking = self.world.inventory.by_arn(caller.role)
            if role is None or asking is None:
                raise self._denied(caller, arn, "there is no such role")
            context = {
                "aws:ResourceOrgID": self.world.organization.id,
                "sts:RoleSessionName": session,
            }
            if "ExternalId" in parameters:
                context["sts:ExternalId"] = parameters["ExternalId"]
            decision = access.may_assume(
                self.world,
                access.caller_of_role(self.world, asking, caller.session),
                role,
                context,
                access.of_role(asking),
            )
            if not decision.allowed:
                raise self._denied(caller, arn, decision.because)
        partition, account, name = arn.split(":")[1], arn.split(":")[4], arn.rpartition("/")[2]
        identity = Identity(
            account,
            f"arn:{partition}:sts::{account}:assumed-role/{name}/{session}",
            role=arn,
            session=session,
            checked=caller.checked,
        )
        if self.edge is None:
            raise AssertionError("the token service was not connected to the edge")
        given = self.edge.credentials(identity)
        return {
            "Credentials": {
                "AccessKeyId": given["aws_access_key_id"],
                "SecretAccessKey": given["aws_secret_access_key"],
                "SessionToken": given["aws_session_token"],
                "Expiration": datetime.fromtimestamp(self.world.clock + 900, UTC),
            },
            "AssumedRoleUser": {"AssumedRoleId": f"AROASIMULATED:{session}", "Arn": identity.arn},
        }

    @staticmethod
    def _denied(caller: Identity, arn: str, why: str) -> ServiceError:
        message = (
            f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: "
            f"{arn} ({why})"
        )
        return ServiceError("AccessDenied", message, 403)
