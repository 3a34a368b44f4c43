"""Renders what another pipeline needs to roll Trailbus out.

cfct    Customizations for AWS Control Tower: the manifest, and the templates it names
github  a GitHub Actions workflow: check pull requests, plan and deploy what is merged

Prints the manifest or the workflow; with --out writes all files below that folder.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from generator import config, control_tower, documents, github, names, output
from generator.config import Configuration
from generator.model import Mistake
from generator.screen import Screen


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("to", choices=("cfct", "github"), help="whom it is handed to")
    parser.add_argument("--out", metavar="DIR", help="write the files below this folder")


def run(given: argparse.Namespace, screen: Screen) -> int:
    configuration = config.load(given.config)
    if given.to == "cfct":
        if configuration.place is not None:
            for problem in control_tower.unsaid(configuration.place):
                screen.problem(problem)
        files = _for_control_tower(configuration)
        first = control_tower.MANIFEST
    else:
        files = {github.WORKFLOW: github.workflow(_path(given.config))}
        first = github.WORKFLOW
    if given.out is None:
        screen.line(files[first].rstrip("\n"))
        screen.document({"files": files})
        return 0
    outcome = output.write(files, Path(given.out), beside=True)
    for name, what in outcome.items():
        screen.line(f"{what:<10}{Path(given.out) / name}")
    screen.document({"folder": given.out, "files": outcome})
    return 0


def _path(file: Path | None) -> str:
    """The configuration as the workflow finds it, from the repository's own folder."""
    if file is None:
        return "trailbus.yaml"
    if file.is_absolute() or ".." in file.parts or re.search(r"\$\{\{|\s", str(file)):
        cure = "name it as it stands in the repository, without spaces: --config trailbus.yaml"
        raise Mistake.one(str(file), "cannot stand in a workflow", cure)
    return file.as_posix()


def _for_control_tower(configuration: Configuration) -> dict[str, str]:
    import json

    from generator.deploy.bundle import Bundle
    from generator.deploy.wanted import wanted
    from generator.render import render
    from generator.rollout import opening

    shape, place = configuration.shape, configuration.place
    files = render(shape)
    known: dict[str, dict[str, str]] = {}
    where = control_tower.Where()
    if place is not None:
        regions = tuple(place.regions or ())
        manifest = json.loads(files[names.MANIFEST])
        templates = {name: files[name] for name in manifest["templates"]}
        bundle = Bundle(templates, manifest)
        opening.check_values(configuration, bundle)
        want = wanted(bundle, place, regions)
        for one in (want.central, want.roles, want.rules):
            known[one.template] = dict(one.parameters)
        where = control_tower.Where(
            place.central_account, place.central_region, regions or where.regions
        )
    else:
        known[names.MEMBER_ROLES] = {names.CENTRAL_ACCOUNT: where.account}
    parameters = {
        name: _parameters(name, files[name], known.get(name, {}))
        for name in control_tower.TEMPLATES
    }
    unsaid = control_tower.unsaid(place) if place is not None else ()
    return control_tower.package(shape.name_prefix, files, where, parameters, unsaid)


def _parameters(file: str, text: str, known: dict[str, str]) -> dict[str, str]:
    """What is known, and a placeholder for whatever else the template cannot do without."""
    [document] = documents.parse(file, text)
    return {
        name: known.get(name, _placeholder(name))
        for name, declared in document.value["Parameters"].items()
        if name in known or "Default" not in declared
    }


def _placeholder(parameter: str) -> str:
    """THE_PARAMETER of TheParameter."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", parameter).upper()
