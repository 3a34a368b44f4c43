"""Everything is taken away again, in order; what holds data stays, and what is not ours."""

from __future__ import annotations

import time
from typing import Any

import pytest
from moto.events.models import events_backends

from generator.deploy.apply import Outcome, Walk, walk
from generator.deploy.preview import preview
from generator.deploy.remains import STACK_ID, artifact_steps, contents, removals
from generator.deploy.teardown import Kept, obstacles, teardown
from generator.deploy.wanted import INSTALLATION
from generator.simulation.cloudformation.stack_sets.faults import SCP_DENY
from tests.simulation.conftest import bundle as built_in

from .organization import AWAY, CENTRAL, HOME, MEMBER, SMALL, THIRD, Company, company, sentences

RULES = "trailbus-member-rules"


def destroyed(it: Company, data: bool = False) -> list[Outcome]:
    """As the command does it."""
    existing = it.look()
    undoing = teardown(it.wanted, existing)
    way = Walk(it.door, it.wanted, it.cloud.pause)
    outcomes = walk(way, undoing.steps)
    if all(outcome.ok for outcome in outcomes):
        left = contents(it.door, it.wanted, undoing.kept)
        outcomes += walk(way, removals(it.door, it.wanted, left, data))
        outcomes += walk(way, artifact_steps(it.door, it.wanted))
    return outcomes


def queues(it: Company) -> set[str]:
    client = it.cloud.administrator(CENTRAL, HOME).client("sqs")
    return {url.rpartition("/")[2] for url in client.list_queues().get("QueueUrls", [])}


MINE = {"managed-by": "trailbus", INSTALLATION: f"trailbus/{CENTRAL}/{HOME}"}
STACK = f"arn:aws:cloudformation:{HOME}:{CENTRAL}:stack/"


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        (MINE, ""),
        ({**MINE, INSTALLATION: f"other/{CENTRAL}/{HOME}"}, "another installation, other/"),
        ({**MINE, INSTALLATION: f"trailbus/{MEMBER}/{HOME}"}, "another installation"),
        ({**MINE, INSTALLATION: f"trailbus/{CENTRAL}/{AWAY}"}, "another installation"),
        ({"managed-by": "trailbus"}, "an earlier release made it"),
        ({"managed-by": "trailbus", STACK_ID: f"{STACK}trailbus-central/1"}, ""),
        ({"managed-by": "trailbus", STACK_ID: f"{STACK}other-central/1"}, "an earlier release"),
        ({"managed-by": "somebody"}, "was not made by trailbus deploy"),
        ({INSTALLATION: MINE[INSTALLATION]}, "was not made by trailbus deploy"),
    ],
)
def test_only_what_is_provably_of_this_installation_goes(tags: dict[str, str], why: str) -> None:
    """Two installations may want queues of one name: ConsoleMe knows its queues by theirs."""
    with company() as it:
        client = it.cloud.administrator(CENTRAL, HOME).client("sqs")
        client.create_queue(QueueName="trailbus-here", tags=tags)
        fill(it, "trailbus-here")
        [found] = contents(it.door, it.wanted, teardown(it.wanted, it.look()).kept)
        assert (why in found.why) if why else found.ours
        destroyed(it, data=True)
        assert queues(it) == ({"trailbus-here"} if why else set())


def test_what_a_live_stack_holds_is_never_touched() -> None:
    with company() as it:
        client = it.cloud.administrator(CENTRAL, HOME).client("cloudformation")
        client.create_stack(
            StackName="theirs",
            TemplateBody='{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": '
            '{"QueueName": "trailbus-here"}}}}',
            Tags=[{"Key": key, "Value": value} for key, value in MINE.items()],
        )
        while client.describe_stacks()["Stacks"][0]["StackStatus"] != "CREATE_COMPLETE":
            it.cloud.pause(5)
        [found] = contents(it.door, it.wanted, teardown(it.wanted, it.look()).kept)
        assert found.why == "it belongs to the stack theirs"
        destroyed(it, data=True)
        assert queues(it) == {"trailbus-here"}


