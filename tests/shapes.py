"""Shapes of every kind to render, and what CloudFormation would make of the templates."""

from __future__ import annotations

import importlib.util
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import yaml
from hypothesis import strategies as st

from generator import config, names
from generator.model import (
    NOTHING,
    SEVERITIES,
    Catalogue,
    Detection,
    Json,
    Responder,
    Setting,
    Shape,
)
from generator.options import KINDS
from generator.render import render
from generator.schema import Duration, Form, Integer, ListOf, Record, Text, said_as_duration
from generator.simulation.authorization import (
    Caller,
    Policies,
    Policy,
    Request,
    decide,
    identity_policy,
    resource_policy,
    trust_policy,
)
from generator.simulation.authorization.context import Given

API_CALL = "AWS API Call via CloudTrail"
MEMBERS = (names.MEMBER_ROLES, names.MEMBER_RULES)
UPLOADS = (names.ORGANIZATION, names.MANAGEMENT)
TEMPLATES = (names.CENTRAL, *MEMBERS, *UPLOADS, names.INTAKE)

BUILT = tuple(
    kind for kind in KINDS if importlib.util.find_spec(f"generator.targets.{kind}") is not None
)
"""The kinds of target that can be rendered: a new module in generator/targets joins by itself."""


# --- Detections and responders that nobody wrote


def detection(name: str, detail: Mapping[str, Json], **more: Any) -> Detection:
    """A user's detection of API calls with this detail."""
    pattern = {"source": ["aws.s3", "aws.iam"], "detail-type": [API_CALL], "detail": dict(detail)}
    told: dict[str, Any] = {
        "pack": "own",
        "title": "Something happened",
        "severity": "medium",
        "why": "It matters.",
        "pattern": pattern,
        "file": f"own/{name}.yaml",
    }
    return Detection(id=name, **{**told, **more})


_ODD_PINS: Mapping[str, Mapping[str, Json]] = {
    "read_only_true": {"readOnly": [True]},
    "read_only_false": {"readOnly": [False]},
    "read_only_as_text": {"readOnly": ["true", "false"]},
    "read_only_any": {"readOnly": [{"exists": True}]},
    "read_only_absent": {"readOnly": [{"exists": False}]},
    "read_only_zero": {"readOnly": [0]},
    "read_only_but_true": {"readOnly": [{"anything-but": ["true"]}, False]},
    "management_true": {"managementEvent": [True]},
    "management_false": {"managementEvent": [False]},
    "management_any": {"managementEvent": [{"exists": True}]},
    "management_absent": {"managementEvent": [{"exists": False}]},
    "management_but_text": {"managementEvent": [{"anything-but": ["false"]}]},
    "category_management": {"eventCategory": ["Management"]},
    "category_data": {"eventCategory": ["Data", "Insight"]},
    "category_any": {"eventCategory": [{"exists": True}]},
    "category_absent": {"eventCategory": [{"exists": False}]},
    "category_but_management": {"eventCategory": [{"anything-but": "Management"}]},
    "category_but_data": {"eventCategory": [{"anything-but": ["Data"]}]},
    "category_but_one": {"eventCategory": [{"anything-but": "Insight"}, "Management"]},
    "category_prefix": {"eventCategory": [{"prefix": "Ma"}, {"prefix": "Network"}]},
    "category_but_prefix": {"eventCategory": [{"anything-but": {"prefix": "Da"}}]},
    "category_any_case": {"eventCategory": [{"equals-ignore-case": "management"}, "Data"]},
    "read_data_event": {"readOnly": [True], "eventCategory": ["Data", "Management"]},
    "all_three": {
        "readOnly": [{"exists": True}],
        "managementEvent": [True, False],
        "eventCategory": [{"anything-but": ["Data"]}],
    },
    "pins_in_or": {
        "$or": [
            {"readOnly": [True], "eventName": [{"prefix": "Get"}]},
            {"eventCategory": ["Insight", "Management"]},
            {"eventName": ["PutObject"]},
        ]
    },
}
"""Conditions on the very fields by which rules tell read-only management events apart."""

_HOSTILE = 'Say "hi" <aws.events.event> \\n\n\t<b>’ü😀\u2028 $ {AWS::AccountId} <x> {{y}} \''


