"""Reads archived events: a folder per day, in it compressed objects with a notice on each line."""

import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from shared.clients import central_client
from shared.notices import Notice, nested

EVENT_OBJECTS = "events/"

_LONGEST_LINE = 2_000_000
"""Bytes. An event has at most 256 KB, and a notice of it little more."""

_LOST = ("AccessDenied", "InvalidObjectState", "NoSuchKey")
"""Codes that another try would get again. What fails otherwise raises, and is tried again."""


class Archived(NamedTuple):
    """An object of the archive."""

    key: str
    written: str


class Unreadable(Exception):
    """What an object or a line of it holds cannot be had, today or tomorrow."""


def archived(bucket: str, day: date) -> Iterator[Archived]:
    """The objects of one day, by name: always in the same order, never more than a page held."""
    pages = central_client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket, Prefix=f"{EVENT_OBJECTS}day={day.isoformat()}/"):
        for each in page.get("Contents", []):
            yield Archived(each["Key"], each["LastModified"].isoformat())


def notices_in(bucket: str, key: str) -> Iterator[Notice | Unreadable]:
    """The notices of one object as they come out of it, and what a line is instead of one.

    Raises Unreadable where the object ends too early, or cannot be had at all.
    """
    try:
        body = central_client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in _LOST:
            raise Unreadable(code) from None
        raise
    number = 0
    try:
        for number, line in enumerate(_lines(body), start=1):
            yield _notice_on(line, f"{key}:{number}")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Unreadable(f"damaged after line {number}: {error}") from None


def _lines(body: Any) -> Iterator[bytes | None]:
    """The lines, never more than one of them in memory; None for one that is too long to be ours.

    What is compressed is not trusted either: a small object may hold a line of gigabytes.
    """
    with gzip.GzipFile(fileobj=body) as text:
        while line := text.readline(_LONGEST_LINE):
            too_long = len(line) == _LONGEST_LINE
            while too_long and line and not line.endswith(b"\n"):
                line = text.readline(_LONGEST_LINE)
            if too_long:
                yield None
            elif line.strip():
                yield line


def _notice_on(line: bytes | None, place: str) -> Notice | Unreadable:
    if line is None:
        return Unreadable(f"{place}: the line is too long")
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return Unreadable(f"{place}: no JSON")
    detection, event = nested(body, "detection"), nested(body, "event")
    if not isinstance(detection, dict) or not isinstance(event, dict):
        return Unreadable(f"{place}: no notice")
    return Notice(place, 1, detection, event)
