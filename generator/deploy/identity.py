"""Asks whose credentials each side has: a rollout with somebody else's must not even begin."""

from __future__ import annotations

from typing import NamedTuple

from generator.deploy.aws import UNREACHABLE, Call, Door, Refused, Side
from generator.deploy.wanted import Wanted
from generator.model import Mistake, Problem

SIDES: tuple[Side, ...] = ("central", "management")


class Caller(NamedTuple):
    """Who a side's calls are made by."""

    account: str
    arn: str


def caller(door: Door, wanted: Wanted, side: Side) -> Caller:
    """Who makes the calls of a side. Raises Refused, or Mistake where no credentials are."""
    answer = door.call(Call(side, wanted.home, "sts", "GetCallerIdentity", {}))
    return Caller(answer["Account"], answer["Arn"])


def expected(wanted: Wanted, side: Side) -> str:
    """The account that a side's credentials must be of."""
    place = wanted.place
    return place.central_account if side == "central" else place.administrator


def problems(door: Door, wanted: Wanted) -> list[Problem]:
    """What is wrong with the credentials: one line per side, none when both are right.

    Raises Refused when there is no network: that says nothing about either.
    """
    found = []
    for side in SIDES:
        where = f"the {side} account"
        cure = f"see place.access.{side}_role and {side}_profile"
        try:
            known = caller(door, wanted, side)
        except Refused as refusal:
            if refusal.code in UNREACHABLE:
                raise
            found.append(
                Problem(
                    where,
                    f"cannot be asked: {refusal.code}: {refusal.message}",
                    _CURES.get(refusal.code, cure),
                )
            )
            continue
        except Mistake as mistake:
            found += mistake.problems
            continue
        account = expected(wanted, side)
        if known.account != account:
            fault = f"the credentials are those of {known.account}, not of {account}"
            found.append(Problem(where, fault, cure))
    return found


_EXPIRED = "log in again, or renew the session"
_CURES = {
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "NoCredentialsError": "log in, or name a profile: place.access, AWS_PROFILE",
    "SSOTokenLoadError": "log in: aws sso login",
    "UnauthorizedSSOTokenError": "log in again: aws sso login",
}
