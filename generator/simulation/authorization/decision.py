"""The decision: what all policies together say about one request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .context import Context, Given
from .documents import Policy
from .evaluation import Grant, Question, best_grant, first_denial, shortfall
from .principals import CALLERS_KEYS, Caller, Strength

_ACTION = re.compile(r"[a-z0-9-]+:[a-z0-9]+", re.ASCII | re.IGNORECASE)
_ACCOUNT = re.compile(r"[0-9]{12}")

# What a trust policy is asked about.
_ASSUMING = frozenset(
    {
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:setsourceidentity",
        "sts:tagsession",
    }
)


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants to do what, to which resource.

    `context` holds the keys that the caller does not bring itself. `owner` is the account of the
    resource where the ARN does not say it, as with buckets.
    """

    caller: Caller
    action: str
    resource: str
    context: Mapping[str, Given] = field(default_factory=dict)
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Policies:
    """Every policy that has a say in a request.

    `identity`, `boundary` and `scps` are the caller's. `scps` are levels from the organization's
    root down to the account, each with the policies attached there; leave them out for the
    management account, for service-linked roles, and where service control policies are off.
    `resource` is the resource's own policy; for assuming a role, the role's trust policy.
    """

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    scps: tuple[tuple[Policy, ...], ...] = ()
    resource: Policy | None = None

    def __iter__(self) -> Iterator[Policy]:
        for level in self.scps:
            yield from level
        if self.boundary:
            yield self.boundary
        yield from self.identity
        if self.resource:
            yield self.resource


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the request is allowed, and because of which statement, in a sentence."""

    allowed: bool
    because: str


def decide(request: Request, policies: Policies) -> Decision:
    """Whether AWS would allow the request.

    ValueError when the question makes no sense (a service with a permissions boundary),
    `UnreadablePolicy` when a policy meets a request for which AWS documents no answer.
    """
    _check(request, policies)
    question = _question(request)
    denial = first_denial(policies, question)
    if denial:
        return Decision(False, f"{denial} denies {request.action}")
    if request.caller.account is None:
        return _by_resource_policy_alone(question, policies)
    for level in policies.scps:
        if not best_grant(level, question):
            why = shortfall(level, question) if level else "a level has no service control policy"
            return Decision(False, f"service control policies: {why}")
    if request.caller.kind == "root" and _assumes(request):
        return Decision(False, "a root user cannot assume a role")
    if _owner(request) == request.caller.account:
        return _within_account(question, policies)
    return _across_accounts(question, policies)


def _by_resource_policy_alone(question: Question, policies: Policies) -> Decision:
    """Services, identity providers and strangers have no policies of their own."""
    grant = _resource_grant(question, policies)
    if grant:
        return _allowed(question, grant)
    return Decision(False, _resource_shortfall(question, policies))


def _within_account(question: Question, policies: Policies) -> Decision:
    """Identity or resource policy; keys and roles insist on their own.

    Whom a resource policy means directly needs nothing else. A role that it names stays within the
    role's permissions boundary. Naming the account only passes the question on to the identity
    policies. For assuming a role the boundary always counts:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html
    """
    own = _resource_grant(question, policies)
    if own is None and _insists_on_own_policy(question):
        return Decision(False, _resource_shortfall(question, policies))
    if own and own.strength is Strength.DIRECT and not _assumes(question):
        return _allowed(question, own)
    if own and own.strength >= Strength.ROLE:
        return _beyond_boundary(question, policies) or _allowed(question, own)
    identity = _identity_grant(question, policies)
    if identity is None:
        why = [_identity_shortfall(question, policies)]
        if policies.resource:
            why.append(
                f"{own} only names the account" if own else _resource_shortfall(question, policies)
            )
        return Decision(False, "; ".join(why))
    return _beyond_boundary(question, policies) or _allowed(question, identity, own)


def _across_accounts(question: Question, policies: Policies) -> Decision:
    """Both accounts must agree: the identity policy of one and the resource policy of the other."""
    identity = _identity_grant(question, policies)
    if identity is None:
        return Decision(False, _identity_shortfall(question, policies))
    own = _resource_grant(question, policies)
    if own is None:
        return Decision(False, _resource_shortfall(question, policies))
    return _beyond_boundary(question, policies) or _allowed(question, identity, own)


def _resource_grant(question: Question, policies: Policies) -> Grant | None:
    return best_grant([policies.resource], question) if policies.resource else None


def _identity_grant(question: Question, policies: Policies) -> Grant | str | None:
    if question.caller.kind == "root":
        return "the root user's right to do everything in its account"
    return best_grant(policies.identity, question)


def _beyond_boundary(question: Question, policies: Policies) -> Decision | None:
    """The denial of a request that the permissions boundary does not reach; None when it does."""
    if policies.boundary is None or best_grant([policies.boundary], question):
        return None
    why = shortfall([policies.boundary], question)
    return Decision(False, f"permissions boundary: {why}")


def _resource_shortfall(question: Question, policies: Policies) -> str:
    if policies.resource is None:
        return f"{question.resource} has no policy that allows {question.action} to others"
    return shortfall([policies.resource], question)


def _identity_shortfall(question: Question, policies: Policies) -> str:
    if not policies.identity:
        return f"{question.caller} has no identity policy that allows {question.action}"
    return shortfall(policies.identity, question)


def _allowed(question: Question, *grants: Grant | str | None) -> Decision:
    names = [str(grant) for grant in grants if grant]
    verb = "allows" if len(names) == 1 else "allow"
    return Decision(True, f"{' and '.join(names)} {verb} {question.action}")


def _assumes(asked: Request | Question) -> bool:
    return asked.action.casefold() in _ASSUMING


def _insists_on_own_policy(question: Question) -> bool:
    """Whether identity policies count only where the resource's own policy lets them.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
    """
    is_key = ":key/" in question.resource and question.action.casefold().startswith("kms:")
    return is_key or _assumes(question)


def _owner(request: Request) -> str:
    """The account of the resource; ValueError when nothing says it."""
    written = request.resource.split(":")[4] if request.resource != "*" else request.caller.account
    if written and _ACCOUNT.fullmatch(written):
        if request.owner not in (None, written):
            raise ValueError(f"{request.resource} does not belong to account {request.owner}")
        return written
    if request.owner is None:
        raise ValueError(f"the account of {request.resource} is needed to decide; give the owner")
    return request.owner


def _question(request: Request) -> Question:
    context = request.caller.context()
    given = Context.of(request.context)
    for key in CALLERS_KEYS:
        if given.get(key) and not context.get(key):
            raise ValueError(f"{request.caller} carries no {key}")
    return Question(request.caller, request.action, request.resource, context.joined(given))


def _check(request: Request, policies: Policies) -> None:
    """ValueError for a question that cannot be asked; its answer would mean nothing."""
    if not _ACTION.fullmatch(request.action):
        raise ValueError(f"{request.action!r} is no action")
    if request.resource != "*" and not re.match(r"arn:(?:[^:]*:){4}.", request.resource):
        raise ValueError(f"{request.resource!r} is neither an ARN nor '*'")
    caller = request.caller
    if caller.account is None and (policies.identity or policies.boundary or policies.scps):
        raise ValueError(f"{caller} has neither identity policies nor anything that limits them")
    if caller.kind == "root" and (policies.identity or policies.boundary):
        raise ValueError("a root user has neither identity policies nor a permissions boundary")
    for policy in policies:
        wanted = "identity"
        if policy is policies.resource:
            wanted = "trust" if _assumes(request) else "resource"
        if policy.kind != wanted:
            raise ValueError(
                f"{policy.place} was read as {policy.kind} policy and cannot be a {wanted} policy"
            )
