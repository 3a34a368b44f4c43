"""Short ways to ask the questions that the tests of authorization ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.simulation.authorization import (
    Caller,
    Decision,
    Policies,
    Policy,
    Request,
    decide,
    identity_policy,
    resource_policy,
    trust_policy,
)
from generator.simulation.authorization.context import Given

ORGANIZATION = "o-a1b2c3d4e5"
OU = "o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/"
MEMBER = "111122223333"
CENTRAL = "222222222222"

FORWARDER = f"arn:aws:iam::{MEMBER}:role/trailbus/forwarder"
RESPONDER = f"arn:aws:iam::{CENTRAL}:role/trailbus-restart-cloudtrail"
MEMBER_ROLE = f"arn:aws:iam::{MEMBER}:role/trailbus-restart-cloudtrail"
BUS = f"arn:aws:events:us-east-1:{CENTRAL}:event-bus/trailbus"
QUEUE = f"arn:aws:sqs:us-east-1:{CENTRAL}:denies"
KEY = f"arn:aws:kms:us-east-1:{CENTRAL}:key/0f0f0f0f-1111-2222-3333-444444444444"
RULE = f"arn:aws:events:us-east-1:{CENTRAL}:rule/trailbus/denies"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{MEMBER}:trail/main"
BUCKET = "arn:aws:s3:::trailbus-logs"

EVENTS = Caller.aws_service("events.amazonaws.com")
FORWARDER_SESSION = Caller.role_session(
    FORWARDER, "EventBridge", organization=ORGANIZATION, org_path=OU
)
RESPONDER_SESSION = Caller.role_session(RESPONDER, "restart", organization=ORGANIZATION)

Json = dict[str, Any]


def document(*statements: Mapping[str, Any], version: str = "2012-10-17") -> Json:
    """A policy document of these statements."""
    return {"Version": version, "Statement": [dict(statement) for statement in statements]}


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> Json:
    """A statement of an identity policy."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> Json:
    """A statement of an identity policy that denies."""
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def identity(*statements: Mapping[str, Any], place: str = "role policy") -> Policy:
    """An identity policy of these statements."""
    return identity_policy(document(*statements), place)


def on(*statements: Mapping[str, Any], place: str = "resource policy") -> Policy:
    """A resource policy of these statements."""
    return resource_policy(document(*statements), place)


def trust(*statements: Mapping[str, Any], place: str = "trust policy") -> Policy:
    """A trust policy of these statements."""
    return trust_policy(document(*statements), place)


def condition_holds(
    condition: Mapping[str, Any],
    context: Mapping[str, Given],
    caller: Caller = EVENTS,
    version: str = "2012-10-17",
) -> bool:
    """Whether a statement with this Condition applies to a request with this context."""
    return ask_condition(condition, context, caller, version).allowed


def ask_condition(
    condition: Mapping[str, Any],
    context: Mapping[str, Given],
    caller: Caller = EVENTS,
    version: str = "2012-10-17",
) -> Decision:
    """The decision about a request with this context, by one statement with this Condition.

    The queue belongs to neither account that callers come from: identity policies cannot open it.
    """
    elsewhere = "arn:aws:sqs:us-east-1:333333333333:denies"
    statement = {
        "Sid": "OnlyThen",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": elsewhere,
        "Condition": condition,
    }
    policy = resource_policy(document(statement, version=version), "queue policy")
    policies = Policies(resource=policy)
    if caller.account:
        policies = Policies((identity(allow("*")),), resource=policy)
    return decide(Request(caller, "sqs:SendMessage", elsewhere, context), policies)
