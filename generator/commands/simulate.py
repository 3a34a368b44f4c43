"""Deploys the rendered templates to a simulated organization and shows each event's way.

Without files it sends the examples of the enabled detections. Files may hold a CloudTrail record,
{"Records": [...]}, one record a line, whole EventBridge events, each of them gzipped or not.
Ends with 1 when something was dead-lettered, failed, or could not be read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from generator import config
from generator.model import Mistake
from generator.screen import Screen


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="events to send")
    parser.add_argument("--out", metavar="DIR", default="out", help="the rendered templates (out)")
    parser.add_argument("--accounts", type=int, default=5, metavar="N", help="accounts (5)")
    parser.add_argument("--regions", metavar="A,B", help="Regions, separated by commas")


def run(given: argparse.Namespace, screen: Screen) -> int:
    from generator.deploy.bundle import read_bundle
    from generator.rollout import opening
    from generator.simulation.organization import simulated_place
    from generator.simulation.records import read
    from generator.simulation.settings import nobodys_settings

    configuration = config.load(given.config)
    bundle = read_bundle(Path(given.out), configuration.shape.digest)
    opening.check_values(configuration, bundle)
    if given.accounts < 2:
        raise Mistake.one("--accounts", f"{given.accounts} is too few", "2 or more")
    regions = None
    if given.regions is not None:
        regions = tuple(region.strip() for region in given.regions.split(","))
    targets = config.target_options(configuration.shape)
    place = simulated_place(configuration.place, regions, targets)
    try:
        with nobodys_settings():
            from generator.simulation import run as simulation
        from generator.simulation.report import document, lines
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "moto":
            raise
        cure = "install it: pip install 'trailbus[simulate]'"
        raise Mistake.one("simulate", f"{error.name} is not installed", cure) from None
    if given.files:
        reading = read([Path(file) for file in given.files])
        if reading.unusable and not reading.found:
            raise Mistake(reading.unusable)
    else:
        shape = configuration.shape
        reading = simulation.example_events(shape.detections, shape.name_prefix)
    for problem in (*reading.unusable, *reading.doubts):
        screen.problem(problem)
    result = simulation.simulate(configuration.shape, bundle, place, reading, given.accounts)
    for line in lines(result, configuration.shape, screen):
        screen.line(line)
    screen.document(document(result))
    return 0 if result.went_well else 1
