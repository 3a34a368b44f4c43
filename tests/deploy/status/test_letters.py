"""Dead letters in status: counted where somebody lets us in, and told where nobody does."""

from __future__ import annotations

from generator.deploy import aws
from generator.deploy.aws import Door
from generator.deploy.status import look
from generator.deploy.status.document import document
from generator.deploy.status.letters import NO_WAY
from tests.deploy.status.asking import WANTED
from tests.simulation.conftest import AWAY, CENTRAL, HOME, MANAGEMENT, MEMBER, OTHER, Laboratory


def drop(lab: Laboratory, account: str, region: str, queue: str = "trailbus-unforwarded") -> None:
    """Leaves two dead letters."""
    sqs = lab.cloud.administrator(account, region).client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    for number in range(2):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))


def test_the_own_accounts_are_read_and_the_members_honestly_not(lab: Laboratory) -> None:
    drop(lab, MANAGEMENT, AWAY)
    drop(lab, CENTRAL, HOME, "trailbus-undelivered")
    drop(lab, MEMBER, AWAY)
    coverage, post = look(lab.cloud.door(lab.place), WANTED, letters=True, pause=lab.cloud.pause)
    assert post is not None
    assert [(one.account, one.region, one.waiting) for one in post.letters] == [
        (CENTRAL, HOME, 2),
        (MANAGEMENT, AWAY, 2),
    ]
    assert post.looked == 1 + 2 * 3
    assert post.unread == {"the dead letters of 3 members": NO_WAY}
    assert not post.good
    assert coverage.good
    assert document(coverage, post)["green"] is False


def test_a_role_in_the_members_opens_theirs(lab: Laboratory) -> None:
    drop(lab, MEMBER, AWAY)

    def enter(account: str) -> Door:
        if account == OTHER:
            raise aws.Refused("management", HOME, "AssumeRole", "AccessDenied", "no")
        return aws.inside(door, HOME, "OrganizationAccountAccessRole", account)

    door = lab.cloud.door(lab.place)
    _, post = look(door, WANTED, letters=True, enter=enter, pause=lab.cloud.pause)
    assert post is not None
    assert [(one.account, one.region, one.waiting) for one in post.letters] == [(MEMBER, AWAY, 2)]
    assert list(post.unread) == [f"the dead letters of {OTHER}"]
    assert "AccessDenied" in post.unread[f"the dead letters of {OTHER}"]
