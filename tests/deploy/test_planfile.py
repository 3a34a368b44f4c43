"""A plan file holds deploy to what was agreed, and can make it do nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generator.deploy import planfile
from generator.deploy.plan import proposal
from generator.model import Mistake

from .organization import AWAY, MEMBER, SMALL, TWO, Company, bundle, company

FILE = Path("plan.json")


def agreed(it: Company) -> dict[str, Any]:
    existing = it.look()
    said = planfile.document(it.wanted, existing, proposal(it.wanted, existing))
    found: dict[str, Any] = json.loads(json.dumps(said))
    return found


def held(it: Company, plan: dict[str, Any]) -> list[str]:
    """What deploy has against a plan now."""
    existing = it.look()
    try:
        planfile.check_place(FILE, plan, it.wanted)
        planfile.check_world(FILE, plan, it.wanted, existing, proposal(it.wanted, existing))
    except Mistake as mistake:
        return [problem.fault for problem in mistake.problems]
    return []


def test_a_plan_holds_in_the_world_that_it_was_made_in() -> None:
    with company() as it:
        plan = agreed(it)
        assert held(it, plan) == []
        assert plan["steps"][0]["sentence"].startswith("Creating the stack trailbus-central")
        assert "TemplateBody" not in json.dumps(plan), "it holds no calls"


def test_what_changed_in_the_world_is_named() -> None:
    with company() as it:
        plan = agreed(it)
        it.deploy()
        assert "the StackSet trailbus-member-roles changed since it was made" in held(it, plan)
        plan = agreed(it)
        it.join("999900001111")
        assert "the accounts of the organization changed since it was made" in held(it, plan)
        client = it.cloud.administrator(SMALL.management_account, SMALL.central_region).client(
            "cloudformation"
        )
        plan = agreed(it)
        client.delete_stack_instances(
            StackSetName="trailbus-member-rules",
            DeploymentTargets={
                "OrganizationalUnitIds": ["r-ab12"],
                "AccountFilterType": "INTERSECTION",
                "Accounts": [MEMBER],
            },
            Regions=[AWAY],
            RetainStacks=False,
        )
        it.cloud.cloudformation.stack_sets.run_to_end()
        assert held(it, plan) == ["the StackSet trailbus-member-rules changed since it was made"]


def test_another_configuration_or_place_is_refused() -> None:
    with company() as it:
        plan = agreed(it)
        it.place = SMALL._replace(regions=(SMALL.central_region,))
        assert "the place in the configuration changed since it was made" in held(it, plan)
        it.place = SMALL
        it.bundle = bundle(TWO)
        assert held(it, plan) == ["was made with another configuration"]


def test_the_plan_of_another_organization_is_refused() -> None:
    with company() as it:
        plan = {**agreed(it), "organization": "o-strange0000"}
        assert held(it, plan) == ["is for the organization o-strange0000"]


def test_a_plan_that_somebody_changed_can_only_stop_a_deployment() -> None:
    with company() as it:
        plan = agreed(it)
        assert held(it, {**plan, "steps": plan["steps"][1:]}) == [
            "does not name the steps that would be taken"
        ]
        assert held(it, {**plan, "steps": [{"sentence": "rm -rf", "fingerprint": "x"}]})
        assert held(it, {**plan, "steps": ["nonsense"]})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a plan"),
        ("{}", "is not a plan"),
        (
            '{"version": 7, "fingerprints": {}, "steps": [], "organization": "o", '
            '"configuration": "c"}',
            "is a plan of version 7",
        ),
    ],
)
def test_what_is_no_plan_is_told(text: str, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(text)
    with pytest.raises(Mistake, match=fault):
        planfile.read(file)
    with pytest.raises(Mistake, match="cannot be read"):
        planfile.read(tmp_path / "missing.json")


def test_a_plan_is_for_its_owner_alone_and_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "plan.json"
    file.write_text("older", encoding="utf-8")
    file.chmod(0o644)
    planfile.write(file, {"version": 1})
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text(encoding="utf-8")) == {"version": 1}

    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Mistake, match="cannot be written: No space left on device"):
        planfile.write(file, {"version": 2})
    assert [one.name for one in tmp_path.iterdir()] == ["plan.json"]
    assert json.loads(file.read_text(encoding="utf-8")) == {"version": 1}
