"""An API destination: an HTTPS endpoint elsewhere, asked with a request for every event.

The address and the key of the receiver lie in a secret that its owner makes. The template names
the secret; CloudFormation reads it when the connection is made, and again when `SecretVersion` is
changed: EventBridge keeps a copy of its own that no rotation reaches.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
"""

from __future__ import annotations

from typing import Any

from troposphere import Equals, GetAtt, If, Not, Or, Parameter, Ref, Sub, events

from generator import bodies, names, policies, receivers, roles
from generator.model import Detection, Shape, Target
from generator.parts import Part

CONDITION = "ApiDestinationsExist"

NOT_HERE = (
    "ap-east-2",
    "ap-southeast-5",
    "ap-southeast-6",
    "ca-west-1",
    "il-central-1",
    "mx-central-1",
    "us-gov-east-1",
    "us-gov-west-1",
)
"""Regions without API destinations, as of 2026-11: those whose CloudFormation lacks the type.
https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-eventbridge.html"""

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"


def part(target: Target, shape: Shape) -> Part:
    """Connection, API destination and the role with which EventBridge sends to it."""
    title = names.logical(target.name)
    name = names.api_destination(shape.name_prefix, target.name)
    has_endpoint = f"{title}HasEndpoint"
    connection = events.Connection(
        f"{title}Connection",
        Condition=CONDITION,
        Name=name,
        Description=f"How requests of the target {target.name} are authorized.",
        **_authorization(target),
    )
    destination = events.ApiDestination(
        f"{title}Destination",
        Condition=CONDITION,
        Name=name,
        ConnectionArn=GetAtt(connection, "Arn"),
        HttpMethod="POST",
        InvocationEndpoint=If(
            has_endpoint,
            Ref(names.parameter(target.name, "endpoint")),
            _secret(target, "endpoint"),
        ),
        InvocationRateLimitPerSecond=target.options["rate"],
    )
    role = roles.role(
        f"{title}DeliveryRole",
        names.delivery_role(shape.name_prefix, target.name),
        f"Sends requests to the target {target.name}.",
        policies.trust_rules_of_this_account(),
        policies.invoke_api_destination(GetAtt(destination, "Arn")),
        Condition=CONDITION,
    )
    return Part(
        resources=[connection, destination, role],
        parameters=_parameters(target, shape.name_prefix),
        conditions={
            has_endpoint: Not(Equals(Ref(names.parameter(target.name, "endpoint")), "")),
            CONDITION: _exist_here(),
        },
        rules={
            CONDITION: {
                "RuleCondition": {"Fn::Contains": [list(NOT_HERE), {"Ref": "AWS::Region"}]},
                "Assertions": [
                    {
                        "Assert": {"Fn::Equals": [{"Ref": "AWS::Region"}, "elsewhere"]},
                        "AssertDescription": "This Region has no EventBridge API destinations: "
                        "choose another central Region, or send to a queue or topic instead.",
                    }
                ],
            }
        },
    )


def entry(target: Target) -> dict[str, Any]:
    """The rule sends through the API destination, and tries again as long as is asked for."""
    title = names.logical(target.name)
    return {
        "Arn": GetAtt(f"{title}Destination", "Arn"),
        "RoleArn": GetAtt(f"{title}DeliveryRole", "Arn"),
        "RetryPolicy": events.RetryPolicy(
            MaximumEventAgeInSeconds=target.options["retry_for"],
            MaximumRetryAttempts=target.options["retries"],
        ),
    }


def message(target: Target, detection: Detection, shape: Shape) -> dict[str, Any]:
    """The receiver's request body; for any other endpoint the body that was asked for.

    Those find the event's id in a header, too, in the form in which HTTP means such keys.
    https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html#eb-dynamic-path-parameters
    """
    form = target.options["format"]
    if form != "generic":
        return {"InputTransformer": _transformer(target, detection)}
    key = {"Idempotency-Key": receivers.event_id_path(detection)}
    sent = (
        {"InputTransformer": _transformer(target, detection)}
        if target.body == "notice"
        else bodies.transformed(target, detection)
    )
    return {**sent, "HttpParameters": events.HttpParameters(HeaderParameters=key)}


def _transformer(target: Target, detection: Detection) -> events.InputTransformer:
    made = receivers.transformer(target.options["format"], detection, target.options)
    return events.InputTransformer(**made)


def _exist_here() -> Any:
    return Not(Or(*(Equals(Ref("AWS::Region"), region) for region in NOT_HERE)))


