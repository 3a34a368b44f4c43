"""The rollout by uploads, as a person does it in the console, in a simulated organization."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.s3.models import s3_backends

from generator import names
from generator.simulation.cloud import Cloud, opened
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.run import ORGANIZATION_TRAIL, STACK_SETS
from generator.simulation.world import Account, World

from .conftest import (
    AWAY,
    BUS,
    CENTRAL,
    HOME,
    MANAGEMENT,
    MEMBER,
    OTHER,
    ROLE,
    RULE,
    Laboratory,
    built_in,
    bundle,
    event_of,
)

REGIONS = (HOME, AWAY)
DEPLOYER = "777777777777"
NEW = "888888888888"
MEMBERS = {CENTRAL, MEMBER, OTHER}
PREFIX = names.DEFAULT_PREFIX
ROLES_SET, RULES_SET = names.stack_set(PREFIX, "roles"), names.stack_set(PREFIX, "rules")
OWN_ROLES = names.management_stack_set(PREFIX, "roles")
OWN_RULES = names.management_stack_set(PREFIX, "rules")

GIVEN = {
    "CentralBusArn": BUS,
    "CentralAccountId": CENTRAL,
    "Regions": ", ".join(REGIONS),
}
CHOSEN = {**GIVEN, "OrganizationalUnits": "r-ab12", "PilotAccounts": MEMBER}


@dataclass
class Console:
    """Somebody with a browser, an administrator wherever he signs in."""

    cloud: Cloud

    @property
    def world(self) -> World:
        return self.cloud.world

    def client(self, account: str = MANAGEMENT) -> Any:
        return self.cloud.administrator(account, HOME).client("cloudformation")

    def upload(self, file: str, account: str = MANAGEMENT, **parameters: str) -> str:
        """Uploads a template, which the console keeps in a bucket; gives the stack's status."""
        return self._ended(
            self.client(account).create_stack(
                StackName=file.removesuffix(".yaml"),
                TemplateURL=self._kept(file, account),
                Parameters=_parameters(parameters),
                Capabilities=["CAPABILITY_NAMED_IAM"],
            ),
            account,
        )

    def change(self, file: str, account: str = MANAGEMENT, **parameters: str) -> str:
        """Updates a stack with the current template; what is not given stays."""
        client, name = self.client(account), file.removesuffix(".yaml")
        [stack] = client.describe_stacks(StackName=name)["Stacks"]
        kept = [
            {"ParameterKey": each["ParameterKey"], "UsePreviousValue": True}
            for each in stack["Parameters"]
            if each["ParameterKey"] not in parameters
        ]
        return self._ended(
            client.update_stack(
                StackName=name,
                UsePreviousTemplate=True,
                Parameters=[*kept, *_parameters(parameters)],
                Capabilities=["CAPABILITY_NAMED_IAM"],
            ),
            account,
        )

    def delete(self, file: str, account: str = MANAGEMENT) -> None:
        self.client(account).delete_stack(StackName=file.removesuffix(".yaml"))
        self.client(account).get_waiter("stack_delete_complete").wait(
            StackName=file.removesuffix(".yaml"), WaiterConfig={"Delay": 0}
        )

    def cells(self, stack_set: str, account: str = MANAGEMENT, **more: str) -> dict[Any, str]:
        """The instances of a StackSet, each with its status."""
        pages = self.client(account).get_paginator("list_stack_instances")
        return {
            (each["Account"], each["Region"]): each["StackInstanceStatus"]["DetailedStatus"]
            for page in pages.paginate(StackSetName=stack_set, **more)
            for each in page["Summaries"]
        }

    def stacks(self, stack_set: str) -> dict[Any, str]:
        """The stacks behind the instances of a StackSet."""
        pages = self.client().get_paginator("list_stack_instances")
        return {
            (each["Account"], each["Region"]): each["StackId"]
            for page in pages.paginate(StackSetName=stack_set)
            for each in page["Summaries"]
        }

    def forwarded(self) -> set[tuple[str, str]]:
        """Every account and Region whose events arrive at the central bus."""
        lab = Laboratory(self.cloud, DEFAULT_PLACE, built_in())
        return {
            (account, region)
            for account in self.world.organization.accounts
            for region in REGIONS
            if lab.send(
                event_of("cloudtrail_trail_deleted", account=account, region=region)
            ).deliveries
        }

    def _kept(self, file: str, account: str) -> str:
        bucket = f"cf-templates-{account}"
        s3 = s3_backends[account]["aws"]
        if bucket not in s3.buckets:
            s3.create_bucket(bucket, HOME)
        s3.put_object(bucket, file, bundle().files[file].encode())
        return f"https://{bucket}.s3.amazonaws.com/{file}"

    def _ended(self, answer: dict[str, Any], account: str) -> str:
        while True:
            [stack] = self.client(account).describe_stacks(StackName=answer["StackId"])["Stacks"]
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return str(stack["StackStatus"])


