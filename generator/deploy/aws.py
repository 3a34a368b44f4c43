"""The one door to boto3: calls AWS for a side of the rollout, pages, and translates errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.exceptions import ConnectionError as Unconnected
from botocore.parsers import ResponseParserError

from generator.model import Access, Mistake, Place

Side = Literal["central", "management"]
"""The two accounts that a rollout writes to; StackSets reach all others."""

EXPIRED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "RequestExpired",
        "UnrecognizedClientException",
    }
)
"""How services say that credentials are good no more."""

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})
"""How services say that credentials do not allow a call."""

UNUSABLE = (BotoCoreError, EOFError, ValueError)
"""How botocore refuses what it was set up with: a ValueError for an endpoint that is no URL, an
EOFError where it wants to ask for an MFA code and nobody is there."""

UNREACHABLE = frozenset({"ConnectTimeoutError", "EndpointConnectionError", "ProxyConnectionError"})
"""How botocore says that there is no way to AWS."""

CONNECTING = 2
"""How often a connection is tried: a network that is down stays so for longer than a moment."""

_CONFIG = Config(
    connect_timeout=5,
    retries={"mode": "adaptive", "total_max_attempts": 10},
    user_agent_extra="trailbus",
)


def network_down(message: str) -> Mistake:
    """The mistake of being cut off, the same for every call."""
    cure = "see the connection, a proxy's settings, AWS_ENDPOINT_URL and the Region"
    return Mistake.one("the network", f"there is no way to AWS: {message}", cure)


class Refused(Exception):
    """AWS said no. `code` is AWS's own; the text names the call and where it was made."""

    def __init__(self, side: str, region: str, operation: str, code: str, message: str) -> None:
        self.side = side
        self.region = region
        self.code = code
        self.message = message
        self.operation = operation
        super().__init__(f"{operation} ({side} account, {region}): {code}: {message}")


@dataclass(frozen=True)
class Call:
    """One API call: which side makes it, where, and with what."""

    side: Side
    region: str
    service: str
    operation: str
    request: Mapping[str, Any]


Session = Any
"""A boto3 session; boto3 publishes no types."""


class Door:
    """Makes calls. It decides nothing: which calls, in which order, is the plan's."""

    def __init__(self, session_for: Callable[[Side], Session]) -> None:
        self._session_for = session_for
        self._sessions: dict[Side, Session] = {}
        self._clients: dict[tuple[Side, str, str], Any] = {}
        self._ended: dict[Side, str] = {}

    def call(self, call: Call) -> dict[str, Any]:
        """AWS's answer; Refused when it is an error.

        Credentials that have expired are asked for anew, once: a rollout may outlive a session.
        That they cannot be renewed is no mistake in what was configured, but AWS's refusal.
        """
        session = self._sessions.get(call.side)
        try:
            return self._answer(call)
        except Refused as refusal:
            if refusal.code not in EXPIRED or session is None:
                raise
            self._ended[call.side] = refusal.code
        self._forget(call.side)
        return self._answer(call)

    def _answer(self, call: Call) -> dict[str, Any]:
        try:
            client = self._client(call.side, call.service, call.region)
            answer: dict[str, Any] = client._make_api_call(call.operation, dict(call.request))
        except ClientError as error:
            detail = error.response.get("Error", {})
            raise Refused(
                call.side,
                call.region,
                call.operation,
                detail.get("Code", "Unknown"),
                detail.get("Message", str(error)),
            ) from None
        except (*UNUSABLE, ResponseParserError) as error:
            name = type(error).__name__
            raise Refused(call.side, call.region, call.operation, name, _words(error)) from None
        except Mistake as mistake:
            if call.side not in self._ended:
                raise
            why = f"the credentials cannot be renewed: {mistake.problems[0].fault}"
            code = self._ended[call.side]
            raise Refused(call.side, call.region, call.operation, code, why) from None
        answer.pop("ResponseMetadata", None)
        return answer

    def items(self, call: Call, key: str) -> Iterator[Any]:
        """What a listing call gives under `key`, over all its pages."""
        request = dict(call.request)
        while True:
            answer = self.call(Call(call.side, call.region, call.service, call.operation, request))
            yield from answer.get(key, [])
            token = answer.get("NextToken") or answer.get("NextContinuationToken")
            if not token:
                return
            request["NextToken" if "NextToken" in answer else "ContinuationToken"] = token

    def _forget(self, side: Side) -> None:
        self._sessions.pop(side, None)
        self._clients = {key: one for key, one in self._clients.items() if key[0] != side}

    def _client(self, side: Side, service: str, region: str) -> Any:
        key = (side, service, region)
        if key not in self._clients:
            if side not in self._sessions:
                self._sessions[side] = self._session_for(side)
            self._clients[key] = self._sessions[side].client(
                service, region_name=region, config=_CONFIG
            )
        return self._clients[key]


