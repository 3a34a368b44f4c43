"""What a rule that feeds a stream leaves out: the stream's own writes, and those of its report.

Where a trail records data events, each object that a stream writes is an event, which would be
written in turn, for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from generator import names
from generator.model import Detection, Json, Shape, Target
from generator.patterns import conjunctions, matches
from generator.patterns.joining import Plain

_ISSUER = ("detail", "userIdentity", "sessionContext", "sessionIssuer", "userName")

_WRITES: tuple[tuple[str, str, bool], ...] = (
    ("s3", "PutObject", False),
    ("s3", "GetObject", True),
    ("firehose", "PutRecord", False),
    ("firehose", "PutRecordBatch", False),
    ("kinesis", "PutRecord", False),
    ("kinesis", "PutRecords", False),
)
"""Service, call, and whether it reads: what is done on behalf of a stream."""


def pattern(detection: Detection, targets: Iterable[Target], shape: Shape) -> Mapping[str, Json]:
    """The detection's pattern, as the rule that feeds these targets has it."""
    roles = sorted(_roles(targets, shape))
    found = conjunctions(detection.pattern)
    path = ".".join(_ISSUER)
    if not roles or not any(_may_take(one) for one in found) or any(path in one for one in found):
        return detection.pattern
    # An identity may have no issuer: that has to be said, or such an event would be lost.
    return _with(detection.pattern, _ISSUER, [{"anything-but": roles}, {"exists": False}])


def _roles(targets: Iterable[Target], shape: Shape) -> set[str]:
    """The roles that write to the streams among the targets, and those that report on them."""
    prefix = shape.name_prefix
    streams = {target.name for target in targets if target.kind == "stream"}
    roles = {
        role(prefix, name) for name in streams for role in (names.delivery_role, names.writer_role)
    }
    for target in shape.targets:
        responder = shape.responders.get(target.options.get("responder", ""))
        if responder and responder.reads and target.options["settings"][responder.reads] in streams:
            roles.add(names.function_role(prefix, target.name))
    return roles


def _may_take(conjunction: Plain) -> bool:
    """Whether it may match such a write, as far as what each of them says alike can tell."""
    for service, call, reads in _WRITES:
        said: dict[str, Json] = {
            "source": f"aws.{service}",
            "detail-type": "AWS API Call via CloudTrail",
            "detail.eventSource": f"{service}.amazonaws.com",
            "detail.eventName": call,
            "detail.readOnly": reads,
            "detail.managementEvent": False,
            "detail.eventCategory": "Data",
            "detail.userIdentity.type": "AssumedRole",
            "detail.errorCode": None,
        }
        if all(
            matches({path: list(values)}, {} if said[path] is None else {path: said[path]})
            for path, values in conjunction.items()
            if path in said
        ):
            return True
    return False


def _with(pattern: Mapping[str, Json], path: tuple[str, ...], value: Json) -> dict[str, Json]:
    first, *rest = path
    inner = _with(pattern.get(first, {}), tuple(rest), value) if rest else value
    return {**pattern, first: inner}
