"""Counts findings exactly, in memory that does not grow with them: what is much goes to disk."""

import heapq
import sqlite3
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from shared.findings import SEVERITIES, Finding

DIMENSIONS = ("detection", "account", "principal")

_HELD = 20_000
"""Counters that are held in memory before they are added to those on disk."""

_FOREMOST = 100
"""Findings that are kept whole, to be looked at first."""


class Count(NamedTuple):
    """How many findings something has, by severity, the most severe first."""

    name: str
    by_severity: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.by_severity)


class Ledger:
    """The counts of one report."""

    def __init__(self, folder: Path) -> None:
        self._held: Counter[tuple[str, str, str]] = Counter()
        self._foremost: list[tuple[int, str, str, Finding]] = []
        self.duplicates = 0
        self.nameless = 0
        """Findings without an eventID: nobody can tell whether they are the same."""
        self._disk = sqlite3.connect(folder / "ledger")
        # Nothing of it is wanted after a crash; the cache is its share of the memory, in KiB.
        self._disk.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768;"
            "CREATE TABLE seen (id INTEGER PRIMARY KEY);"
            "CREATE TABLE counts (dimension TEXT, name TEXT, severity TEXT, number INTEGER,"
            " PRIMARY KEY (dimension, name, severity)) WITHOUT ROWID;"
        )

    def add(self, finding: Finding, moment: str) -> bool:
        """Counts a finding, at this step of the timeline; False if it was counted before.

        One call can be a finding of several detections. It is known by eight bytes of a hash: among
        a million, two that are taken for one would be a chance of one in thirty million.
        """
        if finding.event_id:
            name = f"{finding.detection}\n{finding.event_id}".encode()
            known = int.from_bytes(blake2b(name, digest_size=8).digest(), signed=True)
            new = self._disk.execute("INSERT OR IGNORE INTO seen VALUES (?)", (known,)).rowcount
            if not new:
                self.duplicates += 1
                return False
        else:
            self.nameless += 1
        for dimension in DIMENSIONS:
            self._held[dimension, getattr(finding, dimension), finding.severity] += 1
        # No field of a finding holds a line break.
        self._held["title", f"{finding.detection}\n{finding.title}", finding.severity] += 1
        self._held["time", moment, finding.severity] += 1
        if len(self._held) >= _HELD:
            self._put_down()
        self._keep_foremost(finding)
        return True

    def _keep_foremost(self, finding: Finding) -> None:
        rank = -SEVERITIES.index(finding.severity)
        entry = (rank, finding.time, finding.event_id, finding)
        if len(self._foremost) < _FOREMOST:
            heapq.heappush(self._foremost, entry)
        elif entry > self._foremost[0]:
            heapq.heapreplace(self._foremost, entry)

    def _put_down(self) -> None:
        self._disk.executemany(
            "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET number = number + excluded.number",
            ((*key, number) for key, number in self._held.items()),
        )
        self._held.clear()

    # --- What was counted

    @property
    def foremost(self) -> list[Finding]:
        """The most severe findings, the latest first."""
        return [entry[3] for entry in sorted(self._foremost, reverse=True)]

    def severities(self) -> tuple[int, ...]:
        """How many findings there are of each severity, the most severe first."""
        self._put_down()
        rows = self._disk.execute(
            "SELECT severity, SUM(number) FROM counts WHERE dimension = 'time' GROUP BY severity"
        )
        found = dict(rows.fetchall())
        return tuple(found.get(severity, 0) for severity in SEVERITIES)

    def different(self, dimension: str) -> int:
        """How many different names a dimension has."""
        self._put_down()
        sentence = "SELECT COUNT(DISTINCT name) FROM counts WHERE dimension = ?"
        return int(self._disk.execute(sentence, (dimension,)).fetchone()[0])

    def top(self, dimension: str, most: int) -> list[Count]:
        """The names with the most severe findings, then with the most."""
        self._put_down()
        sums = ", ".join(
            f"SUM(CASE severity WHEN '{severity}' THEN number ELSE 0 END) AS of_{severity}"
            for severity in SEVERITIES
        )
        order = ", ".join(f"of_{severity} DESC" for severity in SEVERITIES)
        sentence = (
            f"SELECT name, {sums} FROM counts WHERE dimension = ?"  # noqa: S608 - our own words
            f" GROUP BY name ORDER BY {order}, name LIMIT ?"
        )
        rows = self._disk.execute(sentence, (dimension, most))
        return [Count(name, tuple(numbers)) for name, *numbers in rows]

    def timeline(self) -> Iterator[Count]:
        """The counts of each step of the timeline that has any, in their order."""
        return iter(sorted(self.top("time", 1_000)))

    def titles(self) -> dict[str, str]:
        """The title of each detection; where archived ones differ, the last in the alphabet."""
        found = (count.name.partition("\n") for count in self.top("title", 10_000))
        return {detection: title for detection, _, title in sorted(found)}
