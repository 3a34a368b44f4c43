"""What becomes of instances whose account is no longer where it was: closed, moved, or gone."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest

from generator.deploy import by_hand
from generator.deploy.apply import Walk, passes, walk
from generator.deploy.plan import obstacles
from generator.deploy.status import look as status_of
from generator.deploy.teardown import obstacles as kept_back
from generator.deploy.teardown import teardown
from generator.model import Access, Rollout
from generator.simulation.cloudformation.stack_sets.faults import SCP_DENY
from generator.simulation.cloudformation.stack_sets.targets import Answers

from .organization import (
    AWAY,
    HOME,
    MEMBER,
    OTHER,
    OUTER,
    ROOT,
    SMALL,
    TWO,
    Company,
    bundle,
    company,
    failures,
    sentences,
)
from .test_apply import _self_managed_roles
from .typed import commands, request

ROLES, RULES = "trailbus-member-roles", "trailbus-member-rules"
CLOSED = "ou-ab12-closedones"
COVERED = SMALL._replace(organizational_units=(OUTER,))
QUARANTINE = (
    "User: arn:aws:sts::{account}:assumed-role/stacksets-exec-1/x is not authorized to "
    "perform: cloudformation:DeleteStack with an explicit deny in a service control policy"
)


def close_and_move(it: Company) -> None:
    """A closed account is put away; automatic removal passes over suspended ones."""
    move(it)
    it.cloud.world.organization.accounts[OTHER].suspended = True


def leave(it: Company) -> None:
    """Ninety days later it is gone; where automatic removal was off, its instances are not."""
    del it.cloud.world.organization.accounts[OTHER]


def exclude_closed(it: Company) -> None:
    """It was closed and is left out on purpose."""
    it.cloud.world.organization.accounts[OTHER].suspended = True
    it.place = it.place._replace(exclude_accounts=(OTHER,))


def move(it: Company) -> None:
    it.cloud.world.organization.add_unit(CLOSED, ROOT, "Closed")
    it.cloud.world.organization.accounts[OTHER].parent = CLOSED


def has_instances(it: Company) -> bool:
    found = it.look().stack_sets.values()
    return any(account == OTHER for state in found for account, _ in state.cells)


def green(it: Company) -> bool:
    return status_of(it.door, it.wanted, pause=it.cloud.pause)[0].good


@pytest.mark.parametrize("fate", [close_and_move, leave, exclude_closed])
@pytest.mark.parametrize(
    "answers", [Answers(), Answers(accounts_alone=True, by_unit=False)], ids=["unit", "number"]
)
def test_what_nothing_can_be_done_about_is_let_go(
    fate: Callable[[Company], None], answers: Answers
) -> None:
    with company(COVERED) as it:
        it.deploy()
        it.cloud.cloudformation.stack_sets.administration.answers = answers
        fate(it)
        if fate is leave:
            # As the account is gone, so is the role by which StackSets would get in.
            it.cloud.cloudformation.stack_sets.faults.add(
                "Account {account} should have 'stacksets-exec-1' role", account=OTHER
            )
        assert not green(it)
        it.bundle = bundle(TWO)
        outcomes = it.deploy()
        assert all(outcome.ok for outcome in outcomes), "not even an update meets it"
        assert f"Letting go of {RULES} in {OTHER}" in " ".join(sentences(outcomes))
        assert not has_instances(it)
        assert it.plan().steps == ()
        assert green(it)


def test_where_nobody_finds_it_it_is_named_and_the_rest_is_done() -> None:
    with company(COVERED) as it:
        it.deploy()
        it.cloud.cloudformation.stack_sets.administration.answers = Answers(by_unit=False)
        leave(it)
        it.bundle = bundle(TWO)
        outcomes = it.deploy()
        assert {*failures(outcomes)} == {(OTHER, HOME), (OTHER, AWAY)}
        left = [one for one in outcomes if one.step.sentence.startswith("Letting go")]
        assert len(failures(left)) == 2
        for reason in failures(left).values():
            [command] = commands(reason)
            assert request(command)[1]["RetainStacks"] is True
        rest = {place: one for place, one in it.instances(RULES).items() if place[0] != OTHER}
        assert {*rest.values()} == {"CURRENT"}


def test_a_closed_account_below_a_covered_unit_may_come_back() -> None:
    with company(COVERED) as it:
        it.deploy()
        it.cloud.world.organization.accounts[OTHER].suspended = True
        assert it.plan().steps == ()
        assert has_instances(it)
        assert green(it)


def test_an_account_that_moved_is_taken_out_with_its_stacks() -> None:
    with company(COVERED) as it:
        it.deploy()
        move(it)
        assert not green(it)
        assert all(outcome.ok for outcome in it.deploy())
        assert not has_instances(it)
        assert OTHER not in {account for account, _, _, _ in it.resources()}
        assert it.plan().steps == ()
        assert green(it)


def test_an_account_in_quarantine_is_named_until_somebody_decides() -> None:
    with company(COVERED) as it:
        it.deploy()
        faults = it.cloud.cloudformation.stack_sets.faults
        move(it)
        faults.add(QUARANTINE, account=OTHER)
        first = it.deploy()
        assert {*failures(first)} == {(OTHER, HOME), (OTHER, AWAY)}
        # From now on there is nothing to do about it, and it is told all the same.
        it.bundle = bundle(TWO)
        assert all(outcome.ok for outcome in it.deploy()), "later updates do not meet it"
        plan = it.plan()
        assert plan.steps == ()
        stuck = {place for change in plan.stack_sets for place in change.cells.stuck}
        assert stuck == {(OTHER, HOME), (OTHER, AWAY)}
        assert not green(it)
        told = kept_back(it.wanted, it.look())
        assert len(told) == 3
        client = it.cloud.administrator(it.place.management_account, HOME).client("cloudformation")
        for problem in told:
            [command] = commands(problem.cure)
            operation, given = request(command)
            client._make_api_call(operation, given)
            it.cloud.cloudformation.stack_sets.run_to_end()
        assert not has_instances(it)
        assert it.plan().steps == ()
        assert green(it)


def test_destroy_lets_go_of_the_lost_and_takes_the_moved_along() -> None:
    for fate in (close_and_move, leave, move):
        with company(COVERED) as it:
            it.deploy()
            fate(it)
            existing = it.look()
            assert kept_back(it.wanted, existing) == []
            way = Walk(it.door, it.wanted, it.cloud.pause)
            assert all(outcome.ok for outcome in walk(way, teardown(it.wanted, existing).steps))
            assert it.look().stack_sets == {}


def test_self_managed_sets_let_go_by_number() -> None:
    place = COVERED._replace(rollout=Rollout(self_managed=True))
    with company(place) as it:
        _self_managed_roles(it)
        it.deploy()
        close_and_move(it)
        assert all(outcome.ok for outcome in it.deploy())
        assert not has_instances(it)
        assert it.plan().steps == ()


def test_a_removal_that_fails_for_a_passing_reason_is_tried_again() -> None:
    with company(COVERED) as it:
        it.deploy()
        it.cloud.cloudformation.stack_sets.faults.add("Rate exceeded", account=OTHER, times=2)
        it.place = COVERED._replace(exclude_accounts=(OTHER,))
        assert all(outcome.ok for outcome in it.deploy())
        assert not has_instances(it)


# --- Reasons that pass, and those that do not

PASSING = (
    "Account 1 should have 'stacksets-exec-0' role with trust relationship to Role 'x'.",
    "User: arn:aws:sts::1:assumed-role/stacksets-exec-0/AWSCloudFormation is not authorized to "
    "perform: iam:CreateRole on resource: r because no identity-based policy allows the "
    "iam:CreateRole action",
    "The AWS Access Key Id needs a subscription for the service",
    "OptInRequired: You are not subscribed to this service.",
    "Provided role 'r' cannot be assumed by principal 'events.amazonaws.com'.",
    "connect timed out (HandlerErrorCode: GeneralServiceException).",
    "Resource timed out waiting for completion (HandlerErrorCode: NotStabilized)",
    "Internal failure. (HandlerErrorCode: ServiceInternalError)",
    "Service Unavailable (Service: Sqs, Status Code: 503)",
    "An internal error has occurred",
    "Rate exceeded (Service: CloudFormation; Status Code: 400; Error Code: Throttling)",
    "TooManyRequestsException",
    "The role is currently being modified",
)
LASTING = (
    SCP_DENY,
    "with an explicit deny in a resource control policy; please try again later",
    "trailbus-forwarder already exists",
    "The security token included in the request is invalid. (Error Code: InvalidClientTokenId)",
    "User: arn:aws:iam::1:user/x is not authorized to perform: sqs:CreateQueue because no "
    "identity-based policy allows the sqs:CreateQueue action",
    "Account 1 should have 'AWSCloudFormationStackSetExecutionRole' role with trust relationship",
    "The account is suspended",
    "LimitExceededException: cannot exceed quota",
    "Stack [x] cannot be deleted while TerminationProtection is enabled",
    "",
)


def test_which_reasons_pass_by_themselves() -> None:
    assert [reason for reason in PASSING if not passes(reason)] == []
    assert [reason for reason in LASTING if passes(reason)] == []


@pytest.mark.parametrize("reason", PASSING[:4])
def test_roles_that_fail_for_a_passing_reason_come_before_their_rules(reason: str) -> None:
    with company(COVERED) as it:
        it.cloud.cloudformation.stack_sets.faults.add(
            reason, account=OTHER, stack_set=ROLES, times=2
        )
        assert failures(it.deploy()) == {}
        assert it.plan().steps == ()


def test_rules_are_not_tried_in_vain_where_the_roles_failed() -> None:
    with company(COVERED) as it:
        it.cloud.cloudformation.stack_sets.faults.add(SCP_DENY, account=OTHER, stack_set=ROLES)
        said: list[str] = []
        way = Walk(it.door, it.wanted, it.cloud.pause, said.append)
        outcomes = walk(way, it.plan().steps)
        assert {*failures(outcomes)} == {(OTHER, HOME), (OTHER, AWAY)}
        assert not [line for line in said if line.startswith("Trying")]


# --- What is printed can be typed


@pytest.mark.parametrize("delegated", [True, False])
@pytest.mark.parametrize("self_managed", [True, False])
def test_every_command_to_type_runs_as_it_stands(delegated: bool, self_managed: bool) -> None:
    place = SMALL._replace(
        access=Access(delegated_admin=delegated, administrator_account="555566667777"),
        rollout=Rollout(self_managed=self_managed),
    )
    want = Company(None, place).wanted  # type: ignore[arg-type]  # no cloud is needed
    operation, given = request(by_hand.let_go(want, RULES, MEMBER, [HOME, AWAY]))
    assert operation == "DeleteStackInstances"
    assert given["Regions"] == [AWAY, HOME]
    assert ("CallAs" in given) == (delegated and not self_managed)
    assert ("Accounts" in given) == self_managed
    command = by_hand.continue_rollback(want.central)
    assert request(command) == ("ContinueUpdateRollback", {"StackName": "trailbus-central"})
    assert shlex.split(command)[-4:-2] == ["--region", HOME]


def test_the_cure_of_a_stuck_stack_can_be_pasted() -> None:
    with company() as it:
        it.deploy()
        existing = it.look()
        [key] = [key for key in existing.stacks if key[0] == "central"]
        vars(existing.stacks[key])["status"] = "UPDATE_ROLLBACK_FAILED"
        [problem] = obstacles(it.wanted, existing)
        [command] = commands(problem.cure)
        assert request(command)[0] == "ContinueUpdateRollback"
