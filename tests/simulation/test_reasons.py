"""Why events went nowhere: each reason by a case, in words that say what to change."""

from __future__ import annotations

from typing import Any

import pytest

from generator.cloudtrail import GLOBAL_SERVICES
from generator.model import Json
from generator.simulation.journeys import Journey

from .conftest import (
    AWAY,
    CENTRAL,
    HOME,
    MANAGEMENT,
    MEMBER,
    OTHER,
    RULE,
    Laboratory,
    altered,
    detection,
    event_of,
    examples,
    without,
)

KEY = "kms_key_disabled"
DENIED = "consoleme_access_denied"


def reason(lab: Laboratory, event: Json) -> str | None:
    """What `simulate` says of an event."""
    before = lab.reasons.before(event)
    if before is not None:
        return before
    journey: Journey = lab.router.send(event)
    return lab.reasons.after(journey, lab.reasons.matching(event))


def test_what_arrives_has_no_reason(lab: Laboratory) -> None:
    assert reason(lab, event_of(KEY)) is None


# --- Before the default bus


def stop_trails(lab: Laboratory) -> None:
    lab.cloud.trails.add(MANAGEMENT, HOME, "organization-trail", organization=True, logging=False)


@pytest.fixture
def untrailed(lab: Laboratory) -> Any:
    """The organization while its trail is stopped."""
    stop_trails(lab)
    yield lab
    lab.cloud.trails.add(MANAGEMENT, HOME, "organization-trail", organization=True)


@pytest.mark.parametrize(("account", "region"), [(MEMBER, AWAY), (CENTRAL, HOME)])
def test_without_a_trail_nothing_arrives(untrailed: Laboratory, account: str, region: str) -> None:
    event = event_of(KEY, account=account, region=region)
    assert reason(untrailed, event) == f"no trail is logging in {account}, {region}: start one"


def test_trail_of_the_account_is_enough_for_it_alone(untrailed: Laboratory) -> None:
    untrailed.cloud.trails.add(MEMBER, HOME, "own-trail")
    assert reason(untrailed, event_of(KEY)) is None
    assert "no trail" in str(reason(untrailed, event_of(KEY, account=OTHER)))
    untrailed.cloud.trails.add(MEMBER, HOME, "own-trail", logging=False)
    assert "no trail" in str(reason(untrailed, event_of(KEY)))


def test_events_that_no_trail_brings_need_none(untrailed: Laboratory) -> None:
    event = event_of(KEY) | {"detail-type": "EC2 Instance State-change Notification"}
    assert "no trail" not in str(reason(untrailed, event))


@pytest.mark.parametrize("service", sorted(GLOBAL_SERVICES))
@pytest.mark.parametrize("region", [AWAY, "eu-north-1", ""])
def test_global_service_in_another_region_is_told_where_it_belongs(
    lab: Laboratory, service: str, region: str
) -> None:
    event = event_of(KEY, region=region, eventSource=service)
    assert reason(lab, event) == (
        f"wrong Region: {service} records its calls in us-east-1, not in {region or '(none)'}: "
        "send it as an event of us-east-1"
    )


def test_global_service_belongs_to_the_leader_of_its_partition(lab: Laboratory) -> None:
    for home, leader in (("cn-northwest-1", "cn-north-1"), ("us-gov-east-1", "us-gov-west-1")):
        regions, lab.world.regions = lab.world.regions, (home,)
        try:
            event = event_of(KEY, region=home, eventSource="iam.amazonaws.com")
            assert f"send it as an event of {leader}" in str(lab.reasons.before(event))
            event = event_of(KEY, region=leader, eventSource="iam.amazonaws.com")
            assert lab.reasons.before(event) == (
                f"iam.amazonaws.com records its calls in {leader}, which is not covered: cover it"
            )
        finally:
            lab.world.regions = regions


@pytest.mark.parametrize("region", ["eu-north-1", "us-northeast-1r", "mars", ""])
def test_region_that_does_not_exist_is_the_reason(lab: Laboratory, region: str) -> None:
    assert reason(lab, event_of(KEY, region=region)) == (
        f"the Region {region or '(none)'} does not exist in this organization: cover it, or send "
        "an event of us-east-1, eu-west-1, ap-southeast-2"
    )


# --- Between the buses


def test_read_only_event_without_a_rule_of_that_state(lab: Laboratory) -> None:
    assert reason(lab, event_of(KEY, readOnly=True)) == (
        "read-only event, and no rule has the state that receives those: kms_key_disabled would "
        "need read_only: true"
    )
    assert reason(lab, event_of(DENIED)) is None


def test_account_without_our_rules(lab: Laboratory) -> None:
    event = event_of(KEY)
    ours = list(lab.router.rules(MEMBER, AWAY, "default"))
    for rule in ours:
        lab.world.inventory.remove(rule)
    try:
        assert reason(lab, event) == (
            f"kms_key_disabled matches, but no forwarding rule is deployed in {MEMBER}, {AWAY}: "
            "cover this account and Region"
        )
    finally:
        for rule in ours:
            lab.world.inventory.add(rule)


def forwarding_rule(lab: Laboratory, event: Json) -> Any:
    [name] = lab.send(event).member_rules
    return lab.resource(RULE, name, event["account"], event["region"])


def test_disabled_forwarding_rule_is_named(lab: Laboratory) -> None:
    event = event_of(KEY)
    rule = forwarding_rule(lab, event)
    with altered(rule, State="DISABLED"):
        assert reason(lab, event) == (
            f"kms_key_disabled matches, but {rule.properties['Name']} is disabled in {MEMBER}, "
            f"{AWAY}: enable it"
        )


