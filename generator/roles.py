"""IAM roles, all made alike: under the role path, behind the permissions boundary, reasons told."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from troposphere import Equals, If, Not, NoValue, Parameter, Ref, Select, Split, Sub, iam

from generator import names, policies
from generator.parts import Part
from generator.policies import Grant

HAS_BOUNDARY = "HasBoundary"
_BY_ARN = "BoundaryHasAnArn"
NO_SWITCHES: Mapping[str, Grant] = MappingProxyType({})


def role(
    title: str,
    name: str,
    description: str,
    trust: Grant,
    *grants: Grant,
    switched: Mapping[str, Grant] = NO_SWITCHES,
    path: str = "",
    **more: Any,
) -> iam.Role:
    """A role that `trust` lets be assumed and that may do what the grants say.

    `switched` adds what it may do only when a condition of the template holds, by condition.
    `path` stands for the role path that the template is given.
    """
    inline: list[Any] = [iam.Policy(PolicyName="may", PolicyDocument=policies.document(*grants))]
    for condition, grant in switched.items():
        policy = iam.Policy(PolicyName=condition, PolicyDocument=policies.document(grant))
        inline.append(If(condition, policy, NoValue))
    return iam.Role(
        title,
        RoleName=name,
        Path=path or Ref(names.ROLE_PATH),
        PermissionsBoundary=boundary_arn(),
        Description=description,
        AssumeRolePolicyDocument=policies.document(trust),
        Policies=inline,
        Metadata={"Reasons": policies.reasons(trust, *grants, *switched.values())},
        **more,
    )


def common() -> Part:
    """The parameters that every template with roles takes."""
    return Part(
        parameters=[role_path(), boundary()],
        conditions={
            HAS_BOUNDARY: Not(Equals(Ref(names.PERMISSIONS_BOUNDARY), "")),
            _BY_ARN: Equals(Select(0, Split(":", Ref(names.PERMISSIONS_BOUNDARY))), "arn"),
        },
    )


def boundary_arn(otherwise: Any = NoValue) -> If:
    """The permissions boundary that was given, by its ARN or by its name in this account."""
    here = (
        f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:policy/${{{names.PERMISSIONS_BOUNDARY}}}"
    )
    return If(HAS_BOUNDARY, If(_BY_ARN, Ref(names.PERMISSIONS_BOUNDARY), Sub(here)), otherwise)


def boundary() -> Parameter:
    """What no role of ours may go beyond.

    A boundary lies in the role's own account, or is AWS's: one ARN cannot serve all members, one
    name can.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    return Parameter(
        names.PERMISSIONS_BOUNDARY,
        Type="String",
        Default="",
        AllowedPattern=r"^$|^arn:aws[a-z-]*:iam::(\d{12}|aws):policy/.+$"
        r"|^[\w+=,.@-]+(/[\w+=,.@-]+)*$",
        ConstraintDescription="must be the ARN of a managed policy, its name with its path such "
        "as team/boundary, or empty",
        Description="Optional: the managed policy that bounds every role made here. By its ARN; "
        "or by its name, with its path if it has one (team/boundary), where every account has its "
        "own of that name.",
    )


def role_path() -> Parameter:
    """The path of every role of ours; the same value in every template."""
    return Parameter(
        names.ROLE_PATH,
        Type="String",
        Default="/",
        AllowedPattern=r"^/([A-Za-z0-9._+=,@-]+/)*$",
        ConstraintDescription="must begin and end with a slash",
        Description="The path of the roles, / or like /security/. Use the same everywhere.",
    )
