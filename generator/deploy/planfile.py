"""A plan as a file: what was agreed to, and the fingerprints of the world that it was made in.

The file holds no calls to make. `deploy` plans anew, and goes ahead only if that comes to the very
steps that the file names: a file that somebody changed can stop a deployment, never steer one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.deploy.existing import Existing, departed
from generator.deploy.plan import Plan, Step
from generator.deploy.wanted import Wanted
from generator.model import Json, Mistake, Problem

VERSION = 1


def document(wanted: Wanted, existing: Existing, plan: Plan) -> dict[str, Json]:
    """What a plan file must say so that deploy can hold to it."""
    return {
        "version": VERSION,
        "organization": wanted.place.organization_id,
        "name_prefix": wanted.bundle.prefix,
        "configuration": wanted.bundle.manifest["configuration"],
        "fingerprints": fingerprints(wanted, existing),
        "steps": [
            {"sentence": step.sentence, "fingerprint": step_fingerprint(step)}
            for step in plan.steps
        ],
    }


def fingerprints(wanted: Wanted, existing: Existing) -> dict[str, str]:
    """One fingerprint for everything that a plan depends on, by what it is in words."""
    place = {**wanted.place._asdict(), "targets": dict(wanted.place.targets)}
    found = {
        "the place in the configuration": _digest(place),
        "the rendered templates": _digest(dict(wanted.bundle.files)),
        "the accounts of the organization": _digest(
            {account: list(member) for account, member in existing.members.items()}
        ),
    }
    for stack in (wanted.central, *wanted.management, *departed(wanted, existing)):
        name = f"the stack {stack.name} ({stack.side} account, {stack.region})"
        state = existing.stack(stack)
        found[name] = _digest(vars(state) if state else None)
    for stack_set in (wanted.roles, wanted.rules):
        known = existing.stack_sets.get(stack_set.name)
        said: Any = None
        if known is not None:
            cells = {f"{a} {r}": cell[:2] for (a, r), cell in known.cells.items()}
            targets = {unit: sorted(where) for unit, where in known.targets.items()}
            said = {**vars(known), "cells": cells, "targets": targets}
        found[f"the StackSet {stack_set.name}"] = _digest(said)
    return found


def step_fingerprint(step: Step) -> str:
    call = step.call
    return _digest([call.side, call.region, call.service, call.operation, call.request])


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, Mapping):
        return dict(value)
    return sorted(value)


def write(file: Path, plan: Mapping[str, Json]) -> None:
    """Writes a plan for its owner's eyes alone: it tells of accounts, and of what is amiss there.

    The whole file or none: a plan that was there before stays until the new one is complete.
    """
    text = json.dumps(plan, indent=2) + "\n"
    target = file.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if target.exists() and not target.is_file():  # a pipe or a device
            target.write_text(text, encoding="utf-8")
            return
        beside.touch(0o600)
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise Mistake.one(str(file), f"cannot be written: {error.strerror}") from None


def read(file: Path) -> dict[str, Any]:
    """A plan file. Raises Mistake when it is none."""
    cure = "make one: trailbus plan --out plan.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Mistake.one(str(file), f"cannot be read: {error.strerror}", cure) from None
    except ValueError:
        raise Mistake.one(str(file), "is not JSON", cure) from None
    kinds = {"fingerprints": dict, "steps": list, "organization": str, "configuration": str}
    if not isinstance(found, dict) or any(
        not isinstance(found.get(key), kind) for key, kind in kinds.items()
    ):
        raise Mistake.one(str(file), "is not a plan", cure)
    if found.get("version") != VERSION:
        raise Mistake.one(str(file), f"is a plan of version {found.get('version')}", cure)
    return found


def check_place(file: Path, agreed: Mapping[str, Any], wanted: Wanted) -> None:
    """Raises Mistake for a plan of another organization or configuration: no call is needed."""
    if agreed["organization"] != wanted.place.organization_id:
        fault = f"is for the organization {agreed['organization']}"
        raise Mistake.one(str(file), fault, f"not for {wanted.place.organization_id}")
    if agreed["configuration"] != wanted.bundle.manifest["configuration"]:
        fault = "was made with another configuration"
        raise Mistake.one(str(file), fault, "plan again, review, then deploy")


def check_world(
    file: Path, agreed: Mapping[str, Any], wanted: Wanted, existing: Existing, plan: Plan
) -> None:
    """Raises Mistake when the world is not the one that the plan was made in."""
    cure = "plan again, review, then deploy"
    now = fingerprints(wanted, existing)
    then = agreed["fingerprints"]
    problems = [
        Problem(str(file), f"{what} changed since it was made", cure)
        for what in sorted({*now, *then})
        if now.get(what) != then.get(what)
    ]
    steps = [step_fingerprint(step) for step in plan.steps]
    if not problems and steps != [
        step.get("fingerprint") for step in agreed["steps"] if isinstance(step, dict)
    ]:
        problems.append(Problem(str(file), "does not name the steps that would be taken", cure))
    if problems:
        raise Mistake(problems)
