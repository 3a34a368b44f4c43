"""Clients end their calls long before the function's time does."""

from __future__ import annotations

from tests.lambda_ import loading, rendered
from tests.lambda_.conftest import Function
from tests.lambda_.rendered import CENTRAL, Site

clients = loading.shared("clients")
batches = loading.shared("batches")


def test_a_call_that_nobody_answers_ends_within_the_time_that_a_notice_is_given(
    house: Function,
) -> None:
    config = clients.central_client("sns").meta.config
    attempts = config.retries["total_max_attempts"]
    worst = attempts * (config.connect_timeout + config.read_timeout) + 1  # a pause in between
    timeout = rendered.resource("central.yaml", "TrailGuard", Site(CENTRAL))["Timeout"]

    assert attempts > 1, "a passing fault costs no round through the queue"
    assert worst * 1000 <= batches._SPARE <= timeout * 1000 / 2


def test_a_central_client_is_made_once_and_where_the_function_runs(house: Function) -> None:
    first = clients.central_client("ssm")

    assert clients.central_client("ssm") is first
    assert clients.central_client("sns") is not first
    assert first.meta.region_name == "us-east-1"


def test_the_token_service_is_asked_in_the_functions_region(house: Function) -> None:
    """Tokens of the global endpoint are not valid in opt-in Regions."""
    assert clients.central_client("sts").meta.endpoint_url == "https://sts.us-east-1.amazonaws.com"
