"""Self-managed StackSets: accounts are named, and roles let them in."""

from __future__ import annotations

import json

import pytest
from moto.iam.models import iam_backends
from moto.sqs.models import sqs_backends

from generator.simulation.world import ServiceError

from ..ask import (
    CENTRAL,
    MANAGEMENT,
    REGIONS,
    Asking,
    member,
    queue,
    template,
)

BODY = template({"Letters": queue()})
FIRST = REGIONS[:1]


def queues(account: str) -> set[str]:
    return set(sqs_backends[account][REGIONS[0]].queues)


def test_self_managed_sets_need_their_two_roles(ask: Asking) -> None:
    ask("CreateStackSet", StackSetName="own", TemplateBody=BODY)
    request = {"Accounts": [MANAGEMENT, member(0)], "Regions": list(FIRST)}
    preferences = {"FailureToleranceCount": 5, "MaxConcurrentCount": 2}

    def attempt() -> dict[str, str]:
        operation = ask.begin(
            "CreateStackInstances", "own", **request, OperationPreferences=preferences
        )
        ask.ended(operation, "own")
        return {
            account: each.get("StatusReason", "")
            for (account, _), each in ask.results(operation, "own").items()
        }

    needed = "should have 'AWSCloudFormationStackSetAdministrationRole' role"
    assert all(needed in reason for reason in attempt().values())
    make_role(
        MANAGEMENT,
        "AWSCloudFormationStackSetAdministrationRole",
        {"Service": "cloudformation.amazonaws.com"},
    )
    needed = "should have 'AWSCloudFormationStackSetExecutionRole' role"
    assert all(needed in reason for reason in attempt().values())
    for account in (MANAGEMENT, member(0)):
        make_role(account, "AWSCloudFormationStackSetExecutionRole", {"AWS": MANAGEMENT})
    assert set(attempt().values()) == {""}
    assert queues(MANAGEMENT) == queues(member(0)) == {"letters"}


def make_role(account: str, name: str, principal: dict[str, str]) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam_backends[account]["aws"].create_role(name, document, "/", None, "", [], "3600")


def test_self_managed_sets_know_no_units(ask: Asking) -> None:
    ask("CreateStackSet", StackSetName="own", TemplateBody=BODY)
    with pytest.raises(ServiceError, match="can only have accounts as target"):
        ask.rollout("own")
    with pytest.raises(ServiceError, match="service managed stack sets only"):
        ask(
            "CreateStackSet",
            StackSetName="other",
            TemplateBody=BODY,
            AutoDeployment={"Enabled": True},
        )


def test_an_instance_that_is_named_has_to_exist(ask: Asking) -> None:
    ask("CreateStackSet", StackSetName="own", TemplateBody=BODY)
    with pytest.raises(ServiceError) as caught:
        ask.begin("UpdateStackInstances", "own", Accounts=[CENTRAL], Regions=list(FIRST))
    assert caught.value.code == "StackInstanceNotFoundException"