def _session(profile: str, region: str, **credentials: str) -> Session:
    """A session that gives up soon where there is no network, also while it gets credentials."""
    session = boto3.Session(profile_name=profile or None, region_name=region, **credentials)
    session._session.set_default_client_config(_CONFIG)
    session.events.register("needs-retry", _give_up)
    return session


def _assumed(given: Mapping[str, str], region: str) -> Session:
    """A session with the credentials that AssumeRole gave."""
    return _session(
        "",
        region,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def _give_up(attempts: int, caught_exception: Exception | None, **_: Any) -> None:
    """Ends botocore's tries to connect; all else it tries again as often as it is set up to."""
    if isinstance(caught_exception, Unconnected) and attempts >= CONNECTING:
        raise caught_exception


def _words(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "an MFA code is asked for, and there is no terminal to type it"
    return str(error)


def inside(door: Door, home: str, role: str, account: str) -> Door:
    """A door into a member, entered from the management account by a role of that member.

    Both sides of it are that account. Raises Refused where the role does not let us in.
    """
    partition = boto3.Session().get_partition_for_region(home)
    arn = f"arn:{partition}:iam::{account}:role/{role.lstrip('/')}"
    request = {"RoleArn": arn, "RoleSessionName": "trailbus-status"}
    given = door.call(Call("management", home, "sts", "AssumeRole", request))["Credentials"]
    session = _assumed(given, home)
    return Door(lambda _: session)


def sessions(place: Place) -> Callable[[Side], Session]:
    """Sessions for both sides, from the caller's credentials and the configuration's `access`.

    What botocore finds is used as it is: environment, profiles with roles and MFA (it asks for the
    code), single sign-on, AWS_ENDPOINT_URL. Nothing is written to disk.
    """

    def session_for(side: Side) -> Session:
        access: Access = place.access
        central = side == "central"
        profile = access.central_profile if central else access.management_profile
        role = access.central_role if central else access.management_role
        account = place.central_account if central else place.administrator
        try:
            session = _session(profile, place.central_region)
            if not role:
                return session
            partition = session.get_partition_for_region(place.central_region)
            answer = session.client("sts", config=_CONFIG).assume_role(
                RoleArn=f"arn:{partition}:iam::{account}:role/{role.lstrip('/')}",
                RoleSessionName="trailbus",
            )
        except (ClientError, *UNUSABLE) as error:
            if (code := type(error).__name__) in UNREACHABLE:
                home = place.central_region
                raise Refused(side, home, "AssumeRole", code, _words(error)) from None
            cure = f"see place.access.{side}_role and {side}_profile"
            raise Mistake.one(f"the {side} account {account}", _words(error), cure) from None
        given = answer["Credentials"]
        return _assumed(given, place.central_region)

    return session_for


def entered(account: str, region: str, profile: str = "", role: str = "") -> Door:
    """A door into one account, whichever side it is on, from the caller's credentials.

    `profile` names other credentials to begin with, `role` one of that account to assume with
    them. Raises Mistake when that leads nowhere, or into another account.
    """
    place = f"account {account}"
    try:
        session = _session(profile, region)
        if role:
            partition = session.get_partition_for_region(region)
            given = session.client("sts", config=_CONFIG).assume_role(
                RoleArn=f"arn:{partition}:iam::{account}:role/{role.lstrip('/')}",
                RoleSessionName="trailbus",
            )["Credentials"]
            session = _assumed(given, region)
        there = session.client("sts", config=_CONFIG).get_caller_identity()["Account"]
    except (ClientError, *UNUSABLE) as error:
        if type(error).__name__ in UNREACHABLE:
            raise network_down(_words(error)) from None
        cure = "name a role there with --role, or credentials with --profile"
        raise Mistake.one(place, _words(error), cure) from None
    if there != account:
        cure = "name a role of the account with --role, or another --profile"
        raise Mistake.one(place, f"the credentials are those of account {there}", cure)
    return Door(lambda _: session)
