"""Organizations: what the tree looks like, and who may ask."""

from __future__ import annotations

from typing import Any

import pytest

from generator.simulation.organizations import Organizations
from generator.simulation.world import (
    Account,
    ControlPolicy,
    Organization,
    ServiceError,
    World,
)
from tests.simulation.shapes import asked

MANAGEMENT = "111111111111"
CENTRAL = "222222222222"
ROOT = "r-ab12"
WORKLOADS = "ou-ab12-workloads1"
SANDBOXES = "ou-ab12-sandboxes1"
SERVICE = "member.org.stacksets.cloudformation.amazonaws.com"
ALLOWS_ALL = '{"Version":"2012-10-17","Statement":[]}'


@pytest.fixture
def organization() -> Organization:
    made = Organization("o-a1b2c3d4e5", MANAGEMENT, ROOT)
    made.add_unit(WORKLOADS, ROOT, "Workloads")
    made.add_unit(SANDBOXES, WORKLOADS, "Sandboxes")
    made.add(Account(MANAGEMENT, "management", ROOT))
    made.add(Account(CENTRAL, "security", WORKLOADS))
    made.add(Account("333333333333", "sandbox", SANDBOXES, suspended=True))
    made.policies["p-FullAWSAccess"] = ControlPolicy(
        "p-FullAWSAccess", "FullAWSAccess", ALLOWS_ALL, {ROOT, CENTRAL}, aws_managed=True
    )
    made.policies["p-abcdefghij"] = ControlPolicy(
        "p-abcdefghij", "deny", ALLOWS_ALL, {SANDBOXES}, "Denies."
    )
    return made


class Asking:
    """Asks Organizations as one account."""

    def __init__(self, organization: Organization, account: str) -> None:
        self.service = Organizations(World(organization, ("us-east-1",)))
        self.account = account

    def __call__(self, operation: str, **request: Any) -> dict[str, Any]:
        return asked(self.service, "organizations", self.account, "us-east-1", operation, **request)


@pytest.fixture
def ask(organization: Organization) -> Asking:
    return Asking(organization, MANAGEMENT)


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["Id"] for item in items]


def test_the_organization_is_described(ask: Asking) -> None:
    shown = ask("DescribeOrganization")["Organization"]
    assert shown["Id"] == "o-a1b2c3d4e5"
    assert shown["MasterAccountId"] == MANAGEMENT
    assert shown["FeatureSet"] == "ALL"


def test_the_tree_is_walked_from_its_root(ask: Asking) -> None:
    [root] = ask("ListRoots")["Roots"]
    assert root["Id"] == ROOT
    [unit] = ask("ListOrganizationalUnitsForParent", ParentId=ROOT)["OrganizationalUnits"]
    assert (unit["Id"], unit["Name"]) == (WORKLOADS, "Workloads")
    [inner] = ask("ListOrganizationalUnitsForParent", ParentId=WORKLOADS)["OrganizationalUnits"]
    assert inner["Path"] == f"o-a1b2c3d4e5/{ROOT}/{WORKLOADS}/{SANDBOXES}/"
    assert ids(ask("ListAccountsForParent", ParentId=ROOT)["Accounts"]) == [MANAGEMENT]
    assert ids(ask("ListAccountsForParent", ParentId=WORKLOADS)["Accounts"]) == [CENTRAL]
    children = ask("ListChildren", ParentId=WORKLOADS, ChildType="ACCOUNT")["Children"]
    assert children == [{"Id": CENTRAL, "Type": "ACCOUNT"}]
    children = ask("ListChildren", ParentId=WORKLOADS, ChildType="ORGANIZATIONAL_UNIT")["Children"]
    assert ids(children) == [SANDBOXES]
    assert ask("ListParents", ChildId=CENTRAL)["Parents"] == [
        {"Id": WORKLOADS, "Type": "ORGANIZATIONAL_UNIT"}
    ]
    assert ask("ListParents", ChildId=WORKLOADS)["Parents"] == [{"Id": ROOT, "Type": "ROOT"}]
    unit = ask("DescribeOrganizationalUnit", OrganizationalUnitId=SANDBOXES)["OrganizationalUnit"]
    assert unit["Name"] == "Sandboxes"


