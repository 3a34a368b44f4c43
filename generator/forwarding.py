"""Which events members forward: from the routed detections to the patterns of their rules.

What is wanted of an event: some enabled detection that a route takes somewhere matches it, and
either that detection is `read_only` or the event is not a read-only management event. In `exact`
mode the rules forward what is wanted and nothing else, whichever way AWS reads "read-only": rules
of detections that are not `read_only` are in the plain state, and say in their pattern, too, that
they want no read-only management event.

Tampering is told by rules and with a role of their own: one call that takes away the role of the
other rules would else hide itself and all that follows. What harms this second wire, the first
one forwards as well.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
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

TAMPER = "tamper"
"""The pack whose detections travel by rules and with a role of their own."""

_NAME = "detail.eventName"
_PUT = "PutEvents"
_EVENTS = "aws.events"

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

    `detections` are those whose events it forwards; `pattern` lacks the account. `apart` says that
    it forwards with the role of those that tell of tampering.
    """

    name: str
    reads: bool
    pattern: Mapping[str, Json]
    detections: tuple[str, ...]
    apart: bool = False


def forwards(shape: Shape) -> tuple[Forward, ...]:
    """The forwarding rules of a shape; none when no detection goes anywhere.

    Raises Mistake naming the detections whose pattern fits no rule.
    """
    tampering = [each for each in shape.routed if _travels_apart(each)]
    others = [each for each in shape.routed if not _travels_apart(each)]
    reading = [detection for detection in others if detection.read_only]
    writing = [detection for detection in others if not detection.read_only]
    tamper = _joined(shape, _conjunctions(tampering), apart=True)
    if shape.forwarding == "all":
        everyone = tuple(detection.id for detection in shape.routed)
        return (
            _forward(shape, True, _everything(shape), everyone),
            *_joined(shape, _beyond(writing)),
            *_joined(shape, _beyond(reading), reads=True, first=2),
            *tamper,
        )
    if shape.forwarding == "two-speed":
        plain = tuple(each.id for each in shape.routed if not each.read_only)
        return (
            _forward(shape, False, _everything(shape), plain),
            *_joined(shape, _beyond(writing), first=2),
            *_joined(shape, _conjunctions([*reading, *shape.curated_reads]), reads=True),
            *tamper,
        )
    wanted = _conjunctions(writing)
    for name, harmful in _harming(shape.name_prefix, tampering, tamper).items():
        wanted[name] = harmful
    return (
        *_joined(shape, wanted),
        *_joined(shape, _conjunctions(reading), reads=True),
        *tamper,
    )


def _travels_apart(detection: Detection) -> bool:
    """Detections of tampering do, whoever wrote them, but for those that need read-only events:
    these travel with the reads, in whose rules there is room."""
    return detection.pack == TAMPER and not detection.read_only


def _conjunctions(detections: Iterable[Detection]) -> dict[str, list[Plain]]:
    """What rules forward for each detection, less its condition on the account, in whose place
    the member's own stands: which account it is about, the central rule looks at."""
    return {
        detection.id: [
            _named({path: values for path, values in each.items() if path not in ENVELOPE})
            for each in conjunctions(detection.pattern)
        ]
        for detection in detections
    }


def _beyond(detections: Iterable[Detection]) -> dict[str, list[Plain]]:
    """What they may want more than `_everything`: events that CloudTrail did not make, and the
    calls of PutEvents, where they name it."""
    found = {}
    for name, wanted in _conjunctions(detections).items():
        more = [part for each in wanted for part in _more(each)]
        if more:
            found[name] = more
    return found


def _more(conjunction: Plain) -> Iterator[Plain]:
    kinds = conjunction.get("detail-type", (None,))
    if not all(isinstance(kind, str) and kind.endswith(_VIA_CLOUDTRAIL) for kind in kinds):
        yield conjunction
    elif _takes_put_events(conjunction):
        yield {**conjunction, "source": (_EVENTS,), _NAME: (_PUT,)}


