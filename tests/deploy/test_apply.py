"""A rollout walked in the simulated organization: order, waves, failures, retries, resuming."""

from __future__ import annotations

from typing import Any

import pytest

from generator.deploy.apply import TRIES, Failure, Progress, Walk, settle, walk
from generator.deploy.aws import Call, Door, Refused
from generator.deploy.plan import obstacles
from generator.deploy.teardown import obstacles as kept_back
from generator.deploy.wanted import CHANGE_SET, OURS
from generator.model import Access, Pilot, Rollout
from generator.simulation.cloudformation.stack_sets.faults import SCP_DENY, THROTTLED

from .organization import (
    AWAY,
    CENTRAL,
    HOME,
    INNER,
    MANAGEMENT,
    MEMBER,
    OTHER,
    OUTER,
    ROOT,
    SMALL,
    THIRD,
    TWO,
    Company,
    bundle,
    company,
    failures,
    sentences,
)

ROLES, RULES = "trailbus-member-roles", "trailbus-member-rules"
EVERYBODY = {CENTRAL, MEMBER, OTHER, THIRD}


def test_a_rollout_covers_everybody_in_order() -> None:
    with company() as it:
        outcomes = it.deploy()
        assert all(outcome.ok for outcome in outcomes)
        order = [name for name in it.writes() if name.startswith(("Create", "Update"))]
        assert order == [
            "CreateStack",
            "CreateStackSet",
            "CreateStackInstances",
            "CreateStackSet",
            "CreateStackInstances",
            *["CreateStack"] * 3,
        ]
        assert it.instances(ROLES) == {(account, HOME): "CURRENT" for account in EVERYBODY}
        assert it.instances(RULES) == {
            (account, region): "CURRENT" for account in EVERYBODY for region in (HOME, AWAY)
        }


def test_an_unchanged_organization_is_only_read() -> None:
    with company() as it:
        it.deploy()
        before = len(it.cloud.edge.calls)
        assert it.plan().steps == ()
        assert it.deploy() == []
        assert it.writes(before) == []


def test_the_rules_depend_on_the_roles_for_accounts_that_join() -> None:
    with company() as it:
        it.deploy()
        sets = {one.name: one for one in it.cloud.cloudformation.stack_sets.sets}
        assert sets[RULES].automatic.depends_on == (sets[ROLES].arn,)
        assert sets[RULES].managed_execution
        it.join("999900001111")
        assert it.instances(RULES)["999900001111", AWAY] == "CURRENT"
        assert it.plan().steps == ()


def test_only_what_a_new_detection_changes_is_updated() -> None:
    with company() as it:
        it.deploy()
        it.bundle = bundle(TWO)
        before = len(it.cloud.edge.calls)
        assert all(outcome.ok for outcome in it.deploy())
        assert it.writes(before) == ["UpdateStack", "UpdateStackSet", "UpdateStack", "UpdateStack"]
        assert it.plan().steps == ()


def test_a_cell_that_failed_is_told_and_tried_again_alone() -> None:
    with company() as it:
        faults = it.cloud.cloudformation.stack_sets.faults
        faults.add(SCP_DENY, account=MEMBER, region=AWAY, stack_set=RULES)
        outcomes = it.deploy()
        assert {*failures(outcomes)} == {(MEMBER, AWAY)}
        assert "service control policy" in failures(outcomes)[MEMBER, AWAY]
        assert len(it.instances(RULES)) == 8
        faults.clear()
        again = it.deploy()
        assert sentences(again) == [f"Trying {RULES} again in {MEMBER} in {AWAY}"]
        assert again[0].ok
        request = again[0].step.call.request
        assert request["DeploymentTargets"]["Accounts"] == [MEMBER]
        assert request["Regions"] == [AWAY]
        assert it.plan().steps == ()


def test_a_failed_update_is_tried_again_alone() -> None:
    with company() as it:
        it.deploy()
        faults = it.cloud.cloudformation.stack_sets.faults
        faults.add(SCP_DENY, account=OTHER, stack_set=RULES)
        it.bundle = bundle(TWO)
        assert {*failures(it.deploy())} == {(OTHER, HOME), (OTHER, AWAY)}
        faults.clear()
        [outcome] = it.deploy()
        assert outcome.ok
        assert outcome.step.call.operation == "UpdateStackInstances"
        assert outcome.step.cells == 2


