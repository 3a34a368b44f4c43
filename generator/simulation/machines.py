"""Runs state machines of the Amazon States Language, as far as one without inner machines goes.

The language: https://states-language.net/spec.html; its functions:
https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html. Whatever is not run
here is refused by name: `NotSimulated` says which state wants it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from generator.model import Json

LONGEST_DATA = 262_144
"""Bytes of what goes into a state or comes out of it.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""
MOST_STEPS = 5_000
"""A history holds 25,000 events, and each state makes up to five of them."""


class NotSimulated(Exception):
    """A definition that this interpreter does not run, though Step Functions may."""


class Failure(Exception):
    """An error of the language: its name, which Retry and Catch look for, and its cause."""

    def __init__(self, error: str, cause: str) -> None:
        self.error = error
        self.cause = cause
        super().__init__(f"{error}: {cause}")


Call = Callable[[str, Json], Json]
"""Does what a task asks for: its resource and its parameters; Failure when that fails."""


@dataclass
class Run:
    """An execution: `succeeded` or `failed`, the states that it went through, and how long."""

    status: str = "running"
    path: list[str] = field(default_factory=list)
    seconds: float = 0.0
    output: Json = None
    failure: Failure | None = None


def run(
    definition: Mapping[str, Json], given: Json, call: Call, wait: Callable[[float], None]
) -> Run:
    """Runs a definition to its end. `wait` lets the simulated clock run."""
    if definition.get("QueryLanguage", "JSONPath") != "JSONPath":
        raise NotSimulated(f"the query language {definition['QueryLanguage']}")
    return _Execution(definition, call, wait).run(given)


class _Execution:
    def __init__(
        self, definition: Mapping[str, Json], call: Call, wait: Callable[[float], None]
    ) -> None:
        self.definition = definition
        self.call = call
        self.wait = wait
        self.record = Run()

    def run(self, given: Json) -> Run:
        name: str | None = str(self.definition["StartAt"])
        longest = float(self.definition.get("TimeoutSeconds", 31_536_000))
        value = given
        try:
            while name is not None:
                self.record.path.append(name)
                if len(self.record.path) > MOST_STEPS:
                    raise Failure("States.Runtime", "the history of the execution is full")
                name, value = self._state(name, self.definition["States"][name], value)
                if self.record.seconds > longest:
                    raise Failure("States.Timeout", f"it took more than {longest:g} seconds")
            self.record.status, self.record.output = "succeeded", value
        except Failure as failure:
            self.record.status, self.record.failure = "failed", failure
        return self.record

    def _pause(self, seconds: float) -> None:
        self.record.seconds += seconds
        self.wait(seconds)

    def _state(self, name: str, state: Mapping[str, Json], given: Json) -> tuple[str | None, Json]:
        """The name of the next state, None at the end, and what it is given."""
        kind = state["Type"]
        if kind not in _KNOWN:
            raise NotSimulated(f"state '{name}' is of the type {kind}")
        if strange := sorted(set(state) - _COMMON - _KNOWN[kind]):
            raise NotSimulated(f"state '{name}' says {strange[0]}")
        chosen = _chosen(state.get("InputPath", "$"), given)
        if kind == "Fail":
            raise Failure(str(state.get("Error", "")), str(state.get("Cause", "")))
        if kind == "Choice":
            return self._choice(name, state, chosen), _chosen(state.get("OutputPath", "$"), chosen)
        if kind == "Wait":
            seconds = _chosen(state["SecondsPath"], chosen) if "SecondsPath" in state else None
            self._pause(float(state["Seconds"] if seconds is None else seconds))
            result, given = chosen, chosen
        elif kind == "Succeed":
            return None, _chosen(state.get("OutputPath", "$"), chosen)
        elif kind == "Pass":
            result = state.get("Result", _filled(state.get("Parameters"), chosen, chosen))
        else:
            following, result = self._task(state, chosen)
            if following is not None:
                return following
        made = _placed(state.get("ResultPath", "$"), given, result) if kind != "Wait" else chosen
        whole = _chosen(state.get("OutputPath", "$"), made)
        _check_size(whole)
        return (None if state.get("End") else str(state["Next"])), whole

    def _task(self, state: Mapping[str, Json], given: Json) -> tuple[tuple[str, Json] | None, Json]:
        """The result of a task; or where an error that was caught leads, and with what."""
        tries = [0] * len(state.get("Retry", ()))
        while True:
            try:
                asked = _filled(state.get("Parameters"), given, given)
                _check_size(asked)
                answer = self.call(str(state["Resource"]), asked)
                return None, _filled(state.get("ResultSelector"), answer, answer)
            except Failure as failure:
                pause = _pause_before_retry(state, failure, tries)
                if pause is not None:
                    self._pause(pause)
                    continue
                for catcher in state.get("Catch", ()):
                    if _names(catcher, failure):
                        told = {"Error": failure.error, "Cause": failure.cause}
                        value = _placed(catcher.get("ResultPath", "$"), given, told)
                        return (str(catcher["Next"]), value), None
                raise

    def _choice(self, name: str, state: Mapping[str, Json], given: Json) -> str:
        for rule in state["Choices"]:
            if _holds(name, rule, given):
                return str(rule["Next"])
        if "Default" not in state:
            raise Failure("States.NoChoiceMatched", f"state '{name}'")
        return str(state["Default"])


