"""Drift of single stacks: compared when it is asked for, told afterwards.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DetectStackDrift.html
"""

from __future__ import annotations

from dataclasses import dataclass

from .drift import ResourceDrift, drifts
from .making import Maker
from .providers.kind import identifier
from .refusals import invalid
from .registry import Registry
from .requests import Answer, Request
from .stack import Stack, moment


@dataclass
class Detection:
    """One comparison, ended the moment it began."""

    id: str
    stack: Stack
    when: float
    found: list[ResourceDrift]

    @property
    def drifted(self) -> list[ResourceDrift]:
        return [one for one in self.found if one.status != "IN_SYNC"]

    @property
    def status(self) -> str:
        return "DRIFTED" if self.drifted else "IN_SYNC"


class StackDrifts:
    """Detects the drift of stacks, and remembers it."""

    def __init__(self, registry: Registry, maker: Maker) -> None:
        self.registry = registry
        self.maker = maker
        self._detections: dict[str, Detection] = {}

    def detect_stack_drift(self, request: Request, account: str, region: str) -> Answer:
        stack = self.registry.get(account, region, str(request["StackName"]))
        if stack.busy:
            raise invalid(f"Drift detection cannot be performed on stack in {stack.status} state")
        identity = identifier(stack.id, "drift", str(len(self._detections)))
        when = self.maker.world.clock
        made = Detection(identity, stack, when, drifts(self.maker, stack))
        self._detections[identity] = made
        stack.drift = made.status
        return {"StackDriftDetectionId": identity}

    def describe_stack_drift_detection_status(
        self, request: Request, account: str, region: str
    ) -> Answer:
        made = self._detections.get(request["StackDriftDetectionId"])
        if made is None or (made.stack.account, made.stack.region) != (account, region):
            raise invalid("The specified drift detection id does not exist")
        return {
            "StackId": made.stack.id,
            "StackDriftDetectionId": made.id,
            "StackDriftStatus": made.status,
            "DetectionStatus": "DETECTION_COMPLETE",
            "DriftedStackResourceCount": len(made.drifted),
            "Timestamp": moment(made.when),
        }
