"""The one-upload rollout: StackSets for the members, and the management account's own coverage.

Two templates share its parts. `organization.yaml` goes into the management account, or into that of
a StackSets delegated administrator, and holds both StackSets of the members; with the management
account's credentials it covers that account as well, which service-managed StackSets never reach.
`management.yaml` does only the latter, for organizations whose StackSets somebody else runs.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stackset.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from awacs.aws import ArnLike, StringEquals, StringNotEquals
from troposphere import Equals, GetAtt, If, Join, Not, NoValue, Output, Parameter, Ref, Sub
from troposphere.cloudformation import (
    AutoDeployment,
    DeploymentTargets,
    ManagedExecution,
    OperationPreferences,
    StackInstances,
    StackSet,
)
from troposphere.cloudformation import Parameter as Given

from generator import names, policies, roles
from generator.model import Json, Shape
from generator.parts import Group, Part, assembled
from generator.policies import Grant

PHASE = "Phase"
PILOT_UNITS = "PilotUnits"
UNITS = "OrganizationalUnits"
EXCLUDED = "ExcludedAccounts"
REGIONS = "Regions"
CALL_AS = "CallAs"
MANAGEMENT_ACCOUNT = "ManagementAccountId"

_SELF = "SELF"
_DELEGATED = "DELEGATED_ADMIN"
_BY_DELEGATE = "RunByDelegate"
_COVERS_MANAGEMENT = "CoversManagementAccount"
_PILOT = "IsPilot"
_DEPLOYED = "IsDeployed"
_COMPLETE = "IsComplete"
_EXCLUDES = "HasExcludedAccounts"

_MEMBER_ROLES = "MemberRoles"
_MEMBER_RULES = "MemberRules"
_ADMINISTRATION = "AdministrationRole"
_EXECUTION = "ExecutionRole"
_MANAGEMENT_ROLES = "ManagementRoles"
_MANAGEMENT_RULES = "ManagementRules"

_OF_NO_PARENT = (names.CENTRAL_BUS_ARN, names.CENTRAL_ACCOUNT)

Templates = Mapping[str, Mapping[str, Json]]
"""The member templates by file name."""
Bodies = Mapping[str, str]
"""Their texts, which are embedded as they are."""


def organization_template(shape: Shape, templates: Templates, bodies: Bodies) -> dict[str, Json]:
    """Both StackSets of the members and, unless a delegated administrator runs them, the rest."""
    prefix = shape.name_prefix
    return assembled(
        "Trailbus, whole organization: upload it in the management account after central.yaml in "
        "the central account. Covers every account and Region that you choose, new accounts too, "
        "and the management account itself. To take it back, set Phase to none before deleting it.",
        [
            _place(templates),
            _choice(),
            _members(prefix, templates, bodies),
            _management(prefix, templates, bodies, _COVERS_MANAGEMENT),
        ],
        [
            Group("The central side", _OF_NO_PARENT),
            Group("Which accounts and Regions", (PHASE, UNITS, PILOT_UNITS, EXCLUDED, REGIONS)),
            Group("Who runs the StackSets", (CALL_AS, MANAGEMENT_ACCOUNT)),
            *_COMMON_GROUPS,
        ],
    )


def management_template(shape: Shape, templates: Templates, bodies: Bodies) -> dict[str, Json]:
    """The management account's own coverage alone."""
    return assembled(
        "Trailbus, management account: upload it there when a delegated administrator runs the "
        "StackSets of the members; they never reach this account. To take it back, set Phase to "
        "none before deleting it.",
        [
            _place(templates),
            Part(
                parameters=[_phase(["all", "none"], "all")],
                conditions={_COMPLETE: Equals(Ref(PHASE), "all")},
            ),
            _management(shape.name_prefix, templates, bodies),
        ],
        [
            Group("The central side", _OF_NO_PARENT),
            Group("Which Regions", (PHASE, REGIONS)),
            *_COMMON_GROUPS,
        ],
    )


_COMMON_GROUPS = (
    Group("Your organization's rules", (names.ROLE_PATH, names.PERMISSIONS_BOUNDARY)),
    Group("Tags", (names.TAG_KEY, names.TAG_VALUE)),
)


# --- What the person who uploads it is asked


def _place(templates: Templates) -> Part:
    """The members' own parameters, which are handed on, and the Regions."""
    regions = Parameter(
        REGIONS,
        Type="CommaDelimitedList",
        Description="The Regions to cover, separated by commas. Always with the one in which "
        "global services record their events: us-east-1, us-gov-west-1 or cn-north-1.",
    )
    return Part(
        parameters=[
            *(_like(name, entry) for name, entry in _handed_on(templates).items()),
            roles.boundary(),
            regions,
        ],
        conditions=roles.common().conditions,
    )


