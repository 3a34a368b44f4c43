"""A simulation as a person reads it in a terminal, and as the document that scripts read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sized

from generator.model import Json, Shape
from generator.screen import Screen, printable
from generator.simulation.arrived import Arrived
from generator.simulation.journeys import Action, Journey
from generator.simulation.run import Simulation


def document(simulation: Simulation) -> dict[str, Json]:
    """The promised document. Keys may be added to it, never renamed."""
    journeys = simulation.journeys
    world = simulation.world
    return {
        "organization": {
            "accounts": list(world.organization.accounts),
            "regions": list(world.regions),
        },
        "events": [_event(journey) for journey in journeys],
        "queues": simulation.queues,
        **world.arrived.document(),
        "detections": simulation.matched,
        "totals": {
            "events": len(journeys),
            "forwarded": sum(journey.forwarded for journey in journeys),
            "delivered": sum(len(journey.deliveries) for journey in journeys),
            "actions": sum(len(journey.actions) for journey in journeys),
            "posts": sum(len(journey.posts) for journey in journeys),
            "dead_lettered": simulation.dead_letters,
            "moved": simulation.moved,
            "unusable": len(simulation.unusable),
        },
    }


def _event(journey: Journey) -> dict[str, Json]:
    return {
        "event_id": _text(journey.detail.get("eventID")),
        "account": journey.account,
        "region": journey.region,
        "event_name": _text(journey.detail.get("eventName")),
        "forwarded": journey.forwarded,
        "reason": journey.reason,
        "member_rules": journey.member_rules,
        "deliveries": [
            {
                "rule": delivery.rule,
                "detection": delivery.detection,
                "target": delivery.target,
                "kind": delivery.kind,
                "message": delivery.message,
            }
            for delivery in journey.deliveries
        ],
        "actions": [
            {
                "responder": action.responder,
                "account": action.account,
                "region": action.region,
                "call": action.call,
                "outcome": action.outcome,
            }
            for action in journey.actions
        ],
        "decisions": [
            {
                "responder": decision.responder,
                "outcome": decision.outcome,
                "message": decision.message,
            }
            for decision in journey.decisions
        ],
        "posts": [
            {
                "responder": post.responder,
                "host": post.host,
                "body": post.body,
                "status": post.status,
            }
            for post in journey.posts
        ],
        "dead_letters": [
            {
                "rule": letter.rule,
                "target": letter.target,
                "queue": letter.queue,
                "code": letter.code,
                "why": letter.why,
            }
            for letter in journey.dead_letters
        ],
    }


def _text(value: Json) -> str | None:
    """A field of a record as text, whatever it is; None where it is missing."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def lines(simulation: Simulation, shape: Shape, screen: Screen) -> Iterator[str]:
    """What the terminal shows: the organization, the rollout, each event's way, and the sums."""
    yield from _organization(simulation, screen)
    yield screen.paint("Rollout, by the deploy code", "bold")
    for outcome in simulation.outcomes:
        yield f"  {screen.paint('ok', 'green')}  {outcome.step.sentence}"
    yield ""
    yield screen.paint("Events", "bold")
    for journey in simulation.journeys:
        yield from _way(journey, screen)
    yield ""
    yield from _sums(simulation, shape, screen)


def _organization(simulation: Simulation, screen: Screen) -> Iterator[str]:
    world = simulation.world
    organization = world.organization
    yield screen.paint(f"Organization {organization.id} (simulated)", "bold")
    depth = {organization.root: 0}
    yield f"  {organization.root} root"
    yield from _accounts(simulation, organization.root, "    ")
    for unit, (parent, name) in organization.units.items():
        depth[unit] = depth.get(parent, 0) + 1
        indent = "  " * (depth[unit] + 1)
        yield f"{indent}{unit} {name}"
        yield from _accounts(simulation, unit, indent + "  ")
    yield f"  Regions: {', '.join(world.regions)}"
    yield ""


_SHOWN = 12


def _accounts(simulation: Simulation, parent: str, indent: str) -> Iterator[str]:
    accounts = [
        account
        for account in simulation.world.organization.accounts.values()
        if account.parent == parent
    ]
    for account in accounts[:_SHOWN]:
        yield f"{indent}{account.id} {account.name}"
    if len(accounts) > _SHOWN:
        yield f"{indent}... and {len(accounts) - _SHOWN} more"


