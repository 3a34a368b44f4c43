"""What people paste elsewhere, with clear placeholders; the stack's outputs hold the real ARNs."""

from __future__ import annotations

from generator import names
from generator.model import Shape, Target

_DENIES = "consoleme_access_denied"
_ROLES = "consoleme_role_changed"


def files(shape: Shape) -> dict[str, str]:
    """The hand-off files of a shape by name."""
    denies, changes = _consumer(shape, _DENIES), _consumer(shape, _ROLES)
    if denies is None or changes is None:
        return {}
    return {names.CONSOLEME_HANDOFF: _consoleme(shape, denies, changes)}


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
