"""Which calls a service has, as far as botocore is installed to tell: names that are misspelt.

Records carry further names (of the console, of services' own events), so only what looks like a
call of the service and is none is called a mistake.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache

from generator.cloudtrail import LOGGED_AS, source_of

_MODELS = {
    "airflow": ("mwaa",),
    "aoss": ("opensearchserverless",),
    "apigateway": ("apigateway", "apigatewayv2"),
    "aps": ("amp",),
    "cassandra": ("keyspaces",),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elb", "elbv2"),
    "elasticmapreduce": ("emr",),
    "es": ("es", "opensearch"),
    "monitoring": ("cloudwatch",),
    "rds": ("rds", "docdb", "neptune"),
    "s3": ("s3", "s3control"),
    "servicequotas": ("service-quotas",),
    "ses": ("ses", "sesv2"),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}
"""The models of a service whose records begin with another word than its model is called."""

_VERSION = re.compile(r"(_?20\d\d_?[01]\d_?[0-3]\d)?(v\d)?\Z")
_NEAR = 0.9
"""How like each other two names are of which one is a slip of the pen: a letter, not a word."""


def meant(hosts: tuple[str, ...], name: str) -> str:
    """The call of one of these services that somebody meant who wrote this name.

    Empty when it may well be a name that one of them records.
    """
    found = [_meant(host, name) for host in hosts]
    return found[0] if all(found) else ""


def _meant(host: str, name: str) -> str:
    known = _calls(source_of(host).removeprefix("aws."))
    if not known or name in known or _VERSION.sub("", name, count=1) in known:
        return ""
    if name in {logged for (service, _), logged in LOGGED_AS.items() if service == host}:
        return ""
    for call in known:
        if call.casefold() == name.casefold():
            return call
    near = get_close_matches(name, known, n=1, cutoff=_NEAR)
    return near[0] if near and abs(len(near[0]) - len(name)) <= 1 else ""


@lru_cache(maxsize=64)
def _calls(word: str) -> tuple[str, ...]:
    """The calls of a service; none when nobody can tell."""
    try:
        from botocore.exceptions import DataNotFoundError
        from botocore.loaders import Loader
    except ImportError:
        return ()
    loader = Loader()
    found: set[str] = set()
    for model in _MODELS.get(word, (word,)):
        try:
            found.update(loader.load_service_model(model, "service-2")["operations"])
        except DataNotFoundError:
            return ()
    return tuple(sorted(found))
