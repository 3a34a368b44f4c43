"""Where the values of a path stand in an event."""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.model import Json

Route = tuple[str | int, ...]
"""Every name and list index on the way to a value; a scalar's own index in its list is left out.

So two values stand in different elements of one list exactly where their routes part at two
indices.
"""

Hop = tuple[str, tuple[str, ...]]
"""The next step of a path, and the dotted names that would take it and further ones at once."""


def hops(path: str) -> tuple[Hop, ...] | None:
    """The steps of a dotted path, or None for a path that no event has.

    The engine overlooks empty names in events, except for a leaf at the very top.
    """
    steps = path.split(".")
    if path and not all(steps):
        return None
    return tuple(
        (step, tuple(".".join(steps[at:end]) for end in range(at + 2, len(steps) + 1)))
        for at, step in enumerate(steps)
    )


def arrivals(event: Json, way: tuple[Hop, ...] | None) -> Iterator[tuple[Json, Route]]:
    """Everything that stands at a path, scalar or not, with the route to it; in event order."""
    # An own stack instead of recursion: events may be nested deeper than Python likes to call.
    waiting: list[tuple[Json, int, Route]] = [] if way is None else [(event, 0, ())]
    while waiting:
        value, at, route = waiting.pop()
        if way is None or at == len(way):
            yield value, route
        elif isinstance(value, Mapping):
            step, dotted = way[at]
            spelled = [
                (value[name], at + taken, (*route, name))
                for taken, name in enumerate((step, *dotted), start=1)
                if name in value
            ]
            waiting.extend(reversed(spelled))
        elif isinstance(value, list):
            waiting.extend(
                (value[index], at, (*route, index))
                for index in range(len(value) - 1, -1, -1)
                if isinstance(value[index], (Mapping, list))
            )


def leaves(event: Json, way: tuple[Hop, ...] | None) -> Iterator[tuple[Json, Route]]:
    """The scalars at a path, with the route to each; in event order."""
    for arrived, start in arrivals(event, way):
        waiting: list[tuple[Json, Route]] = [(arrived, start)]
        while waiting:
            value, route = waiting.pop()
            if isinstance(value, list):
                # A list in a list belongs to an element of the outer one; a scalar does not.
                waiting.extend(
                    (value[index], (*route, index) if isinstance(value[index], list) else route)
                    for index in range(len(value) - 1, -1, -1)
                )
            elif not isinstance(value, Mapping):
                yield value, route
