"""The matrix: which sign a cell gets, with which reason, by what was found. No cloud needed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from generator.deploy.existing import Cell as Instance
from generator.deploy.status.lines import lines, places, short, verdict
from generator.deploy.status.matrix import (
    SIGNS,
    Cell,
    Coverage,
    Member,
    Own,
    Row,
    SetFound,
    Survey,
    coverage,
)
from generator.deploy.status.words import STATUSES, explained
from generator.deploy.wanted import Wanted, wanted
from generator.simulation.organization import DEFAULT_PLACE
from tests.simulation.conftest import bundle

HOME, AWAY, FAR = REGIONS = DEFAULT_PLACE.regions or ()
MANAGEMENT, CENTRAL = DEFAULT_PLACE.management_account, DEFAULT_PLACE.central_account
MEMBER, OTHER = "111122223333", "444455556666"
FINE = Instance("CURRENT", "SUCCEEDED")
GOOD = Own("CREATE_COMPLETE", True)
ROLES, RULES = "trailbus-member-roles", "trailbus-member-rules"


def want(**place: Any) -> Wanted:
    return wanted(bundle(), DEFAULT_PLACE._replace(**place), REGIONS)


def found(wanted_: Wanted, *members: Member) -> Survey:
    """Everything is as it should be."""
    everybody = members or tuple(
        Member(account) for account in (MANAGEMENT, CENTRAL, MEMBER, OTHER)
    )
    ids = [member.id for member in everybody if member.id != MANAGEMENT]
    return Survey(
        everybody,
        {
            ROLES: SetFound(True, {(account, HOME): FINE for account in ids}),
            RULES: SetFound(True, {(a, region): FINE for a in ids for region in REGIONS}),
        },
        {
            (stack.side, stack.region, stack.name): GOOD
            for stack in (wanted_.central, *wanted_.management)
        },
        {},
    )


def with_instance(survey: Survey, name: str, account: str, region: str, one: Any) -> Survey:
    """A survey in which one instance is different, or missing when None."""
    known = survey.sets[name]
    assert known is not None
    instances = {**known.instances, (account, region): one}
    if one is None:
        del instances[account, region]
    return replace(survey, sets={**survey.sets, name: replace(known, instances=instances)})


def cell(picture: Coverage, account: str, region: str) -> Cell:
    [row] = [row for row in picture.rows if row.account == account]
    return row.cells[picture.regions.index(region)]


class Case(NamedTuple):
    """An instance of the rules in one place, and the sign and words that its cell gets."""

    name: str
    instance: Instance | None
    sign: str
    says: str


SCP = "not authorized to perform: events:PutRule with an explicit deny in a service control policy"
CASES = (
    Case("fine", FINE, "deployed", ""),
    Case("missing", None, "uncovered", "there is no instance here"),
    Case("outdated", Instance("OUTDATED", "SUCCEEDED"), "outdated", "an earlier template is there"),
    Case("old words", Instance("OUTDATED", ""), "outdated", "an earlier template is there"),
    Case("old and fine", Instance("CURRENT", ""), "deployed", ""),
    Case("waiting", Instance("OUTDATED", "PENDING"), "working", "has yet to begin"),
    Case("running", Instance("OUTDATED", "RUNNING"), "working", "is at work"),
    Case("failed", Instance("OUTDATED", "FAILED"), "failed", "the last operation failed"),
    Case("failed later", Instance("CURRENT", "FAILED"), "failed", "the last operation failed"),
    Case("cancelled", Instance("OUTDATED", "CANCELLED"), "failed", "ended before its turn"),
    Case("inoperable", Instance("INOPERABLE", "INOPERABLE"), "inoperable", "left the stack"),
    Case("inoperable, in old words", Instance("INOPERABLE", ""), "inoperable", "left the stack"),
    Case("import", Instance("OUTDATED", "FAILED_IMPORT"), "inoperable", "an import failed"),
    Case(
        "suspended then",
        Instance("OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT"),
        "skipped",
        "was suspended when its turn came",
    ),
    Case("drifted", Instance("CURRENT", "SUCCEEDED", drift="DRIFTED"), "drifted", "somebody ch"),
    Case("in sync", Instance("CURRENT", "SUCCEEDED", drift="IN_SYNC"), "deployed", ""),
    Case("what AWS adds later", Instance("OUTDATED", "MELTED"), "failed", "its status is MELTED"),
    Case("SCP", Instance("OUTDATED", "FAILED", SCP), "failed", "a service control policy forbids"),
    Case(
        "opt-in",
        Instance("OUTDATED", "FAILED", "(Error Code: InvalidClientTokenId)"),
        "failed",
        "the Region is not enabled",
    ),
    Case(
        "name taken",
        Instance("OUTDATED", "FAILED", "trailbus-forwarder already exists"),
        "failed",
        "something of that name is there",
    ),
    Case("throttled", Instance("OUTDATED", "FAILED", "Rate exceeded"), "failed", "patience"),
    Case(
        "roles",
        Instance("OUTDATED", "FAILED", "should have 'X' role with trust relationship to"),
        "failed",
        "the execution role",
    ),
    Case(
        "too many failed",
        Instance("OUTDATED", "CANCELLED", "Cancelled since failure tolerance has exceeded"),
        "failed",
        "not attempted: too many others",
    ),
    Case(
        "stopped",
        Instance("OUTDATED", "CANCELLED", "Cancelled since the operation was stopped by the user"),
        "failed",
        "not attempted: somebody stopped",
    ),
    Case(
        "protected",
        Instance("INOPERABLE", "INOPERABLE", "while TerminationProtection is enabled"),
        "inoperable",
        "termination protection",
    ),
    Case("denied", Instance("OUTDATED", "FAILED", "Access Denied"), "failed", "a permission"),
    Case("full", Instance("OUTDATED", "FAILED", "LimitExceeded"), "failed", "quota"),
    Case(
        "anything else",
        Instance("OUTDATED", "FAILED", "the moon was in the way"),
        "failed",
        "the last operation failed here",
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_cell_has_the_sign_of_its_instance_and_the_reason_in_words(case: Case) -> None:
    wanted_ = want()
    survey = with_instance(found(wanted_), RULES, MEMBER, AWAY, case.instance)
    picture = coverage(wanted_, survey)
    shown = cell(picture, MEMBER, AWAY)
    assert shown.sign == case.sign
    assert case.says in shown.why
    assert bool(shown.why) == (case.sign != "deployed")
    if case.instance is not None:
        assert shown.said == (case.instance.reason if case.sign != "deployed" else "")
    assert picture.good is SIGNS[case.sign].good
    others = {c for row in picture.rows for c in row.cells if c is not shown}
    assert others <= {Cell("deployed")}


def test_everything_found_as_wanted_is_all_green() -> None:
    picture = coverage(want(), found(want()))
    assert picture.good
    assert {c.sign for row in picture.rows for c in row.cells} == {"deployed"}
    assert verdict(picture) == "all green: 4 accounts x 3 Regions; 12 cells deployed"
    assert picture.groups() == []


# --- Accounts that are left out


@pytest.mark.parametrize(
    ("member", "place", "sign"),
    [
        (Member(MEMBER, "", suspended=True), {}, "suspended"),
        (Member(MEMBER, "", meant=False), {}, "outside"),
        (Member(MEMBER), {"exclude_accounts": (MEMBER,)}, "excluded"),
    ],
)
def test_an_account_left_out_on_purpose_is_no_fault_and_is_counted(
    member: Member, place: dict[str, Any], sign: str
) -> None:
    wanted_ = want(**place)
    survey = found(wanted_, Member(MANAGEMENT), Member(CENTRAL), member)
    for region in REGIONS:
        survey = with_instance(survey, RULES, MEMBER, region, None)
    survey = with_instance(survey, ROLES, MEMBER, HOME, None)
    picture = coverage(wanted_, survey)
    assert {c.sign for c in picture.rows[-1].cells} == {sign}
    assert picture.good
    assert f"6 cells deployed, 3 {sign}" in verdict(picture)


# --- Roles, StackSets and stacks


def test_without_the_roles_no_region_of_the_account_is_covered() -> None:
    failed = Instance("OUTDATED", "FAILED", "trailbus-forwarder already exists")
    survey = with_instance(found(want()), ROLES, MEMBER, HOME, failed)
    picture = coverage(want(), survey)
    for region in REGIONS:
        assert cell(picture, MEMBER, region).sign == "failed"
        assert cell(picture, MEMBER, region).why.startswith("the account's roles: something of")
    assert cell(picture, OTHER, HOME).sign == "deployed"


def test_what_is_worse_counts() -> None:
    outdated, gone = Instance("OUTDATED", "SUCCEEDED"), None
    survey = with_instance(found(want()), ROLES, MEMBER, HOME, outdated)
    survey = with_instance(survey, RULES, MEMBER, AWAY, gone)
    picture = coverage(want(), survey)
    assert cell(picture, MEMBER, AWAY).sign == "uncovered"
    assert cell(picture, MEMBER, HOME).sign == "outdated"


def test_a_stack_set_with_another_template_makes_every_cell_outdated() -> None:
    survey = found(want())
    rules = survey.sets[RULES]
    assert rules is not None
    survey = replace(survey, sets={**survey.sets, RULES: replace(rules, current=False)})
    picture = coverage(want(), survey)
    assert cell(picture, MEMBER, AWAY).sign == "outdated"
    assert cell(picture, MANAGEMENT, AWAY).sign == "deployed"
    assert [part.sign for part in picture.parts] == ["deployed", "deployed", "outdated"]


def test_before_the_first_rollout_everything_is_uncovered_and_nothing_unknown() -> None:
    survey = found(want())
    survey = replace(survey, sets=dict.fromkeys(survey.sets), stacks=dict.fromkeys(survey.stacks))
    picture = coverage(want(), survey)
    assert {c.sign for row in picture.rows for c in row.cells} == {"uncovered"}
    assert {part.sign for part in picture.parts} == {"uncovered"}
    assert picture.unread == {}


OWN = (
    (GOOD, "deployed", ""),
    (Own("UPDATE_COMPLETE", True), "deployed", ""),
    (Own("UPDATE_COMPLETE", False), "outdated", "another template or values"),
    (Own("CREATE_IN_PROGRESS", True), "working", "CREATE_IN_PROGRESS"),
    (Own("ROLLBACK_COMPLETE", True), "failed", "ROLLBACK_COMPLETE"),
    (Own("UPDATE_ROLLBACK_COMPLETE", True, "Rate exceeded"), "failed", "patience"),
    (Own("CREATE_COMPLETE", True, "", "DRIFTED"), "drifted", "somebody changed"),
    (None, "uncovered", "is not there"),
)


@pytest.mark.parametrize(("own", "sign", "says"), OWN, ids=lambda value: str(value)[:40])
def test_the_management_account_is_covered_by_its_own_stacks(
    own: Own | None, sign: str, says: str
) -> None:
    survey = found(want())
    survey = replace(survey, stacks={**survey.stacks, ("management", AWAY, RULES): own})
    picture = coverage(want(), survey)
    assert cell(picture, MANAGEMENT, AWAY).sign == sign
    assert says in cell(picture, MANAGEMENT, AWAY).why
    assert cell(picture, MANAGEMENT, FAR).sign == "deployed"


def test_the_roles_of_the_management_account_count_in_each_region() -> None:
    survey = found(want())
    survey = replace(survey, stacks={**survey.stacks, ("management", HOME, ROLES): None})
    picture = coverage(want(), survey)
    assert {cell(picture, MANAGEMENT, region).sign for region in REGIONS} == {"uncovered"}


def test_a_delegated_administrator_does_not_see_the_management_account() -> None:
    access = DEFAULT_PLACE.access._replace(delegated_admin=True)
    wanted_ = want(access=access)
    picture = coverage(wanted_, found(wanted_))
    assert {c.sign for c in picture.rows[0].cells} == {"unseen"}
    assert picture.good
    assert "3 unseen" in verdict(picture)


# --- What could not be read


def test_what_could_not_be_read_is_unknown_and_not_green() -> None:
    survey = found(want())
    why = "ListStackInstances (management account, us-east-1): AccessDenied: no"
    survey = replace(survey, sets={ROLES: survey.sets[ROLES]}, unread={RULES: why})
    picture = coverage(want(), survey)
    assert cell(picture, MEMBER, AWAY) == Cell(
        "unknown", "its StackSet could not be read", said=why
    )
    assert not picture.good
    text = "\n".join(lines(picture, lambda words, _: words))
    assert f"not checked:\n  {RULES}: {why}" in text


def test_green_cells_alone_are_not_all_green_when_something_else_is_amiss() -> None:
    survey = found(want())
    key = ("central", HOME, "trailbus-central")
    survey = replace(survey, stacks={**survey.stacks, key: Own("UPDATE_COMPLETE", False)})
    picture = coverage(want(), survey)
    assert not picture.good
    assert verdict(picture).startswith("every cell is green, but not all else")


# --- In words


def test_every_status_and_every_sign_is_explained() -> None:
    for status in STATUSES:
        assert explained(status, "").why
        assert explained(status, "").cure
    assert len({kind.mark for kind in SIGNS.values()}) == len(SIGNS)


def test_every_status_that_aws_knows_has_words() -> None:
    import botocore.session

    model = botocore.session.get_session().get_service_model("cloudformation")
    known = {
        *model.shape_for("StackInstanceDetailedStatus").enum,
        *model.shape_for("StackInstanceStatus").enum,
    }
    assert known - set(STATUSES) == {"SUCCEEDED", "CURRENT"}


def picture_of(accounts: int, bad: dict[int, Cell]) -> Coverage:
    """So many accounts in two Regions, some of which are bad in the second."""
    rows = tuple(
        Row(f"{number:012d}", f"a{number}", (Cell("deployed"), bad.get(number, Cell("deployed"))))
        for number in range(accounts)
    )
    return Coverage((HOME, AWAY), rows, (), {})


def test_five_thousand_accounts_fit_on_a_screen_when_few_are_bad() -> None:
    failed = Cell("failed", "why", "cure", "said")
    text = list(lines(picture_of(5_000, {7: failed, 4_999: failed}), lambda words, _: words))
    assert len(text) < 20
    rows = [line for line in text if line.startswith("0000")]
    assert [row.split()[0] for row in rows] == ["000000000007", "000000004999"]
    whole = list(lines(picture_of(5_000, {7: failed}), lambda words, _: words, everything=True))
    assert len([line for line in whole if line.startswith("0000")]) == 5_000


def test_cells_with_the_same_reason_are_one_group_whatever_account_aws_names() -> None:
    cells = {n: Cell("failed", "why", "cure", f"denied to {n}") for n in range(10)}
    [group] = picture_of(20, cells).groups()
    assert len(group.places) == 10
    assert group.cell.said == "denied to 0"
    assert places(group, picture_of(20, cells)) == (
        f"000000000000, 000000000001, 000000000002 and 7 more in {AWAY}"
    )


def test_names_and_reasons_cannot_steer_a_terminal() -> None:
    row = Row("1" * 12, "evil\x1b[2J\nname", (Cell("failed", "w", "c", "said\x1b]0;x\x07"),))
    text = list(lines(Coverage((HOME,), (row,), (), {}), lambda words, _: words))
    assert not [line for line in text if "\x1b" in line or "\x07" in line or "\n" in line]


@pytest.mark.parametrize(
    ("region", "said"),
    [("us-east-1", "use1"), ("ap-southeast-2", "apse2"), ("us-gov-west-1", "usgovw1"),
     ("eu-central-1", "euc1"), ("ap-northeast-3", "apne3"), ("mx-central-1", "mxc1")],
)  # fmt: skip
def test_a_region_is_told_in_few_letters(region: str, said: str) -> None:
    assert short(region) == said


def test_no_two_regions_are_told_alike() -> None:
    import botocore.session

    session = botocore.session.get_session()
    regions = [
        region
        for partition in ("aws", "aws-cn", "aws-us-gov")
        for region in session.get_available_regions("sqs", partition)
    ]
    assert len({short(region) for region in regions}) == len(regions) > 20
