"""Drift of single stacks: found when it is asked for, and remembered."""

from __future__ import annotations

import pytest
from moto.sqs.models import sqs_backends

from generator.simulation.world import ServiceError

from .ask import MANAGEMENT, REGIONS, Asking, queue, template


def status(ask: Asking) -> str:
    return str(
        ask("DescribeStacks", StackName="it")["Stacks"][0]["DriftInformation"]["StackDriftStatus"]
    )


def test_a_stack_drifts_when_somebody_changes_what_it_made(ask: Asking) -> None:
    ask.create(template({"Letters": queue(VisibilityTimeout=60)}))
    assert status(ask) == "NOT_CHECKED"
    begun = ask("DetectStackDrift", StackName="it")["StackDriftDetectionId"]
    found = ask("DescribeStackDriftDetectionStatus", StackDriftDetectionId=begun)
    assert (found["DetectionStatus"], found["StackDriftStatus"]) == (
        "DETECTION_COMPLETE",
        "IN_SYNC",
    )
    sqs_backends[MANAGEMENT][REGIONS[0]].get_queue("letters").visibility_timeout = 5
    assert status(ask) == "IN_SYNC"
    begun = ask("DetectStackDrift", StackName="it")["StackDriftDetectionId"]
    found = ask("DescribeStackDriftDetectionStatus", StackDriftDetectionId=begun)
    assert (found["StackDriftStatus"], found["DriftedStackResourceCount"]) == ("DRIFTED", 1)
    assert status(ask) == "DRIFTED"


def test_a_stack_at_work_and_a_strange_detection_are_refused(ask: Asking) -> None:
    ask("CreateStack", StackName="it", TemplateBody=template({"Letters": queue()}))
    with pytest.raises(ServiceError, match="Drift detection cannot be performed"):
        ask("DetectStackDrift", StackName="it")
    with pytest.raises(ServiceError, match="does not exist"):
        ask("DescribeStackDriftDetectionStatus", StackDriftDetectionId="1" * 36)
    with pytest.raises(ServiceError, match="does not exist"):
        ask("DetectStackDrift", StackName="nothing")
