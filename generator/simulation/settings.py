"""Keeps the settings of whoever runs a simulation out of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def nobodys_settings() -> Iterator[None]:
    """No AWS_PROFILE, no AWS_ENDPOINT_URL and the like, for as long as the block runs.

    moto reads them when it is imported, and would fail over a profile that does not exist.
    """
    kept = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
    for key in kept:
        del os.environ[key]
    try:
        yield
    finally:
        for key in [key for key in os.environ if key.startswith("AWS_")]:
            del os.environ[key]
        os.environ.update(kept)
