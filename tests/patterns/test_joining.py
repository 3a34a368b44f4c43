"""Patterns joined into few: nothing gained, nothing lost, nothing too long."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generator import config
from generator.forwarding import ENVELOPE, GUARD, PATTERN_LIMIT, forwards
from generator.model import NOTHING, Json, Pattern
from generator.patterns import compiled, conjunctions, matches, problems
from generator.patterns.joining import Joined, Plain, TooLong, join, length
from tests import shapes
from tests.patterns import strategies
from tests.patterns.reference import reference_matches

Wanted = Mapping[str, list[Plain]]

Atom = frozenset[tuple[str, str]]
"""A conjunction with one alternative a path: the smallest piece that joining may move."""

PRESENT, ABSENT = '{"exists":true}', '{"exists":false}'
UNLIMITED = 10**9


# --- What goes in

SOURCES = ("aws.s3", "aws.iam", "aws.ec2", "aws.sts", "aws.a")
_LEAVES: tuple[list[Json], ...] = (
    ["x"],
    ["x", "y"],
    [{"exists": True}],
    [{"exists": False}],
    [{"prefix": "x"}, "zz"],
    [{"anything-but": ["x", "y"]}],
    [1, None, True],
    ["ein sehr langer Wert, der umgebrochen würde: " + "ß" * 9],
)


def _objects(names: Iterable[str], leaves: Iterable[list[Json]]) -> st.SearchStrategy[Pattern]:
    """Objects with few fields, half of them with an `$or`."""
    fields = st.dictionaries(
        st.sampled_from(list(names)), st.sampled_from(list(leaves)), min_size=1, max_size=2
    )
    branches = st.lists(fields, min_size=2, max_size=3)
    with_or = st.builds(lambda outer, inner: {**outer, "$or": inner}, fields, branches)
    return st.one_of(fields, with_or)


pinned: st.SearchStrategy[Pattern] = st.fixed_dictionaries(
    {
        "source": st.sampled_from([[one] for one in SOURCES] + [["aws.s3", "aws.iam"]]),
        "detail-type": st.sampled_from((["A via CloudTrail"], ["A via CloudTrail", "B"])),
        "detail": _objects(
            ("eventName", "errorCode", "userIdentity", "requestParameters", "x.y"), _LEAVES
        ),
    }
)
"""Patterns as detections have them: a source, a detail-type, few paths that often agree."""


def _wanted(patterns: Mapping[str, Pattern]) -> dict[str, list[Plain]]:
    return {name: list(conjunctions(pattern)) for name, pattern in patterns.items()}


def _named(patterns: Iterable[Pattern]) -> dict[str, Pattern]:
    return {f"member_{number}": pattern for number, pattern in enumerate(patterns)}


_OPERATORS: tuple[list[Json], ...] = (
    *_LEAVES,
    ["", "10.0.0.1"],
    [{"exists": False}, "x"],
    [{"exists": True}, {"prefix": "x"}],
    [{"suffix": {"equals-ignore-case": "SS"}}],
    [{"wildcard": "x*y"}, {"equals-ignore-case": "ß"}],
    [{"cidr": "10.0.0.0/8"}, {"exactly": "x"}],
    [{"numeric": [">", 0, "<", 2]}, 1000.0],
    [{"anything-but": {"prefix": ["x", "y"]}}, 2.5, -1],
)
anything = st.lists(_objects(strategies.NAMES, _OPERATORS), min_size=1, max_size=4).map(_named)
"""Patterns of every operator, whose paths lead through one another and are spelled both ways."""

detections = st.lists(pinned, min_size=1, max_size=6).map(_named)
limits = st.sampled_from((60, 100, 150, 250, 400, 1000, PATTERN_LIMIT, UNLIMITED))


# --- What comes out, said another way


def atoms(found: Iterable[Plain]) -> set[Atom]:
    """Every choice of one alternative a path, without those that another one covers."""
    every = {
        frozenset(zip(conjunction, choice, strict=True))
        for conjunction in found
        for choice in product(*(sorted(_texts(values)) for values in conjunction.values()))
    }
    ways = _ways(every)
    return {atom for atom in every if not any(one in every for one in _wider(atom, ways))}


def _texts(values: Iterable[Json]) -> set[str]:
    return {json.dumps(value, sort_keys=True, separators=(",", ":")) for value in values}


def _ways(every: set[Atom]) -> set[frozenset[str]]:
    """The sets of paths of which some atom says no more than "present"."""
    return {frozenset(path for path, value in atom if value == PRESENT) for atom in every}


def _wider(atom: Atom, ways: set[frozenset[str]]) -> Iterator[Atom]:
    """The atoms that are this one, but for saying "present" where it names a value."""
    for paths in ways:
        wide = frozenset(
            (path, PRESENT if path in paths and value != ABSENT else value) for path, value in atom
        )
        if wide != atom:
            yield wide


def covered(atom: Atom, by: set[Atom]) -> bool:
    return atom in by or any(one in by for one in _wider(atom, _ways(by)))


def with_guard(found: Iterable[Plain], guard: Iterable[Plain]) -> list[Plain]:
    """The conjunctions with one of the guard's alternatives, unless they name a path of its."""
    alternatives = list(guard)
    paths = {path for alternative in alternatives for path in alternative}
    return [
        {**conjunction, **alternative}
        for conjunction in found
        for alternative in ([{}] if paths & set(conjunction) or not alternatives else alternatives)
    ]


