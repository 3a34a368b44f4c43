"""A responder in its environment, on a fake AWS that asks the rendered policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from . import loading
from .aws import Aws, Trail
from .events import HOME, MEMBER, NOW, message
from .rendered import CENTRAL, Site


@dataclass
class Answer:
    """What came of one invocation."""

    failed: list[str]
    lines: list[dict[str, Any]]
    published: list[dict[str, Any]]

    @property
    def outcomes(self) -> list[str]:
        return [line["outcome"] for line in self.lines]

    @property
    def only(self) -> dict[str, Any]:
        """The one line that was logged."""
        [line] = self.lines
        return line


@dataclass
class Function:
    """A deployed responder. Its time stands still unless a test moves it."""

    module: Any
    aws: Aws
    printed: Callable[[], str]
    moment: datetime = NOW
    context: Any = None
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *messages: Mapping[str, Any] | str) -> Answer:
        """Invokes it with events, or with whole messages that the test has made."""
        records = [
            each if isinstance(each, Mapping) and "messageId" in each else message(each)
            for each in messages
        ]
        before = len(self.aws.published)
        self.printed()
        answer = self.module.handler({"Records": records}, self.context)
        assert list(answer) == ["batchItemFailures"]
        failed = [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]
        lines = [json.loads(line) for line in self.printed().splitlines()]
        return Answer(failed, lines, self.aws.published[before:])

    def later(self, **by: float) -> None:
        self.moment += timedelta(**by)


Deploy = Callable[..., Function]


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Deploy]:
    """Deploys a responder, at a site and with changed variables where a test wants them."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)

    def deployed(
        responder: str,
        function: str,
        member_role: str,
        site: Site = Site(CENTRAL),  # noqa: B008 - frozen
        **variables: str,
    ) -> Function:
        aws = Aws(site, f"{function}Role", member_role)
        environment = {**loading.variables(function, site), **variables}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", aws.session())
        module = loading.responder(responder)
        made = Function(module, aws, lambda: capsys.readouterr().out, environment=environment)
        module.now = lambda: made.moment
        return made

    with mock_aws(config={"core": {"reset_boto3_session": False}}):
        yield deployed


@pytest.fixture
def guard(deploy: Deploy) -> Iterator[Function]:
    """restart_cloudtrail as built in, and a stopped trail in a member. Whatever it does in a test
    must be allowed by the rendered policies."""
    function = deploy("restart_cloudtrail", "TrailGuard", "RestartCloudtrailRole")
    function.aws.add(Trail("account-trail", HOME, MEMBER))
    yield function
    assert function.aws.denied == []
