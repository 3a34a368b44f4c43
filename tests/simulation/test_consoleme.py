"""ConsoleMe's feeds as they are deployed: what gets in, how long it stays, and who may read it.

Its jobs crash on some messages, and never delete others: those must not get there.
"""

from __future__ import annotations

import pytest

from generator.model import Json
from generator.simulation import access
from generator.simulation.authorization import Caller
from generator.simulation.organization import DEFAULT_PLACE

from .conftest import (
    CENTRAL,
    HOME,
    MEMBER,
    OTHER,
    QUEUE,
    RULE,
    Laboratories,
    Laboratory,
    bodies_in,
    event_of,
)
from .consoleme import DENIES, ROLES, decoded

UNREADABLE: list[tuple[str, dict[str, Json]]] = [
    ("another code", {"errorCode": "Client.UnauthorizedOperation"}),
    ("another code that begins alike", {"errorCode": "AccessDeniedException"}),
    ("no failure", {"errorCode": None}),
    ("an IAM user", {"userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/mara"}}),
    ("root", {"userIdentity": {"type": "Root", "accountId": MEMBER}}),
    ("a service", {"userIdentity": {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}}),
    ("nobody", {"userIdentity": None}),
    ("a session without issuer", {"userIdentity": {"sessionContext": {"attributes": {}}}}),
]


@pytest.mark.parametrize("change", [row[1] for row in UNREADABLE], ids=[r[0] for r in UNREADABLE])
def test_denials_that_would_stop_consoleme_do_not_get_there(
    lab: Laboratory, change: dict[str, Json]
) -> None:
    assert lab.send(event_of("consoleme_access_denied")).deliveries
    lying = len(bodies_in(lab.resource(QUEUE, DENIES)))
    lab.send(event_of("consoleme_access_denied", **change))
    assert len(bodies_in(lab.resource(QUEUE, DENIES))) == lying


@pytest.mark.parametrize("parameters", [None, {}, {"roleName": None}, {"policyArn": "arn:x"}])
def test_role_changes_without_a_role_do_not_get_to_consoleme(
    lab: Laboratory, parameters: Json
) -> None:
    given = {"region": HOME, "requestParameters": parameters}
    lab.send(event_of("consoleme_role_changed", **given))
    lying = [decoded(body)["detail"] for body in bodies_in(lab.resource(QUEUE, ROLES))]
    # A field that is null exists, for EventBridge; CloudTrail writes none for a role's name.
    assert [d["requestParameters"] for d in lying] in ([], [{"roleName": None}])


def properties(lab: Laboratory, queue: str) -> dict[str, Json]:
    found: dict[str, Json] = lab.resource(QUEUE, queue).properties
    return found


def test_consoleme_queues_keep_messages_as_long_as_it_can_use_them(lab: Laboratory) -> None:
    assert int(properties(lab, DENIES)["MessageRetentionPeriod"]) == 86_400
    assert int(properties(lab, ROLES)["MessageRetentionPeriod"]) == 4 * 86_400


@pytest.mark.parametrize("name", [DENIES, ROLES])
def test_consoleme_queue_gives_a_run_time_and_a_way_out(lab: Laboratory, name: str) -> None:
    queue = lab.resource(QUEUE, name)
    assert int(queue.properties["VisibilityTimeout"]) >= 300
    redrive = queue.properties["RedrivePolicy"]
    letters = lab.world.inventory.by_arn(redrive["deadLetterTargetArn"])
    assert letters is not None
    assert letters.properties["QueueName"] == f"{name}-dead-letters"
    allowed = letters.properties["RedriveAllowPolicy"]
    assert allowed == {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}


@pytest.mark.parametrize(
    ("rule", "topic", "queue"),
    [
        ("consoleme_access_denied", "consoleme-cloudtrail-access-denies", DENIES),
        ("consoleme_role_changed", "consoleme-cloudtrail-role-events", ROLES),
    ],
)
def test_consoleme_gets_the_whole_event_through_its_topic(
    lab: Laboratory, rule: str, topic: str, queue: str
) -> None:
    [target] = [
        one
        for one in lab.resource(RULE, f"trailbus-{rule}").properties["Targets"]
        if one["Id"].startswith("consoleme-")
    ]
    assert not target.keys() & {"Input", "InputPath", "InputTransformer"}
    assert target["Arn"] == f"arn:aws:sns:{HOME}:{CENTRAL}:{topic}"
    [subscription] = [
        one
        for one in lab.world.inventory.of_type(CENTRAL, HOME, "AWS::SNS::Subscription")
        if one.properties["TopicArn"] == target["Arn"]
    ]
    assert subscription.properties["Endpoint"] == f"arn:aws:sqs:{HOME}:{CENTRAL}:{queue}"
    event = event_of(rule, region=HOME)
    lab.send(event)
    [body] = bodies_in(lab.resource(QUEUE, queue))
    assert decoded(body) == event


def test_outputs_give_the_queue_arns_to_paste(lab: Laboratory) -> None:
    client = lab.cloud.administrator(CENTRAL, HOME).client("cloudformation")
    [stack] = client.describe_stacks(StackName="trailbus-central")["Stacks"]
    values = {output["OutputValue"] for output in stack["Outputs"]}
    assert {f"arn:aws:sqs:{HOME}:{CENTRAL}:{name}" for name in (DENIES, ROLES)} <= values


READER = f"arn:aws:iam::{OTHER}:role/ConsoleMe"


def test_consoleme_in_another_account_reads_with_a_role_of_ours(laboratories: Laboratories) -> None:
    parameters = {"ConsolemeDeniesReader": READER}
    lab = laboratories.at(DEFAULT_PLACE._replace(parameters=parameters))
    role = lab.resource("AWS::IAM::Role", "trailbus-consoleme-denies-reader")
    _, own = lab.member_role(OTHER)
    for arn, may in ((READER, True), (f"{READER}Too", False)):
        caller = Caller.role_session(arn, "cloudaux", organization="o-a1b2c3d4e5")
        assert access.may_assume(lab.world, caller, role, {}, own).allowed is may
    reader, policies = lab.acting(role)
    denies, roles = lab.resource(QUEUE, DENIES), lab.resource(QUEUE, ROLES)
    for action in ("sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage"):
        assert access.allows(lab.world, reader, action, denies.arn, {}, policies).allowed
        assert not access.allows(lab.world, reader, action, roles.arn, {}, policies).allowed
    # A key of ours it could not use: the queues are encrypted by SQS itself.
    for queue in (denies, roles):
        assert queue.properties["SqsManagedSseEnabled"] is True
        assert "KmsMasterKeyId" not in queue.properties
