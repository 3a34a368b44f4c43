"""Reads CloudTrail records and EventBridge events from files of every usual form."""

from __future__ import annotations

import base64
import gzip
import json
import math
import uuid
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.cloudtrail import DETAIL_TYPES, event_faults, host_of, source_of
from generator.model import Json, Mistake, Problem

_INSIGHT = "AwsCloudTrailInsight"
WHEN = "2026-01-01T00:00:00Z"
"""When an event happened that does not say it."""


@dataclass(frozen=True)
class Found:
    """One thing in a file: a bare record, or a whole event that is taken as it is."""

    event: Mapping[str, Json]
    whole: bool
    place: str


@dataclass(frozen=True)
class Reading:
    """What the files held, and the records that could not be used, each with its place.

    `doubts` are about whole events and examples that CloudTrail would not have written so: they
    are sent all the same, because somebody may forge them.
    """

    found: tuple[Found, ...]
    unusable: tuple[Problem, ...] = ()
    doubts: tuple[Problem, ...] = ()


def read(files: list[Path]) -> Reading:
    """Every record of the files, in order.

    Raises Mistake for files that cannot be read at all; single records that cannot be used are
    named in the result and the rest is kept.
    """
    problems: list[Problem] = []
    found: list[Found] = []
    unusable: list[Problem] = []
    doubts: list[Problem] = []
    for file in files:
        try:
            values = (each for one in _values(file) for each in _unwrapped(*one))
            for place, value in values:
                problem = _unusable(place, value)
                if problem:
                    unusable.append(problem)
                else:
                    found.append(_found(place, value))
                    doubts += doubted(value, place) if _is_whole(value) else ()
        except Mistake as mistake:
            problems += mistake.problems
    if problems:
        raise Mistake(problems)
    return Reading(tuple(found), tuple(unusable), tuple(doubts))


def doubted(event: Mapping[str, Json], place: str) -> list[Problem]:
    """What in an event cannot have happened, if CloudTrail is said to have written it."""
    return [
        Problem(place, f"this cannot happen: {never.fault}", never.cure)
        for never in event_faults(event)
    ]


def wrapped(record: Mapping[str, Json]) -> dict[str, Json]:
    """A bare CloudTrail record as the EventBridge event that carries it."""
    host = record.get("eventSource")
    event_id = str(record.get("eventID", ""))
    kind = str(record.get("eventType", ""))
    return {
        "version": "0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"event {event_id}")),
        "detail-type": DETAIL_TYPES.get(kind, DETAIL_TYPES["AwsApiCall"]),
        "source": source_of(host) if isinstance(host, str) else "aws.cloudtrail",
        "account": account_of(record),
        "time": record.get("eventTime", ""),
        "region": record.get("awsRegion", ""),
        "resources": [],
        "detail": dict(record),
    }


def completed(event: Mapping[str, Json], region: str) -> dict[str, Json]:
    """The event with what people leave out who write one by hand; what is there stays.

    `region` is where an event happened that does not say it.
    """
    whole = dict(event)
    text = json.dumps(event, sort_keys=True, default=str)
    detail = whole.get("detail")
    if isinstance(detail, Mapping):
        detail = whole["detail"] = dict(detail)
        whole.setdefault("account", account_of(detail))
        whole.setdefault("region", detail.get("awsRegion") or region)
        whole.setdefault("time", detail.get("eventTime") or WHEN)
        detail.setdefault("awsRegion", whole["region"])
        detail.setdefault("eventTime", whole["time"])
        detail.setdefault("eventID", str(uuid.uuid5(uuid.NAMESPACE_URL, f"record {text}")))
        source = whole.get("source")
        if isinstance(source, str) and source.startswith("aws."):
            detail.setdefault("eventSource", host_of(source))
    missing = {
        "version": "0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"event {text}")),
        "account": "0" * 12,
        "region": region,
        "time": WHEN,
        "resources": [],
    }
    return {**missing, **whole}


def account_of(record: Mapping[str, Json]) -> str:
    """The account that received a record; twelve zeros when it does not say."""
    identity = record.get("userIdentity")
    own = identity.get("accountId") if isinstance(identity, Mapping) else None
    return str(record.get("recipientAccountId") or own or "0" * 12)


def _values(file: Path) -> Iterator[tuple[str, Json]]:
    text = _text(file)
    if not text.strip():
        raise Mistake.one(str(file), "is empty")
    try:
        whole = _parsed(text)
    except ValueError as error:
        if "\n" not in text.strip():
            raise Mistake.one(str(file), f"is not JSON: {error}") from None
        yield from _lines(file, text)
        return
    if isinstance(whole, dict) and isinstance(whole.get("Records"), list):
        for number, record in enumerate(whole["Records"], start=1):
            yield f"{file}: record {number}", record
    elif isinstance(whole, list):
        for number, record in enumerate(whole, start=1):
            yield f"{file}: record {number}", record
    else:
        yield str(file), whole


