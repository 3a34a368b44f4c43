"""The uploads: what each asks, and what the roles of the management account may do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from generator import names, organization
from generator.simulation.authorization import Caller, Policy
from tests import shapes
from tests.shapes import (
    Place,
    Resource,
    Stack,
    everything_on,
    identity,
    may,
    may_assume,
    member_roles,
    member_rules,
    refused,
    session,
)

MANAGEMENT = "111111111111"
STRANGER = "999999999999"
CLOUDFORMATION = Caller.aws_service("cloudformation.amazonaws.com")
BOUNDARY = "arn:aws:iam::111111111111:policy/boundary"
AT = Place(account=MANAGEMENT)
PLACES = (
    AT,
    Place(MANAGEMENT, "us-gov-west-1", "aws-us-gov"),
    Place(MANAGEMENT, "cn-north-1", "aws-cn"),
)
NAMED = ("built-in", "everything that a responder can be")
BY_ITSELF = {organization.CALL_AS: "SELF", organization.PHASE: "all"}

# What each type of resource needs of whoever makes, changes, reads and deletes it: the permissions
# of the handlers in its schema.
# https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
NEEDS: Mapping[str, str] = {
    "AWS::Events::Rule": (
        "events:DeleteRule events:DescribeRule events:ListTagsForResource "
        "events:ListTargetsByRule events:PutRule events:PutTargets events:RemoveTargets "
        "events:TagResource events:UntagResource"
    ),
    "AWS::IAM::ManagedPolicy": (
        "iam:CreatePolicy iam:CreatePolicyVersion iam:DeletePolicy iam:DeletePolicyVersion "
        "iam:GetPolicy iam:GetPolicyVersion iam:ListEntitiesForPolicy iam:ListPolicyVersions "
        "iam:TagPolicy iam:UntagPolicy"
    ),
    "AWS::IAM::Role": (
        "iam:CreateRole iam:DeleteRole iam:DeleteRolePolicy iam:GetRole iam:GetRolePolicy "
        "iam:ListAttachedRolePolicies iam:ListRolePolicies iam:PutRolePolicy iam:TagRole "
        "iam:UntagRole iam:UpdateAssumeRolePolicy iam:UpdateRole iam:UpdateRoleDescription"
    ),
    "AWS::SQS::Queue": (
        "sqs:CreateQueue sqs:DeleteQueue sqs:GetQueueAttributes sqs:GetQueueUrl "
        "sqs:ListQueueTags sqs:SetQueueAttributes sqs:TagQueue sqs:UntagQueue"
    ),
    "AWS::SQS::QueuePolicy": "sqs:GetQueueAttributes sqs:SetQueueAttributes",
}
ON_STACKS = (
    "CreateStack DeleteStack UpdateStack DescribeStacks DescribeStackEvents DescribeStackResources "
    "DetectStackDrift DetectStackResourceDrift DescribeStackResourceDrifts GetTemplate "
    "SetStackPolicy ListStackResources TagResource UntagResource UpdateTerminationProtection"
)
ON_ANYTHING = (
    "BatchDescribeTypeConfigurations DescribeStackDriftDetectionStatus GetTemplateSummary "
    "ValidateTemplate"
)


@cache
def upload(
    file: str, name: str = "built-in", at: Place = AT, boundary: str = "", path: str = "/"
) -> Stack:
    """The stack of an upload in the management account."""
    of = shapes.rendered(name)
    given = {
        **BY_ITSELF,
        names.PERMISSIONS_BOUNDARY: boundary,
        names.ROLE_PATH: path,
        organization.OPT_IN_REGIONS: "ap-east-1,me-south-1",
    }
    template = of.templates[file]
    known = {key: value for key, value in given.items() if key in template["Parameters"]}
    return Stack(template, known, at, of.prefix)


def execution(stack: Stack) -> tuple[Caller, tuple[Policy, ...]]:
    """StackSets with the execution role, and what that may do."""
    role = stack.resources["ExecutionRole"]
    return Caller.role_session(role.arn, "stacksets"), identity(role)


def allowed(stack: Stack, action: str, arn: str, **context: Any) -> bool:
    caller, own = execution(stack)
    return may(caller, action, arn, None, own, **context)


def inner_stacks(stack: Stack, name: str) -> Iterator[Stack]:
    """The members' stacks as the management account gets them, in two Regions."""
    of = shapes.rendered(name)
    given = {key: stack.parameters[key] for key in (names.ROLE_PATH, names.PERMISSIONS_BOUNDARY)}
    yield member_roles(of, given, stack.at)
    for region in (stack.at.region, "eu-south-2"):
        yield member_rules(
            of, {names.ROLE_PATH: given[names.ROLE_PATH]}, stack.at._replace(region=region)
        )


