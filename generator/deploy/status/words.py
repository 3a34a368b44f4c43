"""What CloudFormation says of a cell that is not green, in words, with what to do about it."""

from __future__ import annotations

import re
from typing import NamedTuple


class Words(NamedTuple):
    """Why something is as it is, and the cure."""

    why: str
    cure: str = ""


AGAIN = "deploy again: only what is missing is done"

STATUSES: dict[str, Words] = {
    "OUTDATED": Words("an earlier template is there: the last update did not reach it", AGAIN),
    "PENDING": Words("an operation has yet to begin here", "wait, then look again"),
    "RUNNING": Words("an operation is at work here", "wait, then look again"),
    "FAILED": Words("the last operation failed here", AGAIN),
    "CANCELLED": Words(
        "the last operation ended before its turn: it was stopped, or too many others failed",
        AGAIN,
    ),
    "INOPERABLE": Words(
        "a removal failed and left the stack unusable; updates pass it by",
        "delete this instance with RetainStacks, delete its stack by hand, then deploy again",
    ),
    "FAILED_IMPORT": Words(
        "an import failed and left the stack unusable",
        "delete this instance with RetainStacks, then deploy again",
    ),
    "SKIPPED_SUSPENDED_ACCOUNT": Words(
        "the account was suspended when its turn came",
        "close it for good, or reinstate it and deploy again",
    ),
}
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackInstanceComprehensiveStatus.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackInstance.html"""

# What a StatusReason holds, in which words, and the cure. The first that is found counts.
_REASONS: tuple[tuple[re.Pattern[str], Words], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (
            r"explicit deny in a service control policy|service control policy",
            Words(
                "a service control policy forbids it",
                "exempt the stacksets-exec-* roles in that policy, or leave the Region out",
            ),
        ),
        (
            r"is not enabled in the account|InvalidClientTokenId|security token.+is invalid",
            Words(
                "the Region is not enabled in the account, or not in the management account",
                "enable it in both, or leave it out of place.regions",
            ),
        ),
        (
            r"already exists",
            Words(
                "something of that name is there and not ours",
                "remove or rename it, then deploy again",
            ),
        ),
        (
            r"rate exceeded|throttl",
            Words("AWS asked for patience: too many calls at once", AGAIN),
        ),
        (
            r"account is suspended|suspended account",
            Words("the account is suspended", "nothing can be done until it is reinstated"),
        ),
        (
            r"should have 'stacksets-exec-",
            Words("the account does not know the role of StackSets yet, or no more", AGAIN),
        ),
        (
            r"needs a subscription|OptInRequired|not subscribed to this service",
            Words("the account is new and not ready yet", AGAIN),
        ),
        (
            r"should have '.+' role with trust",
            Words(
                "the execution role of a self-managed StackSet is missing or does not trust us",
                "make the role, or use service-managed permissions",
            ),
        ),
        (
            r"failure tolerance (?:has )?exceeded",
            Words("it was not attempted: too many others had failed before", AGAIN),
        ),
        (
            r"stopped by the user",
            Words("it was not attempted: somebody stopped the operation", AGAIN),
        ),
        (
            r"TerminationProtection",
            Words("termination protection holds the stack", "switch it off on that stack"),
        ),
        (
            r"not authorized|access ?denied",
            Words(
                "a permission is missing",
                "see who was denied what, and allow it; then deploy again",
            ),
        ),
        (
            r"limit ?exceeded|quota",
            Words("a quota of the account is used up", "raise it, then deploy again"),
        ),
    )
)


def explained(detailed: str, reason: str) -> Words:
    """What a status and the reason that AWS gave with it mean."""
    status = STATUSES.get(detailed, Words(f"its status is {detailed or 'unknown'}"))
    if not reason:
        return status
    for pattern, words in _REASONS:
        if pattern.search(reason):
            return words
    return status
