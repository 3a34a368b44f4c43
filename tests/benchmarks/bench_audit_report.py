"""Writes a report of a million events, each by somebody else: how long, and in how much memory?"""

# ruff: noqa: T201 (printing is what it is for)

from __future__ import annotations

import os
import resource
import sys
import time
from datetime import date
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.lambda_ import loading
from tests.lambda_.generated_archive import GeneratedArchive
from tests.lambda_.reporting import VARIABLES


def main(events: int) -> None:
    """Prints one line."""
    os.environ.update(VARIABLES)
    module = loading.responder("write_audit_report")
    archive = GeneratedArchive(events)
    module.central_client = lambda service: archive
    period = module.last_before(date(2026, 11, 3), "day")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    verdict = module.write("bucket", period, lambda: 900_000, True)
    seconds = time.process_time() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{verdict.why}")
    print(f"{seconds:.0f} s CPU (making the archive included), {events / seconds:,.0f} events/s")
    print(f"{after / 1024:.0f} MB at most, of which {before / 1024:.0f} MB before the first event")
    print(f"{archive.written}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
