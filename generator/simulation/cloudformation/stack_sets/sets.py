"""A StackSet: what it deploys, to whom, and what was done about it so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from generator.simulation.cloudformation.drift import ResourceDrift
from generator.simulation.cloudformation.stack_sets.instances import Instances
from generator.simulation.cloudformation.template import Template

if TYPE_CHECKING:
    from generator.simulation.cloudformation.stack_sets.operations import Operation

ADMINISTRATION_ROLE = "AWSCloudFormationStackSetAdministrationRole"
EXECUTION_ROLE = "AWSCloudFormationStackSetExecutionRole"
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html"""


@dataclass(frozen=True)
class Definition:
    """What every instance of a StackSet is to be."""

    template: Template
    values: dict[str, str]
    tags: dict[str, str]
    capabilities: list[str]
    description: str = ""
    administration_role: str = ""
    execution_role: str = ""


@dataclass(frozen=True)
class AutoDeployment:
    """What happens when accounts join, move and leave."""

    enabled: bool = False
    retain: bool = False
    depends_on: tuple[str, ...] = ()


@dataclass
class StackSet:
    """One StackSet. `home` is the account that it lives in: a delegated administrator's live in
    the management account, too."""

    id: str
    name: str
    home: str
    region: str
    arn: str
    service_managed: bool
    definition: Definition
    automatic: AutoDeployment
    managed_execution: bool = False
    active: bool = True
    instances: Instances = field(default_factory=Instances)
    operations: dict[str, Operation] = field(default_factory=dict)
    units: dict[str, dict[str, None]] = field(default_factory=dict)
    """Of each targeted root or unit: the Regions, for accounts that join later."""
    drifts: dict[tuple[str, int], list[ResourceDrift]] = field(default_factory=dict)
    last_drift: Operation | None = None

    @property
    def unfinished(self) -> list[Operation]:
        """The operations that run or wait, in the order of their requests."""
        return [operation for operation in self.operations.values() if not operation.over]
