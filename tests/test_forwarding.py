"""What members forward: every wanted event, and in exact mode no other.

An event is wanted if the pattern of a detection that a route takes somewhere matches it, and
either that detection is `read_only` or the event is no read-only management event. What counts as
one, at the edges:

- `readOnly` says "no" when it is false, "false" or missing; anything else, null too, says "yes".
- It is a management event unless `managementEvent` is false or `eventCategory` names another
  category. The text "false" is not false, and a missing category says nothing.

Nobody knows exactly which read-only events AWS keeps from a rule in the plain state, so the laws
hold under two readings: all of them (strict), or those named Get*, List* and Describe* (lenient).
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from itertools import product
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import catalogue, names
from generator.forwarding import (
    ENVELOPE,
    EVERYTHING,
    GUARD,
    PATTERN_LIMIT,
    Forward,
    forwards,
)
from generator.model import Detection, Forwarding, Json, Mistake, Shape
from generator.patterns import CompiledPattern, compiled, matches, problems
from generator.patterns.joining import length
from tests import shapes
from tests.recorded import lines_of, recorded_events, requires_data
from tests.shapes import API_CALL, detection, invented, watching

Event = Mapping[str, Json]
Reading = Literal["strict", "lenient"]
READINGS: tuple[Reading, ...] = ("strict", "lenient")
MODES: tuple[Forwarding, ...] = ("exact", "two-speed", "all")


# --- The law, said a second time


def is_read(event: Event) -> bool:
    """Whether this is a read-only management event, as the top of this file says."""
    detail = event.get("detail", {})
    says_no = (
        "readOnly" not in detail or detail["readOnly"] is False or detail["readOnly"] == "false"
    )
    management = (
        detail.get("managementEvent") is not False
        and detail.get("eventCategory", "Management") == "Management"
    )
    return management and not says_no


def wanted(by: Iterable[tuple[bool, bool]], event: Event) -> bool:
    """`by`: for each detection whether it matches, and whether it is read_only."""
    read = is_read(event)
    return any(hit and (read_only or not read) for hit, read_only in by)


def delivered(reads: bool, event: Event, reading: Reading) -> bool:
    """Whether a rule in this state gets to see the event."""
    if reads or not is_read(event):
        return True
    name = str(event["detail"].get("eventName"))
    return reading == "lenient" and not name.startswith(("Get", "List", "Describe"))


class Judge:
    """A shape's detections and forwarding rules, ready to be asked."""

    def __init__(self, shape: Shape) -> None:
        self.detections = [
            (compiled(one.pattern), one.read_only)
            for one in shape.detections
            if one.id in shape.wiring
        ]
        self.rules: list[tuple[CompiledPattern, bool]] = [
            (compiled(rule.pattern), rule.reads) for rule in forwards(shape)
        ]

    def wanted(self, event: Event) -> bool:
        return wanted(((one.matches(event), read) for one, read in self.detections), event)

    def forwarded(self, event: Event, reading: Reading) -> bool:
        return any(
            delivered(reads, event, reading) and rule.matches(event) for rule, reads in self.rules
        )


def unlawful(shape: Shape, events: Iterable[Event]) -> list[tuple[str, Event]]:
    """The events of which a shape forwards too much or too little."""
    judge = Judge(shape)
    wrong = []
    for event in events:
        right = judge.wanted(event)
        for reading in READINGS:
            found = judge.forwarded(event, reading)
            if found is not right and (right or shape.forwarding == "exact"):
                wrong.append((f"{reading}: wanted {right}, forwarded {found}", event))
    return wrong


# --- Events

MARKS = {"readOnly", "managementEvent", "eventCategory"}
MISSING = "missing"
_READ_ONLY: tuple[Json, ...] = (True, False, "true", "false", None, MISSING)
_MANAGEMENT: tuple[Json, ...] = (True, False, MISSING)
_CATEGORY: tuple[Json, ...] = ("Management", "Data", "NetworkActivity", "Insight", MISSING)


