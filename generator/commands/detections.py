"""Lists the catalogue, or explains one detection: what, why, pattern, targets, examples."""

from __future__ import annotations

import argparse
import textwrap

from generator import catalogue, config, names
from generator.config import Configuration
from generator.documents import did_you_mean
from generator.model import Catalogue, Detection, Json, Mistake
from generator.screen import Screen, printable
from generator.yaml_text import yaml_text

_COLOUR = {"critical": "red", "high": "red", "medium": "yellow", "low": "blue", "info": "dim"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", metavar="ID", help="the detection to explain")


def run(given: argparse.Namespace, screen: Screen) -> int:
    configuration = config.load(given.config, whole=True)
    known = configuration.catalogue
    if given.id is None:
        _list(known, configuration, screen)
        return 0
    detection = known.detections.get(given.id)
    if detection is None:
        cure = did_you_mean(given.id, known.detections)
        raise Mistake.one("detections", f"no detection '{given.id}'", cure)
    _explain(detection, configuration, screen)
    return 0


def _enabled(configuration: Configuration) -> set[str]:
    return {detection.id for detection in configuration.shape.detections}


def _list(known: Catalogue, configuration: Configuration, screen: Screen) -> None:
    enabled = _enabled(configuration)
    wiring = configuration.shape.wiring
    width = max(len(name) for name in known.detections)
    for pack in sorted(set(known.packs.values())):
        screen.line(screen.paint(pack, "bold"))
        for name, detection in known.detections.items():
            if detection.pack != pack:
                continue
            mark = "on " if name in enabled else "off"
            severity = screen.paint(f"{detection.severity:<9}", _COLOUR[detection.severity])
            targets = ", ".join(wiring.get(name, ())) or ("nowhere" if name in enabled else "")
            screen.line(f"  {mark} {name:<{width}}  {severity}{detection.title}")
            if targets:
                screen.line(screen.paint(f"      {'':<{width}}  {'':<9}-> {targets}", "dim"))
    screen.document(
        {
            name: {**_card(detection), "enabled": name in enabled, "targets": wiring.get(name, ())}
            for name, detection in known.detections.items()
        }
    )


def _card(detection: Detection) -> dict[str, Json]:
    return {
        "pack": detection.pack,
        "title": detection.title,
        "severity": detection.severity,
        "read_only": detection.read_only,
        "why": detection.why,
        "harmless_when": detection.harmless_when,
        "attack": list(detection.attack),
        "references": list(detection.references),
        "pattern": detection.pattern,
        "file": detection.file,
    }


def _explain(detection: Detection, configuration: Configuration, screen: Screen) -> None:
    prefix = configuration.shape.name_prefix
    enabled = detection.id in _enabled(configuration)
    targets = configuration.shape.wiring.get(detection.id, ())
    examples = catalogue.examples(detection)
    severity = screen.paint(detection.severity, _COLOUR[detection.severity])
    screen.line(f"{screen.paint(detection.title, 'bold')}  [{severity}]")
    screen.line(screen.paint(f"{detection.id}, pack {detection.pack}, {detection.file}", "dim"))
    paragraphs = [detection.why]
    if detection.harmless_when:
        paragraphs.append(f"Harmless when: {detection.harmless_when}")
    if detection.read_only:
        paragraphs.append("Its rules carry the state that also receives read-only events.")
    if not enabled:
        paragraphs.append("Not enabled by this configuration.")
    else:
        paragraphs.append(f"Goes to: {', '.join(targets) or 'nowhere, no route names it'}.")
    if detection.attack:
        paragraphs.append(f"MITRE ATT&CK: {', '.join(detection.attack)}.")
    for paragraph in paragraphs:
        screen.line()
        screen.line(textwrap.fill(" ".join(paragraph.split()), 88))
    screen.line()
    for reference in detection.references:
        screen.line(screen.paint(reference, "blue"))
    screen.line()
    screen.line("Pattern:")
    pattern = names.with_prefix(dict(detection.pattern), prefix)
    screen.line(textwrap.indent(yaml_text(pattern).rstrip(), "  "))
    screen.line()
    screen.line("Examples:")
    for example in examples:
        detail = example.event.get("detail")
        detail = detail if isinstance(detail, dict) else {}
        what = printable(f"{detail.get('eventSource')} {detail.get('eventName')}")
        sign = screen.paint("matches", "green") if example.matches else "does not match"
        because = f", because {example.because}" if example.because else ""
        screen.line(f"  {sign}: {what}{because}  ({example.place})")
    screen.document(
        {
            detection.id: {
                **_card(detection),
                "enabled": enabled,
                "targets": list(targets),
                "examples": [
                    {"matches": e.matches, "because": e.because, "event": e.event} for e in examples
                ],
            }
        }
    )
