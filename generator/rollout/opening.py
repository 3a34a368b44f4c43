"""The way in: configuration, templates and door, to AWS or to a simulated organization."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator import config
from generator.deploy import parameters, preconditions
from generator.deploy.apply import Pause
from generator.deploy.aws import Door, Refused, sessions
from generator.deploy.bundle import Bundle, read_bundle
from generator.deploy.wanted import Wanted, wanted
from generator.model import Json, Mistake, Place
from generator.schema import Report

ACCOUNTS = 5
"""Of a rehearsal, when nobody says otherwise."""


@dataclass
class Entry:
    """What a command needs to begin."""

    door: Door
    place: Place
    bundle: Bundle
    pause: Pause
    rehearsal: bool = False

    def checked(self) -> Wanted:
        """What is wanted, after everything that must hold was looked at."""
        regions = preconditions.check(self.door, self.place)
        return wanted(self.bundle, self.place, regions)

    def unchecked(self) -> Wanted:
        """What is wanted, for commands that tell themselves what does not hold.

        AWS is asked for the Regions only where the configuration does not name them.
        """
        regions = self.place.regions or preconditions.regions(self.door, self.place)
        return wanted(self.bundle, self.place, regions)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that the commands have in common."""
    parser.add_argument(
        "--templates", metavar="DIR", default="out", help="the rendered templates (out)"
    )
    parser.add_argument(
        "--rehearse",
        action="store_true",
        help="in a simulated organization on this machine: no account and no network needed",
    )
    parser.add_argument(
        "--accounts", type=int, metavar="N", help="with --rehearse: its accounts (5)"
    )


def check_values(configuration: config.Configuration, bundle: Bundle) -> None:
    """Raises Mistake for values that CloudFormation would refuse, before AWS is asked anything."""
    if configuration.place is None:
        return
    report = Report(configuration.document)
    for where, fault, cure in parameters.faults(bundle, configuration.place):
        setting = (*where[:2], "settings", *where[2:])
        lines = configuration.document.lines
        report(setting if where not in lines and setting in lines else where, fault, cure)
    if report.problems:
        raise Mistake(report.problems)


def door_to(place: Place) -> Door:
    """The door to AWS."""
    return Door(sessions(place))


@contextlib.contextmanager
def entered(given: argparse.Namespace) -> Iterator[Entry]:
    """The way in, for as long as the block runs. What AWS refuses meanwhile is a mistake."""
    if given.accounts is not None and not given.rehearse:
        raise Mistake.one("--accounts", "is for rehearsals", "add --rehearse, or leave it out")
    configuration = config.load(given.config)
    bundle = read_bundle(Path(given.templates), configuration.shape.digest)
    check_values(configuration, bundle)
    place = configuration.place
    try:
        if given.rehearse:
            targets = config.target_options(configuration.shape)
            with _rehearsal(place, bundle, given.accounts, targets) as entry:
                yield entry
            return
        if place is None:
            cure = "say who and where: uncomment place in it, or try --rehearse"
            raise Mistake.one(configuration.file, "has no place", cure)
        yield Entry(door_to(place), place, bundle, time.sleep)
    except Refused as refusal:
        raise preconditions.denied(refusal) from None


@contextlib.contextmanager
def _rehearsal(
    place: Place | None,
    bundle: Bundle,
    asked: int | None,
    targets: Mapping[str, Mapping[str, Json]],
) -> Iterator[Entry]:
    from generator.simulation.organization import simulated_place, world_of
    from generator.simulation.settings import nobodys_settings

    there = simulated_place(place, None, targets)
    accounts = ACCOUNTS if asked is None else asked
    if accounts < 2:
        raise Mistake.one("--accounts", f"{accounts} is too few", "2 or more")
    try:
        with nobodys_settings():
            from generator.simulation import cloud as simulation
            from generator.simulation.run import prepared
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "moto":
            raise
        cure = "install it: pip install 'trailbus[simulate]'"
        raise Mistake.one("--rehearse", "needs the package moto", cure) from None
    with simulation.opened(world_of(there, accounts)) as cloud:
        prepared(cloud, there)
        yield Entry(cloud.door(there), there, bundle, cloud.pause, rehearsal=True)
