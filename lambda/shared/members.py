"""The account that an event came from, entered through the responder's own role there."""

import os
from typing import Any

from shared.clients import central_client, new_client


def member_role_arn(account: str) -> str:
    """The role that this responder assumes in a member."""
    partition = os.environ["TRAILBUS_PARTITION"]
    return f"arn:{partition}:iam::{account}:role{os.environ['TRAILBUS_MEMBER_ROLE']}"


class Member:
    """One account, for the handling of one notice: its role is assumed once, when first needed."""

    def __init__(self, account: str) -> None:
        self.account = account
        self._credentials: dict[str, str] = {}
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str) -> Any:
        """A client in this account, with credentials that last a quarter of an hour."""
        if (service, region) not in self._clients:
            self._credentials = self._credentials or self._assume()
            client = new_client(service, region_name=region, **self._credentials)
            self._clients[service, region] = client
        return self._clients[service, region]

    def _assume(self) -> dict[str, str]:
        session = central_client("sts").assume_role(
            RoleArn=member_role_arn(self.account),
            RoleSessionName=os.environ["TRAILBUS_TARGET"],
            DurationSeconds=900,
        )
        return {
            "aws_access_key_id": session["Credentials"]["AccessKeyId"],
            "aws_secret_access_key": session["Credentials"]["SecretAccessKey"],
            "aws_session_token": session["Credentials"]["SessionToken"],
        }
