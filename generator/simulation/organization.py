"""Organizations to simulate: the embedded default, or one like the configuration's place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from generator.documents import did_you_mean
from generator.model import NOTHING, Json, Mistake, Place, Problem
from generator.simulation.control_policies import EVERYTHING
from generator.simulation.world import (
    Account,
    ControlPolicy,
    Organization,
    World,
    partition_of,
)

MEMBERS = ("111122223333", "444455556666", "123456789012")
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")

DEFAULT_PLACE = Place(
    organization_id="o-a1b2c3d4e5",
    management_account="111111111111",
    central_account="222222222222",
    central_region="us-east-1",
    organizational_units=("r-ab12",),
    regions=REGIONS,
    alarm_emails=("oncall@example.com",),
    report_emails=("oncall@example.com",),
)
"""Five accounts in three Regions: what runs when nobody says otherwise."""

FULL_ACCESS = "p-FullAWSAccess"
_NAMES = ("payments-prod", "payments-dev", "data-platform")


def simulated_place(
    place: Place | None,
    regions: tuple[str, ...] | None,
    targets: Mapping[str, Mapping[str, Json]] = NOTHING,
) -> Place:
    """The place to simulate: the configuration's, or the default one, with other Regions.

    `targets` are the options of the configuration's targets, which hold at the default place too.
    Raises Mistake for Regions that AWS does not have.
    """
    base = place or DEFAULT_PLACE._replace(targets=targets)
    wanted = tuple(dict.fromkeys(regions or base.regions or REGIONS))
    partition = partition_of(base.central_region)
    known = tuple(_regions_of(partition))
    problems = []
    for region in dict.fromkeys((base.central_region, *wanted)):
        if region not in known:
            cure = did_you_mean(region, known)
            problems.append(Problem("Regions", f"{partition} has no Region '{region}'", cure))
    if problems:
        raise Mistake(problems)
    return base._replace(regions=wanted)


def _regions_of(partition: str) -> list[str]:
    """The Regions of a partition, by botocore's own list, whatever the user's settings say."""
    from botocore.loaders import Loader
    from botocore.regions import EndpointResolver

    resolver = EndpointResolver(Loader().load_data("endpoints"))
    found: list[str] = resolver.get_available_endpoints("sqs", partition)
    return found


def world_of(place: Place, accounts: int) -> World:
    """An organization of that many accounts, the management and the central one included.

    The first members are those that the examples speak of; all stand in two units, one inside the
    other, below the root, so that a rollout has to find them there. Accounts that the place leaves
    out or begins with are there too, beyond that number; so are the units that it begins with, and
    the central Region if nothing covers it.
    """
    root = next((u for u in place.organizational_units if u.startswith("r-")), "r-ab12")
    organization = Organization(place.organization_id, place.management_account, root)
    tag = root.removeprefix("r-")
    outer, inner = f"ou-{tag}-workloads1", f"ou-{tag}-sandboxes1"
    organization.add_unit(outer, root, "Workloads")
    organization.add_unit(inner, outer, "Sandboxes")
    for unit in place.organizational_units:
        if unit != root:
            organization.add_unit(unit, root, unit)
    covered = place.organizational_units[0]
    homes: tuple[str, ...] = (outer, inner) if covered == root else (covered,)
    pilot = place.rollout.pilot
    for unit in pilot.organizational_units:
        if unit not in organization.units and unit != root:
            organization.add_unit(unit, covered, unit)
            homes += (unit,)
    organization.add(Account(place.management_account, "management", root))
    if place.central_account != place.management_account:
        organization.add(Account(place.central_account, "security", homes[0]))
    if place.administrator not in organization.accounts:
        organization.add(Account(place.administrator, "deployer", homes[0]))
    for number, member in enumerate(_members(place)):
        if len(organization.accounts) >= accounts:
            break
        name = _NAMES[number] if number < len(_NAMES) else f"member-{number + 1}"
        organization.add(Account(member, name, homes[number % len(homes)]))
    for account in place.exclude_accounts:
        if account not in organization.accounts:
            organization.add(Account(account, "excluded", homes[0]))
    for account in pilot.accounts:
        if account not in organization.accounts:
            organization.add(Account(account, "pilot", homes[0]))
    everything = {root, *organization.units, *organization.accounts}
    organization.policies[FULL_ACCESS] = ControlPolicy(
        FULL_ACCESS, "FullAWSAccess", EVERYTHING, everything, aws_managed=True
    )
    regions = place.regions or REGIONS
    return World(organization, tuple(dict.fromkeys((*regions, place.central_region))))


def _members(place: Place) -> Iterator[str]:
    taken = {place.management_account, place.central_account, place.administrator}
    invented = (f"{900_000_000_000 + number:012d}" for number in itertools.count(1))
    return (account for account in itertools.chain(MEMBERS, invented) if account not in taken)
