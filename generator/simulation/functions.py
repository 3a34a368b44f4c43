"""Runs our Lambda functions in this process, with the code, variables and role of their stack.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends
from moto.ssm.models import ssm_backends

from generator.model import NOTHING, Json
from generator.simulation.decisions import crashed
from generator.simulation.delays import Delays
from generator.simulation.edge import Edge, Identity
from generator.simulation.journeys import Action, Post
from generator.simulation.left_over import target_of
from generator.simulation.web import WEBHOOK, Web
from generator.simulation.world import Resource, World, partition_of

_READING = ("Get", "List", "Describe", "Head", "Query", "Scan")
_OWN_BUSINESS = ("sts", "ssm", "dynamodb", "sns", "secretsmanager", "sqs", "organizations")
"""Services in which a responder keeps its own house: calls to them are no action in a member."""
RECEIVED_AT_MOST = 1_000
"""The largest maxReceiveCount of a queue with dead letters.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"""
RAISED = object()
"""Stands for the answer of a function that raised."""


class Functions:
    """The functions of one account and Region, fed from their queues.

    `responders` tells which responder a function is, by the function's name.
    """

    def __init__(
        self,
        world: World,
        edge: Edge,
        account: str,
        region: str,
        responders: Mapping[str, str] = NOTHING,
    ) -> None:
        self.world = world
        self.edge = edge
        self.home = account, region
        self.responders = responders
        self.log: list[str] = []
        """What the functions printed, a line each."""
        self.web = Web()
        self.delays = Delays()
        self.posts: list[Post] = []
        """What the functions told the world outside."""
        self._handlers: dict[str, ModuleType] = {}
        self._filled: set[tuple[str, str]] = set()

    def pump(self, now: datetime) -> list[Action]:
        """Feeds every function until its queue is empty; gives what they changed.

        A message that fails is handed over again, as often as its queue allows before it goes to
        the dead letters; no time passes in between. What a function wants to have back later, or
        has sent itself for later, waits until then.
        """
        self.delays.show(now)
        actions = []
        mappings = self.world.inventory.of_type(*self.home, "AWS::Lambda::EventSourceMapping")
        fed = True
        while fed:  # what one function reports may be another's to tell
            fed = False
            for mapping in mappings:
                while batch := self._receive(mapping):
                    fed = True
                    actions += self._invoke(mapping, batch, now)
        return actions

    def wait(self, until: datetime) -> list[Action]:
        """Lets time pass: feeds the functions whatever shows up until then, when it does."""
        actions = []
        while (due := self.delays.next) is not None and due <= until:
            actions += self.pump(due)
        return actions

    def _receive(self, mapping: Resource) -> list[Any]:
        queue = self.world.inventory.by_arn(str(mapping.properties["EventSourceArn"]))
        if queue is None:
            return []
        backend = sqs_backends[queue.account][queue.region]
        size = int(mapping.properties.get("BatchSize", 10))
        name = str(queue.properties["QueueName"])
        return list(backend.receive_message(name, min(size, 10), 0, 0))

    def _invoke(self, mapping: Resource, batch: list[Any], now: datetime) -> list[Action]:
        queue = self.world.inventory.by_arn(str(mapping.properties["EventSourceArn"]))
        function = self._function(str(mapping.properties["FunctionName"]), mapping)
        assert queue is not None  # noqa: S101 - a batch was received from it
        records = [_record(message, queue) for message in batch]
        first_call = len(self.edge.calls)
        answer = self.run(function, {"Records": records}, now)
        failed = _failed(mapping, {message.id for message in batch}, answer)
        backend, name = sqs_backends[queue.account][queue.region], queue.properties["QueueName"]
        self.delays.hide(backend.get_queue(name), [one for one in batch if one.id in failed])
        for message in batch:
            if message.id not in failed:
                backend.delete_message(str(name), message.receipt_handle)
            elif message.approximate_receive_count > RECEIVED_AT_MOST:
                raise AssertionError(f"{queue.arn} hands {message.id} over for ever")
        return self.changes(first_call, str(function.properties["FunctionName"]))

    def changes(self, first_call: int, by: str) -> list[Action]:
        """What was changed by the calls since that one, told as done by the function `by`."""
        return [
            Action(
                self.responders.get(by, by),
                made.caller.account,
                made.region,
                f"{made.service}:{made.operation}",
                made.outcome,
            )
            for made in self.edge.calls[first_call:]
            if made.service not in _OWN_BUSINESS and not made.operation.startswith(_READING)
        ]

    def named(self, name: str) -> Resource | None:
        """The function of that name, of those that stacks made."""
        for function in self.world.inventory.of_type(*self.home, "AWS::Lambda::Function"):
            if function.properties["FunctionName"] == name:
                return function
        return None

    def _function(self, named: str, mapping: Resource) -> Resource:
        function = self.named(named.rpartition(":")[2])
        if function is None:
            raise AssertionError(f"{mapping.logical_id} feeds {named}, which no stack made")
        return function

    def run(self, function: Resource, event: Mapping[str, Json], now: datetime) -> Any:
        """Invokes one function and gives its answer, or RAISED when it raised."""
        name = str(function.properties["FunctionName"])
        self.delays.serve(self.edge, now)
        environment = (function.properties.get("Environment") or {}).get("Variables") or {}
        printed = io.StringIO()
        self._fill_secret(function, environment)
        outside = self.web.around(name)
        with outside, self._running(function, environment), contextlib.redirect_stdout(printed):
            module = self._loaded(function)
            vars(module)["now"] = lambda: now
            try:
                answer = module.handler(dict(event), SimpleNamespace(function_name=name))
            except Exception as error:  # noqa: BLE001 - Lambda catches whatever a handler raises
                print(f"{name}: {type(error).__name__}: {error}")  # noqa: T201 - into its log
                print(crashed(target_of(function), error))  # noqa: T201 - as responders log it
                answer = RAISED
        self.log += printed.getvalue().splitlines()
        self.posts += [
            Post(request.function, request.host, request.body, response.status)
            for request, response in self.web.requests[len(self.posts) :]
        ]
        self.edge.check_for_faults()
        return answer

    def _fill_secret(self, function: Resource, environment: Mapping[str, Any]) -> None:
        """People fill a function's secret before they deploy: where none did, here it is."""
        arn = f"arn:{partition_of(function.region)}:iam::{function.account}:role/Administrator"
        for variable, service in (("TRAILBUS_SECRET", "secrets"), ("TRAILBUS_PARAMETER", "ssm")):
            name = str(environment.get(variable) or "")
            if not name or (service, name) in self._filled:
                continue
            self._filled.add((service, name))
            session = self.edge.session(Identity(function.account, arn), function.region)
            if service == "ssm":
                known = ssm_backends[function.account][function.region]._parameters
                if name not in known:
                    client = session.client("ssm")
                    client.put_parameter(Name=name, Value=WEBHOOK, Type="SecureString")
            elif name not in secretsmanager_backends[function.account][function.region].secrets:
                client = session.client("secretsmanager")
                client.create_secret(Name=name, SecretString=WEBHOOK)

    def _loaded(self, function: Resource) -> ModuleType:
        """The function's module, loaded once as a warm environment keeps it."""
        code = str(function.properties["Code"]["ZipFile"])
        if function.arn not in self._handlers:
            module = ModuleType("index")
            before = sys.modules.get("index")
            sys.modules["index"] = module  # where the code looks itself up while it is loaded
            try:
                exec(compile(code, f"{function.arn}/index.py", "exec"), vars(module))  # noqa: S102
            finally:
                del sys.modules["index"]
                if before is not None:
                    sys.modules["index"] = before
            self._handlers[function.arn] = module
        return self._handlers[function.arn]

    @contextlib.contextmanager
    def _running(self, function: Resource, environment: Mapping[str, Any]) -> Iterator[None]:
        """The variables and credentials that Lambda gives a function."""
        role = str(function.properties["Role"])
        partition, account, name = role.split(":")[1], role.split(":")[4], role.rpartition("/")[2]
        session_name = str(function.properties["FunctionName"])
        identity = Identity(
            account,
            f"arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}",
            role=role,
            session=session_name,
            checked=True,
        )
        variables = {key: str(value) for key, value in environment.items()}
        variables["AWS_REGION"] = variables["AWS_DEFAULT_REGION"] = function.region
        before = {key: os.environ.get(key) for key in variables}
        default = boto3.DEFAULT_SESSION
        os.environ.update(variables)
        boto3.DEFAULT_SESSION = self.edge.session(identity, function.region)
        try:
            yield
        finally:
            boto3.DEFAULT_SESSION = default
            for key, value in before.items():
                if value is None:
                    del os.environ[key]
                else:
                    os.environ[key] = value


def _failed(mapping: Resource, ids: set[str], answer: Any) -> set[str]:
    """The messages that go back to the queue.

    All of them when the function raised, or names one that is not of its batch; what it names
    counts only where the mapping asks for it.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    if answer is RAISED:
        return ids
    partial = "ReportBatchItemFailures" in mapping.properties.get("FunctionResponseTypes", [])
    if not partial or not isinstance(answer, Mapping):
        return set()
    named = {entry.get("itemIdentifier") for entry in answer.get("batchItemFailures") or []}
    return named if named <= ids else ids


def _record(message: Any, queue: Resource) -> dict[str, Json]:
    """An SQS message as Lambda hands it to a function."""
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": "0",
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn,
        "awsRegion": queue.region,
    }


def simulated_now(event_time: str) -> datetime:
    """A minute after an event: when it is handled. Unreadable times count as the epoch."""
    try:
        moment = datetime.fromisoformat(event_time)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC) + timedelta(minutes=1)
    except (ValueError, OverflowError):
        return datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
