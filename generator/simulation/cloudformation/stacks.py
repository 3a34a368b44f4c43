"""The API of stacks: an operation is in progress when its call returns.

Every answer about a stack tells its present state, and then lets its operation take one step.
"""

from __future__ import annotations

import re

from generator.model import Json
from generator.simulation.world import ServiceError, World

from . import parameters
from .changes import changes, outputs_change
from .deployment import Deployment
from .providers.kind import identifier
from .refusals import invalid
from .registry import Registry
from .requests import (
    Answer,
    Request,
    check_capabilities,
    listed_tags,
    page,
    requested_tags,
    requested_template,
    without_nothing,
)
from .stack import Event, Stack, moment
from .template import Blueprint

_UPDATABLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED"}
NOTHING_TO_DO = "No updates are to be performed."


class Stacks:
    """The operations on single stacks, named as the API names them."""

    def __init__(self, world: World, registry: Registry, deployment: Deployment) -> None:
        self.world = world
        self.registry = registry
        self.deployment = deployment

    def create_stack(self, request: Request, account: str, region: str) -> Answer:
        name = request["StackName"]
        if not re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", name):
            raise invalid(
                f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
            )
        if self.registry.find(account, region, name):
            raise ServiceError("AlreadyExistsException", f"Stack [{name}] already exists")
        if "DisableRollback" in request and "OnFailure" in request:
            raise invalid("You cannot specify both OnFailure and DisableRollback")
        found = requested_template(request)
        capabilities = check_capabilities(found, request)
        blueprint = found.blueprint(
            parameters.resolved(found.parameters, request.get("Parameters", []))
        )
        tags = requested_tags(request)
        stack = self.registry.open(account, region, name)
        try:
            blueprint.check_rules(stack.pseudo())
        except BaseException:
            self.registry.forget(stack)
            raise
        stack.capabilities, stack.tags = capabilities, tags
        stack.protected = bool(request.get("EnableTerminationProtection"))
        stack.on_failure = request.get("OnFailure", "ROLLBACK")
        self._note_options(stack, request)
        self.begin_creation(stack, blueprint)
        return {"StackId": stack.id, "OperationId": stack.operation_id}

    def begin_creation(self, stack: Stack, blueprint: Blueprint) -> None:
        """Starts to make everything."""
        self._begin(stack, "CREATE_STACK")
        stack.operation = self.deployment.create(stack, blueprint)
        stack.advance()

    def update_stack(self, request: Request, account: str, region: str) -> Answer:
        stack = self.registry.find(account, region, request["StackName"])
        if stack is None or not stack.exists:
            raise invalid(f"Stack [{request['StackName']}] does not exist")
        blueprint, tags, capabilities = self.prepared(stack, request)
        check_updatable(stack)
        same = not changes(stack, blueprint, tags) and tags == stack.tags
        if same and not outputs_change(stack, blueprint):
            raise invalid(NOTHING_TO_DO)
        stack.capabilities = capabilities
        self._note_options(stack, request)
        self.begin_update(stack, blueprint, tags)
        return {"StackId": stack.id, "OperationId": stack.operation_id}

    def begin_update(self, stack: Stack, blueprint: Blueprint, tags: dict[str, str]) -> None:
        """Starts to change what differs."""
        self._begin(stack, "UPDATE_STACK")
        stack.operation = self.deployment.update(stack, blueprint, tags)
        stack.advance()

    def prepared(
        self, stack: Stack, request: Request
    ) -> tuple[Blueprint, dict[str, str], list[str]]:
        """What an update asks for: template with parameters, tags, capabilities."""
        old = stack.blueprint
        found = requested_template(request, old.template.text if old else None)
        capabilities = check_capabilities(found, request)
        values = parameters.resolved(
            found.parameters, request.get("Parameters", []), old.values if old else None
        )
        blueprint = found.blueprint(values)
        blueprint.check_rules(stack.pseudo())
        return blueprint, requested_tags(request, stack.tags), capabilities

    def delete_stack(self, request: Request, account: str, region: str) -> Answer:
        stack = self.registry.find(account, region, request["StackName"])
        # Deleting what is not there is no error.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
        if stack is None or not stack.exists:
            return {}
        if stack.protected:
            raise invalid(
                f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        retained = request.get("RetainResources", [])
        if retained and stack.status != "DELETE_FAILED":
            raise invalid("RetainResources is allowed only for stacks in DELETE_FAILED")
        self._begin(stack, "DELETE_STACK")
        stack.operation = self.deployment.delete(stack, retained)
        stack.advance()
        return {}

    def describe_stacks(self, request: Request, account: str, region: str) -> Answer:
        if "StackName" in request:
            stack = self.registry.get(account, region, request["StackName"])
            one: Answer = {"Stacks": [described(stack)]}
            stack.advance()
            return one
        stacks, rest = page(self.registry.of(account, region), request)
        answer: Answer = {"Stacks": [described(stack) for stack in stacks], **rest}
        for stack in stacks:
            stack.advance()
        return answer

    def list_stacks(self, request: Request, account: str, region: str) -> Answer:
        wanted = set(request.get("StackStatusFilter", []))
        stacks = [
            stack
            for stack in self.registry.of(account, region, deleted=True)
            if not wanted or stack.status in wanted
        ]
        shown, rest = page(stacks, request)
        answer = {"StackSummaries": [_summary(stack) for stack in shown], **rest}
        for stack in shown:
            stack.advance()
        return answer

    def describe_stack_events(self, request: Request, account: str, region: str) -> Answer:
        stack = self.registry.get(account, region, request["StackName"])
        events, rest = page(list(enumerate(stack.events))[::-1], request)
        answer = {
            "StackEvents": [_event(stack, number, event) for number, event in events],
            **rest,
        }
        if "NextToken" not in request:
            stack.advance()
        return answer

    def describe_stack_resources(self, request: Request, account: str, region: str) -> Answer:
        if physical := request.get("PhysicalResourceId"):
            stack = self._owner(account, region, str(physical))
        else:
            stack = self.registry.get(account, region, request["StackName"])
        wanted = request.get("LogicalResourceId")
        answer = {
            "StackResources": [
                {**resource, "StackName": stack.name, "StackId": stack.id}
                for resource in self._resources(stack, "Timestamp")
                if wanted in (None, resource["LogicalResourceId"])
            ]
        }
        stack.advance()
        return answer

    def _owner(self, account: str, region: str, physical: str) -> Stack:
        for stack in self.registry.of(account, region):
            ids = {one.resource.physical_id for one in stack.entries.values()}
            if stack.exists and physical in ids:
                return stack
        raise invalid(f"Stack for {physical} does not exist")

    def list_stack_resources(self, request: Request, account: str, region: str) -> Answer:
        stack = self.registry.get(account, region, request["StackName"])
        shown, rest = page(self._resources(stack, "LastUpdatedTimestamp"), request)
        if "NextToken" not in request:
            stack.advance()
        return {"StackResourceSummaries": list(shown), **rest}

    def update_termination_protection(self, request: Request, account: str, region: str) -> Answer:
        stack = self.registry.get(account, region, request["StackName"])
        stack.protected = bool(request["EnableTerminationProtection"])
        return {"StackId": stack.id}

    def _resources(self, stack: Stack, timestamp: str) -> list[dict[str, Json]]:
        return [
            {
                "LogicalResourceId": name,
                "PhysicalResourceId": entry.resource.physical_id,
                "ResourceType": entry.resource.type,
                "ResourceStatus": entry.status,
                timestamp: moment(entry.time),
                "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
            }
            for name, entry in stack.entries.items()
        ]

    def _note_options(self, stack: Stack, request: Request) -> None:
        stack.role_arn = request.get("RoleARN", stack.role_arn)
        stack.notification_arns = list(request.get("NotificationARNs", stack.notification_arns))
        stack.disable_rollback = bool(request.get("DisableRollback"))
        stack.retain_except_on_create = bool(request.get("RetainExceptOnCreate"))

    def _begin(self, stack: Stack, operation: str) -> None:
        stack.operation_type = operation
        stack.operation_id = identifier(stack.id, operation, str(len(stack.events)))


def check_updatable(stack: Stack) -> None:
    """Refuses to update a stack that is busy or broken."""
    if stack.status not in _UPDATABLE:
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")


def described(stack: Stack) -> Answer:
    """A stack as DescribeStacks tells it."""
    blueprint = stack.blueprint
    answer: Answer = without_nothing(
        {
            "StackId": stack.id,
            "StackName": stack.name,
            "ChangeSetId": stack.change_set_id,
            "Description": blueprint.template.description if blueprint else "",
            "CreationTime": moment(stack.created),
            "LastUpdatedTime": None if stack.updated is None else moment(stack.updated),
            "DeletionTime": None if stack.deleted is None else moment(stack.deleted),
            "StackStatus": stack.status,
            "StackStatusReason": stack.reason,
            "RoleARN": stack.role_arn,
            "DisableRollback": stack.disable_rollback,
            "EnableTerminationProtection": stack.protected,
            "Capabilities": stack.capabilities,
            "NotificationARNs": stack.notification_arns,
            "Tags": listed_tags(stack.tags),
            "DriftInformation": {"StackDriftStatus": stack.drift},
            "Outputs": stack.outputs,
        }
    )
    if blueprint:
        answer["Parameters"] = parameters.shown(blueprint.template.parameters, blueprint.values)
    if stack.operation_id:
        answer["LastOperations"] = [
            {"OperationType": stack.operation_type, "OperationId": stack.operation_id}
        ]
    return answer


def _summary(stack: Stack) -> Answer:
    return without_nothing(
        {
            "StackId": stack.id,
            "StackName": stack.name,
            "TemplateDescription": stack.blueprint.template.description if stack.blueprint else "",
            "CreationTime": moment(stack.created),
            "LastUpdatedTime": None if stack.updated is None else moment(stack.updated),
            "DeletionTime": None if stack.deleted is None else moment(stack.deleted),
            "StackStatus": stack.status,
            "StackStatusReason": stack.reason,
            "DriftInformation": {"StackDriftStatus": stack.drift},
        }
    )


def _event(stack: Stack, number: int, event: Event) -> Answer:
    return without_nothing(
        {
            "StackId": stack.id,
            "EventId": f"{stack.id.rpartition('/')[2]}-{number:06d}",
            "StackName": stack.name,
            "OperationId": event.operation,
            "LogicalResourceId": event.logical_id,
            "PhysicalResourceId": event.physical_id,
            "ResourceType": event.type,
            "Timestamp": moment(event.time),
            "ResourceStatus": event.status,
            "ResourceStatusReason": event.reason,
        }
    )
