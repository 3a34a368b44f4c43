"""How fast patterns match, against parsing the same events with json.loads.

Run by hand: python -m tests.benchmarks.bench_patterns [FILE]
FILE holds EventBridge events, one JSON object a line; without it, the recorded events of
TRAILBUS_DATA, else a few made here. Machines differ, so look at the ratios.
"""

# ruff: noqa: T201 (printing is what it is for)

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from generator.model import Json
from generator.patterns import compiled, matches, misses, problems
from tests.recorded import recorded_events

_API_CALL = {"detail-type": ["AWS API Call via CloudTrail"]}
PATTERNS: dict[str, dict[str, Json]] = {
    "one source, one name": {
        "source": ["aws.cloudtrail"],
        **_API_CALL,
        "detail": {"eventName": ["StopLogging"], "errorCode": [{"exists": False}]},
    },
    "any source, by error": {
        **_API_CALL,
        "detail": {"errorCode": ["AccessDenied", {"wildcard": "*UnauthorizedOperation"}]},
    },
    "deep path": {
        "detail": {"userIdentity": {"sessionContext": {"attributes": {"mfaAuthenticated": ["x"]}}}}
    },
    "addresses": {"detail": {"sourceIPAddress": [{"cidr": "10.0.0.0/8"}, {"cidr": "::/32"}]}},
    "any case": {"detail": {"userAgent": [{"prefix": {"equals-ignore-case": "BOTO3/"}}]}},
    "list of objects": {"detail": {"resources": {"type": ["AWS::IAM::Role"], "ARN": ["x"]}}},
    "forty branches": {
        **_API_CALL,
        "$or": [
            {"source": [f"aws.s{number}"], "detail": {"eventName": [f"Delete{number}"]}}
            for number in range(40)
        ],
    },
}


def _events() -> list[dict[str, Json]]:
    if len(sys.argv) > 1:
        return [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    if os.environ.get("TRAILBUS_DATA"):
        return list(recorded_events())
    return [
        {
            "source": f"aws.s{number % 60}",
            "detail-type": "AWS API Call via CloudTrail",
            "account": "111122223333",
            "resources": [],
            "detail": {
                "eventName": f"Get{number}",
                "sourceIPAddress": f"10.0.{number % 256}.1",
                "userAgent": "Boto3/1.44",
                "userIdentity": {"type": "AssumedRole", "sessionContext": {"attributes": {}}},
                "requestParameters": {f"parameter{index}": "value" * 9 for index in range(9)},
                "resources": [{"type": "AWS::IAM::Role", "ARN": f"arn:{number}"}] * 2,
            },
        }
        for number in range(2000)
    ]


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def main() -> None:
    events = _events()
    texts = [json.dumps(event) for event in events]
    parsing = _best(lambda: [json.loads(text) for text in texts]) / len(events)
    print(f"{len(events)} events, json.loads {parsing * 1e6:.1f} us each")
    print(f"{'pattern':24}{'us':>8}{'of json.loads':>15}{'events/s':>12}")

    def line(name: str, seconds: float) -> None:
        print(f"{name:24}{seconds * 1e6:8.2f}{seconds / parsing:14.1%}{1 / seconds:13,.0f}")

    def each(work: Callable[[dict[str, Json]], object]) -> float:
        return _best(lambda: [work(event) for event in events]) / len(events)

    for name, pattern in PATTERNS.items():
        line(name, each(compiled(pattern).matches))
    first = PATTERNS["one source, one name"]
    line("matches(), not compiled", each(lambda event: matches(first, event)))
    line("misses()", each(lambda event: misses(first, event)))
    line("compiled()", _best(lambda: compiled(first)))
    line("problems()", _best(lambda: problems(first)))


if __name__ == "__main__":
    main()
