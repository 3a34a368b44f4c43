"""A plan in words for people, and as a document for scripts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from generator.deploy.cells import Place, pilot
from generator.deploy.difference import Difference
from generator.deploy.existing import Existing
from generator.deploy.plan import Plan, StackChange, StackSetChange
from generator.deploy.preview import Preview
from generator.deploy.prices import CHECKED, REGION, Cost
from generator.deploy.wanted import Wanted
from generator.model import Json
from generator.screen import Screen, printable

LONGEST = 96
"""Characters of a value that are shown; --json shows all."""
NAMED = 4
"""So many accounts are named; of more there is a number, and --json names them."""

_SIGNS = {"add": ("+", "green"), "remove": ("-", "red"), "change": ("~", "yellow")}
_COLOURS = {
    "create": "green",
    "recreate": "yellow",
    "update": "yellow",
    "remove": "red",
    "keep": "dim",
}


def unchanged(plan: Plan) -> bool:
    """Whether all is as it is wanted."""
    return not plan.steps


def lines(
    wanted: Wanted, existing: Existing, plan: Plan, preview: Preview | None, cost: Cost, see: Screen
) -> Iterator[str]:
    """What deploy would do."""
    yield from _stack(plan.central, "central stack", see)
    if preview is not None:
        yield from _preview(preview, see)
    for change in plan.stack_sets:
        yield from _stack_set(wanted, existing, change, see)
    yield from _management(wanted, plan, see)
    stuck = [place for change in plan.stack_sets for place in change.cells.stuck]
    skipped = sorted({a for change in plan.stack_sets for a in change.cells.skipped})
    if skipped:
        yield f"suspended, passed over: {_accounts(skipped)}"
    yield from lingering(plan)
    yield ""
    if unchanged(plan):
        who = len({a for c in plan.stack_sets for a, _ in existing_cells(existing, c)})
        yield "Nothing to do: everything is as configured" + (
            f", but for {len(stuck)} cells that only a person can mend."
            if stuck
            else f" ({who} accounts, {len(wanted.rules.regions)} Regions)."
        )
        return
    yield from _cost(cost)
    yield f"{len(plan.steps)} steps. Nothing was changed: trailbus deploy does it."


def lingering(plan: Plan) -> Iterator[str]:
    """Which units stay targets although they are covered no more, and what follows."""
    units = sorted({unit for change in plan.stack_sets for unit in change.cells.lingering})
    if units:
        yield (
            f"still targeted: {', '.join(units)}. An account that joins there is covered until the "
            "next deploy. StackSets leave a unit only with all that is in it: --replace does that, "
            "and makes anew what is to stay"
        )


def existing_cells(existing: Existing, change: StackSetChange) -> Iterable[Place]:
    state = existing.stack_sets.get(change.stack_set.name)
    return state.cells if state else ()


def _heading(name: str, action: str, see: Screen, more: str = "") -> str:
    return f"{see.paint(name, 'bold')}: {see.paint(action, _COLOURS[action])}{more}"


def _stack(change: StackChange, what: str, see: Screen) -> Iterator[str]:
    stack = change.stack
    why = f" (it is {change.status})" if change.action == "recreate" else ""
    yield _heading(f"{what} {stack.name} in {stack.region}", change.action, see, why)
    if change.action in ("create", "recreate"):
        yield from _summary(change.differences)
    elif change.action == "update":
        yield from _differences(change.differences, see)
    if change.action != "keep":
        yield from _parameters(change.parameters or {}, see)


def _summary(differences: Iterable[Difference]) -> Iterator[str]:
    counts = Counter(one.type for one in differences if one.section == "Resources")
    for kind, count in sorted(counts.items()):
        yield f"    + {count:>3} {kind}"


def _differences(differences: Iterable[Difference], see: Screen) -> Iterator[str]:
    for one in differences:
        sign, colour = _SIGNS[one.action]
        kind = f"  {one.type}" if one.type else ""
        where = one.name if one.section == "Resources" else f"{one.section}.{one.name}".rstrip(".")
        yield see.paint(f"    {sign} {where}{kind}", colour)
        for change in one.changes:
            before, after = _value(change.before), _value(change.after)
            yield f"        {change.path or 'all of it'}: {before} -> {after}"


def _value(value: Json) -> str:
    if value is None:
        return "nothing"
    text = printable(value if isinstance(value, str) else json.dumps(value, sort_keys=True))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _parameters(changed: Mapping[str, tuple[str | None, str | None]], see: Screen) -> Iterator[str]:
    for name, (before, after) in changed.items():
        if before is None:
            yield f"    {see.paint('+', 'green')} parameter {name}: {_value(after)}"
        else:
            mark = see.paint("~", "yellow")
            yield f"    {mark} parameter {name}: {_value(before)} -> {_value(after)}"


def _preview(preview: Preview, see: Screen) -> Iterator[str]:
    if not preview.made:
        if preview.note != "nothing changes":
            yield f"    change set: {preview.note}"
        return
    counts = Counter(one.action for one in preview.changes)
    said = ", ".join(f"{count} {action.lower()}" for action, count in sorted(counts.items()))
    yield f"    change set by CloudFormation: {said or preview.note or 'nothing'}"
    for one in preview.changes:
        if one.replacement in ("True", "Conditional"):
            how = "is replaced" if one.replacement == "True" else "may be replaced"
            because = f" ({', '.join(one.properties)})" if one.properties else ""
            yield see.paint(f"    ! {one.logical_id}  {one.type} {how}{because}", "red")
    for finding in preview.findings:
        what = f"{finding.logical_id} {finding.type} {finding.path}".strip()
        yield see.paint(f"    ! {what}: {printable(finding.reason)}", "red")


def _stack_set(
    wanted: Wanted, existing: Existing, change: StackSetChange, see: Screen
) -> Iterator[str]:
    regions = len(change.stack_set.regions)
    where = f"{regions} Region{'s' if regions > 1 else ''}"
    action = change.action
    if action == "keep" and change.cells.touched:
        action = "update"
    yield _heading(f"StackSet {change.stack_set.name} in {where}", action, see)
    if change.action == "create":
        yield from _summary(change.differences)
    else:
        yield from _differences(change.differences, see)
    if change.redefined or change.action == "create":
        yield from _parameters(change.parameters or {}, see)
    for setting in change.settings:
        yield f"    ~ {setting}"
    todo = change.cells
    chosen = pilot(wanted, existing)
    for sign, colour, what, places in (
        ("+", "green", "add", todo.add),
        ("~", "yellow", "try again", todo.refresh if not change.redefined else frozenset()),
        ("-", "red", "remove", todo.remove),
    ):
        for accounts, some in _by_regions(places):
            first = [account for account in accounts if account in chosen]
            said = f", {len(first)} of them first, as the pilot" if first else ""
            text = f"    {sign} {what} {_accounts(accounts)} in {_regions(some)}{said}"
            yield see.paint(text, colour)
    if change.redefined:
        yield see.paint(f"    ~ update {change.updates} instances", "yellow")
    elif todo.keep:
        yield see.paint(f"    = leave {todo.keep} instances", "dim")
    for why in sorted({*todo.release.values()}):
        for accounts, some in _by_regions(p for p, each in todo.release.items() if each == why):
            text = f"    - let go of {_accounts(accounts)} in {_regions(some)}: {why}"
            yield see.paint(text, "red")
    for (account, region), reason in sorted(todo.stuck.items()):
        yield see.paint(f"    ! {account} {region} is INOPERABLE: {printable(reason)}", "red")


def _by_regions(places: Iterable[Place]) -> list[tuple[list[str], list[str]]]:
    by_region: dict[str, set[str]] = {}
    for account, region in places:
        by_region.setdefault(region, set()).add(account)
    together: dict[tuple[str, ...], list[str]] = {}
    for region in sorted(by_region):
        together.setdefault(tuple(sorted(by_region[region])), []).append(region)
    return [(list(accounts), regions) for accounts, regions in together.items()]


def _accounts(accounts: list[str]) -> str:
    if len(accounts) > NAMED:
        return f"{len(accounts)} accounts"
    return ("account " if len(accounts) == 1 else "accounts ") + ", ".join(accounts)


def _regions(regions: list[str]) -> str:
    return ", ".join(regions) if len(regions) <= NAMED else f"{len(regions)} Regions"


def _management(wanted: Wanted, plan: Plan, see: Screen) -> Iterator[str]:
    """The management account's stacks, those of one kind together: they differ in nothing."""
    account = wanted.place.management_account
    if not plan.management:
        yield f"management account {account}: not covered by a delegated administrator"
        return
    together: dict[tuple[str, str], list[StackChange]] = {}
    for change in plan.management:
        together.setdefault((change.stack.name, change.action), []).append(change)
    for (name, action), changes in together.items():
        where = _regions([change.stack.region for change in changes])
        yield _heading(f"management account {account}, stack {name} in {where}", action, see)
        if action == "update":
            yield from _differences(changes[0].differences, see)
            yield from _parameters(changes[0].parameters or {}, see)