_DEEPEST = 100
"""How deep values may stand in each other: deeper than any record, and far from Python's limit."""


def _parsed(text: str) -> Json:
    """JSON as the standard has it: ValueError for all else, numbers beyond a double included."""
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_number)
    except RecursionError:
        raise ValueError("values stand inside each other too deep") from None


def _no_number(text: str) -> Json:
    raise ValueError(f"{text} is no JSON number")


def _number(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text)


_BROKEN = object()


def _unwrapped(place: str, value: Json, layers: int = 4) -> Iterator[tuple[str, Json]]:
    """The records in what `lookup-events` and CloudWatch Logs wrap around them.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
    """
    inner: list[Json] | None = None
    if isinstance(value, dict) and not _is_whole(value) and "eventName" not in value and layers:
        logs = value.get("awslogs")
        if isinstance(logs, dict) and isinstance(logs.get("data"), str):
            inner = [_packed(logs["data"])]
        elif isinstance(value.get("CloudTrailEvent"), str):
            inner = [_text_as_json(value["CloudTrailEvent"])]
        elif isinstance(value.get("message"), str):
            inner = [_text_as_json(value["message"])]
        elif isinstance(value.get("@message"), str):
            inner = [_text_as_json(value["@message"])]
        else:
            for name in ("Events", "logEvents", "events", "Records"):
                if isinstance(value.get(name), list):
                    inner = value[name]
                    break
    if inner is None:
        yield place, value
        return
    for number, one in enumerate(inner, start=1):
        here = f"{place}: record {number}" if len(inner) > 1 else place
        yield from _unwrapped(here, one, layers - 1)


def _text_as_json(text: str) -> Any:
    try:
        return _parsed(text)
    except ValueError:
        return _BROKEN


def _packed(data: str) -> Any:
    """What a subscription sends: gzipped JSON in base64."""
    try:
        return _text_as_json(gzip.decompress(base64.b64decode(data, validate=True)).decode())
    except (ValueError, OSError, EOFError, zlib.error):
        return _BROKEN


def _lines(file: Path, text: str) -> Iterator[tuple[str, Any]]:
    """JSON Lines. The first line decides whether the file is that at all.

    A line ends with a line feed; other characters that may end one elsewhere stand in texts.
    """
    first = True
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{file}:{number}"
        try:
            value = _parsed(line)
        except ValueError as error:
            if first:
                cure = 'give records as a JSON object, {"Records": []}, or one object a line'
                raise Mistake.one(place, f"is not JSON: {error}", cure) from None
            yield place, _BROKEN
            continue
        first = False
        if isinstance(value, dict) and isinstance(value.get("Records"), list):
            for position, record in enumerate(value["Records"], start=1):
                yield f"{place}: record {position}", record
        else:
            yield place, value


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        return data.decode("utf-8-sig")
    except OSError as error:
        # gzip's own errors are OSErrors without a number.
        why = error.strerror or f"is damaged gzip: {error}"
        raise Mistake.one(str(file), f"cannot be read: {why}") from None
    except (EOFError, zlib.error) as error:
        cure = "fetch it again"
        raise Mistake.one(str(file), f"is truncated or damaged gzip: {error}", cure) from None
    except UnicodeDecodeError as error:
        raise Mistake.one(str(file), f"is not UTF-8 text (byte {error.start})") from None


def _is_whole(value: Mapping[str, Json]) -> bool:
    return "detail-type" in value and "detail" in value


def _unusable(place: str, value: Json) -> Problem | None:
    if value is _BROKEN:
        return Problem(place, "is not JSON")
    if not isinstance(value, dict):
        return Problem(place, "is no record: it wants a JSON object")
    record = value.get("detail") if _is_whole(value) else value
    if not isinstance(record, dict):
        return Problem(place, "has a detail that is no JSON object")
    name, kind = record.get("eventName"), record.get("eventType")
    from_cloudtrail = not _is_whole(value) or "CloudTrail" in str(value["detail-type"])
    if from_cloudtrail and not isinstance(name, str) and kind != _INSIGHT:
        return Problem(place, "has no eventName", "it is no CloudTrail record")
    return _unprintable(place, value)


def _unprintable(place: str, value: Json) -> Problem | None:
    """What Python reads from JSON without a word, but nobody could be told about again."""
    level = [value]
    for _ in range(_DEEPEST):
        below: list[Json] = []
        for item in level:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and not _is_text(item):
                return Problem(place, "has text with half a character in it (a lone surrogate)")
        if not below:
            return None
        level = below
    return Problem(place, f"has values more than {_DEEPEST} deep inside each other")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _found(place: str, value: dict[str, Json]) -> Found:
    if _is_whole(value):
        return Found(value, True, place)
    return Found(wrapped(value), False, place)
