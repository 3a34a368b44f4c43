"""YAML read as JSON: only JSON's types, every value with its line, all errors at once."""

import math
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml

from generator.model import Json, Mistake, Problem

Where = tuple[str | int, ...]
"""Where a value stands in its document: ("targets", "slack", "kind")."""

# The C parser is eight times as fast; PyYAML built without it reads the same.
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_UNTAGGED = ""
"""The tag of every value that says none itself."""


class _Loader(_PARSER):  # type: ignore[misc]  # chosen at run time
    """A parser that leaves plain values as the text they are: what they mean is decided below."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        return _UNTAGGED


# JSON's own grammar. YAML 1.1 would also read `No`, `0123`, `1_000`, `12:30` and dates as
# something else than the text that stands there; in an event pattern they are text.
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?\Z")
_CONSTANTS: dict[str, Json] = {"true": True, "false": False, "null": None, "~": None, "": None}
# YAML's core schema reads these, too, JSON's does not. As text they would match nothing, so
# whoever wrote them has to say what is meant: https://yaml.org/spec/1.2.2/#103-core-schema
_DOUBTFUL = frozenset(
    form(word) for word in ("true", "false", "null") for form in (str.capitalize, str.upper)
)
_ACCOUNT_LIKE = re.compile(r"\d{12}\Z|0\d+\Z")
_LONGEST_INTEGER = 4_300
"""Digits that Python turns into a number: https://docs.python.org/3/library/stdtypes.html#int-max-str-digits"""

# A document begins at the first `---`, unless something stands before that: comments do not.
_OPENING = re.compile(r"\ufeff?(?:[ \t]*(?:#.*)?\n|%.*\n)*---(?=\s|\Z)")
_BOUNDARY = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)

_DEEPEST = 1_000
_REPEATED = 1_000_000
"""Characters that a text's aliases may add to it: a few lines of them could mean billions."""


class Document(NamedTuple):
    """One YAML document: its value and the line on which each part of it begins."""

    file: str
    value: Json
    lines: Mapping[Where, int] = MappingProxyType({})

    def place(self, path: Where = ()) -> str:
        """`file:line` of the value at `path`, or of the nearest parent that has a line."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.file}:{self.lines.get(path, 1)}"


def shown(file: Path) -> str:
    """A path as errors say it: from here, when it is below here."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def read(file: Path, name: str | None = None) -> str:
    """The text of a file; a Mistake when it is not there or not UTF-8. `name` is said in errors."""
    place = name or shown(file)
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Mistake.one(place, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Mistake.one(place, f"is not UTF-8 text (byte {error.start})") from None


def first_document(text: str) -> str:
    """The text up to the second document, so that rendering need not parse examples."""
    opening = _OPENING.match(text)
    boundary = _BOUNDARY.search(text, opening.end() if opening else 0)
    return text[: boundary.start()] if boundary else text


def parse(file: str, text: str, line: int = 1) -> list[Document]:
    """Every document in `text`; raises Mistake with all that is wrong with it.

    `file` is how errors call it; `line` the number of the text's first line in that file.
    """
    problems: list[Problem] = []
    documents = []
    try:
        if _too_deep(text):
            raise RecursionError
        room = _Room(2 * len(text) + _REPEATED)
        for node in yaml.compose_all(text, Loader=_Loader):
            reading = _Reading(file, line, problems, room)
            value = reading.value(node, ()) if node is not None else None
            documents.append(Document(file, value, reading.lines))
    except yaml.YAMLError as error:
        problems.append(_syntax_problem(file, line, text, error))
    except RecursionError:
        problems.append(Problem(file, "is nested too deeply"))
    except _NoRoom as error:
        fault = "is repeated by aliases until nobody can read it"
        problems.append(Problem(f"{file}:{error.line + line}", fault, "write fewer aliases"))
    if problems:
        raise Mistake(dict.fromkeys(problems))  # An alias repeats a problem, too.
    return documents


def did_you_mean(word: str, words: Iterator[str] | Mapping[str, Any] | tuple[str, ...]) -> str:
    """`did you mean 'severity'?`, the known words when there are few, or nothing."""
    known = sorted(words)
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(known)}" if 0 < len(known) <= 12 else ""


