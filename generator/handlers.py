"""Turns a handler and the modules it shares with others into the one file that Lambda inlines.

Inline code is a single file, `index.py`
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html).
What handlers share stands once in lambda/shared/; a handler says `from shared.notices import
Notice`, and the text of that module is put in front of it. Lines are moved, never rewritten, so a
traceback in CloudWatch shows the code that stands in this repository.
"""

from __future__ import annotations

import re
from pathlib import Path

from generator.model import Mistake

_SHARED_IMPORT = re.compile(r"^from shared\.(\w+) import (?:\(\n[^)]*\)|[^\n(]+)\n", re.MULTILINE)
_PLAIN_IMPORT = re.compile(
    r"^(?:import \S+(?: as \S+)?|from [\w.]+ import [^\n(]+)\n", re.MULTILINE
)
_SHARED_LEFT = re.compile(r"^[ \t]*((?:from|import) shared\b[^\n]*)", re.MULTILINE)
_TOP_LEVEL_NAME = re.compile(
    r"^(?:def|async def|class) (\w+)|^(\w+)(?:: [^\n=]+)? = ", re.MULTILINE
)


def root() -> Path:
    """lambda/: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "lambda"
    return installed if installed.is_dir() else package.parent / "lambda"


def folders() -> list[Path]:
    """The folder of each responder, sorted by name."""
    return sorted(file.parent for file in root().glob("*/responder.yaml"))


def inlined(folder: Path) -> str:
    """The responder's code as one file: its imports, what it shares, then its own text."""
    shared: dict[str, str] = {}
    body = _without_shared(folder / "index.py", shared)
    sections = [*shared.items(), ("index", body)]
    _refuse_collisions(folder, sections)
    imports: set[str] = set()
    texts = []
    for name, text in sections:
        imports.update(match[0] for match in _PLAIN_IMPORT.finditer(text))
        rest = _PLAIN_IMPORT.sub("", text).strip("\n")
        texts.append(rest if name == "index" else f"# --- shared/{name}.py\n{rest}")
    future = sorted(line for line in imports if line.startswith("from __future__"))
    plain = sorted(imports - set(future), key=lambda line: (line.startswith("from"), line))
    return "".join(future) + "".join(plain) + "\n\n" + "\n\n\n".join(texts) + "\n"


def _without_shared(file: Path, shared: dict[str, str]) -> str:
    """The file's text without its shared imports, which are added to `shared` in order of need."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise Mistake.one(str(file), f"cannot be read: {error.strerror}") from None
    for found in _SHARED_IMPORT.finditer(text):
        name = found[1]
        if " as " in found[0]:
            raise Mistake.one(str(file), f"renames what it takes from shared.{name}", "drop `as`")
        if name not in shared:
            section = _without_shared(file.parent.parent / "shared" / f"{name}.py", shared)
            shared[name] = section
    rest = _SHARED_IMPORT.sub("", text)
    left = _SHARED_LEFT.search(rest)
    if left:
        cure = "write, at the top: from shared.module import name"
        raise Mistake.one(str(file), f"'{left[1]}' cannot be inlined", cure)
    return rest


def _refuse_collisions(folder: Path, sections: list[tuple[str, str]]) -> None:
    """Two modules in one file share one namespace: the later name would silently replace."""
    owner: dict[str, tuple[str, str]] = {}
    for section, text in sections:
        own = [
            (function or variable, section) for function, variable in _TOP_LEVEL_NAME.findall(text)
        ]
        imported = [pair for line in _PLAIN_IMPORT.findall(text) for pair in _imported(line)]
        for name, meaning in own + imported:
            known, there = owner.setdefault(name, (meaning, section))
            if known != meaning:
                fault = f"'{name}' stands in {there}.py and in {section}.py"
                raise Mistake.one(str(folder), fault, "rename one of them")


def _imported(line: str) -> list[tuple[str, str]]:
    """Each name that an import binds, with what it stands for: ("now", "shared.clock.now")."""
    module, _, names = line.strip().removeprefix("from ").rpartition("import ")
    pairs = []
    for each in names.split(","):
        what, _, name = each.strip().partition(" as ")
        if module:
            pairs.append((name or what, f"{module.strip()}.{what}"))
        else:
            top = what.partition(".")[0]
            pairs.append((name, what) if name else (top, top))
    return pairs
