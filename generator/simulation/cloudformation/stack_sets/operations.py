"""An operation on a StackSet: in which order instances have their turn, and when it stops.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackSetOperationPreferences.html
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generator.simulation.cloudformation.refusals import invalid
from generator.simulation.cloudformation.stack_sets import instances as i
from generator.simulation.cloudformation.stack_sets.sets import StackSet

RESULTS = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED")
PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED = range(5)

STOPPED_REASON = "Cancelled since the operation was stopped by the user"
EXCEEDED_REASON = "Cancelled since failure tolerance has exceeded"

_PREFERENCES = {
    "ConcurrencyMode",
    "FailureToleranceCount",
    "FailureTolerancePercentage",
    "MaxConcurrentCount",
    "MaxConcurrentPercentage",
    "RegionConcurrencyType",
    "RegionOrder",
}


@dataclass(frozen=True)
class Preferences:
    """How many instances at once, and how many may fail."""

    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Preferences:
        """The preferences of a request; ServiceError for two that exclude each other."""
        given = dict(request.get("OperationPreferences") or {})
        for kind in ("FailureTolerance", "MaxConcurrent"):
            if f"{kind}Count" in given and f"{kind}Percentage" in given:
                raise invalid(f"You can specify either {kind}Count or {kind}Percentage, not both")
        return cls({key: given[key] for key in sorted(_PREFERENCES & set(given))})

    @property
    def parallel(self) -> bool:
        return self.given.get("RegionConcurrencyType") == "PARALLEL"

    @property
    def soft(self) -> bool:
        return self.given.get("ConcurrencyMode") == "SOFT_FAILURE_TOLERANCE"

    def tolerance(self, accounts: int) -> int:
        """How many accounts of a Region may fail; percentages are rounded down."""
        if "FailureTolerancePercentage" in self.given:
            return accounts * int(self.given["FailureTolerancePercentage"]) // 100
        return int(self.given.get("FailureToleranceCount", 0))

    def concurrency(self, accounts: int) -> int:
        """How many accounts at once; percentages are rounded down, to one at least."""
        if "MaxConcurrentPercentage" in self.given:
            return max(1, accounts * int(self.given["MaxConcurrentPercentage"]) // 100)
        return int(self.given.get("MaxConcurrentCount", 1))

    def ordered(self, regions: Sequence[str]) -> list[str]:
        """The Regions in the order of their turns."""
        first = [region for region in self.given.get("RegionOrder", []) if region in regions]
        return [*first, *(region for region in regions if region not in first)]


@dataclass
class Lane:
    """The part of an operation that is in one Region."""

    places: array[int]
    tolerance: int
    most: int
    soft: bool
    next: int = 0
    running: list[int] = field(default_factory=list)
    failures: int = 0
    exceeded: bool = False

    @property
    def over(self) -> bool:
        return self.next >= len(self.places) and not self.running

    @property
    def room(self) -> int:
        """How many instances may run at once now.

        The strict mode never lets more fail than one beyond the tolerance.
        """
        if self.soft:
            return self.most
        return max(1, min(self.most, self.tolerance + 1 - self.failures))


Act = Callable[["Operation", int], tuple[int, str]]
"""Does what the operation is about to one instance, by its code: the result, and why it failed."""


@dataclass
class Operation:
    """One operation. `codes` are its instances; `results` and `reasons` are by their places."""

    id: str
    action: str
    stack_set: StackSet
    preferences: Preferences
    created: float
    codes: array[int]
    regions: list[str]
    act: Act
    deployment_targets: dict[str, Any] = field(default_factory=dict)
    retain: bool | None = None
    automatic: bool = False
    waits_for: list[Operation] = field(default_factory=list)
    status: str = "RUNNING"
    reason: str = ""
    ended: float | None = None
    failed: int = 0
    results: bytearray = field(default_factory=bytearray)
    reasons: array[int] = field(default_factory=lambda: array("I"))
    units: array[int] = field(default_factory=lambda: array("H"))
    lanes: list[Lane] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.results = bytearray(len(self.codes))
        self.reasons = array("I", [0] * len(self.codes))
        unit = self.stack_set.instances.unit
        self.units = array("H", [unit[code] for code in self.codes])
        places: dict[int, array[int]] = {}
        for place, code in enumerate(self.codes):
            places.setdefault(code % i.WIDTH, array("I")).append(place)
        regions = self.stack_set.instances.regions
        by_name = {regions[number]: lane for number, lane in places.items()}
        accounts = max((len(lane) for lane in places.values()), default=0)
        for region in self.preferences.ordered([*self.regions, *(set(by_name) - {*self.regions})]):
            if region in by_name:
                lane = by_name[region]
                tolerance = self.preferences.tolerance(len(lane))
                most = self.preferences.concurrency(accounts)
                self.lanes.append(Lane(lane, tolerance, most, self.preferences.soft))

    @property
    def over(self) -> bool:
        return self.status in ("SUCCEEDED", "FAILED", "STOPPED")

    def tick(self, clock: float, budget: int) -> None:
        """Finishes what runs, and starts up to `budget` more instances."""
        if self.status not in ("RUNNING", "STOPPING"):
            return
        lanes = self._open_lanes()
        for lane in lanes:
            self._finish_running(lane)
        if self.status == "RUNNING":
            lanes = self._open_lanes()
            for left, lane in zip(range(len(lanes), 0, -1), lanes, strict=True):
                budget -= self._start(lane, -(-budget // left))
        if all(lane.over for lane in self.lanes):
            self._end(clock)

    def stop(self) -> None:
        """Cancels what has not begun; what runs comes to its end."""
        self.status = "STOPPING"
        for lane in self.lanes:
            self._cancel(lane, STOPPED_REASON)

    def fail(self, clock: float, reason: str) -> None:
        """Ends an operation that could not even begin."""
        for lane in self.lanes:
            self._cancel(lane, reason)
        self.reason = reason
        self.status = "FAILED"
        self._close(clock)

    def _open_lanes(self) -> list[Lane]:
        """One Region after the other, or all at once."""
        lanes = [lane for lane in self.lanes if not lane.over]
        return lanes if self.preferences.parallel else lanes[:1]

    def _start(self, lane: Lane, budget: int) -> int:
        until = min(lane.next + min(lane.room - len(lane.running), budget), len(lane.places))
        if until <= lane.next:
            return 0
        begun = lane.places[lane.next : until]
        detailed = self.stack_set.instances.detailed
        for place in begun:
            self.results[place] = RUNNING
            detailed[self.codes[place]] = i.RUNNING
        lane.running.extend(begun)
        lane.next = until
        return len(begun)

    def _finish_running(self, lane: Lane) -> None:
        for place in lane.running:
            result, reason = self.act(self, self.codes[place])
            self.results[place] = result
            if reason:
                self.reasons[place] = self.stack_set.instances.reasons.number(reason)
            if result == FAILED:
                lane.failures += 1
                self.failed += 1
        lane.running.clear()
        if lane.failures > lane.tolerance and not lane.exceeded:
            lane.exceeded = True
            self._cancel(lane, EXCEEDED_REASON)
            if not self.preferences.parallel:
                # No later Region is attempted.
                for other in self.lanes:
                    self._cancel(other, EXCEEDED_REASON)

    def _cancel(self, lane: Lane, reason: str) -> None:
        instances = self.stack_set.instances
        number = instances.reasons.number(reason)
        for place in lane.places[lane.next :]:
            self.results[place] = CANCELLED
            self.reasons[place] = number
            code = self.codes[place]
            if instances.status[code]:
                instances.detailed[code] = i.CANCELLED
                instances.reason[code] = number
        lane.next = len(lane.places)

    def _end(self, clock: float) -> None:
        exceeded = any(lane.exceeded for lane in self.lanes)
        if self.status == "STOPPING":
            self.status = "STOPPED"
        else:
            self.status = "FAILED" if exceeded else "SUCCEEDED"
        if exceeded:
            self.reason = "The failure tolerance was exceeded in a Region"
        self._close(clock)

    def _close(self, clock: float) -> None:
        self.ended = clock