def marked(event: Event) -> Iterator[dict[str, Json]]:
    """The event with every way to say, or not to say, what kind of event it is."""
    for values in product(_READ_ONLY, _MANAGEMENT, _CATEGORY):
        given = dict(zip(sorted(MARKS, reverse=True), values, strict=True))
        detail = {k: v for k, v in event.get("detail", {}).items() if k not in given}
        detail.update({name: value for name, value in given.items() if value != MISSING})
        yield {**event, "detail": detail}


@lru_cache(maxsize=4)
def examples(prefix: str) -> tuple[dict[str, Json], ...]:
    """Every example of the built-in detections: events that match, and near misses."""
    return tuple(
        names.with_prefix(deepcopy(dict(example.event)), prefix)
        for one in catalogue.read().detections.values()
        for example in catalogue.examples(one)
    )


def _simple(name: str, **more: Json) -> dict[str, Json]:
    """An event that many of the invented detections ask for."""
    return {
        "source": "aws.s3",
        "detail-type": API_CALL,
        "account": "333333333333",
        "region": "eu-west-1",
        "detail": {"eventName": name, **more},
    }


INVENTED_EVENTS: tuple[dict[str, Json], ...] = (
    _simple("GetObject"),
    _simple("PutObject"),
    _simple("PutObject", errorCode="Code007"),
    _simple("GetObject", errorCode="Client.AccessDenied"),
    _simple("Other", userIdentity={"type": "Root"}),
    _simple("Other", requestParameters={"prefix": "x", "suffix_": "y"}),
    _simple("Other", requestParameters={"n": 7}),
    _simple("Other", requestParameters={"n": 0}),
    {**_simple("PutObject"), "region": "us-east-1"},
    {**_simple("PutObject"), "account": "111111111111"},
    {**_simple("PutObject"), "source": "custom.s3"},
    {"source": "aws.guardduty", "detail-type": "GuardDuty Finding", "detail": {"id": "1"}},
    {"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"},
)


def mutated(event: Event, chance: random.Random) -> dict[str, Json]:
    """The event with one field gone, changed, or standing in a list with another value.

    What marks it as a read stays one plain value, as it is in every record.
    """
    changed = deepcopy(dict(event))
    place: dict[str, Json] = changed
    while True:
        name = chance.choice([name for name in place if name not in MARKS])
        inner = place[name]
        if not isinstance(inner, dict) or not inner or set(inner) <= MARKS:
            break
        if name != "detail" and chance.random() < 0.1:
            break
        place = inner
    match chance.randrange(4):
        case 0:
            del place[name]
        case 1:
            place[name] = chance.choice(["", "aws.iam", "AccessDenied", None, True, 7, [], {}])
        case 2:
            place[name] = [inner, "another"]
        case 3:
            place[name] = f"{inner}x" if isinstance(inner, str) else {"inner": inner}
    return changed


