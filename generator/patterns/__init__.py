"""Event patterns as EventBridge understands them: is one valid, does it match, why does it not.

A pattern is a JSON object whose leaves are lists. A leaf stands for the field at its path, and
its list holds alternatives: one of them has to meet one value of that field. All leaves have to
be met; `$or` offers branches of which one has to be met together with everything around it.

An alternative is a plain value (the same string, number, `true`, `false` or `null`) or an object
with one operator:

    {"prefix": "x"}  {"suffix": "x"}         text that begins or ends so
    {"equals-ignore-case": "x"}              text in any case; also inside prefix and suffix
    {"wildcard": "a*b"}                      `*` is any text, also none; `\\*` and `\\\\` are plain
    {"exactly": "x"}                         this very text, without reading it as an address
    {"numeric": [">", 0, "<=", 5]}           a number; = < <= > >= or a range from below
    {"cidr": "10.0.0.0/8"}                   an IP address in that block
    {"anything-but": ...}                    any value but this one, or but those of a list, or
                                             but {"prefix", "suffix", "wildcard",
                                             "equals-ignore-case": one or a list}
    {"exists": true}  {"exists": false}      the field has a value, or has none

What follows from how the engine reads an event, which is as a list of (path, value) pairs:

- Only scalars are values. Objects, `{}` and `[]` hold none: `exists: true` is false for them.
- The values of a list are those of its elements, lists in lists included.
- A dot in a name is the same as nesting, in the pattern and in the event.
- Where a path leads through lists of objects, all conditions together must be met without
  leaving an element: two of them never by two elements of one list. `exists: false` means in no
  element, or, beside a condition whose path sorts before it, not in the element which met that.
- `anything-but` asks for a value that differs, of any type; a missing field has none.
- Numbers compare as numbers as far as a double can tell them apart, and equal addresses are
  equal however they are written.
- A leaf named again, in a branch or in another spelling, replaces the one named before.

Sources: what AWS says of it (EventBridge user guide:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html), and
how the engine that EventBridge runs behaves (https://github.com/aws/event-ruler). Not told here:
how long a pattern may be, and how many wildcards the service puts up with.
"""

from __future__ import annotations

from generator.patterns.language import conjunctions, problems
from generator.patterns.matching import CompiledPattern, compiled, matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from generator.patterns.nearest import Miss, misses

__all__ = [
    "CompiledPattern",
    "Miss",
    "compiled",
    "conjunctions",
    "matches",
    "misses",
    "problems",
]


def __getattr__(name: str) -> object:
    """Load what explains a miss when somebody asks; matching alone starts five times as fast."""
    if name in ("Miss", "misses"):
        from generator.patterns import nearest

        return getattr(nearest, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
