"""Authorization answers: may this caller do this to that resource, by these policies?

    may_put = decide(
        Request(Caller.role_session(forwarder, "events", organization="o-a1b2c3d4e5"),
                "events:PutEvents", bus, {"events:eventBusInvocation": True}),
        Policies(identity=(identity_policy(document, "the forwarder's policy"),),
                 resource=resource_policy(bus_document, "the bus policy")),
    )
    may_put.allowed, may_put.because

Pure functions on frozen values: documents are read once (`identity_policy`, `resource_policy`,
`trust_policy`), then asked as often as needed (`decide`). Modules from below: wildcards, context,
variables, conditions, principals, documents, evaluation, decision.

Modelled: the whole policy language (both versions, every condition operator and set qualifier,
variables, every form of principal, the Not elements); identity policies, permissions boundaries,
service control policies by level; the policies of buses, queues, topics, keys, buckets and
functions; trust policies; requests within an account, across accounts, by services, by identity
providers, by strangers.

Not modelled, so do not ask: session policies, resource control policies, VPC endpoint policies,
KMS grants, ACLs and block-public-access settings of buckets, sessions of GetFederationToken (a
policy may name one, no caller is one), service-linked roles' exemptions (leave out the `scps`),
services that want their own policy's consent within an account besides KMS and IAM, and whether
an action supports the resource or the keys that a statement uses. A statement that names a role
keeps meaning that name after the role was re-created; AWS would mean the deleted one.

Keys about time, network, tags, credentials (`aws:TokenIssueTime`, `aws:SecureTransport`, ...) and
the resource (`aws:ResourceOrgID`) exist only if the request's context gives them.
"""

from .decision import Decision, Policies, Request, decide
from .documents import (
    Policy,
    Statement,
    UnreadablePolicy,
    identity_policy,
    resource_policy,
    trust_policy,
)
from .principals import Caller

__all__ = [
    "Caller",
    "Decision",
    "Policies",
    "Policy",
    "Request",
    "Statement",
    "UnreadablePolicy",
    "decide",
    "identity_policy",
    "resource_policy",
    "trust_policy",
]
