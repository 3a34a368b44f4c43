"""The API of StackSets: the sets themselves, and what belongs to all requests about them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

from generator.simulation.cloudformation import parameters
from generator.simulation.cloudformation.deployment import Deployment
from generator.simulation.cloudformation.providers.kind import identifier, truth
from generator.simulation.cloudformation.refusals import invalid, no_such_set
from generator.simulation.cloudformation.registry import Registry
from generator.simulation.cloudformation.requests import (
    Answer,
    Request,
    check_capabilities,
    requested_tags,
    requested_template,
)
from generator.simulation.cloudformation.stack_sets.administration import Administration
from generator.simulation.cloudformation.stack_sets.automatic import Automatic
from generator.simulation.cloudformation.stack_sets.deliveries import Deliveries
from generator.simulation.cloudformation.stack_sets.faults import Faults
from generator.simulation.cloudformation.stack_sets.listing import Listing
from generator.simulation.cloudformation.stack_sets.rollout import Rollout
from generator.simulation.cloudformation.stack_sets.running import PACE, Runner
from generator.simulation.cloudformation.stack_sets.sets import (
    ADMINISTRATION_ROLE,
    AutoDeployment,
    Definition,
    StackSet,
)
from generator.simulation.world import ServiceError, World, partition_of

DEPENDENCY_LIMIT = 10
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

Handler = Callable[[Request, str, str], Answer]


class StackSets:
    """Every StackSet of the organization, and the operations on them as the API names them."""

    def __init__(
        self,
        world: World,
        registry: Registry,
        deployment: Deployment,
        *,
        materialise: bool = True,
        pace: int = PACE,
    ) -> None:
        self.world = world
        self.administration = Administration(world)
        self.runner = Runner(world, pace)
        self.deliveries = Deliveries(world, registry, deployment, materialise=materialise)
        self.automatic = Automatic(world, self.runner, self.deliveries)
        self.sets: list[StackSet] = []
        self._rollout = Rollout(world, self.administration, self.runner, self.deliveries, self.find)
        self._listing = Listing(self.administration, self.runner, self.deliveries, self.find)
        self._numbers = itertools.count(1)
        self._tokens: dict[tuple[str, str], str] = {}

    def handler(self, operation: str) -> Handler | None:
        """What answers an operation, by its name in snake case; None for strange ones."""
        for part in (self, self._rollout, self._listing, self.administration):
            found = getattr(part, operation, None)
            if found is not None:
                handler: Handler = found
                return handler
        return None

    # --- For whoever drives the simulation

    def activate(self) -> None:
        """Trusted access, as the management account's button gives it."""
        self.administration.activate()

    def run_to_end(self) -> None:
        """Lets all operations come to their end."""
        self.runner.run_to_end()

    @property
    def faults(self) -> Faults:
        """The failures to order."""
        faults = self.deliveries.faults
        assert isinstance(faults, Faults)  # noqa: S101 - nobody put a function in its place
        return faults

    def joined(self, account: str) -> None:
        """The account has just joined the organization."""
        self.automatic.joined(self.sets, account)

    def moved(self, account: str, old_parent: str) -> None:
        """The account has just been moved, away from `old_parent`."""
        self.automatic.moved(self.sets, account, old_parent)

    def left(self, account: str) -> None:
        """The account has just left the organization."""
        self.automatic.left(self.sets, account)

    # --- Requests

    def find(self, request: Request, account: str, region: str) -> StackSet:
        """The StackSet that a request names; ServiceError when there is none."""
        home = self.administration.home(request, account)
        name = str(request["StackSetName"])
        delegated = request.get("CallAs") == "DELEGATED_ADMIN"
        for one in self.sets:
            if (one.home, one.region) != (home, region) or not one.active:
                continue
            if delegated and not one.service_managed:
                continue
            if name in (one.name, one.id, one.arn):
                return one
        raise no_such_set(name)

    def create_stack_set(self, request: Request, account: str, region: str) -> Answer:
        home = self.administration.home(request, account)
        name = str(request["StackSetName"])
        if not re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", name):
            raise invalid(
                f"1 validation error detected: Value '{name}' at 'stackSetName' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
            )
        known = next(
            (
                o
                for o in self.sets
                if (o.home, o.region, o.name) == (home, region, name) and o.active
            ),
            None,
        )
        if known is not None:
            token = str(request.get("ClientRequestToken", ""))
            if token and self._tokens.get((home, token)) == known.id:
                return {"StackSetId": known.id}
            raise ServiceError("NameAlreadyExistsException", f"The Name {name} already exists", 409)
        service_managed = request.get("PermissionModel") == "SERVICE_MANAGED"
        if service_managed:
            self.administration.check_service_managed(home)
            if "AutoDeployment" not in request:
                raise invalid("AutoDeployment is required for service managed stack sets")
        elif "AutoDeployment" in request or request.get("CallAs") == "DELEGATED_ADMIN":
            raise invalid("AutoDeployment and CallAs are for service managed stack sets only")
        identity = identifier(home, region, name, str(next(self._numbers)))
        arn = f"arn:{partition_of(region)}:cloudformation:{region}:{home}:stackset/{name}"
        one = StackSet(
            id=f"{name}:{identity}",
            name=name,
            home=home,
            region=region,
            arn=f"{arn}:{identity}",
            service_managed=service_managed,
            definition=_definition(request, None),
            automatic=self._automatic(request.get("AutoDeployment") or {}, home, region),
            managed_execution=truth((request.get("ManagedExecution") or {}).get("Active")),
        )
        self.sets.append(one)
        self._tokens[home, str(request.get("ClientRequestToken", ""))] = one.id
        return {"StackSetId": one.id}

    def update_stack_set(self, request: Request, account: str, region: str) -> Answer:
        one = self.find(request, account, region)
        if one.service_managed:
            self.administration.check_service_managed(one.home)
        model = "SERVICE_MANAGED" if one.service_managed else "SELF_MANAGED"
        if request.get("PermissionModel", model) != model:
            raise invalid("The permission model of a stack set cannot be changed here")
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStackSet.html
        known_role = one.definition.administration_role
        customized = known_role and not known_role.endswith(f":role/{ADMINISTRATION_ROLE}")
        if customized and "AdministrationRoleARN" not in request:
            raise invalid("AdministrationRoleARN must be specified: it was customized before")
        self.runner.check_free(one, str(request.get("OperationId", "")))
        definition = _definition(request, one.definition)
        automatic = one.automatic
        if "AutoDeployment" in request:
            automatic = self._automatic(request["AutoDeployment"], one.home, region)
        if "ManagedExecution" in request:
            wanted = truth(request["ManagedExecution"].get("Active"))
            if wanted != one.managed_execution and one.unfinished:
                raise invalid("ManagedExecution cannot be changed while operations run or wait")
            one.managed_execution = wanted
        answer = self._rollout.update(one, request, definition)
        one.automatic = automatic
        return answer

    def delete_stack_set(self, request: Request, account: str, region: str) -> Answer:
        try:
            one = self.find(request, account, region)
        except ServiceError as error:
            # Deleting what is not there is none of the errors that the API declares.
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStackSet.html
            if error.code == "StackSetNotFoundException":
                return {}
            raise
        if one.unfinished:
            raise ServiceError(
                "OperationInProgressException",
                f"Another Operation on StackSet {one.arn} is in progress: {one.unfinished[0].id}",
                409,
            )
        if one.instances.count:
            raise ServiceError(
                "StackSetNotEmptyException",
                f"StackSet {one.name} is not empty: it has {one.instances.count} instances",
                409,
            )
        one.active = False
        return {}

    def list_stack_sets(self, request: Request, account: str, region: str) -> Answer:
        home = self.administration.home(request, account)
        delegated = request.get("CallAs") == "DELEGATED_ADMIN"
        status = request.get("Status")
        found = [
            one
            for one in self.sets
            if (one.home, one.region) == (home, region)
            and (one.service_managed or not delegated)
            and status in (None, "ACTIVE" if one.active else "DELETED")
        ]
        return self._listing.sets(found, request, home, region)

    def _automatic(self, given: dict[str, Any], home: str, region: str) -> AutoDeployment:
        enabled = truth(given.get("Enabled"))
        depends_on = tuple(given.get("DependsOn") or ())
        if not enabled and (depends_on or "RetainStacksOnAccountRemoval" in given):
            raise invalid(
                "RetainStacksOnAccountRemoval and DependsOn can be specified only if "
                "AutoDeployment is enabled"
            )
        if len(depends_on) > DEPENDENCY_LIMIT:
            raise invalid(f"A stack set can depend on at most {DEPENDENCY_LIMIT} others")
        known = {
            one.arn
            for one in self.sets
            if one.active and one.service_managed and (one.home, one.region) == (home, region)
        }
        if strange := [arn for arn in depends_on if arn not in known]:
            raise invalid(f"DependsOn names no stack set: [{', '.join(strange)}]")
        return AutoDeployment(enabled, truth(given.get("RetainStacksOnAccountRemoval")), depends_on)


def _definition(request: Request, previous: Definition | None) -> Definition:
    """What a request makes of a StackSet."""
    template = requested_template(request, previous.template.text if previous else None)
    old = previous or Definition(template, {}, {}, [])
    # Assumed: how operations are run changes by itself, and leaves the parameters as they are.
    alone = "ManagedExecution" in request and "Parameters" not in request
    values = (
        old.values
        if previous and alone
        else parameters.resolved(
            template.parameters,
            request.get("Parameters", []),
            previous.values if previous else None,
        )
    )
    return Definition(
        template=template,
        values=values,
        tags=requested_tags(request, old.tags),
        capabilities=check_capabilities(template, request),
        description=request.get("Description", old.description),
        administration_role=request.get("AdministrationRoleARN", old.administration_role),
        execution_role=request.get("ExecutionRoleName", old.execution_role),
    )
