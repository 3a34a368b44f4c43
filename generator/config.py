"""Reads trailbus.yaml into what changes a template (Shape) and who and where it is for (Place)."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from generator import catalogue, documents, names
from generator.documents import Document, did_you_mean
from generator.model import (
    SEVERITIES,
    Access,
    Catalogue,
    Detection,
    Json,
    Mistake,
    Pilot,
    Place,
    Rollout,
    Shape,
    Target,
)
from generator.options import ACCOUNT, KINDS, MODES
from generator.schema import (
    Anything,
    Boolean,
    Either,
    Integer,
    ListOf,
    MapOf,
    Record,
    Report,
    Text,
)

DEFAULT = Path(__file__).parent / "default.yaml"

_TARGET_NAME = Text(
    pattern=names.TARGET_FORM, form="a target's name (a-z, 0-9 and -, 2 to 31 characters)"
)
_REGION = Text("a Region", pattern=r"[a-z]{2,4}(-[a-z]+)+-[0-9]", form="a Region such as eu-west-1")
_ROLE_NAME = Text("a role's name", pattern=r"[A-Za-z0-9_+=,.@/-]{0,512}", form="the name of a role")

_UNIT = Text(
    pattern=r"r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}",
    form="a root (r-ab12) or an organizational unit (ou-ab12-cdefghij)",
)

_ROUTE = Record(
    {
        "detections": ListOf(Text(), "ids of detections", least=1),
        "packs": ListOf(Text(), "whole packs", least=1),
        "severity": ListOf(Text(choices=SEVERITIES), "detections this loud", least=1),
        "to": ListOf(Text(), "names of targets", least=1),
    },
    {"detections": None, "packs": None, "severity": None},
    "which detections go to which targets; with several conditions, those that meet all",
)

_ROLLOUT = Record(
    {
        "permissions": Text(
            "service-managed: in the organization's name; self-managed: by roles of your own, "
            "where there is no trusted access, as in China",
            choices=("service-managed", "self-managed"),
        ),
        "pilot": Record(
            {
                "organizational_units": ListOf(_UNIT, "their accounts come first"),
                "accounts": ListOf(ACCOUNT, "these come first"),
                "failure_tolerance_percentage": Integer(
                    "how many of the pilot's cells may fail before the rest is left alone", 0, 100
                ),
            },
            {"organizational_units": [], "accounts": [], "failure_tolerance_percentage": 0},
            "who is covered before all others",
        ),
        "failure_tolerance_percentage": Integer(
            "how many accounts of a Region may fail before the others in it are cancelled", 0, 100
        ),
        "max_concurrent_percentage": Integer("how many accounts are worked on at once", 1, 100),
        "region_concurrency": Text(
            "all Regions at once, or one after the other", choices=("parallel", "sequential")
        ),
    },
    {
        "permissions": "service-managed",
        "pilot": {},
        "failure_tolerance_percentage": 100,
        "max_concurrent_percentage": 100,
        "region_concurrency": "parallel",
    },
    "how deploy goes about it",
)

_PLACE = Record(
    {
        "organization_id": Text(
            "the organization's id",
            pattern=r"o-[a-z0-9]{10,32}",
            form="an organization id such as o-a1b2c3d4e5",
        ),
        "management_account": ACCOUNT,
        "central": Record(
            {"account": ACCOUNT, "region": _REGION},
            help="the account and Region that own the bus",
        ),
        "organizational_units": ListOf(
            _UNIT,
            "the roots and organizational units that are covered",
            least=1,
        ),
        "exclude_accounts": ListOf(ACCOUNT, "accounts left out"),
        "regions": Either(
            Text("every enabled Region", choices=("all",)),
            ListOf(_REGION, "the Regions that are covered", least=1),
            "all, or a list of Regions",
        ),
        "access": Record(
            {
                "central_role": _ROLE_NAME,
                "management_role": _ROLE_NAME,
                "central_profile": Text("a profile of the AWS configuration"),
                "management_profile": Text("a profile of the AWS configuration"),
                "delegated_admin": Boolean("StackSets are run by a delegated administrator"),
                "administrator_account": Either(
                    ACCOUNT, Text(choices=("",)), "the delegated administrator; else the central"
                ),
                "administration_role": _ROLE_NAME,
                "execution_role": _ROLE_NAME,
            },
            {
                "central_role": "",
                "management_role": "",
                "central_profile": "",
                "management_profile": "",
                "delegated_admin": False,
                "administrator_account": "",
                "administration_role": "",
                "execution_role": "",
            },
            "how deploy reaches each account from the caller's credentials",
        ),
        "tags": MapOf(Text(longest=256), "tags on every stack and StackSet", Text(longest=128)),
        "parameters": MapOf(
            Text(), "values of further template parameters", Text(pattern=r"[A-Za-z][A-Za-z0-9]*")
        ),
        "rollout": _ROLLOUT,
    },
    {"exclude_accounts": [], "access": {}, "tags": {}, "parameters": {}, "rollout": {}},
    "who and where; read by deploy, plan, status and simulate, never rendered",
)

CONFIGURATION = Record(
    {
        "name_prefix": Text(
            "the first word of every physical name",
            pattern=names.PREFIX_FORM,
            form="a prefix (a-z, 0-9 and -, 2 to 16 characters, beginning with a letter but not "
            "with aws or ssm, and not default)",
        ),
        "forwarding": Text(
            "exact: just what the detections need; two-speed: all writes, sign-ins and a curated "
            "list of reads; all: everything",
            choices=("exact", "two-speed", "all"),
        ),
        "detections": Record(
            {
                "packs": ListOf(Text(), "packs that are enabled"),
                "include": ListOf(Text(), "further detections"),
                "exclude": ListOf(Text(), "detections that are not wanted"),
                "folders": ListOf(
                    Text(), "folders with detections of your own, all of them enabled"
                ),
            },
            {"packs": [], "include": [], "exclude": [], "folders": []},
            "which detections are enabled",
        ),
        "targets": MapOf(Anything(type="object"), "the places where events go", _TARGET_NAME),
        "routes": ListOf(_ROUTE, "which detections go to which targets"),
        "place": _PLACE,
    },
    {
        "name_prefix": names.DEFAULT_PREFIX,
        "forwarding": "exact",
        "detections": {
            "packs": ["consoleme", "guardrails", "tamper"],
            "include": [],
            "exclude": [],
            "folders": [],
        },
        "targets": {},
        "routes": [],
        "place": None,
    },
)


class Configuration(NamedTuple):
    """All that one configuration file says, checked and resolved."""

    file: str
    shape: Shape
    place: Place | None
    catalogue: Catalogue


def load(file: Path | None = None, *, whole: bool = False) -> Configuration:
    """Reads a configuration; without a file, the built-in one.

    With `whole` its catalogue holds every detection, not only those that are enabled.
    Raises Mistake with every problem of the file, its detections and its responders together.
    """
    path = file or DEFAULT
    shown = documents.shown(path)
    parsed = documents.parse(shown, documents.read(path, shown))
    if len(parsed) > 1:
        raise Mistake.one(parsed[1].place(), "a configuration is one document", "remove the rest")
    document = parsed[0] if parsed else Document(shown, {})
    report = Report(document)
    entry = CONFIGURATION.read({} if document.value is None else document.value, (), report)
    folders = [path.parent / folder for _, folder in _said(entry["detections"]["folders"])]
    enabled = entry["detections"]
    try:
        known = catalogue.read(
            folders,
            lambda name, pack: whole or pack in enabled["packs"] or name in enabled["include"],
        )
    except Mistake as mistake:
        raise Mistake([*report.problems, *mistake.problems]) from None
    shape = _Resolution(entry, known, report).shape()
    if report.problems:
        raise Mistake(report.problems)
    return Configuration(shown, shape, _place(entry, shape), known)


def _said(values: list[Json] | None) -> list[tuple[int, str]]:
    """The texts of a list with their positions, less what was reported as no text already."""
    return [(index, value) for index, value in enumerate(values or []) if value is not None]


class _Resolution:
    """Turns the names in a configuration into what they name, reporting those that dangle."""

    def __init__(self, entry: dict[str, Any], known: Catalogue, report: Report) -> None:
        self.entry = entry
        self.known = known
        self.report = report
        self.prefix = str(entry["name_prefix"])

    def shape(self) -> Shape:
        detections = self.detections()
        targets = self.targets()
        wiring = self.wiring(detections, targets)
        used = {t.options["responder"] for t in targets.values() if t.kind == "responder"}
        responders = {
            name: responder for name, responder in self.known.responders.items() if name in used
        }
        shape = Shape(
            name_prefix=self.prefix,
            forwarding=self.entry["forwarding"],
            detections=tuple(detections.values()),
            targets=tuple(targets.values()),
            wiring=wiring,
            responders=responders,
        )
        self.collisions(shape)
        return _with_digest(shape)

    def detections(self) -> dict[str, Detection]:
        wanted = self.entry["detections"]
        packs = set(self.known.packs.values())
        for index, pack in _said(wanted["packs"]):
            if pack not in packs:
                where = ("detections", "packs", index)
                self.report(where, f"no pack '{pack}'", did_you_mean(pack, tuple(packs)))
        for key in ("include", "exclude"):
            for index, name in _said(wanted[key]):
                self.known_detection(name, ("detections", key, index))
        return {
            name: _prefixed(detection, self.prefix)
            for name, detection in self.known.detections.items()
            if (
                detection.pack in wanted["packs"]
                or name in wanted["include"]
                or name in self.known.own
            )
            and name not in wanted["exclude"]
        }

    def known_detection(self, name: str, where: tuple[str | int, ...]) -> bool:
        if name in self.known.packs:
            return True
        cure = did_you_mean(name, self.known.packs)
        self.report(where, f"no detection '{name}'", cure)
        return False

    def targets(self) -> dict[str, Target]:
        targets = {}
        for name, given in sorted(self.entry["targets"].items()):
            where = ("targets", name)
            kind_name = given.get("kind")
            if kind_name is None:
                self.report(where, "has no kind", f"known: {', '.join(KINDS)}")
                continue
            if not isinstance(kind_name, str) or kind_name not in KINDS:
                cure = did_you_mean(str(kind_name), KINDS)
                self.report((*where, "kind"), f"no kind of target '{kind_name}'", cure)
                continue
            options = KINDS[kind_name].record().read(given, where, self.report)
            if kind_name == "responder":
                self.responder_options(options, where)
            body = options.pop("body")
            targets[name] = Target(name, options.pop("kind"), body, options)
        return targets

    def responder_options(self, options: dict[str, Any], where: tuple[str, ...]) -> None:
        name = options["responder"]
        if name is None:
            return
        responder = self.known.responders.get(name)
        if responder is None:
            cure = did_you_mean(name, self.known.responders)
            self.report((*where, "responder"), f"no responder '{name}'", cure)
            return
        if options["mode"] is None:
            options["mode"] = responder.default_mode
        elif not responder.modes:
            self.report((*where, "mode"), f"'{name}' changes nothing, so it has no mode", "drop it")
        elif options["mode"] in MODES and options["mode"] not in responder.modes:
            fault = f"'{name}' knows no mode '{options['mode']}'"
            self.report((*where, "mode"), fault, f"known: {', '.join(responder.modes)}")
        forms = {setting.name: catalogue.setting_form(setting) for setting in responder.settings}
        defaults = {setting.name: setting.default for setting in responder.settings}
        record = Record(forms, defaults)
        options["settings"] = record.read(options["settings"], (*where, "settings"), self.report)

    def wiring(
        self, detections: dict[str, Detection], targets: dict[str, Target]
    ) -> dict[str, tuple[str, ...]]:
        wiring: dict[str, set[str]] = {}
        routed: set[str] = set()
        for index, route in enumerate(self.entry["routes"]):
            where = ("routes", index)
            for position, target in _said(route["to"]):
                if target not in self.entry["targets"]:
                    cure = did_you_mean(target, self.entry["targets"])
                    self.report((*where, "to", position), f"no target '{target}'", cure)
                routed.add(target)
            for name in self.selected(route, detections, where):
                wiring.setdefault(name, set()).update(set(route["to"] or []) & set(targets))
        for name in targets:
            if name not in routed:
                cure = "add a route or drop the target"
                self.report(("targets", name), "no route leads here", cure)
        return {name: tuple(sorted(wiring[name])) for name in sorted(wiring) if wiring[name]}

    def selected(
        self, route: dict[str, Any], detections: dict[str, Detection], where: tuple[str | int, ...]
    ) -> list[str]:
        if not any(route[key] for key in ("detections", "packs", "severity")):
            self.report(where, "selects nothing", "add detections, packs or severity")
            return []
        for position, name in _said(route["detections"]):
            here = (*where, "detections", position)
            if self.known_detection(name, here) and name not in detections:
                pack = self.known.packs[name]
                cure = f"enable its pack '{pack}' or include it"
                self.report(here, f"the detection '{name}' is not enabled", cure)
        packs = set(self.known.packs.values())
        enabled = {detection.pack for detection in detections.values()}
        for position, pack in _said(route["packs"]):
            here = (*where, "packs", position)
            if pack not in packs:
                self.report(here, f"no pack '{pack}'", did_you_mean(pack, tuple(packs)))
            elif pack not in enabled:
                self.report(here, f"the pack '{pack}' is not enabled", "add it to detections.packs")
        return [
            name
            for name, detection in detections.items()
            if (not route["detections"] or name in route["detections"])
            and (not route["packs"] or detection.pack in route["packs"])
            and (not route["severity"] or detection.severity in route["severity"])
        ]

    def collisions(self, shape: Shape) -> None:
        """Targets whose queues, topics or logical ids would have a name that is taken."""
        own = "the stack itself"
        taken = {
            ("queue", names.undelivered_queue(self.prefix)): own,
            ("queue", names.unforwarded_queue(self.prefix)): own,
            ("topic", names.alarm_topic(self.prefix)): own,
            ("topic", names.report_topic(self.prefix)): own,
        }
        for target in shape.targets:
            given = target.options
            claims = [("logical id", names.logical(target.name))]
            if target.kind in ("queue", "responder"):
                queue = names.queue(self.prefix, target.name, given.get("queue_name") or "")
                claims += [("queue", queue), ("queue", names.dead_letter_queue(queue))]
            if target.kind == "topic" or given.get("through") == "topic":
                topic = names.topic(self.prefix, target.name, given.get("topic_name") or "")
                claims.append(("topic", topic))
            for claim in claims:
                if claim in taken:
                    fault = f"would share the {claim[0]} '{claim[1]}' with {taken[claim]}"
                    self.report(("targets", target.name), fault, "rename one of them")
                taken[claim] = f"the target '{target.name}'"


def _prefixed(detection: Detection, prefix: str) -> Detection:
    return detection._replace(pattern=names.with_prefix(detection.pattern, prefix))


def _with_digest(shape: Shape) -> Shape:
    """The shape with the fingerprint by which deploy knows the templates that belong to it."""
    content = {
        "name_prefix": shape.name_prefix,
        "forwarding": shape.forwarding,
        "detections": [d._replace(pack="", file="") for d in shape.detections],
        "targets": [[t.name, t.kind, t.body, _shaping(t, shape)] for t in shape.targets],
        "wiring": shape.wiring,
        "responders": [r._replace(file="") for r in shape.responders.values()],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=list)
    return shape._replace(digest=hashlib.sha256(text.encode()).hexdigest())


def _shaping(target: Target, shape: Shape) -> dict[str, Json]:
    """What the options of a target say about the templates: of what is place, how many there are,
    because each becomes a parameter."""
    place = KINDS[target.kind].place
    shaping = {name: value for name, value in target.options.items() if name not in place}
    for name in place:
        if isinstance(target.options[name], list):
            shaping[name] = max(1, len(target.options[name]))
    responder = shape.responders.get(shaping.get("responder", ""))
    if responder:
        stated = {setting.name for setting in responder.settings if not setting.place}
        shaping["settings"] = {k: v for k, v in shaping["settings"].items() if k in stated}
    return shaping


def _place(entry: dict[str, Any], shape: Shape) -> Place | None:
    given = entry["place"]
    if given is None:
        return None
    regions = given["regions"]
    values: dict[str, Mapping[str, Json]] = {}
    for target in shape.targets:
        options = {name: target.options[name] for name in KINDS[target.kind].place}
        values[target.name] = options
    return Place(
        organization_id=given["organization_id"],
        management_account=given["management_account"],
        central_account=given["central"]["account"],
        central_region=given["central"]["region"],
        organizational_units=tuple(given["organizational_units"]),
        exclude_accounts=tuple(given["exclude_accounts"]),
        regions=None if regions == "all" else tuple(regions),
        access=Access(**given["access"]) if given["access"] else Access(),
        tags=given["tags"],
        parameters=given["parameters"],
        targets=values,
        rollout=_rollout(given["rollout"]),
    )


def _rollout(given: dict[str, Any]) -> Rollout:
    if not given:
        return Rollout()
    pilot = given["pilot"]
    return Rollout(
        self_managed=given["permissions"] == "self-managed",
        pilot=Pilot(
            tuple(pilot["organizational_units"]),
            tuple(pilot["accounts"]),
            pilot["failure_tolerance_percentage"],
        )
        if pilot
        else Pilot(),
        failure_tolerance_percentage=given["failure_tolerance_percentage"],
        max_concurrent_percentage=given["max_concurrent_percentage"],
        sequential=given["region_concurrency"] == "sequential",
    )


def json_schema() -> dict[str, Json]:
    """The JSON Schema of a configuration, for editors."""
    schema = CONFIGURATION.json_schema()
    kinds = []
    for name, kind in KINDS.items():
        record = kind.record().json_schema()
        record["properties"]["kind"] = {"const": name, "description": kind.help}
        kinds.append(record)
    targets = schema["properties"]["targets"]
    targets["additionalProperties"] = {"oneOf": kinds}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Trailbus configuration",
    }
    return {**head, **schema}
