"""What the tests of write_audit_report share: an archive, notices to put into it, the function."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3

BUCKET = "the-archive"
HOME = "eu-west-1"
TOPIC = "arn:aws:sns:eu-west-1:222222222222:trailbus-reports"
VARIABLES = {
    "TRAILBUS_TARGET": "audit-report",
    "TRAILBUS_PARTITION": "aws",
    "TRAILBUS_REPORTS": TOPIC,
    "TRAILBUS_SETTINGS": '{"period": "day"}',
    "TRAILBUS_ARCHIVE": BUCKET,
    "AWS_REGION": HOME,
    "AWS_DEFAULT_REGION": HOME,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
CARDS = {
    "cloudtrail_logging_stopped": ("CloudTrail logging was stopped", "critical"),
    "s3_bucket_policy_changed": ("A bucket policy was changed", "medium"),
    "console_sign_in_failed": ("A console sign-in failed", "low"),
}


def notice(
    number: int,
    detection: str = "s3_bucket_policy_changed",
    *,
    account: str = "111122223333",
    at: str = "2026-11-02T10:30:00Z",
    principal: str = "",
    title: str = "",
    severity: str = "",
    **detail: Any,
) -> dict[str, Any]:
    """A notice as the stream archives it. Further keywords are fields of the record."""
    known = CARDS.get(detection, (detection, "high"))
    arn = principal or f"arn:aws:sts::{account}:assumed-role/AdminSSO/alice@example.com"
    record = {
        "eventVersion": "1.11",
        "userIdentity": {"type": "AssumedRole", "arn": arn, "accountId": account},
        "eventTime": at,
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutBucketPolicy",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.7",
        "requestParameters": {"bucketName": "pictures"},
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "recipientAccountId": account,
        **detail,
    }
    envelope = {
        "version": "0",
        "id": f"{number:032d}",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3",
        "account": account,
        "time": at,
        "region": "eu-west-1",
        "resources": [],
        "detail": {key: value for key, value in record.items() if value is not None},
    }
    card = {"id": detection, "title": title or known[0], "severity": severity or known[1]}
    return {"detection": card, "event": envelope}


def packed(lines: Iterable[Mapping[str, Any] | str | bytes]) -> bytes:
    """Lines as Firehose compresses them."""
    texts = [one if isinstance(one, str | bytes) else json.dumps(one) for one in lines]
    written = [one.encode() if isinstance(one, str) else one for one in texts]
    return gzip.compress(b"".join(line + b"\n" for line in written), mtime=0)


def schedule(at: str = "2026-11-03T06:15:00Z", **event: Any) -> dict[str, Any]:
    """The batch that the schedule's rule sends."""
    struck = {
        "version": "0",
        "id": "1",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "222222222222",
        "time": at,
        "region": HOME,
        "resources": [],
        "detail": {},
        **event,
    }
    body = json.dumps({"detection": {"id": "schedule"}, "event": struck})
    return {"Records": [{"messageId": "m1", "body": body, "attributes": {}}]}


@dataclass
class Context:
    """The time that Lambda has left: it says so each time it is asked."""

    left: Iterable[int] = ()
    asked: int = 0

    def get_remaining_time_in_millis(self) -> int:
        self.asked += 1
        for number, left in enumerate(self.left, start=1):
            if number == self.asked:
                return left
        return 900_000 if not self.left else list(self.left)[-1]


@dataclass
class Reporter:
    """The function with its archive."""

    module: Any
    printed: Callable[[], str]
    s3: Any = field(default_factory=lambda: boto3.client("s3", region_name=HOME))

    def put(
        self,
        lines: Iterable[Mapping[str, Any] | str | bytes],
        day: str = "2026-11-02",
        name: str = "trailbus-archive-1-2026-11-02-10-00-00-a.gz",
    ) -> str:
        """An object of the archive."""
        return self.put_bytes(packed(lines), day, name)

    def put_bytes(self, content: bytes, day: str = "2026-11-02", name: str = "b.gz") -> str:
        key = f"events/day={day}/{name}"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return key

    def __call__(self, batch: Mapping[str, Any] | None = None, context: Any = None) -> list[Any]:
        """Invokes it; gives what it logged."""
        self.printed()
        answer = self.module.handler(batch or schedule(), context)
        self.failed = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        return [json.loads(line) for line in self.printed().splitlines()]

    def read(self, key: str) -> bytes:
        found: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return found

    def text(self, key: str) -> str:
        return self.read(key).decode("utf-8-sig")

    def reports(self) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="reports/").get("Contents", [])
        return [each["Key"] for each in listed]
