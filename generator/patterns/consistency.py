"""Whether conditions can be met together without leaving an element of any list.

Every value stands at a route through the event. Meeting a condition by a value commits the
whole match to the list elements on that route: no other condition may then be met by another
element of the same list. A condition may also be met by absence. The engine looks for absence
when the turn of that path comes, in the order of the sorted paths, and overlooks the values that
the elements committed to so far rule out.

The search goes over the tree of routes from its leaves up and keeps, for every node, the ways in
which it can take part: which conditions it meets, and which absences it spoils. In an object the
ways of all members combine; of a list one element takes part, or none. The number of conditions
bounds the number of ways, so the cost grows with the event, not with the pairs of its values.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from generator.patterns.leaves import Route

    Way = tuple[int, int]
    """Which conditions a part of the event meets and which absences it spoils, as bit masks."""


class Claim:
    """What one condition finds in an event: its values, and whether absence would do as well.

    Each value comes with its route and with whether it meets the condition. A place in an event
    has one path, so no two claims find their values at the same place.
    """

    __slots__ = ("absence", "found")

    def __init__(self, found: Iterable[tuple[Route, bool]], *, absence: bool) -> None:
        self.found = tuple(found)
        self.absence = absence


class _Node:
    """A place in the event. The masks have one bit for each claim."""

    __slots__ = (
        "all_meets",
        "all_values",
        "elements",
        "elsewhere",
        "meets",
        "members",
        "parent",
        "values",
        "ways",
    )

    def __init__(self, parent: _Node | None) -> None:
        self.parent = parent
        self.members: dict[str | int, _Node] = {}
        self.elements = False
        self.meets = self.values = self.all_meets = self.all_values = 0
        self.elsewhere = 0
        self.ways: set[Way] = set()


def together(claims: Sequence[Claim]) -> bool:
    """Whether all claims, in the order of their paths, can be met at once."""
    absences = sum(1 << turn for turn, claim in enumerate(claims) if claim.absence)
    required = (1 << len(claims)) - 1 & ~absences
    nodes = _tree(claims)
    for node in reversed(nodes):
        node.all_meets |= node.meets
        node.all_values |= node.values & absences
        if node.parent is not None:
            node.parent.all_meets |= node.all_meets
            node.parent.all_values |= node.all_values
    for node in nodes:
        _look_elsewhere(node)
    for node in reversed(nodes):
        node.ways = {
            (met, spoiled)
            for met, spoiled in _ways(node, absences)
            # What nothing outside can mend is no way at all. At the root nothing is outside.
            if not (required | spoiled) & ~(met | node.elsewhere)
        }
        for member in node.members.values():
            member.ways = set()
    return bool(nodes[0].ways)


def _tree(claims: Sequence[Claim]) -> list[_Node]:
    """The routes as a tree; parents stand before their children, the root first."""
    nodes = [_Node(None)]
    for turn, claim in enumerate(claims):
        for route, meets in claim.found:
            at = nodes[0]
            for step in route:
                following = at.members.get(step)
                if following is None:
                    following = at.members[step] = _Node(at)
                    at.elements = isinstance(step, int)
                    nodes.append(following)
                at = following
            at.values |= 1 << turn
            at.meets |= meets << turn
    return nodes


def _look_elsewhere(node: _Node) -> None:
    """Tell each member what can be met outside of it in the same match."""
    once = twice = 0
    if not node.elements:
        for member in node.members.values():
            twice |= once & member.all_meets
            once |= member.all_meets
    for member in node.members.values():
        others = twice | once & ~member.all_meets
        member.elsewhere = node.elsewhere | node.meets | others


def _ways(node: _Node, absences: int) -> set[Way]:
    here = (0, node.values & absences)
    ways = {here}
    if node.meets:
        met = (node.meets, here[1] & ~node.meets)
        # To meet more does no harm, unless it commits the match too early for an absence.
        ways = {here, met} if absences else {met}
    if node.elements:
        spoiled_by_any = 0
        for element in node.members.values():
            spoiled_by_any |= element.all_values
        through = {(0, spoiled_by_any)}
        for element in node.members.values():
            for met_there, spoiled in element.ways:
                if met_there:
                    # Absences whose turn comes before the first commitment see all elements.
                    before = (met_there & -met_there) - 1
                    through.add((met_there, spoiled | spoiled_by_any & before & ~met_there))
        return _combined(ways, through, absences)
    for member in node.members.values():
        ways = _combined(ways, member.ways, absences)
    return ways


def _combined(some: set[Way], others: set[Way], absences: int) -> set[Way]:
    return {
        (met | met_too, (spoiled | spoiled_too) & ~(met | met_too))
        for met, spoiled in some
        for met_too, spoiled_too in others
        if not (absences and met & met_too)
    }
