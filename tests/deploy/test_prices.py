"""What new things cost a month: counted where they are made, unknown where nobody knows."""

from __future__ import annotations

from generator.deploy.bundle import Bundle
from generator.deploy.difference import parsed
from generator.deploy.prices import FREE, PRICES, cost

from .organization import TWO, bundle, company


def test_everything_that_the_templates_make_has_a_price_or_is_free() -> None:
    types = {
        entry["Type"]
        for text in bundle().files.values()
        for entry in parsed(text)["Resources"].values()
    }
    assert types <= {*PRICES} | FREE
    assert not {*PRICES} & FREE


def test_every_price_has_its_page() -> None:
    assert all(price.source.startswith("https://aws.amazon.com/") for price in PRICES.values())


def test_a_first_rollout_counts_every_place() -> None:
    with company() as it:
        found = cost(it.wanted, it.plan())
        numbers = {item.type: item.number for item in found.items}
        queues = sum(
            entry["Type"] == "AWS::SQS::Queue"
            for entry in parsed(it.bundle.files["central.yaml"])["Resources"].values()
        )
        members_and_management = 4 * 2 + 2
        assert numbers["AWS::SQS::Queue"] == queues + members_and_management
        assert numbers["AWS::IAM::Role"] >= 5
        alarms = numbers["AWS::CloudWatch::Alarm"]
        keys = numbers.get("AWS::KMS::Key", 0)
        dashboards = numbers["AWS::CloudWatch::Dashboard"]
        assert found.monthly == round(0.10 * alarms + 1.00 * keys + 3.00 * dashboards, 2)


def test_nothing_new_costs_nothing_more() -> None:
    with company() as it:
        it.deploy()
        assert cost(it.wanted, it.plan()).items == ()
        it.bundle = bundle(TWO)
        found = cost(it.wanted, it.plan())
        assert [(item.type, item.number) for item in found.items] == [("AWS::Events::Rule", 1)]
        assert found.monthly == 0


def test_what_nobody_knows_is_unknown_and_not_invented() -> None:
    with company() as it:
        known = bundle()
        text = known.files["central.yaml"].replace("AWS::CloudWatch::Alarm", "AWS::New::Thing")
        it.bundle = Bundle({**known.files, "central.yaml": text}, known.manifest)
        found = cost(it.wanted, it.plan())
        assert found.unknown == ("AWS::New::Thing",)