def _cost(cost: Cost) -> Iterator[str]:
    paid = [item for item in cost.items if item.monthly]
    said = "; ".join(f"{item.number} x {item.type} ${item.monthly:.2f}" for item in paid)
    at_most = " at most" if cost.conditional else ""
    yield (
        f"New, a month, without use:{at_most} ${cost.monthly:.2f}"
        + (f" ({said})" if said else "")
        + f". Prices of {REGION}, {CHECKED}."
    )
    for item in cost.items:
        if item.usage:
            yield f"    + use of {item.number} x {item.type}: {item.usage}"
    for kind in cost.unknown:
        yield f"    + {kind}: unknown"
    if cost.conditional:
        yield f"    {cost.conditional} of them are made only if a parameter asks for them"


# --- For scripts


def document(
    wanted: Wanted, existing: Existing, plan: Plan, preview: Preview | None, cost: Cost
) -> dict[str, Json]:
    """What deploy would do."""
    return {
        "unchanged": unchanged(plan),
        "central": {
            **_stack_document(plan.central),
            "change_set": None
            if preview is None
            else {
                "made": preview.made,
                "note": preview.note,
                "changes": [vars(one) for one in preview.changes],
                "findings": [vars(one) for one in preview.findings],
            },
        },
        "stack_sets": [_stack_set_document(one) for one in plan.stack_sets],
        "management": [_stack_document(one) for one in plan.management],
        "pilot": sorted(pilot(wanted, existing)),
        "cost_per_month_usd": {
            "fixed_at_most": cost.monthly,
            "unknown": list(cost.unknown),
            "items": [item._asdict() for item in cost.items],
            "prices": {"region": REGION, "checked": CHECKED},
        },
        "plan": [step.sentence for step in plan.steps],
    }


