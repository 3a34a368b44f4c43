"""The API of templates: what one is, before or after it is deployed."""

from __future__ import annotations

import json

from . import parameters
from .change_sets import ChangeSets
from .parameters import described
from .registry import Registry
from .requests import Answer, Request, requested_template, without_nothing
from .template import Template


class Templates:
    """The operations on templates, named as the API names them."""

    def __init__(self, registry: Registry, change_sets: ChangeSets) -> None:
        self.registry = registry
        self.change_sets = change_sets

    def get_template(self, request: Request, account: str, region: str) -> Answer:
        if "ChangeSetName" in request:
            found = self.change_sets.change_set(request, account, region).blueprint
        else:
            stack = self.registry.get(account, region, request["StackName"])
            found = stack.blueprint  # type: ignore[assignment]  # a reviewed stack has none yet
        body = found.template.text if found else ""
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def summary(self, found: Template) -> Answer:
        """A template as GetTemplateSummary tells it."""
        shown = []
        for entry in described(found.parameters):
            declaration = found.parameters[entry["ParameterKey"]]
            constraints = {}
            if "AllowedValues" in declaration:
                allowed = [parameters.text(value) for value in declaration["AllowedValues"]]
                constraints["AllowedValues"] = allowed
            shown.append(
                {
                    **entry,
                    "ParameterType": declaration["Type"],
                    "ParameterConstraints": constraints,
                }
            )
        return without_nothing(
            {
                "Parameters": shown,
                "Description": found.description,
                "Capabilities": found.capabilities,
                "CapabilitiesReason": found.capabilities_reason if found.capabilities else "",
                "ResourceTypes": list(dict.fromkeys(d.type for d in found.resources.values())),
                "Version": found.version,
                "Metadata": json.dumps(found.metadata) if found.metadata else "",
            }
        )

    def get_template_summary(self, request: Request, account: str, region: str) -> Answer:
        if "StackName" in request:
            stack = self.registry.get(account, region, request["StackName"])
            if stack.blueprint is not None:
                return self.summary(stack.blueprint.template)
        return self.summary(requested_template(request))

    def validate_template(self, request: Request, account: str, region: str) -> Answer:
        found = requested_template(request)
        return without_nothing(
            {
                "Parameters": described(found.parameters),
                "Description": found.description,
                "Capabilities": found.capabilities,
                "CapabilitiesReason": found.capabilities_reason if found.capabilities else "",
            }
        )