@lru_cache(maxsize=1)
def invented() -> Mapping[str, Detection]:
    """A user's own detections, odd in every way that is allowed."""
    made = [
        detection(f"odd_{name}", {"eventName": [{"prefix": "Get"}, {"prefix": "Put"}], **pins})
        for name, pins in _ODD_PINS.items()
    ]
    made += [
        detection(f"odd_reading_{name}", pins, read_only=True)
        for name, pins in list(_ODD_PINS.items())[::6]
    ]
    made += [
        detection("odd_in_words", {"eventName": ["PutObject"]}, title=_HOSTILE[:90], why=_HOSTILE),
        detection("odd_field", {"requestParameters": {"prefix": ["x"], "$or": _BRANCHES}}),
        detection("odd_crossing", {"requestParameters": [{"exists": False}], **_CROSSING}),
        detection("odd_codes", {"errorCode": [f"Code{n:03d}" for n in range(150)]}),
        detection("odd_number", {"requestParameters": {"n": [{"numeric": [">", 0, "<=", 5]}, 7]}}),
        detection(
            "odd_account", {"eventName": ["PutObject"]}, pattern=_pattern(account=["333333333333"])
        ),
        detection(
            "odd_region", {}, pattern=_pattern(region=[{"prefix": "eu-"}]), severity="critical"
        ),
        detection("odd_finding", {}, pattern=_FINDING, severity="high"),
        detection("odd_reading_finding", {}, pattern=_FINDING, read_only=True),
        detection(
            "odd_denials",
            {},
            pattern={
                "source": [{"prefix": "aws."}],
                "detail-type": [API_CALL, "AWS Service Event via CloudTrail"],
                "detail": {"errorCode": [{"wildcard": "*Denied*"}]},
            },
        ),
    ]
    return {one.id: one for one in made}


_BRANCHES = [{"suffix_": ["y"]}, {"numeric_": [1]}]
_CROSSING = {"requestParameters.x": [{"exists": False}], "userIdentity.type": ["Root"]}
_FINDING = {"source": ["aws.guardduty"], "detail-type": ["GuardDuty Finding"]}


def _pattern(**more: Json) -> dict[str, Json]:
    return {"source": ["aws.s3"], "detail-type": [API_CALL], **more}


INVENTED_RESPONDERS = (
    Responder(
        id="sing_song",
        title="Sing about it",
        does="Changes nothing.",
        code="def handler(event, context):\n    return {'batchItemFailures': []}\n",
        timeout=3,
        settings=(Setting("channel", "string", "", "where to sing", place=True),),
        file="lambda/sing_song/responder.yaml",
    ),
    Responder(
        id="move_mountain",
        title="Move the mountain",
        does="Moves it.",
        code="def handler(event, context):\n    return {}\n",
        modes=("observe", "enforce"),
        default_mode="observe",
        timeout=900,
        memory=1024,
        remembers=True,
        member_permissions=(
            {
                "sid": "Move",
                "actions": ["ec2:CreateTags"],
                "resources": ["arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:instance/*"],
                "conditions": {"StringEquals": {"aws:TagKeys": ["mountain"]}},
                "why_star": "Any instance.",
            },
        ),
        central_permissions=(
            {
                "sid": "ReadAccounts",
                "actions": ["organizations:DescribeAccount"],
                "resources": ["*"],
                "conditions": {},
                "why_star": "Accounts of the organization cannot be listed here.",
            },
        ),
        settings=(
            Setting("height", "integer", 7, "how high"),
            Setting("valleys", "list", ["a"], "which valleys", place=True),
        ),
        file="lambda/move_mountain/responder.yaml",
    ),
)


# --- Configurations to shapes


@lru_cache(maxsize=1)
def known() -> Catalogue:
    """Every built-in detection and responder, and the responders that nobody wrote."""
    found = config.load(whole=True).catalogue
    responders = {one.id: one for one in INVENTED_RESPONDERS} | dict(found.responders)
    return found._replace(responders=dict(sorted(responders.items())))


def shape_of(configuration: Mapping[str, Json], own: Iterable[Detection] = ()) -> Shape:
    """The shape that a configuration file gives, with these detections in the user's folders."""
    theirs = {one.id: one for one in own}
    catalogue = known()._replace(
        detections=dict(sorted({**known().detections, **theirs}.items())),
        packs=dict(sorted({**known().packs, **dict.fromkeys(theirs, "own")}.items())),
        own=frozenset(theirs),
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / MACHINE).write_text(json.dumps(A_MACHINE), encoding="utf-8")
        file = Path(folder) / "trailbus.yaml"
        file.write_text(json.dumps(_with_archive(configuration)), encoding="utf-8")
        with patch("generator.catalogue.read", return_value=catalogue):
            return config.load(file).shape


MACHINE = "their.asl.json"
A_MACHINE: Mapping[str, Json] = {
    "StartAt": "Tell",
    "States": {
        "Tell": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::sns:publish",
            "Parameters": {"TopicArn": "${ReportTopicArn}", "Message": "in ${Region}"},
            "End": True,
        }
    },
}
"""A state machine that a user might have."""


