"""What came to rest where no queue is: mails, log events, records of streams, lines of objects."""

from __future__ import annotations

from dataclasses import dataclass, field

from generator.model import Json


@dataclass(frozen=True)
class Record:
    """A record of a Kinesis stream."""

    partition_key: str
    data: str


@dataclass
class Arrived:
    """Everything that arrived, in its order."""

    mails: dict[str, list[str]] = field(default_factory=dict)
    """By address: the text of each mail, as a person reads it."""
    logs: dict[str, list[str]] = field(default_factory=dict)
    """By log group: its events."""
    streams: dict[str, list[Record]] = field(default_factory=dict)
    """By the ARN of a Kinesis stream: its records."""
    objects: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """By bucket and key: the lines of what Firehose wrote."""
    filling: dict[tuple[str, str], str] = field(default_factory=dict)
    """By delivery stream and day: the key of the object that takes the next record."""

    def document(self) -> dict[str, Json]:
        """All of it as values of JSON."""
        return {
            "mails": self.mails,
            "logs": self.logs,
            "streams": {
                arn: [
                    {"partition_key": record.partition_key, "data": record.data}
                    for record in records
                ]
                for arn, records in self.streams.items()
            },
            "objects": self.objects,
        }
