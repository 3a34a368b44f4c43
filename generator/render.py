"""Shape -> {file name: text}: every template, the manifest and the hand-offs. Writes nothing."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import yaml

from generator import central, handoffs, member, names
from generator.forwarding import Forward, forwards
from generator.model import Json, Shape

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def render(shape: Shape) -> dict[str, str]:
    """The files of a configuration by name, relative to the output folder, sorted.

    The same shape gives the same bytes. Raises Mistake where a pattern fits no rule.
    """
    rules = forwards(shape)
    templates = {
        names.CENTRAL: central.template(shape),
        names.MEMBER_ROLES: member.roles_template(shape),
        names.MEMBER_RULES: member.rules_template(shape, rules),
    }
    files = {name: yaml_text(template) for name, template in templates.items()}
    manifest = _manifest(shape, rules, templates, files)
    files[names.MANIFEST] = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    files.update(handoffs.files(shape))
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


class _Dumper(_DUMPER):  # type: ignore[misc]  # PyYAML chooses its base at run time
    """Writes long text as a block that reads like the text, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: Any, value: str) -> Any:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def yaml_text(value: Json) -> str:
    """A value as YAML, keys in their own order, intrinsic functions in their long form."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2
    )
    return text
