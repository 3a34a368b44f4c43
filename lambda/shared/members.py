"""Clients in the account that an event came from, through the responder's own role there."""

import os
from functools import lru_cache
from typing import Any

import boto3


def member_role_arn(account: str) -> str:
    """The role that this responder assumes in a member."""
    partition = os.environ["TRAILBUS_PARTITION"]
    return f"arn:{partition}:iam::{account}:role{os.environ['TRAILBUS_MEMBER_ROLE']}"


@lru_cache(maxsize=1)
def _sts() -> Any:
    return boto3.client("sts")


def client_in(account: str, region: str, service: str) -> Any:
    """A client in a member, with credentials that last a quarter of an hour."""
    session = _sts().assume_role(
        RoleArn=member_role_arn(account),
        RoleSessionName=os.environ["TRAILBUS_TARGET"],
        DurationSeconds=900,
    )
    credentials = session["Credentials"]
    return boto3.client(
        service,
        region_name=region,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
