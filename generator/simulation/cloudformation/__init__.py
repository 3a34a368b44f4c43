"""CloudFormation: templates evaluated, resources made, stacks and StackSets operated.

    parsing, template, parameters, intrinsics, rules    what a template says
    providers/                                          what makes each type of resource
    making, deployment, stack, changes, drift           what happens to one stack
    stacks, change_sets, templates, stack_sets/         the API
    service                                             the API's front door

Nothing here sleeps. An operation is in progress when its call returns, and takes a step whenever
somebody looks at it. What is assumed of AWS stands beside the code that assumes it, with the page
that says so.
"""

from __future__ import annotations

from generator.simulation.cloudformation.service import CloudFormation

__all__ = ["CloudFormation"]
