"""The uploads: what each asks, and what the roles of the management account may do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from generator import names, organization
from generator.simulation.authorization import (
    Caller,
    Policies,
    Policy,
    Request,
    decide,
    identity_policy,
)
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
            context = {"iam__PermissionsBoundary": boundary or stack.arn(names.MEMBER_BOUNDARY)}
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


def test_what_the_last_version_made_can_be_taken_away_and_nothing_more() -> None:
    stack = upload(names.MANAGEMENT)
    gone = IAM + "role/trailbus-no-longer-known-member"
    ours: dict[str, Any] = {"aws:ResourceTag/managed-by": "trailbus"}
    for action in ("iam:DeleteRole", "iam:DeleteRolePolicy", "iam:GetRole"):
        assert allowed(stack, action, gone, **ours)
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"):
        assert not allowed(stack, action, gone, iam__PermissionsBoundary=DEFAULT, **ours)
    # Somebody else's role of such a name does not carry our tag.
    assert not allowed(stack, "iam:DeleteRole", gone)
    assert allowed(stack, "iam:DeletePolicy", IAM + "policy/trailbus-no-longer-known")


IAM = f"arn:aws:iam::{MANAGEMENT}:"
DEFAULT = IAM + "policy/trailbus-member-boundary"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
FORBIDDEN = [
    # Itself and what lets it in: with these it could become anything.
    ("iam:PutRolePolicy", IAM + "role/trailbus-stackset-execution"),
    ("iam:UpdateAssumeRolePolicy", IAM + "role/trailbus-stackset-execution"),
    ("iam:PutRolePermissionsBoundary", IAM + "role/trailbus-stackset-execution"),
    ("iam:UpdateAssumeRolePolicy", IAM + "role/trailbus-stackset-administration"),
    ("iam:PutRolePolicy", IAM + "role/trailbus-stackset-administration"),
    ("iam:DeleteRole", IAM + "role/trailbus-stackset-administration"),
    # Other roles: of the account, of other paths, of the central side, of names like ours.
    ("iam:CreateRole", IAM + "role/Administrator"),
    ("iam:CreateRole", IAM + "role/trailbus-x-member"),
    ("iam:CreateRole", IAM + "role/trailbus-/x-member"),
    ("iam:CreateRole", IAM + "role/trailbus-/break/glass-member"),
    ("iam:CreateRole", IAM + "role/team/trailbus-forwarder"),
    ("iam:CreateRole", IAM + "role/trailbus-forwarder-2"),
    ("iam:PutRolePolicy", IAM + "role/OrganizationAccountAccessRole"),
    ("iam:PutRolePolicy", IAM + "role/team/trailbus-forwarder"),
    ("iam:PutRolePolicy", IAM + "role/trailbus-x/y-member"),
    ("iam:PutRolePolicy", IAM + "role/trailbus-trail-guard-function"),
    ("iam:PutRolePolicy", IAM + "role/trailbus-consoleme-denies-reader"),
    ("iam:PutRolePolicy", f"arn:aws:iam::{STRANGER}:role/trailbus-forwarder"),
    ("iam:UpdateAssumeRolePolicy", IAM + "role/OrganizationAccountAccessRole"),
    ("iam:UpdateAssumeRolePolicy", IAM + "role/trailbus-x-member"),
    ("iam:UpdateAssumeRolePolicy", IAM + "role/trailbus-trail-guard-function"),
    ("iam:DeleteRole", IAM + "role/trailbus-x-member"),
    ("iam:CreateServiceLinkedRole", IAM + "role/trailbus-forwarder"),
    # What would take a role of ours further.
    ("iam:AttachRolePolicy", IAM + "role/trailbus-forwarder"),
    ("iam:AttachRolePolicy", IAM + "role/trailbus-restart-cloudtrail-member"),
    ("iam:DeleteRolePermissionsBoundary", IAM + "role/trailbus-forwarder"),
    ("iam:DeleteRolePermissionsBoundary", IAM + "role/trailbus-stackset-execution"),
    # What bounds them all.
    ("iam:CreatePolicyVersion", DEFAULT),
    ("iam:SetDefaultPolicyVersion", DEFAULT),
    ("iam:DeletePolicyVersion", DEFAULT),
    ("iam:DeletePolicy", DEFAULT),
    ("iam:CreatePolicy", DEFAULT),
    ("iam:TagPolicy", DEFAULT),
    ("iam:CreatePolicyVersion", IAM + "policy/boundary"),
    # Other policies and who gets them.
    ("iam:CreatePolicy", IAM + "policy/trailbus-mine"),
    ("iam:CreatePolicyVersion", IAM + "policy/trailbus-mine"),
    ("iam:SetDefaultPolicyVersion", IAM + "policy/trailbus-mine"),
    ("iam:AttachUserPolicy", IAM + "user/trailbus-somebody"),
    ("iam:AttachGroupPolicy", IAM + "group/trailbus-somebody"),
    ("iam:PutUserPolicy", IAM + "user/trailbus-somebody"),
    ("iam:CreateUser", IAM + "user/trailbus-somebody"),
    ("iam:CreateAccessKey", IAM + "user/somebody"),
    ("iam:UpdateLoginProfile", IAM + "user/somebody"),
    ("iam:CreateInstanceProfile", IAM + "instance-profile/trailbus-forwarder"),
    ("iam:AddRoleToInstanceProfile", IAM + "instance-profile/trailbus-forwarder"),
    ("iam:CreateOpenIDConnectProvider", IAM + "oidc-provider/example.com"),
    ("iam:PassRole", IAM + "role/trailbus-restart-cloudtrail-member"),
    ("iam:PassRole", IAM + "role/trailbus-stackset-execution"),
    ("iam:PassRole", IAM + "role/Administrator"),
    ("sts:AssumeRole", IAM + "role/trailbus-forwarder"),
    ("sts:AssumeRole", IAM + "role/Administrator"),
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
    best = {"iam__PassedToService": "events.amazonaws.com", "iam__PermissionsBoundary": DEFAULT}
    assert not allowed(upload(file), action, arn, **best)


RENDERED = [
    role["Properties"]["RoleName"]
    for role in shapes.rendered(NAMED[1]).templates[names.MEMBER_ROLES]["Resources"].values()
    if role["Type"] == "AWS::IAM::Role"
]


@pytest.mark.parametrize("role", RENDERED)
@pytest.mark.parametrize("file", shapes.UPLOADS)
def test_no_role_is_made_or_given_anything_outside_of_the_boundary(file: str, role: str) -> None:
    stack = upload(file, NAMED[1])
    bound = stack.arn(names.MEMBER_BOUNDARY)
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"):
        arn = IAM + f"role/{role}"
        assert allowed(stack, action, arn, iam__PermissionsBoundary=bound)
        assert not allowed(stack, action, arn)
        for other in (ADMINISTRATOR, bound + "2", bound.replace(MANAGEMENT, STRANGER)):
            assert not allowed(stack, action, arn, iam__PermissionsBoundary=other)
    service = {"iam__PassedToService": "lambda.amazonaws.com"}
    assert not allowed(stack, "iam:PassRole", IAM + f"role/{role}", **service)


@pytest.mark.parametrize("policy", ["boundary", "a-long-prefix-16-console-with-mfa-only"])
def test_a_boundary_of_your_own_is_out_of_reach_by_whatever_name(policy: str) -> None:
    """Also by the name of a policy that is made here: then it cannot be, and that is told."""
    arn = IAM + f"policy/{policy}"
    stack = upload(names.MANAGEMENT, NAMED[1], boundary=arn)
    for action in ("CreatePolicy", "CreatePolicyVersion", "DeletePolicyVersion", "DeletePolicy"):
        assert not allowed(stack, f"iam:{action}", arn)


def test_whoever_lets_stack_sets_make_an_administrator_gets_a_members_role() -> None:
    """Somebody who may change our StackSets, but not IAM, puts a role of his own into a template:
    one of our names, trusting him, with everything in it. The boundary comes with it."""
    stack = upload(names.MANAGEMENT, NAMED[1])
    bound = stack.resources[names.MEMBER_BOUNDARY]
    limit = identity_policy(bound["PolicyDocument"], "the boundary")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    admin = identity_policy({"Version": "2012-10-17", "Statement": everything}, "his policy")

    def may_now(action: str, resource: str, **context: Any) -> bool:
        asked = Request(session(IAM + f"role/{RENDERED[0]}"), action, resource, context)
        return decide(asked, Policies(identity=(admin,), boundary=limit)).allowed

    for action, resource in (
        ("iam:CreateUser", IAM + "user/mallory"),
        ("iam:AttachUserPolicy", IAM + "user/mallory"),
        ("iam:AttachRolePolicy", IAM + "role/Administrator"),
        ("iam:CreatePolicyVersion", bound.arn),
        ("iam:PassRole", IAM + "role/Administrator"),
        ("sts:AssumeRole", IAM + "role/Administrator"),
        ("organizations:LeaveOrganization", "*"),
        ("cloudtrail:StopLogging", f"arn:aws:cloudtrail:eu-west-1:{MANAGEMENT}:trail/x"),
        ("lambda:CreateFunction", f"arn:aws:lambda:eu-west-1:{MANAGEMENT}:function:x"),
        ("kms:Decrypt", f"arn:aws:kms:eu-west-1:{MANAGEMENT}:key/1"),
        ("ec2:RunInstances", "*"),
    ):
        assert not may_now(action, resource), action
    administrator = {"iam:PolicyARN": ADMINISTRATOR}
    assert not may_now("iam:AttachUserPolicy", IAM + "user/mallory", **administrator)
    trail = f"arn:aws:cloudtrail:eu-west-1:{MANAGEMENT}:trail/x"
    assert may_now("cloudtrail:StartLogging", trail)


@pytest.mark.parametrize("file", shapes.UPLOADS)
@pytest.mark.parametrize("name", NAMED)
def test_the_boundary_takes_nothing_from_the_roles_that_it_bounds(file: str, name: str) -> None:
    stack = upload(file, name)
    bound = stack.resources[names.MEMBER_BOUNDARY]
    allows = [{**one, "Sid": ""} for one in bound["PolicyDocument"]["Statement"]]
    roles = member_roles(shapes.rendered(name), {}, stack.at)
    for role in roles.of("AWS::IAM::Role"):
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                needed = {**statement, "Sid": ""}
                assert needed in allows


def test_a_role_is_passed_to_eventbridge_alone() -> None:
    role = IAM + "role/trailbus-forwarder"
    assert not allowed(
        upload(names.MANAGEMENT), "iam:PassRole", role, iam__PassedToService="lambda.amazonaws.com"
    )
    assert not allowed(upload(names.MANAGEMENT), "iam:PassRole", role)


@pytest.mark.parametrize("given", [BOUNDARY, "boundary"])
def test_with_a_boundary_of_your_own_roles_are_made_behind_it_or_ours(given: str) -> None:
    stack = upload(names.MANAGEMENT, boundary=given)
    role = IAM + "role/trailbus-forwarder"
    for action in ("iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"):
        for bound in (BOUNDARY, DEFAULT):
            assert allowed(stack, action, role, iam__PermissionsBoundary=bound)
        assert not allowed(stack, action, role)
        assert not allowed(stack, action, role, iam__PermissionsBoundary=ADMINISTRATOR)


def test_one_name_of_a_boundary_serves_every_member() -> None:
    of = shapes.rendered("built-in")
    for account in ("333333333333", "444444444444"):
        for given, wanted in (
            ("team/boundary", f"arn:aws:iam::{account}:policy/team/boundary"),
            ("arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ):
            made = member_roles(of, {names.PERMISSIONS_BOUNDARY: given}, Place(account))
            bounds = {role["PermissionsBoundary"] for role in made.of("AWS::IAM::Role")}
            assert bounds == {wanted}


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
        ["all", "Ireland", "", "eusc-de-east-1", "us-iso-east-1", "eu-isoe-west-1"],
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
