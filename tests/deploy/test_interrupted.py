"""A rollout killed after each of its calls in turn: the next one finishes the job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from generator.deploy.apply import Walk, settle, walk
from generator.deploy.aws import Call, Door
from generator.deploy.existing import look
from generator.deploy.plan import proposal
from generator.deploy.preview import preview
from generator.deploy.teardown import teardown
from generator.model import Pilot, Place, Rollout

from .organization import CENTRAL, HOME, READS, SMALL, TWO, Company, bundle, company

TINY = SMALL._replace(regions=(HOME,))
PILOTED = TINY._replace(rollout=Rollout(pilot=Pilot(accounts=(CENTRAL,))))


class Killed(BaseException):
    """What ends a process from outside: nothing may catch it."""


class Mortal(Door):
    """Makes so many calls; then the process is dead, right after the answer of the last one.

    To die before a call is to die after the one before it.
    """

    def __init__(self, door: Door, calls: int = 1_000_000) -> None:
        self.door = door
        self.calls = calls
        self.made: list[str] = []

    def call(self, call: Call) -> dict[str, Any]:
        answer = self.door.call(call)
        self.made.append(call.operation)
        if len(self.made) == self.calls:
            raise Killed
        return answer


def _deploy(it: Company, door: Door) -> None:
    way = Walk(door, it.wanted, it.cloud.pause)
    settle(way)
    plan = proposal(it.wanted, look(door, it.wanted))
    if plan.central.action != "keep":
        preview(door, it.wanted, plan.central, it.cloud.pause, keep_bucket=True)
    outcomes = walk(way, plan.steps)
    assert all(outcome.ok for outcome in outcomes), outcomes


def _destroy(it: Company, door: Door) -> None:
    way = Walk(door, it.wanted, it.cloud.pause)
    settle(way)
    outcomes = walk(way, teardown(it.wanted, look(door, it.wanted)).steps)
    assert all(outcome.ok for outcome in outcomes), outcomes


def _state(it: Company) -> Any:
    existing = it.look()
    return it.resources(), {
        name: (state.template, state.cells.keys(), {cell.status for cell in state.cells.values()})
        for name, state in existing.stack_sets.items()
    }


def _every_death(place: Place, before: Callable[[Company], None], act: Any) -> None:
    """Kills an act after each of its calls, from the first that changes something; each time a
    second one finishes."""
    with company(place, accounts=3) as it:
        before(it)
        whole = Mortal(it.door)
        act(it, whole)
        expected = _state(it)
    first = next(n for n, name in enumerate(whole.made, 1) if not name.startswith(READS))
    for calls in range(first, len(whole.made) + 1):
        with company(place, accounts=3) as it:
            before(it)
            with pytest.raises(Killed):
                act(it, Mortal(it.door, calls))
            act(it, it.door)
            assert _state(it) == expected, f"killed at call {calls}, {whole.made[calls - 1]}"
            assert act is _destroy or it.plan().steps == ()


def _nothing(it: Company) -> None:
    """An organization in which nothing was rolled out yet."""


def _deployed(it: Company) -> None:
    _deploy(it, it.door)


def _outdated(it: Company) -> None:
    _deploy(it, it.door)
    it.bundle = bundle(TWO)


@pytest.mark.slow
def test_a_first_rollout_killed_anywhere_is_finished_by_the_next() -> None:
    _every_death(PILOTED, _nothing, _deploy)


@pytest.mark.slow
def test_an_update_killed_anywhere_is_finished_by_the_next() -> None:
    _every_death(PILOTED, _outdated, _deploy)


@pytest.mark.slow
def test_a_removal_killed_anywhere_is_finished_by_the_next() -> None:
    _every_death(TINY, _deployed, _destroy)