def test_what_fails_for_a_passing_reason_is_tried_again_at_once() -> None:
    with company() as it:
        stack_sets = it.cloud.cloudformation.stack_sets
        role = (
            f"Provided role 'arn:aws:iam::{MEMBER}:role/trailbus-forwarder' cannot be assumed by "
        )
        stack_sets.faults.add(
            role + "principal 'events.amazonaws.com'", account=MEMBER, stack_set=RULES, times=2
        )
        stack_sets.faults.add(THROTTLED, account=OTHER, region=HOME, times=1)
        assert failures(it.deploy()) == {}
        assert it.cloud.world.clock > 0, "it waited, by the organization's own clock"
        assert it.plan().steps == ()


def test_a_reason_that_never_passes_is_given_up() -> None:
    with company() as it:
        it.cloud.cloudformation.stack_sets.faults.add(THROTTLED, account=MEMBER, region=AWAY)
        assert {*failures(it.deploy())} == {(MEMBER, AWAY)}


# --- The pilot

PILOTED = SMALL._replace(rollout=Rollout(pilot=Pilot(accounts=(MEMBER,))))


def test_the_pilot_comes_first_and_then_the_rest() -> None:
    with company(PILOTED) as it:
        outcomes = it.deploy()
        assert all(outcome.ok for outcome in outcomes)
        said = [outcome.step for outcome in outcomes if outcome.step.part]
        assert [step.pilot for step in said] == [True] * 4 + [False] * 2
        assert len(it.instances(RULES)) == 8
        assert it.plan().steps == ()


def test_a_pilot_that_fails_stops_the_rest() -> None:
    with company(PILOTED) as it:
        faults = it.cloud.cloudformation.stack_sets.faults
        faults.add(SCP_DENY, account=MEMBER, stack_set=RULES)
        outcomes = it.deploy()
        assert not outcomes[-1].ok
        assert "2 of the pilot's 3 cells failed" in outcomes[-1].reason
        assert {account for account, _ in it.instances(RULES)} == {MEMBER}
        faults.clear()
        assert all(outcome.ok for outcome in it.deploy())
        assert len(it.instances(RULES)) == 8


def test_a_pilot_may_be_allowed_to_fail_in_part() -> None:
    tolerant = Rollout(pilot=Pilot(accounts=(MEMBER,), failure_tolerance_percentage=50))
    with company(SMALL._replace(rollout=tolerant)) as it:
        faults = it.cloud.cloudformation.stack_sets.faults
        faults.add(SCP_DENY, account=MEMBER, region=AWAY, stack_set=RULES)
        assert {*failures(it.deploy())} == {(MEMBER, AWAY)}
        assert len(it.instances(RULES)) == 8


def test_an_update_reaches_the_pilot_before_the_rest() -> None:
    with company(PILOTED) as it:
        it.deploy()
        it.bundle = bundle(TWO)
        faults = it.cloud.cloudformation.stack_sets.faults
        faults.add(SCP_DENY, account=MEMBER, region=HOME, stack_set=RULES)
        assert not it.deploy()[-1].ok
        outdated = {place for place, status in it.instances(RULES).items() if status == "OUTDATED"}
        assert len(outdated) == 7, "all but what worked in the pilot"
        faults.clear()
        outcomes = it.deploy()
        assert all(outcome.ok for outcome in outcomes)
        assert {*it.instances(RULES).values()} == {"CURRENT"}
        assert it.plan().steps == ()


def test_the_units_of_a_pilot_mean_their_accounts() -> None:
    place = SMALL._replace(rollout=Rollout(pilot=Pilot(organizational_units=(INNER,))))
    with company(place) as it:
        assert all(outcome.ok for outcome in it.deploy())
        targets = it.look().stack_sets[RULES].targets
        assert {*targets} == {"r-ab12"}, "the unit itself is no target of its own"
        assert it.plan().steps == ()


# --- Whom it is for


