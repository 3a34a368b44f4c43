"""The door: errors become refusals, pages one list, and expired credentials are renewed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from botocore.parsers import ResponseParserError

from generator.deploy.aws import EXPIRED, Call, Door, Refused, entered, sessions
from generator.deploy.preconditions import denied
from generator.model import Access, Mistake
from generator.simulation.organization import DEFAULT_PLACE

CALL = Call("central", "eu-west-1", "sqs", "ListQueues", {})
Answer = Callable[[dict[str, Any]], dict[str, Any]]


class Session:
    """Stands for a boto3 session: every client answers by the same function."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def client(self, service: str, **more: Any) -> Session:
        return self

    def _make_api_call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return self.answer(request)


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "so it is"}}, "ListQueues")


def raising(fault: Exception) -> Answer:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        raise fault

    return answer


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (error("AccessDenied"), "AccessDenied"),
        (NoCredentialsError(), "NoCredentialsError"),
        (ResponseParserError("<html>"), "ResponseParserError"),
        (EOFError(), "EOFError"),
    ],
)
def test_every_error_is_a_refusal_that_names_call_and_place(fault: Exception, code: str) -> None:
    door = Door(lambda side: Session(raising(fault)))
    with pytest.raises(Refused, match=r"ListQueues \(central account, eu-west-1\)") as caught:
        door.call(CALL)
    assert caught.value.code == code


def test_an_endpoint_that_is_no_url_is_a_refusal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost")
    with pytest.raises(Refused, match="Invalid endpoint: localhost"):
        Door(lambda side: boto3.Session(region_name="eu-west-1")).call(CALL)


@pytest.mark.parametrize("role", ["", "deployer"])
def test_an_account_is_not_entered_by_an_endpoint_that_is_no_url(
    monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost")
    with pytest.raises(Mistake, match="Invalid endpoint: localhost"):
        entered("111122223333", "eu-west-1", role=role)


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests of a machine that no network reaches."""
    made: list[str] = []

    def cut(request: Any, **more: Any) -> None:
        made.append(request.url)
        raise EndpointConnectionError(endpoint_url=request.url)

    whole = boto3.Session

    def session(*arguments: Any, **more: Any) -> Any:
        one = whole(*arguments, **more)
        one.events.register("before-send", cut)
        return one

    monkeypatch.setattr(boto3, "Session", session)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return made


@pytest.mark.parametrize("role", ["", "deployer"])
def test_a_network_that_is_down_is_called_that_after_two_tries(tries: list[str], role: str) -> None:
    place = DEFAULT_PLACE._replace(access=Access(central_role=role))
    with pytest.raises(Refused) as caught:
        Door(sessions(place)).call(CALL)
    assert len(tries) == 2
    [problem] = denied(caught.value).problems
    assert problem.place == "the network"
    assert "there is no way to AWS: Could not connect" in problem.fault
    with pytest.raises(Mistake, match="the network: there is no way to AWS"):
        entered("111122223333", "eu-west-1", role=role)


@pytest.mark.parametrize("code", sorted(EXPIRED))
def test_credentials_that_expire_on_the_way_are_asked_for_anew_once(code: str) -> None:
    made: list[Session] = []

    def session_for(side: str) -> Session:
        made.append(Session(lambda request: {"ok": len(made)}))
        return made[-1]

    door = Door(session_for)
    assert door.call(CALL) == {"ok": 1}
    made[0].answer = raising(error(code))
    assert door.call(CALL) == {"ok": 2}
    assert len(made) == 2


def test_credentials_that_cannot_be_renewed_are_refused_call_after_call() -> None:
    answers = [{"Answer": "yes"}]

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if answers:
            return answers.pop()
        raise error("ExpiredToken")

    given = [Session(answer)]

    def session_for(side: str) -> Session:
        if not given:
            raise Mistake.one("the central account", "the sign-in has ended")
        return given.pop()

    door = Door(session_for)
    assert door.call(CALL) == {"Answer": "yes"}
    for _ in range(2):
        with pytest.raises(Refused, match="cannot be renewed: the sign-in has ended") as caught:
            door.call(CALL)
        assert caught.value.code == "ExpiredToken"


def test_credentials_that_stay_expired_are_a_refusal() -> None:
    session = Session(lambda request: {})
    door = Door(lambda side: session)
    door.call(CALL)
    session.answer = raising(error("ExpiredToken"))
    with pytest.raises(Refused, match="ExpiredToken"):
        door.call(CALL)


@pytest.mark.parametrize(
    ("answered", "asked"),
    [("NextToken", "NextToken"), ("NextContinuationToken", "ContinuationToken")],
)
def test_pages_are_one_list(answered: str, asked: str) -> None:
    pages: dict[Any, dict[str, Any]] = {None: {"Items": [1, 2], answered: "b"}, "b": {"Items": [3]}}
    door = Door(lambda side: Session(lambda request: {**pages[request.get(asked)]}))
    assert list(door.items(CALL, "Items")) == [1, 2, 3]


def test_who_made_the_call_stays_out_of_the_answer() -> None:
    door = Door(lambda side: Session(lambda request: {"ResponseMetadata": {"RequestId": "1"}}))
    assert door.call(CALL) == {}
