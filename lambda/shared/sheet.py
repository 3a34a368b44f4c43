"""Writes a spreadsheet straight into a bucket, a part at a time, as comma-separated values."""

import csv
import io
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from shared.clients import central_client

PART = 8 * 1024 * 1024
"""Bytes that are sent at once; all parts but the last need five megabytes at least.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(cell: str) -> str:
    """The cell as text, also for a program that would take it for a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{cell}" if cell.lstrip(" \u00a0'\"").startswith(_FORMULA) else cell


class Sheet:
    """A spreadsheet that is being written. Left by an exception, nothing of it stays."""

    def __init__(self, bucket: str, key: str, columns: Sequence[str]) -> None:
        self._where = {"Bucket": bucket, "Key": key}
        self._upload = ""
        self._parts: list[dict[str, Any]] = []
        self._text = io.StringIO()
        self._bytes = bytearray(b"\xef\xbb\xbf")  # by which programs know that it is UTF-8
        self._rows = csv.writer(self._text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        self._rows.writerow(columns)

    def __enter__(self) -> "Sheet":
        return self

    def row(self, cells: Sequence[str]) -> None:
        self._rows.writerow([harmless(cell) for cell in cells])
        if self._text.tell() > 65_536:
            self._move()
            if len(self._bytes) >= PART:
                self._send()

    def _move(self) -> None:
        self._bytes += self._text.getvalue().encode(errors="replace")
        self._text.seek(0)
        self._text.truncate()

    def _send(self) -> None:
        s3 = central_client("s3")
        if not self._upload:
            kind = "text/csv; charset=utf-8"
            self._upload = s3.create_multipart_upload(**self._where, ContentType=kind)["UploadId"]
        number = len(self._parts) + 1
        sent = s3.upload_part(
            **self._where, UploadId=self._upload, PartNumber=number, Body=bytes(self._bytes)
        )
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        self._bytes.clear()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
                return
        except BaseException:
            self._abort()
            raise
        self._abort()

    def _finish(self) -> None:
        s3 = central_client("s3")
        self._move()
        if self._upload:
            self._send()
            parts = {"Parts": self._parts}
            s3.complete_multipart_upload(
                **self._where, UploadId=self._upload, MultipartUpload=parts
            )
        else:
            kind = "text/csv; charset=utf-8"
            s3.put_object(**self._where, Body=bytes(self._bytes), ContentType=kind)

    def _abort(self) -> None:
        if self._upload:
            central_client("s3").abort_multipart_upload(**self._where, UploadId=self._upload)
