"""The matrix for a terminal or a log: a line per Region, then what is not green and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from generator.deploy.status.letters import Post
from generator.deploy.status.matrix import SIGNS, Coverage, Group, Row

Paint = Callable[[str, str], str]

FEW = 3
"""How many accounts a reason names before it counts the rest."""


def lines(
    coverage: Coverage, paint: Paint, *, everything: bool = False, post: Post | None = None
) -> Iterator[str]:
    """The picture in words. Accounts that are all green are counted; `everything` shows them."""
    for part in coverage.parts:
        kind = SIGNS[part.sign]
        rest = "; ".join(text for text in (part.why, part.cure) if text)
        yield f"{paint(kind.mark, kind.colour)} {part.name}" + (f": {rest}" if rest else "")
    yield ""
    yield from _summary(coverage, paint)
    rows = [row for row in coverage.rows if everything or not row.good]
    if rows:
        yield ""
        yield from _matrix(coverage, rows, paint)
    groups = coverage.groups()
    if groups:
        yield ""
        yield "why:"
        for group in groups:
            yield from _group(group, coverage, paint)
    if post is not None:
        yield ""
        yield from _letters(post, paint)
    unread = {**coverage.unread, **(post.unread if post else {})}
    if unread:
        yield ""
        yield "not checked:"
        for what, why in unread.items():
            yield f"  {what}: {_shown(why)}"
    yield ""
    yield paint(verdict(coverage), "green" if coverage.good else "red")


def short(region: str) -> str:
    """A Region in a few letters: use1 for us-east-1, apse2 for ap-southeast-2."""
    parts = region.split("-")
    middle = re.sub(r"(north|south|east|west|central)", lambda m: m[1][0], "".join(parts[1:-1]))
    return f"{parts[0]}{middle}{parts[-1]}"


def _summary(coverage: Coverage, paint: Paint) -> Iterator[str]:
    counts = coverage.counts()
    signs = [sign for sign in SIGNS if any(count[sign] for count in counts.values())]
    wide = max((len(region) for region in coverage.regions), default=6)
    yield f"{'Region':<{wide}}  " + "  ".join(f"{sign:>10}" for sign in signs)
    for region, count in counts.items():
        cells = [
            paint(f"{count[sign]:>10,}", SIGNS[sign].colour) if count[sign] else f"{'.':>10}"
            for sign in signs
        ]
        yield f"{region:<{wide}}  " + "  ".join(cells)


def _matrix(coverage: Coverage, rows: list[Row], paint: Paint) -> Iterator[str]:
    heads = [short(region) for region in coverage.regions]
    name = max(7, *(len(_shown(row.name)) for row in rows))
    yield f"{'account':<12}  {'name':<{name}}  " + " ".join(heads)
    for row in rows:
        marks = [
            paint(f"{SIGNS[cell.sign].mark:^{len(head)}}", SIGNS[cell.sign].colour)
            for head, cell in zip(heads, row.cells, strict=True)
        ]
        yield f"{row.account:<12}  {_shown(row.name):<{name}}  " + " ".join(marks)
    used = {cell.sign for row in rows for cell in row.cells}
    yield ""
    for sign, kind in SIGNS.items():
        if sign in used:
            yield f"  {paint(kind.mark, kind.colour)} {sign}: {kind.means}"


def _group(group: Group, coverage: Coverage, paint: Paint) -> Iterator[str]:
    kind = SIGNS[group.cell.sign]
    cells = sum(len(regions) for regions in group.places.values())
    where = places(group, coverage)
    yield f"  {paint(kind.mark, kind.colour)} {group.cell.sign}, {counted(cells, 'cell')}: {where}"
    cure = f"; {group.cell.cure}" if group.cell.cure else ""
    yield f"      {group.cell.why}{cure}"
    if group.cell.said:
        yield f"      AWS: {_shown(group.cell.said)}"


def places(group: Group, coverage: Coverage) -> str:
    """Where the cells of a group are: few by name, many by number."""
    by_regions: dict[tuple[str, ...], list[str]] = {}
    for account, regions in group.places.items():
        by_regions.setdefault(regions, []).append(account)
    said = []
    for regions, accounts in by_regions.items():
        some = ", ".join(accounts[:FEW])
        rest = len(accounts) - FEW
        who = some + (f" and {rest:,} more" if rest > 0 else "")
        all_of_them = regions == coverage.regions and len(regions) > 1
        said.append(f"{who} in {'every Region' if all_of_them else ', '.join(regions)}")
    if len(said) > FEW:
        said = [*said[:FEW], f"and {len(said) - FEW:,} more combinations"]
    return "; ".join(said)


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _letters(post: Post, paint: Paint) -> Iterator[str]:
    yield f"dead letters, in {counted(post.looked, 'queue')} that could be read:"
    for one in post.letters:
        many = paint(counted(one.waiting, "message"), "red")
        yield f"  {one.account}  {one.region}  {one.queue}: {many}"
    if not post.letters:
        yield "  none"


def verdict(coverage: Coverage) -> str:
    """The whole picture in one sentence."""
    count = sum(coverage.counts().values(), Counter[str]())
    cells = sum(count.values())
    accounts = counted(len(coverage.rows), "account")
    size = f"{accounts} x {counted(len(coverage.regions), 'Region')}"
    bad = sum(number for sign, number in count.items() if not SIGNS[sign].good)
    if bad:
        return f"{bad:,} of {cells:,} cells are not green: {size}"
    if not coverage.good:
        return f"every cell is green, but not all else: {size}"
    left = [f"{count[sign]:,} {sign}" for sign in SIGNS if sign != "deployed" and count[sign]]
    rest = f", {', '.join(left)}" if left else ""
    return f"all green: {size}; {count['deployed']:,} cells deployed{rest}"


def _shown(text: str) -> str:
    """On one line, and without what would steer a terminal: names and reasons are others' words."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
