"""Attackers in a member cut a wire: by way of the other one it is told."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from generator.model import Json

from .conftest import HOME, MEMBER, ROLE, RULE, Laboratory, altered, event_of, without

ORDINARY, APART = "trailbus-forwarder", "trailbus-forwarder-tamper"
WIRES = {ORDINARY: APART, APART: ORDINARY}


def harm(detection: str, call: str, /, **parameters: Json) -> dict[str, Json]:
    """The record of the call that an attacker in the member makes."""
    event: dict[str, Json] = copy.deepcopy(event_of(detection))
    event.update(account=MEMBER, region=HOME)
    event["detail"].update(
        eventName=call, requestParameters=parameters, awsRegion=HOME, recipientAccountId=MEMBER
    )
    return event


def role_of(lab: Laboratory, rule: str) -> str:
    (target,) = lab.resource(RULE, rule, MEMBER).properties["Targets"]
    return str(target["RoleArn"]).rpartition("/")[2]


@contextmanager
def powerless(lab: Laboratory, role: str) -> Iterator[None]:
    """The role without its policy."""
    with altered(lab.resource(ROLE, role, MEMBER), Policies=[]):
        yield


@pytest.mark.parametrize("cut", WIRES)
def test_who_deletes_the_policy_of_one_wire_is_told_by_the_other(lab: Laboratory, cut: str) -> None:
    with powerless(lab, cut):
        journey = lab.send(
            harm("trailbus_role_changed", "DeleteRolePolicy", roleName=cut, policyName="may")
        )
        assert journey.forwarded
        assert WIRES[cut] in {role_of(lab, rule) for rule in journey.member_rules}
        assert "trailbus-trailbus_role_changed" in journey.central_rules
        assert "findings" in {delivery.target for delivery in journey.deliveries}


@pytest.mark.parametrize("cut", WIRES)
def test_who_deletes_the_role_of_one_wire_is_told_by_the_other(lab: Laboratory, cut: str) -> None:
    with without(lab.world, lab.resource(ROLE, cut, MEMBER)):
        journey = lab.send(harm("trailbus_role_changed", "DeleteRole", roleName=cut))
        assert journey.forwarded
        assert "trailbus-trailbus_role_changed" in journey.central_rules


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("call", ["DeleteRule", "DisableRule", "PutRule"])
def test_who_silences_the_rules_of_one_wire_is_told_by_the_other(
    lab: Laboratory, call: str, apart: bool
) -> None:
    rules = [
        rule
        for rule in lab.world.inventory.of_type(MEMBER, HOME, RULE)
        if "-forward-" in str(rule.properties.get("Name"))
        and ("-tamper" in rule.properties["Name"]) is apart
    ]
    assert rules
    with altered(rules[0], State="DISABLED"):
        name = rules[0].properties["Name"]
        detection = "trailbus_rule_changed" if call == "PutRule" else "trailbus_rule_silenced"
        journey = lab.send(harm(detection, call, name=name))
        assert journey.forwarded
        assert f"trailbus-{detection}" in journey.central_rules


def test_a_trail_that_is_stopped_while_the_ordinary_wire_is_cut_is_started_again(
    lab: Laboratory,
) -> None:
    with powerless(lab, ORDINARY):
        journey = lab.send(event_of("cloudtrail_logging_stopped"))
        assert journey.forwarded
        assert "trail-guard" in {delivery.target for delivery in journey.deliveries}


def test_what_has_nothing_to_do_with_the_wires_travels_once(lab: Laboratory) -> None:
    for name in ("cloudtrail_logging_stopped", "kms_key_disabled", "trailbus_stackset_changed"):
        assert len(lab.send(event_of(name)).member_rules) == 1
