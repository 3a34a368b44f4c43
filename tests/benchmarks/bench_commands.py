"""What whole commands cost, against the work that nobody can leave out.

Run by hand: python -m tests.benchmarks.bench_commands
Each pair is run alternately in processes of their own; what counts is user and system time, so
that another busy program disturbs it least. Machines differ, so look at the ratios:
render against `import troposphere`, check against cfn-lint on the same files, simulate by itself.
"""

# ruff: noqa: T201 (printing is what it is for)

from __future__ import annotations

import compileall
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

_ROOT = Path(__file__).parents[2]
_GENERATOR = (sys.executable, "-m", "generator")
_LINT = (
    str(Path(sys.executable).with_name("cfn-lint")),
    "--regions",
    "ALL_REGIONS",
    "--",
)


class Cost(NamedTuple):
    """What one process cost: seconds of processor, seconds by the clock, and its largest size."""

    cpu: float
    peak_mb: float


def cost(command: Sequence[str]) -> Cost:
    """Runs a command to its end, its output thrown away, and gives what it cost."""
    with Path(os.devnull).open("wb") as nothing:
        actions = [
            (os.POSIX_SPAWN_DUP2, nothing.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, nothing.fileno(), 2),
        ]
        pid = os.posix_spawn(command[0], list(command), os.environ, file_actions=actions)
        _, status, used = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(used.ru_utime + used.ru_stime, _mb(used))


def _mb(used: resource.struct_rusage) -> float:
    # Linux counts in KB, macOS in bytes.
    return used.ru_maxrss / (1024 if sys.platform.startswith("linux") else 1024**2)


def alternately(commands: Sequence[Sequence[str]], times: int) -> list[Cost]:
    """The median cost of each command, over runs in turn."""
    runs: list[list[Cost]] = [[] for _ in commands]
    for _ in range(times):
        for command, found in zip(commands, runs, strict=True):
            found.append(cost(command))
    return [
        Cost(median(run.cpu for run in found), max(run.peak_mb for run in found)) for found in runs
    ]


def main() -> None:
    """Prints one line for each number."""
    os.chdir(_ROOT)
    # An installed package has its byte code; PYTHONDONTWRITEBYTECODE would hide it from a checkout.
    compileall.compile_dir("generator", quiet=1)
    templates = sorted(str(path) for path in Path("out").glob("*.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        render = (*_GENERATOR, "render", "--out", folder)
        mine, floor = alternately([render, (sys.executable, "-c", "import troposphere")], 15)
    print(f"render    {mine.cpu:6.3f} s  {mine.peak_mb:4.0f} MB   ", end="")
    print(f"{mine.cpu / floor.cpu:.2f} x import troposphere (at most 2.0, and 40 MB)")
    mine, floor = alternately([(*_GENERATOR, "check"), (*_LINT, *templates)], 3)
    print(f"check     {mine.cpu:6.3f} s  {mine.peak_mb:4.0f} MB   ", end="")
    print(f"{mine.cpu / floor.cpu:.2f} x cfn-lint on the same files (at most 1.3)")
    [small] = alternately([(*_GENERATOR, "simulate", "--json")], 3)
    print(f"simulate  {small.cpu:6.3f} s  {small.peak_mb:4.0f} MB   ", end="")
    print("5 accounts x 3 Regions, all examples (under 15 s)")
    regions = ",".join(_REGIONS)
    large = cost((*_GENERATOR, "simulate", "--json", "--accounts", "50", "--regions", regions))
    print(f"simulate  {large.cpu:6.3f} s  {large.peak_mb:4.0f} MB   ", end="")
    print(f"50 accounts x {len(_REGIONS)} Regions (under 60 s and 600 MB)")


_REGIONS = (
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
"""Those that every account has without opting in."""


if __name__ == "__main__":
    main()
