"""Prints the JSON Schema of the configuration, for editors."""

from __future__ import annotations

import argparse
import json

from generator.config import json_schema
from generator.screen import Screen


def arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(given: argparse.Namespace, screen: Screen) -> int:
    schema = json_schema()
    screen.line(json.dumps(schema, indent=2))
    screen.document(schema)
    return 0
