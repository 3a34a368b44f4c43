"""Every finding of the doctor: there when its fault is, with its cure, and not there otherwise."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import pytest
from moto.sns.models import sns_backends

from generator.deploy import doctor
from generator.deploy.doctor import CHECKS
from generator.deploy.doctor.callers import NEEDED
from generator.deploy.doctor.organization import STACK_SETS
from generator.model import Rollout
from generator.simulation.organization import DEFAULT_PLACE
from generator.simulation.world import Account
from tests.deploy.doctor.conftest import (
    CENTRAL,
    HOME,
    INNER,
    MANAGEMENT,
    MEMBER,
    OUTER,
    ROOT,
    Patient,
    Spoil,
    healthy,
)


class Case(NamedTuple):
    """A fault, the check that must find it, and what the finding says."""

    name: str
    check: str
    spoil: Spoil
    level: str
    says: str


def scp(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def deny(action: str | list[str] = "events:*", sid: str = "No", **condition: Any) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Deny", "Action": action, "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement


ELSEWHERE = {
    "Sid": "GRREGIONDENY",
    "Effect": "Deny",
    "NotAction": ["iam:*", "organizations:*", "sts:*"],
    "Resource": "*",
    "Condition": {
        "StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]},
        "ArnNotLike": {"aws:PrincipalARN": ["arn:*:iam::*:role/AWSControlTowerExecution"]},
    },
}
EXEMPTING = deny(
    ArnNotLike={
        "aws:PrincipalArn": ["arn:aws:iam::*:role/stacksets-exec-*", "arn:aws:iam::*:role/x"]
    }
)


def selectors(patient: Patient, **chosen: Any) -> None:
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, **chosen}
    patient.client("cloudtrail").put_event_selectors(
        TrailName="organization-trail", EventSelectors=[selector]
    )


def advanced(patient: Patient, *fields: tuple[str, str, str]) -> None:
    chosen = [{"Field": name, how: [value]} for name, how, value in fields]
    patient.client("cloudtrail").put_event_selectors(
        TrailName="organization-trail",
        AdvancedEventSelectors=[{"FieldSelectors": chosen}],
    )


def half_trusted(patient: Patient) -> None:
    patient.client("cloudformation").deactivate_organizations_access()
    patient.client("organizations").enable_aws_service_access(ServicePrincipal=STACK_SETS)


def delegated(patient: Patient, register: bool) -> None:
    patient.relocate(access=patient.place.access._replace(delegated_admin=True))
    if register:
        patient.client("organizations").register_delegated_administrator(
            AccountId=CENTRAL, ServicePrincipal=STACK_SETS
        )


def suspend(patient: Patient, account: str) -> None:
    patient.organization.accounts[account].suspended = True


def many_accounts(patient: Patient) -> None:
    for number in range(40_000):
        account = f"{800_000_000_000 + number}"
        patient.organization.add(Account(account, "", ROOT))


def crowded(patient: Patient) -> None:
    events = patient.client("events", region="eu-west-1")
    for number in range(3):
        events.put_rule(Name=f"theirs-{number}", EventPattern='{"source":["aws.ec2"]}')
    patient.cloud.quotas.set(MANAGEMENT, "eu-west-1", "events", "Rules", 5)


def many_sets(patient: Patient) -> None:
    cloudformation = patient.client("cloudformation")
    body = '{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}'
    for number in range(999):
        cloudformation.create_stack_set(
            StackSetName=f"theirs-{number}", TemplateBody=body, PermissionModel="SELF_MANAGED"
        )


def opting_in(patient: Patient, *accounts: str, region: str = "eu-west-1") -> None:
    patient.world.opt_in_regions = frozenset({region})
    for account in accounts:
        patient.organization.accounts[account].opted_in.add(region)


def topic(patient: Patient) -> None:
    patient.client("sns", CENTRAL).create_topic(Name="consoleme-cloudtrail-access-denies")
    assert sns_backends[CENTRAL][HOME].topics


def role(patient: Patient) -> None:
    patient.client("iam").create_role(RoleName="trailbus-forwarder", AssumeRolePolicyDocument="{}")


def queue(patient: Patient) -> None:
    patient.client("sqs", region="eu-west-1").create_queue(QueueName="trailbus-unforwarded")


def home(region: str) -> Spoil:
    return lambda patient: patient.relocate(central_region=region, regions=(region,))


def only_s3(patient: Patient) -> None:
    patient.forbid(scp({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}), ROOT)
    patient.organization.policies["p-FullAWSAccess"].targets.discard(ROOT)


def another_management_account(patient: Patient) -> None:
    delegated(patient, register=True)
    patient.relocate(management_account=MEMBER)


def tickets_in_govcloud(patient: Patient) -> None:
    patient.relocate(central_region="us-gov-west-1", regions=("us-gov-west-1",))
    patient.rewrite(targets={"tickets": {"kind": "api_destination"}})


CASES = (
    # --- organization
    Case(
        "one bill only",
        "organization features",
        lambda p: setattr(p.organization, "features", "CONSOLIDATED_BILLING"),
        "blocking",
        "organization o-a1b2c3d4e5: .* all features; enable them",
    ),
    Case(
        "another organization",
        "membership",
        lambda p: p.relocate(organization_id="o-zzzzzzzzzz"),
        "blocking",
        "place.organization_id: .* is o-a1b2c3d4e5, not o-zzzzzzzzzz",
    ),
    Case(
        "another management account",
        "membership",
        another_management_account,
        "blocking",
        "place.management_account: .* is 111111111111, not 111122223333",
    ),
    Case(
        "a stranger as central account",
        "membership",
        lambda p: p.relocate(central_account="999988887777"),
        "blocking",
        "place.central.account: 999988887777 is not in the organization",
    ),
    Case(
        "a suspended central account",
        "membership",
        lambda p: suspend(p, CENTRAL),
        "blocking",
        "222222222222 is suspended",
    ),
    Case(
        "a stranger to exclude",
        "membership",
        lambda p: p.relocate(exclude_accounts=("999988887777",)),
        "warning",
        "place.exclude_accounts: 999988887777: not in the organization",
    ),
    Case(
        "no such root",
        "organizational units",
        lambda p: p.relocate(organizational_units=("r-zzzz",)),
        "blocking",
        "there is no root r-zzzz; this one's root is r-ab12",
    ),
    Case(
        "no such unit",
        "organizational units",
        lambda p: p.relocate(organizational_units=(OUTER, "ou-ab12-nowhere12")),
        "blocking",
        "there is no unit ou-ab12-nowhere12",
    ),
    Case(
        "a suspended member",
        "suspended accounts",
        lambda p: suspend(p, MEMBER),
        "warning",
        "1 are suspended and will be passed by: 111122223333",
    ),
    Case(
        "no trusted access",
        "trusted access",
        lambda p: p.client("cloudformation").deactivate_organizations_access(),
        "blocking",
        "no trusted access .* activate-organizations-access --region us-east-1",
    ),
    Case(
        "trusted access by halves",
        "trusted access",
        half_trusted,
        "blocking",
        "in Organizations alone, which is not enough",
    ),
    Case(
        "nobody's delegate",
        "delegated administrator",
        lambda p: delegated(p, register=False),
        "blocking",
        "222222222222 is no delegated administrator of StackSets; .* register-delegated-admin",
    ),
    Case(
        "the central account as delegate",
        "delegated administrator",
        lambda p: delegated(p, register=True),
        "warning",
        "a deployer account of its own",
    ),
    # --- Regions
    Case(
        "a Region that is none",
        "Regions",
        lambda p: p.relocate(regions=("us-east-1", "eu-wset-1")),
        "blocking",
        "place.regions: there is no Region eu-wset-1",
    ),
    Case(
        "a Region that is off",
        "Regions",
        lambda p: opting_in(p),
        "blocking",
        "eu-west-1 is not enabled in the management account",
    ),
    Case(
        "a Region to opt into",
        "Regions",
        lambda p: opting_in(p, MANAGEMENT),
        "warning",
        "eu-west-1: only accounts that opted in",
    ),
    Case(
        "no leader",
        "leader Region",
        lambda p: p.relocate(regions=("eu-west-1",)),
        "warning",
        "us-east-1 is missing",
    ),
    Case(
        "the central Region is off",
        "central Region",
        lambda p: opting_in(p, region=HOME),
        "blocking",
        "us-east-1 is not enabled in the central account",
    ),
    Case(
        "the central Region is to opt into",
        "central Region",
        lambda p: opting_in(p, CENTRAL, region=HOME),
        "warning",
        "us-east-1 is one to opt into",
    ),
    Case(
        "a central Region that is none",
        "central Region",
        lambda p: p.relocate(central_region="eu-west-9"),
        "blocking",
        "there is no Region eu-west-9",
    ),
    Case(
        "STS is off",
        "STS",
        lambda p: p.world.without_tokens.add((CENTRAL, "eu-west-1")),
        "warning",
        "eu-west-1 in the central account: STS is switched off",
    ),
    Case(
        "nobody for the alarms",
        "alarms",
        lambda p: p.relocate(alarm_emails=()),
        "warning",
        "topic trailbus-alarms: nobody hears the alarms, .*; name addresses in place.alarms",
    ),
    Case(
        "nobody for the reports",
        "alarms",
        lambda p: p.relocate(report_emails=()),
        "warning",
        "topic trailbus-reports: nobody hears the reports",
    ),
    Case(
        "no archives",
        "archive",
        home("ca-west-1"),
        "blocking",
        "ca-west-1 has no event archives; set place.parameters",
    ),
    Case("China", "partition", home("cn-north-1"), "blocking", "no trusted access in the China"),
    Case(
        "two partitions",
        "partition",
        lambda p: p.relocate(regions=("us-east-1", "us-gov-west-1")),
        "blocking",
        "us-gov-west-1: not in the partition aws",
    ),
    Case(
        "across GovCloud",
        "partition",
        lambda p: p.relocate(
            central_region="us-gov-west-1", regions=("us-gov-west-1", "us-gov-east-1")
        ),
        "warning",
        "forwarding from us-gov-east-1 to us-gov-west-1 is not documented",
    ),
    Case(
        "API destinations in GovCloud",
        "partition",
        tickets_in_govcloud,
        "blocking",
        "targets.tickets: us-gov-west-1 has no API destinations",
    ),
    # --- service control policies
    Case(
        "denied to all",
        "service control policies",
        lambda p: p.forbid(scp(deny()), ROOT),
        "blocking",
        r"guard \(p-guard000\): denies .* events:PutRule, events:PutTargets in .* r-ab12; ex",
    ),
    Case(
        "denied below",
        "service control policies",
        lambda p: p.forbid(scp(deny("sqs:CreateQueue")), INNER),
        "warning",
        f"denies .* sqs:CreateQueue in .*, in {INNER}",
    ),
    Case(
        "denied to an account",
        "service control policies",
        lambda p: p.forbid(scp(deny("iam:Create*")), MEMBER),
        "warning",
        "iam:CreateRole in us-east-1, in 111122223333",
    ),
    Case(
        "the forwarder silenced",
        "forwarding",
        lambda p: p.forbid(scp(deny("events:PutEvents")), ROOT),
        "blocking",
        r"denies the role trailbus-forwarder events:PutEvents .*role/trailbus-forwarder in it",
    ),
    Case(
        "denied perhaps",
        "service control policies",
        lambda p: p.forbid(scp(deny(StringEquals={"aws:PrincipalTag/team": "x"})), ROOT),
        "warning",
        "may deny",
    ),
    Case(
        "a Region denied by Control Tower",
        "service control policies",
        lambda p: p.forbid(scp(ELSEWHERE), ROOT, name="aws-guardrails-AbCdEf"),
        "blocking",
        "Control Tower's .* in ap-southeast-2, in r-ab12",
    ),
    Case(
        "nothing allowed",
        "what is allowed",
        only_s3,
        "blocking",
        "r-ab12: no service control policy allows cloudformation:CreateStack, events:PutRule",
    ),
    # --- trails
    Case(
        "no trail",
        "trail",
        lambda p: p.client("cloudtrail").delete_trail(Name="organization-trail"),
        "warning",
        "there is none",
    ),
    Case(
        "a silent trail",
        "trail",
        lambda p: p.client("cloudtrail").stop_logging(Name="organization-trail"),
        "warning",
        "trail organization-trail: is not logging: .* start-logging",
    ),
    Case(
        "no trail to have a home",
        "trail's home",
        lambda p: p.client("cloudtrail").delete_trail(Name="organization-trail"),
        "unchecked",
        "not checked: there is none",
    ),
    Case(
        "no trail that selects",
        "trail's selectors",
        lambda p: p.client("cloudtrail").stop_logging(Name="organization-trail"),
        "unchecked",
        "not checked: none is logging",
    ),
    Case(
        "a trail of one Region",
        "trail",
        lambda p: p.client("cloudtrail").update_trail(
            Name="organization-trail", IsMultiRegionTrail=False
        ),
        "warning",
        "covers us-east-1 alone",
    ),
    Case(
        "a trail at home where one opts in",
        "trail's home",
        lambda p: opting_in(p, MANAGEMENT, region=HOME),
        "warning",
        "lives in us-east-1",
    ),
    Case(
        "no reads",
        "trail's selectors",
        lambda p: selectors(p, ReadWriteType="WriteOnly"),
        "warning",
        "read-only management events are left out: consoleme_access_denied, .* and \\d+ more",
    ),
    Case(
        "no reads, in the other words",
        "trail's selectors",
        lambda p: advanced(
            p, ("eventCategory", "Equals", "Management"), ("readOnly", "Equals", "false")
        ),
        "warning",
        "read-only management events are left out",
    ),
    Case(
        "no writes",
        "trail's selectors",
        lambda p: selectors(p, ReadWriteType="ReadOnly"),
        "warning",
        "no logging trail selects management events that write",
    ),
    Case(
        "no KMS",
        "trail's selectors",
        lambda p: selectors(p, ExcludeManagementEventSources=["kms.amazonaws.com"]),
        "warning",
        "events of kms.amazonaws.com are left out",
    ),
    Case(
        "no RDS, in the other words",
        "trail's selectors",
        lambda p: advanced(
            p,
            ("eventCategory", "Equals", "Management"),
            ("eventSource", "NotEquals", "rdsdata.amazonaws.com"),
        ),
        "warning",
        "events of rdsdata.amazonaws.com are left out",
    ),
    # --- callers
    Case(
        "a permission is missing",
        "permissions",
        lambda p: p.cloud.refusals.add("cloudformation", "CreateStackSet", account=MANAGEMENT),
        "warning",
        "the management account's credentials: may lack cloudformation:CreateStackSet; allow",
    ),
    Case(
        "permissions cannot be asked for",
        "permissions",
        lambda p: p.cloud.refusals.add("iam", "SimulatePrincipalPolicy", account=CENTRAL),
        "unchecked",
        "the central account's credentials: not checked: .*; allow iam:SimulatePrincipalPolicy",
    ),
    # --- names
    Case(
        "a bus of our name",
        "names",
        lambda p: p.client("events", CENTRAL).create_event_bus(Name="trailbus"),
        "blocking",
        "the central account, us-east-1: the event bus trailbus is there already",
    ),
    Case("a topic of our name", "names", topic, "blocking", "the topic consoleme-cloudtrail"),
    Case("a role of our name", "names", role, "blocking", "the role trailbus-forwarder"),
    Case("a queue of our name", "names", queue, "blocking", "management account, eu-west-1: the q"),
    # --- quotas and sizes
    Case("too many accounts", "StackSet instances", many_accounts, "blocking", "takes 100,000"),
    Case("too many StackSets", "StackSets", many_sets, "blocking", "has 999 of at most 1,000"),
    Case("a full bus", "rules", crowded, "blocking", "eu-west-1: has 3 rules of at most 5"),
    Case(
        "too small a bus",
        "rules",
        lambda p: p.cloud.quotas.set(CENTRAL, HOME, "events", "Rules", 10),
        "blocking",
        r"the detections need 3\d rules; the bus takes 10",
    ),
    Case(
        "too long a body",
        "sizes",
        lambda p: p.rewrite("member-rules.yaml", "x" * 51_201),
        "blocking",
        "member-rules.yaml: is 51,201 bytes long; a StackSet's body takes 51,200",
    ),
    Case(
        "too long a template",
        "sizes",
        lambda p: p.rewrite("central.yaml", "x" * 1_000_001),
        "blocking",
        "central.yaml: is 1,000,001 bytes",
    ),
    Case(
        "too long a value",
        "parameter values",
        lambda p: p.relocate(parameters={"RolePath": f"/{'x' * 4_096}/"}),
        "blocking",
        "member-roles.yaml: parameter RolePath: is 4,098 bytes",
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_is_found_with_its_cure(case: Case, patient: Patient) -> None:
    case.spoil(patient)
    found = [one for one in patient.check(case.check) if one.level == case.level]
    said = [str(one.problem) for one in found]
    assert any(re.search(case.says, text) for text in said), said
    if case.level != "unchecked":
        assert all(one.cure for one in found)


def test_a_healthy_organization_has_no_finding(patient: Patient) -> None:
    assert [one for one in patient.examined() if one.level != "ok"] == []


def test_every_check_has_a_case_and_its_own_name() -> None:
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))
    assert {case.check for case in CASES} == set(names)


@pytest.mark.parametrize(
    ("name", "content", "targets"),
    [
        ("exempted roles", scp(EXEMPTING), (ROOT,)),
        ("other actions", scp(deny("organizations:LeaveOrganization")), (ROOT,)),
        ("other principals", scp(deny(StringLike={"aws:PrincipalArn": "*:root"})), (ROOT,)),
        ("other Regions", scp(deny(StringEquals={"aws:RequestedRegion": "sa-east-1"})), (ROOT,)),
        ("the management account", scp(deny("*")), (MANAGEMENT,)),
        ("nobody", scp(deny("*")), ()),
        ("an allowance", scp({"Effect": "Allow", "Action": "*", "Resource": "*"}), (ROOT,)),
    ],
    ids=lambda value: value if isinstance(value, str) and value[0] != "{" else "",
)  # fmt: skip
def test_a_policy_that_binds_no_execution_role_is_no_finding(
    name: str, content: str, targets: tuple[str, ...], patient: Patient
) -> None:
    patient.forbid(content, *targets)
    assert [one.level for one in patient.check("service control policies")] == ["ok"]


def test_a_denial_to_an_excluded_account_or_outside_the_units_is_no_finding(
    patient: Patient,
) -> None:
    patient.relocate(organizational_units=(INNER,), exclude_accounts=(MEMBER,))
    patient.organization.add_unit("ou-ab12-elsewhere1", ROOT, "Elsewhere")
    patient.forbid(scp(deny("*")), MEMBER, "ou-ab12-elsewhere1")
    assert [one.level for one in patient.check("service control policies")] == ["ok"]
    patient.forbid(scp(deny("*")), OUTER)
    assert [one.level for one in patient.check("service control policies")] == ["blocking"]


def test_a_second_trail_that_takes_what_the_first_leaves_out_is_enough(patient: Patient) -> None:
    selectors(patient, ReadWriteType="WriteOnly")
    patient.cloud.trails.add(MANAGEMENT, HOME, "second", organization=True)
    assert [one.level for one in patient.check("trail's selectors")] == ["ok"]


def test_detections_that_need_no_reads_do_without(patient: Patient) -> None:
    selectors(patient, ReadWriteType="WriteOnly")
    detections = {"one": {"member_rules": ["trailbus-forward-writes"], "central_rules": []}}
    patient.rewrite(detections=detections)
    assert [one.level for one in patient.check("trail's selectors")] == ["ok"]


def test_what_our_own_stack_made_is_no_collision(patient: Patient) -> None:
    cloudformation = patient.client("cloudformation", CENTRAL)
    body = json.dumps(
        {
            "Resources": {
                "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "trailbus"}}
            }
        }
    )
    cloudformation.create_stack(StackName="trailbus-central", TemplateBody=body)
    while cloudformation.describe_stacks()["Stacks"][0]["StackStatus"].endswith("PROGRESS"):
        pass
    assert [one.level for one in patient.check("names")] == ["ok"]


# --- What cannot be asked


READS = {
    ("organizations", "DescribeOrganization"): "organization features",
    ("organizations", "ListAccounts"): "suspended accounts",
    ("organizations", "ListRoots"): "organizational units",
    ("cloudformation", "DescribeOrganizationsAccess"): "trusted access",
    ("account", "ListRegions"): "Regions",
    ("organizations", "ListPolicies"): "service control policies",
    ("cloudtrail", "DescribeTrails"): "trail",
    ("cloudtrail", "GetEventSelectors"): "trail's selectors",
    ("sqs", "GetQueueUrl"): "names",
    ("events", "ListRules"): "rules",
    ("cloudformation", "ListStackSets"): "StackSets",
}


@pytest.mark.parametrize(("call", "check"), READS.items(), ids=lambda value: value[-1])
def test_a_refused_read_is_told_and_stops_no_other_check(
    call: tuple[str, str], check: str, patient: Patient
) -> None:
    patient.cloud.refusals.add(*call, code="AccessDenied")
    found = patient.examined()
    [refused] = [one for one in found if one.check == check]
    assert refused.level == "unchecked"
    assert f"{call[1]} (" in refused.fault
    assert "AccessDenied" in refused.fault
    assert {one.check for one in found} >= {one.name for one in CHECKS}
    assert any(one.level == "ok" for one in found)


def test_without_quotas_everybodys_limits_count(patient: Patient) -> None:
    patient.cloud.refusals.add("service-quotas")
    assert [one.level for one in patient.check("rules")] == ["ok"]


@pytest.mark.parametrize(
    ("code", "cure"), [("ExpiredToken", "log in again"), ("AccessDenied", "see place.access")]
)
def test_useless_credentials_are_one_finding_a_side_and_nothing_else_is_asked(
    code: str, cure: str, patient: Patient
) -> None:
    patient.cloud.refusals.add(code=code)
    found = patient.examined()
    blocking = [one for one in found if one.level == "blocking"]
    assert [one.place for one in blocking] == ["the central account", "the management account"]
    assert all(code in one.fault and cure in one.cure for one in blocking)
    assert {one.level for one in found if one.check != "credentials"} == {"unchecked"}
    assert len(patient.cloud.edge.calls) == 3  # activation, and twice who am I


def test_credentials_of_another_account_are_told_with_both_numbers(patient: Patient) -> None:
    door, other = patient.door, patient.wanted
    mine = patient.wanted.place._replace(central_account=MEMBER)
    found = doctor.examine(door, type(other)(**{**vars(other), "place": mine}))
    [blocking] = [one for one in found if one.level == "blocking"]
    assert str(blocking.problem) == (
        "the central account: the credentials are those of 222222222222, not of 111122223333; "
        "see place.access.central_role and central_profile"
    )


def test_a_question_that_many_checks_have_is_asked_once(patient: Patient) -> None:
    patient.examined()
    calls = [(c.operation, c.region, c.caller.account) for c in patient.cloud.edge.calls]
    for name in ("DescribeOrganization", "ListAccounts", "DescribeTrails", "ListRoots"):
        assert len([call for call in calls if call[0] == name]) == 1, name


def test_a_question_that_was_refused_is_not_asked_again(patient: Patient) -> None:
    patient.cloud.refusals.add("organizations", "ListAccounts")
    found = [one for one in patient.examined() if "ListAccounts" in one.fault]
    assert len(found) >= 3
    calls = [one for one in patient.cloud.edge.calls if one.operation == "ListAccounts"]
    assert len(calls) == 1


def test_the_doctor_only_reads(patient: Patient) -> None:
    before = len(patient.cloud.edge.calls)
    patient.examined()
    made = {call.operation for call in patient.cloud.edge.calls[before:]}
    assert all(name.startswith(("Describe", "Get", "List", "Simulate")) for name in made), made


def test_a_delegated_administrator_is_asked_as_one() -> None:
    with healthy() as patient:
        delegated(patient, register=True)
        found = {one.check: one for one in patient.examined()}
    assert found["trusted access"].level == "ok"
    assert found["delegated administrator"].level == "warning"
    assert found["rules"].level == "unchecked"


def test_self_managed_stack_sets_need_no_trusted_access_and_have_their_own_role() -> None:
    place = DEFAULT_PLACE._replace(rollout=Rollout(self_managed=True))
    with healthy(place) as patient:
        patient.client("cloudformation").deactivate_organizations_access()
        patient.organization.features = "CONSOLIDATED_BILLING"
        for check in ("trusted access", "organization features", "delegated administrator"):
            assert [one.level for one in patient.check(check)] == ["ok"]
        patient.forbid(scp(EXEMPTING), ROOT)
        [found] = patient.check("service control policies")
        assert found.level == "blocking"
        assert "role/AWSCloudFormationStackSetExecutionRole" in found.cure
        patient.relocate(central_region="cn-north-1", regions=("cn-north-1",))
        assert [one.level for one in patient.check("partition")] == ["ok"]


def test_only_what_blocks_is_for_deploy(patient: Patient) -> None:
    selectors(patient, ReadWriteType="WriteOnly")
    assert doctor.blocking(patient.door, patient.wanted) == []
    patient.client("cloudformation").deactivate_organizations_access()
    [problem] = doctor.blocking(patient.door, patient.wanted)
    assert "trusted access" in problem.fault


@pytest.mark.parametrize("side", NEEDED)
def test_the_permissions_asked_for_are_real_operations(side: Any) -> None:
    import botocore.session

    for action in NEEDED[side]:
        service, _, operation = action.partition(":")
        names = botocore.session.get_session().get_service_model(service).operation_names
        assert operation in names or action == "iam:PassRole", action