def carried(rule: Joined, envelope: Pattern = NOTHING) -> list[Plain]:
    """The conjunctions of a rule, without the envelope's paths."""
    return [
        {path: values for path, values in conjunction.items() if path not in envelope}
        for conjunction in conjunctions(rule.pattern)
    ]


def _joined(
    wanted: Wanted, limit: int, envelope: Pattern = NOTHING, guard: Iterable[Plain] = ()
) -> list[Joined]:
    """Joined as far as can be: what fits no rule is checked by tests of its own."""
    try:
        return join(wanted, limit, envelope, guard)
    except TooLong:
        assume(False)
        raise


# --- The laws


class Case(NamedTuple):
    """What stands around the conjunctions."""

    envelope: Pattern
    guard: tuple[Plain, ...]


BARE = Case(NOTHING, ())
MEMBER = Case(ENVELOPE, GUARD)


@pytest.mark.parametrize("case", [BARE, MEMBER], ids=["bare", "as members have it"])
@given(patterns=detections, limit=limits)
@settings(max_examples=40, deadline=None)
def test_joined_patterns_say_exactly_what_went_in(
    case: Case, patterns: dict[str, Pattern], limit: int
) -> None:
    wanted = _wanted(patterns)
    rules = _joined(wanted, limit, *case)
    everything = [conjunction for found in wanted.values() for conjunction in found]
    found = [one for rule in rules for one in carried(rule, case.envelope)]
    assert atoms(found) == atoms(with_guard(everything, case.guard))


@given(patterns=anything, limit=limits)
@settings(max_examples=48, deadline=None)
def test_any_patterns_joined_say_exactly_what_went_in(
    patterns: dict[str, Pattern], limit: int
) -> None:
    wanted = _wanted(patterns)
    everything = [conjunction for found in wanted.values() for conjunction in found]
    rules = _joined(wanted, limit)
    assert atoms(one for rule in rules for one in carried(rule)) == atoms(everything)


@given(patterns=st.one_of(anything, detections), limit=limits)
@settings(max_examples=60, deadline=None)
def test_joined_patterns_are_valid_and_within_the_limit(
    patterns: dict[str, Pattern], limit: int
) -> None:
    for rule in _joined(_wanted(patterns), limit):
        assert problems(rule.pattern) == []
        assert len(json.dumps(rule.pattern, separators=(",", ":"))) <= limit
        assert length(rule.pattern) == len(json.dumps(rule.pattern, separators=(",", ":")))


_POOL: tuple[Json, ...] = (*strategies.TEXTS, "zz", "xx", "y", *strategies.NUMBERS, True, None)


@st.composite
def meetings(draw: st.DrawFn, patterns: Mapping[str, Pattern]) -> dict[str, Json]:
    """An event that meets one conjunction of one pattern, or misses it by a little."""
    pattern = draw(st.sampled_from(sorted(patterns)))
    conjunction = draw(st.sampled_from(conjunctions(patterns[pattern])))
    event: dict[str, Json] = {}
    for path, values in conjunction.items():
        good = [value for value in _POOL if matches({"v": list(values)}, {"v": value})]
        if {"exists": False} in values and draw(st.booleans()):
            continue
        value = draw(st.sampled_from(good or _POOL))
        match draw(st.integers(0, 9)):
            case 0:
                value = draw(st.sampled_from(_POOL))
            case 1:
                continue
            case 2:
                value = [value, draw(st.sampled_from(_POOL))]
            case 3:
                value = {"deeper": value}
        _put(event, path.split("."), value, draw(st.booleans()))
    return event


