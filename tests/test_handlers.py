"""Each handler becomes one file that Lambda can run, out of lines that stand in this repository."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from generator import catalogue, handlers
from generator.model import Mistake

FOLDERS = handlers.folders()
every_handler = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
ROOT = Path(__file__).parent.parent


def test_every_folder_with_a_handler_is_found() -> None:
    with_index = {file.parent.name for file in (ROOT / "lambda").glob("*/index.py")}
    # The watcher of the switch is no target of anybody's: the central stack has it by itself.
    with_index.remove("watch_switch")
    assert {folder.name for folder in FOLDERS} == with_index
    assert [folder.name for folder in FOLDERS] == sorted(folder.name for folder in FOLDERS)
    assert set(catalogue.read().responders) == with_index


@every_handler
def test_an_inlined_handler_compiles_and_has_one_entry(folder: Path) -> None:
    tree = ast.parse(handlers.inlined(folder))
    compile(tree, "index.py", "exec")
    entries = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "handler"]
    assert len(entries) == 1
    assert [argument.arg for argument in entries[0].args.args] == ["event", "context"]


def _imported(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.append(node.module or "")
    return found


@every_handler
def test_an_inlined_handler_imports_what_lambda_has(folder: Path) -> None:
    for name in _imported(ast.parse(handlers.inlined(folder))):
        top = name.partition(".")[0]
        assert top in sys.stdlib_module_names or top in ("boto3", "botocore"), name


@every_handler
def test_each_name_of_an_inlined_handler_means_one_thing(folder: Path) -> None:
    meanings: dict[str, list[str]] = {}
    for node in ast.parse(handlers.inlined(folder)).body:
        for name, meaning in _bound(node):
            meanings.setdefault(name, []).append(meaning)
    assert {name: said for name, said in meanings.items() if len(set(said)) > 1} == {}


def _bound(node: ast.stmt) -> list[tuple[str, str]]:
    """Names that a statement at the top binds, with what tells one meaning from another."""
    if isinstance(node, ast.Import):
        return [(alias.asname or alias.name, alias.name) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(a.asname or a.name, f"{node.module}.{a.name}") for a in node.names]
    here = f"line {node.lineno}"
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [(node.name, here)]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [(target.id, here) for target in targets if isinstance(target, ast.Name)]


@every_handler
def test_nothing_is_left_of_what_is_shared_and_twice_gives_the_same(folder: Path) -> None:
    code = handlers.inlined(folder)
    assert "from shared" not in code
    assert "import shared" not in code
    assert handlers.inlined(folder) == code


def without_shared(file: Path) -> str:
    """A module's text without what it imports of shared modules, on one line or several."""
    text = file.read_text(encoding="utf-8")
    return re.sub(r"^from shared\.\w+ import (?:\([^)]*\)|[^\n(]+)\n", "", text, flags=re.M)


@every_handler
def test_lines_are_moved_and_never_rewritten(folder: Path) -> None:
    code = handlers.inlined(folder)
    index = without_shared(folder / "index.py")
    position = 0
    for line in index.splitlines():
        if line.strip() and not line.startswith(("from ", "import ")):
            position = code.index(f"\n{line}\n", position)
    for module in (ROOT / "lambda" / "shared").glob("*.py"):
        if f"# --- shared/{module.name}\n" in code:
            for line in without_shared(module).splitlines():
                assert f"{line}\n" in code, line


@every_handler
def test_each_shared_module_that_is_needed_is_there_once_and_before_its_use(folder: Path) -> None:
    code = handlers.inlined(folder)
    needed = _needed(folder / "index.py")
    marks = [line for line in code.splitlines() if line.startswith("# --- shared/")]
    assert sorted(marks) == sorted(f"# --- shared/{name}.py" for name in needed)
    for position, mark in enumerate(marks):
        module = mark.removeprefix("# --- shared/").removesuffix(".py")
        for other in _needed(ROOT / "lambda" / "shared" / f"{module}.py"):
            assert marks.index(f"# --- shared/{other}.py") < position


def _needed(file: Path) -> set[str]:
    """The shared modules that a file imports, and those that these import."""
    found = set()
    for name in _imported(ast.parse(file.read_text(encoding="utf-8"))):
        if name.startswith("shared."):
            module = name.removeprefix("shared.")
            found |= {module} | _needed(ROOT / "lambda" / "shared" / f"{module}.py")
    return found