def made(stack: Stack, name: str) -> Iterator[tuple[Resource, str]]:
    """Every resource that is made there, with the ARN that its actions are asked for."""
    for inner in inner_stacks(stack, name):
        for resource in inner.resources.values():
            arn = resource.arn
            if resource.type == "AWS::SQS::QueuePolicy":
                [queue] = inner.of("AWS::SQS::Queue")
                arn = queue.arn
            yield resource, arn


CASES = [
    (file, name, at, boundary, path)
    for file in shapes.UPLOADS
    for name in NAMED
    for at in PLACES
    for boundary, path in (("", "/"), (BOUNDARY, "/team/"))
]


@pytest.mark.parametrize(("file", "name", "at", "boundary", "path"), CASES)
def test_the_execution_role_may_make_change_and_delete_all_that_members_get(
    file: str, name: str, at: Place, boundary: str, path: str
) -> None:
    boundary = boundary.replace("arn:aws:", f"arn:{at.partition}:")
    stack = upload(file, name, at, boundary, path)
    types = set()
    for resource, arn in made(stack, name):
        types.add(resource.type)
        for action in NEEDS[resource.type].split():
            context = {"iam__PermissionsBoundary": boundary} if boundary else {}
            assert allowed(stack, action, arn, **context), (action, arn)
    assert types >= {"AWS::IAM::Role", "AWS::Events::Rule", "AWS::SQS::Queue"}
    prefix = shapes.rendered(name).prefix
    for region in (at.region, "eu-south-2"):
        for which in ("roles", "rules"):
            ours = f"StackSet-{names.management_stack_set(prefix, which)}-0f0f0f0f/1a1a"
            arn = f"arn:{at.partition}:cloudformation:{region}:{MANAGEMENT}:stack/{ours}"
            for action in ON_STACKS.split():
                assert allowed(stack, f"cloudformation:{action}", arn), (action, arn)
    for action in ON_ANYTHING.split():
        assert allowed(stack, f"cloudformation:{action}", "*"), action
    forwarder = f"arn:{at.partition}:iam::{MANAGEMENT}:role{path}{names.forwarder_role(prefix)}"
    events = {"iam__PassedToService": "events.amazonaws.com"}
    assert allowed(stack, "iam:PassRole", forwarder, **events)


