"""What a security linter asks about our resources, and the answers, for their Metadata.

checkov reads them there (`checkov -d out --framework cloudformation`), and so does a reviewer.
https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Properties = Mapping[str, Any]


class Answer(NamedTuple):
    """Why a check of the linter does not apply. `when` tells to which resources of the type."""

    check: str
    why: str
    when: Callable[[Properties], bool] = lambda _: True


_SERVICE_KEY = "Encrypted at rest with the key that the service manages: "

ANSWERS: Mapping[str, tuple[Answer, ...]] = {
    "AWS::SQS::Queue": (
        Answer(
            "CKV_AWS_27",
            _SERVICE_KEY + "the services that send here, and consumers of other accounts, need no "
            "permissions on a key then, which would fail silently.",
            lambda properties: "KmsMasterKeyId" not in properties,
        ),
    ),
    "AWS::Lambda::Function": (
        Answer(
            "CKV_AWS_115",
            "The queue's event source mapping bounds the concurrency; FunctionConcurrency reserves "
            "some where the account has enough.",
        ),
        Answer("CKV_AWS_116", "Fed by a queue, which has the dead-letter queue."),
        Answer("CKV_AWS_117", "Calls public AWS endpoints only; nothing of it is in a network."),
        Answer("CKV_AWS_173", "Encrypted with Lambda's own key; no variable holds a secret."),
    ),
    "AWS::Logs::LogGroup": (
        Answer(
            "CKV_AWS_158",
            _SERVICE_KEY + "the log is readable in this account alone, and holds no secret.",
            lambda properties: "KmsKeyId" not in properties,
        ),
    ),
    "AWS::S3::Bucket": (
        Answer(
            "CKV_AWS_18",
            "Who reads it is told by data events of a trail, which are signed; access logs would "
            "need one more bucket that somebody has to watch.",
            lambda properties: "LoggingConfiguration" not in properties,
        ),
    ),
    "AWS::DynamoDB::Table": (
        Answer(
            "CKV_AWS_119",
            "Encrypted with DynamoDB's key in this account; holds event ids and counts for days.",
        ),
    ),
}


def metadata(resource_type: str, properties: Properties) -> dict[str, Any]:
    """What the Metadata of a resource says to the linter; empty when there is nothing to say."""
    found = [one for one in ANSWERS.get(resource_type, ()) if one.when(properties)]
    if not found:
        return {}
    return {"checkov": {"skip": [{"id": one.check, "comment": one.why} for one in found]}}
