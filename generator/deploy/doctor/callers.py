"""Checks who is asking: whose credentials, and with which permissions."""

from __future__ import annotations

from collections.abc import Iterator

from generator.deploy import identity
from generator.deploy.aws import Refused, Side
from generator.deploy.doctor.findings import (
    Check,
    Examination,
    Fault,
    blocking,
    unchecked,
    warning,
)

_OF_A_STACK = (
    *("cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DescribeStacks"),
    *("cloudformation:DescribeStackEvents", "cloudformation:GetTemplate"),
    *("events:PutRule", "events:PutTargets", "sqs:CreateQueue", "sqs:SetQueueAttributes"),
    *("iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole"),
)
_OF_STACK_SETS = (
    *("cloudformation:CreateStackSet", "cloudformation:UpdateStackSet"),
    *("cloudformation:CreateStackInstances", "cloudformation:DescribeStackSet"),
    *("cloudformation:DescribeStackSetOperation", "cloudformation:ListStackInstances"),
    *("cloudformation:ListStackSetOperationResults", "organizations:ListAccounts"),
)
NEEDED: dict[Side, tuple[str, ...]] = {
    "central": (
        *_OF_A_STACK,
        *("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"),
        *("events:CreateEventBus", "events:PutPermission", "sns:CreateTopic", "kms:CreateKey"),
        *("lambda:CreateFunction", "s3:CreateBucket", "s3:PutObject"),
    ),
    "management": (*_OF_A_STACK, *_OF_STACK_SETS),
}
"""What a rollout does on each side, without service roles. Stacks act with the caller's rights.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html"""


def _credentials(examination: Examination) -> Iterator[Fault]:
    for problem in identity.problems(examination.door, examination.wanted):
        yield blocking(problem.place, problem.fault, problem.cure)


def _permissions(examination: Examination) -> Iterator[Fault]:
    for side, actions in NEEDED.items():
        if side == "management" and not examination.wanted.management:
            actions = _OF_STACK_SETS
        where = f"the {side} account's credentials"
        try:
            source = _policy_source(examination, side)
            if not source:
                continue
            results = examination.ask(
                side,
                "iam",
                "SimulatePrincipalPolicy",
                PolicySourceArn=source,
                ActionNames=list(actions),
            )["EvaluationResults"]
        except Refused as refusal:
            cure = "allow iam:SimulatePrincipalPolicy and iam:GetRole, or find out by deploying"
            yield unchecked(where, str(refusal), cure)
            continue
        decisions = {one["EvalActionName"]: one["EvalDecision"] for one in results}
        forbidden = sorted(name for name, what in decisions.items() if what == "explicitDeny")
        missing = sorted(name for name, what in decisions.items() if what == "implicitDeny")
        if forbidden:
            fault = f"are forbidden {', '.join(forbidden)}"
            yield blocking(where, fault, "use other credentials, or lift the denial")
        if missing:
            # Asked of all resources: a policy that names some may still be enough.
            fault = f"may lack {', '.join(missing)}"
            yield warning(where, fault, f"allow them to {source}, at least on names of ours")


def _policy_source(examination: Examination, side: Side) -> str:
    """The user or role whose policies count; empty for the root user, whom none bind."""
    arn = identity.caller(examination.door, examination.wanted, side).arn
    kind, _, rest = arn.split(":", 5)[5].partition("/")
    if kind == "root":
        return ""
    if kind != "assumed-role":
        return arn
    # The session does not tell the role's path.
    role = examination.ask(side, "iam", "GetRole", RoleName=rest.split("/")[0])
    return str(role["Role"]["Arn"])


CREDENTIALS = Check("credentials", "both sides' credentials are the right ones", _credentials)
CHECKS = (Check("permissions", "the callers may do what a rollout does", _permissions),)
