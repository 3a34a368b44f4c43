"""Writes a report as a page: it needs nothing from elsewhere, runs nothing, and prints well."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from html import escape

from shared.findings import SEVERITIES, Finding
from shared.ledger import Count, Ledger

COLORS = {
    "critical": "#9f1239",
    "high": "#d9480f",
    "medium": "#b7791f",
    "low": "#2f6f9f",
    "info": "#718096",
}
_ROWS = 50
_FIRST = 30
_SSO_ROLE = re.compile(r"AWSReservedSSO_(.+)_[0-9a-f]{16}")
"""The permission set that people know, inside of the name that IAM Identity Center gives its role.
https://docs.aws.amazon.com/singlesignon/latest/userguide/using-iam-identity-center-roles.html"""

_STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.45 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #1a202c;
  max-width: 1080px; margin: 2rem auto; padding: 0 1.5rem; background: #fff; }
header { border-bottom: 2px solid #1a202c; margin-bottom: 1.25rem; padding-bottom: .75rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; }
h2 { font-size: 1.12rem; margin: 2rem 0 .5rem; break-after: avoid; }
p { margin: .3rem 0; max-width: 62em; }
.quiet { color: #5a6577; }
.small { font-size: .82rem; }
.wrong { border: 2px solid #9f1239; border-left-width: 10px; padding: .6rem .9rem; margin: 1rem 0;
  break-inside: avoid; }
.wrong ul { margin: .3rem 0; padding-left: 1.2rem; }
dl { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; }
dl div { border: 1px solid #cbd5e0; border-top: 4px solid #1a202c; padding: .35rem .6rem;
  flex: 1 1 4.6rem; break-inside: avoid; }
dl .critical, dl .high, dl .medium, dl .low, dl .info { border-top-color: currentColor; }
dt { color: #5a6577; font-size: .82rem; }
dd { margin: 0; font-size: 1.45rem; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-size: .86rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .55rem;
  border-bottom: 1px solid #dfe5ec; overflow-wrap: anywhere; }
th { border-bottom: 2px solid #4a5568; font-weight: 600; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.t { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.w { min-width: 9em; }
td .quiet { display: block; font-size: .92em; }
.zero { color: #b3bcc8; }
.s { font-weight: 600; white-space: nowrap; }
svg { width: 100%; height: auto; display: block; }
footer { margin-top: 2.2rem; border-top: 1px solid #cbd5e0; padding-top: .6rem; }
@page { size: A4; margin: 14mm 12mm; }
@media print {
  html { font-size: 10.5px; }
  body { font-size: 10.5px; max-width: none; margin: 0; padding: 0; }
  thead { display: table-header-group; }
  tr, svg { break-inside: avoid; }
  th, td { padding: .2rem .35rem; }
}
""" + "".join(f".{name} {{ color: {color}; }}\n" for name, color in COLORS.items())


def page(
    title: str,
    steps: Sequence[str],
    ledger: Ledger,
    faults: Sequence[str],
    facts: Iterable[tuple[str, str]],
) -> str:
    """The whole page. `steps` are all steps of the timeline, `faults` what the report lacks."""
    style = b64encode(sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    severities = ledger.severities()
    body = "\n".join(
        [
            f"<header><h1>Audit report, {escape(title)}</h1>",
            '<p class="quiet">Sensitive events in the organization, as the detections found them. '
            "All times are UTC.</p></header>",
            _faults(faults),
            _cards(severities, ledger),
            *(_findings(steps, ledger) if sum(severities) else [_NOTHING]),
            _making(facts),
        ]
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>Audit report, {escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


_NOTHING = "<p>Nothing was found: no archived event falls into this period.</p>"


def _faults(faults: Sequence[str]) -> str:
    if not faults:
        return ""
    entries = "".join(f"<li>{escape(fault)}</li>" for fault in faults)
    return (
        f'<section class="wrong"><strong>This report is incomplete.</strong><ul>{entries}</ul>'
        "</section>"
    )


def _cards(severities: Sequence[int], ledger: Ledger) -> str:
    shown = [
        ("findings", sum(severities), ""),
        *zip(SEVERITIES, severities, SEVERITIES, strict=True),
        ("detections", ledger.different("detection"), ""),
        ("accounts", ledger.different("account"), ""),
        ("principals", ledger.different("principal"), ""),
    ]
    cards = "".join(
        f'<div class="{kind}"><dt>{name}</dt>'
        f'<dd class="{kind if number else "zero"}">{number:,}</dd></div>'
        for name, number, kind in shown
    )
    return f"<dl>{cards}</dl>"


def _findings(steps: Sequence[str], ledger: Ledger) -> list[str]:
    titles = ledger.titles()
    return [
        "<h2>When</h2>",
        _timeline(steps, {count.name: count for count in ledger.timeline()}),
        "<h2>What to look at first</h2>",
        '<p class="quiet">The most severe findings, the latest first.</p>',
        _foremost(ledger.foremost[:_FIRST]),
        *_counted("What was found", "detection", ledger, lambda name: (titles[name], name)),
        *_counted("In which accounts", "account", ledger, lambda name: (name, "")),
        *_counted("Who did it", "principal", ledger, _person),
    ]


def _person(arn: str) -> tuple[str, str]:
    """The name that people know, and the ARN that is exact.

    The last part of a role session is the human's own name where people sign in through SSO.
    """
    kind, _, path = arn.partition(":assumed-role/")[2].partition("/")
    if path:
        set_ = _SSO_ROLE.fullmatch(kind)
        return f"{path} as {set_[1] if set_ else kind}", arn
    name = arn.rpartition("/")[2] if "/" in arn else arn.rpartition(":")[2]
    return (name, arn) if name != arn else (arn, "")


# --- Tables


def _table(heads: Sequence[tuple[str, str]], rows: Iterable[str]) -> str:
    head = "".join(f'<th class="{kind}">{name}</th>' for name, kind in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _foremost(findings: Iterable[Finding]) -> str:
    heads = [
        ("severity", ""),
        ("time", "t"),
        ("what", ""),
        ("where", ""),
        ("who", ""),
        ("from", ""),
    ]
    return _table(heads, map(_foremost_row, findings))


def _foremost_row(found: Finding) -> str:
    name, arn = _person(found.principal)
    call = f"{found.service} {found.event}"
    if found.result != "done":
        call += f", {found.result}"
    return (
        f'<tr><td class="s {found.severity}">{found.severity}</td>'
        f'<td class="t">{_shown_time(found.time)}</td>'
        f'<td class="w">{_two(found.title, call)}</td>'
        f'<td class="t">{_two(found.account, found.region)}</td>'
        f"<td>{_two(name, arn)}</td><td>{escape(found.source_address)}</td></tr>"
    )


def _shown_time(time: str) -> str:
    """Date and time, without letters between them."""
    return escape(time.replace("T", " ").removesuffix("Z"))


def _two(first: str, second: str) -> str:
    below = f'<span class="quiet">{escape(second)}</span>' if second else ""
    return f"{escape(first)}{below}"


def _counted(
    title: str, dimension: str, ledger: Ledger, words: Callable[[str], tuple[str, str]]
) -> list[str]:
    """A table of the names of one dimension, and how many more there are."""
    heads = [(dimension, ""), ("findings", "n"), *((name, "n") for name in SEVERITIES)]
    counts = ledger.top(dimension, _ROWS)
    more = ledger.different(dimension) - len(counts)
    rows = (
        f"<tr><td>{_two(*words(count.name))}</td>{_number(count.total)}"
        + "".join(map(_number, count.by_severity, SEVERITIES))
        + "</tr>"
        for count in counts
    )
    rest = f'<p class="quiet">And {more:,} more, in the spreadsheet.</p>' if more > 0 else ""
    return [f"<h2>{title}</h2>", _table(heads, rows), rest]


def _number(number: int, severity: str = "") -> str:
    kind = severity if number else "zero"
    return f'<td class="n"><span class="{kind}">{number:,}</span></td>'


# --- The timeline

_WIDTH, _HEIGHT, _FOOT, _SIDE = 1000, 150, 22, 46


def _timeline(steps: Sequence[str], counts: dict[str, Count]) -> str:
    """Bars of findings by severity, drawn so that they print. Numbers alone, nothing of events."""
    highest = max((count.total for count in counts.values()), default=0) or 1
    width = (_WIDTH - _SIDE) / max(len(steps), 1)
    drawn = [
        f'<line x1="{_SIDE}" x2="{_WIDTH}" y1="{y}" y2="{y}" stroke="#dfe5ec"/>'
        f'<text x="{_SIDE - 6}" y="{y + 4}" font-size="11" text-anchor="end" fill="#5a6577">'
        f"{label}</text>"
        for y, label in ((8, f"{highest:,}"), (_HEIGHT, "0"))
    ]
    every = -(-len(steps) // 12)
    for place, step in enumerate(steps):
        left, bottom = _SIDE + place * width, float(_HEIGHT)
        numbers = counts[step].by_severity if step in counts else ()
        for severity, number in zip(SEVERITIES, numbers, strict=False):
            height = (_HEIGHT - 8) * number / highest
            bottom -= height
            if number:
                drawn.append(
                    f'<rect x="{left + width * 0.12:.1f}" y="{bottom:.1f}"'
                    f' width="{width * 0.76:.1f}" height="{height:.1f}" fill="{COLORS[severity]}">'
                    f"<title>{step}: {number:,} {severity}</title></rect>"
                )
        if place % every == 0:
            label = f"{step[11:]}:00" if len(step) > 10 else step[5:]
            drawn.append(
                f'<text x="{left + width / 2:.1f}" y="{_HEIGHT + 16}" font-size="11"'
                f' text-anchor="middle" fill="#5a6577">{label}</text>'
            )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + _FOOT}" role="img"'
        f' aria-label="Findings over time">{"".join(drawn)}</svg>'
    )


def _making(facts: Iterable[tuple[str, str]]) -> str:
    rows = (f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in facts)
    return (
        "<h2>How this report was made</h2>"
        f"<table><tbody>{''.join(rows)}</tbody></table>"
        '<footer class="quiet small"><p>CloudTrail delivers the events of this report on a '
        "best-effort basis; the trail in S3 stays the record. A finding says that an event matched "
        "a detection, not that something was wrong.</p></footer>"
    )
