"""What people paste elsewhere, with clear placeholders; the stack's outputs hold the real ARNs."""

from __future__ import annotations

from generator import names
from generator.model import Shape, Target

_DENIES = "consoleme_access_denied"
_ROLES = "consoleme_role_changed"


def files(shape: Shape) -> dict[str, str]:
    """The hand-off files of a shape by name."""
    found = {names.SIEM_HANDOFF: _siem(shape)}
    denies, changes = _consumer(shape, _DENIES), _consumer(shape, _ROLES)
    if denies is not None and changes is not None:
        found[names.CONSOLEME_HANDOFF] = _consoleme(shape, denies, changes)
    return found


def _consumer(shape: Shape, detection: str) -> Target | None:
    """The queue that carries a detection's whole events to ConsoleMe."""
    for name in shape.wiring.get(detection, ()):
        target = shape.target(name)
        if target.kind == "queue" and target.body == "event":
            return target
    return None


def _consoleme(shape: Shape, denies: Target, changes: Target) -> str:
    """ConsoleMe's configuration. It replaces `{region}` by itself, and nothing else."""
    return f"""\
# ConsoleMe: merge this into its configuration.
# Replace CENTRAL_ACCOUNT_ID by the account of the central stack. Keep {{region}} if ConsoleMe runs
# in the central Region: it fills in its own; else write the central Region.
# If ConsoleMe runs in another account, give the central stack the ARN of its role, as the
# parameters {names.parameter(denies.name, "reader")} and {names.parameter(changes.name, "reader")},
# and uncomment assume_role: the role's name, not its ARN, for ConsoleMe adds the account itself.
celery:
  cache_cloudtrail_denies:
    enabled: true
  trigger_credential_mapping_refresh_from_role_changes:
    enabled: true
event_bridge:
  detect_role_changes_and_update_cache:
    queue_arn: {_queue_arn(shape, changes)}
    # assume_role: {names.reader_role(shape.name_prefix, changes.name)}
  detect_cloudtrail_denies_and_update_cache:
    queue_arn: {_queue_arn(shape, denies)}
    # assume_role: {names.reader_role(shape.name_prefix, denies.name)}
    event_ttl: 86400
    max_num_messages_to_process: 100
    event_bridge_substitutions: [".amazonaws.com"]
process_cloudtrail_errors:
  notification_ttl: 86400
"""


def _queue_arn(shape: Shape, target: Target) -> str:
    queue = names.queue(shape.name_prefix, target.name, target.options["queue_name"])
    return f"arn:aws:sqs:{{region}}:CENTRAL_ACCOUNT_ID:{queue}"


def _siem(shape: Shape) -> str:
    """What a SIEM asks for, in Sekoia's words; others want the same under other names."""
    sekoia = names.intake(shape.name_prefix, "sekoia")
    return "\n".join(
        [
            "# A SIEM that reads the organization trail: what to type into it, in Sekoia's words.",
            f"# Replace LOG_ACCOUNT_ID and LOG_REGION by where {names.INTAKE} is deployed; the",
            "# outputs of that stack hold the real values (QueueName, QueueUrl, BucketName,",
            "# SekoiaRoleArn or ReaderRoleArn). Who the SIEM is, its account and external id or",
            "# its OIDC provider, is said in the parameters of that stack.",
            "",
            '# The log files: "Fetch new CloudTrail records on S3".',
            "s3_feed:",
            "  aws_region_name: LOG_REGION",
            f"  aws_role_arn: arn:aws:iam::LOG_ACCOUNT_ID:role/{sekoia}",
            f"  queue_name: {names.intake(shape.name_prefix)}",
            "  intake_key: YOUR_INTAKE_KEY",
            "  frequency: 10",
            "  chunk_size: 10000",
            "  delete_consumed_messages: true",
            "",
            *_bare_records(shape),
            "",
        ]
    )


def _bare_records(shape: Shape) -> list[str]:
    """The second feed: queues of the central stack that carry CloudTrail's bare records."""
    feeds = [one for one in shape.targets if one.kind == "queue" and one.body == "detail"]
    if not feeds:
        return [
            "# Matched events within seconds, as bare records: give the configuration a target",
            "# {kind: queue, body: detail} and route detections to it; it is then listed here.",
        ]
    lines = [
        '# Matched events within seconds, bare: "Fetch new messages from the SQS".',
        "sqs_feeds:",
    ]
    for feed in feeds:
        queue = names.queue(shape.name_prefix, feed.name, feed.options["queue_name"])
        reader = names.reader_role(shape.name_prefix, feed.name)
        lines += [
            "- aws_region_name: CENTRAL_REGION",
            f"  aws_role_arn: arn:aws:iam::CENTRAL_ACCOUNT_ID:role/{reader}",
            f"  queue_name: {queue}",
            "  intake_key: YOUR_INTAKE_KEY",
            "  chunk_size: 10000",
        ]
    return lines
