"""Reads trailbus.yaml into what changes a template (Shape) and who and where it is for (Place)."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from generator import catalogue, cloudtrail, documents, names, state_language
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
    Problem,
    Responder,
    Rollout,
    Shape,
    Target,
)
from generator.options import ACCOUNT, BUILT_IN, EMAIL, KINDS, MODES
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

TWO_SPEED = "two-speed"

DEFAULT = Path(__file__).parent / "default.yaml"

_TARGET_NAME = Text(
    pattern=names.TARGET_FORM, form="a target's name (a-z, 0-9 and -, 2 to 31 characters)"
)
_REGION = Text("a Region", pattern=names.REGION_FORM, form="a Region such as eu-west-1")
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
        "alarms": Record(
            {"emails": ListOf(EMAIL, "their addresses", most=len(names.ALARM_EMAILS))},
            {"emails": []},
            "who hears the product's own alarms by e-mail; a mailing list is one address",
        ),
        "reports": Record(
            {"emails": ListOf(EMAIL, "their addresses", most=len(names.REPORT_EMAILS))},
            {"emails": []},
            "who gets by e-mail what responders report",
        ),
        "tags": MapOf(Text(longest=256), "tags on every stack and StackSet", Text(longest=128)),
        "parameters": MapOf(
            Text(), "values of further template parameters", Text(pattern=r"[A-Za-z][A-Za-z0-9]*")
        ),
        "rollout": _ROLLOUT,
    },
    {
        "exclude_accounts": [],
        "access": {},
        "alarms": {},
        "reports": {},
        "tags": {},
        "parameters": {},
        "rollout": {},
    },
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
    notes: tuple[Problem, ...] = ()
    """What is allowed, and does nothing."""
    document: Document = Document("", {})
    """As it was read: what is found wrong later has its line there."""


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
            lambda name, pack: (
                whole
                or pack in enabled["packs"]
                or name in enabled["include"]
                or (entry["forwarding"] == TWO_SPEED and pack == catalogue.CURATED_READS)
            ),
        )
    except Mistake as mistake:
        raise Mistake([*report.problems, *mistake.problems]) from None
    notes = Report(document)
    shape = _Resolution(entry, known, report, path.parent, notes).shape()
    if entry["place"] is not None:
        _check_functions(entry["place"], shape, report)
        _check_needed(entry["place"], shape, report)
        _check_hearing(entry["place"], shape, report)
    if report.problems:
        raise Mistake(report.problems)
    return Configuration(shown, shape, _place(entry, shape), known, tuple(notes.problems), document)


def _said(values: list[Json] | None) -> list[tuple[int, str]]:
    """The texts of a list with their positions, less what was reported as no text already."""
    return [(index, value) for index, value in enumerate(values or []) if value is not None]


class _Resolution:
    """Turns the names in a configuration into what they name, reporting those that dangle."""

    def __init__(
        self,
        entry: dict[str, Any],
        known: Catalogue,
        report: Report,
        folder: Path,
        notes: Report,
    ) -> None:
        self.notes = notes
        self.entry = entry
        self.known = known
        self.report = report
        self.folder = folder
        self.prefix = str(entry["name_prefix"])

    def shape(self) -> Shape:
        detections = self.detections()
        targets = self.targets()
        self.archives(targets)
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
            curated_reads=self.curated_reads(wiring),
        )
        self.collisions(shape)
        self.idle(shape)
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

    def curated_reads(self, wiring: Mapping[str, Json]) -> tuple[Detection, ...]:
        """The reads that travel although nobody asked for them; `exclude` keeps them at home."""
        if self.entry["forwarding"] != TWO_SPEED:
            return ()
        unwanted = {*wiring, *self.entry["detections"]["exclude"]}
        return tuple(
            _prefixed(detection, self.prefix)
            for name, detection in self.known.detections.items()
            if detection.pack == catalogue.CURATED_READS and name not in unwanted
        )

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
            for conflict in KINDS[kind_name].conflicts(options):
                self.report((*where, conflict.option), conflict.fault, conflict.cure)
            if kind_name == "responder":
                self.responder_options(options, where)
            if kind_name == "workflow":
                self.workflow_options(options, where)
            if kind_name == "api_destination" and not options["api_version"]:
                older = "/rest/api/2/" in (options["endpoint"] or "")
                options["api_version"] = "2" if older else "3"
            body = options.pop("body")
            targets[name] = Target(name, options.pop("kind"), body, options)
        for target in targets.values():
            if target.kind == "workflow" and target.options["responder"]:
                self.asked_responder(target, targets)
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

    def archives(self, targets: dict[str, Target]) -> None:
        """The streams that responders read must be there, and of the kind that leaves notices."""
        streams = tuple(name for name, target in targets.items() if target.kind == "stream")
        for name, target in targets.items():
            responder = self.responder_of(target)
            if responder is None or not responder.reads:
                continue
            where = ("targets", name, "settings", responder.reads)
            stream = (target.options["settings"] or {}).get(responder.reads)
            if not stream:
                cure = (
                    f"name a target of kind stream: {', '.join(streams)}"
                    if streams
                    else ("add a target {kind: stream, body: notice}, and routes to it")
                )
                self.report(where[:2], f"does not say which {responder.reads} it reads", cure)
            elif stream not in self.entry["targets"]:
                self.report(where, f"no target '{stream}'", did_you_mean(stream, streams))
            elif stream not in streams:
                cure = did_you_mean(stream, streams)
                self.report(where, f"the target '{stream}' is no stream", cure)
            elif targets[stream].body != "notice":
                fault = f"the stream '{stream}' holds no detections, but bare events"
                self.report(where, fault, f"give the target '{stream}' the body notice")
            elif targets[stream].options["to"] != "firehose":
                cure = f"give the target '{stream}' `to: firehose`"
                self.report(where, f"the stream '{stream}' has no archive", cure)

    def responder_of(self, target: Target) -> Responder | None:
        """The responder that runs in a target, if it is one of those and known."""
        return self.known.responders.get(target.options.get("responder") or "")

    def workflow_options(self, options: dict[str, Any], where: tuple[str, ...]) -> None:
        """A user's state machine becomes its text: what is in the file changes the shape."""
        definition = options["definition"]
        if definition in (None, BUILT_IN):
            return
        try:
            options["definition"] = state_language.read(self.folder / definition)
        except Mistake as mistake:
            for problem in mistake.problems:
                fault = f"{problem.place}: {problem.fault}"
                self.report((*where, "definition"), fault, problem.cure)

    def asked_responder(self, target: Target, targets: Mapping[str, Target]) -> None:
        """The responder that a state machine asks is a target that repairs something."""
        name, where = target.options["responder"], ("targets", target.name, "responder")
        if name not in targets or targets[name].kind != "responder":
            several = tuple(n for n, t in targets.items() if t.kind == "responder")
            cure = did_you_mean(name, several)
            self.report(where, f"no target '{name}' of kind responder", cure)
            return
        responder = self.known.responders.get(targets[name].options["responder"])
        if responder is not None and not responder.modes:
            self.report(where, f"'{name}' repairs nothing", "name a responder with a mode")

    def wiring(
        self, detections: dict[str, Detection], targets: dict[str, Target]
    ) -> dict[str, tuple[str, ...]]:
        wiring: dict[str, set[str]] = {}
        routed: set[str] = set()
        scheduled = {
            name
            for name, target in targets.items()
            if (responder := self.responder_of(target)) and responder.schedule
        }
        for index, route in enumerate(self.entry["routes"]):
            where = ("routes", index)
            for position, target in _said(route["to"]):
                if target not in self.entry["targets"]:
                    cure = did_you_mean(target, self.entry["targets"])
                    self.report((*where, "to", position), f"no target '{target}'", cure)
                if target in scheduled:
                    fault = f"'{target}' is woken by its schedule and takes no events"
                    self.report((*where, "to", position), fault, "leave it out")
                routed.add(target)
            before = len(self.report.problems)
            names_selected = self.selected(route, detections, where)
            if not names_selected and len(self.report.problems) == before:
                self.notes(where, "selects no detection that is enabled", "widen it or drop it")
            for name in names_selected:
                wiring.setdefault(name, set()).update(set(route["to"] or []) & set(targets))
        for name in targets:
            if name not in routed | scheduled:
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

    def idle(self, shape: Shape) -> None:
        """What is there and never does anything."""
        unrouted = [one.id for one in shape.detections if one.id not in shape.wiring]
        if not shape.wiring:
            fault = "no detection goes anywhere, so nothing is forwarded and nothing happens"
            self.notes((), fault, "enable detections, and add targets and routes to them")
        elif unrouted:
            fault = "no route takes these anywhere, so nothing is forwarded for them: "
            fault += ", ".join(unrouted)
            self.notes(("detections",), fault, "add a route, or exclude them")
        for target in shape.targets:
            responder = shape.responders.get(target.options.get("responder") or "")
            if target.kind != "responder" or responder is None or not responder.understands:
                continue
            sent = [one for one in shape.routed if target.name in shape.wiring[one.id]]
            calls = [call.split(":") for call in responder.understands]
            ignored = [
                one.id
                for one in sent
                if not any(
                    cloudtrail.may_be(one.pattern, f"{service}.amazonaws.com", name)
                    for service, name in calls
                )
            ]
            if ignored:
                fault = f"{responder.id} ignores {', '.join(ignored)}"
                cure = f"it acts on {', '.join(responder.understands)}: route only these to it"
                self.notes(("targets", target.name), fault, cure)

    def collisions(self, shape: Shape) -> None:
        """Targets whose queues, topics or logical ids would have a name that is taken."""
        own = "the stack itself"
        taken = {
            ("queue", names.undelivered_queue(self.prefix)): own,
            ("queue", names.unforwarded_queue(self.prefix)): own,
            ("queue", names.unheard_queue(self.prefix)): own,
            ("topic", names.alarm_topic(self.prefix)): own,
            ("topic", names.report_topic(self.prefix)): own,
        }
        # Its stack may stand in the central account and Region, too.
        intake = names.intake(self.prefix)
        for claim in (
            ("queue", intake),
            ("queue", names.dead_letter_queue(intake)),
            ("queue", names.unheard_queue(intake)),
            ("topic", names.intake(self.prefix, "alarms")),
        ):
            taken[claim] = "the SIEM intake"
        watch = names.queue(self.prefix, names.SWITCH_WATCH)
        for claim in (
            ("logical id", names.logical(names.SWITCH_WATCH)),
            ("queue", watch),
            ("queue", names.dead_letter_queue(watch)),
        ):
            taken[claim] = own
        for target in shape.targets:
            given = target.options
            claims = [("logical id", names.logical(target.name))]
            if target.kind in ("queue", "responder"):
                queue = names.queue(self.prefix, target.name, given.get("queue_name") or "")
                if ("queue", queue) not in taken:
                    claims.append(("alarm", names.age_alarm(self.prefix, queue)))
                claims += [("queue", queue), ("queue", names.dead_letter_queue(queue))]
                if shape.tells_people(target):
                    critical = names.critical_queue(self.prefix, target.name)
                    letters = names.dead_letter_queue(critical)
                    claims += [("queue", critical), ("queue", letters)]
            if target.kind == "topic" or given.get("through") == "topic":
                topic = names.topic(self.prefix, target.name, given.get("topic_name") or "")
                claims.append(("topic", topic))
                if target.kind == "topic":
                    claims.append(("queue", names.dead_letter_queue(topic)))
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
        "detections": [
            d._replace(pack="", file="") for d in (*shape.detections, *shape.curated_reads)
        ],
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


