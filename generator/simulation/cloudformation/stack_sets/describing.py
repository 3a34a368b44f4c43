"""StackSets, their instances and operations as the API tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.simulation.cloudformation import parameters
from generator.simulation.cloudformation.drift import ResourceDrift
from generator.simulation.cloudformation.requests import Answer, listed_tags, without_nothing
from generator.simulation.cloudformation.stack import moment
from generator.simulation.cloudformation.stack_sets import instances as i
from generator.simulation.cloudformation.stack_sets.operations import (
    FAILED,
    RESULTS,
    RUNNING,
    SUCCEEDED,
    Operation,
)
from generator.simulation.cloudformation.stack_sets.sets import (
    ADMINISTRATION_ROLE,
    EXECUTION_ROLE,
    AutoDeployment,
    StackSet,
)
from generator.simulation.world import partition_of


def stack_set(one: StackSet) -> Answer:
    """As DescribeStackSet tells it."""
    definition = one.definition
    answer = {
        "StackSetName": one.name,
        "StackSetId": one.id,
        "StackSetARN": one.arn,
        "Description": definition.description,
        "Status": "ACTIVE" if one.active else "DELETED",
        "TemplateBody": definition.template.text,
        "Parameters": parameters.shown(definition.template.parameters, definition.values),
        "Capabilities": definition.capabilities,
        "Tags": listed_tags(definition.tags),
        "PermissionModel": _model(one),
        "StackSetDriftDetectionDetails": drift_details(one.last_drift),
        "ManagedExecution": {"Active": one.managed_execution},
        "Regions": one.instances.regions_in_use(),
        **_automatic(one),
    }
    if one.service_managed:
        answer["OrganizationalUnitIds"] = list(one.units)
    else:
        arn = f"arn:{partition_of(one.region)}:iam::{one.home}:role/{ADMINISTRATION_ROLE}"
        answer["AdministrationRoleARN"] = definition.administration_role or arn
        answer["ExecutionRoleName"] = definition.execution_role or EXECUTION_ROLE
    return without_nothing(answer)


def stack_set_summary(one: StackSet) -> Answer:
    """As ListStackSets tells it."""
    return without_nothing(
        {
            "StackSetName": one.name,
            "StackSetId": one.id,
            "Description": one.definition.description,
            "Status": "ACTIVE" if one.active else "DELETED",
            "PermissionModel": _model(one),
            "DriftStatus": drift_details(one.last_drift)["DriftStatus"],
            "ManagedExecution": {"Active": one.managed_execution},
            **_automatic(one),
        }
    )


def _model(one: StackSet) -> str:
    return "SERVICE_MANAGED" if one.service_managed else "SELF_MANAGED"


def _automatic(one: StackSet) -> Answer:
    if not one.service_managed:
        return {}
    automatic: AutoDeployment = one.automatic
    shown: Answer = {"Enabled": automatic.enabled}
    if automatic.enabled:
        shown["RetainStacksOnAccountRemoval"] = automatic.retain
    if automatic.depends_on:
        shown["DependsOn"] = list(automatic.depends_on)
    return {"AutoDeployment": shown}


def instance(one: StackSet, code: int, stack_id: str) -> Answer:
    """As ListStackInstances tells it."""
    instances = one.instances
    answer = {
        "StackSetId": one.id,
        "Account": instances.account(code),
        "Region": instances.region(code),
        "Status": i.STATUSES[instances.status[code]],
        "StackInstanceStatus": {"DetailedStatus": i.DETAILED[instances.detailed[code]]},
        "DriftStatus": i.DRIFT[instances.drift[code]],
        "LastOperationId": instances.operations[instances.operation[code]],
    }
    # Only what says something: pages of these are made by the thousand.
    if stack_id:
        answer["StackId"] = stack_id
    if instances.reason[code]:
        answer["StatusReason"] = instances.reasons[instances.reason[code]]
    if instances.unit[code]:
        answer["OrganizationalUnitId"] = instances.units[instances.unit[code]]
    return answer


def full_instance(one: StackSet, code: int, stack_id: str) -> Answer:
    """As DescribeStackInstance tells it."""
    overrides = one.instances.overrides.get(code, {})
    declared = one.definition.template.parameters
    return {
        **instance(one, code, stack_id),
        "ParameterOverrides": parameters.shown(declared, overrides),
    }


def operation(one: Operation) -> Answer:
    """As DescribeStackSetOperation tells it."""
    definition = one.stack_set.definition
    answer = {
        **operation_summary(one),
        "StackSetId": one.stack_set.id,
        "RetainStacks": one.retain,
        "DeploymentTargets": one.deployment_targets or None,
        "AdministrationRoleARN": definition.administration_role,
        "ExecutionRoleName": definition.execution_role,
    }
    if one.action == "DETECT_DRIFT":
        answer["StackSetDriftDetectionDetails"] = drift_details(one)
    return without_nothing(answer)


def operation_summary(one: Operation) -> Answer:
    """As ListStackSetOperations tells it."""
    return without_nothing(
        {
            "OperationId": one.id,
            "Action": one.action,
            "Status": one.status,
            "StatusReason": one.reason,
            "CreationTimestamp": moment(one.created),
            "EndTimestamp": None if one.ended is None else moment(one.ended),
            "StatusDetails": {"FailedStackInstancesCount": one.failed},
            "OperationPreferences": {} if one.automatic else dict(one.preferences.given),
        }
    )


def result(one: Operation, place: int) -> Answer:
    """As ListStackSetOperationResults tells it."""
    instances = one.stack_set.instances
    code = one.codes[place]
    region, account = instances.region(code), instances.account(code)
    # No account gate function is simulated.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-account-gating.html
    gate = (
        f"Function not found: arn:{partition_of(region)}:lambda:{region}:{account}:function:"
        "AWSCloudFormationStackSetAccountGate"
    )
    answer: Answer = {
        "Account": account,
        "Region": region,
        "Status": RESULTS[one.results[place]],
        "AccountGateResult": {"Status": "SKIPPED", "StatusReason": gate},
    }
    if one.reasons[place]:
        answer["StatusReason"] = instances.reasons[one.reasons[place]]
    if one.units[place]:
        answer["OrganizationalUnitId"] = instances.units[one.units[place]]
    return answer


def drift_details(one: Operation | None) -> Answer:
    """What a drift detection found so far."""
    if one is None:
        return {"DriftStatus": "NOT_CHECKED"}
    drift = one.stack_set.instances.drift
    checked = [code for p, code in enumerate(one.codes) if one.results[p] == SUCCEEDED]
    drifted = sum(drift[code] == i.DRIFTED for code in checked)
    ends = {"STOPPED": "STOPPED", "FAILED": "FAILED"}
    status = ends.get(one.status, "IN_PROGRESS")
    if one.status == "SUCCEEDED":
        status = "PARTIAL_SUCCESS" if one.failed else "COMPLETED"
    return {
        "DriftStatus": "DRIFTED" if drifted else ("IN_SYNC" if one.over else "NOT_CHECKED"),
        "DriftDetectionStatus": status,
        "LastDriftCheckTimestamp": moment(one.ended if one.ended is not None else one.created),
        "TotalStackInstancesCount": len(one.codes),
        "DriftedStackInstancesCount": drifted,
        "InSyncStackInstancesCount": len(checked) - drifted,
        "InProgressStackInstancesCount": sum(result <= RUNNING for result in one.results),
        "FailedStackInstancesCount": sum(result == FAILED for result in one.results),
    }


def resource_drift(drift: ResourceDrift, stack_id: str, checked: float) -> Mapping[str, Any]:
    """As ListStackInstanceResourceDrifts tells it."""
    return {
        "StackId": stack_id,
        "LogicalResourceId": drift.logical_id,
        "PhysicalResourceId": drift.physical_id,
        "ResourceType": drift.type,
        "StackResourceDriftStatus": drift.status,
        "Timestamp": moment(checked),
        "PropertyDifferences": [
            {
                "PropertyPath": difference.path,
                "ExpectedValue": difference.expected,
                "ActualValue": difference.actual,
                "DifferenceType": difference.type,
            }
            for difference in drift.differences
        ],
    }
