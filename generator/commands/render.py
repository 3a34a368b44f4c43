"""Writes the templates of a configuration, and prints what was written."""

from __future__ import annotations

import argparse
from pathlib import Path

from generator import config, names, output
from generator.model import Shape
from generator.render import render
from generator.screen import Screen, printable

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
    parameters = _to_type(configuration.shape)
    if parameters:
        screen.note("at an upload by hand, type these parameters; deploy fills them in:")
        for name, value in parameters.items():
            screen.note(f"  {name}: {printable(value)}")
    screen.document(
        {
            "folder": str(folder),
            "files": outcome,
            "without_route": idle,
            "parameters": parameters,
        }
    )
    return 0


def _to_type(shape: Shape) -> dict[str, str]:
    """The parameters that targets fill with something else than the templates do, and with what."""
    usual = {
        names.parameter(target.name, setting.name): setting.default
        for target in shape.targets
        if target.kind == "responder"
        for setting in shape.responders[target.options["responder"]].settings
    }
    given = names.filled_by_targets(config.target_options(shape))
    return {name: value for name, (_, value) in given.items() if value != usual.get(name)}
