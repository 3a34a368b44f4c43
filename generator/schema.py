"""What a file may contain, said once: checked with line and cure, and told as JSON Schema."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from generator.documents import Document, Where, did_you_mean
from generator.model import NOTHING, Json, Problem


class Report:
    """Collects the problems of one document, each placed on its line."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def __call__(self, path: Where, fault: str, cure: str = "") -> None:
        where = ".".join(str(part) for part in path)
        self.problems.append(
            Problem(self.document.place(path), f"{where}: {fault}" if where else fault, cure)
        )


class Form(Protocol):
    """What a value may be. `read` returns the value to use and reports what is wrong with it.

    What it returns has the form's type even then, or is None: who reads on need not ask again.
    """

    @property
    def help(self) -> str: ...

    def read(self, value: Json, path: Where, report: Report) -> Json: ...

    def json_schema(self) -> dict[str, Json]: ...


def _shown(value: Json) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return str(value)


_REFERENCES = ("${", "{{resolve:")


class Text(NamedTuple):
    """A string; of a few `choices`, or of the form `pattern`, which `form` says in words."""

    help: str = ""
    choices: tuple[str, ...] = ()
    pattern: str = ""
    form: str = ""
    longest: int = 0
    rendered: bool = False
    """Whether it stands in templates, where nothing may look like a reference."""

    def read(self, value: Json, path: Where, report: Report) -> Json:
        if not isinstance(value, str):
            cure = "quote it" if isinstance(value, (int, float)) else ""
            report(path, f"wants text, not {_shown(value)}", cure)
            return None
        if self.choices and value not in self.choices:
            report(path, f"'{value}' is not one of the choices", did_you_mean(value, self.choices))
        elif self.pattern and not re.fullmatch(self.pattern, value):
            report(path, f"'{value}' is not {self.form or self.pattern}")
        elif self.longest and len(value) > self.longest:
            report(path, f"has {len(value)} characters, at most {self.longest} fit")
        elif self.rendered and (mark := next((one for one in _REFERENCES if one in value), "")):
            report(path, f"CloudFormation would read '{mark}' as the start of a reference")
        return value

    def json_schema(self) -> dict[str, Json]:
        schema: dict[str, Json] = {"type": "string"}
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.pattern:
            schema["pattern"] = f"^(?:{self.pattern})$"
        if self.longest:
            schema["maxLength"] = self.longest
        return _described(schema, self.help)


class Integer(NamedTuple):
    """A whole number between two bounds, both included."""

    help: str = ""
    least: int = 0
    most: int = 2**31

    def read(self, value: Json, path: Where, report: Report) -> Json:
        if isinstance(value, bool) or not isinstance(value, int):
            report(path, f"wants a whole number, not {_shown(value)}")
            return None
        if not self.least <= value <= self.most:
            report(path, f"{value} is out of range", f"from {self.least} to {self.most}")
        return value

    def json_schema(self) -> dict[str, Json]:
        schema = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return _described(schema, self.help)


class Boolean(NamedTuple):
    """true or false."""

    help: str = ""

    def read(self, value: Json, path: Where, report: Report) -> Json:
        if not isinstance(value, bool):
            report(path, f"wants true or false, not {_shown(value)}")
            return None
        return value

    def json_schema(self) -> dict[str, Json]:
        return _described({"type": "boolean"}, self.help)


_SAMPLES = ("30s", "5m", "12h", "14d")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(NamedTuple):
    """A length of time such as 30s, 5m, 12h or 14d, read as seconds."""

    help: str = ""
    least: int = 0
    most: int = 2**31
    units: str = "smhd"
    choices: tuple[str, ...] = ()
    """The only lengths there are."""

    def read(self, value: Json, path: Where, report: Report) -> Json:
        form = re.fullmatch(self._pattern, value) if isinstance(value, str) else None
        if not form:
            samples = [sample for sample in _SAMPLES if sample[-1] in self.units]
            cure = " or ".join(filter(None, (", ".join(samples[:-1]), samples[-1])))
            report(path, f"{_shown(value)} is not a duration", f"write {cure}")
            return 0
        seconds = int(form[1]) * _SECONDS[form[2]]
        if not self.least <= seconds <= self.most:
            bounds = f"from {said_as_duration(self.least)} to {said_as_duration(self.most)}"
            report(path, f"{value} is out of range", bounds)
        elif self.choices and value not in self.choices:
            report(path, f"{value} is not one of the choices", f"known: {', '.join(self.choices)}")
        return seconds

    def json_schema(self) -> dict[str, Json]:
        schema: dict[str, Json] = {"type": "string", "pattern": f"^{self._pattern}$"}
        if self.choices:
            schema["enum"] = list(self.choices)
        return _described(schema, self.help)

    @property
    def _pattern(self) -> str:
        return f"([0-9]{{1,6}})([{self.units}])"


