"""Reads a user's state machine and says what Step Functions would refuse in it.

The Amazon States Language: https://states-language.net/spec.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from generator import documents
from generator.documents import did_you_mean
from generator.model import Json, Mistake, Problem

SUBSTITUTIONS = ("AccountId", "Partition", "Region", "ReportTopicArn")
"""What a definition may say as ${Name} and the template fills in."""

LONGEST = 1_048_576
"""Bytes of a definition.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html"""

LONGEST_NAME = 80
TYPES = ("Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")
_ENDS = ("Succeed", "Fail")
_MENTION = re.compile(r"\$\{([^}]*)\}")


def read(file: Path) -> str:
    """The definition in a file, written in one form. Mistake with all that is wrong with it."""
    shown = documents.shown(file)
    text = documents.read(file, shown)
    try:
        machine = json.loads(text)
    except RecursionError:
        raise Mistake.one(shown, "is nested too deeply") from None
    except ValueError as error:
        raise Mistake.one(
            shown, f"is no JSON: {error}", "write the state machine as JSON"
        ) from None
    problems = [Problem(shown, fault, cure) for fault, cure in faults(machine)]
    if problems:
        raise Mistake(problems)
    return json.dumps(machine, indent=2, ensure_ascii=False)


def mentioned(text: str) -> list[str]:
    """The names that a definition wants filled in."""
    return sorted(set(_MENTION.findall(text)))


def faults(machine: Json) -> Iterator[tuple[str, str]]:
    """What is wrong with a definition, and the cure."""
    if not isinstance(machine, dict):
        yield "is no state machine", "write an object with StartAt and States"
        return
    yield from _of_states(machine, "the state machine")
    text = json.dumps(machine)
    size = len(text.encode())
    if size > LONGEST:
        yield f"has {size:,} bytes, at most {LONGEST:,} are allowed", "split it"
    for name in mentioned(text):
        if name in SUBSTITUTIONS:
            continue
        cure = did_you_mean(name, SUBSTITUTIONS)
        yield f"nothing fills in '${{{name}}}'", cure


def _of_states(machine: Mapping[str, Json], what: str) -> Iterator[tuple[str, str]]:
    """The faults of a machine, or of one inside a Map or Parallel state."""
    states = machine.get("States")
    if not isinstance(states, dict) or not states:
        yield f"{what} has no States", "add at least one state"
        return
    start = machine.get("StartAt")
    if start not in states:
        cure = did_you_mean(start, states) if isinstance(start, str) else "name a state"
        yield f"{what}: StartAt names no state", cure
    for name, state in states.items():
        if len(name) > LONGEST_NAME:
            yield f"state '{name}': its name is longer than {LONGEST_NAME} characters", ""
        if not isinstance(state, dict) or state.get("Type") not in TYPES:
            yield f"state '{name}' has no Type", f"known: {', '.join(TYPES)}"
            continue
        for following in _followers(state):
            if following not in states:
                cure = did_you_mean(str(following), states)
                yield f"state '{name}' leads to '{following}', which is no state", cure
        if state["Type"] == "Choice":
            if not isinstance(state.get("Choices"), list) or not state["Choices"]:
                yield f"state '{name}' has no Choices", "add at least one"
        elif state["Type"] not in _ENDS and ("Next" in state) == bool(state.get("End")):
            yield f"state '{name}' wants either Next or End: true", ""
        if state["Type"] == "Task" and not isinstance(state.get("Resource"), str):
            yield f"state '{name}' has no Resource", "name what the task calls"
        for inner in _inner(state):
            yield from _of_states(inner, f"state '{name}'")


def _followers(state: Mapping[str, Json]) -> Iterator[Json]:
    for holder in (state, *_dicts(state.get("Choices")), *_dicts(state.get("Catch"))):
        if "Next" in holder:
            yield holder["Next"]
    if "Default" in state:
        yield state["Default"]


def _inner(state: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    if state["Type"] == "Parallel":
        yield from _dicts(state.get("Branches"))
    if state["Type"] == "Map":
        yield from _dicts([state.get("ItemProcessor", state.get("Iterator"))])


def _dicts(value: Json) -> list[Mapping[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
