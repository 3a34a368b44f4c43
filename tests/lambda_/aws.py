"""The AWS that responders meet in tests: answers boto3's calls in this process, and asks policies.

botocore validates each call by AWS's own model before it comes here. Every call is then checked
against the role policies of out/, so that no test can pass with a call that would be denied. The
memory table is moto's, whose update expressions are real; trails are made here, because moto
knows neither home Regions nor the organization's trails in members.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, NamedTuple

import boto3
import botocore.session
from botocore.loaders import Loader
from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import AccessKey, iam_backends

from generator.simulation import permissions
from generator.simulation.authorization import (
    Caller,
    Decision,
    Policies,
    Policy,
    Request,
    decide,
    identity_policy,
    resource_policy,
    trust_policy,
)
from generator.simulation.beyond_moto import Buckets, Instances, Users
from generator.simulation.edge import Identity
from generator.simulation.world import ServiceError

from . import rendered
from .rendered import ORGANIZATION, Site

_MODELS = Loader()
"""Reads the models of AWS's services, each once for all tests."""


class Call(NamedTuple):
    """A call that a responder made, and what came of it: "ok" or the code of the error."""

    account: str
    region: str
    service: str
    operation: str
    parameters: Mapping[str, Any]
    outcome: str = "ok"

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"


class Refusal(Exception):
    """A service says no."""

    def __init__(
        self, code: str, message: str = "said the test", status: int = 400, **more: str
    ) -> None:
        self.code, self.message, self.status, self.more = code, message, status, more
        super().__init__(f"{code}: {message}")


@dataclass
class Trail:
    """A multi-Region trail."""

    name: str
    home: str
    account: str
    logging: bool = False
    organization: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    stuck: bool = False
    """It does not log, whatever is called."""
    partition: str = "aws"
    everywhere: bool = True

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:cloudtrail:{self.home}:{self.account}:trail/{self.name}"


class Need(NamedTuple):
    """What a call needs: actions, each on a resource."""

    actions: tuple[str, ...]
    resource: Callable[[Mapping[str, Any], Site], str]


def _topics_key(parameters: Mapping[str, Any], site: Site) -> str:
    return site.arn("kms", f"key/{rendered.KEY_ID}")


# Which permissions each call needs. A call that is not in the table fails.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
# Publishing to a topic with a key: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
NEEDS: dict[str, tuple[Need, ...]] = {
    "cloudtrail:DescribeTrails": (Need(("cloudtrail:DescribeTrails",), lambda p, site: "*"),),
    "cloudtrail:GetTrailStatus": (
        Need(("cloudtrail:GetTrailStatus",), lambda p, site: str(p["Name"])),
    ),
    "cloudtrail:ListTags": (
        Need(("cloudtrail:ListTags",), lambda p, site: str(p["ResourceIdList"][0])),
    ),
    "cloudtrail:StartLogging": (
        Need(("cloudtrail:StartLogging",), lambda p, site: str(p["Name"])),
    ),
    "organizations:DescribeAccount": (
        Need(
            ("organizations:DescribeAccount",),
            lambda p, site: (
                f"arn:{site.partition}:organizations::999988887777:account/"
                f"{ORGANIZATION}/{p['AccountId']}"
            ),
        ),
    ),
    "secretsmanager:GetSecretValue": (
        Need(
            ("secretsmanager:GetSecretValue",),
            lambda p, site: site.arn("secretsmanager", f"secret:{p['SecretId']}-AbCdEf"),
        ),
    ),
    "sqs:ChangeMessageVisibility": (
        Need(
            ("sqs:ChangeMessageVisibility",),
            lambda p, site: site.arn("sqs", str(p["QueueUrl"]).rpartition("/")[2]),
        ),
    ),
    "sqs:SendMessage": (
        Need(
            ("sqs:SendMessage",),
            lambda p, site: site.arn("sqs", str(p["QueueUrl"]).rpartition("/")[2]),
        ),
    ),
    "sns:Publish": (
        Need(("sns:Publish",), lambda p, site: str(p["TopicArn"])),
        Need(("kms:GenerateDataKey", "kms:Decrypt"), _topics_key),
    ),
    "ssm:GetParameter": (
        Need(("ssm:GetParameter",), lambda p, site: site.arn("ssm", f"parameter{p['Name']}")),
    ),
}