def everything(shape: Shape) -> list[Event]:
    """All examples as they are, and a sample of them in every marking."""
    plain = examples(shape.name_prefix)
    some = [*INVENTED_EVENTS, *plain[:: max(1, len(plain) // 12)]]
    return [*plain, *(event for one in some for event in marked(one))]


# --- Laws over shapes


def with_mode(shape: Shape, mode: Forwarding) -> Shape:
    return shape._replace(forwarding=mode)


def every_pack(mode: Forwarding) -> Shape:
    """All there is, and all of it goes somewhere."""
    return watching(*shapes.known().detections.values(), forwarding=mode)


@pytest.mark.parametrize("mode", MODES)
def test_every_pack_gets_what_it_wants_and_in_exact_mode_nothing_else(mode: Forwarding) -> None:
    shape = every_pack(mode)
    assert unlawful(shape, everything(shape)) == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["built-in", "no targets", "nothing enabled"])
def test_built_in_detections_get_what_they_want_and_in_exact_mode_nothing_else(
    name: str, mode: Forwarding
) -> None:
    shape = with_mode(shapes.shape(name), mode)
    assert unlawful(shape, everything(shape)) == []


def _all_but(*left_out: str) -> tuple[Detection, ...]:
    return tuple(one for name, one in invented().items() if name not in left_out)


@pytest.mark.parametrize("mode", MODES)
def test_users_detections_get_what_they_want_however_they_pin_what_rules_look_at(
    mode: Forwarding,
) -> None:
    whole = with_mode(shapes.shape("user's own, odd in every way"), mode)
    shape = whole._replace(detections=_all_but("odd_account"))
    assert unlawful(shape, everything(shape)) == []


@pytest.mark.parametrize("one", _all_but("odd_account"), ids=lambda one: one.id)
def test_each_of_a_users_detections_gets_what_it_wants_alone(one: Detection) -> None:
    shape = watching(one)
    events = [event for plain in INVENTED_EVENTS for event in marked(plain)]
    assert unlawful(shape, events) == []


def test_every_marking_is_wanted_by_some_invented_detection_and_not_by_another() -> None:
    """Or the tests above would have little to tell apart."""
    asked = {
        one.id: Counter(
            wanted([(matches(dict(one.pattern), event), one.read_only)], event)
            for event in marked(_simple("GetObject", errorCode="Code007"))
        )
        for one in invented().values()
        if one.id.startswith("odd_read_only") or "category" in one.id or "management" in one.id
    }
    assert len({count[True] for count in asked.values()}) >= 8
    assert all(count[False] for count in asked.values())
    # readOnly: [0] asks for a number: no record has one.
    assert [name for name, count in asked.items() if not count[True]] == ["odd_read_only_zero"]


@given(shape=shapes.shapes(), seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_any_shape_forwards_what_it_wants_and_in_exact_mode_nothing_else(
    shape: Shape, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - draws a sample, keeps no secret
    some = shape._replace(detections=tuple(d for d in shape.detections if d.id != "odd_account"))
    plain = examples(shape.name_prefix)
    events: list[Event] = chance.sample(plain, 20)
    events += [mutated(one, chance) for one in chance.choices(plain, k=40)]
    events += [
        chance.choice(list(marked(one))) for one in chance.choices([*plain, *INVENTED_EVENTS], k=40)
    ]
    assert unlawful(some, events) == []


def test_a_detection_of_one_account_is_forwarded_from_all_and_told_apart_centrally() -> None:
    """A member's rule pins the member's own account; which one a detection is about, it forgets."""
    shape = watching(invented()["odd_account"])
    (rule,) = forwards(shape)
    assert "account" not in json.dumps(rule.pattern)
    judge = Judge(shape)
    here, elsewhere = _simple("PutObject"), {**_simple("PutObject"), "account": "111111111111"}
    assert (judge.wanted(here), judge.wanted(elsewhere)) == (True, False)
    assert judge.forwarded(here, "strict")
    assert judge.forwarded(elsewhere, "strict")


# --- What rules look like


@pytest.mark.parametrize("name", shapes.CONFIGURATIONS)
def test_rules_are_valid_short_enough_and_named_once(name: str) -> None:
    shape = shapes.shape(name)
    rules = forwards(shape)
    for rule in rules:
        assert problems(rule.pattern) == []
        assert length({**ENVELOPE, **rule.pattern}) <= PATTERN_LIMIT == 2048
        assert not set(rule.pattern) & set(ENVELOPE)
        assert rule.name.startswith(
            f"{shape.name_prefix}-forward-"
            f"{'tamper' if rule.apart else 'reads' if rule.reads else 'writes'}"
        )
    assert len({rule.name for rule in rules}) == len(rules)


@pytest.mark.parametrize("mode", MODES[:2])
@pytest.mark.parametrize("name", shapes.CONFIGURATIONS)
def test_only_detections_that_need_reads_stand_in_rules_that_see_reads(
    name: str, mode: Forwarding
) -> None:
    shape = with_mode(shapes.shape(name), mode)
    read_only = {one.id: one.read_only for one in shape.detections}
    for rule in forwards(shape):
        assert {read_only[one] for one in rule.detections} <= {rule.reads}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", shapes.CONFIGURATIONS)
def test_every_routed_detection_is_listed_by_rules_that_forward_for_it(
    name: str, mode: Forwarding
) -> None:
    shape = with_mode(shapes.shape(name), mode)
    rules = forwards(shape)
    listed = {one for rule in rules for one in rule.detections}
    never = {"odd_read_only_true", "odd_read_only_zero", "odd_management_true"}
    goes_somewhere = {one.id for one in shape.routed}
    assert goes_somewhere - listed <= (never if mode == "exact" else set())
    assert listed <= goes_somewhere


def test_a_detection_that_can_want_nothing_has_no_rule() -> None:
    nothing = detection(
        "of_nothing", {"readOnly": [0], "eventCategory": ["Management"], "managementEvent": [True]}
    )
    assert forwards(watching(nothing)) == ()


def test_for_a_detection_that_no_route_takes_anywhere_nothing_is_forwarded() -> None:
    idle, read = detection("idle", {"eventName": ["A"]}), detection("read", {}, read_only=True)
    busy = detection("busy", {"eventName": ["B"]})
    shape = watching(busy)._replace(detections=(busy, idle, read))
    assert forwards(shape) == forwards(watching(busy))
    assert forwards(shape._replace(wiring={})) == ()


def test_a_curated_read_that_no_route_takes_anywhere_travels_all_the_same() -> None:
    told = {"forwarding": "two-speed", "detections": {"packs": ["reads"]}}
    shape = shapes.shape_of({**told})
    assert {one.id for one in shape.curated_reads} == set(CURATED)
    rules = forwards(shape)
    assert [rule.detections for rule in rules] == [()] * len(rules)
    queue = {"here": {"kind": "queue"}}
    shape = shapes.shape_of(
        {
            **told,
            "targets": queue,
            "routes": [{"detections": ["secret_value_read"], "to": ["here"]}],
        }
    )
    assert {one.id for one in shape.curated_reads} == set(CURATED) - {"secret_value_read"}
    assert ("secret_value_read",) in [rule.detections for rule in forwards(shape)]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("exact", []),
        ("two-speed", [("ab-forward-writes", False, ()), ("ab-forward-reads", True, ())]),
        ("all", [("ab-forward-reads", True, ())]),
    ],
)
def test_with_nothing_enabled_only_the_wide_modes_forward(
    mode: Forwarding, expected: list[tuple[str, bool, tuple[str, ...]]]
) -> None:
    shape = shapes.shape_of({"name_prefix": "ab", "forwarding": mode, "detections": {"packs": []}})
    found = forwards(shape)
    assert [(rule.name, rule.reads, rule.detections) for rule in found] == expected
    # But for the curated reads, which are few.
    wide = [rule for rule in found if not (rule.reads and mode == "two-speed")]
    for rule in wide:
        assert {key: rule.pattern[key] for key in EVERYTHING} == EVERYTHING


def test_the_wide_modes_add_rules_for_events_that_are_not_from_cloudtrail() -> None:
    finding = {"source": "aws.guardduty", "detail-type": "GuardDuty Finding", "detail": {}}
    for mode in MODES:
        for name in ("odd_finding", "odd_reading_finding"):
            shape = watching(invented()[name], forwarding=mode)
            assert Judge(shape).forwarded(finding, "strict")


def test_curated_reads_travel_in_two_speed_mode_only() -> None:
    curated = detection("curated", {"eventName": ["GetSecretValue"]}, read_only=True)
    read = _simple("GetSecretValue", readOnly=True, managementEvent=True)
    empty = shapes.shape("nothing enabled")._replace(curated_reads=(curated,))
    for mode in MODES:
        shape = with_mode(empty, mode)
        assert Judge(shape).forwarded(read, "strict") is (mode != "exact")
        assert all("curated" not in rule.detections for rule in forwards(shape))


CURATED = {name: one for name, one in shapes.known().detections.items() if one.pack == "reads"}


@pytest.mark.parametrize("name", CURATED)
def test_two_speeds_forward_the_curated_reads_and_make_no_rule_of_them(name: str) -> None:
    shape = shapes.shape_of({"forwarding": "two-speed", "detections": {"packs": ["guardrails"]}})
    assert {one.id for one in shape.curated_reads} == set(CURATED)
    assert not {one.id for one in shape.detections} & set(CURATED)
    judge = Judge(shape)
    for example in catalogue.examples(CURATED[name]):
        assert judge.forwarded(dict(example.event), "strict") is example.matches, example.place
    exact = Judge(shapes.shape_of({"detections": {"packs": ["guardrails"]}}))
    assert not any(
        exact.forwarded(dict(example.event), "strict")
        for example in catalogue.examples(CURATED[name])
    )


def test_a_curated_read_that_is_excluded_stays_at_home() -> None:
    enabled = {"packs": ["guardrails"], "exclude": ["parameter_decrypted"]}
    shape = shapes.shape_of({"forwarding": "two-speed", "detections": enabled})
    assert {one.id for one in shape.curated_reads} == set(CURATED) - {"parameter_decrypted"}


def test_a_curated_read_that_is_enabled_is_a_detection_like_others() -> None:
    enabled = {"packs": ["reads"], "include": []}
    targets = {"here": {"kind": "queue"}}
    shape = shapes.shape_of(shapes.routed(targets, forwarding="two-speed", detections=enabled))
    assert shape.curated_reads == ()
    assert {one.id for one in shape.detections} == set(CURATED)


def test_every_pack_with_the_curated_reads_keeps_to_few_short_rules() -> None:
    packs = sorted(set(shapes.known().packs.values()) - {"reads"})
    rules = forwards(shapes.shape_of({"forwarding": "two-speed", "detections": {"packs": packs}}))
    assert len(rules) <= 4
    for rule in rules:
        text = json.dumps({**rule.pattern, "account": ["0" * 12]}, separators=(",", ":"))
        assert len(text) <= 2048


def test_the_curated_reads_change_the_fingerprint() -> None:
    one, other = (
        shapes.shape_of({"forwarding": "two-speed", "detections": {"exclude": exclude}})
        for exclude in ([], ["secret_value_read"])
    )
    assert one.digest != other.digest


def test_a_pattern_that_fits_no_rule_is_the_users_mistake_and_named() -> None:
    long = detection("too_long", {"eventName": [{"prefix": "x" * 2000}]}, file="own/too_long.yaml")
    fine = invented()["odd_number"]
    shape = watching(fine, long)
    with pytest.raises(Mistake) as error:
        forwards(shape)
    (problem,) = error.value.problems
    assert problem.place == "own/too_long.yaml"
    assert "fits no rule" in problem.fault
    assert "at most 2048" in problem.fault
    assert problem.cure


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"readOnly": [True]}, [{"managementEvent": [False]}, {"eventCategory": "but Management"}]),
        ({"readOnly": [False]}, [{}]),
        ({"managementEvent": [False]}, [{}]),
        ({"eventCategory": [{"anything-but": "Management"}]}, [{}]),
        ({"eventCategory": ["Data"]}, [{}]),
    ],
    ids=str,
)
def test_a_pinned_field_keeps_one_condition(
    own: Mapping[str, Json], expected: Sequence[Mapping[str, Json]]
) -> None:
    shape = watching(detection("pinned", own))
    (rule,) = forwards(shape)
    detail = rule.pattern["detail"]
    branches = [{**detail, **branch} for branch in detail.pop("$or", [{}])]
    others = {"but Management": [{"anything-but": "Management"}]}
    assert sorted(map(str, branches)) == sorted(
        str({**own, **{k: others.get(str(v), v) for k, v in more.items()}}) for more in expected
    )


