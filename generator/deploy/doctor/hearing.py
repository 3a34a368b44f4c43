"""Checks that somebody hears the product's own alarms, and what responders report."""

from __future__ import annotations

from collections.abc import Iterator

from generator.deploy import listeners
from generator.deploy.doctor.findings import Check, Examination, Fault, warning


def _heard(examination: Examination) -> Iterator[Fault]:
    for topic in listeners.topics(examination.door, examination.wanted):
        # Whoever is named for a topic that is not made yet will get the mail with the rollout.
        if not topic.heard and (topic.there or not topic.pending):
            yield warning(f"topic {topic.name}", topic.fault, topic.cure)


CHECKS = (Check("alarms", "somebody hears the alarms and the reports", _heard),)
