"""What must hold before anything is changed: the right accounts, organization, Regions and units.

Everything here only reads. A call that is not allowed is told like any other mistake: what cannot
be read cannot be changed with care.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from generator.deploy.aws import (
    DENIED,
    EXPIRED,
    UNREACHABLE,
    Call,
    Door,
    Refused,
    Side,
    network_down,
)
from generator.deploy.existing import NOT_OFFERED
from generator.model import Mistake, Place, Problem

ENABLED = ("ENABLED", "ENABLED_BY_DEFAULT", "ENABLING")
"""https://docs.aws.amazon.com/accounts/latest/reference/API_Region.html"""


def check(door: Door, place: Place) -> tuple[str, ...]:
    """Raises Mistake with everything that is wrong; gives the Regions to cover.

    What a check needs to be right itself comes before it: with the wrong credentials nothing
    else that AWS answers would mean anything.
    """
    for checks in (_identities, _organization, _targets):
        problems = list(checks(door, place))
        if problems:
            raise Mistake(problems)
    return regions(door, place)


def denied(refusal: Refused) -> Mistake:
    """A refusal as a mistake in one line: which call, where, and what to do about it."""
    where = f"the {refusal.side} account, {refusal.region}"
    access = f"see place.access.{refusal.side}_role and {refusal.side}_profile"
    if refusal.code in UNREACHABLE:
        return network_down(refusal.message)
    if refusal.code in DENIED:
        fault = f"{refusal.operation} is not allowed: {refusal.message}"
        return Mistake.one(where, fault, f"allow it, or use other credentials ({access})")
    if refusal.code in EXPIRED:
        fault = f"{refusal.operation}: the credentials have expired ({refusal.code})"
        return Mistake.one(where, fault, "sign in again; the same command goes on from here")
    if refusal.code in ("NoCredentialsError", "PartialCredentialsError"):
        return Mistake.one(where, "there are no credentials", f"set AWS_PROFILE, or {access}")
    if refusal.code in ("EOFError", "ValueError"):
        cure = f"see AWS_ENDPOINT_URL, AWS_PROFILE and {access.removeprefix('see ')}"
        return Mistake.one(where, f"{refusal.operation}: {refusal.message}", cure)
    return Mistake.one(where, f"{refusal.operation}: {refusal.code}: {refusal.message}")


def _call(place: Place, side: Side, service: str, operation: str, **request: object) -> Call:
    return Call(side, place.central_region, service, operation, request)


def _identities(door: Door, place: Place) -> Iterator[Problem]:
    sides: tuple[tuple[Side, str], ...] = (
        ("central", place.central_account),
        ("management", place.administrator),
    )
    for side, expected in sides:
        found = door.call(_call(place, side, "sts", "GetCallerIdentity"))["Account"]
        if found != expected:
            yield Problem(
                f"the {side} account",
                f"these credentials belong to {found}, not to {expected}",
                f"see place.access.{side}_role and {side}_profile",
            )


def _organization(door: Door, place: Place) -> Iterator[Problem]:
    ask = _call(place, "management", "organizations", "DescribeOrganization")
    found = door.call(ask)["Organization"]
    if found["Id"] != place.organization_id:
        yield Problem(
            "place.organization_id",
            f"{place.administrator} is in the organization {found['Id']}, "
            f"not in {place.organization_id}",
        )
        return
    if found["MasterAccountId"] != place.management_account:
        yield Problem(
            "place.management_account",
            f"the organization is managed by {found['MasterAccountId']}, "
            f"not by {place.management_account}",
        )
    try:
        ask = _call(
            place, "management", "organizations", "DescribeAccount", AccountId=place.central_account
        )
        account = door.call(ask)["Account"]
    except Refused as refusal:
        if refusal.code != "AccountNotFoundException":
            raise
        yield Problem(
            "place.central.account",
            f"{place.central_account} is not in the organization {found['Id']}",
            "the central bus takes events from its own organization only",
        )
        return
    if (account.get("State") or account.get("Status")) not in ("ACTIVE", None):
        yield Problem("place.central.account", f"{place.central_account} is not active")


def _targets(door: Door, place: Place) -> Iterator[Problem]:
    pilot = place.rollout.pilot
    for where, units in (
        ("place.organizational_units", place.organizational_units),
        ("place.rollout.pilot.organizational_units", pilot.organizational_units),
    ):
        for unit in units:
            if not _exists(door, place, unit):
                yield Problem(
                    where, f"the organization has no {unit}", "see its console, or doctor"
                )
    if not place.rollout.self_managed and not _trusted(door, place):
        yield Problem(
            "the management account",
            "StackSets have no trusted access to the organization",
            "activate it: CloudFormation console, StackSets, or "
            "aws cloudformation activate-organizations-access",
        )


def _exists(door: Door, place: Place, unit: str) -> bool:
    ask = _call(
        place,
        "management",
        "organizations",
        "ListOrganizationalUnitsForParent",
        ParentId=unit,
    )
    try:
        door.call(ask)
    except Refused as refusal:
        if refusal.code != "ParentNotFoundException":
            raise
        return False
    return True


def _trusted(door: Door, place: Place) -> bool:
    request = {"CallAs": "DELEGATED_ADMIN"} if place.access.delegated_admin else {}
    ask = _call(place, "management", "cloudformation", "DescribeOrganizationsAccess", **request)
    try:
        return bool(door.call(ask).get("Status") == "ENABLED")
    except Refused as refusal:
        if refusal.code not in NOT_OFFERED:
            raise
        return True  # nobody can tell: the first operation will


def regions(door: Door, place: Place) -> tuple[str, ...]:
    """The Regions to cover. Raises Mistake for those that do not exist or are not enabled.

    A service-managed StackSet reaches only Regions that the management account has enabled, too.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-opt-in-regions.html
    """
    known = _known_regions(door, place)
    usable = [name for name, status in known if status in ENABLED]
    wanted = place.regions if place.regions is not None else tuple(usable)
    problems = []
    for region in dict.fromkeys((place.central_region, *wanted)):
        if region not in dict(known):
            problems.append(
                Problem("place.regions", f"there is no Region {region}", _near(region, known))
            )
        elif region not in usable:
            cure = "enable it there (account settings), or leave it out"
            fault = f"{region} is not enabled in {place.administrator}"
            problems.append(Problem("place.regions", fault, cure))
    if problems:
        raise Mistake(problems)
    return wanted


def _near(region: str, known: Sequence[tuple[str, str]]) -> str:
    close = get_close_matches(region, [name for name, _ in known], n=1)
    return f"did you mean {close[0]}?" if close else ""


def _known_regions(door: Door, place: Place) -> list[tuple[str, str]]:
    ask = _call(place, "management", "account", "ListRegions", MaxResults=50)
    try:
        return [
            (found["RegionName"], found["RegionOptStatus"]) for found in door.items(ask, "Regions")
        ]
    except Refused as refusal:
        if refusal.code not in NOT_OFFERED:
            raise
    # EC2 tells it too, in other words.
    ask = _call(place, "management", "ec2", "DescribeRegions", AllRegions=True)
    words = {"opt-in-not-required": "ENABLED_BY_DEFAULT", "opted-in": "ENABLED"}
    return [
        (found["RegionName"], words.get(found["OptInStatus"], "DISABLED"))
        for found in door.call(ask)["Regions"]
    ]
