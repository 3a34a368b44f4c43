"""Laws that no policy can break."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

import generator.simulation.authorization as package
from generator.simulation.authorization import Caller, Policies, Request, decide
from generator.simulation.authorization.context import Given

from .ask import BUS, CENTRAL, KEY, MEMBER, QUEUE, identity, on, trust

ROLE = f"arn:aws:iam::{CENTRAL}:role/r"
TARGET = f"arn:aws:iam::{CENTRAL}:role/target"
CALLERS = [
    Caller.role_session(ROLE, "x", organization="o-a1b2c3d4e5"),
    Caller.role_session(f"arn:aws:iam::{MEMBER}:role/r", "x", organization="o-a1b2c3d4e5"),
    Caller.user(f"arn:aws:iam::{CENTRAL}:user/u"),
    Caller.user(f"arn:aws:iam::{MEMBER}:user/u", organization="o-other1234"),
    Caller.root(CENTRAL),
    Caller.root(MEMBER),
    Caller.aws_service("events.amazonaws.com"),
    Caller.anonymous(),
]
ASKED = [
    ("sqs:SendMessage", QUEUE),
    ("events:PutEvents", BUS),
    ("kms:Decrypt", KEY),
    ("sts:AssumeRole", TARGET),
]

Statement = dict[str, Any]

actions = st.sampled_from(
    ["*", "*", "*", "sqs:*", "sqs:SendMessage", "events:Put*", "kms:*", "sts:AssumeR*"]
)
resources = st.sampled_from(["*", "*", "*", QUEUE, BUS, KEY, "arn:aws:sqs:*", TARGET])
principals = st.sampled_from(
    [
        "*",
        {"AWS": CENTRAL},
        {"AWS": MEMBER},
        {"AWS": ROLE},
        {"AWS": [caller.arn for caller in CALLERS if caller.kind == "role session"]},
        {"AWS": [f"arn:aws:iam::{MEMBER}:user/u", f"arn:aws:iam::{CENTRAL}:root"]},
        {"Service": "events.amazonaws.com"},
    ]
)
operators = st.sampled_from(
    [
        "StringEquals",
        "StringNotEquals",
        "StringLikeIfExists",
        "StringNotLike",
        "ForAnyValue:StringEquals",
        "ForAllValues:StringNotEquals",
    ]
)
keys = st.sampled_from(["aws:PrincipalOrgID", "aws:SourceAccount", "AWS:SourceAccount"])
values = st.sampled_from(["o-a1b2c3d4e5", MEMBER, "*", "${aws:PrincipalAccount}"])
conditions = st.dictionaries(
    operators,
    st.dictionaries(keys, values | st.lists(values, min_size=1, max_size=2), min_size=1),
    max_size=2,
)
contexts: st.SearchStrategy[dict[str, Given]] = st.dictionaries(
    st.just("aws:SourceAccount"), st.sampled_from([MEMBER, CENTRAL])
)
effects = st.sampled_from(["Allow"] * 7 + ["Deny"])


@st.composite
def statements(draw: st.DrawFn, kind: str, effect: st.SearchStrategy[str] = effects) -> Statement:
    action = draw(st.sampled_from(["Action", "Action", "NotAction"]))
    made: Statement = {
        "Effect": draw(effect),
        action: draw(actions),
        "Condition": draw(st.just({}) | st.just({}) | conditions),
    }
    if kind != "trust":
        made[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(resources)
    if kind != "identity":
        principal = draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))
        made[principal] = draw(principals)
    return made


MAKE = {"identity": identity, "resource": on, "trust": trust}
Case = tuple[Request, dict[str, list[Statement]]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A request, and the statements of every policy that may have a say in it."""
    caller = draw(st.sampled_from(CALLERS))
    action, resource = draw(st.sampled_from(ASKED))
    slots = ["resource"]
    if caller.account:
        slots.append("scp")
    if caller.kind in ("role session", "user"):
        slots += ["identity", "boundary"]
    said: dict[str, list[Statement]] = {}
    for slot in slots:
        some = st.lists(statements(_kind(slot, action)), min_size=1, max_size=3)
        # Often no limit at all; else hardly anybody would ever be allowed anything.
        said[slot] = draw(st.just([]) | some if slot in ("boundary", "scp") else some)
    return Request(caller, action, resource, draw(contexts)), said


def _kind(slot: str, action: str) -> str:
    if slot != "resource":
        return "identity"
    return "trust" if action.lower().startswith("sts:") else "resource"


def decided(request: Request, said: dict[str, list[Statement]]) -> bool:
    made = {
        slot: MAKE[_kind(slot, request.action)](*content)
        for slot, content in said.items()
        if content
    }
    policies = Policies(
        identity=(made["identity"],) if "identity" in made else (),
        boundary=made.get("boundary"),
        scps=((made["scp"],),) if "scp" in made else (),
        resource=made.get("resource"),
    )
    decision = decide(request, policies)
    assert decision.because
    return decision.allowed


def added(
    data: st.DataObject, case: Case, effect: str, *, to_new_policy: bool
) -> dict[str, list[Statement]]:
    """The same statements and one more, somewhere."""
    request, said = case
    # A first Allow in a boundary or service control policy creates the limit; that is no addition.
    slots = [slot for slot, content in said.items() if content or to_new_policy]
    assume(slots)
    slot = data.draw(st.sampled_from(slots))
    more = data.draw(statements(_kind(slot, request.action), st.just(effect)))
    return {**said, slot: [*said[slot], more]}


@settings(deadline=None, max_examples=160)
@given(cases(), st.data())
def test_adding_a_deny_never_allows(case: Case, data: st.DataObject) -> None:
    if decided(case[0], added(data, case, "Deny", to_new_policy=True)):
        assert decided(*case)


@settings(deadline=None, max_examples=160)
@given(cases(), st.data())
def test_adding_an_allow_never_denies(case: Case, data: st.DataObject) -> None:
    if decided(*case):
        assert decided(case[0], added(data, case, "Allow", to_new_policy=False))


@settings(deadline=None, max_examples=120)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_statements_does_not_matter(case: Case, random: Any) -> None:
    request, said = case
    shuffled = {slot: random.sample(content, len(content)) for slot, content in said.items()}
    assert decided(request, shuffled) is decided(request, said)


@settings(deadline=None, max_examples=120)
@given(cases())
def test_without_any_allow_nobody_but_root_is_allowed(case: Case) -> None:
    request, said = case
    assume(request.caller.kind != "root")
    denials = {
        slot: [statement for statement in content if statement["Effect"] == "Deny"]
        for slot, content in said.items()
    }
    assert not decided(request, denials)


@settings(deadline=None, max_examples=120)
@given(cases())
def test_the_case_of_actions_and_keys_does_not_matter(case: Case) -> None:
    request, said = case
    loud = replace(
        request,
        action=request.action.upper(),
        context={key.upper(): value for key, value in request.context.items()},
    )
    assert decided(loud, said) is decided(request, said)


@settings(deadline=None, max_examples=120)
@given(cases())
def test_asking_twice_gives_the_same_answer(case: Case) -> None:
    assert decided(*case) is decided(*case)


def test_the_package_needs_the_standard_library_only() -> None:
    for file in Path(str(package.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [str(node.module)]
            else:
                continue
            for name in names:
                assert name.partition(".")[0] in sys.stdlib_module_names, f"{file.name}: {name}"
