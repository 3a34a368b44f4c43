"""AWS::StepFunctions and AWS::Scheduler: state machines and schedules, in the inventory alone."""

from __future__ import annotations

import json
import re

from generator.model import Json

from .iam import trusts_service
from .kind import Properties, Site, own_arn, plain, refuse


def _check_machine(site: Site, name: str, properties: Properties) -> None:
    given = [
        k for k in ("Definition", "DefinitionString", "DefinitionS3Location") if k in properties
    ]
    if len(given) != 1:
        raise refuse(f"The state machine {name} needs exactly one definition")
    if given == ["DefinitionString"]:
        try:
            json.loads(str(properties["DefinitionString"]))
        except ValueError:
            raise refuse("Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION'") from None
        offered = properties.get("DefinitionSubstitutions") or {}
        mentioned = set(re.findall(r"\$\{(\w+)\}", str(properties["DefinitionString"])))
        if missing := sorted(mentioned - set(offered)):
            raise refuse(f"The definition of {name} mentions {missing[0]}, which nothing fills in")
    _check_role(site, str(properties["RoleArn"]), "states.amazonaws.com")


def _check_schedule(site: Site, name: str, properties: Properties) -> None:
    _check_role(site, str(properties["Target"].get("RoleArn")), "scheduler.amazonaws.com")


def _check_role(site: Site, role: str, service: str) -> None:
    if not trusts_service(site, role, service):
        raise refuse(
            f"Neither the global service principal {service}, nor the regional one is "
            f"authorized to assume the provided role {role}."
        )


def _machine(site: Site, name: str, properties: Properties) -> dict[str, Json]:
    return {"Name": name, "StateMachineRevisionId": "INITIAL"}


def _schedule_arn(site: Site, name: str) -> str:
    return site.arn("scheduler", f"schedule/default/{name}")


KINDS = {
    "AWS::StepFunctions::StateMachine": plain(
        own_arn("states", "stateMachine:"),
        arn_is_id=True,
        name="StateMachineName",
        longest=80,
        fixed=("StateMachineType",),
        needs=("RoleArn",),
        tags="list",
        check=_check_machine,
        more=_machine,
    ),
    "AWS::Scheduler::Schedule": plain(
        _schedule_arn,
        name="Name",
        needs=("FlexibleTimeWindow", "ScheduleExpression", "Target"),
        check=_check_schedule,
    ),
}
