"""What CloudTrail can write, and EventBridge make of it: holds patterns and events against that.

Only what is certain is judged: what is unknown here may be new. What is not known to come from
CloudTrail (findings, state changes) is not judged at all.

- The fields of a record:
  https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
- The events that records become:
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from generator.model import Json
from generator.patterns import conjunctions, matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from generator.patterns.joining import Plain

DETAIL_TYPES = {
    "AwsApiCall": "AWS API Call via CloudTrail",
    "AwsServiceEvent": "AWS Service Event via CloudTrail",
    "AwsConsoleSignIn": "AWS Console Sign In via CloudTrail",
    "AwsConsoleSignin": "AWS Console Sign In via CloudTrail",
    "AwsConsoleAction": "AWS Console Action via CloudTrail",
    "AwsCloudTrailInsight": "AWS Insight via CloudTrail",
    "AwsVpceEvent": "AWS Network Activity Event via CloudTrail",
}
"""How EventBridge calls the events of CloudTrail, by the record's eventType."""

# AWS documents sign-ins in two spellings, and China's partition under a name of its own.
_SPELLINGS = (
    *dict.fromkeys(DETAIL_TYPES.values()),
    "AWS Console Signin via CloudTrail",
    "Amazon API Call via CloudTrail",
)

# Services that record their calls in one Region of the partition, wherever they are called.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html
GLOBAL_SERVICES = frozenset(
    f"{name}.amazonaws.com"
    for name in ("account", "cloudfront", "iam", "organizations", "route53", "route53domains")
)
LEADERS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

_OTHER_WORDS = {
    "cloudwatchlogs": "logs",
    "docdb": "rds",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "eventbridge": "events",
    "keyspaces": "cassandra",
    "msk": "kafka",
    "mwaa": "airflow",
    "neptune": "rds",
    "opensearch": "es",
    "opensearchserverless": "aoss",
    "sfn": "states",
    "stepfunctions": "states",
}
"""What people and other interfaces call a service, and the word that its records begin with."""

_LAMBDA = "lambda.amazonaws.com"
_S3 = "s3.amazonaws.com"
LOGGED_AS: Mapping[tuple[str, str], str] = {
    **{
        (_LAMBDA, name): f"{name}{version}"
        for version, names in {
            "20150331": (
                "CreateAlias",
                "CreateEventSourceMapping",
                "CreateFunction",
                "DeleteAlias",
                "DeleteEventSourceMapping",
                "DeleteFunction",
                "PublishVersion",
                "UpdateAlias",
                "UpdateEventSourceMapping",
            ),
            "20150331v2": (
                "AddPermission",
                "RemovePermission",
                "UpdateFunctionCode",
                "UpdateFunctionConfiguration",
            ),
            "20171031": ("DeleteFunctionConcurrency", "PutFunctionConcurrency"),
            "20181031": ("AddLayerVersionPermission", "PublishLayerVersion"),
        }.items()
        for name in names
    },
    (_S3, "DeletePublicAccessBlock"): "DeleteBucketPublicAccessBlock",
    (_S3, "GetPublicAccessBlock"): "GetBucketPublicAccessBlock",
    (_S3, "PutPublicAccessBlock"): "PutBucketPublicAccessBlock",
    (_S3, "PutBucketLifecycleConfiguration"): "PutBucketLifecycle",
}
"""Names of the API, and those that records carry instead.
https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html"""


class Field(NamedTuple):
    """A field whose values are known. `open`: there may be further ones, of the same type."""

    values: tuple[Json, ...]
    open: bool = False
    wrote: str = ""


