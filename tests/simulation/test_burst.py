"""A burst of ten thousand events, with its target gone for a part of it: none is lost."""

from __future__ import annotations

import json

from .conftest import QUEUE, Laboratory, event_of, laboratory, lying_in, without

EVENTS = 10_000
KEY = "kms_key_disabled"


def _ids(lab: Laboratory, queue: str) -> list[str]:
    bodies = [json.loads(message.body) for message in lying_in(lab.resource(QUEUE, queue))]
    return [str(body.get("event", body)["detail"]["eventID"]) for body in bodies]


def test_each_of_ten_thousand_events_is_delivered_or_lies_with_the_dead_letters() -> None:
    with laboratory() as lab:
        sent = [f"00000000-0000-4000-8000-{number:012}" for number in range(EVENTS)]
        event = event_of(KEY)

        def send(ids: list[str]) -> None:
            for one in ids:
                lab.router.send({**event, "detail": {**event["detail"], "eventID": one}})

        send(sent[:4_000])
        with without(lab.world, lab.resource(QUEUE, "trailbus-findings")):
            send(sent[4_000:7_000])
        send(sent[7_000:])
        assert _ids(lab, "trailbus-findings") == sent[:4_000] + sent[7_000:]
        assert _ids(lab, "trailbus-undelivered") == sent[4_000:7_000]
