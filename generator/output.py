"""Puts rendered files into a folder, all or none, and tells which of them are stale."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from generator import names
from generator.model import Mistake, Problem


def write(files: Mapping[str, str], folder: Path, beside: bool = False) -> dict[str, str]:
    """Writes the files and says of each whether it is "new", "changed", "unchanged" or "removed".

    Each is written beside its place first and renamed when all are there; where a renaming fails,
    those before it are undone: an interrupted run leaves the old ones. Files that an earlier
    manifest lists and that are rendered no more are removed; others in the folder are not ours.
    Files that are put `beside` what is there remove nothing: a manifest there is of other files.
    """
    outcome: dict[str, str] = {}
    try:
        obsolete = [] if beside else _obsolete(files, folder)
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
                moves.append((stack.enter_context(_beside(target, text.encode())), target))
            _move(moves)
        for name in obsolete:
            (folder / name).unlink()
            outcome[name] = "removed"
    except OSError as error:
        place = str(error.filename or folder)
        raise Mistake.one(place, f"cannot be written: {error.strerror}") from None
    return outcome


def stale(files: Mapping[str, str], folder: Path, command: str) -> list[Problem]:
    """One problem per file in the folder that differs from what would be rendered now."""
    try:
        old_files = {name: _text(folder / name) for name in files}
        obsolete = _obsolete(files, folder)
    except OSError as error:
        place = str(error.filename or folder)
        raise Mistake.one(place, f"cannot be read: {error.strerror}") from None
    problems = []
    for name, text in files.items():
        old = old_files[name]
        if old is None:
            problems.append(Problem(str(folder / name), "is missing", f"run: {command}"))
        elif old != text:
            line = _first_difference(old, text)
            fault = f"is stale (first difference in line {line})"
            problems.append(Problem(str(folder / name), fault, f"run: {command}"))
    for name in obsolete:
        problems.append(Problem(str(folder / name), "is rendered no more", f"run: {command}"))
    return problems


def _first_difference(old: str, new: str) -> int:
    pairs = zip(old.splitlines(), new.splitlines(), strict=False)
    for number, (before, after) in enumerate(pairs, start=1):
        if before != after:
            return number
    return min(len(old.splitlines()), len(new.splitlines())) + 1


def _obsolete(files: Mapping[str, str], folder: Path) -> list[str]:
    """The files in the folder that its manifest lists and that are rendered no more."""
    return sorted(name for name in _listed(folder) - set(files) if (folder / name).is_file())


def _listed(folder: Path) -> set[str]:
    """The files that the folder's manifest lists; none when it is no manifest."""
    text = _text(folder / names.MANIFEST)
    try:
        listed = json.loads(text or "{}").get("files", [])
        return {name for name in listed if isinstance(name, str) and _is_inside(name)}
    except (ValueError, AttributeError, TypeError, RecursionError):
        return set()


def _is_inside(name: str) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts


def _text(file: Path) -> str | None:
    """What stands in the file, whatever its bytes; None when there is none."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _move(moves: list[tuple[Path, Path]]) -> None:
    """Puts each new file in its place, or none: an error brings back the old ones."""
    replaced: list[tuple[Path, bytes | None]] = []
    try:
        for temporary, target in moves:
            old = target.read_bytes() if target.exists() else None
            temporary.replace(target)
            replaced.append((target, old))
    except BaseException:
        for target, old in replaced:
            if old is None:
                target.unlink()
            else:
                with _beside(target, old) as temporary:
                    temporary.replace(target)
        raise


@contextlib.contextmanager
def _beside(target: Path, content: bytes) -> Iterator[Path]:
    """A temporary file next to its place; gone afterwards unless it was renamed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{target.name}.{os.getpid()}"
    try:
        temporary.write_bytes(content)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
