"""Invocations of functions by rules, if the functions' own policies let EventBridge in.

The functions are the user's: what they do is not simulated, that they are invoked is.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from generator.simulation.arrivals.parcel import EVENTBRIDGE, Parcel, Undeliverable
from generator.simulation.world import Resource

PERMISSION = "AWS::Lambda::Permission"


def deliver(parcel: Parcel) -> str:
    """An asynchronous invocation with the message as its event.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    _, _, _, region, account, _ = parcel.arn.split(":", 5)
    permissions = parcel.world.inventory.of_type(account, region, PERMISSION)
    if not any(_lets_in(permission, parcel) for permission in permissions):
        why = f"{parcel.arn}: its policy lets {parcel.rule.arn} not invoke it"
        raise Undeliverable("NO_PERMISSIONS", why)
    return parcel.message


def _lets_in(permission: Resource, parcel: Parcel) -> bool:
    """A permission holds for exactly the function, alias or version that it names."""
    said = permission.properties
    source = str(said.get("SourceArn", "*"))
    return (
        said["FunctionName"] == parcel.arn
        and said["Action"] == "lambda:InvokeFunction"
        and said["Principal"] == EVENTBRIDGE
        # EventBridge tells no account: a permission that asks for one keeps it out.
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
        and not said.get("SourceAccount")
        and fnmatchcase(parcel.rule.arn, source.replace("[", "[[]"))
    )
