"""The API of change sets: what an operation would do, told before it does it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from generator.simulation.world import ServiceError, World, partition_of

from . import parameters
from .changes import Change, changes, name_conflicts, outputs_change, shown
from .providers import kind
from .providers.kind import identifier
from .refusals import invalid
from .registry import Registry
from .requests import Answer, Request, listed_tags, page, without_nothing
from .stack import Event, Stack, moment
from .stacks import Stacks, check_updatable
from .template import Blueprint

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)
NAME_CHECK = "AWS::EarlyValidation::ResourceExistenceCheck"


@dataclass
class ChangeSet:
    """A change set. Its status moves on whenever it is described."""

    id: str
    name: str
    stack: Stack
    type: str
    blueprint: Blueprint
    tags: dict[str, str]
    capabilities: list[str]
    changes: list[Change]
    created: float
    operation_id: str
    description: str = ""
    on_failure: str = ""
    findings: list[tuple[Change, str]] = field(default_factory=list)
    failure: str = ""
    stages: list[str] = field(default_factory=lambda: ["CREATE_PENDING", "CREATE_IN_PROGRESS"])
    execution: str = "AVAILABLE"

    @property
    def status(self) -> str:
        if self.stages:
            return self.stages[0]
        return "FAILED" if self.failure else "CREATE_COMPLETE"

    @property
    def execution_status(self) -> str:
        return "UNAVAILABLE" if self.stages or self.failure else self.execution


class ChangeSets:
    """The operations on change sets, named as the API names them."""

    def __init__(self, world: World, registry: Registry, stacks: Stacks) -> None:
        self.world = world
        self.registry = registry
        self.stacks = stacks
        self._sets: dict[str, ChangeSet] = {}
        self._numbers = itertools.count(1)

    def create_change_set(self, request: Request, account: str, region: str) -> Answer:
        type_ = request.get("ChangeSetType", "UPDATE")
        if type_ == "IMPORT":
            raise invalid("change sets that import resources are not simulated")
        stack, fresh = self._stack(request, account, region, type_)
        try:
            if any(one.name == request["ChangeSetName"] for one in self._of(stack)):
                raise ServiceError(
                    "AlreadyExistsException",
                    f"ChangeSet {request['ChangeSetName']} already exists",
                )
            blueprint, tags, capabilities = self.stacks.prepared(stack, request)
        except BaseException:
            if fresh:
                self.registry.forget(stack)
            raise
        found = changes(stack, blueprint, tags)
        change_set = self._opened(request, stack, type_, blueprint, found)
        change_set.tags, change_set.capabilities = tags, capabilities
        self._validate(change_set, bool(request.get("DisableValidation")))
        if fresh:
            stack.operation_id = change_set.operation_id
            stack.operation_type = "CREATE_CHANGESET"
            stack.turn(self.world, "REVIEW_IN_PROGRESS", "User Initiated")
        return {"Id": change_set.id, "StackId": stack.id}

    def describe_change_set(self, request: Request, account: str, region: str) -> Answer:
        one = self._get(request, account, region)
        found, rest = page(one.changes, request)
        values = bool(request.get("IncludePropertyValues"))
        answer = without_nothing(
            {
                **_summary(one),
                "Parameters": parameters.shown(
                    one.blueprint.template.parameters, one.blueprint.values
                ),
                "Capabilities": one.capabilities,
                "NotificationARNs": one.stack.notification_arns,
                "Tags": listed_tags(one.tags),
                "OnStackFailure": one.on_failure,
                "Changes": [] if one.stages else [shown(change, values) for change in found],
                **rest,
            }
        )
        del one.stages[:1]
        return answer

    def list_change_sets(self, request: Request, account: str, region: str) -> Answer:
        stack = self.registry.get(account, region, request["StackName"])
        found, rest = page(self._of(stack), request)
        return {"Summaries": [_summary(one) for one in found], **rest}

    def execute_change_set(self, request: Request, account: str, region: str) -> Answer:
        one = self._get(request, account, region)
        if one.status != "CREATE_COMPLETE" or one.execution != "AVAILABLE":
            state = one.status if one.status != "CREATE_COMPLETE" else one.execution
            raise ServiceError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{one.id}] cannot be executed in its current status of [{state}]",
            )
        stack = one.stack
        stack.disable_rollback = bool(request.get("DisableRollback"))
        stack.retain_except_on_create = bool(request.get("RetainExceptOnCreate"))
        if one.on_failure:
            stack.on_failure = one.on_failure
        stack.capabilities, stack.change_set_id = one.capabilities, one.id
        if stack.status == "REVIEW_IN_PROGRESS":
            stack.tags = one.tags
            self.stacks.begin_creation(stack, one.blueprint)
        else:
            check_updatable(stack)
            self.stacks.begin_update(stack, one.blueprint, one.tags)
        one.execution = "EXECUTE_COMPLETE"
        # The others were made for a stack that is no more as it was.
        for other in self._of(stack):
            if other is not one:
                del self._sets[other.id]
        return {}

    def delete_change_set(self, request: Request, account: str, region: str) -> Answer:
        one = self._get(request, account, region)
        del self._sets[one.id]
        return {}

    def describe_events(self, request: Request, account: str, region: str) -> Answer:
        """What happened in an operation, the findings of a change set's validation included."""
        if "ChangeSetName" in request:
            one = self._get(request, account, region)
            events = [_finding(one, change, why) for change, why in one.findings]
        elif "StackName" in request:
            stack = self.registry.get(account, region, request["StackName"])
            events = [_operation_event(stack, *item) for item in enumerate(stack.events)]
            for one in self._of(stack):
                events += [_finding(one, change, why) for change, why in one.findings]
        else:
            stacks = self.registry.of(account, region, deleted=True)
            events = [
                _operation_event(stack, number, event)
                for stack in stacks
                for number, event in enumerate(stack.events)
            ]
        if "OperationId" in request:
            events = [e for e in events if e.get("OperationId") == request["OperationId"]]
        if (request.get("Filters") or {}).get("FailedEvents"):
            events = [e for e in events if e["EventType"].endswith("_ERROR")]
        found, rest = page(events[::-1], request)
        return {"OperationEvents": list(found), **rest}

    def change_set(self, request: Request, account: str, region: str) -> ChangeSet:
        """The change set that a request names."""
        return self._get(request, account, region)

    def _stack(self, request: Request, account: str, region: str, type_: str) -> tuple[Stack, bool]:
        name = request["StackName"]
        stack = self.registry.find(account, region, name)
        if stack is not None and not stack.exists:
            stack = None
        if type_ == "CREATE":
            if stack is None:
                return self.registry.open(account, region, name), True
            if stack.status != "REVIEW_IN_PROGRESS":
                raise invalid(
                    f"Stack [{name}] already exists and cannot be created again with the "
                    f"changeSet [{request['ChangeSetName']}]."
                )
            return stack, False
        if stack is None:
            raise invalid(f"Stack [{name}] does not exist")
        check_updatable(stack)
        return stack, False

    def _opened(
        self,
        request: Request,
        stack: Stack,
        type_: str,
        blueprint: Blueprint,
        found: list[Change],
    ) -> ChangeSet:
        name = request["ChangeSetName"]
        identity = identifier(stack.id, name, str(next(self._numbers)))
        arn = (
            f"arn:{partition_of(stack.region)}:cloudformation:{stack.region}:{stack.account}:"
            f"changeSet/{name}/{identity}"
        )
        change_set = ChangeSet(
            arn,
            name,
            stack,
            type_,
            blueprint,
            {},
            [],
            found,
            self.world.clock,
            identifier(arn, "operation"),
            request.get("Description", ""),
            request.get("OnStackFailure", ""),
        )
        self._sets[arn] = change_set
        return change_set

    def _validate(self, one: ChangeSet, disabled: bool) -> None:
        same_tags = one.tags == one.stack.tags
        if not one.changes and same_tags and not outputs_change(one.stack, one.blueprint):
            one.failure = NO_CHANGES
        if disabled:
            return
        one.findings = name_conflicts(self.stacks.deployment.maker, one.stack, one.changes)
        if one.findings:
            one.failure = (
                f"The following hook(s)/validation failed: [{NAME_CHECK}]. To troubleshoot Early "
                "Validation errors, use the DescribeEvents API for detailed failure information."
            )

    def _of(self, stack: Stack) -> list[ChangeSet]:
        return [one for one in self._sets.values() if one.stack is stack]

    def _get(self, request: Request, account: str, region: str) -> ChangeSet:
        name = request["ChangeSetName"]
        if name.startswith("arn:"):
            if name in self._sets:
                return self._sets[name]
        elif "StackName" not in request:
            raise invalid(
                "StackName must be specified if ChangeSetName is not specified as an ARN."
            )
        else:
            stack = self.registry.get(account, region, request["StackName"])
            for one in self._of(stack):
                if one.name == name:
                    return one
        raise ServiceError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)


