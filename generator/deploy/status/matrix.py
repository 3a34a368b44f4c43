"""What was found + what is wanted -> accounts x Regions with one sign each. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from generator.deploy import by_hand
from generator.deploy.existing import Cell as Instance
from generator.deploy.status.words import AGAIN, STATUSES, Words, explained
from generator.deploy.wanted import Stack, Wanted

# --- What was found


class Member(NamedTuple):
    """An account of the organization, or `gone` from it. `meant`: it stands below a unit of the
    rollout."""

    id: str
    name: str = ""
    suspended: bool = False
    meant: bool = True
    gone: bool = False


class Own(NamedTuple):
    """A stack of the central or the management account."""

    status: str
    current: bool
    reason: str = ""
    drift: str = ""


@dataclass(frozen=True)
class SetFound:
    """A StackSet with its instances. `current`: it is what was rendered and reviewed."""

    current: bool
    instances: Mapping[tuple[str, str], Instance]


@dataclass(frozen=True)
class Survey:
    """Everything that was found. None in `sets` or `stacks` is "not there"; what is missing
    altogether could not be read, and `unread` says why."""

    members: tuple[Member, ...]
    sets: Mapping[str, SetFound | None]
    stacks: Mapping[tuple[str, str, str], Own | None]
    unread: Mapping[str, str]
    """What could not be read, with AWS's words about it."""
    drifted: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    """Of drifted instances, by StackSet, account and Region: which resources."""


# --- What it means


class Kind(NamedTuple):
    """What a sign looks like and means. `good`: nothing has to be done about it."""

    mark: str
    colour: str
    good: bool
    means: str


SIGNS: dict[str, Kind] = {
    "deployed": Kind("+", "green", True, "deployed and up to date"),
    "outdated": Kind("~", "yellow", False, "deployed, but not what was rendered last"),
    "drifted": Kind("d", "yellow", False, "changed behind its stack's back"),
    "working": Kind("*", "blue", False, "an operation is at work"),
    "failed": Kind("x", "red", False, "the last operation failed"),
    "inoperable": Kind("!", "red", False, "left unusable by a failed removal"),
    "skipped": Kind("s", "yellow", False, "passed by: the account was suspended then"),
    "leftover": Kind("l", "yellow", False, "not to be covered, and an instance is left there"),
    "uncovered": Kind("-", "red", False, "not covered"),
    "unknown": Kind("?", "yellow", False, "could not be read"),
    "suspended": Kind("z", "dim", True, "the account is suspended"),
    "excluded": Kind("e", "dim", True, "left out by place.exclude_accounts"),
    "outside": Kind("o", "dim", True, "in no unit of place.organizational_units"),
    "heard": Kind("h", "green", True, "somebody hears it"),
    "unheard": Kind("m", "red", False, "nobody hears it"),
    "quiet": Kind("q", "yellow", True, "nobody hears it, but its failures raise an alarm"),
    "unseen": Kind("u", "dim", True, "out of the sight of a delegated administrator"),
}


class Cell(NamedTuple):
    """One account and Region. `said` are AWS's own words."""

    sign: str
    why: str = ""
    cure: str = ""
    said: str = ""


class Row(NamedTuple):
    """An account with a cell per Region."""

    account: str
    name: str
    cells: tuple[Cell, ...]

    @property
    def good(self) -> bool:
        return all(SIGNS[cell.sign].good for cell in self.cells)


class Part(NamedTuple):
    """Something there is one of: the central stack, a StackSet."""

    name: str
    sign: str
    why: str = ""
    cure: str = ""


