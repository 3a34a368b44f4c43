"""What new resources cost a month, as far as that does not depend on how much happens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from generator.deploy.difference import parsed
from generator.deploy.plan import Plan, StackChange
from generator.deploy.wanted import Wanted

CHECKED = "2026-11"
REGION = "us-east-1"
"""Where and when the prices below were read; other Regions differ by some per cent."""


class Price(NamedTuple):
    """Dollars a month for having one, and what is paid for using it."""

    monthly: float | None
    usage: str = ""
    source: str = ""


_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_EVENTBRIDGE = "https://aws.amazon.com/eventbridge/pricing/"

PRICES: Mapping[str, Price] = {
    "AWS::CloudTrail::Trail": Price(
        0,
        "data events, and copies of management events beyond the first, see the page",
        "https://aws.amazon.com/cloudtrail/pricing/",
    ),
    "AWS::CloudWatch::Alarm": Price(0.10, "", _CLOUDWATCH),
    "AWS::CloudWatch::Dashboard": Price(3.00, "", _CLOUDWATCH),
    "AWS::DynamoDB::Table": Price(
        0,
        "per read and write, see the page",
        "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    ),
    "AWS::Events::ApiDestination": Price(0, "$0.20 per million calls", _EVENTBRIDGE),
    "AWS::Events::Archive": Price(
        0, "$0.10 per GB archived, and what is kept per GB and month", _EVENTBRIDGE
    ),
    "AWS::Events::EventBus": Price(
        0, "$1.00 per million events of 64 KB forwarded, paid by the sender", _EVENTBRIDGE
    ),
    "AWS::KMS::Key": Price(
        1.00, "$0.03 per 10,000 requests", "https://aws.amazon.com/kms/pricing/"
    ),
    "AWS::Lambda::Function": Price(
        0,
        "per call and GB-second, see the page",
        "https://aws.amazon.com/lambda/pricing/",
    ),
    "AWS::Logs::MetricFilter": Price(0, "$0.30 a month for each that counts anything", _CLOUDWATCH),
    "AWS::Logs::LogGroup": Price(0, "$0.50 per GB written", _CLOUDWATCH),
    "AWS::SNS::Topic": Price(
        0, "$0.50 per million messages", "https://aws.amazon.com/sns/pricing/"
    ),
    "AWS::SQS::Queue": Price(
        0, "$0.40 per million requests", "https://aws.amazon.com/sqs/pricing/"
    ),
    "AWS::SecretsManager::Secret": Price(
        None, "per secret and read, see the page", "https://aws.amazon.com/secrets-manager/pricing/"
    ),
    "AWS::StepFunctions::StateMachine": Price(
        0, "per transition, see the page", "https://aws.amazon.com/step-functions/pricing/"
    ),
    "AWS::KinesisFirehose::DeliveryStream": Price(
        0, "per GB taken in, see the page", "https://aws.amazon.com/firehose/pricing/"
    ),
    "AWS::S3::Bucket": Price(
        0, "per GB and month kept, see the page", "https://aws.amazon.com/s3/pricing/"
    ),
}
"""Each with AWS's own page about it; free tiers are left out. The price of keys was read on that
page, those with a number otherwise in several third parties' tables of 2026; where none was found
there is no number."""

FREE = frozenset(
    {
        "AWS::CloudFormation::StackSet",
        "AWS::Events::EventBusPolicy",
        "AWS::Events::Rule",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Role",
        "AWS::KMS::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Permission",
        "AWS::Logs::ResourcePolicy",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::SSM::Parameter",
    }
)
"""What costs nothing to have; what is paid for is the use of what they belong to."""


class Item(NamedTuple):
    """A kind of resource that is new, how many, and what that costs a month; None: unknown."""

    type: str
    number: int
    monthly: float | None
    usage: str
    source: str


class Cost(NamedTuple):
    """What is new costs so much a month at most: a resource behind a condition counts as made."""

    items: tuple[Item, ...]
    monthly: float
    conditional: int
    """How many of the resources stand behind a condition."""

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(item.type for item in self.items if item.monthly is None)


def cost(wanted: Wanted, plan: Plan) -> Cost:
    """The cost of what a plan adds."""
    counts: dict[str, int] = {}
    conditional = 0
    for template, names, times in _new(wanted, plan):
        resources = parsed(template).get("Resources") or {}
        for name in names:
            entry = resources.get(name, {})
            counts[entry["Type"]] = counts.get(entry["Type"], 0) + times
            conditional += times if "Condition" in entry else 0
    items = tuple(_item(kind, count) for kind, count in sorted(counts.items()) if count)
    monthly = round(sum(item.monthly or 0 for item in items), 2)
    return Cost(items, monthly, conditional)


def _item(kind: str, number: int) -> Item:
    if kind in FREE:
        return Item(kind, number, 0.0, "", "")
    price = PRICES.get(kind)
    if price is None or price.monthly is None:
        return Item(kind, number, None, *(price[1:] if price else ("", "")))
    return Item(kind, number, round(price.monthly * number, 2), price.usage, price.source)


def _new(wanted: Wanted, plan: Plan) -> Iterable[tuple[str, list[str], int]]:
    """Templates, the logical ids that are new in them, and in how many places."""
    for change in plan.stacks:
        yield wanted.bundle.files[change.stack.template], _added(change), 1
    for one in plan.stack_sets:
        body = wanted.bundle.files[one.stack_set.template]
        fresh = [*(parsed(body).get("Resources") or {})]
        yield body, fresh, len(one.cells.add - one.cells.moved)
        added = [d.name for d in one.differences if d.section == "Resources" and d.action == "add"]
        if one.action == "update":
            yield body, added, one.updates


def _added(change: StackChange) -> list[str]:
    return [
        one.name for one in change.differences if one.section == "Resources" and one.action == "add"
    ]
