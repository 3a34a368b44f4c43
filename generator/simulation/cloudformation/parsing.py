"""The text of a template, YAML or JSON, as plain values with functions in their long form.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from generator.model import Json

from .refusals import malformed

_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc]  # PyYAML chooses its base at run time
    """Reads the short forms of functions; dates stay text, as in JSON."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise malformed(
                    f"YAML not well-formed. Duplicate key {key.value} "
                    f"(line {key.start_mark.line + 1}, column {key.start_mark.column + 1})"
                )
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def _without_dates(resolvers: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {
        first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
        for first, entries in resolvers.items()
    }


_Loader.yaml_implicit_resolvers = _without_dates(_BASE.yaml_implicit_resolvers)

_WITHOUT_PREFIX = ("Ref", "Condition", "Transform")


def _short_form(loader: Any, suffix: str, node: Any) -> Json:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in _WITHOUT_PREFIX else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def parsed(text: str) -> dict[str, Json]:
    """The template's sections."""
    try:
        if text.lstrip().startswith("{"):
            value = json.loads(text)
        else:
            value = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except json.JSONDecodeError as error:
        place = f" (line {error.lineno}, column {error.colno})"
        raise malformed(f"JSON not well-formed.{place}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise malformed(f"YAML not well-formed.{place}") from None
    if not isinstance(value, dict):
        raise malformed("unsupported structure.")
    return value
