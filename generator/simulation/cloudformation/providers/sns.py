"""AWS::SNS: topics, their policies and subscriptions, made in moto."""

from __future__ import annotations

import json
from typing import Any

from moto.sns.models import sns_backends

from generator.simulation.world import Resource

from .kind import Kind, Outcome, Properties, Site, refuse, tag_map, truth

POLICY_LENGTH = 30_720
"""https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html"""


def _backend(site: Site) -> Any:
    return sns_backends[site.account][site.region]


def _topic(site: Site, name: str, properties: Properties) -> Outcome:
    if properties.get("Subscription"):
        raise refuse("Subscription inside of a topic is not simulated; use AWS::SNS::Subscription")
    attributes = {"FifoTopic": "true"} if truth(properties.get("FifoTopic")) else {}
    topic = _backend(site).create_topic(name, attributes, tag_map(properties))
    _set_topic(topic, properties)
    return Outcome(topic.arn, {"TopicArn": topic.arn, "TopicName": name})


def _set_topic(topic: Any, properties: Properties) -> None:
    topic.display_name = str(properties.get("DisplayName", ""))
    topic.kms_master_key_id = str(properties.get("KmsMasterKeyId", ""))
    topic._tags = tag_map(properties)


def _update_topic(site: Site, resource: Resource, properties: Properties) -> None:
    _set_topic(_backend(site).get_topic(resource.physical_id), properties)


def _delete_topic(site: Site, resource: Resource) -> None:
    _backend(site).delete_topic(resource.physical_id)


def _taken(site: Site, name: str) -> bool:
    return site.arn("sns", name) in _backend(site).topics


def _policy(site: Site, name: str, properties: Properties) -> Outcome:
    _apply(site, properties)
    return Outcome(name, {"Id": name})


def _update_policy(site: Site, resource: Resource, properties: Properties) -> None:
    _restore(site, sorted(set(resource.properties["Topics"]) - set(properties["Topics"])))
    _apply(site, properties)


def _delete_policy(site: Site, resource: Resource) -> None:
    _restore(site, resource.properties["Topics"])


def _apply(site: Site, properties: Properties) -> None:
    text = json.dumps(properties["PolicyDocument"], separators=(",", ":"))
    if len(text.encode()) > POLICY_LENGTH:
        raise refuse(f"Invalid parameter: Policy Error: {len(text)} bytes, at most {POLICY_LENGTH}")
    for arn in properties["Topics"]:
        _backend(site).get_topic(str(arn)).policy = text


def _restore(site: Site, arns: Any) -> None:
    """A topic without a policy of its own has the default one.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topicpolicy.html
    """
    backend = _backend(site)
    for arn in arns:
        topic = backend.topics.get(str(arn))
        if topic is not None:
            topic._policy_json = topic._create_default_topic_policy(
                site.region, site.account, topic.name
            )


_SUBSCRIPTION_ATTRIBUTES = (
    # moto validates a filter policy by its scope, so the scope comes first.
    "FilterPolicyScope",
    "FilterPolicy",
    "RawMessageDelivery",
    "RedrivePolicy",
    "SubscriptionRoleArn",
)


def _subscription(site: Site, name: str, properties: Properties) -> Outcome:
    backend = _backend(site)
    topic, protocol = str(properties["TopicArn"]), str(properties["Protocol"])
    made = backend.subscribe(topic, str(properties.get("Endpoint", "")), protocol)
    _set_subscription(site, made.arn, properties)
    return Outcome(made.arn, {"Arn": made.arn})


def _set_subscription(site: Site, arn: str, properties: Properties) -> None:
    for name in _SUBSCRIPTION_ATTRIBUTES:
        value = properties.get(name)
        if value is None:
            continue
        if isinstance(value, (dict, list)):
            value = json.dumps(value)
        if name == "RawMessageDelivery":
            value = truth(value)
        _backend(site).set_subscription_attributes(arn, name, value)


def _update_subscription(site: Site, resource: Resource, properties: Properties) -> None:
    attributes = _backend(site).subscriptions[resource.physical_id].attributes
    attributes["RawMessageDelivery"] = False
    for name in ("RedrivePolicy", "SubscriptionRoleArn"):
        attributes.pop(name, None)
    _backend(site).set_subscription_attributes(resource.physical_id, "FilterPolicy", "")
    _set_subscription(site, resource.physical_id, properties)


def _delete_subscription(site: Site, resource: Resource) -> None:
    _backend(site).unsubscribe(resource.physical_id)


KINDS = {
    "AWS::SNS::Topic": Kind(
        _topic,
        _update_topic,
        _delete_topic,
        exists=_taken,
        name="TopicName",
        longest=256,
        fixed=("FifoTopic",),
        tags="list",
    ),
    "AWS::SNS::TopicPolicy": Kind(
        _policy, _update_policy, _delete_policy, needs=("PolicyDocument", "Topics")
    ),
    "AWS::SNS::Subscription": Kind(
        _subscription,
        _update_subscription,
        _delete_subscription,
        fixed=("Endpoint", "Protocol", "TopicArn"),
        needs=("Protocol", "TopicArn"),
    ),
}