def test_accounts_are_described(ask: Asking) -> None:
    account = ask("DescribeAccount", AccountId=CENTRAL)["Account"]
    assert (account["Name"], account["Status"]) == ("security", "ACTIVE")
    assert account["Paths"] == [f"o-a1b2c3d4e5/{ROOT}/{WORKLOADS}/{CENTRAL}/"]
    account = ask("DescribeAccount", AccountId="333333333333")["Account"]
    assert (account["Status"], account["State"]) == ("SUSPENDED", "SUSPENDED")


def test_long_lists_come_in_pages_of_twenty(ask: Asking, organization: Organization) -> None:
    for number in range(42):
        organization.add(Account(f"{900_000_000_000 + number}", f"m{number}", ROOT))
    pages: list[int] = []
    token: dict[str, str] = {}
    while True:
        page = ask("ListAccounts", **token)
        pages.append(len(page["Accounts"]))
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert pages == [20, 20, 5]
    assert len(ask("ListAccounts", MaxResults=7)["Accounts"]) == 7
    with pytest.raises(ServiceError) as caught:
        ask("ListAccounts", NextToken="nonsense")
    assert caught.value.code == "InvalidInputException"


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("DescribeAccount", {"AccountId": "999999999999"}, "AccountNotFoundException"),
        ("ListParents", {"ChildId": "999999999999"}, "ChildNotFoundException"),
        ("ListAccountsForParent", {"ParentId": "r-none"}, "ParentNotFoundException"),
        (
            "DescribeOrganizationalUnit",
            {"OrganizationalUnitId": "ou-ab12-nowhere00"},
            "OrganizationalUnitNotFoundException",
        ),
        ("DescribePolicy", {"PolicyId": "p-nothing00"}, "PolicyNotFoundException"),
        (
            "ListPoliciesForTarget",
            {"TargetId": "r-none", "Filter": "SERVICE_CONTROL_POLICY"},
            "TargetNotFoundException",
        ),
        (
            "ListDelegatedServicesForAccount",
            {"AccountId": CENTRAL},
            "AccountNotRegisteredException",
        ),
    ],
)
def test_what_does_not_exist(
    ask: Asking, operation: str, request_: dict[str, str], code: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        ask(operation, **request_)
    assert caught.value.code == code


def test_services_get_and_lose_trusted_access(ask: Asking, organization: Organization) -> None:
    ask("EnableAWSServiceAccess", ServicePrincipal=SERVICE)
    [shown] = ask("ListAWSServiceAccessForOrganization")["EnabledServicePrincipals"]
    assert shown["ServicePrincipal"] == SERVICE
    ask("DisableAWSServiceAccess", ServicePrincipal=SERVICE)
    assert organization.trusted == set()


def test_delegated_administrators_come_and_go(ask: Asking, organization: Organization) -> None:
    request = {"AccountId": CENTRAL, "ServicePrincipal": SERVICE}
    with pytest.raises(ServiceError, match="no trusted access"):
        ask("RegisterDelegatedAdministrator", **request)
    organization.trusted.add(SERVICE)
    ask("RegisterDelegatedAdministrator", **request)
    with pytest.raises(ServiceError) as caught:
        ask("RegisterDelegatedAdministrator", **request)
    assert caught.value.code == "AccountAlreadyRegisteredException"
    found = ask("ListDelegatedAdministrators", ServicePrincipal=SERVICE)
    assert ids(found["DelegatedAdministrators"]) == [CENTRAL]
    other = ask("ListDelegatedAdministrators", ServicePrincipal="config.amazonaws.com")
    assert other["DelegatedAdministrators"] == []
    [service] = ask("ListDelegatedServicesForAccount", AccountId=CENTRAL)["DelegatedServices"]
    assert service["ServicePrincipal"] == SERVICE
    ask("DeregisterDelegatedAdministrator", **request)
    with pytest.raises(ServiceError) as caught:
        ask("DeregisterDelegatedAdministrator", **request)
    assert caught.value.code == "AccountNotRegisteredException"


def test_the_management_account_cannot_be_delegated(
    ask: Asking, organization: Organization
) -> None:
    organization.trusted.add(SERVICE)
    with pytest.raises(ServiceError) as caught:
        ask("RegisterDelegatedAdministrator", AccountId=MANAGEMENT, ServicePrincipal=SERVICE)
    assert caught.value.code == "ConstraintViolationException"


def test_policies_are_found_from_both_ends(ask: Asking) -> None:
    scp = {"Filter": "SERVICE_CONTROL_POLICY"}
    assert ids(ask("ListPoliciesForTarget", TargetId=CENTRAL, **scp)["Policies"]) == [
        "p-FullAWSAccess"
    ]
    assert ids(ask("ListPoliciesForTarget", TargetId=SANDBOXES, **scp)["Policies"]) == [
        "p-abcdefghij"
    ]
    tags = ask("ListPoliciesForTarget", TargetId=ROOT, Filter="TAG_POLICY")
    assert tags["Policies"] == []
    shown = ask("DescribePolicy", PolicyId="p-abcdefghij")["Policy"]
    assert shown["Content"] == ALLOWS_ALL
    assert shown["PolicySummary"]["Description"] == "Denies."
    targets = ask("ListTargetsForPolicy", PolicyId="p-FullAWSAccess")["Targets"]
    assert [(t["TargetId"], t["Type"], t["Name"]) for t in targets] == [
        (CENTRAL, "ACCOUNT", "security"),
        (ROOT, "ROOT", "Root"),
    ]


@pytest.mark.parametrize("operation", ["ListAccounts", "ListRoots", "ListDelegatedAdministrators"])
def test_members_may_not_look_around_unless_they_are_delegated(
    organization: Organization, operation: str
) -> None:
    central = Asking(organization, CENTRAL)
    assert central("DescribeOrganization")["Organization"]["Id"] == "o-a1b2c3d4e5"
    with pytest.raises(ServiceError) as caught:
        central(operation)
    assert caught.value.code == "AccessDeniedException"
    organization.delegates["config.amazonaws.com"] = {CENTRAL}
    central(operation)


def test_delegated_administrators_change_nothing(organization: Organization) -> None:
    organization.delegates[SERVICE] = {CENTRAL}
    with pytest.raises(ServiceError) as caught:
        Asking(organization, CENTRAL)("EnableAWSServiceAccess", ServicePrincipal=SERVICE)
    assert caught.value.code == "AccessDeniedException"


def test_strangers_are_in_no_organization(organization: Organization) -> None:
    with pytest.raises(ServiceError) as caught:
        Asking(organization, "999999999999")("DescribeOrganization")
    assert caught.value.code == "AWSOrganizationsNotInUseException"


def test_what_is_not_simulated_says_so(ask: Asking) -> None:
    with pytest.raises(ServiceError, match="CreateAccount of Organizations is not simulated"):
        ask("CreateAccount", Email="a@example.com", AccountName="a")


def test_policies_are_listed_by_their_type(ask: Asking) -> None:
    found = ask("ListPolicies", Filter="SERVICE_CONTROL_POLICY")["Policies"]
    assert [one["Name"] for one in found] == ["FullAWSAccess", "deny"]
    assert ask("ListPolicies", Filter="TAG_POLICY")["Policies"] == []


def test_an_organization_may_share_its_bills_only(ask: Asking, organization: Organization) -> None:
    organization.features = "CONSOLIDATED_BILLING"
    assert ask("DescribeOrganization")["Organization"]["FeatureSet"] == "CONSOLIDATED_BILLING"