class Group(NamedTuple):
    """Cells that share a sign and its reason, by account; what AWS said is the first one's."""

    cell: Cell
    places: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Coverage:
    """The whole picture."""

    regions: tuple[str, ...]
    rows: tuple[Row, ...]
    parts: tuple[Part, ...]
    unread: Mapping[str, str]

    @property
    def good(self) -> bool:
        """Whether nothing has to be done."""
        parts = all(SIGNS[part.sign].good for part in self.parts)
        return parts and not self.unread and all(row.good for row in self.rows)

    def counts(self) -> dict[str, Counter[str]]:
        """Of each Region, how many accounts have which sign."""
        found: dict[str, Counter[str]] = {region: Counter() for region in self.regions}
        for row in self.rows:
            for region, cell in zip(self.regions, row.cells, strict=True):
                found[region][cell.sign] += 1
        return found

    def groups(self) -> list[Group]:
        """The cells that are not good, by what is wrong with them, the worst kinds first."""
        found: dict[Cell, dict[str, list[str]]] = {}
        first: dict[Cell, Cell] = {}
        for row in self.rows:
            for region, cell in zip(self.regions, row.cells, strict=True):
                if not SIGNS[cell.sign].good:
                    # AWS's words name the account: with them no two cells would be alike.
                    kind = cell._replace(said="")
                    first.setdefault(kind, cell)
                    found.setdefault(kind, {}).setdefault(row.account, []).append(region)
        order = list(SIGNS)
        ranked = sorted(found, key=lambda cell: (-order.index(cell.sign), cell))
        return [
            Group(
                first[kind],
                {account: tuple(regions) for account, regions in found[kind].items()},
            )
            for kind in ranked
        ]

    def standing(self) -> dict[str, tuple[str, ...]]:
        """Of each account, the Regions in which our stack stands, whether it is good or not."""
        return {
            row.account: tuple(
                region
                for region, cell in zip(self.regions, row.cells, strict=True)
                if cell.sign in ("deployed", "outdated", "drifted")
            )
            for row in self.rows
        }


DEPLOYED = Cell("deployed")
_GONE = Words("there is no instance here", AGAIN)


def coverage(wanted: Wanted, survey: Survey) -> Coverage:
    """The matrix of what is wanted, by what was found."""
    regions = wanted.rules.regions
    rows = tuple(
        Row(member.id, member.name, tuple(_row(wanted, survey, member, regions)))
        for member in survey.members
    )
    return Coverage(regions, rows, tuple(_parts(wanted, survey)), survey.unread)


def _row(
    wanted: Wanted, survey: Survey, member: Member, regions: tuple[str, ...]
) -> Iterator[Cell]:
    place = wanted.place
    if member.id == place.management_account:
        yield from (_management(wanted, survey, region) for region in regions)
        return
    whole = (
        Cell("excluded")
        if member.id in place.exclude_accounts
        else Cell("suspended")
        if member.suspended
        else Cell("outside")
        if member.gone or not member.meant
        else None
    )
    if whole is not None:
        comes_back = whole.sign == "suspended" and member.meant
        for region in regions:
            yield (None if comes_back else _leftover(wanted, survey, member, region)) or whole
        return
    roles = _instance(survey, wanted.roles.name, member.id, wanted.home)
    for region in regions:
        rules = _instance(survey, wanted.rules.name, member.id, region)
        yield _worse(rules, roles)


def _leftover(wanted: Wanted, survey: Survey, member: Member, region: str) -> Cell | None:
    """What is left in an account that is not to be covered; None when nothing is."""
    # The roles stand once an account, and are told in the first Region where home is not covered.
    home = wanted.home if wanted.home in wanted.rules.regions else wanted.rules.regions[0]
    places = [(wanted.rules.name, region)] + [(wanted.roles.name, wanted.home)] * (region == home)
    left = [
        (name, found.instances[member.id, where])
        for name, where in places
        if (found := survey.sets.get(name)) and (member.id, where) in found.instances
    ]
    lost = member.gone or member.suspended
    for name, instance in left:
        if instance.status == "INOPERABLE" and not lost:
            words = STATUSES["INOPERABLE"]
            where = wanted.home if name == wanted.roles.name else region
            cure = f"mend that, or let it go: {by_hand.let_go(wanted, name, member.id, [where])}"
            return Cell("inoperable", words.why, cure, instance.reason)
    if not left:
        return None
    why = "it left the organization" if member.gone else "it is not to be covered"
    return Cell("leftover", f"{why}, and an instance is still there", "deploy")