def test_excluded_accounts_get_nothing_and_lose_what_they_have() -> None:
    with company(SMALL._replace(exclude_accounts=(OTHER,))) as it:
        it.deploy()
        assert {account for account, _ in it.instances(RULES)} == EVERYBODY - {OTHER}
        assert it.plan().steps == ()
        it.place = SMALL
        it.deploy()
        assert {account for account, _ in it.instances(RULES)} == EVERYBODY
        it.place = SMALL._replace(exclude_accounts=(OTHER,))
        assert sentences(it.deploy()) == [
            f"Removing {RULES} from {OTHER} in {AWAY}, {HOME}",
            f"Removing {ROLES} from {OTHER} in {HOME}",
        ]
        assert {account for account, _ in it.instances(ROLES)} == EVERYBODY - {OTHER}


def test_a_region_comes_and_goes() -> None:
    with company() as it:
        it.deploy()
        it.place = SMALL._replace(regions=(HOME,))
        assert all(outcome.ok for outcome in it.deploy())
        assert {region for _, region in it.instances(RULES)} == {HOME}
        it.place = SMALL
        assert all(outcome.ok for outcome in it.deploy())
        assert {region for _, region in it.instances(RULES)} == {HOME, AWAY}
        assert it.plan().steps == ()


def test_the_management_account_leaves_a_region_with_the_others() -> None:
    with company() as it:
        it.deploy()
        it.place = SMALL._replace(regions=(HOME,))
        assert sentences(it.deploy()) == [
            f"Removing the stack {RULES} in the management account, {AWAY}, not covered any more",
            f"Removing {RULES} from {ROOT} in {AWAY}",
        ]
        assert {(a, r) for a, r, _, _ in it.resources() if r == AWAY} == set()
        assert it.plan().steps == ()


def test_moving_from_the_root_to_a_unit_leaves_what_stays_where_it_is() -> None:
    with company() as it:
        it.deploy()
        before = it.resources()
        it.place = SMALL._replace(organizational_units=(OUTER,))
        begun = len(it.cloud.edge.calls)
        assert all(outcome.ok for outcome in it.deploy())
        assert "DeleteStackInstances" not in it.calls(begun)
        assert it.resources() == before
        # StackSets leave a unit only with all that is in it.
        assert {*it.look().stack_sets[RULES].targets} == {OUTER, ROOT}
        plan = it.plan()
        assert plan.steps == ()
        assert {*plan.stack_sets[1].cells.lingering} == {ROOT}


def test_told_to_replace_it_leaves_the_root_and_makes_what_stays_anew() -> None:
    with company() as it:
        it.deploy()
        it.place = SMALL._replace(organizational_units=(OUTER,))
        outcomes = it.deploy(replacing=True)
        assert all(outcome.ok for outcome in outcomes)
        assert outcomes[0].step.call.operation == "DeleteStackInstances"
        assert {*it.look().stack_sets[RULES].targets} == {OUTER}
        assert len(it.instances(RULES)) == 8
        assert it.plan().steps == ()


@pytest.mark.parametrize("dropped", [OUTER, INNER])
def test_dropping_one_of_two_overlapping_units_never_switches_forwarding_off(dropped: str) -> None:
    with company(SMALL._replace(organizational_units=(OUTER, INNER))) as it:
        it.cloud.world.organization.add_unit(INNER, OUTER, "Sandboxes")
        it.cloud.world.organization.accounts[OTHER].parent = INNER
        it.deploy()
        [stays] = {OUTER, INNER} - {dropped}
        below = {one.id for one in it.cloud.world.organization.under(stays)}
        it.place = SMALL._replace(organizational_units=(stays,))
        outcomes = it.deploy()
        assert all(outcome.ok for outcome in outcomes)
        removed = {account for one in outcomes for account, _ in one.step.gone}
        assert not below & removed, "what is to stay is never taken away in between"
        assert all(one.step.gone for one in outcomes), "nor is any whole unit"
        assert {account for account, _ in it.instances(RULES)} == below
        assert it.plan().steps == ()


def test_suspended_accounts_are_passed_over() -> None:
    with company() as it:
        it.cloud.world.organization.accounts[THIRD].suspended = True
        outcomes = it.deploy()
        assert all(outcome.ok for outcome in outcomes)
        assert it.plan().steps == ()
        assert it.plan().stack_sets[0].cells.skipped == (THIRD,)


