"""Laws of the house, read off its syntax: imports point down, boto3 has one door.

A module that is new needs a row in LAYERS.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from generator.commands import COMMANDS, EXAMPLES

ROOT = Path(__file__).parent.parent
GENERATOR = ROOT / "generator"
LAMBDA = ROOT / "lambda"

# From the bottom to the top. A module imports from rows below its own; a package may also import
# from itself. What stands in one row knows nothing of its neighbours.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("model",),
    ("names",),
    ("documents", "explained", "handlers", "patterns", "screen", "subjects", "yaml_text"),
    (
        "cloudtrail",
        "control_tower",
        "feeding",
        "forwarding",
        "github",
        "handoffs",
        "limits",
        "messages",
        "output",
        "parts",
        "policies",
        "remedy",
        "rules",
        "schema",
        "state_language",
    ),
    ("alarms", "bodies", "dashboard", "operations"),
    ("catalogue", "options", "pages", "queues", "receivers", "roles", "topics"),
    ("check", "config", "hearing", "targets"),
    ("execution", "member", "switch"),
    ("central",),
    ("intake", "organization"),
    ("render",),
    ("deploy",),
    ("backtest", "simulation", "undoing"),
    ("rollout",),
    ("commands",),
    ("__main__",),
)
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}

# What may be used of other packages, beside what stands in the row below: where, and what for.
DOORS: dict[str, tuple[str, ...]] = {
    "boto3": ("generator/deploy/aws.py", "generator/simulation/", "lambda/"),
    "botocore": (
        "generator/deploy/aws.py",
        "generator/operations.py",  # reads its models of services, and makes no client
        "generator/simulation/",
        "lambda/",
    ),
    "moto": ("generator/simulation/",),
    "werkzeug": ("generator/simulation/",),  # whose errors moto raises
    "cfnlint": ("generator/check.py",),
    "yaml": (
        "generator/documents.py",
        "generator/yaml_text.py",
        "generator/deploy/difference.py",  # reads templates, which deploy may not render
        "generator/simulation/",
    ),
    "troposphere": (),  # the side that renders, as found below
    "awacs": (),
}

FILES = sorted(file for folder in (GENERATOR, LAMBDA) for file in folder.rglob("*.py"))
MODULES = sorted(GENERATOR.rglob("*.py"))


def place(file: Path) -> str:
    return str(file.relative_to(ROOT))


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(file): file for file in MODULES}


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def imports(file: Path) -> frozenset[str]:
    """Every module that a file imports, at the top or inside a function, by its full name."""
    found = set()
    package = name_of(file) if file.name == "__init__.py" else name_of(file).rpartition(".")[0]
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                found.add(whole if whole in NAMES else base)
    return frozenset(found)


def own(file: Path) -> str:
    """The row's word for a module: the module or package right below generator/."""
    return name_of(file).removeprefix("generator").lstrip(".").partition(".")[0]


every_module = pytest.mark.parametrize("file", MODULES, ids=place)
every_file = pytest.mark.parametrize("file", FILES, ids=place)


def test_every_module_has_its_row_and_only_one() -> None:
    rows = [name for row in LAYERS for name in row]
    assert len(rows) == len(set(rows))
    assert {own(file) for file in MODULES} - {""} <= set(rows)


@every_module
def test_imports_point_down(file: Path) -> None:
    here = own(file)
    for name in imports(file):
        top, _, rest = name.partition(".")
        if top != "generator" or not rest:
            continue
        there = rest.partition(".")[0]
        if there != here:
            assert RANK[there] < RANK[here], f"{place(file)} imports {name}"


def test_deploy_reads_what_was_rendered_and_cannot_render() -> None:
    for file in MODULES:
        if own(file) == "deploy":
            ours = {name for name in imports(file) if name.startswith("generator.")}
            others = {name for name in ours if not name.startswith("generator.deploy")}
            assert others <= {"generator.model", "generator.names"}, place(file)


def test_simulation_uses_deploy_and_knows_no_builder() -> None:
    allowed = {
        *("catalogue", "cloudtrail", "deploy", "documents", "model", "names", "patterns"),
        "screen",
    }
    for file in MODULES:
        if own(file) == "simulation":
            ours = {name.split(".")[1] for name in imports(file) if name.startswith("generator.")}
            assert ours - {"simulation"} <= allowed, place(file)


@cache
def rendering() -> frozenset[str]:
    """Every module of ours that the command render can come to."""
    waiting = ["generator.commands.render", "generator.__main__"]
    waiting += [name for name in NAMES if name.startswith("generator.targets")]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in NAMES and name not in found:
            found.add(name)
            waiting += imports(NAMES[name])
    return frozenset(found)


def test_the_side_that_renders_is_what_it_should_be() -> None:
    assert {"generator.config", "generator.render", "generator.central"} <= rendering()
    assert not {name for name in rendering() if name.startswith("generator.deploy")}
    assert not {name for name in rendering() if name.startswith("generator.simulation")}