def _takes_put_events(conjunction: Plain) -> bool:
    """Whether it takes the records of PutEvents, which only trails write that are told to."""
    return (
        _NAME in conjunction
        and _takes(_NAME, conjunction[_NAME], _PUT)
        and _takes("source", conjunction.get("source", (_EVENTS,)), _EVENTS)
    )


def _named(conjunction: Plain) -> Plain:
    """The conjunction, without PutEvents where it takes every call: each event that is forwarded
    may be recorded as such a call, which would be forwarded in turn, for ever."""
    if not _takes("source", conjunction.get("source", (_EVENTS,)), _EVENTS):
        return conjunction
    called = tuple(_but_put(each) for each in conjunction.get(_NAME, ({"exists": True},)))
    if _NAME not in conjunction:
        called = (*called, {"exists": False})
    return {**conjunction, _NAME: called}


def _but_put(called: Json) -> Json:
    """An alternative on the name of the call, less PutEvents where it takes all but a few."""
    if called == {"exists": True}:
        return {"anything-but": [_PUT]}
    but = called.get("anything-but") if isinstance(called, dict) else None
    if isinstance(but, (str, list)):
        return {"anything-but": sorted({_PUT, *([but] if isinstance(but, str) else but)})}
    return called


def _everything(shape: Shape) -> dict[str, Json]:
    """Every event of CloudTrail, but for those that forwarding itself makes: PutEvents, which
    trails can record, and EventBridge taking on a forwarder role.

    Whoever excludes by a field that may be missing has to say so.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/logging-using-cloudtrail.html
    """
    ours = {"suffix": [f"/{name}" for name in names.forwarder_roles(shape.name_prefix)]}
    service, missing = ["events.amazonaws.com"], {"exists": False}
    return {
        **EVERYTHING,
        "detail": {
            "$or": [
                {"eventName": [{"anything-but": ["AssumeRole", _PUT]}, missing]},
                {"eventName": [_PUT], "eventSource": [{"anything-but": service}, missing]},
                {
                    "eventName": ["AssumeRole"],
                    "requestParameters": {"roleArn": [{"anything-but": ours}, missing]},
                },
                {
                    "eventName": ["AssumeRole"],
                    "userIdentity": {"invokedBy": [{"anything-but": service}, missing]},
                },
            ]
        },
    }


def _harming(
    prefix: str, tampering: Iterable[Detection], rules: Iterable[Forward]
) -> dict[str, list[Plain]]:
    """What of tampering is about the rules and the role that tell of it."""
    ours = {
        "detail.requestParameters.roleName": [names.forwarder_role(prefix, apart=True)],
        "detail.requestParameters.name": [rule.name for rule in rules],
        "detail.requestParameters.rule": [rule.name for rule in rules],
    }
    found: dict[str, list[Plain]] = {}
    for name, wanted in _conjunctions(tampering).items():
        for conjunction in wanted:
            for path, known in ours.items():
                hit = tuple(
                    one
                    for one in known
                    if path in conjunction and _takes(path, conjunction[path], one)
                )
                if hit:
                    found.setdefault(name, []).append({**conjunction, path: hit})
    return found


def _forward(
    shape: Shape,
    reads: bool,
    pattern: Pattern,
    detections: tuple[str, ...],
    part: int = 1,
    apart: bool = False,
) -> Forward:
    name = names.forwarding_rule(shape.name_prefix, reads, part, apart)
    return Forward(name, reads, pattern, detections, apart)


def _joined(
    shape: Shape,
    plain: Mapping[str, Iterable[Plain]],
    *,
    reads: bool = False,
    first: int = 1,
    apart: bool = False,
) -> tuple[Forward, ...]:
    wanted = {
        name: [
            each
            for conjunction in found
            for each in ([conjunction] if reads else _guarded(conjunction))
        ]
        for name, found in plain.items()
    }
    try:
        joined = join(wanted, PATTERN_LIMIT, ENVELOPE, () if reads else GUARD)
    except TooLong as error:
        files = {d.id: d.file for d in (*shape.detections, *shape.curated_reads)}
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
            apart,
        )
        for part, rule in enumerate(joined, start=first)
    )


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
