"""The real command over real HTTP: AWS_ENDPOINT_URL leads it to moto's server on the loopback.

moto answers many calls of StackSets with less than AWS does, or not at all; what the commands do
without is what is proven here, beside the signing, the roles and the wire itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from generator import config, names

from .organization import CONFIGURATION, ONE

pytest.importorskip("flask", reason="moto's server needs flask and flask-cors")
pytest.importorskip("flask_cors", reason="moto's server needs flask and flask-cors")
pytest.importorskip("openapi_spec_validator", reason="moto's server needs it for API Gateway")

HOME = "us-east-1"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def environment(endpoint: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return {
        **kept,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONPATH": str(ROOT),
    }


def queue(name: str, **parameters: str) -> dict[str, Any]:
    """A template that moto can make: of ours it understands neither tags nor references."""
    return {
        "Parameters": {name: {"Type": "String"} for name in parameters},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}},
    }


TEMPLATES = {
    names.CENTRAL: queue("trailbus-undelivered", OrganizationId=""),
    names.MEMBER_ROLES: queue("trailbus-roles", CentralBusArn=""),
    names.MEMBER_RULES: queue("trailbus-unforwarded", CentralBusArn=""),
}


def write(file: Path, out: Path, place: str) -> None:
    """A configuration, and small templates in the place of those that it would render."""
    file.write_text(CONFIGURATION.format(detections=ONE) + place, encoding="utf-8")
    out.mkdir(exist_ok=True)
    entries = {}
    for name, template in TEMPLATES.items():
        text = json.dumps(template)
        (out / name).write_text(text, encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        entries[name] = {"sha256": digest, "parameters": [*template["Parameters"]]}
    manifest = {
        "name_prefix": "trailbus",
        "configuration": config.load(file).shape.digest,
        "templates": entries,
    }
    (out / names.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def client(endpoint: str, service: str) -> Any:
    return boto3.client(
        service,
        region_name=HOME,
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def trailbus(endpoint: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "generator", *(str(argument) for argument in arguments)],
        env=environment(endpoint),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_the_commands_work_over_http(endpoint: str, tmp_path: Path) -> None:
    organizations = client(endpoint, "organizations")
    organization = organizations.create_organization(FeatureSet="ALL")["Organization"]
    [root] = organizations.list_roots()["Roots"]
    accounts = [
        organizations.create_account(AccountName=name, Email=f"{name}@example.com")[
            "CreateAccountStatus"
        ]["AccountId"]
        for name in ("security", "payments")
    ]
    management = organization["MasterAccountId"]
    central = accounts[0]
    place = f"""\
place:
  organization_id: {organization["Id"]}
  management_account: "{management}"
  central: {{account: "{central}", region: {HOME}}}
  organizational_units: [{root["Id"]}]
  regions: [{HOME}]
  access: {{central_role: deployer}}
"""
    file, out = tmp_path / "trailbus.yaml", tmp_path / "out"
    write(file, out, place)
    given = ("--config", file, "--templates", out)

    planned = trailbus(endpoint, "plan", *given)
    assert planned.returncode == 0, planned.stderr
    assert "central stack trailbus-central in us-east-1: create" in planned.stdout

    deployed = trailbus(endpoint, "deploy", *given, "--json")
    assert "Traceback" not in deployed.stderr
    assert deployed.returncode == 0, deployed.stderr
    assert json.loads(deployed.stdout)["ok"]
    found = client(endpoint, "cloudformation").list_stack_instances(
        StackSetName="trailbus-member-rules"
    )["Summaries"]
    assert {*accounts} <= {one["Account"] for one in found}

    wrong = place.replace(f'"{central}"', '"999999999999"')
    write(file, out, wrong)
    refused = trailbus(endpoint, "plan", *given)
    assert refused.returncode == 2
    assert "999999999999 is not in the organization" in refused.stderr
