"""Failures to order: what goes wrong where, for how often."""

from __future__ import annotations

from dataclasses import dataclass

SCP_DENY = (
    "User: arn:aws:sts::{account}:assumed-role/stacksets-exec/simulated is not authorized to "
    "perform: events:PutRule with an explicit deny in a service control policy"
)
THROTTLED = "Rate exceeded (Service: CloudFormation; Status Code: 400; Error Code: Throttling)"


@dataclass
class _Fault:
    reason: str
    account: str
    region: str
    stack_set: str
    left: int | None


class Faults:
    """A table of failures that instances meet. Asked once for every instance of an operation."""

    def __init__(self) -> None:
        self._faults: list[_Fault] = []

    def add(
        self,
        reason: str,
        *,
        account: str = "*",
        region: str = "*",
        stack_set: str = "*",
        times: int | None = None,
    ) -> None:
        """Lets instances fail for a reason: everywhere or in one place, always or some times.

        `{account}` and `{region}` in the reason stand for where it happens.
        """
        self._faults.append(_Fault(reason, account, region, stack_set, times))

    def clear(self) -> None:
        """Nothing fails any more."""
        self._faults.clear()

    def __call__(self, account: str, region: str, stack_set: str) -> str | None:
        """Why an instance fails now; None when it does not."""
        for fault in self._faults:
            here = (
                fault.account in ("*", account)
                and fault.region in ("*", region)
                and fault.stack_set in ("*", stack_set)
            )
            if not here or fault.left == 0:
                continue
            if fault.left is not None:
                fault.left -= 1
            return fault.reason.replace("{account}", account).replace("{region}", region)
        return None