class Aws:
    """A central account and its members, while moto is on."""

    def __init__(self, site: Site, function_role: str, member_role: str) -> None:
        """`site` is where the central stack stands; the roles are logical ids in out/."""
        self.site = site
        self.calls: list[Call] = []
        self.denied: list[str] = []
        """Calls that the rendered policies do not allow."""
        self.used: set[tuple[str, str]] = set()
        """The actions that were needed and allowed, each with "central" or "member"."""
        self.without: set[str] = set()
        """Actions that are taken out of every role's policies."""
        self.switch = "on"
        self.secrets: dict[str, str] = {}
        """Of secrets in Secrets Manager, and of SecureString parameters: what they hold."""
        self.names: dict[str, str] = {}
        """Of accounts: what Organizations calls them."""
        self.hidden: dict[str, int] = {}
        """Of messages, by receipt handle: for how many seconds the queue hides them."""
        self.sent: list[Mapping[str, Any]] = []
        """What was put into a queue."""
        self.published: list[dict[str, Any]] = []
        self.on_publish: Callable[[], None] = lambda: None
        """What happens in the world when a report has gone out."""
        self.trails: list[Trail] = []
        self.delegates: set[str] = set()
        """The accounts that administer CloudTrail for the organization."""
        self._logical = {"central": function_role, "member": member_role}
        self._faults: dict[str, list[Exception]] = defaultdict(list)
        self._callers: dict[str, tuple[str, str]] = {}
        self._numbers = itertools.count(1)
        self._make_table()

    # --- What tests say and ask

    def add(self, trail: Trail) -> Trail:
        self.trails.append(trail)
        return trail

    def remove(self, trail: Trail) -> None:
        self.trails.remove(trail)

    def fail(self, name: str, error: Exception | str, times: int = 1) -> None:
        """The next calls of this name fail: with a code, or with an exception of the transport."""
        fault = error if isinstance(error, Exception) else Refusal(error)
        self._faults[name] += [fault] * times

    def made(self, *names: str) -> list[Call]:
        """The calls of these names that succeeded."""
        return [call for call in self.calls if call.name in names and call.outcome == "ok"]

    @property
    def starts(self) -> list[tuple[str, str]]:
        """Where trails were started: Region, and ARN."""
        return [
            (call.region, call.parameters["Name"]) for call in self.made("cloudtrail:StartLogging")
        ]

    def memory(self) -> dict[str, dict[str, str]]:
        """What the memory table holds: its items by key."""
        items = self._tables.get_table(self.table).items.values()
        attributes = [item.to_json()["Attributes"] for item in items]
        return {
            each["key"]["S"]: {
                name: next(iter(value.values())) for name, value in each.items() if name != "key"
            }
            for each in attributes
        }

    def drop_table(self) -> None:
        self._tables.delete_table(self.table)

    # --- The session that the function finds

    def session(self) -> boto3.Session:
        """What boto3.client uses inside the function: the credentials of its role."""
        core = botocore.session.Session()
        core.register_component("data_loader", _MODELS)
        core.register("before-parameter-build.*.*", _remember)
        core.register("before-call.*.*", self._before)
        core.register("after-call.*.*", self._after)
        credentials = self._credentials("central", self.site.account)
        return boto3.Session(botocore_session=core, region_name=self.site.region, **credentials)

    def _credentials(self, side: str, account: str) -> dict[str, str]:
        key = f"ASIATEST{next(self._numbers):012d}"
        self._callers[key] = side, account
        # moto finds the account of a call by its access key.
        known = iam_backends[account][self.site.partition].access_keys
        known[key] = AccessKey(user_name=None, prefix="ASIA", account_id=account)
        return {
            "aws_access_key_id": key,
            "aws_secret_access_key": "a-secret-key",
            "aws_session_token": "a-session-token",
        }

    def _before(self, model: Any, params: Any, request_signer: Any, context: Any, **_: Any) -> Any:
        side, account = self._callers[request_signer._credentials.access_key]
        service, operation = model.service_model.service_name, model.name
        region = request_signer.region_name
        call = Call(account, region, service, operation, context["test_parameters"])
        context["test_call"] = call
        try:
            if self._faults[call.name]:
                raise self._faults[call.name].pop(0)
            self._check(side, call)
            answer = self._answer(call)
        except Refusal as refusal:
            return SimpleNamespace(status_code=refusal.status, headers={}), {
                "Error": {"Code": refusal.code, "Message": refusal.message, **refusal.more},
                "ResponseMetadata": {"HTTPStatusCode": refusal.status},
            }
        except Exception as error:
            self.calls.append(call._replace(outcome=type(error).__name__))
            raise
        if answer is None:
            return None  # moto's
        return SimpleNamespace(status_code=200, headers={}), answer

    def _after(self, parsed: Any, context: Any, **_: Any) -> None:
        outcome = str(parsed.get("Error", {}).get("Code", "ok"))
        self.calls.append(context["test_call"]._replace(outcome=outcome))

    # --- Who may do what

    def role(self, side: str, account: str) -> tuple[str, dict[str, Any]]:
        """The ARN and the properties of the function's role, or of the one in a member."""
        template = "central.yaml" if side == "central" else "member-roles.yaml"
        site = replace(self.site, account=account)
        properties = rendered.resource(template, self._logical[side], site)
        name = f"{self.site.role_path}{properties['RoleName']}"
        return f"arn:{site.partition}:iam::{account}:role{name}", properties

    def may(self, side: str, account: str, action: str, resource: str, **context: Any) -> Decision:
        """Whether a role of ours allows an action on a resource whose owner consents."""
        arn, properties = self.role(side, account)
        root = f"arn:{self.site.partition}:iam::{account}:root"
        consent = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": action}
        if action == "sts:AssumeRole":
            owners = trust_policy({"Version": "2012-10-17", "Statement": [consent]}, resource)
        else:
            whole = {"Version": "2012-10-17", "Statement": [{**consent, "Resource": "*"}]}
            owners = resource_policy(whole, resource)
        caller = Caller.role_session(arn, "test", organization=ORGANIZATION)
        policies = Policies(identity=self._own(arn, properties), resource=owners)
        owner = context.get("aws:ResourceAccount")
        return decide(Request(caller, action, resource, context, owner), policies)

    def _own(self, arn: str, properties: Mapping[str, Any]) -> tuple[Policy, ...]:
        documents = json.loads(json.dumps([p["PolicyDocument"] for p in properties["Policies"]]))
        for document in documents:
            for statement in document["Statement"]:
                statement["Action"] = [
                    action for action in statement["Action"] if action not in self.without
                ] or ["none:None"]
        return tuple(identity_policy(document, arn) for document in documents)

    def _check(self, side: str, call: Call) -> None:
        if call.service == "sts":
            return  # _assume asks both sides
        known = permissions.NEEDS.get((call.service, call.operation))
        if call.name not in NEEDS and known is not None:
            self._check_as_simulated(side, call, known)
            return
        site = Site(call.account, call.region, self.site.partition)
        for need in NEEDS[call.name]:
            resource = need.resource(call.parameters, site)
            inside = {"aws:ResourceOrgID": ORGANIZATION}
            for action in need.actions:
                decision = self.may(side, call.account, action, resource, **inside)
                self._demand(decision, action, side)

    def _check_as_simulated(self, side: str, call: Call, need: permissions.Need) -> None:
        """Services whose state is moto's: the simulation knows what their conditions see."""
        site = permissions.Site(call.account, call.region)
        named = need.resource(call.parameters, site)
        for resource in [named] if isinstance(named, str) else named:
            context = need.context(call.parameters, site, resource)
            decision = self.may(side, call.account, need.action, resource, **context)
            self._demand(decision, need.action, side)

    def _demand(self, decision: Decision, action: str, side: str) -> None:
        if not decision.allowed:
            self.denied.append(f"{side} {action}")
            raise Refusal("AccessDeniedException", decision.because, 403)
        self.used.add((side, action))

    # --- The services

    def _answer(self, call: Call) -> dict[str, Any] | None:
        services: dict[str, Callable[[Call], dict[str, Any] | None]] = {
            "cloudtrail": self._cloudtrail,
            "dynamodb": lambda _: None,
            "ec2": lambda call: _answered_or_none(Instances(), call),
            "iam": lambda call: _answered_or_none(Users(), call),
            "s3": lambda call: _answered_or_none(Buckets(), call),
            "s3control": lambda _: None,
            "sns": self._publish,
            "organizations": self._account,
            "secretsmanager": lambda c: {"SecretString": self._secret(c.parameters["SecretId"])},
            "sqs": self._queue,
            "ssm": self._parameter,
            "sts": self._assume,
        }
        return services[call.service](call)

    def _parameter(self, call: Call) -> dict[str, Any]:
        if call.parameters.get("WithDecryption"):
            return {"Parameter": {"Value": self._secret(call.parameters["Name"])}}
        return {"Parameter": {"Value": self.switch}}

    def _secret(self, name: str) -> str:
        if name not in self.secrets:
            raise Refusal("ResourceNotFoundException", f"there is no {name}")
        return self.secrets[name]

    def _account(self, call: Call) -> dict[str, Any]:
        account = call.parameters["AccountId"]
        if account not in self.names:
            raise Refusal("AccountNotFoundException", f"there is no {account}")
        return {"Account": {"Id": account, "Name": self.names[account]}}

    def _queue(self, call: Call) -> dict[str, Any]:
        if call.operation == "SendMessage":
            assert 0 <= call.parameters.get("DelaySeconds", 0) <= 900
            self.sent.append(call.parameters)
            return {"MessageId": "m"}
        self.hidden[call.parameters["ReceiptHandle"]] = call.parameters["VisibilityTimeout"]
        return {}

    def _assume(self, call: Call) -> dict[str, Any]:
        assert call.operation == "AssumeRole"
        wanted = call.parameters["RoleArn"]
        account = wanted.split(":")[4]
        arn, target = self.role("member", account)
        own_arn, own = self.role("central", call.account)
        if arn != wanted:
            raise Refusal("AccessDenied", f"there is no role {wanted}", 403)
        caller = Caller.role_session(own_arn, "test", organization=ORGANIZATION)
        trust = trust_policy(target["AssumeRolePolicyDocument"], arn)
        request = Request(caller, "sts:AssumeRole", arn, {"aws:ResourceOrgID": ORGANIZATION})
        policies = Policies(identity=self._own(own_arn, own), resource=trust)
        self._demand(decide(request, policies), "sts:AssumeRole", "central")
        given = self._credentials("member", account)
        return {
            "Credentials": {
                "AccessKeyId": given["aws_access_key_id"],
                "SecretAccessKey": given["aws_secret_access_key"],
                "SessionToken": given["aws_session_token"],
            }
        }

    def _publish(self, call: Call) -> dict[str, Any]:
        subject = call.parameters["Subject"]
        if not (0 < len(subject) <= 100 and subject.isascii() and subject.isprintable()):
            raise Refusal("InvalidParameter", "Invalid parameter: Subject")
        assert call.parameters["TopicArn"] == self.site.arn("sns", "trailbus-reports")
        self.published.append(json.loads(call.parameters["Message"]))
        self.on_publish()
        return {"MessageId": "published"}

    def _cloudtrail(self, call: Call) -> dict[str, Any]:
        if call.operation == "DescribeTrails":
            seen = self._seen(call)
            if not call.parameters.get("includeShadowTrails", True):
                here = (call.region, call.account)
                seen = [trail for trail in seen if (trail.home, trail.account) == here]
            return {"trailList": [_described(trail) for trail in seen]}
        named = call.parameters.get("Name") or call.parameters["ResourceIdList"][0]
        # Another account's trail has no other name than its ARN.
        known = [
            trail
            for trail in self._seen(call)
            if named == trail.arn or (named == trail.name and trail.account == call.account)
        ]
        trail = next(iter(known), None)
        if trail is None:
            raise Refusal("TrailNotFoundException", f"Unknown trail: {named}")
        if call.operation == "GetTrailStatus":
            return {"IsLogging": trail.logging}
        if call.operation == "ListTags":
            tags = [{"Key": key, "Value": value} for key, value in trail.tags.items()]
            return {"ResourceTagList": [{"ResourceId": trail.arn, "TagsList": tags}]}
        assert call.operation == "StartLogging"
        if trail.home != call.region:
            raise Refusal("InvalidHomeRegionException", "A trail is started in its home Region")
        if trail.account != call.account and call.account not in self.delegates:
            raise Refusal("NotOrganizationMasterAccountException", "not the trail's owner")
        trail.logging = not trail.stuck
        return {}

    def _seen(self, call: Call) -> list[Trail]:
        """The trails that are there, and the shadows of others.

        https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html
        """
        return [
            trail
            for trail in self.trails
            if (trail.home == call.region or trail.everywhere)
            and (trail.account == call.account or trail.organization)
        ]

    @property
    def table(self) -> str:
        return str(rendered.resource("central.yaml", "Memory", self.site)["TableName"])

    @property
    def _tables(self) -> Any:
        return dynamodb_backends[self.site.account][self.site.region]

    def _make_table(self) -> None:
        properties = rendered.resource("central.yaml", "Memory", self.site)
        self._tables.create_table(
            self.table,
            schema=properties["KeySchema"],
            throughput=None,
            attr=properties["AttributeDefinitions"],
            global_indexes=None,
            indexes=None,
            streams=None,
            billing_mode=properties["BillingMode"],
            sse_specification=None,
            tags=[],
            deletion_protection_enabled=False,
            warm_throughput=None,
        )


def _described(trail: Trail) -> dict[str, Any]:
    return {
        "Name": trail.name,
        "TrailARN": trail.arn,
        "HomeRegion": trail.home,
        "IsOrganizationTrail": trail.organization,
        "IsMultiRegionTrail": trail.everywhere,
    }


def _answered_or_none(service: Any, call: Call) -> dict[str, Any] | None:
    """What AWS answers otherwise than moto; the rest is moto's to answer."""
    asking = Identity(call.account, "")
    try:
        answer: dict[str, Any] | None = service.call(
            call.operation, call.parameters, asking, call.region
        )
        return answer
    except ServiceError as error:
        raise Refusal(error.code, error.message, error.status, **error.more) from None


def _remember(params: Any, context: Any, **_: Any) -> None:
    context["test_parameters"] = params
