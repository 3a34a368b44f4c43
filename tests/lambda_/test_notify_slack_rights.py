"""notify_slack may do what it does, and nothing else."""

from __future__ import annotations

import json

import pytest

from generator.simulation.web import Response

from . import rendered
from .chat import HOOK
from .conftest import Deploy
from .events import MEMBER, stop
from .rendered import CENTRAL
from .telling import SECRET, site, teller

ARN = "arn:aws:{}:us-east-1:" + CENTRAL + ":{}"
SECRET_ARN = ARN.format("secretsmanager", f"secret:{SECRET}-AbCdEf")


def allowed(**settings: bool) -> set[str]:
    """The actions of the function's role."""
    role = rendered.resource("central.yaml", "SlackRole", site({}, **settings))
    return {
        action
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }


LAMBDAS_OWN = {
    "logs:CreateLogStream", "logs:PutLogEvents", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
}  # fmt: skip
OTHERS = {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"}
"""The statement about the memory table is the same for all that remember."""


def test_it_uses_what_it_is_allowed(deploy: Deploy) -> None:
    with teller(deploy, look_up_accounts=True) as tell:
        tell.aws.names[MEMBER] = "Payments"
        tell(stop())
        tell.chat.says = lambda request: Response(404, "no_service")
        tell(stop(account="444455556666"))
        tell.chat.says = lambda request: Response(400)
        tell(stop(account="444455556666"))
    used = {action for _, action in tell.aws.used}
    # The secret is not under a key of the customer's here, and no parameter is named.
    unused = {"ssm:GetParameter"}

    assert used <= allowed(look_up_accounts=True)
    assert allowed(look_up_accounts=True) - used - LAMBDAS_OWN - OTHERS == unused


def test_accounts_are_looked_up_only_where_the_settings_say_so() -> None:
    assert "organizations:DescribeAccount" not in allowed()
    assert "organizations:DescribeAccount" in allowed(look_up_accounts=True)


@pytest.mark.parametrize(
    ("action", "resource", "may"),
    [
        ("secretsmanager:GetSecretValue", SECRET_ARN, True),
        ("secretsmanager:GetSecretValue", SECRET_ARN.replace("slack", "other"), False),
        ("secretsmanager:GetSecretValue", SECRET_ARN.replace("slack", "slack2"), False),
        ("secretsmanager:PutSecretValue", SECRET_ARN, False),
        ("ssm:GetParameter", ARN.format("ssm", "parameter/trailbus/remediation"), False),
        ("sqs:ChangeMessageVisibility", ARN.format("sqs", "trailbus-slack"), True),
        ("sqs:ChangeMessageVisibility", ARN.format("sqs", "trailbus-slack-critical"), True),
        ("sqs:ChangeMessageVisibility", ARN.format("sqs", "trailbus-trail-guard"), False),
        ("sqs:SendMessage", ARN.format("sqs", "trailbus-slack-dead-letters"), True),
        ("sqs:SendMessage", ARN.format("sqs", "trailbus-slack"), False),
        ("sqs:SendMessage", ARN.format("sqs", "trailbus-undelivered"), False),
        ("sts:AssumeRole", f"arn:aws:iam::{MEMBER}:role/trailbus-restart-cloudtrail-member", False),
    ],
)  # fmt: skip
def test_its_role_reaches_just_its_own_things(
    deploy: Deploy, action: str, resource: str, may: bool
) -> None:
    with teller(deploy) as tell:
        assert tell.aws.may("central", CENTRAL, action, resource).allowed is may


def test_a_named_parameter_is_the_one_it_may_read(deploy: Deploy) -> None:
    with teller(deploy, given={"SlackParameter": "/chat/hook"}) as tell:
        read = "ssm:GetParameter"
        assert tell.aws.may(
            "central", CENTRAL, read, ARN.format("ssm", "parameter/chat/hook")
        ).allowed
        assert not tell.aws.may(
            "central", CENTRAL, read, ARN.format("ssm", "parameter/chat")
        ).allowed


@pytest.mark.parametrize("service", ["secretsmanager", "ssm", "s3"])
def test_keys_are_used_only_through_the_services_of_secrets(deploy: Deploy, service: str) -> None:
    via = {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}
    with teller(deploy) as tell:
        decision = tell.aws.may(
            "central", CENTRAL, "kms:Decrypt", ARN.format("kms", "key/1"), **via
        )
    assert decision.allowed is (service != "s3")


def test_no_template_holds_an_address(deploy: Deploy) -> None:
    environment = rendered.resource("central.yaml", "Slack", site())["Environment"]

    assert HOOK not in json.dumps(environment)
    assert environment["Variables"]["TRAILBUS_SECRET"] == SECRET
