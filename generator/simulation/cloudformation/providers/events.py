"""AWS::Events: buses, who may use them, rules, archives, API destinations and their connections."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from moto.events.models import Archive, events_backends

from generator.model import Json
from generator.simulation.world import Resource

from .kind import Forward, Kind, Outcome, Properties, Site, refuse

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
TARGETS_PER_RULE = 5
RULES_PER_BUS = 300
PATTERN_LENGTH = 2_048
BUS_POLICY_LENGTH = 10_240
TEMPLATE_LENGTH = 8_192
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"""

READS_TOO = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
_STATES = ("ENABLED", "DISABLED", READS_TOO)
_INPUTS = ("Input", "InputPath", "InputTransformer")
_NEED_ROLES = ("events", "kinesis", "firehose", "states")
"""Services whose targets EventBridge invokes by a role.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html"""

RULE = "AWS::Events::Rule"
BUS = "AWS::Events::EventBus"
BUS_POLICY = "AWS::Events::EventBusPolicy"


def bus_name(value: Json) -> str:
    """The bus that a rule or policy speaks of, by name or ARN."""
    return str(value).rpartition("/")[2] if value else "default"


def _rule(site: Site, name: str, properties: Properties) -> Outcome:
    bus = bus_name(properties.get("EventBusName"))
    path = name if bus == "default" else f"{bus}/{name}"
    arn = site.arn("events", f"rule/{path}")
    check_rule(site, name, bus, arn, properties)
    on_bus = [
        rule
        for rule in site.world.inventory.of_type(site.account, site.region, RULE)
        if bus_name(rule.properties.get("EventBusName")) == bus
    ]
    if len(on_bus) >= RULES_PER_BUS:
        raise refuse(
            f"The requested resource exceeds the maximum number allowed: "
            f"{RULES_PER_BUS} rules on {bus}",
            "ServiceLimitExceeded",
        )
    # Ref of a rule on a custom bus carries the bus's name, too.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
    physical_id = name if bus == "default" else f"{bus}|{name}"
    return Outcome(physical_id, {"Arn": arn, "RuleName": name})


def _update_rule(site: Site, resource: Resource, properties: Properties) -> None:
    name = str(resource.attributes["RuleName"])
    check_rule(site, name, bus_name(properties.get("EventBusName")), resource.arn, properties)


