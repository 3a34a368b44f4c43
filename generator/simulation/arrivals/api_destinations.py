"""Requests through API destinations, as EventBridge makes and repeats them.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from generator.model import Json
from generator.simulation import bodies
from generator.simulation.arrivals.parcel import Parcel, Undeliverable
from generator.simulation.world import Request, Resource, Response

MOST_RETRIES = 185
OLDEST = 86_400
SLOWEST = 600.0
"""Seconds between two tries at the most; EventBridge backs off exponentially, and does not say
how far."""

HIDDEN = "***"

_FAILED = "SDK_CLIENT_ERROR"
_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Amazon/EventBridge/ApiDestinations",
    "Range": "bytes=0-1048575",
    "Accept-Encoding": "gzip,deflate",
    "Connection": "close",
}


def deliver(parcel: Parcel) -> str:
    """Sends the request, again and again where the receiver asks for that; gives it as JSON.

    Without a transport it is put on record and taken to be heard. The record holds no secret;
    what goes through a transport has the references by which CloudFormation finds them.
    """
    destination = parcel.addressee()
    parcel.role_must_allow("events:InvokeApiDestination", destination.arn)
    connection = parcel.world.inventory.by_arn(str(destination.properties["ConnectionArn"]))
    if connection is None:
        raise Undeliverable("NO_RESOURCE", f"{destination.arn} has lost its connection")
    request = _request(parcel, destination, connection, hidden=False)
    if parcel.world.transport is not None:
        _send(parcel, request)
    shown = _request(parcel, destination, connection, hidden=True)
    whole = {
        "method": shown.method,
        "url": shown.url,
        "headers": shown.headers,
        "body": _value(shown.body),
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def _send(parcel: Parcel, request: Request) -> None:
    """Tries until the receiver takes it, refuses it, or the target's patience is at its end."""
    policy = parcel.target.get("RetryPolicy") or {}
    retries = int(policy.get("MaximumRetryAttempts", MOST_RETRIES))
    oldest = float(policy.get("MaximumEventAgeInSeconds", OLDEST))
    age, tries = 0.0, 0
    while True:
        response, said = _answer(parcel, request)
        tries += 1
        if response is not None and 200 <= response.status < 300:
            return
        why = f"{request.method} {request.url}: {said}"
        if response is not None and response.status != 429 and response.status < 500:
            raise Undeliverable(_FAILED, f"{why}, which is not tried again")
        pause = min(2.0 ** (tries - 1), SLOWEST)
        asked = _retry_after(response)
        if asked < 0:
            raise Undeliverable(_FAILED, f"{why}, and the receiver wants no further try")
        age += max(pause, asked)
        if tries > retries or age > oldest:
            raise Undeliverable(_FAILED, f"{why}, after {tries} tries")


def _answer(parcel: Parcel, request: Request) -> tuple[Response | None, str]:
    assert parcel.world.transport is not None  # noqa: S101 - asked by deliver
    try:
        response = parcel.world.transport(request)
    except OSError as error:
        return None, f"no answer in time ({type(error).__name__})"
    return response, f"status {response.status}"


def _retry_after(response: Response | None) -> float:
    """What the receiver asks for, in seconds; a date or nonsense counts as nothing."""
    try:
        return float((response.headers if response else {}).get("retry-after", "0"))
    except ValueError:
        return 0.0


def _request(parcel: Parcel, destination: Resource, connection: Resource, hidden: bool) -> Request:
    """The request as it leaves, or with its secrets hidden. The connection's word counts most."""
    given = parcel.target.get("HttpParameters") or {}
    headers = {
        name: _dynamic(value, parcel.event)
        for name, value in (given.get("HeaderParameters") or {}).items()
    }
    parameters = connection.properties.get("AuthParameters") or {}
    more = parameters.get("InvocationHttpParameters") or {}
    for each in more.get("HeaderParameters") or ():
        headers[str(each["Key"])] = _shown(each, hidden)
    authorization = _authorization(parameters)
    headers |= {name: HIDDEN if hidden else value for name, value in authorization.items()}
    body = parcel.message
    added = {str(each["Key"]): _shown(each, hidden) for each in more.get("BodyParameters") or ()}
    value = _value(body)
    if added and isinstance(value, dict):
        body = json.dumps({**value, **added}, ensure_ascii=False, separators=(",", ":"))
    method = str(destination.properties["HttpMethod"])
    url = str(destination.properties["InvocationEndpoint"])
    secret = url.startswith("{{resolve:")
    return Request(method, HIDDEN if hidden and secret else url, {**headers, **_HEADERS}, body)


def _authorization(parameters: Mapping[str, Json]) -> dict[str, str]:
    if "ApiKeyAuthParameters" in parameters:
        key = parameters["ApiKeyAuthParameters"]
        return {str(key["ApiKeyName"]): str(key["ApiKeyValue"])}
    if "BasicAuthParameters" in parameters:
        basic = parameters["BasicAuthParameters"]
        both = f"{basic['Username']}:{basic['Password']}"
        return {"Authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}
    return {"Authorization": "Bearer simulated"}


def _shown(parameter: Mapping[str, Json], hidden: bool) -> str:
    secret = hidden and parameter.get("IsValueSecret") in (True, "true")
    return HIDDEN if secret else str(parameter["Value"])


def _dynamic(value: Json, event: Mapping[str, Json]) -> str:
    """A parameter of a target may be a path into the event.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html#eb-dynamic-path-parameters
    """
    return bodies.text_at(event, str(value)) if str(value).startswith("$.") else str(value)


def _value(body: str) -> Json:
    try:
        return json.loads(body)
    except ValueError:
        return body
