"""What a plan says and asks for: laws over drawn organizations, then particular cases."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given

from generator.deploy.bundle import Bundle
from generator.deploy.existing import Existing, Member, StackSetState, StackState
from generator.deploy.plan import Plan, Step, obstacles, plan, proposal
from generator.deploy.teardown import teardown
from generator.deploy.wanted import Wanted, wanted
from generator.model import Pilot, Place, Rollout

from .organization import AWAY, HOME, SMALL, TWO, bundle
from .worlds import worlds


@cache
def model(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)


def invalid(steps: Iterable[Step]) -> list[str]:
    """What botocore's own model says against the requests of steps."""
    found = []
    for step in steps:
        shape = model(step.call.service).operation_model(step.call.operation).input_shape
        report = ParamValidator().validate(dict(step.call.request), shape)
        if report.has_errors():
            found.append(f"{step.call.operation}: {report.generate_report()}")
    return found


def every_step(world: tuple[Wanted, Existing]) -> list[Step]:
    want, existing = world
    return [*plan(want, existing), *teardown(want, existing).steps]


@given(worlds())
def test_botocore_takes_every_request(world: tuple[Wanted, Existing]) -> None:
    assert invalid(every_step(world)) == []


@given(worlds())
def test_requests_keep_to_what_the_api_documents(world: tuple[Wanted, Existing]) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStackSet.html"""
    want, _ = world
    for step in every_step(world):
        request, operation = step.call.request, step.call.operation
        if "StackSetName" not in request:
            continue
        targets = request.get("DeploymentTargets", {})
        assert targets.get("AccountFilterType") in (None, "INTERSECTION", "DIFFERENCE")
        assert len(targets.get("OrganizationalUnitIds", [])) <= 50
        assert ("AccountFilterType" in targets) <= bool(targets.get("Accounts"))
        delegated = want.place.access.delegated_admin and want.service_managed
        assert request.get("CallAs") == ("DELEGATED_ADMIN" if delegated else None)
        if want.service_managed:
            assert "Accounts" not in request, "service-managed ones have units as targets"
        else:
            assert not {"AutoDeployment", "DeploymentTargets", "CallAs"} & {*request}
        if "Instances" in operation or "Regions" in request:
            assert request["Regions"]
            assert bool(targets) != bool(request.get("Accounts"))
        if operation == "UpdateStackSet":
            assert not ("AutoDeployment" in request and (targets or "Regions" in request))
            assert not (
                "ManagedExecution" in request and {"TemplateBody", "Parameters"} & {*request}
            )
        if operation == "CreateStackSet" and want.service_managed:
            assert request["AutoDeployment"]["Enabled"]
        if "OperationPreferences" in request:
            preferences = request["OperationPreferences"]
            assert preferences["ConcurrencyMode"] == "SOFT_FAILURE_TOLERANCE"
            assert not {"FailureToleranceCount", "MaxConcurrentCount"} & {*preferences}


@given(worlds())
def test_roles_come_before_rules_and_go_after_them(world: tuple[Wanted, Existing]) -> None:
    want, existing = world
    for wave in (True, False):
        steps = [step for step in plan(want, existing) if step.pilot is wave and step.part]
        making = [s.part for s in steps if s.call.operation != "DeleteStackInstances"]
        assert making == sorted(making), "roles before rules"
        for retain in (True, False):
            removing = [
                s.part for s in steps if s.call.request.get("RetainStacks", retain) is not retain
            ]
            assert removing == sorted(removing, reverse=True), "rules before roles"
    parts = [step.part for step in teardown(want, existing).steps if step.part]
    assert parts == sorted(parts, reverse=True)


@given(worlds())
def test_pilot_steps_come_before_all_other_steps_in_members(
    world: tuple[Wanted, Existing],
) -> None:
    making = [
        step.pilot
        for step in plan(*world)
        if step.part and step.call.operation != "DeleteStackInstances"
    ]
    assert making == sorted(making, reverse=True)


# --- Particular cases


def wants(place: Place = SMALL, detections: str = "") -> Wanted:
    return wanted(bundle(detections) if detections else bundle(), place, place.regions or ())


TAGS = {"managed-by": "trailbus"}


def stack(want: Wanted, **more: Any) -> StackState:
    state: dict[str, Any] = {
        "status": "CREATE_COMPLETE",
        "template": want.bundle.files["central.yaml"],
        "parameters": {},
        "tags": TAGS,
    }
    return StackState(**{**state, **more})


def with_central(want: Wanted, **more: Any) -> Existing:
    key = (want.central.side, want.central.region, want.central.name)
    return Existing({key: stack(want, **more)})


def test_a_new_detection_is_told_by_its_resources_and_paths() -> None:
    before, now = wants(), wants(detections=TWO)
    found: Plan = proposal(now, with_central(before))
    told = {(one.action, one.section, one.name) for one in found.central.differences}
    assert ("add", "Resources", "CloudtrailTrailDeletedRule") in told
    assert found.central.action == "update"


def test_a_comment_in_a_template_changes_nothing() -> None:
    want = wants()
    same = proposal(want, with_central(want)).central
    template = "# reviewed\n" + want.bundle.files["central.yaml"]
    noted = proposal(want, with_central(want, template=template)).central
    assert noted.action == same.action
    assert noted.differences == same.differences == ()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"tags": {}}, "was not made by trailbus deploy"),
        ({"tags": {"managed-by": "somebody"}}, "was not made by trailbus deploy"),
        ({"status": "UPDATE_ROLLBACK_FAILED"}, "continue-update-rollback"),
        ({"status": "DELETE_FAILED", "reason": "it clings"}, "it clings"),
    ],
)
def test_what_a_person_must_decide_stops_everything(more: dict[str, Any], words: str) -> None:
    want = wants()
    [problem] = obstacles(want, with_central(want, **more))
    assert words in str(problem)


def test_a_replacement_wants_to_be_asked_for() -> None:
    want = wants()
    body = want.bundle.files["central.yaml"].replace(
        "QueueName: trailbus-here\n", "QueueName: old\n"
    )
    assert body != want.bundle.files["central.yaml"]
    existing = with_central(want, template=body)
    [problem] = obstacles(want, existing)
    assert "HereQueue: AWS::SQS::Queue would be replaced" in str(problem)
    assert "from old to trailbus-here" in str(problem)
    assert obstacles(want, existing, replacing=True) == []


def test_another_central_region_wants_to_be_asked_for() -> None:
    before = wants()
    state = StackSetState("{}", before.rules.parameters, tags=TAGS)
    existing = Existing({}, {before.rules.name: state})
    now = wants(SMALL._replace(central_region=AWAY))
    [problem] = obstacles(now, existing)
    assert f"instead of arn:aws:events:{HOME}" in str(problem)
    assert obstacles(before, existing) == []


@pytest.mark.parametrize(
    ("pilot", "faults"),
    [
        (Pilot(), []),
        (Pilot(accounts=("000000000001",)), []),
        (Pilot(accounts=("000000000001", "000000000009")), ["000000000009 is none of those"]),
        (Pilot(accounts=("000000000002",)), ["000000000002 is none of those", "no account in it"]),
        (Pilot(accounts=("000000000003",)), ["no account in it"]),
        (Pilot(accounts=("000000000001", "000000000003")), []),
        (Pilot(organizational_units=("ou-ab12-empty111",)), ["no account in it"]),
    ],
)
def test_a_pilot_that_reaches_nobody_is_an_obstacle(pilot: Pilot, faults: list[str]) -> None:
    """Else a typing error would send the first wave to every account."""
    place = SMALL._replace(exclude_accounts=("000000000002",), rollout=Rollout(pilot=pilot))
    known = {
        "000000000001": Member("", False, ("r-ab12",)),
        "000000000002": Member("", False, ("r-ab12",)),
        "000000000003": Member("", True, ("r-ab12",)),
    }
    problems = obstacles(wants(place), Existing({}, {}, known))
    assert len(problems) == len(faults)
    for problem, fault in zip(problems, faults, strict=True):
        assert fault in str(problem)


@pytest.mark.parametrize(("tags", "goes"), [(TAGS, True), ({}, False)])
def test_only_our_stack_goes_where_the_management_account_leaves(
    tags: dict[str, str], goes: bool
) -> None:
    want = wants()
    stacks = {("management", "ap-south-1", want.rules.name): StackState("", "", {}, tags)}
    existing = Existing(stacks)
    for steps in (plan(want, existing), teardown(want, existing).steps):
        deleted = {step.call.region for step in steps if step.call.operation == "DeleteStack"}
        assert deleted == ({"ap-south-1"} if goes else set())


def test_the_other_kind_of_permissions_is_an_obstacle() -> None:
    want = wants()
    state = StackSetState("{}", want.rules.parameters, service_managed=False, tags=TAGS)
    [problem] = obstacles(want, Existing({}, {want.rules.name: state}))
    assert "other kind of permissions" in str(problem)


def test_long_templates_of_stack_sets_go_through_a_bucket_too() -> None:
    known = bundle()
    long = "#" + "x" * 60_000 + "\n" + known.files["member-rules.yaml"]
    files = {**known.files, "member-rules.yaml": long}
    want = wanted(Bundle(files, known.manifest), SMALL, SMALL.regions or ())
    steps = plan(want, Existing())
    calls = [step.call for step in steps if step.call.side == "management"]
    [_, made] = [call for call in calls if call.operation == "CreateStackSet"]
    assert made.request["TemplateURL"].startswith(
        f"https://trailbus-artifacts-{SMALL.management_account}-{HOME}.s3.{HOME}.amazonaws.com/"
    )
    puts = [call for call in calls if call.operation == "PutObject"]
    assert all(call.request["ServerSideEncryption"] == "AES256" for call in puts)
    assert all(call.request["ExpectedBucketOwner"] == SMALL.management_account for call in puts)
    assert len(puts) == 3, "the StackSet, and the management account's stacks in two Regions"
    assert invalid(steps) == []
