"""Looks for what in an organization would stop a rollout; every finding has its cure."""

from __future__ import annotations

from generator.deploy.aws import UNREACHABLE, Door
from generator.deploy.doctor import (
    callers,
    collisions,
    control_policies,
    hearing,
    organization,
    quotas,
    regions,
    sizes,
    trails,
)
from generator.deploy.doctor.findings import Check, Examination, Finding, run
from generator.deploy.wanted import Wanted
from generator.model import Problem

CHECKS: tuple[Check, ...] = (
    *sizes.CHECKS,
    *organization.CHECKS,
    *regions.CHECKS,
    *control_policies.CHECKS,
    *trails.CHECKS,
    *hearing.CHECKS,
    *callers.CHECKS,
    *collisions.CHECKS,
    *quotas.CHECKS,
)


def examine(door: Door, wanted: Wanted) -> list[Finding]:
    """Every finding of every check, the good ones too. Only reads.

    With somebody else's credentials all other answers would be about somebody else's organization,
    so the other checks are left out then. Raises Refused when there is no network.
    """
    examination = Examination(door, wanted)
    found = run(callers.CREDENTIALS, examination, UNREACHABLE)
    if any(finding.level == "blocking" for finding in found):
        why = "not checked: the credentials are not the right ones"
        return [*found, *(Finding(one.name, "unchecked", one.name, why) for one in CHECKS)]
    return [*found, *(finding for check in CHECKS for finding in run(check, examination))]


def blocking(door: Door, wanted: Wanted) -> list[Problem]:
    """What would make a rollout fail: to be asked before its first write."""
    return [finding.problem for finding in examine(door, wanted) if finding.level == "blocking"]


__all__ = ["CHECKS", "Finding", "blocking", "examine"]
