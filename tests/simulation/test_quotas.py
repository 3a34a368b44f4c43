"""Service Quotas: everybody's, and those that an account was given."""

from __future__ import annotations

from typing import Any

import pytest

from generator.simulation.quotas import Quotas
from generator.simulation.world import ServiceError
from tests.simulation.cloudformation.ask import CENTRAL, MANAGEMENT, organization_of
from tests.simulation.shapes import asked


@pytest.fixture
def quotas() -> Quotas:
    return Quotas(organization_of(3))


def values(quotas: Quotas, account: str, region: str, service: str = "events") -> dict[str, Any]:
    name = "service-quotas"
    answer = asked(quotas, name, account, region, "ListServiceQuotas", ServiceCode=service)
    return {one["QuotaName"]: one["Value"] for one in answer["Quotas"]}


def test_a_quota_is_given_to_one_account_in_one_region(quotas: Quotas) -> None:
    quotas.set(CENTRAL, "eu-west-1", "events", "Rules", 500)
    assert values(quotas, CENTRAL, "eu-west-1")["Rules"] == 500
    assert values(quotas, CENTRAL, "us-east-1")["Rules"] == 300
    assert values(quotas, MANAGEMENT, "eu-west-1")["Rules"] == 300


def test_a_service_that_nobody_knows_is_refused(quotas: Quotas) -> None:
    with pytest.raises(ServiceError) as caught:
        values(quotas, CENTRAL, "us-east-1", "tea")
    assert caught.value.code == "NoSuchResourceException"


def test_what_is_not_served_is_a_fault_of_the_simulation(quotas: Quotas) -> None:
    with pytest.raises(AssertionError, match="servicequotas:GetServiceQuota"):
        asked(
            quotas, "service-quotas", CENTRAL, "us-east-1", "GetServiceQuota",
            ServiceCode="events", QuotaCode="L-1",
        )  # fmt: skip
