"""Makes the world look as it does right after a recorded call, so that responders find it so."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from generator.model import Json
from generator.simulation.cloud import Cloud

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
    """The trail exists, in the Region of the call, and does not log."""
    name = _parameter(event, "name")
    if not isinstance(name, str) or not name:
        return
    account, region = str(event["account"]), str(event["region"])
    if name.startswith("arn:") and name.split(":")[4:5] != [account]:
        return
    cloud.trails.add(account, region, name.rpartition("/")[2], logging=False)


_STAGES: dict[tuple[str, str], Stage] = {
    ("cloudtrail.amazonaws.com", "StopLogging"): _trail_stopped,
}
