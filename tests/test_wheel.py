"""The built wheel, installed away from the checkout, renders, checks and simulates as here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ("generator", "lambda", "setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


def ran(folder: Path, *command: str | Path, installed: Path | None = None) -> str:
    """What a command prints. -P keeps the folder, and so the checkout, off the import path."""
    done = subprocess.run(
        [sys.executable, "-P", *map(str, command)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(installed or ""),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing in it but the installed wheel.

    It is built in a copy: a build leaves folders of its own behind.
    """
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, source / name)
    options = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    ran(source, "-m", "pip", "wheel", ".", *options, "--no-build-isolation", "--wheel-dir", folder)
    [wheel] = folder.glob("trailbus-*.whl")
    ran(folder, "-m", "pip", "install", *options, "--target", folder / "site", wheel)
    return folder / "site"


def test_the_package_that_runs_is_the_installed_one(site: Path, tmp_path: Path) -> None:
    where = ran(tmp_path, "-c", "import generator; print(generator.__file__)", installed=site)
    assert Path(where.strip()) == site / "generator" / "__init__.py"


def test_it_renders_what_is_committed_and_finds_it_current(site: Path, tmp_path: Path) -> None:
    ran(tmp_path, "-m", "generator", installed=site)
    golden = {f.relative_to(ROOT / "out"): f for f in (ROOT / "out").rglob("*") if f.is_file()}
    made = {f.relative_to(tmp_path / "out") for f in (tmp_path / "out").rglob("*") if f.is_file()}
    assert made == set(golden)
    for name, file in golden.items():
        assert (tmp_path / "out" / name).read_bytes() == file.read_bytes(), name
    assert ran(tmp_path, "-m", "generator", "check", "--no-lint", installed=site) == ""


def test_it_simulates(site: Path, tmp_path: Path) -> None:
    ran(tmp_path, "-m", "generator", installed=site)
    assert "0 dead letters" in ran(tmp_path, "-m", "generator", "simulate", installed=site)


def test_it_prints_the_schema(site: Path, tmp_path: Path) -> None:
    assert '"$schema"' in ran(tmp_path, "-m", "generator", "schema", installed=site)
