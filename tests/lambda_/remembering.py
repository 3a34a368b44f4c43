"""The memory table in a dictionary, for tests of ten thousand events: moto's takes minutes.

It knows of update and condition expressions what notify_slack says; other tests hold that to moto.
"""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from typing import Any

_OPERATORS = {"=": operator.eq, "<": operator.lt, "<=": operator.le}
_TERM = re.compile(r"attribute_not_exists\(#(\w+)\)|#(\w+) (=|<=|<) (:\w+)")


class ConditionFailed(Exception):
    """The condition does not hold; the response has the item as it is."""

    def __init__(self, item: dict[str, Any]) -> None:
        super().__init__("ConditionalCheckFailedException")
        self.response = {"Item": item}


class Table:
    """In place of what the memory's modules call the table with."""

    def __init__(self, module: Any) -> None:
        self.items: dict[str, dict[str, Any]] = defaultdict(dict)
        module.change = self.change
        module.refusal = lambda: ConditionFailed
        module._item = lambda key: dict(self.items[key])

    def change(
        self, key: str, update: str, condition: str, used: tuple[str, ...], values: dict[str, Any]
    ) -> dict[str, Any]:
        item = self.items[key]
        if condition and not self._holds(item, condition, values):
            raise ConditionFailed(dict(item))
        sets, _, adds = update.removeprefix("SET ").partition("ADD ")
        if update.startswith("ADD "):
            sets, adds = "", update.removeprefix("ADD ")
        for name, kept, value in re.findall(r"#(\w+) = (if_not_exists\(#\w+, )?(:\w+)", sets):
            if not (kept and name in item):
                item[name] = values[value]
        for name, value in re.findall(r"#(\w+) (:\w+)", adds):
            item[name] = _added(item.get(name), values[value])
        item["key"] = {"S": key}
        return {"Attributes": dict(item)}

    def _holds(self, item: dict[str, Any], condition: str, values: dict[str, Any]) -> bool:
        def term(found: re.Match[str]) -> str:
            if found[1]:
                return str(found[1] not in item)
            there = found[2] in item
            compare = _OPERATORS[found[3]]
            return str(there and compare(_value(item[found[2]]), _value(values[found[4]])))

        said = _TERM.sub(term, condition).replace("OR", "or").replace("AND", "and")
        return bool(eval(said, {}))  # noqa: S307 - of True, False, and, or and parentheses


def _value(given: dict[str, Any]) -> Any:
    [(kind, value)] = given.items()
    return int(value) if kind == "N" else value


def _added(before: dict[str, Any] | None, more: dict[str, Any]) -> dict[str, Any]:
    if "SS" in more:
        return {"SS": sorted({*(before or {"SS": []})["SS"], *more["SS"]})}
    return {"N": str(_value(before or {"N": "0"}) + _value(more))}
