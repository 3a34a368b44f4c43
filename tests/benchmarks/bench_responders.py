"""How long a responder's cold start takes, against importing boto3 and making the clients it uses.

Run by hand: python -m tests.benchmarks.bench_responders [ROUNDS]
Each start is a process of its own, A and B in turn. AWS is a server in the parent process, so that
what it costs does not count: what counts is the whole CPU time of the child, as the kernel tells
it. Machines differ, so look at the ratio; at most 1.2 is promised.
"""

# ruff: noqa: T201 (printing is what it is for)

from __future__ import annotations

import json
import os
import ssl
import statistics
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # started by its path
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.lambda_ import events, loading, rendered, telling, tls

ROUNDS = 15
PROMISED = 1.2

# What each responder's first event makes it use, and how its start begins and ends.
RESPONDERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "restart_cloudtrail": ("TrailGuard", ("sts", "cloudtrail", "dynamodb", "ssm", "sns")),
    "notify_slack": ("Slack", ("dynamodb", "secretsmanager")),
}
SITES = {"notify_slack": telling.site()}
# A chat is spoken to through a client too, which knows whom to trust.
CHAT = """
import ssl, urllib.request
trusting = urllib.request.HTTPSHandler(context=ssl.create_default_context())
urllib.request.build_opener(trusting)
"""
OTHER_CLIENTS = {"notify_slack": CHAT}

_CLIENTS = """\
import boto3
for service in {services!r}:
    boto3.client(service)
"""

# As Lambda's runtime does it: import the file, read the event, call the handler.
_RESPONDER = """\
import json
import index
with open({event!r}) as file:
    event = json.load(file)
answer = index.handler(event, None)
assert answer == {{"batchItemFailures": []}}, answer
"""


class _Aws(BaseHTTPRequestHandler):
    """Says of every trail that it is stopped until it is started."""

    protocol_version = "HTTP/1.1"
    started: set[str] = set()  # noqa: RUF012 - one for all connections of a server
    chat = ""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        name = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if not name:
            name = asked.partition("Action=")[2].partition("&")[0]
        answer = self._answer(name, asked).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _answer(self, name: str, asked: str) -> str:
        if name == "AssumeRole":
            return _ASSUMED
        if name == "Publish":
            return _PUBLISHED
        if name == "StartLogging" or self.path == "/chat":
            self.started.add(asked)
        trail = {"Name": "account-trail", "TrailARN": events.TRAIL, "HomeRegion": events.HOME}
        answers: dict[str, Any] = {
            "DescribeTrails": {"trailList": [trail]},
            "GetTrailStatus": {"IsLogging": bool(self.started)},
            "GetSecretValue": {"Name": telling.SECRET, "SecretString": self.chat},
            "UpdateItem": {"Attributes": {"times": {"N": "1"}}},
            "GetParameter": {"Parameter": {"Name": "/trailbus/remediation", "Value": "on"}},
        }
        return json.dumps(answers.get(name, {}))

    def log_message(self, *_: Any) -> None:
        """Nothing: the table is what is printed."""


_ASSUMED = """\
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>x</SecretAccessKey>
<SessionToken>y</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""
_PUBLISHED = """\
<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>
<MessageId>m</MessageId></PublishResult></PublishResponse>"""


def _cpu(code: str, environment: Mapping[str, str]) -> float:
    """The CPU seconds of a Python process that runs this code."""
    program = [sys.executable, "-B", "-c", code]
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawn(program[0], program, environment, file_actions=silent)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit("a start failed; its error is above")
    return usage.ru_utime + usage.ru_stime


def measured(responder: str, rounds: int) -> tuple[list[float], list[float]]:
    """CPU seconds of the bare clients and of the responder's first event, in turn."""
    function, services = RESPONDERS[responder]
    site = SITES.get(responder, rendered.Site(rendered.CENTRAL))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Aws)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        **loading.variables(function, site),
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
    }
    bare, whole = [], []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_servers:
        files = tls.certificate(Path(folder))
        # The usual authorities too: reading them is a part of what a start costs.
        usual = ssl.get_default_verify_paths().cafile
        trusted = Path(folder, "trusted.pem")
        trusted.write_bytes(files[0].read_bytes() + (Path(usual).read_bytes() if usual else b""))
        environment["SSL_CERT_FILE"] = str(trusted)
        _Aws.chat = open_servers.enter_context(tls.served(_Aws, files)) + "/chat"
        Path(folder, "index.py").write_text(loading.inlined(responder), encoding="utf-8")
        environment["PYTHONPATH"] = folder
        event = Path(folder, "event.json")
        batch = {"Records": [events.message(events.stop(at=datetime.now(UTC)))]}
        event.write_text(json.dumps(batch), encoding="utf-8")
        for number in range(rounds + 1):
            _Aws.started.clear()
            others = OTHER_CLIENTS.get(responder, "")
            clients = _cpu(_CLIENTS.format(services=services) + others, environment)
            start = _cpu(_RESPONDER.format(event=str(event)), environment)
            if not _Aws.started:
                raise SystemExit(f"{responder} did not do what it is for")
            if number:  # the first round fills the caches of the disk
                bare.append(clients)
                whole.append(start)
    server.shutdown()
    return bare, whole


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(f"{rounds} starts each, medians of CPU milliseconds; at most {PROMISED} x is promised")
    print(f"{'responder':22}{'clients':>9}{'start':>9}{'ratio':>8}")
    for responder in RESPONDERS:
        bare, whole = measured(responder, rounds)
        ratio = statistics.median(b / a for a, b in zip(bare, whole, strict=True))
        line = f"{statistics.median(bare) * 1000:9.0f}{statistics.median(whole) * 1000:9.0f}"
        print(f"{responder:22}{line}{ratio:8.2f}{'' if ratio <= PROMISED else '  too slow'}")


if __name__ == "__main__":
    main()