_ATTRIBUTES = "detail.userIdentity.sessionContext.attributes"
FIELDS: Mapping[str, Field] = {
    # Booleans, but for a few records with the texts: a pattern must take the boolean.
    "detail.readOnly": Field((True, False, "true", "false"), wrote="a boolean, true or false"),
    "detail.managementEvent": Field(
        (True, False, "true", "false"), wrote="a boolean, true or false"
    ),
    f"{_ATTRIBUTES}.mfaAuthenticated": Field(("true", "false"), wrote='the text "true" or "false"'),
    "detail.sessionCredentialFromConsole": Field(("true",), wrote='the text "true"'),
    "detail.additionalEventData.MFAUsed": Field(("Yes", "No"), wrote='the text "Yes" or "No"'),
    "detail.additionalEventData.MobileVersion": Field(
        ("Yes", "No"), wrote='the text "Yes" or "No"'
    ),
    "detail.responseElements.ConsoleLogin": Field(
        ("Success", "Failure"), wrote='the text "Success" or "Failure"'
    ),
    "detail.eventCategory": Field(("Management", "Data", "NetworkActivity", "Insight"), open=True),
    "detail.eventType": Field(tuple(DETAIL_TYPES), open=True),
    "detail.userIdentity.type": Field(
        (
            *("Root", "IAMUser", "AssumedRole", "Role", "FederatedUser", "Directory", "AWSAccount"),
            *("AWSService", "IdentityCenterUser", "SAMLUser", "WebIdentityUser", "Unknown"),
        ),
        open=True,
    ),
}
_IDENTITY = ("accessKeyId", "accountId", "arn", "invokedBy", "principalId", "userName")
_TEXTS = frozenset(
    (
        *("account", "detail-type", "id", "region", "source", "time", "version"),
        *("detail.awsRegion", "detail.errorCode", "detail.errorMessage", "detail.eventID"),
        *("detail.eventName", "detail.eventSource", "detail.eventTime", "detail.eventVersion"),
        *("detail.recipientAccountId", "detail.requestID", "detail.sharedEventID"),
        *("detail.sourceIPAddress", "detail.userAgent", "detail.vpcEndpointId"),
        *(f"detail.userIdentity.{name}" for name in _IDENTITY),
    )
)
# What an exact text at a path looks like, whatever its value.
_ACCOUNT = (re.compile(r"[0-9]{12}"), "an account's 12 digits")
_REGION = (re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]+"), "a Region such as us-east-1")
_HOST = (re.compile(r"[A-Za-z0-9.-]+\.amazonaws\.com(\.cn)?"), "a service such as s3.amazonaws.com")
_FORMS = {
    "detail.recipientAccountId": _ACCOUNT,
    "region": _REGION,
    "detail.awsRegion": _REGION,
    "detail.eventSource": _HOST,
}


class Fault(NamedTuple):
    """What CloudTrail never writes: at which path of a pattern or event, why, and the cure."""

    path: str
    fault: str
    cure: str = ""


def source_of(host: str) -> str:
    """The source that EventBridge gives to records of a service: `aws.monitoring`."""
    return "aws." + host.partition(".amazonaws.com")[0]


def host_of(source: str) -> str:
    """The eventSource of records whose events have this source."""
    return source.removeprefix("aws.") + ".amazonaws.com"


def is_cloudtrails(event: Mapping[str, Json]) -> bool:
    """Whether an event says that it comes from CloudTrail, however it spells that."""
    kind = event.get("detail-type")
    return isinstance(kind, str) and (_meant(kind) is not None or "cloudtrail" in kind.lower())


def is_read(detail: Mapping[str, Json]) -> bool:
    """Whether a record is one of a read-only management event, which plain rules do not see."""
    if detail.get("managementEvent") is False or detail.get("eventCategory") not in (
        None,
        "Management",
    ):
        return False
    marked = detail.get("readOnly")
    if marked is not None:
        return marked in (True, "true")
    named = re.match(r"(Get|List|Describe)[A-Z]", str(detail.get("eventName", "")))
    return bool(named and detail.get("eventType", "AwsApiCall") == "AwsApiCall")


def pattern_faults(pattern: Mapping[str, Json]) -> list[Fault]:
    """Conditions of a valid pattern that no event of CloudTrail meets; each said once."""
    found: dict[Fault, None] = {}
    for conjunction in conjunctions(pattern):
        kinds = conjunction.get("detail-type", ())
        found.update(dict.fromkeys(_spelling(kinds)))
        if kinds and all(_from_cloudtrail(kind) for kind in kinds):
            found.update(dict.fromkeys(_impossible(conjunction)))
    return list(found)


def event_faults(event: Mapping[str, Json]) -> list[Fault]:
    """What CloudTrail would not have written so, in an event that says it wrote it."""
    if not is_cloudtrails(event) or not str(event.get("source", "aws.")).startswith("aws."):
        return []
    plain: dict[str, tuple[Json, ...]] = {}
    for path in (*_TEXTS, *FIELDS):
        value = _at(event, path)
        if value is not None and not isinstance(value, (dict, list)):
            plain[path] = (value,)
    found = [*_spelling(plain.get("detail-type", ()))]
    found += _of_fields(plain, of_pattern=False)
    found += _of_sources(plain)
    found += _of_names(plain, of_pattern=False)
    found += _of_regions(plain)
    for outer, inner in (
        ("account", "detail.recipientAccountId"),
        ("region", "detail.awsRegion"),
        ("time", "detail.eventTime"),
    ):
        if outer in plain and inner in plain and plain[outer] != plain[inner]:
            (one,), (other,) = plain[outer], plain[inner]
            fault = f"{outer} is {_said(one)}, {inner} is {_said(other)}"
            found.append(Fault(outer, fault, "an event carries its record's"))
    kind = DETAIL_TYPES.get(str(_at(event, "detail.eventType")))
    (told,) = plain["detail-type"]
    if kind and _meant(told) == told != kind and "Sign" not in kind:
        fault = f"records of the eventType {_at(event, 'detail.eventType')} become '{kind}'"
        found.append(Fault("detail-type", fault, "change one of them"))
    return sorted(set(found))