def test_stack_sets_of_another_installation_are_left_alone() -> None:
    with company() as it:
        it.deploy()
        for one in it.look().stack_sets.values():
            assert it.wanted.stranger(one.tags, one.parameters) == ""
            older = {"managed-by": "trailbus"}
            assert it.wanted.stranger(older, one.parameters) == ""
            away = {"CentralBusArn": f"arn:aws:events:{AWAY}:{CENTRAL}:event-bus/trailbus"}
            assert "another installation" in it.wanted.stranger(older, away)
        it.place = SMALL._replace(central_account=MEMBER)
        problems = [str(one) for one in obstacles(it.wanted, it.look())]
        assert any("StackSet trailbus-member-rules: belongs to another" in one for one in problems)


@pytest.mark.parametrize("holds", [True, False])
def test_an_archive_with_events_may_hold_its_bus_or_not(holds: bool) -> None:
    """AWS's documents say both."""
    with company() as it:
        it.cloud.world.archive_holds_bus = holds
        it.deploy()
        archive = events_backends[CENTRAL][HOME].archives["trailbus-archive"]
        archive.events = [{}] * 7
        outcomes = destroyed(it)
        assert all(outcome.ok for outcome in outcomes)
        left = contents(it.door, it.wanted, teardown(it.wanted, it.look()).kept)
        assert [one.kept.name for one in left] == ["trailbus-archive"] + ["trailbus"] * holds
        assert all(one.ours for one in left)
        assert all(outcome.ok for outcome in destroyed(it, data=True))
        assert contents(it.door, it.wanted, teardown(it.wanted, it.look()).kept) == ()
        assert all(outcome.ok for outcome in it.deploy())


def test_a_kept_stream_is_found_and_goes_with_the_data() -> None:
    with company() as it:
        client = it.cloud.administrator(CENTRAL, HOME).client("kinesis")
        client.create_stream(StreamName="trailbus-lake", ShardCount=1)
        client.add_tags_to_stream(StreamName="trailbus-lake", Tags=MINE)
        kept = [Kept("LakeStream", "AWS::Kinesis::Stream", "trailbus-lake")]
        found = contents(it.door, it.wanted, kept)
        assert [one.ours for one in found] == [True]
        assert list(removals(it.door, it.wanted, found, data=False)) == []
        way = Walk(it.door, it.wanted, it.cloud.pause)
        steps = removals(it.door, it.wanted, found, data=True)
        assert all(outcome.ok for outcome in walk(way, steps))
        assert client.list_streams()["StreamNames"] == []


def fill(it: Company, name: str) -> None:
    client = it.cloud.administrator(CENTRAL, HOME).client("sqs")
    url = client.get_queue_url(QueueName=name)["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="an alert that nobody has read")


def test_nothing_is_left_of_an_empty_rollout() -> None:
    with company() as it:
        it.deploy()
        assert all(outcome.ok for outcome in destroyed(it))
        existing = it.look()
        assert not existing.stacks
        assert not existing.stack_sets
        assert queues(it) == set()
        assert teardown(it.wanted, existing).steps == ()


def test_what_was_taken_away_can_be_rolled_out_again() -> None:
    with company() as it:
        it.deploy()
        before = it.resources()
        destroyed(it)
        assert all(outcome.ok for outcome in it.deploy())
        assert it.resources() == before


def test_what_is_kept_is_in_the_way_until_it_is_removed() -> None:
    with company() as it:
        it.deploy()
        fill(it, "trailbus-here")
        destroyed(it)
        [finding] = preview(it.door, it.wanted, it.plan().central, it.cloud.pause).findings
        assert finding.logical_id == "HereQueue"
        destroyed(it, data=True)
        assert all(outcome.ok for outcome in it.deploy())


def test_an_empty_log_goes_and_one_with_something_in_it_stays() -> None:
    with company() as it:
        it.bundle = built_in()
        it.deploy()
        assert all(outcome.ok for outcome in destroyed(it))
        logs = it.cloud.administrator(CENTRAL, HOME).client("logs")
        assert logs.describe_log_groups()["logGroups"] == []
        assert all(outcome.ok for outcome in it.deploy())
        group, *_ = logs.describe_log_groups()["logGroups"]
        name = group["logGroupName"]
        logs.create_log_stream(logGroupName=name, logStreamName="one")
        logs.put_log_events(
            logGroupName=name,
            logStreamName="one",
            logEvents=[{"timestamp": int(time.time() * 1000), "message": "what was done"}],
        )
        destroyed(it)
        assert [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]] == [name]


