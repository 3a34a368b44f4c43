"""What was rendered and reviewed, read from disk: the deploy side never renders."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generator import names
from generator.model import Json, Mistake

INLINE_LIMIT = 51_200
"""Bytes of a template inside a request; longer ones go through a bucket.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


@dataclass(frozen=True)
class Bundle:
    """The rendered files by name, and their manifest."""

    files: Mapping[str, str]
    manifest: Mapping[str, Json]

    @property
    def prefix(self) -> str:
        return str(self.manifest["name_prefix"])

    def parameters(self, template: str) -> tuple[str, ...]:
        """The parameters that a template takes."""
        return tuple(self.manifest["templates"][template]["parameters"])


def read_bundle(folder: Path, digest: str) -> Bundle:
    """Reads out/. Raises Mistake when files are missing, were changed by hand, or belong to
    another configuration than the one with this digest."""
    manifest_file = folder / names.MANIFEST
    try:
        manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
        sums = {name: entry["sha256"] for name, entry in manifest["templates"].items()}
        files = {name: (folder / name).read_text(encoding="utf-8") for name in sums}
    except OSError as error:
        cure = "render the templates first: python -m generator"
        raise Mistake.one(str(error.filename), f"cannot be read: {error.strerror}", cure) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        cure = "render the templates again: python -m generator"
        raise Mistake.one(str(manifest_file), "is not a manifest", cure) from None
    if manifest.get("configuration") != digest:
        cure = "render them with this configuration, review the difference, then deploy"
        raise Mistake.one(str(folder), "holds the templates of another configuration", cure)
    for name, text in files.items():
        if hashlib.sha256(text.encode()).hexdigest() != sums[name]:
            cure = "render it again, or change the configuration that it comes from"
            raise Mistake.one(str(folder / name), "was changed after it was rendered", cure)
    return Bundle(files, manifest)