def test_a_delegated_administrator_says_so_in_every_call() -> None:
    place = SMALL._replace(
        access=Access(delegated_admin=True, administrator_account="555566667777")
    )
    with company(place) as it:
        assert all(outcome.ok for outcome in it.deploy())
        assert len(it.instances(RULES)) == 2 * (len(EVERYBODY))
        assert it.plan().management == ()


def test_self_managed_stack_sets_name_accounts_and_roles() -> None:
    place = SMALL._replace(rollout=Rollout(self_managed=True))
    with company(place) as it:
        _self_managed_roles(it)
        assert failures(it.deploy()) == {}
        assert len(it.instances(RULES)) == 8
        assert it.plan().steps == ()
        assert not it.look().stack_sets[RULES].service_managed


def test_roles_of_self_managed_stack_sets_are_repeated_and_can_change() -> None:
    rollout = Rollout(self_managed=True)
    own = SMALL.access._replace(administration_role="Admins", execution_role="Hands")
    with company(SMALL._replace(rollout=rollout, access=own)) as it:
        _self_managed_roles(it)
        _self_managed_roles(it, "Admins", "Hands")
        assert failures(it.deploy()) == {}
        for one in it.cloud.cloudformation.stack_sets.sets:
            one.managed_execution = False
        assert all(outcome.ok for outcome in it.deploy())
        assert it.look().stack_sets[RULES].managed_execution
        roles = {one.roles for one in it.look().stack_sets.values()}
        assert roles == {(f"arn:aws:iam::{MANAGEMENT}:role/Admins", "Hands")}
        it.place = SMALL._replace(rollout=rollout)
        assert sentences(it.deploy()) == [
            f"Letting {ROLES} use other roles",
            f"Letting {RULES} use other roles",
        ]
        assert it.plan().steps == ()


def _self_managed_roles(
    it: Company,
    administration: str = "AWSCloudFormationStackSetAdministrationRole",
    execution: str = "AWSCloudFormationStackSetExecutionRole",
) -> None:
    """The roles that AWS's guide has an administrator make.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html
    """
    import json

    def role(account: str, name: str, principal: dict[str, Any]) -> None:
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
        }
        iam = it.cloud.administrator(account, HOME).client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))

    home = it.place.management_account
    role(home, administration, {"Service": "cloudformation.amazonaws.com"})
    for account in EVERYBODY:
        trusted = {"AWS": f"arn:aws:iam::{home}:role/{administration}"}
        role(account, execution, trusted)


# --- Stacks in a bad state


def test_a_stack_that_never_came_to_be_is_made_anew() -> None:
    with company() as it:
        session = it.cloud.administrator(CENTRAL, HOME)
        session.client("sqs").create_queue(QueueName="trailbus-here")
        outcomes = it.deploy()
        assert len(outcomes) == 1
        assert "HereQueue" in outcomes[0].reason or "already exists" in outcomes[0].reason
        assert it.plan().central.status == "ROLLBACK_COMPLETE"
        url = session.client("sqs").get_queue_url(QueueName="trailbus-here")["QueueUrl"]
        session.client("sqs").delete_queue(QueueUrl=url)
        outcomes = it.deploy()
        assert all(outcome.ok for outcome in outcomes)
        assert outcomes[0].step.call.operation == "DeleteStack"


def _reviewed(it: Company, *names: str, **tags: str) -> None:
    """The central stack's name is taken by change sets alone."""
    client = it.cloud.administrator(CENTRAL, HOME).client("cloudformation")
    for name in names:
        client.create_change_set(
            StackName="trailbus-central",
            ChangeSetName=name,
            TemplateBody='{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}',
            ChangeSetType="CREATE",
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )


def test_the_empty_stack_of_a_forgotten_plan_is_no_hindrance() -> None:
    with company() as it:
        _reviewed(it, CHANGE_SET, **OURS)
        assert obstacles(it.wanted, it.look()) == []
        assert all(outcome.ok for outcome in it.deploy())


@pytest.mark.parametrize("names", [("theirs",), (CHANGE_SET, "theirs")])
def test_a_stack_that_somebody_else_reviews_stays(names: tuple[str, ...]) -> None:
    for tags in ({}, {"managed-by": "somebody"}) if len(names) == 1 else ({**OURS},):
        with company() as it:
            _reviewed(it, *names, **tags)
            for problems in (obstacles(it.wanted, it.look()), kept_back(it.wanted, it.look())):
                assert "was not made by trailbus deploy" in str(problems[0])


