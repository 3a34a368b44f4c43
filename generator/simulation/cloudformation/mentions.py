"""What a value of a template speaks of: the resources and parameters that its functions name."""

from __future__ import annotations

from collections.abc import Iterator

from generator.model import Json

from .intrinsics import VARIABLE


def mentions(value: Json) -> Iterator[str]:
    """The names that Ref, Fn::GetAtt and Fn::Sub in a value speak of, own variables excepted."""
    if isinstance(value, list):
        for item in value:
            yield from mentions(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::GetAtt":
                yield item.split(".", 1)[0] if isinstance(item, str) else str(item[0])
            elif key == "Fn::Sub":
                pattern, own = (item, {}) if isinstance(item, str) else (item[0], item[1])
                for literal, name in VARIABLE.findall(str(pattern)):
                    if not literal and name not in own:
                        yield name.strip().split(".", 1)[0]
                yield from mentions(list(own.values()))
            else:
                yield from mentions(item)