def _check_functions(place: dict[str, Any], shape: Shape, report: Report) -> None:
    """A rule can invoke functions of its own Region, and permit itself to do so in its account."""
    central = place["central"]
    for target in shape.targets:
        arn = target.options.get("arn") if target.kind == "function" else None
        if not arn or not central or None in central.values():
            continue
        region, account = arn.split(":")[3:5]
        if (region, account) != (central["region"], central["account"]):
            fault = f"the function is in {account} {region}, the central stack is elsewhere"
            cure = f"name a function in {central['account']} {central['region']}"
            report(("targets", target.name, "arn"), fault, cure)


def _check_needed(place: dict[str, Any], shape: Shape, report: Report) -> None:
    """What CloudFormation would ask for in vain, where a parameter has no default."""
    for target in shape.targets:
        options = target.options
        if target.kind == "function":
            option, cure = "arn", "name the function"
        elif target.kind == "api_destination" and options["auth"] == "oauth":
            option, cure = "token_endpoint", "say where access tokens come from"
        else:
            continue
        parameter = names.parameter(target.name, option)
        if options[option] == "" and parameter not in (place["parameters"] or {}):
            fault = f"has no '{option}', and the place gives no parameter {parameter}"
            report(("targets", target.name), fault, cure)


def _check_hearing(place: dict[str, Any], shape: Shape, report: Report) -> None:
    """Nobody waits for reports that nothing makes, or is told by two values of one parameter."""
    reporting = shape.responders or any(target.kind == "workflow" for target in shape.targets)
    given = place["reports"] or {}
    if given.get("emails") and not reporting:
        cure = "take it out, or add a responder"
        report(("place", "reports"), "nothing here reports: no responder and no workflow", cure)
    for key, names_ in (("alarms", names.ALARM_EMAILS), ("reports", names.REPORT_EMAILS)):
        emails = (place[key] or {}).get("emails") or []
        for name in names_[: len(emails)]:
            if name in (place["parameters"] or {}):
                fault = f"'{name}' is given in place.{key}.emails already"
                report(("place", "parameters", name), fault, "keep one of them")


