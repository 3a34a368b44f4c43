"""The Organizations API over the simulated organization: who is in it, and who may administer it.

Members may ask what organization they are in. The rest is for the management account, and for
delegated administrators of any service where they read.
https://docs.aws.amazon.com/organizations/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from generator.simulation.world import Account, ControlPolicy, ServiceError, World, partition_of

Request = Mapping[str, Any]
Answer = dict[str, Any]
Item = TypeVar("Item")

PAGE = 20
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)

_FOR_ALL = {"DescribeOrganization"}
_FOR_DELEGATES = {
    "DescribeAccount",
    "DescribeOrganizationalUnit",
    "DescribePolicy",
    "ListAccounts",
    "ListAccountsForParent",
    "ListAWSServiceAccessForOrganization",
    "ListChildren",
    "ListDelegatedAdministrators",
    "ListDelegatedServicesForAccount",
    "ListOrganizationalUnitsForParent",
    "ListParents",
    "ListPolicies",
    "ListPoliciesForTarget",
    "ListRoots",
    "ListTargetsForPolicy",
}
"""What each operation's page says about who may call it."""

SCP = "SERVICE_CONTROL_POLICY"
DELEGATES_PER_SERVICE = 5
"""Of StackSets; other services have limits of their own.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-delegated-admin.html"""


class Caller(Protocol):
    """Who makes a call."""

    @property
    def account(self) -> str: ...


