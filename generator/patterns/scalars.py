"""When two values are the same to the engine: numbers, addresses, and text in any case."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Address = tuple[int, int]
    """An IP address: its number, and how many bits it has."""

_EXACT_IN_A_DOUBLE = 2**53
_LONGEST_IPV4_TEXT = 15


def comparable(number: int | float) -> float | None:
    """The number as the engine compares it, or None where it cannot.

    It can where the shortest decimal writing of the nearest double is the number itself:
    9007199254740993 has no double of its own, so it is equal to its own digits and nothing else.
    """
    try:
        nearest = float(number)
    except OverflowError:
        return None
    if not math.isfinite(nearest):
        return None
    if isinstance(number, int) and abs(number) > _EXACT_IN_A_DOUBLE:
        digits, _, exponent = repr(abs(nearest)).partition("e")
        whole, _, fraction = digits.partition(".")
        shift = int(exponent or 0) - len(fraction)
        written = int(whole + fraction)
        if (written * 10**shift if shift >= 0 else written // 10**-shift) != abs(number):
            return None
    return nearest


def address(text: str) -> Address | None:
    """The IP address that the text spells, None for any other text.

    Zeros in front are read as decimal. IPv4 inside IPv6 counts only when spelled in hexadecimal,
    and is then the IPv4 address.
    """
    if not text.isascii():
        return None
    if ":" in text:
        groups = _ipv6_groups(text)
        if groups is None:
            return None
        number = 0
        for group in groups:
            number = number << 16 | group
        return (number & 0xFFFFFFFF, 32) if number >> 32 == 0xFFFF else (number, 128)
    if len(text) > _LONGEST_IPV4_TEXT or not text.replace(".", "", 3).isdigit():
        return None
    parts = text.split(".")
    if len(parts) != 4 or not all(parts):
        return None
    first, second, third, fourth = map(int, parts)
    if max(first, second, third, fourth) > 255:
        return None
    return first << 24 | second << 16 | third << 8 | fourth, 32


def _ipv6_groups(text: str) -> list[int] | None:
    head, gap, tail = text.partition("::")
    left = [_group(part) for part in head.split(":")] if head else []
    right = [_group(part) for part in tail.split(":")] if tail else []
    missing = 8 - len(left) - len(right)
    if missing < 1 if gap else missing != 0:
        return None
    groups = left + [0] * missing + right
    known = [group for group in groups if group is not None]
    return known if len(known) == len(groups) else None


def _group(text: str) -> int | None:
    # int() alone would also take "+1", "0x1" and "1_0".
    if not text or not all(letter in "0123456789abcdefABCDEF" for letter in text):
        return None
    number = int(text, 16)
    return number if number <= 0xFFFF else None


class Block:
    """The addresses from `low` to `high`."""

    __slots__ = ("bits", "high", "low")

    def __init__(self, low: int, high: int, bits: int) -> None:
        self.low, self.high, self.bits = low, high, bits

    def holds(self, found: Address) -> bool:
        """Whether an address lies in the block, byte by byte and whatever its family.

        Of a longer address the first bytes decide. A shorter one has to be decided by the bytes
        that it has, so being equal to a bound so far is not enough.
        """
        number, bits = found
        if bits >= self.bits:
            return self.low <= number >> (bits - self.bits) <= self.high
        return self.low >> (self.bits - bits) < number < self.high >> (self.bits - bits)


def single(found: Address) -> Block:
    """The block of just this address."""
    return Block(found[0], found[0], found[1])


def block(text: str) -> Block | str:
    """The block that a CIDR text spells, or what is wrong with it."""
    # Slashes at the very end are overlooked, as is a sign before the mask.
    halves = text.rstrip("/").split("/")
    if len(halves) != 2:
        return "needs one '/' between an address and its mask bits"
    found = address(halves[0])
    if found is None:
        return f"{halves[0]!r} is no IP address"
    number, bits = found
    negative = halves[1].startswith("-")
    digits = halves[1][1:] if halves[1][0] in "+-" else halves[1]
    if not (digits.isascii() and digits.isdigit()):
        return f"mask bits {halves[1]!r} are no whole number"
    # Whatever has four digits is too large, however large it is.
    mask = int(digits.lstrip("0")[:4] or "0")
    if mask >= bits or (negative and mask):
        return f"mask bits must be from 0 to {bits - 1}"
    rest = bits - mask
    low = number >> rest << rest
    return Block(low, low | (1 << rest) - 1, bits)


class AnyCase:
    """A text in any case, as Java folds it: character by character, lower or upper.

    Each character of the wanted text may stand in lower or in upper case, also where that is
    longer: a sharp s matches itself and SS. What else folds to the same does not match: ss.
    """

    __slots__ = ("_lower", "_spellings")

    def __init__(self, wanted: str) -> None:
        # The engine looks at UTF-16 units; half a pair has no bytes of its own and becomes "?".
        units = "".join(map(_units, wanted))
        self._lower = units.lower() if units.isascii() else None
        self._spellings = [tuple({unit.lower(), unit.upper()}) for unit in units]

    def equals(self, text: str) -> bool:
        """Whether the text is the wanted one, in any case."""
        if self._lower is not None:
            return text.isascii() and text.lower() == self._lower
        return len(text) in _ends(self._spellings, text)

    def starts(self, text: str) -> bool:
        """Whether the text begins with the wanted one, in any case."""
        if self._lower is not None:
            return self.equals(text[: len(self._lower)])
        return bool(_ends(self._spellings, text))

    def ends(self, text: str) -> bool:
        """Whether the text ends with the wanted one, in any case."""
        if self._lower is not None:
            return self.equals(text[-len(self._lower) :] if self._lower else "")
        backwards = [tuple(one[::-1] for one in spelling) for spelling in self._spellings[::-1]]
        return bool(_ends(backwards, text[::-1]))


def _units(letter: str) -> str:
    if ord(letter) > 0xFFFF:
        return "??"
    return "?" if 0xD800 <= ord(letter) <= 0xDFFF else letter


def _ends(spellings: Sequence[tuple[str, ...]], text: str) -> set[int]:
    """Where in the text the spellings can end that begin at its start."""
    reached = {0}
    for spelling in spellings:
        reached = {at + len(one) for at in reached for one in spelling if text.startswith(one, at)}
        if not reached:
            break
    return reached


def wildcard_pieces(wanted: str) -> list[str] | str:
    """The plain texts between the `*` of a wildcard, or what is wrong with it."""
    pieces = [""]
    at = 0
    while at < len(wanted):
        letter, following = wanted[at], wanted[at + 1 : at + 2]
        if letter == "*":
            if following == "*":
                return "two '*' stand side by side"
            pieces.append("")
        elif letter == "\\":
            if following not in ("*", "\\"):
                return "a backslash stands before neither '*' nor '\\'"
            pieces[-1] += following
            at += 1
        else:
            pieces[-1] += letter
        at += 1
    return pieces
