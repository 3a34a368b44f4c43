"""What is wrong with one alternative of a leaf, by the rules of its operator."""

from __future__ import annotations

import math
from collections.abc import Mapping

from generator.patterns.scalars import block, comparable, wildcard_pieces
from generator.patterns.wording import escaped, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from generator.model import Json

    Fault = tuple[str, str]
    """What is wrong, and what would cure it ("" when that is not obvious)."""

COMPARISONS = ("=", "<", "<=", ">", ">=")

# Names from other rule languages, and the operator that does it here.
_MEANT = {
    "equals": "exactly",
    "eq": "exactly",
    "is": "exactly",
    "not": "anything-but",
    "notequals": "anything-but",
    "notin": "anything-but",
    "startswith": "prefix",
    "beginswith": "prefix",
    "endswith": "suffix",
    "contains": "wildcard",
    "like": "wildcard",
    "regex": "wildcard",
    "glob": "wildcard",
    "ignorecase": "equals-ignore-case",
    "ipaddress": "cidr",
    "ip": "cidr",
    "present": "exists",
    "range": "numeric",
    "number": "numeric",
}


def faults(alternative: Json) -> Iterator[Fault]:
    """Everything wrong with one alternative; nothing when it is valid."""
    if isinstance(alternative, (list, tuple)):
        yield "a list stands inside the list", "alternatives stand side by side in one list"
    elif isinstance(alternative, Mapping):
        yield from _one_operator(alternative, _OPERATORS, "")
    elif isinstance(alternative, float) and not math.isfinite(alternative):
        yield f"{alternative} is no JSON number", ""
    elif not (alternative is None or isinstance(alternative, (str, int, float))):
        yield f"{written(alternative)} is no JSON value", "write it as text in quotes"


def _one_operator(
    written: Mapping[str, Json], known: Mapping[str, Callable[[Json], Iterator[Fault]]], inside: str
) -> Iterator[Fault]:
    """The faults of `{operator: operand}`; `inside` names the operator around it, if any."""
    if not written:
        where = f"in {inside!r}" if inside else "for an alternative"
        yield f"an empty object stands {where}", f"name an operator: {', '.join(sorted(known))}"
    if len(written) > 1:
        yield (
            f"{' and '.join(map(_named, written))} stand in one object",
            "give each operator an object of its own; one of them then has to hold",
        )
    for operator, operand in written.items():
        if operator in known:
            yield from known[operator](operand)
        elif inside and operator in _OPERATORS:
            yield f"{inside!r} takes no {operator!r}", f"it takes {', '.join(sorted(known))}"
        else:
            meant = _meant(operator, known)
            yield f"{_named(operator)} is no operator", f"did you mean {meant!r}?" if meant else ""


def _named(name: Json) -> str:
    return f"'{escaped(name[:80])}'" if isinstance(name, str) else written(name)


def _meant(name: Json, known: Mapping[str, object]) -> str:
    from difflib import get_close_matches

    plain = "".join(letter for letter in written(name).lower() if letter.isalnum())[:40]
    if _MEANT.get(plain) in known:
        return _MEANT[plain]
    spelled = {one.replace("-", ""): one for one in known}
    return next((spelled[one] for one in get_close_matches(plain, spelled, 1)), "")


def _text(operand: Json) -> Iterator[Fault]:
    if not isinstance(operand, str):
        yield f"{written(operand)} stands where one text is needed", _quoted(operand)


def _quoted(operand: Json) -> str:
    scalar = operand is None or isinstance(operand, (int, float))
    return f'write "{written(operand)}" if it is meant as text' if scalar else ""


def _prefix(operand: Json) -> Iterator[Fault]:
    yield from _affix("prefix", operand)


def _suffix(operand: Json) -> Iterator[Fault]:
    yield from _affix("suffix", operand)


def _affix(operator: str, operand: Json) -> Iterator[Fault]:
    if isinstance(operand, Mapping):
        yield from _one_operator(operand, {"equals-ignore-case": _text}, operator)
    elif isinstance(operand, (list, tuple)):
        yield (
            f"{operator!r} takes one text, not a list",
            f'write several alternatives: [{{"{operator}": ...}}, {{"{operator}": ...}}]',
        )
    else:
        yield from _text(operand)


def _wildcard(operand: Json) -> Iterator[Fault]:
    yield from _text(operand)
    if isinstance(operand, str):
        pieces = wildcard_pieces(operand)
        if isinstance(pieces, str):
            cure = "one '*' is enough" if "side by side" in pieces else "write '\\\\' for itself"
            yield f"in wildcard {written(operand)} {pieces}", cure


