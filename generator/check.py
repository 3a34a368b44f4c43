"""Holds an output folder against what it should be, and detections against what can happen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from generator import catalogue, cloudtrail, names, operations, output
from generator.forwarding import Forward
from generator.model import Detection, Example, Json, Mistake, Problem
from generator.patterns import matches, misses


def stale(files: Mapping[str, str], folder: Path, command: str) -> list[Problem]:
    """Files that differ from what would be rendered."""
    return output.stale(files, folder, command)


def examples(
    detections: Iterable[Detection], prefix: str, rules: Iterable[Forward] = ()
) -> list[Problem]:
    """Examples that their detection's pattern does not take as they say, or that cannot happen.

    An event that matches has to come through one of the forwarding `rules` that list its
    detection, too.
    """
    found: list[Problem] = []
    for detection in detections:
        ways = [rule for rule in rules if detection.id in rule.detections]
        try:
            for example in catalogue.examples(detection):
                event = names.with_prefix(dict(example.event), prefix)
                found += [
                    Problem(example.place, f"this cannot happen: {never.fault}", never.cure)
                    for never in cloudtrail.event_faults(event)
                ]
                if matches(dict(detection.pattern), event) != example.matches:
                    found.append(_contradiction(detection, example, event))
                elif example.matches:
                    found += _on_its_way(detection, example, event, ways)
        except Mistake as mistake:
            found += mistake.problems
    return found


def _contradiction(detection: Detection, example: Example, event: dict[str, Json]) -> Problem:
    if example.matches:
        why = "; ".join(str(miss) for miss in misses(dict(detection.pattern), event))
        fault = f"the pattern does not match this example: {why}"
    else:
        fault = f"the pattern matches this near miss ({example.because})"
    return Problem(example.place, fault, "change the pattern or the example")


def _on_its_way(
    detection: Detection, example: Example, event: dict[str, Json], ways: list[Forward]
) -> list[Problem]:
    """Why a member would not forward an event that its detection matches."""
    read = cloudtrail.is_cloudtrails(event) and cloudtrail.is_read(event.get("detail", {}))
    if read and not detection.read_only:
        fault = "this is a read-only event, which members forward to read_only detections alone"
        return [Problem(example.place, fault, "add read_only: true, or change the example")]
    if ways and not any(matches(dict(rule.pattern), event) for rule in ways):
        fault = "no forwarding rule of its detection takes this example"
        return [Problem(example.place, fault, "change the pattern or the example")]
    return []


def misspelt(detections: Iterable[Detection]) -> list[Problem]:
    """Names in patterns that their service never writes, where a call of it was meant."""
    found: dict[Problem, None] = {}
    for detection in detections:
        for hosts, name in cloudtrail.names_of(detection.pattern):
            meant = operations.meant(hosts, name)
            if meant:
                fault = f"{' and '.join(hosts)} never writes the eventName '{name}'"
                found[Problem(detection.file, fault, f"did you mean '{meant}'?")] = None
    return list(found)


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