def _changes_document(
    differences: Iterable[Difference],
    parameters: Mapping[str, tuple[str | None, str | None]] | None,
) -> dict[str, Json]:
    return {
        "differences": [
            {**one._asdict(), "changes": [change._asdict() for change in one.changes]}
            for one in differences
        ],
        "parameters": {
            name: {"before": before, "after": after}
            for name, (before, after) in (parameters or {}).items()
        },
    }


def _stack_document(change: StackChange) -> dict[str, Json]:
    stack = change.stack
    return {
        "stack": stack.name,
        "side": stack.side,
        "region": stack.region,
        "action": change.action,
        **_changes_document(change.differences, change.parameters),
    }


def _stack_set_document(change: StackSetChange) -> dict[str, Json]:
    todo = change.cells
    return {
        "stack_set": change.stack_set.name,
        "regions": list(change.stack_set.regions),
        "action": change.action,
        **_changes_document(change.differences, change.parameters),
        "settings": list(change.settings),
        "cells": {
            "add": _cells(todo.add),
            "update": change.updates,
            "retry": _cells(todo.refresh),
            "remove": _cells(todo.remove),
            "release": _cells(todo.release),
            "leave": 0 if change.redefined else todo.keep,
            "stuck": {f"{account} {region}": why for (account, region), why in todo.stuck.items()},
        },
        "suspended": list(todo.skipped),
    }


def _cells(places: Iterable[Place]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for account, region in sorted(places):
        found.setdefault(region, []).append(account)
    return dict(sorted(found.items()))