IAM = f"arn:aws:iam::{MANAGEMENT}:"
FORBIDDEN = [
    # Itself and what lets it in: with these it could become anything.
    ("iam:PutRolePolicy", IAM + "role/trailbus-stackset-execution"),
    ("iam:UpdateAssumeRolePolicy", IAM + "role/trailbus-stackset-execution"),
    ("iam:UpdateAssumeRolePolicy", IAM + "role/trailbus-stackset-administration"),
    ("iam:DeleteRole", IAM + "role/trailbus-stackset-administration"),
    # Other roles: of the account, of other paths, of the central side.
    ("iam:CreateRole", IAM + "role/Administrator"),
    ("iam:PutRolePolicy", IAM + "role/OrganizationAccountAccessRole"),
    ("iam:PutRolePolicy", IAM + "role/team/trailbus-forwarder"),
    ("iam:PutRolePolicy", IAM + "role/trailbus-trail-guard-function"),
    ("iam:PutRolePolicy", IAM + "role/trailbus-consoleme-denies-reader"),
    ("iam:PutRolePolicy", f"arn:aws:iam::{STRANGER}:role/trailbus-forwarder"),
    ("iam:CreateServiceLinkedRole", IAM + "role/trailbus-forwarder"),
    ("iam:AttachRolePolicy", IAM + "role/trailbus-forwarder"),
    ("iam:AttachUserPolicy", IAM + "user/trailbus-somebody"),
    ("iam:SetDefaultPolicyVersion", IAM + "policy/trailbus-mine"),
    ("iam:CreatePolicyVersion", IAM + "policy/boundary"),
    ("iam:CreateUser", IAM + "user/trailbus-somebody"),
    ("iam:CreateAccessKey", IAM + "user/somebody"),
    ("iam:PassRole", IAM + "role/trailbus-restart-cloudtrail-member"),
    ("sts:AssumeRole", IAM + "role/trailbus-forwarder"),
    # Others' stacks, and StackSets: it makes stacks, and no stack sets.
    ("cloudformation:CreateStack", f"arn:aws:cloudformation:eu-west-1:{MANAGEMENT}:stack/other/1"),
    (
        "cloudformation:DeleteStack",
        f"arn:aws:cloudformation:eu-west-1:{MANAGEMENT}:stack/organization/1",
    ),
    (
        "cloudformation:UpdateStack",
        f"arn:aws:cloudformation:eu-west-1:{MANAGEMENT}:stack/StackSet-others-1/1",
    ),
    ("cloudformation:CreateStackSet", "*"),
    ("cloudformation:ActivateOrganizationsAccess", "*"),
    ("cloudformation:SetTypeConfiguration", "*"),
    # Others' rules, queues and buses.
    ("events:PutRule", f"arn:aws:events:eu-west-1:{MANAGEMENT}:rule/others"),
    ("events:PutRule", f"arn:aws:events:eu-west-1:{MANAGEMENT}:rule/bus/trailbus-x"),
    ("events:PutEvents", f"arn:aws:events:eu-west-1:{MANAGEMENT}:event-bus/default"),
    ("events:PutPermission", f"arn:aws:events:eu-west-1:{MANAGEMENT}:event-bus/default"),
    ("sqs:CreateQueue", f"arn:aws:sqs:eu-west-1:{MANAGEMENT}:others"),
    ("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{MANAGEMENT}:trailbus-unforwarded"),
    ("sqs:ReceiveMessage", f"arn:aws:sqs:eu-west-1:{MANAGEMENT}:trailbus-unforwarded"),
    # Everything else.
    ("s3:GetObject", "*"),
    ("organizations:LeaveOrganization", "*"),
    ("organizations:ListAccounts", "*"),
    ("kms:Decrypt", f"arn:aws:kms:eu-west-1:{MANAGEMENT}:key/1"),
    ("lambda:CreateFunction", f"arn:aws:lambda:eu-west-1:{MANAGEMENT}:function:trailbus-x"),
    ("ec2:RunInstances", "*"),
]


@pytest.mark.parametrize(("action", "arn"), FORBIDDEN)
@pytest.mark.parametrize("file", shapes.UPLOADS)
def test_the_execution_role_may_do_nothing_else(file: str, action: str, arn: str) -> None:
    assert not allowed(upload(file), action, arn, iam__PassedToService="events.amazonaws.com")


def test_a_role_is_passed_to_eventbridge_alone() -> None:
    role = IAM + "role/trailbus-forwarder"
    assert not allowed(
        upload(names.MANAGEMENT), "iam:PassRole", role, iam__PassedToService="lambda.amazonaws.com"
    )
    assert not allowed(upload(names.MANAGEMENT), "iam:PassRole", role)


