"""Which accounts and Regions of a StackSet to add, bring up to date, take away, or leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from generator.deploy.existing import Cell, Existing, StackSetState
from generator.deploy.wanted import StackSet, Wanted

Place = tuple[str, str]
"""An account and a Region."""

UNITS_A_CALL = 50
"""At most that many organizational units a call.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStackInstances.html"""


class Batch(NamedTuple):
    """What one call is about: whole units, or some accounts of units; and the Regions."""

    units: tuple[str, ...]
    accounts: tuple[str, ...]
    """Of these units only these accounts; empty for all of them. Without units: just these."""
    regions: tuple[str, ...]


@dataclass(frozen=True)
class Cells:
    """What is to be done about every account and Region of one StackSet."""

    add: frozenset[Place]
    refresh: frozenset[Place]
    """There, but not as the StackSet says: an earlier operation failed or was stopped there."""
    remove: frozenset[Place]
    keep: int
    stuck: Mapping[Place, str]
    """Those that only a person can mend, and why."""
    skipped: tuple[str, ...]
    """Suspended accounts: StackSets pass over them."""
    join: Mapping[str, frozenset[str]]
    """Units that are to be targeted, and where, so that accounts that join are covered too."""
    leave: Mapping[str, frozenset[str]]
    """Units that are targeted and should not be any more, and where."""

    @property
    def moved(self) -> frozenset[Place]:
        """Cells that came by a unit which is left, and stay by another one: made anew."""
        return self.add & self.remove

    @property
    def touched(self) -> int:
        return len(self.add | self.remove | self.refresh)


def eligible(wanted: Wanted, existing: Existing) -> dict[str, tuple[str, ...]]:
    """The accounts to cover, each with those of the place's units that it stands below."""
    units = {*wanted.place.organizational_units}
    excluded = {*wanted.place.exclude_accounts}
    found = {}
    for account, member in existing.members.items():
        below = tuple(unit for unit in member.units if unit in units)
        if below and account not in excluded and not member.suspended:
            found[account] = below
    return found


def pilot(wanted: Wanted, existing: Existing) -> frozenset[str]:
    """The accounts of the pilot wave; empty where there is none."""
    chosen = wanted.place.rollout.pilot
    units = {*chosen.organizational_units}
    return frozenset(
        account
        for account in eligible(wanted, existing)
        if account in chosen.accounts or units & {*existing.members[account].units}
    )


def cells(wanted: Wanted, stack_set: StackSet, existing: Existing) -> Cells:
    """What is to be done about the cells of a StackSet."""
    state = existing.stack_sets.get(stack_set.name)
    found: Mapping[Place, Cell] = state.cells if state else {}
    accounts = eligible(wanted, existing)
    regions = {*stack_set.regions}
    join, leave = _units(wanted, stack_set, state)
    add = {(account, region) for account in accounts for region in regions} - {*found}
    refresh, remove, stuck, moved, keep = set(), set(), {}, set(), 0
    for place, cell in found.items():
        account, region = place
        if account in accounts and region in regions:
            if any(region in leave.get(unit, ()) for unit in existing.members[account].units):
                moved.add(place)
            elif cell.status == "INOPERABLE":
                stuck[place] = cell.reason or "an attempt to remove it failed half-way"
            elif cell.status == "CURRENT" or cell.detailed == "SKIPPED_SUSPENDED_ACCOUNT":
                keep += 1
            else:
                refresh.add(place)
        elif account in existing.members and existing.members[account].suspended:
            keep += 1  # nothing can be done in it, nor be seen from it
        else:
            remove.add(place)
    return Cells(
        frozenset(add | moved),
        frozenset(refresh),
        frozenset(remove | moved),
        keep,
        stuck,
        tuple(sorted(a for a, member in existing.members.items() if member.suspended)),
        join,
        leave,
    )


def _units(
    wanted: Wanted, stack_set: StackSet, state: StackSetState | None
) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    if not wanted.service_managed:
        return {}, {}
    targets = state.targets if state else {}
    regions = frozenset(stack_set.regions)
    units = wanted.place.organizational_units
    join = {unit: regions - targets.get(unit, frozenset()) for unit in units}
    leave = {unit: known - (regions if unit in units else set()) for unit, known in targets.items()}
    return (
        {unit: where for unit, where in join.items() if where},
        {unit: where for unit, where in leave.items() if where},
    )


