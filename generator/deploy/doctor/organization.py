"""Checks the organization: its features, its accounts and units, and who may run StackSets."""

from __future__ import annotations

from collections.abc import Iterator

from generator.deploy import identity
from generator.deploy.aws import Refused
from generator.deploy.doctor.findings import Check, Examination, Fault, blocking, warning

STACK_SETS = "member.org.stacksets.cloudformation.amazonaws.com"
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-delegated-admin.html"""


def _features(examination: Examination) -> Iterator[Fault]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-activate-trusted-access.html"""
    found = examination.organization()
    if found["FeatureSet"] != "ALL" and examination.wanted.service_managed:
        yield blocking(
            f"organization {found['Id']}",
            "shares its bills only; service-managed StackSets need all features",
            "enable them: aws organizations enable-all-features, then let every account accept",
        )


def _membership(examination: Examination) -> Iterator[Fault]:
    place = examination.wanted.place
    found = examination.organization()
    if found["Id"] != place.organization_id:
        fault = f"the credentials' organization is {found['Id']}, not {place.organization_id}"
        yield blocking("place.organization_id", fault, "correct it, or use other credentials")
    management = found.get("MasterAccountId", place.management_account)
    if management != place.management_account:
        fault = f"the management account is {management}, not {place.management_account}"
        yield blocking("place.management_account", fault, "correct it")
    accounts = examination.accounts()
    central = place.central_account
    if central not in accounts:
        fault = f"{central} is not in the organization"
        yield blocking("place.central.account", fault, "name a member of it")
    elif accounts[central]:
        fault = f"{central} is suspended"
        yield blocking("place.central.account", fault, "name an active account")
    strange = [account for account in place.exclude_accounts if account not in accounts]
    if strange:
        fault = f"{', '.join(strange)}: not in the organization"
        yield warning("place.exclude_accounts", fault, "take them out, or correct them")


def _units(examination: Examination) -> Iterator[Fault]:
    roots = examination.listed("ListRoots", "Roots")
    known = [root["Id"] for root in roots]
    for unit in examination.wanted.place.organizational_units:
        if unit.startswith("r-"):
            if unit not in known:
                cure = f"this one's root is {', '.join(known)}"
                fault = f"there is no root {unit}"
                yield blocking("place.organizational_units", fault, cure)
            continue
        try:
            examination.tree("DescribeOrganizationalUnit", OrganizationalUnitId=unit)
        except Refused as refusal:
            if refusal.code != "OrganizationalUnitNotFoundException":
                raise
            fault = f"there is no unit {unit}"
            yield blocking("place.organizational_units", fault, "see: aws organizations list-roots")


def _suspended(examination: Examination) -> Iterator[Fault]:
    place = examination.wanted.place
    suspended = [
        account
        for account, gone in examination.accounts().items()
        if gone and account not in (place.central_account, *place.exclude_accounts)
    ]
    if suspended:
        some = ", ".join(suspended[:3]) + (" and others" if len(suspended) > 3 else "")
        fault = f"{len(suspended)} are suspended and will be passed by: {some}"
        yield warning("accounts", fault, "nothing to do; place.exclude_accounts silences this")


def _trusted_access(examination: Examination) -> Iterator[Fault]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-activate-trusted-access.html"""
    if not examination.wanted.service_managed or examination.wanted.partition == "aws-cn":
        return  # not needed; or a finding of its own, with the partition's limits
    asked = examination.ask(
        "management", "cloudformation", "DescribeOrganizationsAccess", **examination.call_as()
    )
    if asked.get("Status") == "ENABLED":
        return
    cure = (
        "in the management account: aws cloudformation activate-organizations-access "
        f"--region {examination.wanted.home}"
    )
    fault = "StackSets have no trusted access to the organization"
    services = examination.listed(
        "ListAWSServiceAccessForOrganization",
        "EnabledServicePrincipals",
    )
    if any(one["ServicePrincipal"] == STACK_SETS for one in services):
        # Organizations' own switch does not make the roles that CloudFormation's makes.
        fault = "trusted access was switched on in Organizations alone, which is not enough"
    yield blocking("StackSets", fault, cure)


def _delegated_administrator(examination: Examination) -> Iterator[Fault]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-delegated-admin.html"""
    wanted = examination.wanted
    if not (wanted.service_managed and wanted.place.access.delegated_admin):
        return
    account = identity.caller(examination.door, wanted, "management").account
    cure = (
        "in the management account: aws organizations register-delegated-administrator "
        f"--account-id {account} --service-principal {STACK_SETS}"
    )
    fault = f"{account} is no delegated administrator of StackSets"
    try:
        request = examination.call_as()
        examination.ask("management", "cloudformation", "DescribeOrganizationsAccess", **request)
    except Refused as refusal:
        if "delegated admin" not in refusal.message:
            raise
        yield blocking("place.access.delegated_admin", fault, cure)
        return
    known = examination.listed(
        "ListDelegatedAdministrators", "DelegatedAdministrators", ServicePrincipal=STACK_SETS
    )
    if account not in [one["Id"] for one in known]:
        yield blocking("place.access.delegated_admin", fault, cure)
    if account == wanted.place.central_account:
        yield warning(
            "place.access.delegated_admin",
            f"{account} reads every account's events, and could also change every account",
            "let a deployer account of its own be the delegated administrator",
        )


CHECKS = (
    Check("organization features", "all features are enabled", _features),
    Check("membership", "organization, management and central account fit", _membership),
    Check("organizational units", "every unit exists", _units),
    Check("suspended accounts", "none is suspended", _suspended),
    Check("trusted access", "StackSets have trusted access", _trusted_access),
    Check(
        "delegated administrator",
        "whoever runs the StackSets may do so",
        _delegated_administrator,
    ),
)
