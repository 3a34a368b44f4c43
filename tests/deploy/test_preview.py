"""CloudFormation's own word on a change, and that nothing is left of asking for it."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from generator.deploy.bundle import INLINE_LIMIT, Bundle
from generator.deploy.preview import Preview, preview

from .organization import CENTRAL, HOME, TWO, Company, bundle, company


def asked(it: Company, keep_bucket: bool = False) -> Preview:
    return preview(it.door, it.wanted, it.plan().central, it.cloud.pause, keep_bucket)


def left_behind(it: Company) -> tuple[list[str], list[str]]:
    """Stacks and buckets of the central account."""
    session = it.cloud.administrator(CENTRAL, HOME)
    stacks = session.client("cloudformation").describe_stacks()["Stacks"]
    buckets = session.client("s3").list_buckets()["Buckets"]
    return [stack["StackName"] for stack in stacks], [bucket["Name"] for bucket in buckets]


def lengthened(known: Bundle) -> Bundle:
    files = {**known.files, "central.yaml": "#" * INLINE_LIMIT + "\n" + known.files["central.yaml"]}
    return Bundle(files, known.manifest)


def test_a_first_rollout_is_foreseen_and_leaves_nothing() -> None:
    with company() as it:
        seen = asked(it)
        assert seen.made
        assert {one.action for one in seen.changes} == {"Add"}
        assert ("Bus", "AWS::Events::EventBus") in {(c.logical_id, c.type) for c in seen.changes}
        assert left_behind(it) == ([], [])


def test_a_template_too_long_for_a_request_leaves_no_bucket_either() -> None:
    with company() as it:
        it.bundle = lengthened(bundle())
        assert asked(it).made
        assert left_behind(it) == ([], [])
        assert asked(it, keep_bucket=True).made
        assert left_behind(it) == ([], [f"trailbus-artifacts-{CENTRAL}-{HOME}"])


def test_a_bucket_that_was_there_stays() -> None:
    with company() as it:
        it.bundle = lengthened(bundle())
        it.deploy()
        stacks, buckets = left_behind(it)
        it.bundle = lengthened(bundle(TWO))
        seen = asked(it)
        assert [(one.action, one.type) for one in seen.changes if one.action == "Add"] == [
            ("Add", "AWS::Events::Rule")
        ]
        assert left_behind(it) == (stacks, buckets)


@pytest.mark.parametrize("versioned", [False, True])
def test_a_bucket_that_was_there_holds_what_it_held(versioned: bool) -> None:
    with company() as it:
        it.bundle = lengthened(bundle())
        it.deploy()
        s3 = it.cloud.administrator(CENTRAL, HOME).client("s3")
        bucket = f"trailbus-artifacts-{CENTRAL}-{HOME}"
        if versioned:
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

        def held() -> list[tuple[str, str]]:
            found = s3.list_object_versions(Bucket=bucket)
            assert not found.get("DeleteMarkers")
            return [(one["Key"], one["VersionId"]) for one in found["Versions"]]

        before = held()
        assert before
        it.bundle = lengthened(bundle(TWO))
        assert asked(it).made
        assert held() == before

        door, wanted, change = it.door, it.wanted, it.plan().central
        with (
            patch("generator.deploy.preview._made", side_effect=KeyboardInterrupt),
            pytest.raises(KeyboardInterrupt),
        ):
            preview(door, wanted, change, it.cloud.pause)
        assert held() == before


def test_a_name_that_is_taken_is_found_before_anything_is_made() -> None:
    with company() as it:
        session = it.cloud.administrator(CENTRAL, HOME)
        session.client("sqs").create_queue(QueueName="trailbus-here")
        [finding] = asked(it).findings
        assert finding.logical_id == "HereQueue"
        assert "already exists" in finding.reason
        assert left_behind(it)[0] == []


def test_a_change_set_that_an_earlier_plan_left_is_in_nobodys_way() -> None:
    with company() as it:
        it.deploy()
        it.bundle = bundle(TWO)
        it.cloud.administrator(CENTRAL, HOME).client("cloudformation").create_change_set(
            StackName="trailbus-central",
            ChangeSetName="trailbus-plan",
            TemplateBody=it.bundle.files["central.yaml"],
            Parameters=[{"ParameterKey": "OrganizationId", "UsePreviousValue": True}],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        assert asked(it).made
        client = it.cloud.administrator(CENTRAL, HOME).client("cloudformation")
        assert client.list_change_sets(StackName="trailbus-central")["Summaries"] == []


def test_nothing_is_asked_about_a_stack_that_stays() -> None:
    with company() as it:
        it.deploy()
        before = len(it.cloud.edge.calls)
        plan = it.plan()
        preview(it.door, it.wanted, plan.central, it.cloud.pause)
        assert it.writes(before) == []