def _instance(survey: Survey, name: str, account: str, region: str) -> Cell:
    """The cell of one StackSet."""
    if name not in survey.sets:
        said = survey.unread.get(name, "")
        return Cell("unknown", "its StackSet could not be read", said=said)
    found = survey.sets[name]
    if found is None:
        return Cell("uncovered", f"the StackSet {name} is not there", "deploy")
    instance = found.instances.get((account, region))
    if instance is None:
        return Cell("uncovered", _GONE.why, _GONE.cure)
    if instance.status == "CURRENT" and instance.detailed in ("SUCCEEDED", ""):
        if not found.current:
            return Cell("outdated", f"the StackSet {name} has another template or values", "deploy")
        if instance.drift == "DRIFTED":
            said = survey.drifted.get((name, account, region), "")
            return Cell("drifted", _DRIFTED.why, _DRIFTED.cure, said)
        return DEPLOYED
    key = instance.detailed
    if instance.status == "INOPERABLE":
        key = "INOPERABLE"
    elif key in ("SUCCEEDED", ""):
        key = instance.status
    words = explained(key, instance.reason)
    return Cell(_SIGN_OF.get(key, "failed"), words.why, words.cure, instance.reason)


_DRIFTED = Words(
    "somebody changed what the stack made",
    "put it back as it was; an unchanged template alone does not repair it",
)

_SIGN_OF = {
    "OUTDATED": "outdated",
    "PENDING": "working",
    "RUNNING": "working",
    "INOPERABLE": "inoperable",
    "FAILED_IMPORT": "inoperable",
    "SKIPPED_SUSPENDED_ACCOUNT": "skipped",
}


def _worse(rules: Cell, roles: Cell) -> Cell:
    """The rules' cell, unless the roles are at fault: without them no rule forwards."""
    if roles.sign == "deployed":
        return rules
    order = list(SIGNS)
    if rules.sign != "deployed" and order.index(rules.sign) >= order.index(roles.sign):
        return rules
    return roles._replace(why=f"the account's roles: {roles.why}")


# --- The management account, which no service-managed StackSet reaches


def _management(wanted: Wanted, survey: Survey, region: str) -> Cell:
    own = [stack for stack in wanted.management if stack.region == region]
    if not own:
        return Cell("unseen", "see management.yaml, which covers the management account")
    shared = [s for s in wanted.management if s.region == wanted.home and s not in own]
    roles = [s for s in (*own, *shared) if s.template == wanted.roles.template]
    rules = [s for s in own if s.template != wanted.roles.template]
    cells = [_stack(survey, stack) for stack in rules]
    first = cells[0] if cells else DEPLOYED
    return _worse(first, _stack(survey, roles[0])) if roles else first


def _stack(survey: Survey, stack: Stack) -> Cell:
    key = (stack.side, stack.region, stack.name)
    if key not in survey.stacks:
        said = survey.unread.get(label(stack), "")
        return Cell("unknown", "its stack could not be read", said=said)
    found = survey.stacks[key]
    if found is None:
        return Cell("uncovered", f"the stack {stack.name} is not there", "deploy")
    if found.status.endswith("_IN_PROGRESS"):
        return Cell("working", f"its stack is in {found.status}", "wait, then look again")
    if found.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        words = explained("FAILED", found.reason)
        why = words.why if found.reason else f"its stack is in {found.status}"
        return Cell("failed", why, words.cure, found.reason)
    if not found.current:
        return Cell("outdated", f"the stack {stack.name} has another template or values", "deploy")
    if found.drift == "DRIFTED":
        return Cell("drifted", _DRIFTED.why, _DRIFTED.cure)
    return DEPLOYED


def label(stack: Stack) -> str:
    """A stack in words."""
    return f"{stack.name} in the {stack.side} account, {stack.region}"


def _parts(wanted: Wanted, survey: Survey) -> Iterator[Part]:
    central = _stack(survey, wanted.central)
    why = central.why + (f" ({central.said})" if central.said else "")
    yield Part(f"stack {label(wanted.central)}", central.sign, why, central.cure)
    for stack_set in (wanted.roles, wanted.rules):
        title = f"StackSet {stack_set.name}"
        if stack_set.name not in survey.sets:
            why = survey.unread.get(stack_set.name, "could not be read")
            yield Part(title, "unknown", why)
            continue
        found = survey.sets[stack_set.name]
        if found is None:
            yield Part(title, "uncovered", "is not there", "deploy")
        elif not found.current:
            yield Part(title, "outdated", "has another template or other values", "deploy")
        else:
            yield Part(title, "deployed")
