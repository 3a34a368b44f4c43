"""Shape -> {file name: text}: every template, the manifest and the hand-offs. Writes nothing."""

from __future__ import annotations

import hashlib
import json

from generator import central, handoffs, intake, limits, member, names, organization, pages
from generator.forwarding import Forward, forwards
from generator.model import Json, Mistake, Shape
from generator.yaml_text import yaml_text


def render(shape: Shape) -> dict[str, str]:
    """The files of a configuration by name, relative to the output folder, sorted.

    The same shape gives the same bytes. Raises Mistake where AWS's limits are broken.
    """
    rules = forwards(shape)
    templates = {
        names.CENTRAL: central.template(shape),
        names.MEMBER_ROLES: member.roles_template(shape),
        names.MEMBER_RULES: member.rules_template(shape, rules),
        names.INTAKE: intake.template(shape),
    }
    files = {name: yaml_text(template) for name, template in templates.items()}
    members = {name: templates[name] for name in (names.MEMBER_ROLES, names.MEMBER_RULES)}
    for name, build in (
        (names.ORGANIZATION, organization.organization_template),
        (names.MANAGEMENT, organization.management_template),
    ):
        templates[name] = build(shape, members, files)
        files[name] = yaml_text(templates[name])
    broken = [
        problem
        for name, template in templates.items()
        for problem in limits.problems(name, files[name], template)
    ]
    if broken:
        raise Mistake(broken)
    manifest = _manifest(shape, rules, templates, files)
    files.update(handoffs.files(shape))
    files.update(pages.files(shape, rules))
    manifest["files"] = sorted(files)
    files[names.MANIFEST] = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    return {name: files[name] for name in sorted(files)}


def _manifest(
    shape: Shape,
    rules: tuple[Forward, ...],
    templates: dict[str, dict[str, Json]],
    files: dict[str, str],
) -> dict[str, Json]:
    """What was rendered, for people, for check and for deploy."""
    return {
        "name_prefix": shape.name_prefix,
        "forwarding": shape.forwarding,
        "configuration": shape.digest,
        "detections": {
            detection.id: {
                "severity": detection.severity,
                "member_rules": [rule.name for rule in rules if detection.id in rule.detections],
                "central_rules": list(central.central_rules(shape, detection)),
                "targets": list(shape.wiring.get(detection.id, ())),
            }
            for detection in shape.detections
        },
        "targets": {
            target.name: {"kind": target.kind, "body": target.body} for target in shape.targets
        },
        "templates": {
            name: {
                "bytes": len(files[name].encode()),
                "sha256": hashlib.sha256(files[name].encode()).hexdigest(),
                "resources": len(template["Resources"]),
                "parameters": list(template.get("Parameters", {})),
            }
            for name, template in templates.items()
        },
    }
