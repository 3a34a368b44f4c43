"""Holds an output folder against what it should be: current, and clean under cfn-lint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from generator import catalogue, names, output
from generator.model import Detection, Mistake, Problem
from generator.patterns import matches, misses


def stale(files: Mapping[str, str], folder: Path, command: str) -> list[Problem]:
    """Files that differ from what would be rendered."""
    return output.stale(files, folder, command)


def examples(detections: Iterable[Detection], prefix: str) -> list[Problem]:
    """Examples that their detection's pattern does not take as they say."""
    found: list[Problem] = []
    for detection in detections:
        try:
            for example in catalogue.examples(detection):
                event = names.with_prefix(dict(example.event), prefix)
                if matches(dict(detection.pattern), event) == example.matches:
                    continue
                if example.matches:
                    why = "; ".join(str(miss) for miss in misses(dict(detection.pattern), event))
                    fault = f"the pattern does not match this example: {why}"
                else:
                    fault = f"the pattern matches this near miss ({example.because})"
                found.append(Problem(example.place, fault, "change the pattern or the example"))
        except Mistake as mistake:
            found += mistake.problems
    return found


def lint(files: Iterable[Path], regions: Iterable[str] = ("ALL_REGIONS",)) -> list[Problem]:
    """What cfn-lint says of templates, as a rule in every Region that it knows.

    One runner for all files: its rules take longer to load than a template to check.
    Raises Mistake when cfn-lint is not installed.
    """
    try:
        from cfnlint.config import ConfigMixIn
        from cfnlint.runner import Runner
    except ImportError:
        cure = "install it: pip install 'trailbus[check]', or check with --no-lint"
        raise Mistake.one("check", "cfn-lint is not installed", cure) from None
    paths = [str(file) for file in files]
    if not paths:  # cfn-lint would wait for a template on stdin
        return []
    runner = Runner(ConfigMixIn(["--regions", *regions, "--", *paths]))
    found = {
        Problem(
            f"{match.filename}:{match.linenumber}",
            f"{match.rule.id}: {match.message}",
            match.rule.source_url or "",
        )
        for match in runner.run()
    }
    return sorted(found)
