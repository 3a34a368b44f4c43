"""What goes into every member: the roles, once an account, and the forwarding rules, everywhere."""

from __future__ import annotations

from troposphere import GetAtt, Parameter, Ref, events, iam

from generator import names, policies, queues, roles
from generator.forwarding import Forward
from generator.model import Json, Responder, Shape
from generator.parts import Group, Part, assembled
from generator.targets import responder as responder_target

READS_TOO = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
"""The rule state that also receives read-only management events.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail-management.html"""

GROUPS = (
    Group("The central side", (names.CENTRAL_BUS_ARN, names.CENTRAL_ACCOUNT)),
    Group("Your organization's rules", (names.ROLE_PATH, names.PERMISSIONS_BOUNDARY)),
    Group("Tags", (names.TAG_KEY, names.TAG_VALUE)),
)


def state(reads: bool) -> str:
    """The state of a rule, the same on the member and on the central side."""
    return READS_TOO if reads else "ENABLED"


def roles_template(shape: Shape) -> dict[str, Json]:
    """The forwarder roles, and a role per responder that acts in members, with its policies.

    IAM is global: these go to one Region of each account, the rules to all.
    """
    acting = [r for r in shape.responders.values() if r.member_permissions]
    parts = [_common(), roles.common(), _forwarders(shape)]
    parts += [_responder_role(responder, shape) for responder in acting]
    return assembled(
        "Trailbus, member roles: lets EventBridge forward events to the central bus, and the "
        "central responders act here. One Region per account.",
        parts,
        GROUPS,
    )


def rules_template(shape: Shape, forwards: tuple[Forward, ...]) -> dict[str, Json]:
    """The forwarding rules of the default bus, and what becomes of events they cannot forward."""
    prefix = shape.name_prefix
    letters = queues.dead_letter_queue(
        names.UNFORWARDED, names.unforwarded_queue(prefix), kept=False
    )
    letters_policy = queues.queue_policy(
        names.UNFORWARDED_POLICY,
        letters,
        policies.member_rules_may_send(GetAtt(letters, "Arn"), prefix),
    )
    rules = [_rule(forward, prefix) for forward in forwards]
    return assembled(
        "Trailbus, member rules: forwards this Region's CloudTrail events that matter to the "
        "central bus. Every Region of every account, after the member roles.",
        [
            _common(),
            Part(parameters=[roles.role_path()]),
            Part(resources=[letters, letters_policy, *rules]),
        ],
        GROUPS,
    )


def _common() -> Part:
    return Part(
        parameters=[
            Parameter(
                names.CENTRAL_BUS_ARN,
                Type="String",
                AllowedPattern=r"^arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus/.+$",
                ConstraintDescription="must be the ARN of an event bus",
                Description="The central bus: the output BusArn of the central stack.",
            ),
            Parameter(
                names.CENTRAL_ACCOUNT,
                Type="String",
                AllowedPattern=r"^\d{12}$",
                ConstraintDescription="must be an account id of 12 digits",
                Description="The account that owns the central bus and the responders.",
            ),
        ]
    )


def _forwarders(shape: Shape) -> Part:
    """Two roles that may do the same, so that cutting one wire is told by way of the other."""
    prefix = shape.name_prefix
    what = {
        names.FORWARDER_ROLE: (False, "put events on the central bus"),
        names.TAMPER_FORWARDER_ROLE: (True, "tell the central bus of tampering"),
    }
    return Part(
        resources=[
            roles.role(
                logical,
                names.forwarder_role(prefix, apart),
                f"Lets the forwarding rules of this account {purpose}.",
                policies.trust_rules_of_this_account(),
                policies.put_events_on(Ref(names.CENTRAL_BUS_ARN)),
            )
            for logical, (apart, purpose) in what.items()
        ]
    )


def _responder_role(responder: Responder, shape: Shape) -> Part:
    """Assumable by the functions that run this responder, and by nobody else."""
    prefix = shape.name_prefix
    central = f"${{{names.CENTRAL_ACCOUNT}}}"
    functions = [
        policies.role_arn(central, names.function_role(prefix, target.name))
        for target in shape.targets
        if target.options.get("responder") == responder.id
    ]
    role = roles.role(
        f"{names.logical(responder.id)}Role",
        names.member_role(prefix, responder.id),
        responder.title,
        policies.trust_roles(policies.arn("iam", "root", account=central), functions),
        *responder_target.declared(responder.member_permissions, prefix),
    )
    return Part(resources=[role, *_managed_policies(responder, prefix)])


def _managed_policies(responder: Responder, prefix: str) -> list[iam.ManagedPolicy]:
    """What the responder attaches. No retention: a policy that is still attached cannot be
    deleted, and one that stayed behind would be in the way of the next rollout."""
    made = []
    for policy in responder.member_policies:
        grants = responder_target.declared(policy["statements"], prefix)
        made.append(
            iam.ManagedPolicy(
                f"{names.logical(responder.id, policy['name'])}Policy",
                ManagedPolicyName=names.member_policy(prefix, policy["name"]),
                Path=Ref(names.ROLE_PATH),
                Description=policy["description"],
                PolicyDocument=policies.document(*grants),
                Metadata={"Reasons": policies.reasons(*grants)},
            )
        )
    return made


def _rule(forward: Forward, prefix: str) -> events.Rule:
    """A forwarding rule. Its target is a bus of another account, so it can have neither an input
    of its own nor a retry policy, and must have a role on the target itself.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
    """
    role = names.forwarder_role(prefix, forward.apart)
    forwarder = policies.role_arn("${AWS::AccountId}", role)
    return events.Rule(
        names.logical(*forward.name.removeprefix(f"{prefix}-").split("-"), "rule"),
        Name=forward.name,
        Description="Trailbus: forwards to the central bus. Made from the enabled detections.",
        State=state(forward.reads),
        # Only events of this account: a bus that accepts foreign events never relays them.
        EventPattern={"account": [Ref("AWS::AccountId")], **forward.pattern},
        Targets=[
            events.Target(
                Id="central-bus",
                Arn=Ref(names.CENTRAL_BUS_ARN),
                RoleArn=forwarder,
                DeadLetterConfig=events.DeadLetterConfig(Arn=GetAtt(names.UNFORWARDED, "Arn")),
            )
        ],
        DependsOn=names.UNFORWARDED_POLICY,
    )
