"""Checks what a rollout uses up: instances of StackSets, StackSets, rules of a bus."""

from __future__ import annotations

from collections.abc import Iterator

from generator import names
from generator.deploy.aws import Refused, Side
from generator.deploy.doctor.findings import Check, Examination, Fault, blocking, unchecked

INSTANCES = 100_000
STACK_SETS = 1_000
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

RULES = 300
FEWER_RULES = {"af-south-1": 100, "eu-south-1": 100}
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""


def _instances(examination: Examination) -> Iterator[Fault]:
    wanted = examination.wanted
    accounts = sum(not suspended for suspended in examination.accounts().values())
    needed = accounts * len(wanted.rules.regions)
    if needed > INSTANCES:
        fault = (
            f"{accounts:,} accounts x {len(wanted.rules.regions)} Regions are {needed:,} "
            f"instances; one takes {INSTANCES:,}"
        )
        cure = "choose fewer units or Regions, and roll out the rest under another name_prefix"
        yield blocking(f"StackSet {wanted.rules.name}", fault, cure)


def _stack_sets(examination: Examination) -> Iterator[Fault]:
    wanted = examination.wanted
    found = examination.ask_all(
        "management",
        "cloudformation",
        "ListStackSets",
        "Summaries",
        Status="ACTIVE",
        **examination.call_as(),
    )
    known = {one["StackSetName"] for one in found}
    needed = known | {wanted.roles.name, wanted.rules.name}
    if len(needed) > STACK_SETS and not {wanted.roles.name, wanted.rules.name} <= known:
        fault = f"the account has {len(known):,} of at most {STACK_SETS:,}"
        yield blocking("StackSets", fault, "delete some that nobody needs")


def _rules(examination: Examination) -> Iterator[Fault]:
    wanted = examination.wanted
    manifest = wanted.bundle.manifest.get("detections", {}).values()
    central = {rule for entry in manifest for rule in entry.get("central_rules", [])}
    members = {rule for entry in manifest for rule in entry.get("member_rules", [])}
    limit = _limit(examination, "central", wanted.home)
    if len(central) > limit:
        fault = f"the detections need {len(central)} rules; the bus takes {limit}"
        cure = "raise the EventBridge quota 'Rules' there, or enable fewer detections"
        yield blocking(f"the central account, {wanted.home}", fault, cure)
    sides: list[tuple[Side, str]] = [
        ("management", stack.region)
        for stack in wanted.management
        if stack.template == wanted.rules.template
    ]
    for side, region in sides:
        found = examination.ask_all(side, "events", "ListRules", "Rules", region)
        prefix = f"{names.forwarding_rule(wanted.bundle.prefix, reads=False).rsplit('-', 1)[0]}-"
        others = [one for one in found if not str(one["Name"]).startswith(prefix)]
        limit = _limit(examination, side, region)
        if len(others) + len(members) > limit:
            fault = f"has {len(others)} rules of at most {limit}, and {len(members)} are to come"
            cure = f"raise the EventBridge quota 'Rules' in {region}"
            yield blocking(f"the {side} account's default bus, {region}", fault, cure)
    if not sides:
        yield unchecked("the members' default buses", "nothing lets us look into members")


def _limit(examination: Examination, side: Side, region: str) -> int:
    """The quota of that account; what everybody has where it does not tell."""
    try:
        found = examination.ask_all(
            side, "service-quotas", "ListServiceQuotas", "Quotas", region, ServiceCode="events"
        )
    except Refused:
        found = []
    values = [one["Value"] for one in found if one["QuotaName"] == "Rules"]
    return int(values[0]) if values else FEWER_RULES.get(region, RULES)


CHECKS = (
    Check("StackSet instances", "the accounts and Regions fit into a StackSet", _instances),
    Check("StackSets", "there is room for two more StackSets", _stack_sets),
    Check("rules", "there is room for our rules", _rules),
)
