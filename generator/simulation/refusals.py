"""Calls that AWS refuses on order: a missing permission, an expired session, too many calls."""

from __future__ import annotations

from dataclasses import dataclass

from generator.simulation.world import ServiceError

MESSAGES = {
    "AccessDenied": "User: {arn} is not authorized to perform: {action}",
    "AccessDeniedException": "User: {arn} is not authorized to perform: {action}",
    "ExpiredToken": "The security token included in the request is expired",
    "ExpiredTokenException": "The security token included in the request is expired",
    "Throttling": "Rate exceeded",
}
"""What services say with the codes that all of them know.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html"""


@dataclass
class _Refusal:
    service: str
    operation: str
    account: str
    code: str
    message: str
    left: int | None


class Refusals:
    """A table of refusals, asked before every call is answered."""

    def __init__(self) -> None:
        self._refusals: list[_Refusal] = []

    def add(
        self,
        service: str = "*",
        operation: str = "*",
        *,
        account: str = "*",
        code: str = "AccessDenied",
        message: str = "",
        times: int | None = None,
    ) -> None:
        """Lets calls fail: all or some, of everybody or of one account, always or some times."""
        text = message or MESSAGES[code]
        self._refusals.append(_Refusal(service, operation, account, code, text, times))

    def clear(self) -> None:
        """Nothing is refused any more."""
        self._refusals.clear()

    def check(self, account: str, arn: str, service: str, operation: str) -> None:
        """ServiceError when this call is refused."""
        for refusal in self._refusals:
            if refusal.left == 0 or not _meant(refusal, account, service, operation):
                continue
            if refusal.left is not None:
                refusal.left -= 1
            message = refusal.message.replace("{arn}", arn)
            message = message.replace("{action}", f"{service}:{operation}")
            raise ServiceError(refusal.code, message, 403 if "Denied" in refusal.code else 400)

    def denies(self, account: str, action: str) -> bool:
        """Whether an account's administrator lacks a permission, in IAM's words."""
        service, _, operation = action.partition(":")
        return any(
            refusal.code.startswith("AccessDenied") and _meant(refusal, account, service, operation)
            for refusal in self._refusals
        )


def _meant(refusal: _Refusal, account: str, service: str, operation: str) -> bool:
    return (
        refusal.service in ("*", service)
        and refusal.operation in ("*", operation)
        and refusal.account in ("*", account)
    )
