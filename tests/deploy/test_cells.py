"""Who gets what: drawn organizations and states, and the batches that come of them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from generator.deploy.cells import (
    UNITS_A_CALL,
    Batch,
    Cells,
    batches_to_add,
    by_accounts,
    cells,
    eligible,
    left_to_remove,
    lost,
    meant,
    units_to_leave,
)
from generator.deploy.existing import Existing, Member
from generator.deploy.plan import proposal
from generator.deploy.wanted import Wanted, wanted

from .organization import HOME, SMALL, bundle
from .worlds import worlds


def reached(want: Wanted, existing: Existing, batches: list[Batch]) -> set[tuple[str, str]]:
    """The cells that calls with these batches are about, as StackSets read them."""
    found = set()
    excluded = {*want.place.exclude_accounts}
    for batch in batches:
        for account, member in existing.members.items():
            inside = {*member.units} & {*batch.units} if batch.units else account in batch.accounts
            chosen = account in batch.accounts if batch.accounts else account not in excluded
            if inside and chosen:
                found |= {(account, region) for region in batch.regions}
    return found


@given(worlds())
def test_every_cell_has_exactly_one_fate(world: tuple[Wanted, Existing]) -> None:
    want, existing = world
    for stack_set in (want.roles, want.rules):
        todo = cells(want, stack_set, existing)
        state = existing.stack_sets.get(stack_set.name)
        known = {*state.cells} if state else set()
        desired = {(a, r) for a in eligible(want, existing) for r in stack_set.regions}
        assert todo.add >= desired - known
        assert todo.refresh <= known & desired
        assert todo.remove <= known
        assert not todo.add & todo.refresh
        assert todo.moved <= desired, "only what stays is made anew"
        assert {*todo.release} <= known - desired
        touched = (todo.remove | todo.refresh | {*todo.stuck, *todo.release}) & known
        assert len(touched) + todo.keep == len(known)


@given(worlds())
def test_batches_reach_what_is_missing_and_nobody_who_is_left_out(
    world: tuple[Wanted, Existing],
) -> None:
    want, existing = world
    for stack_set in (want.roles, want.rules):
        todo = cells(want, stack_set, existing)
        found = reached(want, existing, batches_to_add(want, todo, existing))
        assert found >= todo.add
        outsiders = {account for account, _ in found} - {*eligible(want, existing)}
        assert all(existing.members[account].suspended for account in outsiders)
        assert {region for _, region in found} <= {*stack_set.regions}


@given(worlds())
def test_a_whole_unit_is_named_only_where_all_of_it_is_missing(
    world: tuple[Wanted, Existing],
) -> None:
    want, existing = world
    todo = cells(want, want.rules, existing)
    for batch in batches_to_add(want, todo, existing):
        for unit in () if batch.accounts else batch.units:
            inside = {a for a, units in eligible(want, existing).items() if unit in units}
            for region in batch.regions:
                joins = region in todo.join.get(unit, ())
                assert joins or {(account, region) for account in inside} <= todo.add


@given(worlds())
def test_retries_reach_just_the_cells_that_they_are_for(world: tuple[Wanted, Existing]) -> None:
    want, existing = world
    todo = cells(want, want.rules, existing)
    batches = by_accounts(want, todo.refresh, existing)
    assert reached(want, existing, batches) == todo.refresh


@given(worlds())
def test_what_is_removed_is_what_should_not_be_there(world: tuple[Wanted, Existing]) -> None:
    want, existing = world
    for stack_set in (want.roles, want.rules):
        state = existing.stack_sets.get(stack_set.name)
        if state is None:
            continue
        todo = cells(want, stack_set, existing)
        assert left_to_remove(todo, existing) <= todo.remove
        assert not todo.moved, "nothing that stays is taken away in between"
        stays = {(a, r) for a in eligible(want, existing) for r in stack_set.regions}
        for batch in units_to_leave(todo):
            for account, member in existing.members.items():
                if {*member.units} & {*batch.units}:
                    gone = {(account, region) for region in batch.regions} & {*state.cells}
                    assert not gone & stays, "whole units only where nothing of them is wanted"
        for account, region in todo.release:
            assert lost(existing, account)
            assert region not in stack_set.regions or not meant(want, existing, account)


@given(worlds())
def test_planning_changes_nothing_and_says_the_same_twice(world: tuple[Wanted, Existing]) -> None:
    want, existing = world
    assert proposal(want, existing) == proposal(want, replace(existing))


def test_calls_do_not_grow_with_the_accounts() -> None:
    want = wanted(bundle(), SMALL, SMALL.regions or ())
    batches = set()
    for count in (3, 300):
        known = {f"{n:012d}": Member("", False, ("r-ab12",)) for n in range(count)}
        existing = Existing({}, {}, known)
        batches.add(len(batches_to_add(want, cells(want, want.rules, existing), existing)))
    assert batches == {1}


def test_more_units_than_a_call_takes_are_spread_over_several() -> None:
    units = tuple(f"ou-ab12-{n:08d}" for n in range(2 * UNITS_A_CALL + 1))
    want = wanted(bundle(), SMALL._replace(organizational_units=units), SMALL.regions or ())
    known = {f"{n:012d}": Member("", False, (unit,)) for n, unit in enumerate(units)}
    existing = Existing({}, {}, known)
    todo: Cells = cells(want, want.rules, existing)
    batches = batches_to_add(want, todo, existing)
    assert [len(batch.units) for batch in batches] == [50, 50, 1]
    some = by_accounts(want, {(account, HOME) for account in known}, existing)
    assert [len(batch.units) for batch in some] == [50, 50, 1]
    assert reached(want, existing, some) == {(account, HOME) for account in known}
