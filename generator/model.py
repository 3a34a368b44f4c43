"""The nouns: value objects that cannot change, which the stages of the river hand to each other.

Named tuples, not dataclasses: a class of those takes eight times as long to make, and rendering
makes all of them on every run.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Json = Any
"""A value of JSON's types: dict with string keys, list, str, int, float, bool or None."""

NOTHING: Mapping[str, Json] = MappingProxyType({})
"""The mapping that is empty and stays so: a default that nobody can fill by accident."""

Pattern = Mapping[str, Json]
"""An EventBridge event pattern, exactly as AWS gets it."""

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")

Forwarding = Literal["exact", "two-speed", "all"]
Body = Literal["event", "detail", "notice", "text"]
Mode = Literal["observe", "enforce"]


class Problem(NamedTuple):
    """One thing wrong with what a user gave us: where, what, and what to do about it."""

    place: str
    fault: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.fault}" + (f"; {self.cure}" if self.cure else "")


class Mistake(Exception):
    """A user's mistake: one line per problem, exit code 2, never a traceback."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def one(cls, place: str, fault: str, cure: str = "") -> "Mistake":
        """The mistake that consists of a single problem."""
        return cls([Problem(place, fault, cure)])


class Detection(NamedTuple):
    """What happened, as a named event pattern with its reason. `id` is the stem of its file."""

    id: str
    pack: str
    title: str
    severity: Severity
    why: str
    pattern: Pattern
    read_only: bool = False
    harmless_when: str = ""
    attack: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    file: str = ""


class Example(NamedTuple):
    """An event that a detection must match, or a near miss that it must not."""

    matches: bool
    event: Mapping[str, Json]
    because: str = ""
    place: str = ""


class Setting(NamedTuple):
    """One setting that a responder declares in its responder.yaml."""

    name: str
    type: Literal["string", "integer", "boolean", "list", "map"]
    default: Json
    help: str
    place: bool = False
    choices: tuple[str, ...] = ()
    pattern: str = ""


class Responder(NamedTuple):
    """A Lambda function of ours, as its folder under lambda/ declares it.

    `code` is one file, ready to be inlined. `modes` is empty for a responder that changes
    nothing; without `member_permissions` it has no role in members. One with a `schedule` is woken
    by that and takes no events; `reads` names the setting that says which stream's archive it
    reads, and beside which it writes. `understands` lists the calls that it acts on, all when it is
    empty. `member_policies` are managed policies that stand ready in
    members for it to attach.
    """

    id: str
    title: str
    does: str
    code: str
    modes: tuple[Mode, ...] = ()
    default_mode: Mode | None = None
    timeout: int = 60
    memory: int = 256
    remembers: bool = False
    hears_reports: bool = False
    gives_back: bool = False
    tries: int = 5
    concurrency: int = 10
    member_permissions: tuple[Mapping[str, Json], ...] = ()
    member_policies: tuple[Mapping[str, Json], ...] = ()
    central_permissions: tuple[Mapping[str, Json], ...] = ()
    settings: tuple[Setting, ...] = ()
    file: str = ""
    schedule: str = ""
    reads: str = ""
    understands: tuple[str, ...] = ()
    reads_switch: bool = False


class Catalogue(NamedTuple):
    """The detections and responders to choose from, by id, sorted.

    `packs` gives the pack of every detection there is, also of those that were not read; `own`
    are those of the user's folders.
    """

    detections: Mapping[str, Detection]
    responders: Mapping[str, Responder]
    packs: Mapping[str, str]
    own: frozenset[str] = frozenset()


class Target(NamedTuple):
    """A place where matched events go. `options` are those of its kind, with defaults filled in."""

    name: str
    kind: str
    body: Body
    options: Mapping[str, Json] = NOTHING


class Shape(NamedTuple):
    """What changes a template: decided when rendering, before any account is known.

    `wiring` maps each detection that goes anywhere to the names of its targets, sorted.
    `curated_reads` go nowhere, so that no rule is made for them; members forward them.
    """

    name_prefix: str
    forwarding: Forwarding
    detections: tuple[Detection, ...]
    targets: tuple[Target, ...]
    wiring: Mapping[str, tuple[str, ...]]
    responders: Mapping[str, Responder]
    curated_reads: tuple[Detection, ...] = ()
    digest: str = ""

    @property
    def routed(self) -> tuple[Detection, ...]:
        """The enabled detections that a route takes somewhere."""
        return tuple(detection for detection in self.detections if detection.id in self.wiring)

    def target(self, name: str) -> Target:
        """The target of that name; KeyError when there is none."""
        for target in self.targets:
            if target.name == name:
                return target
        raise KeyError(name)

    def tells_people(self, target: Target) -> bool:
        """Whether people read what is sent there: a responder that hears reports."""
        responder = self.responders.get(str(target.options.get("responder", "")))
        return target.kind == "responder" and responder is not None and responder.hears_reports


class Access(NamedTuple):
    """How deploy reaches the two accounts that it writes to from the caller's credentials."""

    central_role: str = ""
    management_role: str = ""
    central_profile: str = ""
    management_profile: str = ""
    delegated_admin: bool = False
    administrator_account: str = ""
    administration_role: str = ""
    execution_role: str = ""


class Pilot(NamedTuple):
    """The accounts that are covered before all others, and how many of them may fail."""

    organizational_units: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    failure_tolerance_percentage: int = 0


class Rollout(NamedTuple):
    """How deploy goes about it: in whose name, how many accounts at once, how many may fail."""

    self_managed: bool = False
    pilot: Pilot = Pilot()
    failure_tolerance_percentage: int = 100
    max_concurrent_percentage: int = 100
    sequential: bool = False


class Place(NamedTuple):
    """Who and where: what deploy fills into the parameters of the templates.

    `regions` is None for every enabled Region. `targets` holds, per target, the options that are
    accounts, addresses or names of secrets.
    """

    organization_id: str
    management_account: str
    central_account: str
    central_region: str
    organizational_units: tuple[str, ...]
    regions: tuple[str, ...] | None
    exclude_accounts: tuple[str, ...] = ()
    access: Access = Access()
    tags: Mapping[str, str] = NOTHING
    parameters: Mapping[str, str] = NOTHING
    targets: Mapping[str, Mapping[str, Json]] = NOTHING
    rollout: Rollout = Rollout()
    alarm_emails: tuple[str, ...] = ()
    report_emails: tuple[str, ...] = ()

    @property
    def administrator(self) -> str:
        """The account from which StackSets are run."""
        if not self.access.delegated_admin:
            return self.management_account
        return self.access.administrator_account or self.central_account
