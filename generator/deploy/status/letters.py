"""Reads how many dead letters lie in the accounts: events that a rule could not forward.

Nothing alarms about a member's queue, and no role of ours lets anybody look into one: whoever asks
needs a role in the members that the management account may assume, such as the one that
Organizations makes in new accounts.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from generator import names
from generator.deploy.aws import Call, Door, Refused, Side
from generator.deploy.wanted import Wanted, partition_of
from generator.model import Mistake

Enter = Callable[[str], Door]
"""A door into a member, for both sides. Raises Refused or Mistake where it stays closed."""

NO_WAY = "no role was given that lets us in: --dead-letters ROLE"


class Letters(NamedTuple):
    """The dead letters in one queue."""

    account: str
    region: str
    queue: str
    waiting: int


@dataclass(frozen=True)
class Post:
    """What lies where, and where nobody could look, with the reason."""

    letters: tuple[Letters, ...]
    looked: int
    unread: dict[str, str]

    @property
    def good(self) -> bool:
        """Whether all that could be looked into is empty."""
        return not self.letters


class _Box(NamedTuple):
    door: Door
    side: Side
    account: str
    region: str
    queue: str


def read(
    door: Door, wanted: Wanted, standing: Mapping[str, Sequence[str]], enter: Enter | None
) -> Post:
    """Looks into the queues of the two own accounts and, with `enter`, of the members.

    `standing` are the Regions of each account in which our stack, and so its queue, stands.
    """
    found: list[Letters] = []
    unread: dict[str, str] = {}
    looked = 0
    for box in _boxes(door, wanted, standing, enter, unread):
        try:
            waiting = _waiting(box)
        except (Refused, Mistake) as refusal:
            unread[f"{box.queue} in {box.account}, {box.region}"] = str(refusal)
            continue
        looked += 1
        if waiting:
            found.append(Letters(box.account, box.region, box.queue, waiting))
    return Post(tuple(found), looked, unread)


def _boxes(
    door: Door,
    wanted: Wanted,
    standing: Mapping[str, Sequence[str]],
    enter: Enter | None,
    unread: dict[str, str],
) -> Iterator[_Box]:
    place, prefix = wanted.place, wanted.bundle.prefix
    central = place.central_account
    yield _Box(door, "central", central, wanted.home, names.undelivered_queue(prefix))
    closed = []
    for account, regions in standing.items():
        if not regions:
            continue
        inside, side = door, _side(wanted, account)
        if side is None:
            side = "management"
            if enter is None:
                closed.append(account)
                continue
            try:
                inside = enter(account)
            except (Refused, Mistake) as refusal:
                unread[f"the dead letters of {account}"] = str(refusal)
                continue
        for region in regions:
            yield _Box(inside, side, account, region, names.unforwarded_queue(prefix))
    if closed:
        unread[f"the dead letters of {len(closed):,} members"] = NO_WAY


def _side(wanted: Wanted, account: str) -> Side | None:
    """The side whose credentials open an account; None for the other members."""
    if account == wanted.place.central_account:
        return "central"
    seen = account == wanted.place.management_account and wanted.management
    return "management" if seen else None


def _waiting(box: _Box) -> int:
    suffix = "amazonaws.com.cn" if partition_of(box.region) == "aws-cn" else "amazonaws.com"
    request = {
        "QueueUrl": f"https://sqs.{box.region}.{suffix}/{box.account}/{box.queue}",
        "AttributeNames": ["ApproximateNumberOfMessages"],
    }
    call = Call(box.side, box.region, "sqs", "GetQueueAttributes", request)
    return int(box.door.call(call)["Attributes"]["ApproximateNumberOfMessages"])
