"""AWS::Lambda: functions, what feeds them and who may invoke them, in the inventory alone."""

from __future__ import annotations

import json

from generator.simulation.world import Resource

from .iam import trusts_service
from .kind import Kind, Outcome, Properties, Site, own_arn, plain, refuse

INLINE_LENGTH = 4 * 1_048_576
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html"""
POLICY_LENGTH = 20_480
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
ENVIRONMENT_LENGTH = 4_096

FUNCTION = "AWS::Lambda::Function"
PERMISSION = "AWS::Lambda::Permission"


def _check(site: Site, name: str, properties: Properties) -> None:
    code = properties["Code"]
    if not isinstance(code, dict) or not {"ZipFile", "S3Bucket", "ImageUri"} & set(code):
        raise refuse(f"Please provide a source for function code: {name}")
    inline = code.get("ZipFile")
    if inline is not None and len(str(inline).encode()) > INLINE_LENGTH:
        raise refuse(f"The inline code of {name} is longer than {INLINE_LENGTH} bytes")
    if inline is not None and not str(properties.get("Handler", "")).startswith("index."):
        raise refuse(
            f"Inline code stands in a file named index: the handler of {name} must be "
            "index.something"
        )
    variables = (properties.get("Environment") or {}).get("Variables") or {}
    length = sum(len(f"{key}{value}".encode()) for key, value in variables.items())
    if length > ENVIRONMENT_LENGTH:
        raise refuse(f"The environment variables of {name} exceed {ENVIRONMENT_LENGTH} bytes")
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    role = str(properties["Role"])
    if role.split(":")[4:5] != [site.account]:
        raise refuse("Cross-account pass role is not allowed.", "AccessDenied")
    if not trusts_service(site, role, "lambda.amazonaws.com"):
        raise refuse("The role defined for the function cannot be assumed by Lambda.")


def _mapping(site: Site, name: str, properties: Properties) -> Outcome:
    _check_mapping(site, properties)
    identity = site.invented_id()
    arn = site.arn("lambda", f"event-source-mapping:{identity}")
    return Outcome(identity, {"Id": identity, "EventSourceMappingArn": arn})


def _update_mapping(site: Site, resource: Resource, properties: Properties) -> None:
    _check_mapping(site, properties)


def _check_mapping(site: Site, properties: Properties) -> None:
    function = _function(site, str(properties["FunctionName"]))
    source = site.world.inventory.by_arn(str(properties.get("EventSourceArn", "")))
    if source is None or source.type != "AWS::SQS::Queue":
        return
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    hidden = int(source.properties.get("VisibilityTimeout", 30))
    takes = int(function.properties.get("Timeout", 3))
    if hidden < takes:
        raise refuse(
            f"Queue visibility timeout: {hidden} seconds is less than Function timeout: "
            f"{takes} seconds"
        )
    batch, window = (
        int(properties.get("BatchSize", 10)),
        properties.get("MaximumBatchingWindowInSeconds", 0),
    )
    if batch > 10 and int(window) < 1:
        raise refuse(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size "
            "is greater than 10"
        )


def _function(site: Site, named: str) -> Resource:
    name = named.rpartition(":")[2]
    found = site.world.inventory.get(site.account, site.region, FUNCTION, name)
    if found is None:
        raise refuse(f"Function not found: {named}", "NotFound")
    return found


def _permission(site: Site, name: str, properties: Properties) -> Outcome:
    """Functions that no stack made are taken to be there: their ARN says whose they are."""
    named = str(properties["FunctionName"])
    if named.startswith("arn:"):
        own = site.arn("lambda", "function:")
        if not named.startswith(own):
            raise refuse(f"{named} is no function of this account and Region.", "AccessDenied")
        of_whom = function_name(named)
    else:
        of_whom = _function(site, named).physical_id
    others = [
        permission.properties
        for permission in site.world.inventory.of_type(site.account, site.region, PERMISSION)
        if function_name(str(permission.properties["FunctionName"])) == of_whom
    ]
    if len(json.dumps([*others, properties])) > POLICY_LENGTH:
        raise refuse(
            f"The final policy size is bigger than the limit ({POLICY_LENGTH}).",
            "ServiceLimitExceeded",
        )
    return Outcome(name, {"Id": name})


def function_name(named: str) -> str:
    """The name in a function's name or ARN, without an alias or version."""
    return named.split(":")[6] if named.startswith("arn:") else named.partition(":")[0]


KINDS = {
    FUNCTION: plain(
        own_arn("lambda", "function:"),
        name="FunctionName",
        fixed=("PackageType",),
        needs=("Code", "Role"),
        tags="list",
        check=_check,
    ),
    "AWS::Lambda::EventSourceMapping": Kind(
        _mapping,
        _update_mapping,
        fixed=("EventSourceArn",),
        needs=("FunctionName",),
        tags="list",
    ),
    PERMISSION: Kind(
        _permission,
        fixed=(
            "Action",
            "FunctionName",
            "Principal",
            "PrincipalOrgID",
            "SourceAccount",
            "SourceArn",
        ),
        needs=("Action", "FunctionName", "Principal"),
    ),
}
