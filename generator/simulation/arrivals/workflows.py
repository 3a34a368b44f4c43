"""Executions of state machines, started by rules through the role that the target names."""

from __future__ import annotations

from generator.simulation.arrivals.parcel import Parcel, Undeliverable
from generator.simulation.world import Execution

LONGEST_INPUT = 262_144
"""Bytes of an execution's input.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""


def deliver(parcel: Parcel) -> str:
    """Starts an execution; it runs when the functions do."""
    machine = parcel.addressee()
    parcel.role_must_allow("states:StartExecution", machine.arn)
    size = len(parcel.message.encode())
    if size > LONGEST_INPUT:
        raise Undeliverable("INVALID_PARAMETER", f"{size} bytes are too long for {machine.arn}")
    parcel.world.executions.append(Execution(machine, parcel.message))
    return parcel.message