class Organizations:
    """Answers what the organization is made of."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.organization = world.organization
        self._partition = partition_of(world.regions[0]) if world.regions else "aws"

    def call(
        self, operation: str, parameters: Request, caller: Caller, region: str
    ) -> dict[str, Any]:
        """The answer to an operation, as boto3 returns it; ServiceError for a refusal."""
        if caller.account not in self.organization.accounts:
            raise ServiceError(
                "AWSOrganizationsNotInUseException",
                "Your account is not a member of an organization.",
            )
        self._check_permission(operation, caller.account)
        name = operation.replace("AWS", "Aws")
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        handler: Callable[[Request], Answer] | None = getattr(self, name, None)
        if handler is None:
            raise ServiceError("InvalidAction", f"{operation} of Organizations is not simulated")
        return handler(parameters)

    def _check_permission(self, operation: str, account: str) -> None:
        if account == self.organization.management or operation in _FOR_ALL:
            return
        delegate = any(account in known for known in self.organization.delegates.values())
        if not (delegate and operation in _FOR_DELEGATES):
            raise ServiceError(
                "AccessDeniedException",
                "You don't have permissions to access this resource.",
            )

    # --- The tree

    def describe_organization(self, request: Request) -> Answer:
        organization = self.organization
        management = organization.management
        return {
            "Organization": {
                "Id": organization.id,
                "Arn": self._arn("organization", organization.id),
                "FeatureSet": organization.features,
                "MasterAccountArn": self._arn("account", organization.id, management),
                "MasterAccountId": management,
                "MasterAccountEmail": _email(organization.accounts[management]),
                "AvailablePolicyTypes": [{"Type": SCP, "Status": "ENABLED"}],
            }
        }

    def list_roots(self, request: Request) -> Answer:
        organization = self.organization
        root = {
            "Id": organization.root,
            "Arn": self._arn("root", organization.id, organization.root),
            "Name": "Root",
            "PolicyTypes": [{"Type": SCP, "Status": "ENABLED"}],
        }
        return _page("Roots", [root], request)

    def list_organizational_units_for_parent(self, request: Request) -> Answer:
        units = [
            unit
            for unit, (parent, _) in self.organization.units.items()
            if parent == self._parent(request["ParentId"])
        ]
        return _page("OrganizationalUnits", units, request, self._unit)

    def list_accounts_for_parent(self, request: Request) -> Answer:
        parent = self._parent(request["ParentId"])
        accounts = [a for a in self.organization.accounts.values() if a.parent == parent]
        return _page("Accounts", accounts, request, self._account)

    def list_accounts(self, request: Request) -> Answer:
        accounts = list(self.organization.accounts.values())
        return _page("Accounts", accounts, request, self._account)

    def list_children(self, request: Request) -> Answer:
        parent, type_ = self._parent(request["ParentId"]), request["ChildType"]
        if type_ == "ACCOUNT":
            found = [a.id for a in self.organization.accounts.values() if a.parent == parent]
        else:
            units = self.organization.units.items()
            found = [unit for unit, (above, _) in units if above == parent]
        return _page("Children", [{"Id": child, "Type": type_} for child in found], request)

    def list_parents(self, request: Request) -> Answer:
        child = request["ChildId"]
        if child in self.organization.accounts:
            parent = self.organization.accounts[child].parent
        elif child in self.organization.units:
            parent = self.organization.units[child][0]
        else:
            raise ServiceError("ChildNotFoundException", f"No child {child} was found.")
        type_ = "ROOT" if parent == self.organization.root else "ORGANIZATIONAL_UNIT"
        return _page("Parents", [{"Id": parent, "Type": type_}], request)

    def describe_account(self, request: Request) -> Answer:
        return {"Account": self._account(self._known_account(request["AccountId"]))}

    def describe_organizational_unit(self, request: Request) -> Answer:
        unit = request["OrganizationalUnitId"]
        if unit not in self.organization.units:
            raise ServiceError(
                "OrganizationalUnitNotFoundException",
                f"You specified an organizational unit that doesn't exist: {unit}",
            )
        return {"OrganizationalUnit": self._unit(unit)}

    # --- Services that may act in the organization

    def list_aws_service_access_for_organization(self, request: Request) -> Answer:
        found = [
            {"ServicePrincipal": name, "DateEnabled": BEGINNING}
            for name in sorted(self.organization.trusted)
        ]
        return _page("EnabledServicePrincipals", found, request)

    def enable_aws_service_access(self, request: Request) -> Answer:
        self.organization.trusted.add(request["ServicePrincipal"])
        return {}

    def disable_aws_service_access(self, request: Request) -> Answer:
        self.organization.trusted.discard(request["ServicePrincipal"])
        return {}

    def list_delegated_administrators(self, request: Request) -> Answer:
        wanted = request.get("ServicePrincipal")
        accounts = {
            account
            for service, known in self.organization.delegates.items()
            for account in known
            if wanted in (None, service) and account in self.organization.accounts
        }
        found = [
            {
                **self._account(self.organization.accounts[account]),
                "DelegationEnabledDate": BEGINNING,
            }
            for account in sorted(accounts)
        ]
        for shown in found:
            del shown["Paths"]
        return _page("DelegatedAdministrators", found, request)

    def list_delegated_services_for_account(self, request: Request) -> Answer:
        account = self._known_account(request["AccountId"]).id
        found = [
            {"ServicePrincipal": service, "DelegationEnabledDate": BEGINNING}
            for service, known in sorted(self.organization.delegates.items())
            if account in known
        ]
        if not found:
            raise _not_registered(account)
        return _page("DelegatedServices", found, request)

    def register_delegated_administrator(self, request: Request) -> Answer:
        account = self._known_account(request["AccountId"]).id
        service = request["ServicePrincipal"]
        if account == self.organization.management:
            raise ServiceError(
                "ConstraintViolationException",
                "You cannot register the management account as a delegated administrator.",
            )
        if service not in self.organization.trusted:
            raise ServiceError(
                "ConstraintViolationException",
                f"The service {service} has no trusted access to the organization.",
            )
        known = self.organization.delegates.setdefault(service, set())
        if account in known:
            raise ServiceError(
                "AccountAlreadyRegisteredException",
                f"The account {account} is already a delegated administrator of {service}.",
            )
        if len(known) >= DELEGATES_PER_SERVICE:
            raise ServiceError(
                "ConstraintViolationException",
                f"{service} has {DELEGATES_PER_SERVICE} delegated administrators already.",
            )
        known.add(account)
        return {}

    def deregister_delegated_administrator(self, request: Request) -> Answer:
        account = self._known_account(request["AccountId"]).id
        known = self.organization.delegates.get(request["ServicePrincipal"], set())
        if account not in known:
            raise _not_registered(account)
        known.discard(account)
        return {}

    # --- Service control policies

    def list_policies(self, request: Request) -> Answer:
        policies = self.organization.policies.values() if request["Filter"] == SCP else ()
        return _page("Policies", list(policies), request, self._policy)

    def list_policies_for_target(self, request: Request) -> Answer:
        target = request["TargetId"]
        if target not in self.organization.accounts:
            self._parent(target, "TargetNotFoundException")
        found = [
            self._policy(policy)
            for policy in self.organization.policies.values()
            if target in policy.targets and request["Filter"] == SCP
        ]
        return _page("Policies", found, request)

    def describe_policy(self, request: Request) -> Answer:
        policy = self._known_policy(request["PolicyId"])
        return {"Policy": {"PolicySummary": self._policy(policy), "Content": policy.content}}

    def list_targets_for_policy(self, request: Request) -> Answer:
        targets = sorted(self._known_policy(request["PolicyId"]).targets)
        return _page("Targets", targets, request, self._target)

    # --- In the words of the API

    def _arn(self, kind: str, *path: str) -> str:
        return (
            f"arn:{self._partition}:organizations::{self.organization.management}:{kind}/"
            + "/".join(path)
        )

    def _account(self, account: Account) -> Answer:
        state = "SUSPENDED" if account.suspended else "ACTIVE"
        return {
            "Id": account.id,
            "Arn": self._arn("account", self.organization.id, account.id),
            "Email": _email(account),
            "Name": account.name,
            "Status": state,
            "State": state,
            "Paths": [f"{self.organization.path(account.id)}{account.id}/"],
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": BEGINNING,
        }

    def _unit(self, unit: str) -> Answer:
        lineage = self.organization.lineage(unit)
        return {
            "Id": unit,
            "Arn": self._arn("ou", self.organization.id, unit),
            "Name": self.organization.units[unit][1],
            "Path": "/".join([self.organization.id, *reversed(lineage)]) + "/",
        }

    def _policy(self, policy: ControlPolicy) -> Answer:
        owner = "aws" if policy.aws_managed else self.organization.management
        path = "" if policy.aws_managed else f"{self.organization.id}/"
        return {
            "Id": policy.id,
            "Arn": f"arn:{self._partition}:organizations::{owner}:policy/{path}"
            f"service_control_policy/{policy.id}",
            "Name": policy.name,
            "Description": policy.description,
            "Type": SCP,
            "AwsManaged": policy.aws_managed,
        }

    def _target(self, target: str) -> Answer:
        organization = self.organization
        if target in organization.accounts:
            name, type_, kind = organization.accounts[target].name, "ACCOUNT", "account"
        elif target in organization.units:
            name, type_, kind = organization.units[target][1], "ORGANIZATIONAL_UNIT", "ou"
        else:
            name, type_, kind = "Root", "ROOT", "root"
        arn = self._arn(kind, organization.id, target)
        return {"TargetId": target, "Arn": arn, "Name": name, "Type": type_}

    # --- What has to be known

    def _parent(self, parent: str, error: str = "ParentNotFoundException") -> str:
        if parent != self.organization.root and parent not in self.organization.units:
            raise ServiceError(error, f"You specified {parent}, which doesn't exist.")
        return parent

    def _known_account(self, account: str) -> Account:
        if account not in self.organization.accounts:
            raise ServiceError(
                "AccountNotFoundException", "You specified an account that doesn't exist."
            )
        return self.organization.accounts[account]

    def _known_policy(self, policy: str) -> ControlPolicy:
        if policy not in self.organization.policies:
            raise ServiceError(
                "PolicyNotFoundException", f"You specified a policy that doesn't exist: {policy}"
            )
        return self.organization.policies[policy]


def _email(account: Account) -> str:
    return f"{account.id}@example.com"


def _not_registered(account: str) -> ServiceError:
    return ServiceError(
        "AccountNotRegisteredException",
        f"The account {account} is not a registered delegated administrator.",
    )


def _page(
    key: str,
    items: Sequence[Item],
    request: Request,
    shown: Callable[[Item], Any] = lambda item: item,
) -> Answer:
    size = min(int(request.get("MaxResults", PAGE)), PAGE)
    token = request.get("NextToken", "0")
    if not token.isdigit():
        raise ServiceError("InvalidInputException", "You specified an invalid NextToken.")
    start = int(token)
    answer: Answer = {key: [shown(item) for item in items[start : start + size]]}
    if start + size < len(items):
        answer["NextToken"] = str(start + size)
    return answer
