"""Instances as mere records: an organization of thousands in little memory."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from generator.simulation.cloudformation import CloudFormation
from generator.simulation.world import ServiceError

from ..ask import EVERYWHERE, MANAGEMENT, ROOT, Asking, organization_of, queue, role, template

REGIONS = tuple(f"us-test-{number}" for number in range(1, 18))


def asking(accounts: int) -> Asking:
    world = organization_of(accounts, regions=REGIONS)
    cloudformation = CloudFormation(world, materialise=False)
    cloudformation.stack_sets.activate()
    return Asking(cloudformation, MANAGEMENT, REGIONS[0])


def rollout(ask: Asking) -> str:
    operation = ask.begin(
        "CreateStackInstances",
        DeploymentTargets={"OrganizationalUnitIds": [ROOT]},
        Regions=list(REGIONS),
        OperationPreferences=EVERYWHERE,
    )
    ask.service.stack_sets.run_to_end()
    return operation


@pytest.mark.slow
def test_85_000_instances_are_light_and_quick() -> None:
    ask = asking(5_001)
    ask.create_set(template({"Letters": queue()}))
    ask.service.stack_sets.faults.add("denied", region=REGIONS[3])
    tracemalloc.start()
    operation = rollout(ask)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 40 * 2**20
    shown = ask.ended(operation)
    assert shown["StatusDetails"] == {"FailedStackInstancesCount": 5_000}
    begun = time.process_time()
    failed = ask.instances(Filters=[{"Name": "DETAILED_STATUS", "Values": "FAILED"}])
    assert len(failed) == 5_000
    ask.ended(
        ask.begin(
            "UpdateStackSet",
            TemplateBody=template({"Letters": queue("x")}),
            OperationPreferences=EVERYWHERE,
        )
    )
    assert time.process_time() - begun < 20


def test_records_have_no_resources_but_everything_else() -> None:
    ask = asking(4)
    ask.create_set(template({"R": role()}))
    operation = rollout(ask)
    instances = ask.instances()
    assert len(instances) == 3 * 17
    assert {each["Status"] for each in instances.values()} == {"CURRENT"}
    assert len({each["StackId"] for each in instances.values()}) == 3 * 17
    assert list(ask.service.stack_sets.world.inventory.everywhere()) == []
    assert len(ask.results(operation)) == 3 * 17


def test_a_template_is_checked_all_the_same() -> None:
    ask = asking(4)
    with pytest.raises(ServiceError, match="CAPABILITY_NAMED_IAM"):
        ask.create_set(template({"R": role()}), Capabilities=[])
    rules = {
        "R": {
            "Assertions": [
                {
                    "Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AWS::Region"}, REGIONS[1]]}]},
                    "AssertDescription": "Not there.",
                }
            ]
        }
    }
    ask.create_set(template({"Letters": queue()}, Rules=rules))
    operation = rollout(ask)
    assert ask.ended(operation)["StatusDetails"] == {"FailedStackInstancesCount": 3}


def test_a_set_has_at_most_100_000_instances() -> None:
    ask = asking(5_900)
    ask.create_set(template({"Letters": queue()}))
    with pytest.raises(ServiceError) as caught:
        rollout(ask)
    assert caught.value.code == "LimitExceededException"
