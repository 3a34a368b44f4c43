"""A Lambda function that the user already has, invoked by the rules themselves.

It gets the event as it is, the form in which log forwarders and policy engines expect it. An
event that EventBridge could not hand over is kept with the undelivered; what the function does
with one that it took, its failures included, is its owner's business: Lambda's asynchronous
invocations have their own retries and their own destination for failures.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
"""

from __future__ import annotations

from typing import Any

from troposphere import Parameter, Ref, awslambda

from generator import names, policies
from generator.model import Shape, Target
from generator.options import FUNCTION_ARN
from generator.parts import Part


def part(target: Target, shape: Shape) -> Part:
    """The permission for the rules, in the function's own policy.

    One for all rules: a function's policy holds 20 KB, about 59 permissions.
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """
    arn = names.parameter(target.name, "arn")
    permission = awslambda.Permission(
        f"{names.logical(target.name)}Permission",
        Action="lambda:InvokeFunction",
        FunctionName=Ref(arn),
        Principal="events.amazonaws.com",
        # No SourceAccount: it would keep the rules out.
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
        SourceArn=policies.central_rules_arn(shape.name_prefix),
    )
    return Part(
        resources=[permission],
        parameters=[
            Parameter(
                arn,
                Type="String",
                AllowedPattern=f"^{FUNCTION_ARN.pattern}$",
                ConstraintDescription=f"must be {FUNCTION_ARN.help}",
                Description=f"The function that '{target.name}' invokes: one of this account and "
                "Region, or an alias or version of it. Give it a destination for failures.",
            )
        ],
    )


def entry(target: Target) -> dict[str, Any]:
    """The rule invokes the function."""
    return {"Arn": Ref(names.parameter(target.name, "arn"))}