def names_of(pattern: Mapping[str, Json]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The names of calls in a pattern of API calls, each with the services that may record it."""
    for conjunction in conjunctions(pattern):
        kinds = conjunction.get("detail-type", ())
        hosts = tuple(_hosts(conjunction))
        if hosts and all(kind == DETAIL_TYPES["AwsApiCall"] for kind in kinds):
            for name in conjunction.get("detail.eventName", ()):
                if isinstance(name, str):
                    yield hosts, name


def may_be(pattern: Mapping[str, Json], host: str, name: str) -> bool:
    """Whether a pattern can match a call of this service and name."""
    asked = {
        "source": source_of(host),
        "detail.eventSource": host,
        "detail.eventName": name,
        "detail-type": DETAIL_TYPES["AwsApiCall"],
    }
    return any(
        all(
            any(_takes(one, value) for one in conjunction.get(path, (value,)))
            for path, value in asked.items()
        )
        for conjunction in conjunctions(pattern)
    )


def _impossible(conjunction: Plain) -> Iterator[Fault]:
    yield from _of_fields(conjunction, of_pattern=True)
    yield from _of_sources(conjunction)
    yield from _of_names(conjunction, of_pattern=True)
    yield from _of_regions(conjunction)


def _from_cloudtrail(kind: Json) -> bool:
    if isinstance(kind, str):
        return is_cloudtrails({"detail-type": kind})
    return any(_takes(kind, known) for known in _SPELLINGS)


def _meant(kind: str) -> str | None:
    """The detail-type that somebody meant who wrote this."""
    if kind in _SPELLINGS:
        return kind
    for known in _SPELLINGS:
        if known.casefold() == kind.strip().casefold():
            return known.replace("Signin", "Sign In")
    near = get_close_matches(kind, _SPELLINGS, n=1, cutoff=0.88)
    return near[0] if near else None


def _spelling(kinds: Iterable[Json]) -> Iterator[Fault]:
    for kind in kinds:
        if isinstance(kind, str):
            meant = _meant(kind)
            if meant != kind and (meant or "cloudtrail" in kind.lower()):
                known = ", ".join(f"'{one}'" for one in _SPELLINGS[:4])
                cure = f"did you mean '{meant}'?" if meant else f"known: {known}, ..."
                yield Fault("detail-type", f"no event has the detail-type '{kind}'", cure)
        elif isinstance(kind, Mapping) and len(kind) == 1:
            (text,) = kind.values()
            if (
                isinstance(text, str)
                and any(text.casefold() in known.casefold() for known in _SPELLINGS)
                and text.strip()
                and not any(_takes(kind, known) for known in _SPELLINGS)
            ):
                fault = f"no event of CloudTrail has a detail-type with {_said(kind)}"
                yield Fault("detail-type", fault, f"they are spelt like '{_SPELLINGS[0]}'")


def _of_fields(conjunction: Plain, *, of_pattern: bool) -> Iterator[Fault]:
    for path, alternatives in conjunction.items():
        known, form = FIELDS.get(path), _FORMS.get(path)
        for one in alternatives:
            if known is not None:
                yield from _of_known(path, known, one)
            elif path in _TEXTS and not isinstance(one, (str, dict)) and one is not None:
                fault = f"{path} is text, never {_said(one)}"
                yield Fault(path, fault, f'quote it: "{_said(one)}"')
            # Recorded events may be made anonymous by accounts and Regions that nobody has.
            if not of_pattern and form in (_ACCOUNT, _REGION):
                continue
            if form is not None and isinstance(one, str) and not form[0].fullmatch(one):
                host = (
                    f": {host_of(one)}" if path == "detail.eventSource" and "." not in one else ""
                )
                yield Fault(path, f"{path} is never '{one}'", f"write {form[1]}{host}")
        # Nearly all records carry the boolean; one or the other may carry the text.
        if of_pattern and known and True in known.values and alternatives:
            wanted = [_takes(one, value) for one in alternatives for value in (True, False)]
            known_texts = all(
                any(_takes(one, value) for value in known.values) for one in alternatives
            )
            if known_texts and not any(wanted):
                fault = f"{path} is {known.wrote}, not text"
                yield Fault(path, fault, "leave out the quotes")


def _of_known(path: str, known: Field, one: Json) -> Iterator[Fault]:
    if isinstance(one, Mapping):
        if known.open or "anything-but" in one or "exists" in one:
            return
        if not any(_takes(one, value) for value in known.values):
            yield Fault(path, f"{path} is {known.wrote}, never {_said(one)}", "name one of these")
        return
    if one is None or any(_same(one, value) for value in known.values):
        return
    texts = [value for value in known.values if isinstance(value, str)]
    meant = [value for value in texts if str(one).casefold() == value.casefold()]
    meant = meant or get_close_matches(str(one), texts, n=1, cutoff=0.85)
    if not known.open:
        yield Fault(path, f"{path} is {known.wrote}, never {_said(one)}", f"write {known.wrote}")
    elif not isinstance(one, str) or meant:
        cure = f"did you mean '{meant[0]}'?" if meant else "it is text"
        yield Fault(path, f"{path} is never {_said(one)}", cure)


def _of_sources(conjunction: Plain) -> Iterator[Fault]:
    """Where source and eventSource contradict each other, or a source is another's word."""
    sources = conjunction.get("source", ())
    hosts = [host for host in conjunction.get("detail.eventSource", ()) if isinstance(host, str)]
    hosts = [host for host in hosts if _HOST[0].fullmatch(host)]
    for host in hosts:
        if sources and not any(_takes(source, source_of(host)) for source in sources):
            fault = f"events of {host} have the source {source_of(host)}, not {_listed(sources)}"
            yield Fault("source", fault, "change one of them")
    whole = len(hosts) == len(conjunction.get("detail.eventSource", ()))
    for source in sources:
        if not isinstance(source, str) or not source.startswith("aws."):
            continue
        word = _OTHER_WORDS.get(source.removeprefix("aws."))
        right = f"aws.{word}" if word else source.lower() if source != source.lower() else ""
        if hosts and whole:
            own = [source_of(host) for host in hosts]
            if source not in own and any(each in sources for each in own):
                fault = f"no event of {_listed(hosts)} has the source {source}"
                yield Fault("source", fault, "leave it out, or name its eventSource")
        elif right and right not in sources:
            fault = f"no record of CloudTrail has the source {source}"
            yield Fault("source", fault, f"did you mean '{right}'?")


def _of_names(conjunction: Plain, *, of_pattern: bool) -> Iterator[Fault]:
    """Names of the API that records spell in another way."""
    names, hosts = conjunction.get("detail.eventName", ()), _hosts(conjunction)
    if len(hosts) != 1:  # Another of them may have a call of that name.
        return
    for name in names:
        logged = LOGGED_AS.get((hosts[0], name)) if isinstance(name, str) else None
        # Newer records of Lambda may lack the version.
        if logged is None or (hosts[0] == _LAMBDA and not of_pattern):
            continue
        if not any(_takes(one, logged) for one in names):
            both = f", or {{prefix: {name}}} for either" if logged.startswith(str(name)) else ""
            fault = f"{hosts[0]} writes {logged} where the API says {name}"
            yield Fault("detail.eventName", fault, f"name {logged}{both}")


def _of_regions(conjunction: Plain) -> Iterator[Fault]:
    """Calls of services that record in one Region of the partition, wanted from another."""
    hosts = _hosts(conjunction)
    if not hosts or not GLOBAL_SERVICES.issuperset(hosts):
        return
    for path in ("region", "detail.awsRegion"):
        wanted = conjunction.get(path, ())
        if wanted and not any(_takes(one, leader) for one in wanted for leader in LEADERS.values()):
            fault = f"{_listed(hosts)} records its calls in us-east-1, not in {_listed(wanted)}"
            yield Fault(path, fault, "in China cn-north-1, in GovCloud us-gov-west-1")


def _hosts(conjunction: Plain) -> list[str]:
    """The services that a conjunction names exactly; none when it may mean others, too."""
    named = conjunction.get("detail.eventSource")
    if named is None:
        named = tuple(
            host_of(source) if isinstance(source, str) else source
            for source in conjunction.get("source", ())
        )
    hosts = [host for host in named if isinstance(host, str)]
    return hosts if len(hosts) == len(named) else []


def _takes(alternative: Json, value: Json) -> bool:
    """Whether an alternative of a pattern accepts a value."""
    if not isinstance(alternative, Mapping):
        return _same(alternative, value)
    return matches({"x": [dict(alternative)]}, {"x": value})


def _same(one: Json, other: Json) -> bool:
    return type(one) is type(other) and bool(one == other)


def _at(event: Mapping[str, Json], path: str) -> Json:
    value: Json = event
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _said(value: Json) -> str:
    """A value as it stands in a pattern: the text "True" is not true."""
    return json.dumps(value, ensure_ascii=False)


def _listed(values: Iterable[Json]) -> str:
    return ", ".join(one if isinstance(one, str) else _said(one) for one in values)
