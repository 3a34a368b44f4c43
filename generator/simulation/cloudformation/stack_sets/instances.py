"""The instances of a StackSet, as columns of numbers: 85,000 of them are a few megabytes.

An instance is a number, its code: the account's number times WIDTH plus the Region's.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

WIDTH = 64
"""More Regions than there are."""

STATUSES = ("", "CURRENT", "OUTDATED", "INOPERABLE")
ABSENT, CURRENT, OUTDATED, INOPERABLE = range(4)

DETAILED = (
    *("", "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "INOPERABLE"),
    "SKIPPED_SUSPENDED_ACCOUNT",
)
_, PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED, LEFT_INOPERABLE, SKIPPED = range(8)

DRIFT = ("NOT_CHECKED", "IN_SYNC", "DRIFTED")
NOT_CHECKED, IN_SYNC, DRIFTED = range(3)

Overrides = dict[str, str]


class Words:
    """Texts by number: what many instances share is kept once."""

    def __init__(self) -> None:
        self._words = [""]
        self._numbers = {"": 0}

    def number(self, word: str) -> int:
        """The number of a text, a new one for a new text."""
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self._words)
            self._words.append(word)
        return number

    def find(self, word: str) -> int | None:
        return self._numbers.get(word)

    def __getitem__(self, number: int) -> str:
        return self._words[number]

    def __len__(self) -> int:
        return len(self._words)


class Instances:
    """Every instance of one StackSet."""

    def __init__(self) -> None:
        self.accounts = Words()
        self.regions = Words()
        self.reasons = Words()
        self.units = Words()
        self.operations = Words()
        self.status = bytearray()
        self.detailed = bytearray()
        self.drift = bytearray()
        self.reason = array("I")
        self.operation = array("I")
        self.unit = array("H")
        self.overrides: dict[int, Overrides] = {}
        self.stack_ids: dict[int, str] = {}
        self.count = 0

    def code(self, account: str, region: str) -> int:
        """The code of an instance, whether it exists or not."""
        code = self.accounts.number(account) * WIDTH + self.regions.number(region)
        missing = (code // WIDTH + 1) * WIDTH - len(self.status)
        if missing > 0:
            for column in (self.status, self.detailed, self.drift):
                column.extend(bytes(missing))
            for numbers in (self.reason, self.operation, self.unit):
                numbers.extend([0] * missing)
        return code

    def find(self, account: str, region: str) -> int | None:
        """The code of an instance that exists; None when there is none."""
        row, column = self.accounts.find(account), self.regions.find(region)
        if row is None or column is None:
            return None
        code = row * WIDTH + column
        return code if code < len(self.status) and self.status[code] else None

    def add(self, code: int, unit: str) -> None:
        """Makes an instance, of which nothing is deployed yet."""
        self.status[code] = OUTDATED
        self.detailed[code] = PENDING
        self.drift[code] = NOT_CHECKED
        self.reason[code] = 0
        self.unit[code] = self.units.number(unit)
        self.count += 1

    def remove(self, code: int) -> None:
        """Forgets an instance."""
        if self.status[code]:
            self.status[code] = ABSENT
            self.detailed[code] = 0
            self.overrides.pop(code, None)
            self.stack_ids.pop(code, None)
            self.count -= 1

    def turn(self, code: int, status: int, detailed: int, reason: str = "") -> None:
        """Changes what an instance says of itself."""
        self.status[code] = status
        self.detailed[code] = detailed
        self.reason[code] = self.reasons.number(reason)

    def account(self, code: int) -> str:
        return self.accounts[code // WIDTH]

    def region(self, code: int) -> str:
        return self.regions[code % WIDTH]

    def codes(self, start: int = 0) -> Iterator[int]:
        """The codes of all instances from `start` on, account by account."""
        status = self.status
        return (code for code in range(start, len(status)) if status[code])

    def regions_in_use(self) -> list[str]:
        """The Regions that have instances, in the order of their coming."""
        used = {code % WIDTH for code in self.codes()}
        return [self.regions[number] for number in sorted(used)]