def _too_deep(text: str) -> bool:
    """Whether values stand inside each other so deep that libyaml would crash over them."""
    if text.count("[") + text.count("{") + text.count("- ") + text.count("? ") < _DEEPEST:
        return False
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth == _DEEPEST:
                return True
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return False


def _syntax_problem(file: str, line: int, text: str, error: yaml.YAMLError) -> Problem:
    began = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or began
    if mark:
        if mark.index >= len(text):  # something was never closed: say where it was opened
            mark = began or mark
        line += min(mark.line, text.rstrip().count("\n"))
    elif isinstance(error, yaml.reader.ReaderError):
        line += text.count("\n", 0, text.find(chr(error.character)))
    said = getattr(error, "problem", None) or str(error).splitlines()[0]
    return Problem(f"{file}:{line}", f"is not YAML: {said}")


class _NoRoom(Exception):
    """More values than a text without aliases could hold; `line` counts from 0."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Room:
    """How many characters the values of a text may still take: one each, and those of texts."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, node: yaml.Node) -> None:
        self.left -= 1 + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
        if self.left < 0:
            raise _NoRoom(node.start_mark.line)


class _Reading:
    """Turns one document's nodes into a value, noting lines and problems on the way."""

    def __init__(self, file: str, first_line: int, problems: list[Problem], room: _Room) -> None:
        self.file = file
        self.first_line = first_line
        self.problems = problems
        self.room = room
        self.lines: dict[Where, int] = {}
        self.open: set[int] = set()

    def problem(self, node: yaml.Node, fault: str, cure: str = "") -> None:
        place = f"{self.file}:{node.start_mark.line + self.first_line}"
        self.problems.append(Problem(place, fault, cure))

    def tagged(self, node: yaml.Node) -> None:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        self.problem(node, f"the tag {tag} is not JSON", "write a plain value")

    def value(self, node: yaml.Node, path: Where) -> Json:
        self.lines.setdefault(path, node.start_mark.line + self.first_line)
        self.room.take(node)
        if node.tag != _UNTAGGED:
            self.tagged(node)
            return None
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if id(node) in self.open:
            self.problem(node, "contains itself")
            return None
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
            return self.mapping(node, path)
        finally:
            self.open.discard(id(node))

    def mapping(self, node: yaml.Node, path: Where) -> dict[str, Json]:
        result: dict[str, Json] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.problem(key_node, "a key must be text")
                continue
            self.room.take(key_node)
            if key_node.tag != _UNTAGGED:
                self.tagged(key_node)
            key = key_node.value
            if key in result:
                self.problem(key_node, f"the key '{key}' is given twice", "keep one")
                continue
            self.lines[(*path, key)] = key_node.start_mark.line + self.first_line
            result[key] = self.value(value_node, (*path, key))
        return result

    def scalar(self, node: yaml.ScalarNode) -> Json:
        text: str = node.value
        if node.style:  # quoted or block text; a plain value has None or "" (C parser)
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text in _DOUBTFUL:
            plain = text.lower()
            cure = f'write {plain}, or quote it if it is meant as text, "{text}"'
            self.problem(node, f"{text} is not JSON's {plain}", cure)
            return _CONSTANTS[plain]
        if text[0] not in "-0123456789":
            return text
        if _ACCOUNT_LIKE.match(text):
            self.problem(
                node, f"{text} reads as a number", f'account ids are text: quote it, "{text}"'
            )
            return text
        number = _NUMBER.match(text)
        if number is None:
            return text
        if not number[1] and not number[2]:
            value: float = int(text) if len(text) <= _LONGEST_INTEGER else math.inf
        else:
            value = float(text)
        if math.isinf(value):
            self.problem(node, "the number is too large", "quote it if it is meant as text")
        return value