def values(form: Form) -> tuple[Json, ...]:
    """What a configuration may say for an option: every choice, bounds, none and several.

    Empty where only the default is certain to be right.
    """
    if isinstance(form, Text):
        if form.choices:
            return form.choices
        fitting = [one for one in _SAMPLES if form.pattern and re.fullmatch(form.pattern, one)]
        words = [one for one in fitting if one.startswith("their-")]
        return tuple(words or fitting)
    if isinstance(form, Duration):
        between = 86_400 if form.units == "d" else 90
        lengths = (form.least, form.least + between, form.most)
        return form.choices or tuple(map(said_as_duration, lengths))
    if isinstance(form, Integer):
        return (form.least, form.most)
    if isinstance(form, ListOf):
        inner = values(form.item)
        return ([], list(inner[:1]), list(inner[:2]))
    if isinstance(form, Record):
        full = {name: options[-1] for name, one in form.fields.items() if (options := values(one))}
        return ({}, full)
    return ()


_SAMPLES = (
    "111122223333",
    "arn:aws:iam::444455556666:role/ConsoleMe",
    "arn:aws:iam::777788889999:role/team/reader",
    "someone@example.com",
    "others@example.org",
    "https://example.com/hook",
    "their-queue",
    "their-other_Queue",
    "team/secret",
    "arn:aws:lambda:eu-west-1:222222222222:function:theirs",
    "arn:aws:iam::222222222222:policy/boundary",
    "arn:aws:iam::222222222222:oidc-provider/app.sekoia.io/api/v1/symphony/oidc",
    "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
    "eu-central-1",
    "01234567-89ab-cdef-0123-456789abcdef",
    "SEC2",
)

_UNIQUE = ("queue_name", "topic_name")
"""Options that name something: two targets cannot say the same."""


def variations(kind: str) -> list[dict[str, Json]]:
    """Targets of this kind that between them say everything that can be said of one."""
    made: list[dict[str, Json]] = [{"kind": kind, "body": body} for body in KINDS[kind].bodies]
    for option, form in KINDS[kind].options.items():
        if option in ("responder", "settings", "mode"):
            continue
        made += [{"kind": kind, option: value} for value in values(form)]
    made += [{"kind": kind, **together} for together in _TOGETHER.get(kind, ())]
    told = {json.dumps(_completed(one), sort_keys=True): one for one in made if _go_together(one)}
    made = list(told.values())
    if kind != "responder":
        return [one for number, one in enumerate(made) if _says_new(one, made[:number])]
    several: list[dict[str, Json]] = []
    # Who has modes comes first, and of these who has the least code.
    known_ones = known().responders.values()
    for responder in sorted(known_ones, key=lambda one: (not one.modes, len(one.code))):
        modes: list[dict[str, Json]] = [{"mode": mode} for mode in responder.modes]
        # Every option of one of them in one mode, every mode of each with no option: each carries
        # its code, and all of everything would be more than a template can hold.
        pairs = [(one, modes[0] if modes else {}) for one in (made[:1] if several else made)]
        pairs += [(made[0], mode) for mode in modes[1:]]
        reads = {"settings": {responder.reads: ARCHIVE}} if responder.reads else {}
        several += [{**one, **mode, **reads, "responder": responder.id} for one, mode in pairs]
    return several


ARCHIVE = "the-archive"
"""The stream that responders read which read one: it is there wherever one of them is."""


def _with_archive(configuration: Mapping[str, Json]) -> Mapping[str, Json]:
    """The configuration with the stream that its responders read, and without routes to those
    that a schedule wakes."""
    targets = dict(configuration.get("targets", {}))
    woken = {
        name
        for name, one in targets.items()
        if one["kind"] == "responder" and known().responders[one["responder"]].schedule
    }
    if not woken:
        return configuration
    routes = [
        {**route, "to": [name for name in route["to"] if name not in woken]}
        for route in configuration.get("routes", [])
    ]
    if any(ARCHIVE in targets[name].get("settings", {}).values() for name in woken):
        targets[ARCHIVE] = {"kind": "stream", "body": "notice"}
        routes.append({"severity": list(SEVERITIES), "to": [ARCHIVE]})
    return {**configuration, "targets": targets, "routes": [one for one in routes if one["to"]]}


