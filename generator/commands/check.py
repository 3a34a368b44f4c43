"""Checks that the output folder is current, within AWS's limits, and clean under cfn-lint.

Prints nothing when all is well; else one line per finding: file, fault, cure. A detection that
contradicts its own examples is a mistake in what was given (exit 2); the rest are findings (1).
What is allowed and does nothing is a note on stderr, and changes no exit code.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from generator import check, config
from generator.forwarding import forwards
from generator.render import render
from generator.screen import Screen, printable


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", default="out", help="what to check (out)")
    parser.add_argument("--no-lint", action="store_true", help="leave cfn-lint out")


def run(given: argparse.Namespace, screen: Screen) -> int:
    configuration = config.load(given.config)
    files = render(configuration.shape)
    folder = Path(given.out)
    command = "python -m generator"
    command += f" --config {given.config}" if given.config else ""
    command += f" --out {given.out}" if given.out != "out" else ""
    findings = check.stale(files, folder, command)
    shape = configuration.shape
    contradictions = check.examples(shape.detections, shape.name_prefix, forwards(shape))
    own = configuration.catalogue.own  # Those that come with the product are tested with it.
    contradictions += check.misspelt(one for one in shape.detections if one.id in own)
    findings += contradictions
    if not given.no_lint:
        templates = [folder / name for name in files if name.endswith(".yaml")]
        present = [file for file in templates if file.parent == folder and file.exists()]
        findings += check.lint(present)
    for finding in findings:
        screen.line(printable(str(finding)))
    for note in configuration.notes:
        screen.note(printable(f"note: {note}"))
    document = {"findings": [finding._asdict() for finding in findings]}
    if configuration.notes:
        document["notes"] = [note._asdict() for note in configuration.notes]
    screen.document(document)
    if contradictions:
        return 2
    return 1 if findings else 0