def test_the_guard_says_what_this_file_calls_no_read_only_management_event() -> None:
    guard = [compiled({path: list(v) for path, v in one.items()}) for one in GUARD]
    for event in marked({"detail": {}}):
        assert any(one.matches(event) for one in guard) is not is_read(event)


# --- Recorded events and verdicts


@requires_data
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["built-in", "every pack"])
def test_recorded_events_are_forwarded_as_wanted(name: str, mode: Forwarding) -> None:
    shape = every_pack(mode) if name == "every pack" else with_mode(shapes.shape(name), mode)
    assert unlawful(shape, recorded_events()) == []
    assert len(recorded_events()) == 2484
    assert any(Judge(shape).wanted(event) for event in recorded_events())


@lru_cache(maxsize=1)
def _corpus() -> tuple[tuple[Detection, frozenset[str]], ...]:
    """Each recorded pattern as a detection, and the events that the engine said it matches.

    What pins no source or detail-type is made to take any of AWS's own.
    """
    found = []
    for number, case in enumerate(lines_of("corpus-verdicts.jsonl")):
        pattern = {
            "source": [{"prefix": "aws."}],
            "detail-type": [{"suffix": " via CloudTrail"}],
            **case["pattern"],
        }
        name = case["name"].replace("-", "_")
        one = detection(name, {}, pattern=pattern, read_only=bool(number % 2))
        found.append((one, frozenset(case["matches"])))
    return tuple(found)


