"""What StackSets may do in the management account: make what members get, and no more.

Whoever may change our StackSets there, but not IAM, could let this role work for him. So it makes
roles of the rendered names only, each behind a boundary that it cannot change: whatever such a role
is given, it can do what members' roles do, and never more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from awacs.aws import StringEquals
from troposphere import Ref, Sub, iam

from generator import names, policies
from generator.model import Json
from generator.policies import Arn, Grant

_HERE = "${AWS::AccountId}"
_ROLE = "AWS::IAM::Role"
_POLICY = "AWS::IAM::ManagedPolicy"
_BOUNDARY_KEY = "iam:PermissionsBoundary"

Template = Mapping[str, Json]


def boundary(prefix: str, member_roles: Template, **more: Any) -> iam.ManagedPolicy:
    """What no role that StackSets makes here goes beyond: all that members' roles may together.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    statements: list[Json] = []
    reasons: dict[str, str] = {}
    for title, role in _of(member_roles, _ROLE):
        told = role["Metadata"]["Reasons"]
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                name = f"{title}{statement['Sid']}"
                statements.append({**statement, "Sid": name})
                if statement["Sid"] in told:
                    reasons[name] = told[statement["Sid"]]
    return iam.ManagedPolicy(
        names.MEMBER_BOUNDARY,
        ManagedPolicyName=names.member_boundary(prefix),
        Path=Ref(names.ROLE_PATH),
        Description="Bounds the roles that Trailbus's StackSets make in this account.",
        PolicyDocument={"Version": "2012-10-17", "Statement": statements},
        Metadata={"Reasons": reasons},
        **more,
    )


def grants(
    prefix: str, templates: Mapping[str, Template], bound: Arn, given: Arn
) -> Iterator[Grant]:
    """What it takes to make, change, check for drift, and delete the member templates' stacks.

    Roles are made behind the boundary `bound`, or the one that is `given`.

    StackSets says that it needs cloudformation:* everywhere. It gets that for our stacks, and
    elsewhere what only reads.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html
    What the resources need is what their types declare.
    https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
    """
    yield from _stacks(prefix)
    yield from _rules_and_queues(prefix)
    yield from _roles(prefix, templates[names.MEMBER_ROLES], bound, given)
    yield from _policies(prefix, templates[names.MEMBER_ROLES])
    yield _boundaries_stay(bound, given)


def _stacks(prefix: str) -> Iterator[Grant]:
    yield policies.allow(
        "OurStacks",
        ["cloudformation:*"],
        policies.arn(
            "cloudformation",
            f"stack/StackSet-{names.management_stack_set(prefix, '*')}",
            "*",
            _HERE,
        ),
        reason="AWS documents cloudformation:* as the least that StackSets needs. Here it ends at "
        "our StackSets' stacks, whose names end with ids, in every Region.",
    )
    yield policies.allow(
        "ReadAboutStacks",
        [
            "cloudformation:BatchDescribeTypeConfigurations",
            "cloudformation:Describe*",
            "cloudformation:Get*",
            "cloudformation:List*",
            "cloudformation:ValidateTemplate",
        ],
        "*",
        reason="Templates, types and drift detections have no stack's ARN. These only read.",
    )


def _rules_and_queues(prefix: str) -> Iterator[Grant]:
    ours = "Our names: they are made here, in every Region that is covered."
    yield policies.allow(
        "Rules",
        _actions(
            "events",
            "DeleteRule DescribeRule DisableRule EnableRule ListTagsForResource ListTargetsByRule "
            "PutRule PutTargets RemoveTargets TagResource UntagResource",
        ),
        policies.arn("events", f"rule/{prefix}-*", "*", _HERE),
        reason=ours,
    )
    yield policies.allow(
        "DeadLetters",
        _actions(
            "sqs",
            "CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags "
            "SetQueueAttributes TagQueue UntagQueue",
        ),
        policies.arn("sqs", names.unforwarded_queue(prefix), "*", _HERE),
        reason=ours,
    )


def _roles(prefix: str, member_roles: Template, bound: Arn, given: Arn) -> Iterator[Grant]:
    """Roles by their rendered names: a star in a name would reach across paths, and to others.

    Only what a new version no longer makes is known by pattern, and can only be taken away.
    """
    rendered = [role["Properties"]["RoleName"] for _, role in _of(member_roles, _ROLE)]
    ours = [policies.role_arn(_HERE, name) for name in rendered]
    yield policies.allow(
        "RolesBehindTheBoundary",
        _actions("iam", "CreateRole PutRolePermissionsBoundary PutRolePolicy"),
        ours,
        conditions=[StringEquals(_BOUNDARY_KEY, [bound, given])],
    )
    yield policies.allow(
        "Roles",
        _actions(
            "iam",
            "DeleteRole DeleteRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole "
            "UpdateRoleDescription",
        ),
        ours,
    )
    before = policies.role_arn(_HERE, names.member_role(prefix, "*"))
    yield policies.allow(
        "ReadRoles",
        _actions("iam", "GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies"),
        [*ours, before],
        reason="Member roles of the last version too. These only read.",
    )
    yield policies.allow(
        "RolesOfTheLastVersion",
        _actions("iam", "DeleteRole DeleteRolePolicy"),
        before,
        conditions=[StringEquals("aws:ResourceTag/managed-by", "trailbus")],
        reason="The member role of a responder that the new version lacks: nobody knows its name "
        "any more. Only what carries our tag, and only to take it away.",
    )
    passed = [
        policies.role_arn(_HERE, role["Properties"]["RoleName"])
        for _, role in _of(member_roles, _ROLE)
        if "events.amazonaws.com" in json.dumps(role["Properties"]["AssumeRolePolicyDocument"])
    ]
    yield policies.allow(
        "LetRulesForward",
        ["iam:PassRole"],
        passed,
        conditions=[StringEquals("iam:PassedToService", "events.amazonaws.com")],
    )


def _policies(prefix: str, member_roles: Template) -> Iterator[Grant]:
    """The managed policies that responders attach to others' users; nothing here attaches any."""
    rendered = [one["Properties"]["ManagedPolicyName"] for _, one in _of(member_roles, _POLICY)]
    if rendered:
        yield policies.allow(
            "Policies",
            _actions("iam", "CreatePolicy CreatePolicyVersion TagPolicy UntagPolicy"),
            [_policy_arn(name) for name in rendered],
        )
    yield policies.allow(
        "PoliciesOfTheLastVersion",
        _actions(
            "iam",
            "DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion ListEntitiesForPolicy "
            "ListPolicyTags ListPolicyVersions",
        ),
        _policy_arn(f"{prefix}-*"),
        reason="A policy that the new version lacks too: nobody knows its name any more. Only to "
        "read it and take it away, which IAM refuses while somebody has it.",
    )


def _boundaries_stay(bound: Arn, given: Arn) -> Grant:
    """Whatever the names: nothing above reaches the policies that everything else rests on."""
    return policies.deny(
        "TheBoundariesStay",
        _actions(
            "iam",
            "CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion "
            "SetDefaultPolicyVersion TagPolicy UntagPolicy",
        ),
        [bound, given],
    )


def _policy_arn(name: str) -> Sub:
    return Sub(f"arn:${{AWS::Partition}}:iam::{_HERE}:policy${{{names.ROLE_PATH}}}{name}")


def _of(template: Template, kind: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    resources: Mapping[str, Mapping[str, Any]] = template["Resources"]
    return [(title, one) for title, one in resources.items() if one["Type"] == kind]


def _actions(service: str, verbs: str) -> list[str]:
    return [f"{service}:{verb}" for verb in verbs.split()]
