"""Pattern conditions and event values in plain English, safe to print."""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.model import Json

_LONGEST_TEXT = 120
_LONGEST_LIST = 3
_HARMLESS = frozenset("-_.:/@*+=#$%^~()[]")


def escaped(text: str) -> str:
    """The text with everything escaped that a terminal or a log would not show as it is.

    Events are written by strangers: no line breaks, no control sequences, no reversed text.
    """
    return "".join(letter if letter.isprintable() else _escape(ord(letter)) for letter in text)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def value(found: Json) -> str:
    """A value of an event or a pattern: text bare where it cannot be mistaken, else quoted."""
    if isinstance(found, str):
        return written(found) if not found or _ambiguous(found) else escaped(_cut(found))
    if found is None:
        return "null"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, int) and abs(found) >> 4096:
        return "an immense number"  # Python refuses to write it out
    if isinstance(found, (int, float)):
        return repr(found)
    if isinstance(found, Mapping):
        return "an object" if found else "an empty object"
    if isinstance(found, (list, tuple)):
        return "a list" if found else "an empty list"
    return f"a {type(found).__name__}"


def written(found: Json) -> str:
    """A value as it stands in a pattern: the same, with text always quoted."""
    if not isinstance(found, str):
        return value(found)
    quoted = _cut(found).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped(quoted)}"'


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "..."


def _ambiguous(text: str) -> bool:
    """Whether the text would read as something else without quotes: a number, true, two words."""
    if text in ("true", "false", "null", "nan", "inf", "NaN", "Infinity"):
        return True
    if text[0] in "+-.0123456789" and _is_number(text):
        return True
    # Single blanks between words are fine in a sentence; commas and quotes are not.
    return not all(
        word and all(letter.isalnum() or letter in _HARMLESS for letter in word)
        for word in text.split(" ")
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def listed(words: Sequence[str], joint: str) -> str:
    """`A, B or C`; a long list is cut to `A, B or 9 more`."""
    if len(words) > _LONGEST_LIST + 1:
        rest = len(words) - _LONGEST_LIST + 1
        words = [*words[: _LONGEST_LIST - 1], f"{rest} more"]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


def wanted(alternatives: Sequence[Json]) -> str:
    """The alternatives of a leaf, as what a pattern wants: `AccessDenied or it absent`."""
    return listed([alternative(one) for one in alternatives], "or")


def alternative(one: Json) -> str:
    """One alternative of a leaf of a valid pattern."""
    if not isinstance(one, Mapping):
        return value(one)
    ((operator, operand),) = one.items()
    return _operator(operator, operand)


def _operator(operator: str, operand: Json) -> str:
    match operator:
        case "exists":
            return "any value" if operand else "it absent"
        case "exactly":
            return value(operand)
        case "cidr":
            return f"an address in {escaped(operand)}"
        case "numeric":
            return "a number " + " and ".join(
                f"{comparison} {value(bound)}"
                for comparison, bound in zip(operand[::2], operand[1::2], strict=True)
            )
        case "anything-but":
            inner, but = ("exactly", operand)
            if isinstance(operand, Mapping):
                ((inner, but),) = operand.items()
            each = but if isinstance(but, (list, tuple)) else [but]
            return f"anything but {listed([_text(inner, one) for one in each], 'or')}"
        case _:
            return _text(operator, operand)


def _text(operator: str, operand: Json) -> str:
    if isinstance(operand, Mapping):
        ((_, any_case),) = operand.items()
        return f"{_text(operator, any_case)} in any case"
    said = value(operand)
    match operator:
        case "prefix":
            return f"text that starts with {said}"
        case "suffix":
            return f"text that ends with {said}"
        case "wildcard":
            return f"text like {said}"
        case "equals-ignore-case":
            return f"{said} in any case"
        case _:
            return said
