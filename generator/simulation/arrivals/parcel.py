"""A message on its way to a target, and what is said when the target does not take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator.model import Json
from generator.simulation import access
from generator.simulation.authorization import Caller
from generator.simulation.journeys import Journey
from generator.simulation.world import Resource, World

EVENTBRIDGE = "events.amazonaws.com"


class Undeliverable(Exception):
    """A target did not take a message; `code` is the one EventBridge writes on a dead letter.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """

    def __init__(self, code: str, why: str) -> None:
        self.code = code
        super().__init__(why)


@dataclass(frozen=True)
class Parcel:
    """What a rule sends to one of its targets: the message is the event as the target gets it."""

    world: World
    journey: Journey
    rule: Resource
    target: Mapping[str, Json]
    event: Mapping[str, Json]
    message: str

    @property
    def rule_name(self) -> str:
        return str(self.rule.properties["Name"])

    @property
    def target_id(self) -> str:
        return str(self.target["Id"])

    @property
    def arn(self) -> str:
        return str(self.target["Arn"])

    @property
    def source(self) -> dict[str, Json]:
        """What EventBridge says about itself to a target's policy."""
        return {"aws:SourceArn": self.rule.arn, "aws:SourceAccount": self.rule.account}

    def addressee(self) -> Resource:
        """What a stack made under the target's ARN."""
        resource = self.world.inventory.by_arn(self.arn)
        if resource is None:
            raise Undeliverable("NO_RESOURCE", f"there is no {self.arn}")
        return resource

    def role_must_allow(self, action: str, resource_arn: str) -> None:
        """EventBridge assumes the role that the target names, and the role may do the action."""
        role_arn = str(self.target.get("RoleArn") or "")
        role = self.world.inventory.by_arn(role_arn)
        if role is None:
            raise Undeliverable("FAILED_TO_ASSUME_ROLE", f"there is no role '{role_arn}'")
        service = Caller.aws_service(EVENTBRIDGE)
        assumed = access.may_assume(self.world, service, role, self.source, ())
        if not assumed.allowed:
            why = f"the trust of {role_arn}: {assumed.because}"
            raise Undeliverable("FAILED_TO_ASSUME_ROLE", why)
        caller = access.caller_of_role(self.world, role, "events")
        own = access.of_role(role)
        decision = access.allows(self.world, caller, action, resource_arn, self.source, own)
        if not decision.allowed:
            raise Undeliverable("NO_PERMISSIONS", f"{role_arn}: {decision.because}")
