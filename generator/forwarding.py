"""Which events members forward: from the routed detections to the patterns of their rules.

What is wanted of an event: some enabled detection that a route takes somewhere matches it, and
either that detection is `read_only` or the event is not a read-only management event. In `exact`
mode the rules forward what is wanted and nothing else, whichever way AWS reads "read-only": rules
of detections that are not `read_only` are in the plain state, and say in their pattern, too, that
they want no read-only management event.
"""

import json
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

_VIA_CLOUDTRAIL = " via CloudTrail"

EVERYTHING: dict[str, Json] = {
    "source": [{"prefix": "aws."}],
    "detail-type": [{"suffix": _VIA_CLOUDTRAIL}],
}

_NOT_READ_ONLY: tuple[Json, ...] = (False, "false", {"exists": False})
_CATEGORY = "detail.eventCategory"
_MANAGEMENT = "Management"
_CATEGORIES = ("Data", "NetworkActivity", "Insight")
_OTHERS: tuple[Json, ...] = ({"anything-but": _MANAGEMENT},)

# An event passes when one of these holds. Records write `readOnly` as a boolean, now and then as
# a string, and some leave it out; data and network events are not management events.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
GUARD: tuple[Plain, ...] = (
    {"detail.readOnly": _NOT_READ_ONLY},
    {"detail.managementEvent": (False,)},
    {_CATEGORY: _OTHERS},
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
    """The forwarding rules of a shape; none when no detection goes anywhere.

    Raises Mistake naming the detections whose pattern fits no rule.
    """
    reading = [detection for detection in shape.routed if detection.read_only]
    writing = [detection for detection in shape.routed if not detection.read_only]
    everyone = tuple(detection.id for detection in shape.routed)
    if shape.forwarding == "all":
        return (
            _forward(shape, True, EVERYTHING, everyone),
            *_joined(shape, _beyond(writing), reads=False),
            *_joined(shape, _beyond(reading), reads=True, first=2),
        )
    if shape.forwarding == "two-speed":
        return (
            _forward(shape, False, EVERYTHING, tuple(d.id for d in writing)),
            *_joined(shape, _beyond(writing), reads=False, first=2),
            *_joined(shape, [*reading, *shape.curated_reads], reads=True),
        )
    return (*_joined(shape, writing, reads=False), *_joined(shape, reading, reads=True))


def _beyond(detections: list[Detection]) -> list[Detection]:
    """Those that may want more than `EVERYTHING`: events that CloudTrail did not make."""
    return [
        detection
        for detection in detections
        if not all(
            isinstance(kind, str) and kind.endswith(_VIA_CLOUDTRAIL)
            for conjunction in conjunctions(detection.pattern)
            for kind in conjunction.get("detail-type", (None,))
        )
    ]


def _forward(
    shape: Shape, reads: bool, pattern: Pattern, detections: tuple[str, ...], part: int = 1
) -> Forward:
    name = names.forwarding_rule(shape.name_prefix, reads, part)
    return Forward(name, reads, pattern, detections)


def _joined(
    shape: Shape, detections: list[Detection], *, reads: bool, first: int = 1
) -> tuple[Forward, ...]:
    wanted: dict[str, list[Plain]] = {}
    for detection in detections:
        plain = [_without_envelope(each) for each in conjunctions(detection.pattern)]
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
    return tuple(
        _forward(
            shape,
            reads,
            {key: value for key, value in rule.pattern.items() if key not in ENVELOPE},
            tuple(member for member in rule.members if member in shape.wiring),
            part,
        )
        for part, rule in enumerate(joined, start=first)
    )


def _without_envelope(conjunction: Plain) -> Plain:
    """The conjunction without a condition on the account, in whose place the member's own stands.

    Which account a detection is about, the central rule looks at.
    """
    return {path: values for path, values in conjunction.items() if path not in ENVELOPE}


def _guarded(conjunction: Plain) -> list[Plain]:
    """The conjunction as it is, unless it names a path of the guard itself.

    A path can carry one condition only, so there the guard's and its own are made one.
    """
    if not any(path in conjunction for alternative in GUARD for path in alternative):
        return [conjunction]
    result: list[Plain] = []
    for alternative in GUARD:
        ((path, allowed),) = alternative.items()
        own = conjunction.get(path)
        values = allowed if own is None else _both(path, own)
        if own is not None and _texts(own) <= _texts(values):
            return [conjunction]  # By itself it keeps every read-only management event out.
        if values:
            result.append({**conjunction, path: values})
    return result


def _both(path: str, own: tuple[Json, ...]) -> tuple[Json, ...]:
    """What meets the pattern's own condition on a path of the guard, and the guard's."""
    if path == _CATEGORY:
        return tuple(value for each in own for value in _not_management(each))
    allowed = next(alternative[path] for alternative in GUARD if path in alternative)
    return tuple(value for value in allowed if _takes(path, own, value))


def _not_management(own: Json) -> tuple[Json, ...]:
    """An alternative on the category, less the category "Management" and less its absence.

    Where the language cannot say that, the categories stand that CloudTrail has.
    """
    if own == {"exists": False}:
        return ()
    if not _takes(_CATEGORY, (own,), _MANAGEMENT):
        return (own,)
    if own == {"exists": True}:
        return _OTHERS
    but = own.get("anything-but") if isinstance(own, dict) else None
    if isinstance(but, str):
        but = [but]
    if isinstance(but, list) and all(isinstance(one, str) for one in but):
        return ({"anything-but": [*but, _MANAGEMENT]},)
    return tuple(one for one in _CATEGORIES if _takes(_CATEGORY, (own,), one))


def _takes(path: str, own: tuple[Json, ...], value: Json) -> bool:
    """Whether a condition accepts a value; an object stands for none."""
    return matches({path: list(own)}, {} if isinstance(value, dict) else {path: value})


def _texts(values: tuple[Json, ...]) -> set[str]:
    """Values to compare: False is not 0 here."""
    return {json.dumps(value, sort_keys=True) for value in values}
