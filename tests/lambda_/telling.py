"""notify_slack as a configuration deploys it, a chat that it tells, and notices to tell of."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from generator.model import NOTHING

from .chat import HOOK, Chat
from .conftest import Answer, Deploy, Function
from .events import message
from .rendered import CENTRAL, Site

SECRET = "trailbus/slack"
QUEUE = "trailbus-slack"
CRITICAL = "trailbus-slack-critical"
CONFIGURATION = """\
name_prefix: trailbus
detections: {{packs: [tamper]}}
targets:
  slack: {{kind: responder, responder: notify_slack, settings: {settings}}}
routes: [{{severity: [high, critical], to: [slack]}}]
"""

_numbers = itertools.count(1)


def site(given: Mapping[str, str] = NOTHING, **settings: Any) -> Site:
    """Where a stack with these parameters and settings of notify_slack stands."""
    configuration = CONFIGURATION.format(settings=json.dumps(settings))
    return Site(CENTRAL, configuration=configuration, given=tuple(sorted(given.items())))


@dataclass
class Teller:
    """The function and its chat."""

    function: Function
    chat: Chat

    def __call__(
        self, *events: Mapping[str, Any] | str, tries: int = 1, queue: str = QUEUE
    ) -> Answer:
        """Invokes it with events, bodies or messages."""
        records = []
        for each in events:
            if not isinstance(each, str) and "messageId" in each:
                records.append(each)
                continue
            name = f"message-{next(_numbers)}"
            record = message(each, tries=tries, id_=name, queue=queue)
            records.append({**record, "receiptHandle": f"receipt of {name}"})
        with self.chat.open():
            return self.function(*records)

    @property
    def aws(self) -> Any:
        return self.function.aws

    def later(self, **by: float) -> None:
        self.function.later(**by)

    @property
    def waits(self) -> list[int]:
        """For how long messages that came back are hidden."""
        return list(self.aws.hidden.values())


@contextmanager
def teller(
    deploy: Deploy, secret: str = HOOK, given: Mapping[str, str] = NOTHING, **settings: Any
) -> Iterator[Teller]:
    """The function. All that it calls must be allowed by the rendered policies."""
    function = deploy("notify_slack", "Slack", "", site(given, **settings))
    function.aws.secrets[SECRET] = secret
    made = Teller(function, Chat())
    yield made
    assert function.aws.denied == []


def notice(event: Mapping[str, Any], **detection: Any) -> str:
    """A notice of any detection."""
    card = {
        "id": "something_happened",
        "title": "Something happened",
        "severity": "high",
        "why": "It matters.",
        "harmless_when": "Nobody minds.",
        "attack": [],
        "references": [],
        **detection,
    }
    return json.dumps({"detection": card, "event": event})
