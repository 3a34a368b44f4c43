"""The command line: finds the command, parses its arguments, calls it, and exits as it says."""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import NoReturn

from generator import __version__
from generator.commands import COMMANDS, EXAMPLES
from generator.model import Mistake
from generator.screen import Screen

DONE, WRONG, MISUSE, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


def main(argv: list[str] | None = None) -> int:
    """Runs one command; `render` when none is named. Gives the exit code.

    0 done, 1 found something wrong, 2 misuse: a mistake in what the user gave; 130 and 143 when
    a signal ended it.
    """
    # Closed streams are None: what is written there is lost, and no fault.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    try:
        if argv is None:
            signal.signal(signal.SIGTERM, _terminated)
        code = _run(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:
        # Whoever read our output has had enough; that is no fault.
        code = DONE
    except Mistake as mistake:
        for problem in mistake.problems:
            Screen().problem(problem)
        code = MISUSE
    except KeyboardInterrupt as interrupt:
        Screen().note(str(interrupt) or "interrupted")
        code = TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED
    try:
        sys.stdout.flush()
    except OSError as error:
        # What is still unsaid must not be tried again on the way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError) and code == DONE:
            Screen().note(f"stdout: cannot be written: {error.strerror}")
            return MISUSE
    return code


class Terminated(KeyboardInterrupt):
    """SIGTERM: a pipeline's time is up. What must be left in order is left as after Ctrl-C."""


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated("terminated")


def _run(given: list[str]) -> int:
    if given and given[0] in ("-h", "--help", "help"):
        Screen().line(_overview())
        return DONE
    if given and given[0] == "--version":
        Screen().line(f"trailbus {__version__}")
        return DONE
    if not given or given[0].startswith("-"):
        given = ["render", *given]
    name, rest = given[0], given[1:]
    if name not in COMMANDS:
        from generator.documents import did_you_mean

        cure = did_you_mean(name, COMMANDS)
        print(f"trailbus: no command '{name}'" + (f"; {cure}" if cure else ""), file=sys.stderr)
        return MISUSE
    if name == "render":
        # It lives for a sixth of a second: looking for garbage would cost a tenth of that. What
        # is frozen is not looked through on the way out either.
        gc.disable()
        atexit.register(gc.freeze)
    command = import_module(f"generator.commands.{name}")
    parser = argparse.ArgumentParser(
        prog=f"trailbus {name}",
        description=command.__doc__,
        epilog=EXAMPLES.get(name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="trailbus.yaml; without it the built-in"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    command.arguments(parser)
    arguments = parser.parse_args(rest)
    screen = Screen(as_json=arguments.json)
    return int(command.run(arguments, screen))


def _overview() -> str:
    lines = [
        "usage: trailbus [COMMAND] [--config FILE] [--json] ...",
        "",
        "Every CloudTrail event that matters, from every account and Region of an AWS",
        "organization, on one bus, acted upon. Also: python -m generator [COMMAND] ...",
        "",
        "commands:",
        *(f"  {name:<12}{text}" for name, text in COMMANDS.items()),
        "",
        "`trailbus COMMAND --help` tells more, with examples.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
