"""What several requests have in common: templates, capabilities, tags and pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from generator.model import Json
from generator.simulation.world import ServiceError

from .providers import kind
from .refusals import invalid
from .template import BODY_LIMIT, URL_LIMIT, Template, template

Request = Mapping[str, Any]
Answer = dict[str, Any]
Item = TypeVar("Item")

_HOST = re.compile(
    r"(?:(?P<bucket>[a-z0-9.-]+)\.)?s3[.-](?:dualstack\.)?(?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?"
)


def requested_template(request: Request, previous: str | None = None) -> Template:
    """The template that a request brings, points to, or keeps."""
    given = [key for key in ("TemplateBody", "TemplateURL") if key in request]
    keeps = bool(request.get("UsePreviousTemplate"))
    if len(given) + keeps != 1:
        raise invalid("Either Template URL or Template Body must be specified.")
    if keeps:
        if previous is None:
            raise invalid("There is no previous template to use.")
        return template(previous)
    if given == ["TemplateBody"]:
        body = str(request["TemplateBody"])
        if len(body.encode()) > BODY_LIMIT:
            raise invalid(
                "1 validation error detected: Value at 'templateBody' failed to satisfy "
                f"constraint: Member must have length less than or equal to {BODY_LIMIT}"
            )
    else:
        body = _fetched(str(request["TemplateURL"]))
    found = template(body)
    for declared in found.resources.values():
        kind(declared.type)
    return found


def _fetched(url: str) -> str:
    """A template that lies in a bucket.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
    """
    from moto.s3.models import s3_backends

    parts = urlsplit(url)
    host = _HOST.fullmatch(parts.hostname or "")
    if parts.scheme != "https" or host is None:
        raise invalid("TemplateURL must be a supported URL.")
    path = unquote(parts.path.lstrip("/"))
    bucket, key = (host["bucket"], path) if host["bucket"] else path.split("/", 1)
    home = s3_backends.bucket_accounts.get(bucket)
    if home is None:
        raise invalid("S3 error: The specified bucket does not exist")
    found = s3_backends[home[1]][home[0]].get_object(bucket, key)
    if found is None:
        raise invalid("S3 error: The specified key does not exist.")
    body: bytes = found.value
    if len(body) > URL_LIMIT:
        raise invalid(f"Template may not exceed {URL_LIMIT} bytes in size.")
    return body.decode()


def check_capabilities(found: Template, request: Request) -> list[str]:
    """What was acknowledged; InsufficientCapabilitiesException when the template needs more.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
    """
    given = list(request.get("Capabilities", []))
    needed = found.capabilities
    enough = not needed or "CAPABILITY_NAMED_IAM" in given or needed[0] in given
    if not enough:
        raise ServiceError(
            "InsufficientCapabilitiesException", f"Requires capabilities : [{needed[0]}]"
        )
    return given


def requested_tags(request: Request, previous: dict[str, str] | None = None) -> dict[str, str]:
    """The stack's tags; without any in the request, the ones it has."""
    if "Tags" not in request:
        return dict(previous or {})
    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    if len(tags) != len(request["Tags"]):
        raise invalid("Duplicate tag keys in the request")
    if strange := [key for key in tags if key.lower().startswith("aws:")]:
        raise invalid(f"Tag keys cannot begin with aws: {strange[0]}")
    return tags


def listed_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def page(
    items: Sequence[Item], request: Request, size: int = 100
) -> tuple[Sequence[Item], dict[str, str]]:
    """One page of a list, and the token of the next page if there is one."""
    size = min(int(request.get("MaxResults", size)), size)
    start = first_item(request)
    rest = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return items[start : start + size], rest


def first_item(request: Request) -> int:
    """Where the page that a request asks for begins."""
    token = str(request.get("NextToken", "0"))
    if not token.isdigit():
        raise invalid("The pagination token is not valid")
    return int(token)


def without_nothing(answer: Mapping[str, Json]) -> Answer:
    """An answer without the members that have no value."""
    return {key: value for key, value in answer.items() if value is not None and value != ""}
