"""What happened to an event in the simulation: values that the report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.model import Json

NO_LETTERS = "lost: it has no dead-letter queue"
REFUSED_TOO = "lost: the dead-letter queue does not take it either"


@dataclass(frozen=True)
class Delivery:
    """One copy of an event that a central rule handed to a target."""

    rule: str
    detection: str
    target: str
    kind: str
    message: str


@dataclass(frozen=True)
class Action:
    """A call by which a responder changed something, or tried to."""

    responder: str
    account: str
    region: str
    call: str
    outcome: str


@dataclass(frozen=True)
class Decision:
    """What a responder says came of an event: done, only observed, ignored, refused, failed."""

    responder: str
    """The name of its target."""
    outcome: str
    message: str
    event_id: str = ""
    """Of the event that it is about, where the log says it."""

    @property
    def failed(self) -> bool:
        """Whether the event was not dealt with; what a responder refuses for a reason was."""
        return self.outcome in ("failed", "gave up")


@dataclass(frozen=True)
class Post:
    """What a responder sent to an https address. Of the address only the host is told: the rest
    of it may be a secret."""

    responder: str
    host: str
    body: str
    status: int


@dataclass(frozen=True)
class DeadLetter:
    """What a rule could not deliver, and the queue that keeps it (empty when it was lost).

    Without a rule it was delivered, and the function of the target could not handle it.
    """

    rule: str
    target: str
    queue: str
    code: str
    why: str


@dataclass
class Journey:
    """One event's way. `reason` says why it went nowhere, or not all the way."""

    event: Mapping[str, Json]
    forwarded: bool = False
    reason: str | None = None
    member_rules: list[str] = field(default_factory=list)
    central_rules: list[str] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    @property
    def detail(self) -> Mapping[str, Json]:
        detail = self.event.get("detail")
        return detail if isinstance(detail, Mapping) else {}

    @property
    def account(self) -> str:
        return str(self.event.get("account", ""))

    @property
    def region(self) -> str:
        return str(self.event.get("region", ""))
