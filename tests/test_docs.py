"""The page about status and doctor says what is so: signs, checks and permissions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from generator.deploy.doctor import CHECKS, examine
from generator.deploy.doctor.callers import CREDENTIALS
from generator.deploy.status import look
from generator.deploy.status.drift import TOLD
from generator.deploy.status.matrix import SIGNS
from generator.simulation.organization import DEFAULT_PLACE
from generator.simulation.run import deployed, prepared
from tests.deploy.doctor.conftest import INNER, healthy

PAGE = Path(__file__).parent.parent / "docs" / "status-and-doctor.md"
PREFIXES = {"service-quotas": "servicequotas"}
"""Services that IAM calls by another name than botocore."""

DENIAL = '{"Statement": [{"Effect": "Deny", "Action": "sqs:CreateQueue", "Resource": "*"}]}'


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def signs() -> list[str]:
    """The rows of the table of signs."""
    return [
        f"| `{kind.mark}` | {sign} | {kind.means} | {'green' if kind.good else 'a fault'} |"
        for sign, kind in SIGNS.items()
    ]


def checks() -> list[str]:
    """The rows of the table of checks."""
    return [f"| {check.name} | {check.well} |" for check in (CREDENTIALS, *CHECKS)]


def asked_for() -> list[str]:
    """The permissions of every call that status and doctor make, wherever they are led."""
    made: set[tuple[str, str]] = {("iam", "GetRole")}  # what a role's session is asked for
    inner = DEFAULT_PLACE._replace(organizational_units=(INNER,))
    delegated = inner._replace(access=inner.access._replace(delegated_admin=True))
    for place in (DEFAULT_PLACE, inner, delegated):
        with healthy(place) as patient:
            prepared(patient.cloud, place)
            patient.forbid(DENIAL, INNER)
            patient.cloud.edge.calls.clear()
            examine(patient.door, patient.wanted)
            calls = set(patient.cloud.edge.calls)
            patient.client("cloudformation").deactivate_organizations_access()
            patient.cloud.edge.calls.clear()
            examine(patient.door, patient.wanted)
            calls |= set(patient.cloud.edge.calls)
            del patient.organization.policies["p-guard000"]
            prepared(patient.cloud, place._replace(access=DEFAULT_PLACE.access))
            deployed(patient.cloud, patient.bundle, place)
            patient.cloud.edge.calls.clear()
            examine(patient.door, patient.wanted)
            look(patient.door, patient.wanted, letters=True, pause=patient.cloud.pause)
            calls |= set(patient.cloud.edge.calls)
            made |= {(call.service, call.operation) for call in calls}
    made -= {("sts", "GetCallerIdentity"), ("cloudformation", "DeactivateOrganizationsAccess")}
    return sorted(f"{PREFIXES.get(service, service)}:{name}" for service, name in made)


def test_every_sign_and_every_check_is_explained(text: str) -> None:
    for row in (*signs(), *checks()):
        assert row in text, f"docs/status-and-doctor.md lacks: {row}"


def test_the_policy_allows_what_is_asked_for_and_no_more(text: str) -> None:
    [policy] = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    [statement] = json.loads(policy)["Statement"]
    assert statement["Action"] == asked_for()


def test_numbers_on_the_page_are_those_of_the_code(text: str) -> None:
    assert f"the first {TOLD} drifted cells" in text
