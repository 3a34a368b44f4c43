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

from .instance_groups import change, deletion, wanted
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
    begun: list[dict[str, Any]] = []
    try:
        for request in change({}, wanted(properties)).create:
            _run(site, "create_stack_instances", identity, properties, request, begun)
    except ServiceError:
        _clear(site, identity, properties, [deletion(request) for request in begun])
        raise
    return Outcome(identity, {"StackSetId": identity})


def _update(site: Site, resource: Resource, properties: Properties) -> None:
    """Deletes, then updates, then creates, as the handler of the type does.

    https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-cloudformation/blob/master/aws-cloudformation-stackset/src/main/java/software/amazon/cloudformation/stackset/UpdateHandler.java
    """
    identity, old = resource.physical_id, resource.properties
    due = change(wanted(old), wanted(properties))
    for request in due.delete:
        _run(site, "delete_stack_instances", identity, properties, request)
    if _definition(old) != _definition(properties):
        definition = {**_definition(properties)}
        _run(site, "update_stack_set", identity, properties, definition)
    for request in due.create:
        _run(site, "create_stack_instances", identity, properties, request)
    for request in due.update:
        _run(site, "update_stack_instances", identity, properties, request)


def _delete(site: Site, resource: Resource) -> None:
    due = change(wanted(resource.properties), {}).delete
    _clear(site, resource.physical_id, resource.properties, due)


def _clear(
    site: Site, identity: str, properties: Properties, deletions: list[dict[str, Any]]
) -> None:
    for request in deletions:
        _run(site, "delete_stack_instances", identity, properties, request)
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


def _call_as(properties: Properties) -> dict[str, Any]:
    return {"CallAs": properties["CallAs"]} if "CallAs" in properties else {}


def _run(
    site: Site,
    operation: str,
    identity: str,
    properties: Properties,
    request: dict[str, Any],
    begun: list[dict[str, Any]] | None = None,
) -> None:
    """Begins an operation and waits for its end. What was not refused at once joins `begun`."""
    plain = request
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
    if begun is not None:
        begun.append(plain)
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
