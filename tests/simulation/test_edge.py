"""The edge: every call ends inside this process, and the user's settings have no say."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError

from generator.simulation.cloud import Cloud, opened
from generator.simulation.edge import Identity, Made
from generator.simulation.organization import DEFAULT_PLACE, world_of
from generator.simulation.world import ServiceError

from .conftest import AWAY, HOME, MEMBER, OTHER

SETTINGS = {
    "AWS_PROFILE": "nobody",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9",
    "AWS_REGION": "mars-1",
    "AWS_DEFAULT_REGION": "mars-1",
    "AWS_ACCESS_KEY_ID": "AKIAREALEXAMPLE00000",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_MAX_ATTEMPTS": "7",
    "AWS_USE_FIPS_ENDPOINT": "true",
}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """An organization in which nothing is deployed."""
    with opened(world_of(DEFAULT_PLACE, 5)) as made:
        yield made


class Grumpy:
    """A service that refuses everything, and counts."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.asked = 0

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Identity, region: str
    ) -> dict[str, Any]:
        self.asked += 1
        raise self.error


# --- The user's settings


@pytest.mark.parametrize("crash", [False, True], ids=["done", "crashed"])
def test_settings_of_the_user_are_out_of_sight_and_back_afterwards(
    monkeypatch: pytest.MonkeyPatch, crash: bool
) -> None:
    for key, value in SETTINGS.items():
        monkeypatch.setenv(key, value)
    before = dict(os.environ)
    try:
        with opened(world_of(DEFAULT_PLACE, 5)) as cloud:
            assert not SETTINGS.keys() & {
                key for key, value in os.environ.items() if SETTINGS.get(key) == value
            }
            queue = cloud.administrator(MEMBER, AWAY).client("sqs").create_queue(QueueName="q")
            assert f".{AWAY}." in queue["QueueUrl"]
            os.environ["AWS_LEFT_BEHIND"] = "x"
            if crash:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert crash
    assert dict(os.environ) == before


def test_broken_configuration_files_of_the_user_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):
        (tmp_path / ".aws" / name).write_text("[broken", "utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    with opened(world_of(DEFAULT_PLACE, 5)) as cloud:
        cloud.administrator(MEMBER, AWAY).client("sts").get_caller_identity()


# --- Answers


def test_refusal_of_a_service_is_a_client_error_asked_once(cloud: Cloud) -> None:
    grumpy = Grumpy(ServiceError("ThrottlingException", "Rate exceeded", 429))
    vars(cloud.edge)["services"] = {**cloud.edge.services, "ec2": grumpy}
    session = cloud.administrator(MEMBER, AWAY)
    with pytest.raises(ClientError) as caught:
        session.client("ec2").describe_instances()
    assert caught.value.response["Error"] == {
        "Code": "ThrottlingException",
        "Message": "Rate exceeded",
    }
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert grumpy.asked == 1
    identity = Identity(MEMBER, f"arn:aws:iam::{MEMBER}:role/Administrator")
    assert cloud.edge.calls == [
        Made(identity, "ec2", "DescribeInstances", AWAY, "ThrottlingException")
    ]
    cloud.edge.check_for_faults()


def test_fault_of_a_service_is_told_even_when_the_caller_swallows_it(cloud: Cloud) -> None:
    vars(cloud.edge)["services"] = {**cloud.edge.services, "ec2": Grumpy(KeyError("ours"))}
    with pytest.raises(KeyError):
        cloud.administrator(MEMBER, AWAY).client("ec2").describe_instances()
    with pytest.raises(KeyError, match="ours"):
        cloud.edge.check_for_faults()


def test_call_that_nobody_answers_reaches_no_network(cloud: Cloud) -> None:
    session = cloud.administrator(MEMBER, AWAY)
    client = session.client("sqs", endpoint_url="https://queues.example.org")
    with pytest.raises(AssertionError, match="nobody in the simulation answers https://queues"):
        client.list_queues()
    with pytest.raises(AssertionError, match="failed to answer sqs ListQueues"):
        cloud.edge.check_for_faults()


def test_request_that_awss_model_forbids_is_no_call(cloud: Cloud) -> None:
    client = cloud.administrator(MEMBER, AWAY).client("sqs")
    with pytest.raises(ParamValidationError):
        client.create_queue(Name="q")
    assert cloud.edge.calls == []


def test_every_account_and_region_has_its_own_things(cloud: Cloud) -> None:
    places = [(MEMBER, AWAY), (MEMBER, HOME), (OTHER, AWAY)]
    for account, region in places:
        client = cloud.administrator(account, region).client("sqs")
        assert "QueueUrls" not in client.list_queues()
        client.create_queue(QueueName="same")
    assert [(made.caller.account, made.region, made.outcome) for made in cloud.edge.calls] == [
        (account, region, "ok") for account, region in places for _ in (1, 2)
    ]


def test_credentials_that_nobody_was_given_are_a_fault(cloud: Cloud) -> None:
    session = cloud.administrator(MEMBER, AWAY)
    client = session.client("sts", aws_access_key_id="AKIAOTHER", aws_secret_access_key="x")
    with pytest.raises(AssertionError, match="gave nobody"):
        client.get_caller_identity()


def test_default_session_of_the_process_is_left_alone() -> None:
    before = boto3.DEFAULT_SESSION
    with opened(world_of(DEFAULT_PLACE, 5)):
        pass
    assert boto3.DEFAULT_SESSION is before