# --- Calls that are refused


class Stubborn(Door):
    """Refuses an operation some times before it lets it through."""

    def __init__(self, door: Door, operation: str, code: str, times: int) -> None:
        self.door = door
        self.operation = operation
        self.code = code
        self.times = times

    def call(self, call: Call) -> dict[str, Any]:
        if call.operation == self.operation and self.times:
            self.times -= 1
            raise Refused(call.side, call.region, call.operation, self.code, "not now")
        return self.door.call(call)


@pytest.mark.parametrize(
    "operation",
    ["CreateStack", "CreateStackSet", "CreateStackInstances", "DescribeStackSetOperation"],
)
@pytest.mark.parametrize("code", ["Throttling", "OperationInProgressException"])
def test_not_yet_is_waited_for(operation: str, code: str) -> None:
    with company() as it:
        outcomes = it.deploy(Stubborn(it.door, operation, code, 4))
        assert all(outcome.ok for outcome in outcomes)
        assert it.plan().steps == ()


def test_not_yet_for_ever_is_given_up() -> None:
    with company() as it:
        outcomes = it.deploy(Stubborn(it.door, "CreateStack", "Throttling", TRIES))
        assert [outcome.ok for outcome in outcomes] == [False]
        assert "Throttling" in outcomes[0].reason


def test_a_refusal_stops_the_rollout_and_is_told() -> None:
    with company() as it:
        outcomes = it.deploy(Stubborn(it.door, "CreateStackInstances", "AccessDenied", 1))
        assert [outcome.ok for outcome in outcomes] == [True, True, False]
        assert "CreateStackInstances (management account" in outcomes[-1].reason
        assert all(outcome.ok for outcome in it.deploy())
        assert it.plan().steps == ()


def test_what_was_begun_by_an_earlier_run_is_waited_for() -> None:
    with company() as it:
        it.deploy()
        client = it.cloud.administrator(it.place.management_account, HOME).client("cloudformation")
        client.detect_stack_set_drift(StackSetName=RULES)
        said: list[str] = []
        settle(Walk(it.door, it.wanted, it.cloud.pause, said.append))
        assert said == [f"Waiting for DETECT_DRIFT on {RULES}, begun earlier"]
        said.clear()
        settle(Walk(it.door, it.wanted, it.cloud.pause, said.append))
        assert said == []


def test_progress_counts_every_cell_of_every_region_to_the_end() -> None:
    with company() as it:
        seen: list[Progress] = []
        told: list[Failure] = []
        it.cloud.cloudformation.stack_sets.faults.add(SCP_DENY, account=MEMBER, region=AWAY)
        way = Walk(it.door, it.wanted, it.cloud.pause, watch=seen.append, tell=told.append)
        walk(way, it.plan().steps)
        last = [progress for progress in seen if progress.over][-1]
        assert last.regions == {HOME: {"SUCCEEDED": 4}, AWAY: {"SUCCEEDED": 3, "FAILED": 1}}
        assert [(failure.account, failure.region) for failure in told] == [(MEMBER, AWAY)]


def test_a_failure_is_told_while_the_operation_still_runs() -> None:
    with company() as it:
        seen: list[Progress | Failure] = []
        it.cloud.cloudformation.stack_sets.faults.add(SCP_DENY, account=MEMBER, region=AWAY)
        way = Walk(it.door, it.wanted, it.cloud.pause, watch=seen.append, tell=seen.append)
        walk(way, it.plan().steps)
        [told] = [at for at, one in enumerate(seen) if isinstance(one, Failure)]
        then = seen[told + 1]
        assert isinstance(then, Progress)
        assert not then.over


@pytest.mark.parametrize("accounts", [4, 24])
def test_write_calls_do_not_grow_with_the_accounts(accounts: int) -> None:
    with company(accounts=accounts) as it:
        before = len(it.cloud.edge.calls)
        it.deploy()
        assert len(it.writes(before)) == 8
        assert len(it.instances(RULES)) == 2 * (accounts - 1)
