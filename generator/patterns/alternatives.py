"""Tests on a single value, made once from the alternatives of a leaf."""

from __future__ import annotations

from collections.abc import Mapping

from generator.patterns.scalars import (
    AnyCase,
    Block,
    address,
    block,
    comparable,
    single,
    wildcard_pieces,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from generator.model import Json

    Test = Callable[[Json], bool]
    """Says whether one scalar of an event meets a condition."""

    TextTest = Callable[[str], bool]


def wants_absence(alternatives: Sequence[Json]) -> bool:
    """Whether the leaf is met where its field has no value."""
    return any(_is_absence(one) for one in alternatives)


def value_test(alternatives: Sequence[Json]) -> Test:
    """A test that holds for the values which meet one of the alternatives of a valid leaf."""
    plain = [one for one in alternatives if not isinstance(one, Mapping)]
    tests = [_plain(plain)] if plain else []
    tests += [
        _operator(*next(iter(one.items())))
        for one in alternatives
        if isinstance(one, Mapping) and not _is_absence(one)
    ]
    return tests[0] if len(tests) == 1 else _any_of(tests)


def _is_absence(alternative: Json) -> bool:
    return isinstance(alternative, Mapping) and alternative.get("exists") is False


def _any_of(tests: Sequence[Test]) -> Test:
    def test(value: Json) -> bool:
        # Starting a generator for any() would cost more than most of these tests.
        for one in tests:  # noqa: SIM110
            if one(value):
                return True
        return False

    return test


def _plain(values: Sequence[Json]) -> Test:
    """Equal to one of these: text to text, a number to a number however written, and so on."""
    addresses = [
        single(found)
        for found in (address(value) for value in values if isinstance(value, str))
        if found is not None
    ]
    texts = frozenset(value for value in values if isinstance(value, str))
    if len(texts) == len(values) and not addresses:
        return texts.__contains__
    constants = [value for value in values if value is None or isinstance(value, bool)]
    number = _number_test(values)

    def test(value: Json) -> bool:
        if isinstance(value, str):
            return value in texts or (bool(addresses) and _in_blocks(value, addresses))
        if value is None or isinstance(value, bool):
            # `in` would take True for 1.
            return any(value is constant for constant in constants)
        return number(value)

    return test


def _number_test(values: Iterable[Json]) -> Test:
    """Equal to one of these numbers; one that cannot be compared is equal to its own digits."""
    numbers = [
        value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
    equal = frozenset(comparable(value) for value in numbers) - {None}
    digits = frozenset(value for value in numbers if comparable(value) is None)

    def test(value: Json) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        found = comparable(value)
        return value in digits if found is None else found in equal

    return test


def _in_blocks(text: str, blocks: Sequence[Block]) -> bool:
    found = address(text)
    if found is not None:
        for one in blocks:
            if one.holds(found):
                return True
    return False


def _operator(operator: str, operand: Json) -> Test:
    match operator:
        case "exists":
            return _anything
        case "numeric":
            return _numeric(tuple(operand))
        case "anything-but":
            return _anything_but(operand)
        case "cidr":
            found = block(operand)
            # A valid pattern has no faulty block; the check tells the type checker so.
            blocks = [found] if isinstance(found, Block) else []
            return _on_text(lambda text: _in_blocks(text, blocks))
        case _:
            return _on_text(_text(operator, operand))


def _anything(_value: Json) -> bool:
    return True


def _on_text(holds: TextTest) -> Test:
    def test(value: Json) -> bool:
        return isinstance(value, str) and holds(value)

    return test


def _text(operator: str, operand: Json) -> TextTest:
    """The operators that look at text alone and can also stand in anything-but."""
    any_case = isinstance(operand, Mapping)
    match operator:
        case "prefix" if any_case:
            return AnyCase(operand["equals-ignore-case"]).starts
        case "suffix" if any_case:
            return AnyCase(operand["equals-ignore-case"]).ends
        case "prefix":
            return lambda text: text.startswith(operand)
        case "suffix":
            return lambda text: text.endswith(operand)
        case "equals-ignore-case":
            return AnyCase(operand).equals
        case "wildcard":
            return _wildcard(operand)
        case _:
            return lambda text: text == operand


def _wildcard(wanted: str) -> TextTest:
    pieces = wildcard_pieces(wanted)
    head, *middle = [pieces] if isinstance(pieces, str) else pieces
    if not middle:
        return lambda text: text == head
    tail = middle.pop()

    def holds(text: str) -> bool:
        if not text.startswith(head):
            return False
        at, end = len(head), len(text) - len(tail)
        for piece in middle:
            # The leftmost place leaves most to those that follow.
            at = text.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return at <= end and text.endswith(tail)

    return holds


def _numeric(operand: Sequence[Json]) -> Test:
    bounds = [
        (comparison, comparable(bound) or 0.0)
        for comparison, bound in zip(operand[::2], operand[1::2], strict=True)
    ]

    def test(value: Json) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        found = comparable(value)
        return found is not None and all(_holds(found, *bound) for bound in bounds)

    return test


def _holds(found: float, comparison: str, bound: float) -> bool:
    match comparison:
        case "=":
            return found == bound
        case "<":
            return found < bound
        case "<=":
            return found <= bound
        case ">":
            return found > bound
        case _:
            return found >= bound


def _anything_but(operand: Json) -> Test:
    """Any value that is none of these; what is of another type than these is none of them."""
    if isinstance(operand, Mapping):
        ((operator, but),) = operand.items()
        excluded = [_text(operator, one) for one in (but if _is_list(but) else [but])]
        return lambda value: not (isinstance(value, str) and any(one(value) for one in excluded))
    values = operand if _is_list(operand) else [operand]
    texts = frozenset(value for value in values if isinstance(value, str))
    if texts:
        return lambda value: not (isinstance(value, str) and value in texts)
    number = _number_test(values)
    return lambda value: not number(value)


def _is_list(value: Json) -> bool:
    return isinstance(value, (list, tuple))
