"""The errors that CloudFormation answers with, in its own kind of words."""

from __future__ import annotations

from generator.simulation.world import ServiceError


def invalid(message: str) -> ServiceError:
    """What CloudFormation says to a request that it understands and refuses."""
    return ServiceError("ValidationError", message)


def malformed(message: str) -> ServiceError:
    """What it says to a template that it does not understand."""
    return invalid(f"Template format error: {message}")


def broken(message: str) -> ServiceError:
    """What it says to a function that cannot be evaluated."""
    return invalid(f"Template error: {message}")


def no_such_stack(name: str) -> ServiceError:
    return invalid(f"Stack with id {name} does not exist")


def no_such_set(name: str) -> ServiceError:
    return ServiceError("StackSetNotFoundException", f"StackSet {name} not found", 404)
