"""Files are written all or none, only where they differ, and never outside the folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator import output
from generator.model import Mistake

OLD = {"a.yaml": "a: 1\n", "b/c.yaml": "c: 1\n", "d.yaml": "d: 1\n", "manifest.json": "{}\n"}
NEW = {"a.yaml": "a: 2\n", "b/c.yaml": "c: 2\n", "d.yaml": "d: 2\n", "manifest.json": "{}\n"}


def manifest(*files: str) -> str:
    return json.dumps({"files": list(files)})


def contents(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text(encoding="utf-8")
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def said(folder: Path) -> list[str]:
    """What is stale, as seen from inside the folder."""
    problems = output.stale(NEW, folder, "render it")
    return [str(problem).removeprefix(f"{folder}/") for problem in problems]


def test_a_missing_folder_is_made_and_filled(tmp_path: Path) -> None:
    folder = tmp_path / "x" / "out"
    assert output.write(OLD, folder) == dict.fromkeys(OLD, "new")
    assert contents(folder) == OLD


def test_each_file_is_told_apart(tmp_path: Path) -> None:
    output.write({**OLD, "manifest.json": manifest("a.yaml", "gone.yaml", "never.yaml")}, tmp_path)
    (tmp_path / "gone.yaml").write_text("x", encoding="utf-8")
    files = {"a.yaml": "a: 1\n", "b/c.yaml": "c: 2\n", "e.yaml": "e\n", "manifest.json": "{}\n"}
    assert output.write(files, tmp_path) == {
        "a.yaml": "unchanged",
        "b/c.yaml": "changed",
        "e.yaml": "new",
        "manifest.json": "changed",
        "gone.yaml": "removed",
    }
    assert contents(tmp_path) == {**files, "d.yaml": "d: 1\n"}  # which no manifest lists


def test_what_is_unchanged_is_not_touched(tmp_path: Path) -> None:
    output.write(OLD, tmp_path)
    for file in tmp_path.rglob("*.yaml"):
        os.utime(file, (1, 1))
    output.write({**OLD, "d.yaml": "d: 2\n"}, tmp_path)
    times = {file.name: file.stat().st_mtime for file in tmp_path.rglob("*.yaml")}
    assert times["a.yaml"] == times["c.yaml"] == 1
    assert times["d.yaml"] > 1


def test_bytes_are_the_same_everywhere(tmp_path: Path) -> None:
    output.write({"a.yaml": "ä: ‘1’\nb: 2\n"}, tmp_path)
    assert (tmp_path / "a.yaml").read_bytes() == "ä: ‘1’\nb: 2\n".encode()


def test_a_file_of_other_bytes_than_text_is_replaced_and_told(tmp_path: Path) -> None:
    output.write(OLD, tmp_path)
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\n")
    assert said(tmp_path)[0] == "a.yaml: is stale (first difference in line 1); run: render it"
    assert output.write(OLD, tmp_path)["a.yaml"] == "changed"
    assert contents(tmp_path) == OLD


OBSTACLES = ["a.yaml", "b/c.yaml", "d.yaml", "manifest.json"]


@pytest.mark.parametrize("failing", range(4))
@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_an_error_in_the_middle_leaves_the_old_files(
    step: str, failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output.write({**OLD, "manifest.json": manifest("a.yaml", "gone.yaml")}, tmp_path)
    (tmp_path / "gone.yaml").write_text("x", encoding="utf-8")
    before = contents(tmp_path)
    real = getattr(Path, step)
    passes: Iterator[bool] = iter([True] * failing + [False] + [True] * 20)

    def fails_once(path: Path, *arguments: object) -> object:
        if not next(passes):
            raise OSError(28, "No space left on device", str(path))
        return real(path, *arguments)

    monkeypatch.setattr(Path, step, fails_once)
    with pytest.raises(Mistake, match="cannot be written: No space left on device"):
        output.write(NEW, tmp_path)
    assert contents(tmp_path) == before


def test_an_interruption_in_the_middle_leaves_the_old_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output.write({"a.yaml": OLD["a.yaml"]}, tmp_path)
    real = Path.replace
    passes = iter([True, True, False] + [True] * 20)

    def interrupted(path: Path, target: Path) -> Path:
        if not next(passes):
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        output.write(NEW, tmp_path)
    assert contents(tmp_path) == {"a.yaml": OLD["a.yaml"]}


@pytest.mark.parametrize("name", OBSTACLES)
def test_a_folder_in_the_place_of_a_file_is_one_line(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    output.write({name: text for name, text in OLD.items() if name != "manifest.json"}, folder)
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir()
    before = contents(folder)
    for action in (lambda: output.write(NEW, folder), lambda: output.stale(NEW, folder, "")):
        with pytest.raises(Mistake) as caught:
            action()
        (problem,) = caught.value.problems
        assert problem.place == str(folder / name)
        assert problem.fault.endswith("Is a directory")
    assert contents(folder) == before


def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.write_text("x", encoding="utf-8")
    with pytest.raises(Mistake) as caught:
        output.write(NEW, folder)
    assert str(caught.value) == f"{folder}: cannot be written: File exists"
    assert said(folder)[0] == "a.yaml: is missing; run: render it"


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system")]
)
def test_a_folder_that_is_read_only_is_one_line(
    error: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Said by the system, not tried with chmod: the tests may run as root, whom that stops in
    # nothing.
    output.write(OLD, tmp_path)

    def refused(path: Path, *_: object) -> int:
        error.filename = str(path)
        raise error

    monkeypatch.setattr(Path, "write_bytes", refused)
    with pytest.raises(Mistake) as caught:
        output.write(NEW, tmp_path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{tmp_path}/.a.yaml.")
    assert line.endswith(f"cannot be written: {error.strerror}")
    assert contents(tmp_path) == OLD


HOSTILE = [
    "../kept.txt",
    "sub/../../kept.txt",
    "..",
    ".",
    "",
    "sub",
    "sub/..",
    "nowhere/at/all",
    "a.yaml/x",
    "\x00",
]


def test_a_hostile_manifest_removes_nothing_outside_and_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    output.write(OLD, folder)
    outside = tmp_path / "kept.txt"
    outside.write_text("kept", encoding="utf-8")
    (folder / "sub").mkdir()
    (folder / "sub" / "kept.txt").write_text("kept", encoding="utf-8")
    listed = manifest(*HOSTILE, str(outside), str(folder / "sub" / "kept.txt"))
    (folder / "manifest.json").write_text(listed, encoding="utf-8")
    expected = {**OLD, "sub/kept.txt": "kept"}
    assert output.stale({**OLD, "manifest.json": listed}, folder, "") == []
    outcome = output.write(OLD, folder)
    assert "removed" not in outcome.values()
    assert contents(folder) == expected
    assert outside.read_text(encoding="utf-8") == "kept"


NO_MANIFESTS = [
    "",
    "{",
    "[]",
    "5",
    '"text"',
    "null",
    '{"files": 5}',
    '{"files": null}',
    '{"files": {"a": 1}}',
    '{"files": [5, null, ["gone.yaml"], {"x": 1}]}',
    "[" * 100_000,
]


@pytest.mark.parametrize("text", NO_MANIFESTS, ids=[text[:20] for text in NO_MANIFESTS])
def test_what_is_no_manifest_lists_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").write_text("x", encoding="utf-8")
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    assert not any("rendered no more" in line for line in said(tmp_path))
    assert "removed" not in output.write(NEW, tmp_path).values()
    assert contents(tmp_path) == {**NEW, "gone.yaml": "x"}


STALE: list[tuple[str, dict[str, str | None], list[str]]] = [
    ("nothing", {}, []),
    ("a changed line", {"a.yaml": "a: 3\n"}, ["a.yaml: is stale (first difference in line 1)"]),
    (
        "a line too many",
        {"d.yaml": "d: 2\nx\n"},
        ["d.yaml: is stale (first difference in line 2)"],
    ),
    ("a line too few", {"d.yaml": ""}, ["d.yaml: is stale (first difference in line 1)"]),
    ("no last line break", {"d.yaml": "d: 2"}, ["d.yaml: is stale (first difference in line 2)"]),
    ("a missing file", {"b/c.yaml": None}, ["b/c.yaml: is missing"]),
    (
        "a file that is rendered no more",
        {"manifest.json": manifest("gone.yaml", "never.yaml"), "gone.yaml": "x"},
        ["manifest.json: is stale (first difference in line 1)", "gone.yaml: is rendered no more"],
    ),
    ("a file that nobody lists", {"mine.yaml": "x"}, []),
    (
        "several",
        {"a.yaml": None, "d.yaml": "x\n"},
        ["a.yaml: is missing", "d.yaml: is stale (first difference in line 1)"],
    ),
]


@pytest.mark.parametrize(("name", "changes", "expected"), STALE, ids=[row[0] for row in STALE])
def test_what_differs_is_stale_and_named_with_the_cure(
    name: str, changes: dict[str, str | None], expected: list[str], tmp_path: Path
) -> None:
    output.write(NEW, tmp_path)
    for file, text in changes.items():
        if text is None:
            (tmp_path / file).unlink()
        else:
            (tmp_path / file).write_text(text, encoding="utf-8")
    before = contents(tmp_path)
    assert said(tmp_path) == [f"{line}; run: render it" for line in expected], name
    assert contents(tmp_path) == before
    output.write(NEW, tmp_path)
    assert said(tmp_path) == []
