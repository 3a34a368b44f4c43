"""Shared modules in the environment of a responder that uses them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lambda_ import loading
from tests.lambda_.conftest import Deploy, Function


@pytest.fixture
def house(deploy: Deploy) -> Iterator[Function]:
    """The environment and the fake AWS of trail-guard."""
    clients = loading.shared("clients")
    clients.central_client.cache_clear()
    yield deploy("restart_cloudtrail", "TrailGuard", "RestartCloudtrailRole")
    clients.central_client.cache_clear()