def check_rule(site: Site, name: str, bus: str, arn: str, properties: Properties) -> None:
    """What PutRule and PutTargets refuse.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
    """
    if not re.fullmatch(r"[.\-_A-Za-z0-9]{1,64}", name):
        raise refuse(f"{name} is no name of a rule: [.-_A-Za-z0-9]+, up to 64 characters")
    if bus != "default" and site.world.inventory.get(site.account, site.region, BUS, bus) is None:
        raise refuse(f"Event bus {bus} does not exist.", "NotFound")
    pattern, schedule = properties.get("EventPattern"), properties.get("ScheduleExpression")
    if not pattern and not schedule:
        raise refuse("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    state = properties.get("State", "ENABLED")
    if state not in _STATES:
        raise refuse(f"{state} is no state of a rule")
    if schedule and bus != "default":
        raise refuse("ScheduleExpression is supported only on the default event bus.")
    # https://github.com/hashicorp/terraform-provider-aws/issues/34988
    if schedule and state == READS_TOO:
        raise refuse(f"{READS_TOO} is not supported for scheduled rules.")
    if pattern:
        _check_pattern(pattern, site.account)
    targets = properties.get("Targets", [])
    if len(targets) > TARGETS_PER_RULE:
        raise refuse(
            f"The requested resource exceeds the maximum number allowed: "
            f"{TARGETS_PER_RULE} targets on a rule",
            "ServiceLimitExceeded",
        )
    ids = [str(target.get("Id")) for target in targets]
    if len(set(ids)) != len(ids):
        raise refuse("Duplicated target ids of a rule")
    for target in targets:
        _check_target(site, arn, target)


def _check_pattern(pattern: Json, account: str) -> None:
    text = pattern if isinstance(pattern, str) else json.dumps(pattern, separators=(",", ":"))
    if len(text) > PATTERN_LENGTH:
        raise refuse(
            f"The requested resource exceeds the maximum number allowed: an event pattern of "
            f"{len(text)} characters, at most {PATTERN_LENGTH}",
            "ServiceLimitExceeded",
        )
    # The same rule in another account: the number alone makes no pattern valid or invalid.
    said = _pattern_problems(text.replace(account, "0" * 12))
    if said:
        raise refuse(f"Event pattern is not valid. Reason: {said}")


@lru_cache(maxsize=1024)
def _pattern_problems(text: str) -> str:
    from generator.patterns import problems

    return "; ".join(problems(json.loads(text)))


def _check_target(site: Site, rule_arn: str, target: Mapping[str, Json]) -> None:
    arn = str(target.get("Arn", ""))
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not target.get("Id"):
        raise refuse(
            f"Parameter {arn or target} is not valid. Reason: Provided Arn is not in "
            "correct format."
        )
    _, partition, service, region, account, rest = parts
    role = str(target.get("RoleArn") or "")
    to_a_bus = service == "events" and rest.startswith("event-bus/")
    if partition != site.partition:
        raise refuse(f"{arn} is in another partition than the rule.")
    if service in _NEED_ROLES and not role:
        raise refuse(f"RoleArn is required for target {arn}.")
    # Only buses can be in another Region.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html
    if region not in ("", site.region) and not to_a_bus:
        raise refuse(f"Parameter {arn} is not valid. Reason: it must be in {site.region}.")
    if account not in ("", site.account) and not role and not to_a_bus:
        raise refuse(f"RoleArn is required for the target {arn} of another account.")
    _check_input(target, to_a_bus, arn)
    _check_letters(site, target)
    if role:
        _check_role(site, role)
    away = (region, account) != (site.region, site.account)
    if to_a_bus and away and site.services.may_put_events is not None:
        why_not = site.services.may_put_events(Forward(rule_arn, site.account, role, arn))
        # The receiver's policy is asked when the target is made.
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
        if why_not:
            raise refuse(
                f"{rule_arn} is not authorized to perform: events:PutEvents on resource: "
                f"{arn} ({why_not})",
                "AccessDenied",
            )


def _check_input(target: Mapping[str, Json], to_a_bus: bool, arn: str) -> None:
    inputs = [key for key in _INPUTS if target.get(key) is not None]
    if len(inputs) > 1:
        raise refuse(
            "Only one of Input, InputPath, or InputTransformer must be provided for "
            f"target {target['Id']}."
        )
    # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
    if to_a_bus and inputs:
        raise refuse(f"{inputs[0]} is not supported for the event bus target {arn}.")
    if to_a_bus and target.get("RetryPolicy") is not None:
        raise refuse(f"RetryPolicy is not supported for the event bus target {arn}.")
    transformer = target.get("InputTransformer") or {}
    if len(str(transformer.get("InputTemplate", ""))) > TEMPLATE_LENGTH:
        raise refuse(
            f"The InputTemplate of target {target['Id']} is longer than "
            f"{TEMPLATE_LENGTH} characters."
        )


def _check_letters(site: Site, target: Mapping[str, Json]) -> None:
    """A dead-letter queue is one of the rule's Region.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    arn = str((target.get("DeadLetterConfig") or {}).get("Arn") or "")
    if not arn:
        return
    parts = arn.split(":")
    if parts[2:4] != ["sqs", site.region] or arn.endswith(".fifo"):
        raise refuse(
            f"The dead-letter queue {arn} of target {target['Id']} must be a standard "
            f"queue in {site.region}."
        )


def _check_role(site: Site, role_arn: str) -> None:
    """EventBridge refuses a role of this account that it could not assume.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
    """
    parts = role_arn.split(":")
    if len(parts) != 6 or parts[2] != "iam":
        raise refuse(f"{role_arn} is no ARN of a role.")
    if parts[4] != site.account:
        raise refuse(f"Cross-account pass role is not allowed: {role_arn}.", "AccessDenied")
    from .iam import trusts_service

    if not trusts_service(site, role_arn, "events.amazonaws.com"):
        raise refuse(
            f"Provided role '{role_arn}' cannot be assumed by principal 'events.amazonaws.com'."
        )


def _bus(site: Site, name: str, properties: Properties) -> Outcome:
    if name == "default" or not re.fullmatch(r"[/.\-_A-Za-z0-9]{1,256}", name):
        raise refuse(f"Event bus {name} cannot be created.")
    # The record of it, so that the service knows it; events go their own way here.
    backend = events_backends[site.account][site.region]
    if name not in backend.event_buses:
        backend.create_event_bus(name, tags=properties.get("Tags"))
    return Outcome(name, {"Arn": site.arn("events", f"event-bus/{name}"), "Name": name})


def _bus_policy(site: Site, name: str, properties: Properties) -> Outcome:
    _check_bus_policy(site, properties, None)
    return Outcome(f"{bus_name(properties.get('EventBusName'))}|{properties['StatementId']}")


def _update_bus_policy(site: Site, resource: Resource, properties: Properties) -> None:
    _check_bus_policy(site, properties, resource)


def _check_bus_policy(site: Site, properties: Properties, own: Resource | None) -> None:
    bus = bus_name(properties.get("EventBusName"))
    if bus != "default" and site.world.inventory.get(site.account, site.region, BUS, bus) is None:
        raise refuse(f"Event bus {bus} does not exist.", "NotFound")
    others = [
        policy.properties
        for policy in site.world.inventory.of_type(site.account, site.region, BUS_POLICY)
        if bus_name(policy.properties.get("EventBusName")) == bus and policy is not own
    ]
    statements = [policy.get("Statement") for policy in (*others, properties)]
    document = {"Version": "2012-10-17", "Statement": statements}
    length = len(json.dumps(document, separators=(",", ":")))
    if length > BUS_POLICY_LENGTH:
        raise refuse(
            f"The policy of the bus {bus} would have {length} characters, at most "
            f"{BUS_POLICY_LENGTH}",
            "ServiceLimitExceeded",
        )


_AUTHORIZATIONS = {
    "API_KEY": "ApiKeyAuthParameters",
    "BASIC": "BasicAuthParameters",
    "OAUTH_CLIENT_CREDENTIALS": "OAuthParameters",
}


def _connection(site: Site, name: str, properties: Properties) -> Outcome:
    # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateConnection.html
    needed = _AUTHORIZATIONS.get(str(properties.get("AuthorizationType")))
    given = set(properties.get("AuthParameters") or ()) & set(_AUTHORIZATIONS.values())
    if needed is None or given != {needed}:
        raise refuse(f"The parameters of the connection {name} are not those of its type.")
    identity = site.invented_id()
    arn = site.arn("events", f"connection/{name}")
    secret = site.arn("secretsmanager", f"secret:events!connection/{name}/{identity}-a1b2c3")
    return Outcome(name, {"Arn": f"{arn}/{identity}", "ArnForPolicy": arn, "SecretArn": secret})


def _api_destination(site: Site, name: str, properties: Properties) -> Outcome:
    # CloudFormation has read a secret by then; here it is left as it stands in the template.
    if not str(properties["InvocationEndpoint"]).startswith(("https://", "{{resolve:")):
        raise refuse("The InvocationEndpoint of an API destination must begin with https://")
    arn = site.arn("events", f"api-destination/{name}")
    return Outcome(name, {"Arn": f"{arn}/{site.invented_id()}", "ArnForPolicy": arn})


def _live_rule(site: Site, resource: Resource) -> dict[str, Json] | None:
    known = site.world.inventory.get(site.account, site.region, RULE, resource.physical_id)
    return None if known is None else known.properties


def _delete_bus(site: Site, resource: Resource) -> None:
    """An archive's managed rule is on the bus, and goes with the archive alone.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive-delete.html
    """
    arn = site.arn("events", f"event-bus/{resource.physical_id}")
    if site.world.archive_holds_bus and any(
        one.source_arn == arn for one in _archives(site).values()
    ):
        raise refuse(f"Event bus {resource.physical_id} can't be deleted since it has rules.")
    events_backends[site.account][site.region].event_buses.pop(resource.physical_id, None)


def _bus_exists(site: Site, name: str) -> bool:
    # The one that is always there is refused in words of its own.
    return name != "default" and name in events_backends[site.account][site.region].event_buses


def _archives(site: Site) -> dict[str, Archive]:
    found: dict[str, Archive] = events_backends[site.account][site.region].archives
    return found


def _archive(site: Site, name: str, properties: Properties) -> Outcome:
    """Only the record of it, so that the service knows it: nothing here is put into archives."""
    pattern = json.dumps(properties.get("EventPattern") or {})
    given = (str(properties["SourceArn"]), str(properties.get("Description", "")), pattern)
    retention = properties.get("RetentionDays", 0)
    made = Archive(site.account, site.region, name, *given, retention)
    _archives(site)[name] = made
    return Outcome(name, {"Arn": made.arn, "ArchiveName": name})


def _update_archive(site: Site, resource: Resource, properties: Properties) -> None:
    known = _archives(site).get(resource.physical_id)
    if known is not None:
        known.retention = properties.get("RetentionDays", 0)


def _delete_archive(site: Site, resource: Resource) -> None:
    _archives(site).pop(resource.physical_id, None)


def _archive_exists(site: Site, name: str) -> bool:
    return name in _archives(site)


KINDS = {
    BUS: Kind(_bus, delete=_delete_bus, exists=_bus_exists, name="Name", longest=256, tags="list"),
    BUS_POLICY: Kind(
        _bus_policy,
        _update_bus_policy,
        fixed=("EventBusName", "StatementId"),
        needs=("StatementId", "Statement"),
    ),
    RULE: Kind(
        _rule,
        _update_rule,
        name="Name",
        fixed=("EventBusName",),
        tags="list",
        live=_live_rule,
    ),
    "AWS::Events::Archive": Kind(
        _archive,
        _update_archive,
        _delete_archive,
        _archive_exists,
        name="ArchiveName",
        longest=48,
        fixed=("SourceArn",),
        needs=("SourceArn",),
    ),
    "AWS::Events::Connection": Kind(_connection, name="Name"),
    "AWS::Events::ApiDestination": Kind(
        _api_destination,
        name="Name",
        needs=("ConnectionArn", "InvocationEndpoint", "HttpMethod"),
    ),
}
