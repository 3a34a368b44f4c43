"""Which events members forward: from the enabled detections to the patterns of their rules.

What is wanted of an event: some enabled detection matches it, and either that detection is
`read_only` or the event is not a read-only management event. In `exact` mode the rules forward
what is wanted and nothing else, whichever way AWS reads "read-only": rules of detections that are
not `read_only` are in the plain state, and say in their pattern, too, that they want no read-only
management event.
"""

from collections.abc import Mapping
from typing import NamedTuple

from generator import names
from generator.model import Detection, Json, Mistake, Pattern, Problem, Shape
from generator.patterns import conjunctions, matches
from generator.patterns.joining import Plain, TooLong, join

PATTERN_LIMIT = 2_048
"""Characters of a rule's pattern; more only on request, for each account.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""

ENVELOPE: dict[str, Json] = {"account": ["000000000000"]}
"""Stands for the member's own account id, which the template fills in."""

EVERYTHING: dict[str, Json] = {
    "source": [{"prefix": "aws."}],
    "detail-type": [{"suffix": " via CloudTrail"}],
}

_NOT_READ_ONLY: tuple[Json, ...] = (False, "false", {"exists": False})
_CATEGORIES = ("Data", "NetworkActivity", "Insight")

# An event passes when one of these holds. Records write `readOnly` as a boolean, now and then as
# a string, and some leave it out; data and network events are not management events.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
GUARD: tuple[Plain, ...] = (
    {"detail.readOnly": _NOT_READ_ONLY},
    {"detail.managementEvent": (False,)},
    {"detail.eventCategory": ({"anything-but": "Management"},)},
)


class Forward(NamedTuple):
    """One forwarding rule: its name, whether it receives read-only events, and its pattern.

    `detections` are those whose events it forwards; `pattern` lacks the account.
    """

    name: str
    reads: bool
    pattern: Mapping[str, Json]
    detections: tuple[str, ...]


def forwards(shape: Shape) -> tuple[Forward, ...]:
    """The forwarding rules of a shape; none when no detection is enabled.

    Raises Mistake naming the detections whose pattern fits no rule.
    """
    reading = [detection for detection in shape.detections if detection.read_only]
    writing = [detection for detection in shape.detections if not detection.read_only]
    everyone = tuple(detection.id for detection in shape.detections)
    if shape.forwarding == "all":
        return (_forward(shape, True, EVERYTHING, everyone),)
    if shape.forwarding == "two-speed":
        writes = (_forward(shape, False, EVERYTHING, tuple(d.id for d in writing)),)
        return (*writes, *_joined(shape, [*reading, *shape.curated_reads], reads=True))
    return (*_joined(shape, writing, reads=False), *_joined(shape, reading, reads=True))


def _forward(
    shape: Shape, reads: bool, pattern: Pattern, detections: tuple[str, ...], part: int = 1
) -> Forward:
    name = names.forwarding_rule(shape.name_prefix, reads, part)
    return Forward(name, reads, pattern, detections)


def _joined(shape: Shape, detections: list[Detection], *, reads: bool) -> tuple[Forward, ...]:
    wanted: dict[str, list[Plain]] = {}
    for detection in detections:
        plain = conjunctions(detection.pattern)
        wanted[detection.id] = [
            each
            for conjunction in plain
            for each in ([conjunction] if reads else _guarded(conjunction))
        ]
    try:
        joined = join(wanted, PATTERN_LIMIT, ENVELOPE, () if reads else GUARD)
    except TooLong as error:
        files = {d.id: d.file for d in detections}
        raise Mistake(
            Problem(
                files[member],
                f"the pattern fits no rule: {error}",
                "shorten its longest value",
            )
            for member in error.members
        ) from None
    enabled = {detection.id for detection in shape.detections}
    return tuple(
        _forward(
            shape,
            reads,
            {key: value for key, value in rule.pattern.items() if key not in ENVELOPE},
            tuple(member for member in rule.members if member in enabled),
            part,
        )
        for part, rule in enumerate(joined, start=1)
    )


def _guarded(conjunction: Plain) -> list[Plain]:
    """The conjunction as it is, unless it names a path of the guard itself.

    A path can carry one condition only, so there the guard's and its own are made one: those of
    the guard's values that it accepts.
    """
    if not any(path in conjunction for alternative in GUARD for path in alternative):
        return [conjunction]
    result: list[Plain] = []
    for path, allowed, otherwise in (
        ("detail.readOnly", _NOT_READ_ONLY, _NOT_READ_ONLY),
        ("detail.managementEvent", (False,), (False,)),
        ("detail.eventCategory", _CATEGORIES, ({"anything-but": "Management"},)),
    ):
        own = conjunction.get(path)
        values = otherwise if own is None else _accepted(path, own, allowed)
        if own is not None and len(values) == len(own):
            return [conjunction]  # By itself it keeps every read-only management event out.
        if values:
            result.append({**conjunction, path: values})
    return result


def _accepted(path: str, own: tuple[Json, ...], allowed: tuple[Json, ...]) -> tuple[Json, ...]:
    """Those of the allowed values that the pattern's own condition on this path accepts."""
    condition = {path: list(own)}
    return tuple(
        value
        for value in allowed
        if matches(condition, {} if isinstance(value, dict) else {path: value})
    )
