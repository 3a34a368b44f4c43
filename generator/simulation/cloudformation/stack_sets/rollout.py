"""Requests that begin operations on instances, or stop them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from typing import Any

from generator.simulation.cloudformation.refusals import invalid
from generator.simulation.cloudformation.requests import Answer, Request
from generator.simulation.cloudformation.stack_sets import instances as i
from generator.simulation.cloudformation.stack_sets.administration import Administration
from generator.simulation.cloudformation.stack_sets.deliveries import Deliveries, overridden
from generator.simulation.cloudformation.stack_sets.operations import Act, Operation, Preferences
from generator.simulation.cloudformation.stack_sets.running import Runner
from generator.simulation.cloudformation.stack_sets.sets import Definition, StackSet
from generator.simulation.cloudformation.stack_sets.targets import Targets
from generator.simulation.world import ServiceError, World

INSTANCE_LIMIT = 100_000
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

Find = Callable[[Request, str, str], StackSet]


class Rollout:
    """Begins operations."""

    def __init__(
        self,
        world: World,
        administration: Administration,
        runner: Runner,
        deliveries: Deliveries,
        find: Find,
    ) -> None:
        self.world = world
        self.administration = administration
        self.runner = runner
        self.deliveries = deliveries
        self.find = find

    def create_stack_instances(self, request: Request, account: str, region: str) -> Answer:
        one = self.find(request, account, region)
        targets = self._targets(request, one)
        if targets.filter == "UNION":
            raise invalid("AccountFilterType UNION is not supported for CreateStackInstances")
        self.runner.check_free(one, request["OperationId"])
        reached = targets.accounts_to_reach(self.world)
        instances = one.instances
        fresh = sum(
            instances.find(account, region) is None
            for account in reached
            for region in targets.regions
        )
        if instances.count + fresh > INSTANCE_LIMIT:
            raise ServiceError(
                "LimitExceededException",
                f"A stack set has at most {INSTANCE_LIMIT} instances",
            )
        overrides = request.get("ParameterOverrides")
        codes = array("I")
        for member, unit in reached.items():
            for region_name in targets.regions:
                code = instances.code(member, region_name)
                if not instances.status[code]:
                    instances.add(code, unit)
                self._override(one, code, overrides)
                codes.append(code)
        for unit in targets.units or ():
            one.units.setdefault(unit, {}).update(dict.fromkeys(targets.regions))
        return self._begin(one, "CREATE", request, codes, targets, self.deliveries.create)

    def update_stack_instances(self, request: Request, account: str, region: str) -> Answer:
        one = self.find(request, account, region)
        targets = self._targets(request, one)
        self.runner.check_free(one, request["OperationId"])
        codes = self._existing(one, targets)
        overrides = request.get("ParameterOverrides")
        for code in codes:
            self._override(one, code, overrides)
        return self._begin(one, "UPDATE", request, codes, targets, self.deliveries.deploy)

    def update(self, one: StackSet, request: Request, definition: Definition) -> Answer:
        """Gives a StackSet its new definition, and brings instances to it."""
        chosen = bool(request.get("DeploymentTargets") or request.get("Accounts"))
        if bool(request.get("Regions")) != chosen:
            raise invalid("Specify accounts or deployment targets together with Regions, or none")
        targets = Targets.of(request, one, self.world, self.administration.answers)
        instances = one.instances
        if chosen:
            codes: Iterable[int] = self._existing(one, targets)
        else:
            codes = list(instances.codes())
        one.definition = definition
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStackSet.html
        if any(key in request for key in ("TemplateBody", "TemplateURL", "Parameters")):
            for code in instances.codes():
                if instances.status[code] != i.INOPERABLE:
                    instances.turn(code, i.OUTDATED, i.PENDING)
        codes = [code for code in codes if instances.status[code] != i.INOPERABLE]
        self._forget_strange_overrides(one)
        return self._begin(one, "UPDATE", request, codes, targets, self.deliveries.deploy)

    def delete_stack_instances(self, request: Request, account: str, region: str) -> Answer:
        one = self.find(request, account, region)
        targets = self._targets(request, one)
        self.runner.check_free(one, request["OperationId"])
        codes = targets.existing(self.world, one)
        if targets.filter == "NONE":
            for unit in targets.units or ():
                known = one.units.get(unit, {})
                for name in targets.regions:
                    known.pop(name, None)
                if not known:
                    one.units.pop(unit, None)
        return self._begin(
            one,
            "DELETE",
            request,
            codes,
            targets,
            self.deliveries.remove,
            retain=bool(request["RetainStacks"]),
        )

    def detect_stack_set_drift(self, request: Request, account: str, region: str) -> Answer:
        one = self.find(request, account, region)
        self.runner.check_free(one, request["OperationId"])
        targets = Targets(one.instances.regions_in_use(), [], None, "NONE")
        codes = list(one.instances.codes())
        answer = self._begin(
            one, "DETECT_DRIFT", request, codes, targets, self.deliveries.detect_drift
        )
        one.last_drift = one.operations[answer["OperationId"]]
        return answer

    def stop_stack_set_operation(self, request: Request, account: str, region: str) -> Answer:
        one = self.find(request, account, region)
        operation = operation_of(one, request["OperationId"])
        if operation.status not in ("RUNNING", "QUEUED"):
            raise ServiceError(
                "InvalidOperationException",
                f"The operation {operation.id} is {operation.status} and cannot be stopped",
            )
        operation.stop()
        return {}

    def _targets(self, request: Request, one: StackSet) -> Targets:
        if one.service_managed:
            self.administration.check_service_managed(one.home)
        targets = Targets.of(request, one, self.world, self.administration.answers)
        if not targets.regions:
            raise invalid("At least one Region must be specified")
        if not targets.accounts and not targets.units:
            raise invalid("Accounts or DeploymentTargets must be specified")
        return targets

    def _existing(self, one: StackSet, targets: Targets) -> list[int]:
        if targets.units is None:
            for member in targets.accounts:
                for region in targets.regions:
                    if one.instances.find(member, region) is None:
                        raise ServiceError(
                            "StackInstanceNotFoundException",
                            f"Stack instance ({member}, {region}) of {one.name} not found",
                            404,
                        )
        return targets.existing(self.world, one)

    def _override(self, one: StackSet, code: int, overrides: list[dict[str, str]] | None) -> None:
        found = overridden(one, code, overrides)
        if found == one.instances.overrides.get(code, {}):
            return
        if found:
            one.instances.overrides[code] = found
        else:
            one.instances.overrides.pop(code, None)
        one.instances.status[code] = i.OUTDATED

    def _forget_strange_overrides(self, one: StackSet) -> None:
        """Parameters that the template has no more cannot be overridden any more."""
        declared = one.definition.template.parameters
        for code, known in one.instances.overrides.items():
            kept = {name: value for name, value in known.items() if name in declared}
            one.instances.overrides[code] = kept

    def _begin(
        self,
        one: StackSet,
        action: str,
        request: Request,
        codes: Iterable[int],
        targets: Targets,
        act: Act,
        retain: bool | None = None,
    ) -> Answer:
        shown: dict[str, Any] = dict(targets.given)
        if one.service_managed and targets.filter == "NONE" and shown:
            shown.setdefault("AccountFilterType", "NONE")
        operation = Operation(
            id=request["OperationId"],
            action=action,
            stack_set=one,
            preferences=Preferences.of(request),
            created=self.world.clock,
            codes=array("I", codes),
            regions=targets.regions,
            act=act,
            deployment_targets=shown,
            retain=retain,
        )
        self.runner.begin(operation)
        return {"OperationId": operation.id}


def operation_of(one: StackSet, identity: str) -> Operation:
    """The operation of that id; ServiceError when the StackSet had none."""
    operation = one.operations.get(identity)
    if operation is None:
        raise ServiceError(
            "OperationNotFoundException", f"Operation {identity} of {one.name} not found", 404
        )
    return operation