def test_outdated_forwarding_rule_is_told(lab: Laboratory) -> None:
    event = event_of(KEY)
    with altered(forwarding_rule(lab, event), EventPattern={"source": ["aws.nothing"]}):
        assert reason(lab, event) == (
            f"kms_key_disabled matches, but no forwarding rule in {MEMBER}, {AWAY} does: render "
            "and deploy the member rules again"
        )


def test_bus_that_lets_nobody_in_is_told_with_the_letter(lab: Laboratory) -> None:
    event = event_of(KEY)
    name = forwarding_rule(lab, event).properties["Name"]
    policy = lab.resource("AWS::Events::EventBusPolicy", "trailbus|ThisOrganization")
    with without(lab.world, policy):
        said = str(reason(lab, event))
    assert said.startswith(f"{name}: NO_PERMISSIONS: no PutEvents: ")
    assert said.endswith("; kept in trailbus-unforwarded")


# --- On the central bus


def test_disabled_central_rule_is_named(lab: Laboratory) -> None:
    with altered(lab.resource(RULE, f"trailbus-{KEY}"), State="DISABLED"):
        assert reason(lab, event_of(KEY)) == (
            f"forwarded, but trailbus-{KEY} is disabled on the central bus: enable it"
        )


def test_outdated_central_rule_is_told(lab: Laboratory) -> None:
    with altered(lab.resource(RULE, f"trailbus-{KEY}"), EventPattern={"source": ["aws.nothing"]}):
        assert reason(lab, event_of(KEY)) == (
            f"forwarded, but no central rule takes it: {KEY}: render and deploy the central "
            "stack again"
        )


def test_read_only_event_that_a_plain_central_rule_does_not_see(lab: Laboratory) -> None:
    # Forwarded for a detection that reads, matched by one that does not.
    event = event_of("consoleme_role_changed", region=HOME, readOnly=True)
    journey = lab.router.send(event)
    journey.forwarded = True
    assert lab.reasons.after(journey, [detection("consoleme_role_changed")]) == (
        "read-only event, and no rule has the state that receives those: consoleme_role_changed "
        "would need read_only: true"
    )


def test_detection_without_a_route_is_named(lab: Laboratory) -> None:
    [event] = [e for name, e in examples(True) if name == "ec2_instances_launched"][:1]
    assert reason(lab, event) == "no route takes ec2_instances_launched anywhere: add one"


# --- No detection

NEAREST: list[tuple[str, dict[str, Json], str]] = [
    (
        "another code",
        {"errorCode": "Client.UnauthorizedOperation", "eventName": "RunInstances"},
        f"{DENIED}: detail.errorCode is Client.UnauthorizedOperation, the pattern wants ",
    ),
    (
        "no session",
        {"userIdentity": {"type": "IAMUser"}},
        f"{DENIED}: detail.userIdentity.sessionContext.sessionIssuer.arn is missing, the pattern "
        "wants ",
    ),
]


@pytest.mark.parametrize(
    ("change", "said"), [row[1:] for row in NEAREST], ids=[row[0] for row in NEAREST]
)
def test_nearest_miss_says_what_is_and_what_the_pattern_wants(
    lab: Laboratory, change: dict[str, Json], said: str
) -> None:
    event = event_of(DENIED, **change)
    assert str(reason(lab, event)).startswith(f"no detection matches; nearest is {said}")


def test_nearest_miss_is_the_one_with_fewest_conditions_unmet(lab: Laboratory) -> None:
    event = event_of("cloudtrail_logging_stopped", errorCode="ThrottlingException")
    assert reason(lab, event) == (
        "no detection matches; nearest is cloudtrail_logging_stopped: detail.errorCode is "
        "ThrottlingException, the pattern wants it absent"
    )
    event = event_of("cloudtrail_logging_stopped", eventName="StopLoggings")
    assert "nearest is cloudtrail_logging_stopped: detail.eventName is StopLoggings" in str(
        reason(lab, event)
    )


def test_two_conditions_that_fail_are_both_told(lab: Laboratory) -> None:
    event = event_of("cloudtrail_logging_stopped", eventName="StopLog")
    event["detail-type"] = "AWS Service Event via CloudTrail"
    said = str(reason(lab, event))
    assert "nearest is cloudtrail_logging_stopped: " in said
    assert "detail.eventName is StopLog, the pattern wants StopLogging" in said
    assert "detail-type is AWS Service Event via CloudTrail, the pattern wants " in said


def test_event_of_a_service_that_no_detection_knows_has_no_nearest(lab: Laboratory) -> None:
    event = event_of(KEY, eventName="CreateDatabase", eventSource="glue.amazonaws.com")
    event["source"] = "aws.glue"
    assert reason(lab, event) == "no detection matches"


def test_forged_source_is_what_a_pattern_misses(lab: Laboratory) -> None:
    event = event_of(KEY) | {"source": "custom.kms"}
    assert str(reason(lab, event)).startswith(
        "no detection matches; nearest is kms_key_disabled: source is custom.kms, the pattern wants"
    )


@pytest.mark.parametrize("detail", [None, "text", [], {}, {"eventName": 7}])
def test_detail_of_any_form_gets_a_reason(lab: Laboratory, detail: Json) -> None:
    event = event_of(KEY) | {"detail": detail}
    assert str(reason(lab, event)).startswith("no detection matches")