def _handed_on(templates: Templates) -> dict[str, Mapping[str, Json]]:
    return {
        name: entry
        for template in templates.values()
        for name, entry in template["Parameters"].items()
        if name not in (names.TAG_KEY, names.TAG_VALUE)
    }


def _like(name: str, entry: Mapping[str, Json]) -> Parameter:
    return Parameter(name, **entry)


def _phase(choices: list[str], default: str) -> Parameter:
    return Parameter(
        PHASE,
        Type="String",
        Default=default,
        AllowedValues=choices,
        Description="How far the rollout goes: "
        + "; ".join(f"{choice}: {_PHASES[choice]}" for choice in choices)
        + ".",
    )


_PHASES = {
    "pilot": "the pilot units alone",
    "all": "everything that you chose",
    "none": "nothing, which takes back what was deployed",
}


def _choice() -> Part:
    parameters = [
        _phase(["pilot", "all", "none"], "pilot"),
        Parameter(
            UNITS,
            Type="CommaDelimitedList",
            Description="Organizational units to cover, with all below them (ou-ab12-11111111), "
            "or the root (r-ab12) for the whole organization; separated by commas.",
        ),
        Parameter(
            PILOT_UNITS,
            Type="CommaDelimitedList",
            Description="Organizational units to begin with: those that Phase pilot covers.",
        ),
        Parameter(
            EXCLUDED,
            Type="CommaDelimitedList",
            Default="",
            Description="Optional: ids of accounts to leave out. Accounts that join later are "
            "covered in any case.",
        ),
        Parameter(
            CALL_AS,
            Type="String",
            Default=_SELF,
            AllowedValues=[_SELF, _DELEGATED],
            Description="SELF in the management account; DELEGATED_ADMIN in the account of a "
            "StackSets delegated administrator. Then upload management.yaml in the management "
            "account too.",
        ),
        Parameter(
            MANAGEMENT_ACCOUNT,
            Type="String",
            Default="",
            AllowedPattern=r"^$|^\d{12}$",
            ConstraintDescription="must be an account id of 12 digits, or empty",
            Description="For a delegated administrator only: the management account, in which "
            "the StackSets live.",
        ),
    ]
    conditions = {
        _PILOT: Equals(Ref(PHASE), "pilot"),
        _COMPLETE: Equals(Ref(PHASE), "all"),
        _DEPLOYED: Not(Equals(Ref(PHASE), "none")),
        _EXCLUDES: Not(Equals(Join("", Ref(EXCLUDED)), "")),
        _BY_DELEGATE: Equals(Ref(CALL_AS), _DELEGATED),
        _COVERS_MANAGEMENT: Equals(Ref(CALL_AS), _SELF),
    }
    return Part(parameters=parameters, conditions=conditions, rules=_assertions())


def _assertions() -> dict[str, Json]:
    """What is refused before anything is made.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
    """

    def rule(when: Json, holds: Json, said: str) -> Json:
        return {
            "RuleCondition": when,
            "Assertions": [{"Assert": holds, "AssertDescription": said}],
        }

    def equals(parameter: str, value: str) -> Json:
        return {"Fn::Equals": [{"Ref": parameter}, value]}

    return {
        "DelegateNamesManagementAccount": rule(
            equals(CALL_AS, _DELEGATED),
            {"Fn::Not": [equals(MANAGEMENT_ACCOUNT, "")]},
            "A delegated administrator gives the management account's id.",
        ),
        "TrustedAccessExistsHere": rule(
            {"Fn::Contains": [["cn-north-1", "cn-northwest-1"], {"Ref": "AWS::Region"}]},
            equals(PHASE, "none"),
            "StackSets has no trusted access in China: deploy with self-managed permissions, by "
            "the deploy command.",
        ),
    }


# --- The members


