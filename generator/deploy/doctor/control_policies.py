"""Checks the service control policies that bind roles in members: StackSets' and the forwarder.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from generator import names
from generator.deploy.doctor.denials import Act, Verdict, allows, denies
from generator.deploy.doctor.findings import Check, Examination, Fault, blocking, warning
from generator.deploy.doctor.regions import LEADERS

SCP = "SERVICE_CONTROL_POLICY"
REGIONAL = ("cloudformation:CreateStack", "events:PutRule", "events:PutTargets", "sqs:CreateQueue")
GLOBAL = ("iam:CreateRole", "iam:PutRolePolicy")
"""What the member templates need; IAM's calls count as made in the leader Region."""

EXECUTION_ROLE = "AWSCloudFormationStackSetExecutionRole"
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html"""

FORWARDING = "events:PutEvents"
_NO_SUCH_KEYS = frozenset({"aws:resourceorgid", "aws:resourceorgpaths", "aws:resourceaccount"})
"""Of the resource's owner EventBridge tells nothing, so StringNotEquals on these always denies.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""

_CONTROL_TOWER = ("aws-guardrails-", "AWS-Control-Tower-")


def _denials(examination: Examination) -> Iterator[Fault]:
    role = "stacksets-exec-*"
    if not examination.wanted.service_managed:
        role = examination.wanted.place.access.execution_role or EXECUTION_ROLE
    cure = f"exempt arn:*:iam::*:role/{role} in it, or leave those Regions out"
    bound = partial(_bound, examination)
    yield from _denied(examination, bound, "the StackSets execution roles", cure)


def _silencing(examination: Examination) -> Iterator[Fault]:
    """What lets rules be made and keeps them from forwarding: they put events with a role that is
    bound as any other, in the Region of the central bus.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html
    """
    wanted = examination.wanted
    for role in _forwarders(examination):
        act = Act(
            FORWARDING,
            wanted.home,
            f"arn:{wanted.partition}:iam::000000000000:role/{role}",
            wanted.place.organization_id,
            _NO_SUCH_KEYS,
        )
        cure = f"exempt arn:*:iam::*:role/{role} in it: without that it forwards nothing there"
        bound = partial(_put, act)
        yield from _denied(examination, bound, f"the role {role}", cure)


def _put(act: Act, content: str) -> dict[tuple[str, str], Verdict]:
    verdict, _ = denies(content, act)
    return {} if verdict == "no" else {(act.action, act.region): verdict}


def _forwarders(examination: Examination) -> list[str]:
    """The roles with their path, as they stand in their ARNs."""
    wanted = examination.wanted
    path = wanted.roles.parameters.get(names.ROLE_PATH, "/")
    roles = names.forwarder_roles(wanted.bundle.prefix)
    return [f"{path}{name}".lstrip("/") for name in roles]


Bound = Callable[[str], dict[tuple[str, str], Verdict]]


def _denied(examination: Examination, bound_by: Bound, whom: str, cure: str) -> Iterator[Fault]:
    wanted = examination.wanted
    lineages = [_lineage(examination, unit) for unit in wanted.place.organizational_units]
    above = {node for lineage in lineages for node in lineage}
    for policy in _policies(examination):
        bound = bound_by(_content(examination, policy["Id"]))
        if not bound:
            continue
        where = f"service control policy {policy['Name']} ({policy['Id']})"
        if str(policy["Name"]).startswith(_CONTROL_TOWER):
            where = f"Control Tower's {where}"
        targets = [
            target
            for target in _targets(examination, policy["Id"])
            if target in above or _is_below(examination, target)
        ]
        if not targets:
            continue
        sure = {what for what, verdict in bound.items() if verdict == "yes"}
        fault = (
            f"{'denies' if sure else 'may deny'} {whom} "
            f"{_shown(sure or set(bound))}, in {', '.join(targets)}"
        )
        everybody = sure and all(set(targets) & set(lineage) for lineage in lineages)
        yield (blocking if everybody else warning)(where, fault, cure)


def _grants(examination: Examination) -> Iterator[Fault]:
    """Each level from the root down must allow: where FullAWSAccess was taken away, a list does."""
    nodes = {
        node
        for unit in examination.wanted.place.organizational_units
        for node in _lineage(examination, unit)
    }
    for node in sorted(nodes):
        attached = examination.listed(
            "ListPoliciesForTarget", "Policies", TargetId=node, Filter=SCP
        )
        contents = [_content(examination, policy["Id"]) for policy in attached]
        missing = [
            action
            for action in (*REGIONAL, *GLOBAL, FORWARDING)
            if contents and not any(allows(content, action) for content in contents)
        ]
        if missing:
            fault = f"no service control policy allows {', '.join(missing)} there"
            yield blocking(node, fault, "allow them, or attach FullAWSAccess")


def _bound(examination: Examination, content: str) -> dict[tuple[str, str], Verdict]:
    """What a policy denies, by action and Region."""
    wanted = examination.wanted
    partition = wanted.partition
    role = f"stacksets-exec-{'0' * 32}"
    if not wanted.service_managed:
        role = wanted.place.access.execution_role or EXECUTION_ROLE
    # Any account: what exempts all of them exempts this one.
    principal = f"arn:{partition}:iam::000000000000:role/{role.lstrip('/')}"
    acts = [(action, region) for region in wanted.rules.regions for action in REGIONAL]
    acts += [(action, LEADERS[partition]) for action in GLOBAL]
    found: dict[tuple[str, str], Verdict] = {}
    for action, region in acts:
        act = Act(action, region, principal, wanted.place.organization_id)
        verdict, _ = denies(content, act)
        if verdict != "no":
            found[action, region] = verdict
    return found


def _shown(bound: set[tuple[str, str]]) -> str:
    by_actions: dict[tuple[str, ...], list[str]] = {}
    for region in sorted({region for _, region in bound}):
        actions = tuple(sorted(action for action, there in bound if there == region))
        by_actions.setdefault(actions, []).append(region)
    return "; ".join(
        f"{', '.join(actions)} in {', '.join(regions)}" for actions, regions in by_actions.items()
    )


def _policies(examination: Examination) -> list[dict[str, str]]:
    return examination.listed("ListPolicies", "Policies", Filter=SCP)


def _content(examination: Examination, policy: str) -> str:
    return str(examination.tree("DescribePolicy", PolicyId=policy)["Policy"]["Content"])


def _targets(examination: Examination, policy: str) -> list[str]:
    found = examination.listed("ListTargetsForPolicy", "Targets", PolicyId=policy)
    return [one["TargetId"] for one in found]


def _lineage(examination: Examination, node: str) -> list[str]:
    steps = [node]
    while not steps[-1].startswith("r-"):
        steps.append(examination.parent(steps[-1]))
    return steps


def _is_below(examination: Examination, target: str) -> bool:
    """Whether a unit or account stands below a unit of the rollout, and is not left out."""
    place = examination.wanted.place
    if target in place.exclude_accounts or target == place.management_account:
        return False  # no service control policy binds the management account
    return bool(set(place.organizational_units) & set(_lineage(examination, target)))


CHECKS = (
    Check("service control policies", "none binds the StackSets' roles", _denials),
    Check("forwarding", "none keeps a forwarder role from putting events", _silencing),
    Check("what is allowed", "every level allows what the StackSets do", _grants),
)