_TOGETHER: Mapping[str, tuple[Mapping[str, Json], ...]] = {
    "api_destination": (
        {"format": "jira", "auth": "basic", "endpoint": "https://example.com/rest/api/2/issue"},
        {"format": "servicenow", "auth": "oauth", "token_endpoint": "https://example.com/token"},
        {"format": "slack", "endpoint": "https://example.com/hook", "rate": 1},
    ),
    "workflow": (
        {"definition": MACHINE},
        {"definition": MACHINE, "body": "event", "role": "arn:aws:iam::222222222222:role/theirs"},
        {"definition": MACHINE, "body": "detail"},
    ),
}
"""Options that are said together, or not at all."""


def _go_together(one: Mapping[str, Json]) -> bool:
    """Whether the options of a target are no mistake, taken together."""
    return not list(KINDS[one["kind"]].conflicts(_completed(one)))


def _completed(one: Mapping[str, Json]) -> dict[str, Json]:
    kind = KINDS[one["kind"]]
    return {**dict.fromkeys(kind.options, ""), **kind.defaults, "body": kind.body, **one}


def _says_new(one: Mapping[str, Json], others: Iterable[Mapping[str, Json]]) -> bool:
    """Whether no other target has the same value for an option that names something."""
    return all(one[name] != other.get(name) for name in _UNIQUE if name in one for other in others)


# --- Shapes by name

CONFIGURATIONS: dict[str, Callable[[], tuple[Mapping[str, Json], Iterable[Detection]]]] = {}


