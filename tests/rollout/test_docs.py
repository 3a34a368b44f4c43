"""What docs/rollout.md shows is what the commands say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from generator import config
from tests.conftest import Run, configured

PAGE = Path(__file__).parents[2] / "docs" / "rollout.md"
TEXT = PAGE.read_text(encoding="utf-8")
SHOWN = re.findall(r"```console\n\$ trailbus (.*?)\n(.*?)```", TEXT, re.DOTALL)


def test_every_command_is_shown() -> None:
    assert [command for command, _ in SHOWN] == [
        "plan --rehearse",
        "deploy --rehearse",
        "destroy --rehearse",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=[command for command, _ in SHOWN])
def test_a_console_shows_what_the_command_says(
    trailbus: Run, tmp_path: Path, command: str, shown: str
) -> None:
    """Lines of three dots stand for any number of lines."""
    out = tmp_path / "out"
    trailbus("render", "--out", out)
    said = trailbus(*command.split(), "--templates", out).out
    parts = [re.escape(part) for part in shown.split("...\n")]
    assert re.fullmatch("(?:.*\n)*?".join(parts), said), said


def test_the_place_that_is_shown_is_a_place(tmp_path: Path) -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    place = configured(tmp_path, text).place
    assert place is not None
    shown = yaml.safe_load(text)["place"]
    assert {*shown["rollout"]} == {*config._ROLLOUT.fields}, "every setting is shown"
