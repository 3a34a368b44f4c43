"""AWS::CloudFormation: StackSets as resources of a stack, made by the StackSets service itself.

The resource is there when its operations have ended; it fails when one of them does.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stackset.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.model import Json
from generator.simulation.cloudformation.parameters import text
from generator.simulation.world import Resource, ServiceError

from .kind import Kind, Outcome, Properties, Site, identifier, refuse, truth

_SAME = (
    "AdministrationRoleARN",
    "AutoDeployment",
    "CallAs",
    "Capabilities",
    "Description",
    "ExecutionRoleName",
    "ManagedExecution",
    "PermissionModel",
    "Tags",
    "TemplateURL",
)
BODY_LIMIT = 51_200


def _create(site: Site, name: str, properties: Properties) -> Outcome:
    answer = _call(site, "create_stack_set", {"StackSetName": name, **_definition(properties)})
    identity = str(answer["StackSetId"])
    try:
        for group in _groups(properties):
            _run(site, "create_stack_instances", identity, properties, group)
    except ServiceError:
        _clear(site, identity, properties, _groups(properties))
        raise
    return Outcome(identity, {"StackSetId": identity})


def _update(site: Site, resource: Resource, properties: Properties) -> None:
    identity, old = resource.physical_id, resource.properties
    before, after = _groups(old), _groups(properties)
    for group in before:
        if group not in after:
            _run(
                site,
                "delete_stack_instances",
                identity,
                properties,
                {**_without_overrides(group), "RetainStacks": False},
            )
    if _definition(old) != _definition(properties):
        definition = {**_definition(properties)}
        _run(site, "update_stack_set", identity, properties, definition)
    for group in after:
        if group not in before:
            _run(site, "create_stack_instances", identity, properties, group)


def _delete(site: Site, resource: Resource) -> None:
    _clear(site, resource.physical_id, resource.properties, _groups(resource.properties))


def _clear(site: Site, identity: str, properties: Properties, groups: list[dict[str, Any]]) -> None:
    for group in groups:
        group = {**_without_overrides(group), "RetainStacks": False}
        _run(site, "delete_stack_instances", identity, properties, group)
    _call(site, "delete_stack_set", {"StackSetName": identity, **_call_as(properties)})


def _definition(properties: Properties) -> dict[str, Any]:
    request = {name: properties[name] for name in _SAME if name in properties}
    if "TemplateBody" in properties:
        body = str(properties["TemplateBody"])
        if len(body.encode()) > BODY_LIMIT:
            raise refuse(f"TemplateBody is longer than {BODY_LIMIT} bytes")
        request["TemplateBody"] = body
    request["Parameters"] = [
        {"ParameterKey": str(p["ParameterKey"]), "ParameterValue": text(p["ParameterValue"])}
        for p in properties.get("Parameters", [])
    ]
    if "AutoDeployment" in request:
        given: Mapping[str, Json] = request["AutoDeployment"]
        booleans = ("Enabled", "RetainStacksOnAccountRemoval")
        request["AutoDeployment"] = {
            key: truth(value) if key in booleans else value for key, value in given.items()
        }
    return request


def _groups(properties: Properties) -> list[dict[str, Any]]:
    """The groups of instances, as requests."""
    found = []
    for group in properties.get("StackInstancesGroup", []):
        request: dict[str, Any] = {
            "DeploymentTargets": dict(group["DeploymentTargets"]),
            "Regions": [str(region) for region in group["Regions"]],
        }
        if group.get("ParameterOverrides"):
            request["ParameterOverrides"] = [
                {"ParameterKey": p["ParameterKey"], "ParameterValue": text(p["ParameterValue"])}
                for p in group["ParameterOverrides"]
            ]
        found.append(request)
    return found


def _without_overrides(group: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in group.items() if key != "ParameterOverrides"}


def _call_as(properties: Properties) -> dict[str, Any]:
    return {"CallAs": properties["CallAs"]} if "CallAs" in properties else {}


def _run(
    site: Site, operation: str, identity: str, properties: Properties, request: dict[str, Any]
) -> None:
    """Begins an operation and waits for its end."""
    service = site.services.stack_sets
    one = service.find(
        {"StackSetName": identity, **_call_as(properties)}, site.account, site.region
    )
    for other in one.unfinished:
        service.runner.finish(other)
    operation_id = identifier(identity, operation, str(len(one.operations)))
    request = {
        "StackSetName": identity,
        "OperationId": operation_id,
        **_call_as(properties),
        **request,
    }
    if "OperationPreferences" in properties:
        request["OperationPreferences"] = dict(properties["OperationPreferences"])
    _call(site, operation, request)
    made = one.operations[operation_id]
    service.runner.finish(made)
    if made.status != "SUCCEEDED":
        reasons = {one.instances.reasons[number] for number in made.reasons if number}
        raise refuse(
            f"Stack set operation [{operation_id}] was unexpectedly stopped or failed. status "
            f"reason(s): [{'; '.join(sorted(reasons))}]",
            "NotStabilized",
        )


def _call(site: Site, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    handler = site.services.stack_sets.handler(operation)
    answer: dict[str, Any] = handler(request, site.account, site.region)
    return answer


KINDS = {
    "AWS::CloudFormation::StackSet": Kind(
        _create,
        _update,
        _delete,
        name="StackSetName",
        longest=128,
        fixed=("CallAs", "PermissionModel"),
        needs=("PermissionModel", "StackSetName"),
        tags="list",
    ),
}
