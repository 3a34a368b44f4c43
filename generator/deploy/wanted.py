"""Bundle + Place -> what is wanted in the organization: stacks and StackSets with parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator import names
from generator.deploy.aws import Side
from generator.deploy.bundle import Bundle
from generator.model import Place

OURS = {"managed-by": "trailbus"}
"""The tag of what deploy made. It neither changes nor removes a stack without it."""

INSTALLATION = "trailbus-installation"
"""The tag that tells which of several installations something belongs to."""

CHANGE_SET = "trailbus-plan"
"""The change set by which CloudFormation is asked. Until one is executed its stack shows no tags:
the change set's own tell whose it is."""


Where = tuple[str | int, ...]
"""Where a value stands in the configuration: ("place", "alarms", "emails", 0)."""


def ours(tags: Mapping[str, str]) -> bool:
    """Whether what carries these tags was made by deploy, of this installation or another."""
    return OURS.items() <= dict(tags).items()


@dataclass(frozen=True)
class Stack:
    """A stack of one side's own account, in one Region."""

    side: Side
    region: str
    name: str
    template: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class StackSet:
    """A StackSet, run from the management account, with the Regions that it covers."""

    name: str
    template: str
    parameters: Mapping[str, str]
    regions: tuple[str, ...]
    after: str = ""
    """The StackSet whose instances a new account must have first."""


@dataclass(frozen=True)
class Wanted:
    """All that a rollout makes, in its order: central, roles, rules, management account.

    A delegated administrator leaves out the last: nothing lets it into that account.
    """

    central: Stack
    roles: StackSet
    rules: StackSet
    management: tuple[Stack, ...]
    place: Place
    bundle: Bundle

    @property
    def home(self) -> str:
        """The Region of the StackSets and of everything that is made once an account."""
        return self.place.central_region

    @property
    def partition(self) -> str:
        return partition_of(self.place.central_region)

    @property
    def tags(self) -> list[dict[str, str]]:
        """The tags of every stack and StackSet, from which their resources get them too."""
        tags = {**self.place.tags, **OURS, INSTALLATION: self.installation}
        return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]

    @property
    def installation(self) -> str:
        """What tells this installation from any other: prefix, account and Region of its bus."""
        return f"{self.bundle.prefix}/{self.place.central_account}/{self.home}"

    def stranger(self, tags: Mapping[str, str], parameters: Mapping[str, str]) -> str:
        """Why something is not of this installation; empty when it is.

        Releases before the tag of the installation are told by the bus that they forward to.
        """
        if not ours(tags):
            return "was not made by trailbus deploy"
        made_for = tags.get(INSTALLATION)
        if made_for is None:
            mine = self.rules.parameters.get(names.CENTRAL_BUS_ARN, "")
            bus = parameters.get(names.CENTRAL_BUS_ARN, mine)
            return "" if bus == mine else f"belongs to another installation, of the bus {bus}"
        mine = self.installation
        return "" if made_for == mine else f"belongs to another installation, {made_for}"

    @property
    def service_managed(self) -> bool:
        """Whether StackSets act in the organization's name, not by roles of its own."""
        return not self.place.rollout.self_managed


def wanted(bundle: Bundle, place: Place, regions: tuple[str, ...]) -> Wanted:
    """What a place wants of these templates. `regions` are the Regions to cover, resolved."""
    values = {name: value for name, (_, value) in filled(bundle, place).items()}
    prefix = bundle.prefix
    roles, rules = names.stack_set(prefix, "roles"), names.stack_set(prefix, "rules")

    def given(template: str) -> dict[str, str]:
        known = bundle.parameters(template)
        return {name: value for name, value in sorted(values.items()) if name in known}

    home = place.central_region
    return Wanted(
        central=Stack(
            "central", home, names.central_stack(prefix), names.CENTRAL, given(names.CENTRAL)
        ),
        roles=StackSet(roles, names.MEMBER_ROLES, given(names.MEMBER_ROLES), (home,)),
        rules=StackSet(rules, names.MEMBER_RULES, given(names.MEMBER_RULES), regions, after=roles),
        # A delegated administrator's credentials are not the management account's.
        management=()
        if place.access.delegated_admin
        else (
            Stack("management", home, roles, names.MEMBER_ROLES, given(names.MEMBER_ROLES)),
            *(
                Stack("management", region, rules, names.MEMBER_RULES, given(names.MEMBER_RULES))
                for region in regions
            ),
        ),
        place=place,
        bundle=bundle,
    )


def partition_of(region: str) -> str:
    """The partition of a Region, told by its name."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def filled(bundle: Bundle, place: Place) -> dict[str, tuple[Where, str]]:
    """Values of template parameters, each with where in the configuration it comes from.

    Whether templates take them is for `parameters` to say.
    """
    partition = partition_of(place.central_region)
    bus = names.bus(bundle.prefix)
    central: Where = ("place", "central")
    values: dict[str, tuple[Where, str]] = {
        names.ORGANIZATION_ID: (("place", "organization_id"), place.organization_id),
        names.CENTRAL_ACCOUNT: ((*central, "account"), place.central_account),
        names.CENTRAL_BUS_ARN: (
            central,
            f"arn:{partition}:events:{place.central_region}:"
            f"{place.central_account}:event-bus/{bus}",
        ),
    }
    for kind, parameters, emails in (
        ("alarms", names.ALARM_EMAILS, place.alarm_emails),
        ("reports", names.REPORT_EMAILS, place.report_emails),
    ):
        for index, (name, email) in enumerate(zip(parameters, emails, strict=False)):
            values[name] = ("place", kind, "emails", index), email
    values.update(names.filled_by_targets(place.targets))
    for name, text in place.parameters.items():
        values[name] = ("place", "parameters", name), text
    return values