@pytest.mark.slow
def test_handlers_are_typed_before_they_are_inlined_and_after(tmp_path: Path) -> None:
    # Inlined too: a name that only the import of a shared module gave would be missing there.
    files = [str(folder / "index.py") for folder in FOLDERS]
    for folder in FOLDERS:
        file = tmp_path / f"inlined_{folder.name}.py"
        file.write_text(handlers.inlined(folder), encoding="utf-8")
        files.append(str(file))
    mypy = [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases"]
    mypy += ["--config-file", str(ROOT / "setup.cfg"), "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run([*mypy, *files], cwd=ROOT / "lambda", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# What inlining does, and what it refuses.


@pytest.fixture
def responder(tmp_path: Path) -> Path:
    """The folder of a handler, beside shared/."""
    for name in ("shared", "wake_guard"):
        (tmp_path / "lambda" / name).mkdir(parents=True)
    return tmp_path / "lambda" / "wake_guard"


def write(responder: Path, index: str, **shared: str) -> Path:
    (responder / "index.py").write_text(index, encoding="utf-8")
    for name, text in shared.items():
        (responder.parent / "shared" / f"{name}.py").write_text(text, encoding="utf-8")
    return responder


WAKE = '''\
"""Wakes the guard."""

from __future__ import annotations

import json
from typing import (
    Any,
)

from shared.bells import ring
from shared.clock import (
    now,
    then,
)


def handler(event: Any, context: Any) -> str:
    return json.dumps([ring(), now()])
'''
BELLS = '''\
"""Bells."""

from __future__ import annotations

import boto3
import os.path as paths

from shared.clock import now

LOUD: int = 3


def ring() -> str:
    return f"{now()} {LOUD} {paths.sep}"
'''
CLOCK = '''\
"""The time."""

import json


def now() -> str:
    return json.dumps("now")


then = now
'''

INLINED = '''\
from __future__ import annotations
import boto3
import json
import os.path as paths


# --- shared/clock.py
"""The time."""




def now() -> str:
    return json.dumps("now")


then = now


# --- shared/bells.py
"""Bells."""




LOUD: int = 3


def ring() -> str:
    return f"{now()} {LOUD} {paths.sep}"


"""Wakes the guard."""


from typing import (
    Any,
)



def handler(event: Any, context: Any) -> str:
    return json.dumps([ring(), now()])
'''


def test_imports_come_first_then_what_is_shared_then_the_handler(responder: Path) -> None:
    code = handlers.inlined(write(responder, WAKE, bells=BELLS, clock=CLOCK))
    squeezed = [line for line in code.splitlines() if line]
    assert squeezed == [line for line in INLINED.splitlines() if line]
    compile(code, "index.py", "exec")


REFUSED: list[tuple[str, str, dict[str, str], str]] = [
    (
        "a function of two modules",
        "from shared.a import ring\ndef now(): ...\n",
        {"a": "def now(): ...\ndef ring(): ...\n"},
        "wake_guard: 'now' stands in a.py and in index.py; rename one of them",
    ),
    (
        "a coroutine and a class of two modules",
        "from shared.a import ring\nfrom shared.b import x\n",
        {"a": "async def now(): ...\n", "b": "class now: ...\n"},
        "wake_guard: 'now' stands in a.py and in b.py; rename one of them",
    ),
    (
        "a constant of two modules",
        "from shared.a import ring\nLIMIT: int = 5\n",
        {"a": "LIMIT = 4\n"},
        "wake_guard: 'LIMIT' stands in a.py and in index.py; rename one of them",
    ),
    (
        "a module and its own content under one name",
        "import datetime\nfrom shared.a import ring\n",
        {"a": "from datetime import datetime\n"},
        "wake_guard: 'datetime' stands in a.py and in index.py; rename one of them",
    ),
    (
        "an imported name that another module defines",
        "from json import loads as read\nfrom shared.a import ring\n",
        {"a": "def read(): ...\n"},
        "wake_guard: 'read' stands in a.py and in index.py; rename one of them",
    ),
    (
        "a shared module that is missing",
        "from shared.nothing import ring\n",
        {},
        "shared/nothing.py: cannot be read: No such file or directory",
    ),
    (
        "a shared name under another",
        "from shared.a import ring as bell\n",
        {"a": "def ring(): ...\n"},
        "index.py: renames what it takes from shared.a; drop `as`",
    ),
    (
        "a shared module as a whole",
        "import shared.a\n",
        {"a": ""},
        "index.py: 'import shared.a' cannot be inlined; write, at the top: "
        "from shared.module import name",
    ),
    (
        "a shared module from its package",
        "from shared import a\n",
        {"a": ""},
        "index.py: 'from shared import a' cannot be inlined; write, at the top: "
        "from shared.module import name",
    ),
    (
        "a shared module inside a function",
        "def handler(event, context):\n    from shared.a import ring\n",
        {"a": ""},
        "index.py: 'from shared.a import ring' cannot be inlined; write, at the top: "
        "from shared.module import name",
    ),
]


@pytest.mark.parametrize(
    ("name", "index", "shared", "said"), REFUSED, ids=[row[0] for row in REFUSED]
)
def test_what_would_break_silently_is_refused(
    name: str, index: str, shared: dict[str, str], said: str, responder: Path
) -> None:
    with pytest.raises(Mistake) as caught:
        handlers.inlined(write(responder, index, **shared))
    assert str(caught.value).endswith(f"/{said}"), name


TAKEN: list[tuple[str, str, dict[str, str]]] = [
    (
        "the same import in both",
        "import os.path\nfrom json import dumps, loads\nfrom shared.a import ring\n",
        {"a": "import os\nfrom json import loads, dump\ndef ring(): ...\n"},
    ),
    (
        "a local name like another module's",
        "from shared.a import ring\ndef handler(event, context):\n    now = 5\n",
        {"a": "def now(): ...\ndef ring(): ...\n"},
    ),
    ("nothing shared", "def handler(event, context): ...\n", {}),
    (
        "modules that need each other's names in a row",
        "from shared.a import ring\nfrom shared.b import bell\n",
        {"a": "from shared.b import bell\ndef ring(): ...\n", "b": "def bell(): ...\n"},
    ),
]


@pytest.mark.parametrize(("name", "index", "shared"), TAKEN, ids=[row[0] for row in TAKEN])
def test_what_shares_no_name_is_inlined(
    name: str, index: str, shared: dict[str, str], responder: Path
) -> None:
    code = handlers.inlined(write(responder, index, **shared))
    compile(code, "index.py", "exec")
    assert "shared." not in code, name