def test_rules_go_before_roles_and_the_central_stack_last() -> None:
    with company() as it:
        it.deploy()
        order = sentences(destroyed(it))
        first = [next(n for n, s in enumerate(order) if words in s) for words in (
            f"Removing {RULES}", "Removing trailbus-member-roles", f"stack {RULES}",
            "stack trailbus-member-roles", "stack trailbus-central",
        )]  # fmt: skip
        assert first == sorted(first)


def test_queues_with_messages_stay_unless_told() -> None:
    with company() as it:
        it.deploy()
        fill(it, "trailbus-here")
        assert all(outcome.ok for outcome in destroyed(it))
        assert queues(it) == {"trailbus-here"}
        [left] = contents(it.door, it.wanted, teardown(it.wanted, it.look()).kept)
        assert (left.kept.name, left.amount, left.ours) == ("trailbus-here", 1, True)
        assert all(outcome.ok for outcome in destroyed(it, data=True))
        assert queues(it) == set()


def test_a_queue_of_somebody_else_is_never_touched() -> None:
    with company() as it:
        client = it.cloud.administrator(CENTRAL, HOME).client("sqs")
        client.create_queue(QueueName="trailbus-here", tags={"managed-by": "somebody"})
        assert destroyed(it, data=True) == []
        assert queues(it) == {"trailbus-here"}


def test_the_bucket_for_templates_goes_when_it_is_ours() -> None:
    name = f"trailbus-artifacts-{CENTRAL}-{HOME}"
    with company() as it:
        client = it.cloud.administrator(CENTRAL, HOME).client("s3")
        client.create_bucket(Bucket=name)
        client.put_object(Bucket=name, Key="x", Body=b"x")
        destroyed(it)
        assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == [name]
        tags = [{"Key": "managed-by", "Value": "trailbus"}]
        client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
        assert all(outcome.ok for outcome in destroyed(it))
        assert client.list_buckets()["Buckets"] == []


def test_a_cell_that_cannot_be_removed_stops_what_comes_after_it() -> None:
    with company() as it:
        it.deploy()
        faults = it.cloud.cloudformation.stack_sets.faults
        faults.add(SCP_DENY, account=MEMBER, region=AWAY, stack_set=RULES)
        outcomes = destroyed(it)
        assert [(f.account, f.region) for f in outcomes[0].failures] == [(MEMBER, AWAY)]
        assert "StackSetNotEmptyException" in outcomes[-1].reason
        existing = it.look()
        assert {*existing.stack_sets} == {RULES, "trailbus-member-roles"}
        [problem] = obstacles(it.wanted, existing)
        assert f"{MEMBER} {AWAY} is INOPERABLE" in str(problem)
        assert "--retain-stacks" in str(problem)


def test_regions_that_were_left_meanwhile_are_torn_down_too() -> None:
    with company() as it:
        it.deploy()
        it.place = SMALL._replace(regions=(HOME,))
        assert all(outcome.ok for outcome in destroyed(it))
        assert {region for _, region, _, _ in it.resources()} <= {HOME}


def test_stacks_in_suspended_accounts_are_let_go() -> None:
    with company() as it:
        it.deploy()
        it.cloud.world.organization.accounts[THIRD].suspended = True
        assert all(outcome.ok for outcome in destroyed(it))
        assert it.look().stack_sets == {}


@pytest.mark.parametrize("protected", [True, False])
def test_what_is_not_ours_or_protected_is_an_obstacle(protected: bool) -> None:
    with company() as it:
        client = it.cloud.administrator(CENTRAL, HOME).client("cloudformation")
        tags: list[Any] = [{"Key": "managed-by", "Value": "trailbus" if protected else "me"}]
        client.create_stack(
            StackName="trailbus-central",
            TemplateBody='{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}',
            Tags=tags,
            EnableTerminationProtection=protected,
        )
        [problem] = obstacles(it.wanted, it.look())
        words = "is protected" if protected else "was not made by trailbus deploy"
        assert words in str(problem)
