"""What an operation does to one instance, and to the stack behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.simulation.cloudformation import parameters
from generator.simulation.cloudformation.deployment import Deployment
from generator.simulation.cloudformation.drift import drifts
from generator.simulation.cloudformation.providers.kind import identifier
from generator.simulation.cloudformation.registry import Registry
from generator.simulation.cloudformation.stack import Stack, pseudo
from generator.simulation.cloudformation.stack_sets import instances as i
from generator.simulation.cloudformation.stack_sets.faults import Faults
from generator.simulation.cloudformation.stack_sets.operations import FAILED, SUCCEEDED, Operation
from generator.simulation.cloudformation.stack_sets.sets import (
    ADMINISTRATION_ROLE,
    EXECUTION_ROLE,
    StackSet,
)
from generator.simulation.control_policies import denied
from generator.simulation.world import ServiceError, World, partition_of

if TYPE_CHECKING:
    from collections.abc import Callable

_UNUSABLE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
SUSPENDED = "The account is suspended"


class Deliveries:
    """Carries out operations, instance by instance.

    Without `materialise` no stack is made: an instance succeeds unless something stands in its
    way, and is a few bytes in the StackSet.
    """

    def __init__(
        self, world: World, registry: Registry, deployment: Deployment, *, materialise: bool
    ) -> None:
        self.world = world
        self.registry = registry
        self.deployment = deployment
        self.materialise = materialise
        self.faults: Callable[[str, str, str], str | None] = Faults()

    def deploy(self, operation: Operation, code: int) -> tuple[int, str]:
        """Brings an instance to the present definition of its StackSet."""
        stack_set = operation.stack_set
        instances = stack_set.instances
        account, region = instances.account(code), instances.region(code)
        known = self.world.organization.accounts.get(account)
        if known is not None and known.suspended:
            # Results have no status for it; assumed: it counts as no failure.
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackInstanceComprehensiveStatus.html
            instances.turn(code, i.OUTDATED, i.SKIPPED, SUSPENDED)
            return SUCCEEDED, SUSPENDED
        if instances.status[code] == i.INOPERABLE:
            return FAILED, "The stack instance is inoperable"
        reason = self._obstacle(stack_set, account, region)
        if reason is None:
            reason = self._deployed(stack_set, code, account, region)
        if reason is None:
            instances.turn(code, i.CURRENT, i.SUCCEEDED)
            return SUCCEEDED, ""
        instances.turn(code, i.OUTDATED, i.FAILED, reason)
        return FAILED, reason

    def create(self, operation: Operation, code: int) -> tuple[int, str]:
        """The same, but an instance that is up to date is left as it is."""
        instances = operation.stack_set.instances
        if instances.status[code] == i.CURRENT:
            instances.detailed[code] = i.SUCCEEDED
            return SUCCEEDED, ""
        return self.deploy(operation, code)

    def remove(self, operation: Operation, code: int) -> tuple[int, str]:
        """Removes an instance, with its stack unless that is to be kept."""
        stack_set = operation.stack_set
        instances = stack_set.instances
        account, region = instances.account(code), instances.region(code)
        stack = self._stack(stack_set, code)
        if not operation.retain:
            known = self.world.organization.accounts.get(account)
            if known is not None and known.suspended:
                instances.turn(code, instances.status[code], i.SKIPPED, SUSPENDED)
                return SUCCEEDED, SUSPENDED
            reason = self._obstacle(stack_set, account, region)
            if reason is None and stack is not None:
                reason = self._deleted(stack)
            if reason is not None:
                # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackInstance.html
                instances.turn(code, i.INOPERABLE, i.LEFT_INOPERABLE, reason)
                return FAILED, reason
        instances.remove(code)
        return SUCCEEDED, ""

    def detect_drift(self, operation: Operation, code: int) -> tuple[int, str]:
        """Compares what an instance's stack made with what its template says."""
        stack_set = operation.stack_set
        instances = stack_set.instances
        reason = self._obstacle(stack_set, instances.account(code), instances.region(code))
        instances.detailed[code] = i.SUCCEEDED if reason is None else i.FAILED
        if reason is not None:
            return FAILED, reason
        stack = self._stack(stack_set, code)
        found = drifts(self.deployment.maker, stack) if stack else []
        stack_set.drifts[operation.id, code] = found
        drifted = any(resource.status != "IN_SYNC" for resource in found)
        instances.drift[code] = i.DRIFTED if drifted else i.IN_SYNC
        return SUCCEEDED, ""

    def stack_id(self, stack_set: StackSet, code: int) -> str:
        """The id of the stack behind an instance; empty when it never got one."""
        instances = stack_set.instances
        known = instances.stack_ids.get(code, "")
        if known or self.materialise or instances.detailed[code] < i.SUCCEEDED:
            return known
        account, region = instances.account(code), instances.region(code)
        identity = identifier(stack_set.id, account, region)
        partition = partition_of(region)
        name = f"StackSet-{stack_set.name}-{identity}"
        return f"arn:{partition}:cloudformation:{region}:{account}:stack/{name}/{identity}"

    # --- One stack

    def _stack(self, stack_set: StackSet, code: int) -> Stack | None:
        stack = self.registry.by_id(stack_set.instances.stack_ids.get(code, ""))
        return stack if stack and stack.exists else None

    def _deployed(self, stack_set: StackSet, code: int, account: str, region: str) -> str | None:
        """Makes or updates the stack of an instance; why it failed, or None."""
        definition = stack_set.definition
        overrides = stack_set.instances.overrides.get(code, {})
        blueprint = definition.template.blueprint({**definition.values, **overrides})
        stack = self._stack(stack_set, code) if self.materialise else None
        if stack is not None and stack.status in _UNUSABLE:
            # Assumed: what a failed creation left is removed before the next attempt.
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-troubleshooting.html
            reason = self._deleted(stack)
            if reason is not None:
                return reason
            stack = None
        try:
            if not self.materialise:
                blueprint.check_rules(pseudo(account, region, stack_set.name, "", []))
                return None
            if stack is None:
                stack = self._opened(stack_set, code, account, region)
                blueprint.check_rules(stack.pseudo())
                stack.tags = dict(definition.tags)
                stack.capabilities = list(definition.capabilities)
                stack.operation = self.deployment.create(stack, blueprint)
            elif stack.blueprint is blueprint and stack.tags == definition.tags:
                return None
            else:
                blueprint.check_rules(stack.pseudo())
                if stack.busy:
                    return f"Stack:{stack.id} is in {stack.status} state and can not be updated."
                stack.operation = self.deployment.update(stack, blueprint, dict(definition.tags))
        except ServiceError as error:
            return error.message
        begun = len(stack.events)
        stack.finish()
        if stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return None
        return _first_failure(stack, begun)

    def _opened(self, stack_set: StackSet, code: int, account: str, region: str) -> Stack:
        number = str(len(stack_set.operations))
        name = f"StackSet-{stack_set.name}-{identifier(stack_set.id, account, region, number)}"
        stack = self.registry.open(account, region, name)
        stack_set.instances.stack_ids[code] = stack.id
        return stack

    def _deleted(self, stack: Stack) -> str | None:
        if stack.protected:
            return f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        begun = len(stack.events)
        stack.operation = self.deployment.delete(stack)
        stack.finish()
        return None if stack.status == "DELETE_COMPLETE" else _first_failure(stack, begun)

    # --- What stands in the way

    def _obstacle(self, stack_set: StackSet, account: str, region: str) -> str | None:
        """Why nothing can be done in an account and Region; None when something can.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-opt-in-regions.html
        """
        ordered = self.faults(account, region, stack_set.name)
        if ordered is not None:
            return ordered
        accounts = self.world.organization.accounts
        for needed in (account, stack_set.home):
            if needed in accounts and not self.world.enabled(needed, region):
                return (
                    "The security token included in the request is invalid. (Service: "
                    "CloudFormation, Status Code: 403, Error Code: InvalidClientTokenId): "
                    f"the Region {region} is not enabled in the account {needed}"
                )
        if not stack_set.service_managed:
            return self._missing_roles(stack_set, account)
        types = (declared.type for declared in stack_set.definition.template.resources.values())
        return denied(self.world, account, region, types)

    def _missing_roles(self, stack_set: StackSet, account: str) -> str | None:
        """Why the roles of a self-managed StackSet do not let it in.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html
        """
        from generator.simulation.cloudformation.providers.iam import role_of, role_trusts

        partition, home = partition_of(stack_set.region), stack_set.home
        administration = stack_set.definition.administration_role or (
            f"arn:{partition}:iam::{home}:role/{ADMINISTRATION_ROLE}"
        )
        execution = stack_set.definition.execution_role or EXECUTION_ROLE
        name = administration.rpartition("/")[2]
        if not role_trusts(home, partition, administration, "cloudformation.amazonaws.com"):
            return (
                f"Account {home} should have '{name}' role with trust relationship to "
                "CloudFormation service."
            )
        arn = role_of(account, partition, execution)
        root = f"arn:{partition}:iam::{home}:root"
        if not arn or not role_trusts(account, partition, arn, administration, home, root):
            return (
                f"Account {account} should have '{execution}' role with trust relationship to Role "
                f"'{name}'."
            )
        return None


def overridden(
    stack_set: StackSet, code: int, overrides: list[dict[str, str]] | None
) -> dict[str, str]:
    """The overrides of an instance after a request; None in the request leaves them as they are.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStackInstances.html
    """
    known = stack_set.instances.overrides.get(code, {})
    if overrides is None:
        return known
    definition = stack_set.definition
    declared = definition.template.parameters
    given = {entry["ParameterKey"] for entry in overrides}
    values = parameters.resolved(
        declared,
        [
            *overrides,
            *(
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in definition.values.items()
                if name not in given
            ),
        ],
        {**definition.values, **known},
    )
    return {name: values[name] for name in given}


def _first_failure(stack: Stack, begun: int) -> str:
    for event in stack.events[begun:]:
        failed = event.status.endswith("_FAILED") and event.logical_id != stack.name
        if failed and event.reason != "Resource creation cancelled":
            return (
                f"ResourceLogicalId:{event.logical_id}, ResourceType:{event.type}, "
                f"ResourceStatusReason:{event.reason}."
            )
    return stack.reason or f"The stack is in {stack.status}"
