"""What holds a remediation back: its mode, the switch for all of them, and exceptions."""

import fnmatch
import json
import os
from functools import lru_cache
from typing import Any

import boto3

from shared.notices import Notice, nested, text


@lru_cache(maxsize=1)
def _ssm() -> Any:
    return boto3.client("ssm")


def enforcing() -> bool:
    """Whether this target may change something, and nobody has stopped all remediation.

    The switch is read for each batch, so that turning it takes effect at once.
    """
    if os.environ["TRAILBUS_MODE"] != "enforce":
        return False
    answer = _ssm().get_parameter(Name=os.environ["TRAILBUS_SWITCH"])
    return str(answer["Parameter"]["Value"]).strip().lower() == "on"


def excepted(notice: Notice) -> str:
    """Why this account or caller is left alone; empty when it is not."""
    exceptions = json.loads(os.environ["TRAILBUS_EXCEPTIONS"])
    if notice.account in exceptions.get("accounts", []):
        return f"account {notice.account} is excepted"
    caller = text(nested(notice.detail, "userIdentity", "arn"))
    for principal in exceptions.get("principals", []):
        for arn in (caller, notice.role_arn):
            if arn and fnmatch.fnmatchcase(arn, principal):
                return f"{principal} is excepted"
    return ""
