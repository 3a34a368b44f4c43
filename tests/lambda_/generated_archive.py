"""An archive that is made while it is read: of any size, and itself in no memory."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from .reporting import notice

LINES = 1000
"""Events in one object."""


class GeneratedArchive:
    """Answers the calls that the report makes, and keeps nothing but their sizes."""

    def __init__(self, events: int) -> None:
        self.objects = events // LINES
        self.written: dict[str, int] = {}
        self._line = json.dumps(notice(0, principal="PRINCIPAL", eventID="EVENT_ID"))
        self.meta = SimpleNamespace()

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        when = datetime(2026, 11, 2, tzinfo=UTC)
        for start in range(0, self.objects, 1000):
            numbers = range(start, min(start + 1000, self.objects))
            found = [{"Key": f"{Prefix}{n:06d}.gz", "LastModified": when} for n in numbers]
            yield {"Contents": found}

    def list_objects_v2(self, **_: str) -> dict[str, Any]:
        return {}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        """Every event by somebody else: nothing repeats, so that nothing can be saved."""
        first = int(Key[-9:-3]) * LINES
        lines = (
            self._line.replace("EVENT_ID", f"{n:036d}").replace(
                "PRINCIPAL", f"arn:aws:sts::111122223333:assumed-role/Role/somebody-{n:020d}"
            )
            for n in range(first, first + LINES)
        )
        return {"Body": io.BytesIO(gzip.compress("\n".join(lines).encode(), 1))}

    def create_multipart_upload(self, **_: str) -> dict[str, str]:
        return {"UploadId": "upload"}

    def upload_part(self, Key: str, Body: bytes, **_: Any) -> dict[str, str]:
        self.written[Key] = self.written.get(Key, 0) + len(Body)
        return {"ETag": "etag"}

    put_object = upload_part

    def complete_multipart_upload(self, **_: Any) -> None:
        """All of it is there."""

    def abort_multipart_upload(self, **_: Any) -> None:
        raise AssertionError("the report was given up")
