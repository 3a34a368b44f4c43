"""Reads detections/ and lambda/*/responder.yaml into a Catalogue, every file error raised here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from generator import cloudtrail, documents, handlers, names
from generator.documents import Document
from generator.model import (
    SEVERITIES,
    Catalogue,
    Detection,
    Example,
    Json,
    Mistake,
    Problem,
    Responder,
    Setting,
)
from generator.patterns import conjunctions
from generator.patterns import problems as pattern_problems
from generator.patterns.language import OR
from generator.schema import (
    Anything,
    Boolean,
    Form,
    Integer,
    ListOf,
    MapOf,
    Record,
    Report,
    Text,
)

BUILT_IN = Path(__file__).parent / "detections"
CURATED_READS = "reads"
"""The pack of reads that `forwarding: two-speed` forwards, whether it is enabled or not."""

DETECTION = Record(
    {
        "title": Text("what happened, in the past tense", longest=100, rendered=True),
        "severity": Text("how loudly it is told", choices=SEVERITIES),
        "why": Text("why it matters"),
        "harmless_when": Text("when it is nothing to worry about"),
        "attack": ListOf(
            Text(
                pattern=r"T[0-9]{4}(\.[0-9]{3})?", form="a MITRE ATT&CK technique such as T1562.008"
            ),
            "MITRE ATT&CK techniques",
        ),
        "references": ListOf(Text(pattern=r"https://.+", form="an https:// address")),
        "read_only": Boolean("its rules also receive read-only management events"),
        "pattern": Anything("the EventBridge event pattern", type="object"),
    },
    {"harmless_when": "", "attack": [], "references": [], "read_only": False},
)
EXAMPLE = Record(
    {
        "matches": Boolean("whether the pattern must match"),
        "because": Text("what makes it a near miss"),
        "event": Anything("a whole EventBridge event", type="object"),
    },
    {"because": ""},
)

_ACTIONS = ListOf(Text(pattern=r"[a-z0-9-]+:[A-Za-z*]+", form="an action, service:Name"))
_STATEMENT = Record(
    {
        "sid": Text("what it lets the function do", pattern=r"[A-Za-z0-9]+"),
        "actions": _ACTIONS,
        "resources": ListOf(
            Text(
                "ARNs; ${AWS::Partition}, ${AWS::AccountId}, ${RolePath}, ${Prefix} are set, "
                "${name} is a setting that is place"
            )
        ),
        "conditions": Anything("the statement's Condition", type="object"),
        "why_star": Text("why a * in it cannot be narrower"),
        "when": Text("the setting that must be true for it"),
    },
    {"conditions": {}, "why_star": "", "when": ""},
)
_POLICY = Record(
    {
        "name": Text("what follows the prefix in its name", pattern=r"[a-z][a-z0-9-]+[a-z0-9]"),
        "description": Text("what the console says about it", longest=1000, rendered=True),
        "statements": ListOf(
            Record(
                {
                    **_STATEMENT.fields,
                    "effect": Text(choices=("Allow", "Deny")),
                    "not_actions": _ACTIONS,
                },
                {**_STATEMENT.defaults, "actions": [], "not_actions": []},
            )
        ),
    }
)
_SETTING = Record(
    {
        "type": Text(choices=("string", "integer", "boolean", "list", "map")),
        "default": Anything(),
        "help": Text(),
        "place": Boolean("its value is an account, an address or a secret's name"),
        "choices": ListOf(Text(), "the texts to choose from"),
        "pattern": Text("what a text, or each of a list, must look like, unless empty by default"),
    },
    {"place": False, "choices": [], "pattern": ""},
)
_SCHEDULE = Text(
    "when it is woken, in UTC: rate(1 day), cron(15 6 * * ? *)",
    pattern=r"rate\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\)"
    r"|cron\([^ ()]+( [^ ()]+){5}\)",
    form="a schedule such as rate(1 day) or cron(15 6 * * ? *)",
)
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"""
SCHEDULE = "schedule"
"""The setting by which a user wakes a scheduled responder at other times."""
RESPONDER = Record(
    {
        "title": Text("what it does, as an order", longest=100, rendered=True),
        "does": Text("what it may change in an account, and when it does not"),
        "modes": ListOf(Text(choices=("observe", "enforce"))),
        "default_mode": Text(choices=("observe", "enforce")),
        "timeout": Integer("seconds", 1, 900),
        "memory": Integer("MB", 128, 10240),
        "remembers": Boolean("keeps what it did in the memory table"),
        "hears_reports": Boolean(
            "tells people: hears reports and alarms; critical events have a queue of their own"
        ),
        "gives_back": Boolean("says itself when a message that failed comes back"),
        "tries": Integer("how often a message is tried before it is a dead letter", 1, 1000),
        "concurrency": Integer("batches that are handled at once", 2, 1000),
        "member_permissions": ListOf(_STATEMENT, "what its role in members may do"),
        "member_policies": ListOf(_POLICY, "managed policies that it may attach in members"),
        "central_permissions": ListOf(_STATEMENT, "what its own role may do beside the usual"),
        "settings": MapOf(_SETTING),
        "understands": ListOf(
            Text(pattern=r"[a-z0-9-]+:[A-Za-z0-9]+", form="a call, service:Name"),
            "the calls that it acts on, as CloudTrail names them; it ignores all others",
        ),
        "schedule": _SCHEDULE,
        "reads": Text("the setting that names the stream whose archive it reads"),
    },
    {
        "modes": [],
        "default_mode": None,
        "timeout": 60,
        "memory": 256,
        "remembers": False,
        "hears_reports": False,
        "gives_back": False,
        "tries": 5,
        "concurrency": 10,
        "member_permissions": [],
        "member_policies": [],
        "central_permissions": [],
        "settings": {},
        "understands": [],
        "schedule": "",
        "reads": "",
    },
)

