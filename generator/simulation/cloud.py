"""A simulated organization that runs: boto3's calls are answered here while it is open."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from moto import mock_aws

from generator.deploy.aws import Door, Side
from generator.model import Place
from generator.simulation import access
from generator.simulation.accounts import Accounts
from generator.simulation.administered import OPERATIONS, AdministeredTrails
from generator.simulation.beyond_moto import Buckets, Instances, Users
from generator.simulation.cloudformation import CloudFormation
from generator.simulation.cloudformation.providers.kind import Forward
from generator.simulation.edge import Edge, Identity
from generator.simulation.organizations import Organizations
from generator.simulation.permissions import Permissions
from generator.simulation.principals import Principals
from generator.simulation.quotas import Quotas
from generator.simulation.settings import nobodys_settings
from generator.simulation.subscriptions import Subscriptions
from generator.simulation.tokens import Tokens
from generator.simulation.trails import Trails
from generator.simulation.world import World, partition_of


class Cloud:
    """The organization with its services. Make one with `opened`."""

    def __init__(self, world: World, *, materialise: bool = True) -> None:
        self.world = world
        tokens = Tokens(world)
        self.cloudformation = CloudFormation(world, materialise=materialise)
        self.cloudformation.may_put_events = self._refusal
        self.organizations = Organizations(world)
        self.quotas = Quotas(world)
        self.subscriptions = Subscriptions()
        self.edge = Edge(
            {
                "account": Accounts(world),
                "cloudformation": self.cloudformation,
                "ec2": Instances(),
                "iam": Users(),
                "organizations": self.organizations,
                "s3": Buckets(),
                "service-quotas": self.quotas,
                "sns:ListSubscriptionsByTopic": self.subscriptions,
                "sts": tokens,
            },
            Permissions(world).check,
        )
        self.refusals = self.edge.refusals
        self.edge.services["iam:SimulatePrincipalPolicy"] = Principals(world, self.refusals)
        self.administered = AdministeredTrails(world)
        for operation in OPERATIONS:
            self.edge.services[f"cloudtrail:{operation}"] = self.administered
        tokens.edge = self.edge
        self.trails = Trails(world)

    def _refusal(self, forward: Forward) -> str | None:
        """Why a rule gets no bus as its target: one that would not take its events."""
        refusal = access.forwarding_refused(
            self.world, forward.rule_arn, forward.role_arn, forward.bus_arn
        )
        return refusal.why if refusal else None

    def administrator(self, account: str, region: str) -> Any:
        """A boto3 session that may do everything in an account."""
        arn = f"arn:{partition_of(region)}:iam::{account}:role/Administrator"
        return self.edge.session(Identity(account, arn), region)

    def door(self, place: Place) -> Door:
        """The deploy code's door, opening on this organization instead of AWS.

        StackSets are run from the management account, or from a delegated administrator's.
        """

        def session_for(side: Side) -> Any:
            account = place.central_account if side == "central" else place.administrator
            return self.administrator(account, place.central_region)

        return Door(session_for)

    def pause(self, seconds: float) -> None:
        """Lets the organization's own clock run: nothing here sleeps."""
        self.world.clock += seconds


@contextlib.contextmanager
def opened(world: World, *, materialise: bool = True) -> Iterator[Cloud]:
    """The organization, for as long as the block runs. Nothing leaves this process meanwhile.

    Without `materialise` the instances of StackSets are records that have no resources: thousands
    of accounts fit. Settings of whoever runs it (AWS_PROFILE, ...) have no say inside.
    """
    with nobodys_settings(), mock_aws(config={"core": {"reset_boto3_session": False}}):
        yield Cloud(world, materialise=materialise)
