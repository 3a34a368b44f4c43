"""CloudFormation in the simulated organization: the service that answers its API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from generator.simulation.world import ServiceError, World

from .change_sets import ChangeSets
from .deployment import Deployment
from .making import Maker
from .providers.kind import Forward
from .registry import Registry
from .requests import Answer, Request
from .stack_drifts import StackDrifts
from .stack_sets import StackSets
from .stack_sets.running import PACE
from .stacks import Stacks
from .templates import Templates


class Caller(Protocol):
    """Who makes a call."""

    @property
    def account(self) -> str: ...


class CloudFormation:
    """Stacks, change sets and StackSets in every account and Region.

    `materialise=False` keeps the instances of StackSets as records without resources, for
    organizations too large to be built. `pace` is how many instances of an operation may begin
    with each look at it.
    """

    def __init__(self, world: World, *, materialise: bool = True, pace: int = PACE) -> None:
        self.may_put_events: Callable[[Forward], str | None] | None = None
        """Asked when a rule gets a bus of another account or Region as target."""
        self.registry = Registry(world)
        maker = Maker(world, self)
        deployment = Deployment(maker)
        self.stacks = Stacks(world, self.registry, deployment)
        self.change_sets = ChangeSets(world, self.registry, self.stacks)
        self.stack_drifts = StackDrifts(self.registry, maker)
        self.templates = Templates(self.registry, self.change_sets)
        self.stack_sets = StackSets(
            world, self.registry, deployment, materialise=materialise, pace=pace
        )

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Caller, region: str
    ) -> dict[str, Any]:
        """The answer to an operation, as boto3 returns it; ServiceError for a refusal."""
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
        if name == "get_template_summary" and "StackSetName" in parameters:
            return self._summary_of_set(parameters, caller.account, region)
        for part in (self.stacks, self.change_sets, self.templates, self.stack_drifts):
            handler = getattr(part, name, None)
            if handler is not None:
                break
        else:
            handler = self.stack_sets.handler(name)
        if handler is None:
            raise ServiceError("InvalidAction", f"{operation} of CloudFormation is not simulated")
        answer: dict[str, Any] = handler(parameters, caller.account, region)
        return answer

    def _summary_of_set(self, request: Request, account: str, region: str) -> Answer:
        one = self.stack_sets.find(request, account, region)
        return self.templates.summary(one.definition.template)
