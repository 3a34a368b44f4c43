"""Where boto3's calls leave this process in real life: here they are answered inside it.

Calls to services that the simulation serves itself are answered before they become HTTP; all
others fall through to moto. botocore has validated the parameters of both by then, so a request
that AWS's own model forbids fails here as it would there. Nothing reaches a network.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader
from moto.iam.models import AccessKey, iam_backends

from generator.simulation.refusals import Refusals
from generator.simulation.world import ServiceError


@dataclass(frozen=True)
class Identity:
    """Who makes a call. `checked` callers may do only what policies allow; others all."""

    account: str
    arn: str
    role: str = ""
    session: str = ""
    checked: bool = False


@dataclass(frozen=True)
class Made:
    """A call that was made, and what came of it: "ok" or the code of the error."""

    caller: Identity
    service: str
    operation: str
    region: str
    outcome: str


class Service(Protocol):
    """A service that the simulation serves itself, or at least has a word in."""

    def call(
        self, operation: str, parameters: Mapping[str, Any], caller: Identity, region: str
    ) -> dict[str, Any] | None:
        """The answer as boto3 returns it; ServiceError for a refusal, None to leave it to moto."""
        ...


# Neither profiles nor configuration files of whoever runs the simulation.
_NOBODYS_SETTINGS = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}

Check = Callable[[Identity, str, str, Mapping[str, Any], str], None]
"""Raises ServiceError AccessDenied: (caller, service, operation, parameters, Region)."""


class Edge:
    """Answers the calls of every session that it hands out.

    `services` are named as botocore names them; "iam:SimulatePrincipalPolicy" is one operation of
    a service whose others are moto's.
    """

    def __init__(self, services: dict[str, Service], check: Check | None = None) -> None:
        self.services = services
        self.check = check
        self.refusals = Refusals()
        self.calls: list[Made] = []
        """Every call that has ended, in order."""
        self._fault: Exception | None = None
        self._unanswered = ""
        self._identities: dict[str, Identity] = {}
        self._numbers = itertools.count(1)
        self._loader = Loader()

    def credentials(self, identity: Identity) -> dict[str, str]:
        """Credentials that make calls as this identity, in boto3's words."""
        key = f"ASIASIMULATED{next(self._numbers):07d}"
        self._identities[key] = identity
        # moto finds the account of a call by looking for its access key in each account.
        partition = identity.arn.split(":")[1] if identity.arn else "aws"
        known = iam_backends[identity.account][partition].access_keys
        known[key] = AccessKey(user_name=None, prefix="ASIA", account_id=identity.account)
        return {
            "aws_access_key_id": key,
            "aws_secret_access_key": "simulated",
            "aws_session_token": "simulated",
        }

    def check_for_faults(self) -> None:
        """Raises what went wrong in the simulation itself: whoever called may have swallowed it."""
        if self._fault is not None:
            raise self._fault
        if self._unanswered:
            raise AssertionError(f"the simulation failed to answer {self._unanswered}")

    def identity(self, access_key: str) -> Identity | None:
        """Who holds an access key."""
        return self._identities.get(access_key)

    def session(self, identity: Identity, region: str) -> boto3.Session:
        """A boto3 session whose calls are made as `identity`.

        The user's own profiles and AWS_ENDPOINT_URL have no say in it.
        """
        core = botocore.session.Session(session_vars=_NOBODYS_SETTINGS)
        core.set_config_variable("ignore_configured_endpoint_urls", True)
        core.register_component("data_loader", self._loader)
        core.set_default_client_config(Config(retries={"total_max_attempts": 1}))
        core.register("before-parameter-build.*.*", _remember_parameters)
        core.register("before-call.*.*", self._answer)
        core.register("after-call.*.*", self._note)
        # The first answer counts: moto's, where it has one.
        core.get_component("event_emitter").register_last("before-send", self._stop)
        return boto3.Session(
            botocore_session=core, region_name=region, **self.credentials(identity)
        )

    def _answer(
        self, model: Any, params: Any, request_signer: Any, context: Any, **_: Any
    ) -> tuple[Any, dict[str, Any]] | None:
        """botocore's hook before a call: an answer here is the service's answer."""
        service, operation = model.service_model.service_name, model.name
        region = context.get("client_region") or request_signer.region_name
        if region.endswith("-global"):
            # IAM and the like have one endpoint a partition; they sign for the Region it stands in.
            region = request_signer.region_name
        self._unanswered = f"{service} {operation}"
        try:
            caller = self._identities.get(request_signer._credentials.access_key)
            if caller is None:
                raise AssertionError("a call with credentials that the simulation gave nobody")
            context["simulated_call"] = (caller, service, operation, region)
            parameters = context["simulated_parameters"]
            self.refusals.check(caller.account, caller.arn, service, operation)
            if self.check is not None and caller.checked:
                self.check(caller, service, operation, parameters, region)
            answering = self.services.get(f"{service}:{operation}", self.services.get(service))
            if answering is None:
                return None
            answer = answering.call(operation, parameters, caller, region)
            if answer is None:
                return None
            return SimpleNamespace(status_code=200, headers={}), {
                **answer,
                "ResponseMetadata": {"HTTPStatusCode": 200, "RequestId": "simulated"},
            }
        except ServiceError as error:
            return SimpleNamespace(status_code=error.status, headers={}), {
                "Error": {"Code": error.code, "Message": error.message, **error.more},
                "ResponseMetadata": {"HTTPStatusCode": error.status, "RequestId": "simulated"},
            }
        except Exception as fault:
            self._fault = fault
            raise

    def _stop(self, request: Any, **_: Any) -> _Unanswered:
        """botocore's hook before a request leaves: none does."""
        return _Unanswered(request.url)

    def _note(self, parsed: Any, context: Any, **_: Any) -> None:
        """botocore's hook after a call, whoever answered it."""
        error = parsed.get("Error", {})
        caller, service, operation, region = context["simulated_call"]
        outcome = str(error.get("Code", "ok"))
        self.calls.append(Made(caller, service, operation, region, outcome))
        self._unanswered = ""


class _Unanswered:
    """The response to a request that nobody in this process answers: to look at it is an error."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody in the simulation answers {self._url}")


def _remember_parameters(params: Any, model: Any, context: Any, **_: Any) -> None:
    context["simulated_parameters"] = params
