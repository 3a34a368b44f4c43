"""Names are unique where they must be, fit AWS's limits at their longest, and follow the prefix."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import catalogue, config, documents, handlers, limits, names
from generator.model import Json, Mistake
from generator.render import render
from tests.conftest import configured
from tests.test_documents import JSON_VALUES

LONGEST_PREFIX = "a123456789-12345"
LONGEST_TARGET = "t23456789-123456789-123456789-1"
LONGEST_DETECTION = "d" * 45
LONGEST_QUEUE = "Q" * 66

prefixes = st.from_regex(names.PREFIX_FORM, fullmatch=True)
target_names = st.from_regex(names.TARGET_FORM, fullmatch=True)
detection_names = st.from_regex(names.DETECTION_FORM, fullmatch=True)


LOGICAL: list[tuple[tuple[str, ...], str]] = [
    (("consoleme-denies", "queue"), "ConsolemeDeniesQueue"),
    (("cloudtrail_logging_stopped", "rule"), "CloudtrailLoggingStoppedRule"),
    (("a--b", "", "c-"), "ABC"),
    (("topic", "readerRole2"), "TopicReaderRole2"),
]


@pytest.mark.parametrize(("words", "expected"), LOGICAL)
def test_a_logical_id_is_its_words_joined(words: tuple[str, ...], expected: str) -> None:
    assert names.logical(*words) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (0, ("MailEmail",)),  # for whoever fills it in in the console
        (1, ("MailEmail",)),
        (3, ("MailEmail1", "MailEmail2", "MailEmail3")),
    ],
)
def test_a_list_has_a_parameter_for_each_of_its_values(
    values: int, expected: tuple[str, ...]
) -> None:
    assert names.parameters("mail", "emails", values) == expected


def test_log_groups_of_events_lie_where_the_console_looks_for_them() -> None:
    assert names.event_log_group("trailbus", "journal") == "/aws/events/trailbus-journal"
    assert names.stream_log_group("trailbus", "all") == "/aws/kinesisfirehose/trailbus-all"
    assert names.stream_bucket("sensitive-events") == "SensitiveEventsBucket"


@given(st.lists(st.one_of(target_names, detection_names), min_size=1, max_size=3))
@settings(max_examples=80)
def test_a_logical_id_is_what_cloudformation_takes(words: list[str]) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]{0,254}", names.logical(*words))


@given(target_names, target_names)
@settings(max_examples=120)
def test_names_share_a_logical_id_only_if_they_are_alike_but_for_hyphens(a: str, b: str) -> None:
    if names.logical(a) == names.logical(b):
        assert a.replace("-", "") == b.replace("-", "")


# Few letters and the words that our own resources end in, so that what collides is often drawn.
_close = st.from_regex(r"[ab]{2}(-?[1b]{1,2}){0,2}(-(queue|role|rule|topic|log))?", fullmatch=True)


@given(
    st.dictionaries(
        _close | st.sampled_from(["bus", "archive", "memory", "undelivered", "alarms", "reports"]),
        st.sampled_from(
            [
                "{kind: queue}",
                "{kind: queue, through: topic}",
                "{kind: queue, queue_name: trailbus-ab}",
                "{kind: responder, responder: restart_cloudtrail}",
            ]
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=40)
def test_targets_never_share_a_name_unless_somebody_is_told(targets: dict[str, str]) -> None:
    text = "detections: {packs: [], include: [cloudtrail_logging_stopped]}\ntargets:\n"
    text += "".join(f"  {name}: {target}\n" for name, target in targets.items())
    text += f"routes: [{{severity: [critical], to: [{', '.join(targets)}]}}]\n"
    with TemporaryDirectory() as folder:
        files, told = _rendered(Path(folder), text)
    assert all("would share the " in fault or " twice" in fault for fault in told)
    assert bool(told) is not bool(files)
    if told:
        return
    for name in (names.CENTRAL, names.MEMBER_ROLES, names.MEMBER_RULES):
        (document,) = documents.parse(name, files[name])  # which refuses a key given twice
        template = document.value
        assert len(template["Resources"]) == files[name].count("\n    Type: AWS::")
        physical = list(_physical_names(template))
        assert len(set(physical)) == len(physical), name


def _rendered(folder: Path, text: str) -> tuple[dict[str, str], list[str]]:
    try:
        return render(configured(folder, text).shape), []
    except Mistake as mistake:
        return {}, [problem.fault for problem in mistake.problems]


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (["tool_1", "tool1"], True),
        (["tool_1", "tool_2"], False),
    ],
)
def test_detections_that_would_share_a_logical_id_are_told(
    ids: list[str], told: bool, tmp_path: Path
) -> None:
    _own_detections(tmp_path / "own", *ids)
    text = (
        "detections: {packs: [], folders: [own]}\ntargets: {here: {kind: queue}}\n"
        f"routes: [{{detections: [{', '.join(ids)}], to: [here]}}]\n"
    )
    shape = configured(tmp_path, text).shape
    if told:
        with pytest.raises(Mistake, match="'Tool1Rule' twice; rename a target or a detection"):
            render(shape)
    else:
        assert "Tool2Rule" in render(shape)[names.CENTRAL]


def _own_detections(folder: Path, *ids: str) -> None:
    folder.mkdir()
    source = catalogue.BUILT_IN / "tamper" / "cloudtrail_logging_stopped.yaml"
    for name in ids:
        (folder / f"{name}.yaml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")


_NAME_KEYS = {
    "AWS::CloudWatch::Alarm": ("AlarmName", 255, r"[ -~]+"),
    "AWS::DynamoDB::Table": ("TableName", 255, r"[A-Za-z0-9_.-]{3,}"),
    "AWS::Events::Archive": ("ArchiveName", 48, r"[.A-Za-z0-9_-]+"),
    "AWS::Events::EventBus": ("Name", 256, r"[/.A-Za-z0-9_-]+"),
    "AWS::Events::Rule": ("Name", 64, r"[.A-Za-z0-9_-]+"),
    "AWS::IAM::Role": ("RoleName", 64, r"[\w+=,.@-]+"),
    "AWS::KMS::Alias": ("AliasName", 256, r"alias/[a-zA-Z0-9/_-]+"),
    "AWS::Lambda::Function": ("FunctionName", 64, r"[a-zA-Z0-9_-]+"),
    "AWS::Logs::LogGroup": ("LogGroupName", 512, r"[.A-Za-z0-9/#_-]+"),
    "AWS::SNS::Topic": ("TopicName", 256, r"[A-Za-z0-9_-]+"),
    "AWS::SQS::Queue": ("QueueName", 80, r"[A-Za-z0-9_-]+"),
    "AWS::SSM::Parameter": ("Name", 1011, r"(?!/(aws|ssm))/[A-Za-z0-9_./-]+"),
}
"""Written down here again, from AWS's pages: not what limits.py says of itself."""