def _put(event: dict[str, Json], steps: list[str], value: Json, dotted: bool) -> None:
    if dotted and len(steps) > 1:
        event[".".join(steps)] = value
        return
    for step in steps[:-1]:
        inner = event.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        event = inner
    event[steps[-1]] = value


@given(data=st.data(), patterns=st.one_of(anything, detections), limit=limits)
@settings(max_examples=60, deadline=None)
def test_an_event_matches_a_joined_pattern_exactly_if_it_matches_one_of_the_originals(
    data: st.DataObject, patterns: dict[str, Pattern], limit: int
) -> None:
    rules = _joined(_wanted(patterns), limit)
    before = [compiled(pattern) for pattern in patterns.values()]
    after = [compiled(rule.pattern) for rule in rules]
    drawn = st.lists(st.one_of(strategies.events, meetings(patterns)), min_size=4, max_size=4)
    for event in data.draw(drawn):
        expected = any(one.matches(event) for one in before)
        assert any(one.matches(event) for one in after) is expected
        assert any(reference_matches(rule.pattern, event) for rule in rules) is expected


@given(
    patterns=st.lists(
        strategies.patterns.filter(lambda pattern: not problems(pattern)), min_size=1, max_size=2
    ).map(_named),
    several=st.lists(strategies.events, min_size=6, max_size=6),
)
@settings(max_examples=15, deadline=None)
def test_deeply_nested_patterns_joined_match_what_they_matched_alone(
    patterns: dict[str, Pattern], several: list[dict[str, Json]]
) -> None:
    rules = join(_wanted(patterns), UNLIMITED)
    for event in several:
        expected = any(matches(pattern, event) for pattern in patterns.values())
        assert any(matches(rule.pattern, event) for rule in rules) is expected


@given(patterns=detections, limit=limits)
@settings(max_examples=40, deadline=None)
def test_a_rule_lists_a_member_exactly_if_it_carries_something_of_it(
    patterns: dict[str, Pattern], limit: int
) -> None:
    wanted = _wanted(patterns)
    rules = _joined(wanted, limit)
    inside = {rule.members: atoms(carried(rule)) for rule in rules}
    for name, found in wanted.items():
        own = set().union(*(atoms([conjunction]) for conjunction in found))
        listing = [atoms(carried(rule)) for rule in rules if name in rule.members]
        assert all(any(covered(atom, rule) for atom in own) for rule in listing)
        assert all(any(covered(atom, rule) for rule in listing) for atom in own)
    assert all(rule.members == tuple(sorted(set(rule.members))) for rule in rules)
    assert set().union(*inside) == set(wanted)


@given(patterns=st.one_of(anything, detections), limit=limits)
@settings(max_examples=60, deadline=None)
def test_too_long_is_said_only_of_a_single_choice_that_fits_no_rule(
    patterns: dict[str, Pattern], limit: int
) -> None:
    wanted = _wanted(patterns)
    said: tuple[str, ...] = ()
    try:
        join(wanted, limit)
    except TooLong as error:
        said = error.members
    long = {
        name: [max(_alone(atom), _flat(atom)) > limit for atom in atoms(found)]
        for name, found in wanted.items()
    }
    assert all(any(long[name]) for name in said)
    if not said:
        # Written with dots a pattern may be shorter, where paths lead through one another.
        everything = atoms(one for found in wanted.values() for one in found)
        assert all(min(_alone(atom), _flat(atom)) <= limit for atom in everything)


def _alone(atom: Atom) -> int:
    plain: Plain = {path: (json.loads(value),) for path, value in atom}
    (rule,) = join({"alone": [plain]}, UNLIMITED)
    return length(rule.pattern)


def _flat(atom: Atom) -> int:
    return length({path: [json.loads(value)] for path, value in atom})


