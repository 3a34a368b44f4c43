"""The matrix for scripts: one JSON document."""

from __future__ import annotations

from generator.deploy.status.letters import Post
from generator.deploy.status.lines import places
from generator.deploy.status.matrix import Cell, Coverage
from generator.model import Json


def document(coverage: Coverage, post: Post | None = None) -> Json:
    """Everything of the picture; every cell that is not plainly deployed says why."""
    return {
        "green": coverage.good and (post is None or post.good),
        "regions": list(coverage.regions),
        "parts": [part._asdict() for part in coverage.parts],
        "summary": {region: dict(count) for region, count in coverage.counts().items()},
        "accounts": [
            {
                "account": row.account,
                "name": row.name,
                "cells": {
                    region: _cell(cell)
                    for region, cell in zip(coverage.regions, row.cells, strict=True)
                },
            }
            for row in coverage.rows
        ],
        "reasons": [
            {**group.cell._asdict(), "where": places(group, coverage)}
            for group in coverage.groups()
        ],
        "dead_letters": None if post is None else [one._asdict() for one in post.letters],
        "not_checked": {**coverage.unread, **(post.unread if post else {})},
    }


def _cell(cell: Cell) -> Json:
    told = {"why": cell.why, "cure": cell.cure, "said": cell.said}
    return {"sign": cell.sign, **{key: text for key, text in told.items() if text}}