def test_with_a_boundary_no_role_is_made_without_it_or_loses_it() -> None:
    stack = upload(names.MANAGEMENT, boundary=BOUNDARY)
    role = IAM + "role/trailbus-forwarder"
    for action in ("iam:CreateRole", "iam:PutRolePermissionsBoundary"):
        assert allowed(stack, action, role, iam__PermissionsBoundary=BOUNDARY)
        assert not allowed(stack, action, role)
        other = BOUNDARY.replace("boundary", "AdministratorAccess")
        assert not allowed(stack, action, role, iam__PermissionsBoundary=other)
    assert not allowed(stack, "iam:DeleteRolePermissionsBoundary", role)
    # One that was there before can go when none is wanted any more.
    assert allowed(upload(names.MANAGEMENT), "iam:DeleteRolePermissionsBoundary", role)


@pytest.mark.parametrize("path", ["/", "/team/"])
@pytest.mark.parametrize("file", shapes.UPLOADS)
def test_only_the_administration_role_gets_into_the_execution_role(file: str, path: str) -> None:
    stack = upload(file, path=path)
    target = stack.resources["ExecutionRole"]
    administration = stack.resources["AdministrationRole"]
    assert target.arn == IAM + "role/trailbus-stackset-execution"
    assert administration.arn == f"{IAM}role{path}trailbus-stackset-administration"

    def gets_in(caller: Caller, role: Resource | None = None) -> bool:
        return may_assume(caller, target, identity(role) if role else ())

    assert gets_in(session(administration.arn), administration)
    assert not gets_in(session(IAM + "role/other"), administration)
    assert not gets_in(session(administration.arn.replace(MANAGEMENT, STRANGER)), administration)
    for service in ("cloudformation", "lambda", "ec2", "events"):
        assert not gets_in(Caller.aws_service(f"{service}.amazonaws.com"))
    # And the administration role gets into no other.
    own = identity(administration)
    for role in ("role/Administrator", "role/trailbus-forwarder"):
        assert not may(session(administration.arn), "sts:AssumeRole", IAM + role, None, own)


@pytest.mark.parametrize("at", PLACES, ids=lambda at: at.partition)
@pytest.mark.parametrize("file", shapes.UPLOADS)
def test_only_our_own_stack_sets_get_into_the_administration_role(file: str, at: Place) -> None:
    stack = upload(file, at=at)
    role = stack.resources["AdministrationRole"]
    ours = f"arn:{at.partition}:cloudformation:{at.region}:{MANAGEMENT}:stackset/"

    def gets_in(source: str, caller: Caller = CLOUDFORMATION, account: str = MANAGEMENT) -> bool:
        return may_assume(caller, role, (), aws__SourceArn=source, aws__SourceAccount=account)

    for one in stack.of("AWS::CloudFormation::StackSet"):
        if one["PermissionModel"] == "SELF_MANAGED":
            assert gets_in(f"{ours}{one['StackSetName']}:0f0f0f0f")
    mine = f"{ours}trailbus-management-roles:0f0f0f0f"
    # In Regions that are disabled by default StackSets comes under their own names.
    for region in ("ap-east-1", "me-south-1"):
        assert gets_in(mine, Caller.aws_service(f"cloudformation.{region}.amazonaws.com"))
    assert not gets_in(mine, Caller.aws_service("cloudformation.af-south-1.amazonaws.com"))
    assert not gets_in(f"{ours}others:1")
    assert not gets_in(f"{ours}trailbus-member-roles:1")
    assert not gets_in(mine.replace(MANAGEMENT, STRANGER), account=STRANGER)
    assert not gets_in(mine, account=STRANGER)
    assert not gets_in(mine, Caller.aws_service("lambda.amazonaws.com"))
    assert not may_assume(CLOUDFORMATION, role)


def test_without_regions_to_opt_in_to_the_service_is_trusted_by_one_name() -> None:
    template = shapes.rendered("built-in").templates[names.MANAGEMENT]
    role = Stack(template, {}, AT).resources["AdministrationRole"]
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudformation.amazonaws.com"}


# --- What is asked