def _way(journey: Journey, screen: Screen) -> Iterator[str]:
    name = printable(str(journey.detail.get("eventName") or journey.event.get("detail-type")))
    where = printable(f"{journey.account} {journey.region}")
    if journey.deliveries:
        yield f"  {screen.paint('>', 'green')} {where}  {screen.paint(name, 'bold')}"
        copies = f" ({len(journey.member_rules)} copies)" if len(journey.member_rules) > 1 else ""
        yield f"      {', '.join(journey.member_rules)}{copies} -> central bus"
    else:
        yield f"  {screen.paint('-', 'dim')} {where}  {name}"
        yield screen.paint(f"      {printable(journey.reason or '')}", "dim")
    for delivery in journey.deliveries:
        size = f"{len(delivery.message.encode()):,} bytes"
        yield f"      {delivery.rule} -> {delivery.target} ({delivery.kind}, {size})"
    for decision in journey.decisions:
        said = printable(f"{decision.responder}: {decision.outcome}: {decision.message}")
        yield "      " + (screen.paint(said, "red") if decision.failed else said)
    for action in journey.actions:
        yield f"      {_deed(action, screen)}"
    for post in journey.posts:
        colour = "green" if 200 <= post.status < 300 else "red"
        said = printable(_headline(post.body))
        yield "      " + screen.paint(f"{post.responder}: told {post.host}: {said}", colour)
    for letter in journey.dead_letters:
        kept = f"kept in {letter.queue}" if letter.queue else "lost"
        where = letter.rule or letter.target
        yield "      " + screen.paint(f"{where}: {kept}: {printable(letter.why)}", "red")


def _deed(action: Action, screen: Screen) -> str:
    colour = "green" if action.outcome == "ok" else "red"
    where = f"{action.account} {action.region}"
    said = f"{action.responder}: {action.call} in {where}: {printable(action.outcome)}"
    return screen.paint(said, colour)


def _headline(body: str) -> str:
    """What a message says in a line, where its receiver would look for it."""
    try:
        whole = json.loads(body)
    except ValueError:
        return f"{len(body)} characters"
    if isinstance(whole, dict) and "attachments" in whole and "text" not in whole:
        whole = whole["attachments"][0]["content"]
    text = whole.get("text") or whole.get("fallbackText") if isinstance(whole, dict) else None
    return str(text or f"{len(body)} characters")


def _arrived(arrived: Arrived, screen: Screen) -> Iterator[str]:
    """Where else something came to rest; nothing about what nothing came to."""
    several: tuple[tuple[str, Mapping[str, Sized]], ...] = (
        ("Mails, by reader", arrived.mails),
        ("Log events, by group", arrived.logs),
        ("Records, by stream", arrived.streams),
        ("Objects, by bucket", arrived.objects),
    )
    for title, kept in several:
        if kept:
            yield screen.paint(title, "bold")
            for name, all_of_it in sorted(kept.items()):
                yield f"  {len(all_of_it):>6}  {name}"
            yield ""


def _sums(simulation: Simulation, shape: Shape, screen: Screen) -> Iterator[str]:
    totals = document(simulation)["totals"]
    yield screen.paint("Queues, as their consumers would read them", "bold")
    for queue, messages in sorted(simulation.queues.items()):
        yield f"  {len(messages):>6}  {queue}"
    yield ""
    yield from _arrived(simulation.world.arrived, screen)
    actions = [action for journey in simulation.journeys for action in journey.actions]
    if actions:
        yield screen.paint("What responders did", "bold")
        for action in actions:
            yield f"  {_deed(action, screen)}"
        yield ""
    sent = f"{_counted(totals['events'], 'event')}: {totals['forwarded']} forwarded"
    yield (
        f"{sent}, {_counted(totals['delivered'], 'delivery', 'deliveries')}, "
        f"{_counted(len(actions), 'action')}, "
        f"{_counted(totals['dead_lettered'], 'dead letter')}"
    )
    if simulation.failures:
        yield f"failed, as told above: {simulation.failures:,}"
    if simulation.moved:
        moved = _counted(
            simulation.moved, "event of a strange account", "events of strange accounts"
        )
        yield f"moved to members: {moved}"
    if simulation.unusable:
        unusable = _counted(len(simulation.unusable), "record")
        yield f"could not be used, named above: {unusable}"


def _counted(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