def _summary(one: ChangeSet) -> Answer:
    reason = "" if one.stages else one.failure
    return without_nothing(
        {
            "ChangeSetId": one.id,
            "ChangeSetName": one.name,
            "StackId": one.stack.id,
            "StackName": one.stack.name,
            "Description": one.description,
            "CreationTime": moment(one.created),
            "Status": one.status,
            "StatusReason": reason,
            "ExecutionStatus": one.execution_status,
        }
    )


def _finding(one: ChangeSet, change: Change, why: str) -> Answer:
    logical_id = change.declared.logical_id
    return {
        "EventId": identifier(one.id, logical_id),
        "StackId": one.stack.id,
        "OperationId": one.operation_id,
        "OperationType": "CREATE_CHANGESET",
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": logical_id,
        "ResourceType": change.declared.type,
        "Timestamp": moment(one.created),
        "ValidationName": "NAME_CONFLICT_VALIDATION",
        "ValidationStatus": "FAILED",
        "ValidationFailureMode": "FAIL",
        "ValidationStatusReason": why,
        "ValidationPath": f"/Resources/{logical_id}/Properties/{kind(change.declared.type).name}",
    }


def _operation_event(stack: Stack, number: int, event: Event) -> Answer:
    failed = event.status.endswith("_FAILED")
    return without_nothing(
        {
            "EventId": identifier(stack.id, str(number)),
            "StackId": stack.id,
            "OperationId": event.operation,
            "EventType": "PROVISIONING_ERROR" if failed else "STACK_EVENT",
            "LogicalResourceId": event.logical_id,
            "PhysicalResourceId": event.physical_id,
            "ResourceType": event.type,
            "Timestamp": moment(event.time),
            "ResourceStatus": event.status,
            "ResourceStatusReason": event.reason,
        }
    )