@lru_cache(maxsize=1)
def _told_apart() -> tuple[dict[str, Json], ...]:
    """The recorded events that their id tells from all others."""
    ids = Counter(event["id"] for event in recorded_events())
    return tuple(event for event in recorded_events() if event["id"] and ids[event["id"]] == 1)


def _differences(chosen: Sequence[tuple[Detection, frozenset[str]]]) -> list[tuple[str, str]]:
    """Where the joined patterns of detections disagree with what the engine said of each."""
    shape = watching(*sorted((one for one, _ in chosen), key=lambda one: one.id))
    rules = [(compiled(rule.pattern), rule.reads) for rule in forwards(shape)]
    wrong: list[tuple[str, str]] = []
    for event in _told_apart():
        right = wanted(((event["id"] in hits, one.read_only) for one, hits in chosen), event)
        for reading in READINGS:
            found = any(
                delivered(reads, event, reading) and rule.matches(event) for rule, reads in rules
            )
            if found is not right:
                wrong.append((event["id"], reading))
    return wrong


@requires_data
def test_all_recorded_patterns_joined_forward_what_the_engine_matched() -> None:
    assert len(_corpus()) == 69
    assert len(_told_apart()) > 2450
    assert _differences(_corpus()) == []


@requires_data
@pytest.mark.parametrize("seed", range(12))
def test_some_recorded_patterns_joined_forward_what_the_engine_matched(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - draws a sample, keeps no secret
    chosen = [
        (one._replace(read_only=chance.random() < 0.4), hits)
        for one, hits in chance.sample(_corpus(), chance.choice((1, 3, 8, 20)))
    ]
    assert _differences(chosen) == []


@requires_data
@pytest.mark.parametrize("number", range(69))
def test_each_recorded_pattern_forwards_what_the_engine_matched(number: int) -> None:
    one, hits = _corpus()[number]
    assert _differences([(one._replace(read_only=False), hits)]) == []


def test_forwards_are_values() -> None:
    shape = shapes.shape("built-in")
    assert forwards(shape) == forwards(shape)
    assert all(isinstance(rule, Forward) for rule in forwards(shape))


# --- What forwarding makes itself, and what harms it


def _put(source: str = "aws.events", **detail: Json) -> dict[str, Json]:
    """A recorded PutEvents, as a trail writes it that is told to."""
    said = {"eventSource": "events.amazonaws.com", "eventName": "PutEvents", "readOnly": False,
            "managementEvent": False, "eventCategory": "Data"}  # fmt: skip
    return {"source": source, "detail-type": API_CALL, "detail": {**said, **detail}}


def _assumed(role: str, invoked_by: str = "events.amazonaws.com") -> dict[str, Json]:
    """EventBridge, or somebody else, takes on a role."""
    return {
        "source": "aws.sts",
        "detail-type": API_CALL,
        "detail": {
            "eventSource": "sts.amazonaws.com",
            "eventName": "AssumeRole",
            "userIdentity": {"type": "AWSService", "invokedBy": invoked_by},
            "requestParameters": {"roleArn": f"arn:aws:iam::111122223333:role/{role}"},
            "readOnly": True,
            "managementEvent": True,
        },
    }


@pytest.mark.parametrize("mode", MODES)
def test_no_rule_forwards_the_calls_that_forwarding_makes(mode: Forwarding) -> None:
    judge = Judge(with_mode(shapes.shape("built-in"), mode))
    issuer = {"sessionIssuer": {"arn": "arn:aws:iam::1:role/r", "userName": "r"}}
    denied = _put(errorCode="AccessDenied", userIdentity={"sessionContext": issuer})
    for event in (_put(), denied, *map(_assumed, names.forwarder_roles("trailbus"))):
        assert not judge.forwarded(event, "lenient"), event


def test_rules_for_everything_leave_out_nothing_else() -> None:
    shape = with_mode(shapes.shape("nothing enabled"), "all")
    judge = Judge(shape)
    forwarder = names.forwarder_role(shape.name_prefix)
    for event in (
        _put("aws.mobiletargeting", eventSource="mobiletargeting.amazonaws.com"),
        _assumed("platform-admin"),
        _assumed(forwarder, "cloudformation.amazonaws.com"),
        _simple("PutObject", requestParameters=None),
        {"source": "aws.cloudtrail", "detail-type": "AWS Insight via CloudTrail", "detail": {}},
    ):
        assert judge.forwarded(event, "strict"), event


@pytest.mark.parametrize("mode", MODES)
def test_a_detection_that_names_put_events_gets_them(mode: Forwarding) -> None:
    own = {"source": ["aws.events"], "detail-type": [API_CALL]}
    pattern = {**own, "detail": {"eventName": ["PutEvents", "PutRule"]}}
    shape = shapes.shape("nothing enabled")
    one = detection("puts", {}, pattern=pattern)
    shape = shape._replace(detections=(one,), wiring={one.id: ("q",)}, forwarding=mode)
    assert Judge(shape).forwarded(_put(), "strict")


def test_tampering_travels_apart_and_each_wire_carries_what_harms_the_other() -> None:
    shape = shapes.shape("built-in")
    rules = forwards(shape)
    apart = {one for rule in rules if rule.apart for one in rule.detections}
    assert apart == {one.id for one in shape.routed if one.pack == "tamper" and not one.read_only}
    twice = {one for rule in rules if not rule.apart for one in rule.detections} & apart
    assert twice == {"trailbus_bus_changed", "trailbus_role_changed", "trailbus_rule_changed",
                     "trailbus_rule_silenced"}  # fmt: skip
    tampering = tuple(one for one in shape.detections if one.pack == "tamper")
    alone = forwards(shape._replace(detections=tampering))
    assert {rule.apart for rule in alone} == {True, False}
    others = tuple(one for one in shape.detections if one.pack != "tamper")
    assert not any(rule.apart for rule in forwards(shape._replace(detections=others)))
