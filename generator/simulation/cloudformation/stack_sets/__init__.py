"""StackSets: one template, deployed to many accounts and Regions from one place."""

from __future__ import annotations

from generator.simulation.cloudformation.stack_sets.api import StackSets
from generator.simulation.cloudformation.stack_sets.faults import Faults

__all__ = ["Faults", "StackSets"]