@given(patterns=st.one_of(anything, detections), limit=limits, chance=st.randoms())
@settings(max_examples=40, deadline=None)
def test_no_order_of_what_goes_in_changes_what_comes_out(
    patterns: dict[str, Pattern], limit: int, chance: random.Random
) -> None:
    wanted = _wanted(patterns)
    rules = _joined(wanted, limit)
    mixed = {
        name: [
            {path: conjunction[path] for path in chance.sample(list(conjunction), len(conjunction))}
            for conjunction in chance.sample(wanted[name], len(wanted[name]))
        ]
        for name in chance.sample(list(wanted), len(wanted))
    }
    again = join(mixed, limit)
    assert json.dumps(again) == json.dumps(rules)


@given(patterns=detections, limit=st.sampled_from((250, 400, 1000, PATTERN_LIMIT)))
@settings(max_examples=40, deadline=None)
def test_conjunctions_of_one_source_share_a_rule_if_one_can_hold_them(
    patterns: dict[str, Pattern], limit: int
) -> None:
    wanted = _wanted(patterns)
    rules = [atoms(carried(rule)) for rule in _joined(wanted, limit)]
    units: dict[frozenset[str], list[Plain]] = {}
    for rule in join(wanted, UNLIMITED):
        for conjunction in carried(rule):
            units.setdefault(frozenset(_texts(conjunction["source"])), []).append(conjunction)
    alone = [len(join({"unit": unit}, limit)) for unit in units.values()]
    for unit, needed in zip(units.values(), alone, strict=True):
        own = atoms(unit)
        assert needed > 1 or any(all(covered(atom, rule) for atom in own) for rule in rules)


# --- Particular cases


def test_nothing_wanted_is_no_rule() -> None:
    assert join({}, PATTERN_LIMIT, ENVELOPE, GUARD) == []
    assert join({"empty": []}, PATTERN_LIMIT, ENVELOPE, GUARD) == []


JOINED: list[tuple[str, dict[str, Pattern], Pattern]] = [
    (
        "one differing path becomes one list",
        {"a": {"detail": {"n": ["x"]}}, "b": {"detail": {"n": ["y"]}}},
        {"detail": {"n": ["x", "y"]}},
    ),
    (
        "the same twice is said once",
        {"a": {"detail": {"n": ["x"]}}, "b": {"detail": {"n": ["x"]}}},
        {"detail": {"n": ["x"]}},
    ),
    (
        "present covers every value, absent stays",
        {
            "a": {"n": ["x"]},
            "b": {"n": [{"exists": True}]},
            "c": {"n": [{"exists": False}, {"prefix": "y"}]},
        },
        {"n": [{"exists": False}, {"exists": True}]},
    ),
    (
        "what is shared stands outside, the rest in an or",
        {"a": {"n": ["x"], "m": {"p": [1]}}, "b": {"n": ["x"], "m": {"q": [2]}}},
        {"n": ["x"], "m": {"$or": [{"p": [1]}, {"q": [2]}]}},
    ),
    (
        "a path below a path that has a condition is written with its dot",
        {"a": {"n": ["x"], "n.m": ["y"]}},
        {"n": ["x"], "n.m": ["y"]},
    ),
    (
        "such a path inside an or",
        {"a": {"n": ["x"], "$or": [{"n.m": ["y"]}, {"n.k": ["z"]}]}},
        {"n": ["x"], "$or": [{"n.k": ["z"]}, {"n.m": ["y"]}]},
    ),
    (
        "a word that is no field's name inside an or is written with its dot",
        {"a": {"p": {"prefix": ["x"], "b": [1]}}, "b": {"p": {"c": [2]}}},
        {"$or": [{"p": {"b": [1]}, "p.prefix": ["x"]}, {"p": {"c": [2]}}]},
    ),
    (
        "an or within an or of the same object",
        {
            "a": {"o": ["1"], "s": ["x"]},
            "b": {"o": ["1"], "t": ["x"]},
            "c": {"p": ["2"], "u": ["x"]},
            "d": {"p": ["2"], "v": ["x"]},
        },
        {
            "$or": [
                {"o": ["1"], "$or": [{"s": ["x"]}, {"t": ["x"]}]},
                {"p": ["2"], "$or": [{"u": ["x"]}, {"v": ["x"]}]},
            ]
        },
    ),
]


