"""What a person or a script sees: results on stdout, messages on stderr, colours on a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from typing import TextIO

from generator.model import Json, Mistake, Problem

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2", "bold": "1"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# The control characters that JSON lets stand in texts.
_UNESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ENCODER = json.JSONEncoder(indent=2, ensure_ascii=False)


class Screen:
    """Where commands print. With `as_json` only `document` reaches stdout."""

    def __init__(
        self, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None
    ) -> None:
        self.as_json = as_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        able = self._out.isatty() and os.environ.get("TERM") != "dumb"
        self.terminal = able and not as_json
        self.colours = able and not os.environ.get("NO_COLOR")
        self._passing = 0
        self._unread = False
        self.persistent = False
        """Whether the work goes on when nobody reads any more: half a rollout helps nobody."""

    def line(self, text: str = "") -> None:
        """A line of the result, for people."""
        if not self.as_json:
            self._passing = 0
            self._write(text + "\n")

    def passing(self, lines: list[str]) -> None:
        """Lines that take the place of those given before: on a terminal only."""
        if self.terminal:
            back = f"\033[{self._passing}F\033[J" if self._passing else ""
            self._write(back + "".join(f"{line}\n" for line in lines))
            self._passing = len(lines)

    def settle(self) -> None:
        """Lets the lines that were passing stay."""
        self._passing = 0

    def document(self, value: Json) -> None:
        """The result, for scripts; a terminal may show it too."""
        if self.as_json:
            for piece in _ENCODER.iterencode(value):
                text = _UNESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", piece)
                self._write(text, flush=False)
            self._write("\n")

    def note(self, text: str) -> None:
        """A message beside the result."""
        self._say(f"{text}\n")

    def problem(self, problem: Problem) -> None:
        """One thing that is wrong, in one line."""
        self._say(f"{printable(str(problem))}\n")

    def _write(self, text: str, flush: bool = True) -> None:
        """Writes a part of the result, seen at once: a pipeline's log shows how far we are."""
        if self._unread:
            return
        try:
            self._out.write(text)
            if flush:
                self._out.flush()
        except OSError as error:
            if self.persistent:
                self._unread = True
            elif isinstance(error, BrokenPipeError):
                raise
            else:
                raise Mistake.one("stdout", f"cannot be written: {error.strerror}") from None

    def _say(self, text: str) -> None:
        # Where even messages cannot be written, there is nobody left to tell it.
        with contextlib.suppress(OSError):
            self._err.write(text)
            self._err.flush()

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour, on a terminal."""
        return f"\033[{_COLOURS[colour]}m{text}\033[0m" if self.colours else text


def printable(text: str) -> str:
    """The text without control characters: event content may try to steer a terminal."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
