"""The one-upload rollout: StackSets for the members, and the management account's own coverage.

Two templates share its parts. `organization.yaml` goes into the management account, or into that of
a StackSets delegated administrator, and holds both StackSets of the members; with the management
account's credentials it covers that account as well, which service-managed StackSets never reach.
`management.yaml` does only the latter, for organizations whose StackSets somebody else runs.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stackset.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from awacs.aws import ArnLike, StringEquals
from troposphere import (
    And,
    Condition,
    Equals,
    GetAtt,
    If,
    Join,
    Not,
    NoValue,
    Or,
    Output,
    Parameter,
    Ref,
    Split,
    Sub,
)
from troposphere.cloudformation import (
    AutoDeployment,
    DeploymentTargets,
    ManagedExecution,
    OperationPreferences,
    StackInstances,
    StackSet,
)
from troposphere.cloudformation import Parameter as Given

from generator import execution, names, policies, roles
from generator.model import NOTHING, Json, Shape
from generator.parts import Group, Part, assembled
from generator.policies import Grant
from generator.rules import assertion, equals, is_given, lists_something, negation, rule

PHASE = "Phase"
PILOT_ACCOUNTS = "PilotAccounts"
UNITS = "OrganizationalUnits"
EXCLUDED = "ExcludedAccounts"
REGIONS = "Regions"
OPT_IN_REGIONS = "OptInRegions"
CALL_AS = "CallAs"
MANAGEMENT_ACCOUNT = "ManagementAccountId"

_SELF = "SELF"
_DELEGATED = "DELEGATED_ADMIN"
_ACCOUNT_HERE = "AWS::AccountId"
_BY_DELEGATE = "RunByDelegate"
_COVERS_MANAGEMENT = "CoversManagementAccount"
_PILOT = "IsPilot"
_NAMES_PILOT = "HasPilotAccounts"
_DEPLOYED = "IsDeployed"
_COMPLETE = "IsComplete"
_EXCLUDES = "HasExcludedAccounts"
_OPT_IN = "HasOptInRegions"

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
            # After the members: by then the roles that it needs are known everywhere.
            _management(prefix, templates, bodies, _COVERS_MANAGEMENT, after=_MEMBER_RULES),
        ],
        [
            Group("The central side", _OF_NO_PARENT),
            Group("Which accounts", (PHASE, UNITS, PILOT_ACCOUNTS, EXCLUDED)),
            Group("Which Regions", (REGIONS, OPT_IN_REGIONS)),
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
            Group("Which Regions", (PHASE, REGIONS, OPT_IN_REGIONS)),
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
    regions = _list(
        REGIONS,
        _REGION,
        "Regions",
        "The Regions to cover, separated by commas. Always with the one in which global services "
        "record their events: N. Virginia, in GovCloud US-West, in China Beijing.",
    )
    opt_in = _list(
        OPT_IN_REGIONS,
        _REGION,
        "Regions",
        "Those of them that are disabled by default, such as Hong Kong. Where an account has one "
        "of them not enabled, that account's deployment there fails, alone.",
        Default="",
    )
    common = roles.common()
    return Part(
        parameters=[
            *(_like(name, entry) for name, entry in _handed_on(templates).items()),
            *common.parameters,
            regions,
            opt_in,
        ],
        conditions={
            **common.conditions,
            _OPT_IN: Not(_is_empty(OPT_IN_REGIONS)),
        },
    )


_REGION = names.REGION_FORM
_ACCOUNT = r"\d{12}"
_UNIT = r"(r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32})"
"""https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html"""


def _list(name: str, item: str, what: str, description: str, **more: Any) -> Parameter:
    """A list, each item of which must have this form.

    The pattern holds for each item, and may hold before the spaces around it are taken off.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
    """
    empty = "^$|" if more.get("Default") == "" else ""
    return Parameter(
        name,
        Type="CommaDelimitedList",
        AllowedPattern=f"{empty}^ *{item} *$",
        ConstraintDescription=f"must be {what}, separated by commas",
        Description=description,
        **more,
    )


def _is_empty(name: str) -> Equals:
    return Equals(Join("", Ref(name)), "")


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
    "pilot": "the pilot accounts alone",
    "all": "everything that you chose",
    "none": "nothing, which takes back what was deployed",
}


def _choice() -> Part:
    parameters = [
        _phase(["pilot", "all", "none"], "pilot"),
        _list(
            UNITS,
            _UNIT,
            "a root or organizational units",
            "Organizational units to cover, with all below them (ou-ab12-11111111), or the root "
            "(r-ab12) for the whole organization; separated by commas. With more than one give the "
            "stack a service role: it outlasts your session.",
        ),
        _list(
            PILOT_ACCOUNTS,
            _ACCOUNT,
            "account ids of 12 digits",
            "Accounts of those units to begin with: Phase pilot covers them and no other. One "
            "operation for each unit and Region, one after the other: take few of one unit.",
            Default="",
        ),
        _list(
            EXCLUDED,
            _ACCOUNT,
            "account ids of 12 digits",
            "Optional: accounts to leave out. Accounts that join the units later are covered. "
            "With any, this and every later update works through units and Regions one by one and "
            "gives up after a day: in a large organization move them to a unit that is not named, "
            "or use the deploy command.",
            Default="",
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
        _NAMES_PILOT: Not(_is_empty(PILOT_ACCOUNTS)),
        _DEPLOYED: Or(Condition(_COMPLETE), And(Condition(_PILOT), Condition(_NAMES_PILOT))),
        _EXCLUDES: Not(_is_empty(EXCLUDED)),
        _BY_DELEGATE: Equals(Ref(CALL_AS), _DELEGATED),
        _COVERS_MANAGEMENT: Equals(Ref(CALL_AS), _SELF),
    }
    return Part(parameters=parameters, conditions=conditions, rules=_assertions())


def _assertions() -> dict[str, Json]:
    """What is refused before anything is made.

    A filter whose accounts are all left out again would cover nobody, and say nothing.
    """
    return {
        "DelegateNamesManagementAccount": {
            "RuleCondition": equals(CALL_AS, _DELEGATED),
            "Assertions": [
                assertion(
                    is_given(MANAGEMENT_ACCOUNT),
                    "A delegated administrator gives the management account's id.",
                ),
                assertion(
                    negation({"Fn::Equals": [{"Ref": MANAGEMENT_ACCOUNT}, {"Ref": _ACCOUNT_HERE}]}),
                    "The management account is no delegated administrator: CallAs is SELF there.",
                ),
            ],
        },
        "PilotCoversSomebody": {
            "RuleCondition": equals(PHASE, "pilot"),
            "Assertions": [
                assertion(
                    lists_something(PILOT_ACCOUNTS),
                    "Phase pilot covers the PilotAccounts and nobody else: name at least one.",
                ),
                assertion(
                    negation(
                        {"Fn::EachMemberIn": [{"Ref": PILOT_ACCOUNTS}, {"Ref": EXCLUDED}]},
                    ),
                    "Every one of the PilotAccounts is among the ExcludedAccounts.",
                ),
            ],
        },
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
        AutoDeployment=_for_those_who_join(),
    )
    account = If(_BY_DELEGATE, Ref(MANAGEMENT_ACCOUNT), Ref("AWS::AccountId"))
    # Ref gives name:id, which is the last part of the ARN; that names the management account,
    # where the StackSets of delegated administrators live, too.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-cloudformation-stackset-autodeployment.html
    # Joined, because cfn-lint tries every Region with every other in a Sub, for over a minute.
    begin = ["arn", Ref("AWS::Partition"), "cloudformation", Ref("AWS::Region"), account]
    arn = Join(":", [*begin, Join("/", ["stackset", Ref(_MEMBER_ROLES)])])
    rules = StackSet(
        _MEMBER_RULES,
        **_service_managed(prefix, "rules", templates, bodies, Ref(REGIONS)),
        AutoDeployment=_for_those_who_join(DependsOn=[arn]),
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


def _for_those_who_join(**more: Any) -> If:
    """Accounts that join are covered once everything is: a pilot stays as small as it was meant.

    Account filters do not hold automatic deployment back.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-manage-auto-deployment.html
    """
    on = AutoDeployment(Enabled=True, RetainStacksOnAccountRemoval=False, **more)
    return If(_COMPLETE, on, AutoDeployment(Enabled=False))


def _service_managed(
    prefix: str, which: str, templates: Templates, bodies: Bodies, regions: Any
) -> dict[str, Any]:
    """The same units in every phase; the phase chooses accounts of them by the filter.

    CloudFormation compares unit by unit: a unit that goes is emptied before another is filled.
    For a unit that stays it leaves alone the accounts that both filters choose, so that a pilot
    account is covered without a break when the rest follows.
    With a filter it makes an operation for each unit and Region, one after the other.
    https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-cloudformation/blob/master/aws-cloudformation-stackset/src/main/java/software/amazon/cloudformation/stackset/util/AltStackInstancesCalculator.java
    """
    file = {"roles": names.MEMBER_ROLES, "rules": names.MEMBER_RULES}[which]

    def filtered(by: str, accounts: str) -> DeploymentTargets:
        return DeploymentTargets(
            OrganizationalUnitIds=Ref(UNITS), AccountFilterType=by, Accounts=Ref(accounts)
        )

    # One choice among whole targets: choices in each of their properties would be the same three
    # cases, but cfn-lint would take a minute to find that out.
    unfiltered = DeploymentTargets(OrganizationalUnitIds=Ref(UNITS))
    others = If(_EXCLUDES, filtered("DIFFERENCE", EXCLUDED), unfiltered)
    targets = If(_PILOT, filtered("INTERSECTION", PILOT_ACCOUNTS), others)
    return {
        **_common(names.stack_set(prefix, which), templates[file], bodies[file]),
        "PermissionModel": "SERVICE_MANAGED",
        "CallAs": Ref(CALL_AS),
        "StackInstancesGroup": If(
            _DEPLOYED, [StackInstances(DeploymentTargets=targets, Regions=regions)], NoValue
        ),
    }


_KEPT: dict[str, Any] = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
"""Deletion of the stack takes no coverage with it, nor what is needed to take it back later."""


def _common(
    name: str,
    template: Mapping[str, Json],
    body: str,
    tolerance: int = 100,
    values: Mapping[str, Any] = NOTHING,
) -> dict[str, Any]:
    """One broken cell fails alone, unless nothing can follow without it.

    Parameters are handed on as they are given, but for `values`.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stackset-ops-options.html
    """
    return {
        "StackSetName": name,
        "Description": template["Description"],
        "TemplateBody": body,
        "Parameters": [
            Given(ParameterKey=parameter, ParameterValue=values.get(parameter, Ref(parameter)))
            for parameter in template["Parameters"]
        ],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "ManagedExecution": ManagedExecution(Active=True),
        "OperationPreferences": OperationPreferences(
            RegionConcurrencyType="PARALLEL",
            ConcurrencyMode="SOFT_FAILURE_TOLERANCE",
            FailureTolerancePercentage=tolerance,
            MaxConcurrentPercentage=100,
        ),
        **_KEPT,
    }


# --- The management account


def _management(
    prefix: str, templates: Templates, bodies: Bodies, condition: str = "", after: str = ""
) -> Part:
    """Self-managed StackSets of one account, with a pair of roles that can do this and no more.

    IAM tells its services of a new role by and by, and StackSets does not ask twice. `after` is
    what takes long enough; without it the first deployment fails aloud instead of being tolerated.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
    """
    when: dict[str, Any] = {"Condition": condition} if condition else {}
    boundary = execution.boundary(prefix, templates[names.MEMBER_ROLES], **_KEPT, **when)
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
        **_KEPT,
        **when,
    )
    executing = roles.role(
        _EXECUTION,
        names.execution_role(prefix),
        "Makes Trailbus's stacks in this account.",
        policies.trust_roles(
            policies.arn("iam", "root", account=_HERE),
            policies.role_arn(_HERE, names.administration_role(prefix)),
        ),
        *execution.grants(prefix, templates, Ref(boundary), roles.boundary_arn()),
        # StackSets looks for it by its name, which has no room for a path.
        path="/",
        **_KEPT,
        **when,
    )

    bounded = {names.PERMISSIONS_BOUNDARY: roles.boundary_arn(otherwise=Ref(boundary))}

    def stack_set(title: str, which: str, regions: Any, after: str, tolerance: int) -> StackSet:
        file = {"roles": names.MEMBER_ROLES, "rules": names.MEMBER_RULES}[which]
        name = names.management_stack_set(prefix, which)
        targets = DeploymentTargets(Accounts=[Ref("AWS::AccountId")])
        order = {"DependsOn": after} if after else {}
        return StackSet(
            title,
            **_common(name, templates[file], bodies[file], tolerance, bounded),
            PermissionModel="SELF_MANAGED",
            AdministrationRoleARN=GetAtt(administration, "Arn"),
            ExecutionRoleName=Ref(executing),
            StackInstancesGroup=If(
                _COMPLETE, [StackInstances(DeploymentTargets=targets, Regions=regions)], NoValue
            ),
            **order,
            **when,
        )

    here, everywhere = [Ref("AWS::Region")], Ref(REGIONS)
    return Part(
        resources=[
            boundary,
            administration,
            executing,
            stack_set(_MANAGEMENT_ROLES, "roles", here, after, 100 if after else 0),
            stack_set(_MANAGEMENT_RULES, "rules", everywhere, _MANAGEMENT_ROLES, 100),
        ]
    )


_HERE = "${AWS::AccountId}"


def _trust_stack_sets(prefix: str) -> Grant:
    """StackSets itself, for our StackSets in this account alone.

    In a Region that is disabled by default it comes under that Region's own name.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html
    """
    ours = names.management_stack_set(prefix, "*")
    service = "cloudformation.amazonaws.com"
    # "a,b" becomes [service, cloudformation.a.amazonaws.com, cloudformation.b.amazonaws.com].
    regional = Sub(
        f"{service},cloudformation.${{Regions}}.amazonaws.com",
        Regions=Join(".amazonaws.com,cloudformation.", Ref(OPT_IN_REGIONS)),
    )
    return policies.trust_service(
        If(_OPT_IN, Split(",", regional), service),
        StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
        ArnLike("aws:SourceArn", policies.local_arn("cloudformation", f"stackset/{ours}")),
        reason="The ids behind our StackSets' names are not known before they are made.",
    )
