"""AWS::SSM: parameters, made in moto."""

from __future__ import annotations

import re
from typing import Any

from moto.ssm.models import ssm_backends

from generator.simulation.world import Resource

from .kind import Kind, Outcome, Properties, Site, refuse


def _backend(site: Site) -> Any:
    return ssm_backends[site.account][site.region]


def _parameter(site: Site, name: str, properties: Properties) -> Outcome:
    _put(site, name, properties, overwrite=False)
    arn = site.arn("ssm", f"parameter/{name.lstrip('/')}")
    attributes = {"Arn": arn, "Type": properties["Type"], "Value": properties["Value"]}
    return Outcome(name, attributes)


def _update(site: Site, resource: Resource, properties: Properties) -> None:
    _put(site, resource.physical_id, properties, overwrite=True)
    resource.attributes.update(Type=properties["Type"], Value=properties["Value"])


def _put(site: Site, name: str, properties: Properties, overwrite: bool) -> None:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-parameter.html
    if properties["Type"] not in ("String", "StringList"):
        raise refuse("CloudFormation makes no parameters of the type SecureString")
    value, pattern = str(properties["Value"]), str(properties.get("AllowedPattern", ""))
    if pattern and not re.search(pattern, value):
        raise refuse(f"Parameter value, cannot be validated against allowedPattern: {pattern}")
    backend = _backend(site)
    backend.put_parameter(
        name=name,
        description=str(properties.get("Description", "")),
        value=value,
        parameter_type=str(properties["Type"]),
        allowed_pattern=pattern,
        keyid="",
        overwrite=overwrite,
        tags=[],
        data_type=str(properties.get("DataType", "text")),
        tier=properties.get("Tier"),
        policies=properties.get("Policies"),
    )
    known = backend.list_tags_for_resource("Parameter", name)
    backend.remove_tags_from_resource("Parameter", name, list(known))
    backend.add_tags_to_resource("Parameter", name, properties.get("Tags", {}))


def _delete(site: Site, resource: Resource) -> None:
    if _taken(site, resource.physical_id):
        _backend(site).delete_parameter(resource.physical_id)


def _taken(site: Site, name: str) -> bool:
    return _backend(site).get_parameter(name) is not None


KINDS = {
    "AWS::SSM::Parameter": Kind(
        _parameter,
        _update,
        _delete,
        exists=_taken,
        name="Name",
        longest=1_011,
        needs=("Type", "Value"),
        tags="map",
    ),
}
