"""Operations: their order, their pace, their tolerance, and what happens to a second one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from generator.simulation.cloudformation import CloudFormation
from generator.simulation.world import ServiceError, World

from ..ask import EVERYWHERE, MANAGEMENT, REGIONS, ROOT, Asking, member, queue, template

BODY = template({"Letters": queue()})
TARGETS: dict[str, Any] = {
    "DeploymentTargets": {"OrganizationalUnitIds": [ROOT]},
    "Regions": list(REGIONS),
}


def begun(ask: Asking, **preferences: Any) -> str:
    return ask.begin("CreateStackInstances", **TARGETS, OperationPreferences=preferences)


def order(world: World) -> list[tuple[str, str]]:
    """Accounts and Regions in the order in which their queues were made."""
    return [(made.account, made.region) for made in world.inventory.everywhere()]


def test_by_default_one_account_follows_the_other_region_by_region(
    ask: Asking, world: World
) -> None:
    ask.create_set(BODY)
    operation = begun(ask)
    seen = []
    while True:
        statuses = Counter(ask.statuses().values())
        seen.append(statuses["SUCCEEDED"])
        assert statuses["RUNNING"] <= 1
        if statuses["SUCCEEDED"] == 12:
            break
    assert seen == list(range(13))
    assert ask.ended(operation)["Status"] == "SUCCEEDED"
    assert [region for _, region in order(world)] == [r for r in REGIONS for _ in range(4)]


def test_regions_follow_the_order_that_was_asked_for(ask: Asking, world: World) -> None:
    ask.create_set(BODY)
    ask.ended(begun(ask, RegionOrder=[REGIONS[2], REGIONS[0]]))
    expected = [REGIONS[2], REGIONS[0], REGIONS[1]]
    assert [region for _, region in order(world)] == [r for r in expected for _ in range(4)]


def test_parallel_regions_go_together(ask: Asking) -> None:
    ask.create_set(BODY)
    begun(ask, RegionConcurrencyType="PARALLEL", MaxConcurrentCount=2, FailureToleranceCount=1)
    running = [key for key, status in ask.statuses().items() if status == "RUNNING"]
    assert Counter(region for _, region in running) == dict.fromkeys(REGIONS, 2)


@pytest.mark.parametrize(
    ("preferences", "at_once"),
    [
        ({"MaxConcurrentCount": 3}, 1),
        ({"MaxConcurrentCount": 3, "FailureToleranceCount": 1}, 2),
        ({"MaxConcurrentCount": 3, "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"}, 3),
        ({"MaxConcurrentPercentage": 50, "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"}, 2),
        ({"MaxConcurrentPercentage": 10, "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"}, 1),
        ({"MaxConcurrentPercentage": 100, "FailureTolerancePercentage": 100}, 4),
    ],
    ids=["strict", "strict with tolerance", "soft", "half", "at least one", "all"],
)
def test_concurrency(ask: Asking, preferences: dict[str, Any], at_once: int) -> None:
    ask.create_set(BODY)
    begun(ask, **preferences)
    assert Counter(ask.statuses().values())["RUNNING"] == at_once


def test_the_pace_bounds_what_begins_with_each_look(world: World) -> None:
    cloudformation = CloudFormation(world, pace=5)
    cloudformation.stack_sets.activate()
    ask = Asking(cloudformation, MANAGEMENT, REGIONS[0])
    ask.create_set(BODY)
    begun(ask, **EVERYWHERE)
    seen = [Counter(ask.statuses().values())["SUCCEEDED"] for _ in range(4)]
    assert seen == [0, 5, 10, 12]


def test_beyond_the_tolerance_the_rest_is_cancelled(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.service.stack_sets.faults.add("broken", region=REGIONS[1])
    operation = ask.ended(begun(ask, FailureToleranceCount=1))
    assert operation["Status"] == "FAILED"
    assert operation["StatusDetails"] == {"FailedStackInstancesCount": 2}
    by_region: dict[str, Counter[str]] = {}
    for (_, region), status in ask.statuses().items():
        by_region.setdefault(region, Counter())[status] += 1
    assert by_region == {
        REGIONS[0]: {"SUCCEEDED": 4},
        REGIONS[1]: {"FAILED": 2, "CANCELLED": 2},
        REGIONS[2]: {"CANCELLED": 4},
    }
    reasons = {each.get("StatusReason") for each in ask.instances().values()}
    assert reasons == {None, "broken", "Cancelled since failure tolerance has exceeded"}
    assert {each["Status"] for each in ask.instances().values()} == {"CURRENT", "OUTDATED"}


def test_parallel_regions_stop_on_their_own(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.service.stack_sets.faults.add("broken", region=REGIONS[1])
    operation = ask.ended(begun(ask, RegionConcurrencyType="PARALLEL"))
    assert operation["Status"] == "FAILED"
    statuses = Counter(ask.statuses().values())
    assert statuses == {"SUCCEEDED": 8, "FAILED": 1, "CANCELLED": 3}


def test_a_percentage_of_tolerance_is_rounded_down(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.service.stack_sets.faults.add("broken", account=member(0))
    # 20 % of four accounts is none.
    assert ask.ended(begun(ask, FailureTolerancePercentage=20))["Status"] == "FAILED"


def test_an_operation_can_succeed_with_failed_instances(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.service.stack_sets.faults.add("broken in {account} {region}", account=member(0))
    operation = ask.ended(begun(ask, **EVERYWHERE))
    assert operation["Status"] == "SUCCEEDED"
    assert operation["StatusDetails"] == {"FailedStackInstancesCount": 3}
    reason = ask.instances()[member(0), REGIONS[1]]["StatusReason"]
    assert reason == f"broken in {member(0)} {REGIONS[1]}"


def test_faults_can_be_told_to_end(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.service.stack_sets.faults.add("Rate exceeded", times=5)
    assert ask.ended(begun(ask, **EVERYWHERE))["StatusDetails"]["FailedStackInstancesCount"] == 5
    assert ask.ended(begun(ask, **EVERYWHERE))["StatusDetails"]["FailedStackInstancesCount"] == 0
    ask.service.stack_sets.faults.add("no", stack_set="another")
    assert ask.ended(begun(ask, **EVERYWHERE))["StatusDetails"]["FailedStackInstancesCount"] == 0


def test_a_second_operation_is_refused_while_one_runs(ask: Asking) -> None:
    ask.create_set(BODY)
    first = begun(ask)
    for operation, request in (
        ("CreateStackInstances", TARGETS),
        ("UpdateStackInstances", TARGETS),
        ("DeleteStackInstances", {**TARGETS, "RetainStacks": False}),
        ("UpdateStackSet", {"UsePreviousTemplate": True}),
        ("DetectStackSetDrift", {}),
    ):
        with pytest.raises(ServiceError) as caught:
            ask.begin(operation, **request)
        assert caught.value.code == "OperationInProgressException"
        assert first in caught.value.message
    with pytest.raises(ServiceError):
        ask("DeleteStackSet", StackSetName="it")


def test_managed_execution_lets_it_wait(ask: Asking) -> None:
    ask.create_set(BODY, ManagedExecution={"Active": True})
    first = begun(ask)
    second = ask.begin("UpdateStackSet", TemplateBody=template({"Letters": queue(DelaySeconds=1)}))
    third = ask.begin("DeleteStackInstances", **TARGETS, RetainStacks=False)
    listed = ask("ListStackSetOperations", StackSetName="it")["Summaries"]
    assert [(one["OperationId"], one["Status"]) for one in listed] == [
        (third, "QUEUED"),
        (second, "QUEUED"),
        (first, "RUNNING"),
    ]
    with pytest.raises(ServiceError, match="ManagedExecution cannot be changed"):
        ask.begin("UpdateStackSet", UsePreviousTemplate=True, ManagedExecution={"Active": False})
    ends = [ask.ended(operation)["Status"] for operation in (first, second, third)]
    assert ends == ["SUCCEEDED"] * 3
    assert ask.instances() == {}


def test_an_operation_id_is_used_once(ask: Asking) -> None:
    ask.create_set(BODY)
    ask.ended(ask.begin("CreateStackInstances", **TARGETS, OperationId="mine"))
    with pytest.raises(ServiceError) as caught:
        ask.begin("CreateStackInstances", **TARGETS, OperationId="mine")
    assert caught.value.code == "OperationIdAlreadyExistsException"


def test_a_stopped_operation_cancels_what_has_not_begun(ask: Asking) -> None:
    ask.create_set(BODY)
    operation = begun(ask)
    ask("DescribeStackSetOperation", StackSetName="it", OperationId=operation)
    ask("StopStackSetOperation", StackSetName="it", OperationId=operation)
    assert ask.ended(operation)["Status"] == "STOPPED"
    statuses = Counter(ask.statuses().values())
    assert statuses == {"SUCCEEDED": 2, "CANCELLED": 10}
    with pytest.raises(ServiceError) as caught:
        ask("StopStackSetOperation", StackSetName="it", OperationId=operation)
    assert caught.value.code == "InvalidOperationException"


def test_an_operation_that_nobody_began_is_not_found(ask: Asking) -> None:
    ask.create_set(BODY)
    with pytest.raises(ServiceError) as caught:
        ask("DescribeStackSetOperation", StackSetName="it", OperationId="none")
    assert caught.value.code == "OperationNotFoundException"


def test_an_operation_over_nobody_succeeds_at_once(ask: Asking, world: World) -> None:
    world.organization.add_unit("ou-ab12-empty0000", ROOT, "Empty")
    ask.create_set(BODY)
    operation = ask.rollout(units=("ou-ab12-empty0000",))
    assert operation["Status"] == "SUCCEEDED"
    assert ask.results(operation["OperationId"]) == {}


def test_two_preferences_that_exclude_each_other_are_refused(ask: Asking) -> None:
    ask.create_set(BODY)
    with pytest.raises(ServiceError, match="not both"):
        begun(ask, FailureToleranceCount=1, FailureTolerancePercentage=1)


def test_run_to_end_leaves_nothing_running(ask: Asking) -> None:
    ask.create_set(BODY, ManagedExecution={"Active": True})
    operations = [begun(ask), begun(ask)]
    ask.service.stack_sets.run_to_end()
    assert {ask.ended(operation)["Status"] for operation in operations} == {"SUCCEEDED"}
