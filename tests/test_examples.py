"""The sample with every use: it renders within the limits, and its events reach every target."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from generator import config
from generator.deploy.bundle import Bundle
from generator.model import Shape
from generator.render import render
from generator.simulation.organization import simulated_place
from generator.simulation.report import document
from generator.simulation.run import example_events, simulate

FILE = Path(__file__).parents[1] / "examples" / "everything.yaml"
MAILBOX = "dba@example.com"


@cache
def _shape() -> Shape:
    return config.load(FILE).shape


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What `simulate --json` says of it, with somebody who gets the mails."""
    shape = _shape()
    files = render(shape)
    manifest = json.loads(files["manifest.json"])
    bundle = Bundle({name: files[name] for name in manifest["templates"]}, manifest)
    place = simulated_place(None, None)._replace(targets={"database-mails": {"emails": [MAILBOX]}})
    examples = example_events(shape.detections, shape.name_prefix)
    return document(simulate(shape, bundle, place, examples, accounts=5))


def test_every_target_that_is_routed_to_gets_something(told: dict[str, Any]) -> None:
    shape = _shape()
    routed = {target for targets in shape.wiring.values() for target in targets}
    reached = {one["target"] for event in told["events"] for one in event["deliveries"]}
    assert reached == routed
    scheduled = {target.name for target in shape.targets} - routed
    assert scheduled == {"audit-report"}
    assert told["totals"]["dead_lettered"] == 0


def test_every_responder_acts_once_for_what_wants_it(told: dict[str, Any]) -> None:
    done = [
        (action["responder"], action["call"], event["event_name"])
        for event in told["events"]
        for action in event["actions"]
    ]
    assert {one[:2] for one in done} >= {
        ("restart_cloudtrail", "cloudtrail:StartLogging"),
        ("block_public_bucket", "s3:PutPublicAccessBlock"),
        ("require_mfa", "iam:AttachUserPolicy"),
        ("tag_owner", "ec2:CreateTags"),
    }
    assert {one["outcome"] for event in told["events"] for one in event["actions"]} <= {
        "ok",
        "succeeded at 'All is well'",
    }


def test_people_and_receivers_are_told(told: dict[str, Any]) -> None:
    [mail, *_] = told["mails"][MAILBOX]
    assert "A database was deleted" in json.dumps(mail)
    posts = [post for event in told["events"] for post in event["posts"]]
    assert posts
    assert {post["host"] for post in posts} == {"hooks.slack.com"}
    assert {post["status"] for post in posts} == {200}
    assert set(told["queues"]) == {
        "consoleme-cloudtrail-access-deny-events",
        "consoleme-cloudtrail-role-events",
    }
    assert all(told[kept] for kept in ("logs", "streams", "objects"))