_COMMON = {"Type", "Comment", "InputPath", "OutputPath", "Next", "End"}
_KNOWN: Mapping[str, set[str]] = {
    "Choice": {"Choices", "Default"},
    "Fail": {"Error", "Cause"},
    "Pass": {"Result", "Parameters", "ResultPath"},
    "Succeed": set(),
    "Task": {
        "Resource",
        "Parameters",
        "ResultSelector",
        "ResultPath",
        "Retry",
        "Catch",
        # Nothing in the simulation takes any time.
        "TimeoutSeconds",
        "HeartbeatSeconds",
    },
    "Wait": {"Seconds", "SecondsPath"},
}


def _pause_before_retry(
    state: Mapping[str, Json], failure: Failure, tries: list[int]
) -> float | None:
    """Seconds before the next try; None when no retrier takes the error any more."""
    for number, retrier in enumerate(state.get("Retry", ())):
        if _names(retrier, failure):
            if tries[number] >= int(retrier.get("MaxAttempts", 3)):
                return None
            tries[number] += 1
            growth = float(retrier.get("BackoffRate", 2.0)) ** (tries[number] - 1)
            pause = float(retrier.get("IntervalSeconds", 1)) * growth
            return min(pause, float(retrier.get("MaxDelaySeconds", pause)))
    return None


def _names(holder: Mapping[str, Json], failure: Failure) -> bool:
    """Whether a retrier or catcher names the error. States.ALL stands for all but two.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    """
    named = holder["ErrorEquals"]
    final = ("States.DataLimitExceeded", "States.Runtime")
    if "States.TaskFailed" in named and failure.error != "States.Timeout":
        return failure.error not in final
    return failure.error in named or ("States.ALL" in named and failure.error not in final)


# --- Choices

_COMPARISONS: Mapping[str, Callable[[Json, Json], bool]] = {
    "StringEquals": lambda value, said: isinstance(value, str) and value == said,
    "BooleanEquals": lambda value, said: isinstance(value, bool) and value is said,
    "NumericEquals": lambda value, said: _is_number(value) and value == said,
    "NumericGreaterThan": lambda value, said: _is_number(value) and value > said,
    "NumericGreaterThanEquals": lambda value, said: _is_number(value) and value >= said,
    "NumericLessThan": lambda value, said: _is_number(value) and value < said,
    "NumericLessThanEquals": lambda value, said: _is_number(value) and value <= said,
    "IsNull": lambda value, said: (value is None) is said,
    "IsString": lambda value, said: isinstance(value, str) is said,
    "IsNumeric": lambda value, said: _is_number(value) is said,
    "IsBoolean": lambda value, said: isinstance(value, bool) is said,
}


def _holds(name: str, rule: Mapping[str, Json], given: Json) -> bool:
    if "And" in rule:
        return all(_holds(name, each, given) for each in rule["And"])
    if "Or" in rule:
        return any(_holds(name, each, given) for each in rule["Or"])
    if "Not" in rule:
        return not _holds(name, rule["Not"], given)
    [(comparison, said)] = [
        (key, value) for key, value in rule.items() if key not in ("Variable", "Next", "Comment")
    ]
    if comparison == "IsPresent":
        try:
            _chosen(rule["Variable"], given)
        except Failure:
            return said is False
        return said is True
    if comparison not in _COMPARISONS:
        raise NotSimulated(f"state '{name}' compares by {comparison}")
    return _COMPARISONS[comparison](_chosen(rule["Variable"], given), said)


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# --- Paths and what is made of them

