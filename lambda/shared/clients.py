"""boto3 clients whose calls end long before the function's time does."""

from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config

# botocore's own limits, a minute to connect and five attempts, would let one silent endpoint use
# up the time of a whole batch. What fails within these comes back through the queue.
_LIMITS = Config(connect_timeout=2, read_timeout=6, retries={"total_max_attempts": 2})


def new_client(service: str, **where: str) -> Any:
    """A client. `where` is what boto3.client takes: a Region, credentials."""
    return boto3.client(service, config=_LIMITS, **where)


@lru_cache
def central_client(service: str) -> Any:
    """A client in the function's own account and Region, made when it is first needed."""
    return new_client(service)