# Any account of the organization may put an event with a source of its own invention.
_PINS = ("source", "detail-type")


def read(
    folders: Iterable[Path] = (), wanted: Callable[[str, str], bool] | None = None
) -> Catalogue:
    """The built-in detections and responders, and the detections in the user's own folders.

    `wanted` says, by id and pack, which of the built-in ones to read; the others are known by
    name only. Raises Mistake with the problems of all files together.
    """
    problems: list[Problem] = []
    files: dict[str, tuple[Path, str]] = {}
    for folder in (BUILT_IN, *folders):
        for file, place in _files(folder, problems):
            known = files.get(file.stem)
            if known is not None:
                fault = f"the detection '{file.stem}' stands in {known[1]} already"
                problems.append(Problem(place, fault, "give the file another name"))
            else:
                files[file.stem] = file, place
    detections = {}
    for name in sorted(files):
        file, place = files[name]
        built_in = BUILT_IN in file.parents
        if wanted is None or not built_in or wanted(name, file.parent.name):
            try:
                detections[name] = _read_detection(file, place)
            except Mistake as mistake:
                problems.extend(mistake.problems)
    responders = {}
    for folder in handlers.folders():
        try:
            responders[folder.name] = _read_responder(folder)
        except Mistake as mistake:
            problems.extend(mistake.problems)
    if problems:
        raise Mistake(problems)
    packs = {name: files[name][0].parent.name for name in sorted(files)}
    own = frozenset(name for name in files if BUILT_IN not in files[name][0].parents)
    return Catalogue(detections, responders, packs, own)


def examples(detection: Detection) -> list[Example]:
    """The examples at the bottom of a detection's file. Rendering never reads them."""
    file = Path(detection.file)
    parsed = documents.parse(detection.file, documents.read(file))[1:]
    problems: list[Problem] = []
    found = []
    for document in parsed:
        report = Report(document)
        entry = EXAMPLE.read(document.value, (), report)
        problems.extend(report.problems)
        found.append(
            Example(entry["matches"], entry["event"], entry["because"], document.place(()))
        )
    if not problems:
        for wanted, word in ((True, "an event that matches"), (False, "a near miss")):
            if not any(example.matches is wanted for example in found):
                cure = f"add a document with `matches: {str(wanted).lower()}`"
                problems.append(Problem(detection.file, f"has no example of {word}", cure))
    if problems:
        raise Mistake(problems)
    return found


def _files(folder: Path, problems: list[Problem]) -> list[tuple[Path, str]]:
    """The files of detections below a folder, each with how errors call it."""
    place = documents.shown(folder)
    if not folder.is_dir():
        problems.append(Problem(place, "is no folder of detections"))
        return []
    for file in sorted(folder.rglob("*.yml")):
        name = f"{place}/{file.relative_to(folder)}"
        problems.append(Problem(name, "would not be read", f"rename it to {file.stem}.yaml"))
    return [
        (file, f"{place}/{file.relative_to(folder)}") for file in sorted(folder.rglob("*.yaml"))
    ]


def _read_detection(file: Path, place: str) -> Detection:
    text = documents.first_document(documents.read(file, place))
    document = (documents.parse(place, text) or [Document(place, None)])[0]
    report = Report(document)
    if not re.fullmatch(names.DETECTION_FORM, file.stem):
        report((), f"'{file.stem}' is no name for a detection", "a-z, 0-9 and _, 3 to 45 of them")
    entry = DETECTION.read(document.value, (), report)
    if isinstance(document.value, dict) and isinstance(document.value.get("pattern"), dict):
        _check_pattern(entry["pattern"], report)
    if report.problems:
        raise Mistake(report.problems)
    return Detection(
        id=file.stem,
        pack=file.parent.name,
        title=entry["title"],
        severity=entry["severity"],
        why=entry["why"].strip(),
        pattern=entry["pattern"],
        read_only=entry["read_only"],
        harmless_when=entry["harmless_when"].strip(),
        attack=tuple(entry["attack"]),
        references=tuple(entry["references"]),
        file=place,
    )