_STEPS = re.compile(r"\.([\w-]+)|\['([^']*)'\]|\[(\d+)\]")
_PATH = re.compile(rf"\$(?:{_STEPS.pattern})*")


def _chosen(path: Json, value: Json) -> Json:
    """What stands at a path; an empty object for the path null."""
    if path is None:
        return {}
    if not _PATH.fullmatch(str(path)):
        raise NotSimulated(f"the path {path}")
    for key, quoted, index in _STEPS.findall(str(path)):
        step = key or quoted
        if step and isinstance(value, Mapping) and step in value:
            value = value[step]
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            raise Failure("States.ParameterPathFailure", f"nothing stands at {path}")
    return value


def _placed(path: Json, value: Json, result: Json) -> Json:
    """The value with the result put in where the path says; a path of null leaves it out."""
    if path is None:
        return value
    if not _PATH.fullmatch(str(path)):
        raise NotSimulated(f"the path {path}")
    steps = [key or quoted for key, quoted, _ in _STEPS.findall(str(path))]
    return _put(value, steps, result)


def _put(value: Json, steps: list[str], result: Json) -> Json:
    if not steps:
        return result
    inside = value if isinstance(value, Mapping) else {}
    return {**inside, steps[0]: _put(inside.get(steps[0]), steps[1:], result)}


def _filled(template: Json, value: Json, otherwise: Json) -> Json:
    """A payload template with its paths and functions computed; `otherwise` when there is none."""
    if template is None:
        return otherwise
    return _computed(template, value)


def _computed(template: Json, value: Json) -> Json:
    if isinstance(template, list):
        return [_computed(item, value) for item in template]
    if not isinstance(template, Mapping):
        return template
    return {
        key.removesuffix(".$"): _expression(str(item), value)
        if key.endswith(".$")
        else _computed(item, value)
        for key, item in template.items()
    }


def _check_size(value: Json) -> None:
    size = len(json.dumps(value, ensure_ascii=False).encode())
    if size > LONGEST_DATA:
        why = f"{size} bytes, at most {LONGEST_DATA} are allowed"
        raise Failure("States.DataLimitExceeded", why)


# --- Intrinsic functions

_TOKENS = re.compile(
    r"\s*(?:(?P<text>'(?:\\.|[^'\\])*')|(?P<function>States\.\w+)\(|(?P<path>\$[^\s,)]*)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>true|false|null)|(?P<mark>[,)]))"
)
_WORDS = {"true": True, "false": False, "null": None}


def _expression(text: str, value: Json) -> Json:
    if text.startswith("$$"):
        raise NotSimulated(f"the context object, {text}")
    if text.startswith("$"):
        return _chosen(text, value)
    tokens = _tokens(text)
    return _evaluated(next(tokens), tokens, value)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        found = _TOKENS.match(text, position)
        if found is None or found.lastgroup is None:
            raise NotSimulated(f"the expression {text}")
        yield found.lastgroup, found[found.lastgroup]
        position = found.end()


def _evaluated(token: tuple[str, str], tokens: Iterator[tuple[str, str]], value: Json) -> Json:
    kind, said = token
    if kind == "text":
        return re.sub(r"\\(.)", r"\1", said[1:-1])
    if kind == "path":
        return _expression(said, value)
    if kind == "number":
        return json.loads(said)
    if kind == "word":
        return _WORDS[said]
    if kind != "function" or said not in _FUNCTIONS:
        raise NotSimulated(f"the function {said}")
    given = []
    for each in tokens:
        if each == ("mark", ")"):
            break
        if each != ("mark", ","):
            given.append(_evaluated(each, tokens, value))
    return _FUNCTIONS[said](given)


def _format(given: list[Json]) -> str:
    pieces = str(given[0]).split("{}")
    if len(pieces) != len(given):
        raise Failure("States.IntrinsicFailure", f"States.Format of {len(given) - 1} values")
    said = [one if isinstance(one, str) else json.dumps(one) for one in given[1:]]
    return "".join(piece + value for piece, value in zip(pieces, [*said, ""], strict=True))


_FUNCTIONS: Mapping[str, Callable[[list[Json]], Json]] = {
    "States.Array": lambda given: given,
    "States.Format": _format,
    "States.JsonToString": lambda given: json.dumps(
        given[0], separators=(",", ":"), ensure_ascii=False
    ),
    "States.MathAdd": lambda given: given[0] + given[1],
    "States.StringToJson": lambda given: json.loads(given[0]),
}