def of_upload(**given: str) -> Stack:
    template = shapes.rendered("built-in").templates[names.ORGANIZATION]
    return Stack(template, {**everything_on(template), **BY_ITSELF, **given}, AT)


def test_the_units_are_the_same_in_every_phase_and_the_filter_differs() -> None:
    """Of a unit that stays, only the accounts change about which the filters differ."""
    given = {
        "PilotAccounts": "222222222222",
        "ExcludedAccounts": "",
        "OrganizationalUnits": "r-ab12",
    }
    found = {}
    for phase in ("pilot", "all", "none"):
        stack = of_upload(Phase=phase, **given)
        groups = [
            one.properties.get("StackInstancesGroup")
            for one in stack.of("AWS::CloudFormation::StackSet")
            if one["PermissionModel"] == "SERVICE_MANAGED"
        ]
        found[phase] = [group and group[0]["DeploymentTargets"] for group in groups]
    units = {"OrganizationalUnitIds": ["r-ab12"]}
    some = {**units, "AccountFilterType": "INTERSECTION", "Accounts": ["222222222222"]}
    assert found == {"pilot": [some, some], "all": [units, units], "none": [None, None]}


def test_new_accounts_are_covered_only_once_everything_is() -> None:
    for phase, enabled in (("pilot", False), ("all", True), ("none", False)):
        for one in of_upload(Phase=phase).of("AWS::CloudFormation::StackSet"):
            if one["PermissionModel"] == "SERVICE_MANAGED":
                assert one["AutoDeployment"]["Enabled"] is enabled


@pytest.mark.parametrize(
    ("given", "account"),
    [
        ({}, MANAGEMENT),
        ({"CallAs": "DELEGATED_ADMIN", "ManagementAccountId": "555555555555"}, "555555555555"),
    ],
)
def test_the_rules_wait_for_the_roles_where_the_stack_sets_live(
    given: dict[str, str], account: str
) -> None:
    stack = of_upload(**given)
    automatic = stack.resources["MemberRules"]["AutoDeployment"]
    arn = f"arn:aws:cloudformation:eu-west-1:{account}:stackset/trailbus-member-roles"
    assert automatic["DependsOn"] == [arn]
    assert "DependsOn" not in stack.resources["MemberRoles"]["AutoDeployment"]


def test_a_delegated_administrator_gets_no_roles_of_the_management_account() -> None:
    stack = of_upload(CallAs="DELEGATED_ADMIN", ManagementAccountId=MANAGEMENT)
    assert set(stack.resources) == {"MemberRoles", "MemberRules"}
    assert {one["CallAs"] for one in stack.resources.values()} == {"DELEGATED_ADMIN"}


ITEMS = [
    (
        organization.REGIONS,
        ["us-east-1", "us-gov-west-1", " ap-southeast-2"],
        ["all", "Ireland", ""],
    ),
    (organization.OPT_IN_REGIONS, ["", "ap-east-1"], ["none"]),
    (organization.UNITS, ["r-ab12", "ou-ab12-11111111 "], ["Workloads", "ou-ab12", "123456789012"]),
    (
        organization.PILOT_ACCOUNTS,
        ["", "123456789012, 210987654321"],
        ["12345", "ou-ab12-11111111"],
    ),
    (organization.EXCLUDED, ["", "123456789012"], ["1234567890123", "none"]),
    (organization.MANAGEMENT_ACCOUNT, ["", "123456789012"], ["management"]),
]


@pytest.mark.parametrize(("parameter", "right", "wrong"), ITEMS, ids=[row[0] for row in ITEMS])
def test_a_parameter_takes_what_it_means_and_nothing_else(
    parameter: str, right: list[str], wrong: list[str]
) -> None:
    declared = shapes.rendered("built-in").templates[names.ORGANIZATION]["Parameters"][parameter]
    assert [value for value in right if refused(declared, value)] == []
    assert [value for value in wrong if not refused(declared, value)] == []
    assert "ConstraintDescription" in declared
