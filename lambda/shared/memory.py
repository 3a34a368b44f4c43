"""What was done lately, kept in a table whose items vanish by themselves."""

import os
from datetime import UTC, datetime, timedelta

from shared.clients import central_client

_EVENT = "event "
"""What the attribute of an event begins with: "key" and "expires" are attributes too."""


class Memory:
    """The notes under one key: a word for each event, by its id, and its time, since a moment.

    Each event has an attribute of its own, so that functions that run at once never overwrite
    each other's notes. A table that cannot be read or written raises: what nobody would remember
    must not be done.
    """

    def __init__(self, key: str, since: datetime) -> None:
        # A role may touch the notes of its own function alone: those whose key begins so.
        self.key = f"{os.environ['TRAILBUS_TARGET']} {key}"
        self.words: dict[str, str] = {}
        self.times: dict[str, datetime] = {}
        self._old: list[str] = []
        answer = central_client("dynamodb").get_item(
            TableName=os.environ["TRAILBUS_MEMORY"],
            Key={"key": {"S": self.key}},
            ConsistentRead=True,
        )
        for name, value in answer.get("Item", {}).items():
            if name.startswith(_EVENT):
                when, _, word = value["S"].partition(" ")
                if float(when) >= since.timestamp():
                    self.words[name.removeprefix(_EVENT)] = word
                    self.times[name.removeprefix(_EVENT)] = datetime.fromtimestamp(float(when), UTC)
                else:
                    self._old.append(name)

    def note(self, event_id: str, word: str, when: datetime, keep: timedelta) -> None:
        """Writes an event's word, in place of an earlier one, and forgets what is too old.

        All that stands under the key vanishes `keep` after the latest note.
        """
        # An expression may be 4 KB long; what is left over goes the next time.
        names = {f"#old{number}": old for number, old in enumerate(self._old[:20])}
        remove = f" REMOVE {', '.join(names)}" if names else ""
        central_client("dynamodb").update_item(
            TableName=os.environ["TRAILBUS_MEMORY"],
            Key={"key": {"S": self.key}},
            UpdateExpression=f"SET #event = :word, #expires = :expires{remove}",
            ExpressionAttributeNames={
                "#event": _EVENT + event_id,
                "#expires": "expires",
                **names,
            },
            ExpressionAttributeValues={
                ":word": {"S": f"{when.timestamp():.0f} {word}"},
                ":expires": {"N": str(int((when + keep).timestamp()))},
            },
        )
        self.words[event_id] = word
        self.times[event_id] = when