def _physical_names(template: dict[str, Json]) -> Iterator[tuple[str, str]]:
    for resource in template["Resources"].values():
        kind = resource["Type"]
        if kind in _NAME_KEYS:
            yield kind, resource["Properties"][_NAME_KEYS[kind][0]]


def test_every_name_fits_at_its_longest(tmp_path: Path) -> None:
    _own_detections(tmp_path / "own", LONGEST_DETECTION)
    queues = [f"{LONGEST_TARGET[:-1]}{number}" for number in range(2, 8)]
    text = f"name_prefix: {LONGEST_PREFIX}\ndetections: {{packs: [], folders: [own]}}\ntargets:\n"
    text += f"  {LONGEST_TARGET}: {{kind: responder, responder: restart_cloudtrail}}\n"
    text += f"  named: {{kind: queue, queue_name: {LONGEST_QUEUE}}}\n"
    roles = [f'"arn:aws:iam::11112222333{number}:role/R"' for number in range(10)]
    for queue in queues:
        text += f"  {queue}: {{kind: queue, through: topic, readers: [{', '.join(roles)}]}}\n"
    text += f"routes: [{{packs: [own], to: [{LONGEST_TARGET}, named, {', '.join(queues)}]}}]\n"
    files = render(configured(tmp_path, text).shape)
    seen = set()
    everywhere: list[tuple[str, str]] = []
    for name in (names.CENTRAL, names.MEMBER_ROLES, names.MEMBER_RULES):
        template = yaml.safe_load(files[name])
        everywhere += _physical_names(template)
        for kind, physical in _physical_names(template):
            key, longest, form = _NAME_KEYS[kind]
            assert len(physical) <= longest, (kind, key, physical)
            assert re.fullmatch(form, physical), (kind, key, physical)
            seen.add(kind)
        for title in template["Resources"]:
            assert re.fullmatch(r"[A-Za-z0-9]{1,255}", title)
        assert limits.problems(name, files[name], template) == []
    assert seen == set(_NAME_KEYS)
    assert len(set(everywhere)) == len(everywhere)  # the central account is a member too
    assert f"Name: {LONGEST_PREFIX}-{LONGEST_DETECTION}-2\n" in files[names.CENTRAL]


@pytest.mark.parametrize("folder", handlers.folders(), ids=lambda folder: folder.name)
def test_the_role_of_every_responder_fits_at_the_longest_prefix(folder: Path) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", folder.name)
    assert len(names.member_role(LONGEST_PREFIX, folder.name)) <= 64