def _check_pattern(pattern: Mapping[str, Json], report: Report) -> None:
    faults = pattern_problems(dict(pattern))
    for fault in faults:
        report(("pattern",), f"AWS would refuse the pattern: {fault}")
    if _holds_null(pattern):
        cure = "CloudFormation takes no null in a template: say {exists: false} or leave it out"
        report(("pattern",), "asks for null", cure)
    for key in _PINS:
        if key not in pattern:
            cure = "or anybody in the organization can forge the event with PutEvents"
            report(("pattern",), f"does not pin '{key}'", cure)
    if faults:
        return
    # A branch of `$or` that names the source again replaces what was said outside.
    meanings = conjunctions(pattern)
    sources = [source for meaning in meanings for source in meaning.get("source", ())]
    if not all(_aws_source(source) for source in sources):
        cure = "use exact aws.* values, or {prefix: aws.} where any service can emit it"
        report(("pattern", "source"), "lets in sources that are not AWS's own", cure)
    if any(OR in path.split(".") for meaning in meanings for path in meaning):
        cure = "make it a list of two objects or more, each with fields"
        report(("pattern",), f"AWS would take this '{OR}' for the name of a field", cure)
    for never in cloudtrail.pattern_faults(pattern):
        report(("pattern", *never.path.split(".")), never.fault, never.cure)


def _holds_null(value: Json) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_null(item) for item in value.values())
    return any(_holds_null(item) for item in value) if isinstance(value, list) else value is None


def _aws_source(source: Json) -> bool:
    prefix = source.get("prefix") if isinstance(source, dict) else source
    return isinstance(prefix, str) and prefix.startswith("aws.")


def setting_form(setting: Setting) -> Form:
    """The form of a value of this setting."""
    if setting.name == SCHEDULE:
        return _SCHEDULE
    pattern = f"({setting.pattern})?" if setting.pattern and not setting.default else None
    item = Text(setting.help, pattern=setting.pattern, form=f"one of {setting.help}")
    forms: dict[str, Form] = {
        "string": Text(setting.help, choices=setting.choices, pattern=pattern or setting.pattern),
        "integer": Integer(setting.help),
        "boolean": Boolean(setting.help),
        "list": ListOf(item, setting.help),
        "map": MapOf(Text(), setting.help),
    }
    return forms[setting.type]


def _read_responder(folder: Path) -> Responder:
    file = folder / "responder.yaml"
    place = documents.shown(file)
    document = (documents.parse(place, documents.read(file)) or [Document(place, None)])[0]
    report = Report(document)
    entry = RESPONDER.read(document.value, (), report)
    modes, default = entry["modes"], entry["default_mode"]
    if (modes or default) and default not in modes:
        report(("default_mode",), "must be one of its modes")
    for number, policy in enumerate(entry["member_policies"]):
        for index, statement in enumerate(policy["statements"]):
            if bool(statement["actions"]) == bool(statement["not_actions"]):
                path = ("member_policies", number, "statements", index)
                report(path, "wants either actions or not_actions")
    if report.problems:
        raise Mistake(report.problems)
    settings = _settings(entry)
    for setting in settings:
        setting_form(setting).read(setting.default, ("settings", setting.name, "default"), report)
    if report.problems:
        raise Mistake(report.problems)
    return Responder(
        id=folder.name,
        title=entry["title"],
        does=entry["does"].strip(),
        code=handlers.inlined(folder),
        modes=tuple(modes),
        default_mode=default,
        timeout=entry["timeout"],
        memory=entry["memory"],
        remembers=entry["remembers"],
        hears_reports=entry["hears_reports"],
        gives_back=entry["gives_back"],
        tries=entry["tries"],
        concurrency=entry["concurrency"],
        member_permissions=tuple(entry["member_permissions"]),
        member_policies=tuple(entry["member_policies"]),
        central_permissions=tuple(entry["central_permissions"]),
        settings=settings,
        understands=tuple(entry["understands"]),
        file=place,
        schedule=entry["schedule"],
        reads=entry["reads"],
    )


def _settings(entry: Mapping[str, Json]) -> tuple[Setting, ...]:
    """The settings that a responder declares, and those that follow from its schedule and from
    what it reads."""
    settings = [
        Setting(name, **{**setting, "choices": tuple(setting["choices"])})
        for name, setting in entry["settings"].items()
    ]
    if entry["schedule"]:
        settings.append(Setting(SCHEDULE, "string", entry["schedule"], "when it is woken, in UTC"))
    if entry["reads"]:
        settings.append(Setting(entry["reads"], "string", "", "the target whose archive it reads"))
    return tuple(settings)