def said_as_duration(seconds: int) -> str:
    """Seconds as the shortest duration that says them: 86400 is '1d'."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


class ListOf(NamedTuple):
    """A list of values of one kind, each at most once."""

    item: Form
    help: str = ""
    least: int = 0
    most: int | None = None

    def read(self, value: Json, path: Where, report: Report) -> Json:
        if not isinstance(value, list):
            report(path, f"wants a list, not {_shown(value)}", "write [a, b]")
            return []
        if len(value) < self.least:
            report(path, "is empty")
        if self.most is not None and len(value) > self.most:
            report(path, f"has {len(value)} values, at most {self.most} are possible")
        items: list[Json] = []
        for index, entry in enumerate(value):
            before = len(report.problems)
            item = self.item.read(entry, (*path, index), report)
            if item in items and len(report.problems) == before:
                report((*path, index), f"{_shown(item)} is given twice", "keep one")
            items.append(item)
        return items

    def json_schema(self) -> dict[str, Json]:
        schema: dict[str, Json] = {
            "type": "array",
            "items": self.item.json_schema(),
            "uniqueItems": True,
        }
        if self.least:
            schema["minItems"] = self.least
        if self.most is not None:
            schema["maxItems"] = self.most
        return _described(schema, self.help)


class MapOf(NamedTuple):
    """A mapping from names, which all have one form, to values of one kind."""

    value: Form
    help: str = ""
    key: Text = Text()

    def read(self, value: Json, path: Where, report: Report) -> Json:
        if not isinstance(value, dict):
            report(path, f"wants a mapping, not {_shown(value)}")
            return {}
        for name in value:
            self.key.read(name, (*path, name), report)
        return {name: self.value.read(item, (*path, name), report) for name, item in value.items()}

    def json_schema(self) -> dict[str, Json]:
        schema: dict[str, Json] = {
            "type": "object",
            "additionalProperties": self.value.json_schema(),
        }
        keys = self.key.json_schema()
        if len(keys) > 1:  # more than that it is text
            schema["propertyNames"] = keys
        return _described(schema, self.help)


class Either(NamedTuple):
    """A value of the first kind or, when it looks like that one, of the second."""

    first: Form
    second: Form
    help: str = ""

    def read(self, value: Json, path: Where, report: Report) -> Json:
        attempt = Report(report.document)
        first = self.first.read(value, path, attempt)
        if not attempt.problems:
            return first
        wants_list = isinstance(self.second, ListOf)
        if isinstance(value, list) == wants_list:
            return self.second.read(value, path, report)
        report.problems.extend(attempt.problems)
        return first

    def json_schema(self) -> dict[str, Json]:
        schema = {"anyOf": [self.first.json_schema(), self.second.json_schema()]}
        return _described(schema, self.help)


class Anything(NamedTuple):
    """Any value of JSON's types; the reader checks it by itself."""

    help: str = ""
    type: str = ""

    def read(self, value: Json, path: Where, report: Report) -> Json:
        if self.type == "object" and not isinstance(value, dict):
            report(path, f"wants a mapping, not {_shown(value)}")
            return {}
        return value

    def json_schema(self) -> dict[str, Json]:
        return _described({"type": self.type} if self.type else {}, self.help)


class Record(NamedTuple):
    """A mapping with known keys. Keys without a default in `defaults` must be given."""

    fields: Mapping[str, Form]
    defaults: Mapping[str, Any] = NOTHING
    help: str = ""

    def read(self, value: Json, path: Where, report: Report) -> dict[str, Json]:
        if not isinstance(value, dict):
            report(path, f"wants a mapping, not {_shown(value)}")
            return {name: self.defaults.get(name) for name in self.fields}
        for name in value:
            if name not in self.fields:
                report((*path, name), f"unknown key '{name}'", did_you_mean(name, self.fields))
        result: dict[str, Json] = {}
        for name, kind in self.fields.items():
            if name in value:
                result[name] = kind.read(value[name], (*path, name), report)
            elif name in self.defaults:
                result[name] = self.defaults[name]
            else:
                report(path, f"the key '{name}' is missing", kind.help)
                result[name] = None
        return result

    def json_schema(self) -> dict[str, Json]:
        schema: dict[str, Json] = {
            "type": "object",
            "properties": {name: kind.json_schema() for name, kind in self.fields.items()},
            "additionalProperties": False,
        }
        required = [name for name in self.fields if name not in self.defaults]
        if required:
            schema["required"] = required
        return _described(schema, self.help)


def _described(schema: dict[str, Json], text: str) -> dict[str, Json]:
    return {"description": text, **schema} if text else schema
