"""What the doctor says of service control policies is what happens in a rollout.

The simulated organization decides by another implementation of the policy language.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from generator import names
from generator.simulation import access
from generator.simulation.authorization import Caller, identity_policy
from tests.deploy.doctor.conftest import HOME, INNER, MANAGEMENT, MEMBER, OUTER, ROOT, Patient

EXEMPT = ["arn:aws:iam::*:role/stacksets-exec-*"]
POLICIES: dict[str, dict[str, Any]] = {
    "everything": {"Action": "*"},
    "rules": {"Action": ["events:Put*", "events:DeleteRule"]},
    "queues": {"Action": "SQS:createqueue"},
    "stacks": {"Action": "cloudformation:CreateStack"},
    "something else": {"Action": "organizations:*"},
    "all but some": {"NotAction": ["events:*", "sqs:*", "cloudformation:*", "iam:*"]},
    "all but too few": {"NotAction": ["events:*", "iam:*"]},
    "a Region": {"Action": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": HOME}}},
    "other Regions": {
        "NotAction": "iam:*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-*"]}},
    },
    "Regions by wildcard": {
        "NotAction": "iam:*",
        "Condition": {"StringNotLike": {"aws:RequestedRegion": ["eu-*", "us-*"]}},
    },
    "all but ours": {"Action": "*", "Condition": {"ArnNotLike": {"aws:PrincipalARN": EXEMPT}}},
    "all but ours, as strings": {
        "Action": "*",
        "Condition": {"StringNotLike": {"aws:PrincipalArn": EXEMPT}},
    },
    "all but one account's": {
        "Action": "*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{MEMBER}:role/*"}},
    },
    "strangers": {
        "Action": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
    },
    "both must hold": {
        "Action": "events:*",
        "Condition": {
            "StringEquals": {"aws:RequestedRegion": HOME},
            "ArnNotLike": {"aws:PrincipalARN": EXEMPT},
        },
    },
}


def failing(patient: Patient) -> set[tuple[str, str]]:
    """The accounts and Regions that a rollout of the rules does not reach."""
    client = patient.client("cloudformation")
    for one in (patient.wanted.roles, patient.wanted.rules):
        client.create_stack_set(
            StackSetName=one.name,
            TemplateBody=patient.bundle.files[one.template],
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in one.parameters.items()
            ],
            Capabilities=["CAPABILITY_NAMED_IAM"],
            PermissionModel="SERVICE_MANAGED",
            AutoDeployment={"Enabled": False},
        )
        client.create_stack_instances(
            StackSetName=one.name,
            DeploymentTargets={"OrganizationalUnitIds": list(patient.place.organizational_units)},
            Regions=list(one.regions),
            OperationPreferences={
                "RegionConcurrencyType": "PARALLEL",
                "MaxConcurrentPercentage": 100,
                "FailureTolerancePercentage": 100,
            },
        )
        patient.cloud.cloudformation.stack_sets.run_to_end()
    failed = set()
    for one in (patient.wanted.roles, patient.wanted.rules):
        for each in client.list_stack_instances(StackSetName=one.name)["Summaries"]:
            if each["Status"] != "CURRENT":
                failed.add((each["Account"], each["Region"]))
    return failed


@pytest.mark.parametrize("target", [ROOT, OUTER, INNER, MEMBER, MANAGEMENT])
@pytest.mark.parametrize("name", POLICIES)
def test_what_is_foretold_happens(name: str, target: str, patient: Patient) -> None:
    statement = {"Effect": "Deny", "Resource": "*", **POLICIES[name]}
    patient.forbid(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), target)
    [found] = patient.check("service control policies")
    failed = failing(patient)
    if name == "all but one account's" and target == MEMBER:
        # The policy spares that account, and is told of all the same: better once too often.
        assert (found.level, failed) == ("warning", set())
        return
    assert (found.level != "ok") == bool(failed), (found, failed)
    for region in patient.wanted.rules.regions:
        assert (region in found.fault) == any(where == region for _, where in failed), found
    if found.level == "blocking":
        members = set(patient.organization.accounts) - {MANAGEMENT}
        for region in {region for _, region in failed}:
            reached = {account for account, where in failed if where == region}
            assert reached >= members - {MEMBER}


FORWARDER = [f"arn:*:iam::*:role/{name}" for name in names.forwarder_roles("trailbus")]
SILENCING: dict[str, tuple[dict[str, Any], bool]] = {
    "PutEvents": ({"Action": "events:PutEvents"}, True),
    "rules alone": ({"Action": "events:PutRule"}, False),
    "resources of others, by a key that EventBridge has not": (
        {
            "Action": "*",
            "Condition": {"StringNotEquals": {"aws:ResourceOrgID": "o-a1b2c3d4e5"}},
        },
        True,
    ),
    "the same, only where the key is": (
        {"Action": "*", "Condition": {"StringEquals": {"aws:ResourceOrgID": "o-zzzzzzzzzz"}}},
        False,
    ),
    "all Regions but the members', StackSets exempted": (
        {
            "NotAction": ["iam:*", "sts:*"],
            "Condition": {
                "StringNotEquals": {"aws:RequestedRegion": "eu-west-1"},
                "ArnNotLike": {"aws:PrincipalArn": EXEMPT},
            },
        },
        True,
    ),
    "the same, the forwarder exempted": (
        {
            "NotAction": ["iam:*", "sts:*"],
            "Condition": {
                "StringNotEquals": {"aws:RequestedRegion": "eu-west-1"},
                "ArnNotLike": {"aws:PrincipalArn": [*EXEMPT, *FORWARDER]},
            },
        },
        False,
    ),
}


@pytest.mark.parametrize("name", SILENCING)
def test_what_would_silence_members_is_foretold_and_happens(name: str, patient: Patient) -> None:
    """The rules are made, and what they forward is denied."""
    given, bites = SILENCING[name]
    statement = {"Effect": "Deny", "Resource": "*", **given}
    patient.forbid(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), ROOT)
    found = patient.check("forwarding")
    assert [one.level for one in found] == (["blocking"] * 2 if bites else ["ok"])
    caller = Caller.role_session(
        f"arn:aws:iam::{MEMBER}:role/trailbus-forwarder", "events", organization="o-a1b2c3d4e5"
    )
    bus = f"arn:aws:events:{HOME}:{MEMBER}:event-bus/trailbus"
    allow = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
    own = identity_policy({"Version": "2012-10-17", "Statement": allow}, "the forwarder's")
    put = access.allows(patient.world, caller, "events:PutEvents", bus, {}, (own,))
    assert put.allowed is not bites, put.because
    if bites:
        wanted = names.forwarder_roles("trailbus")
        assert all(name in one.cure for one, name in zip(found, wanted, strict=True))
