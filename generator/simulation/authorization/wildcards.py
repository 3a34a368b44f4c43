"""Wildcards of the policy language, matched in time that no hostile pattern can blow up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache


class Wild(Enum):
    """What a wildcard may stand for; the `_INSIDE` ones stay within one part of an ARN."""

    ONE = "?"
    RUN = "*"
    ONE_INSIDE = "? but no colon"
    RUN_INSIDE = "* but no colon"


Piece = str | Wild
Pieces = tuple[Piece, ...]
"""A pattern: literal text and wildcards by turns. A `*` inside literal text is just a star."""

_RUNS = frozenset({Wild.RUN, Wild.RUN_INSIDE})
_INSIDE = {Wild.ONE: Wild.ONE_INSIDE, Wild.RUN: Wild.RUN_INSIDE}

# The parts of an ARN before the resource: arn, partition, service, Region, account.
_FENCED_PARTS = 5


def pieces(text: str) -> Pieces:
    """The pattern that a policy writes as `text`."""
    found: list[Piece] = []
    literal = ""
    for character in text:
        if character in "*?":
            if literal:
                found.append(literal)
            found.append(Wild.RUN if character == "*" else Wild.ONE)
            literal = ""
        else:
            literal += character
    return (*found, literal) if literal else tuple(found)


def folded(pattern: Pieces) -> Pieces:
    """The same pattern for text whose case does not matter."""
    return tuple(piece.casefold() if isinstance(piece, str) else piece for piece in pattern)


def fenced(pattern: Pieces, *, trailing_run_crosses: bool) -> Pieces:
    """The same pattern for an ARN, whose wildcards stay within the part they are written in.

    The resource, everything behind the fifth colon, may hold colons itself, so wildcards are free
    there. In a Resource element a star that ends a part runs on beyond the colon
    (`trailing_run_crosses`); the ARN operators compare every part separately.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    found: list[Piece] = []
    colons = 0
    for position, piece in enumerate(pattern):
        if isinstance(piece, str):
            colons += piece.count(":")
            found.append(piece)
        elif colons >= _FENCED_PARTS:
            found.append(piece)
        else:
            ends_part = _starts_with_colon_or_is_over(pattern[position + 1 :])
            crosses = trailing_run_crosses and piece is Wild.RUN and ends_part
            found.append(piece if crosses else _INSIDE.get(piece, piece))
    return tuple(found)


def _starts_with_colon_or_is_over(rest: Pieces) -> bool:
    return not rest or (isinstance(rest[0], str) and rest[0].startswith(":"))


def matches(pattern: Pieces, text: str) -> bool:
    """Whether the pattern stands for exactly this text."""
    machine = _machine(pattern)
    if machine.literal is not None:
        return machine.literal == text
    return machine.accepts(text)


@dataclass(frozen=True, slots=True)
class _Machine:
    """A pattern as sets of positions, each set the bits of one integer.

    All ways to match are followed at once instead of one after the other, so the work is the
    length of the text times the length of the pattern, however many stars there are.
    """

    literal: str | None
    steps: dict[str, int]
    ones: int
    ones_inside: int
    runs: int
    runs_inside: int
    end: int

    def accepts(self, text: str) -> bool:
        either_run = self.runs | self.runs_inside
        here = 1
        here |= (here & either_run) << 1  # a run may be empty
        for character in text:
            step = self.steps.get(character, 0) | self.ones
            stay = self.runs
            if character != ":":
                step |= self.ones_inside
                stay |= self.runs_inside
            here = (here & stay) | ((here & step) << 1)
            here |= (here & either_run) << 1
            if not here:
                return False
        return bool(here & self.end)


@lru_cache(maxsize=4096)
def _machine(pattern: Pieces) -> _Machine:
    literal = "".join(piece for piece in pattern if isinstance(piece, str))
    if all(isinstance(piece, str) for piece in pattern):
        return _Machine(literal, {}, 0, 0, 0, 0, 0)
    steps: dict[str, int] = {}
    wild: dict[Wild, int] = dict.fromkeys(Wild, 0)
    bit = 1
    for piece in _without_doubled_runs(pattern):
        if isinstance(piece, str):
            for character in piece:
                steps[character] = steps.get(character, 0) | bit
                bit <<= 1
        else:
            wild[piece] |= bit
            bit <<= 1
    return _Machine(
        literal=None,
        steps=steps,
        ones=wild[Wild.ONE],
        ones_inside=wild[Wild.ONE_INSIDE],
        runs=wild[Wild.RUN],
        runs_inside=wild[Wild.RUN_INSIDE],
        end=bit,
    )


def _without_doubled_runs(pattern: Pieces) -> Pieces:
    # One step over an empty run is enough for the machine only when no run follows another; the
    # freer of two neighbours stands for both.
    found: list[Piece] = []
    for piece in pattern:
        if piece == "":
            continue
        if found and piece in _RUNS and found[-1] in _RUNS:
            if piece is Wild.RUN:
                found[-1] = piece
            continue
        found.append(piece)
    return tuple(found)
