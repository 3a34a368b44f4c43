"""Drawn organizations with drawn StackSets in them, for laws that hold in every one."""

from __future__ import annotations

from hypothesis import strategies as st

from generator.deploy.existing import Cell, Existing, Fate, Member, StackSetState
from generator.deploy.wanted import Wanted, wanted
from generator.model import Access, Pilot, Place, Rollout

from .organization import HOME, SMALL, bundle

ACCOUNTS = [f"{number:012d}" for number in range(1, 8)]
UNITS = ["r-ab12", "ou-ab12-first111", "ou-ab12-second11", "ou-ab12-third111"]
REGIONS = [HOME, "eu-west-1", "ap-south-1"]


@st.composite
def members(draw: st.DrawFn) -> dict[str, Member]:
    """Accounts below the root and one of the other units, some of them suspended."""
    found = {}
    for account in draw(st.lists(st.sampled_from(ACCOUNTS), unique=True)):
        below = draw(st.sampled_from(UNITS[1:]))
        found[account] = Member("", draw(st.integers(0, 4)) == 0, ("r-ab12", below))
    return found


@st.composite
def places(draw: st.DrawFn) -> Place:
    return SMALL._replace(
        organizational_units=tuple(draw(st.lists(st.sampled_from(UNITS), min_size=1, unique=True))),
        exclude_accounts=tuple(draw(st.lists(st.sampled_from(ACCOUNTS), max_size=2, unique=True))),
        regions=tuple(draw(st.lists(st.sampled_from(REGIONS), min_size=1, unique=True))),
        access=Access(delegated_admin=draw(st.booleans())),
        rollout=Rollout(
            self_managed=draw(st.booleans()),
            pilot=Pilot(accounts=tuple(draw(st.lists(st.sampled_from(ACCOUNTS), max_size=2)))),
        ),
    )


@st.composite
def states(draw: st.DrawFn, known: dict[str, Member], place: Place) -> StackSetState | None:
    if draw(st.booleans()):
        return None
    instances = {}
    for account in known:
        for region in draw(st.lists(st.sampled_from(REGIONS), unique=True)):
            unit = draw(st.sampled_from(known[account].units))
            status = draw(st.sampled_from(["CURRENT", "CURRENT", "OUTDATED", "INOPERABLE"]))
            instances[account, region] = Cell(status, "", "why", unit, draw(st.booleans()))
    targets = {cell.unit for cell in instances.values()}
    service = not place.rollout.self_managed
    return StackSetState(
        "{}" if draw(st.booleans()) else bundle().files["member-rules.yaml"],
        {},
        instances,
        {unit: frozenset(REGIONS) for unit in targets} if service else {},
        service_managed=service,
        tags={"managed-by": "trailbus"},
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Wanted, Existing]:
    place = draw(places())
    known = draw(members())
    want = wanted(bundle(), place, tuple(place.regions or ()))
    sets = {one.name: draw(states(known, place)) for one in (want.roles, want.rules)}
    found = {name: state for name, state in sets.items() if state is not None}
    # Some of those that have instances stand below none of the units any more.
    fates: list[Fate] = ["gone", "suspended", "active"]
    outside = draw(st.dictionaries(st.sampled_from(ACCOUNTS), st.sampled_from(fates), max_size=2))
    inside = {account: member for account, member in known.items() if account not in outside}
    with_cells = {account for state in found.values() for account, _ in state.cells}
    outsiders = {account: outside[account] for account in sorted(with_cells & {*outside})}
    nested = {unit: frozenset(UNITS[:1]) for unit in UNITS[1:]}
    return want, Existing({}, found, inside, outsiders, nested)
