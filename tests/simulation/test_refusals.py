"""Refusals on order: for whom, of what, how often, and that boto3 sees AWS's own error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from generator.simulation.cloud import Cloud, opened
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.principals import PAGE
from tests.simulation.conftest import CENTRAL, HOME, MANAGEMENT


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with opened(world_of(DEFAULT_PLACE, 5)) as made:
        yield made


def code(cloud: Cloud, account: str = MANAGEMENT, service: str = "organizations") -> str:
    """What comes of a call of that account: "ok" or the error's code."""
    client = cloud.administrator(account, HOME).client(service)
    try:
        client.list_roots() if service == "organizations" else client.list_queues()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


def test_only_what_is_meant_is_refused(cloud: Cloud) -> None:
    cloud.refusals.add("sqs", "ListQueues", account=CENTRAL)
    assert code(cloud) == "ok"
    assert code(cloud, MANAGEMENT, "sqs") == "ok"
    assert code(cloud, CENTRAL, "sqs") == "AccessDenied"
    cloud.refusals.clear()
    assert code(cloud, CENTRAL, "sqs") == "ok"


def test_a_refusal_can_be_for_some_times(cloud: Cloud) -> None:
    cloud.refusals.add("organizations", code="Throttling", times=2)
    assert [code(cloud) for _ in range(3)] == ["Throttling", "Throttling", "ok"]


def test_the_message_names_who_and_what(cloud: Cloud) -> None:
    cloud.refusals.add()
    with pytest.raises(ClientError, match=r"User: arn:aws:iam::1{12}:role/Administrator is not "
                       "authorized to perform: sqs:ListQueues"):  # fmt: skip
        cloud.administrator(MANAGEMENT, HOME).client("sqs").list_queues()


def test_a_session_expires_everywhere_at_once(cloud: Cloud) -> None:
    cloud.refusals.add(code="ExpiredToken")
    assert {code(cloud), code(cloud, CENTRAL, "sqs")} == {"ExpiredToken"}


def test_iam_foretells_what_is_refused(cloud: Cloud) -> None:
    cloud.refusals.add("sqs", "CreateQueue", account=MANAGEMENT)
    for account, decision in ((MANAGEMENT, "implicitDeny"), (CENTRAL, "allowed")):
        answer = (
            cloud.administrator(account, HOME)
            .client("iam")
            .simulate_principal_policy(
                PolicySourceArn=f"arn:aws:iam::{account}:role/Administrator",
                ActionNames=["sqs:CreateQueue", "sqs:DeleteQueue"],
            )
        )
        found = {one["EvalActionName"]: one["EvalDecision"] for one in answer["EvaluationResults"]}
        assert found == {"sqs:CreateQueue": decision, "sqs:DeleteQueue": "allowed"}


def test_iam_answers_in_pages(cloud: Cloud) -> None:
    client = cloud.administrator(MANAGEMENT, HOME).client("iam")
    names = [f"sqs:Operation{number}" for number in range(PAGE + 1)]
    source = f"arn:aws:iam::{MANAGEMENT}:role/Administrator"
    first = client.simulate_principal_policy(PolicySourceArn=source, ActionNames=names)
    assert first["IsTruncated"]
    rest = client.simulate_principal_policy(
        PolicySourceArn=source, ActionNames=names, Marker=first["Marker"]
    )
    assert [one["EvalActionName"] for one in rest["EvaluationResults"]] == names[PAGE:]


def test_the_rest_of_iam_is_still_answered(cloud: Cloud) -> None:
    client = cloud.administrator(MANAGEMENT, HOME).client("iam")
    assert client.list_roles()["Roles"] == []


def test_a_region_without_tokens_says_so(cloud: Cloud) -> None:
    cloud.world.without_tokens.add((MANAGEMENT, "eu-west-1"))
    session = cloud.administrator(MANAGEMENT, HOME)
    assert session.client("sts", region_name=HOME).get_caller_identity()["Account"] == MANAGEMENT
    with pytest.raises(ClientError) as caught:
        session.client("sts", region_name="eu-west-1").get_caller_identity()
    assert caught.value.response["Error"]["Code"] == "RegionDisabledException"