def _parameters(given: dict[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]


@pytest.fixture
def console() -> Iterator[Console]:
    """An organization that has trusted access, a trail, and the central stack."""
    place = DEFAULT_PLACE._replace(regions=REGIONS)
    with opened(world_of(place, 4)) as cloud:
        console = Console(cloud)
        console.client().activate_organizations_access()
        cloud.trails.add(MANAGEMENT, HOME, ORGANIZATION_TRAIL, organization=True)
        done = console.upload(names.CENTRAL, CENTRAL, OrganizationId=DEFAULT_PLACE.organization_id)
        assert done == "CREATE_COMPLETE"
        yield console


def everywhere(accounts: set[str]) -> set[tuple[str, str]]:
    return {(account, region) for account in accounts for region in REGIONS}


def test_a_pilot_comes_first_and_the_rest_follows_without_a_break(console: Console) -> None:
    assert console.upload(names.ORGANIZATION, **CHOSEN) == "CREATE_COMPLETE"
    assert console.forwarded() == everywhere({MEMBER})
    before = console.stacks(ROLES_SET), console.stacks(RULES_SET)
    assert set(before[1]) == everywhere({MEMBER})

    assert console.change(names.ORGANIZATION, Phase="all") == "UPDATE_COMPLETE"
    assert console.forwarded() == everywhere({*MEMBERS, MANAGEMENT})
    after = console.stacks(ROLES_SET), console.stacks(RULES_SET)
    for old, new in zip(before, after, strict=True):
        assert old.items() <= new.items(), "the pilot's stacks were made anew"
    for stack_set in (ROLES_SET, RULES_SET, OWN_ROLES, OWN_RULES):
        assert set(console.cells(stack_set).values()) == {"SUCCEEDED"}
    assert set(console.cells(RULES_SET)) == everywhere(MEMBERS)
    assert set(console.cells(OWN_RULES)) == everywhere({MANAGEMENT})
    # And back to the pilot, which takes the others' coverage alone.
    assert console.change(names.ORGANIZATION, Phase="pilot") == "UPDATE_COMPLETE"
    assert console.forwarded() == everywhere({MEMBER})
    assert console.stacks(RULES_SET) == before[1]


def test_excluded_accounts_are_left_out(console: Console) -> None:
    given = {**CHOSEN, "Phase": "all", "ExcludedAccounts": f"{CENTRAL}, {OTHER}"}
    assert console.upload(names.ORGANIZATION, **given) == "CREATE_COMPLETE"
    assert console.forwarded() == everywhere({MEMBER, MANAGEMENT})
    # One more is left out, another no more.
    change = console.change(names.ORGANIZATION, ExcludedAccounts=f"{CENTRAL},{MEMBER}")
    assert change == "UPDATE_COMPLETE"
    assert console.forwarded() == everywhere({OTHER, MANAGEMENT})


def test_an_account_that_joins_gets_its_roles_before_its_rules(console: Console) -> None:
    assert console.upload(names.ORGANIZATION, **CHOSEN) == "CREATE_COMPLETE"
    sets = console.cloud.cloudformation.stack_sets
    console.world.organization.add(Account("999999999999", "too early", "r-ab12"))
    sets.joined("999999999999")
    sets.run_to_end()
    # A pilot stays as small as it was meant to be.
    assert set(console.cells(RULES_SET)) == everywhere({MEMBER})

    assert console.change(names.ORGANIZATION, Phase="all") == "UPDATE_COMPLETE"
    console.world.organization.add(Account(NEW, "new", "r-ab12"))
    sets.joined(NEW)
    latest = {one.name: list(one.operations.values())[-1] for one in sets.sets}
    assert latest[RULES_SET].status == "QUEUED"
    assert latest[RULES_SET].waits_for == [latest[ROLES_SET]]
    sets.run_to_end()
    # Rules without their roles would have been refused.
    assert {console.cells(RULES_SET)[cell] for cell in everywhere({NEW})} == {"SUCCEEDED"}
    assert everywhere({NEW}) <= console.forwarded()


def test_one_bad_cell_fails_alone(console: Console) -> None:
    faults = console.cloud.cloudformation.stack_sets.faults
    faults.add("denied by a policy", account=OTHER, region=AWAY)
    faults.add("denied by a policy", account=MANAGEMENT, region=AWAY)
    given = {**CHOSEN, "Phase": "all"}
    assert console.upload(names.ORGANIZATION, **given) == "CREATE_COMPLETE"
    covered = everywhere({*MEMBERS, MANAGEMENT}) - {(OTHER, AWAY), (MANAGEMENT, AWAY)}
    assert console.forwarded() == covered
    failed = {cell for cell, status in console.cells(RULES_SET).items() if status != "SUCCEEDED"}
    assert failed == {(OTHER, AWAY)}


def test_phase_none_takes_everything_back_and_all_brings_it_again(console: Console) -> None:
    assert console.upload(names.ORGANIZATION, **{**CHOSEN, "Phase": "all"}) == "CREATE_COMPLETE"
    assert console.change(names.ORGANIZATION, Phase="none") == "UPDATE_COMPLETE"
    for stack_set in (ROLES_SET, RULES_SET, OWN_ROLES, OWN_RULES):
        assert console.cells(stack_set) == {}
    assert console.forwarded() == set()
    left = [each for each in console.world.inventory.everywhere() if each.account != CENTRAL]
    kinds = {each.type for each in left}
    assert kinds == {ROLE, "AWS::CloudFormation::StackSet", "AWS::IAM::ManagedPolicy"}
    assert console.change(names.ORGANIZATION, Phase="all") == "UPDATE_COMPLETE"
    assert console.forwarded() == everywhere({*MEMBERS, MANAGEMENT})


def test_deletion_of_the_stack_takes_no_coverage_and_leaves_the_means_to_do_so(
    console: Console,
) -> None:
    given = {**CHOSEN, "Phase": "all"}
    assert console.upload(names.ORGANIZATION, **given) == "CREATE_COMPLETE"
    console.delete(names.ORGANIZATION)
    assert console.forwarded() == everywhere({*MEMBERS, MANAGEMENT})
    # With the roles that were left, the StackSets of the management account still work.
    operation = console.client().delete_stack_instances(
        StackSetName=OWN_RULES, Accounts=[MANAGEMENT], Regions=list(REGIONS), RetainStacks=False
    )["OperationId"]
    console.cloud.cloudformation.stack_sets.run_to_end()
    done = console.client().describe_stack_set_operation(
        StackSetName=OWN_RULES, OperationId=operation
    )["StackSetOperation"]
    assert done["Status"] == "SUCCEEDED"
    assert console.forwarded() == everywhere(MEMBERS)
    # What was left is in the way of another upload, as the guide says, and is not taken over.
    assert console.upload(names.ORGANIZATION, **given) == "ROLLBACK_COMPLETE"
    assert console.forwarded() == everywhere(MEMBERS)


def test_a_failed_creation_leaves_nothing_in_the_way_of_the_next(console: Console) -> None:
    unknown = {**CHOSEN, "Phase": "all", "OrganizationalUnits": "ou-ab12-99999999"}
    assert console.upload(names.ORGANIZATION, **unknown) == "ROLLBACK_COMPLETE"
    console.delete(names.ORGANIZATION)
    given = {**CHOSEN, "Phase": "all"}
    assert console.upload(names.ORGANIZATION, **given) == "CREATE_COMPLETE"


@pytest.fixture
def delegated(console: Console) -> Console:
    """The same, with an account that administers StackSets and nothing else."""
    console.world.organization.add(Account(DEPLOYER, "deployer", "r-ab12"))
    organizations = console.cloud.administrator(MANAGEMENT, HOME).client("organizations")
    organizations.register_delegated_administrator(AccountId=DEPLOYER, ServicePrincipal=STACK_SETS)
    return console


def test_a_delegated_administrator_covers_the_members_and_an_upload_the_rest(
    delegated: Console,
) -> None:
    delegate = {"CallAs": "DELEGATED_ADMIN", "ManagementAccountId": MANAGEMENT, "Phase": "all"}
    done = delegated.upload(names.ORGANIZATION, DEPLOYER, **CHOSEN, **delegate)
    assert done == "CREATE_COMPLETE"
    members = {*MEMBERS, DEPLOYER}
    assert delegated.forwarded() == everywhere(members)
    cells = delegated.cells(RULES_SET, DEPLOYER, CallAs="DELEGATED_ADMIN")
    assert set(cells) == everywhere(members)
    # Nothing of the management account's own coverage is made in the delegate's account.
    [stack] = delegated.client(DEPLOYER).describe_stacks(StackName="organization")["Stacks"]
    made = delegated.client(DEPLOYER).describe_stack_resources(StackName=stack["StackId"])
    assert {each["LogicalResourceId"] for each in made["StackResources"]} == {
        "MemberRoles",
        "MemberRules",
    }
    assert delegated.upload(names.MANAGEMENT, **GIVEN) == "CREATE_COMPLETE"
    assert delegated.forwarded() == everywhere({*members, MANAGEMENT})
    # A new account is covered in order: DependsOn names the StackSet where it lives.
    delegated.world.organization.add(Account(NEW, "new", "r-ab12"))
    sets = delegated.cloud.cloudformation.stack_sets
    sets.joined(NEW)
    [rules] = [one for one in sets.sets if one.name == RULES_SET]
    assert list(rules.operations.values())[-1].status == "QUEUED"
    sets.run_to_end()
    assert everywhere({NEW}) <= delegated.forwarded()
    # And each upload takes back what it brought.
    assert delegated.change(names.MANAGEMENT, Phase="none") == "UPDATE_COMPLETE"
    assert delegated.forwarded() == everywhere({*members, NEW})
    assert delegated.change(names.ORGANIZATION, DEPLOYER, Phase="none") == "UPDATE_COMPLETE"
    assert delegated.forwarded() == set()


def test_a_management_account_whose_roles_cannot_be_made_fails_aloud(console: Console) -> None:
    """Alone in its stack, where nothing of others would be rolled back with it."""
    faults = console.cloud.cloudformation.stack_sets.faults
    faults.add("the role is not known yet", stack_set=OWN_ROLES, times=1)
    assert console.upload(names.MANAGEMENT, **GIVEN) == "ROLLBACK_COMPLETE"
    console.delete(names.MANAGEMENT)
    assert console.upload(names.MANAGEMENT, **GIVEN) == "CREATE_COMPLETE"
    assert console.forwarded() == everywhere({MANAGEMENT})


REFUSED = [
    ({"CallAs": "DELEGATED_ADMIN"}, "A delegated administrator gives the management account"),
    (
        {"CallAs": "DELEGATED_ADMIN", "ManagementAccountId": MANAGEMENT},
        "The management account is no delegated administrator",
    ),
    ({"PilotAccounts": ""}, "Phase pilot covers the PilotAccounts and nobody else"),
    ({"ExcludedAccounts": f"{OTHER}, {MEMBER}"}, "Every one of the PilotAccounts is among"),
    ({"OrganizationalUnits": "Workloads"}, "a root or organizational units"),
    ({"Regions": "Ireland"}, "must be Regions, separated by commas"),
    ({"PilotAccounts": "12345"}, "must be account ids of 12 digits"),
    ({"CentralBusArn": "trailbus"}, "must be the ARN of an event bus"),
]


@pytest.mark.parametrize(("given", "said"), REFUSED, ids=[row[1] for row in REFUSED])
def test_what_cannot_be_is_refused_before_anything_is_made(
    console: Console, given: dict[str, str], said: str
) -> None:
    with pytest.raises(ClientError, match=said):
        console.upload(names.ORGANIZATION, **{**CHOSEN, **given})
    assert console.client().list_stack_sets(Status="ACTIVE")["Summaries"] == []


def test_every_rule_of_the_management_account_is_the_members_rule(console: Console) -> None:
    assert console.upload(names.ORGANIZATION, **{**CHOSEN, "Phase": "all"}) == "CREATE_COMPLETE"
    for region in REGIONS:
        own, theirs = (
            {
                rule.properties["Name"]: (
                    rule.properties["State"],
                    rule.properties["Targets"][0]["Arn"],
                )
                for rule in console.world.inventory.of_type(account, region, RULE)
                if "EventBusName" not in rule.properties
            }
            for account in (MANAGEMENT, MEMBER)
        )
        assert own
        assert own == theirs
