"""A secret, read by its name when it is needed and again when it may have been changed."""

import os
from datetime import datetime, timedelta

from shared.clients import central_client
from shared.clock import now

_FRESH = timedelta(minutes=5)
_read: dict[str, tuple[datetime, str]] = {}


def secret(anew: bool = False) -> str:
    """The secret of this function: a parameter's value when one is named, else a secret's.

    It is kept for some minutes, so that a new value needs no deployment; `anew` reads it again
    at once, for when the old one was refused.
    """
    parameter = os.environ.get("TRAILBUS_PARAMETER", "")
    name = parameter or os.environ["TRAILBUS_SECRET"]
    known = _read.get(name)
    if known and not anew and now() - known[0] < _FRESH:
        return known[1]
    if parameter:
        given = central_client("ssm").get_parameter(Name=parameter, WithDecryption=True)
        value = given["Parameter"]["Value"]
    else:
        value = central_client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    _read[name] = now(), value.strip()
    return _read[name][1]