def target_options(shape: Shape) -> dict[str, Mapping[str, Json]]:
    """Per target, the options that become parameters, whether or not a place is given."""
    values: dict[str, Mapping[str, Json]] = {}
    for target in shape.targets:
        options = {name: target.options[name] for name in KINDS[target.kind].place}
        responder = shape.responders.get(target.options.get("responder", ""))
        for setting in responder.settings if responder else ():
            if setting.place:
                options[setting.name] = target.options["settings"][setting.name]
        values[target.name] = options
    return values


def _place(entry: dict[str, Any], shape: Shape) -> Place | None:
    given = entry["place"]
    if given is None:
        return None
    regions = given["regions"]
    return Place(
        organization_id=given["organization_id"],
        management_account=given["management_account"],
        central_account=given["central"]["account"],
        central_region=given["central"]["region"],
        organizational_units=tuple(given["organizational_units"]),
        exclude_accounts=tuple(given["exclude_accounts"]),
        regions=None if regions == "all" else tuple(regions),
        access=Access(**given["access"]) if given["access"] else Access(),
        alarm_emails=tuple(given["alarms"].get("emails", ())),
        report_emails=tuple(given["reports"].get("emails", ())),
        tags=given["tags"],
        parameters=given["parameters"],
        targets=target_options(shape),
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
