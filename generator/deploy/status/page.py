"""The matrix as one HTML page that needs nothing else: to look at, to send, to print."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from generator.deploy.status.letters import Post
from generator.deploy.status.lines import counted, places, short, verdict
from generator.deploy.status.matrix import SIGNS, Coverage, Row

_STYLE = """\
:root { --ink: #1b1f24; --dim: #656d76; --line: #d8dee4; --paper: #fff; --shade: #f6f8fa;
  --green: #1a7f37; --yellow: #9a6700; --red: #cf222e; --blue: #0969da; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #8d96a0; --line: #30363d;
  --paper: #0d1117; --shade: #161b22; --green: #3fb950; --yellow: #d29922; --red: #f85149;
  --blue: #58a6ff; } }
* { box-sizing: border-box; }
body { margin: 2rem auto; padding: 0 1.5rem; max-width: 76rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
.when, .dim { color: var(--dim); } p { margin: .2rem 0; }
.verdict { display: inline-block; margin: 1rem 0; padding: .5rem .9rem; border-radius: .5rem;
  border: 1px solid currentColor; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; }
thead th { background: var(--shade); font-weight: 600; white-space: nowrap; }
td.number, th.number { text-align: right; } td.mark, th.mark { text-align: center; }
td.mark { font-weight: 700; } code { font: .92em ui-monospace, monospace; }
.green { color: var(--green); } .yellow { color: var(--yellow); } .red { color: var(--red); }
.blue { color: var(--blue); }
ul { padding-left: 1.2rem; margin: .3rem 0; }
ul.parts { padding: 0; list-style: none; } li { margin: .35rem 0; }
.reason { border-left: 3px solid currentColor; padding: .1rem 0 .1rem .8rem; margin: .9rem 0; }
.reason > * { color: var(--ink); } .reason > strong { color: inherit; }
.said { color: var(--dim); overflow-wrap: anywhere; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 10px; }
  .wide { overflow: visible; } tr, .reason { break-inside: avoid; }
  thead { display: table-header-group; } h2 { break-after: avoid; } }
"""


def page(
    coverage: Coverage,
    title: str,
    when: str,
    *,
    everything: bool = False,
    post: Post | None = None,
) -> str:
    """The page. `when` is what it says about its time: nothing here knows the clock."""
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="when">{escape(when)}</p>',
        _verdict(coverage),
        *_parts(coverage),
        *_summary(coverage),
        *_reasons(coverage),
        *_matrix(coverage, everything),
        *_letters(post),
        *_unread({**coverage.unread, **(post.unread if post else {})}),
    ]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>{escape(title)}</title>",
            f"<style>\n{_STYLE}</style></head><body>",
            *body,
            "</body></html>",
            "",
        ]
    )


def _verdict(coverage: Coverage) -> str:
    colour, mark = ("green", "✓") if coverage.good else ("red", "✗")
    return f'<p class="verdict {colour}">{mark} {escape(verdict(coverage))}</p>'


def _parts(coverage: Coverage) -> Iterator[str]:
    yield '<ul class="parts">'
    for part in coverage.parts:
        kind = SIGNS[part.sign]
        rest = "; ".join(text for text in (part.why, part.cure) if text) or part.sign
        yield (
            f'<li><span class="{kind.colour}">{escape(kind.mark)}</span> '
            f"{escape(part.name)}: {escape(rest)}</li>"
        )
    yield "</ul>"


def _summary(coverage: Coverage) -> Iterator[str]:
    counts = coverage.counts()
    signs = [sign for sign in SIGNS if any(count[sign] for count in counts.values())]
    yield '<h2>Regions</h2><div class="wide"><table><thead><tr><th>Region</th>'
    yield "".join(f'<th class="number">{sign}</th>' for sign in signs) + "</tr></thead><tbody>"
    for region, count in counts.items():
        cells = "".join(
            f'<td class="number {SIGNS[sign].colour if count[sign] else "dim"}">'
            f"{count[sign] or '·':{',' if count[sign] else ''}}</td>"
            for sign in signs
        )
        yield f"<tr><td>{escape(region)}</td>{cells}</tr>"
    yield "</tbody></table></div>"


def _reasons(coverage: Coverage) -> Iterator[str]:
    groups = coverage.groups()
    if not groups:
        return
    yield "<h2>What is not green, and why</h2>"
    for group in groups:
        cell, kind = group.cell, SIGNS[group.cell.sign]
        cells = sum(len(regions) for regions in group.places.values())
        yield f'<div class="reason {kind.colour}">'
        yield f"<strong>{escape(kind.mark)} {cell.sign}, {counted(cells, 'cell')}</strong>"
        yield f"<p>{escape(cell.why)}</p>"
        if cell.cure:
            yield f"<p>→ {escape(cell.cure)}</p>"
        yield f'<p class="dim">{escape(places(group, coverage))}</p>'
        if cell.said:
            yield f'<p class="said">AWS: <code>{escape(cell.said)}</code></p>'
        yield "</div>"


def _matrix(coverage: Coverage, everything: bool) -> Iterator[str]:
    rows = [row for row in coverage.rows if everything or not row.good]
    if not rows:
        return
    hidden = len(coverage.rows) - len(rows)
    also = f"; nothing to do in the other {hidden:,}" if hidden else ""
    yield f"<h2>Accounts</h2><p class='dim'>{counted(len(rows), 'account')} shown{also}</p>"
    yield '<div class="wide"><table><thead><tr><th>account</th><th>name</th>'
    yield "".join(
        f'<th class="mark" title="{escape(region)}">{escape(short(region))}</th>'
        for region in coverage.regions
    )
    yield "</tr></thead><tbody>"
    yield from (_row(coverage, row) for row in rows)
    yield "</tbody></table></div>"
    used = {cell.sign for row in rows for cell in row.cells}
    legend = (
        f'<span class="{kind.colour}">{escape(kind.mark)}</span> {sign}: {escape(kind.means)}'
        for sign, kind in SIGNS.items()
        if sign in used
    )
    yield f'<p class="dim">{" &nbsp; ".join(legend)}</p>'


def _row(coverage: Coverage, row: Row) -> str:
    cells = []
    for region, cell in zip(coverage.regions, row.cells, strict=True):
        kind = SIGNS[cell.sign]
        tip = f"{region}: {cell.sign}" + (f": {cell.why}" if cell.why else "")
        # Thousands of accounts are green, and need no words.
        title = "" if cell.sign == "deployed" else f' title="{escape(tip)}"'
        cells.append(f'<td class="mark {kind.colour}"{title}>{escape(kind.mark)}</td>')
    return (
        f"<tr><td><code>{escape(row.account)}</code></td><td>{escape(row.name)}</td>"
        f"{''.join(cells)}</tr>"
    )


def _letters(post: Post | None) -> Iterator[str]:
    if post is None:
        return
    yield f"<h2>Dead letters</h2><p class='dim'>{counted(post.looked, 'queue')} read</p>"
    if post.letters:
        yield "<table><thead><tr><th>account</th><th>Region</th><th>queue</th>"
        yield '<th class="number">messages</th></tr></thead><tbody>'
        for one in post.letters:
            yield (
                f"<tr><td><code>{escape(one.account)}</code></td><td>{escape(one.region)}</td>"
                f'<td>{escape(one.queue)}</td><td class="number red">{one.waiting:,}</td></tr>'
            )
        yield "</tbody></table>"
    else:
        yield "<p>All that could be read are empty.</p>"


def _unread(unread: dict[str, str]) -> Iterator[str]:
    if unread:
        yield "<h2>Not checked</h2><ul>"
        yield from (f"<li>{escape(what)}: {escape(why)}</li>" for what, why in unread.items())
        yield "</ul>"
