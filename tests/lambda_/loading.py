"""Loads a responder as Lambda would: one inlined file, with the variables of its template."""

from __future__ import annotations

import importlib
import json
import sys
from types import ModuleType
from typing import Any

from generator import handlers

from . import rendered


def responder(name: str) -> Any:
    """A fresh module made of the responder's inlined code, as in a cold environment."""
    module = ModuleType("index")
    # Dataclasses look their module up by name.
    sys.modules["index"] = module
    exec(compile(inlined(name), f"{name}/index.py", "exec"), module.__dict__)  # noqa: S102
    return module


def shared(name: str) -> Any:
    """A module that handlers share, by itself."""
    path = str(handlers.root())
    if path not in sys.path:
        sys.path.insert(0, path)
    return importlib.import_module(f"shared.{name}")


def variables(function: str, site: rendered.Site) -> dict[str, str]:
    """The environment of a function in out/central.yaml, by its logical id."""
    properties = rendered.resource("central.yaml", function, site)
    given = {key: str(value) for key, value in properties["Environment"]["Variables"].items()}
    return {**given, "AWS_REGION": site.region, "AWS_DEFAULT_REGION": site.region}


def inlined(name: str) -> str:
    """The responder's code as one file."""
    return handlers.inlined(handlers.root() / name)


def code(function: str) -> str:
    """The code of a function in out/central.yaml."""
    properties = rendered.resource("central.yaml", function, rendered.Site(rendered.CENTRAL))
    return str(properties["Code"]["ZipFile"])


def with_settings(environment: dict[str, str], **settings: Any) -> dict[str, str]:
    """The environment with some settings changed, as a configuration could."""
    changed = {**json.loads(environment["TRAILBUS_SETTINGS"]), **settings}
    return {**environment, "TRAILBUS_SETTINGS": json.dumps(changed)}