@every_file
def test_each_foreign_package_has_its_door(file: Path) -> None:
    for name in imports(file):
        top = name.partition(".")[0]
        if top in ("generator", "shared") or top in sys.stdlib_module_names:
            continue
        if top in ("troposphere", "awacs"):
            assert name_of(file) in rendering(), place(file)
        else:
            assert place(file).startswith(DOORS.get(top, ())), f"{place(file)} imports {name}"


@pytest.mark.parametrize("name", sorted(rendering()))
def test_rendering_knows_no_network_no_clock_and_no_chance(name: str) -> None:
    foreign = {imported.partition(".")[0] for imported in imports(NAMES[name])}
    assert not foreign & {
        "boto3", "botocore", "moto", "cfnlint", "hypothesis", "pytest", "requests", "urllib",
        "socket", "http", "random", "secrets", "uuid", "time", "datetime", "locale",
    }  # fmt: skip


def test_rendering_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from generator.__main__ import main\n"
        "main(['render', '--json'])\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    loaded = done.stderr.split("\n")[-2].split()
    tops = {name.partition(".")[0] for name in loaded}
    assert {"generator", "troposphere", "awacs", "yaml"} <= tops
    assert not tops & {"boto3", "botocore", "moto", "cfnlint", "hypothesis", "jsonschema", "pytest"}
    assert not [name for name in loaded if name.startswith("generator.simulation")]
    assert not [name for name in loaded if name.startswith("generator.deploy")]


IMPORTING = """\
import importlib, sys
import boto3, botocore.session

def refused(*arguments, **more):
    raise AssertionError("an import made a client")

botocore.session.Session.create_client = refused
boto3.session.Session.client = boto3.session.Session.resource = refused
boto3.client = boto3.resource = refused
sys.path.insert(0, sys.argv[1])
names = sys.argv[2:]
ours = {name.partition(".")[0] for name in names}
for _ in range(2):
    for name in names:
        importlib.import_module(name)
    for name in list(sys.modules):
        if name.partition(".")[0] in ours:
            del sys.modules[name]
"""


@pytest.mark.slow
def test_imports_do_nothing_however_often(tmp_path: Path) -> None:
    handlers = [".".join(f.relative_to(LAMBDA).with_suffix("").parts) for f in FILES
                if LAMBDA in f.parents]  # fmt: skip
    names = [name for name in NAMES if name != "generator.__main__"]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING, str(LAMBDA), *names, "generator.__main__", *handlers],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


_ACTS = {"print", "open", "Template", "client", "resource", "input"}


def test_nothing_is_made_or_printed_at_the_top_of_a_module() -> None:
    found = [
        f"{place(file)}:{node.lineno}: {_called(node)}"
        for file in FILES
        for node in _at_the_top(tree(file))
        if isinstance(node, ast.Call) and _called(node) in _ACTS
    ]
    assert found == []


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def _at_the_top(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is imported: not what stands in functions, nor `__main__`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and "__main__" in ast.unparse(child.test):
            continue
        yield child
        yield from _at_the_top(child)


ALL = [*FILES, *sorted((ROOT / "tests").rglob("*.py"))]


def test_a_module_opens_with_one_sentence() -> None:
    found = []
    for file in ALL:
        said = ast.get_docstring(tree(file))
        first = (said or "").partition("\n\n")[0]
        empty = file.name == "__init__.py" and not tree(file).body
        if not empty and ("\n" in first or first[-1:] not in (".", "?")):
            found.append(f"{place(file)}: {first}")
    assert found == []


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "utilities", "common", "helpers", "helper", "misc", "tools"}
    found = [place(f) for f in ALL if drawers & set(f.relative_to(ROOT).with_suffix("").parts)]
    assert found == []


def test_no_error_is_swallowed() -> None:
    found = [
        f"{place(file)}:{node.lineno}"
        for file in FILES
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and all(isinstance(inner, ast.Pass) for inner in node.body)
    ]
    assert found == []


def _offers(folder: str, *functions: str) -> list[str]:
    """The modules of a folder that lack one of these functions."""
    return [
        place(file)
        for file in sorted((GENERATOR / folder).glob("[a-z]*.py"))
        if not set(functions) <= {getattr(node, "name", "") for node in tree(file).body}
    ]


def test_a_module_of_a_target_offers_a_part_and_an_entry() -> None:
    assert _offers("targets", "part", "entry") == []


def test_a_module_of_a_command_takes_arguments_runs_and_is_listed_with_examples() -> None:
    assert _offers("commands", "arguments", "run") == []
    modules = {file.stem for file in (GENERATOR / "commands").glob("[a-z]*.py")}
    assert set(COMMANDS) == modules
    assert set(EXAMPLES) == modules
