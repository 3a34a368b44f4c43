"""Numbers, addresses and text in any case, as the engine compares them."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.patterns.scalars import AnyCase, Block, address, block, comparable, wildcard_pieces

NUMBERS: list[tuple[str, int | float, float | None]] = [
    ("a whole number", 5, 5.0),
    ("minus zero", -0.0, 0.0),
    ("the last whole number with a double", 2**53, 2.0**53),
    ("the one after", 2**53 + 1, None),
    ("a long one that a double writes out", 10**22, 1e22),
    ("a long one that it does not", 10**22 + 1, None),
    ("a power of two that a double writes shorter", 2**60, None),
    ("a negative long one", -(10**18), -1e18),
    ("a fraction of full length", 0.30000000000000004, 0.30000000000000004),
    ("infinity", float("inf"), None),
    ("not a number", float("nan"), None),
    ("more than any double", 10**400, None),
]


@pytest.mark.parametrize(("name", "number", "expected"), NUMBERS, ids=[row[0] for row in NUMBERS])
def test_numbers_compare_where_a_double_holds_them(
    name: str, number: int | float, expected: float | None
) -> None:
    assert comparable(number) == expected, name


@given(st.integers(-(10**30), 10**30))
def test_whole_numbers_compare_where_the_shortest_writing_of_the_double_is_theirs(
    number: int,
) -> None:
    kept = Decimal(repr(float(number))) == number
    assert comparable(number) == (float(number) if kept else None)


ADDRESSES: list[tuple[str, str, tuple[int, int] | None]] = [
    ("IPv4", "10.0.0.255", (0x0A0000FF, 32)),
    ("zeros in front", "010.000.0.09", (0x0A000009, 32)),
    ("too many zeros in front", "0000000010.0.0.1", None),
    ("IPv6", "2001:DB8::8:0", (0x20010DB8000000000000000000080000, 128)),
    ("the unspecified address", "::", (0, 128)),
    ("eight groups", "1:2:3:4:5:6:7:8", (0x00010002000300040005000600070008, 128)),
    ("a gap of one", "1:2:3:4:5:6:7::", (0x00010002000300040005000600070000, 128)),
    ("IPv4 in IPv6, in hexadecimal", "::ffff:a00:1", (0x0A000001, 32)),
    ("IPv4 in IPv6, with dots", "::ffff:10.0.0.1", None),
    ("a part too large", "10.0.0.256", None),
    ("three parts", "10.0.1", None),
    ("five parts", "1.2.3.4.5", None),
    ("an empty part", "10..0.1", None),
    ("a sign", "+10.0.0.1", None),
    ("an underscore", "1_0.0.0.1", None),
    ("other digits", "１0.0.0.1", None),
    ("a blank", "10.0.0.1 ", None),
    ("a mask", "10.0.0.1/32", None),
    ("two gaps", "1::2::3", None),
    ("three colons", "1:::2", None),
    ("seven groups", "1:2:3:4:5:6:7", None),
    ("a gap of none", "1:2:3:4::5:6:7:8", None),
    ("a group too large", "::12345", None),
    ("a zone", "fe80::1%eth0", None),
    ("one colon", ":", None),
    ("a name", "ec2.amazonaws.com", None),
    ("nothing", "", None),
]


@pytest.mark.parametrize(("name", "text", "expected"), ADDRESSES, ids=[row[0] for row in ADDRESSES])
def test_addresses_are_recognized(name: str, text: str, expected: tuple[int, int] | None) -> None:
    assert address(text) == expected, name


@given(st.ip_addresses())
def test_every_written_address_is_read_back(found: IPv4Address | IPv6Address) -> None:
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    expected = mapped or found
    texts = [str(found), found.exploded] if mapped is None else [":".join(_groups(found))]
    for text in texts:
        assert address(text) == (int(expected), expected.max_prefixlen)


def _groups(found: IPv4Address | IPv6Address) -> list[str]:
    digits = f"{int(found):032x}"
    return [digits[at : at + 4] for at in range(0, 32, 4)]


@given(st.text("0123456789abcdefA:. %/", max_size=20))
def test_no_other_text_is_an_address(text: str) -> None:
    found = address(text)
    if found is None and ":" in text and "." not in text:
        with pytest.raises(AddressValueError):
            IPv6Address(text.replace("%", "/"))
    if found is not None and found[1] == 128:
        assert all(character in "0123456789abcdefABCDEF:" for character in text)


def test_host_bits_of_a_block_are_overlooked() -> None:
    found = block("10.1.2.3/16")
    assert isinstance(found, Block)
    assert (found.low, found.high, found.bits) == (0x0A010000, 0x0A01FFFF, 32)


@pytest.mark.parametrize("mask", ["0", "08", "+8", "-0", "0" * 5000 + "8", "8/", "31"])
def test_masks_that_are_taken(mask: str) -> None:
    assert isinstance(block(f"10.0.0.0/{mask}"), Block)


@pytest.mark.parametrize("mask", ["", "32", "-1", "x", "8x", " 8", "8/8", "٨", "--8", "9" * 5000])
def test_masks_that_are_not(mask: str) -> None:
    assert isinstance(block(f"10.0.0.0/{mask}"), str)


ANY_CASE: list[tuple[str, str, list[str], list[str]]] = [
    # name, wanted, texts that equal it, texts that do not
    ("letters", "aBc-1", ["abc-1", "ABC-1"], ["abc", "abc-11", ""]),
    ("nothing", "", [""], ["a"]),
    ("letters that grow", "straße", ["STRASSE", "Straße", "straSSe"], ["strasse", "STRASsE"]),
    ("letters that split", "İ", ["İ", "i\u0307"], ["i", "I"]),
    ("a final letter", "Σας", ["ΣΑΣ", "σας"], ["σασ"]),
    ("a title letter is neither", "\u01c5", ["\u01c4", "\u01c6"], ["\u01c5"]),
    ("half a pair", "\ud83d", ["?"], ["\ud83d"]),
]


@pytest.mark.parametrize(
    ("name", "wanted", "equal", "other"), ANY_CASE, ids=[row[0] for row in ANY_CASE]
)
def test_text_in_any_case(name: str, wanted: str, equal: list[str], other: list[str]) -> None:
    any_case = AnyCase(wanted)
    for text in equal:
        assert any_case.equals(text), (name, text)
        assert any_case.starts(text + "tail"), (name, text)
        assert any_case.ends("head" + text), (name, text)
    for text in other:
        assert not any_case.equals(text), (name, text)


@given(st.text(st.characters(max_codepoint=0x2FF, exclude_categories=["Cs", "Lt"]), max_size=6))
def test_a_text_equals_itself_and_its_letters_in_either_case(text: str) -> None:
    any_case = AnyCase(text)
    # Letter by letter: Python's own lower() and upper() look at the neighbours, too.
    for spelled in (
        text,
        "".join(letter.lower() for letter in text),
        "".join(letter.upper() for letter in text),
    ):
        assert any_case.equals(spelled)


@pytest.mark.parametrize(
    ("wanted", "pieces"),
    [("", [""]), ("*", ["", ""]), ("a*b", ["a", "b"]), ("\\**\\\\", ["*", "\\"])],
)
def test_wildcards_fall_into_pieces(wanted: str, pieces: list[str]) -> None:
    assert wildcard_pieces(wanted) == pieces
