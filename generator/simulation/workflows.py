"""Runs the state machines that rules started, with the role and the permissions of each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from generator.model import Json
from generator.simulation import access
from generator.simulation.edge import Edge, Identity
from generator.simulation.functions import RAISED, Functions
from generator.simulation.journeys import Action
from generator.simulation.machines import Failure, NotSimulated, run
from generator.simulation.world import Execution, Resource, World

_HOLE = re.compile(r"\$\{(\w+)\}")


class Workflows:
    """The executions of one organization."""

    def __init__(self, world: World, edge: Edge, functions: Functions) -> None:
        self.world = world
        self.edge = edge
        self.functions = functions

    def pump(self, now: datetime) -> list[Action]:
        """Runs every execution that waits, to its end; gives how each ended and what it changed."""
        actions = []
        while self.world.executions:
            actions += self._run(self.world.executions.pop(0), now)
        return actions

    def _run(self, execution: Execution, now: datetime) -> list[Action]:
        machine = execution.machine
        name = str(machine.properties["StateMachineName"])
        tasks = _Tasks(self, machine, now)
        try:
            record = run(_definition(machine), json.loads(execution.input), tasks.call, tasks.wait)
            ended = f"{record.status} at '{record.path[-1]}'"
            if record.failure is not None:
                ended += f": {record.failure}"
        except NotSimulated as gap:
            ended = f"not simulated: {gap}"
        began = Action(name, machine.account, machine.region, "states:StartExecution", ended)
        return [began, *tasks.actions]


class _Tasks:
    """What the tasks of one execution may call, and the time that it has come to."""

    def __init__(self, workflows: Workflows, machine: Resource, now: datetime) -> None:
        self.workflows = workflows
        self.machine = machine
        self.now = now
        self.actions: list[Action] = []
        """What the functions that it invoked changed."""

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def call(self, resource: str, parameters: Json) -> Json:
        """What a task's service answers. Services that no machine here needs are not simulated."""
        service = resource.partition(":states:::")[2]
        if service == "lambda:invoke":
            return self._invoke(parameters)
        if service == "sns:publish":
            return self._publish(parameters)
        raise NotSimulated(f"the task resource {resource}")

    def _invoke(self, parameters: Mapping[str, Json]) -> Json:
        world, functions = self.workflows.world, self.workflows.functions
        name = str(parameters["FunctionName"]).rpartition(":")[2]
        function = functions.named(name)
        if function is None:
            raise Failure("Lambda.ResourceNotFoundException", f"Function not found: {name}")
        role = self._role()
        caller = access.caller_of_role(world, role, "states")
        own = access.of_role(role)
        decision = access.allows(world, caller, "lambda:InvokeFunction", function.arn, {}, own)
        if not decision.allowed:
            raise Failure("Lambda.AccessDeniedException", f"{function.arn}: {decision.because}")
        first_call = len(self.workflows.edge.calls)
        answer = functions.run(function, parameters["Payload"], self.now)
        self.actions += functions.changes(first_call, name)
        if answer is RAISED:
            raise Failure("Unhandled", f"{name} raised an exception")
        return {"StatusCode": 200, "Payload": answer}

    def _publish(self, parameters: Mapping[str, Json]) -> Json:
        """By botocore, so that SNS and the role's permissions are asked as they always are."""
        client: Any = self._session().client("sns", region_name=self.machine.region)
        try:
            answer = client.publish(**parameters)
        except ClientError as error:
            refusal = error.response["Error"]
            raise Failure(f"SNS.{refusal['Code']}", refusal["Message"]) from None
        return {"MessageId": answer["MessageId"]}

    def _role(self) -> Resource:
        role = self.workflows.world.inventory.by_arn(str(self.machine.properties["RoleArn"]))
        if role is None:
            raise NotSimulated(f"a role of the user's own, {self.machine.properties['RoleArn']}")
        return role

    def _session(self) -> Any:
        role = self._role()
        partition, account = role.arn.split(":")[1], role.account
        arn = f"arn:{partition}:sts::{account}:assumed-role/{role.physical_id}/states"
        identity = Identity(account, arn, role=role.arn, session="states", checked=True)
        return self.workflows.edge.session(identity, self.machine.region)


def _definition(machine: Resource) -> dict[str, Json]:
    """The definition with CloudFormation's substitutions made."""
    substitutions = machine.properties.get("DefinitionSubstitutions") or {}
    text = str(machine.properties["DefinitionString"])
    whole: dict[str, Json] = json.loads(
        _HOLE.sub(lambda found: str(substitutions.get(found[1], found[0])), text)
    )
    return whole
