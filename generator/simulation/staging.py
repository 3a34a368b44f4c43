"""Makes the world look as it does right after a recorded call, so that responders find it so."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from generator.model import Json
from generator.simulation.cloud import Cloud
from generator.simulation.trails import TRAIL_NAME
from generator.simulation.world import partition_of

Stage = Callable[[Cloud, Mapping[str, Json]], None]


def stage(cloud: Cloud, event: Mapping[str, Json]) -> None:
    """Does in the simulated account what the call did in the real one.

    Calls that failed changed nothing; calls that no responder looks at need no stage.
    """
    detail = event.get("detail")
    if not isinstance(detail, Mapping) or detail.get("errorCode"):
        return
    if str(event.get("account")) not in cloud.world.organization.accounts:
        return
    if str(event.get("region")) not in cloud.world.regions:
        return
    act = _STAGES.get((str(detail.get("eventSource")), str(detail.get("eventName"))))
    if act is not None:
        act(cloud, event)


def _parameter(event: Mapping[str, Json], name: str) -> Json:
    detail = event["detail"]
    parameters = detail.get("requestParameters") if isinstance(detail, Mapping) else None
    return parameters.get(name) if isinstance(parameters, Mapping) else None


def _trail_stopped(cloud: Cloud, event: Mapping[str, Json]) -> None:
    """The trail exists, in the Region of the call, and does not log.

    A name that no trail can have, or another account's ARN, brings none about.
    """
    given = _parameter(event, "name")
    account, region = str(event["account"]), str(event["region"])
    own = f"arn:{partition_of(region)}:cloudtrail:{region}:{account}:trail/"
    name = given.removeprefix(own) if isinstance(given, str) else ""
    if TRAIL_NAME.fullmatch(name):
        cloud.trails.add(account, region, name, logging=False)


_STAGES: dict[tuple[str, str], Stage] = {
    ("cloudtrail.amazonaws.com", "StopLogging"): _trail_stopped,
}