def _members(prefix: str, templates: Templates, bodies: Bodies) -> Part:
    """Roles first, then the rules, also where an account joins later."""
    made = StackSet(
        _MEMBER_ROLES,
        **_service_managed(prefix, "roles", templates, bodies, [Ref("AWS::Region")]),
        AutoDeployment=AutoDeployment(Enabled=True, RetainStacksOnAccountRemoval=False),
    )
    account = If(_BY_DELEGATE, Ref(MANAGEMENT_ACCOUNT), Ref("AWS::AccountId"))
    arn = Sub(
        "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${Account}:stackset/"
        f"${{{_MEMBER_ROLES}}}",
        Account=account,
    )
    rules = StackSet(
        _MEMBER_RULES,
        **_service_managed(prefix, "rules", templates, bodies, Ref(REGIONS)),
        AutoDeployment=AutoDeployment(
            Enabled=True, RetainStacksOnAccountRemoval=False, DependsOn=[arn]
        ),
    )
    return Part(
        resources=[made, rules],
        outputs=[
            Output(
                "MemberRulesStackSet",
                Description="The StackSet whose operations and instances tell how far it got.",
                Value=Ref(rules),
            )
        ],
    )


def _service_managed(
    prefix: str, which: str, templates: Templates, bodies: Bodies, regions: Any
) -> dict[str, Any]:
    file = {"roles": names.MEMBER_ROLES, "rules": names.MEMBER_RULES}[which]
    targets = DeploymentTargets(
        OrganizationalUnitIds=If(_PILOT, Ref(PILOT_UNITS), Ref(UNITS)),
        AccountFilterType=If(_EXCLUDES, "DIFFERENCE", NoValue),
        Accounts=If(_EXCLUDES, Ref(EXCLUDED), NoValue),
    )
    return {
        **_common(names.stack_set(prefix, which), templates[file], bodies[file]),
        "PermissionModel": "SERVICE_MANAGED",
        "CallAs": Ref(CALL_AS),
        "StackInstancesGroup": If(
            _DEPLOYED, [StackInstances(DeploymentTargets=targets, Regions=regions)], NoValue
        ),
    }


def _common(name: str, template: Mapping[str, Json], body: str) -> dict[str, Any]:
    """One broken cell fails alone; deletion of the parent takes no coverage with it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stackset-ops-options.html
    """
    return {
        "StackSetName": name,
        "Description": template["Description"],
        "TemplateBody": body,
        "Parameters": [
            Given(ParameterKey=parameter, ParameterValue=Ref(parameter))
            for parameter in template["Parameters"]
        ],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "ManagedExecution": ManagedExecution(Active=True),
        "OperationPreferences": OperationPreferences(
            RegionConcurrencyType="PARALLEL",
            ConcurrencyMode="SOFT_FAILURE_TOLERANCE",
            FailureTolerancePercentage=100,
            MaxConcurrentPercentage=100,
        ),
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
    }


# --- The management account


def _management(prefix: str, templates: Templates, bodies: Bodies, condition: str = "") -> Part:
    """Self-managed StackSets of one account, with a pair of roles that can do this and no more."""
    when: dict[str, Any] = {"Condition": condition} if condition else {}
    administration = roles.role(
        _ADMINISTRATION,
        names.administration_role(prefix),
        "Lets StackSets reach this account for Trailbus.",
        _trust_stack_sets(prefix),
        policies.allow(
            "AssumeExecutionRole",
            ["sts:AssumeRole"],
            policies.arn("iam", f"role/{names.execution_role(prefix)}", account=_HERE),
        ),
        path="/",
        **when,
    )
    execution = roles.role(
        _EXECUTION,
        names.execution_role(prefix),
        "Makes Trailbus's stacks in this account.",
        policies.trust_roles(
            policies.arn("iam", "root", account=_HERE),
            policies.arn("iam", f"role/{names.administration_role(prefix)}", account=_HERE),
        ),
        *_makes(prefix),
        path="/",
        **when,
    )

    def stack_set(title: str, which: str, file: str, regions: Any, **after: str) -> StackSet:
        targets = DeploymentTargets(Accounts=[Ref("AWS::AccountId")])
        return StackSet(
            title,
            **_common(names.management_stack_set(prefix, which), templates[file], bodies[file]),
            PermissionModel="SELF_MANAGED",
            AdministrationRoleARN=GetAtt(administration, "Arn"),
            ExecutionRoleName=Ref(execution),
            StackInstancesGroup=If(
                _COMPLETE, [StackInstances(DeploymentTargets=targets, Regions=regions)], NoValue
            ),
            **after,
            **when,
        )

    return Part(
        resources=[
            administration,
            execution,
            stack_set(_MANAGEMENT_ROLES, "roles", names.MEMBER_ROLES, [Ref("AWS::Region")]),
            stack_set(
                _MANAGEMENT_RULES,
                "rules",
                names.MEMBER_RULES,
                Ref(REGIONS),
                DependsOn=_MANAGEMENT_ROLES,
            ),
        ]
    )


_HERE = "${AWS::AccountId}"


