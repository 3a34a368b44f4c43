"""The configuration package for Customizations for AWS Control Tower (CfCT).

CfCT runs StackSets of its own through Control Tower's roles. It takes the plain templates, and the
accounts and units that its manifest names.
https://docs.aws.amazon.com/controltower/latest/userguide/cfct-manifest-file-resources-section.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from generator import names
from generator.model import Json
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


def package(
    prefix: str, texts: Mapping[str, str], where: Where, parameters: Parameters
) -> dict[str, str]:
    """The manifest, and the templates that it names, by their places in the package."""
    whole = {MANIFEST: manifest(prefix, where, parameters)}
    return whole | {_place(name): texts[name] for name in TEMPLATES}


def manifest(prefix: str, where: Where, parameters: Parameters) -> str:
    """The manifest. What it does not know stands there in capitals."""
    # CfCT may write parameters below /org.
    # https://docs.aws.amazon.com/controltower/latest/userguide/cfct-manifest-file-resources-section.html
    bus = f"/org/{prefix}/bus-arn"
    members = {names.CENTRAL_BUS_ARN: f"$[alfred_ssm_{bus}]"}
    units: dict[str, Json] = {"organizational_units": ["EACH_UNIT", "EACH_UNIT:AND_ONE_BELOW_IT"]}

    def resource(
        name: str, file: str, targets: dict[str, Json], regions: Sequence[str], **more: Json
    ) -> dict[str, Json]:
        given = {**parameters[file], **(members if file != names.CENTRAL else {})}
        return {
            "name": name,
            "resource_file": _place(file),
            "deploy_method": "stack_set",
            "deployment_targets": targets,
            "parameters": [
                {"parameter_key": key, "parameter_value": value} for key, value in given.items()
            ],
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
    head = f"{_HEAD}---\nregion: {where.region}\nversion: {VERSION}\n"
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
