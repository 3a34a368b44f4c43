"""Looks whether all remediation is switched off, and logs it where an alarm counts it."""

import json
import os
from typing import Any

from botocore.exceptions import ClientError

from shared.batches import handle_batch
from shared.clients import central_client
from shared.notices import Notice


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of Lambda: what the schedule sent."""
    return handle_batch(event, context, look)


def look(notice: Notice) -> None:
    """One look. What raises is tried again, and meanwhile nothing is logged: that rings, too."""
    print(json.dumps(told(read())))  # noqa: T201 - what a function prints is its log


def read() -> str:
    """What the switch holds; empty when it is gone."""
    try:
        answer = central_client("ssm").get_parameter(Name=os.environ["TRAILBUS_SWITCH"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        return ""
    return str(answer["Parameter"]["Value"])


def told(value: str) -> dict[str, Any]:
    """The line of the log. Whatever is not `on` holds responders back, so it counts as off."""
    off = value != "on"
    return {
        "level": "WARNING" if off else "INFO",
        "responder": os.environ["TRAILBUS_TARGET"],
        "message": f"remediation is {'off' if off else 'on'}",
        "remediation_off": int(off),
    }
