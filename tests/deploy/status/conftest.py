"""The organization with everything deployed, as the simulation's tests have it."""

from tests.simulation.conftest import lab, laboratories

__all__ = ["lab", "laboratories"]