# --- Batches: as few calls as say exactly that


def batches_to_add(wanted: Wanted, todo: Cells, existing: Existing) -> list[Batch]:
    """Batches that reach every cell to add, and every unit to join.

    Whole units where all of a unit lacks a Region; else just the accounts that lack it. So the
    number of batches does not grow with the accounts.
    """
    if not wanted.service_managed:
        return by_accounts(wanted, todo.add, existing)
    accounts = eligible(wanted, existing)
    missing: dict[str, set[str]] = {}
    for account, region in todo.add:
        missing.setdefault(region, set()).add(account)
    inside: dict[str, set[str]] = {unit: set() for unit in wanted.place.organizational_units}
    for account, units in accounts.items():
        for unit in units:
            inside[unit].add(account)
    whole: dict[tuple[str, ...], list[str]] = {}
    rest: set[Place] = set()
    for region in sorted({*missing, *(r for where in todo.join.values() for r in where)}):
        here = missing.get(region, set())
        units = tuple(
            unit
            for unit, those in inside.items()
            if region in todo.join.get(unit, ()) or (those and those <= here)
        )
        if units:
            whole.setdefault(units, []).append(region)
        reached = {account for unit in units for account in inside[unit]}
        rest |= {(account, region) for account in here - reached}
    found = [
        Batch(chunk, (), tuple(regions))
        for units, regions in whole.items()
        for chunk in _chunks(units)
    ]
    return found + by_accounts(wanted, rest, existing)


def batches_to_remove(
    wanted: Wanted, todo: Cells, existing: Existing, state: StackSetState
) -> list[Batch]:
    """Batches that take away every cell to remove, and leave every unit to leave."""
    if not wanted.service_managed:
        return by_accounts(wanted, todo.remove, existing)
    where: dict[tuple[str, ...], list[str]] = {}
    for region in sorted({r for regions in todo.leave.values() for r in regions}):
        units = tuple(unit for unit in sorted(todo.leave) if region in todo.leave[unit])
        where.setdefault(units, []).append(region)
    found = [
        Batch(chunk, (), tuple(regions))
        for units, regions in where.items()
        for chunk in _chunks(units)
    ]
    rest = {
        (account, region)
        for account, region in todo.remove
        if region not in todo.leave.get(state.cells[account, region].unit, ())
    }
    return found + _intersections(rest, lambda place: state.cells[place].unit)


def by_accounts(wanted: Wanted, places: Iterable[Place], existing: Existing) -> list[Batch]:
    """Batches of just these cells, accounts with the same Regions together."""
    if not wanted.service_managed:
        return [Batch((), accounts, regions) for accounts, regions in _grouped(places)]
    accounts = eligible(wanted, existing)
    return _intersections(places, lambda place: accounts.get(place[0], ("",))[0])


def _intersections(places: Iterable[Place], unit_of: Callable[[Place], str]) -> list[Batch]:
    places = list(places)
    units = {place[0]: unit_of(place) for place in places}
    found = []
    for accounts, regions in _grouped(place for place in places if units[place[0]]):
        named = tuple(sorted({units[account] for account in accounts}))
        for chunk in _chunks(named):
            some = tuple(account for account in accounts if units[account] in chunk)
            found.append(Batch(chunk, some, regions))
    return found


def _grouped(places: Iterable[Place]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Accounts with Regions: the Regions that want the same accounts stand together."""
    by_region: dict[str, set[str]] = {}
    for account, region in places:
        by_region.setdefault(region, set()).add(account)
    regions: dict[tuple[str, ...], list[str]] = {}
    for region in sorted(by_region):
        regions.setdefault(tuple(sorted(by_region[region])), []).append(region)
    return [(accounts, tuple(where)) for accounts, where in regions.items()]


def _chunks(units: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [units[first : first + UNITS_A_CALL] for first in range(0, len(units), UNITS_A_CALL)]
