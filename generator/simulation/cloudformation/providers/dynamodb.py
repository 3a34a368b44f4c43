"""AWS::DynamoDB: tables, made in moto."""

from __future__ import annotations

from typing import Any

from moto.dynamodb.models import dynamodb_backends

from generator.model import Json
from generator.simulation.world import Resource

from .kind import Kind, Outcome, Properties, Site, refuse, tag_list, truth


def _backend(site: Site) -> Any:
    return dynamodb_backends[site.account][site.region]


def _table(site: Site, name: str, properties: Properties) -> Outcome:
    billing = str(properties.get("BillingMode", "PROVISIONED"))
    throughput = properties.get("ProvisionedThroughput")
    if billing == "PROVISIONED" and not throughput:
        raise refuse(
            "One or more parameter values were invalid: ReadCapacityUnits and "
            "WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    sse: dict[str, Json] | None = None
    if truth((properties.get("SSESpecification") or {}).get("SSEEnabled")):
        sse = {"Enabled": True, "SSEType": "KMS"}
        # With a key named, moto needs none of its own.
        sse["KMSMasterKeyId"] = properties["SSESpecification"].get(
            "KMSMasterKeyId", "alias/aws/dynamodb"
        )
    stream = properties.get("StreamSpecification")
    table = _backend(site).create_table(
        name,
        schema=[dict(key) for key in properties["KeySchema"]],
        throughput=dict(throughput) if throughput else None,
        attr=[dict(attribute) for attribute in properties.get("AttributeDefinitions", [])],
        global_indexes=properties.get("GlobalSecondaryIndexes"),
        indexes=properties.get("LocalSecondaryIndexes"),
        streams={"StreamEnabled": True, **stream} if stream else None,
        billing_mode=billing,
        sse_specification=sse,
        tags=tag_list(properties),
        deletion_protection_enabled=truth(properties.get("DeletionProtectionEnabled")),
        warm_throughput=None,
    )
    _settle(site, name, properties)
    attributes: dict[str, Json] = {"Arn": table.table_arn}
    if stream:
        attributes["StreamArn"] = f"{table.table_arn}/stream/{table.latest_stream_label}"
    return Outcome(name, attributes)


def _settle(site: Site, name: str, properties: Properties) -> None:
    """What CloudFormation sets after the table is there."""
    backend = _backend(site)
    expiry = properties.get("TimeToLiveSpecification")
    if expiry:
        backend.update_time_to_live(name, {**expiry, "Enabled": truth(expiry.get("Enabled"))})
    recovery = properties.get("PointInTimeRecoverySpecification") or {}
    enabled = truth(recovery.get("PointInTimeRecoveryEnabled"))
    backend.update_continuous_backups(name, {"PointInTimeRecoveryEnabled": enabled})


def _update_table(site: Site, resource: Resource, properties: Properties) -> None:
    if properties["KeySchema"] != resource.properties["KeySchema"]:
        raise refuse("a table whose key schema changes is not simulated")
    table = _backend(site).get_table(resource.physical_id)
    table.billing_mode = str(properties.get("BillingMode", "PROVISIONED"))
    table.deletion_protection_enabled = truth(properties.get("DeletionProtectionEnabled"))
    table.tags = tag_list(properties)
    _settle(site, resource.physical_id, properties)


def _delete_table(site: Site, resource: Resource) -> None:
    if resource.physical_id in _backend(site).tables:
        _backend(site).delete_table(resource.physical_id)


KINDS = {
    "AWS::DynamoDB::Table": Kind(
        _table,
        _update_table,
        _delete_table,
        exists=lambda site, name: name in _backend(site).tables,
        name="TableName",
        longest=255,
        needs=("KeySchema",),
        tags="list",
    ),
}
