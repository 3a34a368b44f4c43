"""What a check finds, and the reading glasses that all checks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from generator.deploy.aws import Call, Door, Refused, Side
from generator.deploy.existing import call_as
from generator.deploy.wanted import Wanted
from generator.model import Mistake, Problem

Level = Literal["blocking", "warning", "unchecked", "ok"]
LEVELS: tuple[Level, ...] = ("blocking", "warning", "unchecked", "ok")


class Finding(NamedTuple):
    """One thing that a check found: how bad, where, what, and what to do about it."""

    check: str
    level: Level
    place: str
    fault: str
    cure: str = ""

    @property
    def problem(self) -> Problem:
        return Problem(self.place, self.fault, self.cure)


class Fault(NamedTuple):
    """A finding before it is known which check made it."""

    level: Level
    place: str
    fault: str
    cure: str = ""


def blocking(place: str, fault: str, cure: str) -> Fault:
    """What would make a rollout fail."""
    return Fault("blocking", place, fault, cure)


def warning(place: str, fault: str, cure: str) -> Fault:
    """What a rollout survives, but somebody should know."""
    return Fault("warning", place, fault, cure)


def unchecked(place: str, why: str, cure: str = "") -> Fault:
    """What could not be looked at."""
    return Fault("unchecked", place, f"not checked: {why}", cure)


class Check(NamedTuple):
    """One question. `well` says what is right when nothing is wrong."""

    name: str
    well: str
    find: Callable[[Examination], Iterator[Fault]]


class Examination:
    """What is wanted, and the answers so far: a question that two checks have is asked once."""

    def __init__(self, door: Door, wanted: Wanted) -> None:
        self.door = door
        self.wanted = wanted
        self._known: dict[str, Any] = {}

    def ask(
        self, side: Side, service: str, operation: str, region: str = "", **request: Any
    ) -> dict[str, Any]:
        """AWS's answer. Raises Refused, each time again."""
        call = Call(side, region or self.wanted.home, service, operation, request)
        answer: dict[str, Any] = self._once(call, lambda: self.door.call(call))
        return answer

    def ask_all(
        self, side: Side, service: str, operation: str, key: str, region: str = "", **request: Any
    ) -> list[Any]:
        """Everything that a listing call gives under `key`."""
        call = Call(side, region or self.wanted.home, service, operation, request)
        found: list[Any] = self._once(call, lambda: list(self.door.items(call, key)))
        return found

    def _once(self, call: Call, read: Callable[[], Any]) -> Any:
        key = repr(call)
        if key not in self._known:
            try:
                self._known[key] = read()
            except (Refused, Mistake) as refusal:
                self._known[key] = refusal
        found = self._known[key]
        if isinstance(found, (Refused, Mistake)):
            raise found
        return found

    # --- What several checks want to know

    def tree(self, operation: str, **request: str) -> dict[str, Any]:
        """What Organizations answers."""
        return self.ask("management", "organizations", operation, **request)

    def listed(self, operation: str, key: str, **request: str) -> list[Any]:
        """What Organizations lists."""
        return self.ask_all("management", "organizations", operation, key, **request)

    def organization(self) -> dict[str, Any]:
        """As DescribeOrganization tells it."""
        found: dict[str, Any] = self.tree("DescribeOrganization")["Organization"]
        return found

    def accounts(self) -> dict[str, bool]:
        """Every account of the organization; true for those that are suspended."""
        found = self.listed("ListAccounts", "Accounts")
        return {one["Id"]: one.get("Status", "ACTIVE") != "ACTIVE" for one in found}

    def parent(self, child: str) -> str:
        """The root or unit above an account or unit."""
        [found] = self.listed("ListParents", "Parents", ChildId=child)
        return str(found["Id"])

    def region_status(self, side: Side) -> dict[str, str]:
        """Every Region of the partition: ENABLED, ENABLED_BY_DEFAULT, DISABLED, ..."""
        found = self.ask_all(side, "account", "ListRegions", "Regions")
        return {one["RegionName"]: one["RegionOptStatus"] for one in found}

    def call_as(self) -> dict[str, str]:
        """What StackSets calls of a delegated administrator must say."""
        return call_as(self.wanted)


def run(
    check: Check, examination: Examination, fatal: frozenset[str] = frozenset()
) -> list[Finding]:
    """What a check finds; one `ok` when that is nothing, one `unchecked` when AWS refuses.

    Refusals with `fatal` codes are raised: after them no other check can find anything.
    """
    faults: list[Fault] = []
    try:
        faults.extend(check.find(examination))
    except Refused as refusal:
        if refusal.code in fatal:
            raise
        faults.append(unchecked(check.name, str(refusal)))
    except Mistake as mistake:
        faults.append(unchecked(check.name, str(mistake.problems[0])))
    if not faults:
        return [Finding(check.name, "ok", check.name, check.well)]
    return [Finding(check.name, *fault) for fault in faults]