def _exists(operand: Json) -> Iterator[Fault]:
    if not isinstance(operand, bool):
        yield f"'exists' is {written(operand)}", "it must be true or false, without quotes"


def _cidr(operand: Json) -> Iterator[Fault]:
    yield from _text(operand)
    if isinstance(operand, str):
        found = block(operand)
        if isinstance(found, str):
            alone = operand.endswith(("/32", "/128"))
            cure = "write a single address alone, as an exact value" if alone else ""
            yield f"cidr {written(operand)}: {found}", cure


def _numeric(operand: Json) -> Iterator[Fault]:
    if not isinstance(operand, (list, tuple)) or not operand:
        yield f"'numeric' is {written(operand)}", 'it must be a list such as [">", 0, "<=", 5]'
        return
    for comparison in operand[::2]:
        if comparison not in COMPARISONS:
            cure = "use anything-but" if comparison == "!=" else f"use {' '.join(COMPARISONS)}"
            yield f"{written(comparison)} is no comparison", cure
    for bound in operand[1::2]:
        yield from _number(bound)
    if len(operand) % 2:
        yield "'numeric' ends with a comparison that has no number", ""
    if len(operand) > 2:
        yield from _range(operand)


def _range(operand: Sequence[Json]) -> Iterator[Fault]:
    """A range is one lower bound, then one upper bound above it."""
    if len(operand) > 4 or operand[0] not in (">", ">=") or operand[2] not in ("<", "<="):
        yield (
            "this combination of comparisons is not possible",
            'a range is a lower bound, then an upper one: [">", 0, "<=", 5]',
        )
    elif len(operand) == 4 and not any(True for bound in operand[1::2] for _ in _number(bound)):
        low, high = comparable(operand[1]), comparable(operand[3])
        if low is not None and high is not None and low >= high:
            equal = low == high and operand[0] == ">=" and operand[2] == "<="
            cure = f'write ["=", {written(operand[1])}]' if equal else ""
            yield f"no range from {written(operand[1])} to {written(operand[3])} is possible", cure


def _number(operand: Json) -> Iterator[Fault]:
    if isinstance(operand, bool) or not isinstance(operand, (int, float)):
        yield f"{written(operand)} stands where a number is needed", ""
    elif comparable(operand) is None:
        yield f"{written(operand)} has more digits, or more size, than can be compared", ""


def _anything_but(operand: Json) -> Iterator[Fault]:
    if isinstance(operand, Mapping):
        yield from _one_operator(operand, _IN_ANYTHING_BUT, "anything-but")
        return
    values = operand if isinstance(operand, (list, tuple)) else [operand]
    if not values:
        yield "'anything-but' excludes nothing", 'write {"exists": true} for any value'
    for one in values:
        if isinstance(one, bool) or not isinstance(one, (str, int, float)):
            inner = isinstance(one, Mapping)
            yield (
                f"'anything-but' cannot exclude {written(one)}",
                "an operator stands in it directly, its values in a list: "
                '{"anything-but": {"prefix": ["a", "b"]}}'
                if inner
                else "it takes text or numbers",
            )
        elif not isinstance(one, str):
            yield from _number(one)
    if {type(one) is str for one in values if isinstance(one, (str, int, float))} == {True, False}:
        yield "'anything-but' mixes text and numbers", "all its values must be of one kind"


def _some(check: Callable[[Json], Iterator[Fault]]) -> Callable[[Json], Iterator[Fault]]:
    """The same check for one operand or for each of a list, as inside anything-but."""

    def checked(operand: Json) -> Iterator[Fault]:
        if isinstance(operand, (list, tuple)):
            # The engine's compiler lets an empty list pass, and then has nothing to run.
            if not operand:
                yield "'anything-but' excludes nothing", 'write {"exists": true} for any value'
            for one in operand:
                yield from check(one)
        else:
            yield from check(operand)

    return checked


def _filled(operand: Json) -> Iterator[Fault]:
    yield from _text(operand)
    if operand == "":
        yield "'anything-but' excludes every text", "an empty prefix or suffix fits all"


_IN_ANYTHING_BUT: dict[str, Callable[[Json], Iterator[Fault]]] = {
    "prefix": _some(_filled),
    "suffix": _some(_filled),
    "equals-ignore-case": _some(_text),
    "wildcard": _some(_wildcard),
}
_OPERATORS: dict[str, Callable[[Json], Iterator[Fault]]] = {
    "exactly": _text,
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _text,
    "wildcard": _wildcard,
    "numeric": _numeric,
    "cidr": _cidr,
    "anything-but": _anything_but,
    "exists": _exists,
}
OPERATORS = frozenset(_OPERATORS)
