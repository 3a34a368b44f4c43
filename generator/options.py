"""The table of what a configuration may say about each kind of target."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, get_args

from generator.model import Body, Json, Mode
from generator.schema import Anything, Duration, Form, Integer, ListOf, Record, Text

DAY = 86_400

ACCOUNT = Text("an account id", pattern=r"[0-9]{12}", form="an account id of 12 digits")
ROLE_ARN = Text(
    "the ARN of a role",
    pattern=r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.+",
    form="the ARN of a role, arn:aws:iam::111122223333:role/Name",
)
EMAIL = Text("an e-mail address", pattern=r"[^@\s]+@[^@\s]+\.[^@\s]+", form="an e-mail address")
HTTPS = Text("an HTTPS address", pattern=r"https://[^\s]+", form="an https:// address")
QUEUE_NAME = Text(pattern=r"[A-Za-z0-9_-]{1,66}", form="a queue name (A-Z a-z 0-9 _ -, up to 66)")
SECRET_NAME = Text(pattern=r"[A-Za-z0-9/_+=.@-]{1,512}", form="the name of a secret")
VERSION_ID = Text(pattern=r"[A-Za-z0-9-]{32,64}", form="the id of a secret's version")
FUNCTION_ARN = Text(
    "the ARN of a function, or of an alias or version of it",
    pattern=r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}"
    r"(:[A-Za-z0-9_-]{1,128})?",
    form="the ARN of a function, arn:aws:lambda:us-east-1:222222222222:function:name",
)

# What no caller and no resource has would be an exception that never helps.
PRINCIPAL = Text(
    "the ARN of a role or user of one account, * and ? allowed in its name",
    # A session's name is its caller's choice, and anybody can make a role of any name in an account
    # of theirs: neither may except anybody.
    pattern=r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^\s:]+",
    form="the ARN of a role or user of one account, not of a session, such as "
    "arn:aws:iam::111122223333:role/Deploy*",
)
TAG = Text(
    "key or key=value",
    pattern=r"[^=\s][^=]{0,127}(=.{0,256})?",
    form="a tag, written key or key=value",
)
EXCEPTIONS = Record(
    {
        "accounts": ListOf(ACCOUNT, "accounts that are left alone"),
        "principals": ListOf(PRINCIPAL, "whose calls are left alone"),
        "tags": ListOf(TAG, "resources that are left alone"),
    },
    {"accounts": [], "principals": [], "tags": []},
    "who and what is left alone",
)


class Conflict(NamedTuple):
    """What an option may not say beside the others: the option, the fault, and the cure."""

    option: str
    fault: str
    cure: str


def _nothing_conflicts(options: Mapping[str, Json]) -> Iterator[Conflict]:
    return iter(())


class TargetKind(NamedTuple):
    """One kind of target: what it is, its options, and the bodies that it can be sent.

    `place` names the options whose values are accounts, addresses or secrets: they become
    parameters of the template instead of text in it. `conflicts` tells of options that are right
    by themselves but not together; `body` is among them.
    """

    help: str
    options: Mapping[str, Form]
    defaults: Mapping[str, object]
    bodies: tuple[Body, ...]
    place: tuple[str, ...] = ()
    conflicts: Callable[[Mapping[str, Json]], Iterator[Conflict]] = _nothing_conflicts

    @property
    def body(self) -> Body:
        """The body it is sent when the configuration says nothing."""
        return self.bodies[0]

    def record(self) -> Record:
        """The form of this kind's entry under `targets`."""
        fields: dict[str, Form] = {
            "kind": Text(self.help),
            "body": Text("what is sent", choices=self.bodies),
            **self.options,
        }
        return Record(fields, {"body": self.body, **self.defaults}, self.help)


BUILT_IN = "built-in"

OWN_KEYS = ("pagerduty", "slack")
"""Formats whose receiver knows its sender by a key of its own, not by an Authorization header."""


def _api_destination_conflicts(options: Mapping[str, Json]) -> Iterator[Conflict]:
    form, auth = options["format"], options["auth"]
    if form in OWN_KEYS and auth in ("basic", "oauth"):
        yield Conflict("auth", f"the format '{form}' has a key of its own", "leave it out")
    if form not in (None, "generic") and options["body"] not in (None, "notice"):
        yield Conflict("body", f"the format '{form}' is a body of its own", "leave it out")
    if options["token_endpoint"] and auth not in (None, "oauth"):
        yield Conflict("token_endpoint", f"'{auth}' asks nobody for a token", "say auth: oauth")


def _workflow_conflicts(options: Mapping[str, Json]) -> Iterator[Conflict]:
    if options["definition"] == BUILT_IN:
        if options["body"] not in (None, "notice"):
            yield Conflict("body", "the built-in machine reads notices", "leave it out")
        if options["role"]:
            yield Conflict("role", "the built-in machine has a role of its own", "leave it out")
    elif options["responder"]:
        yield Conflict("responder", "only the built-in machine asks a responder", "leave it out")


_EVERY_BODY: tuple[Body, ...] = ("event", "detail", "notice", "text")
MODES: tuple[Mode, ...] = get_args(Mode)

_RETENTION = Duration("how long messages are kept", 60, 14 * DAY)
_STREAM_RETENTION = Duration("how long records are kept, in days", DAY, 3653 * DAY, "d")
KINESIS_DAYS = 365
"""https://docs.aws.amazon.com/kinesis/latest/APIReference/API_IncreaseStreamRetentionPeriod.html"""