@pytest.mark.parametrize(("given", "expected"), [case[1:] for case in JOINED], ids=lambda _: "")
def test_patterns_join_as_one_would_write_them(
    given: dict[str, Pattern], expected: Pattern
) -> None:
    (rule,) = join(_wanted(given), PATTERN_LIMIT)
    assert problems(rule.pattern) == []
    assert atoms(carried(rule)) == atoms(
        one for pattern in given.values() for one in conjunctions(pattern)
    )
    assert sorted(map(repr, carried(rule))) == sorted(map(repr, conjunctions(expected)))
    assert length(rule.pattern) <= length(expected)
    assert rule.members == tuple(given)


def test_two_alternatives_of_one_object_go_into_each_other() -> None:
    guard: tuple[Plain, ...] = ({"g": (1,)}, {"h": (2,)})
    (rule,) = join(_wanted({"a": {"n": ["x"]}, "b": {"m": ["y"]}}), PATTERN_LIMIT, {}, guard)
    wanted: list[Plain] = [
        {**one, **two} for one in ({"n": ("x",)}, {"m": ("y",)}) for two in guard
    ]
    assert atoms(carried(rule)) == atoms(wanted)


@pytest.mark.parametrize("path", ["detail.errorCode", "detail-type", "detail.eventName"])
def test_a_list_longer_than_a_rule_is_cut(path: str) -> None:
    # Error codes and detail-types hardly weigh, since rules share them: the estimate is off here.
    values = tuple(f"Client.Error{number:04d}" for number in range(500))
    wanted: Wanted = {
        f"of_{source}": [{"source": (source,), "detail.x": ("y",), path: values}]
        for source in SOURCES
    }
    rules = join(wanted, PATTERN_LIMIT, ENVELOPE, GUARD)
    assert max(length(rule.pattern) for rule in rules) <= PATTERN_LIMIT
    found = [one for rule in rules for one in carried(rule, ENVELOPE)]
    everything = [one for several in wanted.values() for one in several]
    assert atoms(found) == atoms(with_guard(everything, GUARD))


def test_only_the_member_with_the_long_value_is_named() -> None:
    wanted: Wanted = {
        "short": [{"source": ("aws.s3",), "detail.x": ("y",)}],
        "long": [{"source": ("aws.s3",), "detail.x": ("z" * 300,)}],
    }
    with pytest.raises(TooLong, match=r"\d+ characters, at most 200 fit") as error:
        join(wanted, 200)
    assert error.value.members == ("long",)


def test_a_rule_never_multiplies_out_to_more_than_aws_takes() -> None:
    wanted: Wanted = {
        f"m{number}": [{"source": (f"aws.{number % 7}",), f"detail.p{number}": ("x",)}]
        for number in range(1500)
    }
    rules = join(wanted, 60_000, ENVELOPE, GUARD)
    assert all(problems(rule.pattern) == [] for rule in rules)
    assert sum(len(rule.members) for rule in rules) == 1500


@pytest.mark.parametrize(
    "paths",
    [
        [[f"p{number}" for number in range(count)] for count in range(1, 256)],
        [[".".join(["a"] * depth)] for depth in (2, 60, 64, 65, 200)],
        [["detail." + ".".join("abc") + f".{n}", "detail.a", "detail.a.b"] for n in range(40)],
    ],
    ids=["a long chain of subsets", "paths that lead deep", "paths through one another"],
)
def test_no_shape_of_patterns_runs_out_of_stack(paths: list[list[str]]) -> None:
    wanted: Wanted = {
        f"m{number}": [dict.fromkeys(some, ("x",))] for number, some in enumerate(paths)
    }
    rules = join(wanted, UNLIMITED)
    assert all(problems(rule.pattern) == [] for rule in rules)
    found = [one for rule in rules for one in carried(rule)]
    assert atoms(found) == atoms(one for several in wanted.values() for one in several)


def test_a_path_too_deep_for_any_rule_is_too_long() -> None:
    with pytest.raises(TooLong) as error:
        join({"deep": [{".".join(["a"] * 5000): ("x",)}]}, PATTERN_LIMIT)
    assert error.value.members == ("deep",)


def test_the_built_in_detections_need_four_rules_at_most_and_one_apart() -> None:
    rules = forwards(config.load().shape)
    assert 2 <= len([rule for rule in rules if not rule.apart]) <= 4
    assert len([rule for rule in rules if rule.apart]) == 1


def test_every_pack_together_needs_nine() -> None:
    known = config.load(whole=True)
    everything = shapes.watching(*known.catalogue.detections.values())
    assert 2 <= len(forwards(everything)) <= 9
