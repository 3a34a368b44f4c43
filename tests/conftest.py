"""What many tests use: the command line run in this process, and drawn data that never changes."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from generator import config
from generator.__main__ import main

settings.register_profile("trailbus", derandomize=True, deadline=None, database=None)
settings.load_profile("trailbus")


class Outcome(NamedTuple):
    """What a command left: its exit code, and what it said where."""

    code: object
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def trailbus(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `trailbus ARGUMENTS`."""

    def run(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        code: object
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        finally:
            gc.enable()  # rendering leaves it off
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return run


def configured(folder: Path, text: str) -> config.Configuration:
    """What a configuration of this text, in this folder, says."""
    file = folder / "trailbus.yaml"
    file.write_text(text, encoding="utf-8")
    return config.load(file)
