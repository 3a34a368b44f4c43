"""Remembers which events were told of, and how often something like them was, lately."""

import os
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from shared.clients import central_client

_LEASE = timedelta(minutes=2)
"""How long somebody may take to tell of something: longer than the function may run."""
KEEP = timedelta(days=15)
"""Longer than a message can lie in a queue and then in its dead-letter queue."""


class Series(NamedTuple):
    """Events alike within a window. `thread` is empty until the first of them was told of.

    `untold` counts those since that nobody was told of.
    """

    times: int
    thread: str
    untold: int
    mine: bool


class Claim(NamedTuple):
    """Whose an event is: "mine", "taken" or "done"; and the summary that it stands for, if any."""

    word: str
    summary: str = ""


def claim(key: str, moment: datetime) -> Claim:
    """Takes an event, so that nobody else tells of it meanwhile."""
    lease = moment + _LEASE
    values = {
        ":now": seconds_of(moment),
        ":until": seconds_of(lease),
        ":expires": seconds_of(lease + KEEP),
    }
    try:
        answer = change(
            key,
            "SET #until = :until, #expires = :expires",
            "attribute_not_exists(#key) OR #until < :now",
            ("key", "until", "expires"),
            values,
        )
    except refusal() as refused:
        done = refused.response.get("Item", {}).get("done")
        return Claim("done" if done else "taken")
    return Claim("mine", answer["Attributes"].get("summary", {}).get("S", ""))


def settle(key: str, moment: datetime) -> None:
    """The event was told of, or counted: never again."""
    values = {
        ":never": {"N": "9" * 12},
        ":yes": {"BOOL": True},
        ":expires": seconds_of(moment + KEEP),
    }
    update = "SET #until = :never, #done = :yes, #expires = :expires"
    change(key, update, "", ("until", "done", "expires"), values)


def stand_for(key: str, summary: str) -> None:
    """Whoever takes the event from now on tells of all that the summary holds."""
    change(key, "SET #summary = :summary", "", ("summary",), {":summary": {"S": summary}})


def release(key: str) -> None:
    """Lets the event be taken again at once: telling failed."""
    change(key, "SET #until = :past", "", ("until",), {":past": {"N": "0"}})


def join(key: str, event_id: str, moment: datetime, window: timedelta) -> Series:
    """Counts an event in its series and says where that stands.

    Who opens a series tells of its first event; `mine` says who that is. Who never comes back
    from that is replaced by the same event or, a little later, by another.
    """
    values = {
        ":one": {"N": "1"},
        ":now": seconds_of(moment),
        ":event": {"S": event_id},
        ":none": {"S": ""},
        ":since": seconds_of(moment - window),
        ":stale": seconds_of(moment - _LEASE),
        ":expires": seconds_of(moment + KEEP),
    }
    try:
        answer = change(
            key,
            "SET #opened = :now, #opener = :event, #thread = :none, #times = :one,"
            " #expires = :expires",
            "attribute_not_exists(#key) OR #opened <= :since"
            " OR (#thread = :none AND (#opener = :event OR #opened < :stale))",
            ("key", "opened", "opener", "thread", "times", "expires"),
            values,
        )
        return _series(answer["Attributes"], mine=True)
    except refusal() as refused:
        item = refused.response.get("Item", {})
    if not item.get("thread", {}).get("S"):
        return _series(item, mine=False)
    used = {name: values[name] for name in (":one", ":expires")}
    answer = change(key, "SET #expires = :expires ADD #times :one", "", ("times", "expires"), used)
    return _series(answer["Attributes"], mine=False)


def abandon(key: str) -> None:
    """The first event of a series was not told of: another may be the first, or the same."""
    change(key, "SET #opened = :past", "", ("opened",), {":past": {"N": "0"}})


def told(key: str, thread: str, untold: int) -> None:
    """The message is out: its thread, for those to come, and how many untold ones it told of."""
    values = {":thread": {"S": thread}, ":told": {"N": str(-untold)}}
    change(key, "SET #thread = :thread ADD #untold :told", "", ("thread", "untold"), values)


def part(key: str) -> None:
    """An event leaves its series: telling failed, and it will join again."""
    change(key, "ADD #times :less", "", ("times",), {":less": {"N": "-1"}})


def leave_untold(key: str) -> None:
    """One more that the next message tells of."""
    change(key, "ADD #untold :one", "", ("untold",), {":one": {"N": "1"}})


def _series(item: dict[str, Any], mine: bool) -> Series:
    numbers = [int(item.get(name, {}).get("N", "0")) for name in ("times", "untold")]
    return Series(numbers[0], item.get("thread", {}).get("S", ""), numbers[1], mine)


def change(
    key: str, update: str, condition: str, used: tuple[str, ...], values: dict[str, Any]
) -> dict[str, Any]:
    """Changes an item of the memory table where the condition holds, and gives it back."""
    more = {"ConditionExpression": condition} if condition else {}
    said = update + condition
    answer: dict[str, Any] = central_client("dynamodb").update_item(
        TableName=os.environ["TRAILBUS_MEMORY"],
        Key={"key": {"S": key}},
        UpdateExpression=update,
        ExpressionAttributeNames={f"#{name}": name for name in used},
        ExpressionAttributeValues={name: value for name, value in values.items() if name in said},
        ReturnValues="ALL_NEW",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
        **more,
    )
    return answer


def refusal() -> Any:
    return central_client("dynamodb").exceptions.ConditionalCheckFailedException


def seconds_of(moment: datetime) -> dict[str, str]:
    return {"N": str(int(moment.timestamp()))}
