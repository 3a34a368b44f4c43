"""IAM roles, all made alike: under the role path, behind the permissions boundary, reasons told."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from troposphere import Equals, If, Not, NoValue, Parameter, Ref, iam

from generator import names, policies
from generator.parts import Part
from generator.policies import Grant

HAS_BOUNDARY = "HasBoundary"
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
        PermissionsBoundary=If(HAS_BOUNDARY, Ref(names.PERMISSIONS_BOUNDARY), NoValue),
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
        conditions={HAS_BOUNDARY: Not(Equals(Ref(names.PERMISSIONS_BOUNDARY), ""))},
    )


def boundary() -> Parameter:
    """What no role of ours may go beyond."""
    return Parameter(
        names.PERMISSIONS_BOUNDARY,
        Type="String",
        Default="",
        AllowedPattern=r"^$|^arn:aws[a-z-]*:iam::(\d{12}|aws):policy/.+$",
        ConstraintDescription="must be the ARN of a managed policy, or empty",
        Description="Optional: the managed policy that bounds every role made here.",
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
