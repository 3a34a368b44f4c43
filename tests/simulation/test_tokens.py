"""Tokens: who may assume which role, by its trust policy and the caller's own policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from generator.model import Json
from generator.simulation.cloud import Cloud, opened
from generator.simulation.edge import Identity
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.world import Resource

from .conftest import CENTRAL, HOME, MEMBER, ROLE, STRANGER

ASKING = f"arn:aws:iam::{CENTRAL}:role/responders/asking"
GOAL = f"arn:aws:iam::{MEMBER}:role/goal"
MAY = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


def made(arn: str, trust: Json, *statements: Json) -> Resource:
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    properties = {
        "RoleName": name,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [{"PolicyName": "own", "PolicyDocument": document}] if statements else [],
    }
    return Resource(ROLE, name, name, account, HOME, properties, {"Arn": arn})


def trust(principal: Json = f"arn:aws:iam::{CENTRAL}:root", **conditions: Json) -> Json:
    statement = {
        "Effect": "Allow",
        "Principal": principal if isinstance(principal, dict) else {"AWS": principal},
        "Action": "sts:AssumeRole",
    }
    return {**statement, "Condition": conditions} if conditions else statement


LAMBDA = trust({"Service": "lambda.amazonaws.com"})


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """An organization in which nothing is deployed."""
    with opened(world_of(DEFAULT_PLACE, 5)) as made_cloud:
        yield made_cloud


def assumed(cloud: Cloud, *roles: Resource, arn: str = GOAL, **parameters: str) -> Any:
    """The answer to a function of the asking role that assumes another."""
    for role in roles:
        cloud.world.inventory.add(role)
    try:
        who = f"arn:aws:sts::{CENTRAL}:assumed-role/asking/function"
        identity = Identity(CENTRAL, who, role=ASKING, session="function", checked=True)
        client = cloud.edge.session(identity, HOME).client("sts")
        given = {"RoleArn": arn, "RoleSessionName": "session", **parameters}
        return client.assume_role(**given)
    finally:
        for role in roles:
            cloud.world.inventory.remove(role)


ASKS = made(ASKING, LAMBDA, MAY)
EXTERNAL = {"StringEquals": {"sts:ExternalId": "secret"}}
BY_NAME = {"ArnEquals": {"aws:PrincipalArn": ASKING}}
ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
LETS_IN: list[tuple[str, Json, dict[str, str]]] = [
    ("the account", trust(), {}),
    ("the account by its number", trust(CENTRAL), {}),
    ("the role by its name", trust(**BY_NAME), {}),
    ("the role itself", trust(ASKING), {}),
    ("the organization", trust("*", **ORGANIZATION), {}),
    ("an external id", trust(**EXTERNAL), {"ExternalId": "secret"}),
    ("an external id that nobody asked for", trust(), {"ExternalId": "whatever"}),
    ("the session's name", trust(StringLike={"sts:RoleSessionName": "sess*"}), {}),
]


@pytest.mark.parametrize(
    ("statement", "parameters"), [row[1:] for row in LETS_IN], ids=[row[0] for row in LETS_IN]
)
def test_trust_lets_in(cloud: Cloud, statement: Json, parameters: dict[str, str]) -> None:
    answer = assumed(cloud, ASKS, made(GOAL, statement), **parameters)
    who = f"arn:aws:sts::{MEMBER}:assumed-role/goal/session"
    assert answer["AssumedRoleUser"]["Arn"] == who
    identity = cloud.edge.identity(answer["Credentials"]["AccessKeyId"])
    assert identity == Identity(MEMBER, who, role=GOAL, session="session", checked=True)


KEEPS_OUT: list[tuple[str, list[Resource], dict[str, str]]] = [
    ("another account is trusted", [ASKS, made(GOAL, trust(STRANGER))], {}),
    ("a service is trusted", [ASKS, made(GOAL, LAMBDA)], {}),
    (
        "another role of the account is trusted",
        [ASKS, made(GOAL, trust(ArnEquals={"aws:PrincipalArn": f"{ASKING}-too"}))],
        {},
    ),
    (
        "another organization is trusted",
        [ASKS, made(GOAL, trust("*", StringEquals={"aws:PrincipalOrgID": "o-zzzzzzzzzz"}))],
        {},
    ),
    ("no external id is given", [ASKS, made(GOAL, trust(**EXTERNAL))], {}),
    ("another is given", [ASKS, made(GOAL, trust(**EXTERNAL))], {"ExternalId": "guessed"}),
    (
        "another session name",
        [ASKS, made(GOAL, trust(StringEquals={"sts:RoleSessionName": "other"}))],
        {},
    ),
    ("the caller's own policies say nothing", [made(ASKING, LAMBDA), made(GOAL, trust())], {}),
    (
        "the caller's own policies name another role",
        [made(ASKING, LAMBDA, {**MAY, "Resource": f"{GOAL}-too"}), made(GOAL, trust())],
        {},
    ),
    (
        "the caller's own policies deny it",
        [made(ASKING, LAMBDA, MAY, {**MAY, "Effect": "Deny"}), made(GOAL, trust())],
        {},
    ),
    ("there is no such role", [ASKS], {}),
    ("the caller's role is gone", [made(GOAL, trust())], {}),
]


@pytest.mark.parametrize(
    ("roles", "parameters"), [row[1:] for row in KEEPS_OUT], ids=[row[0] for row in KEEPS_OUT]
)
def test_others_are_kept_out_in_the_words_of_aws(
    cloud: Cloud, roles: list[Resource], parameters: dict[str, str]
) -> None:
    with pytest.raises(ClientError) as caught:
        assumed(cloud, *roles, **parameters)
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDenied"
    assert error["Message"].startswith(
        f"User: arn:aws:sts::{CENTRAL}:assumed-role/asking/function is not authorized to perform: "
        f"sts:AssumeRole on resource: {GOAL}"
    )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_everybody_is_told_who_they_are(cloud: Cloud) -> None:
    answer = cloud.administrator(MEMBER, HOME).client("sts").get_caller_identity()
    assert (answer["Account"], answer["Arn"]) == (
        MEMBER,
        f"arn:aws:iam::{MEMBER}:role/Administrator",
    )


def test_session_of_an_administrator_is_not_asked_for_policies(cloud: Cloud) -> None:
    client = cloud.administrator(CENTRAL, HOME).client("sts")
    answer = client.assume_role(RoleArn=GOAL, RoleSessionName="session")
    identity = cloud.edge.identity(answer["Credentials"]["AccessKeyId"])
    assert identity is not None
    assert not identity.checked
