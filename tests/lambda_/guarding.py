"""What the tests of restart_cloudtrail share: the function, its trail, and what they ask of it."""

from __future__ import annotations

from .aws import Trail
from .conftest import Deploy, Function
from .events import HOME, MEMBER


def trail_guard(deploy: Deploy, **variables: str) -> Function:
    """The function of the built-in configuration, and a stopped trail in a member."""
    function = deploy("restart_cloudtrail", "TrailGuard", "RestartCloudtrailRole", **variables)
    function.aws.add(Trail("account-trail", HOME, MEMBER))
    return function


def the_trail(guard: Function) -> Trail:
    """The trail that stands there from the beginning."""
    return guard.aws.trails[0]


def untouched(guard: Function) -> bool:
    """Nothing was changed: not a trail, and not the memory that counts starts."""
    return not guard.aws.starts and not guard.aws.made("dynamodb:UpdateItem")


def unasked(guard: Function) -> bool:
    """Not a single call was made, but reports."""
    return {call.name for call in guard.aws.calls} <= {"sns:Publish"}