def _named(name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    def keep(make: Callable[[], Any]) -> Callable[[], Any]:
        CONFIGURATIONS[name] = make
        return make

    return keep


def _packs() -> list[str]:
    return sorted(set(known().packs.values()))


def routed(targets: Mapping[str, Json], **more: Json) -> dict[str, Json]:
    """A configuration with these targets, to all of which everything goes."""
    routes = [{"severity": list(SEVERITIES), "to": list(targets)}] if targets else []
    return {"targets": dict(targets), "routes": routes, **more}


def watching(*detections: Detection, **more: Any) -> Shape:
    """A shape of these detections, each of which goes somewhere."""
    wiring = {one.id: ("somewhere",) for one in detections}
    return shape("nothing enabled")._replace(detections=detections, wiring=wiring, **more)


@_named("built-in")
def _built_in() -> Any:
    return yaml.safe_load(config.DEFAULT.read_text(encoding="utf-8")), ()


@_named("nothing enabled")
def _nothing() -> Any:
    return {"detections": {"packs": []}}, ()


@_named("no targets")
def _no_targets() -> Any:
    return {"name_prefix": "ab", "detections": {"packs": _packs()}}, ()


@_named("user's own, odd in every way")
def _own() -> Any:
    targets = {"a": {"kind": "queue"}, "told": {"kind": "queue", "body": "notice"}}
    return routed({f"x{name}": one for name, one in targets.items()}), invented().values()


@_named("two speeds")
def _two_speed() -> Any:
    targets = {"findings": {"kind": "queue"}}
    return routed(targets, forwarding="two-speed"), invented().values()


@_named("all")
def _all() -> Any:
    return routed({"findings": {"kind": "queue"}}, forwarding="all"), invented().values()


def _every(kind: str) -> Any:
    targets = {f"{kind[:9].replace('_', '-')}-{n}x": one for n, one in enumerate(variations(kind))}
    prefix = "a-long-prefix-16"
    enabled = {"packs": [], "include": ["cloudtrail_logging_stopped", "consoleme_access_denied"]}
    return routed(targets, name_prefix=prefix, detections=enabled), [invented()["odd_in_words"]]


for _kind in BUILT:
    CONFIGURATIONS[f"everything that a {_kind} can be"] = partial(_every, _kind)


@lru_cache(maxsize=64)
def shape(name: str) -> Shape:
    """The shape of that name."""
    return shape_of(*CONFIGURATIONS[name]())


class Rendered(NamedTuple):
    """A shape's files, and its templates as CloudFormation reads them."""

    shape: Shape
    files: Mapping[str, str]
    templates: Mapping[str, dict[str, Json]]

    @property
    def prefix(self) -> str:
        return self.shape.name_prefix


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def rendering(of: Shape) -> Rendered:
    """A shape, rendered and read again."""
    files = render(of)
    parsed = {name: yaml.load(files[name], Loader=_LOADER) for name in TEMPLATES}  # noqa: S506
    return Rendered(of, files, parsed)


@lru_cache(maxsize=64)
def rendered(name: str) -> Rendered:
    """The shape of that name, rendered."""
    return rendering(shape(name))


# --- Shapes drawn


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Any prefix, packs, detections of the user's own, targets of any kind, and routes."""
    prefix = draw(st.sampled_from(("ab", "trailbus", "x9-y", "a-long-prefix-16")))
    packs = draw(st.lists(st.sampled_from(_packs()), max_size=2, unique=True))
    include = draw(st.lists(st.sampled_from(sorted(known().detections)), max_size=4, unique=True))
    own = draw(st.lists(st.sampled_from(sorted(invented())), max_size=5, unique=True))
    enabled = {name for name, pack in known().packs.items() if pack in packs} | {*include, *own}
    exclude: list[str] = []
    if enabled:
        exclude = draw(st.lists(st.sampled_from(sorted(enabled)), max_size=3, unique=True))
    targets: dict[str, dict[str, Json]] = {}
    routes: list[dict[str, Json]] = []
    spots = st.sampled_from([one for kind in BUILT for one in variations(kind)])
    for number, target in enumerate(draw(st.lists(spots, max_size=7))):
        if not _says_new(target, targets.values()):
            continue
        name = ("z9", "findings", "a-target-with-a-very-long-name")[number % 3] + "abcdefg"[number]
        targets[name] = target
        left = sorted(enabled - set(exclude))
        by_name: bool = draw(st.booleans())
        if left and by_name:
            some = draw(st.lists(st.sampled_from(left), min_size=1, max_size=3, unique=True))
            routes.append({"detections": some, "to": [name]})
        else:
            routes.append({"severity": list(SEVERITIES[number % 5 :]), "to": [name]})
    configuration = {
        "name_prefix": prefix,
        "forwarding": draw(st.sampled_from(("exact", "two-speed", "all"))),
        "detections": {"packs": packs, "include": include, "exclude": exclude},
        "targets": targets,
        "routes": routes,
    }
    return shape_of(configuration, [invented()[name] for name in own])


# --- What CloudFormation makes of a template

ORGANIZATION = "o-a1b2c3d4e5"
CENTRAL = "222222222222"
MEMBER = "333333333333"
MANAGEMENT = "111111111111"
STRANGER = "999999999999"


class Place(NamedTuple):
    """Where a stack is made."""

    account: str = CENTRAL
    region: str = "eu-west-1"
    partition: str = "aws"


AT_HOME = Place()
IN_MEMBER = Place(account=MEMBER)

NO_VALUE = object()

_SERVICES: Mapping[str, tuple[str, str, str]] = {
    "AWS::CloudFormation::StackSet": ("StackSetName", "cloudformation", "stackset/{name}"),
    "AWS::CloudTrail::Trail": ("TrailName", "cloudtrail", "trail/{name}"),
    "AWS::CloudWatch::Alarm": ("AlarmName", "cloudwatch", "alarm:{name}"),
    "AWS::DynamoDB::Table": ("TableName", "dynamodb", "table/{name}"),
    "AWS::Events::ApiDestination": ("Name", "events", "api-destination/{name}"),
    "AWS::Events::Archive": ("ArchiveName", "events", "archive/{name}"),
    "AWS::Events::Connection": ("Name", "events", "connection/{name}"),
    "AWS::Events::EventBus": ("Name", "events", "event-bus/{name}"),
    "AWS::Events::Rule": ("Name", "events", "rule/{name}"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", "iam", "policy{path}{name}"),
    "AWS::IAM::Role": ("RoleName", "iam", "role{path}{name}"),
    "AWS::KMS::Key": ("", "kms", "key/{name}"),
    "AWS::Kinesis::Stream": ("Name", "kinesis", "stream/{name}"),
    "AWS::KinesisFirehose::DeliveryStream": (
        "DeliveryStreamName",
        "firehose",
        "deliverystream/{name}",
    ),
    "AWS::Lambda::Function": ("FunctionName", "lambda", "function:{name}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs", "log-group:{name}:*"),
    "AWS::S3::Bucket": ("BucketName", "s3", "{name}"),
    "AWS::SNS::Topic": ("TopicName", "sns", "{name}"),
    "AWS::SQS::Queue": ("QueueName", "sqs", "{name}"),
    "AWS::SSM::Parameter": ("Name", "ssm", "parameter{name}"),
    "AWS::SecretsManager::Secret": ("Name", "secretsmanager", "secret:{name}-AbCdEf"),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", "states", "stateMachine:{name}"),
}
"""By type: the property with the physical name, and the ARN."""

_REF_IS_ARN = (
    "AWS::IAM::ManagedPolicy",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
)

REQUIRED = {
    names.ORGANIZATION_ID: ORGANIZATION,
    names.CENTRAL_ACCOUNT: CENTRAL,
    names.MANAGEMENT_ACCOUNT: MANAGEMENT,
}


@dataclass(frozen=True)
class Resource:
    """A resource that a stack made; its properties by name."""

    id: str
    type: str
    properties: Mapping[str, Any]
    metadata: Mapping[str, Any]
    arn: str

    def __getitem__(self, name: str) -> Any:
        return self.properties[name]


class Stack:
    """A template with its parameters filled in, every function of it computed."""

    def __init__(
        self,
        template: Mapping[str, Any],
        given: Mapping[str, str] = NOTHING,
        at: Place = AT_HOME,
        prefix: str = names.DEFAULT_PREFIX,
    ) -> None:
        self.template = template
        self.at = at
        bus = f"arn:{at.partition}:events:{at.region}:{CENTRAL}:event-bus/{prefix}"
        required = {**REQUIRED, names.CENTRAL_BUS_ARN: bus}
        self.parameters = {
            name: _value(name, declared, given.get(name), required)
            for name, declared in template.get("Parameters", {}).items()
        }

    @cached_property
    def resources(self) -> dict[str, Resource]:
        made = {}
        for name, declared in self.template["Resources"].items():
            if self.made(name):
                properties = self.resolved(declared.get("Properties", {}))
                metadata = declared.get("Metadata", {})
                made[name] = Resource(name, declared["Type"], properties, metadata, self.arn(name))
        return made

    def made(self, name: str) -> bool:
        """Whether the conditions let the resource be made."""
        condition = self.template["Resources"][name].get("Condition")
        return condition is None or self.holds({"Condition": condition})

    @cached_property
    def outputs(self) -> dict[str, Any]:
        return {
            name: self.resolved(output["Value"])
            for name, output in self.template.get("Outputs", {}).items()
            if "Condition" not in output or self.holds({"Condition": output["Condition"]})
        }

    @property
    def refused(self) -> bool:
        """Whether an assertion about the parameters or the Region lets the stack not be made."""
        return any(
            "RuleCondition" not in rule or self.holds(rule["RuleCondition"])
            for rule in self.template.get("Rules", {}).values()
            if not all(self.holds(one["Assert"]) for one in rule["Assertions"])
        )

    def of(self, *kinds: str) -> Iterator[Resource]:
        """The resources of these types."""
        for resource in self.resources.values():
            if resource.type in kinds:
                yield resource

    def by_arn(self, arn: str) -> Resource:
        """The resource with this ARN."""
        return next(one for one in self.resources.values() if one.arn == arn)

    def arn(self, name: str) -> str:
        """The ARN of a resource."""
        declared = self.template["Resources"][name]
        kind, properties = declared["Type"], declared.get("Properties", {})
        place = self.at
        if kind == "AWS::Events::Rule" and "EventBusName" in properties:
            physical = f"{self.resolved(properties['EventBusName'])}/{self.physical(name)}"
        else:
            physical = self.physical(name)
        _, service, form = _SERVICES.get(kind, ("", kind.split("::")[1].lower(), "{name}"))
        path = self.resolved(properties.get("Path", "/"))
        region, account = place.region, place.account
        if service in ("iam", "s3"):
            region, account = "", account if service == "iam" else ""
        resource = form.format(name=physical, path=path)
        return f"arn:{place.partition}:{service}:{region}:{account}:{resource}"

    def physical(self, name: str) -> str:
        """The physical name of a resource; what has none of its own is called by its logical id."""
        declared = self.template["Resources"][name]
        key = _SERVICES.get(declared["Type"], ("", "", ""))[0]
        return str(self.resolved(declared.get("Properties", {}).get(key, name)))

    def ref(self, name: str) -> Any:
        """What Ref gives."""
        if name in self.parameters:
            value = self.parameters[name]
            if self.template["Parameters"][name]["Type"] == "CommaDelimitedList":
                return [item.strip() for item in value.split(",")] if value else []
            return value
        pseudo = {
            "AWS::AccountId": self.at.account,
            "AWS::Region": self.at.region,
            "AWS::Partition": self.at.partition,
            "AWS::URLSuffix": "amazonaws.com" + ".cn" * (self.at.partition == "aws-cn"),
            "AWS::StackName": "stack",
            "AWS::StackId": f"arn:{self.at.partition}:cloudformation:::stack/stack/1",
            "AWS::NoValue": NO_VALUE,
        }
        if name in pseudo:
            return pseudo[name]
        kind = self.template["Resources"][name]["Type"]
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{self.at.region}.amazonaws.com/{self.at.account}/{self.physical(name)}"
        return self.arn(name) if kind in _REF_IS_ARN else self.physical(name)

    def attribute(self, name: str, attribute: str) -> Any:
        """What Fn::GetAtt gives; ARNs are exact, the rest only tells itself apart."""
        if attribute == "Arn":
            return self.arn(name)
        return f"{self.arn(name)}.{attribute}"

    def holds(self, condition: Any) -> bool:
        """Whether a condition of the template holds."""
        ((function, argument),) = condition.items()
        match function:
            case "Condition":
                return self.holds(self.template["Conditions"][argument])
            case "Fn::Not":
                return not self.holds(argument[0])
            case "Fn::And":
                return all(self.holds(one) for one in argument)
            case "Fn::Or":
                return any(self.holds(one) for one in argument)
            case "Fn::Equals":
                one, other = (str(self.resolved(each)) for each in argument)
                return one == other
            case "Fn::Contains":
                several, one = (self.resolved(each) for each in argument)
                return one in several
            case "Fn::EachMemberEquals":
                several, one = (self.resolved(each) for each in argument)
                return all(each == one for each in several)
            case "Fn::EachMemberIn":
                members, several = (self.resolved(each) for each in argument)
                return all(each in several for each in members)
        raise AssertionError(f"no condition function {function}")

    def resolved(self, value: Any) -> Any:
        """The value with every function in it computed."""
        if isinstance(value, list):
            return [one for each in value if (one := self.resolved(each)) is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref":
                return self.ref(argument)
            if function.startswith("Fn::"):
                return self._computed(function, argument)
        return {
            key: one for key, each in value.items() if (one := self.resolved(each)) is not NO_VALUE
        }

    def _computed(self, function: str, argument: Any) -> Any:
        match function:
            case "Fn::If":
                name, yes, no = argument
                return self.resolved(yes if self.holds({"Condition": name}) else no)
            case "Fn::GetAtt":
                parts = argument.split(".", 1) if isinstance(argument, str) else argument
                return self.attribute(*parts)
            case "Fn::Sub":
                text, local = argument if isinstance(argument, list) else (argument, {})
                return re.sub(
                    r"\$\{([^!}][^}]*)\}", lambda found: self._named(found[1], local), text
                ).replace("${!", "${")
            case "Fn::Join":
                separator, parts = argument
                return separator.join(str(one) for one in self.resolved(parts))
            case "Fn::Select":
                index, parts = argument
                return self.resolved(parts)[int(index)]
            case "Fn::Split":
                separator, text = argument
                return self.resolved(text).split(separator)
        raise AssertionError(f"no function {function}")

    def _named(self, name: str, local: Mapping[str, Any]) -> str:
        if name in local:
            return str(self.resolved(local[name]))
        if "." in name:
            return str(self.attribute(*name.split(".", 1)))
        return str(self.ref(name))


def _value(
    name: str, declared: Mapping[str, Any], given: str | None, required: Mapping[str, str]
) -> str:
    """A parameter's value: given, or its default, or one that it must have; checked as it says."""
    value = given if given is not None else declared.get("Default", required.get(name))
    text = sample(declared) if value is None else str(value)
    fault = refused(declared, text)
    if fault:
        raise AssertionError(f"{name}: {fault}")
    return text


def refused(declared: Mapping[str, Any], value: str) -> str:
    """Why CloudFormation would not take this value of a parameter; empty when it would."""
    if declared["Type"] == "Number" and not re.fullmatch(r"-?\d+(\.\d+)?", value):
        return f"{value!r} is no number"
    allowed = [str(one) for one in declared.get("AllowedValues", ())]
    if allowed and value not in allowed:
        return f"{value!r} is not one of {allowed}"
    items = value.split(",") if declared["Type"] == "CommaDelimitedList" else [value]
    pattern = declared.get("AllowedPattern", r"(?s).*")
    if not all(re.fullmatch(pattern, item) for item in items):
        return f"{value!r} is not of the form {declared['AllowedPattern']}"
    if "MinValue" in declared and float(value) < declared["MinValue"]:
        return f"{value} is less than {declared['MinValue']}"
    if "MaxValue" in declared and float(value) > declared["MaxValue"]:
        return f"{value} is more than {declared['MaxValue']}"
    if not declared.get("MinLength", 0) <= len(value) <= declared.get("MaxLength", 4096):
        return f"{value!r} has {len(value)} characters"
    return ""


def sample(declared: Mapping[str, Any]) -> str:
    """A value that the parameter takes, other than empty and its default where there is one."""
    choices = map(str, declared.get("AllowedValues", ()))
    several = [*choices, *_SAMPLES, *_PLACES, "1", "/team/", "team", "/team"]
    usual = str(declared.get("Default", ""))
    return next(one for one in several if not refused(declared, one) and one != usual)


_PLACES = (
    "r-ab12",
    "eu-west-1,ap-east-1",
    '{"accounts": ["111122223333"], "tags": ["public"]}',
    '{"111122223333": "payments"}',
    '["111122223333"]',
    '["arn:aws:iam::111122223333:role/team/Deploy*"]',
)
"""Samples of roots, of Regions, and of what is typed as JSON."""


def everything_on(template: Mapping[str, Any]) -> dict[str, str]:
    """Every parameter away from its default."""
    return {
        name: sample(declared)
        for name, declared in template.get("Parameters", {}).items()
        if "Default" in declared
    }


def central(of: Rendered, given: Mapping[str, str] = NOTHING, at: Place = AT_HOME) -> Stack:
    """The central stack of a shape."""
    return Stack(of.templates[names.CENTRAL], given, at, of.prefix)


def intake(of: Rendered, given: Mapping[str, str] = NOTHING, at: Place = AT_HOME) -> Stack:
    """The stack of the log account."""
    return Stack(of.templates[names.INTAKE], given, at, of.prefix)


def member_roles(of: Rendered, given: Mapping[str, str] = NOTHING, at: Place = IN_MEMBER) -> Stack:
    """A member's stack of roles."""
    return Stack(of.templates[names.MEMBER_ROLES], given, at, of.prefix)


def member_rules(of: Rendered, given: Mapping[str, str] = NOTHING, at: Place = IN_MEMBER) -> Stack:
    """A member's stack of forwarding rules in one Region."""
    return Stack(of.templates[names.MEMBER_RULES], given, at, of.prefix)


# --- What policies of a stack say

EVENTS = Caller.aws_service("events.amazonaws.com")


def policy_on(stack: Stack, resource: Resource) -> Policy | None:
    """The policy of a queue, topic, key, bus or bucket."""
    statements: list[Any] = []
    for one in stack.resources.values():
        match one.type:
            case "AWS::SQS::QueuePolicy" if stack.ref(resource.id) in one["Queues"]:
                statements += one["PolicyDocument"]["Statement"]
            case "AWS::SNS::TopicPolicy" if resource.arn in one["Topics"]:
                statements += one["PolicyDocument"]["Statement"]
            case "AWS::S3::BucketPolicy" if stack.ref(resource.id) == one["Bucket"]:
                statements += one["PolicyDocument"]["Statement"]
            case "AWS::Events::EventBusPolicy" if one["EventBusName"] == stack.ref(resource.id):
                statements.append(one["Statement"])
            case "AWS::KMS::Key" if one is resource:
                statements += one["KeyPolicy"]["Statement"]
    if not statements:
        return None
    document = {"Version": "2012-10-17", "Statement": statements}
    return resource_policy(document, f"the policy of {resource.id}")


def boundary_given(stack: Stack) -> str:
    """The ARN of the boundary that the parameter names; empty when none is given."""
    given = stack.parameters[names.PERMISSIONS_BOUNDARY]
    here = f"arn:{stack.at.partition}:iam::{stack.at.account}:policy/{given}"
    return here if given and not given.startswith("arn:") else given


def boundary(stack: Stack, role: Resource) -> Policy | None:
    """What a role cannot go beyond, where the stack makes that too."""
    arn = role.properties.get("PermissionsBoundary")
    for one in stack.of("AWS::IAM::ManagedPolicy"):
        if one.arn == arn:
            return identity_policy(one["PolicyDocument"], f"the boundary {one.id}")
    return None


def identity(role: Resource) -> tuple[Policy, ...]:
    """What a role may do."""
    return tuple(
        identity_policy(one["PolicyDocument"], f"{role.id}'s policy {one['PolicyName']}")
        for one in role.properties.get("Policies", ())
    )


def may(
    caller: Caller,
    action: str,
    resource: str,
    policy: Policy | None = None,
    own: tuple[Policy, ...] = (),
    owner: str | None = None,
    **context: Given,
) -> bool:
    """Whether the policies allow it. Keys of the context are written aws__SourceArn.

    `owner` is the account of a resource whose ARN does not say it, of a bucket: the central
    account if nobody says otherwise.
    """
    keys = {key.replace("__", ":"): value for key, value in context.items()}
    owner = owner or (CENTRAL if ":s3:::" in resource else None)
    request = Request(caller, action, resource, keys, owner)
    return decide(request, Policies(identity=own, resource=policy)).allowed


def may_assume(
    caller: Caller, role: Resource, own: tuple[Policy, ...] = (), **context: Given
) -> bool:
    """Whether the role lets itself be assumed."""
    trust = trust_policy(role["AssumeRolePolicyDocument"], f"{role.id}'s trust")
    return may(caller, "sts:AssumeRole", role.arn, trust, own, None, **context)


def session(role: str, organization: str | None = ORGANIZATION) -> Caller:
    """Somebody who assumed this role."""
    return Caller.role_session(role, "session", organization=organization)
