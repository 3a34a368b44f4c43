"""Sends requests of API destinations to a server on this machine instead of their receivers."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from generator.simulation.world import Request, Response

PATIENCE = 5.0
"""Seconds in which a receiver must answer.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html"""


class Loopback:
    """A transport for `World.transport`: the path and the headers stay, the host is this one."""

    def __init__(self, port: int, patience: float = PATIENCE) -> None:
        self.port = port
        self.patience = patience

    def __call__(self, request: Request) -> Response:
        """The server's answer; OSError when there is none in time."""
        parts = urlsplit(request.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience)
        try:
            connection.request(
                request.method,
                path,
                request.body.encode(),
                {**request.headers, "Host": parts.netloc},
            )
            answer = connection.getresponse()
            answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from None
        finally:
            connection.close()
        return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()})
