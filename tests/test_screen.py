"""Results go to stdout, messages to stderr, colours to a terminal only."""

from __future__ import annotations

import io
import json

import pytest

from generator.model import Problem
from generator.screen import Screen, printable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("name", "out", "no_color", "painted"),
    [
        ("a terminal", Terminal(), None, "\033[31mtext\033[0m"),
        ("a terminal, NO_COLOR empty", Terminal(), "", "\033[31mtext\033[0m"),
        ("a terminal, NO_COLOR set", Terminal(), "1", "text"),
        ("a file", io.StringIO(), None, "text"),
    ],
)
def test_colours_are_for_a_terminal_whose_owner_wants_them(
    name: str,
    out: io.StringIO,
    no_color: str | None,
    painted: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert Screen(out=out).paint("text", "red") == painted, name


def _used(as_json: bool) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    screen = Screen(as_json, out, err)
    screen.line("a line")
    screen.line()
    screen.document({"größe": [1, None]})
    screen.note("a note")
    screen.problem(Problem("file.yaml:3", "fault", "cure"))
    return out.getvalue(), err.getvalue()


def test_people_get_lines() -> None:
    assert _used(as_json=False) == ("a line\n\n", "a note\nfile.yaml:3: fault; cure\n")


def test_scripts_get_one_document_and_nothing_else() -> None:
    out, err = _used(as_json=True)
    assert json.loads(out) == {"größe": [1, None]}
    assert "größe" in out
    assert err == "a note\nfile.yaml:3: fault; cure\n"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("plain text", "Größe ‘x’ 🚌 \\ {a}", "Größe ‘x’ 🚌 \\ {a}"),
        ("a line break", "a\nb\r\n", "a\\x0ab\\x0d\\x0a"),
        ("clearing the screen", "\033[2J", "\\x1b[2J"),
        ("the other way to begin a sequence", "\x9b2J", "\\x9b2J"),
        ("a bell and a deletion", "\a\x7f\b", "\\x07\\x7f\\x08"),
        ("text that runs backwards", "a\u202egnp.exe", "a\\x202egnp.exe"),
        ("line and paragraph separators", "\u2028\u2029", "\\x2028\\x2029"),
        ("isolates", "\u2066x\u2069", "\\x2066x\\x2069"),
    ],
)
def test_control_characters_are_shown_not_obeyed(name: str, text: str, expected: str) -> None:
    assert printable(text) == expected, name


def test_a_problem_is_one_line_whatever_it_quotes() -> None:
    err = io.StringIO()
    Screen(err=err).problem(Problem("a\nb", "c\033[0m", "d\u2028e"))
    assert err.getvalue() == "a\\x0ab: c\\x1b[0m; d\\x2028e\n"


class Unread(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_work_that_must_not_stop_goes_on_when_nobody_reads() -> None:
    screen = Screen(out=Unread(), err=Unread())
    with pytest.raises(BrokenPipeError):
        screen.line("a look")
    screen.persistent = True
    screen.line("a rollout")
    screen.note("a message")


def test_every_line_is_seen_at_once() -> None:
    class Counted(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    out, err = Counted(), Counted()
    screen = Screen(out=out, err=err)
    screen.line("step")
    screen.note("beside")
    assert (out.flushed, err.flushed) == (1, 1)


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen = Screen(out=Terminal())
    assert (screen.terminal, screen.paint("text", "red")) == (False, "text")