def _authorization(target: Target) -> dict[str, Any]:
    """A connection must authorize somehow. A webhook's address is all the authorization it has,
    and PagerDuty wants its key in the body: there the header says nothing.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destination-partners.html
    """
    form, auth = target.options["format"], target.options["auth"]
    no_key = events.ApiKeyAuthParameters(ApiKeyName="X-Trailbus", ApiKeyValue="no key is needed")
    if form == "slack":
        return _connection("API_KEY", ApiKeyAuthParameters=no_key)
    if form == "pagerduty":
        routing_key = events.Parameter(
            Key="routing_key", Value=_secret(target, "routing_key"), IsValueSecret=True
        )
        parameters = events.ConnectionHttpParameters(BodyParameters=[routing_key])
        return _connection(
            "API_KEY", ApiKeyAuthParameters=no_key, InvocationHttpParameters=parameters
        )
    if auth == "basic":
        basic = events.BasicAuthParameters(
            Username=_secret(target, "username"), Password=_secret(target, "password")
        )
        return _connection("BASIC", BasicAuthParameters=basic)
    if auth == "oauth":
        grant = events.Parameter(Key="grant_type", Value="client_credentials", IsValueSecret=False)
        oauth = events.OAuthParameters(
            AuthorizationEndpoint=Ref(names.parameter(target.name, "token_endpoint")),
            ClientParameters=events.ClientParameters(
                ClientID=_secret(target, "client_id"),
                ClientSecret=_secret(target, "client_secret"),
            ),
            HttpMethod="POST",
            OAuthHttpParameters=events.ConnectionHttpParameters(BodyParameters=[grant]),
        )
        return _connection("OAUTH_CLIENT_CREDENTIALS", OAuthParameters=oauth)
    key = events.ApiKeyAuthParameters(
        ApiKeyName=target.options["header"], ApiKeyValue=_secret(target, "api_key")
    )
    return _connection("API_KEY", ApiKeyAuthParameters=key)


def _connection(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"AuthorizationType": kind, "AuthParameters": events.AuthParameters(**parameters)}


def _secret(target: Target, key: str) -> Sub:
    """What stands under a key of the target's secret, read by CloudFormation alone."""
    secret = names.parameter(target.name, "secret")
    version = names.parameter(target.name, "secret_version")
    return Sub(f"{{{{resolve:secretsmanager:${{{secret}}}:SecretString:{key}::${{{version}}}}}}}")


def keys(target: Target) -> tuple[str, ...]:
    """What the secret must hold, beside `endpoint` where no parameter says it."""
    form, auth = target.options["format"], target.options["auth"]
    if form == "slack":
        return ()
    if form == "pagerduty":
        return ("routing_key",)
    both = {"basic": ("username", "password"), "oauth": ("client_id", "client_secret")}
    return both.get(auth, ("api_key",))


def _parameters(target: Target, prefix: str) -> list[Parameter]:
    name, form = target.name, target.options["format"]
    held = " and ".join(f"'{key}'" for key in keys(target)) or "'endpoint'"
    webhook = {"NoEcho": True} if form == "slack" else {}
    parameters = [
        Parameter(
            names.parameter(name, "endpoint"),
            Type="String",
            Default=PAGERDUTY if form == "pagerduty" else "",
            AllowedPattern=r"^$|^https://\S+$",
            ConstraintDescription="must be an https:// address, or empty",
            Description=f"Where '{name}' sends its requests ({form}). Empty: the address is a "
            "secret, and stands in the secret under 'endpoint'.",
            **webhook,
        ),
        Parameter(
            names.parameter(name, "secret"),
            Type="String",
            Default=names.secret(prefix, name),
            AllowedPattern=r"^[A-Za-z0-9/_+=.@-]{1,512}$",
            ConstraintDescription="must be the name of a secret",
            Description=f"The secret in Secrets Manager, of this account and Region, from which "
            f"'{name}' is authorized: JSON with {held}. Make it before this stack.",
        ),
        Parameter(
            names.parameter(name, "secret_version"),
            Type="String",
            Default="",
            AllowedPattern=r"^$|^[A-Za-z0-9-]{32,64}$",
            ConstraintDescription="must be the id of a version, or empty",
            Description=f"Optional: the version of that secret. Change it after a rotation: only "
            f"then does '{name}' learn of the new value.",
        ),
    ]
    if target.options["auth"] == "oauth":
        parameters.append(
            Parameter(
                names.parameter(name, "token_endpoint"),
                Type="String",
                AllowedPattern=r"^https://\S+$",
                ConstraintDescription="must be an https:// address",
                Description=f"Where '{name}' gets its access tokens, by client credentials.",
            )
        )
    return parameters
