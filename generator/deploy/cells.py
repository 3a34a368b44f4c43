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
    release: Mapping[Place, str]
    """Those in which nothing can be done, and nothing runs, any more, and why: they are let go
    of, with what is in them."""
    skipped: tuple[str, ...]
    """Suspended accounts: StackSets pass over them."""
    join: Mapping[str, frozenset[str]]
    """Units that are to be targeted, and where, so that accounts that join are covered too."""
    leave: Mapping[str, frozenset[str]]
    """Units that are targeted and should not be any more, and where nobody in them stays."""
    lingering: Mapping[str, frozenset[str]]
    """Units that should be no targets any more but stay some, and where: StackSets leave a unit
    only with all that is in it, and some of that is to stay."""

    @property
    def moved(self) -> frozenset[Place]:
        """Cells below a unit that is left altogether, which stay by another one: made anew."""
        return self.add & self.remove

    @property
    def touched(self) -> int:
        return len(self.add | self.remove | self.refresh | {*self.release})


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


def cells(
    wanted: Wanted, stack_set: StackSet, existing: Existing, replacing: bool = False
) -> Cells:
    """What is to be done about the cells of a StackSet.

    `replacing` leaves units altogether, and makes anew what stays of them.
    """
    state = existing.stack_sets.get(stack_set.name)
    found: Mapping[Place, Cell] = state.cells if state else {}
    accounts = eligible(wanted, existing)
    regions = {*stack_set.regions}
    join, leave, lingering = _units(wanted, stack_set, existing, state, replacing)
    add = {(account, region) for account in accounts for region in regions} - {*found}
    refresh, remove, stuck, moved, keep = set(), set(), {}, set(), 0
    release = {}
    for place, cell in found.items():
        account, region = place
        swept = _swept(leave, existing, place)
        if account in accounts and region in regions:
            if swept:
                moved.add(place)
            elif cell.status == "INOPERABLE":
                stuck[place] = cell.reason or "an attempt to remove it failed half-way"
            elif cell.status == "CURRENT" or cell.detailed == "SKIPPED_SUSPENDED_ACCOUNT":
                keep += 1
            else:
                refresh.add(place)
        elif why := lost(existing, account):
            # Below a unit that is covered it may come back; nothing is seen from it meanwhile.
            if region in regions and meant(wanted, existing, account):
                keep += 1
            else:
                release[place] = why
        elif cell.status == "INOPERABLE" and not swept:
            stuck[place] = cell.reason or "an attempt to remove it failed half-way"
        else:
            remove.add(place)
    return Cells(
        frozenset(add | moved),
        frozenset(refresh),
        frozenset(remove | moved),
        keep,
        stuck,
        release,
        tuple(sorted(a for a, member in existing.members.items() if member.suspended)),
        join,
        leave,
        lingering,
    )


def meant(wanted: Wanted, existing: Existing, account: str) -> bool:
    """Whether an account stands below a unit that is covered and is not left out."""
    member = existing.members.get(account)
    below = member is not None and {*member.units} & {*wanted.place.organizational_units}
    return bool(below) and account not in wanted.place.exclude_accounts


def lost(existing: Existing, account: str) -> str:
    """Why nothing can be done in an account any more; empty where something can.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_close.html
    """
    member = existing.members.get(account)
    if existing.outsiders.get(account) == "gone":
        return "it left the organization"
    suspended = member.suspended if member else existing.outsiders.get(account) == "suspended"
    return "it is suspended" if suspended else ""


def _swept(leave: Mapping[str, frozenset[str]], existing: Existing, place: Place) -> bool:
    """Whether a cell goes with a whole unit."""
    account, region = place
    member = existing.members.get(account)
    return member is not None and any(region in leave.get(unit, ()) for unit in member.units)


def _units(
    wanted: Wanted,
    stack_set: StackSet,
    existing: Existing,
    state: StackSetState | None,
    replacing: bool,
) -> tuple[
    dict[str, frozenset[str]],
    dict[str, frozenset[str]],
    dict[str, frozenset[str]],
]:
    """Units to join, to leave, and those that cannot be left without what is to stay."""
    if not wanted.service_managed or state is None:
        return dict.fromkeys(_targets(wanted), frozenset(stack_set.regions)), {}, {}
    regions = frozenset(stack_set.regions)
    units = _targets(wanted)
    join = {unit: regions - state.targets.get(unit, frozenset()) for unit in units}
    accounts = eligible(wanted, existing)
    stays: dict[str, set[str]] = {}
    for account, region in state.cells:
        if account in accounts and region in regions:
            for unit in existing.members[account].units:
                stays.setdefault(unit, set()).add(region)
    leave, lingering = {}, {}
    for unit, known in state.targets.items():
        if existing.nested.get(unit, frozenset()) & {*units}:
            known -= regions  # whoever joins it is covered by the unit around it
        known -= regions if unit in units else frozenset()
        staying = frozenset() if replacing else known & frozenset(stays.get(unit, ()))
        leave[unit], lingering[unit] = known - staying, staying
    return _some(join), _some(leave), _some(lingering)


def _targets(wanted: Wanted) -> tuple[str, ...]:
    return wanted.place.organizational_units if wanted.service_managed else ()


def _some(found: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    return {unit: where for unit, where in found.items() if where}


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


def units_to_leave(todo: Cells) -> list[Batch]:
    """Batches that leave every unit to leave, with all that is in it."""
    where: dict[tuple[str, ...], list[str]] = {}
    for region in sorted({r for regions in todo.leave.values() for r in regions}):
        units = tuple(unit for unit in sorted(todo.leave) if region in todo.leave[unit])
        where.setdefault(units, []).append(region)
    return [
        Batch(chunk, (), tuple(regions))
        for units, regions in where.items()
        for chunk in _chunks(units)
    ]


def left_to_remove(todo: Cells, existing: Existing) -> set[Place]:
    """The cells to remove that go with no whole unit."""
    return {place for place in todo.remove if not _swept(todo.leave, existing, place)}


def by_accounts(wanted: Wanted, places: Iterable[Place], existing: Existing) -> list[Batch]:
    """Batches of just these cells, accounts with the same Regions together."""
    if not wanted.service_managed:
        return [Batch((), accounts, regions) for accounts, regions in grouped(places)]
    accounts = eligible(wanted, existing)
    return _intersections(places, lambda place: accounts.get(place[0], ("",))[0])


def _intersections(places: Iterable[Place], unit_of: Callable[[Place], str]) -> list[Batch]:
    places = list(places)
    units = {place[0]: unit_of(place) for place in places}
    found = []
    for accounts, regions in grouped(place for place in places if units[place[0]]):
        named = tuple(sorted({units[account] for account in accounts}))
        for chunk in _chunks(named):
            some = tuple(account for account in accounts if units[account] in chunk)
            found.append(Batch(chunk, some, regions))
    return found


def grouped(places: Iterable[Place]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
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
