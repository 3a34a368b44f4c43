"""Reads CloudTrail records and EventBridge events from files of every usual form."""

from __future__ import annotations

import gzip
import json
import math
import uuid
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.cloudtrail import DETAIL_TYPES, source_of
from generator.model import Json, Mistake, Problem

_INSIGHT = "AwsCloudTrailInsight"


@dataclass(frozen=True)
class Found:
    """One thing in a file: a bare record, or a whole event that is taken as it is."""

    event: Mapping[str, Json]
    whole: bool
    place: str


@dataclass(frozen=True)
class Reading:
    """What the files held, and the records that could not be used, each with its place."""

    found: tuple[Found, ...]
    unusable: tuple[Problem, ...] = ()


def read(files: list[Path]) -> Reading:
    """Every record of the files, in order.

    Raises Mistake for files that cannot be read at all; single records that cannot be used are
    named in the result and the rest is kept.
    """
    problems: list[Problem] = []
    found: list[Found] = []
    unusable: list[Problem] = []
    for file in files:
        try:
            for place, value in _values(file):
                problem = _unusable(place, value)
                if problem:
                    unusable.append(problem)
                else:
                    found.append(_found(place, value))
        except Mistake as mistake:
            problems += mistake.problems
    if problems:
        raise Mistake(problems)
    return Reading(tuple(found), tuple(unusable))


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
