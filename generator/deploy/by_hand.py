"""Commands of AWS's own CLI for what only a person can decide, each to be run as it stands."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from generator.deploy.existing import call_as
from generator.deploy.wanted import Stack, Wanted


def root(wanted: Wanted) -> str:
    """The root of the organization, told by any unit: ou-ab12-... stands below r-ab12.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html
    """
    return "r-" + wanted.place.organizational_units[0].split("-")[1]


def let_go(wanted: Wanted, stack_set: str, account: str, regions: Iterable[str]) -> str:
    """Takes an account out of a StackSet, and leaves its stacks where they are."""
    target = ["--accounts", account]
    if wanted.service_managed:
        some = f"OrganizationalUnitIds={root(wanted)},Accounts={account}"
        target = ["--deployment-targets", f"{some},AccountFilterType=INTERSECTION"]
    return _command(
        "delete-stack-instances",
        ["--region", wanted.home, "--stack-set-name", stack_set],
        [*target, "--regions", *sorted(regions), "--retain-stacks"],
        _caller(call_as(wanted)),
    )


def continue_rollback(stack: Stack) -> str:
    """Lets a stack come back to what it was before an update that could not be undone."""
    where = ["--region", stack.region, "--stack-name", stack.name]
    return _command("continue-update-rollback", where)


def _command(operation: str, *parts: Iterable[str]) -> str:
    words = [word for part in parts for word in part]
    return shlex.join(["aws", "cloudformation", operation, *words])


def _caller(request: Mapping[str, Any]) -> list[str]:
    return ["--call-as", request["CallAs"]] if "CallAs" in request else []