_PREFIXED: list[Callable[[str], str]] = [
    names.bus,
    names.archive,
    names.undelivered_queue,
    names.unforwarded_queue,
    names.memory_table,
    names.alarm_topic,
    names.report_topic,
    names.forwarder_role,
    names.central_stack,
    lambda prefix: names.central_rule(prefix, "detection"),
    lambda prefix: names.central_rule(prefix, "detection", 2),
    lambda prefix: names.queue(prefix, "target"),
    lambda prefix: names.dead_letter_queue(names.queue(prefix, "target")),
    lambda prefix: names.topic(prefix, "target"),
    lambda prefix: names.function(prefix, "target"),
    lambda prefix: names.function_role(prefix, "target"),
    lambda prefix: names.reader_role(prefix, "target"),
    lambda prefix: names.writer_role(prefix, "target"),
    lambda prefix: names.member_role(prefix, "do_something"),
    lambda prefix: names.forwarding_rule(prefix, reads=True),
    lambda prefix: names.forwarding_rule(prefix, reads=False, part=2),
    lambda prefix: names.stack_set(prefix, "rules"),
    lambda prefix: names.artifact_bucket(prefix, "111122223333", "us-east-1"),
]


@given(prefixes)
@settings(max_examples=20)
def test_what_is_ours_begins_with_the_prefix(prefix: str) -> None:
    for name in _PREFIXED:
        assert name(prefix) == prefix or name(prefix).startswith(f"{prefix}-")
    assert names.remediation_switch(prefix).startswith(f"/{prefix}/")
    distinct = [name(prefix) for name in _PREFIXED]
    # A function and a queue of one target have one name; they are different kinds of things.
    assert len(set(distinct)) == len(distinct) - 2


def test_names_of_stacks_and_buckets_fit_at_their_longest() -> None:
    stack = r"[a-zA-Z][a-zA-Z0-9-]{0,127}"
    assert re.fullmatch(stack, names.central_stack(LONGEST_PREFIX))
    for part in ("roles", "rules", "management"):
        assert re.fullmatch(stack, names.stack_set(LONGEST_PREFIX, part))
    bucket = names.artifact_bucket(LONGEST_PREFIX, "111122223333", "ap-southeast-99")
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", bucket)


def test_no_two_roles_of_the_central_account_have_one_name() -> None:
    # The central account is a member: functions, readers and member roles live there together.
    targets, prefix = ["block", "block-member", "forwarder", "restart-cloudtrail"], "p1"
    made = [names.forwarder_role(prefix)]
    made += [names.function_role(prefix, target) for target in targets]
    made += [names.reader_role(prefix, target) for target in targets]
    made += [names.delivery_role(prefix, target) for target in targets]
    made += [names.writer_role(prefix, target) for target in targets]
    made += [names.member_role(prefix, folder.name) for folder in handlers.folders()]
    for one, other in combinations(made, 2):
        assert one != other


PREFIXES: list[tuple[str, bool]] = [
    ("trailbus", True),
    ("ab", True),
    ("a-1", True),
    ("a" * 16, True),
    ("a" * 17, False),
    ("a", False),
    ("1a", False),
    ("a-", False),
    ("Ab", False),
    ("a_b", False),
    ("a.b", False),
    ("", False),
    ("default", False),  # the bus of that name is AWS's own
    ("defaults", True),
    ("aws-events", False),  # SSM takes no parameter that begins so
    ("ssm", False),
]


@pytest.mark.parametrize(("prefix", "taken"), PREFIXES)
def test_a_prefix_is_taken_when_all_names_made_of_it_are(prefix: str, taken: bool) -> None:
    assert bool(re.fullmatch(names.PREFIX_FORM, prefix)) is taken
    schema = config.json_schema()["properties"]["name_prefix"]["pattern"]
    assert bool(re.search(schema, prefix)) is taken


TARGETS: list[tuple[str, bool]] = [
    ("slack", True),
    ("consoleme-denies", True),
    ("t" * 31, True),
    ("t" * 32, False),
    ("t", False),
    ("-t", False),
    ("t-", False),
    ("T1", False),
    ("t_1", False),
]


@pytest.mark.parametrize(("name", "taken"), TARGETS)
def test_a_target_has_a_short_name_in_lower_case(name: str, taken: bool) -> None:
    assert bool(re.fullmatch(names.TARGET_FORM, name)) is taken


def test_the_prefix_is_put_in_everywhere() -> None:
    given: Json = {
        "a": ["${name_prefix}", {"prefix": "${name_prefix}-"}, 1, None, True],
        "${name_prefix}": "x${name_prefix}${name_prefix}",
        "b": "${other}",
    }
    assert names.with_prefix(given, "p1") == {
        "a": ["p1", {"prefix": "p1-"}, 1, None, True],
        "${name_prefix}": "xp1p1",
        "b": "${other}",
    }
    assert given["a"][0] == "${name_prefix}"


@given(JSON_VALUES, prefixes)
@settings(max_examples=50)
def test_what_names_no_prefix_stays_as_it_is(value: Json, prefix: str) -> None:
    assert names.with_prefix(value, prefix) == value