def _trust_stack_sets(prefix: str) -> Grant:
    """StackSets itself, for our StackSets in this account alone.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html
    """
    ours = names.management_stack_set(prefix, "*")
    return policies.trust_service(
        "cloudformation.amazonaws.com",
        StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
        ArnLike("aws:SourceArn", policies.local_arn("cloudformation", f"stackset/{ours}")),
        reason="The ids behind our StackSets' names are not known before they are made.",
    )


def _makes(prefix: str) -> Iterable[Grant]:
    """What it takes to make, change, check for drift, and delete the member templates' stacks."""
    stacks = policies.arn(
        "cloudformation", f"stack/StackSet-{names.management_stack_set(prefix, '*')}", "*", _HERE
    )
    role = Sub(f"arn:${{AWS::Partition}}:iam::{_HERE}:role${{{names.ROLE_PATH}}}{prefix}-*")
    policy = Sub(f"arn:${{AWS::Partition}}:iam::{_HERE}:policy${{{names.ROLE_PATH}}}{prefix}-*")
    ours = "Our names: they are made here, in every Region that is covered."
    yield policies.allow(
        "Stacks",
        [
            f"cloudformation:{verb}"
            for verb in (
                "CancelUpdateStack",
                "ContinueUpdateRollback",
                "CreateStack",
                "DeleteStack",
                "DescribeStackDriftDetectionStatus",
                "DescribeStackEvents",
                "DescribeStackResourceDrifts",
                "DescribeStackResources",
                "DescribeStacks",
                "DetectStackDrift",
                "DetectStackResourceDrift",
                "GetTemplate",
                "ListStackResources",
                "SetStackPolicy",
                "TagResource",
                "UntagResource",
                "UpdateStack",
                "UpdateTerminationProtection",
            )
        ],
        stacks,
        reason="StackSets ends each stack's name with an id of its own.",
    )
    yield policies.allow(
        "Templates",
        ["cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate"],
        "*",
        reason="Templates that are not yet stacks have no ARN.",
    )
    yield policies.allow(
        "TemplatesOfTheService",
        ["s3:GetObject"],
        "*",
        conditions=[StringNotEquals("s3:ResourceAccount", Ref("AWS::AccountId"))],
        reason="The bucket in which StackSets keeps templates is its own and has no documented "
        "name; no bucket of this account.",
    )
    yield policies.allow(
        "Rules",
        [
            f"events:{verb}"
            for verb in (
                "DeleteRule",
                "DescribeRule",
                "DisableRule",
                "EnableRule",
                "ListTagsForResource",
                "ListTargetsByRule",
                "PutRule",
                "PutTargets",
                "RemoveTargets",
                "TagResource",
                "UntagResource",
            )
        ],
        policies.arn("events", f"rule/{prefix}-*", "*", _HERE),
        reason=ours,
    )
    yield policies.allow(
        "DeadLetters",
        [
            f"sqs:{verb}"
            for verb in (
                "CreateQueue",
                "DeleteQueue",
                "GetQueueAttributes",
                "GetQueueUrl",
                "ListQueueTags",
                "SetQueueAttributes",
                "TagQueue",
                "UntagQueue",
            )
        ],
        policies.arn("sqs", names.unforwarded_queue(prefix), "*", _HERE),
        reason=ours,
    )
    yield policies.allow(
        "Roles",
        [
            f"iam:{verb}"
            for verb in (
                "CreateRole",
                "DeleteRole",
                "DeleteRolePermissionsBoundary",
                "DeleteRolePolicy",
                "GetRole",
                "GetRolePolicy",
                "ListAttachedRolePolicies",
                "ListRolePolicies",
                "ListRoleTags",
                "PassRole",
                "PutRolePermissionsBoundary",
                "PutRolePolicy",
                "TagRole",
                "UntagRole",
                "UpdateAssumeRolePolicy",
                "UpdateRole",
                "UpdateRoleDescription",
            )
        ],
        role,
        reason="The roles of the member template, all under the role path and our prefix.",
    )
    yield policies.allow(
        "Policies",
        [
            f"iam:{verb}"
            for verb in (
                "CreatePolicy",
                "CreatePolicyVersion",
                "DeletePolicy",
                "DeletePolicyVersion",
                "GetPolicy",
                "GetPolicyVersion",
                "ListEntitiesForPolicy",
                "ListPolicyVersions",
                "TagPolicy",
                "UntagPolicy",
            )
        ],
        policy,
        reason="The policies that responders attach, all under the role path and our prefix.",
    )
