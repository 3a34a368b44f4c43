"""A log group that keeps every event, to be searched with CloudWatch Logs Insights."""

from __future__ import annotations

from typing import Any

from troposphere import GetAtt, Output, Ref, kms, logs

from generator import names, policies
from generator.model import Shape, Target
from generator.options import DAY
from generator.parts import Part


def part(target: Target, shape: Shape) -> Part:
    """The log group; the first of them brings what all share: the key, and who may write."""
    prefix = shape.name_prefix
    group = logs.LogGroup(
        _title(target),
        LogGroupName=names.event_log_group(prefix, target.name),
        RetentionInDays=target.options["retention"] // DAY,
        KmsKeyId=GetAtt(names.EVENT_LOG_KEY, "Arn"),
        DeletionPolicy="RetainExceptOnCreate",
        UpdateReplacePolicy="Retain",
    )
    first = next(each for each in shape.targets if each.kind == target.kind)
    shared = _shared(prefix) if target == first else []
    return Part(
        resources=[*shared, group],
        outputs=[
            Output(
                f"{_title(target)}Name",
                Description=f"The log group of '{target.name}'.",
                Value=Ref(group),
            )
        ],
    )


def entry(target: Target) -> dict[str, Any]:
    """The rule writes to the log group, whose ARN as a target ends without a star.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    return {"Arn": policies.local_arn("logs", f"log-group:${{{_title(target)}}}")}


def _title(target: Target) -> str:
    return f"{names.logical(target.name)}LogGroup"


def _shared(prefix: str) -> list[Any]:
    """The key outlives the stack, as the logs do that nobody could read without it."""
    groups = names.event_log_groups(prefix)
    owners = policies.key_owner(), policies.key_for_log_groups(groups)
    writers = policies.rules_may_log(groups, prefix)
    return [
        kms.Key(
            names.EVENT_LOG_KEY,
            Description="Trailbus: encrypts the log groups of events.",
            EnableKeyRotation=True,
            KeyPolicy=policies.document(*owners),
            Metadata={"Reasons": policies.reasons(*owners)},
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
        ),
        logs.ResourcePolicy(
            names.EVENT_LOG_POLICY,
            PolicyName=f"{prefix}-events",
            PolicyDocument=policies.document_text(*writers),
            Metadata={"Reasons": policies.reasons(*writers)},
        ),
    ]
