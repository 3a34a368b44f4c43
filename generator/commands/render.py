"""Writes the templates of a configuration, and prints what was written."""

from __future__ import annotations

import argparse
from pathlib import Path

from generator import config, output
from generator.render import render
from generator.screen import Screen

_COLOUR = {"new": "green", "changed": "yellow", "removed": "red", "unchanged": "dim"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", default="out", help="where to (out)")


def run(given: argparse.Namespace, screen: Screen) -> int:
    configuration = config.load(given.config)
    files = render(configuration.shape)
    folder = Path(given.out)
    outcome = output.write(files, folder)
    for name, what in outcome.items():
        size = f"{len(files[name].encode()):>9,} bytes" if name in files else ""
        screen.line(f"{screen.paint(f'{what:<10}', _COLOUR[what])}{folder / name!s:<32}{size}")
    idle = [d.id for d in configuration.shape.detections if d.id not in configuration.shape.wiring]
    if idle:
        screen.note(
            f"no route takes these anywhere, so nothing is forwarded for them: {', '.join(idle)}"
        )
    screen.document({"folder": str(folder), "files": outcome, "without_route": idle})
    return 0
