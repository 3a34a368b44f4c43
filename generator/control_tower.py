"""The configuration package for Customizations for AWS Control Tower (CfCT).

CfCT runs StackSets of its own through Control Tower's roles. It takes the plain templates, and the
accounts and units that its manifest names.
https://docs.aws.amazon.com/controltower/latest/userguide/cfct-manifest-file-resources-section.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import NamedTuple

from generator import names
from generator.model import Json, Place, Problem, Rollout
from generator.yaml_text import yaml_text

MANIFEST = "manifest.yaml"
TEMPLATES = (names.CENTRAL, names.MEMBER_ROLES, names.MEMBER_RULES)
"""What CfCT deploys, in this order."""

VERSION = "2021-03-15"
"""https://docs.aws.amazon.com/controltower/latest/userguide/the-manifest-file.html"""


class Where(NamedTuple):
    """Where the central stack goes, and the Regions to cover."""

    account: str = "CENTRAL_ACCOUNT_ID"
    region: str = "CENTRAL_REGION"
    regions: Sequence[str] = ("EACH_REGION_TO_COVER",)


Parameters = Mapping[str, Mapping[str, str]]
"""Of each template, by file name: the parameters to give."""


def unsaid(place: Place) -> tuple[Problem, ...]:
    """What a place says and a manifest cannot: each with what to do instead."""
    rollout, pilot = place.rollout, place.rollout.pilot
    units = ", ".join(place.organizational_units)
    found = [
        ("organizational_units", units, "name each by its name, with those below it"),
        (
            "exclude_accounts",
            ", ".join(place.exclude_accounts),
            "CfCT covers them too where they are directly in a unit that it targets: leave that "
            "unit out, and name its other accounts under deployment_targets, accounts",
        ),
        (
            "regions",
            "" if place.regions else "all",
            "name each Region: CfCT does not find out which are enabled",
        ),
        (
            "tags",
            ", ".join(f"{key}={value}" for key, value in place.tags.items()),
            "CfCT gives our stacks no tags; a template takes one more by TagKey and TagValue",
        ),
        (
            "rollout.pilot",
            ", ".join((*pilot.organizational_units, *pilot.accounts)),
            "CfCT knows no pilot: begin with a manifest that names the pilot's units alone",
        ),
    ]
    before = Rollout()
    changed = [
        name
        for name in Rollout._fields
        if name not in ("pilot", "self_managed") and getattr(rollout, name) != getattr(before, name)
    ]
    found += [
        (f"rollout.{name}", str(getattr(rollout, name)), "set it in CfCT's own stack")
        for name in changed
    ]
    if rollout.self_managed:
        found.append(
            ("rollout.permissions", "self-managed", "CfCT brings roles of its own, Control Tower's")
        )
    return tuple(
        Problem(f"place.{name}", f"{value} cannot be said to CfCT", cure)
        for name, value, cure in found
        if value
    )


def package(
    prefix: str,
    texts: Mapping[str, str],
    where: Where,
    parameters: Parameters,
    unsaid: Sequence[Problem] = (),
) -> dict[str, str]:
    """The manifest, and the templates that it names, by their places in the package."""
    whole = {MANIFEST: manifest(prefix, where, parameters, unsaid)}
    return whole | {_place(name): texts[name] for name in TEMPLATES}


def manifest(
    prefix: str, where: Where, parameters: Parameters, unsaid: Sequence[Problem] = ()
) -> str:
    """The manifest. What it does not know stands there in capitals, what it cannot say above it."""
    # CfCT may write parameters below /org.
    # https://docs.aws.amazon.com/controltower/latest/userguide/cfct-manifest-file-resources-section.html
    bus = f"/org/{prefix}/bus-arn"
    members = {names.CENTRAL_BUS_ARN: f"$[alfred_ssm_{bus}]"}
    units: dict[str, Json] = {"organizational_units": ["EACH_UNIT", "EACH_UNIT:AND_ONE_BELOW_IT"]}

    def resource(
        name: str, file: str, targets: dict[str, Json], regions: Sequence[str], **more: Json
    ) -> dict[str, Json]:
        given = {
            **parameters[file],
            **(members if names.CENTRAL_BUS_ARN in parameters[file] else {}),
        }
        listed: list[Json] = [
            {"parameter_key": key, "parameter_value": value} for key, value in given.items()
        ]
        return {
            "name": name,
            "resource_file": _place(file),
            "deploy_method": "stack_set",
            "deployment_targets": targets,
            **({"parameters": listed} if listed else {}),
            **more,
            "regions": list(regions),
        }

    roles, rules = names.stack_set(prefix, "roles"), names.stack_set(prefix, "rules")
    resources = [
        resource(
            names.central_stack(prefix),
            names.CENTRAL,
            {"accounts": [where.account]},
            [where.region],
            export_outputs=[{"name": bus, "value": "$[output_BusArn]"}],
        ),
        resource(roles, names.MEMBER_ROLES, units, [where.region]),
        resource(rules, names.MEMBER_RULES, units, where.regions),
    ]
    # The version is a date, and YAML's text of one would be quoted.
    lost = "".join(f"# {line}\n" for one in unsaid for line in wrap(str(one), 96))
    lost = f"#\n# What your configuration says and this cannot:\n{lost}" if lost else ""
    head = f"{_HEAD}{lost}---\nregion: {where.region}\nversion: {VERSION}\n"
    return head + yaml_text({"resources": resources})


def _place(file: str) -> str:
    return f"templates/{file}"


_HEAD = f"""\
# Customizations for AWS Control Tower: merge this into your configuration package, and put the
# three templates into its folder templates/. Replace what is written in capitals.
#
# Keep the order: the central stack leaves the ARN of its bus in the parameter store, from where
# the others read it, and the rules use the roles.
#
# Units go by their names, inner ones by their path (Workloads:Production). CfCT covers the accounts
# directly in a unit, not those in units below it, and new accounts as Control Tower enrolls them.
# https://docs.aws.amazon.com/controltower/latest/userguide/cfct-nested-ou.html
#
# Roles go to one Region, since IAM is global; rules to all, always with the one in which global
# services record their events (N. Virginia; in GovCloud US-West).
#
# The management account is not covered by this: for CfCT it would need AWSControlTowerExecution,
# a role that may do everything. Upload {names.MANAGEMENT} in it instead.
"""