LOG_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""
_LOG_RETENTION = Duration(
    "how long records are kept", DAY, 3653 * DAY, "d", tuple(f"{days}d" for days in LOG_DAYS)
)


def _topic_conflicts(options: Mapping[str, Json]) -> Iterator[Conflict]:
    if options["format"] != "chat":
        return
    if options["body"] not in (None, "text"):
        yield Conflict("body", "the format 'chat' is a body of its own", "leave 'body' out")
    if options["emails"]:
        fault = "a person would get the format 'chat' as JSON"
        yield Conflict("emails", fault, "add a second topic for e-mail")


def _stream_conflicts(options: Mapping[str, Json]) -> Iterator[Conflict]:
    if options["to"] == "kinesis" and (options["retention"] or 0) > KINESIS_DAYS * DAY:
        fault = f"Kinesis keeps nothing longer than {KINESIS_DAYS}d"
        yield Conflict("retention", fault, "shorten it, or send to firehose")


KINDS: Mapping[str, TargetKind] = {
    "queue": TargetKind(
        "an SQS queue for a consumer",
        {
            "through": Text("an SNS topic in between, or direct", choices=("direct", "topic")),
            "queue_name": QUEUE_NAME,
            "topic_name": QUEUE_NAME,
            "retention": _RETENTION,
            "visibility_timeout": Duration("how long a read message is hidden", 0, DAY // 2),
            "readers": ListOf(ROLE_ARN, "roles that may assume its reader role"),
        },
        {
            "through": "direct",
            "queue_name": "",
            "topic_name": "",
            "retention": 4 * DAY,
            "visibility_timeout": 300,
            "readers": [],
        },
        _EVERY_BODY,
        place=("readers",),
    ),
    "topic": TargetKind(
        "an SNS topic: e-mail, chat, anything subscribed",
        {
            "emails": ListOf(EMAIL, "who gets it by e-mail"),
            "format": Text("text, or Amazon Q Developer's form", choices=("text", "chat")),
        },
        {"emails": [], "format": "text"},
        ("text", "event", "detail", "notice"),
        place=("emails",),
        conflicts=_topic_conflicts,
    ),
    "responder": TargetKind(
        "a Lambda function of ours",
        {
            "responder": Text("the folder under lambda/ that holds it"),
            "mode": Text("say what would be done, or do it", choices=MODES),
            "exceptions": EXCEPTIONS,
            "settings": Anything("what its responder.yaml declares", type="object"),
        },
        {"mode": None, "exceptions": {}, "settings": {}},
        ("notice",),
        place=("exceptions",),
    ),
    "api_destination": TargetKind(
        "ServiceNow, Jira, PagerDuty, any HTTPS endpoint",
        {
            "format": Text(
                "the request body",
                choices=("servicenow", "jira", "pagerduty", "slack", "generic"),
            ),
            "endpoint": HTTPS,
            "auth": Text("how it is authorized", choices=("api_key", "basic", "oauth")),
            "header": Text(
                "the header that carries an API key",
                pattern=r"[A-Za-z0-9-]{1,64}",
                form="the name of a header",
            ),
            "token_endpoint": HTTPS,
            "rate": Integer("requests a second at most", 1, 300),
            "retry_for": Duration("how long a request is tried again", 60, DAY),
            "retries": Integer("how often a request is tried again", 0, 185),
            "secret": SECRET_NAME,
            "secret_version": VERSION_ID,
            "project": Text(
                "the key of a Jira project", pattern=r"[A-Z][A-Z0-9_]{1,49}", form="a project's key"
            ),
            "api_version": Text(
                "of Jira: 3 is Cloud's, 2 is Data Center's too; told by the endpoint",
                choices=("3", "2"),
            ),
            "issue_type": Text(
                "the type of Jira issues", pattern=r"[^<>${}]{1,60}", form="the name of a type"
            ),
        },
        {
            "format": "generic",
            "endpoint": "",
            "auth": "api_key",
            "header": "Authorization",
            "token_endpoint": "",
            "rate": 10,
            "retry_for": DAY,
            "retries": 185,
            "secret": "",
            "secret_version": "",
            "project": "SEC",
            "api_version": "",
            "issue_type": "Task",
        },
        ("notice", "event", "detail"),
        place=("endpoint", "token_endpoint", "secret", "secret_version"),
        conflicts=_api_destination_conflicts,
    ),
    "stream": TargetKind(
        "Firehose to an encrypted bucket, or Kinesis",
        {
            "to": Text("where the stream runs", choices=("firehose", "kinesis")),
            "retention": _STREAM_RETENTION,
        },
        {"to": "firehose", "retention": None},
        ("event", "detail", "notice"),
        conflicts=_stream_conflicts,
    ),
    "workflow": TargetKind(
        "a Step Functions state machine",
        {
            "definition": Text("built-in, or the path of an ASL file"),
            "responder": Text("the target of kind responder that the built-in machine asks"),
            "role": ROLE_ARN,
        },
        {"definition": "built-in", "responder": "", "role": ""},
        ("notice", "event", "detail"),
        place=("role",),
        conflicts=_workflow_conflicts,
    ),
    "log": TargetKind(
        "a CloudWatch log group",
        {"retention": _LOG_RETENTION},
        {"retention": 365 * DAY},
        ("event",),
    ),
    "function": TargetKind(
        "a Lambda function the user already has",
        {"arn": FUNCTION_ARN},
        {"arn": ""},
        ("event", "detail", "notice"),
        place=("arn",),
    ),
}
