"""AWS::SQS: queues and their policies, made in moto."""

from __future__ import annotations

import json
from typing import Any

from moto.sqs.models import sqs_backends

from generator.model import Json
from generator.simulation.world import Resource

from .kind import Kind, Outcome, Properties, Site, refuse, tag_map

POLICY_LENGTH = 8_192
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html"""

_PLAIN = (
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)
_DEFAULTS: dict[str, Json] = {
    "DelaySeconds": 0,
    "KmsMasterKeyId": None,
    "MaximumMessageSize": 1_048_576,
    "MessageRetentionPeriod": 345_600,
    "ReceiveMessageWaitTimeSeconds": 0,
    "SqsManagedSseEnabled": True,
    "VisibilityTimeout": 30,
}
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html"""


def _backend(site: Site) -> Any:
    return sqs_backends[site.account][site.region]


def _attributes(properties: Properties) -> dict[str, Any]:
    found: dict[str, Any] = {name: properties[name] for name in _PLAIN if name in properties}
    for name in ("RedrivePolicy", "RedriveAllowPolicy"):
        value = properties.get(name)
        if value:
            found[name] = value if isinstance(value, str) else json.dumps(value)
    return found


def _queue(site: Site, name: str, properties: Properties) -> Outcome:
    queue = _backend(site).create_queue(name, tag_map(properties), **_attributes(properties))
    url = f"https://sqs.{site.region}.amazonaws.com{_suffix(site)}/{site.account}/{name}"
    return Outcome(url, {"Arn": queue.queue_arn, "QueueName": name, "QueueUrl": url})


def _suffix(site: Site) -> str:
    return ".cn" if site.partition == "aws-cn" else ""


def _update_queue(site: Site, resource: Resource, properties: Properties) -> None:
    queue = _queue_of(site, resource)
    # moto forgets the policy of a queue whose other attributes are set.
    policy = queue.policy
    queue._set_attributes({**_DEFAULTS, "RedrivePolicy": "", **_attributes(properties)})
    queue.policy = policy
    queue.tags = tag_map(properties)


def _delete_queue(site: Site, resource: Resource) -> None:
    _backend(site).queues.pop(str(resource.attributes["QueueName"]), None)


def _queue_of(site: Site, resource: Resource) -> Any:
    return _backend(site).get_queue(str(resource.attributes["QueueName"]))


def _policy(site: Site, name: str, properties: Properties) -> Outcome:
    _apply(site, properties)
    return Outcome(name, {"Id": name})


def _update_policy(site: Site, resource: Resource, properties: Properties) -> None:
    gone = set(resource.properties["Queues"]) - set(properties["Queues"])
    _set(site, sorted(gone), "")
    _apply(site, properties)


def _delete_policy(site: Site, resource: Resource) -> None:
    _set(site, resource.properties["Queues"], "")


def _apply(site: Site, properties: Properties) -> None:
    text = json.dumps(properties["PolicyDocument"], separators=(",", ":"))
    if len(text.encode()) > POLICY_LENGTH:
        raise refuse(
            f"Value for parameter Policy is invalid. Reason: {len(text)} bytes, at most "
            f"{POLICY_LENGTH}."
        )
    for url in properties["Queues"]:
        if str(url).rpartition("/")[2] not in _backend(site).queues:
            raise refuse(f"The specified queue does not exist: {url}", "NotFound")
    _set(site, properties["Queues"], text)


def _set(site: Site, urls: Any, text: str) -> None:
    for url in urls:
        queue = _backend(site).queues.get(str(url).rpartition("/")[2])
        if queue is not None:
            queue.policy = text


def _live_queue(site: Site, resource: Resource) -> dict[str, Json] | None:
    queue = _backend(site).queues.get(str(resource.attributes["QueueName"]))
    if queue is None:
        return None
    given = queue.attributes
    live = {name: given.get(name) for name in _PLAIN}
    redrive = queue.redrive_policy
    if redrive is not None:
        live["RedrivePolicy"] = redrive
    allow = getattr(queue, "redrive_allow_policy", None)
    if allow:
        live["RedriveAllowPolicy"] = json.loads(allow)
    live["QueueName"] = queue.name
    live["Tags"] = [{"Key": key, "Value": value} for key, value in queue.tags.items()]
    return live


KINDS = {
    "AWS::SQS::Queue": Kind(
        _queue,
        _update_queue,
        _delete_queue,
        exists=lambda site, name: name in _backend(site).queues,
        name="QueueName",
        longest=80,
        fixed=("FifoQueue",),
        tags="list",
        live=_live_queue,
    ),
    "AWS::SQS::QueuePolicy": Kind(
        _policy, _update_policy, _delete_policy, needs=("PolicyDocument", "Queues")
    ),
}
