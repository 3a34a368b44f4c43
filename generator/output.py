"""Puts rendered files into a folder, all or none, and tells which of them are stale."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from generator import names
from generator.model import Mistake, Problem


def write(files: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Writes the files and says of each whether it is "new", "changed", "unchanged" or "removed".

    Each is written beside its place first and renamed when all are there, so that an interrupted
    run leaves the old ones. Files that an earlier manifest lists and that are rendered no more are
    removed; others in the folder are not ours.
    """
    outcome: dict[str, str] = {}
    obsolete = sorted(_listed(folder) - set(files))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            moves = []
            for name, text in files.items():
                target = folder / name
                old = _text(target)
                if old == text:
                    outcome[name] = "unchanged"
                    continue
                outcome[name] = "new" if old is None else "changed"
                moves.append((stack.enter_context(_beside(target, text)), target))
            for temporary, target in moves:
                temporary.replace(target)
        for name in obsolete:
            (folder / name).unlink(missing_ok=True)
            outcome[name] = "removed"
    except OSError as error:
        place = str(error.filename or folder)
        raise Mistake.one(place, f"cannot be written: {error.strerror}") from None
    return outcome


def stale(files: Mapping[str, str], folder: Path, command: str) -> list[Problem]:
    """One problem per file in the folder that differs from what would be rendered now."""
    problems = []
    for name, text in files.items():
        old = _text(folder / name)
        if old is None:
            problems.append(Problem(str(folder / name), "is missing", f"run: {command}"))
        elif old != text:
            line = _first_difference(old, text)
            fault = f"is stale (first difference in line {line})"
            problems.append(Problem(str(folder / name), fault, f"run: {command}"))
    for name in sorted(_listed(folder) - set(files)):
        if (folder / name).exists():
            problems.append(Problem(str(folder / name), "is rendered no more", f"run: {command}"))
    return problems


def _first_difference(old: str, new: str) -> int:
    pairs = zip(old.splitlines(), new.splitlines(), strict=False)
    for number, (before, after) in enumerate(pairs, start=1):
        if before != after:
            return number
    return min(len(old.splitlines()), len(new.splitlines())) + 1


def _listed(folder: Path) -> set[str]:
    """The files that the folder's manifest lists; none when there is no readable manifest."""
    text = _text(folder / names.MANIFEST)
    try:
        listed = json.loads(text or "{}").get("files", [])
        return {name for name in listed if isinstance(name, str) and _is_inside(name)}
    except (ValueError, AttributeError):
        return set()


def _is_inside(name: str) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return None


@contextlib.contextmanager
def _beside(target: Path, text: str) -> Iterator[Path]:
    """The text in a temporary file next to its place; gone afterwards unless it was renamed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{target.name}.{os.getpid()}"
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
